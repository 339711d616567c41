/* SPDX-License-Identifier: ISC */
#include "proc/target_thread.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#define STACK_OCTETS (256 * 1024)

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
	t->forget_us = (uint64_t)setup->conf->client_deadline_ms * 1000;
	t->worker_bell = setup->worker_bell;
	t->id_prefix = setup->id_prefix;
	t->outage = setup->outage;
	t->worker = setup->worker;
	health_init(&t->health, target->breaker_failures);
	t->udp[0].fd = t->udp[1].fd = t->tcp.fd = -1;
	t->bell.fds[0] = t->bell.fds[1] = -1;
	/* The first call takes memory, and ends us where there is none: now
	 * and not in the middle of an update. */
	target_draw_ids(t);
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
			error =
			    pthread_create(&t->thread, &attr, target_run, t);
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
		target_say(t, job->in->id, TSTAT_FAIL_BUSY, "", suppressed);
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
		target_add(&t->not_given, 1);
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
	uint64_t in_flight = target_get(&t->stats.gauge[TGAUGE_IN_FLIGHT]);
	size_t i;

	for (i = 0; i < TSTAT_COUNT; i++)
		v->count[i] = target_get(&t->stats.count[i]);
	for (i = 0; i < ANSWERS_COUNT; i++)
		v->answers[i] = target_get(&t->stats.answers[i]);
	v->count[TSTAT_FAIL_BUSY] += t->refused;
	v->count[TSTAT_FAIL_DOWN] += target_get(&t->not_given);
	v->gauge[TGAUGE_WORKERS_DOWN] = target_is_down(t);
	v->gauge[TGAUGE_IN_FLIGHT] = in_flight;
	v->gauge[TGAUGE_QUEUED] = t->lent > in_flight ? t->lent - in_flight : 0;
	v->gauge[TGAUGE_CLOCK_OFFSET_S] =
	    target_get(&t->stats.gauge[TGAUGE_CLOCK_OFFSET_S]);
}
