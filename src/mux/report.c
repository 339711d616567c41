/* SPDX-License-Identifier: ISC */
#include "mux/report_internal.h"

#include <stdio.h>
#include <string.h>

#include "dns/text.h"

#define AT(type, array, i) (offsetof(struct type, array) + (i)*8)
#define FACT(kind, field, name, text) \
	{ \
		SCOPE_FACT, KIND_##kind, offsetof(struct report_facts, field), \
		    name, text \
	}

static const struct metric metrics[] = {
    FACT(VERSION, version, "version", "the version that runs"),
    FACT(GAUGE, start_time_s, "start_time_seconds",
	"Unix time of the daemon's start"),
    FACT(GAUGE, generation, "config_generation",
	"how often a configuration was taken on"),
    FACT(GAUGE, is_reload_good, "config_last_reload_successful",
	"0: the configuration has errors, the former one is in use"),
    FACT(GAUGE, reload_time_s, "config_last_reload_success_timestamp_seconds",
	"Unix time at which a configuration was taken on"),
    FACT(GAUGE, workers, "workers", "worker processes that run"),
    FACT(COUNTER, restarts, "worker_restarts",
	"worker processes started again after they ended"),
#define X(symbol, name, text) \
	{SCOPE_MUX, KIND_COUNTER, AT(stats, count, STAT_##symbol), name, text},
    STATS_LIST(X, X)
#undef X
#define X(symbol, name, text) \
	{SCOPE_MUX, KIND_GAUGE, AT(stats, gauge, GAUGE_##symbol), name, text},
	GAUGE_LIST(X)
#undef X
	    {SCOPE_MUX, KIND_RCODES, AT(stats, answers, 0), "answers",
		"answers sent, by RCODE"},
    {SCOPE_MUX, KIND_HISTOGRAM, AT(stats, answers, ANSWERS_BUCKET),
	"answer_duration_seconds", "time from an update to its answer"},
#define X(symbol, name, text) \
	{SCOPE_TARGET, KIND_COUNTER, AT(target_values, count, TSTAT_##symbol), \
	    name, text},
    TARGET_STATS_LIST(X, X)
#undef X
#define X(symbol, name, text) \
	{SCOPE_TARGET, \
	    TGAUGE_##symbol == TGAUGE_CLOCK_OFFSET_S ? KIND_SIGNED \
						     : KIND_GAUGE, \
	    AT(target_values, gauge, TGAUGE_##symbol), name, text},
	TARGET_GAUGE_LIST(X)
#undef X
	    {SCOPE_TARGET, KIND_RCODES, AT(target_values, answers, 0),
		"answers", "authentic answers, by RCODE"},
    {SCOPE_TARGET, KIND_HISTOGRAM, AT(target_values, answers, ANSWERS_BUCKET),
	"answer_duration_seconds",
	"time from handing an update to the target to its authentic answer"},
#define X(symbol, name, text) \
	{SCOPE_KEY, KIND_COUNTER, AT(key_stats, count, KSTAT_##symbol), name, \
	    text},
    KEY_STATS_LIST(X, X)
#undef X
};

#define NMETRICS (sizeof(metrics) / sizeof(metrics[0]))

const struct metric *
report_metric(const struct report *r)
{
	return &metrics[r->metric];
}

size_t
report_instances(const struct report *r)
{
	enum scope scope = report_metric(r)->scope;

	if (scope == SCOPE_TARGET)
		return r->sum->ntargets;
	return scope == SCOPE_KEY ? r->sum->nkeys : 1;
}

static const void *
row_of(const struct report *r, const struct totals *t)
{
	switch (report_metric(r)->scope) {
	case SCOPE_MUX:
		return &t->worker;
	case SCOPE_TARGET:
		return &t->targets[r->instance];
	case SCOPE_KEY:
		return &t->keys[r->instance];
	case SCOPE_FACT:
		break;
	}
	return &r->facts;
}

static uint64_t
read_value(const struct report *r, const struct totals *t, size_t i)
{
	uint64_t value;

	memcpy(&value,
	    (const char *)row_of(r, t) + report_metric(r)->offset +
		i * sizeof(value),
	    sizeof(value));
	return value;
}

uint64_t
report_value(const struct report *r, size_t i)
{
	const struct metric *m = report_metric(r);
	uint64_t value = read_value(r, r->sum, i), before;

	if (r->base == NULL || m->scope == SCOPE_FACT ||
	    m->kind == KIND_GAUGE || m->kind == KIND_SIGNED)
		return value;
	before = read_value(r, r->base, i);
	return value > before ? value - before : 0;
}

bool
report_has_rcode(const struct report *r, unsigned rcode)
{
	return rcode <= RCODE_NOTZONE ||
	       (rcode == RCODE_BADVERS &&
		   report_metric(r)->scope == SCOPE_MUX) ||
	       report_value(r, rcode) != 0;
}

void
report_quote(const char *text, char out[QUOTED_MAX])
{
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			*out++ = '\\';
		*out++ = (char)(*text >= 0x20 && *text < 0x7f ? *text : '?');
	}
	*out = '\0';
}

const char *
report_name(const struct report *r, char buf[NAME_TEXT_MAX])
{
	if (report_metric(r)->scope == SCOPE_TARGET)
		return r->conf->targets[r->instance].name;
	return name_text(&r->conf->clients[r->instance].tsig.name, buf);
}

void
report_add_number(struct sbuf *out, const struct report *r)
{
	uint64_t value = report_value(r, 0);

	if (report_metric(r)->kind == KIND_SIGNED)
		sbuf_addf(out, "%lld", (long long)(int64_t)value);
	else
		sbuf_addf(out, "%llu", (unsigned long long)value);
}

void
report_add_seconds(struct sbuf *out, uint64_t us)
{
	sbuf_addf(out, "%llu.%06llu", (unsigned long long)(us / 1000000),
	    (unsigned long long)(us % 1000000));
}

uint64_t
report_count_up_to(const struct report *r, unsigned bucket)
{
	uint64_t n = 0;
	unsigned i;

	for (i = 0; i <= bucket; i++)
		n += report_value(r, i);
	return n;
}

bool
report_is_first_of_row(const struct report *r)
{
	return r->metric == 0 ||
	       metrics[r->metric - 1].scope != metrics[r->metric].scope;
}

bool
report_is_last_of_row(const struct report *r)
{
	return r->metric + 1 == NMETRICS ||
	       metrics[r->metric + 1].scope != metrics[r->metric].scope;
}

/* The bound below which so many in a hundred were. */
static const char *
quantile(const struct report *r, uint64_t count, unsigned percent)
{
	unsigned i = 0;

	while (i < HIST_BUCKETS - 1 &&
	       report_count_up_to(r, i) < count - count * (100 - percent) / 100)
		i++;
	return hist_bound(i);
}

static void
add_text_histogram(struct sbuf *out, const struct report *r)
{
	uint64_t count = report_count_up_to(r, HIST_BUCKETS - 1);

	sbuf_addf(out, "%llu, mean ", (unsigned long long)count);
	report_add_seconds(out, report_value(r, HIST_BUCKETS) / count);
	sbuf_addf(out, ", half <= %s, 99%% <= %s\n", quantile(r, count, 50),
	    quantile(r, count, 99));
}

/* Begins a line of text, below what it belongs to. */
static void
add_label(struct sbuf *out, struct report *r, const char *what)
{
	static const char *const scopes[] = {"", "", "target", "key"};
	const struct metric *m = report_metric(r);
	bool is_named = m->scope >= SCOPE_TARGET;
	char buf[NAME_TEXT_MAX], label[64];

	if (is_named && !r->has_heading)
		sbuf_addf(
		    out, "%s %s\n", scopes[m->scope], report_name(r, buf));
	r->has_heading = true;
	snprintf(label, sizeof(label), "%s%s%s", m->name,
	    *what != '\0' ? " " : "", what);
	sbuf_addf(
	    out, "%s%-*s ", is_named ? "    " : "", is_named ? 40 : 44, label);
}

/* What is not 0: few of many keys are ever used. */
static void
add_text(struct sbuf *out, struct report *r)
{
	const struct metric *m = report_metric(r);
	unsigned i;

	if (m->kind == KIND_VERSION) {
		add_label(out, r, "");
		sbuf_addf(out, "%s\n", r->facts.version);
	} else if (m->kind == KIND_RCODES) {
		for (i = 0; i < STATS_RCODES; i++) {
			if (report_value(r, i) == 0)
				continue;
			add_label(out, r, rcode_text(i));
			sbuf_addf(out, "%llu\n",
			    (unsigned long long)report_value(r, i));
		}
	} else if (m->kind == KIND_HISTOGRAM) {
		if (report_count_up_to(r, HIST_BUCKETS - 1) == 0)
			return;
		add_label(out, r, "");
		add_text_histogram(out, r);
	} else if (m->scope == SCOPE_FACT || report_value(r, 0) != 0) {
		add_label(out, r, "");
		report_add_number(out, r);
		sbuf_add(out, "\n");
	}
}

/* Prometheus wants all of one metric together, people and JSON all of one
 * target or key. */
static void
advance(struct report *r)
{
	if (r->format == REPORT_PROMETHEUS) {
		if (++r->instance < report_instances(r))
			return;
	} else if (!report_is_last_of_row(r)) {
		r->metric++;
		return;
	} else {
		r->has_heading = false;
		if (++r->instance < report_instances(r)) {
			while (!report_is_first_of_row(r))
				r->metric--;
			return;
		}
	}
	r->instance = 0;
	r->metric++;
	while (r->metric < NMETRICS && report_instances(r) == 0)
		r->metric++;
}

static void
add_piece(struct sbuf *out, struct report *r)
{
	switch (r->format) {
	case REPORT_TEXT:
		add_text(out, r);
		break;
	case REPORT_JSON:
		report_add_json(out, r);
		break;
	case REPORT_PROMETHEUS:
		report_add_prometheus(out, r);
		break;
	}
}

void
report_start(struct report *r, enum report_format format,
    const struct conf *conf, const struct totals *sum,
    const struct totals *base, const struct report_facts *facts)
{
	*r = (struct report){.format = format,
	    .conf = conf,
	    .sum = sum,
	    .base = format == REPORT_PROMETHEUS ? NULL : base,
	    .facts = *facts};
}

size_t
report_read(struct report *r, char *buf, size_t cap)
{
	struct sbuf out;

	sbuf_init(&out, buf, cap);
	while (r->metric < NMETRICS && out.cap - out.len > PIECE_OCTETS_MAX) {
		add_piece(&out, r);
		advance(r);
	}
	if (r->metric == NMETRICS && out.cap - out.len > PIECE_OCTETS_MAX) {
		if (r->format == REPORT_JSON)
			sbuf_add(&out, "\n}\n");
		r->metric++;
	}
	return out.len;
}
