/* SPDX-License-Identifier: ISC */
#include "base/mono.h"

#include <stdlib.h>

uint64_t
mono_us(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) == -1)
		abort();
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

void
wall_stamp(struct timespec *ts)
{
	if (clock_gettime(CLOCK_REALTIME, ts) == -1)
		abort();
}

uint64_t
wall_s(void)
{
	struct timespec ts;

	wall_stamp(&ts);
	return ts.tv_sec < 0 ? 0 : (uint64_t)ts.tv_sec;
}
