/* SPDX-License-Identifier: ISC */
/* The back end for OpenSSL 3: EVP_MAC. */
#include "dns/hmac.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

struct hmac {
	EVP_MAC_CTX *ctx;
};

static const char *const digests[] = {
    [HASH_MD5] = "MD5",
    [HASH_SHA1] = "SHA1",
    [HASH_SHA224] = "SHA224",
    [HASH_SHA256] = "SHA256",
    [HASH_SHA384] = "SHA384",
    [HASH_SHA512] = "SHA512",
};

static EVP_MAC_CTX *
keyed_context(enum hmac_hash hash, const uint8_t *key, size_t key_len)
{
	/* Without its default context OpenSSL 3.0 would crash. */
	EVP_MAC *mac = OSSL_LIB_CTX_get0_global_default() != NULL
			   ? EVP_MAC_fetch(NULL, "HMAC", NULL)
			   : NULL;
	EVP_MAC_CTX *ctx = mac != NULL ? EVP_MAC_CTX_new(mac) : NULL;
	/* The parameter is not const in OpenSSL, but only read. */
	OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_utf8_string(
		OSSL_MAC_PARAM_DIGEST, (char *)(uintptr_t)digests[hash], 0),
	    OSSL_PARAM_construct_end(),
	};

	EVP_MAC_free(mac);
	if (ctx != NULL && EVP_MAC_init(ctx, key, key_len, params) != 1) {
		EVP_MAC_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}

struct hmac *
hmac_new(enum hmac_hash hash, const uint8_t *key, size_t key_len)
{
	struct hmac *h = OPENSSL_zalloc(sizeof(*h));

	if (h == NULL)
		return NULL;
	h->ctx = keyed_context(hash, key, key_len);
	if (h->ctx == NULL) {
		OPENSSL_free(h);
		return NULL;
	}
	return h;
}

void
hmac_free(struct hmac *h)
{
	if (h == NULL)
		return;
	EVP_MAC_CTX_free(h->ctx);
	OPENSSL_free(h);
}

bool
hmac_compute(struct hmac *h, const struct hmac_part *parts, size_t nparts,
    uint8_t mac[HMAC_MAC_MAX])
{
	size_t len, i;

	/* No key: back to the state right behind the key (reset). */
	if (EVP_MAC_init(h->ctx, NULL, 0, NULL) != 1)
		return false;
	for (i = 0; i < nparts; i++) {
		if (EVP_MAC_update(h->ctx, parts[i].octets, parts[i].len) != 1)
			return false;
	}
	return EVP_MAC_final(h->ctx, mac, &len, HMAC_MAC_MAX) == 1;
}
