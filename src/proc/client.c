/* SPDX-License-Identifier: ISC */
#include "proc/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/frame.h"
#include "net/sock.h"
#include "proc/dispatch.h"
#include "proc/slot.h"

#define IN_HAND_MAX 16 /* updates of one connection */
#define ANSWER_ROOM (REPLY_OCTETS_MAX + FRAME_LEN_OCTETS)
#define OUT_OCTETS (2 * IN_HAND_MAX * ANSWER_ROOM)
#define READS_AT_ONCE 4

#define FIRST_US 5000000 /* to the first whole message */
#define MESSAGE_US 5000000 /* for the rest of a message */
#define IDLE_US 10000000 /* between messages */
#define SEND_US 2000000 /* for the client to read anything */
#define PAUSE_US 100000 /* out of descriptors */

struct tcp_client {
	int fd; /* -1: unused */
	uint64_t serial;
	struct addr from;
	size_t in_hand;
	bool has_ended; /* no more comes from it */
	uint64_t read_by_us;
	uint64_t sent_by_us; /* while something is unsent */
	struct frame_in in;
	struct frame_out out;
};

struct tcp_clients {
	struct tcp_client *client;
	size_t max; /* of client and polled */
	size_t count;
	uint64_t last_serial;
	size_t *polled; /* index of each poll entry's client */
	uint64_t accept_after_us; /* after running out of descriptors */
	uint8_t *octets;
};

#define CLIENT_OCTETS (FRAME_OCTETS_MAX + OUT_OCTETS)

static bool
allocate(struct tcp_clients *all, size_t max)
{
	all->client = calloc(max, sizeof(*all->client));
	all->polled = calloc(max, sizeof(*all->polled));
	/* Not touched before a connection needs it. */
	all->octets = calloc(max, CLIENT_OCTETS);
	if (all->client == NULL || all->polled == NULL || all->octets == NULL)
		return false;
	all->max = max;
	return true;
}

bool
client_init(struct worker *w)
{
	struct tcp_clients *all = calloc(1, sizeof(*all));
	size_t i;

	w->clients = all;
	if (all == NULL || !allocate(all, w->conf->tcp_clients))
		return false;
	for (i = 0; i < all->max; i++) {
		struct tcp_client *c = &all->client[i];

		c->fd = -1;
		c->in.buf = all->octets + i * CLIENT_OCTETS;
		c->in.cap = FRAME_OCTETS_MAX;
		c->out.buf = c->in.buf + FRAME_OCTETS_MAX;
		c->out.cap = OUT_OCTETS;
	}
	return true;
}

static void
close_client(struct worker *w, struct tcp_client *c)
{
	close(c->fd);
	c->fd = -1;
	c->serial = 0;
	w->clients->count--;
}

void
client_free(struct worker *w)
{
	size_t i;

	if (w->clients == NULL)
		return;
	for (i = 0; i < w->clients->max; i++) {
		if (w->clients->client[i].fd != -1)
			close_client(w, &w->clients->client[i]);
	}
	free(w->clients->client);
	free(w->clients->polled);
	free(w->clients->octets);
	free(w->clients);
	w->clients = NULL;
}

size_t
client_count(const struct worker *w)
{
	return w->clients->count;
}

static bool
is_idle(const struct tcp_client *c)
{
	return c->in_hand == 0 && c->out.start == c->out.end &&
	       !frame_is_partial(&c->in);
}

/* A place for one more from this source; all taken, the one that has been
 * idle longest gives way. NULL if there is none. */
static struct tcp_client *
find_place(struct worker *w, const struct addr *from)
{
	struct tcp_client *place = NULL, *idle = NULL;
	size_t i, same = 0;

	for (i = 0; i < w->clients->max; i++) {
		struct tcp_client *c = &w->clients->client[i];

		if (c->fd == -1) {
			place = c;
			continue;
		}
		same += addr_same_host(&c->from, from);
		if (is_idle(c) &&
		    (idle == NULL || c->read_by_us < idle->read_by_us))
			idle = c;
	}
	if (same >= w->conf->tcp_clients_per_source)
		return NULL;
	if (place == NULL && idle != NULL) {
		close_client(w, idle);
		place = idle;
	}
	return place;
}

static void
admit(struct worker *w, int fd, const struct addr *from)
{
	struct tcp_client *c = find_place(w, from);
	struct inbound none = {.is_tcp = true};

	if (c == NULL) {
		dispatch_refused(w, STAT_TCP_REFUSED, from, &none);
		close(fd);
		return;
	}
	w->stats.count[STAT_TCP_ACCEPTED]++;
	w->clients->count++;
	c->fd = fd;
	c->serial = ++w->clients->last_serial;
	c->from = *from;
	c->in_hand = 0;
	c->has_ended = false;
	c->read_by_us = w->now_us + FIRST_US;
	c->in.start = c->in.end = 0;
	c->out.start = c->out.end = 0;
	c->out.sent = 0;
}

uint64_t
client_accept_after_us(const struct worker *w)
{
	return w->clients->accept_after_us;
}

void
client_accept(struct worker *w, int listen_fd)
{
	struct addr from;
	int fd;

	while ((fd = sock_accept(listen_fd, &from)) != -1)
		admit(w, fd, &from);
	/* Poll would call again at once and for ever. */
	if (errno == EMFILE || errno == ENFILE || errno == ENOMEM)
		w->clients->accept_after_us = w->now_us + PAUSE_US;
}

/* Room for the answers to what is in hand, and to one more. */
static bool
may_take_more(const struct tcp_client *c)
{
	return c->in_hand < IN_HAND_MAX &&
	       frame_has_room(&c->out, (c->in_hand + 1) * ANSWER_ROOM);
}

static void
flush(struct worker *w, struct tcp_client *c)
{
	uint64_t before = c->out.sent;

	switch (frame_flush(&c->out, c->fd)) {
	case FRAME_OK:
		return;
	case FRAME_AGAIN:
		if (c->out.sent != before || c->sent_by_us == 0)
			c->sent_by_us = w->now_us + SEND_US;
		return;
	case FRAME_CLOSED:
	case FRAME_ERROR:
		close_client(w, c);
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
		c->sent_by_us = w->now_us + SEND_US;
	frame_put(&c->out, octets, len);
	flush(w, c);
}

/* false once the connection is closed. */
static bool
take_message(struct worker *w, struct tcp_client *c)
{
	uint64_t serial = c->serial;
	struct slot *s = w->spare;
	struct inbound none = {.is_tcp = true};
	const uint8_t *msg;
	size_t len;

	msg = frame_next(&c->in, &len);
	if (msg == NULL)
		return false;
	w->stats.count[STAT_RECEIVED_TCP]++;
	s->route = (struct route){
	    .fd = -1, .from = c->from, .client = c, .client_serial = serial};
	memcpy(s->octets, msg, len);
	c->read_by_us =
	    w->now_us + (frame_is_partial(&c->in) ? MESSAGE_US : IDLE_US);
	if (!dispatch_message(w, len) && c->serial == serial) {
		dispatch_refused(w, STAT_TCP_BAD_FRAME, &c->from, &none);
		close_client(w, c);
	}
	return c->serial == serial;
}

/* What has been received, as far as there is room for answers. */
static void
take_messages(struct worker *w, struct tcp_client *c)
{
	while (may_take_more(c) && take_message(w, c))
		continue;
}

static void
end_if_answered(struct worker *w, struct tcp_client *c)
{
	if (c->serial != 0 && c->has_ended && c->in_hand == 0 &&
	    c->out.start == c->out.end && may_take_more(c))
		close_client(w, c);
}

void
client_settled(const struct route *route)
{
	struct tcp_client *c = client_of(route);

	/* What waits in its buffer is taken by client_tick: not from here,
	 * within the handling of another message. */
	if (c != NULL)
		c->in_hand--;
}

static void
receive(struct worker *w, struct tcp_client *c)
{
	uint64_t serial = c->serial;
	bool was_partial;
	int n = READS_AT_ONCE;

	while (n-- > 0 && c->serial == serial && !c->has_ended &&
	       may_take_more(c)) {
		was_partial = frame_is_partial(&c->in);
		switch (frame_fill(&c->in, c->fd)) {
		case FRAME_OK:
			take_messages(w, c);
			break;
		case FRAME_AGAIN:
			return;
		case FRAME_CLOSED:
			c->has_ended = true;
			break;
		case FRAME_ERROR:
			close_client(w, c);
			return;
		}
		/* The clock for a message starts with its first octet. */
		if (c->serial == serial && !was_partial &&
		    frame_is_partial(&c->in))
			c->read_by_us = w->now_us + MESSAGE_US;
	}
}

/* What has come by now is still served, and a message that has begun. */
static void
take_the_last(struct worker *w, struct tcp_client *c)
{
	if (!c->has_ended)
		receive(w, c);
	if (c->serial != 0 && !frame_is_partial(&c->in) && may_take_more(c))
		c->has_ended = true;
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
		if (!c->has_ended && may_take_more(c))
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
			close_client(w, c);
			continue;
		}
		if ((pfd[i].revents & POLLOUT) != 0)
			flush(w, c);
		if (c->fd == pfd[i].fd &&
		    (pfd[i].revents & (POLLIN | POLLHUP)) != 0)
			receive(w, c);
	}
}

static uint64_t
deadline_of(const struct tcp_client *c)
{
	if (c->out.start < c->out.end)
		return c->sent_by_us;
	/* It is we who are slow. */
	return c->in_hand > 0 ? UINT64_MAX : c->read_by_us;
}

static void
tick_one(struct worker *w, struct tcp_client *c)
{
	struct inbound none = {.is_tcp = true};

	take_messages(w, c);
	if (w->is_draining && c->serial != 0)
		take_the_last(w, c);
	end_if_answered(w, c);
	if (c->fd == -1)
		return;
	if (deadline_of(c) <= w->now_us) {
		if (is_idle(c))
			w->stats.count[STAT_TCP_TIMEOUT]++;
		else
			dispatch_refused(w, STAT_TCP_TIMEOUT, &c->from, &none);
		close_client(w, c);
	}
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
		if (deadline_of(c) < due)
			due = deadline_of(c);
	}
	return due;
}
