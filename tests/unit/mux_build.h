/* SPDX-License-Identifier: ISC */
/*
 * For the unit tests of src/mux: keys and messages. Messages are signed
 * by code of its own, so that dns/tsig.c is not tested against itself.
 */
#ifndef UNIT_MUX_BUILD_H
#define UNIT_MUX_BUILD_H

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <stdlib.h>
#include <strings.h>

#include "conf/conf.h"
#include "dns/dns.h"
#include "hex.h"
#include "mux/inbound.h"

#define BUILD_NOW 1700000000
#define BUILD_SECRET_OCTETS 64
#define BUILD_OCTETS_MAX 66000

/* Pieces of messages. The golden one adds h1.example.test. A. */
#define ZONE \
	"076578616d706c65047465737400" \
	"00060001"
#define H1 "026831076578616d706c65047465737400"
#define A_RDATA "0004c0000201"
#define ADD_A H1 "00010001 0000003c" A_RDATA
#define GOLDEN "beef2800 0001000000010000" ZONE ADD_A

/* Which secret: the golden one, the octets 00 .. 3f, or another. */
static inline void
build_secret(bool is_other, uint8_t secret[BUILD_SECRET_OCTETS])
{
	size_t i;

	for (i = 0; i < BUILD_SECRET_OCTETS; i++)
		secret[i] = (uint8_t)(is_other ? 0xff - i : i);
}

static inline void
build_name(const char *text, struct name *n)
{
	if (!name_from_text(text, n))
		fail_msg("bad name in a test: %s", text);
}

/* A name of len octets below "test.": labels of 63, then what is left. */
static inline void
build_long_name(size_t len, struct name *n)
{
	size_t at = 0, left = len - 6;

	while (left > 0) {
		size_t label = left > 65 ? 63 : left - 1;

		if (left == 65)
			label = 30;
		n->octets[at] = (uint8_t)label;
		memset(n->octets + at + 1, 'a', label);
		at += label + 1;
		left -= label + 1;
	}
	memcpy(n->octets + at, "\004test", 6);
	n->len = (uint8_t)len;
}

/* mac_min 0: the whole MAC. */
static inline void
build_tsig(
    struct conf_tsig *t, const char *name, const char *alg, uint8_t mac_min)
{
	memset(t, 0, sizeof(*t));
	build_name(name, &t->name);
	t->alg = hmac_alg_by_text(alg);
	assert_non_null(t->alg);
	t->mac_min = mac_min != 0 ? mac_min : t->alg->mac_len;
}

static inline struct hmac *
build_hmac(const struct conf_tsig *t, bool is_other)
{
	uint8_t secret[BUILD_SECRET_OCTETS];
	struct hmac *h;

	build_secret(is_other, secret);
	h = hmac_new(t->alg->hash, secret, sizeof(secret));
	assert_non_null(h);
	return h;
}

static inline void
build_zones(struct zone_set *set, const char *text)
{
	set->names = malloc(sizeof(*set->names));
	assert_non_null(set->names);
	build_name(text, &set->names[0]);
	set->count = 1;
}

struct build_alg {
	const char *name; /* as on the wire */
	const char *md;
	uint8_t mac_len;
};

static inline const struct build_alg *
build_alg(const char *name)
{
	static const struct build_alg algs[] = {
	    {"hmac-md5.sig-alg.reg.int", "MD5", 16},
	    {"hmac-sha1", "SHA1", 20},
	    {"hmac-sha224", "SHA224", 28},
	    {"hmac-sha256", "SHA256", 32},
	    {"hmac-sha256-128", "SHA256", 16},
	    {"hmac-sha384", "SHA384", 48},
	    {"hmac-sha384-192", "SHA384", 24},
	    {"hmac-sha512", "SHA512", 64},
	    {"hmac-sha512-256", "SHA512", 32},
	};
	size_t i;

	for (i = 0; i < NELEM(algs); i++) {
		if (strcasecmp(algs[i].name, name) == 0)
			return &algs[i];
	}
	return &algs[3];
}

/* A TSIG record: all zero is what the golden message has. */
struct seal {
	bool is_missing;
	bool other_secret;
	const char *key; /* key.example */
	const char *alg; /* hmac-sha256 */
	const struct name *key_name; /* instead of key */
	bool is_lower; /* both written so */
	const char *key_hex; /* written so, hashed as key */
	const char *alg_hex; /* likewise */
	long long time_off; /* from BUILD_NOW */
	int fudge_off; /* from 300 */
	int id_off; /* Original ID minus header ID */
	bool is_header_id_hashed;
	int arcount_off; /* as hashed */
	int mac_len; /* 0: whole; -1: empty */
	bool is_mac_flipped;
	unsigned error;
	const char *other; /* Other Data in hex */
	bool is_class_in, is_class_in_hashed;
	unsigned ttl, ttl_hashed;
	int rdlen_off, mac_len_off, other_len_off; /* lies */
};

#define BUILD_NO_SEAL \
	{ \
		.is_missing = true \
	}

struct build_out {
	uint8_t *octets;
	size_t len;
};

static inline void
build_put(struct build_out *o, const void *octets, size_t len)
{
	memcpy(o->octets + o->len, octets, len);
	o->len += len;
}

static inline void
build_uint(struct build_out *o, uint64_t v, unsigned len)
{
	while (len-- > 0)
		o->octets[o->len++] = (uint8_t)(v >> (8 * len));
}

static inline unsigned
build_u16_at(const uint8_t *octets, size_t at)
{
	return (unsigned)octets[at] << 8 | octets[at + 1];
}

static inline void
build_patch(uint8_t *octets, size_t at, unsigned v)
{
	octets[at] = (uint8_t)(v >> 8);
	octets[at + 1] = (uint8_t)v;
}

static inline void
build_hex(struct build_out *o, const char *hex)
{
	o->len += hex_octets(hex, o->octets + o->len, 1024);
}

/* An update with one opaque record, len octets before its additional. */
static inline void
build_large(struct build_out *o, size_t len)
{
	o->len = 0;
	build_hex(o, "beef2800 0001000000010000" ZONE "c00c ff000001 0000003c");
	build_uint(o, len - o->len - 2, 2);
	memset(o->octets + o->len, 0xc0, len - o->len);
	o->len = len;
}

static inline void
build_seal_names(const struct seal *s, struct name *key, struct name *alg)
{
	build_name(s->key != NULL ? s->key : "key.example", key);
	if (s->key_name != NULL)
		*key = *s->key_name;
	build_name(s->alg != NULL ? s->alg : "hmac-sha256", alg);
	if (!s->is_lower)
		return;
	name_lower(key);
	name_lower(alg);
}

/* The octets that RFC 8945 4.3 has hashed for this record. */
static inline void
build_digest_input(struct build_out *d, const struct build_out *msg,
    const struct seal *s, const struct mac *request)
{
	unsigned id = build_u16_at(msg->octets, 0);
	struct name key, alg;

	d->len = 0;
	if (request != NULL && request->len > 0) {
		build_uint(d, request->len, 2);
		build_put(d, request->octets, request->len);
	}
	build_uint(
	    d, s->is_header_id_hashed ? id : id + (unsigned)s->id_off, 2);
	build_put(d, msg->octets + 2, 8);
	build_uint(
	    d, build_u16_at(msg->octets, 10) + (unsigned)s->arcount_off, 2);
	build_put(d, msg->octets + 12, msg->len - 12);
	build_seal_names(s, &key, &alg);
	name_lower(&key);
	name_lower(&alg);
	build_put(d, key.octets, key.len);
	build_uint(d, s->is_class_in_hashed ? CLASS_IN : CLASS_ANY, 2);
	build_uint(d, s->ttl_hashed, 4);
	build_put(d, alg.octets, alg.len);
	build_uint(d, (uint64_t)(BUILD_NOW + s->time_off), 6);
	build_uint(d, (uint64_t)(300 + s->fudge_off), 2);
	build_uint(d, s->error, 2);
	build_uint(d, s->other != NULL ? strlen(s->other) / 2 : 0, 2);
	build_hex(d, s->other != NULL ? s->other : "");
}

static inline void
build_mac(const struct build_out *msg, const struct seal *s,
    const struct mac *request, struct mac *mac)
{
	const struct build_alg *alg =
	    build_alg(s->alg != NULL ? s->alg : "hmac-sha256");
	uint8_t secret[BUILD_SECRET_OCTETS];
	static uint8_t input[BUILD_OCTETS_MAX + 2048];
	struct build_out d = {input, 0};

	memset(mac, 0, sizeof(*mac));
	build_secret(s->other_secret, secret);
	build_digest_input(&d, msg, s, request);
	assert_non_null(HMAC(EVP_get_digestbyname(alg->md), secret,
	    sizeof(secret), d.octets, d.len, mac->octets, NULL));
	mac->len = s->mac_len == 0  ? alg->mac_len
		   : s->mac_len < 0 ? 0
				    : (uint8_t)s->mac_len;
	if (s->is_mac_flipped)
		mac->octets[mac->len - 1] ^= 1;
}

static inline void
build_seal_rdata(struct build_out *o, const struct seal *s,
    const struct name *alg, const struct mac *mac)
{
	size_t other_len = s->other != NULL ? strlen(s->other) / 2 : 0;

	if (s->alg_hex != NULL)
		build_hex(o, s->alg_hex);
	else
		build_put(o, alg->octets, alg->len);
	build_uint(o, (uint64_t)(BUILD_NOW + s->time_off), 6);
	build_uint(o, (uint64_t)(300 + s->fudge_off), 2);
	build_uint(o, (uint64_t)(mac->len + s->mac_len_off), 2);
	build_put(o, mac->octets, mac->len);
	build_uint(o, build_u16_at(o->octets, 0) + (unsigned)s->id_off, 2);
	build_uint(o, s->error, 2);
	build_uint(o, other_len + (unsigned)s->other_len_off, 2);
	build_hex(o, s->other != NULL ? s->other : "");
}

/* Appends the TSIG record and counts it; mac is what was sent. */
static inline void
build_seal(struct build_out *o, const struct seal *s, const struct mac *request,
    struct mac *mac)
{
	struct name key, alg;
	size_t rdlen_at;

	mac->len = 0;
	if (s->is_missing)
		return;
	build_mac(o, s, request, mac);
	build_seal_names(s, &key, &alg);
	if (s->key_hex != NULL)
		build_hex(o, s->key_hex);
	else
		build_put(o, key.octets, key.len);
	build_uint(o, TYPE_TSIG, 2);
	build_uint(o, s->is_class_in ? CLASS_IN : CLASS_ANY, 2);
	build_uint(o, s->ttl, 4);
	rdlen_at = o->len;
	o->len += 2;
	build_seal_rdata(o, s, &alg, mac);
	build_patch(o->octets, rdlen_at,
	    (unsigned)((int)(o->len - rdlen_at - 2) + s->rdlen_off));
	build_patch(o->octets, 10, build_u16_at(o->octets, 10) + 1);
}

/* May this bit be flipped? Case in the names of the TSIG record is no
 * difference, the header ID is no part of what is signed (T28, T32). */
static inline bool
build_is_harmless(const struct build_out *o, size_t tsig_start, size_t bit)
{
	size_t at = bit / 8, label = tsig_start;
	size_t names;

	if (at < 2)
		return true;
	if (bit % 8 != 5 || at < tsig_start)
		return false;
	for (names = 0; names < 2; names++) {
		for (; o->octets[label] != 0; label += o->octets[label] + 1u) {
			uint8_t c = o->octets[at] | 0x20;

			if (at > label && at <= label + o->octets[label])
				return c >= 'a' && c <= 'z';
		}
		label += 11;
	}
	return false;
}

/* What verify_message leaves behind for an accepted message. */
static inline void
build_inbound(struct inbound *in, const uint8_t *octets, size_t len)
{
	memset(in, 0, sizeof(*in));
	in->octets = octets;
	in->len = len;
	assert_int_equal(msg_parse(octets, len, &in->msg), MSG_OK);
	if (in->msg.tsig_start == 0)
		return;
	assert_true(tsig_parse(octets, len, in->msg.tsig_start, &in->tsig));
	in->has_tsig = true;
	in->request_mac.len = (uint8_t)in->tsig.mac_len;
	memcpy(in->request_mac.octets, in->tsig.mac, in->tsig.mac_len);
}

#endif
