/* SPDX-License-Identifier: ISC */
/*
 * Workers that have ended: what of, what they had counted, and when they
 * are started again.
 * Owner: the parent. Threads: one.
 */
#ifndef PROC_REAPER_H
#define PROC_REAPER_H

#include "proc/parent_state.h"

/* All that have ended since the last time. */
void reaper_run(struct parent *p);

#endif
