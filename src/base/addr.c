/* SPDX-License-Identifier: ISC */
#include "base/addr.h"

#include <arpa/inet.h>
#include <net/if.h> /* the system's, for if_nametoindex */

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/compat.h"

/* Digits only: strtonum takes blanks and signs, too. */
static bool
parse_number(const char *text, unsigned max, unsigned *out)
{
	const char *errstr;

	if (*text < '0' || *text > '9')
		return false;
	*out = (unsigned)strtonum(text, 0, max, &errstr);
	return errstr == NULL;
}

static bool
parse_port(const char *text, uint16_t *out)
{
	unsigned port;

	if (!parse_number(text, 65535, &port))
		return false;
	*out = (uint16_t)port;
	return true;
}

/* The name of an interface, or its number as addr_text writes it. */
static bool
parse_scope(const char *text, uint32_t *out)
{
	unsigned n = if_nametoindex(text);

	if (n == 0 && !parse_number(text, INT_MAX, &n))
		return false;
	*out = n;
	return n != 0;
}

/* An address alone, an IPv6 one perhaps with %scope. */
static bool
parse_host(const char *text, struct addr *out)
{
	char host[INET6_ADDRSTRLEN];
	const char *scope = strchr(text, '%');
	size_t len = scope != NULL ? (size_t)(scope - text) : strlen(text);

	if (len >= sizeof(host))
		return false;
	memcpy(host, text, len);
	host[len] = '\0';
	memset(out, 0, sizeof(*out));
	if (scope == NULL && inet_pton(AF_INET, host, &out->in.sin_addr) == 1) {
		out->in.sin_family = AF_INET;
		return true;
	}
	if (inet_pton(AF_INET6, host, &out->in6.sin6_addr) != 1)
		return false;
	out->in6.sin6_family = AF_INET6;
	return scope == NULL || parse_scope(scope + 1, &out->in6.sin6_scope_id);
}

bool
addr_parse(const char *text, uint16_t default_port, struct addr *out)
{
	char host[ADDR_TEXT_MAX];
	const char *end, *colon;
	struct addr a;
	uint16_t port = default_port;
	size_t skip = text[0] == '[';

	if (skip) {
		end = strchr(text, ']');
		if (end == NULL || (end[1] != '\0' && end[1] != ':'))
			return false;
		colon = end[1] == ':' ? end + 1 : NULL;
	} else {
		colon = strchr(text, ':');
		end = colon != NULL ? colon : text + strlen(text);
	}
	if ((size_t)(end - text) - skip >= sizeof(host))
		return false;
	memcpy(host, text + skip, (size_t)(end - text) - skip);
	host[(size_t)(end - text) - skip] = '\0';
	if (colon != NULL && !parse_port(colon + 1, &port))
		return false;
	if (colon == NULL && default_port == 0)
		return false;
	if (!parse_host(host, &a) ||
	    (a.sa.sa_family == AF_INET6) != (skip == 1))
		return false;
	addr_set_port(&a, port);
	*out = a;
	return true;
}

bool
prefix_parse(const char *text, struct prefix *out)
{
	char host[ADDR_TEXT_MAX];
	const char *slash = strchr(text, '/');
	size_t len = slash != NULL ? (size_t)(slash - text) : strlen(text);
	struct prefix p;
	unsigned max;

	if (len >= sizeof(host))
		return false;
	memcpy(host, text, len);
	host[len] = '\0';
	if (!parse_host(host, &p.addr))
		return false;
	max = p.addr.sa.sa_family == AF_INET ? 32 : 128;
	p.bits = max;
	if (slash != NULL && !parse_number(slash + 1, max, &p.bits))
		return false;
	*out = p;
	return true;
}

socklen_t
addr_len(const struct addr *a)
{
	return a->sa.sa_family == AF_INET ? sizeof(a->in) : sizeof(a->in6);
}

uint16_t
addr_port(const struct addr *a)
{
	return ntohs(
	    a->sa.sa_family == AF_INET ? a->in.sin_port : a->in6.sin6_port);
}

void
addr_set_port(struct addr *a, uint16_t port)
{
	if (a->sa.sa_family == AF_INET)
		a->in.sin_port = htons(port);
	else
		a->in6.sin6_port = htons(port);
}

static const uint8_t *
host_octets(const struct addr *a, size_t *len)
{
	if (a->sa.sa_family == AF_INET) {
		*len = 4;
		return (const uint8_t *)&a->in.sin_addr;
	}
	*len = 16;
	return (const uint8_t *)&a->in6.sin6_addr;
}

bool
addr_same_host(const struct addr *a, const struct addr *b)
{
	const uint8_t *x, *y;
	size_t xlen, ylen;

	if (a->sa.sa_family != b->sa.sa_family ||
	    (a->sa.sa_family == AF_INET6 &&
		a->in6.sin6_scope_id != b->in6.sin6_scope_id))
		return false;
	x = host_octets(a, &xlen);
	y = host_octets(b, &ylen);
	return memcmp(x, y, xlen) == 0;
}

bool
addr_eq(const struct addr *a, const struct addr *b)
{
	return addr_same_host(a, b) && addr_port(a) == addr_port(b);
}

bool
addr_is_wildcard(const struct addr *a)
{
	if (a->sa.sa_family == AF_INET)
		return a->in.sin_addr.s_addr == htonl(INADDR_ANY);
	return IN6_IS_ADDR_UNSPECIFIED(&a->in6.sin6_addr);
}

void
addr_unmap(struct addr *a)
{
	struct in6_addr six;
	in_port_t port;

	if (a->sa.sa_family != AF_INET6 ||
	    !IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr))
		return;
	six = a->in6.sin6_addr;
	port = a->in6.sin6_port;
	memset(a, 0, sizeof(*a));
	a->in.sin_family = AF_INET;
	a->in.sin_port = port;
	memcpy(&a->in.sin_addr, six.s6_addr + 12, 4);
}

bool
prefix_has(const struct prefix *p, const struct addr *a)
{
	const uint8_t *x, *y;
	size_t xlen, ylen, whole = p->bits / 8;
	unsigned rest = p->bits % 8;

	if (p->addr.sa.sa_family != a->sa.sa_family)
		return false;
	x = host_octets(&p->addr, &xlen);
	y = host_octets(a, &ylen);
	if (memcmp(x, y, whole) != 0)
		return false;
	return rest == 0 || (x[whole] ^ y[whole]) >> (8 - rest) == 0;
}

static const char *
host_text(const struct addr *a, char buf[INET6_ADDRSTRLEN])
{
	size_t len;

	if (a->sa.sa_family != AF_INET && a->sa.sa_family != AF_INET6)
		return "unknown";
	return inet_ntop(
	    a->sa.sa_family, host_octets(a, &len), buf, INET6_ADDRSTRLEN);
}

const char *
addr_text(const struct addr *a, char buf[ADDR_TEXT_MAX])
{
	char host[INET6_ADDRSTRLEN];
	char scope[12] = "";

	if (a->sa.sa_family != AF_INET6) {
		snprintf(buf, ADDR_TEXT_MAX, "%s:%u", host_text(a, host),
		    addr_port(a));
		return buf;
	}
	if (a->in6.sin6_scope_id != 0)
		snprintf(scope, sizeof(scope), "%%%u",
		    (unsigned)a->in6.sin6_scope_id);
	snprintf(buf, ADDR_TEXT_MAX, "[%s%s]:%u", host_text(a, host), scope,
	    addr_port(a));
	return buf;
}

const char *
prefix_text(const struct prefix *p, char buf[ADDR_TEXT_MAX])
{
	char host[INET6_ADDRSTRLEN];

	snprintf(
	    buf, ADDR_TEXT_MAX, "%s/%u", host_text(&p->addr, host), p->bits);
	return buf;
}
