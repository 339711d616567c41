/* SPDX-License-Identifier: ISC */
/* Which kind each message of kea-dhcp-ddns is, and where zones go. */
#include "mux/plan.h"

#include "mux_build.h"

/* Owners: h1 below the zone at offset 12, the zone itself for others. */
#define OWNER "026831c00c"
#define HEAD(prereqs, updates) "beef2800 0001" prereqs updates "0000" ZONE
#define NAME_FREE OWNER "00ff00fe 00000000 0000"
#define NAME_USED OWNER "00ff00ff 00000000 0000"
#define DHCID_IS OWNER "00310001 00000000 0003000101"
#define DHCID_ANY OWNER "003100ff 00000000 0000"
#define DHCID_NONE OWNER "003100fe 00000000 0000"
#define NO_A OWNER "000100fe 00000000 0000"
#define NO_AAAA OWNER "001c00fe 00000000 0000"
#define HAS_A OWNER "000100ff 00000000 0000"
#define A_IS OWNER "00010001 00000000 0004c0000201"
#define PTR_IS OWNER "000c0001 00000000 0002c00c"
#define PTR_ANY OWNER "000c00ff 00000000 0000"
#define ADD_ADDR OWNER "00010001 0000003c 0004c0000201"
#define ADD_DHCID OWNER "00310001 0000003c 0003000101"
#define ADD_PTR OWNER "000c0001 0000003c 0002c00c"
#define DEL_ADDRS OWNER "000100ff 00000000 0000"
#define DEL_ADDR OWNER "000100fe 00000000 0004c0000201"
#define DEL_DHCID OWNER "003100ff 00000000 0000"
#define DEL_PTRS OWNER "000c00ff 00000000 0000"
#define DEL_NAME OWNER "00ff00ff 00000000 0000"

static const struct {
	const char *name;
	const char *msg;
	enum update_kind kind;
} messages[] = {
    {"with dhcid: add", HEAD("0001", "0002") NAME_FREE ADD_ADDR ADD_DHCID,
	KIND_ADD},
    {"with dhcid: replace",
	HEAD("0002", "0002") NAME_USED DHCID_IS DEL_ADDRS ADD_ADDR,
	KIND_REPLACE},
    {"with dhcid: remove 1", HEAD("0001", "0001") DHCID_IS DEL_ADDR,
	KIND_REMOVE_1},
    {"with dhcid: remove 2",
	HEAD("0003", "0001") DHCID_IS NO_A NO_AAAA DEL_NAME, KIND_REMOVE_2},
    {"check exists: replace",
	HEAD("0001", "0004") DHCID_ANY DEL_ADDRS DEL_DHCID ADD_ADDR ADD_DHCID,
	KIND_REPLACE},
    {"check exists: remove 1", HEAD("0001", "0001") DHCID_ANY DEL_ADDR,
	KIND_REMOVE_1},
    {"check exists: remove 2", HEAD("0002", "0001") NO_A NO_AAAA DEL_DHCID,
	KIND_REMOVE_2},
    {"no check with dhcid: add",
	HEAD("0000", "0004") DEL_ADDRS DEL_DHCID ADD_ADDR ADD_DHCID,
	KIND_PLAIN},
    {"no check with dhcid: remove", HEAD("0000", "0002") DEL_ADDRS DEL_DHCID,
	KIND_PLAIN},
    {"no check: add", HEAD("0000", "0002") DEL_ADDRS ADD_ADDR, KIND_PLAIN},
    {"no check: remove", HEAD("0000", "0001") DEL_ADDRS, KIND_PLAIN},
    {"reverse: replace",
	HEAD("0000", "0004") DEL_PTRS DEL_DHCID ADD_PTR ADD_DHCID, KIND_PLAIN},
    {"reverse: remove", HEAD("0001", "0001") PTR_IS DEL_NAME, KIND_REMOVE_1},
    {"reverse, no check: remove", HEAD("0000", "0002") DEL_PTRS DEL_DHCID,
	KIND_PLAIN},
    {"empty", HEAD("0000", "0000"), KIND_PLAIN},

    {"replace, prerequisites swapped",
	HEAD("0002", "0002") DHCID_IS NAME_USED DEL_ADDRS ADD_ADDR,
	KIND_REPLACE},
    {"add that deletes", HEAD("0001", "0002") NAME_FREE DEL_ADDRS ADD_ADDR,
	KIND_OTHER},
    {"add of nothing", HEAD("0001", "0000") NAME_FREE, KIND_OTHER},
    {"add, other name's DHCID too",
	HEAD("0002", "0001") NAME_FREE DHCID_IS ADD_ADDR, KIND_OTHER},
    {"replace without the DHCID", HEAD("0001", "0001") NAME_USED ADD_ADDR,
	KIND_OTHER},
    {"replace that only deletes",
	HEAD("0002", "0001") NAME_USED DHCID_IS DEL_ADDRS, KIND_OTHER},
    {"replace by value without the name",
	HEAD("0001", "0001") DHCID_IS ADD_ADDR, KIND_OTHER},
    {"remove 1 of an RRset", HEAD("0001", "0001") DHCID_IS DEL_ADDRS,
	KIND_OTHER},
    {"remove 1 that adds", HEAD("0001", "0002") DHCID_IS DEL_ADDR ADD_ADDR,
	KIND_OTHER},
    {"remove 1 with no DHCID there", HEAD("0001", "0001") DHCID_NONE DEL_ADDR,
	KIND_OTHER},
    {"remove 2 if there are addresses",
	HEAD("0002", "0001") HAS_A NO_AAAA DEL_DHCID, KIND_OTHER},
    {"remove 2 that adds", HEAD("0001", "0002") NO_A DEL_NAME ADD_ADDR,
	KIND_OTHER},
    {"remove 2 with any DHCID", HEAD("0002", "0001") DHCID_ANY NO_A DEL_NAME,
	KIND_OTHER},
    {"reverse remove that adds", HEAD("0001", "0002") PTR_IS DEL_NAME ADD_PTR,
	KIND_OTHER},
    {"any PTR", HEAD("0001", "0001") PTR_ANY DEL_NAME, KIND_OTHER},
    {"address by value", HEAD("0001", "0001") A_IS ADD_ADDR, KIND_OTHER},
    {"a prerequisite alone", HEAD("0001", "0000") NAME_USED, KIND_OTHER},
};

static void
test_kinds(void **state)
{
	uint8_t octets[512];
	size_t i;

	(void)state;
	for (i = 0; i < NELEM(messages); i++) {
		const char *row = messages[i].name;
		struct update_shape shape;
		struct msg m;
		size_t len =
		    hex_octets(messages[i].msg, octets, sizeof(octets));

		check_row_int(row, msg_parse(octets, len, &m), MSG_OK);
		check_row_int(
		    row, update_check(octets, &m, &shape), RCODE_NOERROR);
		check_row_int(row, plan_kind(&shape), messages[i].kind);
	}
}

static bool
is_listed(const struct update_shape *shape)
{
	size_t i;

	for (i = 0; i < NELEM(messages); i++) {
		uint8_t octets[512];
		struct update_shape s;
		struct msg m;
		size_t len =
		    hex_octets(messages[i].msg, octets, sizeof(octets));

		assert_int_equal(msg_parse(octets, len, &m), MSG_OK);
		(void)update_check(octets, &m, &s);
		if (s.prereqs == shape->prereqs)
			return true;
	}
	return false;
}

/* Prerequisites that none of the messages has make no kind of theirs. */
static void
test_foreign_shapes(void **state)
{
	struct update_shape s;
	char row[40];

	(void)state;
	for (s.prereqs = 1; s.prereqs < 0x80; s.prereqs++) {
		s.updates = 0;
		if (is_listed(&s))
			continue;
		for (; s.updates < 0x10; s.updates++) {
			snprintf(row, sizeof(row), "prereqs %#x updates %#x",
			    s.prereqs, s.updates);
			check_row_int(row, plan_kind(&s), KIND_OTHER);
		}
	}
}

/* Target 0 has every zone, 1 example.test, 2 a.example.test and
 * test, 3 the reverse zone. */
static void
fill_conf(struct conf *conf)
{
	struct conf_target *t = conf->targets;
	struct name *two = calloc(2, sizeof(*two));

	assert_non_null(two);
	conf->ntargets = 4;
	build_zones(&t[1].zones, "example.test");
	build_name("test", &two[0]);
	build_name("a.example.test", &two[1]);
	t[2].zones.names = two;
	t[2].zones.count = 2;
	build_zones(&t[3].zones, "2.0.192.in-addr.arpa");
}

static const struct {
	const char *zone;
	uint32_t targets;
} zones[] = {
    {"example.test", 0x7},
    {"EXAMPLE.Test", 0x7},
    {"sub.example.test", 0x7},
    {"a.example.test", 0x7},
    {"test", 0x5},
    {"other.test", 0x5},
    {"badexample.test", 0x5},
    {"bad-example.test", 0x5},
    {"example.test.example.org", 0x1},
    {"example", 0x1},
    {"xtest", 0x1},
    {"example\\.test", 0x1},
    {"2.0.192.in-addr.arpa", 0x9},
    {"1.2.0.192.IN-ADDR.ARPA", 0x9},
    {"12.0.192.in-addr.arpa", 0x1},
    {"0.192.in-addr.arpa", 0x1},
    {".", 0x1},
};

static void
test_targets(void **state)
{
	static struct conf conf;
	struct name zone;
	size_t i;

	(void)state;
	fill_conf(&conf);
	for (i = 0; i < NELEM(zones); i++) {
		build_name(zones[i].zone, &zone);
		check_row_int(zones[i].zone, plan_targets(&conf, &zone),
		    zones[i].targets);
	}
	build_long_name(NAME_OCTETS_MAX, &zone);
	check_row_int("255 octets", plan_targets(&conf, &zone), 0x5);
	free(conf.targets[1].zones.names);
	free(conf.targets[2].zones.names);
	free(conf.targets[3].zones.names);
}

/* All 32 bits, and no target at all. */
static void
test_target_counts(void **state)
{
	static struct conf conf;
	struct name zone;

	(void)state;
	build_name("example.test", &zone);
	check_row_int("none", plan_targets(&conf, &zone), 0);
	conf.ntargets = CONF_TARGETS_MAX;
	check_row_int("32", plan_targets(&conf, &zone), 0xffffffff);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_kinds),
	    cmocka_unit_test(test_foreign_shapes),
	    cmocka_unit_test(test_targets),
	    cmocka_unit_test(test_target_counts),
	};

	return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
