/* SPDX-License-Identifier: ISC */
#include "mux/report_internal.h"

#include "dns/text.h"

/* An object for each scope, in those of targets and keys one for each. */
static void
open_row(struct sbuf *out, const struct report *r)
{
	static const char *const scopes[] = {
	    "daemon", "total", "targets", "keys"};
	char buf[NAME_TEXT_MAX], quoted[QUOTED_MAX];
	enum scope scope = report_metric(r)->scope;

	if (r->instance == 0)
		sbuf_addf(out, "%s\n\"%s\": {", r->metric == 0 ? "{" : ",",
		    scopes[scope]);
	if (scope < SCOPE_TARGET)
		return;
	report_quote(report_name(r, buf), quoted);
	sbuf_addf(out, "%s\n\"%s\": {", r->instance > 0 ? "," : "", quoted);
}

static void
close_row(struct sbuf *out, const struct report *r)
{
	sbuf_add(out, "}");
	if (report_metric(r)->scope >= SCOPE_TARGET &&
	    r->instance + 1 == report_instances(r))
		sbuf_add(out, "}");
}

static void
add_json_histogram(struct sbuf *out, const struct report *r)
{
	unsigned i;

	sbuf_addf(out, "{\"count\": %llu, \"sum\": ",
	    (unsigned long long)report_count_up_to(r, HIST_BUCKETS - 1));
	report_add_seconds(out, report_value(r, HIST_BUCKETS));
	sbuf_add(out, ", \"buckets\": {");
	for (i = 0; i < HIST_BUCKETS; i++)
		sbuf_addf(out, "%s\"%s\": %llu", i > 0 ? ", " : "",
		    hist_bound(i),
		    (unsigned long long)report_count_up_to(r, i));
	sbuf_add(out, "}}");
}

static void
add_json_rcodes(struct sbuf *out, const struct report *r)
{
	const char *before = "{";
	unsigned i;

	for (i = 0; i < STATS_RCODES; i++) {
		if (!report_has_rcode(r, i))
			continue;
		sbuf_addf(out, "%s\"%s\": %llu", before, rcode_text(i),
		    (unsigned long long)report_value(r, i));
		before = ", ";
	}
	sbuf_add(out, "}");
}

void
report_add_json(struct sbuf *out, const struct report *r)
{
	const struct metric *m = report_metric(r);
	char quoted[QUOTED_MAX];

	if (report_is_first_of_row(r))
		open_row(out, r);
	else
		sbuf_add(out, ", ");
	sbuf_addf(out, "\"%s\": ", m->name);
	if (m->kind == KIND_VERSION) {
		report_quote(r->facts.version, quoted);
		sbuf_addf(out, "\"%s\"", quoted);
	} else if (m->kind == KIND_RCODES) {
		add_json_rcodes(out, r);
	} else if (m->kind == KIND_HISTOGRAM) {
		add_json_histogram(out, r);
	} else {
		report_add_number(out, r);
	}
	if (report_is_last_of_row(r))
		close_row(out, r);
}
