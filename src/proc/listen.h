/* SPDX-License-Identifier: ISC */
/*
 * The listening sockets, bound by the parent, inherited by workers and
 * their successors.
 * Owner: the parent. Threads: none exist yet.
 * Errors: false after a line in the log.
 */
#ifndef PROC_LISTEN_H
#define PROC_LISTEN_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/conf.h"

#define LISTENERS_MAX (2 * CONF_LISTEN_MAX)

struct listener {
	struct addr wanted; /* as configured */
	struct addr addr; /* with the port that the kernel chose for 0 */
	bool is_tcp;
	size_t nfds; /* one per worker when it was bound, or one for all */
	int fds[CONF_WORKERS_MAX];
};

struct listen_set {
	size_t count;
	struct listener listeners[LISTENERS_MAX];
};

/* What the configuration asks for; what old (or NULL) has already is
 * taken from there, with what its sockets hold. Nothing new stays open if
 * it fails. */
bool listen_open(const struct conf *conf, const struct listen_set *old,
    struct listen_set *set);
/* One more socket, of a former program; closed if it is no listener. */
void listen_adopt(struct listen_set *set, int fd);
/* Closes the sockets that are not in the other set (or NULL), too. */
void listen_close(struct listen_set *set, const struct listen_set *but);
/* The sockets that worker index of so many receives on; how many. Every
 * socket is somebody's, whatever the number of workers was and is. */
size_t listen_share(const struct listener *l, size_t index, size_t workers,
    int fds[CONF_WORKERS_MAX]);
/* Is this address one of ours? to: where its datagram came to. */
bool listen_is_own(const struct listen_set *set, const struct addr *from,
    const struct addr *to);

#endif
