/* SPDX-License-Identifier: ISC */
/*
 * For libFuzzer and the targets that take a message: mutates one field of
 * one record, and mends the lengths and counts; every other time the TSIG
 * record is made anew. What is no message is mutated as octets.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#define RECORDS_MAX 64
#define RDATA_MAX 300
#define HEADER 12
#define TYPE_TSIG 250

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(
    uint8_t *data, size_t size, size_t max, unsigned seed);

struct record {
	unsigned section;
	struct ref_rr rr;
	const uint8_t *rdata;
	size_t len;
};

struct doc {
	uint8_t head[HEADER];
	const uint8_t *zone; /* the section, as it is */
	size_t zone_len;
	struct ref_name apex;
	struct record records[RECORDS_MAX];
	size_t count;
};

static uint64_t state;

static unsigned
below(unsigned n)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)((state >> 33) % n);
}

static bool
read_doc(const uint8_t *octets, size_t len, struct doc *d)
{
	struct ref_msg m;
	unsigned section = 1;
	size_t pos;

	if (!ref_read_msg(octets, len, &m))
		return false;
	memcpy(d->head, octets, HEADER);
	d->zone = octets + HEADER;
	d->zone_len = m.start[1] - HEADER;
	if (ref_u16(octets, 4) != 1 ||
	    ref_read_name(octets, HEADER, len, &d->apex) == 0)
		d->apex.len = 0;
	d->count = 0;
	for (pos = m.start[1]; pos < len;) {
		struct record *r = &d->records[d->count++];

		while (section < 3 && pos >= m.start[section + 1])
			section++;
		pos = ref_read_rr(octets, pos, len, &r->rr);
		r->section = section;
		r->rdata = octets + r->rr.rdata;
		r->len = r->rr.end - r->rr.rdata;
		if (d->count == RECORDS_MAX)
			return false;
	}
	return d->count > 0;
}

/* In full, or with a pointer to the zone. */
static size_t
put_owner(uint8_t *out, const struct ref_name *n, const struct ref_name *apex)
{
	size_t head = n->len - apex->len;

	if (apex->len < 2 || n->len < apex->len ||
	    memcmp(n->octets + head, apex->octets, apex->len) != 0 ||
	    below(4) == 0) {
		memcpy(out, n->octets, n->len);
		return n->len;
	}
	memcpy(out, n->octets, head);
	memcpy(out + head, "\300\014", 2);
	return head + 2;
}

static void
put_u16(uint8_t *out, size_t v)
{
	out[0] = (uint8_t)(v >> 8);
	out[1] = (uint8_t)v;
}

/* Sound, whatever has been changed: as many records as it says, and
 * nothing else. */
static void
check_sound(const struct doc *d, const uint8_t *octets, size_t len)
{
	size_t pos = HEADER + d->zone_len, i;
	struct ref_rr rr;

	for (i = 0; i < d->count; i++) {
		pos = ref_read_rr(octets, pos, len, &rr);
		FUZZ_CHECK(pos != 0);
	}
	FUZZ_CHECK(pos == len && d->count == ref_u16(octets, 6) +
						 ref_u16(octets, 8) +
						 ref_u16(octets, 10));
}

/* Gives the length; 0 if there is no room. */
static size_t
write_doc(const struct doc *d, uint8_t *out, size_t max)
{
	size_t at = HEADER + d->zone_len, i, counts[4] = {0};
	unsigned section;

	if (at > max)
		return 0;
	memcpy(out, d->head, HEADER);
	memcpy(out + HEADER, d->zone, d->zone_len);
	for (section = 1; section <= 3; section++) {
		for (i = 0; i < d->count; i++) {
			const struct record *r = &d->records[i];

			if (r->section != section)
				continue;
			if (max - at < r->rr.owner.len + 10 + r->len)
				return 0;
			at += put_owner(out + at, &r->rr.owner, &d->apex);
			put_u16(out + at, r->rr.type);
			put_u16(out + at + 2, r->rr.class);
			put_u16(out + at + 4, r->rr.ttl >> 16);
			put_u16(out + at + 6, r->rr.ttl & 0xffff);
			put_u16(out + at + 8, r->len);
			memcpy(out + at + 10, r->rdata, r->len);
			at += 10 + r->len;
			counts[section]++;
		}
		put_u16(out + 4 + 2 * section, counts[section]);
	}
	check_sound(d, out, at);
	return at;
}

static void
change_owner(struct doc *d, struct record *r)
{
	struct ref_name *n = &r->rr.owner;

	switch (below(4)) {
	case 0:
		*n = d->records[below((unsigned)d->count)].rr.owner;
		break;
	case 1:
		if (d->apex.len > 0)
			*n = d->apex;
		break;
	case 2:
		/* An octet of the first label. */
		if (n->octets[0] != 0)
			n->octets[1 + below(n->octets[0])] =
			    (uint8_t)below(256);
		break;
	default:
		if (n->len + 2u > sizeof(n->octets))
			break;
		memmove(n->octets + 2, n->octets, n->len);
		memcpy(n->octets, "\001x", 2);
		n->len += 2;
	}
}

static void
change_rdata(struct doc *d, struct record *r)
{
	static uint8_t scratch[RDATA_MAX];
	const struct record *other = &d->records[below((unsigned)d->count)];

	switch (below(4)) {
	case 0:
		r->len = 0;
		break;
	case 1:
		r->rdata = other->rdata;
		r->len = other->len;
		break;
	default:
		if (r->len > RDATA_MAX)
			break;
		memcpy(scratch, r->rdata, r->len);
		r->rdata = scratch;
		r->len = LLVMFuzzerMutate(scratch, r->len, RDATA_MAX);
	}
}

static void
change_order(struct doc *d, size_t i)
{
	struct record was = d->records[i];
	size_t j = below((unsigned)d->count);

	switch (below(4)) {
	case 0:
		d->records[i] = d->records[j];
		d->records[j] = was;
		break;
	case 1:
		d->records[i].section = 1 + below(3);
		break;
	case 2:
		d->records[i] = d->records[--d->count];
		break;
	default:
		if (d->count < RECORDS_MAX)
			d->records[d->count++] = was;
	}
}

static void
change(struct doc *d)
{
	static const unsigned types[] = {0, 1, 2, 5, 6, 12, 14, 15, 16, 24, 28,
	    33, 35, 39, 41, 49, 249, 250, 251, 252, 255, 65280};
	static const unsigned classes[] = {1, 1, 254, 254, 255, 255, 3, 0};
	size_t i = below((unsigned)d->count);
	struct record *r = &d->records[i];

	switch (below(7)) {
	case 0:
		r->rr.type = types[below(sizeof(types) / sizeof(types[0]))];
		break;
	case 1:
		r->rr.class = classes[below(8)];
		break;
	case 2:
		r->rr.ttl = below(2) ? 0 : below(0x7fffffff);
		break;
	case 3:
		change_owner(d, r);
		break;
	case 4:
		change_rdata(d, r);
		break;
	case 5:
		change_order(d, i);
		break;
	default:
		d->head[below(4)] ^= (uint8_t)(1u << below(8));
	}
}

/* Without its TSIG record, and with one of the right MAC. */
static size_t
sign_anew(struct doc *d, uint8_t *out, size_t max)
{
	static const uint8_t good[FUZZ_SEAL_OCTETS] = {1};
	struct fuzz_seal seal;
	uint8_t *octets;
	size_t len;

	while (d->count > 0 && d->records[d->count - 1].rr.type == TYPE_TSIG)
		d->count--;
	len = write_doc(d, out, max);
	if (len == 0)
		return 0;
	fuzz_seal_read(good, &seal);
	octets = fuzz_sign(out, len, &seal, NULL, 0, &len);
	if (len <= max)
		memcpy(out, octets, len);
	free(octets);
	return len <= max ? len : 0;
}

/* Where orders come first, they are what signs: good ones every other
 * time. */
size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	static uint8_t out[FUZZ_OCTETS_MAX];
	size_t skip = strcmp(fuzz_what, "verify") == 0 ? FUZZ_SEAL_OCTETS : 0;
	bool is_msg = strcmp(fuzz_what, "msg") == 0;
	static struct doc d;
	size_t len;

	state = seed;
	if (size < skip || max > sizeof(out) || below(4) == 0 ||
	    !read_doc(data + skip, size - skip, &d))
		return LLVMFuzzerMutate(data, size, max);
	change(&d);
	if (is_msg && below(2) == 0)
		len = sign_anew(&d, out, max);
	else
		len = write_doc(&d, out, max - skip);
	if (len == 0)
		return LLVMFuzzerMutate(data, size, max);
	if (skip > 0 && below(2) == 0)
		memcpy(data, "\1\0\0", skip);
	memcpy(data + skip, out, len);
	return skip + len;
}
