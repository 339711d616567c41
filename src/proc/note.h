/* SPDX-License-Identifier: ISC */
/*
 * Whose message a worker is at, in memory that outlives it: should it die
 * of that message, the parent can name the sender.
 * Owner: the parent maps it before the fork, and unmaps it after the end.
 * Threads: the worker's main thread writes; the parent reads when the
 *   worker is gone, and takes what it finds as hostile.
 */
#ifndef PROC_NOTE_H
#define PROC_NOTE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/addr.h"

struct note {
	atomic_bool is_set;
	bool is_tcp;
	struct addr peer;
};

/* Zeroed; NULL without memory. */
struct note *note_new(void);
void note_free(struct note *n);
void note_begin(struct note *n, const struct addr *peer, bool is_tcp);
void note_end(struct note *n);
/* Was it at somebody's message? */
bool note_read(const struct note *n, struct addr *peer, bool *is_tcp);

#endif
