/* SPDX-License-Identifier: ISC */
/* dns/name: reading, text, comparison. Matrix rows M8 to M13. */
#include "hex.h"

#include "dns/name.h"

#define HEADER "000000000000000000000000"
#define LONG_TEXT 2048

/* 63 octets of a label, without its length. */
#define L10 "61626364656667686970"
#define L63 L10 L10 L10 L10 L10 L10 "717273"
#define L61 L10 L10 L10 L10 L10 L10 "71"
#define NAME_255 "3f" L63 "3f" L63 "3f" L63 "3d" L61 "00"
#define NAME_256 "3f" L63 "3f" L63 "3f" L63 "3e" L61 "7200"

static const struct {
	const char *name;
	const char *hex; /* what follows the header; the name comes last */
	size_t at; /* offset of the name to read */
	const char *want; /* NULL: it can't be read */
} reads[] = {
    {"root", "00", 12, "00"},
    {"one label", "0161 00", 12, "016100"},
    {"case is kept", "024162 0343644500", 12, "024162 0343644500"},
    {"M13 labels are 8 bit", "0400 2e ff 41 00", 12, "04002eff4100"},
    {"label of 63 octets", "3f" L63 "00", 12, "3f" L63 "00"},
    {"M12 255 octets", NAME_255, 12, NAME_255},
    {"pointer to a name before", "0161 00 0162 c00c", 15, "0162016100"},
    {"nothing but a pointer", "0161 00 c00c", 15, "016100"},
    {"pointer to a part of it", "0161 0162 00 0163 c00e", 17, "0163016200"},
    {"pointer to a root", "00 0162 c00c", 13, "016200"},
    {"two pointers", "0161 00 0162 c00c 0163 c00f", 19, "01630162016100"},
    {"pointer to a pointer", "0161 00 c00c c00f", 17, "016100"},
    {"offset of 9 bits",
	HEADER HEADER HEADER HEADER HEADER HEADER HEADER HEADER HEADER HEADER
	    HEADER HEADER HEADER HEADER HEADER HEADER HEADER HEADER HEADER
		HEADER HEADER "016100 c108",
	267, "016100"},
    {"M12 255 octets through a pointer",
	"3f" L63 "3f" L63 "3f" L63 "00 3d" L61 "c00c", 205,
	"3d" L61 "3f" L63 "3f" L63 "3f" L63 "00"},

    {"empty", "", 12, NULL},
    {"M12 256 octets", NAME_256, 12, NULL},
    {"M12 256 octets through a pointer",
	"3f" L63 "3f" L63 "3f" L63 "00 3e" L61 "61 c00c", 205, NULL},
    {"M11 label of 64 octets (type 01)", "40" L63 "6100", 12, NULL},
    {"M11 label type 01", "41 6100", 12, NULL},
    {"M11 label type 01, all bits", "7f" L63 L63 "6100", 12, NULL},
    {"M11 label type 10", "81 6100", 12, NULL},
    {"M11 label type 10, all bits", "bf" L63 L63 L63 "6100", 12, NULL},
    {"M11 label type 01 behind a pointer", "4100 c00c", 14, NULL},
    {"M8 pointer to itself", "c00c", 12, NULL},
    {"M8 pointer forward", "c00e 00", 12, NULL},
    {"M8 pointer past the end", "ffff", 12, NULL},
    {"M8 pointer into the header", "00 c00b", 13, NULL},
    {"M8 pointer to the ID", "00 c000", 13, NULL},
    {"M9 cycle of two, from the first", "c00e c00c", 12, NULL},
    {"M9 cycle of two, from the second", "c00e c00c", 14, NULL},
    {"pointer to its own first label", "0161 c00c", 12, NULL},
    {"pointer to its own second label", "0161 0162 c00e", 12, NULL},
    {"pointer into its own label", "0201 61 c00d", 12, NULL},
    {"target's label runs into the name",
	"0261 c00c 61626364 61626364"
	"61626364 00",
	14, NULL},
    {"target's label runs past the name", "0361 c00c 00", 14, NULL},
    {"target ends where the name begins", "0161 c00c", 14, NULL},
    {"target is half a pointer", "00 c0 0c 616263646162636461626364 c00d", 14,
	NULL},
    {"second target runs into the first",
	"0261 c00c c00e 61626364616263646162 00", 16, NULL},
    {"second pointer forward", "c00e 0161 00 c00c", 17, NULL},
    {"second pointer to itself", "c00c c00c", 14, NULL},
    {"second pointer to its own label", "0161 c00c c00c", 16, NULL},
    {"half a pointer at the end", "c0", 12, NULL},
    {"label without its octets", "0361", 12, NULL},
    {"no root at the end", "0161", 12, NULL},
};

/* The row's octets behind a header. */
static size_t
message(const char *hex, uint8_t *buf, size_t cap)
{
	memset(buf, 0, 12);
	return 12 + hex_octets(hex, buf + 12, cap - 12);
}

static void
test_read(void **state)
{
	uint8_t buf[600];
	struct name got;
	struct rd r;
	size_t i;

	(void)state;
	for (i = 0; i < NELEM(reads); i++) {
		const char *name = reads[i].name;
		size_t len = message(reads[i].hex, buf, sizeof(buf));
		uint8_t *copy = octets_dup(buf, len);

		rd_init(&r, copy, len);
		r.pos = reads[i].at;
		name_read(&r, &got);
		check_row_int(name, rd_ok(&r), reads[i].want != NULL);
		if (reads[i].want != NULL) {
			check_row_hex(name, got.octets, got.len, reads[i].want);
			check_row_int(name, r.pos, len);
		} else {
			check_row_int(name, got.len, 1);
			check_row_int(name, got.octets[0], 0);
		}
		free(copy);
	}
}

/* No name can be read whose last octets are missing, and none reads them. */
static void
test_read_truncated(void **state)
{
	uint8_t buf[600];
	struct name got;
	struct rd r;
	size_t i, cut;

	(void)state;
	for (i = 0; i < NELEM(reads); i++) {
		size_t len = message(reads[i].hex, buf, sizeof(buf));

		for (cut = reads[i].at; cut < len; cut++) {
			uint8_t *copy = octets_dup(buf, cut);

			rd_init(&r, copy, cut);
			r.pos = reads[i].at;
			name_read(&r, &got);
			if (reads[i].want != NULL)
				check_row(reads[i].name, !rd_ok(&r));
			check_row(reads[i].name, r.pos <= cut);
			free(copy);
		}
	}
}

static void
test_read_follows_failure(void **state)
{
	static const uint8_t buf[] = {1, 'a', 0};
	struct name got;
	struct rd r;

	(void)state;
	rd_init(&r, buf, sizeof(buf));
	rd_fail(&r);
	name_read(&r, &got);
	assert_false(rd_ok(&r));
	assert_int_equal(r.pos, 0);
	assert_true(name_is_root(&got));
}

/* In RDATA: pointers lead out of it, its own octets end with it. */
static void
test_read_in_sub(void **state)
{
	uint8_t buf[64];
	size_t len = message("0161 00 0162 c00c 00", buf, sizeof(buf));
	struct rd r, rdata;
	struct name got;
	size_t part;

	(void)state;
	for (part = 0; part <= 4; part++) {
		rd_init(&r, buf, len);
		r.pos = 15;
		rd_sub(&r, part, &rdata);
		name_read(&rdata, &got);
		check_row_int("RDATA", rd_ok(&rdata), part == 4);
		check_row("RDATA", rd_ok(&r));
	}
	check_row_hex("RDATA", got.octets, got.len, "0162016100");
	assert_true(rd_at_end(&rdata));
}

/* n labels of one octet and the root. */
static size_t
put_labels(uint8_t *buf, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		buf[2 * i] = 1;
		buf[2 * i + 1] = 'a';
	}
	buf[2 * n] = 0;
	return 2 * n + 1;
}

static void
test_read_label_count(void **state)
{
	uint8_t buf[300];
	struct name got;
	struct rd r;
	size_t n;

	(void)state;
	for (n = 120; n < 140; n++) {
		size_t len = put_labels(buf, n);

		rd_init(&r, buf, len);
		name_read(&r, &got);
		check_row_int("labels", rd_ok(&r), n <= 127);
		if (n <= 127)
			check_row_octets(
			    "labels", got.octets, got.len, buf, len);
	}
}

/* A root, then pointers that each aim at the one before: M10. */
static void
test_read_pointer_count(void **state)
{
	uint8_t buf[13 + 2 * 200] = {0};
	struct name got;
	struct rd r;
	size_t n, target = 12;

	(void)state;
	for (n = 1; n <= 200; n++) {
		size_t at = 13 + 2 * (n - 1);

		buf[at] = (uint8_t)(0xc0 | target >> 8);
		buf[at + 1] = (uint8_t)target;
		target = at;
		rd_init(&r, buf, at + 2);
		r.pos = at;
		name_read(&r, &got);
		check_row_int("pointers", rd_ok(&r), n <= 127);
	}
}

/* Each label of a name of 127 labels compressed on its own. */
static void
test_read_pointer_per_label(void **state)
{
	uint8_t buf[600] = {0}, want[NAME_OCTETS_MAX];
	size_t want_len = put_labels(want, 127), i, at = 13, target = 12;
	struct name got;
	struct rd r;

	(void)state;
	for (i = 0; i < 127; i++) {
		buf[at] = 1;
		buf[at + 1] = 'a';
		buf[at + 2] = (uint8_t)(0xc0 | target >> 8);
		buf[at + 3] = (uint8_t)target;
		target = at;
		at += 4;
	}
	rd_init(&r, buf, at);
	r.pos = target;
	name_read(&r, &got);
	assert_true(rd_at_end(&r));
	check_row_octets("labels", got.octets, got.len, want, want_len);
}

static void
test_write(void **state)
{
	uint8_t buf[8];
	struct name n;
	struct wr w;
	size_t cap;

	(void)state;
	assert_true(name_from_text("Ab.c", &n));
	for (cap = 0; cap <= sizeof(buf); cap++) {
		wr_init(&w, buf, cap);
		name_write(&w, &n);
		check_row_int("capacity", wr_ok(&w), cap >= 6);
		check_row_hex(
		    "capacity", buf, w.pos, cap >= 6 ? "024162016300" : "");
	}
}

#define D63 "abcdefghipabcdefghipabcdefghipabcdefghipabcdefghipabcdefghipqrs"
#define D61 "abcdefghipabcdefghipabcdefghipabcdefghipabcdefghipabcdefghipq"

static const struct {
	const char *name;
	const char *text;
	const char *hex; /* NULL: no name */
	const char *back; /* NULL: the text itself */
} texts[] = {
    {"root", ".", "00", NULL},
    {"final dot", "example.org.", "076578616d706c65036f726700", NULL},
    {"no final dot", "example.org", "076578616d706c65036f726700",
	"example.org."},
    {"case is kept", "AbC.", "0341624300", NULL},
    {"digits, hyphen, underscore", "_a-1.", "045f612d3100", NULL},
    {"escaped dot", "a\\.b.", "03612e6200", NULL},
    {"label is a dot", "\\..", "012e00", NULL},
    {"escaped backslash", "\\\\.", "015c00", NULL},
    {"escaped letter", "\\a.", "016100", "a."},
    {"escaped number", "\\097.", "016100", "a."},
    {"number of a dot", "a\\046b.", "03612e6200", "a\\.b."},
    {"number 0", "\\000.", "010000", NULL},
    {"number 255", "\\255.", "01ff00", NULL},
    {"a digit behind a number", "\\0000.", "02003000", NULL},
    {"space", "a b.", "0361206200", "a\\032b."},
    {"quote", "\".", "012200", "\\034."},
    {"equal sign", "=.", "013d00", "\\061."},
    {"octet above ASCII", "\xe9.", "01e900", "\\233."},
    {"label of 63", D63 ".", "3f" L63 "00", NULL},
    {"255 octets", D63 "." D63 "." D63 "." D61, NAME_255,
	D63 "." D63 "." D63 "." D61 "."},
    {"255 octets, final dot", D63 "." D63 "." D63 "." D61 ".", NAME_255, NULL},

    {"empty", "", NULL, NULL},
    {"two dots", "..", NULL, NULL},
    {"dot at the start", ".a", NULL, NULL},
    {"empty label", "a..b", NULL, NULL},
    {"empty label at the end", "a..", NULL, NULL},
    {"nothing escaped", "a\\", NULL, NULL},
    {"only a backslash", "\\", NULL, NULL},
    {"one digit", "\\1", NULL, NULL},
    {"one digit, a letter", "\\1a2", NULL, NULL},
    {"two digits", "\\12", NULL, NULL},
    {"two digits, a letter", "\\12a", NULL, NULL},
    {"number 256", "\\256", NULL, NULL},
    {"number 999", "\\999", NULL, NULL},
    {"label of 64", D63 "a", NULL, NULL},
    {"label of 64, final dot", D63 "a.", NULL, NULL},
    {"label of 64, not the first", "a." D63 "a.b", NULL, NULL},
    {"256 octets", D63 "." D63 "." D63 "." D61 "a", NULL, NULL},
    {"256 octets, final dot", D63 "." D63 "." D63 "." D61 "a.", NULL, NULL},
    {"257 octets", D63 "." D63 "." D63 "." D63 ".", NULL, NULL},
    {"256 octets by the last label", D63 "." D63 "." D63 "." D61 ".a", NULL,
	NULL},
    {"far too long", D63 "." D63 "." D63 "." D63 "." D63, NULL, NULL},
};

static void
test_text(void **state)
{
	char buf[NAME_TEXT_MAX];
	struct name got;
	size_t i;

	(void)state;
	for (i = 0; i < NELEM(texts); i++) {
		const char *name = texts[i].name;
		const char *back = texts[i].back;
		/* exactly as long as the text, for the sanitizer */
		char *copy = (char *)octets_dup(
		    texts[i].text, strlen(texts[i].text) + 1);
		bool ok = name_from_text(copy, &got);

		free(copy);
		check_row_int(name, ok, texts[i].hex != NULL);
		if (!ok)
			continue;
		check_row_hex(name, got.octets, got.len, texts[i].hex);
		check_row(name, name_text(&got, buf) == buf);
		if (back == NULL)
			back = texts[i].text;
		check_row_octets(name, buf, strlen(buf), back, strlen(back));
	}
}

static bool
is_safe_in_a_log(const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text <= ' ' || *text > '~' || *text == '"')
			return false;
	}
	return true;
}

/* SU9 */
static void
test_text_every_octet(void **state)
{
	struct name n = {4, {2, 0, 'b', 0}}, back;
	char buf[NAME_TEXT_MAX], row[16], text[16];
	unsigned c;

	(void)state;
	for (c = 0; c < 256; c++) {
		snprintf(row, sizeof(row), "octet %u", c);
		n.octets[1] = (uint8_t)c;
		name_text(&n, buf);
		check_row(row, is_safe_in_a_log(buf));
		check_row(row, name_from_text(buf, &back));
		check_row_octets(row, back.octets, back.len, n.octets, 4);
		snprintf(text, sizeof(text), "\\%03ub", c);
		check_row(row, name_from_text(text, &back));
		check_row_octets(row, back.octets, back.len, n.octets, 4);
	}
}

/* The longest text there is: every octet escaped. */
static void
test_text_longest(void **state)
{
	struct name n, back;
	char *buf = malloc(NAME_TEXT_MAX);

	(void)state;
	assert_non_null(buf);
	memset(n.octets, 0, sizeof(n.octets));
	n.octets[0] = n.octets[64] = n.octets[128] = 63;
	n.octets[192] = 61;
	n.len = 255;
	name_text(&n, buf);
	assert_int_equal(strlen(buf), 250 * 4 + 4);
	assert_true(name_from_text(buf, &back));
	check_row_octets("longest", back.octets, back.len, n.octets, n.len);
	free(buf);
}

/* Names of every length from 3 to 255, in text and back. */
static void
test_text_every_length(void **state)
{
	char text[LONG_TEXT], back[NAME_TEXT_MAX];
	struct name n;
	size_t len, i;

	(void)state;
	for (len = 1; len <= 300; len++) {
		for (i = 0; i < len; i++)
			text[i] = i % 8 == 7 && i + 1 < len ? '.' : 'a';
		text[len] = '\0';
		check_row_int("length", name_from_text(text, &n), len <= 253);
		if (len > 253)
			continue;
		check_row_int("length", n.len, len + 2);
		name_text(&n, back);
		text[len] = '.';
		check_row_octets("length", back, strlen(back), text, len + 1);
	}
}

static const struct {
	const char *name, *below, *zone;
	bool want;
} unders[] = {
    {"apex", "example.org", "example.org", true},
    {"one below", "a.example.org", "example.org", true},
    {"two below", "b.a.example.org", "example.org", true},
    {"case", "A.EXAMPLE.oRg", "eXample.Org", true},
    {"root zone", "example.org", ".", true},
    {"root in the root zone", ".", ".", true},
    {"above", "org", "example.org", false},
    {"root", ".", "example.org", false},
    {"beside", "example.com", "example.org", false},
    {"same end, no boundary", "badexample.org", "example.org", false},
    {"same end, no boundary, deeper", "a.badexample.org", "example.org", false},
    {"dot inside a label", "a\\.example.org", "example.org", false},
    {"zone at the start", "example.org.com", "example.org", false},
    {"zone as octets of a label", "x\\007example\\003org\\000", "example.org",
	false},
    {"zone's first label inside a label", "x\\007example.org", "example.org",
	false},
    {"same length", "axample.org", "example.org", false},
    {"8-bit labels", "a.\\001\\255.org", "\\001\\255.org", true},
    {"8 bit has no case", "\\192.org", "\\224.org", false},
};

static void
test_under(void **state)
{
	struct name n, zone;
	size_t i;

	(void)state;
	for (i = 0; i < NELEM(unders); i++) {
		const char *name = unders[i].name;

		check_row(name, name_from_text(unders[i].below, &n));
		check_row(name, name_from_text(unders[i].zone, &zone));
		check_row_int(name, name_is_under(&n, &zone), unders[i].want);
	}
}

/* Every name is under each of its own ends and under nothing longer. */
static void
test_under_every_end(void **state)
{
	struct name n, zone;
	size_t skip;

	(void)state;
	assert_true(name_from_text("a.bb.ccc.dddd.eeeee", &n));
	for (skip = 0; skip < n.len; skip += n.octets[skip] + 1u) {
		zone.len = (uint8_t)(n.len - skip);
		memcpy(zone.octets, n.octets + skip, zone.len);
		check_row("end", name_is_under(&n, &zone));
		check_row_int("end", name_is_under(&zone, &n), skip == 0);
		if (zone.len == 1)
			break;
		zone.octets[zone.len - 2] ^= 1; /* its last letter */
		check_row("end", !name_is_under(&n, &zone));
	}
}

static uint8_t
ascii_lower(unsigned c)
{
	return (uint8_t)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

static void
test_eq_and_lower(void **state)
{
	struct name a = {3, {1, 0, 0}}, b = a;
	unsigned x, y;

	(void)state;
	for (x = 0; x < 256; x++) {
		for (y = 0; y < 256; y++) {
			a.octets[1] = (uint8_t)x;
			b.octets[1] = (uint8_t)y;
			check_row_int("pair", name_eq(&a, &b),
			    ascii_lower(x) == ascii_lower(y));
		}
		name_lower(&a);
		check_row_int("lower", a.octets[1], ascii_lower(x));
	}
}

static const struct {
	const char *name, *a, *b;
	bool want;
} pairs[] = {
    {"same", "example.org", "example.org", true},
    {"case", "eXaMpLe.ORG", "ExAmPlE.org", true},
    {"root", ".", ".", true},
    {"root and not", ".", "a", false},
    {"one shorter", "example.org", "a.example.org", false},
    {"start of the other", "example", "example.org", false},
    {"same octets, other boundary", "ab.c", "a.bc", false},
    {"dot in a label", "a\\.b", "a.b", false},
};

static void
test_eq(void **state)
{
	struct name a, b;
	size_t i;

	(void)state;
	for (i = 0; i < NELEM(pairs); i++) {
		check_row(pairs[i].name, name_from_text(pairs[i].a, &a));
		check_row(pairs[i].name, name_from_text(pairs[i].b, &b));
		check_row_int(pairs[i].name, name_eq(&a, &b), pairs[i].want);
		check_row_int(pairs[i].name, name_eq(&b, &a), pairs[i].want);
		check_row_int(pairs[i].name, name_is_root(&a),
		    strcmp(pairs[i].a, ".") == 0);
	}
}

static int
sign(int v)
{
	return (v > 0) - (v < 0);
}

static const char *const ordered[] = {".", "a", "b", "z", "\\255", "aa", "ab",
    "a.b", "b.a", "aaa", "a.a.a", "\\000.a", "example.org", "example.com",
    "a.example.org", "b.example.org", D63, D63 "." D63 "." D63 "." D61,
    "\\001\\001\\001"};

static void
test_cmp_is_a_total_order(void **state)
{
	struct name n[NELEM(ordered)];
	size_t i, j, k;

	(void)state;
	for (i = 0; i < NELEM(ordered); i++)
		check_row(ordered[i], name_from_text(ordered[i], &n[i]));
	for (i = 0; i < NELEM(ordered); i++) {
		for (j = 0; j < NELEM(ordered); j++) {
			int ij = sign(name_cmp(&n[i], &n[j]));

			check_row_int(
			    ordered[i], ij, -sign(name_cmp(&n[j], &n[i])));
			check_row_int(ordered[i], ij == 0, i == j);
			for (k = 0; k < NELEM(ordered); k++) {
				if (ij < 0 && name_cmp(&n[j], &n[k]) < 0)
					check_row(ordered[i],
					    name_cmp(&n[i], &n[k]) < 0);
			}
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_read),
	    cmocka_unit_test(test_read_truncated),
	    cmocka_unit_test(test_read_follows_failure),
	    cmocka_unit_test(test_read_in_sub),
	    cmocka_unit_test(test_read_label_count),
	    cmocka_unit_test(test_read_pointer_count),
	    cmocka_unit_test(test_read_pointer_per_label),
	    cmocka_unit_test(test_write),
	    cmocka_unit_test(test_text),
	    cmocka_unit_test(test_text_every_octet),
	    cmocka_unit_test(test_text_longest),
	    cmocka_unit_test(test_text_every_length),
	    cmocka_unit_test(test_under),
	    cmocka_unit_test(test_under_every_end),
	    cmocka_unit_test(test_eq_and_lower),
	    cmocka_unit_test(test_eq),
	    cmocka_unit_test(test_cmp_is_a_total_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
