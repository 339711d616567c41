/* SPDX-License-Identifier: ISC */
/*
 * Detaching: whoever started us waits until the daemon is ready, and
 * learns by its exit status whether it is.
 */
#ifndef PROC_DAEMON_H
#define PROC_DAEMON_H

/* Forks. Returns in the child with a descriptor for daemon_ready, or -1
 * after a log line. The caller's process stays until the child is ready
 * (exit 0) or gone (exit 1). */
int daemon_detach(void);
/* Lets the starting process go, with exit 0. */
void daemon_ready(int fd);
/* Standard input, output and error are /dev/null from now on. */
void daemon_leave_terminal(void);

#endif
