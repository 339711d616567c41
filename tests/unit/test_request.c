/* SPDX-License-Identifier: ISC */
/* The life of a request: one answer, the deadline, who is still owed. */
#include "mux/request.h"

#include "hex.h"

#define START_US 1000000u
#define DEADLINE_US (START_US + 400000u)
#define NTARGETS 3
#define NCLASSES 4

/* The zone goes to targets 1, 3 and 4 of 5. */
static const uint8_t targets[NTARGETS] = {1, 3, 4};

static const struct outcome outcomes[NCLASSES] = {
    {.class = OUTCOME_APPLIED, .rcode = RCODE_NOERROR},
    {.class = OUTCOME_VERDICT, .rcode = RCODE_YXDOMAIN},
    {.class = OUTCOME_REFUSED, .rcode = RCODE_REFUSED},
    {.class = OUTCOME_FAILED},
};

static void
start(struct request *q, unsigned need, bool is_servfail_unconfirmed)
{
	static struct conf conf;
	static struct inbound in;

	conf.ntargets = 5;
	conf.require_confirmation = need;
	conf.client_deadline_ms = 400;
	conf.unconfirmed =
	    is_servfail_unconfirmed ? UNCONFIRMED_SERVFAIL : UNCONFIRMED_SILENT;
	in.targets = 0x1a;
	in.shape.prereqs = PREREQ_NAME_NOT_IN_USE;
	in.shape.updates = UPDATE_ADD;
	request_start(q, &conf, &in, START_US);
}

static void
test_start(void **state)
{
	struct request q;

	(void)state;
	memset(&q, 0xff, sizeof(q));
	start(&q, CONFIRM_ALL, false);
	check_row_int("all", q.need, NTARGETS);
	check_row_int("all", q.nopen, NTARGETS);
	check_row_int("all", q.ntargets, NTARGETS);
	check_row_int("all", q.deadline_us, DEADLINE_US);
	check_row_int("all", q.kind, KIND_ADD);
	check_row_octets("all", q.target, NTARGETS, targets, NTARGETS);
	check_row("all", !request_is_done(&q) && !q.is_settled);
	start(&q, 2, false);
	check_row_int("quorum", q.need, 2);
}

struct scene {
	unsigned need;
	bool is_servfail_unconfirmed;
	size_t order[NTARGETS];
	size_t class[NTARGETS]; /* by target */
	size_t in_time; /* how many outcomes come before the deadline */
	uint64_t late_us; /* the others, behind the deadline */
	bool has_ticks;
};

static const char *
describe(const struct scene *s)
{
	static char text[200];

	snprintf(text, sizeof(text),
	    "need %u servfail %d order %zu%zu%zu classes %zu%zu%zu in time "
	    "%zu late %u ticks %d",
	    s->need, s->is_servfail_unconfirmed, s->order[0], s->order[1],
	    s->order[2], s->class[0], s -> class[1], s -> class[2],
	    s -> in_time, (unsigned)s -> late_us, s -> has_ticks);
	return text;
}

struct told {
	size_t actions;
	bool is_silent;
	enum rcode rcode;
};

/* What has to be told, after the outcomes so far. */
static void
expect(struct told *want, const struct request *q, bool is_late)
{
	struct ballot b = {.outcomes = q->outcomes,
	    .count = NTARGETS,
	    .kind = KIND_ADD,
	    .need = q->need,
	    .is_servfail_unconfirmed = q->is_servfail_unconfirmed};
	enum collect_result result;

	if (want->actions > 0)
		return;
	result = is_late ? collect_final(&b, &want->rcode)
			 : collect_early(&b, &want->rcode);
	want->actions = result != COLLECT_UNDECIDED;
	want->is_silent = result == COLLECT_SILENT;
}

static void
check_told(const char *row, const struct request *q, const struct told *want,
    size_t actions)
{
	check_row_int(row, actions, want->actions);
	check_row_int(row, q->is_settled, want->actions > 0);
	if (want->actions == 0)
		return;
	check_row_int(row, q->is_silent, want->is_silent);
	if (!want->is_silent)
		check_row_int(row, q->rcode, want->rcode);
}

static size_t
count_action(const char *row, const struct request *q, enum request_action a)
{
	if (a == REQUEST_WAIT)
		return 0;
	check_row_int(row, a, q->is_silent ? REQUEST_GIVE_UP : REQUEST_REPLY);
	return 1;
}

static void
check_end(const struct scene *s, const struct request *q)
{
	size_t i, count[NCLASSES] = {0}; /* applied, verdict, refused, ... */
	unsigned want = 0;

	for (i = 0; i < NTARGETS; i++)
		count[s->class[i]]++;
	if ((count[0] > 0) + (count[1] > 0) + (count[2] > 0) > 1)
		want |= REQUEST_DIVERGED;
	if (count[0] > 0 && count[3] > 0)
		want |= REQUEST_MISSED;
	if (count[0] > 0 && (q->is_silent || q->rcode == RCODE_SERVFAIL))
		want |= REQUEST_UNTOLD;
	check_row_int(describe(s), request_flaws(q), want);
}

static void
play(const struct scene *s)
{
	struct told want = {0};
	const char *row = describe(s);
	size_t i, actions = 0;
	struct request q;

	start(&q, s->need, s->is_servfail_unconfirmed);
	for (i = 0; i < NTARGETS; i++) {
		size_t t = s->order[i];
		bool is_late = i >= s->in_time;
		uint64_t now =
		    is_late ? DEADLINE_US + s->late_us : DEADLINE_US - 1;

		if (is_late)
			expect(&want, &q, true);
		if (s->has_ticks)
			actions += count_action(row, &q, request_tick(&q, now));
		actions += count_action(row, &q,
		    request_outcome(
			&q, targets[t], &outcomes[s->class[t]], now));
		expect(&want, &q, is_late);
		check_told(row, &q, &want, actions);
		check_row_int(row, request_is_done(&q),
		    i + 1 == NTARGETS && q.is_settled);
	}
	check_row_int(row, want.actions, 1);
	check_row_int(row, q.nopen, 0);
	check_row_int(
	    row, request_tick(&q, DEADLINE_US + 1000000), REQUEST_WAIT);
	check_end(s, &q);
}

static void
each_timing(struct scene *s)
{
	for (s->in_time = 0; s->in_time <= NTARGETS; s->in_time++) {
		for (s->late_us = 0; s->late_us < 2; s->late_us++) {
			s->has_ticks = false;
			play(s);
			s->has_ticks = true;
			play(s);
		}
	}
}

static void
test_sequences(void **state)
{
	static const size_t orders[][NTARGETS] = {
	    {0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
	size_t i, c, n = NCLASSES * NCLASSES * NCLASSES;
	struct scene s;

	(void)state;
	for (i = 0; i < NELEM(orders) * n * 2 * NTARGETS; i++) {
		memcpy(s.order, orders[i % NELEM(orders)], sizeof(s.order));
		c = i / NELEM(orders);
		s.class[0] = c % NCLASSES;
		s.class[1] = c / NCLASSES % NCLASSES;
		s.class[2] = c / NCLASSES / NCLASSES % NCLASSES;
		s.is_servfail_unconfirmed = c / n % 2 == 1;
		s.need = 1 + (unsigned)(c / n / 2);
		each_timing(&s);
	}
}

static const struct {
	const char *name;
	unsigned need;
	bool is_servfail;
	uint64_t now_us;
	enum request_action want;
	enum rcode rcode;
} ticks[] = {
    {"before", 1, false, DEADLINE_US - 1, REQUEST_WAIT, 0},
    {"at, confirmed", 1, false, DEADLINE_US, REQUEST_REPLY, RCODE_NOERROR},
    {"after, confirmed", 1, false, DEADLINE_US + 1, REQUEST_REPLY,
	RCODE_NOERROR},
    {"at, not confirmed", 2, false, DEADLINE_US, REQUEST_GIVE_UP, 0},
    {"at, told so", 2, true, DEADLINE_US, REQUEST_REPLY, RCODE_SERVFAIL},
    {"at the end of time", 3, true, UINT64_MAX, REQUEST_REPLY, RCODE_SERVFAIL},
    {"at the start", 3, true, START_US, REQUEST_WAIT, 0},
};

/* One target has applied it, two are open. */
static void
test_tick(void **state)
{
	struct request q;
	size_t i;

	(void)state;
	for (i = 0; i < NELEM(ticks); i++) {
		const char *row = ticks[i].name;

		start(&q, ticks[i].need, ticks[i].is_servfail);
		check_row_int(row,
		    request_outcome(&q, 3, &outcomes[0], START_US),
		    REQUEST_WAIT);
		check_row_int(
		    row, request_tick(&q, ticks[i].now_us), ticks[i].want);
		if (ticks[i].want == REQUEST_REPLY)
			check_row_int(row, q.rcode, ticks[i].rcode);
		check_row_int(
		    row, request_tick(&q, ticks[i].now_us), REQUEST_WAIT);
		check_row(row, !request_is_done(&q));
	}
}

/* Targets that were not asked, or have given their outcome. */
static void
test_ignored(void **state)
{
	static const size_t unknown[] = {0, 2, 5, 31, 32, SIZE_MAX};
	struct request q;
	size_t i;

	(void)state;
	start(&q, CONFIRM_ALL, false);
	for (i = 0; i < NELEM(unknown); i++)
		check_row_int("unknown target",
		    request_outcome(&q, unknown[i], &outcomes[2], START_US),
		    REQUEST_WAIT);
	check_row_int("unknown target", q.nopen, NTARGETS);
	(void)request_outcome(&q, 4, &outcomes[0], START_US);
	check_row_int("twice", request_outcome(&q, 4, &outcomes[2], START_US),
	    REQUEST_WAIT);
	check_row_int("twice", q.nopen, NTARGETS - 1);
	check_row_int("twice", q.outcomes[2].class, OUTCOME_APPLIED);
	(void)request_outcome(&q, 1, &outcomes[0], START_US);
	check_row_int("the last one",
	    request_outcome(&q, 3, &outcomes[0], START_US), REQUEST_REPLY);
	check_row_int("the last one", q.rcode, RCODE_NOERROR);
	check_row_int("unknown target, late",
	    request_outcome(&q, 2, &outcomes[2], DEADLINE_US), REQUEST_WAIT);
	check_row("the last one", request_is_done(&q));
}

/* An unknown target's outcome at the deadline is a tick all the same. */
static void
test_ignored_at_deadline(void **state)
{
	struct request q;

	(void)state;
	start(&q, 1, false);
	check_row_int("at the deadline",
	    request_outcome(&q, 2, &outcomes[0], DEADLINE_US), REQUEST_GIVE_UP);
	check_row_int("at the deadline", q.nopen, NTARGETS);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_start),
	    cmocka_unit_test(test_tick),
	    cmocka_unit_test(test_sequences),
	    cmocka_unit_test(test_ignored),
	    cmocka_unit_test(test_ignored_at_deadline),
	};

	return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
