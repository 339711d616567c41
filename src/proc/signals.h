/* SPDX-License-Identifier: ISC */
/*
 * Signals as flags, and a pipe that wakes: handlers set and write. Those
 * of one kind that have not been seen yet count as one.
 * Owner: the parent process. Threads: the parent has only one.
 */
#ifndef PROC_SIGNALS_H
#define PROC_SIGNALS_H

#include <stdbool.h>

bool signals_open(void);
int signals_fd(void); /* readable when one has come */
int signals_next(void); /* its number, 0 if there is none */

/* Around fork: no handler of the parent's runs in a child. */
void signals_block(void);
void signals_unblock(void);
/* In a worker, before signals_unblock: what ends the parent does not end
 * workers; they finish their work when its pipe closes. */
void signals_reset_in_worker(void);

#endif
