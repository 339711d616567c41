/* SPDX-License-Identifier: ISC */
/*
 * SU5: no message makes us work more than its length allows. Work is
 * counted, not timed: each read of the walk over a message, and of the
 * rules behind it, is a unit.
 */
#include "dns/wire.h"
#include "hex.h"

static unsigned long work;

static uint8_t
counted_u8(struct rd *r)
{
	work++;
	return rd_u8(r);
}

static uint16_t
counted_u16(struct rd *r)
{
	work++;
	return rd_u16(r);
}

static uint32_t
counted_u32(struct rd *r)
{
	work++;
	return rd_u32(r);
}

static const uint8_t *
counted_octets(struct rd *r, size_t len)
{
	work++;
	return rd_octets(r, len);
}

#define rd_u8 counted_u8
#define rd_u16 counted_u16
#define rd_u32 counted_u32
#define rd_octets counted_octets
#include "dns/msg.c"
#include "dns/name.c"
#include "dns/rdata.c"
#include "dns/update.c"
#undef rd_u8
#undef rd_u16
#undef rd_u32
#undef rd_octets

#define ZONE "076578616d706c65047465737400 00060001"
/* Two reads are a label or a pointer, a few more a record, one a string;
 * and there are two passes. */
#define UNITS_MAX (2 * (2 * NAME_STEPS_MAX + 2 * DNS_MSG_OCTETS_MAX))

static uint8_t buf[DNS_MSG_OCTETS_MAX];

static struct wr
begin(void)
{
	struct wr w;

	wr_init(&w, buf, sizeof(buf));
	w.pos = hex_octets("beef 2800 0001 0000 0000 0000" ZONE, buf, 64);
	return w;
}

static void
put_head(struct wr *w, unsigned type, size_t rdlen)
{
	wr_u16(w, type);
	wr_u16(w, 1);
	wr_u32(w, 60);
	wr_u16(w, (unsigned)rdlen);
}

/* At offset 30: an opaque record with names of one-octet labels that each
 * end in a pointer to the one before: the last has 120 labels below the
 * zone, by as many pointers. Gives the offset of the last. */
static size_t
put_chain(struct wr *w)
{
	size_t target = 12, i;

	wr_u16(w, 0xc00c);
	put_head(w, 0xff00, 120 * 4);
	for (i = 0; i < 120; i++) {
		size_t at = w->pos;

		wr_u16(w, 0x0161);
		wr_u16(w, 0xc000u | (unsigned)target);
		target = at;
	}
	return target;
}

static void
put_count(unsigned section, size_t n)
{
	buf[4 + 2 * section] = (uint8_t)(n >> 8);
	buf[5 + 2 * section] = (uint8_t)n;
}

/* The work on the message in w, and whether it is taken. */
static void
check_work(const char *row, const struct wr *w, unsigned section, size_t count,
    bool is_taken)
{
	struct update_shape shape;
	bool was_taken;
	struct msg m;

	assert_true(wr_ok(w));
	put_count(section, count);
	work = 0;
	was_taken = msg_parse(buf, w->pos, &m) == MSG_OK;
	if (was_taken && section != MSG_ADDITIONAL)
		was_taken = update_check(buf, &m, &shape) == RCODE_NOERROR;
	check_row_int(row, was_taken, is_taken);
	check_row(row, work >= count);
	check_row(row, work <= UNITS_MAX);
}

struct kind {
	const char *name;
	unsigned type;
	size_t octets; /* of RDATA before its names */
	size_t names;
	size_t behind;
};

/* Records up to so many octets, all their names the pointer. */
static size_t
put_records(struct wr *w, const struct kind *k, unsigned pointer, size_t end)
{
	size_t rdlen = k->octets + 2 * k->names + k->behind, n, count = 0;

	while (end - w->pos >= 12 + rdlen) {
		wr_u16(w, pointer);
		put_head(w, k->type, rdlen);
		for (n = 0; n < k->octets; n++)
			wr_u8(w, 0);
		for (n = 0; n < k->names; n++)
			wr_u16(w, pointer);
		for (n = 0; n < k->behind; n++)
			wr_u8(w, 0);
		count++;
	}
	return count;
}

static const struct kind kinds[] = {{"owners", 0xff00, 0, 0, 0},
    {"PTR", 12, 0, 1, 0}, {"MINFO", 14, 0, 2, 0}, {"SOA", 6, 0, 2, 20},
    {"SRV", 33, 6, 1, 0}, {"PX", 26, 2, 2, 0}};

/* Names of 120 labels by as many pointers: a message of a usual size may
 * be full of them, none of the largest size. */
static void
test_names(void **state)
{
	static const size_t sizes[] = {1232, 3000, 65535};
	size_t i, j;

	(void)state;
	for (i = 0; i < NELEM(kinds); i++) {
		for (j = 0; j < NELEM(sizes); j++) {
			struct wr w = begin();
			unsigned last = 0xc000u | (unsigned)put_chain(&w);
			size_t n = put_records(&w, &kinds[i], last, sizes[j]);

			check_work(kinds[i].name, &w, MSG_UPDATE, n + 1,
			    sizes[j] < 65535);
		}
	}
}

/* What an honest sender of reverse zones may come to: PTR records of the
 * least length there, 34 labels each, in 65535 octets. */
static void
test_reverse_zone(void **state)
{
	struct wr w = begin();
	size_t i, count = 0, tail = 30 + 12;

	(void)state;
	wr_u16(&w, 0xc00c);
	put_head(&w, 0xff00, 32 * 2 + 2);
	for (i = 0; i < 32; i++)
		wr_u16(&w, 0x0161);
	wr_u16(&w, 0xc00c);
	for (count = 1; w.end - w.pos >= 28; count++) {
		wr_u16(&w, 0x0162);
		wr_u16(&w, 0x0163);
		wr_u16(&w, 0xc000u | (unsigned)tail);
		put_head(&w, 12, 12);
		wr_octets(&w, "\011localhost", 10);
		wr_u16(&w, 0xc00c);
	}
	check_work("reverse zone", &w, MSG_UPDATE, count, true);
}

/* The smallest records there are, and strings of no octets. */
static void
test_tiny(void **state)
{
	struct wr w = begin();
	size_t count = 0;

	(void)state;
	while (w.end - w.pos >= 11) {
		wr_u8(&w, 0);
		put_head(&w, 0xff00, 0);
		count++;
	}
	put_count(MSG_UPDATE, 0);
	check_work("tiny records", &w, MSG_ADDITIONAL, count, true);
	put_count(MSG_ADDITIONAL, 0);
	w = begin();
	wr_u16(&w, 0xc00c);
	put_head(&w, 16, sizeof(buf) - w.pos - 10);
	while (w.pos < w.end)
		wr_u8(&w, 0);
	check_work("empty strings", &w, MSG_UPDATE, 1, true);
}

/* Options of no octets, and as many OPT records as fit. */
static void
test_options(void **state)
{
	struct wr w = begin();
	size_t count = 0;

	(void)state;
	put_count(MSG_UPDATE, 0);
	wr_u8(&w, 0);
	put_head(&w, TYPE_OPT, (sizeof(buf) - w.pos - 10) / 4 * 4);
	while (w.end - w.pos >= 4)
		wr_u32(&w, 0xfde90000);
	check_work("options", &w, MSG_ADDITIONAL, 1, true);
	for (w = begin(); w.end - w.pos >= 15; count++) {
		wr_u8(&w, 0);
		put_head(&w, TYPE_OPT, 4);
		wr_u32(&w, 0xfde90000);
	}
	check_work("OPT records", &w, MSG_ADDITIONAL, count, true);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_reverse_zone),
	    cmocka_unit_test(test_tiny),
	    cmocka_unit_test(test_options),
	};

	return cmocka_run_group_tests_name("work", tests, NULL, NULL);
}
