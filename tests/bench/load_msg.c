/* SPDX-License-Identifier: ISC */
/*
 * Updates as kea-dhcp-ddns sends them to add a host: the name must not be in
 * use, its address and its DHCID are added. Serial, zone, address and ID are
 * written into a pattern.
 */
#include "load.h"

#include <err.h>
#include <stdio.h>
#include <string.h>

#include "base/mono.h"
#include "dns/dns.h"
#include "dns/wire.h"

#define DHCID_OCTETS 35
#define TTL 300
#define TYPE_PRIVATE 65280
#define LABEL "h00000000"
#define MIXED_LENGTHS 16
#define PADDING_MIN 12 /* octets of a record with nothing in it */
#define POINTER 0xc000u

static uint8_t pattern[DNS_MSG_OCTETS_MAX];
static size_t pattern_len, label_at, address_at;
#define ZONE_DIGITS_AT (DNS_HEADER_OCTETS + 2)

static void
write_record(struct wr *w, unsigned type, unsigned class, size_t len)
{
	wr_u16(w, (unsigned)(POINTER | (label_at - 1)));
	wr_u16(w, type);
	wr_u16(w, class);
	wr_u32(w, class == CLASS_IN ? TTL : 0);
	wr_u16(w, (unsigned)len);
}

static void
write_padding(struct wr *w, size_t octets)
{
	static const uint8_t zeros[DNS_MSG_OCTETS_MAX];

	write_record(w, TYPE_PRIVATE, CLASS_IN, octets);
	wr_octets(w, zeros, octets);
}

static void
write_updates(struct wr *w, const struct load *l)
{
	static const uint8_t dhcid[DHCID_OCTETS] = {0, 2, 1, 'b', 'e', 'n'};
	size_t whole;

	write_record(w, TYPE_A, CLASS_IN, 4);
	address_at = w->pos;
	wr_u32(w, 0);
	write_record(w, TYPE_DHCID, CLASS_IN, sizeof(dhcid));
	wr_octets(w, dhcid, sizeof(dhcid));
	whole = w->pos + l->keys[0].record_len + PADDING_MIN;
	if (l->octets > whole) {
		write_padding(w, l->octets - whole);
		wr_patch_u16(w, 8, 3 + !l->has_prereq);
	}
}

/* Spells the owner of all records, which others point to: it must not be in
 * use, or else loses the address it may have. */
static void
write_first(struct wr *w, const struct load *l)
{
	label_at = w->pos + 1;
	wr_u8(w, sizeof(LABEL) - 1);
	wr_octets(w, LABEL, sizeof(LABEL) - 1);
	wr_u16(w, POINTER | DNS_HEADER_OCTETS);
	wr_u16(w, l->has_prereq ? TYPE_ANY : TYPE_A);
	wr_u16(w, l->has_prereq ? CLASS_NONE : CLASS_ANY);
	wr_u32(w, 0);
	wr_u16(w, 0);
}

void
load_msg_init(const struct load *l)
{
	struct name zone;
	struct wr w;

	if (!name_from_text("z0000.bench.", &zone))
		errx(1, "no zone");
	wr_init(
	    &w, pattern, sizeof(pattern) - SIGNER_RECORD_MAX - MIXED_LENGTHS);
	wr_u16(&w, 0);
	wr_u16(&w, DNS_OPCODE_FLAGS(OPCODE_UPDATE));
	wr_u16(&w, 1);
	wr_u16(&w, l->has_prereq);
	wr_u16(&w, 2 + !l->has_prereq);
	wr_u16(&w, 0);
	name_write(&w, &zone);
	wr_u16(&w, TYPE_SOA);
	wr_u16(&w, CLASS_IN);
	write_first(&w, l);
	write_updates(&w, l);
	if (!wr_ok(&w))
		errx(2, "no update has %zu octets", l->octets);
	pattern_len = w.pos;
}

static void
put_digits(uint8_t *at, unsigned n, int count, unsigned base)
{
	while (count-- > 0) {
		at[count] = (uint8_t) "0123456789abcdef"[n % base];
		n /= base;
	}
}

/* Its first label becomes longer, and what follows moves. */
static size_t
lengthen(uint8_t *octets, uint32_t serial)
{
	size_t more = serial * 2654435761u >> 16 & (MIXED_LENGTHS - 1);
	size_t end = label_at + sizeof(LABEL) - 1;

	memmove(octets + end + more, octets + end, pattern_len - end);
	memset(octets + end, 'x', more);
	octets[label_at - 1] += (uint8_t)more;
	return more;
}

size_t
load_msg_write(
    const struct load *l, uint8_t *octets, uint16_t id, uint32_t serial)
{
	memcpy(octets, pattern, pattern_len);
	octets[0] = (uint8_t)(id >> 8);
	octets[1] = (uint8_t)id;
	put_digits(octets + ZONE_DIGITS_AT, serial % l->nzones, 4, 10);
	put_digits(octets + label_at + 1, serial, 8, 16);
	octets[address_at] = 10;
	octets[address_at + 1] = (uint8_t)(serial >> 16);
	octets[address_at + 2] = (uint8_t)(serial >> 8);
	octets[address_at + 3] = (uint8_t)serial;
	return pattern_len + (l->is_mixed ? lengthen(octets, serial) : 0);
}
