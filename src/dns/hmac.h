/* SPDX-License-Identifier: ISC */
/*
 * The HMACs of TSIG (RFC 8945 6) behind one small interface. Two
 * back ends, chosen by configure: hmac_evp_mac.c, hmac_ctx.c.
 * Owner: whoever called hmac_new calls hmac_free. Contexts are keyed
 *   once and reset per message; nothing is allocated per message.
 * Threads: one context per thread.
 * Errors: false, and the MAC must not be used.
 */
#ifndef DNS_HMAC_H
#define DNS_HMAC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dns/name.h"

#define HMAC_MAC_MAX 64 /* octets, SHA-512 */

enum hmac_hash {
	HASH_MD5,
	HASH_SHA1,
	HASH_SHA224,
	HASH_SHA256,
	HASH_SHA384,
	HASH_SHA512
};

/* An algorithm name as it stands in a TSIG record, with what it means. */
struct hmac_alg {
	const char *text; /* as the configuration names it */
	struct name wire; /* as the record names it, in lower case */
	enum hmac_hash hash;
	uint8_t mac_len; /* octets of an untruncated MAC by this name */
	uint8_t mac_min; /* the least octets a truncated one may have */
	bool is_weak;
};

struct hmac_part {
	const void *octets;
	size_t len;
};

/* In any case; NULL if there is no such algorithm. hmac_alg_next lists them
 * all: NULL gives the first, the last one gives NULL. */
const struct hmac_alg *hmac_alg_by_text(const char *text);
const struct hmac_alg *hmac_alg_next(const struct hmac_alg *alg);

struct hmac;

struct hmac *hmac_new(enum hmac_hash hash, const uint8_t *key, size_t key_len);
void hmac_free(struct hmac *h);
/* Of the parts in a row; the whole hash into mac. */
bool hmac_compute(struct hmac *h, const struct hmac_part *parts, size_t nparts,
    uint8_t mac[HMAC_MAC_MAX]);

/* In a time that depends on len only. */
bool hmac_is_equal(const uint8_t *a, const uint8_t *b, size_t len);

#endif
