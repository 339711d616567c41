/* SPDX-License-Identifier: ISC */
/*
 * The only readers of the clocks.
 * Threads: any. Errors: none; a missing clock is fatal.
 */
#ifndef BASE_MONO_H
#define BASE_MONO_H

#include <stdint.h>
#include <time.h>

/* Monotonic microseconds since some start; never goes back. */
uint64_t mono_us(void);

/* Seconds of Unix time, for TSIG Time Signed and what statistics say. */
uint64_t wall_s(void);

/* Unix time, for log lines and nothing else. */
void wall_stamp(struct timespec *ts);

#endif
