/* SPDX-License-Identifier: ISC */
#include "proc/client_udp.h"

#include <stdlib.h>
#include <string.h>

#include "net/burst.h"
#include "proc/dispatch.h"

/* Of one socket; then all others have their turn. */
#define RECEIVE_AT_ONCE 64

struct udp_clients {
	struct burst_in in;
	struct burst_peer in_from[BURST_MAX];
	int out_fd; /* all of them go by this socket */
	struct burst_out out;
	struct burst_peer out_to[BURST_MAX];
};

bool
client_udp_init(struct worker *w)
{
	w->udp_clients = calloc(1, sizeof(*w->udp_clients));
	return w->udp_clients != NULL;
}

void
client_udp_free(struct worker *w)
{
	free(w->udp_clients);
	w->udp_clients = NULL;
}

/* H13: nobody sends from port 0; our own address would be a loop. */
static bool
is_plausible(struct worker *w, const struct route *route)
{
	return addr_port(&route->from) != 0 &&
	       !listen_is_own(w->setup->listen, &route->from, &route->to);
}

static void
take_message(struct worker *w, int fd, size_t i)
{
	struct udp_clients *u = w->udp_clients;
	struct slot *s = w->spare;

	s->route = (struct route){
	    .fd = fd, .from = u->in_from[i].remote, .to = u->in_from[i].local};
	w->stats.count[STAT_RECEIVED_UDP]++;
	if (is_plausible(w, &s->route)) {
		memcpy(s->octets, u->in.octets[i], u->in.lens[i]);
		(void)dispatch_message(w, u->in.lens[i]);
		return;
	}
	s->in.is_tcp = s->in.has_tsig = false;
	s->in.client = NULL;
	dispatch_refused(w, STAT_DROP_SOURCE, &s->route.from, &s->in);
}

void
client_udp_receive(struct worker *w, int fd)
{
	struct udp_clients *u = w->udp_clients;
	size_t taken = 0;
	int n, i;

	/* -1 is none, or an error that belongs to an answer. */
	do {
		n = burst_receive(fd, &u->in, u->in_from);
		for (i = 0; i < n; i++)
			take_message(w, fd, (size_t)i);
		taken += n == -1 ? 0 : (size_t)n;
	} while (n == (int)burst_max && taken < RECEIVE_AT_ONCE);
}

uint8_t *
client_udp_room(struct worker *w, const struct route *route)
{
	struct udp_clients *u = w->udp_clients;

	if (burst_room(&u->out) == NULL || u->out_fd != route->fd)
		client_udp_flush(w);
	u->out_fd = route->fd;
	return burst_room(&u->out);
}

void
client_udp_answer(struct worker *w, const struct route *route, size_t len)
{
	struct udp_clients *u = w->udp_clients;

	u->out_to[u->out.count].remote = route->from;
	u->out_to[u->out.count].local = route->to;
	burst_add(&u->out, len);
}

/* We never wait for a client. */
void
client_udp_flush(struct worker *w)
{
	struct udp_clients *u = w->udp_clients;
	size_t i = 0;
	int n;

	while (i < u->out.count) {
		n = burst_send(u->out_fd, &u->out, i, u->out_to);
		if (n == -1) {
			w->stats.count[STAT_SEND_FAILED]++;
			n = 1;
		}
		i += (size_t)n;
	}
	burst_clear(&u->out);
}
