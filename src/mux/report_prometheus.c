/* SPDX-License-Identifier: ISC */
/* The text format of Prometheus. */
#include "mux/report_internal.h"

#include "dns/text.h"

struct sample {
	char name[80]; /* of the metric */
	char label[QUOTED_MAX + 16]; /* 'key="a."', or "" */
};

static void
fill_sample(const struct report *r, struct sample *s)
{
	static const char *const scopes[] = {"", "", "target", "key"};
	static const char *const suffixes[] = {
	    [KIND_COUNTER] = "_total", [KIND_RCODES] = "_total"};
	const struct metric *m = report_metric(r);
	char buf[NAME_TEXT_MAX], quoted[QUOTED_MAX];
	const char *scope = scopes[m->scope], *suffix = NULL;
	struct sbuf out;

	if (m->kind < sizeof(suffixes) / sizeof(suffixes[0]))
		suffix = suffixes[m->kind];
	sbuf_init(&out, s->name, sizeof(s->name));
	sbuf_addf(&out, "ddns_mux_%s%s%s%s", scope, *scope != '\0' ? "_" : "",
	    m->kind == KIND_VERSION ? "build_info" : m->name,
	    suffix != NULL ? suffix : "");
	sbuf_init(&out, s->label, sizeof(s->label));
	if (m->kind == KIND_VERSION) {
		report_quote(r->facts.version, quoted);
		sbuf_addf(&out, "version=\"%s\"", quoted);
	} else if (*scope != '\0') {
		report_quote(report_name(r, buf), quoted);
		sbuf_addf(&out, "%s=\"%s\"", scope, quoted);
	}
}

static void
add_head(struct sbuf *out, const struct report *r, const struct sample *s)
{
	static const char *const types[] = {
	    [KIND_VERSION] = "gauge",
	    [KIND_COUNTER] = "counter",
	    [KIND_GAUGE] = "gauge",
	    [KIND_SIGNED] = "gauge",
	    [KIND_RCODES] = "counter",
	    [KIND_HISTOGRAM] = "histogram",
	};
	const struct metric *m = report_metric(r);

	sbuf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", s->name, m->text,
	    s->name, types[m->kind]);
}

static void
add_histogram(struct sbuf *out, const struct report *r, const struct sample *s)
{
	const char *comma = s->label[0] != '\0' ? "," : "";
	const char *open = s->label[0] != '\0' ? "{" : "";
	const char *close = s->label[0] != '\0' ? "}" : "";
	unsigned i;

	for (i = 0; i < HIST_BUCKETS; i++)
		sbuf_addf(out, "%s_bucket{%s%sle=\"%s\"} %llu\n", s->name,
		    s->label, comma, hist_bound(i),
		    (unsigned long long)report_count_up_to(r, i));
	sbuf_addf(out, "%s_sum%s%s%s ", s->name, open, s->label, close);
	report_add_seconds(out, report_value(r, HIST_BUCKETS));
	sbuf_addf(out, "\n%s_count%s%s%s %llu\n", s->name, open, s->label,
	    close, (unsigned long long)report_count_up_to(r, HIST_BUCKETS - 1));
}

void
report_add_prometheus(struct sbuf *out, const struct report *r)
{
	const struct metric *m = report_metric(r);
	struct sample s;
	unsigned i;

	fill_sample(r, &s);
	if (r->instance == 0)
		add_head(out, r, &s);
	if (m->kind == KIND_HISTOGRAM) {
		add_histogram(out, r, &s);
	} else if (m->kind == KIND_RCODES) {
		for (i = 0; i < STATS_RCODES; i++) {
			if (report_has_rcode(r, i))
				sbuf_addf(out, "%s{%s%srcode=\"%s\"} %llu\n",
				    s.name, s.label,
				    s.label[0] != '\0' ? "," : "",
				    rcode_text(i),
				    (unsigned long long)report_value(r, i));
		}
	} else {
		sbuf_add(out, s.name);
		if (s.label[0] != '\0')
			sbuf_addf(out, "{%s}", s.label);
		sbuf_add(out, " ");
		if (m->kind == KIND_VERSION)
			sbuf_add(out, "1");
		else
			report_add_number(out, r);
		sbuf_add(out, "\n");
	}
}
