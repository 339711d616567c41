/* SPDX-License-Identifier: ISC */
/*
 * F6: four octets of settings, then events of three octets each (target,
 * outcome, time that passed), against a model of the answer.
 */
#include <string.h>

#include "dns/dns.h"
#include "fuzz.h"
#include "mux/request.h"

const char fuzz_what[] = "collect";

#define TARGETS 6
#define SILENT 100
#define FAILED 101
#define OPEN 102
#define CODES 11 /* that somebody knows */

/* Which RCODE of those that confirm is the answer: the first in the list;
 * '*' is any verdict that the list does not name. */
static const char *const lists[] = {
    [KIND_PLAIN] = "0",
    [KIND_ADD] = "6*0",
    [KIND_REPLACE] = "83*0",
    [KIND_REMOVE_1] = "08*",
    [KIND_REMOVE_2] = "087*",
    [KIND_OTHER] = "*0",
};

struct model {
	size_t count;
	size_t need;
	enum update_kind kind;
	bool is_servfail;
	unsigned codes[TARGETS]; /* RCODE, FAILED or OPEN */
};

static bool
is_confirming(const struct model *m, unsigned code)
{
	return code == 0 ||
	       (m->kind != KIND_PLAIN &&
		   (code == 3 || code == 6 || code == 7 || code == 8));
}

static unsigned
best(const struct model *m)
{
	const char *c, *list = lists[m->kind];
	size_t i;

	for (c = list; *c != '\0'; c++) {
		for (i = 0; i < m->count; i++) {
			unsigned code = m->codes[i];

			if (is_confirming(m, code) &&
			    (*c == '*' ? strchr(list, (int)('0' + code)) == NULL
				       : code == (unsigned)(*c - '0')))
				return code;
		}
	}
	return 2;
}

/* The answer, with what is open counted as failed. */
static unsigned
fold(const struct model *m)
{
	size_t i, confirmed = 0, refused = 0;
	bool is_same = true;

	for (i = 0; i < m->count; i++) {
		if (is_confirming(m, m->codes[i]))
			confirmed++;
		else if (m->codes[i] < CODES)
			refused++;
		is_same = is_same && m->codes[i] == m->codes[0];
	}
	if (confirmed >= m->need)
		return best(m);
	if (refused == m->count && is_same)
		return m->codes[0];
	if (m->count - refused < m->need)
		return 2;
	return m->is_servfail ? 2 : SILENT;
}

/* Do all completions of what is open give this answer? If not, or if it
 * is silence, the request has to wait. */
static bool
is_certain(struct model m, size_t from, unsigned answer)
{
	unsigned code;

	while (from < m.count && m.codes[from] != OPEN)
		from++;
	if (from == m.count)
		return fold(&m) == answer;
	for (code = 0; code <= CODES; code++) {
		m.codes[from] = code < CODES ? code : FAILED;
		if (!is_certain(m, from + 1, answer))
			return false;
	}
	return true;
}

/* I7: another success never turns success into failure. */
static void
check_monotone(struct model m)
{
	unsigned answer = fold(&m), was;
	size_t i;

	if (answer == SILENT || !is_confirming(&m, answer))
		return;
	for (i = 0; i < m.count; i++) {
		was = m.codes[i];
		m.codes[i] = 0;
		FUZZ_CHECK(is_confirming(&m, fold(&m)));
		FUZZ_CHECK(answer != 0 || fold(&m) == 0);
		m.codes[i] = was;
	}
}

struct run {
	struct conf conf;
	struct request q;
	struct model m;
	uint64_t now_us;
	unsigned actions; /* how often it settled */
	unsigned answer;
};

static size_t
count_open(const struct model *m)
{
	size_t i, n = 0;

	for (i = 0; i < m->count; i++)
		n += m->codes[i] == OPEN;
	return n;
}

static void
take_action(struct run *r, enum request_action action, bool is_late)
{
	bool was_settled = r->actions > 0;

	if (action != REQUEST_WAIT) {
		r->actions++;
		FUZZ_CHECK(r->actions == 1 && r->q.is_settled);
		r->answer =
		    action == REQUEST_REPLY ? (unsigned)r->q.rcode : SILENT;
	}
	FUZZ_CHECK(r->q.is_settled == (r->actions > 0));
	FUZZ_CHECK(request_is_done(&r->q) ==
		   (r->actions > 0 && count_open(&r->m) == 0));
	if (was_settled)
		return;
	if (is_late) {
		FUZZ_CHECK(r->actions == 1 && r->answer == fold(&r->m));
		check_monotone(r->m);
	} else if (r->actions == 1) {
		FUZZ_CHECK(r->answer == fold(&r->m));
		if (count_open(&r->m) <= 3)
			FUZZ_CHECK(is_certain(r->m, 0, r->answer));
	} else if (count_open(&r->m) <= 3) {
		FUZZ_CHECK(
		    fold(&r->m) == SILENT || !is_certain(r->m, 0, fold(&r->m)));
	}
}

static struct outcome
outcome_of(const struct run *r, unsigned code)
{
	struct outcome o = {.class = OUTCOME_FAILED, .cause = 1};

	if (code > 15)
		return o;
	o.class = (uint8_t)collect_class(code, r->q.kind);
	o.rcode = (uint8_t)code;
	FUZZ_CHECK((o.class == OUTCOME_FAILED) == (code >= CODES));
	FUZZ_CHECK((o.class == OUTCOME_APPLIED || o.class == OUTCOME_VERDICT) ==
		   is_confirming(&r->m, code));
	return o;
}

/* The outcome comes to a model that knows of the deadline, too. */
static void
take_outcome(struct run *r, size_t target, unsigned code)
{
	struct outcome o = outcome_of(r, code);
	bool is_late = r->now_us >= r->q.deadline_us;
	struct model before = r->m;
	enum request_action action;

	if (target < r->m.count && r->m.codes[target] == OPEN)
		r->m.codes[target] = code < CODES ? code : FAILED;
	action = request_outcome(&r->q, target, &o, r->now_us);
	if (is_late && r->actions == 0) {
		struct model after = r->m;

		/* Settled by what was there before. */
		FUZZ_CHECK(action != REQUEST_WAIT);
		FUZZ_CHECK(r->q.is_silent ? fold(&before) == SILENT
					  : fold(&before) == r->q.rcode);
		r->actions = 1;
		r->answer = fold(&before);
		r->m = after;
		return;
	}
	take_action(r, action, false);
}

static void
start(struct run *r, const uint8_t data[4])
{
	struct inbound in = {.shape = {data[1] & 0x7f, data[2] & 15}};
	size_t n = 1 + data[0] % TARGETS, i;

	r->conf.ntargets = n;
	r->conf.client_deadline_ms = 100;
	r->conf.unconfirmed =
	    data[3] & 1 ? UNCONFIRMED_SERVFAIL : UNCONFIRMED_SILENT;
	r->conf.require_confirmation = (unsigned)((data[3] >> 1) % (n + 1));
	in.targets = (UINT32_C(1) << n) - 1;
	r->now_us = 1000;
	request_start(&r->q, &r->conf, &in, r->now_us);
	r->m.count = n;
	r->m.need = r->conf.require_confirmation;
	if (r->m.need == 0)
		r->m.need = n;
	r->m.kind = r->q.kind;
	r->m.is_servfail = data[3] & 1;
	for (i = 0; i < n; i++)
		r->m.codes[i] = OPEN;
}

/* The deadline, and every target that has not said anything yet. */
static void
finish(struct run *r)
{
	size_t i;

	r->now_us = r->q.deadline_us;
	take_action(r, request_tick(&r->q, r->now_us), true);
	for (i = 0; i < r->m.count; i++) {
		if (r->m.codes[i] == OPEN)
			take_outcome(r, i, 0);
	}
	FUZZ_CHECK(r->actions == 1 && request_is_done(&r->q));
	(void)request_flaws(&r->q);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct run r;
	size_t i;

	if (size < 4)
		return 0;
	memset(&r, 0, sizeof(r));
	start(&r, data);
	for (i = 4; i + 3 <= size; i += 3) {
		r.now_us += data[i + 2] * 200u;
		if (data[i + 1] == 0xff)
			take_action(&r, request_tick(&r.q, r.now_us),
			    r.now_us >= r.q.deadline_us);
		else
			take_outcome(&r, data[i] & 7, data[i + 1] & 31);
	}
	finish(&r);
	return 0;
}
