/* SPDX-License-Identifier: ISC */
#include "proc/record.h"

#include <stdio.h>

#include "base/sbuf.h"
#include "dns/text.h"
#include "proc/client.h"
#include "proc/client_udp.h"

/* Escaped names can be long; a line holds at most this much of one. */
#define NAME_SHOWN 200

void
record_refusal(struct worker *w, enum counter cause, const struct addr *from,
    const struct inbound *in)
{
	char addr[ADDR_TEXT_MAX], name[NAME_TEXT_MAX], buf[800];
	struct sbuf line;
	unsigned suppressed;

	if (!log_is_on(LEVEL_WARNING) ||
	    !log_rate_due(&w->rates[cause], w->now_us, &suppressed))
		return;
	sbuf_init(&line, buf, sizeof(buf));
	sbuf_addf(&line, "client %s/%s", addr_text(from, addr),
	    in->is_tcp ? "tcp" : "udp");
	if (in->has_tsig)
		sbuf_addf(&line, " key=%.*s", NAME_SHOWN,
		    name_text(&in->tsig.key, name));
	if (cause == STAT_BAD_TIME)
		sbuf_addf(&line, " signed=%llu now=%llu",
		    (unsigned long long)in->tsig.time_signed,
		    (unsigned long long)w->now_s);
	if (cause == STAT_BAD_ZONE || cause == STAT_NOT_ALLOWED ||
	    cause == STAT_OUT_OF_ZONE)
		sbuf_addf(&line, " zone=%.*s", NAME_SHOWN,
		    name_text(&in->msg.zone, name));
	sbuf_addf(&line, ": %s", stats_hint(cause));
	if (suppressed > 0)
		sbuf_addf(&line, " (%u more suppressed)", suppressed);
	log_warn("%s", line.text);
}

static void
add_outcomes(
    struct sbuf *line, const struct conf *conf, const struct request *q)
{
	size_t i;

	for (i = 0; i < q->ntargets; i++) {
		const struct outcome *o = &q->outcomes[i];

		sbuf_addf(line, " %s=%s/%ums", conf->targets[q->target[i]].name,
		    o->class == OUTCOME_FAILED
			? stats_target_name((enum target_counter)o->cause)
			: rcode_text(o->rcode),
		    o->ms);
	}
}

/* Of the first update, or of the first prerequisite where there is none. */
static bool
first_name(const struct inbound *in, struct name *out)
{
	struct rd r;
	struct rr rr;

	if (in->msg.counts[MSG_UPDATE] + in->msg.counts[MSG_PREREQ] == 0)
		return false;
	rd_init(&r, in->octets, in->len);
	r.pos = in->msg.counts[MSG_UPDATE] > 0 ? in->msg.update_start
					       : in->msg.prereq_start;
	rr_read(&r, &rr);
	*out = rr.owner;
	return rd_ok(&r);
}

static void
add_strategy(struct sbuf *line, const struct conf *conf)
{
	if (conf->require_confirmation == CONFIRM_ALL)
		sbuf_add(line, " strategy=all");
	else
		sbuf_addf(line, " strategy=%u", conf->require_confirmation);
}

static void
describe(struct sbuf *line, const struct worker *w, const struct slot *s)
{
	char addr[ADDR_TEXT_MAX], name[NAME_TEXT_MAX];
	const struct request *q = &s->request;
	struct name first;

	sbuf_addf(line, "update id=%s%llu client=%s/%s", w->id_prefix,
	    (unsigned long long)s->in.id, addr_text(&s->route.from, addr),
	    s->in.is_tcp ? "tcp" : "udp");
	sbuf_addf(line, " key=%.*s", NAME_SHOWN,
	    name_text(&s->in.client->tsig.name, name));
	sbuf_addf(
	    line, " zone=%.*s", NAME_SHOWN, name_text(&s->in.msg.zone, name));
	if (first_name(&s->in, &first))
		sbuf_addf(
		    line, " name=%.*s", NAME_SHOWN, name_text(&first, name));
	sbuf_addf(line, " records=%u", (unsigned)s->in.msg.counts[MSG_UPDATE]);
	add_strategy(line, w->conf);
	sbuf_addf(
	    line, " answer=%s", q->is_silent ? "none" : rcode_text(q->rcode));
	add_outcomes(line, w->conf, q);
}

static const struct {
	enum request_flaw flaw;
	enum counter counter;
} flaws[] = {
    {REQUEST_DIVERGED, STAT_DIVERGED},
    {REQUEST_MISSED, STAT_MISSED},
    {REQUEST_UNTOLD, STAT_APPLIED_UNTOLD},
};

/* Counts and names what is wrong; true if a warning is due. */
static bool
add_flaws(struct worker *w, struct sbuf *line, const struct request *q)
{
	unsigned found = request_flaws(q), suppressed = 0;
	bool is_due = false;
	size_t i;

	for (i = 0; i < sizeof(flaws) / sizeof(flaws[0]); i++) {
		enum counter c = flaws[i].counter;

		if ((found & flaws[i].flaw) == 0)
			continue;
		w->stats.count[c]++;
		sbuf_addf(line, ": %s", stats_hint(c));
		if (log_rate_due(&w->rates[c], w->now_us, &suppressed))
			is_due = true;
		if (suppressed > 0)
			sbuf_addf(line, " (%u more suppressed)", suppressed);
		suppressed = 0;
	}
	return is_due;
}

/* All of several. */
static bool
is_our_clock_suspect(const struct request *q)
{
	size_t i;

	for (i = 0; i < q->ntargets; i++) {
		const struct outcome *o = &q->outcomes[i];

		if (o->class != OUTCOME_FAILED ||
		    (o->cause != TSTAT_FAIL_BADTIME &&
			o->cause != TSTAT_FAIL_TIME))
			return false;
	}
	return q->ntargets > 1;
}

static bool
add_clock(struct worker *w, struct sbuf *line)
{
	unsigned suppressed;

	sbuf_add(line, ": all targets disagree with our clock: is it wrong?");
	return log_rate_due(&w->clock_rate, w->now_us, &suppressed);
}

void
record_update(struct worker *w, const struct slot *s)
{
	bool is_clock_suspect = is_our_clock_suspect(&s->request);
	enum log_level level = LEVEL_INFO;
	struct sbuf line;
	char buf[LOG_LINE_MAX];

	if (!log_is_on(level) && !w->standing.is_watched && !is_clock_suspect &&
	    request_flaws(&s->request) == 0)
		return;
	sbuf_init(&line, buf, sizeof(buf));
	describe(&line, w, s);
	if (add_flaws(w, &line, &s->request))
		level = LEVEL_WARNING;
	if (is_clock_suspect && add_clock(w, &line))
		level = LEVEL_WARNING;
	/* Who reads it may look for the answer. */
	client_udp_flush(w);
	if (s->route.client != NULL)
		client_flush(w, &s->route);
	log_line(level, "%s", line.text);
	if (w->standing.is_watched)
		log_watch(w->setup->lines_fd, line.text);
}
