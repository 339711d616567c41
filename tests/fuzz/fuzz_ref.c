/* SPDX-License-Identifier: ISC */
/* The second opinion, and the TSIG records made to order. */
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fuzz.h"

#define TYPE_TSIG 250
#define CLASS_ANY 255
#define POINTERS 127
/* A key name, an algorithm name and all the rest of a record. */
#define RECORD_MAX 1024

unsigned
ref_u16(const uint8_t *octets, size_t at)
{
	return (unsigned)octets[at] * 256 + octets[at + 1];
}

void
ref_lower(struct ref_name *n)
{
	size_t i;

	for (i = 0; i < n->len; i++) {
		if (n->octets[i] >= 'A' && n->octets[i] <= 'Z')
			n->octets[i] |= 0x20;
	}
}

bool
ref_same_octets(const struct ref_name *a, const struct name *b)
{
	return a->len == b->len && memcmp(a->octets, b->octets, a->len) == 0;
}

/* The part of a name that begins at start; what a pointer in it leads to
 * ends where that part begins. */
static size_t
read_part(const uint8_t *octets, size_t start, size_t end, unsigned pointers,
    struct ref_name *out)
{
	size_t pos = start, target;

	while (pos < end && octets[pos] != 0 && octets[pos] < 64) {
		size_t n = octets[pos] + 1u;

		if (n > end - pos || out->len + n >= NAME_OCTETS_MAX)
			return 0;
		memcpy(out->octets + out->len, octets + pos, n);
		out->len += n;
		pos += n;
	}
	if (pos < end && octets[pos] == 0) {
		out->octets[out->len++] = 0;
		return pos + 1;
	}
	if (end - pos < 2 || octets[pos] < 192 || pointers == POINTERS)
		return 0;
	target = ref_u16(octets, pos) - 192u * 256;
	if (target < 12 || target >= start ||
	    read_part(octets, target, start, pointers + 1, out) == 0)
		return 0;
	return pos + 2;
}

size_t
ref_read_name(
    const uint8_t *octets, size_t pos, size_t end, struct ref_name *out)
{
	out->len = 0;
	return read_part(octets, pos, end, 0, out);
}

size_t
ref_read_rr(const uint8_t *octets, size_t pos, size_t end, struct ref_rr *rr)
{
	rr->start = pos;
	pos = ref_read_name(octets, pos, end, &rr->owner);
	if (pos == 0 || end - pos < 10)
		return 0;
	rr->type = ref_u16(octets, pos);
	rr->class = ref_u16(octets, pos + 2);
	rr->ttl = ref_u16(octets, pos + 4) * UINT32_C(65536) +
		  ref_u16(octets, pos + 6);
	rr->rdata = pos + 10;
	if (end - rr->rdata < ref_u16(octets, pos + 8))
		return 0;
	rr->end = rr->rdata + ref_u16(octets, pos + 8);
	return rr->end;
}

static size_t
read_section(const uint8_t *octets, size_t pos, size_t len, unsigned section,
    struct ref_msg *m)
{
	unsigned count = ref_u16(octets, 4 + 2 * section), i;
	struct ref_name name;
	struct ref_rr rr;

	for (i = 1; i <= count && pos != 0; i++) {
		if (section == 0) {
			pos = ref_read_name(octets, pos, len, &name);
			pos = pos != 0 && len - pos >= 4 ? pos + 4 : 0;
			continue;
		}
		pos = ref_read_rr(octets, pos, len, &rr);
		if (pos == 0 || rr.type != TYPE_TSIG)
			continue;
		if (section != 3 || i != count)
			return 0;
		m->tsig = rr.start;
	}
	return pos;
}

bool
ref_read_msg(const uint8_t *octets, size_t len, struct ref_msg *m)
{
	unsigned section;
	size_t pos = 12;

	m->tsig = 0;
	if (len < 12 || len > FUZZ_OCTETS_MAX)
		return false;
	for (section = 0; section < 4 && pos != 0; section++) {
		m->start[section] = pos;
		pos = read_section(octets, pos, len, section, m);
	}
	m->start[4] = pos;
	return pos == len;
}

static uint64_t
read_u48(const uint8_t *octets)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < 6; i++)
		v = v * 256 + octets[i];
	return v;
}

bool
ref_read_tsig(
    const uint8_t *octets, size_t len, size_t start, struct ref_tsig *t)
{
	struct ref_rr rr;
	size_t pos;

	if (ref_read_rr(octets, start, len, &rr) != len ||
	    rr.type != TYPE_TSIG || rr.class != CLASS_ANY || rr.ttl != 0)
		return false;
	t->key = rr.owner;
	ref_lower(&t->key);
	pos = ref_read_name(octets, rr.rdata, rr.end, &t->alg);
	ref_lower(&t->alg);
	if (pos == 0 || len - pos < 16)
		return false;
	t->fixed = octets + pos;
	t->time_signed = read_u48(octets + pos);
	t->fudge = ref_u16(octets, pos + 6);
	t->mac_len = ref_u16(octets, pos + 8);
	t->mac = octets + pos + 10;
	if (len - pos - 16 < t->mac_len)
		return false;
	pos += 10 + t->mac_len;
	t->original_id = ref_u16(octets, pos);
	t->error = ref_u16(octets, pos + 2);
	t->other = octets + pos + 2;
	t->other_len = ref_u16(octets, pos + 4);
	return len - pos - 6 == t->other_len;
}

/* Octets to be hashed, and to be sent. */
struct out {
	uint8_t *octets;
	size_t len;
};

static void
put(struct out *o, const void *octets, size_t len)
{
	if (len > 0)
		memcpy(o->octets + o->len, octets, len);
	o->len += len;
}

static void
put_uint(struct out *o, uint64_t v, unsigned len)
{
	while (len-- > 0)
		o->octets[o->len++] = (uint8_t)(v >> (8 * len));
}

/* RFC 8945 4.3: the message before the TSIG record, and the variables. */
static struct out
begin_digest(const uint8_t *octets, size_t len, unsigned id, unsigned arcount,
    const uint8_t *request, size_t request_len)
{
	static uint8_t buf[2 * FUZZ_OCTETS_MAX + 4 * RECORD_MAX];
	struct out o = {buf, 0};

	if (request_len > 0) {
		put_uint(&o, request_len, 2);
		put(&o, request, request_len);
	}
	put_uint(&o, id, 2);
	put(&o, octets + 2, 8);
	put_uint(&o, arcount, 2);
	put(&o, octets + 12, len - 12);
	return o;
}

static void
finish(const struct out *o, const struct fuzz_key *key, bool is_other,
    uint8_t mac[EVP_MAX_MD_SIZE])
{
	uint8_t secret[FUZZ_SECRET_OCTETS];

	fuzz_secret(key, secret);
	secret[0] ^= is_other;
	FUZZ_CHECK(HMAC(EVP_get_digestbyname(key->md), secret, sizeof(secret),
		       o->octets, o->len, mac, NULL) != NULL);
}

static bool
is_wire(const struct ref_name *n, const char *wire)
{
	return n->len == strlen(wire) + 1 &&
	       memcmp(n->octets, wire, n->len) == 0;
}

static const struct fuzz_key *
find_key(const struct ref_tsig *t)
{
	size_t i;

	for (i = 0; i < FUZZ_KEYS; i++) {
		if (is_wire(&t->key, fuzz_keys[i].name) &&
		    is_wire(&t->alg, fuzz_keys[i].alg))
			return &fuzz_keys[i];
	}
	return NULL;
}

const struct fuzz_key *
ref_signer(const uint8_t *octets, size_t len, const uint8_t *request,
    size_t request_len, struct ref_tsig *t)
{
	uint8_t mac[EVP_MAX_MD_SIZE];
	const struct fuzz_key *key;
	struct ref_msg m;
	struct out o;

	if (!ref_read_msg(octets, len, &m) || m.tsig == 0 ||
	    !ref_read_tsig(octets, len, m.tsig, t))
		return NULL;
	key = find_key(t);
	if (key == NULL || t->mac_len < key->alg_min ||
	    t->mac_len > key->mac_len)
		return NULL;
	o = begin_digest(octets, m.tsig, t->original_id,
	    ref_u16(octets, 10) - 1, request, request_len);
	put(&o, t->key.octets, t->key.len);
	put(&o, "\0\377\0\0\0\0", 6);
	put(&o, t->alg.octets, t->alg.len);
	put(&o, t->fixed, 8);
	put(&o, t->other, 4 + t->other_len);
	finish(&o, key, false, mac);
	return memcmp(mac, t->mac, t->mac_len) == 0 ? key : NULL;
}

void
fuzz_seal_read(const uint8_t octets[FUZZ_SEAL_OCTETS], struct fuzz_seal *s)
{
	static const int64_t shifts[] = {
	    0, 1, -300, 300, -301, 601, 3600, -FUZZ_NOW};
	static const unsigned fudges[] = {300, 0, 65535, 3600};
	static const unsigned errors[] = {0, 0, 0, 16, 17, 18, 22, 1};
	static const size_t others[] = {0, 0, 6, 1};
	unsigned a = octets[0], b = octets[1], c = octets[2];
	size_t full;

	s->is_signed = a & 1;
	s->is_tcp = a & 2;
	s->is_near = a & 4;
	s->key = &fuzz_keys[a >> 3 & 7];
	s->is_upper = a & 64;
	s->is_corrupt = a & 128;
	s->time_signed = (uint64_t)(FUZZ_NOW + shifts[b & 7]);
	full = s->key->mac_len;
	s->mac_len = (const size_t[]){full, full, full, s->key->mac_min,
	    s->key->mac_min - 1, s->key->alg_min, 0, full + 1}[b >> 3 & 7];
	s->fudge = fudges[b >> 6];
	s->error = errors[c & 7];
	s->id_xor = c & 8 ? 0x5a5a : 0;
	s->other_len = others[c >> 4 & 3];
	s->is_other_request = c & 64;
	s->is_other_secret = c & 128;
}

static void
put_variables(struct out *o, const struct fuzz_seal *s, bool is_record)
{
	size_t i, at = o->len;

	put(o, s->key->name, strlen(s->key->name) + 1);
	if (is_record)
		put_uint(o, TYPE_TSIG, 2);
	put(o, "\0\377\0\0\0\0", 6);
	if (is_record)
		put_uint(
		    o, strlen(s->key->alg) + 17 + s->mac_len + s->other_len, 2);
	for (i = at; is_record && s->is_upper && i < o->len; i++) {
		if (o->octets[i] >= 'a' && o->octets[i] <= 'z')
			o->octets[i] &= 0xdf;
	}
	put(o, s->key->alg, strlen(s->key->alg) + 1);
	put_uint(o, s->time_signed, 6);
	put_uint(o, s->fudge, 2);
}

static void
put_error(struct out *o, const struct fuzz_seal *s)
{
	put_uint(o, s->error, 2);
	put_uint(o, s->other_len, 2);
	put_uint(o, FUZZ_NOW, (unsigned)s->other_len);
}

uint8_t *
fuzz_sign(const uint8_t *body, size_t body_len, const struct fuzz_seal *s,
    const uint8_t *request, size_t request_len, size_t *len)
{
	static uint8_t buf[FUZZ_OCTETS_MAX + RECORD_MAX];
	uint8_t mac[EVP_MAX_MD_SIZE + 1] = {0};
	struct out o = {buf, 0}, d;
	unsigned id, arcount;

	*len = body_len;
	if (!s->is_signed || body_len < 12 ||
	    body_len > FUZZ_OCTETS_MAX - RECORD_MAX)
		return fuzz_copy(body, body_len);
	id = ref_u16(body, 0) ^ s->id_xor;
	arcount = ref_u16(body, 10);
	d = begin_digest(body, body_len, id, arcount, request,
	    s->is_other_request ? 0 : request_len);
	put_variables(&d, s, false);
	put_error(&d, s);
	finish(&d, s->key, s->is_other_secret, mac);
	mac[0] ^= s->is_corrupt;
	put(&o, body, 10);
	put_uint(&o, arcount + 1, 2);
	put(&o, body + 12, body_len - 12);
	put_variables(&o, s, true);
	put_uint(&o, s->mac_len, 2);
	put(&o, mac, s->mac_len);
	put_uint(&o, id, 2);
	put_error(&o, s);
	*len = o.len;
	return fuzz_copy(o.octets, o.len);
}
