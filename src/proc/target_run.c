/* SPDX-License-Identifier: ISC */
/* The loop of a target's thread. */
#include "proc/target_thread.h"

#include <poll.h>
#include <stdlib.h>

#include "base/mono.h"

enum { PFD_BELL, PFD_UDP_0, PFD_UDP_1, PFD_TCP, PFD_COUNT };

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
	exchange_forget(&t->table, t->now_us, t->forget_us);
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

/* A probe has a place of its own. */
static bool
has_place(const struct target *t)
{
	return t->table.nfresh <
	       t->max_in_flight + (t->prober.exchange != NULL);
}

/* Oldest first; those who wait for a connection do not hold up others. */
static void
send_waiting(struct target *t)
{
	struct exchange *x = TAILQ_FIRST(&t->table.waiting), *next;

	t->tcp.was_lost = false;
	for (; x != NULL && has_place(t); x = next) {
		next = TAILQ_NEXT(x, waiting);
		if (x->way == WAY_UDP && !t->udp_is_blocked)
			target_udp_send(t, x);
		else if (x->way == WAY_UDP)
			continue;
		else if (target_tcp_is_ready(t, x))
			target_tcp_send(t, x);
	}
	target_udp_flush(t);
	target_tcp_flush(t);
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
	x = TAILQ_FIRST(&t->table.fresh);
	if (!has_place(t) && x->sent_us + t->forget_us < due)
		due = x->sent_us + t->forget_us;
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

void *
target_run(void *arg)
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
		target_set(
		    &t->stats.gauge[TGAUGE_IN_FLIGHT], t->table.in_flight);
		wait_for_events(t);
	}
	return NULL;
}
