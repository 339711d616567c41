/* SPDX-License-Identifier: ISC */
/* The inside of a report: report*.c only. */
#ifndef MUX_REPORT_INTERNAL_H
#define MUX_REPORT_INTERNAL_H

#include "base/sbuf.h"
#include "mux/report.h"

/* What one metric of one instance takes at the most. */
#define PIECE_OCTETS_MAX (REPORT_OCTETS_MIN / 2)
#define QUOTED_MAX (2 * NAME_TEXT_MAX)

/* In the order of the table; there is one fact of each, and one total. */
enum scope { SCOPE_FACT, SCOPE_MUX, SCOPE_TARGET, SCOPE_KEY };

enum kind {
	KIND_VERSION,
	KIND_COUNTER,
	KIND_GAUGE,
	KIND_SIGNED, /* a gauge */
	KIND_RCODES, /* counters */
	KIND_HISTOGRAM
};

struct metric {
	enum scope scope;
	enum kind kind;
	size_t offset; /* of its first value in the row of its scope */
	const char *name;
	const char *text;
};

const struct metric *report_metric(const struct report *r);
size_t report_instances(const struct report *r); /* of its scope */
/* A row is all that one instance has. */
bool report_is_first_of_row(const struct report *r);
bool report_is_last_of_row(const struct report *r);
/* The current metric's i-th value, as it is to be shown. */
uint64_t report_value(const struct report *r, size_t i);
/* Of a histogram, those of this bucket and of all below. */
uint64_t report_count_up_to(const struct report *r, unsigned bucket);
/* Is it one that anybody could give, or was it given? */
bool report_has_rcode(const struct report *r, unsigned rcode);
/* Of the target or the key. */
const char *report_name(const struct report *r, char buf[NAME_TEXT_MAX]);
/* For the quotes of JSON and of Prometheus. No name has octets that are
 * not printable (see name_text): "?" would stand for them. */
void report_quote(const char *text, char out[QUOTED_MAX]);
void report_add_number(struct sbuf *out, const struct report *r);
void report_add_seconds(struct sbuf *out, uint64_t us);

void report_add_json(struct sbuf *out, const struct report *r);
void report_add_prometheus(struct sbuf *out, const struct report *r);

#endif
