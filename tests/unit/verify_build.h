/* SPDX-License-Identifier: ISC */
/*
 * For test_verify.c and test_mutate.c: rows that say what is decided
 * about a message, and every octet of the answer.
 */
#ifndef UNIT_VERIFY_BUILD_H
#define UNIT_VERIFY_BUILD_H

#include "mux/verify.h"
#include "mux_build.h"

#define Z1 true
#define Z0 false

#define BUILD_RECORDS_MAX 5 /* kea-dhcp-ddns sends no more */

struct want {
	enum verdict verdict;
	enum counter cause;
	enum rcode rcode;
	enum reply_sign sign;
	enum tsig_error error;
	bool has_zone;
};

#define WANT(cause, rcode, sign, error, zone) \
	{ \
		VERDICT_REPLY, STAT_##cause, RCODE_##rcode, REPLY_##sign, \
		    TSIG_ERROR_##error, zone \
	}
#define SIGNED(cause, rcode, zone) WANT(cause, rcode, SIGNED, NONE, zone)
#define BARE(cause, rcode, zone) WANT(cause, rcode, BARE, NONE, zone)
#define UNSIG(cause, error) WANT(cause, NOTAUTH, UNSIGNED, error, Z1)
#define SIGNED_ERROR(cause, error) WANT(cause, NOTAUTH, SIGNED, error, Z1)
#define ACCEPT \
	{ \
		VERDICT_ACCEPT, STAT_ACCEPTED, RCODE_NOERROR, REPLY_SIGNED, \
		    TSIG_ERROR_NONE, Z1 \
	}
#define DROP(why) \
	{ \
		.verdict = VERDICT_DROP, .cause = STAT_##why \
	}

struct row {
	const char *name;
	const char *msg; /* hex, without its TSIG record */
	struct want want;
	struct seal seal;
	const char *after; /* hex behind the TSIG record */
	unsigned more; /* added to ARCOUNT for that */
	size_t cut; /* octets off the end */
	long long now_off; /* of the verifier, from BUILD_NOW */
	const char *from;
	bool has_opt; /* in the answer */
	int answer_mac; /* octets; 0: whole */
	unsigned max_fudge_s; /* 0: 3600 */
};

#define ROW(n, m, w, ...) \
	{ \
		.name = n, .msg = m, .want = w, __VA_ARGS__ \
	}
#define UNSIGNED_ROW .seal = BUILD_NO_SEAL

/* ID and flags, counts of the four sections. */
#define HEAD(flags, counts) "beef" flags counts
#define UPDATES(n) HEAD("2800", "00010000000" #n "0000") ZONE
#define PREREQS(n) HEAD("2800", "0001000" #n "00000000") ZONE
#define WITH_MORE(n) HEAD("2800", "000100000001000" #n) ZONE ADD_A
#define FLAGS(flags) HEAD(flags, "0001000000010000") ZONE ADD_A
#define ZONE_ONLY(flags, zone) HEAD(flags, "0001000000000000") zone
#define OWNER "026831c00c"
#define IN_ZONE(tail) UPDATES(1) OWNER tail
#define IF_ZONE(tail) PREREQS(1) OWNER tail
#define OPT(size, ttl, rdata) "000029" size ttl rdata
#define PLAIN_OPT OPT("04d0", "00000000", "0000")
#define SIG_0 "00 0018 00ff 00000000 0004 00000000"
#define Z(name) name "00060001"

static const struct {
	const char *name;
	const char *alg;
	uint8_t mac_min;
	bool other_secret;
	const char *zone;
	const char *source;
} keys[] = {
    {"key.example", "hmac-sha256", 0, false, NULL, NULL},
    {"trunc.example", "hmac-sha256", 16, false, NULL, NULL},
    {"sha1.example", "hmac-sha1", 10, false, NULL, NULL},
    {"sha512.example", "hmac-sha512", 32, false, NULL, NULL},
    {"md5.example", "hmac-md5", 10, false, NULL, NULL},
    {"n128.example", "hmac-sha256-128", 0, false, NULL, NULL},
    {"example.test", "hmac-sha256", 0, false, NULL, NULL},
    {"elsewhere.example", "hmac-sha256", 0, false, "other.test", NULL},
    {"inside.example", "hmac-sha256", 0, false, "example.test", NULL},
    {"near.example", "hmac-sha256", 0, false, NULL, "127.0.0.0/8"},
    {"second.example", "hmac-sha256", 0, true, NULL, NULL},
};

struct fixture {
	struct conf conf;
	struct conf_client clients[NELEM(keys)];
	struct prefix sources[NELEM(keys)];
	struct hmac *hmacs[NELEM(keys)];
};

static inline int
compare_clients(const void *a, const void *b)
{
	const struct conf_client *x = a, *y = b;

	return name_cmp(&x->tsig.name, &y->tsig.name);
}

static inline bool
has_other_secret(const struct conf_client *c)
{
	struct name second;

	build_name("second.example", &second);
	return name_eq(&c->tsig.name, &second);
}

/* One target has "test" and what is below. */
static inline int
set_up(void **state)
{
	static struct fixture fixture;
	struct fixture *f = &fixture;
	size_t i;

	*state = f;
	for (i = 0; i < NELEM(keys); i++) {
		struct conf_client *c = &f->clients[i];

		build_tsig(
		    &c->tsig, keys[i].name, keys[i].alg, keys[i].mac_min);
		if (keys[i].zone != NULL)
			build_zones(&c->zones, keys[i].zone);
		if (keys[i].source == NULL)
			continue;
		assert_true(prefix_parse(keys[i].source, &f->sources[i]));
		c->sources.prefixes = &f->sources[i];
		c->sources.count = 1;
	}
	qsort(f->clients, NELEM(keys), sizeof(f->clients[0]), compare_clients);
	for (i = 0; i < NELEM(keys); i++)
		f->hmacs[i] = build_hmac(
		    &f->clients[i].tsig, has_other_secret(&f->clients[i]));
	f->conf.clients = f->clients;
	f->conf.nclients = NELEM(keys);
	f->conf.ntargets = 1;
	build_zones(&f->conf.targets[0].zones, "test");
	return 0;
}

static inline int
tear_down(void **state)
{
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < NELEM(keys); i++) {
		hmac_free(f->hmacs[i]);
		free(f->clients[i].zones.names);
	}
	free(f->conf.targets[0].zones.names);
	return 0;
}

static inline struct verifier
verifier_of(struct fixture *f, long long now_off, unsigned max_fudge_s)
{
	f->conf.records_per_update = BUILD_RECORDS_MAX;
	f->conf.max_fudge_s = max_fudge_s != 0 ? max_fudge_s : 3600;
	return (struct verifier){.conf = &f->conf,
	    .hmacs = f->hmacs,
	    .now_s = (uint64_t)(BUILD_NOW + now_off)};
}

static inline void
parse_from(const char *text, struct addr *from)
{
	assert_true(
	    addr_parse(text != NULL ? text : "192.0.2.7:5353", 0, from));
}

static inline void
put_zone(struct build_out *o, const struct build_out *msg)
{
	size_t end = 12;

	while (msg->octets[end] != 0)
		end += msg->octets[end] + 1u;
	build_put(o, msg->octets + 12, end + 5 - 12);
}

static inline void
put_answer_seal(
    const struct row *row, struct build_out *o, const struct mac *request)
{
	bool is_badtime = row->want.error == TSIG_ERROR_BADTIME;
	struct seal s = {.key = row->seal.key,
	    .key_name = row->seal.key_name,
	    .alg = row->seal.alg,
	    .other_secret = row->seal.other_secret,
	    .is_lower = true,
	    .error = row->want.error,
	    .mac_len = row->answer_mac,
	    .time_off = row->now_off};
	struct mac mac;
	char other[16];

	if (row->want.sign == REPLY_UNSIGNED)
		s.mac_len = -1;
	if (is_badtime) {
		s.time_off = row->seal.time_off;
		s.fudge_off = row->seal.fudge_off;
		snprintf(
		    other, sizeof(other), "%012llx", BUILD_NOW + row->now_off);
		s.other = other;
	}
	build_seal(o, &s, request, &mac);
}

/* The whole answer that the row asks for. */
static inline void
expect_answer(const struct row *row, const struct build_out *msg,
    const struct mac *request, struct build_out *o)
{
	const struct want *w = &row->want;
	unsigned flags = build_u16_at(msg->octets, 2);

	o->len = 0;
	build_put(o, msg->octets, 2);
	build_uint(o, 0x8000u | (flags & 0x7800u) | (w->rcode & 0xfu), 2);
	build_uint(o, w->has_zone, 2);
	build_uint(o, 0, 4);
	build_uint(o, row->has_opt, 2);
	if (w->has_zone)
		put_zone(o, msg);
	if (row->has_opt) {
		build_hex(o, "00 0029 04d0");
		build_uint(o, (uint64_t)w->rcode >> 4, 1);
		build_hex(o, "00 0000 0000");
	}
	if (w->sign != REPLY_BARE)
		put_answer_seal(row, o, request);
}

static inline void
build_row(const struct row *row, struct build_out *o, struct mac *mac)
{
	o->len = 0;
	build_hex(o, row->msg);
	build_seal(o, &row->seal, NULL, mac);
	if (row->after != NULL)
		build_hex(o, row->after);
	if (row->more > 0)
		build_patch(
		    o->octets, 10, build_u16_at(o->octets, 10) + row->more);
	o->len -= row->cut;
}

/* The answer sent back to us as a request, and with another Other Len if
 * it has a TSIG record: never taken, never answered signed. */
static inline void
check_reflection(const char *row, const struct verifier *v, const uint8_t *got,
    size_t len, int other_len)
{
	uint8_t *octets = octets_dup(got, len);
	struct inbound in = {.octets = octets, .len = len};
	struct reply reply = {.rcode = RCODE_NOERROR};
	enum counter cause;
	struct addr from;
	struct tsig t;

	octets[2] &= 0x7f;
	assert_int_equal(msg_parse(octets, len, &in.msg), MSG_OK);
	if (in.msg.tsig_start != 0 && other_len >= 0) {
		assert_true(tsig_parse(octets, len, in.msg.tsig_start, &t));
		build_patch(octets, len - t.other_len - 2, (unsigned)other_len);
	}
	parse_from("127.0.0.1:5353", &from);
	check_row_int(
	    row, verify_message(v, &from, &in, &reply, &cause), VERDICT_REPLY);
	check_row(row, reply.sign != REPLY_SIGNED);
	free(octets);
}

static inline void
check_answer(const struct row *row, const struct verifier *v,
    const struct inbound *in, const struct reply *reply,
    const struct build_out *want)
{
	uint8_t got[REPLY_OCTETS_MAX];
	size_t len;

	len = reply_write(in, reply,
	    reply->sign == REPLY_SIGNED ? verify_hmac(v, in->client) : NULL,
	    v->now_s, reply_limit(in, reply), got);
	check_row_octets(row->name, got, len, want->octets, want->len);
	check_reflection(row->name, v, got, len, -1);
	check_reflection(row->name, v, got, len, 0);
	check_reflection(row->name, v, got, len, 6);
	check_reflection(row->name, v, got, len, 65535);
}

static inline void
run_message(struct fixture *f, const struct row *row,
    const struct build_out *msg, const struct mac *mac)
{
	struct verifier v = verifier_of(f, row->now_off, row->max_fudge_s);
	uint8_t answer[1024];
	struct build_out want = {answer, 0};
	struct inbound in = {.octets = msg->octets, .len = msg->len};
	struct reply reply = {.rcode = RCODE_SERVFAIL};
	enum counter cause;
	struct addr from;

	parse_from(row->from, &from);
	check_row_int(row->name, verify_message(&v, &from, &in, &reply, &cause),
	    row->want.verdict);
	check_row_int(row->name, cause, row->want.cause);
	if (row->want.verdict == VERDICT_DROP)
		return;
	check_row_int(row->name, reply.rcode, row->want.rcode);
	check_row_int(row->name, reply.error, row->want.error);
	check_row_int(row->name, reply.has_zone, row->want.has_zone);
	/* The worker's answer once the targets are done. */
	if (row->want.verdict == VERDICT_ACCEPT) {
		check_row_int(row->name, in.targets, 1);
		reply = (struct reply){.sign = REPLY_SIGNED, .has_zone = true};
	}
	check_row_int(row->name, reply.sign, row->want.sign);
	expect_answer(row, msg, mac, &want);
	check_answer(row, &v, &in, &reply, &want);
}

/* On the heap, in a block that ends where the message does. */
static inline void
run_row(struct fixture *f, const struct row *row)
{
	static uint8_t octets[4096];
	struct build_out o = {octets, 0};
	struct mac mac;
	uint8_t *exact;

	build_row(row, &o, &mac);
	exact = malloc(o.len + (o.len == 0));
	assert_non_null(exact);
	memcpy(exact, o.octets, o.len);
	o.octets = exact;
	run_message(f, row, &o, &mac);
	free(exact);
}

static inline void
run_rows(void **state, const struct row *rows, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		run_row(*state, &rows[i]);
}

#endif
