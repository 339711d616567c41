/* SPDX-License-Identifier: ISC */
/*
 * What the log says of messages and updates. Names from the wire are
 * escaped; nothing secret is in any line.
 * Threads: the worker's main thread.
 */
#ifndef PROC_RECORD_H
#define PROC_RECORD_H

#include "proc/worker.h"

/* Rate-limited by cause. */
void record_refusal(struct worker *w, enum counter cause,
    const struct addr *from, const struct inbound *in);

/* A line at level info; a warning, counted, if targets may not be equal
 * now. */
void record_update(struct worker *w, const struct slot *s);

#endif
