/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "net/sock.h"
#include "proc/client_conn.h"
#include "proc/dispatch.h"

/* Then UDP has its turn: connections may come without end. */
#define ACCEPT_AT_ONCE 16
#define PAUSE_US 100000 /* out of descriptors */

static size_t
out_octets(const struct conf *conf)
{
	return 2 * (size_t)conf->tcp_pipelined * ANSWER_ROOM;
}

static bool
allocate(struct tcp_clients *all, const struct conf *conf)
{
	size_t max = conf->tcp_clients;

	all->client = calloc(max, sizeof(*all->client));
	all->polled = calloc(max, sizeof(*all->polled));
	/* Not touched before a connection needs it. */
	all->octets = calloc(max, FRAME_OCTETS_MAX + out_octets(conf));
	if (all->client == NULL || all->polled == NULL || all->octets == NULL)
		return false;
	all->max = max;
	return true;
}

bool
client_init(struct worker *w)
{
	struct tcp_clients *all = calloc(1, sizeof(*all));
	uint8_t *octets;
	size_t i;

	w->clients = all;
	if (all == NULL || !allocate(all, w->conf))
		return false;
	octets = all->octets;
	for (i = 0; i < all->max; i++) {
		struct tcp_client *c = &all->client[i];

		c->fd = -1;
		c->in.buf = octets;
		c->in.cap = FRAME_OCTETS_MAX;
		octets += c->in.cap;
		c->out.buf = octets;
		c->out.cap = out_octets(w->conf);
		octets += c->out.cap;
	}
	return true;
}

void
client_free(struct worker *w)
{
	size_t i;

	if (w->clients == NULL)
		return;
	for (i = 0; i < w->clients->max; i++) {
		if (w->clients->client[i].fd != -1)
			client_close(w, &w->clients->client[i]);
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

void
client_close(struct worker *w, struct tcp_client *c)
{
	close(c->fd);
	c->fd = -1;
	c->serial = 0;
	c->has_news = false;
	w->clients->count--;
}

void
client_refuse(struct worker *w, const struct addr *from, enum counter cause)
{
	struct inbound none = {.is_tcp = true};

	dispatch_refused(w, cause, from, &none);
}

/* A place for one more from this source; all taken, the idle one that is
 * next to be closed anyway gives way. NULL if there is none. */
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
		if (client_is_idle(c) &&
		    (idle == NULL || c->read_by_us < idle->read_by_us))
			idle = c;
	}
	if (same >= w->conf->tcp_clients_per_source)
		return NULL;
	if (place == NULL && idle != NULL) {
		client_refuse(w, &idle->from, STAT_TCP_GAVE_WAY);
		client_close(w, idle);
		place = idle;
	}
	return place;
}

static void
admit(struct worker *w, int fd, const struct addr *from)
{
	struct tcp_client *c = find_place(w, from);
	struct frame_in in;
	struct frame_out out;

	if (c == NULL) {
		client_refuse(w, from, STAT_TCP_REFUSED);
		close(fd);
		return;
	}
	w->stats.count[STAT_TCP_ACCEPTED]++;
	w->clients->count++;
	in = (struct frame_in){.buf = c->in.buf, .cap = c->in.cap};
	out = (struct frame_out){.buf = c->out.buf, .cap = c->out.cap};
	*c = (struct tcp_client){.fd = fd,
	    .serial = ++w->clients->last_serial,
	    .from = *from,
	    .read_by_us = client_after_us(w, w->conf->tcp_message_s),
	    .in = in,
	    .out = out};
}

uint64_t
client_accept_after_us(const struct worker *w)
{
	return w->clients->accept_after_us;
}

void
client_accept(struct worker *w, int listen_fd)
{
	int n = ACCEPT_AT_ONCE, fd = -1;
	struct addr from;

	while (n-- > 0 && (fd = sock_accept(listen_fd, &from)) != -1)
		admit(w, fd, &from);
	/* Poll would call again at once and for ever. */
	if (fd == -1 && (errno == EMFILE || errno == ENFILE ||
			    errno == ENOMEM || errno == ENOBUFS))
		w->clients->accept_after_us = w->now_us + PAUSE_US;
}
