/* SPDX-License-Identifier: ISC */
/* One exchange with a target, from its first copy to its outcome. */
#include "proc/target_thread.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/compat.h"
#include "base/mono.h"
#include "dns/dns.h"
#include "dns/text.h"

#define ID_TRIES 64

void
target_count(struct target *t, enum target_counter s)
{
	target_add(&t->stats.count[s], 1);
}

static void
count_answer(struct target *t, const struct exchange *x, unsigned rcode)
{
	uint64_t us = t->now_us - x->start_us;

	target_add(&t->stats.answers[rcode], 1);
	target_add(&t->stats.answers[ANSWERS_BUCKET + hist_bucket(us)], 1);
	target_add(&t->stats.answers[ANSWERS_SUM_US], us);
}

void
target_say(const struct target *t, uint64_t id, enum target_counter cause,
    const char *what, unsigned suppressed)
{
	char addr[ADDR_TEXT_MAX], update[64] = "", more[48] = "";

	if (id != 0)
		snprintf(update, sizeof(update), " (update id=%s%llu)",
		    t->id_prefix, (unsigned long long)id);
	if (suppressed > 0)
		snprintf(
		    more, sizeof(more), " (%u more suppressed)", suppressed);
	log_warn("target %s %s: %s%s%s%s%s", t->target->name,
	    addr_text(&t->target->addr, addr), what,
	    what[0] != '\0' ? ": " : "", stats_target_hint(cause), update,
	    more);
}

void
target_complain(struct target *t, const struct exchange *x,
    enum target_counter cause, const char *fmt, ...)
{
	unsigned suppressed;
	char what[256];
	va_list ap;

	/* Of one that is down it is known already. */
	if (t->health.is_down && t->health.cause == cause)
		return;
	if (!log_is_on(LEVEL_WARNING) ||
	    !log_rate_due(&t->rates[cause], t->now_us, &suppressed))
		return;
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	target_say(t, x != NULL ? x->in->id : 0, cause, what, suppressed);
}

void
target_finish(struct target *t, struct exchange *x, struct outcome o)
{
	struct result result = {x->slot, o};
	bool is_probe = target_is_probe(t, x);

	result.outcome.ms = (uint32_t)((t->now_us - x->start_us) / 1000);
	target_judge(t, x, &o);
	if (x->legs[WAY_TCP].is_open)
		t->tcp.open--;
	exchange_end(&t->table, x);
	if (is_probe)
		target_probe_ended(t, &result.outcome);
	else
		/* It has room for every job that can be out. */
		(void)queue_put(&t->results, &result);
}

void
target_fail(struct target *t, struct exchange *x, enum target_counter cause)
{
	target_count(t, cause);
	target_finish(t, x,
	    (struct outcome){
		.class = OUTCOME_FAILED, .cause = (uint16_t)cause});
}

void
target_give_up_tcp(
    struct target *t, struct exchange *x, enum target_counter cause)
{
	struct leg *leg = &x->legs[WAY_TCP];

	if (!x->legs[WAY_UDP].is_open) {
		target_fail(t, x, cause);
		return;
	}
	if (leg->is_open)
		t->tcp.open--;
	exchange_close_leg(&t->table, leg);
	exchange_resume(&t->table, x);
	target_count(t, cause);
	x->last_cause = (uint16_t)cause;
}

void
target_draw_ids(struct target *t)
{
	arc4random_buf(t->ids, sizeof(t->ids));
	t->ids_left = IDS_AT_ONCE;
}

static uint16_t
random_id(struct target *t)
{
	if (t->ids_left == 0)
		target_draw_ids(t);
	return t->ids[--t->ids_left];
}

static bool
open_leg(struct target *t, struct exchange *x, enum exchange_way way)
{
	int tries = ID_TRIES;

	while (tries-- > 0) {
		if (exchange_open(&t->table, x, way, random_id(t)))
			return true;
	}
	return false;
}

size_t
target_prepare(struct target *t, struct exchange *x, enum exchange_way way,
    uint8_t octets[DNS_MSG_OCTETS_MAX])
{
	struct copy *copy = &x->legs[way].copy;
	size_t len;

	if (forward_len(x->in, &t->target->tsig) > DNS_MSG_OCTETS_MAX) {
		target_complain(t, x, TSTAT_FAIL_SIZE, "%s", "");
		target_count(t, TSTAT_FAIL_SIZE);
		/* It will never fit: refused, not failed. */
		target_finish(t, x,
		    (struct outcome){.class = OUTCOME_REFUSED,
			.rcode = RCODE_SERVFAIL,
			.cause = TSTAT_FAIL_SIZE});
		return 0;
	}
	if (!open_leg(t, x, way)) {
		target_fail(t, x, TSTAT_FAIL_LOCAL);
		return 0;
	}
	if (way == WAY_TCP)
		t->tcp.open++;
	x->sent_us = t->now_us;
	copy->time_signed = wall_s();
	len = forward_write(x->in, &t->target->tsig, t->hmac, copy, octets);
	if (len == 0)
		target_fail(t, x, TSTAT_FAIL_CRYPTO);
	return len;
}

static void
vote(struct target *t, struct exchange *x, unsigned rcode)
{
	static const enum target_counter stats[] = {
	    [OUTCOME_APPLIED] = TSTAT_APPLIED,
	    [OUTCOME_VERDICT] = TSTAT_VERDICT,
	    [OUTCOME_REFUSED] = TSTAT_REFUSED,
	};
	enum outcome_class class =
	    collect_class(rcode, plan_kind(&x->in->shape));

	/* Any is as good, and none is an update's. */
	if (target_is_probe(t, x)) {
		target_finish(t, x, (struct outcome){.class = OUTCOME_APPLIED});
		return;
	}
	count_answer(t, x, rcode);
	if (class == OUTCOME_FAILED) {
		target_complain(
		    t, x, TSTAT_FAIL_RCODE, "%s", rcode_text(rcode));
		target_fail(t, x, TSTAT_FAIL_RCODE);
		return;
	}
	if (class == OUTCOME_REFUSED)
		target_complain(
		    t, x, TSTAT_REFUSED, "answers %s", rcode_text(rcode));
	target_count(t, stats[class]);
	target_finish(t, x,
	    (struct outcome){.class = (uint8_t) class,
		.rcode = (uint8_t)rcode,
		.cause = (uint16_t)stats[class]});
}

/* The wait goes on by UDP, where anybody may have sent it. A connection is
 * the target's own: it will bring nothing better, and what is no DNS on it
 * ends it. */
static void
ignore(struct target *t, struct leg *leg, const struct answer *a)
{
	struct exchange *x = leg->exchange;

	x->last_cause = (uint16_t)a->cause;
	target_complain(t, x, a->cause, "%s", rcode_text(a->rcode));
	if (leg->way == WAY_TCP && a->cause == TSTAT_IGN_UNSIGNED) {
		target_give_up_tcp(t, x, a->cause);
		return;
	}
	target_count(t, a->cause);
	if (leg->way == WAY_TCP && a->cause == TSTAT_IGN_MALFORMED)
		target_tcp_lost(t, a->cause, "closing the connection");
}

static void
truncated(struct target *t, struct leg *leg, const struct answer *a)
{
	struct exchange *x = leg->exchange;

	target_count(t, TSTAT_TRUNCATED);
	if (leg->way == WAY_TCP) {
		target_complain(t, x, TSTAT_FAIL_TRUNCATED, "%s", "");
		target_give_up_tcp(t, x, TSTAT_FAIL_TRUNCATED);
		return;
	}
	if (x->way == WAY_TCP)
		return;
	target_complain(t, x, TSTAT_TRUNCATED, "%s",
	    a->is_authentic ? "it may have been applied already" : "unsigned");
	if (a->is_authentic)
		exchange_close_leg(&t->table, leg);
	exchange_wait(&t->table, x, WAY_TCP);
}

static void
failed(struct target *t, struct exchange *x, const struct answer *a)
{
	if (a->cause == TSTAT_FAIL_BADTIME || a->cause == TSTAT_FAIL_TIME)
		target_complain(t, x, a->cause, "its clock %llu, ours %llu",
		    (unsigned long long)a->target_time,
		    (unsigned long long)wall_s());
	else
		target_complain(t, x, a->cause, "%s", "");
	target_fail(t, x, a->cause);
}

void
target_answered(struct target *t, enum exchange_way way, uint8_t path,
    const uint8_t *octets, size_t len)
{
	struct expected e = {.tsig = &t->target->tsig, .hmac = t->hmac};
	struct answer a;
	struct leg *leg;

	if (len < DNS_HEADER_OCTETS) {
		target_count(t, TSTAT_IGN_SHORT);
		return;
	}
	leg = exchange_find(
	    &t->table, way, (uint16_t)(octets[0] << 8 | octets[1]));
	if (leg == NULL || leg->path != path) {
		target_count(t, TSTAT_IGN_ID);
		return;
	}
	e.in = leg->exchange->in;
	e.copy = &leg->copy;
	/* By the clock it was signed by, should that have been set since. */
	e.now_s = leg->copy.time_signed +
		  (t->now_us - leg->exchange->sent_us) / 1000000;
	forward_check(&e, octets, len, &a);
	if (a.is_authentic && a.kind != ANSWER_IGNORED)
		target_set(&t->stats.gauge[TGAUGE_CLOCK_OFFSET_S],
		    a.target_time - e.now_s);
	if (target_is_probe(t, leg->exchange))
		target_probe_heard(t, &a);
	switch (a.kind) {
	case ANSWER_IGNORED:
		ignore(t, leg, &a);
		return;
	case ANSWER_VOTE:
		vote(t, leg->exchange, a.rcode);
		return;
	case ANSWER_FAILED:
		failed(t, leg->exchange, &a);
		return;
	case ANSWER_TRUNCATED:
		truncated(t, leg, &a);
		return;
	}
}

enum exchange_way
target_first_way(const struct target *t, const struct inbound *in)
{
	if (in->is_tcp || t->target->transport == TRANSPORT_TCP ||
	    forward_len(in, &t->target->tsig) > t->target->udp_size)
		return WAY_TCP;
	return WAY_UDP;
}

/* It was not its turn; a connection that is not made is the target's. */
static bool
was_queued(const struct target *t, const struct exchange *x)
{
	return x->is_waiting && x->copies == 0 &&
	       !(x->way == WAY_TCP && t->tcp.state == TCP_CONNECTING);
}

/* What came and did not count says more than that nothing else did. */
static void
out_of_time(struct target *t, struct exchange *x)
{
	enum target_counter cause =
	    was_queued(t, x) ? TSTAT_FAIL_BUSY : TSTAT_FAIL_TIMEOUT;

	target_count(t, cause);
	if (x->last_cause == TSTAT_NO_CAUSE)
		target_complain(t, x, cause, "%s", "");
	else
		cause = (enum target_counter)x->last_cause;
	target_finish(t, x,
	    (struct outcome){
		.class = OUTCOME_FAILED, .cause = (uint16_t)cause});
}

void
target_expire(struct target *t, struct exchange *x)
{
	if (x->legs[WAY_TCP].is_open)
		target_tcp_timeout(t, x);
	/* Losing the connection may have ended it. */
	if (x->in != NULL)
		out_of_time(t, x);
}
