/* SPDX-License-Identifier: ISC */
/*
 * So many in a second for each source, of what anybody can make us do.
 * Sources share QUOTA_PLACES places, and a quota where they meet: whoever
 * is flooded with our refusals gets few, and nobody has to be forgotten.
 * Owner: a worker. Threads: its main thread.
 */
#ifndef MUX_QUOTA_H
#define MUX_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

#define QUOTA_PLACES 4096

struct quota_place {
	uint64_t since_us;
	unsigned used; /* since then */
};

/* Zeroed before its first use. */
struct quota {
	struct quota_place places[QUOTA_PLACES];
};

/* One more? A source is an IPv4 address, or an IPv6 /64. */
bool quota_take(struct quota *q, unsigned per_second, const struct addr *source,
    uint64_t now_us);

#endif
