/* SPDX-License-Identifier: ISC */
/* The back end for LibreSSL and OpenSSL 1.1: HMAC_CTX. */
#include "dns/hmac.h"

/* Deprecated by OpenSSL 3, where this file is only built to be tested. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <limits.h>

struct hmac {
	HMAC_CTX *ctx;
};

static const EVP_MD *
digest(enum hmac_hash hash)
{
	switch (hash) {
	case HASH_MD5:
		return EVP_md5();
	case HASH_SHA1:
		return EVP_sha1();
	case HASH_SHA224:
		return EVP_sha224();
	case HASH_SHA256:
		return EVP_sha256();
	case HASH_SHA384:
		return EVP_sha384();
	case HASH_SHA512:
		return EVP_sha512();
	}
	return NULL;
}

struct hmac *
hmac_new(enum hmac_hash hash, const uint8_t *key, size_t key_len)
{
	struct hmac *h;

	if (key_len > INT_MAX || (h = OPENSSL_malloc(sizeof(*h))) == NULL)
		return NULL;
	h->ctx = HMAC_CTX_new();
	if (h->ctx == NULL ||
	    HMAC_Init_ex(h->ctx, key, (int)key_len, digest(hash), NULL) != 1) {
		hmac_free(h);
		return NULL;
	}
	return h;
}

void
hmac_free(struct hmac *h)
{
	if (h == NULL)
		return;
	HMAC_CTX_free(h->ctx);
	OPENSSL_free(h);
}

bool
hmac_compute(struct hmac *h, const struct hmac_part *parts, size_t nparts,
    uint8_t mac[HMAC_MAC_MAX])
{
	unsigned len;
	size_t i;

	/* No key: back to the state right behind the key (reset). */
	if (HMAC_Init_ex(h->ctx, NULL, 0, NULL, NULL) != 1)
		return false;
	for (i = 0; i < nparts; i++) {
		if (HMAC_Update(h->ctx, parts[i].octets, parts[i].len) != 1)
			return false;
	}
	return HMAC_Final(h->ctx, mac, &len) == 1;
}
