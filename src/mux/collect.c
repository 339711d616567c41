/* SPDX-License-Identifier: ISC */
#include "mux/collect.h"

/*
 * Precedence among the RCODEs of confirming targets: the first that
 * somebody gave is the answer. VERDICTS stands for every prerequisite
 * answer that the list does not name; which one is then the choice of the
 * first target in configuration order.
 */
#define VERDICTS 0xfe
#define LIST_END 0xff

static const uint8_t precedence[][5] = {
    [KIND_PLAIN] = {RCODE_NOERROR, LIST_END},
    [KIND_ADD] = {RCODE_YXDOMAIN, VERDICTS, RCODE_NOERROR, LIST_END},
    [KIND_REPLACE] = {RCODE_NXRRSET, RCODE_NXDOMAIN, VERDICTS, RCODE_NOERROR,
	LIST_END},
    [KIND_REMOVE_1] = {RCODE_NOERROR, RCODE_NXRRSET, VERDICTS, LIST_END},
    [KIND_REMOVE_2] = {RCODE_NOERROR, RCODE_NXRRSET, RCODE_YXRRSET, VERDICTS,
	LIST_END},
    [KIND_OTHER] = {VERDICTS, RCODE_NOERROR, LIST_END},
};

struct tally {
	size_t confirmed; /* applied, or a verdict */
	size_t refused;
	size_t failed;
	size_t open;
	bool is_unanimous; /* all that answered gave the same RCODE, */
	uint8_t rcode; /* which is this one, if anybody did */
};

enum outcome_class
collect_class(unsigned rcode, enum update_kind kind)
{
	switch (rcode) {
	case RCODE_NOERROR:
		return OUTCOME_APPLIED;
	case RCODE_YXDOMAIN:
	case RCODE_YXRRSET:
	case RCODE_NXDOMAIN:
	case RCODE_NXRRSET:
		/* Without a prerequisite there is nothing to answer so. */
		return kind == KIND_PLAIN ? OUTCOME_REFUSED : OUTCOME_VERDICT;
	case RCODE_FORMERR:
	case RCODE_SERVFAIL:
	case RCODE_NOTIMP:
	case RCODE_REFUSED:
	case RCODE_NOTAUTH:
	case RCODE_NOTZONE:
		return OUTCOME_REFUSED;
	default:
		return OUTCOME_FAILED;
	}
}

static bool
has_rcode(const struct outcome *o)
{
	return o->class != OUTCOME_OPEN && o->class != OUTCOME_FAILED;
}

static bool
is_confirming(const struct outcome *o)
{
	return o->class == OUTCOME_APPLIED || o->class == OUTCOME_VERDICT;
}

static struct tally
count_votes(const struct ballot *b)
{
	struct tally t = {.is_unanimous = true};
	const struct outcome *first = NULL;
	size_t i;

	for (i = 0; i < b->count; i++) {
		const struct outcome *o = &b->outcomes[i];

		t.confirmed += is_confirming(o);
		t.refused += o->class == OUTCOME_REFUSED;
		t.failed += o->class == OUTCOME_FAILED;
		t.open += o->class == OUTCOME_OPEN;
		if (!has_rcode(o))
			continue;
		if (first == NULL) {
			first = o;
			t.rcode = o->rcode;
		}
		t.is_unanimous = t.is_unanimous && first->rcode == o->rcode;
	}
	return t;
}

static bool
is_listed(const uint8_t *list, uint8_t rcode)
{
	while (*list != LIST_END && *list != rcode)
		list++;
	return *list == rcode;
}

/* The first confirming target with this list entry; count if none. */
static size_t
find_entry(const struct ballot *b, uint8_t entry)
{
	const uint8_t *list = precedence[b->kind];
	size_t i;

	for (i = 0; i < b->count; i++) {
		const struct outcome *o = &b->outcomes[i];

		if (!is_confirming(o))
			continue;
		if (entry == VERDICTS ? !is_listed(list, o->rcode)
				      : o->rcode == entry)
			break;
	}
	return i;
}

/* Among confirming targets, of which there is at least one. */
static enum rcode
best_rcode(const struct ballot *b)
{
	const uint8_t *entry = precedence[b->kind];

	for (; *entry != LIST_END; entry++) {
		size_t i = find_entry(b, *entry);

		if (i < b->count)
			return (enum rcode)b->outcomes[i].rcode;
	}
	return RCODE_SERVFAIL;
}

static bool
is_open_before(const struct ballot *b, size_t end)
{
	size_t i;

	for (i = 0; i < end; i++) {
		if (b->outcomes[i].class == OUTCOME_OPEN)
			return true;
	}
	return false;
}

/* Can no open target give what stands higher than the best so far? */
static bool
is_best_final(const struct ballot *b)
{
	uint8_t top = precedence[b->kind][0];
	size_t i = find_entry(b, top);

	return i < b->count && (top != VERDICTS || !is_open_before(b, i));
}

/* Not confirmed, and no retry of the client could change that. */
static bool
is_hopeless(const struct ballot *b, const struct tally *t)
{
	return b->count - t->refused < b->need;
}

static enum collect_result
unconfirmed(const struct ballot *b, enum rcode *rcode)
{
	*rcode = RCODE_SERVFAIL;
	return b->is_servfail_unconfirmed ? COLLECT_ANSWER : COLLECT_SILENT;
}

enum collect_result
collect_final(const struct ballot *b, enum rcode *rcode)
{
	struct tally t = count_votes(b);

	if (t.confirmed >= b->need) {
		*rcode = best_rcode(b);
		return COLLECT_ANSWER;
	}
	if (t.refused == b->count && t.is_unanimous) {
		*rcode = (enum rcode)b->outcomes[0].rcode;
		return COLLECT_ANSWER;
	}
	if (is_hopeless(b, &t)) {
		*rcode = RCODE_SERVFAIL;
		return COLLECT_ANSWER;
	}
	return unconfirmed(b, rcode);
}

enum collect_result
collect_early(const struct ballot *b, enum rcode *rcode)
{
	struct tally t = count_votes(b);
	bool may_be_unanimous = t.refused + t.open == b->count &&
				t.is_unanimous &&
				(t.refused == 0 || t.rcode != RCODE_SERVFAIL);

	if (t.open == 0)
		return collect_final(b, rcode);
	if (t.confirmed >= b->need) {
		*rcode = best_rcode(b);
		return is_best_final(b) ? COLLECT_ANSWER : COLLECT_UNDECIDED;
	}
	*rcode = RCODE_SERVFAIL;
	if (may_be_unanimous || t.confirmed + t.open >= b->need)
		return COLLECT_UNDECIDED;
	if (is_hopeless(b, &t) || b->is_servfail_unconfirmed)
		return COLLECT_ANSWER;
	return COLLECT_UNDECIDED;
}

bool
collect_is_divergent(const struct ballot *b)
{
	return !count_votes(b).is_unanimous;
}
