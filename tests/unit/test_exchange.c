/* SPDX-License-Identifier: ISC */
/* Random operations on a table of exchanges, beside a simple model. */
#include "mux/exchange.h"

#include "hex.h"

#define MAX 24
#define NBUCKETS 8
#define IDS 64 /* so few that they collide */
#define STEPS 100000
#define FORGET 60 /* steps */

/* The model: for each exchange what it is, and lists of indexes. */
struct order {
	size_t items[MAX];
	size_t count;
};

struct model {
	bool is_used[MAX];
	bool is_open[MAX][2];
	uint16_t id[MAX][2];
	enum exchange_way way[MAX];
	uint32_t slot[MAX];
	struct order by_age;
	struct order by_resend;
	struct order waiting;
	struct order fresh;
};

static struct exchange_table table;
static struct exchange exchanges[MAX];
static struct leg_list buckets[NBUCKETS];
static struct model model;
static unsigned long long seed = 1;
static size_t step;

static unsigned
any(unsigned below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % below;
}

static const char *
where(const char *what)
{
	static char text[60];

	snprintf(text, sizeof(text), "step %zu: %s", step, what);
	return text;
}

static bool
order_has(const struct order *o, size_t i)
{
	size_t at;

	for (at = 0; at < o->count; at++) {
		if (o->items[at] == i)
			return true;
	}
	return false;
}

static void
order_append(struct order *o, size_t i)
{
	o->items[o->count++] = i;
}

static void
order_prepend(struct order *o, size_t i)
{
	memmove(o->items + 1, o->items, o->count * sizeof(o->items[0]));
	o->items[0] = i;
	o->count++;
}

static void
order_remove(struct order *o, size_t i)
{
	size_t at, kept = 0;

	for (at = 0; at < o->count; at++) {
		if (o->items[at] != i)
			o->items[kept++] = o->items[at];
	}
	o->count = kept;
}

/* Whose leg has this ID in flight; MAX if nobody's. */
static size_t
model_find(enum exchange_way way, uint16_t id)
{
	size_t i;

	for (i = 0; i < MAX; i++) {
		if (model.is_used[i] && model.is_open[i][way] &&
		    model.id[i][way] == id)
			return i;
	}
	return MAX;
}

static void
model_close(size_t i, enum exchange_way way)
{
	if (!model.is_open[i][way])
		return;
	model.is_open[i][way] = false;
	if (way == WAY_UDP)
		order_remove(&model.by_resend, i);
}

static void
do_begin(void)
{
	static const struct inbound in;
	struct exchange *x =
	    exchange_begin(&table, &in, (uint32_t)step, step + 7);
	size_t i;

	if (model.by_age.count == MAX) {
		check_row(where("begin of too many"), x == NULL);
		return;
	}
	check_row(where("begin"), x != NULL);
	i = (size_t)(x - exchanges);
	check_row(where("begin of one in use"), !model.is_used[i]);
	check_row(where("begin"), x->in == &in && x->start_us == step + 7);
	check_row_int(where("begin"), x->last_cause, 0);
	check_row_int(where("begin"), x->tcp_tries, 0);
	model.is_used[i] = true;
	model.is_open[i][WAY_UDP] = model.is_open[i][WAY_TCP] = false;
	model.way[i] = WAY_UDP;
	model.slot[i] = (uint32_t)step;
	order_append(&model.by_age, i);
	order_append(&model.waiting, i);
}

static void
model_resume(size_t i)
{
	if (!order_has(&model.waiting, i))
		return;
	order_remove(&model.waiting, i);
	order_append(&model.fresh, i);
}

static void
do_open(size_t i)
{
	enum exchange_way way = (enum exchange_way)any(2);
	uint16_t id = (uint16_t)any(IDS);
	bool can_open = !model.is_open[i][way] &&
			model_find(WAY_UDP, id) == MAX &&
			model_find(WAY_TCP, id) == MAX;

	check_row_int(where("open"),
	    exchange_open(&table, &exchanges[i], way, id), can_open);
	if (!can_open)
		return;
	model.is_open[i][way] = true;
	model.id[i][way] = id;
	model_resume(i);
	exchanges[i].sent_us = step;
}

static void
do_close(size_t i)
{
	enum exchange_way way = (enum exchange_way)any(2);

	exchange_close_leg(&table, &exchanges[i].legs[way]);
	model_close(i, way);
}

static void
do_wait(size_t i)
{
	enum exchange_way way = (enum exchange_way)any(2);

	exchange_wait(&table, &exchanges[i], way);
	model.way[i] = way;
	order_remove(&model.fresh, i);
	if (!order_has(&model.waiting, i))
		order_prepend(&model.waiting, i);
}

static void
do_resume(size_t i)
{
	exchange_resume(&table, &exchanges[i]);
	model_resume(i);
}

/* The order is that of sending: whose time was set anew since stops it. */
static void
do_forget(void)
{
	exchange_forget(&table, step, FORGET);
	while (model.fresh.count > 0 &&
	       exchanges[model.fresh.items[0]].sent_us + FORGET <= step)
		order_remove(&model.fresh, model.fresh.items[0]);
}

static void
do_resend(size_t i)
{
	if (!model.is_open[i][WAY_UDP] || any(3) == 0) {
		exchange_forbid_resend(&table, &exchanges[i]);
		order_remove(&model.by_resend, i);
		return;
	}
	exchange_allow_resend(&table, &exchanges[i]);
	if (!order_has(&model.by_resend, i))
		order_append(&model.by_resend, i);
}

static void
do_end(size_t i)
{
	exchange_end(&table, &exchanges[i]);
	model_close(i, WAY_UDP);
	model_close(i, WAY_TCP);
	order_remove(&model.by_resend, i);
	order_remove(&model.waiting, i);
	order_remove(&model.fresh, i);
	order_remove(&model.by_age, i);
	model.is_used[i] = false;
}

static void
do_any(void)
{
	size_t i = model.by_age.count > 0
		       ? model.by_age.items[any((unsigned)model.by_age.count)]
		       : MAX;

	/* Phases in which it fills, and in which it runs dry. */
	if (i == MAX || any(10) < (step / 1000 % 2 == 0 ? 3u : 1u)) {
		do_begin();
		return;
	}
	switch (any(7)) {
	case 0:
	case 1:
		do_open(i);
		break;
	case 2:
		do_close(i);
		break;
	case 3:
		do_wait(i);
		break;
	case 4:
		do_resend(i);
		break;
	case 5:
		do_forget();
		break;
	default:
		if (any(3) == 0)
			do_end(i);
		else
			do_resume(i);
	}
}

#define CHECK_LIST(list, link) \
	do { \
		struct exchange *x_; \
		size_t at_ = 0; \
		TAILQ_FOREACH (x_, &table.list, link) { \
			check_row(where(#list), at_ < model.list.count); \
			check_row_int(where(#list), x_ - exchanges, \
			    model.list.items[at_]); \
			at_++; \
		} \
		check_row_int(where(#list), at_, model.list.count); \
	} while (0)

static void
check_lists(void)
{
	struct exchange *x;
	size_t n = 0;

	CHECK_LIST(by_age, by_age);
	CHECK_LIST(by_resend, by_resend);
	CHECK_LIST(waiting, waiting);
	CHECK_LIST(fresh, fresh);
	check_row_int(where("fresh"), table.nfresh, model.fresh.count);
	TAILQ_FOREACH (x, &table.unused, by_age) {
		check_row(where("unused"), !model.is_used[x - exchanges]);
		n++;
	}
	check_row_int(where("unused"), n, MAX - model.by_age.count);
	check_row_int(where("in flight"), table.in_flight,
	    model.by_age.count - model.waiting.count);
}

static void
check_ids(void)
{
	unsigned id, way;

	for (id = 0; id < IDS; id++) {
		for (way = WAY_UDP; way <= WAY_TCP; way++) {
			struct leg *leg = exchange_find(
			    &table, (enum exchange_way)way, (uint16_t)id);
			size_t i =
			    model_find((enum exchange_way)way, (uint16_t)id);

			check_row_int(where("find"), leg == NULL, i == MAX);
			if (leg == NULL)
				continue;
			check_row(
			    where("find"), leg == &exchanges[i].legs[way] &&
					       leg->exchange == &exchanges[i]);
			check_row_int(where("find"), leg->way, way);
		}
	}
}

static void
check_fields(void)
{
	size_t i;

	for (i = 0; i < MAX; i++) {
		const struct exchange *x = &exchanges[i];

		if (!model.is_used[i])
			continue;
		check_row_int(where("slot"), x->slot, model.slot[i]);
		check_row_int(where("way"), x->way, model.way[i]);
		check_row_int(where("is_waiting"), x->is_waiting,
		    order_has(&model.waiting, i));
		check_row_int(where("may_resend"), x->may_resend,
		    order_has(&model.by_resend, i));
		check_row_int(where("UDP"), x->legs[WAY_UDP].is_open,
		    model.is_open[i][WAY_UDP]);
		check_row_int(where("TCP"), x->legs[WAY_TCP].is_open,
		    model.is_open[i][WAY_TCP]);
	}
}

static void
test_random(void **state)
{
	(void)state;
	exchange_table_init(&table, exchanges, MAX, buckets, NBUCKETS);
	check_lists();
	for (step = 0; step < STEPS; step++) {
		do_any();
		check_lists();
		check_ids();
		check_fields();
	}
	while (model.by_age.count > 0)
		do_end(model.by_age.items[0]);
	check_lists();
	check_ids();
	check_row_int("in the end", table.in_flight, 0);
}

/* All 65536 IDs, by one way or the other; there is no 65537th. */
static void
test_all_ids(void **state)
{
	static struct exchange many[65537];
	static struct leg_list lists[4096];
	struct exchange_table t;
	struct exchange *x;
	unsigned id;

	(void)state;
	exchange_table_init(&t, many, NELEM(many), lists, NELEM(lists));
	for (id = 0; id < 65536; id++) {
		x = exchange_begin(&t, NULL, id, 0);
		check_row("all IDs", x != NULL);
		check_row(
		    "all IDs", exchange_open(&t, x, (enum exchange_way)(id % 2),
				   (uint16_t)id));
	}
	x = exchange_begin(&t, NULL, id, 0);
	check_row("one more", x != NULL);
	check_row("one more", exchange_begin(&t, NULL, 0, 0) == NULL);
	for (id = 0; id < 65536; id++) {
		struct leg *leg = exchange_find(
		    &t, (enum exchange_way)(id % 2), (uint16_t)id);

		check_row("find", leg != NULL && leg->exchange->slot == id);
		check_row("no ID is left",
		    !exchange_open(&t, x, WAY_UDP, (uint16_t)id) &&
			!exchange_open(&t, x, WAY_TCP, (uint16_t)id));
	}
	check_row_int("in flight", t.in_flight, 65536);
}

/* A copy that waits for its connection is one of the three. */
static void
test_copies_left(void **state)
{
	static const struct inbound in;
	struct exchange *x;

	(void)state;
	exchange_table_init(&table, exchanges, MAX, buckets, NBUCKETS);
	x = exchange_begin(&table, &in, 0, 0);
	assert_true(exchange_has_copies_left(x));
	assert_true(exchange_open(&table, x, WAY_UDP, 1));
	x->copies = 2;
	assert_true(exchange_has_copies_left(x));
	exchange_wait(&table, x, WAY_TCP);
	assert_false(exchange_has_copies_left(x));
	assert_true(exchange_open(&table, x, WAY_TCP, 2));
	x->copies = EXCHANGE_COPIES_MAX;
	assert_false(exchange_has_copies_left(x));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_random),
	    cmocka_unit_test(test_all_ids),
	    cmocka_unit_test(test_copies_left),
	};

	return cmocka_run_group_tests_name("exchange", tests, NULL, NULL);
}
