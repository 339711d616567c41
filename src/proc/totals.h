/* SPDX-License-Identifier: ISC */
/*
 * The sum of all workers' counters, those of dead ones included, for the
 * keys and targets of one configuration.
 * Owner: the parent. Workers' frames are hostile input.
 * Errors: NULL without memory, at start-up and reload only.
 */
#ifndef PROC_TOTALS_H
#define PROC_TOTALS_H

#include <stdbool.h>

#include "conf/conf.h"
#include "mux/stats.h"

/* All of them 0. */
struct totals *totals_new(const struct conf *conf);
void totals_free(struct totals *t);
void totals_clear(struct totals *t);

/* The latest snapshot of one worker; false if the frame can't be one. */
bool totals_take(struct totals *worker, const struct stats_frame *f);
/* A dead worker's last values go to the base, but for its gauges, and start
 * anew at 0. */
void totals_retire(struct totals *base, struct totals *worker);
/* Both of the same configuration. */
void totals_add(struct totals *sum, const struct totals *more);
/* The same across a reload: targets and keys are found by their names;
 * what the other configuration does not have is left out. */
void totals_carry(struct totals *to, const struct conf *to_conf,
    const struct totals *from, const struct conf *from_conf);
/* What is not 0, to the log. */
void totals_log(const struct totals *sum, const struct conf *conf);

#endif
