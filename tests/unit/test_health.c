/* SPDX-License-Identifier: ISC */
/* The breaker: each transition, every short history beside a definition
 * that looks at the whole of it, and the borders in time. */
#include "mux/health.h"

#include "hex.h"

#define DEPTH 4
#define MOMENT HEALTH_MOMENT_US
#define TRUST HEALTH_TRUST_US
#define S 1000000u

static const struct outcome alive = {
    .class = OUTCOME_APPLIED, .cause = TSTAT_APPLIED};
static const struct outcome failing = {
    .class = OUTCOME_FAILED, .cause = TSTAT_FAIL_TIMEOUT};
static const struct outcome unproven = {
    .class = OUTCOME_FAILED, .cause = TSTAT_IGN_UNSIGNED};
static const struct outcome silent = {
    .class = OUTCOME_FAILED, .cause = TSTAT_FAIL_BUSY};
static const struct outcome *const kinds[] = {
    &alive, &failing, &unproven, &silent};

struct event {
	const struct outcome *outcome;
	uint64_t begun_us, now_us;
};

static struct event history[DEPTH];

static bool
is_apart(const struct event *a, const struct event *b)
{
	return b->begun_us >= a->begun_us + MOMENT &&
	       b->now_us >= a->now_us + MOMENT;
}

static bool
may_count(const struct event *e, const struct event *answer)
{
	if (e->outcome != &failing && e->outcome != &unproven)
		return false;
	if (answer == NULL)
		return true;
	return e->begun_us > answer->now_us &&
	       (e->outcome != &unproven || e->now_us >= answer->now_us + TRUST);
}

/* Down behind these events, by definition: since the last answer so many
 * failures that may count, each apart from the one that counted before. */
static bool
is_down(size_t n, unsigned failures_max)
{
	const struct event *answer = NULL, *last = NULL;
	unsigned failures = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		if (history[i].outcome == &alive) {
			answer = &history[i];
			last = NULL;
			failures = 0;
		} else if (may_count(&history[i], answer) &&
			   (last == NULL || is_apart(last, &history[i]))) {
			last = &history[i];
			failures++;
		}
	}
	return failures_max > 0 && failures >= failures_max;
}

static void
explore(const struct health *h, size_t n, uint64_t now_us)
{
	static const uint64_t waits[] = {0, MOMENT - 1, MOMENT, TRUST};
	static const uint64_t ages[] = {0, MOMENT};
	size_t i;

	if (n == DEPTH)
		return;
	for (i = 0; i < NELEM(waits) * NELEM(ages) * NELEM(kinds); i++) {
		struct event *e = &history[n];
		struct health next = *h;
		enum health_change change;
		bool was_down = h->is_down, want;

		e->now_us = now_us + waits[i % 4];
		e->begun_us = e->now_us - ages[i / 4 % 2];
		e->outcome = kinds[i / 8];
		change =
		    health_outcome(&next, e->outcome, e->begun_us, e->now_us);
		want = is_down(n + 1, h->failures_max);
		check_row_int("down", next.is_down, want);
		check_row_int("change", change,
		    want == was_down ? HEALTH_SAME
		    : want	     ? HEALTH_WENT_DOWN
				     : HEALTH_CAME_UP);
		check_row(
		    "probe", want == (health_probe_us(&next) != UINT64_MAX));
		explore(&next, n + 1, e->now_us);
	}
}

static void
test_every_history(void **state)
{
	struct health h;
	unsigned max;

	(void)state;
	for (max = 0; max <= 3; max++) {
		health_init(&h, max);
		explore(&h, 0, S);
	}
}

static const struct {
	const char *name;
	struct outcome outcome;
	enum health_sign sign;
} signs[] = {
    {"applied", {OUTCOME_APPLIED, 0, TSTAT_APPLIED, 0}, HEALTH_ALIVE},
    {"verdict", {OUTCOME_VERDICT, 6, TSTAT_VERDICT, 0}, HEALTH_ALIVE},
    {"refused", {OUTCOME_REFUSED, 5, TSTAT_REFUSED, 0}, HEALTH_ALIVE},
    {"rcode", {OUTCOME_FAILED, 0, TSTAT_FAIL_RCODE, 0}, HEALTH_ALIVE},
    {"too large", {OUTCOME_REFUSED, 2, TSTAT_FAIL_SIZE, 0}, HEALTH_SILENT},
    {"busy", {OUTCOME_FAILED, 0, TSTAT_FAIL_BUSY, 0}, HEALTH_SILENT},
    {"down", {OUTCOME_FAILED, 0, TSTAT_FAIL_DOWN, 0}, HEALTH_SILENT},
    {"local", {OUTCOME_FAILED, 0, TSTAT_FAIL_LOCAL, 0}, HEALTH_SILENT},
    {"crypto", {OUTCOME_FAILED, 0, TSTAT_FAIL_CRYPTO, 0}, HEALTH_SILENT},
    {"T01 icmp", {OUTCOME_FAILED, 0, TSTAT_FAIL_ICMP, 0}, HEALTH_FAILING},
    {"T01 connect", {OUTCOME_FAILED, 0, TSTAT_FAIL_CONNECT, 0}, HEALTH_FAILING},
    {"T02 timeout", {OUTCOME_FAILED, 0, TSTAT_FAIL_TIMEOUT, 0}, HEALTH_FAILING},
    {"T05 short", {OUTCOME_FAILED, 0, TSTAT_IGN_SHORT, 0}, HEALTH_FAILING},
    {"T07 unsigned", {OUTCOME_FAILED, 0, TSTAT_IGN_UNSIGNED, 0},
	HEALTH_FAILING},
    {"T08 MAC", {OUTCOME_FAILED, 0, TSTAT_IGN_MAC, 0}, HEALTH_FAILING},
    {"T09 badtime", {OUTCOME_FAILED, 0, TSTAT_FAIL_BADTIME, 0}, HEALTH_FAILING},
    {"T10 truncated", {OUTCOME_FAILED, 0, TSTAT_FAIL_TRUNCATED, 0},
	HEALTH_FAILING},
    {"T12 closed", {OUTCOME_FAILED, 0, TSTAT_FAIL_CLOSED, 0}, HEALTH_FAILING},
};

static void
test_signs(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < NELEM(signs); i++)
		check_row_int(signs[i].name, health_sign(&signs[i].outcome),
		    signs[i].sign);
}

/* Down at the third of three that are apart, with the cause of the last. */
static void
open_breaker(struct health *h, uint64_t now_us)
{
	health_init(h, 3);
	check_row_int(
	    "first", health_outcome(h, &failing, now_us, now_us), HEALTH_SAME);
	now_us += MOMENT;
	check_row_int(
	    "second", health_outcome(h, &failing, now_us, now_us), HEALTH_SAME);
	now_us += MOMENT;
	check_row_int("third", health_outcome(h, &unproven, now_us, now_us),
	    HEALTH_WENT_DOWN);
	check_row_int("cause", h->cause, TSTAT_IGN_UNSIGNED);
}

/* Of 100 that fail, and count once. */
static void
check_one_moment(
    uint64_t begun_apart_us, uint64_t found_us, uint64_t found_apart_us)
{
	struct health h;
	uint64_t i;

	health_init(&h, 2);
	for (i = 0; i < 100; i++)
		check_row_int("in flight",
		    health_outcome(&h, &failing, S + i * begun_apart_us,
			found_us + i * found_apart_us),
		    HEALTH_SAME);
	check_row_int("one", h.failures, 1);
}

/* C05: what was in flight while the machine slept, found at once; and a
 * burst that is lost, whose time-outs come one by one. */
static void
test_c05_one_moment(void **state)
{
	(void)state;
	check_one_moment(S, 7200 * (uint64_t)S, 0);
	check_one_moment(1, 6 * S, MOMENT);
}

/* Each 1 s x 2^n behind the one before, at most 30 s. */
static void
test_backoff(void **state)
{
	static const unsigned waits_s[] = {2, 4, 8, 16, 30, 30, 30};
	uint64_t now_us = 100 * (uint64_t)S;
	struct health h;
	size_t i;

	(void)state;
	open_breaker(&h, now_us);
	now_us += 2 * MOMENT;
	check_row_int("first", health_probe_us(&h), now_us + S);
	now_us += S;
	for (i = 0; i < NELEM(waits_s); i++) {
		check_row_int("given up", health_probe_sent(&h, now_us),
		    now_us + waits_s[i] * S);
		check_row_int("a probe fails",
		    health_outcome(&h, &failing, now_us, now_us + S),
		    HEALTH_SAME);
		now_us += waits_s[i] * S;
		check_row_int("next", health_probe_us(&h), now_us);
	}
	for (i = 0; i < 100000; i++)
		(void)health_probe_sent(&h, now_us);
	check_row_int("for ever", health_probe_us(&h), now_us + 30 * S);
}

/* T03, T04: a late answer to what was sent before closes it; then it
 * starts anew, and the next back-off, too. */
static void
test_closes(void **state)
{
	uint64_t now_us = 100 * (uint64_t)S;
	struct health h;

	(void)state;
	open_breaker(&h, now_us);
	(void)health_probe_sent(&h, now_us + S);
	(void)health_probe_sent(&h, now_us + 3 * S);
	check_row_int("late", health_outcome(&h, &alive, 1, now_us + 4 * S),
	    HEALTH_CAME_UP);
	check_row_int("up", h.is_down, false);
	check_row_int("again", health_outcome(&h, &alive, 2, now_us + 4 * S),
	    HEALTH_SAME);
	check_row_int("the probe fails after all",
	    health_outcome(&h, &failing, now_us + 3 * S, now_us + 5 * S),
	    HEALTH_SAME);
	check_row_int("which is old", h.failures, 0);
	open_breaker(&h, now_us + 5 * S);
	check_row_int("anew", h.probe_us, now_us + 6 * S + 2 * MOMENT);
}

static void
test_trust(void **state)
{
	struct health h;

	(void)state;
	health_init(&h, 1);
	(void)health_outcome(&h, &alive, S, 2 * S);
	check_row_int("within",
	    health_outcome(&h, &unproven, 3 * S, 2 * S + TRUST - 1),
	    HEALTH_SAME);
	check_row_int("not proven since",
	    health_outcome(&h, &unproven, 3 * S, 2 * S + TRUST),
	    HEALTH_WENT_DOWN);
	health_init(&h, 1);
	check_row_int("T26 never proven", health_outcome(&h, &unproven, 1, 2),
	    HEALTH_WENT_DOWN);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_history),
	    cmocka_unit_test(test_signs),
	    cmocka_unit_test(test_c05_one_moment),
	    cmocka_unit_test(test_backoff),
	    cmocka_unit_test(test_closes),
	    cmocka_unit_test(test_trust),
	};

	return cmocka_run_group_tests_name("health", tests, NULL, NULL);
}
