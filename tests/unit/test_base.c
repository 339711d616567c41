/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/addr.h"
#include "base/base64.h"
#include "base/log.h"
#include "base/sbuf.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void
addresses(void **state)
{
	/* text NULL: not an address. */
	static const struct {
		const char *in;
		uint16_t port;
		const char *text;
	} rows[] = {
	    {"192.0.2.1:53", 0, "192.0.2.1:53"},
	    {"192.0.2.1:53", 54, "192.0.2.1:53"},
	    {"192.0.2.1", 53, "192.0.2.1:53"},
	    {"192.0.2.1:0", 53, "192.0.2.1:0"},
	    {"0.0.0.0:65535", 0, "0.0.0.0:65535"},
	    {"[::]:53", 0, "[::]:53"},
	    {"[2001:DB8:0:0:0::1]:53", 0, "[2001:db8::1]:53"},
	    {"[2001:db8::1]", 53, "[2001:db8::1]:53"},
	    {"[::ffff:192.0.2.1]:53", 0, "[::ffff:192.0.2.1]:53"},
	    {"[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]:65535", 0,
		"[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
	    {"[fe80::1%2]:53", 0, "[fe80::1%2]:53"},
	    {"[fe80::1%0]:53", 0, NULL},
	    {"[fe80::1%+2]:53", 0, NULL},
	    {"192.0.2.1", 0, NULL},
	    {"[::1]", 0, NULL},
	    {"::1", 53, NULL},
	    {"::1:53", 53, NULL},
	    {"[192.0.2.1]:53", 0, NULL},
	    {"[::1:53", 53, NULL},
	    {"[::1]53", 53, NULL},
	    {"[]:53", 53, NULL},
	    {"[::1%no-such-interface]:53", 0, NULL},
	    {"[::1%]:53", 0, NULL},
	    {"192.0.2.1%lo:53", 0, NULL},
	    {"192.0.2.1:", 53, NULL},
	    {"192.0.2.1:65536", 53, NULL},
	    {"192.0.2.1:-1", 53, NULL},
	    {"192.0.2.1:+1", 53, NULL},
	    {"192.0.2.1: 1", 53, NULL},
	    {"192.0.2.1:1x", 53, NULL},
	    {"192.0.2.1:53:53", 53, NULL},
	    {"192.0.2", 53, NULL},
	    {"192.0.2.256", 53, NULL},
	    {"localhost", 53, NULL},
	    {"", 53, NULL},
	    {":53", 53, NULL},
	    {"1111111111111111111111111111111111111111111111111111111111111111"
	     "111111111111111",
		53, NULL},
	};
	char buf[ADDR_TEXT_MAX];
	struct addr a;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		if (addr_parse(rows[i].in, rows[i].port, &a) !=
		    (rows[i].text != NULL))
			fail_msg("\"%s\"", rows[i].in);
		if (rows[i].text != NULL)
			assert_string_equal(addr_text(&a, buf), rows[i].text);
	}
}

static void
failed_address_writes_nothing(void **state)
{
	struct addr a, before;

	(void)state;
	memset(&a, 0x5a, sizeof(a));
	before = a;
	assert_false(addr_parse("[2001:db8::1]:99999", 0, &a));
	assert_false(addr_parse("192.0.2.1", 0, &a));
	assert_memory_equal(&a, &before, sizeof(a));
}

static void
unknown_address_has_a_text(void **state)
{
	struct addr a;
	char buf[ADDR_TEXT_MAX];

	(void)state;
	memset(&a, 0, sizeof(a));
	assert_int_equal(strncmp(addr_text(&a, buf), "unknown", 7), 0);
}

static void
compared(void **state)
{
	static const struct {
		const char *a, *b;
		bool is_same_host, is_equal;
	} rows[] = {
	    {"192.0.2.1:53", "192.0.2.1:53", true, true},
	    {"192.0.2.1:53", "192.0.2.1:54", true, false},
	    {"192.0.2.1:53", "192.0.2.2:53", false, false},
	    {"[::1]:53", "[::1]:53", true, true},
	    {"[::1]:53", "[::1]:54", true, false},
	    {"[::1]:53", "[::2]:53", false, false},
	    {"[fe80::1%1]:53", "[fe80::1%2]:53", false, false},
	    {"192.0.2.1:53", "[::ffff:192.0.2.1]:53", false, false},
	};
	struct addr a, b;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		assert_true(addr_parse(rows[i].a, 0, &a));
		assert_true(addr_parse(rows[i].b, 0, &b));
		if (addr_same_host(&a, &b) != rows[i].is_same_host ||
		    addr_eq(&a, &b) != rows[i].is_equal)
			fail_msg("row %zu", i);
	}
}

static void
wildcards(void **state)
{
	static const struct {
		const char *text;
		bool wanted;
	} rows[] = {
	    {"0.0.0.0:1", true},
	    {"0.0.0.1:1", false},
	    {"[::]:1", true},
	    {"[::1]:1", false},
	    {"[::ffff:0.0.0.0]:1", false},
	};
	struct addr a;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		assert_true(addr_parse(rows[i].text, 0, &a));
		assert_int_equal(addr_is_wildcard(&a), rows[i].wanted);
	}
}

static void
unmapped(void **state)
{
	static const struct {
		const char *in, *out;
		size_t len;
	} rows[] = {
	    {"[::ffff:192.0.2.1]:53", "192.0.2.1:53",
		sizeof(struct sockaddr_in)},
	    {"[::fffe:192.0.2.1]:53", "[::fffe:c000:201]:53",
		sizeof(struct sockaddr_in6)},
	    {"[::192.0.2.1]:53", "[::192.0.2.1]:53",
		sizeof(struct sockaddr_in6)},
	    {"192.0.2.1:53", "192.0.2.1:53", sizeof(struct sockaddr_in)},
	};
	struct addr a, out;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		assert_true(addr_parse(rows[i].in, 0, &a));
		/* C libraries differ in how they write ::192.0.2.1. */
		assert_true(addr_parse(rows[i].out, 0, &out));
		addr_unmap(&a);
		assert_true(addr_eq(&a, &out));
		assert_int_equal(addr_len(&a), rows[i].len);
		assert_int_equal(addr_port(&a), 53);
	}
}

static void
prefixes(void **state)
{
	static const struct {
		const char *in, *text;
	} rows[] = {
	    {"192.0.2.0/24", "192.0.2.0/24"},
	    {"192.0.2.1", "192.0.2.1/32"},
	    {"0.0.0.0/0", "0.0.0.0/0"},
	    {"2001:DB8::/32", "2001:db8::/32"},
	    {"::1", "::1/128"},
	    {"::/0", "::/0"},
	    {"192.0.2.0/33", NULL},
	    {"::/129", NULL},
	    {"192.0.2.0/", NULL},
	    {"192.0.2.0/-1", NULL},
	    {"192.0.2.0/a", NULL},
	    {"192.0.2.0/24/24", NULL},
	    {"192.0.2.0/ 8", NULL},
	    {"192.0.2.0/+8", NULL},
	    {"192.0.2/24", NULL},
	    {"[::1]", NULL},
	    {"192.0.2.1:53", NULL},
	    {"/24", NULL},
	    {"", NULL},
	};
	char buf[ADDR_TEXT_MAX];
	struct prefix p;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		if (prefix_parse(rows[i].in, &p) != (rows[i].text != NULL))
			fail_msg("\"%s\"", rows[i].in);
		if (rows[i].text != NULL)
			assert_string_equal(prefix_text(&p, buf), rows[i].text);
	}
}

static void
prefixes_hold(void **state)
{
	static const struct {
		const char *prefix, *addr;
		bool wanted;
	} rows[] = {
	    {"192.0.2.0/24", "192.0.2.0:1", true},
	    {"192.0.2.0/24", "192.0.2.255:1", true},
	    {"192.0.2.0/24", "192.0.3.0:1", false},
	    {"192.0.2.129/25", "192.0.2.128:1", true},
	    {"192.0.2.128/25", "192.0.2.127:1", false},
	    {"192.0.2.4/31", "192.0.2.5:1", true},
	    {"192.0.2.4/31", "192.0.2.6:1", false},
	    {"192.0.2.4", "192.0.2.4:9", true},
	    {"192.0.2.4", "192.0.2.5:9", false},
	    {"0.0.0.0/0", "255.255.255.255:1", true},
	    {"0.0.0.0/0", "[::]:1", false},
	    {"::/0", "0.0.0.0:1", false},
	    {"::/0", "[ffff::]:1", true},
	    {"2001:db8::/33", "[2001:db8:7fff::]:1", true},
	    {"2001:db8::/33", "[2001:db8:8000::]:1", false},
	    {"::1", "[::1]:1", true},
	    {"::1", "[::]:1", false},
	};
	struct prefix p;
	struct addr a;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		assert_true(prefix_parse(rows[i].prefix, &p));
		assert_true(addr_parse(rows[i].addr, 0, &a));
		if (prefix_has(&p, &a) != rows[i].wanted)
			fail_msg("%s in %s", rows[i].addr, rows[i].prefix);
	}
}

static void
base64(void **state)
{
	/* RFC 4648 10, and what it leaves open; out NULL: refused. */
	static const struct {
		const char *in, *out;
		size_t len;
	} rows[] = {
	    {"", "", 0},
	    {"Zg==", "f", 1},
	    {"Zm8=", "fo", 2},
	    {"Zm9v", "foo", 3},
	    {"Zm9vYg==", "foob", 4},
	    {"Zm9vYmE=", "fooba", 5},
	    {"Zm9vYmFy", "foobar", 6},
	    {"+/+/", "\xfb\xff\xbf", 3},
	    {"AAAA", "\0\0\0", 3},
	    {"Zg", NULL, 0},
	    {"Zg=", NULL, 0},
	    {"Zm8", NULL, 0},
	    {"Zg===", NULL, 0},
	    {"Zm9v=", NULL, 0},
	    {"Zm9v====", NULL, 0},
	    {"Z===", NULL, 0},
	    {"====", NULL, 0},
	    {"=", NULL, 0},
	    {"Z=g=", NULL, 0},
	    {"=Zg=", NULL, 0},
	    {"Zg==Zg==", NULL, 0},
	    {"Zh==", NULL, 0},
	    {"Zm9=", NULL, 0},
	    {"Zm 9", NULL, 0},
	    {" Zm9v", NULL, 0},
	    {"Zm9v\n", NULL, 0},
	    {"Zm9\n", NULL, 0},
	    {"-_-_", NULL, 0},
	    {"Zm9!", NULL, 0},
	    {"Zm9\xc3", NULL, 0},
	};
	uint8_t out[16];
	char text[BASE64_TEXT_MAX(6)];
	size_t i, len;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		if (base64_decode(rows[i].in, strlen(rows[i].in), out,
			sizeof(out), &len) != (rows[i].out != NULL))
			fail_msg("\"%s\"", rows[i].in);
		if (rows[i].out == NULL)
			continue;
		assert_int_equal(len, rows[i].len);
		assert_memory_equal(out, rows[i].out, len);
		base64_encode(out, len, text);
		assert_string_equal(text, rows[i].in);
	}
}

static void
base64_keeps_to_its_room(void **state)
{
	static const char *const texts[] = {"Zm9v", "Zm9vYg==", "Zm9vYmE="};
	uint8_t out[8];
	size_t i, cap, len, need;

	(void)state;
	for (i = 0; i < COUNT(texts); i++) {
		need = 3 + i;
		for (cap = 0; cap < sizeof(out); cap++) {
			memset(out, 0xee, sizeof(out));
			assert_int_equal(base64_decode(texts[i],
					     strlen(texts[i]), out, cap, &len),
			    cap >= need);
			if (cap < sizeof(out))
				assert_int_equal(out[cap], 0xee);
		}
	}
	assert_false(base64_decode("Zm\0v", 4, out, sizeof(out), &len));
}

static void
text_buffer(void **state)
{
	char buf[8];
	struct sbuf s;

	(void)state;
	memset(buf, 'x', sizeof(buf));
	sbuf_init(&s, buf, 7);
	assert_string_equal(s.text, "");
	sbuf_add(&s, "abc");
	sbuf_addf(&s, "%d%s", 12, "");
	assert_string_equal(buf, "abc12");
	assert_int_equal(s.len, 5);
	sbuf_add(&s, "6");
	assert_false(s.truncated);
	assert_string_equal(buf, "abc126");
	sbuf_add(&s, "");
	assert_false(s.truncated);
	sbuf_add(&s, "7");
	assert_true(s.truncated);
	sbuf_add(&s, "");
	assert_true(s.truncated);
	assert_string_equal(buf, "abc126");
	assert_int_equal(s.len, 6);
	assert_int_equal(buf[7], 'x');
}

static void
text_that_is_cut(void **state)
{
	char buf[4];
	struct sbuf s;

	(void)state;
	sbuf_init(&s, buf, sizeof(buf));
	sbuf_add(&s, "%s%n");
	assert_true(s.truncated);
	assert_string_equal(buf, "%s%");
	sbuf_init(&s, buf, 1);
	sbuf_add(&s, "a");
	assert_true(s.truncated);
	assert_string_equal(buf, "");
}

static void
rate_of_lines(void **state)
{
	struct log_rate rate = {0};
	unsigned suppressed = 99;

	(void)state;
	assert_true(log_rate_due(&rate, 5, &suppressed));
	assert_int_equal(suppressed, 0);
	assert_false(log_rate_due(&rate, 5, &suppressed));
	assert_false(log_rate_due(&rate, 10000004, &suppressed));
	assert_true(log_rate_due(&rate, 10000005, &suppressed));
	assert_int_equal(suppressed, 2);
	assert_false(log_rate_due(&rate, 10000006, &suppressed));
	assert_true(log_rate_due(&rate, 90000000, &suppressed));
	assert_int_equal(suppressed, 1);
	assert_true(log_rate_due(&rate, 190000000, &suppressed));
	assert_int_equal(suppressed, 0);
}

/* A TSIG has 48 bits of seconds. */
static void
seconds_after_2038(void **state)
{
	(void)state;
	assert_true(sizeof(time_t) >= sizeof(int64_t));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(addresses),
	    cmocka_unit_test(failed_address_writes_nothing),
	    cmocka_unit_test(unknown_address_has_a_text),
	    cmocka_unit_test(compared),
	    cmocka_unit_test(wildcards),
	    cmocka_unit_test(unmapped),
	    cmocka_unit_test(prefixes),
	    cmocka_unit_test(prefixes_hold),
	    cmocka_unit_test(base64),
	    cmocka_unit_test(base64_keeps_to_its_room),
	    cmocka_unit_test(text_buffer),
	    cmocka_unit_test(text_that_is_cut),
	    cmocka_unit_test(rate_of_lines),
	    cmocka_unit_test(seconds_after_2038),
	};

	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
