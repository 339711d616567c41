/* SPDX-License-Identifier: ISC */
/* dns/update and dns/rdata: RFC 2136 3.2 and 3.4.1. Matrix rows U, M16,
 * and the messages of kea-dhcp-ddns. */
#include "hex.h"

#include "dns/rdata.h"
#include "dns/update.h"

#define MSG_MAX 1024

#define ZONE "076578616d706c65 0474657374 00 0006 0001" /* example.test */
#define H1 "026831 c00c "
#define OUTSIDE "0161 056f74686572 c014 " /* a.other.test */

/* Records behind their owner: type, class, TTL, RDLENGTH, RDATA. */
#define ADD_A H1 "0001 0001 0000003c 0004 c0000201"
#define ADD_AAAA H1 "001c 0001 0000003c 0010 20010db8000000000000000000000001"
#define ADD_DHCID H1 "0031 0001 0000003c 0004 00010203"
#define ADD_PTR H1 "000c 0001 0000003c 0002 c00c"
#define DEL_A_RR H1 "0001 00fe 00000000 0004 c0000201"
#define DEL_A H1 "0001 00ff 00000000 0000"
#define DEL_AAAA H1 "001c 00ff 00000000 0000"
#define DEL_DHCID H1 "0031 00ff 00000000 0000"
#define DEL_PTR H1 "000c 00ff 00000000 0000"
#define DEL_NAME H1 "00ff 00ff 00000000 0000"
#define NAME_IN_USE H1 "00ff 00ff 00000000 0000"
#define NAME_NOT_IN_USE H1 "00ff 00fe 00000000 0000"
#define DHCID_EQUALS H1 "0031 0001 00000000 0004 00010203"
#define DHCID_EXISTS H1 "0031 00ff 00000000 0000"
#define NO_A H1 "0001 00fe 00000000 0000"
#define NO_AAAA H1 "001c 00fe 00000000 0000"
#define PTR_EQUALS H1 "000c 0001 00000000 0002 c00c"

/* A message of class IN; hex starts with PRCOUNT and UPCOUNT. */
static size_t
message(
    const char *counts, const char *prereqs, const char *updates, uint8_t *buf)
{
	size_t len = hex_octets("beef 2800 0001", buf, MSG_MAX);

	len += hex_octets(counts, buf + len, 4);
	len += hex_octets("0000" ZONE, buf + len, MSG_MAX - len);
	len += hex_octets(prereqs, buf + len, MSG_MAX - len);
	return len + hex_octets(updates, buf + len, MSG_MAX - len);
}

/* On a heap block of exactly that length. */
static enum rcode
check(const char *row, const uint8_t *octets, size_t len,
    struct update_shape *shape)
{
	uint8_t *copy = octets_dup(octets, len);
	enum rcode rcode;
	struct msg m;

	check_row_int(row, msg_parse(copy, len, &m), MSG_OK);
	rcode = update_check(copy, &m, shape);
	free(copy);
	return rcode;
}

static const struct {
	const char *name, *counts, *prereqs, *updates;
	enum rcode want;
} rows[] = {
    {"golden", "0000 0001", "", ADD_A, RCODE_NOERROR},
    {"M17 empty", "0000 0000", "", "", RCODE_NOERROR},
    {"U1 TTL, class ANY", "0001 0000", H1 "00ff 00ff 00000005 0000", "",
	RCODE_FORMERR},
    {"U1 TTL, class NONE", "0001 0000", H1 "00ff 00fe 00000005 0000", "",
	RCODE_FORMERR},
    {"U1 TTL, class IN", "0001 0000", H1 "0001 0001 00000005 0004 c0000201", "",
	RCODE_FORMERR},
    {"U1 TTL, highest bit", "0001 0000", H1 "00ff 00ff 80000000 0000", "",
	RCODE_FORMERR},
    {"U2 RDATA, class ANY", "0001 0000", H1 "0001 00ff 00000000 0004 c0000201",
	"", RCODE_FORMERR},
    {"U2 RDATA, class NONE", "0001 0000", H1 "0001 00fe 00000000 0004 c0000201",
	"", RCODE_FORMERR},
    {"U3 class CH", "0001 0000", H1 "0001 0003 00000000 0004 c0000201", "",
	RCODE_FORMERR},
    {"U4 class CH", "0000 0001", "", H1 "0001 0003 00000000 0004 c0000201",
	RCODE_FORMERR},
    {"U5 TTL, class ANY", "0000 0001", "", H1 "00ff 00ff 00000005 0000",
	RCODE_FORMERR},
    {"U5 TTL, class NONE", "0000 0001", "",
	H1 "0001 00fe 00000005 0004 c0000201", RCODE_FORMERR},
    {"U6 RDATA, class ANY", "0000 0001", "",
	H1 "0001 00ff 00000000 0004 c0000201", RCODE_FORMERR},
    {"U7 type ANY, class IN", "0000 0001", "", H1 "00ff 0001 0000003c 0000",
	RCODE_FORMERR},
    {"U7 type ANY, class NONE", "0000 0001", "", H1 "00ff 00fe 00000000 0000",
	RCODE_FORMERR},
    {"U7 AXFR, class IN", "0000 0001", "", H1 "00fc 0001 0000003c 0000",
	RCODE_FORMERR},
    {"U7 MAILB, class NONE", "0000 0001", "", H1 "00fd 00fe 00000000 0000",
	RCODE_FORMERR},
    {"U7 MAILA, class IN", "0000 0001", "", H1 "00fe 0001 0000003c 0000",
	RCODE_FORMERR},
    {"M16 OPT", "0000 0001", "", H1 "0029 0001 00000000 0000", RCODE_FORMERR},
    {"M16 TKEY", "0000 0001", "", H1 "00f9 0001 00000000 0000", RCODE_FORMERR},
    {"U8 prerequisite outside", "0001 0000", OUTSIDE "00ff 00ff 00000000 0000",
	"", RCODE_NOTZONE},
    {"U8 update outside", "0000 0001", "",
	OUTSIDE "0001 0001 0000003c 0004 c0000201", RCODE_NOTZONE},
    {"U8 above the zone", "0000 0001", "",
	"c014 0001 0001 0000003c 0004 c0000201", RCODE_NOTZONE},
    {"U8 ends alike, no label boundary", "0000 0001", "",
	"08786578616d706c65 c014 0001 0001 0000003c 0004 c0000201",
	RCODE_NOTZONE},
    {"the zone itself", "0000 0001", "",
	"c00c 0001 0001 0000003c 0004 c0000201", RCODE_NOERROR},
    {"T29 other case", "0000 0001", "",
	"0161 074558414d504c45 0454455354 00 0001 0001 0000003c 0004"
	"c0000201",
	RCODE_NOERROR},
    {"U8 prerequisites first", "0001 0001", OUTSIDE "00ff 00ff 00000000 0000",
	H1 "0001 0003 00000000 0004 c0000201", RCODE_NOTZONE},
    {"prerequisites first, the other way", "0001 0001",
	H1 "00ff 00ff 00000005 0000",
	OUTSIDE "0001 0001 0000003c 0004 c0000201", RCODE_FORMERR},
    {"first bad prerequisite counts", "0002 0000",
	H1 "00ff 00ff 00000005 0000" OUTSIDE "00ff 00ff 00000000 0000", "",
	RCODE_FORMERR},
    {"first bad update counts", "0000 0002", "",
	OUTSIDE "0001 0001 0000003c 0004 c0000201" H1
		"0001 0003 00000000 0004 c0000201",
	RCODE_NOTZONE},
    {"bad after good", "0001 0002", NAME_NOT_IN_USE,
	ADD_A H1 "0001 0003 00000000 0004 c0000201", RCODE_FORMERR},
    {"last bad prerequisite", "0003 0001",
	NAME_IN_USE DHCID_EQUALS OUTSIDE "0001 00fe 00000000 0000", ADD_A,
	RCODE_NOTZONE},
    {"U11 A of 3 octets", "0000 0001", "", H1 "0001 0001 0000003c 0003 c00002",
	RCODE_FORMERR},
    {"U11 A of 3 octets, class NONE", "0000 0001", "",
	H1 "0001 00fe 00000000 0003 c00002", RCODE_FORMERR},
    {"U11 A of 5 octets as prerequisite", "0001 0000",
	H1 "0001 0001 00000000 0005 c000020100", "", RCODE_FORMERR},
    {"U11 PTR to past the end", "0000 0001", "",
	H1 "000c 0001 0000003c 0002 ffff", RCODE_FORMERR},
    {"U12 PTR to the zone", "0000 0001", "", ADD_PTR, RCODE_NOERROR},
    {"U12 SRV to the zone", "0000 0001", "",
	H1 "0021 0001 0000003c 0008 000100020003 c00c", RCODE_NOERROR},
    {"M15 unknown type", "0000 0001", "", H1 "ff00 0001 0000003c 0004 ffffffff",
	RCODE_NOERROR},
    {"M15 unknown type, empty", "0000 0001", "", H1 "ff00 0001 0000003c 0000",
	RCODE_NOERROR},
    {"highest TTL", "0000 0001", "", H1 "0001 0001 ffffffff 0004 c0000201",
	RCODE_NOERROR},
};

static void
test_rows(void **state)
{
	struct update_shape shape;
	uint8_t buf[MSG_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < NELEM(rows); i++) {
		size_t len = message(
		    rows[i].counts, rows[i].prereqs, rows[i].updates, buf);

		check_row_int(rows[i].name,
		    check(rows[i].name, buf, len, &shape), rows[i].want);
	}
}

/*
 * SU2, the matrix: each row of the tables below is one sentence of the RFC,
 * in the order of its pseudocode; the first that fits gives the code.
 */
enum { IN = 1, ANY = 2, NONE = 4, OTHER = 8, EVERY_CLASS = 15 };
enum {
	DATA = 1, /* opaque */
	ADDRESS = 2, /* A: 4 octets */
	WITH_NAME = 4, /* neither 0 nor our 4 octets are well-formed */
	TYPE_IS_ANY = 8,
	META = 16, /* no data, and no ANY */
	EVERY_TYPE = 31
};
enum { NO = 1, YES = 2, EITHER = 3 };

struct rule {
	unsigned classes, types, has_ttl, has_rdata, is_outside;
	enum rcode want;
};

/* RFC 2136 3.2; the last but one is 2.4: no type of an RRset. */
static const struct rule prereq_rules[] = {
    {EVERY_CLASS, EVERY_TYPE, YES, EITHER, EITHER, RCODE_FORMERR},
    {EVERY_CLASS, EVERY_TYPE, NO, EITHER, YES, RCODE_NOTZONE},
    {ANY | NONE, EVERY_TYPE, NO, YES, NO, RCODE_FORMERR},
    {ANY | NONE, DATA | ADDRESS | WITH_NAME | TYPE_IS_ANY, NO, NO, NO,
	RCODE_NOERROR},
    {IN, DATA, NO, EITHER, NO, RCODE_NOERROR},
    {IN, ADDRESS, NO, YES, NO, RCODE_NOERROR},
    {IN, ADDRESS | WITH_NAME, NO, EITHER, NO, RCODE_FORMERR},
    {OTHER, EVERY_TYPE, NO, EITHER, NO, RCODE_FORMERR},
    {EVERY_CLASS, META | TYPE_IS_ANY, NO, EITHER, NO, RCODE_FORMERR},
};

/* RFC 2136 3.4.1. */
static const struct rule update_rules[] = {
    {EVERY_CLASS, EVERY_TYPE, EITHER, EITHER, YES, RCODE_NOTZONE},
    {IN | NONE, TYPE_IS_ANY | META, EITHER, EITHER, NO, RCODE_FORMERR},
    {ANY, EVERY_TYPE, YES, EITHER, NO, RCODE_FORMERR},
    {ANY, EVERY_TYPE, NO, YES, NO, RCODE_FORMERR},
    {ANY, META, NO, NO, NO, RCODE_FORMERR},
    {ANY, EVERY_TYPE, NO, NO, NO, RCODE_NOERROR},
    {NONE, EVERY_TYPE, YES, EITHER, NO, RCODE_FORMERR},
    {OTHER, EVERY_TYPE, EITHER, EITHER, NO, RCODE_FORMERR},
    {IN | NONE, DATA, EITHER, EITHER, NO, RCODE_NOERROR},
    {IN | NONE, ADDRESS, EITHER, YES, NO, RCODE_NOERROR},
    {IN | NONE, ADDRESS | WITH_NAME, EITHER, EITHER, NO, RCODE_FORMERR},
};

struct cell {
	unsigned number, kind;
};

static const struct cell classes[] = {{1, IN}, {255, ANY}, {254, NONE},
    {3, OTHER}, {4, OTHER}, {0, OTHER}, {2, OTHER}, {256, OTHER},
    {65535, OTHER}};

static const struct cell types[] = {{1, ADDRESS}, {2, WITH_NAME},
    {5, WITH_NAME}, {6, WITH_NAME}, {12, WITH_NAME}, {15, WITH_NAME},
    {16, WITH_NAME}, {24, DATA}, {25, DATA}, {28, WITH_NAME}, {33, WITH_NAME},
    {35, WITH_NAME}, {39, WITH_NAME}, {43, DATA}, {46, DATA}, {49, DATA},
    {248, DATA}, {256, DATA}, {65280, DATA}, {65535, DATA}, {255, TYPE_IS_ANY},
    {0, META}, {41, META}, {249, META}, {251, META}, {252, META}, {253, META},
    {254, META}};

static const struct rule *
find_rule(const struct rule *rules, size_t n, const struct rule *cell)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if ((rules[i].classes & cell->classes) != 0 &&
		    (rules[i].types & cell->types) != 0 &&
		    (rules[i].has_ttl & cell->has_ttl) != 0 &&
		    (rules[i].has_rdata & cell->has_rdata) != 0 &&
		    (rules[i].is_outside & cell->is_outside) != 0)
			return &rules[i];
	}
	return NULL;
}

/* bits: 1 a TTL, 2 RDATA, 4 outside the zone, 8 an update. */
static void
check_cell(const struct cell *class, const struct cell *type, unsigned bits)
{
	struct rule cell = {class->kind, type->kind, bits & 1 ? YES : NO,
	    bits & 2 ? YES : NO, bits & 4 ? YES : NO, RCODE_NOERROR};
	const struct rule *rule =
	    bits & 8 ? find_rule(update_rules, NELEM(update_rules), &cell)
		     : find_rule(prereq_rules, NELEM(prereq_rules), &cell);
	char row[96], rr[96];
	uint8_t buf[MSG_MAX];
	struct update_shape shape;
	size_t len;

	snprintf(row, sizeof(row), "%s class %u type %u%s%s%s",
	    bits & 8 ? "update" : "prerequisite", class->number, type->number,
	    bits & 1 ? " TTL" : "", bits & 2 ? " RDATA" : "",
	    bits & 4 ? " outside" : "");
	check_row(row, rule != NULL);
	snprintf(rr, sizeof(rr), "%s%04x %04x 0000000%u %s",
	    bits & 4 ? OUTSIDE : H1, type->number, class->number,
	    bits & 1 ? 5 : 0, bits & 2 ? "0004 c0000201" : "0000");
	len = message(bits & 8 ? "0000 0001" : "0001 0000", rr, "", buf);
	check_row_int(row, check(row, buf, len, &shape), rule->want);
}

static void
test_matrix(void **state)
{
	size_t c, t;
	unsigned bits;

	(void)state;
	for (c = 0; c < NELEM(classes); c++) {
		for (t = 0; t < NELEM(types); t++) {
			for (bits = 0; bits < 16; bits++)
				check_cell(&classes[c], &types[t], bits);
		}
	}
}

/* A TSIG record in these sections is no structure at all: M16, T25. */
static void
test_tsig_as_data(void **state)
{
	uint8_t buf[MSG_MAX];
	struct msg m;
	size_t len, c;
	char rr[96];

	(void)state;
	for (c = 0; c < NELEM(classes); c++) {
		snprintf(rr, sizeof(rr), H1 "00fa %04x 00000000 0000",
		    classes[c].number);
		len = message("0000 0001", "", rr, buf);
		assert_int_equal(msg_parse(buf, len, &m), MSG_FORMERR);
		len = message("0001 0000", rr, "", buf);
		assert_int_equal(msg_parse(buf, len, &m), MSG_FORMERR);
	}
}

static const struct {
	const char *name, *counts, *prereqs, *updates;
	unsigned want_prereqs, want_updates;
} shapes[] = {
    {"check-with-dhcid: add", "0001 0002", NAME_NOT_IN_USE, ADD_A ADD_DHCID,
	PREREQ_NAME_NOT_IN_USE, UPDATE_ADD},
    {"check-with-dhcid: replace", "0002 0002", NAME_IN_USE DHCID_EQUALS,
	DEL_A ADD_A, PREREQ_NAME_IN_USE | PREREQ_DHCID_EQUALS,
	UPDATE_DELETE_RRSET | UPDATE_ADD},
    {"check-with-dhcid: remove 1", "0001 0001", DHCID_EQUALS, DEL_A_RR,
	PREREQ_DHCID_EQUALS, UPDATE_DELETE_RR},
    {"check-with-dhcid: remove 2", "0003 0001", DHCID_EQUALS NO_A NO_AAAA,
	DEL_NAME, PREREQ_DHCID_EQUALS | PREREQ_NO_ADDRESS, UPDATE_DELETE_NAME},
    {"check-exists-with-dhcid: add, IPv6", "0001 0002", NAME_NOT_IN_USE,
	ADD_AAAA ADD_DHCID, PREREQ_NAME_NOT_IN_USE, UPDATE_ADD},
    {"check-exists-with-dhcid: replace", "0001 0004", DHCID_EXISTS,
	DEL_A DEL_DHCID ADD_A ADD_DHCID, PREREQ_DHCID_EXISTS,
	UPDATE_DELETE_RRSET | UPDATE_ADD},
    {"check-exists-with-dhcid: remove 1", "0001 0001", DHCID_EXISTS, DEL_A_RR,
	PREREQ_DHCID_EXISTS, UPDATE_DELETE_RR},
    {"check-exists-with-dhcid: remove 2", "0002 0001", NO_A NO_AAAA, DEL_DHCID,
	PREREQ_NO_ADDRESS, UPDATE_DELETE_RRSET},
    {"no-check-with-dhcid: add", "0000 0004", "",
	DEL_A DEL_DHCID ADD_A ADD_DHCID, 0, UPDATE_DELETE_RRSET | UPDATE_ADD},
    {"no-check-with-dhcid: remove", "0000 0002", "", DEL_AAAA DEL_DHCID, 0,
	UPDATE_DELETE_RRSET},
    {"no-check-without-dhcid: add", "0000 0002", "", DEL_A ADD_A, 0,
	UPDATE_DELETE_RRSET | UPDATE_ADD},
    {"no-check-without-dhcid: remove", "0000 0001", "", DEL_A, 0,
	UPDATE_DELETE_RRSET},
    {"reverse: replace", "0000 0004", "", DEL_PTR DEL_DHCID ADD_PTR ADD_DHCID,
	0, UPDATE_DELETE_RRSET | UPDATE_ADD},
    {"reverse, check: remove", "0001 0001", PTR_EQUALS, DEL_NAME,
	PREREQ_PTR_EQUALS, UPDATE_DELETE_NAME},
    {"reverse, no check: remove", "0000 0002", "", DEL_PTR DEL_DHCID, 0,
	UPDATE_DELETE_RRSET},

    {"empty", "0000 0000", "", "", 0, 0},
    {"prerequisite only", "0001 0000", NAME_IN_USE, "", PREREQ_NAME_IN_USE, 0},
    {"delete an A and a name", "0000 0002", "", DEL_A_RR DEL_NAME, 0,
	UPDATE_DELETE_RR | UPDATE_DELETE_NAME},
    {"PTR exists", "0001 0000", H1 "000c 00ff 00000000 0000", "", PREREQ_OTHER,
	0},
    {"no DHCID", "0001 0000", H1 "0031 00fe 00000000 0000", "", PREREQ_OTHER,
	0},
    {"A exists", "0001 0000", H1 "0001 00ff 00000000 0000", "", PREREQ_OTHER,
	0},
    {"A equals", "0001 0000", H1 "0001 0001 00000000 0004 c0000201", "",
	PREREQ_OTHER, 0},
    {"no TXT", "0001 0000", H1 "0010 00fe 00000000 0000", "", PREREQ_OTHER, 0},
    {"other and known", "0002 0000", NAME_IN_USE H1 "0010 00fe 00000000 0000",
	"", PREREQ_OTHER | PREREQ_NAME_IN_USE, 0},
};

static void
test_shapes(void **state)
{
	uint8_t buf[MSG_MAX];
	size_t i, len;

	(void)state;
	for (i = 0; i < NELEM(shapes); i++) {
		const char *name = shapes[i].name;
		struct update_shape shape = {0xa5a5, 0xa5a5};

		len = message(shapes[i].counts, shapes[i].prereqs,
		    shapes[i].updates, buf);
		check_row_int(
		    name, check(name, buf, len, &shape), RCODE_NOERROR);
		check_row_int(name, shape.prereqs, shapes[i].want_prereqs);
		check_row_int(name, shape.updates, shapes[i].want_updates);
	}
}

/* As kea-dhcp-ddns 2.2.0 sent it: additional data is not looked at. */
static void
test_captured_add(void **state)
{
	static const char hex[] =
	    "6de328000001000100020001076578616d706c65047465737400000600010a"
	    "686f737473696c656e74c00c00ff00fe000000000000c01e00010001000005"
	    "140004c000024dc01e00310001000005140008010203040a7f8e3d046b3235"
	    "360000fa00ff00000000003d0b686d61632d7368613235360000006b0369a7"
	    "012c00201c7f706fa83ff10421cf4d77d2fac348b97978544a42cfcf23d7b1"
	    "bf2a0c2480cbbc00000000";
	uint8_t buf[MSG_MAX];
	size_t len = hex_octets(hex, buf, sizeof(buf));
	struct update_shape shape;

	(void)state;
	assert_int_equal(check("captured", buf, len, &shape), RCODE_NOERROR);
	assert_int_equal(shape.prereqs, PREREQ_NAME_NOT_IN_USE);
	assert_int_equal(shape.updates, UPDATE_ADD);
}

/* Well-formed RDATA; names may point to example.test at offset 12. */
static const struct {
	const char *name;
	uint16_t type;
	const char *hex;
} good[] = {
    {"A", 1, "c0000201"},
    {"NS", 2, "036e7331 c00c"},
    {"MD", 3, "c00c"},
    {"MF", 4, "c00c"},
    {"CNAME", 5, "0161 00"},
    {"CNAME to the root", 5, "00"},
    {"SOA", 6,
	"c00c 0161 c00c 00000001 00000002 00000003 00000004"
	"00000005"},
    {"MB", 7, "c00c"},
    {"MG", 8, "c00c"},
    {"MR", 9, "c00c"},
    {"PTR", 12, "c00c"},
    {"HINFO", 13, "03414243 0144"},
    {"HINFO, empty strings", 13, "0000"},
    {"MINFO", 14, "c00c c014"},
    {"MX", 15, "000a 046d61696c c00c"},
    {"RP", 17, "c00c 00"},
    {"AFSDB", 18, "0001 c00c"},
    {"RT", 21, "0001 c00c"},
    {"PX", 26, "0001 c00c 0162 c014"},
    {"AAAA", 28, "20010db8000000000000000000000001"},
    {"SRV", 33, "0001 0002 0035 c00c"},
    {"SRV to the root", 33, "0000 0000 0000 00"},
    {"NAPTR", 35, "0001 0002 0155 0353495000 c00c"},
    {"KX", 36, "0001 c00c"},
    {"DNAME", 39, "c00c"},
};

/* The RDATA behind header and zone; 40 octets follow it. */
static bool
is_well_formed(const char *row, uint16_t type, const char *hex, int more)
{
	uint8_t buf[MSG_MAX] = {0}, *copy;
	size_t len = message("0000 0000", hex, "", buf);
	struct rd rdata;
	bool ok;

	check_row(row, (int)len + more >= 30);
	copy = octets_dup(buf, len + 40);
	rd_init(&rdata, copy, len + 40);
	rdata.pos = 30;
	rdata.end = (size_t)((int)len + more);
	ok = rdata_is_well_formed(type, rdata);
	free(copy);
	return ok;
}

/* SU7: every RDLENGTH but the right one is wrong; with a smaller one, names
 * cross the end of the RDATA. */
static void
test_rdata_good(void **state)
{
	uint8_t buf[MSG_MAX];
	int more, len;
	size_t i;

	(void)state;
	for (i = 0; i < NELEM(good); i++) {
		const char *name = good[i].name;

		len = (int)hex_octets(good[i].hex, buf, sizeof(buf));
		for (more = -len; more <= 40; more++)
			check_row_int(name,
			    is_well_formed(
				name, good[i].type, good[i].hex, more),
			    more == 0);
	}
}

static const struct {
	const char *name;
	uint16_t type;
	const char *hex;
	bool want;
} others[] = {
    {"PTR to itself", 12, "c01e", false},
    {"PTR forward", 12, "c020", false},
    {"PTR into the header", 12, "c002", false},
    {"PTR label type 01", 12, "416100", false},
    {"MX to itself", 15, "000a c020", false},
    {"MX into its own preference", 15, "0000 c01e", true},
    {"MINFO, second to first", 14, "0161 00 c01e", true},
    {"MINFO, first to second", 14, "c020 0161 00", false},
    {"SOA, names only", 6, "c00c c00c", false},
    {"HINFO, one string", 13, "03414243", false},
    {"HINFO, three strings", 13, "0141 0142 0143", false},
    {"NAPTR without its name", 35, "0001 0002 0155 0153 00", false},
    {"NULL is opaque", 10, "c0", true},
    {"TXT, a string too long", 16, "05", false},
    {"TXT without a string", 16, "", false},
    {"TXT, an empty string", 16, "00", true},
    {"TXT, two strings", 16, "0141 00", true},
    {"TXT, the second too long", 16, "0141 02", false},
    {"DHCID is opaque", 49, "c01e", true},
    {"RRSIG is opaque", 46, "00", true},
    {"type 65280 is opaque", 65280, "1234c00c", true},
    {"type 65535 is opaque", 65535, "", true},
};

static void
test_rdata_others(void **state)
{
	struct rd dead;
	size_t i;

	(void)state;
	for (i = 0; i < NELEM(others); i++)
		check_row_int(others[i].name,
		    is_well_formed(
			others[i].name, others[i].type, others[i].hex, 0),
		    others[i].want);
	rd_init(&dead, (const uint8_t *)"", 0);
	rd_fail(&dead);
	assert_false(rdata_is_well_formed(TYPE_A, dead));
	assert_false(rdata_is_well_formed(65280, dead));
}

static void
test_meta_types(void **state)
{
	unsigned type;

	(void)state;
	for (type = 0; type <= 65535; type++) {
		bool want =
		    type == 0 || type == 41 || (type >= 249 && type <= 255);

		check_row_int("type", rdata_is_meta_type((uint16_t)type), want);
	}
}

/* Octets that are not those that were parsed end the walk all the same. */
static void
test_other_octets(void **state)
{
	static const char *const counts[] = {"0001 0000", "0000 0001"};
	struct update_shape shape;
	uint8_t octets[MSG_MAX];
	struct msg m;
	size_t i, len;

	(void)state;
	for (i = 0; i < NELEM(counts); i++) {
		len = message(
		    counts[i], H1 "000c 0001 00000000 0002 c00c", "", octets);
		assert_int_equal(msg_parse(octets, len, &m), MSG_OK);
		octets[len - 3] = 3; /* RDLENGTH */
		assert_int_equal(
		    update_check(octets, &m, &shape), RCODE_FORMERR);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rows),
	    cmocka_unit_test(test_matrix),
	    cmocka_unit_test(test_tsig_as_data),
	    cmocka_unit_test(test_shapes),
	    cmocka_unit_test(test_captured_add),
	    cmocka_unit_test(test_rdata_good),
	    cmocka_unit_test(test_rdata_others),
	    cmocka_unit_test(test_meta_types),
	    cmocka_unit_test(test_other_octets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
