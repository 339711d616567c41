/* SPDX-License-Identifier: ISC */
/*
 * For test_whole.c: what proc/target*.c does with mux/exchange.h and
 * mux/forward.h, function by function, on the simulated network.
 */
#ifndef UNIT_WHOLE_TARGET_H
#define UNIT_WHOLE_TARGET_H

#include "mux/exchange.h"
#include "whole_net.h"
#include "work.h"

#define LENT_MAX 4
#define BUCKETS 8
#define TCP_TRIES_MAX 2
#define TCP_IDLE_US 4000000

enum tcp_state { TCP_CLOSED, TCP_CONNECTING, TCP_OPEN };

struct job {
	const struct inbound *in;
	uint32_t update;
	uint64_t start_us;
};

struct result {
	uint32_t update;
	struct outcome outcome;
};

struct target {
	unsigned index;
	const struct conf_target *target;
	struct hmac *hmac;
	uint64_t timeout_us;
	uint64_t resend_us;
	uint64_t forget_us;
	size_t max_lent;
	size_t max_in_flight;
	size_t lent;
	struct job jobs[LENT_MAX];
	size_t njobs;
	struct result results[LENT_MAX];
	size_t nresults;
	struct exchange_table table;
	struct exchange exchanges[LENT_MAX];
	struct leg_list buckets[BUCKETS];
	bool udp_is_blocked;
	struct {
		enum tcp_state state;
		unsigned connection;
		bool has_answered;
		uint64_t used_us;
		uint64_t received_us;
		size_t open;
	} tcp;
};

static uint8_t copy_octets[DNS_MSG_OCTETS_MAX];

/* I6 */
#define WORK_FIXED 1000
#define WORK_PER_OCTET 10

static struct {
	uint64_t began;
	uint64_t most; /* in thousandths of what is allowed */
} work_seen;

static inline void
work_begin(void)
{
	work_seen.began = work;
}

static inline void
work_end(size_t len)
{
	uint64_t done = work - work_seen.began;
	uint64_t allowed = WORK_FIXED + WORK_PER_OCTET * (uint64_t)len;

	must(done > 0 && done <= allowed);
	if (done * 1000 / allowed > work_seen.most)
		work_seen.most = done * 1000 / allowed;
}

static inline void
target_finish(struct target *t, struct exchange *x, struct outcome o)
{
	must(net.now_us <= x->start_us + t->timeout_us);
	must(t->nresults < LENT_MAX);
	t->results[t->nresults++] = (struct result){x->slot, o};
	if (x->legs[WAY_TCP].is_open)
		t->tcp.open--;
	exchange_end(&t->table, x);
	schedule(EV_WORKER, 0, net.now_us + below(percent(80) ? 500 : 20000));
}

static inline void
target_fail(struct target *t, struct exchange *x, enum target_counter cause)
{
	trace("%8llu target %u fails update %u: %s\n",
	    (unsigned long long)net.now_us, t->index, x->slot,
	    stats_target_name(cause));
	target_finish(t, x,
	    (struct outcome){
		.class = OUTCOME_FAILED, .cause = (uint16_t)cause});
}

static inline void
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
	x->last_cause = (uint16_t)cause;
}

static inline size_t
write_copy(const struct target *t, const struct exchange *x, struct copy *copy)
{
	size_t len;

	work_begin();
	len =
	    forward_write(x->in, &t->target->tsig, t->hmac, copy, copy_octets);
	work_end(x->in->len);
	must(len > 0 && len == forward_len(x->in, &t->target->tsig));
	return len;
}

/* I2: what is written reads as what came. */
static inline void
check_same(const struct inbound *in, size_t len)
{
	const struct msg *m = &in->msg;
	struct msg again;

	must(msg_parse(copy_octets, len, &again) == MSG_OK);
	must(memcmp(again.counts, m->counts, 3 * sizeof(m->counts[0])) == 0);
	must(again.zone.len == m->zone.len &&
	     memcmp(again.zone.octets, m->zone.octets, m->zone.len) == 0);
	must(again.prereq_start == m->prereq_start &&
	     again.update_start == m->update_start &&
	     again.additional_start == m->additional_start &&
	     again.tsig_start == m->additional_start);
}

/* An ID in flight is not given out again. */
static inline void
check_ids(struct target *t, struct exchange *x, enum exchange_way way)
{
	const struct exchange *oldest = TAILQ_FIRST(&t->table.by_age);
	unsigned i;

	for (i = WAY_UDP; i <= WAY_TCP; i++) {
		if (oldest->legs[i].is_open)
			must(!exchange_open(
			    &t->table, x, way, oldest->legs[i].copy.id));
	}
}

static inline size_t
target_prepare(struct target *t, struct exchange *x, enum exchange_way way)
{
	struct copy *copy = &x->legs[way].copy;
	size_t len;

	check_ids(t, x, way);
	/* All in one bucket. */
	while (!exchange_open(&t->table, x, way, (uint16_t)some_id()))
		continue;
	if (way == WAY_TCP)
		t->tcp.open++;
	x->sent_us = net.now_us;
	schedule(EV_TARGET, t->index, x->sent_us + t->forget_us);
	copy->time_signed = wall_s();
	len = write_copy(t, x, copy);
	check_same(x->in, len);
	return len;
}

static inline void
target_send(struct target *t, const struct exchange *x, enum event_type type,
    size_t len)
{
	struct event what = {.type = type,
	    .who = t->index,
	    .update = x->slot,
	    .rcode = UINT_MAX,
	    .connection = t->tcp.connection};
	struct update *u = &net.book[x->slot];

	/* F4 */
	if (++u->packets[t->index] > EXCHANGE_COPIES_MAX)
		die("update %u: %u packets to target %u", x->slot,
		    u->packets[t->index], t->index);
	u->udp_packets[t->index] += type == EV_UDP_COPY;
	must(u->udp_packets[t->index] <= 1u + (x->in->shape.prereqs == 0));
	check_secrets(copy_octets, len,
	    type == EV_UDP_COPY ? t->target->udp_size : DNS_MSG_OCTETS_MAX);
	if (type == EV_UDP_COPY)
		transmit(&what, copy_octets, len);
	else
		(void)deliver(&what, copy_octets, len);
}

static inline void
target_udp_send(struct target *t, struct exchange *x)
{
	size_t len = target_prepare(t, x, WAY_UDP);

	if (!net.is_calm && percent(2)) {
		exchange_close_leg(&t->table, &x->legs[WAY_UDP]);
		exchange_wait(&t->table, x, WAY_UDP);
		t->udp_is_blocked = true;
		tally(udp_blocked);
		schedule(EV_WRITABLE, t->index, net.now_us + below(5000));
		return;
	}
	x->copies++;
	target_send(t, x, EV_UDP_COPY, len);
	if (x->in->shape.prereqs != 0)
		return;
	exchange_allow_resend(&t->table, x);
	schedule(EV_TARGET, t->index, x->sent_us + t->resend_us);
}

static inline void
target_udp_resend(struct target *t, struct exchange *x)
{
	size_t len;

	exchange_forbid_resend(&t->table, x);
	if (!exchange_has_copies_left(x))
		return;
	x->copies++;
	tally(resent);
	len = write_copy(t, x, &x->legs[WAY_UDP].copy);
	target_send(t, x, EV_UDP_COPY, len);
}

static inline void
target_tcp_close(struct target *t)
{
	t->tcp.state = TCP_CLOSED;
	t->tcp.has_answered = false;
	t->tcp.open = 0;
}

static inline void
target_tcp_lost(struct target *t, enum target_counter cause)
{
	struct exchange *x = TAILQ_LAST(&t->table.by_age, exchange_list);
	struct exchange *former;

	for (; x != NULL; x = former) {
		struct leg *leg = &x->legs[WAY_TCP];

		former = TAILQ_PREV(x, exchange_list, by_age);
		if (!leg->is_open)
			continue;
		exchange_close_leg(&t->table, leg);
		if (x->tcp_tries < TCP_TRIES_MAX &&
		    exchange_has_copies_left(x) && x->was_reused) {
			exchange_wait(&t->table, x, WAY_TCP);
			tally(tcp_again);
		} else {
			target_give_up_tcp(t, x, cause);
		}
	}
	target_tcp_close(t);
}

static inline void
not_connected(struct target *t)
{
	struct exchange *x = TAILQ_FIRST(&t->table.waiting), *next;

	target_tcp_close(t);
	tally(tcp_refused);
	for (; x != NULL; x = next) {
		next = TAILQ_NEXT(x, waiting);
		if (x->way == WAY_TCP)
			target_give_up_tcp(t, x, TSTAT_FAIL_CONNECT);
	}
}

static inline bool
target_tcp_is_ready(struct target *t)
{
	struct event *e;

	if (t->tcp.state == TCP_CLOSED) {
		t->tcp.state = TCP_CONNECTING;
		t->tcp.used_us = net.now_us;
		e = schedule(EV_TCP_CONNECT, t->index, net.now_us + delay_us());
		e->connection = ++t->tcp.connection;
	}
	return t->tcp.state == TCP_OPEN;
}

static inline void
target_tcp_send(struct target *t, struct exchange *x)
{
	bool was_idle = t->tcp.has_answered && t->tcp.open == 0;
	size_t len = target_prepare(t, x, WAY_TCP);

	x->tcp_tries++;
	x->copies++;
	x->was_reused = was_idle;
	t->tcp.used_us = net.now_us;
	target_send(t, x, EV_TCP_COPY, len);
}

static inline void
vote(struct target *t, struct exchange *x, unsigned rcode)
{
	enum outcome_class class =
	    collect_class(rcode, plan_kind(&x->in->shape));

	trace("%8llu target %u votes %u on update %u\n",
	    (unsigned long long)net.now_us, t->index, rcode, x->slot);
	must((net.book[x->slot].said[t->index] >> rcode & 1) != 0);
	if (class == OUTCOME_FAILED)
		target_fail(t, x, TSTAT_FAIL_RCODE);
	else
		target_finish(t, x,
		    (struct outcome){
			.class = (uint8_t) class, .rcode = (uint8_t)rcode});
}

static inline void
ignore(struct target *t, struct leg *leg, const struct answer *a)
{
	struct exchange *x = leg->exchange;

	x->last_cause = (uint16_t)a->cause;
	if (leg->way == WAY_TCP && a->cause == TSTAT_IGN_UNSIGNED)
		target_give_up_tcp(t, x, a->cause);
	else if (leg->way == WAY_TCP && a->cause == TSTAT_IGN_MALFORMED)
		target_tcp_lost(t, a->cause);
}

static inline void
truncated(struct target *t, struct leg *leg, const struct answer *a)
{
	struct exchange *x = leg->exchange;

	if (leg->way == WAY_TCP) {
		tally(tcp_cut_short);
		target_give_up_tcp(t, x, TSTAT_FAIL_TRUNCATED);
		return;
	}
	if (x->way == WAY_TCP)
		return;
	if (a->is_authentic) {
		exchange_close_leg(&t->table, leg);
		tally(tcp_by_tc_signed);
	} else {
		tally(tcp_by_tc_unsigned);
	}
	exchange_wait(&t->table, x, WAY_TCP);
}

/* I3: authentic only if this very copy was answered, and the answer came
 * unchanged; a vote only if the server meant it. */
static inline void
check_judgement(const struct target *t, const struct event *e,
    const struct exchange *x, const struct answer *a)
{
	struct update *asked = &net.book[x->slot];

	must(!a->is_authentic || !e->is_changed);
	must(!a->is_authentic || net.book[e->update].octets == asked->octets);
	must(a->kind != ANSWER_VOTE || e->rcode == a->rcode);
	must(a->kind == ANSWER_VOTE || e->rcode == UINT_MAX || e->is_changed ||
	     e->update != x->slot);
	if (a->kind == ANSWER_VOTE)
		asked->said[t->index] |= 1u << a->rcode;
}

static inline void
tally_answer(
    const struct event *e, const struct exchange *x, const struct answer *a)
{
	tallies[TALLY_answer_damaged] += e->is_changed;
	tallies[TALLY_answer_of_other] += e->update != x->slot;
	if (e->is_changed || e->update != x->slot)
		return;
	tallies[TALLY_answer_wrong_mac] += a->cause == TSTAT_IGN_MAC;
	tallies[TALLY_answer_wrong_key] += a->cause == TSTAT_IGN_KEY;
	tallies[TALLY_answer_wrong_time] += a->cause == TSTAT_FAIL_TIME;
	tallies[TALLY_answer_unsigned] += a->cause == TSTAT_IGN_UNSIGNED;
	tallies[TALLY_answer_wrong_zone] += a->cause == TSTAT_IGN_ZONE;
}

/* I1: of exactly its length, for the sanitizers. */
static inline void
target_answered(struct target *t, enum exchange_way way, const struct event *e)
{
	struct expected expected = {
	    .tsig = &t->target->tsig, .hmac = t->hmac, .now_s = wall_s()};
	static uint8_t *buf;
	struct answer a;
	uint16_t id = (uint16_t)build_u16_at(e->octets, 0);
	struct leg *leg = exchange_find(&t->table, way, id);

	if (leg == NULL) {
		tally(answer_doubled);
		return;
	}
	must(exchange_find(&t->table, way == WAY_UDP ? WAY_TCP : WAY_UDP, id) ==
	     NULL);
	if (buf == NULL)
		buf = malloc(PACKET_MAX);
	must(buf != NULL);
	memcpy(buf + PACKET_MAX - e->len, e->octets, e->len);
	expected.in = leg->exchange->in;
	expected.copy = &leg->copy;
	work_begin();
	forward_check(&expected, buf + PACKET_MAX - e->len, e->len, &a);
	work_end(e->len);
	check_judgement(t, e, leg->exchange, &a);
	tally_answer(e, leg->exchange, &a);
	if (a.kind == ANSWER_IGNORED)
		ignore(t, leg, &a);
	else if (a.kind == ANSWER_VOTE)
		vote(t, leg->exchange, a.rcode);
	else if (a.kind == ANSWER_FAILED)
		target_fail(t, leg->exchange, a.cause);
	else
		truncated(t, leg, &a);
}

static inline enum exchange_way
first_way(const struct target *t, const struct inbound *in)
{
	if (in->is_tcp)
		tally(tcp_by_client);
	else if (t->target->transport == TRANSPORT_TCP)
		tally(tcp_by_setting);
	else if (forward_len(in, &t->target->tsig) > t->target->udp_size)
		tally(tcp_by_size);
	else
		return WAY_UDP;
	return WAY_TCP;
}

static inline void
take_jobs(struct target *t)
{
	size_t i;

	for (i = 0; i < t->njobs; i++) {
		const struct job *job = &t->jobs[i];
		struct exchange *x = exchange_begin(
		    &t->table, job->in, job->update, job->start_us);

		must(x != NULL);
		x->way = first_way(t, job->in);
		schedule(EV_TARGET, t->index, x->start_us + t->timeout_us);
	}
	t->njobs = 0;
}

static inline void
expire(struct target *t)
{
	struct exchange *x;
	enum target_counter cause;

	while ((x = TAILQ_FIRST(&t->table.by_age)) != NULL &&
	       net.now_us >= x->start_us + t->timeout_us) {
		cause = (enum target_counter)x->last_cause;
		if (cause == TSTAT_NO_CAUSE)
			cause = x->is_waiting ? TSTAT_FAIL_BUSY
					      : TSTAT_FAIL_TIMEOUT;
		if (x->legs[WAY_TCP].is_open && t->tcp.received_us < x->sent_us)
			target_tcp_lost(t, TSTAT_FAIL_TIMEOUT);
		if (x == TAILQ_FIRST(&t->table.by_age))
			target_fail(t, x, cause);
	}
	while ((x = TAILQ_FIRST(&t->table.by_resend)) != NULL &&
	       net.now_us >= x->sent_us + t->resend_us)
		target_udp_resend(t, x);
	exchange_forget(&t->table, net.now_us, t->forget_us);
}

static inline void
tcp_tick(struct target *t)
{
	if (t->tcp.state == TCP_OPEN && t->tcp.open == 0 &&
	    net.now_us - t->tcp.used_us >= TCP_IDLE_US)
		target_tcp_close(t);
	if (t->tcp.state == TCP_CONNECTING &&
	    TAILQ_FIRST(&t->table.by_age) == NULL)
		target_tcp_close(t);
}

static inline void
send_waiting(struct target *t)
{
	struct exchange *x = TAILQ_FIRST(&t->table.waiting), *next;

	for (; x != NULL && t->table.nfresh < t->max_in_flight; x = next) {
		next = TAILQ_NEXT(x, waiting);
		if (x->way == WAY_UDP && !t->udp_is_blocked)
			target_udp_send(t, x);
		else if (x->way == WAY_TCP && target_tcp_is_ready(t))
			target_tcp_send(t, x);
	}
	tallies[TALLY_in_flight_full] += x != NULL;
}

static inline void
path_failed(struct target *t)
{
	struct exchange *x = TAILQ_FIRST(&t->table.by_age), *next;

	for (; x != NULL; x = next) {
		struct leg *leg = &x->legs[WAY_UDP];

		next = TAILQ_NEXT(x, by_age);
		if (!leg->is_open)
			continue;
		if (x->way == WAY_TCP)
			exchange_close_leg(&t->table, leg);
		else
			target_fail(t, x, TSTAT_FAIL_ICMP);
	}
}

static inline void
tcp_event(struct target *t, const struct event *e)
{
	if (e->connection != t->tcp.connection || t->tcp.state == TCP_CLOSED)
		return;
	if (e->type == EV_TCP_UP) {
		t->tcp.state = TCP_OPEN;
	} else if (e->type == EV_TCP_REFUSED) {
		not_connected(t);
	} else if (e->type == EV_TCP_CLOSED) {
		target_tcp_lost(t, TSTAT_FAIL_CLOSED);
	} else {
		t->tcp.used_us = t->tcp.received_us = net.now_us;
		t->tcp.has_answered = true;
		target_answered(t, WAY_TCP, e);
	}
}

/* Who waits still has a reason to, and the number of the others is right,
 * and of those that were sent lately. */
static inline void
check_waiting(const struct target *t)
{
	const struct exchange *x;
	size_t n = 0, fresh = 0;

	TAILQ_FOREACH (x, &t->table.by_age, by_age) {
		n += !x->is_waiting;
		fresh += x->is_fresh;
		must(!x->is_fresh || net.now_us < x->sent_us + t->forget_us);
	}
	must(n == t->table.in_flight && fresh == t->table.nfresh);
	TAILQ_FOREACH (x, &t->table.waiting, waiting) {
		must(x->is_waiting &&
		     (fresh >= t->max_in_flight ||
			 (x->way == WAY_UDP ? t->udp_is_blocked
					    : t->tcp.state != TCP_OPEN)));
	}
}

static inline void
target_take_event(struct target *t, const struct event *e)
{
	if (e->type == EV_UDP_ANSWER)
		target_answered(t, WAY_UDP, e);
	else if (e->type == EV_ICMP)
		path_failed(t);
	else if (e->type == EV_WRITABLE)
		t->udp_is_blocked = false;
	else if (e->type >= EV_TCP_ANSWER)
		tcp_event(t, e);
	take_jobs(t);
	expire(t);
	tcp_tick(t);
	send_waiting(t);
	check_waiting(t);
}

#endif
