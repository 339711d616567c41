/* SPDX-License-Identifier: ISC */
/*
 * For test_whole.c: the fold of mux/collect.c once more, as the rules put
 * it, and for each way in which open outcomes may turn out.
 */
#ifndef UNIT_WHOLE_FOLD_H
#define UNIT_WHOLE_FOLD_H

#include <limits.h>

#include "mux/plan.h"
#include "whole_net.h"

/* An answer is an RCODE, or one of these. */
#define FOLD_SILENT (-1)
#define FOLD_OPEN (-2)

struct fold {
	struct vote votes[TARGETS];
	size_t n;
	size_t need;
	enum update_kind kind;
	bool is_servfail;
};

static inline bool
is_prerequisite_rcode(unsigned rcode)
{
	return rcode == RCODE_YXDOMAIN || rcode == RCODE_YXRRSET ||
	       rcode == RCODE_NXDOMAIN || rcode == RCODE_NXRRSET;
}

static inline bool
confirms(const struct fold *f, const struct vote *v)
{
	if (v->is != VOTE_GIVEN)
		return false;
	return v->rcode == RCODE_NOERROR ||
	       (f->kind != KIND_PLAIN && is_prerequisite_rcode(v->rcode));
}

/* The lower, the more it counts among those that confirm. */
static inline int
rank(enum update_kind kind, unsigned rcode)
{
	bool is_ok = rcode == RCODE_NOERROR;

	switch (kind) {
	case KIND_ADD:
		return rcode == RCODE_YXDOMAIN ? 0 : is_ok ? 9 : 5;
	case KIND_REPLACE:
		return rcode == RCODE_NXRRSET	 ? 0
		       : rcode == RCODE_NXDOMAIN ? 1
		       : is_ok			 ? 9
						 : 5;
	case KIND_REMOVE_1:
		return is_ok ? 0 : rcode == RCODE_NXRRSET ? 1 : 5;
	case KIND_REMOVE_2:
		return is_ok			? 0
		       : rcode == RCODE_NXRRSET ? 1
		       : rcode == RCODE_YXRRSET ? 2
						: 5;
	case KIND_PLAIN:
	case KIND_OTHER:
		break;
	}
	return is_ok ? 9 : 5;
}

static inline int
fold_final(const struct fold *f)
{
	size_t i, confirmed = 0, refused = 0, same = 0;
	int best = INT_MAX, answer = RCODE_SERVFAIL;

	for (i = 0; i < f->n; i++) {
		const struct vote *v = &f->votes[i];

		if (v->is == VOTE_GIVEN && !confirms(f, v)) {
			refused++;
			same += v->rcode == f->votes[0].rcode;
		}
		if (!confirms(f, v))
			continue;
		confirmed++;
		if (rank(f->kind, v->rcode) < best) {
			best = rank(f->kind, v->rcode);
			answer = v->rcode;
		}
	}
	if (confirmed >= f->need)
		return answer;
	if (refused == f->n && same == f->n)
		return f->votes[0].rcode;
	if (f->n - refused < f->need || f->is_servfail)
		return RCODE_SERVFAIL;
	return FOLD_SILENT;
}

/* I7: what confirms, counted by more targets, is never turned into a
 * failure; what is open counts as failed. */
static inline void
check_monotone(struct fold *f)
{
	int answer = fold_final(f), with;
	struct vote was;
	size_t i;

	for (i = 0; i < f->n && answer >= 0; i++) {
		if (!confirms(f, &(struct vote){VOTE_GIVEN, (uint8_t)answer}))
			return;
		was = f->votes[i];
		f->votes[i] = (struct vote){VOTE_GIVEN, RCODE_NOERROR};
		with = fold_final(f);
		f->votes[i] = was;
		must(with >= 0 &&
		     confirms(f, &(struct vote){VOTE_GIVEN, (uint8_t)with}));
	}
}

/* The answer if all that may still come would give the same. That there
 * will be none is not said before the end. */
static inline int
fold_early(struct fold *f)
{
	static const uint8_t rcodes[] = {RCODE_NOERROR, RCODE_YXDOMAIN,
	    RCODE_YXRRSET, RCODE_NXDOMAIN, RCODE_NXRRSET, RCODE_REFUSED,
	    RCODE_SERVFAIL, RCODE_FORMERR, RCODE_NOTIMP, RCODE_NOTAUTH,
	    RCODE_NOTZONE};
	size_t i, open = 0;
	int answer, next;

	while (open < f->n && f->votes[open].is != VOTE_OPEN)
		open++;
	if (open == f->n)
		return fold_final(f);
	f->votes[open].is = VOTE_FAILED;
	answer = fold_early(f);
	if (answer == FOLD_SILENT)
		answer = FOLD_OPEN;
	for (i = 0; i < NELEM(rcodes) && answer != FOLD_OPEN; i++) {
		f->votes[open] = (struct vote){VOTE_GIVEN, rcodes[i]};
		next = fold_early(f);
		if (next != answer)
			answer = FOLD_OPEN;
	}
	f->votes[open] = (struct vote){VOTE_OPEN, 0};
	return answer;
}

#endif
