/* SPDX-License-Identifier: ISC */
/*
 * What all workers of all generations have counted, those that are gone
 * included, by the names of the current configuration.
 * Owner: the parent. Threads: one. Errors: NULL without memory, which loses
 *   nothing that was counted.
 */
#ifndef PROC_TALLY_H
#define PROC_TALLY_H

#include "mux/report.h"
#include "proc/parent_state.h"

/* To be freed. NULL, too, while nothing serves. */
struct totals *tally_sum(const struct parent *p);
/* While there is a current generation. */
struct report_facts tally_facts(const struct parent *p);

/* g is about to be the current one. Without memory a view that begins
 * later than the daemon is given up. */
void tally_take_over(struct parent *p, const struct generation *g);
/* g is about to go. */
void tally_retire(struct parent *p, const struct generation *g);

void tally_log(const struct parent *p);
void tally_write_file(struct parent *p, uint64_t now_us);
/* What is due by time; when is the next time? */
uint64_t tally_tick(struct parent *p);

#endif
