/* SPDX-License-Identifier: ISC */
/*
 * Is a target worth asking? After failures in a row that say something of
 * the target it counts as down, and is only probed, with back-off, until
 * it gives an authentic answer. A state machine; time is an argument.
 * Owner and thread: the target's.
 */
#ifndef MUX_HEALTH_H
#define MUX_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "mux/collect.h"
#include "mux/stats.h"

/* Failures are of one moment, and count once, if they were begun or found
 * within this time: a lost burst, or all that was open while the machine
 * slept, is no outage. */
#define HEALTH_MOMENT_US 100000
/* So long after an authentic answer, one that is not says nothing of the
 * target as a whole: Knot does not sign what it says of a zone that it does
 * not serve. */
#define HEALTH_TRUST_US 60000000
/* The first probe, and the longest time between two. */
#define HEALTH_PROBE_US 1000000
#define HEALTH_PROBE_MAX_US 30000000

struct health {
	unsigned failures_max; /* of these in a row it is down; 0: never */
	unsigned failures; /* that counted, since the last answer */
	uint64_t begun_us; /* the last one that counted */
	uint64_t found_us;
	bool has_answered;
	uint64_t answer_us; /* the last authentic answer */
	bool is_down;
	enum target_counter cause; /* of the last failure */
	unsigned probes; /* since it is down */
	uint64_t probe_us; /* when the next one is due */
};

enum health_change { HEALTH_SAME, HEALTH_WENT_DOWN, HEALTH_CAME_UP };

enum health_sign {
	HEALTH_SILENT, /* says nothing of the target */
	HEALTH_ALIVE, /* an authentic answer, whatever it says */
	HEALTH_FAILING
};

enum health_sign health_sign(const struct outcome *o);

void health_init(struct health *h, unsigned failures_max);

/* The outcome of a copy, or of a probe, that was begun at begun_us. */
enum health_change health_outcome(struct health *h, const struct outcome *o,
    uint64_t begun_us, uint64_t now_us);

/* When a probe is due; UINT64_MAX while it is up. */
uint64_t health_probe_us(const struct health *h);
/* It is sent; returns when it is to be given up for the next one. */
uint64_t health_probe_sent(struct health *h, uint64_t now_us);

#endif
