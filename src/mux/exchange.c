/* SPDX-License-Identifier: ISC */
#include "mux/exchange.h"

#include <string.h>

void
exchange_table_init(struct exchange_table *t, struct exchange *exchanges,
    size_t max, struct leg_list *buckets, size_t nbuckets)
{
	size_t i;

	TAILQ_INIT(&t->by_age);
	TAILQ_INIT(&t->by_resend);
	TAILQ_INIT(&t->waiting);
	TAILQ_INIT(&t->fresh);
	TAILQ_INIT(&t->unused);
	t->in_flight = t->nfresh = 0;
	t->nbuckets = nbuckets;
	t->buckets = buckets;
	for (i = 0; i < nbuckets; i++)
		LIST_INIT(&buckets[i]);
	for (i = 0; i < max; i++)
		TAILQ_INSERT_TAIL(&t->unused, &exchanges[i], by_age);
}

struct exchange *
exchange_begin(struct exchange_table *t, const struct inbound *in,
    uint32_t slot, uint64_t start_us)
{
	struct exchange *x = TAILQ_FIRST(&t->unused);
	unsigned way;

	if (x == NULL)
		return NULL;
	TAILQ_REMOVE(&t->unused, x, by_age);
	memset(x, 0, sizeof(*x));
	x->in = in;
	x->slot = slot;
	x->start_us = start_us;
	for (way = WAY_UDP; way <= WAY_TCP; way++) {
		x->legs[way].exchange = x;
		x->legs[way].way = (enum exchange_way)way;
	}
	TAILQ_INSERT_TAIL(&t->by_age, x, by_age);
	x->is_waiting = true;
	TAILQ_INSERT_TAIL(&t->waiting, x, waiting);
	return x;
}

static struct leg_list *
bucket_of(struct exchange_table *t, uint16_t id)
{
	return &t->buckets[id & (t->nbuckets - 1)];
}

struct leg *
exchange_find(struct exchange_table *t, enum exchange_way way, uint16_t id)
{
	struct leg *leg;

	LIST_FOREACH (leg, bucket_of(t, id), same_hash) {
		if (leg->copy.id == id && leg->way == way)
			return leg;
	}
	return NULL;
}

bool
exchange_open(struct exchange_table *t, struct exchange *x,
    enum exchange_way way, uint16_t id)
{
	struct leg *leg = &x->legs[way];

	if (leg->is_open || exchange_find(t, WAY_UDP, id) != NULL ||
	    exchange_find(t, WAY_TCP, id) != NULL)
		return false;
	leg->copy.id = id;
	leg->is_open = true;
	LIST_INSERT_HEAD(bucket_of(t, id), leg, same_hash);
	exchange_resume(t, x);
	return true;
}

void
exchange_close_leg(struct exchange_table *t, struct leg *leg)
{
	struct exchange *x = leg->exchange;

	if (!leg->is_open)
		return;
	LIST_REMOVE(leg, same_hash);
	leg->is_open = false;
	if (leg->way == WAY_UDP)
		exchange_forbid_resend(t, x);
}

static void
set_fresh(struct exchange_table *t, struct exchange *x, bool is_fresh)
{
	if (x->is_fresh == is_fresh)
		return;
	x->is_fresh = is_fresh;
	if (is_fresh) {
		TAILQ_INSERT_TAIL(&t->fresh, x, fresh);
		t->nfresh++;
	} else {
		TAILQ_REMOVE(&t->fresh, x, fresh);
		t->nfresh--;
	}
}

void
exchange_forget(struct exchange_table *t, uint64_t now_us, uint64_t after_us)
{
	struct exchange *x;

	while ((x = TAILQ_FIRST(&t->fresh)) != NULL &&
	       now_us >= x->sent_us + after_us)
		set_fresh(t, x, false);
}

void
exchange_wait(
    struct exchange_table *t, struct exchange *x, enum exchange_way way)
{
	x->way = way;
	if (x->is_waiting)
		return;
	x->is_waiting = true;
	t->in_flight--;
	set_fresh(t, x, false);
	TAILQ_INSERT_HEAD(&t->waiting, x, waiting);
}

void
exchange_resume(struct exchange_table *t, struct exchange *x)
{
	if (!x->is_waiting)
		return;
	TAILQ_REMOVE(&t->waiting, x, waiting);
	x->is_waiting = false;
	t->in_flight++;
	set_fresh(t, x, true);
}

bool
exchange_has_copies_left(const struct exchange *x)
{
	return x->copies + x->is_waiting < EXCHANGE_COPIES_MAX;
}

void
exchange_allow_resend(struct exchange_table *t, struct exchange *x)
{
	if (x->may_resend)
		return;
	TAILQ_INSERT_TAIL(&t->by_resend, x, by_resend);
	x->may_resend = true;
}

void
exchange_forbid_resend(struct exchange_table *t, struct exchange *x)
{
	if (!x->may_resend)
		return;
	TAILQ_REMOVE(&t->by_resend, x, by_resend);
	x->may_resend = false;
}

void
exchange_end(struct exchange_table *t, struct exchange *x)
{
	exchange_close_leg(t, &x->legs[WAY_UDP]);
	exchange_close_leg(t, &x->legs[WAY_TCP]);
	exchange_resume(t, x);
	t->in_flight--;
	set_fresh(t, x, false);
	TAILQ_REMOVE(&t->by_age, x, by_age);
	x->in = NULL;
	TAILQ_INSERT_HEAD(&t->unused, x, by_age);
}
