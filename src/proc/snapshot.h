/* SPDX-License-Identifier: ISC */
/*
 * A worker's counters on their way to the parent: cumulative values, block
 * by block, of the keys only those that have changed. What finds the pipe
 * full is sent a little later.
 * Threads: the worker's main thread.
 */
#ifndef PROC_SNAPSHOT_H
#define PROC_SNAPSHOT_H

#include "proc/worker.h"

bool snapshot_init(struct worker *w);
void snapshot_free(struct worker *w);
/* Counts for the key that in has named, if we know it. */
void snapshot_count_key(
    struct worker *w, const struct inbound *in, enum key_counter k);
/* As much as the pipe takes; w->next_stats_us says when to call again. */
void snapshot_send(struct worker *w);
/* All of it for the last time, waiting for the parent for a moment. */
void snapshot_finish(struct worker *w);

#endif
