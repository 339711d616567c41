/* SPDX-License-Identifier: ISC */
/* What the parent makes of workers' frames, whatever they hold. */
#include "proc/totals.h"

#include "hex.h"
#include "stats_build.h"

/* Frames for two targets and three keys. */
static const struct {
	const char *name;
	unsigned block;
	unsigned index;
	unsigned nvalues;
	bool is_good;
	uint64_t first; /* of the values */
} frames[] = {
    {"worker", BLOCK_WORKER, 0, BLOCK_WORKER_VALUES, true, 1},
    {"worker 1", BLOCK_WORKER, 1, BLOCK_WORKER_VALUES, false, 1},
    {"worker, one less", BLOCK_WORKER, 0, BLOCK_WORKER_VALUES - 1, false, 1},
    {"worker, one more", BLOCK_WORKER, 0, BLOCK_WORKER_VALUES + 1, false, 1},
    {"worker, none", BLOCK_WORKER, 0, 0, false, 1},
    {"answers", BLOCK_ANSWERS, 0, ANSWERS_COUNT, true, 1},
    {"answers 1", BLOCK_ANSWERS, 1, ANSWERS_COUNT, false, 1},
    {"answers, one more", BLOCK_ANSWERS, 0, ANSWERS_COUNT + 1, false, 1},
    {"target 0", BLOCK_TARGET, 0, BLOCK_TARGET_VALUES, true, 1},
    {"target 1", BLOCK_TARGET, 1, BLOCK_TARGET_VALUES, true, 1},
    {"target 2", BLOCK_TARGET, 2, BLOCK_TARGET_VALUES, false, 1},
    {"target 65535", BLOCK_TARGET, 65535, BLOCK_TARGET_VALUES, false, 1},
    {"target, one less", BLOCK_TARGET, 0, BLOCK_TARGET_VALUES - 1, false, 1},
    {"its answers", BLOCK_TARGET_ANSWERS, 1, ANSWERS_COUNT, true, 1},
    {"answers of 2", BLOCK_TARGET_ANSWERS, 2, ANSWERS_COUNT, false, 1},
    {"its answers, none", BLOCK_TARGET_ANSWERS, 1, 0, false, 1},
    {"key 0", BLOCK_KEYS, 0, BLOCK_KEY_VALUES, true, 0},
    {"key 2", BLOCK_KEYS, 0, BLOCK_KEY_VALUES, true, 2},
    {"key 3", BLOCK_KEYS, 0, BLOCK_KEY_VALUES, false, 3},
    {"key 2^64 - 1", BLOCK_KEYS, 0, BLOCK_KEY_VALUES, false, UINT64_MAX},
    {"half a key", BLOCK_KEYS, 0, BLOCK_KEY_VALUES / 2, false, 0},
    {"no key", BLOCK_KEYS, 0, 0, false, 0},
    {"keys 1", BLOCK_KEYS, 1, BLOCK_KEY_VALUES, false, 0},
    {"a second key that is none", BLOCK_KEYS, 0, 2 * BLOCK_KEY_VALUES, false,
	0},
    {"block 5", 5, 0, 1, false, 1},
    {"block 65535", 65535, 0, ANSWERS_COUNT, false, 1},
};

/* Each is taken whole or not at all. */
static void
test_take(void **state)
{
	struct build *b = build_new(2, 3);
	struct totals *t = totals_new(&b->conf), *untouched;
	size_t i, s;

	(void)state;
	untouched = totals_new(&b->conf);
	for (i = 0; i < NELEM(frames); i++) {
		struct stats_frame f = {.type = FRAME_STATS,
		    .block = (uint16_t)frames[i].block,
		    .index = (uint16_t)frames[i].index,
		    .nvalues = (uint16_t)frames[i].nvalues};

		for (s = 0; s < f.nvalues; s++)
			f.values[s] = frames[i].first + s;
		totals_clear(t);
		check_row_int(
		    frames[i].name, totals_take(t, &f), frames[i].is_good);
		check_row_int(frames[i].name, build_same(t, untouched),
		    !frames[i].is_good);
		f.type = FRAME_READY;
		check_row(frames[i].name, !totals_take(t, &f));
	}
	totals_free(untouched);
	totals_free(t);
	build_free(b);
}

/* A clock that no TSIG could tell of. */
static void
test_offsets(void **state)
{
	static const struct {
		int64_t offset;
		bool is_good;
	} rows[] = {
	    {0, true},
	    {-300, true},
	    {STATS_OFFSET_MAX_S, true},
	    {-STATS_OFFSET_MAX_S, true},
	    {STATS_OFFSET_MAX_S + 1, false},
	    {-STATS_OFFSET_MAX_S - 1, false},
	    {INT64_MAX, false},
	    {INT64_MIN, false},
	};
	struct build *b = build_new(1, 1);
	struct totals *t = totals_new(&b->conf);
	size_t i;

	(void)state;
	for (i = 0; i < NELEM(rows); i++) {
		struct stats_frame f = {.type = FRAME_STATS,
		    .block = BLOCK_TARGET,
		    .nvalues = BLOCK_TARGET_VALUES};

		f.values[TSTAT_COUNT + TGAUGE_CLOCK_OFFSET_S] =
		    (uint64_t)rows[i].offset;
		check_row_int("offset", totals_take(t, &f), rows[i].is_good);
	}
	totals_free(t);
	build_free(b);
}

static int64_t
offset_of(const struct totals *t)
{
	return (int64_t)t->targets[0].gauge[TGAUGE_CLOCK_OFFSET_S];
}

/* Counters live on, gauges die with their worker. */
static void
test_retire(void **state)
{
	struct build *b = build_new(1, 2);
	struct totals *base = totals_new(&b->conf), *sum, *worker, *other;

	(void)state;
	sum = totals_new(&b->conf);
	worker = totals_new(&b->conf);
	other = totals_new(&b->conf);
	build_fill(worker, 1000);
	worker->targets[0].gauge[TGAUGE_CLOCK_OFFSET_S] = (uint64_t)-5;
	build_fill(other, 7);
	other->targets[0].gauge[TGAUGE_CLOCK_OFFSET_S] = 3;

	totals_add(sum, worker);
	totals_add(sum, other);
	check_row_int("in hand", sum->worker.gauge[GAUGE_IN_HAND],
	    worker->worker.gauge[GAUGE_IN_HAND] +
		other->worker.gauge[GAUGE_IN_HAND]);
	check_row_int("the larger offset", offset_of(sum), -5);

	totals_retire(base, worker);
	totals_clear(sum);
	check_row("dead", build_same(worker, sum));
	totals_add(sum, base);
	totals_add(sum, other);
	check_row_int("in hand", sum->worker.gauge[GAUGE_IN_HAND],
	    other->worker.gauge[GAUGE_IN_HAND]);
	check_row_int("the other's offset", offset_of(sum), 3);
	/* build_fill gives the n-th value of all kinds first + n. */
	check_row_int("counter", sum->worker.count[3], 1000 + 7 + 2 * 3);
	check_row_int("histogram", sum->worker.answers[ANSWERS_SUM_US],
	    1007 + 2 * ANSWERS_SUM_US);
	check_row_int("target", sum->targets[0].count[5], 1007 + 2 * 5);
	check_row_int("its answers", sum->targets[0].answers[4], 1007 + 2 * 4);
	check_row_int("key", sum->keys[1].count[2], 1007 + 2 * 2);

	/* Its successor starts anew. */
	build_fill(worker, 1);
	totals_clear(sum);
	totals_add(sum, base);
	totals_add(sum, worker);
	check_row_int("counter", sum->worker.count[3], 1000 + 1 + 2 * 3);
	totals_free(base);
	totals_free(sum);
	totals_free(worker);
	totals_free(other);
	build_free(b);
}

/* By name: what is gone is left out, what is new begins at 0. */
static void
test_carry(void **state)
{
	static const char *const before_targets[] = {"one", "gone", "two"};
	static const char *const after_targets[] = {"TWO", "new", "one"};
	static const char *const before_keys[] = {"a", "c", "d", "x"};
	static const char *const after_keys[] = {"b", "c", "x", "z"};
	struct build *before = build_named(before_targets, 3, before_keys, 4);
	struct build *after = build_named(after_targets, 3, after_keys, 4);
	struct totals *from = totals_new(&before->conf);
	struct totals *to = totals_new(&after->conf);
	size_t i;

	(void)state;
	build_fill(from, 100);
	for (i = 0; i < 3; i++)
		from->targets[i].count[1] = 10 + i;
	for (i = 0; i < 4; i++)
		from->keys[i].count[KSTAT_ACCEPTED] = 20 + i;
	to->keys[1].count[KSTAT_ACCEPTED] = 1000;
	totals_carry(to, &after->conf, from, &before->conf);
	check_row_octets("worker", &to->worker, sizeof(to->worker),
	    &from->worker, sizeof(from->worker));
	check_row_int("two", to->targets[0].count[1], 12);
	check_row_int("new", to->targets[1].count[1], 0);
	check_row_int("one", to->targets[2].count[1], 10);
	check_row_int("b", to->keys[0].count[KSTAT_ACCEPTED], 0);
	check_row_int("c", to->keys[1].count[KSTAT_ACCEPTED], 1021);
	check_row_int("x", to->keys[2].count[KSTAT_ACCEPTED], 23);
	check_row_int("z", to->keys[3].count[KSTAT_ACCEPTED], 0);
	totals_free(from);
	totals_free(to);
	build_free(before);
	build_free(after);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_take),
	    cmocka_unit_test(test_offsets),
	    cmocka_unit_test(test_retire),
	    cmocka_unit_test(test_carry),
	};

	return cmocka_run_group_tests_name("totals", tests, NULL, NULL);
}
