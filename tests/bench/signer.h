/* SPDX-License-Identifier: ISC */
/*
 * TSIG of one shape, as cheap as it can be: hmac-sha256, whole, fudge 300,
 * no Other Data, the record at the end and its names not compressed. The
 * states behind the key are kept, and nothing is parsed.
 * What tsig_write and tsig_verify make of the same message is compared when
 * a signer is made, so that this is their TSIG and no other.
 */
#ifndef BENCH_SIGNER_H
#define BENCH_SIGNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/sha.h>

#include "dns/name.h"

#define SIGNER_MAC_OCTETS 32
#define SIGNER_NAME_MAX 64 /* octets of a key's name */
#define SIGNER_RECORD_MAX (SIGNER_NAME_MAX + 10 + 13 + 16 + SIGNER_MAC_OCTETS)

struct signer {
	SHA256_CTX inner; /* behind the key */
	SHA256_CTX outer;
	size_t record_len;
	size_t vars_len;
	uint8_t record[SIGNER_RECORD_MAX];
	uint8_t vars[SIGNER_RECORD_MAX]; /* as hashed, RFC 8945 4.3.3 */
};

/* The secret of a key is the SHA-256 of its name, as it is written here. */
void signer_init(struct signer *s, const char *key);

/* Signs len octets and gives the new length. request: the MAC of what is
 * answered, or NULL; mac: the one that was made. */
size_t signer_sign(const struct signer *s, uint8_t *octets, size_t len,
    uint64_t now_s, const uint8_t *request, uint8_t mac[SIGNER_MAC_OCTETS]);

/* mac, if not NULL, gets the one that was found. */
bool signer_verify(const struct signer *s, const uint8_t *octets, size_t len,
    uint64_t now_s, const uint8_t *request, uint8_t *mac);

#endif
