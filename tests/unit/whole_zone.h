/* SPDX-License-Identifier: ISC */
/*
 * For test_whole.c: what an authoritative server does with an update, on
 * very small zones: RFC 2136 3.2 and 3.4 without TTLs.
 */
#ifndef UNIT_WHOLE_ZONE_H
#define UNIT_WHOLE_ZONE_H

#include "whole_tsig.h"

#define ZONES 2
#define HOSTS 3
#define RRSETS 4 /* A, AAAA, DHCID, PTR */

/* A record is a bit of its RRset: its RDATA is one of eight. */
struct zone_state {
	uint8_t rrsets[ZONES][HOSTS][RRSETS];
};

static const uint16_t rrset_types[RRSETS] = {
    TYPE_A, TYPE_AAAA, TYPE_DHCID, TYPE_PTR};

/* "a.test" and "b.test"; hosts are "h0" and so on. */
static inline unsigned
zone_of(const uint8_t *octets)
{
	uint8_t letter = octets[13] | 0x20;

	must(octets[12] == 1 && (letter == 'a' || letter == 'b'));
	return letter - (unsigned)'a';
}

struct record {
	uint8_t *rrsets; /* of its owner */
	size_t rrset; /* RRSETS: type ANY */
	unsigned class;
	uint8_t bit;
};

static inline void
read_record(struct in *r, struct zone_state *z, unsigned zone, struct record *c)
{
	const uint8_t *owner = r->octets + r->at, *rdata;
	unsigned type, len;

	must(owner[0] == 2 && (owner[1] | 0x20) == 'h' &&
	     owner[2] < '0' + HOSTS);
	c->rrsets = z->rrsets[zone][owner[2] - '0'];
	skip_name(r);
	type = (unsigned)take_uint(r, 2);
	c->class = (unsigned)take_uint(r, 2);
	(void)take(r, 4);
	len = (unsigned)take_uint(r, 2);
	rdata = take(r, len);
	for (c->rrset = 0; c->rrset < RRSETS; c->rrset++) {
		if (rrset_types[c->rrset] == type)
			break;
	}
	must(!r->is_bad && (c->rrset < RRSETS || type == TYPE_ANY));
	c->bit = 0;
	if (len > 0)
		c->bit =
		    (uint8_t)(1u
			      << (rdata[type == TYPE_PTR ? 2 : len - 1] & 7));
}

static inline bool
is_in_use(const struct record *c)
{
	static const uint8_t none[RRSETS];

	if (c->rrset == RRSETS)
		return memcmp(c->rrsets, none, RRSETS) != 0;
	return c->rrsets[c->rrset] != 0;
}

static inline enum rcode
prerequisite(const struct record *c)
{
	bool is_name = c->rrset == RRSETS;

	if (c->class == CLASS_ANY && !is_in_use(c))
		return is_name ? RCODE_NXDOMAIN : RCODE_NXRRSET;
	if (c->class == CLASS_NONE && is_in_use(c))
		return is_name ? RCODE_YXDOMAIN : RCODE_YXRRSET;
	if (c->class == CLASS_IN && c->rrsets[c->rrset] != c->bit)
		return RCODE_NXRRSET;
	return RCODE_NOERROR;
}

static inline void
change(const struct record *c)
{
	if (c->rrset == RRSETS)
		memset(c->rrsets, 0, RRSETS);
	else if (c->class == CLASS_ANY)
		c->rrsets[c->rrset] = 0;
	else if (c->class == CLASS_NONE)
		c->rrsets[c->rrset] &= (uint8_t)~c->bit;
	else
		c->rrsets[c->rrset] |= c->bit;
}

static inline enum rcode
zone_update(struct zone_state *z, const uint8_t *octets, const struct seen *s)
{
	struct in r = {octets, s->at[1], s->at[3], false};
	unsigned zone = zone_of(octets), i;
	struct record c;

	for (i = 0; i < s->counts[1]; i++) {
		enum rcode rcode;

		read_record(&r, z, zone, &c);
		rcode = prerequisite(&c);
		if (rcode != RCODE_NOERROR)
			return rcode;
	}
	for (i = 0; i < s->counts[2]; i++) {
		read_record(&r, z, zone, &c);
		change(&c);
	}
	return RCODE_NOERROR;
}

#endif
