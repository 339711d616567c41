/* SPDX-License-Identifier: ISC */
/*
 * For test_whole.c: I6, the work for a message is bounded by its length.
 * Every loop over octets calls a function for each of them, so the calls
 * in src/dns and src/mux are the work: the program is linked with a build
 * of them that counts (-finstrument-functions).
 */
#ifndef UNIT_WHOLE_WORK_H
#define UNIT_WHOLE_WORK_H

#include "whole_tsig.h"

#define WORK_FIXED 1000
#define WORK_PER_OCTET 10

static uint64_t work;
static struct {
	uint64_t began;
	uint64_t most; /* in thousandths of what is allowed */
} work_seen;

void __cyg_profile_func_enter(void *function, void *site);
void __cyg_profile_func_exit(void *function, void *site);

void
__cyg_profile_func_enter(void *function, void *site)
{
	(void)function;
	(void)site;
	work++;
}

void
__cyg_profile_func_exit(void *function, void *site)
{
	(void)function;
	(void)site;
}

static inline void
work_begin(void)
{
	work_seen.began = work;
}

static inline void
work_end(size_t len)
{
	uint64_t done = work - work_seen.began;
	uint64_t allowed = WORK_FIXED + WORK_PER_OCTET * (uint64_t)len;

	must(done > 0 && done <= allowed);
	if (done * 1000 / allowed > work_seen.most)
		work_seen.most = done * 1000 / allowed;
}

#endif
