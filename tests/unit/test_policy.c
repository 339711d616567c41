/* SPDX-License-Identifier: ISC */
/* What let updates pass elsewhere that no rule allowed: section 1.2 of the
 * checklists. */
#include "verify_build.h"

struct found {
	enum verdict verdict;
	enum rcode rcode;
	enum counter cause;
};

/* By both transports: they have to agree. */
static struct found
judge(struct fixture *f, const char *row, const struct build_out *o)
{
	struct verifier v = verifier_of(f, 0, 0);
	struct found found[2];
	unsigned tcp;

	f->conf.records_per_update = UINT16_MAX;
	for (tcp = 0; tcp < 2; tcp++) {
		uint8_t *exact = octets_dup(o->octets, o->len);
		struct inbound in = {
		    .octets = exact, .len = o->len, .is_tcp = tcp};
		struct reply reply = {.rcode = RCODE_NOERROR};
		struct addr from;

		parse_from(NULL, &from);
		found[tcp].verdict =
		    verify_message(&v, &from, &in, &reply, &found[tcp].cause);
		found[tcp].rcode = reply.rcode;
		if (found[tcp].verdict == VERDICT_REPLY)
			check_row_int(row, reply.sign, REPLY_SIGNED);
		free(exact);
	}
	check_row_int(row, found[1].verdict, found[0].verdict);
	check_row_int(row, found[1].rcode, found[0].rcode);
	check_row_int(row, found[1].cause, found[0].cause);
	return found[0];
}

static void
check_found(const char *row, struct found got, enum rcode rcode)
{
	check_row_int(row, got.verdict,
	    rcode == RCODE_NOERROR ? VERDICT_ACCEPT : VERDICT_REPLY);
	check_row_int(row, got.rcode, rcode);
}

/* SU2: the zone section, number by class by type. The sections behind it
 * are in test_update. */
static void
test_zone_section(void **state)
{
	static const unsigned classes[] = {1, 255, 254, 3, 4, 0, 2, 256, 65535};
	static const unsigned types[] = {6, 1, 0, 5, 41, 250, 252, 255, 65535};
	size_t count, c, t, i;

	for (count = 0; count < 3; count++) {
		for (i = 0; i < NELEM(classes) * NELEM(types); i++) {
			uint8_t octets[512];
			struct build_out o = {octets, 0};
			struct seal s = {.error = 0};
			enum rcode want = RCODE_NOERROR;
			struct mac mac;
			char row[60];
			size_t n;

			c = classes[i % NELEM(classes)];
			t = types[i / NELEM(classes)];
			snprintf(row, sizeof(row),
			    "SU2 %zu zones class %zu type %zu", count, c, t);
			build_hex(&o, "beef2800");
			build_uint(&o, count, 2);
			build_uint(&o, 0, 6);
			for (n = 0; n < count; n++) {
				build_hex(&o, "076578616d706c65047465737400");
				build_uint(&o, t, 2);
				build_uint(&o, c, 2);
			}
			build_seal(&o, &s, NULL, &mac);
			if (count != 1 || t != TYPE_SOA)
				want = RCODE_FORMERR;
			else if (c != CLASS_IN)
				want = RCODE_NOTAUTH;
			check_found(row, judge(*state, row, &o), want);
		}
	}
}

/* SU3: one record that may not pass, behind and before any number of those
 * that may, in every section. */
static const char *const padding[2][5] = {
    /* prerequisites */
    {"c00c 00ff 00ff 00000000 0000", "c00c 0001 00fe 00000000 0000",
	"0161c00c ff00 0001 00000000 0002 c00c", "c00c 0010 00ff 00000000 0000",
	"0161c00c 0001 0001 00000000" A_RDATA},
    /* updates */
    {"c00c ff00 0001 0000003c 0000", "0161c00c 00ff 00ff 00000000 0000",
	"0161c00c 0001 00fe 00000000" A_RDATA,
	"0161c00c 0001 0001 0000003c" A_RDATA,
	"0162c00c 0002 0001 00000000 0002 c00c"},
};
static const struct {
	unsigned section;
	const char *hex;
	enum rcode rcode;
} forbidden[] = {
    {0, "05 6f74686572 00 00ff 00ff 00000000 0000", RCODE_NOTZONE},
    {0, "c00c 0001 00ff 00000001 0000", RCODE_FORMERR},
    {0, "c00c 0001 0003 00000000" A_RDATA, RCODE_FORMERR},
    {0, "c00c 00fc 00ff 00000000 0000", RCODE_FORMERR},
    {0, "c00c 0001 0001 00000000 0003 c00002", RCODE_FORMERR},
    {1, "05 6f74686572 00 0001 0001 0000003c" A_RDATA, RCODE_NOTZONE},
    {1, "04 74657374 00 0001 0001 0000003c" A_RDATA, RCODE_NOTZONE},
    {1, "c00c 00ff 0001 0000003c 0000", RCODE_FORMERR},
    {1, "c00c 0001 0003 00000000" A_RDATA, RCODE_FORMERR},
    {1, "c00c 0001 00ff 00000000" A_RDATA, RCODE_FORMERR},
    {1, "c00c 0001 0001 0000003c 0005 c000020100", RCODE_FORMERR},
};

static uint64_t seed = 0x5eed;

static unsigned
below(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)((seed >> 16) % n);
}

/* Random padding with the forbidden record bad, if there is one, among
 * that of its section; glue and OPT in the additional section. */
static void
put_padded(struct build_out *o, size_t bad)
{
	static const char *const more[] = {
	    "0161c00c 0001 0001 0000003c" A_RDATA, PLAIN_OPT};
	unsigned section, i;

	build_hex(o, "beef2800 0001000000000000" ZONE);
	for (section = 0; section < 2; section++) {
		unsigned n = below(30), at = below(n + 1), has_bad = 0;

		for (i = 0; i <= n; i++) {
			if (i == at && bad < NELEM(forbidden) &&
			    forbidden[bad].section == section) {
				build_hex(o, forbidden[bad].hex);
				has_bad = 1;
			}
			if (i < n)
				build_hex(o, padding[section][below(5)]);
		}
		build_patch(o->octets, 6 + 2 * section, n + has_bad);
	}
	for (i = 0; i < NELEM(more) && below(2) == 0; i++) {
		build_hex(o, more[i]);
		build_patch(o->octets, 10, i + 1);
	}
}

static void
test_padding(void **state)
{
	static uint8_t octets[8192];
	unsigned i;

	for (i = 0; i < 20000; i++) {
		struct build_out o = {octets, 0};
		struct seal s = {.error = 0};
		size_t bad = below(NELEM(forbidden) + 2);
		enum rcode want = bad < NELEM(forbidden) ? forbidden[bad].rcode
							 : RCODE_NOERROR;
		struct mac mac;
		char row[40];

		snprintf(row, sizeof(row), "SU3 %u record %zu", i, bad);
		put_padded(&o, bad);
		build_seal(&o, &s, NULL, &mac);
		check_found(row, judge(*state, row, &o), want);
	}
}

/* SU4: inside.example may change example.test and what is below; a target
 * has test. */
static const struct {
	const char *zone;
	enum rcode rcode;
} permitted[] = {
    {"example.test", RCODE_NOERROR},
    {"EXAMPLE.tesT", RCODE_NOERROR},
    {"a.example.test", RCODE_NOERROR},
    {"\\000.example.test", RCODE_NOERROR},
    {"a\\.b.example.test", RCODE_NOERROR},
    {"evilexample.test", RCODE_REFUSED},
    {"xexample.test", RCODE_REFUSED},
    {"xample.test", RCODE_REFUSED},
    {"example.test.test", RCODE_REFUSED},
    {"a\\.example.test", RCODE_REFUSED},
    {"example\\.test.test", RCODE_REFUSED},
    {"\\007example\\004test.test", RCODE_REFUSED},
    {"\\007example.test", RCODE_REFUSED},
    {"test", RCODE_REFUSED},
    {".", RCODE_NOTAUTH},
    {"example.test\\000", RCODE_NOTAUTH},
    {"example.test.evil", RCODE_NOTAUTH},
    {"example\\.test", RCODE_NOTAUTH},
};

static void
check_zone(struct fixture *f, const char *row, const struct name *zone,
    enum rcode want)
{
	uint8_t octets[1024];
	struct build_out o = {octets, 0};
	struct seal s = {.key = "inside.example"};
	struct mac mac;

	build_hex(&o, "beef2800 0001000000000000");
	build_put(&o, zone->octets, zone->len);
	build_hex(&o, "0006 0001");
	build_seal(&o, &s, NULL, &mac);
	check_found(row, judge(f, row, &o), want);
}

static void
test_zones(void **state)
{
	struct name zone, tail;
	char row[60];
	size_t i, len;

	for (i = 0; i < NELEM(permitted); i++) {
		snprintf(row, sizeof(row), "SU4 %s", permitted[i].zone);
		build_name(permitted[i].zone, &zone);
		check_zone(*state, row, &zone, permitted[i].rcode);
	}
	/* Names of every length that end in test., then in example.test. */
	build_name("example.test", &tail);
	for (len = 8; len <= NAME_OCTETS_MAX; len++) {
		snprintf(row, sizeof(row), "SU4 %zu octets", len);
		build_long_name(len, &zone);
		check_zone(*state, row, &zone, RCODE_REFUSED);
		if (len + 8 > NAME_OCTETS_MAX)
			continue;
		memcpy(zone.octets + len - 6, tail.octets, tail.len);
		zone.len = (uint8_t)(len - 6 + tail.len);
		check_zone(*state, row, &zone, RCODE_NOERROR);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_zone_section),
	    cmocka_unit_test(test_padding),
	    cmocka_unit_test(test_zones),
	};

	return cmocka_run_group_tests_name("policy", tests, set_up, tear_down);
}
