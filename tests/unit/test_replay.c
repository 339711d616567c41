/* SPDX-License-Identifier: ISC */
/* The replay cache: who is new, who repeats, and what is forgotten. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "hex.h"
#include "mux/replay.h"

#define NOW 1700000000u
#define SETS 64
#define ENTRIES (SETS * REPLAY_WAYS)

struct cache {
	struct replay replay;
	struct replay_entry own[ENTRIES];
};

static _Atomic uint64_t shared[ENTRIES];

static void
set_up(struct cache *c)
{
	memset(c, 0, sizeof(*c));
	replay_init(&c->replay, SETS, c->own, shared);
}

static void
forget_all(void)
{
	size_t i;

	for (i = 0; i < ENTRIES; i++)
		atomic_store(&shared[i], 0);
}

static uint64_t
mix(uint64_t n)
{
	n = (n ^ n >> 30) * 0xbf58476d1ce4e5b9u;
	n = (n ^ n >> 27) * 0x94d049bb133111ebu;
	return n ^ n >> 31;
}

/* The nth message; its MAC is all that matters of it. */
static struct inbound
message(uint64_t n, uint64_t time_signed)
{
	struct inbound in = {
	    .tsig = {.time_signed = time_signed, .fudge_s = 300}};
	uint64_t octets[4] = {mix(n + 1), mix(n + 2), mix(n + 3), mix(n + 4)};

	in.request_mac.len = sizeof(octets);
	memcpy(in.request_mac.octets, octets, sizeof(octets));
	return in;
}

/* As the cache sees it, whose tags are in the machine's order of octets. */
static uint64_t
set_of(const struct inbound *in)
{
	uint64_t tag;

	memcpy(&tag, in->request_mac.octets, sizeof(tag));
	return tag % SETS;
}

static struct addr
source(const char *text)
{
	struct addr a;

	assert_true(addr_parse(text, 0, &a));
	return a;
}

static enum replay_verdict
check(
    struct cache *c, const struct inbound *in, const char *from, uint64_t now_s)
{
	const struct replay_entry *e;
	struct addr a = source(from);

	return replay_check(&c->replay, in, &a, 300, now_s, &e);
}

#define HERE "192.0.2.1:1024"

/* R1, R2, R3, and what a silent end means. */
static void
test_one_worker(void **state)
{
	static struct cache c;
	struct inbound in = message(1, NOW), tcp = in;
	const struct replay_entry *e;
	struct addr here = source(HERE);

	(void)state;
	forget_all();
	set_up(&c);
	tcp.is_tcp = true;
	assert_int_equal(check(&c, &in, HERE, NOW), REPLAY_NEW);
	assert_int_equal(check(&c, &in, HERE, NOW), REPLAY_IGNORE);
	assert_int_equal(check(&c, &in, "192.0.2.1:1025", NOW), REPLAY_FOREIGN);
	assert_int_equal(check(&c, &in, "192.0.2.2:1024", NOW), REPLAY_FOREIGN);
	assert_int_equal(check(&c, &tcp, HERE, NOW), REPLAY_FOREIGN);
	replay_silent(&c.replay, &in);
	assert_int_equal(check(&c, &in, "192.0.2.2:1024", NOW), REPLAY_FOREIGN);
	assert_int_equal(check(&c, &in, HERE, NOW), REPLAY_NEW);
	replay_answered(&c.replay, &in, RCODE_YXDOMAIN, NOW + 2);
	assert_int_equal(
	    replay_check(&c.replay, &in, &here, 300, NOW + 300, &e),
	    REPLAY_REPEAT);
	assert_int_equal(e->rcode, RCODE_YXDOMAIN);
	assert_int_equal(e->answered_s, NOW + 2);
	assert_int_equal(check(&c, &in, "192.0.2.2:1024", NOW), REPLAY_FOREIGN);
}

/* R3 for another worker, and for the successor of a dead one. */
static void
test_two_workers(void **state)
{
	static struct cache a, b;
	struct inbound in = message(1, NOW);

	(void)state;
	forget_all();
	set_up(&a);
	set_up(&b);
	assert_int_equal(check(&a, &in, HERE, NOW), REPLAY_NEW);
	assert_int_equal(check(&b, &in, HERE, NOW), REPLAY_FOREIGN);
	set_up(&a);
	assert_int_equal(check(&a, &in, HERE, NOW + 300), REPLAY_FOREIGN);
	/* A message of the same set is another one. */
	in = message(2, NOW);
	assert_int_equal(check(&b, &in, HERE, NOW), REPLAY_NEW);
}

/* What had to give way is not brought back by its end. */
static void
test_settled_when_forgotten(void **state)
{
	static struct cache c;
	struct inbound in = message(0, NOW), other;
	uint64_t n = 1;
	size_t i;

	(void)state;
	forget_all();
	set_up(&c);
	assert_int_equal(check(&c, &in, HERE, NOW), REPLAY_NEW);
	for (i = 0; i < REPLAY_WAYS; n++) {
		other = message(n, NOW + 1);
		if (set_of(&other) != set_of(&in))
			continue;
		assert_int_equal(check(&c, &other, HERE, NOW), REPLAY_NEW);
		i++;
	}
	replay_answered(&c.replay, &in, RCODE_NOERROR, NOW);
	replay_silent(&c.replay, &in);
	for (i = 0; i < ENTRIES; i++)
		assert_true(c.own[i].state == REPLAY_UNUSED ||
			    c.own[i].state == REPLAY_OPEN);
}

/* R5: in a full set the one that expires first goes, and no other. */
static void
test_overflow(void **state)
{
	static struct cache c, other;
	struct inbound in[REPLAY_WAYS + 1];
	uint64_t n = 0;
	size_t i;

	(void)state;
	forget_all();
	set_up(&c);
	set_up(&other);
	for (i = 0; i <= REPLAY_WAYS; n++) {
		in[i] = message(n, NOW + i);
		if (set_of(&in[i]) != 5)
			continue;
		assert_int_equal(check(&c, &in[i], HERE, NOW), REPLAY_NEW);
		i++;
	}
	for (i = 1; i <= REPLAY_WAYS; i++) {
		assert_int_equal(check(&c, &in[i], HERE, NOW), REPLAY_IGNORE);
		assert_int_equal(
		    check(&other, &in[i], HERE, NOW), REPLAY_FOREIGN);
	}
	assert_int_equal(check(&other, &in[0], HERE, NOW), REPLAY_NEW);
}

/* Expired ones give way first, also where the seconds wrap at 2^24. */
static void
test_expiry(void **state)
{
	static const uint64_t starts[] = {
	    NOW, 0xffffff - 100, 0x1000000 - 300, ((uint64_t)1 << 48) - 100000};
	static struct cache c, other;
	size_t s, i;

	(void)state;
	for (s = 0; s < NELEM(starts); s++) {
		uint64_t now = starts[s];

		forget_all();
		set_up(&c);
		set_up(&other);
		for (i = 0; i < 20 * ENTRIES; i++) {
			struct inbound in = message(i, now += 7);

			assert_int_equal(check(&c, &in, HERE, now), REPLAY_NEW);
			assert_int_equal(
			    check(&other, &in, HERE, now), REPLAY_FOREIGN);
		}
	}
}

/* The program is linked with libcounted.a, whose functions call these: a
 * place where another process may come in between. */
static void (*come_between)(void);

void __cyg_profile_func_enter(void *function, void *site);
void __cyg_profile_func_exit(void *function, void *site);

void
__cyg_profile_func_enter(void *function, void *site)
{
	(void)function;
	(void)site;
	if (come_between != NULL)
		come_between();
}

void
__cyg_profile_func_exit(void *function, void *site)
{
	(void)function;
	(void)site;
	if (come_between != NULL)
		come_between();
}

static struct {
	struct cache first, second;
	struct inbound in;
	uint64_t now_s;
	size_t calls, when;
	bool second_wins;
} inter;

/* At one of the calls of the first worker, all that the second does. */
static void
second_comes(void)
{
	if (inter.calls++ != inter.when)
		return;
	come_between = NULL;
	inter.second_wins =
	    check(&inter.second, &inter.in, HERE, NOW) == REPLAY_NEW;
	come_between = second_comes;
}

/* false once the first has no call left to come behind. */
static bool
interleave(size_t when)
{
	bool first_wins;

	set_up(&inter.first);
	set_up(&inter.second);
	inter.calls = 0;
	inter.when = when;
	come_between = second_comes;
	first_wins =
	    check(&inter.first, &inter.in, HERE, inter.now_s) == REPLAY_NEW;
	come_between = NULL;
	if (inter.calls <= when)
		return false;
	/* One of them had nobody in its way. */
	assert_true(first_wins != inter.second_wins);
	assert_int_equal(
	    check(&inter.first, &inter.in, HERE, NOW) == REPLAY_FOREIGN,
	    !first_wins);
	return true;
}

/* A set of others: none, some, and one that is over for the first worker
 * only, whose clock is ahead. */
static void
fill(size_t n, uint64_t expires_s)
{
	size_t set = (size_t)set_of(&inter.in) * (size_t)REPLAY_WAYS, i;

	forget_all();
	for (i = 0; i < n; i++)
		atomic_store(&shared[set + i],
		    (i + 1) << 24 |
			((i == 0 ? expires_s : NOW + 200 + i) & 0xffffff));
}

/* How many words the message has in its set. */
static size_t
count_words(void)
{
	uint64_t tag, word;
	size_t i, n = 0;

	memcpy(&tag, inter.in.request_mac.octets, sizeof(tag));
	for (i = 0; i < ENTRIES; i++) {
		word = atomic_load(&shared[i]);
		n += ((word ^ tag) >> 24) == 0;
	}
	return n;
}

static void
test_interleaved(void **state)
{
	size_t n, when;

	(void)state;
	inter.in = message(1, NOW);
	for (n = 0; n <= REPLAY_WAYS; n++) {
		for (inter.now_s = NOW; inter.now_s <= NOW + 1; inter.now_s++) {
			for (when = 0;; when++) {
				fill(n, NOW);
				if (!interleave(when))
					break;
				assert_int_equal(count_words(), 1);
			}
			assert_true(when > REPLAY_WAYS);
		}
	}
}

#define RACERS 4
#define RACES 2000

static pthread_barrier_t barrier;
static atomic_uint wins[RACES];

static void *
race(void *arg)
{
	struct cache *c = arg;
	uint64_t n;

	for (n = 0; n < RACES; n++) {
		struct inbound in = message(n, NOW);

		pthread_barrier_wait(&barrier);
		if (check(c, &in, HERE, NOW) == REPLAY_NEW)
			atomic_fetch_add(&wins[n], 1);
	}
	return NULL;
}

/* Never two winners; perhaps none, if they undid each other. */
static void
test_race(void **state)
{
	static struct cache caches[RACERS];
	pthread_t threads[RACERS];
	size_t i, n;

	(void)state;
	forget_all();
	assert_int_equal(pthread_barrier_init(&barrier, NULL, RACERS), 0);
	for (i = 0; i < RACERS; i++) {
		set_up(&caches[i]);
		assert_int_equal(
		    pthread_create(&threads[i], NULL, race, &caches[i]), 0);
	}
	for (i = 0; i < RACERS; i++)
		pthread_join(threads[i], NULL);
	for (n = 0; n < RACES; n++)
		assert_true(atomic_load(&wins[n]) <= 1);
	pthread_barrier_destroy(&barrier);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_one_worker),
	    cmocka_unit_test(test_two_workers),
	    cmocka_unit_test(test_settled_when_forgotten),
	    cmocka_unit_test(test_overflow),
	    cmocka_unit_test(test_expiry),
	    cmocka_unit_test(test_interleaved),
	    cmocka_unit_test(test_race),
	};

	return cmocka_run_group_tests_name("replay", tests, NULL, NULL);
}
