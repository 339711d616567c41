/* SPDX-License-Identifier: ISC */
#include "mux/quota.h"

#define SECOND_US 1000000

/* Fowler, Noll, Vo 1a. Who finds two sources of one place can spare one of
 * them refusals, and no more. */
static uint32_t
hash(const void *octets, size_t len)
{
	const uint8_t *at = octets;
	uint32_t h = 2166136261;

	while (len-- > 0)
		h = (h ^ *at++) * 16777619;
	return h ^ h >> 16;
}

static uint32_t
hash_source(const struct addr *source)
{
	if (source->sa.sa_family == AF_INET6)
		return hash(&source->in6.sin6_addr, 8);
	return hash(&source->in.sin_addr, sizeof(source->in.sin_addr));
}

bool
quota_take(struct quota *q, unsigned per_second, const struct addr *source,
    uint64_t now_us)
{
	struct quota_place *p = &q->places[hash_source(source) % QUOTA_PLACES];

	if (now_us - p->since_us >= SECOND_US) {
		p->since_us = now_us;
		p->used = 0;
	}
	if (p->used >= per_second)
		return false;
	p->used++;
	return true;
}
