/* SPDX-License-Identifier: ISC */
/* What goes to a target, and what is taken as its answer. */
#include "mux/forward.h"

#include "mux_build.h"

#define ID 0x1234
#define TARGET_KEY "target.example"
#define OPT "000029 04d0 00000000 0004000a0000"

static struct conf_tsig tsig;
static struct hmac *hmac;

static int
set_up(void **state)
{
	(void)state;
	build_tsig(&tsig, TARGET_KEY, "hmac-sha256", 0);
	hmac = build_hmac(&tsig, false);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	hmac_free(hmac);
	return 0;
}

/* Octets before the additional section, and that section. */
static const struct {
	const char *name;
	const char *msg;
	const char *additional;
	const char *header; /* of the copy, with the counts but the last */
} copies[] = {
    {"golden", GOLDEN, "", "12342800 000100000001"},
    {"H7 all flags", "beef2ff0 0001000000010000" ZONE ADD_A, "",
	"12342800 000100000001"},
    {"H8 RCODE 5", "beef2805 0001000000010000" ZONE ADD_A, "",
	"12342800 000100000001"},
    {"E10 OPT", "beef2800 0001000000010001" ZONE ADD_A, OPT,
	"12342800 000100000001"},
    {"U13 glue", "beef2800 0001000000010002" ZONE ADD_A,
	"0161c00c 00010001 0000003c" A_RDATA OPT, "12342800 000100000001"},
    {"T41 SIG", "beef2800 0001000000010001" ZONE ADD_A,
	"000018 00ff 00000000 0004 00000000", "12342800 000100000001"},
    {"M13 case and 8 bits",
	"beef2800 0001000000010000 074558616d706c65047445737400 00060001"
	"06002eff41617ac00c 00010001 0000003c" A_RDATA,
	"", "12342800 000100000001"},
    {"M15 unknown type ending like a pointer",
	"beef2800 0001000000010000" ZONE
	"0161c00c ff000001 0000003c 00040001c00c",
	"", "12342800 000100000001"},
    {"M17 empty", "beef2800 0001000000000000" ZONE, "",
	"12342800 000100000000"},
    {"prerequisites",
	"beef2800 0001000200010000" ZONE "0161c00c 00ff00ff 00000000 0000"
	"0161c00c 003100fe 00000000 0000 0161c00c 000100ff 00000000 0000",
	"", "12342800 000100020001"},
};

static void
test_copies(void **state)
{
	static uint8_t got[DNS_MSG_OCTETS_MAX];
	uint8_t octets[1024], expected[1024];
	size_t i, len;

	(void)state;
	for (i = 0; i < NELEM(copies); i++) {
		struct build_out o = {octets, 0}, want = {expected, 0};
		struct copy copy = {.id = ID, .time_signed = BUILD_NOW + 7};
		struct seal s = {.key = TARGET_KEY, .time_off = 7};
		struct seal plain = {.other = "010203"};
		struct inbound in;
		struct mac mac;

		build_hex(&o, copies[i].msg);
		build_put(&want, octets, o.len);
		want.len = 0;
		build_hex(&want, copies[i].header);
		build_uint(&want, 0, 2);
		want.len = o.len;
		build_hex(&o, copies[i].additional);
		build_seal(&o, &plain, NULL, &mac);
		build_inbound(&in, octets, o.len);
		len = forward_write(&in, &tsig, hmac, &copy, got);
		build_seal(&want, &s, NULL, &mac);
		check_row_octets(
		    copies[i].name, got, len, want.octets, want.len);
		check_row_octets(copies[i].name, copy.mac.octets, copy.mac.len,
		    mac.octets, mac.len);
		check_row_int(copies[i].name, forward_len(&in, &tsig), len);
	}
}

static void
golden(struct inbound *in, uint8_t octets[1024])
{
	static const struct seal plain = {.is_missing = false};
	struct build_out o = {octets, 0};
	struct mac mac;

	build_hex(&o, GOLDEN);
	build_seal(&o, &plain, NULL, &mac);
	build_inbound(in, o.octets, o.len);
}

/* A key name of len octets, as far as there are any. */
static bool
key_of_len(struct name *n, size_t len)
{
	if (len < 8 && len != 1)
		return false;
	if (len == 1)
		build_name(".", n);
	else
		build_long_name(len, n);
	return true;
}

static void
test_len(void **state)
{
	static uint8_t got[DNS_MSG_OCTETS_MAX];
	const struct hmac_alg *alg = NULL;
	struct conf_tsig key;
	uint8_t octets[1024];
	struct inbound in;
	char row[60];
	size_t len;

	(void)state;
	golden(&in, octets);
	while ((alg = hmac_alg_next(alg)) != NULL) {
		struct hmac *h;

		build_tsig(&key, "a", alg->text, 0);
		h = build_hmac(&key, false);
		for (len = 1; len <= NAME_OCTETS_MAX; len++) {
			struct copy copy = {.id = ID, .time_signed = 1};

			if (!key_of_len(&key.name, len))
				continue;
			snprintf(row, sizeof(row), "%s, name of %zu", alg->text,
			    len);
			check_row_int(row, key.name.len, len);
			check_row_int(row,
			    forward_write(&in, &key, h, &copy, got),
			    forward_len(&in, &key));
			check_row_int(row, copy.mac.len, alg->mac_len);
		}
		hmac_free(h);
	}
}

/* O23: sent again, it is the same. */
static void
test_again(void **state)
{
	static uint8_t one[DNS_MSG_OCTETS_MAX], two[DNS_MSG_OCTETS_MAX];
	struct copy copy = {.id = ID, .time_signed = BUILD_NOW}, again;
	uint8_t octets[1024];
	struct inbound in;
	size_t len;

	(void)state;
	golden(&in, octets);
	len = forward_write(&in, &tsig, hmac, &copy, one);
	again = copy;
	check_row_octets("again", two,
	    forward_write(&in, &tsig, hmac, &again, two), one, len);
	check_row_octets("again, the MAC", again.mac.octets, again.mac.len,
	    copy.mac.octets, copy.mac.len);
}

/* S15: a copy is never longer than a message can be. */
static void
test_large(void **state)
{
	static uint8_t octets[DNS_MSG_OCTETS_MAX];
	static uint8_t got[DNS_MSG_OCTETS_MAX], expected[BUILD_OCTETS_MAX];
	size_t len, own = 16 + 13 + 26 + 32;
	struct seal s = {.key = TARGET_KEY};
	struct inbound in;
	struct mac mac;
	char row[40];

	(void)state;
	for (len = 65535 - own - 3; len <= 65535; len++) {
		struct build_out o = {octets, 0}, want = {expected, 0};
		struct copy copy = {.id = ID, .time_signed = BUILD_NOW};
		size_t got_len;

		build_large(&o, len);
		build_inbound(&in, o.octets, o.len);
		snprintf(row, sizeof(row), "%zu octets", len);
		check_row_int(row, forward_len(&in, &tsig), len + own);
		got_len = forward_write(&in, &tsig, hmac, &copy, got);
		if (len + own > 65535) {
			check_row_int(row, got_len, 0);
			continue;
		}
		build_large(&want, len);
		build_patch(expected, 0, ID);
		build_seal(&want, &s, NULL, &mac);
		check_row_octets(row, got, got_len, want.octets, want.len);
	}
}

enum request_mac { RIGHT_MAC, OTHER_MAC, NO_MAC };

struct row {
	const char *name;
	const char *msg; /* hex, without its TSIG record */
	enum answer_kind kind;
	enum target_counter cause;
	struct seal seal; /* under the target's key if no key is named */
	enum request_mac request;
	uint8_t mac_min;
	size_t cut;
	unsigned more; /* added to ARCOUNT for .after */
	const char *after;
	bool is_authentic;
	unsigned rcode;
	long long target_off; /* of its clock, where it isn't time_off */
};

#define HEAD(flags) "1234" flags "0001000000000000"
#define ANSWER(flags) HEAD(flags) ZONE
#define UNSIGNED .seal = BUILD_NO_SEAL
#define ROW(n, m, k, c, ...) \
	{ \
		.name = n, .msg = m, .kind = ANSWER_##k, .cause = TSTAT_##c, \
		__VA_ARGS__ \
	}
#define VOTE(n, m, ...) \
	ROW(n, m, VOTE, NO_CAUSE, .is_authentic = true, __VA_ARGS__)
#define IGN(n, m, c, ...) ROW(n, m, IGNORED, IGN_##c, __VA_ARGS__)
/* Behind a good MAC, and yet it does not count. */
#define LIE(n, m, ...) \
	ROW(n, m, IGNORED, IGN_ERROR, .is_authentic = true, __VA_ARGS__)
#define FAIL(n, m, c, ...) \
	ROW(n, m, FAILED, FAIL_##c, .is_authentic = true, __VA_ARGS__)

static const struct row answers[] = {
    VOTE("O19 NOERROR", ANSWER("a800")),
    VOTE("other flags", ANSWER("adb0")),
    VOTE("O9 without a zone", "1234a800 0000000000000000"),
    VOTE("O9 other case", HEAD("a800") "074558414d504c45045465737400 00060001"),
    VOTE("with OPT", "1234a800 0001000000000001" ZONE OPT),
    VOTE("Original ID differs", ANSWER("a800"), .seal = {.id_off = 1}),
    VOTE("Other Data", ANSWER("a800"), .seal = {.other = "010203"}),
    VOTE("O15 within its fudge", ANSWER("a800"), .seal = {.time_off = -300}),
    VOTE("O15 fudge 65535", ANSWER("a800"),
	.seal = {.time_off = 60000, .fudge_off = 65235}),
    VOTE("O14 policy 16", ANSWER("a800"), .seal = {.mac_len = 16},
	.mac_min = 16),

    IGN("short", "1234a8000000000000000000", SHORT, UNSIGNED, .cut = 1),
    IGN("empty", "", SHORT, UNSIGNED),
    IGN("O8 QR=0", ANSWER("2800"), NOT_RESPONSE),
    IGN("O8 opcode 0", ANSWER("8000"), OPCODE),
    IGN("O8 opcode 4", ANSWER("a000"), OPCODE, UNSIGNED),
    IGN("O9 other zone", HEAD("a800") "056f7468657204746573740000060001", ZONE),
    IGN("O9 parent zone", HEAD("a800") "04746573740000060001", ZONE),
    IGN("O9 other type", HEAD("a800") "076578616d706c65047465737400 00010001",
	ZONE),
    IGN("O9 other class", HEAD("a800") "076578616d706c65047465737400 00060003",
	ZONE),
    IGN("O9 two", "1234a800 0002000000000000" ZONE ZONE, ZONE),

    IGN("O10", ANSWER("a800"), UNSIGNED, UNSIGNED),
    IGN("O11 REFUSED", ANSWER("a805"), UNSIGNED, UNSIGNED, .rcode = 5),
    IGN("O11 header only", "1234a805 0000000000000000", UNSIGNED, UNSIGNED,
	.rcode = 5),
    IGN("O11 BADKEY", ANSWER("a809"), UNSIGNED, .rcode = 9,
	.seal = {.mac_len = -1, .error = 17}),
    IGN("O11 BADSIG", ANSWER("a809"), UNSIGNED, .rcode = 9,
	.seal = {.mac_len = -1, .error = 16}),
    IGN("O11 NOERROR, empty MAC", ANSWER("a800"), UNSIGNED,
	.seal = {.mac_len = -1}),
    IGN("O12 flipped", ANSWER("a800"), MAC, .seal = {.is_mac_flipped = true}),
    IGN("O12 other request's MAC", ANSWER("a800"), MAC, .request = OTHER_MAC),
    IGN("O12 no request MAC", ANSWER("a800"), MAC, .request = NO_MAC),
    IGN("O12 other secret", ANSWER("a800"), MAC,
	.seal = {.other_secret = true}),
    IGN("O13 other key", ANSWER("a800"), KEY, .seal = {.key = "key.example"}),
    IGN("O13 other algorithm", ANSWER("a800"), KEY,
	.seal = {.alg = "hmac-sha512"}),
    IGN("O14 16", ANSWER("a800"), MAC, .seal = {.mac_len = 16}),
    IGN("O14 9", ANSWER("a800"), MAC, .seal = {.mac_len = 9}, .mac_min = 16),
    IGN("O14 15, policy 16", ANSWER("a800"), MAC, .seal = {.mac_len = 15},
	.mac_min = 16),
    IGN("O14 33", ANSWER("a800"), MAC, .seal = {.mac_len = 33}),
    FAIL("O15 late", ANSWER("a800"), TIME, .seal = {.time_off = -1000}),
    FAIL("O15 early", ANSWER("a800"), TIME, .seal = {.time_off = 301}),
    FAIL("O16", ANSWER("a809"), BADTIME, .rcode = 9, .target_off = 4096,
	.seal = {.error = 18, .other = "000065540100"}),
    LIE("O17 other of 3", ANSWER("a809"), .rcode = 9,
	.seal = {.error = 18, .other = "655401"}),
    LIE("O17 other of 0", ANSWER("a809"), .rcode = 9, .seal = {.error = 18}),
    LIE("O17 other of 7", ANSWER("a809"), .rcode = 9,
	.seal = {.error = 18, .other = "00006554010000"}),
    LIE("O17 NOERROR", ANSWER("a800"),
	.seal = {.error = 18, .other = "000065540100"}),
    IGN("O17 unsigned", ANSWER("a809"), UNSIGNED, .rcode = 9,
	.seal = {.error = 18, .other = "000065540100", .mac_len = -1}),
    FAIL("O18", ANSWER("a809"), BADTRUNC, .rcode = 9, .seal = {.error = 22}),
    LIE("BADKEY, signed", ANSWER("a809"), .rcode = 9, .seal = {.error = 17}),
    LIE("error 1, signed", ANSWER("a800"), .seal = {.error = 1}),

    ROW("O21", ANSWER("aa00"), TRUNCATED, NO_CAUSE, .is_authentic = true),
    ROW("O21 RCODE", ANSWER("aa06"), TRUNCATED, NO_CAUSE, .is_authentic = true,
	.rcode = 6),
    ROW("O22 unsigned", ANSWER("aa00"), TRUNCATED, IGN_UNSIGNED, UNSIGNED),
    ROW("O22 cut in the TSIG", ANSWER("aa00"), TRUNCATED, IGN_MALFORMED,
	.cut = 10),
    IGN("O22 flipped", ANSWER("aa00"), MAC, .seal = {.is_mac_flipped = true}),

    IGN("cut", ANSWER("a800"), MALFORMED, .cut = 1),
    IGN("an octet behind", ANSWER("a800"), MALFORMED, .after = "00"),
    IGN("OPT behind", ANSWER("a800"), MALFORMED, .after = OPT, .more = 1),
    IGN("TSIG class IN", ANSWER("a800"), MALFORMED,
	.seal = {.is_class_in = true}),
    IGN("TSIG TTL 5", ANSWER("a800"), MALFORMED,
	.seal = {.ttl = 5, .ttl_hashed = 5}),
    IGN("TSIG RDLENGTH", ANSWER("a800"), MALFORMED, .seal = {.rdlen_off = -1}),
    IGN("TSIG MAC Size", ANSWER("a800"), MALFORMED,
	.seal = {.mac_len_off = 300}),
};

/* The golden update as sent with ID, and what its answer is held against. */
struct sent {
	uint8_t octets[1024];
	struct inbound in;
	struct copy copy;
	struct conf_tsig key;
	struct expected e;
};

static void
send_golden(struct sent *s)
{
	static uint8_t scratch[DNS_MSG_OCTETS_MAX];

	golden(&s->in, s->octets);
	s->copy = (struct copy){.id = ID, .time_signed = BUILD_NOW};
	s->key = tsig;
	assert_int_not_equal(
	    forward_write(&s->in, &s->key, hmac, &s->copy, scratch), 0);
	s->e = (struct expected){.in = &s->in,
	    .tsig = &s->key,
	    .hmac = hmac,
	    .copy = &s->copy,
	    .now_s = BUILD_NOW};
}

static void
build_answer(
    const struct row *row, const struct sent *sent, struct build_out *o)
{
	struct mac request = sent->copy.mac, mac;
	struct seal s = row->seal;

	if (row->request == OTHER_MAC)
		request.octets[0] ^= 1;
	if (s.key == NULL)
		s.key = TARGET_KEY;
	o->len = 0;
	build_hex(o, row->msg);
	build_seal(o, &s, row->request == NO_MAC ? NULL : &request, &mac);
	build_hex(o, row->after != NULL ? row->after : "");
	if (row->more > 0)
		build_patch(
		    o->octets, 10, build_u16_at(o->octets, 10) + row->more);
	o->len -= row->cut;
}

/* In a block that ends where the answer does. */
static void
check_exact(const struct expected *e, const uint8_t *octets, size_t len,
    struct answer *a)
{
	uint8_t *exact = malloc(len + (len == 0));

	assert_non_null(exact);
	memcpy(exact, octets, len);
	memset(a, 0xff, sizeof(*a));
	forward_check(e, exact, len, a);
	free(exact);
}

static void
test_answers(void **state)
{
	uint8_t octets[1024];
	struct sent sent;
	size_t i;

	(void)state;
	for (i = 0; i < NELEM(answers); i++) {
		const struct row *row = &answers[i];
		struct build_out o = {octets, 0};
		struct answer a;

		send_golden(&sent);
		if (row->mac_min != 0)
			sent.key.mac_min = row->mac_min;
		build_answer(row, &sent, &o);
		check_exact(&sent.e, o.octets, o.len, &a);
		check_row_int(row->name, a.kind, row->kind);
		check_row_int(row->name, a.cause, row->cause);
		check_row_int(row->name, a.rcode, row->rcode);
		check_row_int(row->name, a.is_authentic, row->is_authentic);
		if (row->is_authentic && row->kind != ANSWER_IGNORED)
			check_row_int(row->name, a.target_time,
			    BUILD_NOW + (row->target_off != 0
						? row->target_off
						: row->seal.time_off));
	}
}

static void
test_rcodes(void **state)
{
	struct row row = {.name = "O19"};
	uint8_t octets[1024];
	char text[120], name[20];
	struct sent sent;
	struct answer a;
	unsigned rcode;

	(void)state;
	send_golden(&sent);
	row.msg = text;
	for (rcode = 0; rcode < 16; rcode++) {
		struct build_out o = {octets, 0};

		snprintf(text, sizeof(text), "1234a80%x 0001000000000000 %s",
		    rcode, ZONE);
		snprintf(name, sizeof(name), "O19 RCODE %u", rcode);
		build_answer(&row, &sent, &o);
		check_exact(&sent.e, o.octets, o.len, &a);
		check_row_int(name, a.kind, ANSWER_VOTE);
		check_row_int(name, a.rcode, rcode);
	}
}

static void
check_flips(const struct sent *sent, struct build_out *o)
{
	struct answer a;
	struct msg m;
	char row[60];
	size_t bit;

	assert_int_equal(msg_parse(o->octets, o->len, &m), MSG_OK);
	for (bit = 0; bit < o->len * 8; bit++) {
		bool harmless = build_is_harmless(o, m.tsig_start, bit);

		o->octets[bit / 8] ^= (uint8_t)(1u << bit % 8);
		check_exact(&sent->e, o->octets, o->len, &a);
		o->octets[bit / 8] ^= (uint8_t)(1u << bit % 8);
		snprintf(
		    row, sizeof(row), "octet %zu bit %zu", bit / 8, bit % 8);
		check_row_int(
		    row, a.kind, harmless ? ANSWER_VOTE : ANSWER_IGNORED);
		check_row_int(row, a.is_authentic, harmless);
	}
}

/* SU8: with a bit flipped, or of any other length, it is no answer. */
static void
test_mutations(void **state)
{
	static const struct row rows[] = {
	    VOTE("plain", ANSWER("a800")),
	    VOTE("with OPT", "1234a806 0001000000000001" ZONE OPT),
	    VOTE("without a zone", "1234a800 0000000000000000"),
	};
	uint8_t octets[1024];
	struct sent sent;
	struct answer a;
	size_t i, len;

	(void)state;
	send_golden(&sent);
	for (i = 0; i < NELEM(rows); i++) {
		struct build_out o = {octets, 0};

		build_answer(&rows[i], &sent, &o);
		check_flips(&sent, &o);
		for (len = 0; len < o.len; len++) {
			check_exact(&sent.e, o.octets, len, &a);
			check_row_int(rows[i].name, a.kind, ANSWER_IGNORED);
			check_row_int(rows[i].name, a.is_authentic, false);
		}
	}
}

/* O31: as long as an answer can be. */
static void
test_longest(void **state)
{
	static uint8_t octets[BUILD_OCTETS_MAX];
	struct build_out o = {octets, 0};
	struct seal s = {.key = TARGET_KEY};
	size_t own = 16 + 13 + 26 + 32;
	struct sent sent;
	struct answer a;
	struct mac mac;

	(void)state;
	send_golden(&sent);
	build_large(&o, 65535 - own);
	build_patch(octets, 0, ID);
	build_patch(octets, 2, 0xa806);
	build_seal(&o, &s, &sent.copy.mac, &mac);
	check_row_int("O31", o.len, 65535);
	check_exact(&sent.e, o.octets, o.len, &a);
	check_row_int("O31", a.kind, ANSWER_VOTE);
	check_row_int("O31", a.rcode, RCODE_YXDOMAIN);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_copies),
	    cmocka_unit_test(test_len),
	    cmocka_unit_test(test_again),
	    cmocka_unit_test(test_large),
	    cmocka_unit_test(test_answers),
	    cmocka_unit_test(test_rcodes),
	    cmocka_unit_test(test_mutations),
	    cmocka_unit_test(test_longest),
	};

	return cmocka_run_group_tests_name("forward", tests, set_up, tear_down);
}
