/* SPDX-License-Identifier: ISC */
/* What broke TSIG elsewhere: section 1.1 of the checklists. */
#include "mux/forward.h"
#include "verify_build.h"

static uint64_t seed = 0x5eed;

static unsigned
below(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)((seed >> 16) % n);
}

struct decided {
	enum verdict verdict;
	struct reply reply;
	struct inbound in;
	uint8_t answer[REPLY_OCTETS_MAX];
	size_t len; /* of the answer */
};

/* On the heap, in a block that ends where the message does. */
static void
decide(const struct verifier *v, const uint8_t *octets, size_t len,
    struct decided *d)
{
	uint8_t *exact = octets_dup(octets, len);
	enum counter cause;
	struct addr from;

	parse_from(NULL, &from);
	memset(d, 0, sizeof(*d));
	d->in.octets = exact;
	d->in.len = len;
	d->verdict = verify_message(v, &from, &d->in, &d->reply, &cause);
	if (d->verdict == VERDICT_ACCEPT)
		d->reply =
		    (struct reply){.sign = REPLY_SIGNED, .has_zone = true};
	if (d->verdict != VERDICT_DROP) {
		d->len = reply_write(&d->in, &d->reply,
		    d->reply.sign == REPLY_SIGNED ? verify_hmac(v, d->in.client)
						  : NULL,
		    v->now_s, reply_limit(&d->in, &d->reply), d->answer);
		assert_int_not_equal(d->len, 0);
	}
	free(exact);
	d->in.octets = NULL;
}

/*
 * ST1: a request with a MAC of n octets, too old: whatever its MAC, only a
 * true one makes us sign; and no answer serves as a request.
 */
static size_t
old_request(uint8_t *octets, size_t n, const struct mac *captured)
{
	struct build_out o = {octets, 0};
	size_t left;

	build_hex(&o, GOLDEN);
	build_patch(octets, 10, 1);
	build_hex(&o, "036b6579076578616d706c6500 00fa 00ff 00000000");
	left = 13 + 16 + n < 65535 - o.len - 2 ? n : 65535 - o.len - 2 - 29;
	build_uint(&o, 29 + left, 2);
	build_hex(&o, "0b686d61632d73686132353600");
	build_uint(&o, BUILD_NOW - 100000, 6);
	build_uint(&o, 300, 2);
	build_uint(&o, n, 2);
	memset(o.octets + o.len, 0x5a, left);
	if (captured != NULL)
		memcpy(o.octets + o.len, captured->octets, captured->len);
	o.len += left;
	build_hex(&o, "beef 0000 0000");
	return o.len;
}

static void
check_old_request(
    const struct verifier *v, size_t n, const struct mac *captured)
{
	static uint8_t octets[BUILD_OCTETS_MAX];
	size_t len = old_request(octets, n, captured);
	struct decided d, again;
	char row[40];

	snprintf(row, sizeof(row), "ST1 MAC of %zu", n);
	decide(v, octets, len, &d);
	check_row_int(row, d.verdict, VERDICT_REPLY);
	check_row_int(row, d.reply.sign == REPLY_SIGNED, captured != NULL);
	check_row_int(
	    row, d.reply.error == TSIG_ERROR_BADTIME, captured != NULL);
	d.answer[2] &= 0x7f;
	decide(v, d.answer, d.len, &again);
	check_row_int(row, again.verdict, VERDICT_REPLY);
	check_row(row, again.reply.sign != REPLY_SIGNED);
}

static void
test_known_answer(void **state)
{
	struct verifier v = verifier_of(*state, 0, 0);
	static uint8_t octets[512];
	struct build_out o = {octets, 0};
	struct seal old = {.time_off = -100000};
	struct mac mac;
	size_t n;

	for (n = 0; n <= 65535; n++)
		check_old_request(&v, n, NULL);
	build_hex(&o, GOLDEN);
	build_mac(&o, &old, NULL, &mac);
	check_old_request(&v, 32, &mac);
}

/* ST6: random fields; many are signed as they should be. */
static const char *const fuzzed_algs[] = {"hmac-sha256", "HMAC-SHA256",
    "hmac-sha1", "hmac-sha512", "hmac-md5.sig-alg.reg.int", "hmac-sha256-128",
    "hmac-sha384", "hmac-md5", "hmac-sha257", "hmac-sha2567", "hmac-sha25",
    "gss-tsig", "hmac-sha256.x", "x.hmac-sha256", "hmac-sha256\\000", ".",
    "\\255\\000\\192\\012", "%s%n"};
static const char *const fuzzed_keys[] = {"KEY.example", "key.example.x", "key",
    ".", "%n.example", "\\000key.example"};
static const char *const pairs[][2] = {{"key.example", "hmac-sha256"},
    {"trunc.example", "hmac-sha256"}, {"sha1.example", "HMAC-SHA1"},
    {"sha512.example", "hmac-sha512"},
    {"md5.example", "hmac-md5.sig-alg.reg.int"},
    {"n128.example", "hmac-sha256-128"}, {"second.Example", "hmac-sha256"}};

struct random_seal {
	struct seal s;
	char alg[80];
	char other[41];
};

static void
random_names(struct random_seal *r)
{
	const char *const *pair = pairs[below(NELEM(pairs))];
	const char *alg = pair[1];
	size_t i, n;

	r->s.key = pair[0];
	r->s.alg = r->alg;
	if (below(8) == 0)
		r->s.key = fuzzed_keys[below(NELEM(fuzzed_keys))];
	if (below(8) == 0)
		alg = fuzzed_algs[below(NELEM(fuzzed_algs))];
	snprintf(r->alg, sizeof(r->alg), "%s", alg);
	if (below(8) != 0)
		return;
	memset(r->alg, 0, sizeof(r->alg));
	for (i = 0, n = 1 + below(60); i < n; i++)
		r->alg[i] = "abcdefghijklmnopqrstuvwxyz-0123456789H"[below(38)];
}

static void
random_seal(struct random_seal *r)
{
	size_t i, n;

	memset(r, 0, sizeof(*r));
	random_names(r);
	r->s.other_secret =
	    (strcmp(r->s.key, "second.Example") == 0) != (below(8) == 0);
	r->s.mac_len = below(2) == 0 ? 0 : (int)below(66) - 1;
	r->s.is_mac_flipped = r->s.mac_len >= 0 && below(4) == 0;
	r->s.time_off = (long long)below(700) - 350;
	if (below(4) == 0)
		r->s.time_off = (long long)below(1u << 31) *
				    (1 + (long long)below(1u << 16)) -
				BUILD_NOW;
	r->s.fudge_off =
	    (below(2) == 0 ? (int)below(65536) : (int)below(400)) - 300;
	r->s.error = below(2) == 0 ? 0 : below(65536);
	for (i = 0, n = 2 * below(21); i < n; i++)
		r->other[i] = "0123456789abcdef"[below(16)];
	r->s.other = r->other;
	r->s.id_off = (int)below(3);
}

static const struct hmac_alg *
alg_of_key(const struct fixture *f, const struct seal *s,
    const struct conf_client **client)
{
	struct name key, alg;
	size_t i;

	build_name(s->key, &key);
	build_name(s->alg, &alg);
	for (i = 0; i < f->conf.nclients; i++) {
		const struct conf_tsig *t = &f->clients[i].tsig;

		if (!name_eq(&t->name, &key))
			continue;
		*client = &f->clients[i];
		return name_eq(&t->alg->wire, &alg) ? t->alg : NULL;
	}
	return NULL;
}

/* RFC 8945 5.2, in its order. */
static struct want
expect(const struct fixture *f, const struct seal *s, const struct mac *mac)
{
	static const struct want bad_key = UNSIG(BAD_KEY, BADKEY);
	static const struct want bad_form = BARE(BAD_FORM, FORMERR, Z1);
	static const struct want bad_sig = UNSIG(BAD_SIG, BADSIG);
	static const struct want bad_time = SIGNED_ERROR(BAD_TIME, BADTIME);
	static const struct want bad_trunc = SIGNED_ERROR(BAD_TRUNC, BADTRUNC);
	static const struct want good = ACCEPT;
	const struct conf_client *client = NULL;
	const struct hmac_alg *alg = alg_of_key(f, s, &client);
	long long fudge = 300 + s->fudge_off;

	if (alg == NULL)
		return bad_key;
	if (mac->len != 0 &&
	    (mac->len > alg->mac_len || mac->len < alg->mac_min))
		return bad_form;
	if (mac->len == 0 || s->is_mac_flipped ||
	    s->other_secret != has_other_secret(client))
		return bad_sig;
	fudge = fudge < 3600 ? fudge : 3600;
	if (s->time_off < -fudge || s->time_off > fudge)
		return bad_time;
	return mac->len < client->tsig.mac_min ? bad_trunc : good;
}

static void
test_random_fields(void **state)
{
	struct fixture *f = *state;
	struct verifier v = verifier_of(f, 0, 0);
	uint8_t octets[1024];
	unsigned i, seen[3] = {0};

	for (i = 0; i < 30000; i++) {
		struct build_out o = {octets, 0};
		struct random_seal r;
		struct decided d;
		struct want want;
		struct mac mac;
		char row[200];

		random_seal(&r);
		build_hex(&o, GOLDEN);
		build_seal(&o, &r.s, NULL, &mac);
		want = expect(f, &r.s, &mac);
		snprintf(row, sizeof(row), "ST6 %u: key %s alg %s MAC %u", i,
		    r.s.key, r.s.alg, mac.len);
		decide(&v, o.octets, o.len, &d);
		check_row_int(row, d.verdict, want.verdict);
		check_row_int(row, d.reply.sign, want.sign);
		check_row_int(row, d.reply.error, want.error);
		check_row_int(row, d.reply.rcode, want.rcode);
		seen[want.sign]++;
	}
	assert_true(seen[0] > 500 && seen[1] > 500 && seen[2] > 500);
}

/* ST8: no corner of 48 bits lets an old message in. */
static void
check_time(struct fixture *f, uint64_t now, uint64_t then, unsigned fudge,
    unsigned max)
{
	struct verifier v = verifier_of(f, 0, max);
	struct seal s = {.time_off = (long long)then - BUILD_NOW,
	    .fudge_off = (int)fudge - 300};
	long long limit = fudge < max ? fudge : max;
	long long off = (long long)then - (long long)now;
	uint8_t octets[512];
	struct build_out o = {octets, 0};
	struct decided d;
	struct mac mac;
	char row[120];

	v.now_s = now;
	build_hex(&o, GOLDEN);
	build_seal(&o, &s, NULL, &mac);
	snprintf(row, sizeof(row), "ST8 %llu at %llu fudge %u of %u",
	    (unsigned long long)then, (unsigned long long)now, fudge, max);
	decide(&v, o.octets, o.len, &d);
	check_row_int(
	    row, d.verdict == VERDICT_ACCEPT, off >= -limit && off <= limit);
	check_row_int(row, d.reply.sign, REPLY_SIGNED);
}

#define LAST 0xffffffffffffull

static void
test_times(void **state)
{
	static const uint64_t times[] = {0, 1, 299, 300, 301, 65535, 65536,
	    BUILD_NOW, 0xffffffff, 0x100000000, 0x100000001, LAST - 300,
	    LAST - 1, LAST};
	static const unsigned fudges[] = {0, 1, 300, 65535};
	static const unsigned maxima[] = {300, 65535};
	size_t n, t, g, m;

	for (n = 0; n < NELEM(times); n++) {
		for (g = 0; g < NELEM(fudges) * NELEM(maxima); g++) {
			unsigned fudge = fudges[g % NELEM(fudges)];
			unsigned max = maxima[g / NELEM(fudges)];

			for (t = 0; t < NELEM(times); t++)
				check_time(
				    *state, times[n], times[t], fudge, max);
			for (m = 0; m < 2; m++) {
				uint64_t at = fudge + m;

				if (times[n] >= at)
					check_time(*state, times[n],
					    times[n] - at, fudge, max);
				if (times[n] + at <= LAST)
					check_time(*state, times[n],
					    times[n] + at, fudge, max);
			}
		}
	}
}

/* ST10: messages of nearly 65535 octets, long names, the longest MAC. */
struct side {
	struct conf_client client;
	struct hmac *hmac;
	const char *alg;
	size_t own; /* octets of its TSIG record */
};

static void
make_side(struct side *s, size_t name_len, const char *alg)
{
	memset(s, 0, sizeof(*s));
	build_tsig(&s->client.tsig, "k", alg, 0);
	build_long_name(name_len, &s->client.tsig.name);
	s->alg = alg;
	s->hmac = build_hmac(&s->client.tsig, false);
	s->own = name_len + 10 + s->client.tsig.alg->wire.len + 16 +
		 s->client.tsig.alg->mac_len;
}

static void
check_copy(const char *row, const struct inbound *in, const struct side *to)
{
	static uint8_t got[DNS_MSG_OCTETS_MAX], expected[BUILD_OCTETS_MAX];
	struct copy copy = {.id = 0xbeef, .time_signed = BUILD_NOW};
	const struct conf_tsig *key = &to->client.tsig;
	struct seal s = {.key_name = &key->name, .alg = to->alg};
	struct build_out want = {expected, 0};
	size_t body = in->msg.additional_start, len;
	struct mac mac;

	check_row_int(row, forward_len(in, key), body + to->own);
	len = forward_write(in, key, to->hmac, &copy, got);
	if (body + to->own > 65535) {
		check_row_int(row, len, 0);
		return;
	}
	build_large(&want, body);
	build_seal(&want, &s, NULL, &mac);
	check_row_octets(row, got, len, want.octets, want.len);
}

/* From a client with this key, to targets with those. */
static void
check_large(
    const struct side *from, const struct side *to, size_t nto, size_t len)
{
	static uint8_t octets[BUILD_OCTETS_MAX];
	struct build_out o = {octets, 0};
	struct conf conf = {.nclients = 1, .ntargets = 1, .max_fudge_s = 300};
	struct conf_client client = from->client;
	struct verifier v = {&conf, &from->hmac, BUILD_NOW};
	struct seal s = {.key_name = &client.tsig.name, .alg = from->alg};
	struct decided d;
	struct mac mac;
	char row[60];
	size_t i;

	conf.clients = &client;
	conf.records_per_update = UINT16_MAX;
	snprintf(row, sizeof(row), "ST10 %s %zu octets", from->alg, len);
	build_large(&o, len - from->own);
	build_seal(&o, &s, NULL, &mac);
	check_row_int(row, o.len, len);
	decide(&v, o.octets, o.len, &d);
	check_row_int(row, d.verdict, VERDICT_ACCEPT);
	check_row(row, d.len <= 512);
	d.in.octets = o.octets;
	for (i = 0; i < nto; i++)
		check_copy(row, &d.in, &to[i]);
}

static void
test_large(void **state)
{
	struct side sides[2];
	size_t n, i;

	(void)state;
	make_side(&sides[0], 16, "hmac-sha256");
	make_side(&sides[1], 255, "hmac-sha512");
	for (n = 0; n <= 300; n++) {
		for (i = 0; i < NELEM(sides); i++)
			check_large(&sides[i], sides, NELEM(sides), 65535 - n);
	}
	for (i = 0; i < NELEM(sides); i++)
		hmac_free(sides[i].hmac);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_known_answer),
	    cmocka_unit_test(test_random_fields),
	    cmocka_unit_test(test_times),
	    cmocka_unit_test(test_large),
	};

	return cmocka_run_group_tests_name("attacks", tests, set_up, tear_down);
}
