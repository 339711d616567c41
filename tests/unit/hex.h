/* SPDX-License-Identifier: ISC */
/*
 * For the unit tests: hex text to octets, comparisons that name the
 * table row and show the octets that differ. Includes cmocka.
 */
#ifndef UNIT_HEX_H
#define UNIT_HEX_H

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NELEM(array) (sizeof(array) / sizeof((array)[0]))

/* Fails the test, with the row's name, unless cond holds. */
#define check_row(row, cond) \
	do { \
		if (!(cond)) \
			fail_msg("row \"%s\": not true: %s", row, #cond); \
	} while (0)

/* The same for two integers that should be equal. */
#define check_row_int(row, got, want) \
	do { \
		long long got_ = (long long)(got); \
		long long want_ = (long long)(want); \
		if (got_ != want_) \
			fail_msg("row \"%s\": %s is %lld (0x%llx), not %lld", \
			    row, #got, got_, (unsigned long long)got_, want_); \
	} while (0)

static inline int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Hex digits with any white space between the octets; gives how many
 * octets. Text that is not hex, or too long, fails the test. */
static inline size_t
hex_octets(const char *hex, uint8_t *out, size_t cap)
{
	size_t len = 0;

	for (;;) {
		int high, low;

		while (*hex == ' ' || *hex == '\t' || *hex == '\n')
			hex++;
		if (*hex == '\0')
			return len;
		high = hex_digit(hex[0]);
		low = high < 0 ? -1 : hex_digit(hex[1]);
		if (low < 0 || len == cap)
			fail_msg("bad hex text at octet %zu: %s", len, hex);
		out[len++] = (uint8_t)(high << 4 | low);
		hex += 2;
	}
}

/* A copy on the heap of exactly len octets, so that the address sanitizer
 * sees every read behind it. To be freed. */
static inline uint8_t *
octets_dup(const void *octets, size_t len)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);

	if (copy == NULL)
		fail_msg("no memory");
	else if (len > 0)
		memcpy(copy, octets, len);
	return copy;
}

/* One line of the diff: up to 16 octets, the differing ones in []. */
static inline void
hex_diff_line(const char *sign, size_t at, const uint8_t *octets, size_t len,
    const uint8_t *other, size_t other_len)
{
	char line[128];
	size_t i, n = 0;

	for (i = at; i < at + 16 && i < len; i++) {
		bool same = i < other_len && octets[i] == other[i];

		n += (size_t)snprintf(line + n, sizeof(line) - n,
		    same ? " %02x " : "[%02x]", octets[i]);
	}
	line[n] = '\0';
	print_error("%s %04zx %s\n", sign, at, line);
}

/* Same octets? If not, fails the test and prints where they differ. */
static inline void
check_row_octets(const char *row, const void *got, size_t got_len,
    const void *want, size_t want_len)
{
	const uint8_t *g = got, *w = want;
	size_t longer = got_len > want_len ? got_len : want_len;
	size_t at;

	if (got_len == want_len && (got_len == 0 || memcmp(g, w, got_len) == 0))
		return;
	for (at = 0; at < longer; at += 16) {
		size_t gn = got_len > at ? got_len - at : 0;
		size_t wn = want_len > at ? want_len - at : 0;

		gn = gn < 16 ? gn : 16;
		wn = wn < 16 ? wn : 16;
		if (gn == wn && (gn == 0 || memcmp(g + at, w + at, gn) == 0))
			continue;
		hex_diff_line("got ", at, g, got_len, w, want_len);
		hex_diff_line("want", at, w, want_len, g, got_len);
	}
	fail_msg("row \"%s\": %zu octets differ from the %zu wanted", row,
	    got_len, want_len);
}

/* The same with the wanted octets as hex text of up to 1024 octets. */
static inline void
check_row_hex(
    const char *row, const void *got, size_t got_len, const char *want_hex)
{
	uint8_t want[1024];
	size_t want_len = hex_octets(want_hex, want, sizeof(want));

	check_row_octets(row, got, got_len, want, want_len);
}

#endif
