/* SPDX-License-Identifier: ISC */
/* dns/wire: the cursor contract, for readers and writers. */
#include "hex.h"

#include "dns/wire.h"

static const uint8_t octets[] = {
    0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x10, 0x32};

static uint64_t
read_width(struct rd *r, size_t width)
{
	switch (width) {
	case 1:
		return rd_u8(r);
	case 2:
		return rd_u16(r);
	case 4:
		return rd_u32(r);
	case 6:
		return rd_u48(r);
	default:
		return rd_u64(r);
	}
}

static void
write_width(struct wr *w, size_t width, uint64_t v)
{
	switch (width) {
	case 1:
		wr_u8(w, (unsigned)v);
		break;
	case 2:
		wr_u16(w, (unsigned)v);
		break;
	case 4:
		wr_u32(w, (uint32_t)v);
		break;
	case 6:
		wr_u48(w, v);
		break;
	default:
		wr_u64(w, v);
		break;
	}
}

static const struct {
	const char *name;
	size_t width;
	uint64_t value; /* of the first octets above */
} widths[] = {
    {"u8", 1, 0x01},
    {"u16", 2, 0x0123},
    {"u32", 4, 0x01234567},
    {"u48", 6, 0x0123456789ab},
    {"u64", 8, 0x0123456789abcdef},
};

static void
test_read_every_length(void **state)
{
	size_t i, len;
	struct rd r;

	(void)state;
	for (i = 0; i < NELEM(widths); i++) {
		for (len = 0; len <= sizeof(octets); len++) {
			uint8_t *copy = octets_dup(octets, len);
			bool fits = len >= widths[i].width;
			uint64_t v;

			rd_init(&r, copy, len);
			v = read_width(&r, widths[i].width);
			check_row_int(
			    widths[i].name, v, fits ? widths[i].value : 0);
			check_row_int(
			    widths[i].name, r.pos, fits ? widths[i].width : 0);
			check_row_int(widths[i].name, rd_ok(&r), fits);
			check_row_int(widths[i].name, rd_at_end(&r),
			    len == widths[i].width);
			free(copy);
		}
	}
}

static void
check_dead_reader(const char *row, struct rd *r, size_t pos)
{
	struct rd child;
	size_t i;

	for (i = 0; i < NELEM(widths); i++)
		check_row_int(row, read_width(r, widths[i].width), 0);
	check_row(row, rd_octets(r, 1) == NULL);
	check_row(row, rd_octets(r, 0) == NULL);
	rd_sub(r, 1, &child);
	check_row(row, !rd_ok(&child));
	check_row_int(row, rd_u8(&child), 0);
	check_row(row, !rd_ok(r));
	check_row(row, !rd_at_end(r));
	check_row_int(row, r->pos, pos);
}

static void
test_read_failure_sticks(void **state)
{
	struct rd r;

	(void)state;
	rd_init(&r, octets, sizeof(octets));
	rd_u16(&r);
	assert_null(rd_octets(&r, sizeof(octets) - 1));
	check_dead_reader("one octet too many", &r, 2);

	rd_init(&r, octets, sizeof(octets));
	rd_u8(&r);
	assert_null(rd_octets(&r, SIZE_MAX));
	check_dead_reader("all octets there can be", &r, 1);

	rd_init(&r, octets, sizeof(octets));
	rd_fail(&r);
	check_dead_reader("rd_fail", &r, 0);

	rd_init(&r, octets, sizeof(octets));
	rd_octets(&r, sizeof(octets));
	assert_true(rd_at_end(&r));
	rd_fail(&r);
	check_dead_reader("rd_fail at the end", &r, sizeof(octets));
}

static void
test_read_octets(void **state)
{
	size_t at, len;
	struct rd r;

	(void)state;
	for (at = 0; at <= sizeof(octets); at++) {
		for (len = 0; len <= sizeof(octets) + 1; len++) {
			bool fits = len <= sizeof(octets) - at;
			const uint8_t *got;

			rd_init(&r, octets, sizeof(octets));
			r.pos = at;
			got = rd_octets(&r, len);
			check_row("octets", got == (fits ? octets + at : NULL));
			check_row_int("octets", r.pos, fits ? at + len : at);
		}
	}
}

static const struct {
	const char *name;
	size_t skip, len, take; /* in the parent, of the child, in the child */
	bool parent_ok, child_ok, child_at_end;
} subs[] = {
    {"whole", 0, 10, 10, true, true, true},
    {"middle", 2, 4, 4, true, true, true},
    {"not read to its end", 2, 4, 3, true, true, false},
    {"read past its end, though octets follow", 2, 4, 5, true, false, false},
    {"empty", 3, 0, 0, true, true, true},
    {"empty, at the end", 10, 0, 0, true, true, true},
    {"empty, read", 3, 0, 1, true, false, false},
    {"longer than the rest", 3, 8, 1, false, false, false},
    {"longer than anything", 3, SIZE_MAX, 1, false, false, false},
};

static void
test_sub(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < NELEM(subs); i++) {
		const char *name = subs[i].name;
		struct rd r, child;
		const uint8_t *got;

		rd_init(&r, octets, sizeof(octets));
		rd_octets(&r, subs[i].skip);
		rd_sub(&r, subs[i].len, &child);
		check_row_int(name, rd_ok(&r), subs[i].parent_ok);
		check_row_int(name, r.pos,
		    subs[i].skip + (subs[i].parent_ok ? subs[i].len : 0));
		got = rd_octets(&child, subs[i].take);
		check_row_int(name, rd_ok(&child), subs[i].child_ok);
		check_row_int(name, rd_at_end(&child), subs[i].child_at_end);
		check_row_int(name, rd_ok(&r), subs[i].parent_ok);
		check_row(name, child.base == octets);
		if (subs[i].child_ok)
			check_row(name, got == octets + subs[i].skip);
	}
}

static void
test_sub_of_sub(void **state)
{
	struct rd r, child, grandchild;

	(void)state;
	rd_init(&r, octets, sizeof(octets));
	rd_sub(&r, 6, &child);
	rd_sub(&child, 2, &grandchild);
	assert_int_equal(rd_u16(&grandchild), 0x0123);
	assert_true(rd_at_end(&grandchild));
	assert_int_equal(rd_u32(&child), 0x456789ab);
	assert_true(rd_at_end(&child));
	assert_int_equal(rd_u32(&r), 0xcdef1032);

	rd_init(&r, octets, sizeof(octets));
	rd_sub(&r, 4, &child);
	rd_sub(&child, 5, &grandchild); /* fits the parent, not the child */
	assert_false(rd_ok(&grandchild));
	assert_false(rd_ok(&child));
	assert_true(rd_ok(&r));
}

/* 1 + 2 + 4 + 6 + 8 + 3 octets: any failing step stops those behind it. */
#define SEQUENCE_HEX "01 0203 04050607 08090a0b0c0d 0e0f101112131415 161718"
#define SEQUENCE_LEN 24

static void
write_sequence(struct wr *w)
{
	wr_u8(w, 0x01);
	wr_u16(w, 0x0203);
	wr_u32(w, 0x04050607);
	wr_u48(w, 0x08090a0b0c0d);
	wr_u64(w, 0x0e0f101112131415);
	wr_octets(w, "\x16\x17\x18", 3);
}

/* Where the sequence stops that has room for cap octets. */
static size_t
sequence_stop(size_t cap)
{
	static const size_t ends[] = {24, 21, 13, 7, 3, 1};
	size_t i;

	for (i = 0; i < NELEM(ends); i++) {
		if (cap >= ends[i])
			return ends[i];
	}
	return 0;
}

/* SU6 */
static void
test_write_every_capacity(void **state)
{
	uint8_t want[SEQUENCE_LEN], buf[SEQUENCE_LEN + 2];
	size_t cap, i;
	struct wr w;

	(void)state;
	hex_octets(SEQUENCE_HEX, want, sizeof(want));
	for (cap = 0; cap <= SEQUENCE_LEN + 1; cap++) {
		size_t stop = sequence_stop(cap);
		uint8_t *exact = malloc(cap + 1);

		memset(buf, 0xa5, sizeof(buf));
		wr_init(&w, buf, cap);
		write_sequence(&w);
		check_row_int("capacity", wr_ok(&w), cap >= SEQUENCE_LEN);
		check_row_octets("capacity", buf, w.pos, want, stop);
		for (i = stop; i < sizeof(buf); i++)
			check_row_int("untouched", buf[i], 0xa5);
		assert_non_null(exact);
		wr_init(
		    &w, exact + 1, cap); /* ends where the heap block does */
		write_sequence(&w);
		check_row_octets("capacity", exact + 1, w.pos, want, stop);
		free(exact);
	}
}

static void
test_write_failure_sticks(void **state)
{
	uint8_t buf[64], blank[64];
	size_t i;
	struct wr w;

	(void)state;
	memset(blank, 0xa5, sizeof(blank));
	memcpy(buf, blank, sizeof(buf));
	wr_init(&w, buf, sizeof(buf));
	wr_octets(&w, blank, sizeof(blank) + 1);
	assert_false(wr_ok(&w));
	write_sequence(&w);
	for (i = 0; i < NELEM(widths); i++)
		write_width(&w, widths[i].width, 0);
	wr_octets(&w, "", 0);
	w.pos = 4;
	wr_patch_u16(&w, 0, 0);
	assert_false(wr_ok(&w));
	assert_int_equal(w.pos, 4);
	check_row_octets("dead", buf, sizeof(buf), blank, sizeof(blank));

	wr_init(&w, buf, sizeof(buf));
	wr_octets(&w, blank, SIZE_MAX);
	assert_false(wr_ok(&w));
	assert_int_equal(w.pos, 0);
}

static const struct {
	const char *name;
	size_t width;
	uint64_t value;
	const char *hex; /* NULL: refused */
} values[] = {
    {"u8 least", 1, 0, "00"},
    {"u8 most", 1, 0xff, "ff"},
    {"u8 one more", 1, 0x100, NULL},
    {"u8 all bits", 1, UINT_MAX, NULL},
    {"u16 least", 2, 0, "0000"},
    {"u16 most", 2, 0xffff, "ffff"},
    {"u16 one more", 2, 0x10000, NULL},
    {"u16 low bits fit", 2, 0x80000001, NULL},
    {"u32 most", 4, UINT32_MAX, "ffffffff"},
    {"u48 least", 6, 0, "000000000000"},
    {"u48 most", 6, 0xffffffffffff, "ffffffffffff"},
    {"u48 one more", 6, 0x1000000000000, NULL},
    {"u48 all bits", 6, UINT64_MAX, NULL},
    {"u64 most", 8, UINT64_MAX, "ffffffffffffffff"},
    {"u64 order", 8, 0x0123456789abcdef, "0123456789abcdef"},
};

static void
test_write_values(void **state)
{
	uint8_t buf[8];
	size_t i;
	struct wr w;

	(void)state;
	for (i = 0; i < NELEM(values); i++) {
		const char *name = values[i].name;

		wr_init(&w, buf, sizeof(buf));
		write_width(&w, values[i].width, values[i].value);
		check_row_int(name, wr_ok(&w), values[i].hex != NULL);
		check_row_hex(name, buf, w.pos,
		    values[i].hex != NULL ? values[i].hex : "");
	}
}

static void
test_lowered_end(void **state)
{
	uint8_t buf[8] = {0};
	struct wr w;

	(void)state;
	wr_init(&w, buf, sizeof(buf));
	w.end -= 3;
	wr_u32(&w, 1);
	wr_u8(&w, 2);
	assert_true(wr_ok(&w));
	w.end += 3; /* what was kept free can be had again */
	wr_u16(&w, 3);
	assert_true(wr_ok(&w));
	w.end = w.pos;
	wr_octets(&w, "", 0);
	assert_true(wr_ok(&w));
	wr_u8(&w, 4);
	assert_false(wr_ok(&w));
	check_row_hex("lowered", buf, w.pos, "00000001 02 0003");
}

static const struct {
	const char *name;
	size_t written, pos;
	unsigned value;
	const char *hex; /* of the 4 octets afterwards; NULL: refused */
} patches[] = {
    {"first", 4, 0, 0x1234, "1234a5a5"},
    {"odd offset", 4, 1, 0x1234, "a51234a5"},
    {"last", 4, 2, 0xffff, "a5a5ffff"},
    {"zero", 4, 0, 0, "0000a5a5"},
    {"just two octets written", 2, 0, 0x1234, "1234a5a5"},
    {"second half not written", 4, 3, 1, NULL},
    {"at the position", 4, 4, 1, NULL},
    {"far away", 4, SIZE_MAX, 1, NULL},
    {"far away by two", 4, SIZE_MAX - 1, 1, NULL},
    {"nothing written", 0, 0, 1, NULL},
    {"nothing written, offset that wraps", 0, SIZE_MAX - 1, 1, NULL},
    {"one octet written", 1, 0, 1, NULL},
    {"capacity is not enough", 2, 1, 1, NULL},
    {"17 bits", 4, 0, 0x10000, NULL},
    {"all bits", 4, 0, UINT_MAX, NULL},
};

static void
test_patch(void **state)
{
	uint8_t buf[4];
	size_t i;
	struct wr w;

	(void)state;
	for (i = 0; i < NELEM(patches); i++) {
		const char *name = patches[i].name, *hex = patches[i].hex;

		memset(buf, 0xa5, sizeof(buf));
		wr_init(&w, buf, sizeof(buf));
		wr_octets(&w, "\xa5\xa5\xa5\xa5", patches[i].written);
		wr_patch_u16(&w, patches[i].pos, patches[i].value);
		check_row_int(name, wr_ok(&w), hex != NULL);
		check_row_int(name, w.pos, patches[i].written);
		check_row_hex(
		    name, buf, sizeof(buf), hex != NULL ? hex : "a5a5a5a5");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_read_every_length),
	    cmocka_unit_test(test_read_failure_sticks),
	    cmocka_unit_test(test_read_octets),
	    cmocka_unit_test(test_sub),
	    cmocka_unit_test(test_sub_of_sub),
	    cmocka_unit_test(test_write_every_capacity),
	    cmocka_unit_test(test_write_failure_sticks),
	    cmocka_unit_test(test_write_values),
	    cmocka_unit_test(test_lowered_end),
	    cmocka_unit_test(test_patch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
