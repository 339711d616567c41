/* SPDX-License-Identifier: ISC */
/*
 * For test_whole.c: what proc/dispatch.c and proc/slot.c do, function by
 * function, with a check of each decision and of each answer.
 */
#ifndef UNIT_WHOLE_WORKER_H
#define UNIT_WHOLE_WORKER_H

#include "mux/replay.h"
#include "mux/request.h"
#include "mux/verify.h"
#include "whole_fold.h"
#include "whole_script.h"
#include "whole_target.h"

#define SLOTS 4
/* One set, with room for a whole script. */
#define REPLAY_SETS 1
#define REPLAY_ENTRIES (REPLAY_SETS * REPLAY_WAYS)
_Static_assert(SCRIPT_MAX <= REPLAY_ENTRIES, "none has to give way");

struct slot {
	TAILQ_ENTRY(slot) link;
	struct inbound in;
	struct request request;
	const struct message *message;
	struct addr from;
	uint32_t update;
	uint8_t *octets;
};

TAILQ_HEAD(slot_list, slot);

struct worker {
	unsigned index;
	struct target targets[TARGETS];
	struct slot slots[SLOTS + 1];
	struct slot *spare;
	struct slot_list unused;
	struct slot_list by_deadline;
	struct slot *of_update[BOOK_MAX];
	struct replay replay;
	struct replay_entry seen[REPLAY_ENTRIES];
};

static struct {
	struct conf conf;
	struct hmac *hmacs[CLIENTS];
	struct worker workers[WORKERS];
	_Atomic uint64_t seen[REPLAY_ENTRIES]; /* by all workers */
	struct zone_state single;
} mux;

/* This message as it came, verified without the mux's code: with the key
 * of its client, and with as much of the MAC as there is. */
static inline bool
is_authentic(const struct slot *s)
{
	const struct key *k = &script.clients[s->message->client];
	struct seen seen;
	struct stamp stamp;

	return look(s->in.octets, s->in.len, &seen) &&
	       read_stamp(k, s->in.octets, s->in.len, &seen, &stamp) &&
	       has_mac(k, NULL, s->in.octets, &seen, &stamp);
}

/* Who says so has the client's key, and the request's MAC. */
static inline void
check_seal(const struct message *m, const struct expect *e, uint64_t now_s,
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
	must(!is_badtime || s.other == now_s);
	must(s.time == (is_badtime ? m->time_signed : now_s));
	must(s.fudge == (is_badtime ? m->fudge : 300));
	if (e->sign == REPLY_UNSIGNED) {
		must(s.mac_len == 0);
		return;
	}
	must(s.mac_len >= m->mac.len);
	must(verifies(&k, &m->mac, octets, seen, &s));
}

static inline void
check_reply(const struct message *m, const struct expect *e, uint64_t now_s,
    const uint8_t *octets, size_t len)
{
	bool has_opt = m->has_opt && is_readable(m) && m->bad != BAD_SOURCE;
	unsigned flags = m->bad == BAD_QUERY ? 0x8000 : 0xa800;
	struct seen seen;

	must(look(octets, len, &seen));
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
		check_seal(m, e, now_s, octets, len, &seen);
}

/* What is sent, as far as this message tells; gives its length. */
static inline size_t
send_reply(const struct slot *s, const struct reply *reply,
    const struct expect *e, uint64_t now_s, uint8_t octets[REPLY_OCTETS_MAX])
{
	struct verifier v = {&mux.conf, mux.hmacs, wall_s()};
	bool is_signed = reply->sign == REPLY_SIGNED;
	const struct message *m = s->message;
	struct seen seen;
	size_t len;

	work_begin();
	len = reply_write(&s->in, reply, verify_hmac(&v, s->in.client), now_s,
	    reply_limit(&s->in, reply), octets);
	work_end(s->in.len);
	must(len > 0);
	check_secrets(octets, len, m->is_tcp || m->has_opt ? 1232 : 512);
	/* I3: a MAC, and the request had a good one. */
	must(!is_signed || is_authentic(s));
	if (e != NULL) {
		check_reply(m, e, now_s, octets, len);
		return len;
	}
	/* To a damaged message: whoever reads it, it is not signed. */
	must(look(octets, len, &seen) && !is_signed);
	return len;
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

	for (i = 0; i < mux.conf.ntargets; i++) {
		all += u->targets >> i & 1;
		confirmed += (u->said[i] & verdicts) != 0;
		applied += (u->said[i] & 1) != 0 && u->applied[i] > 0;
	}
	need = mux.conf.require_confirmation;
	if (need == CONFIRM_ALL)
		need = all;
	must(confirmed >= need && applied > 0);
	must(is_remove || need < all || applied == all);
	must(kind != KIND_PLAIN || applied >= need);
}

static inline void
remember(struct slot *s, const uint8_t *octets, size_t len)
{
	struct memory *m = &script.memories[s->message->origin];

	m->is = octets != NULL ? ANSWERED : SILENT;
	if (octets == NULL)
		return;
	m->answered_s = wall_s();
	m->len = len;
	memcpy(m->octets, octets, len);
}

static inline void
give_answer(struct worker *w, struct slot *s)
{
	struct reply reply = {
	    .rcode = s->request.rcode, .sign = REPLY_SIGNED, .has_zone = true};
	struct expect e = {.rcode = reply.rcode, .sign = REPLY_SIGNED};
	struct update *u = &net.book[s->update];
	static uint8_t octets[REPLY_OCTETS_MAX];
	size_t len;

	must(u->answers++ == 0);
	if (reply.rcode == RCODE_NOERROR)
		check_success(s, u);
	len = send_reply(s, &reply, &e, wall_s(), octets);
	replay_answered(&w->replay, &s->in, reply.rcode, wall_s());
	remember(s, octets, len);
}

/* What request_* said, carried out. I7: that is what the fold says; and
 * once. */
static inline void
act(struct worker *w, struct slot *s, enum request_action action, int want)
{
	struct update *u = &net.book[s->update];
	int got = action == REQUEST_WAIT    ? FOLD_OPEN
		  : action == REQUEST_REPLY ? (int)s->request.rcode
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
	tallies[TALLY_deadline] += net.now_us == s->request.deadline_us;
	TAILQ_REMOVE(&w->by_deadline, s, link);
	if (action == REQUEST_REPLY) {
		give_answer(w, s);
	} else {
		replay_silent(&w->replay, &s->in);
		remember(s, NULL, 0);
	}
}

static inline void
finish(struct worker *w, struct slot *s)
{
	if (!request_is_done(&s->request))
		return;
	TAILQ_INSERT_HEAD(&w->unused, s, link);
	w->of_update[s->update] = NULL;
	(void)request_flaws(&s->request);
}

/* What the answer has to be: with this outcome, or too late for it. */
static inline int
want_of(const struct slot *s, size_t target, const struct outcome *o)
{
	struct update *u = &net.book[s->update];
	struct fold f = {.kind = s->message->kind,
	    .need = mux.conf.require_confirmation,
	    .is_servfail = mux.conf.unconfirmed == UNCONFIRMED_SERVFAIL};
	size_t i;

	if (u->settled > 0)
		return FOLD_OPEN;
	for (i = 0; i < mux.conf.ntargets; i++) {
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
	check_monotone(&f);
	if (net.now_us >= s->request.deadline_us)
		return fold_final(&f);
	return fold_early(&f);
}

static inline void
take_outcome(
    struct worker *w, struct slot *s, size_t target, const struct outcome *o)
{
	struct update *u = &net.book[s->update];
	int want = want_of(s, target, o);

	must(u->outcomes[target]++ == 0);
	u->votes[target] = (struct vote){
	    o->class == OUTCOME_FAILED ? VOTE_FAILED : VOTE_GIVEN, o->rcode};
	tallies[TALLY_outcome_too_late] += u->settled > 0;
	act(w, s, request_outcome(&s->request, target, o, net.now_us), want);
	finish(w, s);
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
hand_out(struct worker *w, struct slot *s)
{
	static const struct outcome busy = {
	    .class = OUTCOME_FAILED, .cause = TSTAT_FAIL_BUSY};
	struct job job = {&s->in, s->update, net.now_us};
	uint32_t targets = s->in.targets, is_busy = 0;
	size_t i;

	for (i = 0; i < mux.conf.ntargets; i++) {
		if ((targets >> i & 1) != 0 &&
		    !target_give(&w->targets[i], &job))
			is_busy |= (uint32_t)1 << i;
	}
	must(!net.is_calm || is_busy == 0);
	for (i = 0; is_busy >> i != 0; i++) {
		if ((is_busy >> i & 1) == 0)
			continue;
		tally(busy);
		take_outcome(w, s, i, &busy);
	}
}

static inline uint32_t
serving(unsigned zone)
{
	uint32_t targets = 0;
	size_t i;

	for (i = 0; i < mux.conf.ntargets; i++) {
		if (mux.conf.targets[i].zones.count > zone)
			targets |= (uint32_t)1 << i;
	}
	return targets;
}

static inline void
enter_in_book(struct worker *w, struct slot *s)
{
	const struct message *m = s->message;
	struct update *u = &net.book[net.nupdates];
	struct seen seen;

	must(net.nupdates < BOOK_MAX);
	memset(u, 0, sizeof(*u));
	s->update = net.nupdates++;
	w->of_update[s->update] = s;
	u->octets = script.messages[m->origin].octets;
	u->body_end = m->body_end;
	u->worker = w->index;
	u->targets = serving(m->zone);
	must(s->in.targets == u->targets);
	must(plan_kind(&s->in.shape) == m->kind);
	must(look(m->octets, m->len, &seen));
	if (net.is_calm)
		u->single = zone_update(&mux.single, m->octets, &seen);
}

/* What the replay cache has to say: nothing that was carried out, or is
 * being, is so again, unless its sender was left without an answer. */
static inline enum replay_verdict
replay_want(const struct worker *w, const struct message *m)
{
	const struct memory *seen = &script.memories[m->origin];

	if (seen->is == NOT_SEEN)
		return REPLAY_NEW;
	if (seen->worker != w->index || seen->life != net.lives[w->index] ||
	    seen->source != m->source || seen->is_tcp != m->is_tcp)
		return REPLAY_FOREIGN;
	return seen->is == IN_HAND    ? REPLAY_IGNORE
	       : seen->is == ANSWERED ? REPLAY_REPEAT
				      : REPLAY_NEW;
}

static inline void
tally_foreign(const struct worker *w, const struct memory *seen)
{
	if (seen->worker != w->index)
		tally(replay_other_worker);
	else if (seen->life != net.lives[w->index])
		tally(replay_after_restart);
	else
		tally(replay_other_source);
}

/* The answer of then, octet by octet, but for an ID that has changed. */
static inline void
answer_again(struct slot *s, const struct replay_entry *entry)
{
	const struct memory *m = &script.memories[s->message->origin];
	struct reply reply = {.rcode = (enum rcode)entry->rcode,
	    .sign = REPLY_SIGNED,
	    .has_zone = true};
	struct expect e = {.rcode = m->octets[3] & 15, .sign = REPLY_SIGNED};
	static uint8_t octets[REPLY_OCTETS_MAX];
	size_t len = send_reply(s, &reply, &e, entry->answered_s, octets);

	must(entry->answered_s == m->answered_s && len == m->len);
	if (memcmp(octets, m->octets, 2) == 0)
		must(memcmp(octets, m->octets, len) == 0);
}

static inline bool
is_new(struct worker *w, struct slot *s)
{
	const struct message *m = s->message;
	struct memory *seen = &script.memories[m->origin];
	enum replay_verdict want = replay_want(w, m), got;
	const struct replay_entry *entry;

	got = replay_check(&w->replay, &s->in, &s->from, mux.conf.max_fudge_s,
	    wall_s(), &entry);
	trace("%8llu replay: %d\n", (unsigned long long)net.now_us, got);
	if (got != want)
		die("replay of message %u: %d, not %d", m->origin, got, want);
	if (got == REPLAY_REPEAT) {
		tally(replay_answered);
		answer_again(s, entry);
	} else if (got == REPLAY_IGNORE) {
		tally(replay_ignored);
	} else if (got == REPLAY_FOREIGN) {
		tally_foreign(w, seen);
	} else {
		tallies[TALLY_again_after_silence] += seen->is == SILENT;
		*seen = (struct memory){.is = IN_HAND,
		    .worker = w->index,
		    .life = net.lives[w->index],
		    .source = m->source,
		    .is_tcp = m->is_tcp};
	}
	return got == REPLAY_NEW;
}

static inline void
accept_update(struct worker *w, struct slot *s)
{
	struct slot *next = TAILQ_FIRST(&w->unused);

	if (next == NULL) {
		must(!net.is_calm);
		tally(no_slot);
		return;
	}
	if (!is_new(w, s))
		return;
	tally(accepted);
	TAILQ_REMOVE(&w->unused, next, link);
	w->spare = next;
	enter_in_book(w, s);
	request_start(&s->request, &mux.conf, &s->in, net.now_us);
	TAILQ_INSERT_TAIL(&w->by_deadline, s, link);
	schedule(EV_WORKER, 0, s->request.deadline_us);
	hand_out(w, s);
}

/* I1: whatever is accepted has been read to its end, as others read it.
 * I3: and an independent MAC over an independent digest agrees. */
static inline void
check_accepted(const struct slot *s)
{
	const struct inbound *in = &s->in;
	struct seen seen;

	must(look(in->octets, in->len, &seen) && seen.at[4] == in->len);
	must(in->msg.prereq_start == seen.at[1] &&
	     in->msg.update_start == seen.at[2] &&
	     in->msg.additional_start == seen.at[3] &&
	     in->msg.tsig_start == seen.last);
	must(is_authentic(s) &&
	     in->request_mac.len >=
		 script.clients[s->message->client].tsig.mac_min);
}

/* The verdict is the one that the script has in mind; whatever has been
 * changed on the way is neither accepted nor answered signed. */
static inline void
judge_verdict(struct worker *w, struct slot *s, const struct event *ev,
    enum verdict verdict, const struct reply *reply)
{
	static uint8_t octets[REPLY_OCTETS_MAX];
	struct expect e;
	bool is_accepted = expected(s->message, &e);
	bool is_changed = ev->is_changed || s->message->bad == BAD_FLIPPED;

	if (is_changed || s->message->bad == BAD_RESPONSE)
		must(verdict != VERDICT_ACCEPT);
	else
		must(verdict == (is_accepted ? VERDICT_ACCEPT : VERDICT_REPLY));
	if (s->message->bad == BAD_RESPONSE && !is_changed)
		must(verdict == VERDICT_DROP);
	if (verdict == VERDICT_ACCEPT) {
		check_accepted(s);
		accept_update(w, s);
	} else if (verdict == VERDICT_REPLY) {
		tallies[TALLY_replay_out_of_time] +=
		    e.error == TSIG_ERROR_BADTIME &&
		    script.memories[s->message->origin].is != NOT_SEEN;
		(void)send_reply(
		    s, reply, is_changed ? NULL : &e, wall_s(), octets);
	}
}

static inline void
worker_receive(struct worker *w, const struct event *ev)
{
	static const char *const sources[SOURCES] = {"192.0.2.7:5353",
	    "192.0.2.7:5354", "192.0.2.8:5353", "192.0.2.9:53"};
	struct verifier v = {&mux.conf, mux.hmacs, wall_s()};
	struct slot *s = w->spare;
	const struct message *m = &script.messages[ev->who];
	struct reply reply;
	enum counter cause;
	enum verdict verdict;

	s->message = m;
	must(addr_parse(
	    m->bad == BAD_SOURCE ? "203.0.113.9:99" : sources[m->source], 0,
	    &s->from));
	s->in.octets = s->octets + PACKET_MAX - ev->len;
	memcpy(s->octets + PACKET_MAX - ev->len, ev->octets, ev->len);
	s->in.len = ev->len;
	s->in.is_tcp = m->is_tcp;
	work_begin();
	verdict = verify_message(&v, &s->from, &s->in, &reply, &cause);
	work_end(ev->len);
	trace("%8llu message %u to worker %u, mischief %d%s: %s\n",
	    (unsigned long long)net.now_us, ev->who, w->index, m->bad,
	    ev->is_changed ? ", damaged" : "", stats_name(cause));
	judge_verdict(w, s, ev, verdict, &reply);
}

static inline void
worker_step(struct worker *w)
{
	struct slot *s;
	size_t i, j;

	for (i = 0; i < mux.conf.ntargets; i++) {
		struct target *t = &w->targets[i];

		for (j = 0; j < t->nresults; j++) {
			s = w->of_update[t->results[j].update];
			must(s != NULL);
			t->lent--;
			take_outcome(w, s, i, &t->results[j].outcome);
		}
		t->nresults = 0;
	}
	while ((s = TAILQ_FIRST(&w->by_deadline)) != NULL &&
	       s->request.deadline_us <= net.now_us) {
		int want = want_of(s, 0, NULL);

		act(w, s, request_tick(&s->request, net.now_us), want);
		finish(w, s);
	}
}

#endif
