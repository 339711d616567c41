/* SPDX-License-Identifier: ISC */
/*
 * For test_whole.c: the clock, the network, and the servers at its other
 * end, which do what they like.
 */
#ifndef UNIT_WHOLE_NET_H
#define UNIT_WHOLE_NET_H

#include "mux/collect.h"
#include "whole_zone.h"

#define WORKERS 2
#define TARGETS 3
#define CLIENTS 2
#define BOOK_MAX 32
#define IDS 12
#define EVENTS_MAX 1024

enum event_type {
	EV_MESSAGE, /* from a client */
	EV_RESTART, /* of a worker */
	EV_MODE, /* a server changes */
	EV_UDP_COPY,
	EV_TCP_COPY,
	EV_TCP_CONNECT,
	/* From here on they end with the worker; */
	EV_WORKER,
	/* and from here on they are for the target's thread. */
	EV_TARGET,
	EV_WRITABLE,
	EV_UDP_ANSWER,
	EV_ICMP,
	EV_TCP_ANSWER,
	EV_TCP_UP,
	EV_TCP_REFUSED,
	EV_TCP_CLOSED
};

struct event {
	uint64_t at_us;
	uint64_t order;
	enum event_type type;
	unsigned worker;
	unsigned life; /* of the worker */
	unsigned who; /* a target, or a message of the script */
	unsigned update; /* in the book */
	unsigned rcode; /* that a genuine answer has */
	unsigned connection;
	bool is_changed; /* by the network */
	bool is_held; /* by a slow server, already */
	size_t len;
	uint8_t octets[PACKET_MAX];
};

enum mode {
	MODE_HEALTHY,
	MODE_DOWN,
	MODE_REJECTING, /* ICMP, RST */
	MODE_SLOW,
	MODE_REFUSING,
	MODE_UNKNOWN_RCODE,
	MODE_WRONG_KEY,
	MODE_WRONG_ID, /* that of another copy, perhaps */
	MODE_UNCHAINED, /* signs without our MAC */
	MODE_UNSIGNED,
	MODE_EMPTY_MAC,
	MODE_TC_SIGNED,
	MODE_TC_UNSIGNED,
	MODE_BADTIME,
	MODE_BADTRUNC,
	MODE_WRONG_CLOCK,
	MODE_NOT_RESPONSE, /* signed, but without QR, */
	MODE_OPCODE, /* or with another opcode */
	MODE_ECHO,
	MODE_GARBAGE,
	MODE_WRONG_ZONE,
	MODE_CLOSING, /* ends the TCP connection instead */
	MODES
};

struct server {
	enum mode mode;
	enum rcode refusal;
	struct zone_state zones;
};

/* What the worker has been told by a target. */
struct vote {
	enum { VOTE_OPEN, VOTE_FAILED, VOTE_GIVEN } is;
	uint8_t rcode;
};

/* All that is known of an accepted update. */
struct update {
	const uint8_t *octets; /* the client's */
	size_t body_end; /* of what is forwarded */
	unsigned worker;
	bool is_lost; /* with the worker */
	unsigned settled;
	unsigned answers;
	unsigned single; /* what a single server says, if all is well */
	uint32_t targets;
	unsigned outcomes[TARGETS]; /* how many */
	struct vote votes[TARGETS];
	unsigned packets[TARGETS];
	unsigned udp_packets[TARGETS];
	unsigned applied[TARGETS];
	uint32_t said[TARGETS]; /* bit r: a genuine answer with RCODE r */
	unsigned udp_id[TARGETS];
	struct mac udp_mac[TARGETS];
};

static struct net {
	uint64_t now_us;
	uint64_t order;
	/* Whose event is being carried out; what comes of it is theirs. */
	unsigned worker;
	unsigned life;
	unsigned lives[WORKERS];
	bool is_calm; /* all healthy, nothing lost, one at a time */
	unsigned lost, doubled, changed, late; /* percent */
	struct server servers[TARGETS];
	struct key *keys[TARGETS + CLIENTS]; /* those of the targets first */
	struct update book[BOOK_MAX];
	unsigned nupdates;
} net;

static struct {
	struct event events[EVENTS_MAX];
	struct event *pending[EVENTS_MAX];
	struct event *unused[EVENTS_MAX];
	size_t npending, nunused;
} pool;

static inline uint64_t
wall_s(void)
{
	return BUILD_NOW + net.now_us / 1000000;
}

static inline struct event *
schedule(enum event_type type, unsigned who, uint64_t at_us)
{
	struct event *e;

	must(pool.nunused > 0);
	e = pool.unused[--pool.nunused];
	pool.pending[pool.npending++] = e;
	e->at_us = at_us;
	e->order = net.order++;
	e->type = type;
	e->worker = net.worker;
	e->life = net.life;
	e->who = who;
	e->rcode = UINT_MAX;
	e->is_changed = e->is_held = false;
	return e;
}

/* The next one, to be given back to pool.unused; NULL: all is over. */
static inline struct event *
next_event(void)
{
	struct event *e, **first = pool.pending;
	size_t i;

	if (pool.npending == 0)
		return NULL;
	for (i = 1; i < pool.npending; i++) {
		e = pool.pending[i];
		if (e->at_us < (*first)->at_us ||
		    (e->at_us == (*first)->at_us && e->order < (*first)->order))
			first = &pool.pending[i];
	}
	e = *first;
	*first = pool.pending[--pool.npending];
	return e;
}

static inline uint64_t
delay_us(void)
{
	if (!net.is_calm && percent(net.late))
		return below(3000000);
	return 1000 + below(15000);
}

/* One flipped bit, but for those that are no part of what is signed: the
 * header's ID, and case in the names of the TSIG record. */
static inline void
damage(struct event *e)
{
	unsigned bit = 16 + below((unsigned)e->len * 8 - 16);

	if (bit % 8 == 5)
		bit--;
	e->octets[bit / 8] ^= (uint8_t)(1u << bit % 8);
	e->is_changed = true;
}

static inline struct event *
deliver(const struct event *what, const uint8_t *octets, size_t len)
{
	struct event *e =
	    schedule(what->type, what->who, net.now_us + delay_us());

	must(len <= PACKET_MAX);
	e->update = what->update;
	e->rcode = what->rcode;
	e->connection = what->connection;
	e->len = len;
	memcpy(e->octets, octets, len);
	return e;
}

/* I5: no key in what leaves, and no more octets than there may be. */
static inline void
check_secrets(const uint8_t *octets, size_t len, size_t max)
{
	size_t i;

	must(len <= max);
	for (i = 0; i < NELEM(net.keys); i++)
		must(memmem(octets, len, net.keys[i]->secret, 8) == NULL);
}

/* By UDP: lost, doubled, damaged, and overtaken by others. */
static inline void
transmit(const struct event *what, const uint8_t *octets, size_t len)
{
	unsigned copies = 1;

	if (!net.is_calm)
		copies = percent(net.lost) ? 0 : 1u + percent(net.doubled);
	while (copies-- > 0) {
		struct event *e = deliver(what, octets, len);

		if (!net.is_calm && percent(net.changed))
			damage(e);
	}
}

/* A copy sent again has the same ID and the same MAC. */
static inline void
check_resent(const struct event *e, const struct seen *seen, struct mac *mac)
{
	struct update *u = &net.book[e->update];

	if (e->type != EV_UDP_COPY)
		return;
	if (u->udp_mac[e->who].len > 0 && u->udp_id[e->who] == seen->id)
		must(memcmp(mac, &u->udp_mac[e->who], sizeof(*mac)) == 0);
	u->udp_id[e->who] = seen->id;
	u->udp_mac[e->who] = *mac;
}

/* I2, I4: the same records in the same order, octet by octet. */
static inline void
check_body(const struct event *e, const struct seen *seen)
{
	const struct update *u = &net.book[e->update];

	must(seen->at[3] == u->body_end);
	must(memcmp(e->octets + 4, u->octets + 4, 6) == 0);
	must(memcmp(e->octets + 12, u->octets + 12, u->body_end - 12) == 0);
}

/* I4: the copy, verified without the mux's code. False: not authentic. */
static inline bool
server_accepts(const struct event *e, const struct seen *seen, struct mac *mac)
{
	const struct key *k = net.keys[e->who];
	struct stamp s;

	if (!read_stamp(k, e->octets, e->len, seen, &s) ||
	    !verifies(k, NULL, e->octets, seen, &s))
		return false;
	must(!e->is_changed);
	must(s.mac_len == k->tsig.alg->mac_len && s.fudge == 300);
	must(s.error == 0 && s.other_len == 0 && s.id == seen->id);
	must(s.time <= wall_s() && s.time + 10 >= wall_s());
	must(seen->flags == 0x2800 && seen->counts[3] == 1);
	memset(mac, 0, sizeof(*mac));
	mac->len = (uint8_t)s.mac_len;
	memcpy(mac->octets, s.mac, s.mac_len);
	check_body(e, seen);
	check_resent(e, seen, mac);
	return true;
}

struct answering {
	const struct event *copy;
	const struct mac *request;
	enum mode mode;
	bool is_genuine; /* authentic, in time, not truncated */
	unsigned rcode;
};

/* Few, so that an ID is soon given to another copy. */
static inline unsigned
some_id(void)
{
	return (1 + below(IDS)) * 0x100;
}

/* TSIG of an answer that is to be refused, or to count. */
static inline void
seal_answer(const struct answering *a, struct build_out *o)
{
	static struct key forger;
	const struct key *k = net.keys[a->copy->who];
	struct stamp s = {.time = wall_s(), .fudge = 300};
	const struct mac *request = a->request;
	struct mac mac;

	s.id = build_u16_at(a->copy->octets, 0);
	if (a->mode == MODE_WRONG_KEY) {
		forger = *k;
		forger.secret[below(SECRET_OCTETS)] ^= 0x10;
		k = percent(50) ? &forger
				: net.keys[(a->copy->who + 1) % TARGETS];
	} else if (a->mode == MODE_UNCHAINED) {
		request = NULL;
	} else if (a->mode == MODE_EMPTY_MAC) {
		s.error = percent(50) ? TSIG_ERROR_BADSIG : TSIG_ERROR_BADKEY;
	} else if (a->mode == MODE_BADTIME) {
		s.error = TSIG_ERROR_BADTIME;
		s.other_len = 6;
		s.other = wall_s() + 1000;
	} else if (a->mode == MODE_BADTRUNC) {
		s.error = TSIG_ERROR_BADTRUNC;
	} else if (a->mode == MODE_WRONG_CLOCK) {
		s.time += percent(50) ? 1000 : (uint64_t)-1000;
	}
	if (a->mode != MODE_UNSIGNED && a->mode != MODE_TC_UNSIGNED)
		sign(o, k, &s, request, &mac);
}

static inline void
answer(const struct answering *a)
{
	static uint8_t octets[PACKET_MAX];
	const struct event *copy = a->copy;
	struct event what = {.who = copy->who,
	    .type = copy->type == EV_UDP_COPY ? EV_UDP_ANSWER : EV_TCP_ANSWER,
	    .update = copy->update,
	    .rcode = a->is_genuine ? a->rcode : UINT_MAX,
	    .connection = copy->connection};
	struct build_out o = {octets, 0};
	unsigned flags = a->mode == MODE_NOT_RESPONSE ? 0x2800
			 : a->mode == MODE_OPCODE     ? 0x8000
						      : 0xa800;
	bool is_tc = a->mode == MODE_TC_SIGNED || a->mode == MODE_TC_UNSIGNED;

	build_put(&o, copy->octets, 2);
	while (a->mode == MODE_WRONG_ID &&
	       build_u16_at(octets, 0) == build_u16_at(copy->octets, 0))
		build_patch(octets, 0, some_id());
	build_uint(&o, flags | (is_tc ? 0x200u : 0) | a->rcode, 2);
	build_uint(&o, percent(50) || a->mode == MODE_WRONG_ZONE, 2);
	build_uint(&o, 0, 6);
	if (octets[5] == 1)
		build_put(&o, copy->octets + 12, 12);
	if (a->mode == MODE_WRONG_ZONE)
		octets[13] = 'c';
	seal_answer(a, &o);
	if (a->mode == MODE_GARBAGE)
		o.len -= 1 + below((unsigned)o.len - 12);
	if (a->mode == MODE_ECHO) {
		o.len = copy->len;
		memcpy(octets, copy->octets, copy->len);
	}
	if (copy->type == EV_UDP_COPY)
		transmit(&what, octets, o.len);
	else
		(void)deliver(&what, octets, o.len);
}

/* Does this server do what it is asked to, and say so? */
static inline bool
is_applying(enum mode mode)
{
	return mode == MODE_HEALTHY || mode == MODE_SLOW ||
	       mode == MODE_TC_SIGNED || mode == MODE_WRONG_CLOCK ||
	       mode == MODE_WRONG_ID;
}

static inline void
close_connection(const struct event *copy)
{
	struct event *e =
	    schedule(EV_TCP_CLOSED, copy->who, net.now_us + delay_us());

	e->connection = copy->connection;
}

static inline void
judge_copy(struct answering *a, const struct seen *seen)
{
	struct server *s = &net.servers[a->copy->who];
	struct update *u = &net.book[a->copy->update];

	if (is_applying(a->mode)) {
		a->rcode = zone_update(&s->zones, a->copy->octets, seen);
		u->applied[a->copy->who] += a->rcode == RCODE_NOERROR;
	} else if (a->mode == MODE_REFUSING) {
		a->rcode = s->refusal;
	} else if (a->mode == MODE_UNKNOWN_RCODE) {
		a->rcode = 11 + below(5);
	} else if (a->mode == MODE_BADTIME || a->mode == MODE_BADTRUNC) {
		a->rcode = RCODE_NOTAUTH;
	}
	a->is_genuine = a->mode == MODE_HEALTHY || a->mode == MODE_SLOW ||
			a->mode == MODE_REFUSING ||
			a->mode == MODE_UNKNOWN_RCODE;
}

/* The same over TCP is not always cut short. */
static inline enum mode
mode_of(const struct event *copy)
{
	enum mode mode = net.servers[copy->who].mode;
	bool is_tcp = copy->type == EV_TCP_COPY;

	if (is_tcp && (mode == MODE_TC_SIGNED || mode == MODE_TC_UNSIGNED))
		return percent(20)   ? MODE_CLOSING
		       : percent(80) ? MODE_HEALTHY
				     : mode;
	return mode == MODE_CLOSING && !is_tcp ? MODE_HEALTHY : mode;
}

static inline void
hold(const struct event *copy)
{
	struct event *e = deliver(copy, copy->octets, copy->len);

	e->at_us += below(2500000);
	e->is_changed = copy->is_changed;
	e->is_held = true;
}

static inline void
server_receive(const struct event *copy)
{
	struct answering a = {.copy = copy, .mode = mode_of(copy)};
	struct seen seen;
	struct mac mac;

	trace("%8llu target %u gets update %u, mode %d%s\n",
	    (unsigned long long)net.now_us, copy->who, copy->update, a.mode,
	    copy->is_changed ? ", damaged" : "");
	a.request = &mac;
	if (a.mode == MODE_SLOW && !copy->is_held) {
		hold(copy);
		return;
	}
	if (a.mode == MODE_DOWN)
		return;
	if (a.mode == MODE_REJECTING && copy->type == EV_UDP_COPY) {
		schedule(EV_ICMP, copy->who, net.now_us + delay_us());
		return;
	}
	if (a.mode == MODE_CLOSING || a.mode == MODE_REJECTING) {
		close_connection(copy);
		return;
	}
	if (!look(copy->octets, copy->len, &seen) ||
	    !server_accepts(copy, &seen, &mac)) {
		must(copy->is_changed);
		a.mode = MODE_EMPTY_MAC;
		a.rcode = RCODE_NOTAUTH;
	} else {
		judge_copy(&a, &seen);
	}
	answer(&a);
}

static inline void
server_connect(const struct event *e)
{
	enum mode mode = net.servers[e->who].mode;
	enum event_type type = EV_TCP_UP;
	struct event *answer;

	if (mode == MODE_DOWN)
		return;
	if (mode == MODE_REJECTING)
		type = EV_TCP_REFUSED;
	answer = schedule(type, e->who, net.now_us + delay_us());
	answer->connection = e->connection;
}

static inline void
server_change(const struct event *e)
{
	static const enum rcode refusals[] = {RCODE_FORMERR, RCODE_SERVFAIL,
	    RCODE_NOTIMP, RCODE_REFUSED, RCODE_NOTAUTH, RCODE_NOTZONE,
	    RCODE_YXDOMAIN};
	struct server *s = &net.servers[e->who];

	s->mode = percent(50) ? MODE_HEALTHY : (enum mode)below(MODES);
	s->refusal = refusals[below(NELEM(refusals))];
}

#endif
