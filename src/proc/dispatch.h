/* SPDX-License-Identifier: ISC */
/*
 * One update's way through a worker: judged, handed out, folded, answered.
 * Threads: the worker's main thread.
 */
#ifndef PROC_DISPATCH_H
#define PROC_DISPATCH_H

#include <stddef.h>

#include "proc/worker.h"

/* len octets have come into w->spare, with its route. false if they are
 * not worth a connection: no DNS message at all. */
bool dispatch_message(struct worker *w, size_t len);

/* Wakes the targets that were handed something; after a batch. */
void dispatch_wake_targets(struct worker *w);

/* Takes in what the targets have brought back. */
void dispatch_results(struct worker *w);

/* Settles what has reached its deadline. */
void dispatch_deadlines(struct worker *w);

/* Microseconds of mono_us when the next one is due, UINT64_MAX if none. */
uint64_t dispatch_next_deadline_us(const struct worker *w);

/* One counted and rate-limited line about a message that was refused. */
void dispatch_refused(struct worker *w, enum counter cause,
    const struct addr *from, const struct inbound *in);

#endif
