/* SPDX-License-Identifier: ISC */
/* dns/hmac: RFC 2202, RFC 4231, the algorithms of RFC 8945 6, and what
 * a context and the comparison have to keep. */
#include "hex.h"

#include <openssl/evp.h>
#include <openssl/opensslv.h>

#include "dns/hmac.h"

#define KEY_MAX 160
#define DATA_MAX 256

#define K25 "0102030405060708090a0b0c0d0e0f10111213141516171819"
#define HI "Hi There"
#define WHAT "what do ya want for nothing?"
#define TRUNC "Test With Truncation"
#define LARGE_KEY "Test Using Larger Than Block-Size Key - Hash Key First"
#define LARGE_BOTH \
	"Test Using Larger Than Block-Size Key and Larger Than One " \
	"Block-Size Data"
#define LARGER_BOTH \
	"This is a test using a larger than block-size key and a larger " \
	"than block-size data. The key needs to be hashed before being " \
	"used by the HMAC algorithm."

static const struct {
	const char *name;
	enum hmac_hash hash;
	const char *key; /* hex; one octet is repeated */
	size_t key_len;
	const char *data;
	size_t repeat; /* of the data's one octet; 0: text */
	const char *mac;
} cases[] = {
    {"RFC 2202 MD5 case 1", HASH_MD5, "0b", 16, HI, 0,
	"9294727a3638bb1c13f48ef8158bfc9d"},
    {"RFC 2202 MD5 case 2", HASH_MD5, "4a656665", 4, WHAT, 0,
	"750c783e6ab0b503eaa86e310a5db738"},
    {"RFC 2202 MD5 case 3", HASH_MD5, "aa", 16, "\xdd", 50,
	"56be34521d144c88dbb8c733f0e8b3f6"},
    {"RFC 2202 MD5 case 4", HASH_MD5, K25, 25, "\xcd", 50,
	"697eaf0aca3a3aea3a75164746ffaa79"},
    {"RFC 2202 MD5 case 5", HASH_MD5, "0c", 16, TRUNC, 0,
	"56461ef2342edc00f9bab995690efd4c"},
    {"RFC 2202 MD5 case 6", HASH_MD5, "aa", 80, LARGE_KEY, 0,
	"6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd"},
    {"RFC 2202 MD5 case 7", HASH_MD5, "aa", 80, LARGE_BOTH, 0,
	"6f630fad67cda0ee1fb1f562db3aa53e"},
    {"RFC 2202 SHA1 case 1", HASH_SHA1, "0b", 20, HI, 0,
	"b617318655057264e28bc0b6fb378c8ef146be00"},
    {"RFC 2202 SHA1 case 2", HASH_SHA1, "4a656665", 4, WHAT, 0,
	"effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
    {"RFC 2202 SHA1 case 3", HASH_SHA1, "aa", 20, "\xdd", 50,
	"125d7342b9ac11cd91a39af48aa17b4f63f175d3"},
    {"RFC 2202 SHA1 case 4", HASH_SHA1, K25, 25, "\xcd", 50,
	"4c9007f4026250c6bc8414f9bf50c86c2d7235da"},
    {"RFC 2202 SHA1 case 5", HASH_SHA1, "0c", 20, TRUNC, 0,
	"4c1a03424b55e07fe7f27be1d58bb9324a9a5a04"},
    {"RFC 2202 SHA1 case 6", HASH_SHA1, "aa", 80, LARGE_KEY, 0,
	"aa4ae5e15272d00e95705637ce8a3b55ed402112"},
    {"RFC 2202 SHA1 case 7", HASH_SHA1, "aa", 80, LARGE_BOTH, 0,
	"e8e99d0f45237d786d6bbaa7965c7808bbff1a91"},
    {"RFC 4231 SHA224 case 1", HASH_SHA224, "0b", 20, HI, 0,
	"896fb1128abbdf196832107cd49df33f47b4b1169912ba4f53684b22"},
    {"RFC 4231 SHA224 case 2", HASH_SHA224, "4a656665", 4, WHAT, 0,
	"a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44"},
    {"RFC 4231 SHA224 case 3", HASH_SHA224, "aa", 20, "\xdd", 50,
	"7fb3cb3588c6c1f6ffa9694d7d6ad2649365b0c1f65d69d1ec8333ea"},
    {"RFC 4231 SHA224 case 4", HASH_SHA224, K25, 25, "\xcd", 50,
	"6c11506874013cac6a2abc1bb382627cec6a90d86efc012de7afec5a"},
    {"RFC 4231 SHA224 case 5", HASH_SHA224, "0c", 20, TRUNC, 0,
	"0e2aea68a90c8d37c988bcdb9fca6fa8099cd857c7ec4a1815cac54c"},
    {"RFC 4231 SHA224 case 6", HASH_SHA224, "aa", 131, LARGE_KEY, 0,
	"95e9a0db962095adaebe9b2d6f0dbce2d499f112f2d2b7273fa6870e"},
    {"RFC 4231 SHA224 case 7", HASH_SHA224, "aa", 131, LARGER_BOTH, 0,
	"3a854166ac5d9f023f54d517d0b39dbd946770db9c2b95c9f6f565d1"},
    {"RFC 4231 SHA256 case 1", HASH_SHA256, "0b", 20, HI, 0,
	"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {"RFC 4231 SHA256 case 2", HASH_SHA256, "4a656665", 4, WHAT, 0,
	"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {"RFC 4231 SHA256 case 3", HASH_SHA256, "aa", 20, "\xdd", 50,
	"773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
    {"RFC 4231 SHA256 case 4", HASH_SHA256, K25, 25, "\xcd", 50,
	"82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
    {"RFC 4231 SHA256 case 5", HASH_SHA256, "0c", 20, TRUNC, 0,
	"a3b6167473100ee06e0c796c2955552bfa6f7c0a6a8aef8b93f860aab0cd20c5"},
    {"RFC 4231 SHA256 case 6", HASH_SHA256, "aa", 131, LARGE_KEY, 0,
	"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    {"RFC 4231 SHA256 case 7", HASH_SHA256, "aa", 131, LARGER_BOTH, 0,
	"9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
    {"RFC 4231 SHA384 case 1", HASH_SHA384, "0b", 20, HI, 0,
	"afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59c"
	"faea9ea9076ede7f4af152e8b2fa9cb6"},
    {"RFC 4231 SHA384 case 2", HASH_SHA384, "4a656665", 4, WHAT, 0,
	"af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
	"8e2240ca5e69e2c78b3239ecfab21649"},
    {"RFC 4231 SHA384 case 3", HASH_SHA384, "aa", 20, "\xdd", 50,
	"88062608d3e6ad8a0aa2ace014c8a86f0aa635d947ac9febe83ef4e55966144b"
	"2a5ab39dc13814b94e3ab6e101a34f27"},
    {"RFC 4231 SHA384 case 4", HASH_SHA384, K25, 25, "\xcd", 50,
	"3e8a69b7783c25851933ab6290af6ca77a9981480850009cc5577c6e1f573b4e"
	"6801dd23c4a7d679ccf8a386c674cffb"},
    {"RFC 4231 SHA384 case 5", HASH_SHA384, "0c", 20, TRUNC, 0,
	"3abf34c3503b2a23a46efc619baef897f4c8e42c934ce55ccbae9740fcbc1af4"
	"ca62269e2a37cd88ba926341efe4aeea"},
    {"RFC 4231 SHA384 case 6", HASH_SHA384, "aa", 131, LARGE_KEY, 0,
	"4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c6"
	"0c2ef6ab4030fe8296248df163f44952"},
    {"RFC 4231 SHA384 case 7", HASH_SHA384, "aa", 131, LARGER_BOTH, 0,
	"6617178e941f020d351e2f254e8fd32c602420feb0b8fb9adccebb82461e99c5"
	"a678cc31e799176d3860e6110c46523e"},
    {"RFC 4231 SHA512 case 1", HASH_SHA512, "0b", 20, HI, 0,
	"87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
	"daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854"},
    {"RFC 4231 SHA512 case 2", HASH_SHA512, "4a656665", 4, WHAT, 0,
	"164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
	"9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"},
    {"RFC 4231 SHA512 case 3", HASH_SHA512, "aa", 20, "\xdd", 50,
	"fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39"
	"bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb"},
    {"RFC 4231 SHA512 case 4", HASH_SHA512, K25, 25, "\xcd", 50,
	"b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3db"
	"a91ca5c11aa25eb4d679275cc5788063a5f19741120c4f2de2adebeb10a298dd"},
    {"RFC 4231 SHA512 case 5", HASH_SHA512, "0c", 20, TRUNC, 0,
	"415fad6271580a531d4179bc891d87a650188707922a4fbb36663a1eb16da008"
	"711c5b50ddd0fc235084eb9d3364a1454fb2ef67cd1d29fe6773068ea266e96b"},
    {"RFC 4231 SHA512 case 6", HASH_SHA512, "aa", 131, LARGE_KEY, 0,
	"80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
	"6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598"},
    {"RFC 4231 SHA512 case 7", HASH_SHA512, "aa", 131, LARGER_BOTH, 0,
	"e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944"
	"b6022cac3c4982b10d5eeb55c3e4de15134676fb6de0446065c97440fa8c6a58"},
    {"MD5 key of 64", HASH_MD5, "42", 64, HI, 0,
	"c1e83f355fa3eee035e8bef7e555428e"},
    {"MD5 key of 65", HASH_MD5, "42", 65, HI, 0,
	"ea7f37b40a33c11b2030976977e911f3"},
    {"SHA1 key of 64", HASH_SHA1, "42", 64, HI, 0,
	"94018dde4f8ed450c52838cc1dfa42e34649a74d"},
    {"SHA1 key of 65", HASH_SHA1, "42", 65, HI, 0,
	"e50f9413c6b34af65494701b02c78367fb645a96"},
    {"SHA224 key of 64", HASH_SHA224, "42", 64, HI, 0,
	"459541983de8a8801d5837b84da3f01dfe5935846c65ea740e2b1e83"},
    {"SHA224 key of 65", HASH_SHA224, "42", 65, HI, 0,
	"a367a279939d58e03397c874f340a7dff4ad3f6298f97e411a647559"},
    {"SHA256 key of 64", HASH_SHA256, "42", 64, HI, 0,
	"c50b139c6ab02566553edbba14699aca823d96e680d95738e22694ea9f928f2e"},
    {"SHA256 key of 65", HASH_SHA256, "42", 65, HI, 0,
	"d096153b0cf69cf16e6b60a2a2e352fb4418bfa5c5b2149884afe066b76203c4"},
    {"SHA384 key of 128", HASH_SHA384, "42", 128, HI, 0,
	"134e19712f678aee0b8a5c4d6078d4d7af846b617a4539ee344e3d528af52180"
	"b496571470feeb90ab5a9864f62a7ac9"},
    {"SHA384 key of 129", HASH_SHA384, "42", 129, HI, 0,
	"5cfe7fd838e5ad62a0e4b90a1cb3bcda6d6ee5b2151212599f3c4a1711886bea"
	"feee57dd62325444f7e0b744c0f6060c"},
    {"SHA512 key of 128", HASH_SHA512, "42", 128, HI, 0,
	"73c9aeaee151b58ec8418d0eb8dece693aa4769fd662451e209666f50e940f50"
	"b5e6202900d4a48fa598568c0a307faa0f26502eecb6a68a3e29d2df202c9c9f"},
    {"SHA512 key of 129", HASH_SHA512, "42", 129, HI, 0,
	"f8bdec51825418cfa4161af5cc501a0f1fbee7c3dab06a68f222ba545a33d86e"
	"ac0d9c555989f1a251874ce28349429c378336863767ddae77175372f6faad7c"},
};

static struct hmac *
case_hmac(size_t i)
{
	uint8_t key[KEY_MAX], *copy;
	size_t len = hex_octets(cases[i].key, key, sizeof(key));
	struct hmac *h;

	if (len == 1)
		memset(key, key[0], cases[i].key_len);
	copy = octets_dup(key, cases[i].key_len);
	h = hmac_new(cases[i].hash, copy, cases[i].key_len);
	/* the context has to have a copy of its own */
	memset(copy, 0, cases[i].key_len);
	free(copy);
	check_row(cases[i].name, h != NULL);
	return h;
}

static size_t
case_data(size_t i, uint8_t data[DATA_MAX])
{
	size_t len = cases[i].repeat;

	if (len > 0) {
		memset(data, (uint8_t)cases[i].data[0], len);
		return len;
	}
	len = strlen(cases[i].data);
	memcpy(data, cases[i].data, len);
	return len;
}

static void
check_mac(size_t i, struct hmac *h, const struct hmac_part *parts, size_t n)
{
	uint8_t mac[HMAC_MAC_MAX];

	memset(mac, 0xa5, sizeof(mac));
	check_row(cases[i].name, hmac_compute(h, parts, n, mac));
	check_row_hex(
	    cases[i].name, mac, strlen(cases[i].mac) / 2, cases[i].mac);
}

static void
test_cases(void **state)
{
	uint8_t data[DATA_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < NELEM(cases); i++) {
		size_t len = case_data(i, data);
		struct hmac_part part = {data, len};
		struct hmac *h = case_hmac(i);

		check_mac(i, h, &part, 1);
		check_mac(i, h, &part, 1); /* the context is as new again */
		hmac_free(h);
	}
}

/* The same MAC wherever the message is cut into parts. */
static void
test_parts(void **state)
{
	uint8_t data[DATA_MAX];
	size_t i, cut;

	(void)state;
	for (i = 0; i < NELEM(cases); i++) {
		size_t len = case_data(i, data);
		struct hmac *h = case_hmac(i);

		for (cut = 0; cut <= len; cut++) {
			struct hmac_part parts[] = {
			    {data, cut}, {data, 0}, {data + cut, len - cut}};

			check_mac(i, h, parts, 3);
		}
		hmac_free(h);
	}
}

/* Messages of several lengths through one context, and none at all. */
static void
test_context_is_reset(void **state)
{
	uint8_t data[DATA_MAX], noise[300], mac[HMAC_MAC_MAX], first[64];
	size_t i, len;

	(void)state;
	memset(noise, 0x5a, sizeof(noise));
	for (i = 0; i < NELEM(cases); i++) {
		size_t data_len = case_data(i, data);
		size_t mac_len = strlen(cases[i].mac) / 2;
		struct hmac_part part = {data, data_len};
		struct hmac *h = case_hmac(i);

		check_row(cases[i].name, hmac_compute(h, NULL, 0, first));
		for (len = 1; len <= sizeof(noise); len += 23) {
			struct hmac_part other = {noise, len};

			check_row(
			    cases[i].name, hmac_compute(h, &other, 1, mac));
			check_row(
			    cases[i].name, memcmp(mac, first, mac_len) != 0);
			check_mac(i, h, &part, 1);
		}
		check_row(cases[i].name, hmac_compute(h, NULL, 0, mac));
		check_row_octets(cases[i].name, mac, mac_len, first, mac_len);
		hmac_free(h);
	}
}

/* All contexts at once: none knows of the others. */
static void
test_contexts_are_apart(void **state)
{
	struct hmac *h[NELEM(cases)];
	uint8_t data[DATA_MAX];
	size_t i, round;

	(void)state;
	for (i = 0; i < NELEM(cases); i++)
		h[i] = case_hmac(i);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < NELEM(cases); i++) {
			struct hmac_part part = {data, case_data(i, data)};

			check_mac(i, h[i], &part, 1);
		}
	}
	for (i = 0; i < NELEM(cases); i++)
		hmac_free(h[i]);
	hmac_free(NULL);
}

/* RFC 8945 6, with the MAC lengths of 5.2.2.1. */
static const struct {
	const char *text, *wire;
	enum hmac_hash hash;
	unsigned mac_len, mac_min;
	bool is_weak;
} algs[] = {
    {"hmac-md5", "hmac-md5.sig-alg.reg.int", HASH_MD5, 16, 10, true},
    {"hmac-sha1", "hmac-sha1", HASH_SHA1, 20, 10, false},
    {"hmac-sha224", "hmac-sha224", HASH_SHA224, 28, 14, false},
    {"hmac-sha256", "hmac-sha256", HASH_SHA256, 32, 16, false},
    {"hmac-sha256-128", "hmac-sha256-128", HASH_SHA256, 16, 16, false},
    {"hmac-sha384", "hmac-sha384", HASH_SHA384, 48, 24, false},
    {"hmac-sha384-192", "hmac-sha384-192", HASH_SHA384, 24, 24, false},
    {"hmac-sha512", "hmac-sha512", HASH_SHA512, 64, 32, false},
    {"hmac-sha512-256", "hmac-sha512-256", HASH_SHA512, 32, 32, false},
};

static void
test_algorithms(void **state)
{
	struct name wire;
	size_t i;

	(void)state;
	for (i = 0; i < NELEM(algs); i++) {
		const char *text = algs[i].text;
		const struct hmac_alg *alg = hmac_alg_by_text(text);

		check_row(text, alg != NULL);
		assert_string_equal(alg->text, text);
		check_row(text, name_from_text(algs[i].wire, &wire));
		check_row_octets(text, alg->wire.octets, alg->wire.len,
		    wire.octets, wire.len);
		check_row_int(text, alg->hash, algs[i].hash);
		check_row_int(text, alg->mac_len, algs[i].mac_len);
		check_row_int(text, alg->mac_min, algs[i].mac_min);
		check_row_int(text, alg->is_weak, algs[i].is_weak);
	}
}

/* Each algorithm once, and none besides. */
static void
test_algorithm_list(void **state)
{
	const struct hmac_alg *alg = NULL;
	unsigned seen = 0;
	size_t n = 0;

	(void)state;
	while ((alg = hmac_alg_next(alg)) != NULL) {
		size_t i;

		check_row(alg->text, hmac_alg_by_text(alg->text) == alg);
		for (i = 0; i < NELEM(algs); i++) {
			if (strcmp(algs[i].text, alg->text) == 0)
				seen |= 1u << i;
		}
		check_row(alg->text, ++n <= NELEM(algs));
	}
	assert_int_equal(seen, (1u << NELEM(algs)) - 1);
}

static void
test_unknown_algorithms(void **state)
{
	static const char *const texts[] = {"", "hmac", "hmac-sha", "sha256",
	    "hmac-foo", "gss-tsig", "hmac-sha2560", "hmac-sha256.",
	    "hmac-sha256-64", "hmac-sha512/256", "hmac-sha1-96",
	    "hmac-md5.sig-alg.reg.int"};
	size_t i;

	(void)state;
	for (i = 0; i < NELEM(texts); i++)
		check_row(texts[i], hmac_alg_by_text(texts[i]) == NULL);
}

/* T7: every single bit, at every length; octets behind it do not count. */
static void
test_is_equal(void **state)
{
	uint8_t a[HMAC_MAC_MAX + 1], b[HMAC_MAC_MAX + 1];
	size_t len, bit;

	(void)state;
	for (len = 0; len <= HMAC_MAC_MAX; len++) {
		memset(a, 0x5a, sizeof(a));
		memset(b, 0x5a, sizeof(b));
		b[len] = 0;
		check_row("equal", hmac_is_equal(a, b, len));
		for (bit = 0; bit < 8 * len; bit++) {
			b[bit / 8] ^= (uint8_t)(1u << bit % 8);
			check_row("one bit", !hmac_is_equal(a, b, len));
			check_row("one bit", !hmac_is_equal(b, a, len));
			b[bit / 8] = 0x5a;
		}
	}
}

#if OPENSSL_VERSION_NUMBER >= 0x30000000L
/* Where the library refuses the algorithm, there is no context. */
static void
test_refused(void **state)
{
	static const uint8_t key[32];
	struct hmac *h;

	(void)state;
	assert_int_equal(EVP_default_properties_enable_fips(NULL, 1), 1);
	h = hmac_new(HASH_SHA256, key, sizeof(key));
	assert_int_equal(EVP_default_properties_enable_fips(NULL, 0), 1);
	assert_null(h);
	hmac_free(NULL);
	h = hmac_new(HASH_SHA256, key, sizeof(key));
	assert_non_null(h);
	hmac_free(h);
}
#endif

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_context_is_reset),
		cmocka_unit_test(test_contexts_are_apart),
		cmocka_unit_test(test_algorithms),
		cmocka_unit_test(test_algorithm_list),
		cmocka_unit_test(test_unknown_algorithms),
		cmocka_unit_test(test_is_equal),
#if OPENSSL_VERSION_NUMBER >= 0x30000000L
		cmocka_unit_test(test_refused),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
