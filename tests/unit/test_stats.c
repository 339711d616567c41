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
    {"worker", {.type = FRAME_STATS, .nvalues = BLOCK_WORKER_VALUES}, true},
    {"target",
	{.type = FRAME_STATS,
	    .block = BLOCK_TARGET,
	    .index = 31,
	    .nvalues = BLOCK_TARGET_VALUES},
	true},
    {"largest",
	{.type = FRAME_STATS,
	    .block = UINT16_MAX,
	    .index = UINT16_MAX,
	    .nvalues = STATS_VALUES_MAX},
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
	check_row_int(row, got->index, want->index);
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

/* No frame has room for more. */
static void
test_too_many(void **state)
{
	struct stats_frame f = {
	    .type = FRAME_STATS, .nvalues = STATS_VALUES_MAX + 1};
	uint8_t *octets = malloc(STATS_FRAME_OCTETS);

	(void)state;
	assert_non_null(octets);
	stats_encode(&f, octets);
	assert_false(stats_decode(octets, &f));
	free(octets);
}

/* SP5: a flipped bit is found, or it is another frame that says the same. */
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
    {"as it is", 0, "64646d78 0002 0002 0003 0001 0002", true},
    {"magic", 0, "64646d79", false},
    {"magic 0", 0, "00000000", false},
    {"version 0", 4, "0000", false},
    {"version 1", 4, "0001", false},
    {"version 3", 4, "0003", false},
    {"type 0", 6, "0000", false},
    {"type 1", 6, "0001", true},
    {"type 3", 6, "0003", true},
    {"type 4", 6, "0004", false},
    {"type 258", 6, "0102", false},
    {"type 65535", 6, "ffff", false},
    {"any block", 8, "ffff", true},
    {"any index", 10, "ffff", true},
    {"one value less", 12, "0001", false},
    {"no value", 12, "0000", false},
    {"one value more", 12, "0003", true},
    {"62 values", 12, "003e", true},
    {"63 values", 12, "003f", false},
    {"65535 values", 12, "ffff", false},
    {"the last octet", STATS_FRAME_OCTETS - 1, "01", false},
    {"the first octet behind", 30, "80", false},
};

static void
test_heads(void **state)
{
	static const struct stats_frame two = {.type = FRAME_STATS,
	    .block = 3,
	    .index = 1,
	    .nvalues = 2,
	    .values = {5, 6}};
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
	check_row("none", stats_target_hint(TSTAT_NO_CAUSE) == NULL);
}

/* As many keys as fit, each with its number, and no more. */
static void
test_keys(void **state)
{
	struct stats_frame f = {.type = FRAME_STATS, .block = BLOCK_KEYS};
	struct key_stats key;
	size_t i, n = 0, s;

	(void)state;
	for (s = 0; s < KSTAT_COUNT; s++)
		key.count[s] = 100 + s;
	while (stats_add_key(&f, 9000 + n, &key))
		n++;
	check_row_int("keys", n, BLOCK_KEYS_MAX);
	check_row_int("values", f.nvalues, n * BLOCK_KEY_VALUES);
	for (i = 0; i < n; i++) {
		const uint64_t *values = f.values + i * BLOCK_KEY_VALUES;

		check_row_int("number", values[0], 9000 + i);
		check_row_octets("counters", values + 1, sizeof(key.count),
		    key.count, sizeof(key.count));
	}
}

/* Each bound belongs to its bucket, what is above it to the next. */
static void
test_buckets(void **state)
{
	unsigned i;

	(void)state;
	check_row_int("0 us", hist_bucket(0), 0);
	for (i = 0; i < HIST_BUCKETS - 1; i++) {
		const char *bound = hist_bound(i);
		uint64_t us = (uint64_t)(strtod(bound, NULL) * 1e6 + 0.5);

		check_row_int(bound, hist_bucket(us - 1), i);
		check_row_int(bound, hist_bucket(us), i);
		check_row_int(bound, hist_bucket(us + 1), i + 1);
	}
	check_row_int("first", strcmp(hist_bound(0), "0.0001"), 0);
	check_row_int("last but one", strcmp(hist_bound(i - 1), "5"), 0);
	check_row_int("last", strcmp(hist_bound(i), "+Inf"), 0);
	check_row_int("for ever", hist_bucket(UINT64_MAX), i);
}

static void
test_answers(void **state)
{
	struct stats s = {0}, want = {0};

	(void)state;
	stats_answer(&s, RCODE_NOERROR);
	stats_answer(&s, RCODE_BADVERS);
	stats_answer(&s, RCODE_BADVERS);
	stats_latency(&s, 100);
	stats_latency(&s, 101);
	stats_latency(&s, 6000000);
	want.count[STAT_ANSWERED] = 3;
	want.answers[RCODE_NOERROR] = 1;
	want.answers[RCODE_BADVERS] = 2;
	want.answers[ANSWERS_BUCKET] = 1;
	want.answers[ANSWERS_BUCKET + 1] = 1;
	want.answers[ANSWERS_BUCKET + HIST_BUCKETS - 1] = 1;
	want.answers[ANSWERS_SUM_US] = 6000201;
	check_row_octets("answers", &s, sizeof(s), &want, sizeof(want));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_round_trip),
	    cmocka_unit_test(test_too_many),
	    cmocka_unit_test(test_flips),
	    cmocka_unit_test(test_heads),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_keys),
	    cmocka_unit_test(test_buckets),
	    cmocka_unit_test(test_answers),
	};

	return cmocka_run_group_tests_name("stats", tests, NULL, NULL);
}
