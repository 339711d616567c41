/* SPDX-License-Identifier: ISC */
#include "proc/listen.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/log.h"
#include "net/sock.h"

/*
 * A socket that may share its address is bound beside any other daemon's
 * that may, and takes half of its traffic: so one that may not is bound
 * first, and tells the port where the kernel chooses it.
 */
static bool
probe(struct listener *l)
{
	int fd = sock_listen_udp(&l->addr, false);
	bool is_free = fd != -1 && sock_local(fd, &l->addr) == 0;

	if (fd != -1)
		close(fd);
	return is_free;
}

static bool
open_udp(struct listener *l, size_t workers)
{
	bool is_shared = SO_SPREAD != 0 && workers > 1;

	if (is_shared && !probe(l))
		return false;
	for (l->nfds = 0; l->nfds < (is_shared ? workers : 1); l->nfds++) {
		l->fds[l->nfds] = sock_listen_udp(&l->addr, is_shared);
		if (l->fds[l->nfds] == -1)
			return false;
	}
	return sock_local(l->fds[0], &l->addr) == 0;
}

static bool
open_tcp(struct listener *l)
{
	l->fds[0] = sock_listen_tcp(&l->addr);
	if (l->fds[0] == -1)
		return false;
	l->nfds = 1;
	return sock_local(l->fds[0], &l->addr) == 0;
}

static bool
open_one(
    struct listener *l, const struct addr *addr, bool is_tcp, size_t workers)
{
	char text[ADDR_TEXT_MAX];
	const char *proto = is_tcp ? "tcp" : "udp";

	memset(l, 0, sizeof(*l));
	l->addr = *addr;
	l->is_tcp = is_tcp;
	if (!(is_tcp ? open_tcp(l) : open_udp(l, workers))) {
		log_error("cannot listen on %s %s: %s%s", proto,
		    addr_text(addr, text), strerror(errno),
		    errno == EADDRINUSE ? ": is another daemon running?" : "");
		return false;
	}
	log_note("listening on %s %s", proto, addr_text(&l->addr, text));
	return true;
}

bool
listen_open(const struct conf *conf, struct listener *listeners, size_t *count)
{
	size_t i;

	*count = 0;
	for (i = 0; i < conf->nlisten_udp; i++) {
		if (!open_one(&listeners[*count], &conf->listen_udp[i], false,
			conf->workers))
			return false;
		(*count)++;
	}
	for (i = 0; i < conf->nlisten_tcp; i++) {
		if (!open_one(&listeners[*count], &conf->listen_tcp[i], true,
			conf->workers))
			return false;
		(*count)++;
	}
	return true;
}

int
listen_fd(const struct listener *l, size_t index)
{
	return l->fds[index < l->nfds ? index : 0];
}

bool
listen_is_own(const struct listener *listeners, size_t count,
    const struct addr *from, const struct addr *to)
{
	size_t i;

	for (i = 0; i < count; i++) {
		const struct listener *l = &listeners[i];

		if (l->is_tcp || addr_port(&l->addr) != addr_port(from))
			continue;
		if (addr_same_host(&l->addr, from) ||
		    (addr_is_wildcard(&l->addr) && addr_same_host(to, from)))
			return true;
	}
	return false;
}
