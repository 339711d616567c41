/* SPDX-License-Identifier: ISC */
#include "proc/dispatch.h"

#include "base/mono.h"
#include "proc/client.h"
#include "proc/client_udp.h"
#include "proc/record.h"
#include "proc/slot.h"
#include "proc/snapshot.h"

/* now_s: Time Signed of the answer. false: there is none. */
static bool
send_reply(struct worker *w, const struct slot *s, const struct reply *reply,
    uint64_t now_s)
{
	struct verifier v = {w->conf, w->hmacs, w->now_s};
	uint8_t framed[REPLY_OCTETS_MAX], *octets = framed;
	size_t len;

	if (s->route.client == NULL)
		octets = client_udp_room(w, &s->route);
	len = reply_write(&s->in, reply, verify_hmac(&v, s->in.client), now_s,
	    reply_limit(&s->in, reply), octets);
	if (len == 0) {
		w->stats.count[STAT_SEND_FAILED]++;
		return false;
	}
	stats_answer(&w->stats, reply->rcode);
	if (s->route.client == NULL)
		client_udp_answer(w, &s->route, len);
	else
		client_answer(w, &s->route, octets, len);
	return true;
}

void
dispatch_refused(struct worker *w, enum counter cause, const struct addr *from,
    const struct inbound *in)
{
	w->stats.count[cause]++;
	snapshot_count_key(w, in, stats_key_cause(cause));
	record_refusal(w, cause, from, in);
}

static void
count_answer(struct worker *w, const struct slot *s)
{
	const struct request *q = &s->request;

	stats_latency(&w->stats, w->now_us - q->start_us);
	snapshot_count_key(w, &s->in, stats_key_answer(q->rcode));
}

/* What request_* said, carried out. */
static void
act(struct worker *w, struct slot *s, enum request_action action)
{
	struct reply reply = {
	    .rcode = s->request.rcode, .sign = REPLY_SIGNED, .has_zone = true};

	if (action == REQUEST_WAIT)
		return;
	TAILQ_REMOVE(&w->by_deadline, s, link);
	if (action == REQUEST_REPLY) {
		if (send_reply(w, s, &reply, w->now_s))
			count_answer(w, s);
		replay_answered(&w->replay, &s->in, reply.rcode, w->now_s);
	} else {
		replay_silent(&w->replay, &s->in);
		w->stats.count[STAT_SILENT]++;
		snapshot_count_key(w, &s->in, KSTAT_SILENT);
	}
	if (s->route.client != NULL)
		client_settled(w, &s->route);
}

static void
finish(struct worker *w, struct slot *s)
{
	if (!request_is_done(&s->request))
		return;
	record_update(w, s);
	slot_release(w, s);
}

static void
take_outcome(struct worker *w, struct slot *s, size_t target,
    const struct outcome *outcome)
{
	act(w, s, request_outcome(&s->request, target, outcome, w->now_us));
	finish(w, s);
}

/* Every target at once. One that is busy or down has failed already; the
 * last such outcome can end the request, so nothing is touched behind it. */
static void
hand_out(struct worker *w, struct slot *s)
{
	struct outcome failed[CONF_TARGETS_MAX] = {{0}};
	struct job job = {&s->in, s->index, w->now_us};
	uint32_t targets = s->in.targets;
	size_t i;

	for (i = 0; i < w->conf->ntargets; i++) {
		if ((targets >> i & 1) == 0)
			continue;
		failed[i].cause = (uint16_t)target_give(w->targets[i], &job);
		if (failed[i].cause == TSTAT_NO_CAUSE)
			w->is_lent_to[i] = true;
		else
			failed[i].class = OUTCOME_FAILED;
	}
	for (i = 0; i < w->conf->ntargets; i++) {
		if (failed[i].class == OUTCOME_FAILED)
			take_outcome(w, s, i, &failed[i]);
	}
}

/* From the same octets and the same time come the same octets again. */
static void
answer_again(struct worker *w, struct slot *s, const struct replay_entry *e)
{
	struct reply reply = {.rcode = (enum rcode)e->rcode,
	    .sign = REPLY_SIGNED,
	    .has_zone = true};

	w->stats.count[STAT_REPLAY_ANSWERED]++;
	snapshot_count_key(w, &s->in, KSTAT_REPEATED);
	(void)send_reply(w, s, &reply, e->answered_s);
}

static bool
is_new(struct worker *w, struct slot *s)
{
	const struct replay_entry *e;

	switch (replay_check(&w->replay, &s->in, &s->route.from,
	    w->conf->max_fudge_s, w->now_s, &e)) {
	case REPLAY_NEW:
		return true;
	case REPLAY_REPEAT:
		answer_again(w, s, e);
		break;
	case REPLAY_IGNORE:
		w->stats.count[STAT_REPLAY_IGNORED]++;
		snapshot_count_key(w, &s->in, KSTAT_REPEATED);
		break;
	case REPLAY_FOREIGN:
		dispatch_refused(
		    w, STAT_REPLAY_DROPPED, &s->route.from, &s->in);
		break;
	}
	return false;
}

static void
accept_update(struct worker *w, struct slot *s)
{
	/* Both before it is remembered: its sender shall ask again. */
	if (!slot_has_unused(w)) {
		dispatch_refused(w, STAT_DROP_BUSY, &s->route.from, &s->in);
		return;
	}
	s->in.targets &= ~w->standing.disabled;
	if (s->in.targets == 0) {
		dispatch_refused(w, STAT_DROP_DISABLED, &s->route.from, &s->in);
		return;
	}
	if (!is_new(w, s))
		return;
	slot_keep_spare(w);
	w->stats.count[STAT_ACCEPTED]++;
	snapshot_count_key(w, &s->in, KSTAT_ACCEPTED);
	s->in.id = ++w->last_id;
	request_start(&s->request, w->conf, &s->in, w->now_us);
	TAILQ_INSERT_TAIL(&w->by_deadline, s, link);
	if (s->route.client != NULL)
		client_holds(&s->route);
	hand_out(w, s);
}

/* Anybody can be named as the source of an unsigned datagram, and would get
 * what we say to it. */
static bool
may_say(struct worker *w, const struct slot *s, const struct reply *reply)
{
	if (s->in.is_tcp || reply->sign == REPLY_SIGNED ||
	    quota_take(&w->refusals, w->conf->refusals_per_source,
		&s->route.from, w->now_us))
		return true;
	dispatch_refused(w, STAT_REFUSALS_UNSAID, &s->route.from, &s->in);
	return false;
}

static bool
judge(struct worker *w, struct slot *s)
{
	struct verifier v = {w->conf, w->hmacs, w->now_s};
	struct reply reply;
	enum counter cause;

	switch (verify_message(&v, &s->route.from, &s->in, &reply, &cause)) {
	case VERDICT_DROP:
		dispatch_refused(w, cause, &s->route.from, &s->in);
		return cause != STAT_DROP_SHORT;
	case VERDICT_REPLY:
		dispatch_refused(w, cause, &s->route.from, &s->in);
		if (may_say(w, s, &reply))
			(void)send_reply(w, s, &reply, w->now_s);
		return true;
	case VERDICT_ACCEPT:
		accept_update(w, s);
		return true;
	}
	return true;
}

bool
dispatch_message(struct worker *w, size_t len)
{
	struct slot *s = w->spare;
	bool is_worth_it;

	s->in.octets = s->octets;
	s->in.len = len;
	s->in.is_tcp = s->route.client != NULL;
	/* What this slot had before. */
	s->in.has_tsig = false;
	s->in.client = NULL;
	if (standing_has_penalty(&w->standing, &s->route.from, w->now_us)) {
		dispatch_refused(w, STAT_DROP_PENALTY, &s->route.from, &s->in);
		return true;
	}
	note_begin(w->setup->note, &s->route.from, s->in.is_tcp);
	is_worth_it = judge(w, s);
	note_end(w->setup->note);
	return is_worth_it;
}

void
dispatch_wake_targets(struct worker *w)
{
	size_t i;

	for (i = 0; i < w->conf->ntargets; i++) {
		if (w->is_lent_to[i])
			target_wake(w->targets[i]);
		w->is_lent_to[i] = false;
	}
}

void
dispatch_results(struct worker *w)
{
	struct result result;
	size_t i;

	for (i = 0; i < w->conf->ntargets; i++) {
		while (target_take(w->targets[i], &result))
			take_outcome(
			    w, &w->slots[result.slot], i, &result.outcome);
	}
}

void
dispatch_deadlines(struct worker *w)
{
	struct slot *s;

	while ((s = TAILQ_FIRST(&w->by_deadline)) != NULL &&
	       s->request.deadline_us <= w->now_us) {
		act(w, s, request_tick(&s->request, w->now_us));
		finish(w, s);
	}
}

uint64_t
dispatch_next_deadline_us(const struct worker *w)
{
	const struct slot *s = TAILQ_FIRST(&w->by_deadline);

	return s != NULL ? s->request.deadline_us : UINT64_MAX;
}
