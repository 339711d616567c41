/* SPDX-License-Identifier: ISC */
/*
 * IPv4 and IPv6 socket addresses and prefixes as values.
 * Threads: any. Errors: false, nothing written.
 */
#ifndef BASE_ADDR_H
#define BASE_ADDR_H

#include <sys/socket.h>
#include <netinet/in.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ADDR_TEXT_MAX 64 /* "[" + IPv6 + "%" + scope + "]:65535" */

/* AF_INET or AF_INET6 in sa.sa_family; AF_UNSPEC when zeroed. */
struct addr {
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	};
};

struct prefix {
	struct addr addr;
	unsigned bits;
};

/* "192.0.2.1:53", "[2001:db8::1]:53"; without a port only if
 * default_port is not 0. */
bool addr_parse(const char *text, uint16_t default_port, struct addr *out);
/* "192.0.2.0/24", "2001:db8::/32", "::1" (a single address). */
bool prefix_parse(const char *text, struct prefix *out);

socklen_t addr_len(const struct addr *a);
uint16_t addr_port(const struct addr *a); /* host order */
void addr_set_port(struct addr *a, uint16_t port);
bool addr_eq(const struct addr *a, const struct addr *b); /* with port */
bool addr_same_host(const struct addr *a, const struct addr *b);
bool addr_is_wildcard(const struct addr *a);
/* ::ffff:a.b.c.d becomes AF_INET, so that one rule matches both. */
void addr_unmap(struct addr *a);
bool prefix_has(const struct prefix *p, const struct addr *a);

/* Written as addr_parse reads it; returns buf. */
const char *addr_text(const struct addr *a, char buf[ADDR_TEXT_MAX]);
const char *prefix_text(const struct prefix *p, char buf[ADDR_TEXT_MAX]);

#endif
