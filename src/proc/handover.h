/* SPDX-License-Identifier: ISC */
/*
 * Listening sockets that outlive their program, so that nothing is lost that
 * waits in them while it is replaced. A new daemon has them from the service
 * manager, who kept them (notify_keep), or from the one that runs, over its
 * control socket:
 *
 *	new: "hand-over"    old: the sockets, and goes on
 *	new: has become ready, says so    old: gives up pid file and control
 *	socket, closes the connection, finishes what it has and ends
 *
 * The two may be of different versions: what they say has to stay.
 * Owner: the parent. Threads: one.
 */
#ifndef PROC_HANDOVER_H
#define PROC_HANDOVER_H

#include "proc/listen.h"

#define HANDOVER_REQUEST "hand-over"

struct handover {
	struct listen_set listen; /* what was handed over */
	int peer_fd; /* to the daemon that runs, or -1 */
	int control_fd; /* its control socket, or -1 */
};

void handover_init(struct handover *h);
/* From the manager, if this is who it gave them to. */
void handover_from_manager(struct handover *h);
/* From the daemon whose control socket that is; false after a line in the
 * log, and it does as if nobody had asked. */
bool handover_ask(struct handover *h, const char *path);
/* It is to let go; false after a line in the log if it can't be told, and so
 * will not. */
bool handover_go(struct handover *h);
/* It has; false if it has not for 5 s, after a line in the log. */
bool handover_wait(struct handover *h);
/* What was handed over and is not wanted is closed. */
void handover_forget(struct handover *h, const struct listen_set *wanted);

/* The other side, to who asks for it. */
bool handover_give(
    int peer_fd, const struct listen_set *listen, int control_fd);

#endif
