/* SPDX-License-Identifier: ISC */
/* Frames of counters: every octet of them is checked by who reads them. */
#include "mux/stats.h"

#include "hex.h"

static const struct {
	const char *name;
	struct stats_frame frame;
	bool is_full; /* values of all bits, and of one each */
} frames[] = {
    {"ready", {.type = FRAME_READY}, false},
    {"none", {.type = FRAME_STATS}, false},
    {"one", {.type = FRAME_STATS, .nvalues = 1, .values = {1}}, false},
    {"worker", {.type = FRAME_STATS, .nvalues = STAT_COUNT}, true},
    {"target", {.type = FRAME_STATS, .block = 32, .nvalues = TSTAT_COUNT},
	true},
    {"largest",
	{.type = FRAME_STATS, .block = UINT16_MAX, .nvalues = STATS_VALUES_MAX},
	true},
};

static struct stats_frame
frame_of(size_t row)
{
	struct stats_frame f = frames[row].frame;
	size_t i;

	for (i = 0; frames[row].is_full && i < f.nvalues; i++)
		f.values[i] = i % 2 == 0 ? (uint64_t)1 << i : UINT64_MAX - i;
	return f;
}

static void
check_same(const char *row, const struct stats_frame *got,
    const struct stats_frame *want)
{
	check_row_int(row, got->type, want->type);
	check_row_int(row, got->block, want->block);
	check_row_int(row, got->nvalues, want->nvalues);
	check_row_octets(row, got->values, sizeof(got->values), want->values,
	    sizeof(want->values));
}

static void
test_round_trip(void **state)
{
	uint8_t octets[STATS_FRAME_OCTETS];
	size_t i;

	(void)state;
	for (i = 0; i < NELEM(frames); i++) {
		struct stats_frame f = frame_of(i), got;

		memset(octets, 0xff, sizeof(octets));
		stats_encode(&f, octets);
		memset(&got, 0xff, sizeof(got));
		check_row(frames[i].name, stats_decode(octets, &got));
		check_same(frames[i].name, &got, &f);
	}
}

/* A flipped bit is found, or it is another frame that says the same. */
static void
test_flips(void **state)
{
	uint8_t octets[STATS_FRAME_OCTETS], again[STATS_FRAME_OCTETS];
	struct stats_frame f;
	char row[60];
	size_t i, bit;

	(void)state;
	for (i = 0; i < NELEM(frames); i++) {
		f = frame_of(i);
		stats_encode(&f, octets);
		for (bit = 0; bit < sizeof(octets) * 8; bit++) {
			snprintf(row, sizeof(row), "%s, octet %zu bit %zu",
			    frames[i].name, bit / 8, bit % 8);
			octets[bit / 8] ^= (uint8_t)(1u << bit % 8);
			if (stats_decode(octets, &f)) {
				stats_encode(&f, again);
				check_row_octets(row, again, sizeof(again),
				    octets, sizeof(octets));
			}
			octets[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
	}
}

/* The head of a frame with two values, and one changed field. */
static const struct {
	const char *name;
	size_t at;
	const char *hex;
	bool is_good;
} heads[] = {
    {"as it is", 0, "64646d78 0001 0002 0003 0002", true},
    {"magic", 0, "64646d79", false},
    {"magic 0", 0, "00000000", false},
    {"version 0", 4, "0000", false},
    {"version 2", 4, "0002", false},
    {"type 0", 6, "0000", false},
    {"type 1", 6, "0001", true},
    {"type 3", 6, "0003", false},
    {"type 258", 6, "0102", false},
    {"type 65535", 6, "ffff", false},
    {"any block", 8, "ffff", true},
    {"one value less", 10, "0001", false},
    {"no value", 10, "0000", false},
    {"one value more", 10, "0003", true},
    {"62 values", 10, "003e", true},
    {"63 values", 10, "003f", false},
    {"65535 values", 10, "ffff", false},
    {"the last octet", STATS_FRAME_OCTETS - 1, "01", false},
    {"the first octet behind", 28, "80", false},
};

static void
test_heads(void **state)
{
	static const struct stats_frame two = {
	    .type = FRAME_STATS, .block = 3, .nvalues = 2, .values = {5, 6}};
	uint8_t octets[STATS_FRAME_OCTETS];
	struct stats_frame f;
	size_t i;

	(void)state;
	for (i = 0; i < NELEM(heads); i++) {
		stats_encode(&two, octets);
		(void)hex_octets(heads[i].hex, octets + heads[i].at,
		    sizeof(octets) - heads[i].at);
		check_row_int(
		    heads[i].name, stats_decode(octets, &f), heads[i].is_good);
	}
}

static void
check_name(const char *name, const char *const *names, size_t before)
{
	size_t i;

	check_row("a counter without a name", name != NULL && *name != '\0');
	check_row_int(
	    name, strspn(name, "abcdefghijklmnopqrstuvwxyz_"), strlen(name));
	for (i = 0; i < before; i++)
		check_row(name, strcmp(name, names[i]) != 0);
}

/* Names are there, are words, and are all different. */
static void
test_names(void **state)
{
	const char *names[STAT_COUNT + TSTAT_COUNT];
	unsigned i;

	(void)state;
	for (i = 0; i < STAT_COUNT; i++) {
		names[i] = stats_name((enum counter)i);
		check_name(names[i], names, i);
	}
	for (i = 0; i < TSTAT_COUNT; i++) {
		names[i] = stats_target_name((enum target_counter)i);
		check_name(names[i], names, i);
	}
	/* What refuses or fails says what to do about it. */
	for (i = STAT_DROP_SHORT; i < STAT_COUNT; i++)
		check_row(stats_name((enum counter)i),
		    stats_hint((enum counter)i) != NULL);
	for (i = TSTAT_IGN_SHORT; i < TSTAT_COUNT; i++)
		check_row(stats_target_name((enum target_counter)i),
		    stats_target_hint((enum target_counter)i) != NULL);
	check_row("accepted", stats_hint(STAT_ACCEPTED) == NULL);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_round_trip),
	    cmocka_unit_test(test_flips),
	    cmocka_unit_test(test_heads),
	    cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests_name("stats", tests, NULL, NULL);
}
