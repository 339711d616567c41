/* SPDX-License-Identifier: ISC */
#include "mux/request.h"

#include <string.h>

static size_t
confirmations(const struct conf *conf, size_t ntargets)
{
	if (conf->require_confirmation == CONFIRM_ALL)
		return ntargets;
	return conf->require_confirmation;
}

void
request_start(struct request *q, const struct conf *conf,
    const struct inbound *in, uint64_t now_us)
{
	uint8_t i;

	memset(q, 0, sizeof(*q));
	for (i = 0; i < conf->ntargets; i++) {
		if ((in->targets >> i & 1) != 0)
			q->target[q->ntargets++] = i;
	}
	q->nopen = q->ntargets;
	q->start_us = now_us;
	q->deadline_us = now_us + (uint64_t)conf->client_deadline_ms * 1000;
	q->kind = plan_kind(&in->shape);
	q->need = confirmations(conf, q->ntargets);
	q->is_servfail_unconfirmed = conf->unconfirmed == UNCONFIRMED_SERVFAIL;
}

static struct ballot
ballot_of(const struct request *q)
{
	return (struct ballot){.outcomes = q->outcomes,
	    .count = q->ntargets,
	    .kind = q->kind,
	    .need = q->need,
	    .is_servfail_unconfirmed = q->is_servfail_unconfirmed};
}

static enum request_action
settle(struct request *q, enum collect_result result)
{
	if (result == COLLECT_UNDECIDED)
		return REQUEST_WAIT;
	q->is_settled = true;
	q->is_silent = result == COLLECT_SILENT;
	return q->is_silent ? REQUEST_GIVE_UP : REQUEST_REPLY;
}

enum request_action
request_tick(struct request *q, uint64_t now_us)
{
	struct ballot b = ballot_of(q);

	if (q->is_settled || now_us < q->deadline_us)
		return REQUEST_WAIT;
	return settle(q, collect_final(&b, &q->rcode));
}

enum request_action
request_outcome(struct request *q, size_t target, const struct outcome *outcome,
    uint64_t now_us)
{
	struct ballot b = ballot_of(q);
	enum request_action action;
	size_t i = 0;

	/* An outcome behind the deadline does not come in before it. */
	action = request_tick(q, now_us);
	while (i < q->ntargets && q->target[i] != target)
		i++;
	if (i == q->ntargets || q->outcomes[i].class != OUTCOME_OPEN)
		return action;
	q->outcomes[i] = *outcome;
	q->nopen--;
	if (q->is_settled)
		return action;
	return settle(q, collect_early(&b, &q->rcode));
}

bool
request_is_done(const struct request *q)
{
	return q->is_settled && q->nopen == 0;
}

static size_t
count_class(const struct request *q, enum outcome_class class)
{
	size_t i, n = 0;

	for (i = 0; i < q->ntargets; i++)
		n += q->outcomes[i].class == class;
	return n;
}

unsigned
request_flaws(const struct request *q)
{
	struct ballot b = ballot_of(q);
	bool is_applied = count_class(q, OUTCOME_APPLIED) > 0;
	unsigned flaws = 0;

	if (collect_is_divergent(&b))
		flaws |= REQUEST_DIVERGED;
	if (is_applied && count_class(q, OUTCOME_FAILED) > 0)
		flaws |= REQUEST_MISSED;
	if (is_applied && (q->is_silent || q->rcode == RCODE_SERVFAIL))
		flaws |= REQUEST_UNTOLD;
	return flaws;
}
