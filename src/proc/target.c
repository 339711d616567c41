/* SPDX-License-Identifier: ISC */
#include "proc/target_thread.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/compat.h"
#include "base/mono.h"
#include "base/sbuf.h"
#include "dns/dns.h"
#include "dns/text.h"

#define STACK_OCTETS (256 * 1024)
#define ID_TRIES 64

enum { PFD_BELL, PFD_UDP_0, PFD_UDP_1, PFD_TCP, PFD_COUNT };

static void
set(_Atomic uint64_t *value, uint64_t n)
{
	atomic_store_explicit(value, n, memory_order_relaxed);
}

static uint64_t
get(_Atomic uint64_t *value)
{
	return atomic_load_explicit(value, memory_order_relaxed);
}

/* One writer: a plain add would do, were nobody to read. */
static void
add(_Atomic uint64_t *value, uint64_t n)
{
	set(value, get(value) + n);
}

void
target_count(struct target *t, enum target_counter s)
{
	add(&t->stats.count[s], 1);
}

static void
count_answer(struct target *t, const struct exchange *x, unsigned rcode)
{
	uint64_t us = t->now_us - x->start_us;

	add(&t->stats.answers[rcode], 1);
	add(&t->stats.answers[ANSWERS_BUCKET + hist_bucket(us)], 1);
	add(&t->stats.answers[ANSWERS_SUM_US], us);
}

static void
say(const struct target *t, uint64_t id, enum target_counter cause,
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
	say(t, x != NULL ? x->in->id : 0, cause, what, suppressed);
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

static void
draw_ids(struct target *t)
{
	arc4random_buf(t->ids, sizeof(t->ids));
	t->ids_left = IDS_AT_ONCE;
}

static uint16_t
random_id(struct target *t)
{
	if (t->ids_left == 0)
		draw_ids(t);
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
target_prepare(struct target *t, struct exchange *x, enum exchange_way way)
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
	len = forward_write(x->in, &t->target->tsig, t->hmac, copy, t->copy);
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
		set(&t->stats.gauge[TGAUGE_CLOCK_OFFSET_S],
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

static void
take_jobs(struct target *t)
{
	struct exchange *x;
	struct job job;

	while (queue_take(&t->jobs, &job)) {
		x = exchange_begin(&t->table, job.in, job.slot, job.start_us);
		/* There are as many as there can be jobs. */
		if (x == NULL)
			abort();
		x->way = target_first_way(t, job.in);
	}
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

static void
expire(struct target *t)
{
	struct exchange *x;

	while ((x = TAILQ_FIRST(&t->table.by_age)) != NULL &&
	       t->now_us >= x->start_us + t->timeout_us)
		target_expire(t, x);
	while ((x = TAILQ_FIRST(&t->table.by_resend)) != NULL &&
	       t->now_us >= x->sent_us + t->resend_us)
		target_udp_resend(t, x);
}

/* It is down: nothing waits for it but a probe. */
static void
fail_waiting(struct target *t)
{
	struct exchange *x = TAILQ_FIRST(&t->table.waiting), *next;

	for (; x != NULL; x = next) {
		next = TAILQ_NEXT(x, waiting);
		if (!target_is_probe(t, x))
			target_give_up_tcp(t, x, TSTAT_FAIL_DOWN);
	}
}

/* Oldest first; those who wait for a connection do not hold up others. A
 * probe has a place of its own. */
static void
send_waiting(struct target *t)
{
	struct exchange *x = TAILQ_FIRST(&t->table.waiting), *next;
	size_t max = t->max_in_flight + (t->prober.exchange != NULL);

	t->tcp.was_lost = false;
	for (; x != NULL && t->table.in_flight < max; x = next) {
		next = TAILQ_NEXT(x, waiting);
		if (x->way == WAY_UDP && !t->udp_is_blocked)
			target_udp_send(t, x);
		else if (x->way == WAY_UDP)
			continue;
		else if (target_tcp_is_ready(t, x))
			target_tcp_send(t, x);
	}
}

static int
poll_timeout_ms(struct target *t)
{
	const struct exchange *x;
	uint64_t due = UINT64_MAX, now = mono_us();

	if (t->tcp.was_lost || !queue_is_empty(&t->jobs) ||
	    atomic_load(&t->is_stopping))
		return 0;
	x = TAILQ_FIRST(&t->table.by_age);
	if (x != NULL)
		due = x->start_us + t->timeout_us;
	x = TAILQ_FIRST(&t->table.by_resend);
	if (x != NULL && x->sent_us + t->resend_us < due)
		due = x->sent_us + t->resend_us;
	if (t->udp_is_blocked && t->udp_retry_us < due)
		due = t->udp_retry_us;
	if (target_probe_due_us(t) < due)
		due = target_probe_due_us(t);
	/* Idle sockets are closed within a second of their time. */
	if (due == UINT64_MAX)
		return t->tcp.state != TCP_CLOSED ? 1000 : -1;
	if (due <= now)
		return 0;
	return (int)((due - now) / 1000) + 1;
}

static void
wait_for_events(struct target *t)
{
	struct pollfd pfd[PFD_COUNT] = {
	    [PFD_BELL] = {.fd = t->bell.fds[0], .events = POLLIN},
	    [PFD_UDP_0] = {.fd = t->udp[0].fd, .events = POLLIN},
	    [PFD_UDP_1] = {.fd = t->udp[1].fd, .events = POLLIN},
	    [PFD_TCP] = {.fd = t->tcp.fd, .events = target_tcp_events(t)},
	};
	int n;

	bell_doze(&t->bell);
	n = poll(pfd, PFD_COUNT, poll_timeout_ms(t));
	bell_rise(&t->bell, n > 0 && pfd[PFD_BELL].revents != 0);
	t->now_us = mono_us();
	if (n <= 0)
		return;
	if (pfd[PFD_UDP_0].revents != 0)
		target_udp_ready(t, 0);
	if (pfd[PFD_UDP_1].revents != 0)
		target_udp_ready(t, 1);
	if (pfd[PFD_TCP].revents != 0)
		target_tcp_ready(t, pfd[PFD_TCP].revents);
}

static void *
run(void *arg)
{
	struct target *t = arg;

	while (!atomic_load(&t->is_stopping)) {
		t->now_us = mono_us();
		take_jobs(t);
		expire(t);
		target_udp_tick(t);
		target_tcp_tick(t);
		target_probe_tick(t);
		if (t->health.is_down)
			fail_waiting(t);
		send_waiting(t);
		if (target_has_result(t))
			bell_ring(t->worker_bell);
		set(&t->stats.gauge[TGAUGE_IN_FLIGHT], t->table.in_flight);
		wait_for_events(t);
	}
	return NULL;
}

/* Half of both deadlines: time enough for the first try, and enough left
 * for the second one. */
static uint64_t
resend_after_us(const struct conf *conf, const struct conf_target *target)
{
	unsigned ms = conf->client_deadline_ms;

	if (target->timeout_ms < ms)
		ms = target->timeout_ms;
	return (uint64_t)ms * 1000 / 2;
}

static bool
allocate(struct target *t)
{
	size_t nbuckets = 16;

	while (nbuckets < 2 * t->max_lent)
		nbuckets *= 2;
	/* And one for a probe. */
	t->exchanges = calloc(t->max_lent + 1, sizeof(*t->exchanges));
	t->buckets = calloc(nbuckets, sizeof(*t->buckets));
	t->tcp.in.cap = FRAME_OCTETS_MAX;
	t->tcp.out.cap = 2 * FRAME_OCTETS_MAX;
	t->tcp.in.buf = malloc(t->tcp.in.cap);
	t->tcp.out.buf = malloc(t->tcp.out.cap);
	if (t->exchanges == NULL || t->buckets == NULL ||
	    t->tcp.in.buf == NULL || t->tcp.out.buf == NULL)
		return false;
	exchange_table_init(
	    &t->table, t->exchanges, t->max_lent + 1, t->buckets, nbuckets);
	return queue_init(&t->jobs, t->max_lent, sizeof(struct job)) &&
	       queue_init(&t->results, t->max_lent, sizeof(struct result)) &&
	       queue_init(&t->probe_orders, PROBES_AT_ONCE,
		   sizeof(struct probe_order)) &&
	       queue_init(&t->probe_results, 2 * PROBES_AT_ONCE,
		   sizeof(struct probe_result)) &&
	       bell_init(&t->bell);
}

struct target *
target_new(const struct target_setup *setup)
{
	const struct conf_target *target = &setup->conf->targets[setup->index];
	struct target *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->conf = setup->conf;
	t->target = target;
	t->max_lent = setup->max_lent;
	t->max_in_flight = target->max_in_flight / setup->conf->workers;
	if (t->max_in_flight == 0)
		t->max_in_flight = 1;
	t->timeout_us = (uint64_t)target->timeout_ms * 1000;
	t->resend_us = resend_after_us(setup->conf, target);
	t->worker_bell = setup->worker_bell;
	t->id_prefix = setup->id_prefix;
	t->outage = setup->outage;
	t->worker = setup->worker;
	health_init(&t->health, target->breaker_failures);
	t->udp[0].fd = t->udp[1].fd = t->tcp.fd = -1;
	t->bell.fds[0] = t->bell.fds[1] = -1;
	/* The first call takes memory, and ends us where there is none: now
	 * and not in the middle of an update. */
	draw_ids(t);
	t->hmac = hmac_new(target->tsig.alg->hash, target->tsig.secret,
	    target->tsig.secret_len);
	if (t->hmac == NULL) {
		log_error("target %s: no %s from libcrypto", target->name,
		    target->tsig.alg->text);
		errno = ENOTSUP;
	}
	if (t->hmac == NULL || !allocate(t)) {
		target_free(t);
		return NULL;
	}
	return t;
}

bool
target_start(struct target *t)
{
	sigset_t all, old;
	pthread_attr_t attr;
	int error = pthread_attr_init(&attr);

	if (error == 0) {
		error = pthread_attr_setstacksize(&attr, STACK_OCTETS);
		/* Signals are for the main thread only. */
		sigfillset(&all);
		(void)pthread_sigmask(SIG_SETMASK, &all, &old);
		if (error == 0)
			error = pthread_create(&t->thread, &attr, run, t);
		(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
		(void)pthread_attr_destroy(&attr);
	}
	t->is_running = error == 0;
	if (error != 0)
		errno = error;
	return t->is_running;
}

void
target_stop(struct target *t)
{
	if (!t->is_running)
		return;
	atomic_store(&t->is_stopping, true);
	bell_ring(&t->bell);
	(void)pthread_join(t->thread, NULL);
	t->is_running = false;
}

void
target_free(struct target *t)
{
	if (t == NULL)
		return;
	target_udp_close(t);
	target_tcp_close(t);
	hmac_free(t->hmac);
	queue_free(&t->jobs);
	queue_free(&t->results);
	queue_free(&t->probe_orders);
	queue_free(&t->probe_results);
	bell_free(&t->bell);
	free(t->exchanges);
	free(t->buckets);
	free(t->tcp.in.buf);
	free(t->tcp.out.buf);
	free(t);
}

static void
refuse(struct target *t, const struct job *job)
{
	unsigned suppressed;

	t->refused++;
	if (log_rate_due(&t->refused_rate, job->start_us, &suppressed))
		say(t, job->in->id, TSTAT_FAIL_BUSY, "", suppressed);
}

bool
target_is_down(const struct target *t)
{
	return atomic_load_explicit(&t->is_down, memory_order_relaxed);
}

enum target_counter
target_give(struct target *t, const struct job *job)
{
	if (target_is_down(t)) {
		add(&t->not_given, 1);
		return TSTAT_FAIL_DOWN;
	}
	if (t->lent == t->max_lent || !queue_put(&t->jobs, job)) {
		refuse(t, job);
		return TSTAT_FAIL_BUSY;
	}
	t->lent++;
	return TSTAT_NO_CAUSE;
}

void
target_disable(struct target *t, bool is_disabled)
{
	if (atomic_exchange(&t->is_disabled, is_disabled) != is_disabled)
		target_wake(t);
}

void
target_wake(struct target *t)
{
	bell_ring(&t->bell);
}

bool
target_take(struct target *t, struct result *result)
{
	if (!queue_take(&t->results, result))
		return false;
	t->lent--;
	return true;
}

bool
target_has_result(struct target *t)
{
	return !queue_is_empty(&t->results) ||
	       !queue_is_empty(&t->probe_results);
}

bool
target_probe(struct target *t, const struct probe_order *order)
{
	bool is_put = queue_put(&t->probe_orders, order);

	bell_ring(&t->bell);
	return is_put;
}

bool
target_take_probe(struct target *t, struct probe_result *result)
{
	return queue_take(&t->probe_results, result);
}

void
target_snapshot(struct target *t, struct target_values *v)
{
	uint64_t in_flight = get(&t->stats.gauge[TGAUGE_IN_FLIGHT]);
	size_t i;

	for (i = 0; i < TSTAT_COUNT; i++)
		v->count[i] = get(&t->stats.count[i]);
	for (i = 0; i < ANSWERS_COUNT; i++)
		v->answers[i] = get(&t->stats.answers[i]);
	v->count[TSTAT_FAIL_BUSY] += t->refused;
	v->count[TSTAT_FAIL_DOWN] += get(&t->not_given);
	v->gauge[TGAUGE_WORKERS_DOWN] = target_is_down(t);
	v->gauge[TGAUGE_IN_FLIGHT] = in_flight;
	v->gauge[TGAUGE_QUEUED] = t->lent > in_flight ? t->lent - in_flight : 0;
	v->gauge[TGAUGE_CLOCK_OFFSET_S] =
	    get(&t->stats.gauge[TGAUGE_CLOCK_OFFSET_S]);
}
