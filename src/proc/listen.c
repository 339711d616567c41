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
	size_t n = is_shared ? workers : 1;

	if (is_shared && !probe(l))
		return false;
	while (l->nfds < n) {
		int fd = sock_listen_udp(&l->addr, is_shared);

		if (fd == -1)
			return false;
		l->fds[l->nfds++] = fd;
	}
	return sock_local(l->fds[0], &l->addr) == 0;
}

static bool
open_tcp(struct listener *l)
{
	int fd = sock_listen_tcp(&l->addr);

	if (fd == -1)
		return false;
	l->fds[l->nfds++] = fd;
	return sock_local(fd, &l->addr) == 0;
}

static const char *
advice(int error)
{
	if (error == EADDRINUSE)
		return ": is another daemon running?";
	/* Root was given up after the first listeners were bound. */
	return error == EACCES ? ": a privileged port takes a start as root"
			       : "";
}

static bool
open_one(
    struct listener *l, const struct addr *addr, bool is_tcp, size_t workers)
{
	char text[ADDR_TEXT_MAX];
	const char *proto = is_tcp ? "tcp" : "udp";

	memset(l, 0, sizeof(*l));
	l->wanted = l->addr = *addr;
	l->is_tcp = is_tcp;
	if (!(is_tcp ? open_tcp(l) : open_udp(l, workers))) {
		log_error("cannot listen on %s %s: %s%s", proto,
		    addr_text(addr, text), strerror(errno), advice(errno));
		while (l->nfds > 0)
			close(l->fds[--l->nfds]);
		return false;
	}
	log_note("listening on %s %s", proto, addr_text(&l->addr, text));
	return true;
}

/* nth: of those that want the same, which only port 0 can do twice. */
static const struct listener *
find(const struct listen_set *set, const struct addr *wanted, bool is_tcp,
    size_t nth)
{
	size_t i;

	for (i = 0; set != NULL && i < set->count; i++) {
		const struct listener *l = &set->listeners[i];

		if (l->is_tcp == is_tcp && addr_eq(&l->wanted, wanted) &&
		    nth-- == 0)
			return l;
	}
	return NULL;
}

static size_t
count_same(const struct listen_set *set, const struct addr *wanted, bool is_tcp)
{
	size_t n = 0;

	while (find(set, wanted, is_tcp, n) != NULL)
		n++;
	return n;
}

static bool
add(struct listen_set *set, const struct listen_set *old,
    const struct addr *addr, bool is_tcp, size_t workers)
{
	const struct listener *l =
	    find(old, addr, is_tcp, count_same(set, addr, is_tcp));

	if (l != NULL)
		set->listeners[set->count] = *l;
	else if (!open_one(&set->listeners[set->count], addr, is_tcp, workers))
		return false;
	set->count++;
	return true;
}

bool
listen_open(const struct conf *conf, const struct listen_set *old,
    struct listen_set *set)
{
	bool is_open = true;
	size_t i;

	set->count = 0;
	for (i = 0; i < conf->nlisten_udp && is_open; i++)
		is_open =
		    add(set, old, &conf->listen_udp[i], false, conf->workers);
	for (i = 0; i < conf->nlisten_tcp && is_open; i++)
		is_open =
		    add(set, old, &conf->listen_tcp[i], true, conf->workers);
	if (!is_open)
		listen_close(set, old);
	return is_open;
}

/* Its place, made if need be; NULL if there is no room. */
static struct listener *
place_for(struct listen_set *set, const struct addr *addr, bool is_tcp)
{
	struct listener *l = set->listeners, *end = l + set->count;

	while (l < end && (l->is_tcp != is_tcp || !addr_eq(&l->addr, addr)))
		l++;
	if (l == end && set->count < LISTENERS_MAX) {
		*l = (struct listener){
		    .wanted = *addr, .addr = *addr, .is_tcp = is_tcp};
		set->count++;
	} else if (l == end || l->nfds == CONF_WORKERS_MAX) {
		return NULL;
	}
	return l;
}

void
listen_adopt(struct listen_set *set, int fd)
{
	struct listener *l = NULL;
	struct addr addr;
	bool is_tcp;

	if (sock_set_flags(fd) == -1)
		return;
	if (sock_is_listener(fd, &is_tcp) && sock_local(fd, &addr) == 0)
		l = place_for(set, &addr, is_tcp);
	if (l == NULL)
		close(fd);
	else
		l->fds[l->nfds++] = fd;
}

static bool
has_fd(const struct listen_set *set, int fd)
{
	size_t i, k;

	for (i = 0; set != NULL && i < set->count; i++) {
		for (k = 0; k < set->listeners[i].nfds; k++) {
			if (set->listeners[i].fds[k] == fd)
				return true;
		}
	}
	return false;
}

void
listen_close(struct listen_set *set, const struct listen_set *but)
{
	size_t i, k;

	for (i = 0; i < set->count; i++) {
		for (k = 0; k < set->listeners[i].nfds; k++) {
			if (!has_fd(but, set->listeners[i].fds[k]))
				close(set->listeners[i].fds[k]);
		}
	}
	set->count = 0;
}

size_t
listen_share(const struct listener *l, size_t index, size_t workers,
    int fds[CONF_WORKERS_MAX])
{
	size_t n = 0, k;

	if (workers > l->nfds) {
		fds[n++] = l->fds[index % l->nfds];
		return n;
	}
	for (k = index; k < l->nfds; k += workers)
		fds[n++] = l->fds[k];
	return n;
}

bool
listen_is_own(const struct listen_set *set, const struct addr *from,
    const struct addr *to)
{
	size_t i;

	for (i = 0; i < set->count; i++) {
		const struct listener *l = &set->listeners[i];

		if (l->is_tcp || addr_port(&l->addr) != addr_port(from))
			continue;
		if (addr_same_host(&l->addr, from) ||
		    (addr_is_wildcard(&l->addr) && addr_same_host(to, from)))
			return true;
	}
	return false;
}
