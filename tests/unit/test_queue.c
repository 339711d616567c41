/* SPDX-License-Identifier: ISC */
/* The ring and the bell: by themselves, then between threads. */
#include "proc/queue.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "hex.h"

#define ITEMS 1000000u
#define ROUND_TRIPS 50000u
#define HANG_S 300 /* no test of this waits so long */

/* An item's octets depend on its number, wherever it lies. */
static void
fill_item(uint8_t *item, size_t len, size_t number)
{
	size_t i;

	for (i = 0; i < len; i++)
		item[i] = (uint8_t)(number >> (8 * (i % 4)) ^ i);
}

static const struct {
	const char *name;
	size_t capacity, item_len, room;
	size_t first; /* where the indexes begin: they wrap around */
} rings[] = {
    {"1 of 1", 1, 1, 2, 0},
    {"2 of 4", 2, 4, 2, 0},
    {"3 of 16", 3, 16, 4, 0},
    {"5 of 7", 5, 7, 8, SIZE_MAX - 20},
    {"8 of 24", 8, 24, 8, SIZE_MAX},
    {"1000 of 32", 1000, 32, 1024, SIZE_MAX - 5000},
};

static void
check_ring(const char *row, struct queue *q, size_t room)
{
	uint8_t item[64], want[64];
	size_t put = 0, taken = 0, step;
	unsigned seed = 1;

	for (step = 0; step < 20 * room + 1000; step++) {
		seed = seed * 1103515245 + 12345;
		/* Often to the brim, often to the bottom. */
		if ((seed >> 16) % 4 < (step / (2 * room) % 2 == 0 ? 3 : 1)) {
			fill_item(item, q->item_len, put);
			check_row_int(
			    row, queue_put(q, item), put - taken < room);
			put += put - taken < room;
		} else {
			check_row_int(row, queue_take(q, item), taken < put);
			if (taken == put)
				continue;
			fill_item(want, q->item_len, taken++);
			check_row_octets(
			    row, item, q->item_len, want, q->item_len);
		}
		check_row_int(row, queue_is_empty(q), put == taken);
	}
}

static void
test_ring(void **state)
{
	struct queue q;
	size_t i;

	(void)state;
	for (i = 0; i < NELEM(rings); i++) {
		check_row(rings[i].name,
		    queue_init(&q, rings[i].capacity, rings[i].item_len));
		atomic_store(&q.head, rings[i].first);
		atomic_store(&q.tail, rings[i].first);
		check_row(rings[i].name, queue_is_empty(&q));
		check_ring(rings[i].name, &q, rings[i].room);
		queue_free(&q);
		queue_free(&q);
	}
}

static bool
can_hear(const struct bell *b)
{
	struct pollfd pfd = {.fd = b->fds[0], .events = POLLIN};

	return poll(&pfd, 1, 0) == 1;
}

static void
test_bell(void **state)
{
	struct bell b;

	(void)state;
	check_row("bell", bell_init(&b));
	bell_ring(&b);
	check_row("rung while awake", !can_hear(&b));
	bell_doze(&b);
	check_row("asleep", !can_hear(&b));
	bell_ring(&b);
	check_row("rung while asleep", can_hear(&b));
	bell_ring(&b);
	bell_ring(&b);
	bell_rise(&b, true);
	check_row("up", !can_hear(&b));
	bell_ring(&b);
	check_row("rung while up again", !can_hear(&b));
	bell_doze(&b);
	bell_rise(&b, false);
	check_row("nobody rang", !can_hear(&b));
	bell_ring(&b);
	check_row("up since", !can_hear(&b));
	bell_free(&b);
	bell_free(&b);
}

static void
take_a_turn(struct bell *b)
{
	bell_doze(b);
	bell_rise(b, can_hear(b));
}

/*
 * The producer saw the consumer asleep, but its octet comes into the pipe
 * only when the consumer is up. That may cost one idle turn, not a loop
 * that spins until somebody rings again.
 */
static void
test_late_ring(void **state)
{
	struct bell b;

	(void)state;
	check_row("late ring", bell_init(&b));
	bell_doze(&b);
	check_row("late ring", atomic_exchange(&b.is_asleep, false));
	bell_rise(&b, false);
	check_row_int("late ring", write(b.fds[1], "", 1), 1);
	take_a_turn(&b);
	bell_doze(&b);
	check_row("late ring, a turn later", !can_hear(&b));
	bell_ring(&b);
	check_row("the next ring is heard", can_hear(&b));
	bell_rise(&b, true);
	bell_free(&b);
}

/* Many late rings are one idle turn too, and the pipe never fills. */
static void
test_many_late_rings(void **state)
{
	struct bell b;
	size_t i;

	(void)state;
	check_row("late rings", bell_init(&b));
	for (i = 0; i < 200000; i++) {
		bell_doze(&b);
		bell_ring(&b);
		bell_rise(&b, false);
	}
	for (i = 0; i < 200000 && can_hear(&b); i++)
		take_a_turn(&b);
	check_row("late rings", !can_hear(&b));
	bell_doze(&b);
	bell_ring(&b);
	check_row("the next ring is heard", can_hear(&b));
	bell_free(&b);
}

/* Producers with a queue each; one bell, one consumer. */
#define PRODUCERS_MAX 3

struct line {
	struct queue q;
	struct bell *bell;
	unsigned items;
	unsigned burst;
	bool waits_for_sleep;
};

static void *
produce(void *arg)
{
	struct line *l = arg;
	unsigned i;

	for (i = 0; i < l->items; i++) {
		while (!queue_put(&l->q, &i)) {
			bell_ring(l->bell);
			sched_yield();
		}
		if (i % l->burst != 0 && i + 1 != l->items)
			continue;
		/* The last moment before it sleeps, and the time after. */
		while (l->waits_for_sleep && i % 64 == 0 &&
		       !atomic_load(&l->bell->is_asleep) &&
		       !queue_is_empty(&l->q))
			sched_yield();
		bell_ring(l->bell);
	}
	return NULL;
}

static bool
are_empty(struct line *lines, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (!queue_is_empty(&lines[i].q))
			return false;
	}
	return true;
}

/* As the daemon's threads do. */
static void
sleep_on(struct bell *b, struct line *lines, size_t n)
{
	struct pollfd pfd = {.fd = b->fds[0], .events = POLLIN};
	int ready;

	bell_doze(b);
	ready = poll(&pfd, 1, are_empty(lines, n) ? -1 : 0);
	bell_rise(b, ready > 0 && pfd.revents != 0);
}

/* The first item that is not the one expected; UINT32_MAX if none. */
static unsigned
consume(struct bell *b, struct line *lines, size_t n)
{
	unsigned next[PRODUCERS_MAX] = {0}, item;
	size_t i, left = n;

	while (left > 0) {
		for (i = 0; i < n; i++) {
			while (queue_take(&lines[i].q, &item)) {
				if (item != next[i])
					return next[i];
				if (++next[i] == lines[i].items)
					left--;
			}
		}
		if (left > 0)
			sleep_on(b, lines, n);
	}
	return UINT32_MAX;
}

static const struct {
	const char *name;
	size_t producers;
	size_t capacity;
	unsigned items, burst;
	bool waits_for_sleep;
} traffics[] = {
    {"one by one", 1, 256, ITEMS, 1, false},
    {"bursts of 16", 1, 256, ITEMS, 16, false},
    {"tiny ring", 1, 2, ITEMS / 4, 1, false},
    {"burst larger than the ring", 1, 8, ITEMS / 4, 100, false},
    {"waiting for sleep", 1, 256, ITEMS / 4, 1, true},
    {"three producers", 3, 64, ITEMS / 4, 3, false},
};

static void
run_traffic(size_t row)
{
	struct line lines[PRODUCERS_MAX];
	pthread_t threads[PRODUCERS_MAX];
	size_t i, n = traffics[row].producers;
	struct bell b;

	assert_true(bell_init(&b));
	for (i = 0; i < n; i++) {
		lines[i].bell = &b;
		lines[i].items = traffics[row].items;
		lines[i].burst = traffics[row].burst;
		lines[i].waits_for_sleep = traffics[row].waits_for_sleep;
		assert_true(queue_init(
		    &lines[i].q, traffics[row].capacity, sizeof(unsigned)));
		assert_int_equal(
		    pthread_create(&threads[i], NULL, produce, &lines[i]), 0);
	}
	check_row_int(traffics[row].name, consume(&b, lines, n), UINT32_MAX);
	for (i = 0; i < n; i++) {
		pthread_join(threads[i], NULL);
		check_row(traffics[row].name, queue_is_empty(&lines[i].q));
		queue_free(&lines[i].q);
	}
	bell_free(&b);
}

static void
test_threads(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < NELEM(traffics); i++)
		run_traffic(i);
}

/* Two threads that sleep in turn: no wake-up is lost, ever. */
struct side {
	struct line in;
	struct line *out;
};

static bool
echo(struct side *s, unsigned first)
{
	unsigned i, item;

	for (i = 0; i < ROUND_TRIPS; i++) {
		item = i;
		if (first != 0) {
			(void)queue_put(&s->out->q, &item);
			bell_ring(s->out->bell);
		}
		while (!queue_take(&s->in.q, &item))
			sleep_on(s->in.bell, &s->in, 1);
		if (item != i)
			return false;
		if (first == 0) {
			(void)queue_put(&s->out->q, &item);
			bell_ring(s->out->bell);
		}
	}
	return true;
}

static void *
echo_thread(void *arg)
{
	return echo(arg, 0) ? arg : NULL;
}

static void
test_round_trips(void **state)
{
	struct bell bells[2];
	struct side sides[2];
	pthread_t thread;
	void *result;
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		assert_true(bell_init(&bells[i]));
		assert_true(queue_init(&sides[i].in.q, 4, sizeof(unsigned)));
		sides[i].in.bell = &bells[i];
		sides[i].out = &sides[1 - i].in;
	}
	assert_int_equal(
	    pthread_create(&thread, NULL, echo_thread, &sides[1]), 0);
	check_row("round trips", echo(&sides[0], 1));
	pthread_join(thread, &result);
	check_row("round trips", result != NULL);
	for (i = 0; i < 2; i++) {
		queue_free(&sides[i].in.q);
		bell_free(&bells[i]);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ring),
	    cmocka_unit_test(test_bell),
	    cmocka_unit_test(test_late_ring),
	    cmocka_unit_test(test_many_late_rings),
	    cmocka_unit_test(test_threads),
	    cmocka_unit_test(test_round_trips),
	};

	/* A lost wake-up would be a hang. */
	alarm(HANG_S);
	return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
