/* SPDX-License-Identifier: ISC */
/*
 * Every ballot of 1 to 4 targets against a reference written from the
 * rules (CONFORMANCE A1 to A9), in words as plain as can be.
 */
#include "mux/collect.h"

#include "hex.h"
#include "mux/request.h"

#define TARGETS_MAX 4
#define SILENT 0x100 /* beside RCODEs */

static const enum update_kind kinds[] = {KIND_PLAIN, KIND_ADD, KIND_REPLACE,
    KIND_REMOVE_1, KIND_REMOVE_2, KIND_OTHER};

/* Open comes first, so that what follows it are completions. */
static const struct outcome choices[] = {
    {.class = OUTCOME_OPEN},
    {.class = OUTCOME_FAILED},
    {.class = OUTCOME_APPLIED, .rcode = RCODE_NOERROR},
    {.class = OUTCOME_REFUSED, .rcode = RCODE_SERVFAIL},
    {.class = OUTCOME_REFUSED, .rcode = RCODE_REFUSED},
    {.class = OUTCOME_VERDICT, .rcode = RCODE_YXDOMAIN},
    {.class = OUTCOME_VERDICT, .rcode = RCODE_YXRRSET},
    {.class = OUTCOME_VERDICT, .rcode = RCODE_NXDOMAIN},
    {.class = OUTCOME_VERDICT, .rcode = RCODE_NXRRSET},
};

static const struct outcome plain_choices[] = {
    {.class = OUTCOME_OPEN},
    {.class = OUTCOME_FAILED},
    {.class = OUTCOME_APPLIED, .rcode = RCODE_NOERROR},
    {.class = OUTCOME_REFUSED, .rcode = RCODE_SERVFAIL},
    {.class = OUTCOME_REFUSED, .rcode = RCODE_REFUSED},
    {.class = OUTCOME_REFUSED, .rcode = RCODE_YXDOMAIN},
};

struct menu {
	const struct outcome *choices;
	size_t count;
};

static struct menu
menu_of(enum update_kind kind)
{
	if (kind == KIND_PLAIN)
		return (struct menu){plain_choices, NELEM(plain_choices)};
	return (struct menu){choices, NELEM(choices)};
}

static const char *
describe(const struct ballot *b)
{
	static char text[200];
	size_t i, n;

	n = (size_t)snprintf(text, sizeof(text), "kind %d need %zu%s:", b->kind,
	    b->need, b->is_servfail_unconfirmed ? " servfail" : "");
	for (i = 0; i < b->count; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, " %c%u",
		    "oavrf"[b->outcomes[i].class], b -> outcomes[i].rcode);
	return text;
}

static bool
is_verdict(const struct outcome *o)
{
	return o->class == OUTCOME_VERDICT;
}

static bool
somebody_said(const struct ballot *b, unsigned rcode)
{
	size_t i;

	for (i = 0; i < b->count; i++) {
		if ((is_verdict(&b->outcomes[i]) ||
			b->outcomes[i].class == OUTCOME_APPLIED) &&
		    b->outcomes[i].rcode == rcode)
			return true;
	}
	return false;
}

/* Of the first target in configuration order that gave one; else 0. */
static unsigned
first_verdict(const struct ballot *b)
{
	size_t i;

	for (i = 0; i < b->count; i++) {
		if (is_verdict(&b->outcomes[i]))
			return b->outcomes[i].rcode;
	}
	return RCODE_NOERROR;
}

static unsigned
reference_confirmed(const struct ballot *b)
{
	bool has_noerror = somebody_said(b, RCODE_NOERROR);

	switch (b->kind) {
	case KIND_PLAIN:
		return RCODE_NOERROR;
	case KIND_ADD:
		if (somebody_said(b, RCODE_YXDOMAIN))
			return RCODE_YXDOMAIN;
		break;
	case KIND_REPLACE:
		if (somebody_said(b, RCODE_NXRRSET))
			return RCODE_NXRRSET;
		if (somebody_said(b, RCODE_NXDOMAIN))
			return RCODE_NXDOMAIN;
		break;
	case KIND_REMOVE_1:
	case KIND_REMOVE_2:
		if (has_noerror)
			return RCODE_NOERROR;
		if (somebody_said(b, RCODE_NXRRSET))
			return RCODE_NXRRSET;
		if (b->kind == KIND_REMOVE_2 && somebody_said(b, RCODE_YXRRSET))
			return RCODE_YXRRSET;
		break;
	case KIND_OTHER:
		break;
	}
	return first_verdict(b);
}

static unsigned
reference(const struct ballot *b)
{
	size_t i, confirmed = 0, refused = 0, same = 0;

	for (i = 0; i < b->count; i++) {
		const struct outcome *o = &b->outcomes[i];

		confirmed += is_verdict(o) || o->class == OUTCOME_APPLIED;
		refused += o->class == OUTCOME_REFUSED;
		same += o->class == OUTCOME_REFUSED &&
			o->rcode == b->outcomes[0].rcode;
	}
	if (confirmed >= b->need)
		return reference_confirmed(b);
	if (same == b->count)
		return b->outcomes[0].rcode;
	if (b->count - refused < b->need)
		return RCODE_SERVFAIL;
	return b->is_servfail_unconfirmed ? RCODE_SERVFAIL : SILENT;
}

static unsigned
final_answer(const struct ballot *b)
{
	enum rcode rcode = RCODE_NOERROR;
	enum collect_result result = collect_final(b, &rcode);

	if (result == COLLECT_UNDECIDED)
		fail_msg("%s: final, and undecided", describe(b));
	return result == COLLECT_SILENT ? SILENT : (unsigned)rcode;
}

/* Marks in seen[] every answer the open outcomes can still lead to. */
static void
complete(struct ballot *b, struct outcome *outcomes, size_t from,
    bool seen[SILENT + 1])
{
	struct menu menu = menu_of(b->kind);
	size_t i;

	while (from < b->count && outcomes[from].class != OUTCOME_OPEN)
		from++;
	if (from == b->count) {
		seen[final_answer(b)] = true;
		return;
	}
	for (i = 1; i < menu.count; i++) {
		outcomes[from] = menu.choices[i];
		complete(b, outcomes, from + 1, seen);
	}
	outcomes[from] = menu.choices[0];
}

static size_t
count_seen(const bool seen[SILENT + 1])
{
	size_t i, n = 0;

	for (i = 0; i <= SILENT; i++)
		n += seen[i];
	return n;
}

/* Early answers are sound, and come as early as they can. */
static void
check_early(struct ballot *b, struct outcome *outcomes)
{
	bool seen[SILENT + 1] = {false};
	enum rcode rcode = RCODE_NOERROR;
	enum collect_result early = collect_early(b, &rcode);

	complete(b, outcomes, 0, seen);
	switch (early) {
	case COLLECT_ANSWER:
		if (count_seen(seen) != 1 || !seen[rcode])
			fail_msg("%s: %u is too early", describe(b), rcode);
		break;
	case COLLECT_SILENT:
		if (count_seen(seen) != 1 || !seen[SILENT])
			fail_msg("%s: silent too early", describe(b));
		break;
	case COLLECT_UNDECIDED:
		if (count_seen(seen) == 1 && !seen[SILENT])
			fail_msg("%s: only one answer is left, and it waits",
			    describe(b));
		break;
	}
}

static bool
reference_divergent(const struct ballot *b)
{
	size_t i, j;

	for (i = 0; i < b->count; i++) {
		for (j = 0; j < i; j++) {
			const struct outcome *x = &b->outcomes[i];
			const struct outcome *y = &b->outcomes[j];

			if (x->class != OUTCOME_OPEN &&
			    x->class != OUTCOME_FAILED &&
			    y->class != OUTCOME_OPEN &&
			    y->class != OUTCOME_FAILED && x->rcode != y->rcode)
				return true;
		}
	}
	return false;
}

static void
check_final(struct ballot *b, struct outcome *outcomes)
{
	unsigned got = final_answer(b), want = reference(b);

	(void)outcomes;
	if (got != want)
		fail_msg("%s: answer %u, not %u", describe(b), got, want);
	if (collect_is_divergent(b) != reference_divergent(b))
		fail_msg("%s: wrong on divergence", describe(b));
}

typedef void check_ballot(struct ballot *b, struct outcome *outcomes);

static void
each_outcome(struct ballot *b, struct outcome *outcomes, size_t from,
    check_ballot *check)
{
	struct menu menu = menu_of(b->kind);
	size_t i;

	if (from == b->count) {
		check(b, outcomes);
		return;
	}
	for (i = 0; i < menu.count; i++) {
		outcomes[from] = menu.choices[i];
		each_outcome(b, outcomes, from + 1, check);
	}
}

static void
each_ballot(size_t max, check_ballot *check)
{
	struct outcome outcomes[TARGETS_MAX];
	struct ballot b = {.outcomes = outcomes};
	size_t i, servfail;

	for (b.count = 1; b.count <= max; b.count++) {
		for (i = 0; i < NELEM(kinds); i++) {
			b.kind = kinds[i];
			for (b.need = 1; b.need <= b.count; b.need++) {
				for (servfail = 0; servfail < 2; servfail++) {
					b.is_servfail_unconfirmed =
					    servfail == 1;
					each_outcome(&b, outcomes, 0, check);
				}
			}
		}
	}
}

/* A shape of each kind, as plan_kind knows it. */
static const struct update_shape shapes[] = {
    [KIND_PLAIN] = {0, UPDATE_ADD},
    [KIND_ADD] = {PREREQ_NAME_NOT_IN_USE, UPDATE_ADD},
    [KIND_REPLACE] = {PREREQ_NAME_IN_USE | PREREQ_DHCID_EQUALS,
	UPDATE_ADD | UPDATE_DELETE_RRSET},
    [KIND_REMOVE_1] = {PREREQ_DHCID_EQUALS, UPDATE_DELETE_RR},
    [KIND_REMOVE_2] = {PREREQ_NO_ADDRESS, UPDATE_DELETE_NAME},
    [KIND_OTHER] = {PREREQ_OTHER, UPDATE_ADD},
};

static void
start(struct request *q, const struct ballot *b)
{
	static struct conf conf;
	static struct inbound in;

	conf.ntargets = b->count;
	conf.require_confirmation = (unsigned)b->need;
	conf.client_deadline_ms = 400;
	conf.unconfirmed = b->is_servfail_unconfirmed ? UNCONFIRMED_SERVFAIL
						      : UNCONFIRMED_SILENT;
	in.targets = ((uint32_t)1 << b->count) - 1;
	in.shape = shapes[b->kind];
	request_start(q, &conf, &in, 0);
}

/* What the client is told if the outcomes come in this order. */
static unsigned
answer_in_order(const struct ballot *b, const size_t *order)
{
	unsigned answer = SILENT + 1;
	struct request q;
	size_t i;

	start(&q, b);
	for (i = 0; i < b->count; i++) {
		enum request_action action =
		    request_outcome(&q, order[i], &b->outcomes[order[i]], i);

		if (action == REQUEST_WAIT)
			continue;
		if (answer <= SILENT)
			fail_msg("%s: answered twice", describe(b));
		answer = action == REQUEST_REPLY ? (unsigned)q.rcode : SILENT;
	}
	if (!request_is_done(&q))
		fail_msg("%s: not done with all in", describe(b));
	return answer;
}

static void
each_order(const struct ballot *b, size_t *order, size_t from)
{
	size_t i, swap;

	if (from == b->count) {
		unsigned got = answer_in_order(b, order);

		if (got != reference(b))
			fail_msg("%s: in another order %u, not %u", describe(b),
			    got, reference(b));
		return;
	}
	for (i = from; i < b->count; i++) {
		swap = order[from];
		order[from] = order[i];
		order[i] = swap;
		each_order(b, order, from + 1);
		order[i] = order[from];
		order[from] = swap;
	}
}

static void
check_orders(struct ballot *b, struct outcome *outcomes)
{
	size_t order[TARGETS_MAX] = {0, 1, 2, 3}, i;

	for (i = 0; i < b->count; i++) {
		if (outcomes[i].class == OUTCOME_OPEN)
			return;
	}
	each_order(b, order, 0);
}

static void
test_final(void **state)
{
	(void)state;
	each_ballot(TARGETS_MAX, check_final);
}

static void
test_early(void **state)
{
	(void)state;
	each_ballot(TARGETS_MAX, check_early);
}

static void
test_order(void **state)
{
	(void)state;
	each_ballot(TARGETS_MAX, check_orders);
}

static void
test_class(void **state)
{
	/* a, v, r, f by RCODE; O19: codes nobody knows are failures. */
	static const char with_prereqs[] = "arrvrrvvvrrffffff";
	static const char plain[] = "arrrrrrrrrrffffff";
	char row[40];
	unsigned rcode;
	size_t i;

	(void)state;
	for (i = 0; i < NELEM(kinds); i++) {
		for (rcode = 0; rcode <= RCODE_BADVERS; rcode++) {
			snprintf(
			    row, sizeof(row), "kind %zu rcode %u", i, rcode);
			check_row_int(row,
			    "oavrf"[collect_class(rcode, kinds[i])],
			    kinds[i] == KIND_PLAIN ? plain[rcode]
						   : with_prereqs[rcode]);
		}
		check_row_int(
		    "large", collect_class(1u << 31, kinds[i]), OUTCOME_FAILED);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_class),
	    cmocka_unit_test(test_final),
	    cmocka_unit_test(test_early),
	    cmocka_unit_test(test_order),
	};

	return cmocka_run_group_tests_name("collect", tests, NULL, NULL);
}
