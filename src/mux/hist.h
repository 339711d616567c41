/* SPDX-License-Identifier: ISC */
/*
 * Buckets of a latency histogram, the same for all of them: 100 us to 5 s,
 * three for each power of ten. Threads: any.
 */
#ifndef MUX_HIST_H
#define MUX_HIST_H

#include <stdint.h>

#define HIST_BUCKETS 16 /* the last one has no upper bound */

/* The bucket that holds this many microseconds: the first whose bound is
 * not below them. */
unsigned hist_bucket(uint64_t us);
/* Its upper bound in seconds as text, "+Inf" for the last one. */
const char *hist_bound(unsigned bucket);

#endif
