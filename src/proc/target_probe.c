/* SPDX-License-Identifier: ISC */
/* A target's health, and what is sent to it to learn of that. */
#include "proc/target_thread.h"

#include "base/mono.h"

static uint64_t
count_missed(struct target *t)
{
	return atomic_load(&t->stats.count[TSTAT_FAIL_DOWN]) +
	       atomic_load(&t->not_given);
}

static void
went_down(struct target *t)
{
	char addr[ADDR_TEXT_MAX];

	t->missed = count_missed(t);
	atomic_store(&t->is_down, true);
	if (!outage_begin(t->outage, t->worker, t->now_us))
		return;
	log_warn("target %s %s: down: %s; probing", t->target->name,
	    addr_text(&t->target->addr, addr),
	    stats_target_hint(t->health.cause));
}

static void
came_up(struct target *t)
{
	char addr[ADDR_TEXT_MAX];

	atomic_store(&t->is_down, false);
	if (!outage_end(t->outage, t->worker, count_missed(t) - t->missed))
		return;
	log_note("target %s %s: up again after %llu s, %llu updates missed",
	    t->target->name, addr_text(&t->target->addr, addr),
	    (unsigned long long)((t->now_us - t->outage->since_us) / 1000000),
	    (unsigned long long)t->outage->missed);
}

void
target_judge(
    struct target *t, const struct exchange *x, const struct outcome *o)
{
	struct prober *p = &t->prober;
	enum health_sign sign = health_sign(o);

	/* Whoever asks may ask for a zone that is none. */
	if (target_is_probe(t, x) && p->has_order && sign == HEALTH_FAILING)
		return;
	if (!target_is_probe(t, x) && sign == HEALTH_FAILING)
		p->failed_zone = x->in->msg.zone;
	if (!target_is_probe(t, x) && sign == HEALTH_ALIVE) {
		p->answered_zone = x->in->msg.zone;
		p->has_answered_zone = true;
	}
	switch (health_outcome(&t->health, o, x->start_us, t->now_us)) {
	case HEALTH_WENT_DOWN:
		went_down(t);
		return;
	case HEALTH_CAME_UP:
		came_up(t);
		return;
	case HEALTH_SAME:
		return;
	}
}

/* The zone that was answered last says most of the target; but it may not
 * be served there any more, as the one that failed may never have been. */
static const struct name *
zone_to_probe(const struct target *t)
{
	const struct prober *p = &t->prober;

	if (p->has_answered_zone && t->health.probes % 2 == 0)
		return &p->answered_zone;
	return &p->failed_zone;
}

/* Or NULL, if nobody has named one yet. */
static const struct name *
ordered_zone(const struct target *t)
{
	const struct prober *p = &t->prober;

	if (p->order.zone.len > 0)
		return &p->order.zone;
	if (p->has_answered_zone)
		return &p->answered_zone;
	if (p->failed_zone.len > 0)
		return &p->failed_zone;
	if (t->target->zones.count > 0 &&
	    !name_is_root(&t->target->zones.names[0]))
		return &t->target->zones.names[0];
	return NULL;
}

static void
begin(struct target *t, enum probe_kind kind, const struct name *zone,
    uint64_t until_us)
{
	struct prober *p = &t->prober;

	probe_build(&p->probe, kind, zone);
	p->is_heard = false;
	p->until_us = until_us;
	p->exchange =
	    exchange_begin(&t->table, &p->probe.in, UINT32_MAX, t->now_us);
	/* One more than there can be jobs. */
	if (p->exchange != NULL)
		p->exchange->way = target_first_way(t, &p->probe.in);
}

void
target_probe_heard(struct target *t, const struct answer *a)
{
	struct prober *p = &t->prober;

	p->is_heard = true;
	p->heard = *a;
	p->offset_s = (int64_t)a->target_time - (int64_t)wall_s();
}

static void
finish_order(struct target *t)
{
	t->prober.has_order = false;
	/* Who asks too often, and does not read, is not answered. */
	(void)queue_put(&t->probe_results, &t->prober.result);
}

void
target_probe_ended(struct target *t, const struct outcome *o)
{
	struct prober *p = &t->prober;
	struct probe_step *step = &p->result.steps[p->step];

	p->exchange = NULL;
	if (!p->has_order)
		return;
	probe_fill(step, o, p->is_heard ? &p->heard : NULL, p->offset_s);
	p->step++;
	if (p->step == PROBE_STEPS || probe_is_hopeless(step))
		finish_order(t);
}

static bool
take_order(struct target *t)
{
	struct prober *p = &t->prober;

	if (p->has_order)
		return true;
	if (!queue_take(&t->probe_orders, &p->order))
		return false;
	p->has_order = true;
	p->step = 0;
	p->result =
	    (struct probe_result){.id = p->order.id, .target = p->order.target};
	return true;
}

static uint64_t
due_us(struct target *t)
{
	return atomic_load(&t->is_disabled) ? UINT64_MAX
					    : health_probe_us(&t->health);
}

void
target_probe_tick(struct target *t)
{
	struct prober *p = &t->prober;
	const struct name *zone;

	if (p->exchange != NULL && t->now_us >= p->until_us)
		target_expire(t, p->exchange);
	if (p->exchange != NULL)
		return;
	if (take_order(t)) {
		zone = ordered_zone(t);
		if (zone != NULL)
			begin(t, (enum probe_kind)p->step, zone, UINT64_MAX);
		else
			finish_order(t);
	} else if (t->now_us >= due_us(t)) {
		zone = zone_to_probe(t);
		begin(t, PROBE_UPDATE, zone,
		    health_probe_sent(&t->health, t->now_us));
	}
}

uint64_t
target_probe_due_us(struct target *t)
{
	const struct prober *p = &t->prober;

	if (p->exchange != NULL)
		return p->until_us;
	if (p->has_order || !queue_is_empty(&t->probe_orders))
		return 0;
	return due_us(t);
}
