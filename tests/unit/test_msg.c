/* SPDX-License-Identifier: ISC */
/* dns/msg: the structure of a message. Matrix rows M, E4, E5, E9, T23 to
 * T25. TSIG records are only located here: their MACs are blank. */
#include "hex.h"

#include "dns/dns.h"
#include "dns/msg.h"
#include "dns/text.h"

#define MSG_MAX 1024

#define ZONE "076578616d706c65 0474657374 00 0006 0001"
#define ADD "026831 c00c 0001 0001 0000003c 0004 c0000201"
#define PREREQ "026831 c00c 00ff 00fe 00000000 0000"
#define A_RR ADD
#define OPT "00 0029 04d0 00000000 0000"
#define OPT_V1 "00 0029 0200 00018000 0000"
#define OPT_OPTIONS(rdlen, options) "00 0029 04d0 00000000" rdlen options
#define SIG "00 0018 00ff 00000000 0000"
/* key "k.", hmac-sha1, MAC of 1 octet: the RDATA is 28 octets */
#define TSIG \
	"016b00 00fa 00ff 00000000 001c 09686d61632d7368613100 00006553f100" \
	"012c 0001 aa beef 0000 0000"

/* What is expected of the message as a whole. */
enum {
	ZONE_ECHO = 1, /* the zone section can be echoed */
	TSIG_FOUND = 2,
	OPT_FOUND = 4,
	OPT_BAD = 8,
	SIG_FOUND = 16
};

#define OK_PLAIN MSG_OK, ZONE_ECHO
#define OK_TSIG MSG_OK, ZONE_ECHO | TSIG_FOUND
#define OK_OPT MSG_OK, ZONE_ECHO | OPT_FOUND
#define FORMERR_Z1 MSG_FORMERR, ZONE_ECHO
#define FORMERR_Z0 MSG_FORMERR, 0

/* hex starts behind the flags: counts and sections */
static const struct {
	const char *name, *hex;
	enum msg_result want;
	unsigned found;
} rows[] = {
    {"golden, unsigned", "0001 0000 0001 0000" ZONE ADD, OK_PLAIN},
    {"golden, signed", "0001 0000 0001 0001" ZONE ADD TSIG, OK_TSIG},
    {"all four sections", "0001 0001 0001 0002" ZONE PREREQ ADD OPT TSIG,
	OK_TSIG | OPT_FOUND},
    {"M1 no zone", "0000 0000 0001 0001" ADD TSIG, FORMERR_Z0},
    {"M1 no zone, readable", "0000 0000 0000 0001" TSIG, MSG_OK, TSIG_FOUND},
    {"M1 two zones", "0002 0000 0000 0001" ZONE ZONE TSIG, MSG_OK, TSIG_FOUND},
    {"M1 second zone is cut", "0002 0000 0000 0000" ZONE "0161 00 0006 00",
	FORMERR_Z0},
    {"M2 ZTYPE A", "0001 0000 0000 0000 0161 00 0001 0001", OK_PLAIN},
    {"M4 ZCLASS CH", "0001 0000 0000 0000 0161 00 0006 0003", OK_PLAIN},
    {"M5 PRCOUNT + 1", "0001 0001 0001 0000" ZONE ADD, FORMERR_Z1},
    {"M5 UPCOUNT + 1", "0001 0000 0002 0000" ZONE ADD, FORMERR_Z1},
    {"M5 ADCOUNT + 1", "0001 0000 0001 0001" ZONE ADD, FORMERR_Z1},
    {"M5 ZOCOUNT 65535", "ffff 0000 0001 0000" ZONE ADD, FORMERR_Z0},
    {"M5 all counts 65535", "ffff ffff ffff ffff" ZONE ADD, FORMERR_Z0},
    {"M6 RDLENGTH beyond the end",
	"0001 0000 0001 0000" ZONE
	"026831 c00c 0001 0001 0000003c 0190 c0000201",
	FORMERR_Z1},
    {"M6 RDLENGTH one beyond",
	"0001 0000 0001 0000" ZONE
	"026831 c00c 0001 0001 0000003c 0005 c0000201",
	FORMERR_Z1},
    {"M7 one octet behind", "0001 0000 0001 0000" ZONE ADD "00", FORMERR_Z1},
    {"M7 a record behind", "0001 0000 0001 0000" ZONE ADD ADD, FORMERR_Z1},
    {"M7 one octet behind the TSIG", "0001 0000 0001 0001" ZONE ADD TSIG "00",
	FORMERR_Z1 | TSIG_FOUND},
    {"M8 zone points to itself", "0001 0000 0000 0000 c00c 0006 0001",
	FORMERR_Z0},
    {"M8 zone points forward", "0001 0000 0000 0000 c012 0006 0001 00",
	FORMERR_Z0},
    {"M8 zone points past the end", "0001 0000 0000 0000 ffff 0006 0001",
	FORMERR_Z0},
    {"M8 zone points into the header", "0001 0000 0000 0000 c004 0006 0001",
	FORMERR_Z0},
    {"M9 owner points to itself",
	"0001 0000 0001 0000" ZONE "c01e 0001 0001 0000003c 0004 c0000201",
	FORMERR_Z1},
    {"M9 cycle of two",
	"0001 0000 0001 0000" ZONE
	"0161 c02c 0001 0001 0000003c 0004 c01e c01e",
	FORMERR_Z1},
    {"M9 owner points into the TSIG",
	"0001 0000 0001 0001" ZONE "c02e 0001 0001 0000003c 0004 c0000201" TSIG,
	FORMERR_Z1},
    {"M11 zone has label type 01", "0001 0000 0000 0000 41 00 0006 0001",
	FORMERR_Z0},
    {"M11 zone has label type 10", "0001 0000 0000 0000 81 00 0006 0001",
	FORMERR_Z0},
    {"M11 owner has label type 01",
	"0001 0000 0001 0000" ZONE "41 61 00 0001 0001 0000003c 0000",
	FORMERR_Z1},
    {"M11 owner has label type 10",
	"0001 0000 0001 0000" ZONE "81 61 00 0001 0001 0000003c 0000",
	FORMERR_Z1},
    {"M13 8-bit owner",
	"0001 0000 0001 0000" ZONE "04002eff41 c00c 0001 0001 0000003c 0000",
	OK_PLAIN},
    {"M15 unknown type",
	"0001 0000 0001 0000" ZONE "0161 c00c ff00 0001 0000003c 0004 1234c00c",
	OK_PLAIN},
    {"M17 empty update", "0001 0000 0000 0000" ZONE, OK_PLAIN},
    {"M17 empty update, signed", "0001 0000 0000 0001" ZONE TSIG, OK_TSIG},
    {"nothing at all", "0000 0000 0000 0000", MSG_OK, 0},

    {"T23 OPT behind the TSIG", "0001 0000 0001 0002" ZONE ADD TSIG OPT,
	FORMERR_Z1},
    {"T23 A behind the TSIG", "0001 0000 0001 0002" ZONE ADD TSIG A_RR,
	FORMERR_Z1},
    {"T23 TSIG first of three", "0001 0000 0000 0003" ZONE TSIG OPT A_RR,
	FORMERR_Z1},
    {"T24 two TSIGs", "0001 0000 0001 0002" ZONE ADD TSIG TSIG, FORMERR_Z1},
    {"T25 TSIG as prerequisite", "0001 0001 0001 0000" ZONE TSIG ADD,
	FORMERR_Z1},
    {"T25 TSIG as update", "0001 0000 0002 0000" ZONE ADD TSIG, FORMERR_Z1},
    {"T25 TSIG as update and at the end", "0001 0000 0001 0001" ZONE TSIG TSIG,
	FORMERR_Z1},
    {"U13 additional data", "0001 0000 0000 0001" ZONE A_RR, OK_PLAIN},

    {"E1 OPT before the TSIG", "0001 0000 0001 0002" ZONE ADD OPT TSIG,
	OK_TSIG | OPT_FOUND},
    {"E1 OPT alone", "0001 0000 0000 0001" ZONE OPT, OK_OPT},
    {"E4 two OPTs", "0001 0000 0000 0003" ZONE OPT OPT TSIG,
	OK_TSIG | OPT_FOUND | OPT_BAD},
    {"E4 two OPTs, apart", "0001 0000 0000 0003" ZONE OPT A_RR OPT,
	OK_OPT | OPT_BAD},
    {"E5 owner is not the root",
	"0001 0000 0000 0001" ZONE "0161 00 0029 04d0 00000000 0000",
	OK_OPT | OPT_BAD},
    {"E5 owner is the zone",
	"0001 0000 0000 0001" ZONE "c00c 0029 04d0 00000000 0000",
	OK_OPT | OPT_BAD},
    {"OPT owner points to a root",
	"0001 0000 0000 0001" ZONE "c019 0029 04d0 00000000 0000", OK_OPT},
    {"E6 version 1", "0001 0000 0000 0001" ZONE OPT_V1, OK_OPT},
    {"E8 unknown option",
	"0001 0000 0000 0001" ZONE OPT_OPTIONS("0006", "fde9 0002 1234"),
	OK_OPT},
    {"E8 empty option",
	"0001 0000 0000 0001" ZONE OPT_OPTIONS("0004", "0003 0000"), OK_OPT},
    {"E8 three options",
	"0001 0000 0000 0001" ZONE OPT_OPTIONS(
	    "000f", "0003 0000 000a 0003 313233 000c 0000"),
	OK_OPT},
    {"E9 option longer than the RDATA",
	"0001 0000 0000 0001" ZONE OPT_OPTIONS("0004", "000a 00ff"),
	OK_OPT | OPT_BAD},
    {"E9 option one octet longer",
	"0001 0000 0000 0001" ZONE OPT_OPTIONS("0006", "000a 0003 1234"),
	OK_OPT | OPT_BAD},
    {"E9 option runs into the TSIG",
	"0001 0000 0000 0002" ZONE OPT_OPTIONS("0004", "000a 0008") TSIG,
	OK_TSIG | OPT_FOUND | OPT_BAD},
    {"E9 half an option header",
	"0001 0000 0000 0001" ZONE OPT_OPTIONS("0003", "000a 00"),
	OK_OPT | OPT_BAD},
    {"E9 an octet behind the options",
	"0001 0000 0000 0001" ZONE OPT_OPTIONS("0005", "0003 0000 00"),
	OK_OPT | OPT_BAD},
    {"M16 OPT as update is not the message's", "0001 0000 0001 0000" ZONE OPT,
	OK_PLAIN},
    {"OPT as prerequisite", "0001 0001 0000 0000" ZONE OPT, OK_PLAIN},

    {"T40 SIG(0) alone", "0001 0000 0000 0001" ZONE SIG, OK_PLAIN | SIG_FOUND},
    {"T41 SIG(0) before the TSIG", "0001 0000 0001 0002" ZONE ADD SIG TSIG,
	OK_TSIG | SIG_FOUND},
    {"SIG as update", "0001 0000 0001 0000" ZONE SIG, OK_PLAIN},
};

static unsigned
found(const struct msg *m)
{
	return (msg_zone_is_single(m) ? ZONE_ECHO : 0u) |
	       (m->tsig_start != 0 ? TSIG_FOUND : 0u) |
	       (m->opt.is_present ? OPT_FOUND : 0u) |
	       (m->opt.is_bad ? OPT_BAD : 0u) | (m->has_sig ? SIG_FOUND : 0u);
}

/* On a heap block of exactly that length. */
static enum msg_result
parse(const uint8_t *octets, size_t len, struct msg *m)
{
	uint8_t *copy = octets_dup(octets, len);
	enum msg_result result = msg_parse(copy, len, m);

	free(copy);
	return result;
}

static size_t
row_octets(size_t row, uint8_t *buf)
{
	hex_octets("beef 2800", buf, 4);
	return 4 + hex_octets(rows[row].hex, buf + 4, MSG_MAX - 4);
}

static void
test_rows(void **state)
{
	uint8_t buf[MSG_MAX];
	struct msg m;
	size_t i;

	(void)state;
	for (i = 0; i < NELEM(rows); i++) {
		size_t len = row_octets(i, buf);

		check_row_int(rows[i].name, parse(buf, len, &m), rows[i].want);
		check_row_int(rows[i].name, m.id, 0xbeef);
		check_row_int(rows[i].name, m.flags, 0x2800);
		check_row_int(rows[i].name, found(&m), rows[i].found);
	}
}

/* A message that is whole is no longer so without its last octets, nor
 * with more of them: M5, M7, M14. */
static void
test_rows_cut_and_longer(void **state)
{
	uint8_t buf[MSG_MAX + 20] = {0};
	size_t i, len, cut;
	struct msg m;

	(void)state;
	for (i = 0; i < NELEM(rows); i++) {
		if (rows[i].want != MSG_OK)
			continue;
		len = row_octets(i, buf);
		memset(buf + len, 0, 20);
		for (cut = 0; cut < len + 20; cut++) {
			enum msg_result want =
			    cut < 12 ? MSG_SHORT : MSG_FORMERR;

			if (cut != len)
				check_row_int(
				    rows[i].name, parse(buf, cut, &m), want);
		}
	}
}

#define GOLDEN \
	"beef28000001000000010001076578616d706c6504746573740000060001026831" \
	"076578616d706c65047465737400000100010000003c0004c0000201036b657907" \
	"6578616d706c650000fa00ff00000000003d0b686d61632d736861323536000000" \
	"6553f100012c0020168dc4223b8d0440b9a8281166a368132205ca8b0b6b6ac744" \
	"43abbb40a89d14beef00000000"

static void
test_golden_fields(void **state)
{
	uint8_t buf[MSG_MAX];
	size_t len = hex_octets(GOLDEN, buf, sizeof(buf));
	struct msg m;

	(void)state;
	memset(&m, 0xa5, sizeof(m));
	assert_int_equal(parse(buf, len, &m), MSG_OK);
	assert_int_equal(m.id, 0xbeef);
	assert_int_equal(m.flags, 0x2800);
	assert_int_equal(m.counts[MSG_ZONE], 1);
	assert_int_equal(m.counts[MSG_PREREQ], 0);
	assert_int_equal(m.counts[MSG_UPDATE], 1);
	assert_int_equal(m.counts[MSG_ADDITIONAL], 1);
	assert_true(m.has_zone);
	assert_true(msg_zone_is_single(&m));
	check_row_hex("zone", m.zone.octets, m.zone.len,
	    "076578616d706c65 0474657374 00");
	assert_int_equal(m.zone_type, TYPE_SOA);
	assert_int_equal(m.zone_class, CLASS_IN);
	assert_int_equal(m.zone_end, 30);
	assert_int_equal(m.prereq_start, 30);
	assert_int_equal(m.update_start, 30);
	assert_int_equal(m.additional_start, 61);
	assert_int_equal(m.tsig_start, 61);
	assert_false(m.opt.is_present || m.opt.is_bad || m.has_sig);
}

/* Each count of the golden message with one more and one less: M5. */
static void
test_golden_counts(void **state)
{
	static const char *const names[] = {
	    "ZOCOUNT", "PRCOUNT", "UPCOUNT", "ADCOUNT"};
	uint8_t buf[MSG_MAX];
	size_t len, i;
	struct msg m;

	(void)state;
	for (i = 0; i < NELEM(names); i++) {
		len = hex_octets(GOLDEN, buf, sizeof(buf));
		buf[5 + 2 * i]++;
		check_row_int(names[i], parse(buf, len, &m), MSG_FORMERR);
		check_row_int(names[i], msg_zone_is_single(&m), i != 0);
		buf[5 + 2 * i] = (uint8_t)(buf[5 + 2 * i] - 2);
		if (i == 1)
			buf[4 + 2 * i] = 0xff; /* 0 - 1 */
		check_row_int(names[i], parse(buf, len, &m), MSG_FORMERR);
	}
}

static void
test_section_offsets(void **state)
{
	uint8_t buf[MSG_MAX];
	struct msg m;
	size_t len;

	(void)state;
	len = hex_octets("1234 a805 0001 0001 0002 0003" ZONE PREREQ ADD ADD
			     A_RR OPT_V1 TSIG,
	    buf, sizeof(buf));
	assert_int_equal(parse(buf, len, &m), MSG_OK);
	assert_int_equal(m.flags, 0xa805);
	assert_int_equal(m.zone_end, 30);
	assert_int_equal(m.prereq_start, 30);
	assert_int_equal(m.update_start, 45);
	assert_int_equal(m.additional_start, 45 + 2 * 19);
	assert_int_equal(m.tsig_start, 45 + 3 * 19 + 11);
	assert_int_equal(m.opt.udp_size, 512);
	assert_int_equal(m.opt.version, 1);

	len = hex_octets(
	    "1234 a805 0002 0000 0000 0000" ZONE ZONE, buf, sizeof(buf));
	assert_int_equal(parse(buf, len, &m), MSG_OK);
	assert_int_equal(m.zone_end, 30);
	assert_int_equal(m.prereq_start, 48);
}

static const struct {
	const char *name, *hex;
	unsigned udp_size, version;
} opts[] = {
    {"size and version", "00 0029 04d0 00000000 0000", 1232, 0},
    {"E7 size 0", "00 0029 0000 00000000 0000", 0, 0},
    {"largest size", "00 0029 ffff 00000000 0000", 65535, 0},
    {"version only", "00 0029 0200 ff01ffff 0000", 512, 1},
    {"version 255", "00 0029 0200 00ff0000 0000", 512, 255},
    {"E11 DO and Z are no version", "00 0029 0200 0000ffff 0000", 512, 0},
    {"extended RCODE is no version", "00 0029 0200 ff000000 0000", 512, 0},
    {"the first of two", OPT_V1 OPT, 512, 1},
};

static void
test_opt_fields(void **state)
{
	uint8_t buf[MSG_MAX];
	size_t i, len;
	struct msg m;

	(void)state;
	for (i = 0; i < NELEM(opts); i++) {
		const char *name = opts[i].name;

		len = hex_octets(
		    "beef 2800 0001 0000 0000 0001" ZONE, buf, sizeof(buf));
		len += hex_octets(opts[i].hex, buf + len, sizeof(buf) - len);
		buf[11] = i + 1 == NELEM(opts) ? 2 : 1;
		check_row_int(name, parse(buf, len, &m), MSG_OK);
		check_row_int(name, m.opt.udp_size, opts[i].udp_size);
		check_row_int(name, m.opt.version, opts[i].version);
	}
}

static void
test_length_limits(void **state)
{
	uint8_t *big = calloc(1, DNS_MSG_OCTETS_MAX + 1);
	struct msg m, before;
	size_t len;

	(void)state;
	assert_non_null(big);
	for (len = 0; len <= 12; len++) {
		memset(&m, 0xa5, sizeof(m));
		before = m;
		check_row_int("length", parse(big, len, &m),
		    len < 12 ? MSG_SHORT : MSG_OK);
		if (len < 12)
			check_row_octets(
			    "length", &m, sizeof(m), &before, sizeof(m));
	}
	/* one update whose RDATA fills the message */
	big[9] = 1;
	big[21] = (DNS_MSG_OCTETS_MAX - 23) >> 8;
	big[22] = (DNS_MSG_OCTETS_MAX - 23) & 0xff;
	assert_int_equal(parse(big, DNS_MSG_OCTETS_MAX, &m), MSG_OK);
	assert_int_equal(msg_parse(big, DNS_MSG_OCTETS_MAX + 1, &m), MSG_SHORT);
	free(big);
}

/*
 * M10: a message of cap octets whose every owner follows a chain of hops
 * pointers. The chain stands in the RDATA of the first record.
 */
static size_t
chained_message(uint8_t *buf, size_t cap, size_t hops)
{
	size_t target = 30, i, records = 1;
	struct wr w;

	wr_init(&w, buf, cap);
	w.pos = hex_octets("beef 2800 0001 0000 0000 0000" ZONE, buf, cap);
	wr_u8(&w, 0); /* the first owner */
	wr_u64(&w, (uint64_t)0xff000001 << 32 | 60);
	wr_u16(&w, 2 * (unsigned)(hops - 1));
	for (i = 1; i < hops; i++) {
		size_t at = w.pos;

		wr_u16(&w, 0xc000u | (unsigned)target);
		target = at;
	}
	while (w.end - w.pos >= 12) {
		wr_u16(&w, 0xc000u | (unsigned)target);
		wr_u64(&w, (uint64_t)0xff000001 << 32 | 60);
		wr_u16(&w, 0);
		records++;
	}
	wr_patch_u16(&w, 8, (unsigned)records);
	assert_true(wr_ok(&w));
	return w.pos;
}

static void
test_work_bound(void **state)
{
	static const struct {
		const char *name;
		size_t cap, hops;
		enum msg_result want;
	} chains[] = {
	    {"no chain", 65535, 1, MSG_OK},
	    {"chain of two", 65535, 2, MSG_OK},
	    {"longest chain", 10000, 127, MSG_OK},
	    {"longest chain, too often", 65535, 127, MSG_FORMERR},
	    {"chain too long", 65535, 128, MSG_FORMERR},
	    {"chain too long, once", 330, 128, MSG_FORMERR},
	    {"chain far too long", 65535, 5000, MSG_FORMERR},
	};
	uint8_t *buf = malloc(DNS_MSG_OCTETS_MAX);
	struct msg m;
	size_t i, len;

	(void)state;
	assert_non_null(buf);
	for (i = 0; i < NELEM(chains); i++) {
		len = chained_message(buf, chains[i].cap, chains[i].hops);
		check_row(chains[i].name, chains[i].cap - len < 12);
		check_row_int(
		    chains[i].name, parse(buf, len, &m), chains[i].want);
	}
	free(buf);
}

/* Counts of 65535 over records that are not there end at once. */
static void
test_empty_but_for_counts(void **state)
{
	uint8_t buf[12];
	struct msg m;
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++) {
		memset(buf, 0, sizeof(buf));
		buf[4 + 2 * i] = buf[5 + 2 * i] = 0xff;
		assert_int_equal(parse(buf, sizeof(buf), &m), MSG_FORMERR);
		assert_false(m.has_zone);
		assert_false(msg_zone_is_single(&m));
	}
}

static const struct {
	const char *name, *hex; /* a record behind an empty header */
	bool ok;
} records[] = {
    {"no RDATA", "00 0001 0002 03040506 0000", true},
    {"RDATA", "00 0001 0002 03040506 0003 010203", true},
    {"RDATA is cut", "00 0001 0002 03040506 0003 0102", false},
    {"no RDLENGTH", "00 0001 0002 03040506 00", false},
    {"owner can't be read", "c00c 0001 0002 03040506 0000", false},
    {"nothing", "", false},
};

static void
test_rr_read(void **state)
{
	uint8_t buf[64] = {0};
	struct rr rr;
	struct rd r;
	size_t i, len;

	(void)state;
	for (i = 0; i < NELEM(records); i++) {
		const char *name = records[i].name;

		len = 12 + hex_octets(records[i].hex, buf + 12, 52);
		rd_init(&r, buf, len);
		r.pos = 12;
		rr_read(&r, &rr);
		check_row_int(name, rd_ok(&r), records[i].ok);
		check_row_int(name, rd_ok(&rr.rdata), records[i].ok);
		if (!records[i].ok)
			continue;
		check_row(name, rd_at_end(&r));
		check_row(name, name_is_root(&rr.owner));
		check_row_int(name, rr.type, 1);
		check_row_int(name, rr.class, 2);
		check_row_int(name, rr.ttl, 0x03040506);
		check_row_int(name, rr.rdata.pos, 23);
		check_row_int(name, rr.rdata.end, len);
	}
}

static void
test_rcode_text(void **state)
{
	static const char *const want[] = {"NOERROR", "FORMERR", "SERVFAIL",
	    "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET",
	    "NOTAUTH", "NOTZONE", "RCODE11", "RCODE12", "RCODE13", "RCODE14",
	    "RCODE15", "BADVERS"};
	unsigned i;

	(void)state;
	for (i = 0; i < NELEM(want); i++)
		assert_string_equal(rcode_text(i), want[i]);
	for (; i < 70000; i++)
		assert_non_null(rcode_text(i));
	assert_non_null(rcode_text(UINT_MAX));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rows),
	    cmocka_unit_test(test_rows_cut_and_longer),
	    cmocka_unit_test(test_golden_fields),
	    cmocka_unit_test(test_golden_counts),
	    cmocka_unit_test(test_section_offsets),
	    cmocka_unit_test(test_opt_fields),
	    cmocka_unit_test(test_length_limits),
	    cmocka_unit_test(test_work_bound),
	    cmocka_unit_test(test_empty_but_for_counts),
	    cmocka_unit_test(test_rr_read),
	    cmocka_unit_test(test_rcode_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
