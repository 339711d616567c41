/* SPDX-License-Identifier: ISC */
/* F1: two octets of offset, then a message that holds a name there; the
 * same octets as the text of a name. */
#include <stdlib.h>
#include <string.h>

#include "dns/name.h"
#include "fuzz.h"

const char fuzz_what[] = "name";

static void
check_text(const struct name *n)
{
	char text[NAME_TEXT_MAX];
	struct name again;
	size_t i;

	memset(text, 0x7f, sizeof(text));
	name_text(n, text);
	FUZZ_CHECK(memchr(text, '\0', sizeof(text)) != NULL);
	for (i = 0; text[i] != '\0'; i++)
		FUZZ_CHECK(text[i] > 0x20 && text[i] < 0x7f);
	FUZZ_CHECK(name_from_text(text, &again));
	FUZZ_CHECK(again.len == n->len);
	FUZZ_CHECK(memcmp(again.octets, n->octets, n->len) == 0);
}

/* Under itself, and under each of its tails. */
static void
check_tails(const struct name *n)
{
	struct name tail;
	size_t skip = 0;

	for (;;) {
		tail.len = (uint8_t)(n->len - skip);
		memcpy(tail.octets, n->octets + skip, tail.len);
		FUZZ_CHECK(name_is_under(n, &tail));
		FUZZ_CHECK(name_is_under(&tail, n) == (skip == 0));
		FUZZ_CHECK(name_eq(n, &tail) == (skip == 0));
		if (n->octets[skip] == 0)
			return;
		skip += n->octets[skip] + 1u;
	}
}

static void
check_name(const struct name *n)
{
	struct name low = *n, low_again;
	uint8_t octets[NAME_OCTETS_MAX];
	struct name again;
	struct wr w;
	struct rd r;

	name_lower(&low);
	low_again = low;
	name_lower(&low_again);
	FUZZ_CHECK(memcmp(low.octets, low_again.octets, low.len) == 0);
	FUZZ_CHECK(name_eq(n, &low) && name_cmp(&low, &low_again) == 0);
	wr_init(&w, octets, sizeof(octets));
	name_write(&w, n);
	FUZZ_CHECK(wr_ok(&w) && w.pos == n->len);
	rd_init(&r, octets, w.pos);
	name_read(&r, &again);
	FUZZ_CHECK(rd_at_end(&r) && again.len == n->len);
	FUZZ_CHECK(memcmp(again.octets, n->octets, n->len) == 0);
	check_text(n);
	check_tails(n);
}

static void
try_wire(const uint8_t *octets, size_t len, size_t at)
{
	struct ref_name expected;
	size_t end = ref_read_name(octets, at, len, &expected);
	struct name got;
	struct rd r;

	rd_init(&r, octets, len);
	r.pos = at;
	fuzz_work_begin();
	name_read(&r, &got);
	fuzz_work_end(FUZZ_WORK_NAME);
	FUZZ_CHECK(r.pos <= len);
	FUZZ_CHECK(rd_ok(&r) == (end != 0));
	if (end == 0) {
		FUZZ_CHECK(name_is_root(&got));
		return;
	}
	FUZZ_CHECK(r.pos == end);
	FUZZ_CHECK(ref_same_octets(&expected, &got));
	check_name(&got);
}

static void
try_text(const uint8_t *octets, size_t len)
{
	char *text = malloc(len + 1);
	struct ref_name whole;
	struct name n;

	FUZZ_CHECK(text != NULL);
	if (len > 0)
		memcpy(text, octets, len);
	text[len] = '\0';
	if (name_from_text(text, &n)) {
		FUZZ_CHECK(ref_read_name(n.octets, 0, n.len, &whole) == n.len);
		FUZZ_CHECK(ref_same_octets(&whole, &n));
		check_name(&n);
	}
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *octets;

	if (size < 2)
		return 0;
	octets = fuzz_copy(data + 2, size - 2);
	try_wire(octets, size - 2, ref_u16(data, 0) % (size - 1));
	try_text(octets, size - 2);
	free(octets);
	return 0;
}
