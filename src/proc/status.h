/* SPDX-License-Identifier: ISC */
/*
 * The state of the daemon on one screen, for people and as JSON.
 * Owner: the caller frees what is returned. Threads: the parent's one.
 * Errors: NULL without memory.
 */
#ifndef PROC_STATUS_H
#define PROC_STATUS_H

#include "proc/parent_state.h"

/* In the order of how bad they are, and as exit statuses. */
enum health {
	HEALTH_GOOD = 0,
	HEALTH_DEGRADED = 1, /* a target or a worker is missing */
	HEALTH_DOWN = 2 /* no worker serves, or too few targets can confirm */
};

enum health status_health(const struct parent *p, const struct totals *sum);
char *status_text(
    const struct parent *p, const struct totals *sum, bool is_json);
/* The targets alone, with more of each. */
char *status_targets(
    const struct parent *p, const struct totals *sum, bool is_json);

#endif
