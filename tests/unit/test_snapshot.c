/* SPDX-License-Identifier: ISC */
/* What a worker sends of its counters when the pipe holds less than that. */
#include <fcntl.h>
#include <unistd.h>

#include "net/sock.h"
#include "proc/client.h"
#include "proc/snapshot.h"
#include "proc/totals.h"
#include "stats_build.h"

#define KEYS 10000
#define ROUNDS_MAX 10000

struct world {
	struct build *b;
	struct worker_setup setup;
	struct worker w;
	int read_fd;
	struct totals *parent;
	size_t frames; /* that came */
};

static void
set_up(struct world *x)
{
	int fds[2];

	memset(x, 0, sizeof(*x));
	x->b = build_new(0, KEYS);
	x->b->conf.tcp_clients = 1;
	assert_int_equal(sock_pipe(fds), 0);
	x->read_fd = fds[0];
	x->setup.stats_fd = fds[1];
	x->setup.conf = &x->b->conf;
	x->w.setup = &x->setup;
	x->w.conf = &x->b->conf;
	assert_true(client_init(&x->w) && snapshot_init(&x->w));
	x->parent = totals_new(&x->b->conf);
	assert_non_null(x->parent);
}

static void
clean_up(struct world *x)
{
	snapshot_free(&x->w);
	client_free(&x->w);
	totals_free(x->parent);
	close(x->read_fd);
	close(x->setup.stats_fd);
	build_free(x->b);
}

/* As the parent does it; at most max frames. */
static size_t
take_frames(struct world *x, size_t max)
{
	uint8_t octets[STATS_FRAME_OCTETS];
	struct stats_frame f;
	size_t n = 0;

	while (n < max &&
	       read(x->read_fd, octets, sizeof(octets)) == sizeof(octets)) {
		assert_true(stats_decode(octets, &f));
		assert_true(totals_take(x->parent, &f));
		n++;
	}
	x->frames += n;
	return n;
}

static void
count(struct world *x, size_t key, enum key_counter k)
{
	struct inbound in = {.client = &x->b->clients[key]};

	snapshot_count_key(&x->w, &in, k);
}

static bool
is_complete(const struct world *x)
{
	return memcmp(x->parent->keys, x->w.keys,
		   KEYS * sizeof(*x->parent->keys)) == 0 &&
	       memcmp(x->parent->worker.count, x->w.stats.count,
		   sizeof(x->w.stats.count)) == 0 &&
	       memcmp(x->parent->worker.answers, x->w.stats.answers,
		   sizeof(x->w.stats.answers)) == 0;
}

/* Sent, and read max frames at a time, until a second's pause is due. */
static void
send_all(struct world *x, size_t max)
{
	int rounds = 0;

	do {
		x->w.now_us = x->w.next_stats_us;
		snapshot_send(&x->w);
		(void)take_frames(x, max);
		assert_true(++rounds < ROUNDS_MAX);
	} while (x->w.next_stats_us < x->w.now_us + 1000000);
	while (take_frames(x, max) > 0)
		continue;
}

/* All keys at once are far more than the pipe takes. */
static void
test_all_keys(void **state)
{
	struct world x;
	size_t i;

	(void)state;
	set_up(&x);
	for (i = 0; i < KEYS; i++) {
		x.w.keys[i].count[KSTAT_BAD_SIG] = i;
		count(&x, i, KSTAT_ACCEPTED);
	}
	x.w.stats.count[STAT_ACCEPTED] = KEYS;
	stats_answer(&x.w.stats, RCODE_NOERROR);
	send_all(&x, SIZE_MAX);
	assert_true(is_complete(&x));
	assert_int_equal(
	    x.frames, 2 + (KEYS + BLOCK_KEYS_MAX - 1) / BLOCK_KEYS_MAX);
	clean_up(&x);
}

/* Then only those that have changed. */
static void
test_changed_keys(void **state)
{
	static const size_t changed[] = {KEYS - 1, 0, 7, 5000, 5001};
	struct world x;
	size_t i;

	(void)state;
	set_up(&x);
	send_all(&x, SIZE_MAX);
	assert_int_equal(x.frames, 2);
	for (i = 0; i < NELEM(changed); i++)
		count(&x, changed[i], KSTAT_SILENT);
	send_all(&x, SIZE_MAX);
	assert_int_equal(x.frames, 2 + 2 + 2);
	assert_true(is_complete(&x));
	send_all(&x, SIZE_MAX);
	assert_int_equal(x.frames, 2 + 2 + 2 + 2);
	clean_up(&x);
}

/* A parent that reads one frame each time, while some keys change all the
 * time: the others have their turn. */
static void
test_slow_parent(void **state)
{
	struct world x;
	size_t i, round;

	(void)state;
	set_up(&x);
	for (i = 0; i < KEYS; i++)
		count(&x, i, KSTAT_ACCEPTED);
	for (round = 0; round < KEYS; round++) {
		x.w.now_us = x.w.next_stats_us;
		x.w.stats.count[STAT_ACCEPTED]++;
		for (i = 0; i < 100; i++)
			count(&x, i, KSTAT_BAD_SIG);
		snapshot_send(&x.w);
		(void)take_frames(&x, 1);
	}
	for (i = 0; i < KEYS; i++)
		assert_int_equal(x.parent->keys[i].count[KSTAT_ACCEPTED], 1);
	assert_true(x.parent->worker.count[STAT_ACCEPTED] > 0);
	/* The rest of one snapshot, then one from its beginning. */
	send_all(&x, SIZE_MAX);
	send_all(&x, SIZE_MAX);
	assert_true(is_complete(&x));
	clean_up(&x);
}

/* With the pipe full, and nobody who reads, an end comes all the same. */
static void
test_finish(void **state)
{
	struct world x;
	size_t i;

	(void)state;
	set_up(&x);
	for (i = 0; i < KEYS; i++)
		count(&x, i, KSTAT_ACCEPTED);
	snapshot_finish(&x.w);
	assert_true(take_frames(&x, SIZE_MAX) > 2);
	send_all(&x, SIZE_MAX);
	assert_true(is_complete(&x));
	clean_up(&x);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_all_keys),
	    cmocka_unit_test(test_changed_keys),
	    cmocka_unit_test(test_slow_parent),
	    cmocka_unit_test(test_finish),
	};

	return cmocka_run_group_tests_name("snapshot", tests, NULL, NULL);
}
