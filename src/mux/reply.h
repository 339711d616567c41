/* SPDX-License-Identifier: ISC */
/*
 * The one answer to a client's message.
 * Threads: the worker's main thread. Errors: length 0, send nothing.
 * RFC 2136 3.8, 6891 6.1.1, 8945 5.3.
 */
#ifndef MUX_REPLY_H
#define MUX_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mux/inbound.h"

/* Header, zone, OPT, and a TSIG record with an empty MAC that repeats the
 * longest names; a signed one has a known algorithm, and is shorter. */
#define REPLY_OCTETS_MAX (12 + 259 + 11 + 255 + 10 + 255 + 16)

enum reply_sign {
	REPLY_BARE, /* no TSIG record */
	REPLY_UNSIGNED, /* a TSIG record with an empty MAC */
	REPLY_SIGNED /* only behind a good MAC of the request */
};

struct reply {
	enum rcode rcode;
	enum reply_sign sign;
	enum tsig_error error;
	bool has_zone; /* echo the zone section */
};

/* How large an answer this client takes: RFC 1035 4.2.1, 6891 6.2.3. By UDP
 * anybody can be named as the source: who has not signed gets no more octets
 * than it sent. */
size_t reply_limit(const struct inbound *in, const struct reply *r);

/* hmac is that of in->client, NULL unless r->sign is REPLY_SIGNED. What
 * does not fit limit is left out: the zone, then all but the TSIG (TC); an
 * unsigned TSIG can be too long by itself, and goes, too. */
size_t reply_write(const struct inbound *in, const struct reply *r,
    struct hmac *hmac, uint64_t now_s, size_t limit,
    uint8_t octets[REPLY_OCTETS_MAX]);

#endif
