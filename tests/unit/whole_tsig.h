/* SPDX-License-Identifier: ISC */
/*
 * For test_whole.c: random numbers from the seed, failures that name it,
 * and messages read, signed and verified without any code of src/dns.
 */
#ifndef UNIT_WHOLE_TSIG_H
#define UNIT_WHOLE_TSIG_H

#include "mux_build.h"

#define SECRET_OCTETS 32
#define PACKET_MAX 512

static struct {
	uint64_t seed; /* of this run */
	uint64_t state;
	bool is_loud;
} chance;

#define die(...) \
	do { \
		fprintf( \
		    stderr, "seed %llu: ", (unsigned long long)chance.seed); \
		fprintf(stderr, __VA_ARGS__); \
		fprintf(stderr, " (%s:%d)\n", __FILE__, __LINE__); \
		exit(1); \
	} while (0)

#define must(cond) \
	do { \
		if (!(cond)) \
			die("not true: %s", #cond); \
	} while (0)

#define trace(...) \
	do { \
		if (chance.is_loud) \
			fprintf(stderr, __VA_ARGS__); \
	} while (0)

/* All that has to happen in some of the runs, or they show less than they
 * seem to. */
#define TALLY_LIST(X) \
	X(accepted) \
	X(no_slot) \
	X(replay_ignored) \
	X(replay_answered) \
	X(replay_other_source) \
	X(replay_other_worker) \
	X(replay_after_restart) \
	X(replay_out_of_time) \
	X(again_after_silence) \
	X(restart) \
	X(lost_in_restart) \
	X(former_given_way) \
	X(busy) \
	X(in_flight_full) \
	X(deadline) \
	X(outcome_too_late) \
	X(resent) \
	X(udp_blocked) \
	X(tcp_by_client) \
	X(tcp_by_setting) \
	X(tcp_by_size) \
	X(tcp_by_tc_signed) \
	X(tcp_by_tc_unsigned) \
	X(tcp_cut_short) \
	X(tcp_refused) \
	X(tcp_again) \
	X(answer_damaged) \
	X(answer_doubled) \
	X(answer_of_other) \
	X(answer_wrong_mac) \
	X(answer_wrong_key) \
	X(answer_wrong_time) \
	X(answer_unsigned) \
	X(answer_wrong_zone)

enum tally {
#define X(symbol) TALLY_##symbol,
	TALLY_LIST(X)
#undef X
	    TALLIES
};

static uint64_t tallies[TALLIES];

#define tally(symbol) (tallies[TALLY_##symbol]++)

/* splitmix64 */
static inline uint64_t
draw(void)
{
	uint64_t z = chance.state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static inline unsigned
below(unsigned n)
{
	return (unsigned)((draw() >> 32) * n >> 32);
}

static inline bool
percent(unsigned n)
{
	return below(100) < n;
}

struct key {
	struct conf_tsig tsig; /* as the configuration has it */
	struct hmac *hmac; /* the mux's */
	const EVP_MD *md;
	uint8_t secret[SECRET_OCTETS];
};

/* Reads that stay inside. */
struct in {
	const uint8_t *octets;
	size_t at;
	size_t len;
	bool is_bad;
};

static inline const uint8_t *
take(struct in *r, size_t n)
{
	if (r->is_bad || n > r->len - r->at) {
		r->is_bad = true;
		return NULL;
	}
	r->at += n;
	return r->octets + r->at - n;
}

static inline uint64_t
take_uint(struct in *r, unsigned n)
{
	const uint8_t *p = take(r, n);
	uint64_t v = 0;

	while (p != NULL && n-- > 0)
		v = v << 8 | *p++;
	return v;
}

static inline void
skip_name(struct in *r)
{
	for (;;) {
		unsigned label = (unsigned)take_uint(r, 1);

		if (r->is_bad || label == 0)
			return;
		if (label >= 0xc0) {
			(void)take(r, 1);
			return;
		}
		(void)take(r, label);
	}
}

static inline void
skip_record(struct in *r)
{
	skip_name(r);
	(void)take(r, 8);
	(void)take(r, take_uint(r, 2));
}

/* Where things stand in a message. */
struct seen {
	unsigned id, flags;
	unsigned counts[4];
	size_t at[5]; /* where each section begins, and the end */
	size_t last; /* the last additional record; 0: none */
};

static inline bool
look(const uint8_t *octets, size_t len, struct seen *s)
{
	struct in r = {octets, 0, len, false};
	unsigned i, j;

	s->id = (unsigned)take_uint(&r, 2);
	s->flags = (unsigned)take_uint(&r, 2);
	for (i = 0; i < 4; i++)
		s->counts[i] = (unsigned)take_uint(&r, 2);
	s->last = 0;
	for (i = 0; i < 4; i++) {
		s->at[i] = r.at;
		for (j = 0; j < s->counts[i] && !r.is_bad; j++) {
			if (i == 3)
				s->last = r.at;
			if (i > 0) {
				skip_record(&r);
				continue;
			}
			skip_name(&r);
			(void)take(&r, 4);
		}
	}
	s->at[4] = r.at;
	return !r.is_bad && r.at == len;
}

/* What a TSIG record says, to be written or as read. */
struct stamp {
	uint64_t time;
	unsigned fudge;
	unsigned error;
	unsigned id; /* Original ID */
	unsigned mac_len;
	const uint8_t *mac;
	unsigned other_len;
	uint64_t other;
};

/* RFC 8945 4.3 over octets up to end, with the ARCOUNT before signing. */
static inline void
compute(const struct key *k, const struct stamp *s, const struct mac *request,
    const uint8_t *octets, size_t end, unsigned arcount, uint8_t *mac)
{
	static uint8_t input[2048];
	struct build_out d = {input, 0};

	if (request != NULL) {
		build_uint(&d, request->len, 2);
		build_put(&d, request->octets, request->len);
	}
	build_uint(&d, s->id, 2);
	build_put(&d, octets + 2, 8);
	build_uint(&d, arcount, 2);
	build_put(&d, octets + 12, end - 12);
	build_put(&d, k->tsig.name.octets, k->tsig.name.len);
	build_uint(&d, CLASS_ANY, 2);
	build_uint(&d, 0, 4);
	build_put(&d, k->tsig.alg->wire.octets, k->tsig.alg->wire.len);
	build_uint(&d, s->time, 6);
	build_uint(&d, s->fudge, 2);
	build_uint(&d, s->error, 2);
	build_uint(&d, s->other_len, 2);
	build_uint(&d, s->other, s->other_len);
	must(HMAC(k->md, k->secret, SECRET_OCTETS, d.octets, d.len, mac,
		 NULL) != NULL);
}

/* Appends the record. An Error of BADKEY or BADSIG has an empty MAC. */
static inline void
sign(struct build_out *o, const struct key *k, const struct stamp *s,
    const struct mac *request, struct mac *mac)
{
	const struct conf_tsig *t = &k->tsig;
	unsigned arcount = build_u16_at(o->octets, 10);

	memset(mac, 0, sizeof(*mac));
	if (s->error != TSIG_ERROR_BADSIG && s->error != TSIG_ERROR_BADKEY) {
		compute(k, s, request, o->octets, o->len, arcount, mac->octets);
		mac->len =
		    s->mac_len != 0 ? (uint8_t)s->mac_len : t->alg->mac_len;
	}
	build_put(o, t->name.octets, t->name.len);
	build_uint(o, TYPE_TSIG, 2);
	build_uint(o, CLASS_ANY, 2);
	build_uint(o, 0, 4);
	build_uint(o, t->alg->wire.len + 16u + mac->len + s->other_len, 2);
	build_put(o, t->alg->wire.octets, t->alg->wire.len);
	build_uint(o, s->time, 6);
	build_uint(o, s->fudge, 2);
	build_uint(o, mac->len, 2);
	build_put(o, mac->octets, mac->len);
	build_uint(o, s->id, 2);
	build_uint(o, s->error, 2);
	build_uint(o, s->other_len, 2);
	build_uint(o, s->other, s->other_len);
	build_patch(o->octets, 10, arcount + 1);
}

static inline bool
take_same(struct in *r, const struct name *n)
{
	const uint8_t *p = take(r, n->len);

	return p != NULL && memcmp(p, n->octets, n->len) == 0;
}

/* Is the last record a TSIG with this key's names? */
static inline bool
read_stamp(const struct key *k, const uint8_t *octets, size_t len,
    const struct seen *seen, struct stamp *s)
{
	struct in r = {octets, seen->last, len, seen->last == 0};

	if (!take_same(&r, &k->tsig.name) || take_uint(&r, 2) != TYPE_TSIG ||
	    take_uint(&r, 2) != CLASS_ANY || take_uint(&r, 4) != 0 ||
	    take_uint(&r, 2) != len - r.at ||
	    !take_same(&r, &k->tsig.alg->wire))
		return false;
	s->time = take_uint(&r, 6);
	s->fudge = (unsigned)take_uint(&r, 2);
	s->mac_len = (unsigned)take_uint(&r, 2);
	s->mac = take(&r, s->mac_len);
	s->id = (unsigned)take_uint(&r, 2);
	s->error = (unsigned)take_uint(&r, 2);
	s->other_len = (unsigned)take_uint(&r, 2);
	s->other = take_uint(&r, s->other_len > 6 ? 7 : s->other_len);
	return !r.is_bad && s->other_len <= 6 && r.at == len &&
	       s->mac_len <= k->tsig.alg->mac_len;
}

static inline bool
has_mac(const struct key *k, const struct mac *request, const uint8_t *octets,
    const struct seen *seen, const struct stamp *s)
{
	uint8_t mac[EVP_MAX_MD_SIZE];

	if (s->mac_len == 0)
		return false;
	compute(k, s, request, octets, seen->last, seen->counts[3] - 1, mac);
	return memcmp(mac, s->mac, s->mac_len) == 0;
}

/* Verified, with at least the least MAC that the key allows. */
static inline bool
verifies(const struct key *k, const struct mac *request, const uint8_t *octets,
    const struct seen *seen, const struct stamp *s)
{
	return s->mac_len >= k->tsig.mac_min &&
	       has_mac(k, request, octets, seen, s);
}

#endif
