/* SPDX-License-Identifier: ISC */
/*
 * Inside of client*.c: one TCP connection of a client.
 */
#ifndef PROC_CLIENT_CONN_H
#define PROC_CLIENT_CONN_H

#include "net/frame.h"
#include "proc/client.h"

#define ANSWER_ROOM (REPLY_OCTETS_MAX + FRAME_LEN_OCTETS)

struct tcp_client {
	int fd; /* -1: unused */
	uint64_t serial;
	struct addr from;
	size_t in_hand;
	unsigned messages; /* since it was accepted */
	unsigned reads; /* small ones, since the last message */
	bool has_ended; /* no more comes from it */
	bool is_leaving; /* has its end of file, and all answers */
	bool has_news; /* answers that nobody has tried to send */
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

static inline uint64_t
client_after_us(const struct worker *w, unsigned seconds)
{
	return w->now_us + (uint64_t)seconds * 1000000;
}

static inline bool
client_has_all_answers(const struct tcp_client *c)
{
	return c->in_hand == 0 && c->out.start == c->out.end;
}

static inline bool
client_is_idle(const struct tcp_client *c)
{
	return client_has_all_answers(c) && !frame_is_partial(&c->in);
}

void client_close(struct worker *w, struct tcp_client *c);
/* With a counter and a line that say why. */
void client_refuse(
    struct worker *w, const struct addr *from, enum counter cause);

#endif
