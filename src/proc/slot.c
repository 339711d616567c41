/* SPDX-License-Identifier: ISC */
#include "proc/slot.h"

#include <stdlib.h>

#include "dns/dns.h"

bool
slot_init(struct worker *w)
{
	size_t i, n = (size_t)w->conf->updates_in_hand + 1;

	TAILQ_INIT(&w->unused);
	TAILQ_INIT(&w->by_deadline);
	w->slots = calloc(n, sizeof(*w->slots));
	/* Not touched before it is used: most updates fill one page. */
	w->octets = calloc(n, DNS_MSG_OCTETS_MAX + 1);
	if (w->slots == NULL || w->octets == NULL)
		return false;
	for (i = 0; i < n; i++) {
		struct slot *s = &w->slots[i];

		s->index = (uint32_t)i;
		s->octets = w->octets + i * (DNS_MSG_OCTETS_MAX + 1);
		TAILQ_INSERT_TAIL(&w->unused, s, link);
	}
	w->spare = TAILQ_FIRST(&w->unused);
	TAILQ_REMOVE(&w->unused, w->spare, link);
	return true;
}

void
slot_free(struct worker *w)
{
	free(w->octets);
	free(w->slots);
	w->octets = NULL;
	w->slots = NULL;
}

bool
slot_has_unused(const struct worker *w)
{
	return !TAILQ_EMPTY(&w->unused);
}

void
slot_keep_spare(struct worker *w)
{
	struct slot *next = TAILQ_FIRST(&w->unused);

	/* The last one used comes first: its memory is warm. */
	TAILQ_REMOVE(&w->unused, next, link);
	w->spare = next;
	w->nbusy++;
}

void
slot_release(struct worker *w, struct slot *s)
{
	TAILQ_INSERT_HEAD(&w->unused, s, link);
	w->nbusy--;
}
