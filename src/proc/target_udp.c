/* SPDX-License-Identifier: ISC */
/* A target's copies and answers by UDP. */
#include "proc/target_thread.h"

#include <sys/socket.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "net/sock.h"

/*
 * A source port serves many copies: what protects them is the TSIG that is
 * chained to ours, and the random ID. It is still changed now and then.
 */
#define PORT_AGE_US 10000000
#define PORT_COPIES 4096
#define RECEIVE_AT_ONCE 64
/* Poll calls a socket writable whose interface has no buffers. */
#define RETRY_US 10000

static void
close_path(struct udp_path *path)
{
	if (path->fd != -1)
		close(path->fd);
	path->fd = -1;
	path->sent = 0;
}

void
target_udp_close(struct target *t)
{
	close_path(&t->udp[0]);
	close_path(&t->udp[1]);
}

/* All answers that are awaited on this socket will never come. */
static void
path_failed(struct target *t, size_t index, int error)
{
	struct exchange *x = TAILQ_FIRST(&t->table.by_age), *next;

	target_complain(t, NULL, TSTAT_FAIL_ICMP, "%s", strerror(error));
	for (; x != NULL; x = next) {
		struct leg *leg = &x->legs[WAY_UDP];

		next = TAILQ_NEXT(x, by_age);
		if (!leg->is_open || leg->path != index)
			continue;
		/* TCP was asked as well and may yet answer. */
		if (x->way == WAY_TCP)
			exchange_close_leg(&t->table, leg);
		else
			target_fail(t, x, TSTAT_FAIL_ICMP);
	}
}

static bool
is_worn(const struct target *t, const struct udp_path *path)
{
	return path->sent >= PORT_COPIES ||
	       t->now_us - path->opened_us >= PORT_AGE_US;
}

/* The former socket goes once nothing sent by it can still be open. */
void
target_udp_tick(struct target *t)
{
	struct udp_path *current = &t->udp[t->udp_current];
	struct udp_path *former = &t->udp[1 - t->udp_current];

	if (former->fd != -1 && t->now_us - current->opened_us > t->timeout_us)
		close_path(former);
	if (t->now_us >= t->udp_retry_us)
		t->udp_is_blocked = false;
}

static struct udp_path *
path_for_sending(struct target *t)
{
	struct udp_path *path = &t->udp[t->udp_current];

	if (path->fd != -1 && is_worn(t, path) &&
	    t->udp[1 - t->udp_current].fd == -1) {
		t->udp_current = 1 - t->udp_current;
		path = &t->udp[t->udp_current];
	}
	if (path->fd == -1) {
		path->fd = sock_connect_udp(&t->target->addr);
		path->opened_us = t->now_us;
		path->sent = 0;
	}
	return path;
}

void
target_udp_send(struct target *t, struct exchange *x)
{
	uint8_t *octets = burst_room(&t->out);
	size_t len;

	if (octets == NULL) {
		target_udp_flush(t);
		octets = burst_room(&t->out);
	}
	if (t->out.count == 0 && path_for_sending(t)->fd == -1) {
		target_complain(t, x, TSTAT_FAIL_LOCAL, "%s", strerror(errno));
		target_fail(t, x, TSTAT_FAIL_LOCAL);
		return;
	}
	len = target_prepare(t, x, WAY_UDP, octets);
	if (len == 0)
		return;
	x->legs[WAY_UDP].path = (uint8_t)t->udp_current;
	t->out_of[t->out.count] = x;
	burst_add(&t->out, len);
}

static void
was_sent(struct target *t, struct exchange *x)
{
	t->udp[t->udp_current].sent++;
	target_count(t, TSTAT_SENT_UDP);
	x->copies++;
	/* A second copy of an update with prerequisites could be told that
	 * they fail because the first was applied. */
	if (x->in->shape.prereqs == 0)
		exchange_allow_resend(&t->table, x);
}

/* To wait from the given one on, in the same order. */
static void
take_back(struct target *t, size_t from)
{
	size_t i;

	for (i = t->out.count; i > from; i--) {
		struct exchange *x = t->out_of[i - 1];

		exchange_close_leg(&t->table, &x->legs[WAY_UDP]);
		exchange_wait(&t->table, x, WAY_UDP);
	}
	t->udp_is_blocked = true;
	t->udp_retry_us = t->now_us + RETRY_US;
}

/* An error may stand for an earlier datagram: then this one has not been
 * sent, and is worth a second try. */
static int
send_from(struct target *t, size_t from)
{
	int fd = t->udp[t->udp_current].fd,
	    n = burst_send(fd, &t->out, from, NULL);

	if (n == -1 && errno == ECONNREFUSED)
		n = burst_send(fd, &t->out, from, NULL);
	return n;
}

void
target_udp_flush(struct target *t)
{
	size_t i = 0;

	while (i < t->out.count) {
		int n = send_from(t, i);

		if (n == -1 && sock_is_transient(errno)) {
			take_back(t, i);
			break;
		}
		if (n == -1) {
			target_complain(t, t->out_of[i], TSTAT_FAIL_ICMP, "%s",
			    strerror(errno));
			target_fail(t, t->out_of[i++], TSTAT_FAIL_ICMP);
		}
		for (; n > 0; n--)
			was_sent(t, t->out_of[i++]);
	}
	burst_clear(&t->out);
}

/* The same octets once more, so that either answer fits. */
void
target_udp_resend(struct target *t, struct exchange *x)
{
	struct leg *leg = &x->legs[WAY_UDP];
	struct udp_path *path = &t->udp[leg->path];
	size_t len;

	exchange_forbid_resend(&t->table, x);
	if (!exchange_has_copies_left(x))
		return;
	len = forward_write(
	    x->in, &t->target->tsig, t->hmac, &leg->copy, t->copy);
	if (len == 0 || send(path->fd, t->copy, len, MSG_NOSIGNAL) == -1)
		return;
	path->sent++;
	x->copies++;
	target_count(t, TSTAT_RESENT);
}

void
target_udp_ready(struct target *t, size_t path)
{
	size_t taken = 0;
	int n, i;

	do {
		n = burst_receive(t->udp[path].fd, &t->in, NULL);
		if (n == -1 && !sock_is_transient(errno))
			path_failed(t, path, errno);
		for (i = 0; i < n; i++)
			target_answered(t, WAY_UDP, (uint8_t)path,
			    t->in.octets[i], t->in.lens[i]);
		taken += n == -1 ? 0 : (size_t)n;
	} while (n == (int)burst_max && taken < RECEIVE_AT_ONCE);
}
