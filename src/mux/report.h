/* SPDX-License-Identifier: ISC */
/*
 * Statistics as text for people, as JSON, or as Prometheus has them, a
 * buffer at a time: with many keys the whole is large.
 * Owner: the caller, of all that report_start was given, which may neither
 *   change nor go before the report is at its end.
 * Names in it are of the configuration, never of the wire.
 */
#ifndef MUX_REPORT_H
#define MUX_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "mux/stats.h"

enum report_format { REPORT_TEXT, REPORT_JSON, REPORT_PROMETHEUS };

/* What no worker knows. Times are Unix time. */
struct report_facts {
	const char *version;
	uint64_t start_time_s; /* of the parent */
	uint64_t generation; /* how often a configuration was taken on */
	uint64_t reload_time_s; /* when the last one was */
	uint64_t is_reload_good; /* 0: the last one tried has errors */
	uint64_t workers; /* that run */
	uint64_t restarts; /* of workers, since the start */
};

struct report {
	enum report_format format;
	const struct conf *conf;
	const struct totals *sum;
	const struct totals *base;
	struct report_facts facts;
	size_t metric;
	size_t instance;
	bool has_heading; /* of this instance; text only */
};

/* base is what the counters were when somebody reset the view, or NULL;
 * REPORT_PROMETHEUS shows whole counters all the same. */
void report_start(struct report *r, enum report_format format,
    const struct conf *conf, const struct totals *sum,
    const struct totals *base, const struct report_facts *facts);

/* No buffer may be smaller. */
#define REPORT_OCTETS_MIN 8192

/* Fills buf with the next octets, and a NUL that does not count; 0 at the
 * end. */
size_t report_read(struct report *r, char *buf, size_t cap);

#endif
