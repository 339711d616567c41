/* SPDX-License-Identifier: ISC */
/*
 * For test_whole.c: what proc/dispatch.c and proc/slot.c do, function by
 * function, with a check of each decision and of each answer.
 */
#ifndef UNIT_WHOLE_WORKER_H
#define UNIT_WHOLE_WORKER_H

#include "mux/request.h"
#include "mux/verify.h"
#include "whole_fold.h"
#include "whole_script.h"
#include "whole_target.h"

#define SLOTS 4

struct slot {
	TAILQ_ENTRY(slot) link;
	struct inbound in;
	struct request request;
	const struct message *message;
	uint32_t update;
	uint8_t *octets;
};

TAILQ_HEAD(slot_list, slot);

static struct {
	struct conf conf;
	struct hmac *hmacs[CLIENTS];
	struct target targets[TARGETS];
	struct slot slots[SLOTS + 1];
	struct slot *spare;
	struct slot_list unused;
	struct slot_list by_deadline;
	struct slot *of_update[BOOK_MAX];
	struct zone_state single;
} worker;

/* Who says so has the client's key, and the request's MAC. */
static inline void
check_seal(const struct message *m, const struct expect *e,
    const uint8_t *octets, size_t len, const struct seen *seen)
{
	static struct key k;
	bool is_badtime = e->error == TSIG_ERROR_BADTIME;
	struct stamp s;

	k = script.clients[m->client];
	if (m->bad == BAD_STRANGER)
		k = script.stranger;
	if (m->bad == BAD_ALGORITHM)
		k.tsig.alg = hmac_alg_by_text("hmac-sha1");
	must(read_stamp(&k, octets, len, seen, &s));
	must(s.error == (unsigned)e->error && s.id == seen->id);
	must(s.other_len == (is_badtime ? 6 : 0));
	must(!is_badtime || s.other == wall_s());
	must(s.time == (is_badtime ? m->time_signed : wall_s()));
	must(s.fudge == (is_badtime ? m->fudge : 300));
	if (e->sign == REPLY_UNSIGNED) {
		must(s.mac_len == 0);
		return;
	}
	must(s.mac_len >= m->mac.len);
	must(verifies(&k, &m->mac, octets, seen, &s));
}

static inline void
check_reply(const struct message *m, const struct expect *e,
    const uint8_t *octets, size_t len)
{
	bool has_opt = m->has_opt && is_readable(m) && m->bad != BAD_SOURCE;
	unsigned flags = m->bad == BAD_QUERY ? 0x8000 : 0xa800;
	struct seen seen;

	must(look(octets, len, &seen));
	must(len <= (m->is_tcp || m->has_opt ? 1232 : 512));
	must(memcmp(octets, m->octets, 2) == 0);
	must(seen.flags == (flags | (e->rcode & 15u)));
	must(seen.counts[1] == 0 && seen.counts[2] == 0);
	if (is_readable(m))
		must(seen.counts[3] ==
		     (e->sign != REPLY_BARE ? 1u : 0u) + has_opt);
	if (seen.counts[0] != 0)
		must(memcmp(octets + 12, m->octets + 12, 12) == 0);
	if (has_opt)
		must(octets[seen.at[3] + 5] == e->rcode >> 4);
	if (e->sign != REPLY_BARE)
		check_seal(m, e, octets, len, &seen);
}

static inline void
send_reply(
    const struct slot *s, const struct reply *reply, const struct expect *e)
{
	struct verifier v = {&worker.conf, worker.hmacs, wall_s()};
	static uint8_t octets[REPLY_OCTETS_MAX];
	const struct message *m = s->message;
	struct seen seen;
	size_t len = reply_write(&s->in, reply,
	    reply->sign == REPLY_SIGNED ? verify_hmac(&v, s->in.client) : NULL,
	    wall_s(), reply_limit(&s->in), octets);

	must(len > 0);
	must(memmem(octets, len, script.clients[0].secret, 8) == NULL);
	must(memmem(octets, len, script.clients[1].secret, 8) == NULL);
	if (e != NULL) {
		check_reply(m, e, octets, len);
		return;
	}
	/* To a damaged message: whoever reads it, it is not signed. */
	must(look(octets, len, &seen) && reply->sign != REPLY_SIGNED);
}

/* A NOERROR says that as many as needed have it; with ADD and the like,
 * if all are needed, that all have carried it out. */
static inline void
check_success(const struct slot *s, const struct update *u)
{
	static const uint32_t verdicts =
	    1u << RCODE_NOERROR | 1u << RCODE_YXDOMAIN | 1u << RCODE_YXRRSET |
	    1u << RCODE_NXDOMAIN | 1u << RCODE_NXRRSET;
	enum update_kind kind = s->message->kind;
	bool is_remove = kind == KIND_REMOVE_1 || kind == KIND_REMOVE_2;
	size_t i, confirmed = 0, applied = 0, need, all = 0;

	for (i = 0; i < worker.conf.ntargets; i++) {
		all += u->targets >> i & 1;
		confirmed += (u->said[i] & verdicts) != 0;
		applied += (u->said[i] & 1) != 0 && u->applied[i] > 0;
	}
	need = worker.conf.require_confirmation;
	if (need == CONFIRM_ALL)
		need = all;
	must(confirmed >= need && applied > 0);
	must(is_remove || need < all || applied == all);
	must(kind != KIND_PLAIN || applied >= need);
}

/* What request_* said, carried out. */
static inline void
act(struct slot *s, enum request_action action, int want)
{
	struct reply reply = {
	    .rcode = s->request.rcode, .sign = REPLY_SIGNED, .has_zone = true};
	struct expect e = {.rcode = reply.rcode, .sign = REPLY_SIGNED};
	struct update *u = &net.book[s->update];
	int got = action == REQUEST_WAIT    ? FOLD_OPEN
		  : action == REQUEST_REPLY ? (int)reply.rcode
					    : FOLD_SILENT;

	if (got != want)
		die("update %u: answer %d, not %d", s->update, got, want);
	if (action == REQUEST_WAIT)
		return;
	trace("%8llu update %u is settled: %d\n",
	    (unsigned long long)net.now_us, s->update, got);
	must(u->settled++ == 0);
	must(net.now_us <= s->request.deadline_us);
	must(!net.is_calm || got == (int)u->single);
	TAILQ_REMOVE(&worker.by_deadline, s, link);
	if (action != REQUEST_REPLY)
		return;
	must(u->answers++ == 0);
	if (reply.rcode == RCODE_NOERROR)
		check_success(s, u);
	send_reply(s, &reply, &e);
}

static inline void
finish(struct slot *s)
{
	if (!request_is_done(&s->request))
		return;
	TAILQ_INSERT_HEAD(&worker.unused, s, link);
	worker.of_update[s->update] = NULL;
	(void)request_flaws(&s->request);
}

/* What the answer has to be: with this outcome, or too late for it. */
static inline int
want_of(const struct slot *s, size_t target, const struct outcome *o)
{
	struct update *u = &net.book[s->update];
	struct fold f = {.kind = s->message->kind,
	    .need = worker.conf.require_confirmation,
	    .is_servfail = worker.conf.unconfirmed == UNCONFIRMED_SERVFAIL};
	size_t i;

	if (u->settled > 0)
		return FOLD_OPEN;
	for (i = 0; i < worker.conf.ntargets; i++) {
		struct vote *v = &f.votes[f.n];

		if ((u->targets >> i & 1) == 0)
			continue;
		*v = u->votes[i];
		if (o != NULL && i == target &&
		    net.now_us < s->request.deadline_us)
			*v = (struct vote){o->class == OUTCOME_FAILED
					       ? VOTE_FAILED
					       : VOTE_GIVEN,
			    o->rcode};
		f.n++;
	}
	if (f.need == CONFIRM_ALL)
		f.need = f.n;
	if (net.now_us >= s->request.deadline_us)
		return fold_final(&f);
	return fold_early(&f);
}

static inline void
take_outcome(struct slot *s, size_t target, const struct outcome *o)
{
	struct update *u = &net.book[s->update];
	int want = want_of(s, target, o);

	must(u->outcomes[target]++ == 0);
	u->votes[target] = (struct vote){
	    o->class == OUTCOME_FAILED ? VOTE_FAILED : VOTE_GIVEN, o->rcode};
	act(s, request_outcome(&s->request, target, o, net.now_us), want);
	finish(s);
}

static inline bool
target_give(struct target *t, const struct job *job)
{
	if (t->lent == t->max_lent)
		return false;
	t->lent++;
	t->jobs[t->njobs++] = *job;
	schedule(EV_TARGET, t->index, net.now_us + below(500));
	return true;
}

static inline void
hand_out(struct slot *s)
{
	static const struct outcome busy = {
	    .class = OUTCOME_FAILED, .cause = TSTAT_FAIL_BUSY};
	struct job job = {&s->in, s->update, net.now_us};
	uint32_t targets = s->in.targets, is_busy = 0;
	size_t i;

	for (i = 0; i < worker.conf.ntargets; i++) {
		if ((targets >> i & 1) != 0 &&
		    !target_give(&worker.targets[i], &job))
			is_busy |= (uint32_t)1 << i;
	}
	must(!net.is_calm || is_busy == 0);
	for (i = 0; is_busy >> i != 0; i++) {
		if ((is_busy >> i & 1) != 0)
			take_outcome(s, i, &busy);
	}
}

static inline uint32_t
serving(unsigned zone)
{
	uint32_t targets = 0;
	size_t i;

	for (i = 0; i < worker.conf.ntargets; i++) {
		if (worker.conf.targets[i].zones.count > zone)
			targets |= (uint32_t)1 << i;
	}
	return targets;
}

static inline void
enter_in_book(struct slot *s)
{
	const struct message *m = s->message;
	struct update *u = &net.book[net.nupdates];
	struct seen seen;

	must(net.nupdates < BOOK_MAX);
	memset(u, 0, sizeof(*u));
	s->update = net.nupdates++;
	worker.of_update[s->update] = s;
	u->octets = m->octets;
	u->body_end = m->body_end;
	u->targets = serving(m->zone);
	must(s->in.targets == u->targets);
	must(plan_kind(&s->in.shape) == m->kind);
	must(look(m->octets, m->len, &seen));
	if (net.is_calm)
		u->single = zone_update(&worker.single, m->octets, &seen);
}

static inline void
accept_update(struct slot *s)
{
	struct slot *next = TAILQ_FIRST(&worker.unused);

	if (next == NULL) {
		must(!net.is_calm);
		return;
	}
	TAILQ_REMOVE(&worker.unused, next, link);
	worker.spare = next;
	enter_in_book(s);
	request_start(&s->request, &worker.conf, &s->in, net.now_us);
	TAILQ_INSERT_TAIL(&worker.by_deadline, s, link);
	schedule(EV_WORKER, 0, s->request.deadline_us);
	hand_out(s);
}

/* The verdict is the one that the script has in mind; whatever has been
 * changed on the way is neither accepted nor answered signed. */
static inline void
judge_verdict(struct slot *s, const struct event *ev, enum verdict verdict,
    const struct reply *reply)
{
	struct expect e;
	bool is_accepted = expected(s->message, &e);
	bool is_changed = ev->is_changed || s->message->bad == BAD_FLIPPED;

	if (is_changed || s->message->bad == BAD_RESPONSE)
		must(verdict != VERDICT_ACCEPT);
	else
		must(verdict == (is_accepted ? VERDICT_ACCEPT : VERDICT_REPLY));
	if (s->message->bad == BAD_RESPONSE && !is_changed)
		must(verdict == VERDICT_DROP);
	if (verdict == VERDICT_ACCEPT)
		accept_update(s);
	else if (verdict == VERDICT_REPLY)
		send_reply(s, reply, is_changed ? NULL : &e);
}

static inline void
worker_receive(const struct event *ev)
{
	struct verifier v = {&worker.conf, worker.hmacs, wall_s()};
	struct slot *s = worker.spare;
	struct reply reply;
	enum counter cause;
	enum verdict verdict;
	struct addr from;

	s->message = &script.messages[ev->who];
	must(addr_parse(
	    s->message->bad == BAD_SOURCE ? "203.0.113.9:99" : "192.0.2.7:5353",
	    0, &from));
	s->in.octets = s->octets + PACKET_MAX - ev->len;
	memcpy(s->octets + PACKET_MAX - ev->len, ev->octets, ev->len);
	s->in.len = ev->len;
	s->in.is_tcp = s->message->is_tcp;
	verdict = verify_message(&v, &from, &s->in, &reply, &cause);
	trace("%8llu message %u, mischief %d%s: %s\n",
	    (unsigned long long)net.now_us, ev->who, s->message->bad,
	    ev->is_changed ? ", damaged" : "", stats_name(cause));
	judge_verdict(s, ev, verdict, &reply);
}

static inline void
worker_step(void)
{
	struct slot *s;
	size_t i, j;

	for (i = 0; i < worker.conf.ntargets; i++) {
		struct target *t = &worker.targets[i];

		for (j = 0; j < t->nresults; j++) {
			s = worker.of_update[t->results[j].update];
			must(s != NULL);
			t->lent--;
			take_outcome(s, i, &t->results[j].outcome);
		}
		t->nresults = 0;
	}
	while ((s = TAILQ_FIRST(&worker.by_deadline)) != NULL &&
	       s->request.deadline_us <= net.now_us) {
		int want = want_of(s, 0, NULL);

		act(s, request_tick(&s->request, net.now_us), want);
		finish(s);
	}
}

#endif
