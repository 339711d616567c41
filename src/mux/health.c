/* SPDX-License-Identifier: ISC */
#include "mux/health.h"

#include <string.h>

void
health_init(struct health *h, unsigned failures_max)
{
	memset(h, 0, sizeof(*h));
	h->failures_max = failures_max;
}

enum health_sign
health_sign(const struct outcome *o)
{
	switch (o->cause) {
	/* Ours, or of this one update. */
	case TSTAT_FAIL_BUSY:
	case TSTAT_FAIL_DOWN:
	case TSTAT_FAIL_SIZE:
	case TSTAT_FAIL_CRYPTO:
	case TSTAT_FAIL_LOCAL:
		return HEALTH_SILENT;
	/* Authentic, if odd. */
	case TSTAT_FAIL_RCODE:
		return HEALTH_ALIVE;
	default:
		return o->class == OUTCOME_FAILED ? HEALTH_FAILING
						  : HEALTH_ALIVE;
	}
}

/* Somebody answers, who does not prove to be the target. */
static bool
is_unproven(unsigned cause)
{
	return cause >= TSTAT_IGN_SHORT && cause <= TSTAT_IGN_ERROR;
}

/* What was begun before an answer came was lost, or is odd in itself. */
static bool
is_news(
    const struct health *h, unsigned cause, uint64_t begun_us, uint64_t now_us)
{
	if (h->has_answered &&
	    (begun_us <= h->answer_us ||
		(is_unproven(cause) &&
		    now_us - h->answer_us < HEALTH_TRUST_US)))
		return false;
	return h->failures == 0 ||
	       (begun_us >= h->begun_us + HEALTH_MOMENT_US &&
		   now_us >= h->found_us + HEALTH_MOMENT_US);
}

static enum health_change
answered(struct health *h, uint64_t now_us)
{
	bool was_down = h->is_down;

	h->has_answered = true;
	h->answer_us = now_us;
	h->failures = 0;
	h->is_down = false;
	return was_down ? HEALTH_CAME_UP : HEALTH_SAME;
}

static enum health_change
failed(struct health *h, unsigned cause, uint64_t begun_us, uint64_t now_us)
{
	if (h->is_down)
		h->cause = (enum target_counter)cause;
	if (h->is_down || h->failures_max == 0 ||
	    !is_news(h, cause, begun_us, now_us))
		return HEALTH_SAME;
	h->cause = (enum target_counter)cause;
	h->begun_us = begun_us;
	h->found_us = now_us;
	if (++h->failures < h->failures_max)
		return HEALTH_SAME;
	h->is_down = true;
	h->probes = 0;
	h->probe_us = now_us + HEALTH_PROBE_US;
	return HEALTH_WENT_DOWN;
}

enum health_change
health_outcome(struct health *h, const struct outcome *o, uint64_t begun_us,
    uint64_t now_us)
{
	switch (health_sign(o)) {
	case HEALTH_ALIVE:
		return answered(h, now_us);
	case HEALTH_FAILING:
		return failed(h, o->cause, begun_us, now_us);
	case HEALTH_SILENT:
		break;
	}
	return HEALTH_SAME;
}

uint64_t
health_probe_us(const struct health *h)
{
	return h->is_down ? h->probe_us : UINT64_MAX;
}

uint64_t
health_probe_sent(struct health *h, uint64_t now_us)
{
	uint64_t wait = HEALTH_PROBE_MAX_US;

	h->probes++;
	if (h->probes < 5)
		wait = (uint64_t)HEALTH_PROBE_US << h->probes;
	h->probe_us = now_us + wait;
	return h->probe_us;
}
