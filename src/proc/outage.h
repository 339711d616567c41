/* SPDX-License-Identifier: ISC */
/*
 * Which workers of a generation take a target for down, in memory that they
 * share, so that the log has one line when it goes and one when it is back,
 * however many find that out for themselves.
 * Owner: the parent maps one for each target before the first fork.
 * Threads: the target's, in each worker; the parent's, of dead workers.
 */
#ifndef PROC_OUTAGE_H
#define PROC_OUTAGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct outage {
	_Atomic uint64_t workers; /* a bit for each */
	_Atomic uint64_t since_us;
	_Atomic uint64_t missed; /* updates, of workers that had it down */
};

/* Zeroed, one for each target; NULL without memory. */
struct outage *outage_new(size_t ntargets);
void outage_free(struct outage *o, size_t ntargets);

/* Is this worker the first one? */
bool outage_begin(struct outage *o, size_t worker, uint64_t now_us);
/* It missed so many; is it the last one? Then since_us and missed are the
 * whole outage's. */
bool outage_end(struct outage *o, size_t worker, uint64_t missed);
/* A worker has ended, whatever it thought of the targets. */
void outage_forget(struct outage *o, size_t ntargets, size_t worker);

#endif
