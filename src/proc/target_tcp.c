/* SPDX-License-Identifier: ISC */
/* A target's copies and answers by TCP: one connection, kept, pipelined. */
#include "proc/target_thread.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "dns/dns.h"
#include "net/sock.h"

/* PowerDNS closes after 5 s, Knot after 10, BIND after 30: be first, so
 * that no copy meets a connection that is just being closed. */
#define IDLE_US 4000000
#define TRIES_MAX 2

void
target_tcp_close(struct target *t)
{
	struct tcp_path *tcp = &t->tcp;

	if (tcp->fd != -1)
		close(tcp->fd);
	tcp->fd = -1;
	tcp->state = TCP_CLOSED;
	tcp->has_answered = false;
	tcp->open = 0;
	tcp->in.start = tcp->in.end = 0;
	tcp->out.start = tcp->out.end = 0;
	tcp->out.sent = 0;
}

/* Certainly not read by the target, or lost to its idle timer? */
static bool
may_retry(const struct target *t, const struct exchange *x)
{
	return x->tcp_tries < TRIES_MAX && exchange_has_copies_left(x) &&
	       (x->stream_pos >= t->tcp.out.sent || x->was_reused);
}

/* Backwards, so that those who wait again keep their order. */
void
target_tcp_lost(struct target *t, enum target_counter cause, const char *why)
{
	struct exchange *x = TAILQ_LAST(&t->table.by_age, exchange_list);
	struct exchange *former;

	if (t->tcp.open > 0)
		target_complain(t, NULL, cause, "%s", why);
	for (; x != NULL; x = former) {
		struct leg *leg = &x->legs[WAY_TCP];

		former = TAILQ_PREV(x, exchange_list, by_age);
		if (!leg->is_open)
			continue;
		exchange_close_leg(&t->table, leg);
		if (may_retry(t, x))
			exchange_wait(&t->table, x, WAY_TCP);
		else
			target_give_up_tcp(t, x, cause);
	}
	target_tcp_close(t);
	t->tcp.was_lost = true;
}

/* Nobody can be sent: all who wait for the connection fail at once. */
static void
not_connected(struct target *t, int error)
{
	struct exchange *x = TAILQ_FIRST(&t->table.waiting), *next;

	target_complain(t, NULL, TSTAT_FAIL_CONNECT, "%s", strerror(error));
	target_tcp_close(t);
	for (; x != NULL; x = next) {
		next = TAILQ_NEXT(x, waiting);
		if (x->way == WAY_TCP)
			target_give_up_tcp(t, x, TSTAT_FAIL_CONNECT);
	}
}

static void
open_connection(struct target *t)
{
	t->tcp.fd = sock_connect_tcp(&t->target->addr);
	if (t->tcp.fd == -1)
		return;
	target_count(t, TSTAT_TCP_CONNECTS);
	t->tcp.state = TCP_CONNECTING;
	t->tcp.used_us = t->now_us;
}

bool
target_tcp_is_ready(struct target *t, const struct exchange *x)
{
	size_t len = forward_len(x->in, &t->target->tsig);

	if (t->tcp.state == TCP_CLOSED)
		open_connection(t);
	/* What is too long for any message is found when it is prepared. */
	if (len > DNS_MSG_OCTETS_MAX)
		len = 0;
	if (t->tcp.state == TCP_OPEN && !frame_has_room(&t->tcp.out, len))
		target_tcp_flush(t);
	return t->tcp.fd == -1 ||
	       (t->tcp.state == TCP_OPEN && frame_has_room(&t->tcp.out, len));
}

void
target_tcp_send(struct target *t, struct exchange *x)
{
	struct tcp_path *tcp = &t->tcp;
	bool was_idle = tcp->has_answered && tcp->open == 0;
	size_t len;

	if (tcp->fd == -1) {
		target_complain(
		    t, NULL, TSTAT_FAIL_CONNECT, "%s", strerror(errno));
		target_give_up_tcp(t, x, TSTAT_FAIL_CONNECT);
		return;
	}
	len = target_prepare(t, x, WAY_TCP, t->copy);
	if (len == 0)
		return;
	x->tcp_tries++;
	x->copies++;
	x->was_reused = was_idle;
	x->stream_pos = tcp->out.sent + (tcp->out.end - tcp->out.start);
	frame_put(&tcp->out, t->copy, len);
	target_count(t, TSTAT_SENT_TCP);
	tcp->used_us = t->now_us;
}

void
target_tcp_flush(struct target *t)
{
	if (t->tcp.state == TCP_OPEN &&
	    frame_flush(&t->tcp.out, t->tcp.fd) == FRAME_ERROR)
		target_tcp_lost(t, TSTAT_FAIL_CLOSED, strerror(errno));
}

short
target_tcp_events(const struct target *t)
{
	if (t->tcp.state == TCP_CONNECTING)
		return POLLOUT;
	return t->tcp.out.start < t->tcp.out.end ? POLLIN | POLLOUT : POLLIN;
}

static void
connected(struct target *t)
{
	int error = sock_error(t->tcp.fd);

	if (error != 0)
		not_connected(t, error);
	else
		t->tcp.state = TCP_OPEN;
}

static void
receive(struct target *t)
{
	struct tcp_path *tcp = &t->tcp;
	enum frame_io io = frame_fill(&tcp->in, tcp->fd);
	const uint8_t *msg;
	size_t len;

	tcp->used_us = tcp->received_us = t->now_us;
	while (tcp->fd != -1 && (msg = frame_next(&tcp->in, &len)) != NULL) {
		if (len < DNS_HEADER_OCTETS) {
			target_count(t, TSTAT_IGN_SHORT);
			target_tcp_lost(
			    t, TSTAT_FAIL_CLOSED, "no message in the frame");
			return;
		}
		tcp->has_answered = true;
		target_answered(t, WAY_TCP, 0, msg, len);
	}
	if (io == FRAME_CLOSED)
		target_tcp_lost(t, TSTAT_FAIL_CLOSED, "end of file");
	else if (io == FRAME_ERROR)
		target_tcp_lost(t, TSTAT_FAIL_CLOSED, strerror(errno));
}

void
target_tcp_ready(struct target *t, short revents)
{
	if (t->tcp.state == TCP_CONNECTING) {
		connected(t);
		return;
	}
	if ((revents & POLLOUT) != 0)
		target_tcp_flush(t);
	if (t->tcp.fd != -1 && (revents & (POLLIN | POLLHUP | POLLERR)) != 0)
		receive(t);
}

/* Nothing came since it was sent, or a part of a message that would take
 * all further answers for its rest: the connection is of no use. */
void
target_tcp_timeout(struct target *t, const struct exchange *x)
{
	if (t->tcp.received_us < x->sent_us || frame_is_partial(&t->tcp.in))
		target_tcp_lost(t, TSTAT_FAIL_TIMEOUT, "connection is stuck");
}

void
target_tcp_tick(struct target *t)
{
	const struct exchange *oldest = TAILQ_FIRST(&t->table.by_age);

	if (t->tcp.state == TCP_OPEN && t->tcp.open == 0 &&
	    t->tcp.out.start == t->tcp.out.end &&
	    t->now_us - t->tcp.used_us >= IDLE_US)
		target_tcp_close(t);
	/* Nobody waits for this connection any more. */
	if (t->tcp.state == TCP_CONNECTING && oldest == NULL)
		target_tcp_close(t);
}
