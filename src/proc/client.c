/* SPDX-License-Identifier: ISC */
#include "proc/client.h"

#include <sys/socket.h>

#include <string.h>

#include "proc/client_conn.h"
#include "proc/dispatch.h"

/* Of one connection; then all others have their turn. */
#define TAKE_AT_ONCE 16
/* A segment has 536 octets or more (RFC 9293 3.7.1): who sends less at a
 * time, and does so all the time, is up to something. */
#define SMALL_READ_OCTETS 512

/* Has it brought all that one connection may? */
static bool
is_used_up(const struct worker *w, const struct tcp_client *c)
{
	return c->messages >= w->conf->tcp_messages;
}

/* Room for the answers to what is in hand, and to one more. */
static bool
may_take_more(const struct worker *w, const struct tcp_client *c)
{
	return !is_used_up(w, c) && c->in_hand < w->conf->tcp_pipelined &&
	       frame_has_room(&c->out, (c->in_hand + 1) * ANSWER_ROOM);
}

/* What is whole already is taken first. */
static bool
may_read(const struct worker *w, const struct tcp_client *c)
{
	if (c->is_leaving)
		return true;
	return !c->has_ended && may_take_more(w, c) && !frame_is_whole(&c->in);
}

static void
flush(struct worker *w, struct tcp_client *c)
{
	uint64_t before = c->out.sent;

	c->has_news = false;
	switch (frame_flush(&c->out, c->fd)) {
	case FRAME_OK:
		return;
	case FRAME_AGAIN:
		if (c->out.sent != before || c->sent_by_us == 0)
			c->sent_by_us = client_after_us(w, w->conf->tcp_send_s);
		return;
	case FRAME_CLOSED:
	case FRAME_ERROR:
		client_close(w, c);
		return;
	}
}

static struct tcp_client *
client_of(const struct route *route)
{
	struct tcp_client *c = route->client;

	return c->serial == route->client_serial ? c : NULL;
}

void
client_holds(const struct route *route)
{
	struct tcp_client *c = client_of(route);

	if (c != NULL)
		c->in_hand++;
}

void
client_answer(struct worker *w, const struct route *route,
    const uint8_t *octets, size_t len)
{
	struct tcp_client *c = client_of(route);

	if (c == NULL || !frame_has_room(&c->out, len))
		return;
	if (c->out.start == c->out.end)
		c->sent_by_us = client_after_us(w, w->conf->tcp_send_s);
	frame_put(&c->out, octets, len);
	/* client_tick sends it, with those that follow in this turn. */
	c->has_news = true;
}

void
client_flush(struct worker *w, const struct route *route)
{
	struct tcp_client *c = client_of(route);

	if (c != NULL && c->has_news)
		flush(w, c);
}

static uint64_t
read_by_us(const struct worker *w, const struct tcp_client *c)
{
	return client_after_us(w, frame_is_partial(&c->in)
				      ? w->conf->tcp_message_s
				      : w->conf->tcp_idle_s);
}

/* false once the connection is closed. */
static bool
take_message(struct worker *w, struct tcp_client *c)
{
	uint64_t serial = c->serial;
	struct slot *s = w->spare;
	const uint8_t *msg;
	size_t len;

	msg = frame_next(&c->in, &len);
	if (msg == NULL)
		return false;
	w->stats.count[STAT_RECEIVED_TCP]++;
	s->route = (struct route){
	    .fd = -1, .from = c->from, .client = c, .client_serial = serial};
	memcpy(s->octets, msg, len);
	c->messages++;
	c->reads = 0;
	c->read_by_us = read_by_us(w, c);
	if (!dispatch_message(w, len) && c->serial == serial) {
		client_refuse(w, &c->from, STAT_TCP_BAD_FRAME);
		client_close(w, c);
	}
	return c->serial == serial;
}

/* What has been received, as far as there is room for answers. */
static void
take_messages(struct worker *w, struct tcp_client *c)
{
	int n = TAKE_AT_ONCE;

	while (n-- > 0 && may_take_more(w, c) && take_message(w, c))
		continue;
}

/*
 * A connection closed while something unread waits in it is reset, and the
 * answers before that may be lost: so the client gets an end of file, and
 * has time to read it; what it sends until then goes nowhere.
 */
static void
take_leave(struct worker *w, struct tcp_client *c)
{
	w->stats.count[STAT_TCP_USED_UP]++;
	c->is_leaving = true;
	c->in.start = c->in.end = 0;
	c->read_by_us = client_after_us(w, w->conf->tcp_message_s);
	if (shutdown(c->fd, SHUT_WR) == -1)
		client_close(w, c);
}

static void
end_if_answered(struct worker *w, struct tcp_client *c)
{
	if (c->serial == 0 || c->is_leaving || !client_has_all_answers(c))
		return;
	if (c->has_ended && (is_used_up(w, c) || !frame_is_whole(&c->in)))
		client_close(w, c);
	else if (is_used_up(w, c))
		take_leave(w, c);
}

void
client_settled(struct worker *w, const struct route *route)
{
	struct tcp_client *c = client_of(route);

	/* What waits in its buffer is taken by client_tick: not from here,
	 * within the handling of another message. */
	if (c == NULL)
		return;
	c->in_hand--;
	/* The time that we took is not the client's. */
	if (c->in_hand == 0)
		c->read_by_us = read_by_us(w, c);
}

/* Octets have come: of how many may they be? */
static void
look_at_pace(
    struct worker *w, struct tcp_client *c, size_t len, bool was_partial)
{
	if (frame_is_whole(&c->in))
		return;
	/* The clock for a message starts with its first octet. */
	if (!was_partial)
		c->read_by_us = read_by_us(w, c);
	if (len < SMALL_READ_OCTETS && ++c->reads >= w->conf->tcp_reads) {
		client_refuse(w, &c->from, STAT_TCP_READS);
		client_close(w, c);
	}
}

/* Reads once: poll calls again. */
static void
receive(struct worker *w, struct tcp_client *c)
{
	bool was_partial = frame_is_partial(&c->in);
	size_t had = c->in.end - c->in.start;

	switch (frame_fill(&c->in, c->fd)) {
	case FRAME_OK:
		if (c->is_leaving)
			c->in.start = c->in.end = 0;
		else
			look_at_pace(
			    w, c, c->in.end - c->in.start - had, was_partial);
		break;
	case FRAME_AGAIN:
		break;
	case FRAME_CLOSED:
		c->has_ended = true;
		if (c->is_leaving)
			client_close(w, c);
		break;
	case FRAME_ERROR:
		client_close(w, c);
		break;
	}
}

size_t
client_poll(struct worker *w, struct pollfd *pfd)
{
	struct tcp_clients *all = w->clients;
	size_t i, n = 0;

	for (i = 0; i < all->max && n < all->count; i++) {
		struct tcp_client *c = &all->client[i];
		short events = 0;

		if (c->fd == -1)
			continue;
		if (may_read(w, c))
			events |= POLLIN;
		if (c->out.start < c->out.end)
			events |= POLLOUT;
		all->polled[n] = i;
		pfd[n++] = (struct pollfd){.fd = c->fd, .events = events};
	}
	return n;
}

void
client_ready(struct worker *w, const struct pollfd *pfd, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		struct tcp_client *c =
		    &w->clients->client[w->clients->polled[i]];

		/* Closed, or closed and taken anew, since then. */
		if (pfd[i].revents == 0 || c->fd != pfd[i].fd)
			continue;
		if ((pfd[i].revents & (POLLERR | POLLNVAL)) != 0) {
			client_close(w, c);
			continue;
		}
		if ((pfd[i].revents & POLLOUT) != 0)
			flush(w, c);
		if (c->fd == pfd[i].fd && may_read(w, c) &&
		    (pfd[i].revents & (POLLIN | POLLHUP)) != 0)
			receive(w, c);
	}
}

/* Whole messages that are left over for the next turn. */
static bool
has_more(const struct worker *w, const struct tcp_client *c)
{
	return frame_is_whole(&c->in) && may_take_more(w, c);
}

/* By when it has to do something; not while it waits for us. */
static uint64_t
deadline_of(const struct worker *w, const struct tcp_client *c)
{
	if (has_more(w, c))
		return UINT64_MAX;
	if (c->out.start < c->out.end)
		return c->sent_by_us;
	return c->in_hand > 0 ? UINT64_MAX : c->read_by_us;
}

static void
close_late(struct worker *w, struct tcp_client *c)
{
	if (c->out.start < c->out.end)
		client_refuse(w, &c->from, STAT_TCP_UNREAD);
	else if (frame_is_partial(&c->in))
		client_refuse(w, &c->from, STAT_TCP_TIMEOUT);
	else
		w->stats.count[STAT_TCP_IDLE]++;
	client_close(w, c);
}

/* When draining: what has come by now is still served, and a message that
 * has begun. */
static void
take_the_last(struct worker *w, struct tcp_client *c)
{
	if (c->serial == 0 || c->has_ended || !may_read(w, c))
		return;
	receive(w, c);
	if (c->serial != 0 && c->in.start == c->in.end)
		c->has_ended = true;
}

static void
tick_one(struct worker *w, struct tcp_client *c)
{
	take_messages(w, c);
	if (w->is_draining)
		take_the_last(w, c);
	if (c->has_news)
		flush(w, c);
	end_if_answered(w, c);
	if (c->fd != -1 && deadline_of(w, c) <= w->now_us)
		close_late(w, c);
}

void
client_tick(struct worker *w)
{
	size_t i, left = w->clients->count;

	for (i = 0; i < w->clients->max && left > 0; i++) {
		if (w->clients->client[i].fd == -1)
			continue;
		left--;
		tick_one(w, &w->clients->client[i]);
	}
}

uint64_t
client_next_deadline_us(const struct worker *w)
{
	uint64_t due = UINT64_MAX;
	size_t i, left = w->clients->count;

	for (i = 0; i < w->clients->max && left > 0; i++) {
		const struct tcp_client *c = &w->clients->client[i];

		if (c->fd == -1)
			continue;
		left--;
		if (has_more(w, c))
			return w->now_us;
		if (deadline_of(w, c) < due)
			due = deadline_of(w, c);
	}
	return due;
}
