/* SPDX-License-Identifier: ISC */
/* SU5: the most laborious messages there are: the work grows with their
 * length, and no faster. */
#include "work.h"

#include "dns/update.h"
#include "mux_build.h"

#define LONG DNS_MSG_OCTETS_MAX
#define HALF (LONG / 2)
#define FIXED 10000
#define PER_OCTET 600

/* In example.test, with one update of an unknown type so far. */
static void
begin(struct build_out *o)
{
	o->len = 0;
	build_hex(o, "beef2800 0001000000010000" ZONE);
	build_hex(o, "c00c ff00 0001 0000003c 0000");
}

/* As RDATA of that update, since it is taken as it is: a name of as many
 * labels as possible, each behind a pointer to the one before. Gives where
 * it begins. */
static unsigned
put_chain(struct build_out *o)
{
	unsigned at = 12, rdata = (unsigned)o->len, i;

	for (i = 0; i < (NAME_OCTETS_MAX - 14) / 2; i++) {
		unsigned next = (unsigned)o->len;

		build_hex(o, "0161");
		build_uint(o, 0xc000 | at, 2);
		at = next;
	}
	build_patch(o->octets, rdata - 2, (unsigned)o->len - rdata);
	return at;
}

static void
put_names(struct build_out *o, size_t max)
{
	unsigned at = put_chain(o);

	/* MINFO: two names */
	for (; o->len + 16 <= max;
	     build_patch(o->octets, 8, build_u16_at(o->octets, 8) + 1)) {
		build_uint(o, 0xc000 | at, 2);
		build_hex(o, "000e 0001 0000003c 0004");
		build_uint(o, 0xc000 | at, 2);
		build_uint(o, 0xc000 | at, 2);
	}
}

/* Nothing but a pointer to the zone. */
static void
put_tiny(struct build_out *o, size_t max)
{
	for (; o->len + 12 <= max;
	     build_patch(o->octets, 8, build_u16_at(o->octets, 8) + 1))
		build_hex(o, "c00c 0001 00ff 00000000 0000");
}

/* One TXT of empty strings. */
static void
put_strings(struct build_out *o, size_t max)
{
	build_hex(o, "c00c 0010 0001 0000003c");
	build_uint(o, max - o->len - 2, 2);
	memset(o->octets + o->len, 0, max - o->len);
	o->len = max;
	build_patch(o->octets, 8, 2);
}

/* One OPT of empty options. */
static void
put_options(struct build_out *o, size_t max)
{
	build_hex(o, "00 0029 04d0 00000000");
	build_uint(o, (max - o->len - 2) / 4 * 4, 2);
	memset(o->octets + o->len, 0, max - o->len);
	o->len += (max - o->len) / 4 * 4;
	build_patch(o->octets, 10, 1);
}

/* Counts that promise more than there is. */
static void
put_counts(struct build_out *o, size_t max)
{
	put_tiny(o, max);
	memset(o->octets + 6, 0xff, 6);
}

static const struct {
	const char *name;
	void (*put)(struct build_out *o, size_t max);
} kinds[] = {
    {"names of pointers", put_names},
    {"tiny records", put_tiny},
    {"strings", put_strings},
    {"options", put_options},
    {"T11 counts", put_counts},
};

static uint64_t
work_of(size_t kind, size_t max)
{
	static uint8_t octets[BUILD_OCTETS_MAX];
	struct build_out o = {octets, 0};
	struct update_shape shape;
	uint64_t began;
	struct msg m;

	begin(&o);
	kinds[kind].put(&o, max);
	assert_true(o.len > max - 16 && o.len <= max);
	began = work;
	if (msg_parse(octets, o.len, &m) == MSG_OK)
		assert_int_equal(
		    update_check(octets, &m, &shape), RCODE_NOERROR);
	else /* names have more labels than NAME_STEPS_MAX: given up there */
		assert_true(kinds[kind].put == put_counts ||
			    kinds[kind].put == put_names);
	assert_true(work - began <= FIXED + PER_OCTET * o.len);
	return work - began;
}

static void
test_linear(void **state)
{
	uint64_t half, whole;
	char row[80];
	size_t i;

	(void)state;
	for (i = 0; i < NELEM(kinds); i++) {
		half = work_of(i, HALF);
		whole = work_of(i, LONG);
		snprintf(row, sizeof(row), "%s: %llu, %llu", kinds[i].name,
		    (unsigned long long)half, (unsigned long long)whole);
		print_message("%s\n", row);
		check_row(row, half > 0 && whole <= half * 21 / 10 + FIXED);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_linear),
	};

	return cmocka_run_group_tests_name("work", tests, NULL, NULL);
}
