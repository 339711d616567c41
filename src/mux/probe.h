/* SPDX-License-Identifier: ISC */
/*
 * Probes: messages that change nothing at a target, and what their answers
 * mean, in words for operators.
 * Owner: values; a struct probe is lent to an exchange, and does not move
 *   while it is. Threads: any.
 * Errors: a frame that does not decode is hostile or broken.
 * RFC 1035 4.1, RFC 2136 2.4.4.
 */
#ifndef MUX_PROBE_H
#define MUX_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mux/collect.h"
#include "mux/forward.h"
#include "mux/inbound.h"
#include "mux/stats.h"

enum probe_kind {
	PROBE_QUERY, /* the zone's SOA */
	PROBE_UPDATE, /* "the zone's apex is in use", and no update */
	PROBE_STEPS
};

/* The longest: a zone, and a record without RDATA. */
#define PROBE_OCTETS_MAX (DNS_HEADER_OCTETS + NAME_OCTETS_MAX + 4 + 12)

struct probe {
	struct inbound in; /* points into octets */
	uint8_t octets[PROBE_OCTETS_MAX];
};

/* It is never sent twice. */
void probe_build(
    struct probe *p, enum probe_kind kind, const struct name *zone);

/* What the parent has a worker do. */
struct probe_order {
	uint32_t id;
	uint32_t target;
	struct name zone; /* len 0: one that the target is known for */
};

/* What became of one message. */
struct probe_step {
	bool is_done; /* it was tried */
	bool is_heard; /* something came; rcode and error are set */
	bool is_authentic;
	bool has_records; /* in the answer section */
	bool has_clock; /* authentic; offset_s is set */
	uint8_t rcode;
	uint16_t error; /* of its TSIG */
	uint16_t cause; /* enum target_counter, of a failure; 0: none */
	uint32_t ms;
	int64_t offset_s; /* what the target's clock is ahead of ours */
};

struct probe_result {
	uint32_t id;
	uint32_t target;
	struct probe_step steps[PROBE_STEPS];
};

/* An exchange of a probe is over; heard is the last that came, or NULL. */
void probe_fill(struct probe_step *step, const struct outcome *outcome,
    const struct answer *heard, int64_t offset_s);
/* Is it of no use to go on? */
bool probe_is_hopeless(const struct probe_step *step);

void probe_encode(const struct probe_result *r, struct stats_frame *f);
bool probe_decode(
    const struct stats_frame *f, size_t ntargets, struct probe_result *r);

#define PROBE_VERDICT_MAX 200

bool probe_is_good(const struct probe_result *r);
/* In words; buf is for those that have numbers in them. */
const char *probe_verdict(
    const struct probe_result *r, char buf[PROBE_VERDICT_MAX]);

#endif
