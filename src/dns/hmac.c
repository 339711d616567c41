/* SPDX-License-Identifier: ISC */
#include "dns/hmac.h"

#include <strings.h>

#include <openssl/crypto.h>

/* RFC 8945 6. The shortest MAC is max(10, half of the hash), 5.2.2.1. */
static const struct hmac_alg algs[] = {
    {"hmac-sha256", {13, "\013hmac-sha256"}, HASH_SHA256, 32, 16, false},
    {"hmac-sha384", {13, "\013hmac-sha384"}, HASH_SHA384, 48, 24, false},
    {"hmac-sha512", {13, "\013hmac-sha512"}, HASH_SHA512, 64, 32, false},
    {"hmac-sha224", {13, "\013hmac-sha224"}, HASH_SHA224, 28, 14, false},
    {"hmac-sha1", {11, "\011hmac-sha1"}, HASH_SHA1, 20, 10, false},
    {"hmac-sha256-128", {17, "\017hmac-sha256-128"}, HASH_SHA256, 16, 16,
	false},
    {"hmac-sha384-192", {17, "\017hmac-sha384-192"}, HASH_SHA384, 24, 24,
	false},
    {"hmac-sha512-256", {17, "\017hmac-sha512-256"}, HASH_SHA512, 32, 32,
	false},
    {"hmac-md5", {26, "\010hmac-md5\007sig-alg\003reg\003int"}, HASH_MD5, 16,
	10, true},
};

#define NALGS (sizeof(algs) / sizeof(algs[0]))

const struct hmac_alg *
hmac_alg_by_text(const char *text)
{
	size_t i;

	for (i = 0; i < NALGS; i++) {
		if (strcasecmp(text, algs[i].text) == 0)
			return &algs[i];
	}
	return NULL;
}

const struct hmac_alg *
hmac_alg_next(const struct hmac_alg *alg)
{
	if (alg == NULL)
		return &algs[0];
	return alg + 1 < algs + NALGS ? alg + 1 : NULL;
}

bool
hmac_is_equal(const uint8_t *a, const uint8_t *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}
