/* SPDX-License-Identifier: ISC */
/*
 * For test_whole.c: what the clients send, and what they have to hear at
 * once if it is not carried out.
 */
#ifndef UNIT_WHOLE_SCRIPT_H
#define UNIT_WHOLE_SCRIPT_H

#include "mux/plan.h"
#include "mux/reply.h"
#include "whole_net.h"

#define SCRIPT_MAX 8
#define SOURCES 4
#define FUDGE_S 300

/* All that is wrong with a message, and its answer. */
#define MISCHIEF_LIST(X) \
	X(NONE, NOERROR, SIGNED, NONE) \
	X(SECRET, NOTAUTH, UNSIGNED, BADSIG) \
	X(STRANGER, NOTAUTH, UNSIGNED, BADKEY) \
	X(ALGORITHM, NOTAUTH, UNSIGNED, BADKEY) \
	X(PAST, NOTAUTH, SIGNED, BADTIME) \
	X(FUTURE, NOTAUTH, SIGNED, BADTIME) \
	X(BIG_FUDGE, NOTAUTH, SIGNED, BADTIME) \
	X(SHORT_MAC, NOTAUTH, SIGNED, BADTRUNC) \
	X(NO_TSIG, REFUSED, BARE, NONE) \
	X(CUT, FORMERR, BARE, NONE) \
	X(COUNT, FORMERR, BARE, NONE) \
	X(TRAILING, FORMERR, BARE, NONE) \
	X(QUERY, NOTIMP, SIGNED, NONE) \
	X(TRUNCATED, FORMERR, SIGNED, NONE) \
	X(BADVERS, BADVERS, SIGNED, NONE) \
	X(ZONE_TYPE, FORMERR, SIGNED, NONE) \
	X(ZONE_CLASS, NOTAUTH, SIGNED, NONE) \
	X(NO_ZONE, NOTAUTH, SIGNED, NONE) \
	X(OUTSIDE, NOTZONE, SIGNED, NONE) \
	X(META, FORMERR, SIGNED, NONE) \
	X(NOT_ALLOWED, REFUSED, SIGNED, NONE) \
	X(SOURCE, REFUSED, BARE, NONE) \
	X(FLIPPED, NOTAUTH, BARE, NONE) \
	X(RESPONSE, NOERROR, BARE, NONE)

enum mischief {
#define X(symbol, rcode, sign, error) BAD_##symbol,
	MISCHIEF_LIST(X)
#undef X
	    BAD_COUNT_OF
};

struct expect {
	enum rcode rcode;
	enum reply_sign sign;
	enum tsig_error error;
};

static const struct expect expectations[] = {
#define X(symbol, rcode, sign, error) \
	{RCODE_##rcode, REPLY_##sign, TSIG_ERROR_##error},
    MISCHIEF_LIST(X)
#undef X
};

struct message {
	unsigned client;
	bool is_tcp;
	bool has_opt;
	enum mischief bad;
	enum update_kind kind;
	unsigned zone;
	unsigned source;
	unsigned origin; /* the message that it repeats, or itself */
	uint64_t at_us;
	uint64_t time_signed;
	unsigned fudge;
	size_t len, body_end;
	struct mac mac;
	uint8_t octets[PACKET_MAX];
};

/* What is remembered of a message that was carried out, and by whom. */
struct memory {
	enum { NOT_SEEN, IN_HAND, ANSWERED, SILENT } is;
	unsigned worker, life, source;
	bool is_tcp;
	uint64_t answered_s;
	size_t len; /* of the answer */
	uint8_t octets[PACKET_MAX];
};

static struct {
	struct key clients[CLIENTS];
	struct key stranger;
	struct message messages[SCRIPT_MAX];
	struct memory memories[SCRIPT_MAX]; /* of those that are origins */
	unsigned n;
} script;

/*
 * Two letters for each record. First: prerequisite N not in use, Y in
 * use or exists, ! does not exist, = is that; update + add, - delete,
 * x delete all. Then the type, D for DHCID, 6 for AAAA, * for ANY.
 */
static const struct {
	enum update_kind kind;
	const char *prereqs;
	const char *updates;
} templates[] = {
    {KIND_ADD, "N*", "+A+D"},
    {KIND_ADD, "N*", "+6+D"},
    {KIND_REPLACE, "Y*=D", "xA+A"},
    {KIND_REPLACE, "YD", "xDxA+D+A"},
    {KIND_REMOVE_1, "=D", "-A"},
    {KIND_REMOVE_1, "YD", "-A"},
    {KIND_REMOVE_1, "=P", "xPxD"},
    {KIND_REMOVE_2, "=D!A!6", "x*"},
    {KIND_REMOVE_2, "!A!6", "x*"},
    {KIND_PLAIN, "", "xPxD+P+D"},
    {KIND_PLAIN, "", "+A"},
    {KIND_PLAIN, "", "x*"},
    {KIND_OTHER, "YA", "+6"},
    {KIND_OTHER, "=A", "-A+A"},
    {KIND_OTHER, "=D", "+A"},
};

/* "hN." and the zone: a pointer to it, or written out in any case. */
static inline void
put_owner(struct build_out *o, unsigned host, bool is_outside)
{
	size_t i;

	build_uint(o, 2, 1);
	build_uint(o, percent(50) ? 'h' : 'H', 1);
	build_uint(o, '0' + host, 1);
	if (is_outside) {
		build_put(o, "\001z\004test", 8);
	} else if (percent(70)) {
		build_uint(o, 0xc00c, 2);
	} else {
		build_put(o, o->octets + 12, 8);
		for (i = o->len - 8; i < o->len; i++) {
			if (o->octets[i] >= 'a' && percent(30))
				o->octets[i] ^= 0x20;
		}
	}
}

static inline unsigned
put_type(struct build_out *o, char letter)
{
	static const char letters[] = "A6DP";
	const char *at = strchr(letters, letter);
	unsigned type = TYPE_ANY;

	if (at != NULL)
		type = rrset_types[at - letters];
	build_uint(o, type, 2);
	return type;
}

static inline void
put_rdata(struct build_out *o, unsigned type, unsigned v)
{
	static const uint8_t v6[15] = {0x20, 0x01, 0x0d, 0xb8};

	if (type == TYPE_A) {
		build_uint(o, 4, 2);
		build_uint(o, 0xc0000200 + v, 4);
	} else if (type == TYPE_AAAA) {
		build_uint(o, 16, 2);
		build_put(o, v6, 15);
		build_uint(o, v, 1);
	} else if (type == TYPE_DHCID) {
		build_uint(o, 6, 2);
		build_uint(o, 0x000101abcd00 + v, 6);
	} else {
		build_uint(o, 4, 2);
		build_put(o, "\002p", 2);
		build_uint(o, '0' + v, 1);
		build_uint(o, 0, 1);
	}
}

static inline void
put_records(
    struct build_out *o, const char *records, unsigned host, enum mischief bad)
{
	for (; *records != '\0'; records += 2) {
		char form = records[0];
		bool has_rdata = strchr("=+-", form) != NULL;
		unsigned type, class = CLASS_ANY;

		if (form == '+' || form == '=')
			class = CLASS_IN;
		else if (strchr("N!-", form) != NULL)
			class = CLASS_NONE;
		put_owner(o, host, bad == BAD_OUTSIDE);
		type = put_type(
		    o, bad == BAD_META && has_rdata ? 'X' : records[1]);
		build_uint(o, class, 2);
		build_uint(o, form == '+' ? 1200 : bad == BAD_META, 4);
		if (has_rdata)
			put_rdata(o, type, 1 + below(2));
		else
			build_uint(o, 0, 2);
	}
}

static inline void
put_head(struct build_out *o, const struct message *m, const char *prereqs,
    const char *updates)
{
	unsigned flags = 0x2800;

	if (m->bad == BAD_QUERY)
		flags = 0;
	else if (m->bad == BAD_TRUNCATED)
		flags |= 0x200;
	else if (m->bad == BAD_RESPONSE)
		flags |= 0x8000;
	build_uint(o, draw(), 2);
	build_uint(o, flags, 2);
	build_uint(o, 1, 2);
	build_uint(o, strlen(prereqs) / 2 + (m->bad == BAD_COUNT), 2);
	build_uint(o, strlen(updates) / 2, 2);
	build_uint(o, 0, 2);
	build_uint(o, 1, 1);
	build_uint(o, (m->bad == BAD_NO_ZONE ? 'y' : 'a' + m->zone), 1);
	build_put(o, "\004test", 6);
	if (percent(30))
		o->octets[13] ^= 0x20;
	build_uint(o, m->bad == BAD_ZONE_TYPE ? TYPE_A : TYPE_SOA, 2);
	build_uint(o, m->bad == BAD_ZONE_CLASS ? 3 : CLASS_IN, 2);
}

static inline void
put_body(struct build_out *o, struct message *m)
{
	unsigned which = below(NELEM(templates)), host = below(HOSTS);

	m->kind = templates[which].kind;
	put_head(o, m, templates[which].prereqs, templates[which].updates);
	put_records(o, templates[which].prereqs, host, m->bad);
	put_records(o, templates[which].updates, host, m->bad);
	m->body_end = o->len;
	if (percent(20)) {
		build_put(o, "\002ns\xc0\x0c\0\1\0\1\0\0\0\1\0\4\1\2\3\4", 19);
		build_patch(o->octets, 10, 1);
	}
	m->has_opt = percent(20) || m->bad == BAD_BADVERS;
	if (!m->has_opt)
		return;
	build_put(o, "\0\0\x29\x04\xd0\0\0\0\0\0\0", 11);
	o->octets[o->len - 5] = m->bad == BAD_BADVERS;
	build_patch(o->octets, 10, build_u16_at(o->octets, 10) + 1);
}

static inline void
sign_message(struct build_out *o, struct message *m)
{
	static struct key k;
	struct stamp s = {.fudge = FUDGE_S};

	k = script.clients[m->client];
	s.id = percent(20) ? (unsigned)draw() & 0xffff
			   : build_u16_at(o->octets, 0);
	s.time = BUILD_NOW + m->at_us / 1000000;
	if (m->bad == BAD_SECRET)
		k.secret[below(SECRET_OCTETS)] ^= 1;
	else if (m->bad == BAD_STRANGER)
		k = script.stranger;
	else if (m->bad == BAD_ALGORITHM)
		k.tsig.alg = hmac_alg_by_text("hmac-sha1");
	else if (m->bad == BAD_PAST)
		s.time -= 310;
	else if (m->bad == BAD_FUTURE || m->bad == BAD_BIG_FUDGE)
		s.time += 310;
	if (m->bad == BAD_BIG_FUDGE)
		s.fudge = 65535;
	if (m->bad == BAD_SHORT_MAC)
		s.mac_len = 16;
	else if (k.tsig.mac_min < k.tsig.alg->mac_len && percent(50))
		s.mac_len = k.tsig.mac_min;
	m->time_signed = s.time;
	m->fudge = s.fudge;
	if (m->bad != BAD_NO_TSIG)
		sign(o, &k, &s, NULL, &m->mac);
}

/* What the two clients can't do wrong becomes something else. */
static inline void
choose_mischief(struct message *m)
{
	m->bad = percent(65) ? BAD_NONE : (enum mischief)below(BAD_COUNT_OF);
	m->client = below(CLIENTS);
	if (m->bad == BAD_SHORT_MAC || m->bad == BAD_STRANGER ||
	    m->bad == BAD_ALGORITHM)
		m->client = 0;
	if (m->bad == BAD_NOT_ALLOWED || m->bad == BAD_SOURCE)
		m->client = 1;
	m->zone = m->client == 0 ? below(ZONES) : m->bad == BAD_NOT_ALLOWED;
}

static inline void
compose(struct message *m)
{
	struct build_out o = {m->octets, 0};

	choose_mischief(m);
	m->is_tcp = percent(25);
	m->source = below(SOURCES);
	m->mac.len = 0;
	put_body(&o, m);
	sign_message(&o, m);
	if (m->bad == BAD_CUT)
		o.len -= 1 + below((unsigned)o.len - 12);
	else if (m->bad == BAD_TRAILING)
		build_uint(&o, draw(), 1 + below(8));
	m->len = o.len;
}

/* Is its additional section read? */
static inline bool
is_readable(const struct message *m)
{
	return m->bad != BAD_CUT && m->bad != BAD_COUNT &&
	       m->bad != BAD_TRAILING;
}

/* An earlier message once more: by its sender, or captured and sent by
 * somebody else. In the last second of its window, just behind it, or
 * long after. */
static inline void
repeat(struct message *m, unsigned i)
{
	unsigned when = below(100);

	*m = script.messages[below(i)];
	if (percent(40)) {
		m->source = below(SOURCES);
		m->is_tcp = percent(25);
	}
	/* Which no MAC covers. */
	if (percent(20))
		m->octets[1] ^= 0x10;
	if (when < 20 && (!net.is_calm || m->bad == BAD_NONE))
		m->at_us = (m->time_signed + FUDGE_S + below(2) - BUILD_NOW) *
			       1000000 +
			   below(900000);
	else if (when < 30 && when >= 20)
		m->at_us += (uint64_t)(FUDGE_S + 100) * 1000000;
	else if (!net.is_calm)
		m->at_us += below(1500000);
}

/* In calm runs one has ended before the next one comes. */
static inline void
compose_script(void)
{
	unsigned i;

	memset(script.memories, 0, sizeof(script.memories));
	script.n = 1 + below(SCRIPT_MAX);
	for (i = 0; i < script.n; i++) {
		struct message *m = &script.messages[i];

		m->at_us = net.is_calm ? i * 10000000ull : below(1500000);
		if (i == 0 || percent(75)) {
			m->origin = i;
			compose(m);
			continue;
		}
		repeat(m, i);
		if (net.is_calm && m->at_us < i * 10000000ull)
			m->at_us = i * 10000000ull;
	}
}

/* What a message has to hear. True: it is carried out. */
static inline bool
expected(const struct message *m, struct expect *e)
{
	uint64_t now = wall_s(), then = m->time_signed;
	bool is_timely = (now > then ? now - then : then - now) <= FUDGE_S;

	*e = expectations[m->bad];
	/* Anything that is found behind the time. */
	if (e->sign == REPLY_SIGNED && !is_timely) {
		*e = expectations[BAD_PAST];
		return false;
	}
	/* A message from the future whose time has come. */
	if (m->bad >= BAD_PAST && m->bad <= BAD_BIG_FUDGE)
		*e = expectations[BAD_NONE];
	return e->sign == REPLY_SIGNED && e->rcode == RCODE_NOERROR;
}

#endif
