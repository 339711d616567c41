/* SPDX-License-Identifier: ISC */
/*
 * Folds the outcomes of all targets into the one answer. No clock, no
 * I/O; the order in which outcomes came makes no difference.
 * Threads: any.
 */
#ifndef MUX_COLLECT_H
#define MUX_COLLECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dns/dns.h"
#include "mux/plan.h"

enum outcome_class {
	OUTCOME_OPEN, /* nothing yet */
	OUTCOME_APPLIED, /* verified NOERROR */
	OUTCOME_VERDICT, /* verified answer to the prerequisites */
	OUTCOME_REFUSED, /* any other verified RCODE */
	OUTCOME_FAILED /* no verified answer */
};

struct outcome {
	uint8_t class; /* enum outcome_class */
	uint8_t rcode; /* with APPLIED, VERDICT, REFUSED */
	uint16_t cause; /* enum target_counter */
	uint32_t ms; /* since the target was handed the update */
};

struct ballot {
	const struct outcome *outcomes; /* in configuration order */
	size_t count;
	enum update_kind kind;
	size_t need; /* how many have to confirm: 1 .. count */
	bool is_servfail_unconfirmed;
};

enum collect_result {
	COLLECT_UNDECIDED, /* an open outcome could still change it */
	COLLECT_ANSWER, /* with rcode */
	COLLECT_SILENT /* not confirmed: the client shall ask again */
};

/* Class of a verified RCODE; codes nobody knows are OUTCOME_FAILED. */
enum outcome_class collect_class(unsigned rcode, enum update_kind kind);

/* The answer, if no outcome still open could change it. */
enum collect_result collect_early(const struct ballot *b, enum rcode *rcode);

/* The answer with what is open counted as failed. */
enum collect_result collect_final(const struct ballot *b, enum rcode *rcode);

/* Do the targets that answered disagree? */
bool collect_is_divergent(const struct ballot *b);

#endif
