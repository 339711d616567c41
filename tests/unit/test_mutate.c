/* SPDX-License-Identifier: ISC */
/* No signed message is accepted with a bit flipped, or cut (SU8). */
#include "verify_build.h"

/* The signer of these tests agrees with the golden message of dnspython. */
static void
test_golden(void **state)
{
	static const struct row row = {.name = "golden", .msg = GOLDEN};
	uint8_t octets[512];
	struct build_out o = {octets, 0};
	struct mac mac;

	(void)state;
	build_row(&row, &o, &mac);
	check_row_hex("golden", o.octets, o.len,
	    "beef28000001000000010001" ZONE ADD_A
	    "036b6579076578616d706c650000fa00ff00000000003d"
	    "0b686d61632d7368613235360000006553f100012c0020"
	    "168dc4223b8d0440b9a8281166a36813"
	    "2205ca8b0b6b6ac74443abbb40a89d14beef00000000");
}

/* CONFORMANCE 14.5: header ID and Original ID differ; names compressed. */
static const char kea_add[] =
    "6de328000001000100020001076578616d706c65047465737400000600010a686f737473"
    "696c656e74c00c00ff00fe000000000000c01e00010001000005140004c000024dc01e00"
    "310001000005140008010203040a7f8e3d046b3235360000fa00ff00000000003d0b686d"
    "61632d7368613235360000006b0369a7012c00201c7f706fa83ff10421cf4d77d2fac348"
    "b97978544a42cfcf23d7b1bf2a0c2480cbbc00000000";

static const char *const mutated[] = {
    GOLDEN, WITH_MORE(1) PLAIN_OPT,
    HEAD("2800", "0001000200020000") ZONE OWNER
    "00ff00ff 00000000 0000" OWNER "003100fe 00000000 0000" OWNER
    "000100ff 00000000 0000" OWNER "00010001 0000003c" A_RDATA,
    NULL, /* Kea's */
};

static const char kea_secret[] = "0123456789abcdef0123456789abcdef";

/* Message i, with the verifier that takes it. */
static void
build_mutated(
    size_t i, struct build_out *o, struct fixture *f, struct verifier *v)
{
	struct row row = {.msg = mutated[i]};
	struct mac mac;

	f->conf.clients = f->clients;
	*v = verifier_of(f, 0, 0);
	if (mutated[i] != NULL) {
		build_row(&row, o, &mac);
		return;
	}
	o->len = 0;
	build_hex(o, kea_add);
	build_tsig(&f->clients[0].tsig, "k256", "hmac-sha256", 0);
	f->conf.nclients = 1;
	f->hmacs[0] = hmac_new(
	    HASH_SHA256, (const uint8_t *)kea_secret, strlen(kea_secret));
	assert_non_null(f->hmacs[0]);
	v->now_s = 0x6b0369a7;
}

static enum verdict
verify(const struct verifier *v, const uint8_t *octets, size_t len,
    struct reply *reply)
{
	struct inbound in = {.octets = octets, .len = len};
	enum counter cause;
	struct addr from;

	parse_from(NULL, &from);
	return verify_message(v, &from, &in, reply, &cause);
}

static void
check_flips(size_t i, const struct build_out *o, const struct verifier *v)
{
	struct reply reply;
	struct msg m;
	char row[60];
	size_t bit;

	assert_int_equal(msg_parse(o->octets, o->len, &m), MSG_OK);
	for (bit = 0; bit < o->len * 8; bit++) {
		bool harmless = build_is_harmless(o, m.tsig_start, bit);
		enum verdict verdict;

		o->octets[bit / 8] ^= (uint8_t)(1u << bit % 8);
		memset(&reply, 0, sizeof(reply));
		verdict = verify(v, o->octets, o->len, &reply);
		o->octets[bit / 8] ^= (uint8_t)(1u << bit % 8);
		snprintf(row, sizeof(row), "message %zu octet %zu bit %zu", i,
		    bit / 8, bit % 8);
		check_row_int(row, verdict == VERDICT_ACCEPT, harmless);
		if (verdict == VERDICT_REPLY)
			check_row(row, reply.sign != REPLY_SIGNED);
	}
}

static void
check_cuts(size_t i, const struct build_out *o, const struct verifier *v)
{
	struct reply reply;
	char row[60];
	size_t len;

	for (len = 0; len < o->len; len++) {
		uint8_t *exact = malloc(len + (len == 0));

		assert_non_null(exact);
		memcpy(exact, o->octets, len);
		snprintf(row, sizeof(row), "message %zu cut to %zu", i, len);
		check_row_int(row, verify(v, exact, len, &reply),
		    len < 12 ? VERDICT_DROP : VERDICT_REPLY);
		if (len >= 12)
			check_row_int(row, reply.sign, REPLY_BARE);
		free(exact);
	}
}

static void
test_mutations(void **state)
{
	uint8_t octets[512];
	size_t i;

	for (i = 0; i < NELEM(mutated); i++) {
		struct fixture f = *(struct fixture *)*state;
		struct build_out o = {octets, 0};
		struct reply reply;
		struct verifier v;

		build_mutated(i, &o, &f, &v);
		check_row_int("unchanged", verify(&v, o.octets, o.len, &reply),
		    VERDICT_ACCEPT);
		check_flips(i, &o, &v);
		check_cuts(i, &o, &v);
		if (mutated[i] == NULL)
			hmac_free(f.hmacs[0]);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_golden),
	    cmocka_unit_test(test_mutations),
	};

	return cmocka_run_group_tests_name("mutate", tests, set_up, tear_down);
}
