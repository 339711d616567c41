/* SPDX-License-Identifier: ISC */
/*
 * The sum of all workers' counters, those of dead ones included.
 * Owner: the parent. Workers' frames are hostile input.
 */
#ifndef PROC_TOTALS_H
#define PROC_TOTALS_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"
#include "mux/stats.h"

#define TOTALS_BLOCKS (1 + CONF_TARGETS_MAX)

struct totals {
	uint64_t values[TOTALS_BLOCKS][STATS_VALUES_MAX];
};

/* The latest snapshot of one worker; false if the frame can't be one. */
bool totals_take(struct totals *worker, const struct conf *conf,
    const struct stats_frame *f);
/* A dead worker's last values go to the base, and start anew at 0. */
void totals_retire(struct totals *base, struct totals *worker);
void totals_add(struct totals *sum, const struct totals *more);
/* What is not 0, to the log. */
void totals_log(const struct totals *sum, const struct conf *conf);

#endif
