/* SPDX-License-Identifier: ISC */
/* How much each source gets in a second: flood_A01, flood_A02. */
#include "mux/quota.h"

#include "hex.h"

#define SECOND_US 1000000
#define START_US 5000000000

static struct quota quota;

static struct addr
source_of(const char *text)
{
	struct addr a;

	assert_true(addr_parse(text, 53, &a));
	return a;
}

/* How many of count are allowed. */
static unsigned
taken(const char *source, unsigned per_second, unsigned count, uint64_t now_us)
{
	struct addr a = source_of(source);
	unsigned n = 0;

	while (count-- > 0)
		n += quota_take(&quota, per_second, &a, now_us);
	return n;
}

static int
forget(void **state)
{
	(void)state;
	memset(&quota, 0, sizeof(quota));
	return 0;
}

static void
test_seconds(void **state)
{
	static const struct {
		const char *name;
		uint64_t at_us;
		unsigned want;
	} rows[] = {
	    {"first", START_US, 10},
	    {"in the same second", START_US + SECOND_US - 1, 0},
	    {"next", START_US + SECOND_US, 10},
	    {"used up, too", START_US + SECOND_US + 1, 0},
	    {"long after", START_US + 1000 * (uint64_t)SECOND_US, 10},
	};
	size_t i;

	(void)state;
	for (i = 0; i < NELEM(rows); i++)
		check_row_int(rows[i].name,
		    taken("192.0.2.1", 10, 1000, rows[i].at_us), rows[i].want);
}

/* The clock may have started just now. */
static void
test_at_zero(void **state)
{
	(void)state;
	assert_int_equal(taken("192.0.2.1", 10, 100, 0), 10);
	assert_int_equal(taken("192.0.2.1", 10, 100, SECOND_US), 10);
}

static void
test_sources(void **state)
{
	static const struct {
		const char *source;
		unsigned want;
	} rows[] = {
	    {"192.0.2.1", 5},
	    {"192.0.2.2", 5},
	    {"192.0.2.1:1", 0}, /* another port is no other source */
	    {"[2001:db8::1]", 5},
	    {"[2001:db8::ffff:1]", 0}, /* of the same /64 */
	    {"[2001:db8:0:1::1]", 5},
	};
	size_t i;

	(void)state;
	for (i = 0; i < NELEM(rows); i++)
		check_row_int(rows[i].source,
		    taken(rows[i].source, 5, 20, START_US), rows[i].want);
}

/* Neighbours are spread: most of as many sources as there are places have
 * one for themselves. */
static void
test_spread(void **state)
{
	char text[32];
	unsigned i, served = 0;

	(void)state;
	for (i = 0; i < QUOTA_PLACES; i++) {
		snprintf(text, sizeof(text), "192.0.%u.%u", i / 256, i % 256);
		served += taken(text, 1, 2, START_US);
	}
	assert_in_range(served, QUOTA_PLACES / 2, QUOTA_PLACES);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_seconds, forget),
	    cmocka_unit_test_setup(test_at_zero, forget),
	    cmocka_unit_test_setup(test_sources, forget),
	    cmocka_unit_test_setup(test_spread, forget),
	};

	return cmocka_run_group_tests_name("quota", tests, NULL, NULL);
}
