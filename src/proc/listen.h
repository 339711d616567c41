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

struct listener {
	struct addr addr; /* with the port that the kernel chose for 0 */
	bool is_tcp;
	size_t nfds; /* one per worker, or one for all */
	int fds[CONF_WORKERS_MAX];
};

/* Into listeners[], which has room for all of conf's; *count of them. */
bool listen_open(
    const struct conf *conf, struct listener *listeners, size_t *count);
/* The socket that worker index receives on. */
int listen_fd(const struct listener *l, size_t index);
/* Is this address one of ours? to: where its datagram came to. */
bool listen_is_own(const struct listener *listeners, size_t count,
    const struct addr *from, const struct addr *to);

#endif
