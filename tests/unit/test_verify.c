/* SPDX-License-Identifier: ISC */
/* The rows of CONFORMANCE 3 to 7 that need no socket. ST4: each answer is
 * also sent back, as check_reflection says. */
#include "verify_build.h"

#define TWO_PREREQS \
	OWNER "00ff00ff 00000000 0000" OWNER "000100ff 00000000 0000"
#define TWO_UPDATES \
	OWNER "000100ff 00000000 0000" OWNER "001c00ff 00000000 0000"

static const struct row h_rows[] = {
    ROW("H1", GOLDEN, ACCEPT),
    ROW("H1 ID 0000", "00002800 0001000000010000" ZONE ADD_A, ACCEPT),
    ROW("H1 ID ffff", "ffff2800 0001000000010000" ZONE ADD_A, ACCEPT),
    ROW("H2 query", ZONE_ONLY("0000", ZONE), BARE(BAD_OPCODE, NOTIMP, Z0),
	UNSIGNED_ROW),
    ROW("H2 RD", ZONE_ONLY("0100", ZONE), BARE(BAD_OPCODE, NOTIMP, Z0),
	UNSIGNED_ROW),
    ROW("H2 opcode 1", ZONE_ONLY("0800", ZONE), BARE(BAD_OPCODE, NOTIMP, Z0),
	UNSIGNED_ROW),
    ROW("H2 opcode 2", ZONE_ONLY("1000", ZONE), BARE(BAD_OPCODE, NOTIMP, Z0),
	UNSIGNED_ROW),
    ROW("H2 NOTIFY", ZONE_ONLY("2400", ZONE), BARE(BAD_OPCODE, NOTIMP, Z0),
	UNSIGNED_ROW),
    ROW("H2 DSO", HEAD("3000", "0000000000000000"),
	BARE(BAD_OPCODE, NOTIMP, Z0), UNSIGNED_ROW),
    ROW("H2 opcode 7", FLAGS("3800"), BARE(BAD_OPCODE, NOTIMP, Z0),
	UNSIGNED_ROW),
    ROW("H2 opcode 15", FLAGS("7800"), BARE(BAD_OPCODE, NOTIMP, Z0),
	UNSIGNED_ROW),
    ROW("H2 malformed query", HEAD("0000", "0001000000000000") "c00c",
	BARE(BAD_OPCODE, NOTIMP, Z0), UNSIGNED_ROW),
    ROW("H3 query", ZONE_ONLY("0000", ZONE), SIGNED(BAD_OPCODE, NOTIMP, Z0)),
    ROW("H3 opcode 7", FLAGS("3800"), SIGNED(BAD_OPCODE, NOTIMP, Z0)),
    ROW("H3 bad MAC", FLAGS("3800"),
	WANT(BAD_SIG, NOTAUTH, UNSIGNED, BADSIG, Z0),
	.seal = {.is_mac_flipped = true}),
    ROW("H4 signed", FLAGS("a800"), DROP(DROP_RESPONSE)),
    ROW("H4 unsigned", FLAGS("a800"), DROP(DROP_RESPONSE), UNSIGNED_ROW),
    ROW("H4 query", ZONE_ONLY("8000", ZONE), DROP(DROP_RESPONSE), UNSIGNED_ROW),
    ROW("H4 malformed", HEAD("a800", "0001000000000000") "c00c",
	DROP(DROP_RESPONSE), UNSIGNED_ROW),
    ROW("H5 empty", "", DROP(DROP_SHORT), UNSIGNED_ROW),
    ROW("H5 1 octet", "be", DROP(DROP_SHORT), UNSIGNED_ROW),
    ROW("H5 2 octets", "beef", DROP(DROP_SHORT), UNSIGNED_ROW),
    ROW("H5 11 octets", "beef2800 00010000000000", DROP(DROP_SHORT),
	UNSIGNED_ROW),
    ROW("H6", HEAD("2800", "0001000000000000"), BARE(BAD_FORM, FORMERR, Z0),
	UNSIGNED_ROW),
    ROW("H7 AA", FLAGS("2c00"), ACCEPT),
    ROW("H7 RD", FLAGS("2900"), ACCEPT),
    ROW("H7 RA", FLAGS("2880"), ACCEPT),
    ROW("H7 Z", FLAGS("2840"), ACCEPT),
    ROW("H7 AD", FLAGS("2820"), ACCEPT),
    ROW("H7 CD", FLAGS("2810"), ACCEPT),
    ROW("H7 TC", FLAGS("2a00"), SIGNED(BAD_TRUNCATED, FORMERR, Z1)),
    ROW("H7 TC, empty as Kea's", ZONE_ONLY("2a00", ZONE),
	SIGNED(BAD_TRUNCATED, FORMERR, Z1)),
    ROW("H7 TC unsigned", FLAGS("2a00"), BARE(NO_TSIG, REFUSED, Z1),
	UNSIGNED_ROW),
    ROW("H8", FLAGS("2805"), ACCEPT),
    ROW("H14 key not from there", GOLDEN, BARE(BAD_SOURCE, REFUSED, Z0),
	.seal = {.key = "near.example"}),
    ROW("H14 key from there", GOLDEN, ACCEPT, .seal = {.key = "near.example"},
	.from = "127.1.2.3:5353"),
    ROW("H14 mapped address", GOLDEN, ACCEPT, .seal = {.key = "near.example"},
	.from = "[::ffff:127.1.2.3]:5353"),
    ROW("H14 other family", GOLDEN, BARE(BAD_SOURCE, REFUSED, Z0),
	.seal = {.key = "near.example"}, .from = "[::1]:5353"),
};

static const struct row m_rows[] = {
    ROW("M1 none", HEAD("2800", "0000000000010000") ADD_A,
	SIGNED(BAD_FORM, FORMERR, Z0)),
    ROW("M1 two", HEAD("2800", "0002000000010000") ZONE ZONE ADD_A,
	SIGNED(BAD_FORM, FORMERR, Z0)),
    ROW("M2", ZONE_ONLY("2800", "076578616d706c65047465737400 00010001"),
	SIGNED(BAD_FORM, FORMERR, Z1)),
    ROW("M3", ZONE_ONLY("2800", "076578616d706c65047465737400 00010001"),
	BARE(NO_TSIG, REFUSED, Z1), UNSIGNED_ROW),
    ROW("M4 CH", ZONE_ONLY("2800", "076578616d706c65047465737400 00060003"),
	SIGNED(BAD_ZONE, NOTAUTH, Z1)),
    ROW("M4 ANY", ZONE_ONLY("2800", "076578616d706c65047465737400 000600ff"),
	SIGNED(BAD_ZONE, NOTAUTH, Z1)),
    ROW("M4 NONE", ZONE_ONLY("2800", "076578616d706c65047465737400 000600fe"),
	SIGNED(BAD_ZONE, NOTAUTH, Z1)),
    ROW("M5 PRCOUNT", HEAD("2800", "0001000100010000") ZONE ADD_A,
	BARE(BAD_FORM, FORMERR, Z1)),
    ROW("M5 UPCOUNT", HEAD("2800", "0001000000020000") ZONE ADD_A,
	BARE(BAD_FORM, FORMERR, Z1)),
    ROW("M5 ADCOUNT", HEAD("2800", "0001000000010001") ZONE ADD_A,
	BARE(BAD_FORM, FORMERR, Z1)),
    ROW("M5 all 65535", HEAD("2800", "0001ffffffffffff") ZONE ADD_A,
	BARE(BAD_FORM, FORMERR, Z1), UNSIGNED_ROW),
    ROW("M5 ZOCOUNT", HEAD("2800", "ffff000000010000") ZONE ADD_A,
	BARE(BAD_FORM, FORMERR, Z0)),
    ROW("ST11 ZOCOUNT", HEAD("2800", "ffff000000010000") ZONE ZONE ADD_A,
	BARE(BAD_FORM, FORMERR, Z0)),
    ROW("ST11 PRCOUNT", HEAD("2800", "0001ffff00010000") ZONE ADD_A,
	BARE(BAD_FORM, FORMERR, Z1)),
    ROW("ST11 UPCOUNT", HEAD("2800", "00010000ffff0000") ZONE ADD_A,
	BARE(BAD_FORM, FORMERR, Z1)),
    ROW("ST11 ADCOUNT", HEAD("2800", "000100000001fffe") ZONE ADD_A,
	BARE(BAD_FORM, FORMERR, Z1)),
    ROW("ST11 all of them", HEAD("2800", "fffffffffffffffe") ZONE ADD_A,
	BARE(BAD_FORM, FORMERR, Z0)),
    ROW("M6", IN_ZONE("00010001 0000003c 0190c0000201"),
	BARE(BAD_FORM, FORMERR, Z1)),
    ROW("M7 one octet", GOLDEN, BARE(BAD_FORM, FORMERR, Z1), .after = "00"),
    ROW("M7 20 octets", GOLDEN, BARE(BAD_FORM, FORMERR, Z1),
	.after = "0001020304050607080910111213141516171819"),
    ROW("M7 unsigned", GOLDEN, BARE(BAD_FORM, FORMERR, Z1), UNSIGNED_ROW,
	.after = "00"),
    ROW("M8 itself", ZONE_ONLY("2800", Z("c00c")), BARE(BAD_FORM, FORMERR, Z0)),
    ROW("M8 forward", ZONE_ONLY("2800", Z("c010")),
	BARE(BAD_FORM, FORMERR, Z0)),
    ROW("M8 past the end", ZONE_ONLY("2800", Z("ffff")),
	BARE(BAD_FORM, FORMERR, Z0)),
    ROW("M8 header", ZONE_ONLY("2800", Z("c00b")), BARE(BAD_FORM, FORMERR, Z0)),
    ROW("M8 ID", ZONE_ONLY("2800", Z("c000")), BARE(BAD_FORM, FORMERR, Z0)),
    ROW("M9 itself", UPDATES(1) "c01e 00010001 0000003c" A_RDATA,
	BARE(BAD_FORM, FORMERR, Z1)),
    ROW("M9 its own label", UPDATES(1) "0161c01e 00010001 0000003c" A_RDATA,
	BARE(BAD_FORM, FORMERR, Z1)),
    ROW("M9 cycle of two",
	UPDATES(2) "c00c ff000001 0000003c 0002 c02c"
		   "c02a 00010001 0000003c" A_RDATA,
	BARE(BAD_FORM, FORMERR, Z1)),
    ROW("M9 into the TSIG owner", UPDATES(1) "c02e 00010001 0000003c" A_RDATA,
	BARE(BAD_FORM, FORMERR, Z1)),
    ROW("M11 zone 41", ZONE_ONLY("2800", Z("41616100")),
	BARE(BAD_FORM, FORMERR, Z0)),
    ROW("M11 zone 81", ZONE_ONLY("2800", Z("81616100")),
	BARE(BAD_FORM, FORMERR, Z0)),
    ROW("M11 owner 41", UPDATES(1) "41c00c 00010001 0000003c" A_RDATA,
	BARE(BAD_FORM, FORMERR, Z1)),
    ROW("M11 owner 81", UPDATES(1) "81c00c 00010001 0000003c" A_RDATA,
	BARE(BAD_FORM, FORMERR, Z1)),
    ROW("M13", UPDATES(1) "06002eff41617ac00c 00010001 0000003c" A_RDATA,
	ACCEPT),
    ROW("M14", GOLDEN, BARE(BAD_FORM, FORMERR, Z1), .cut = 10),
    ROW("M15", IN_ZONE("ff000001 0000003c 000400010203"), ACCEPT),
    ROW("M15 what looks like a pointer",
	IN_ZONE("ff000001 0000003c 00040001c0ff"), ACCEPT),
    ROW("M16 TSIG", IN_ZONE("00fa0001 00000000 0000"),
	BARE(BAD_FORM, FORMERR, Z1)),
    ROW("M16 OPT", IN_ZONE("00290001 00000000 0000"),
	SIGNED(BAD_FORM, FORMERR, Z1)),
    ROW("M16 TKEY", IN_ZONE("00f90001 00000000 0000"),
	SIGNED(BAD_FORM, FORMERR, Z1)),
    ROW("M16 AXFR", IN_ZONE("00fc0001 00000000 0000"),
	SIGNED(BAD_FORM, FORMERR, Z1)),
    ROW("M16 ANY", IN_ZONE("00ff0001 00000000 0000"),
	SIGNED(BAD_FORM, FORMERR, Z1)),
    ROW("M16 OPT deleted", IN_ZONE("002900ff 00000000 0000"),
	SIGNED(BAD_FORM, FORMERR, Z1)),
    ROW("M16 OPT required", IF_ZONE("002900ff 00000000 0000"),
	SIGNED(BAD_FORM, FORMERR, Z1)),
    ROW("M17", ZONE_ONLY("2800", ZONE), ACCEPT),
};

#define OTHER_OWNER "0161056f74686572047465737400" /* a.other.test */

static const struct row u_rows[] = {
    ROW("U1 ANY", IF_ZONE("000100ff 00000005 0000"),
	SIGNED(BAD_FORM, FORMERR, Z1)),
    ROW("U1 NONE", IF_ZONE("000100fe 00000005 0000"),
	SIGNED(BAD_FORM, FORMERR, Z1)),
    ROW("U1 IN", IF_ZONE("00010001 00000005" A_RDATA),
	SIGNED(BAD_FORM, FORMERR, Z1)),
    ROW("U1 right", IF_ZONE("00010001 00000000" A_RDATA), ACCEPT),
    ROW("U2 ANY", IF_ZONE("000100ff 00000000" A_RDATA),
	SIGNED(BAD_FORM, FORMERR, Z1)),
    ROW("U2 NONE", IF_ZONE("000100fe 00000000" A_RDATA),
	SIGNED(BAD_FORM, FORMERR, Z1)),
    ROW("U3", IF_ZONE("00010003 00000000" A_RDATA),
	SIGNED(BAD_FORM, FORMERR, Z1)),
    ROW("U4", IN_ZONE("00010003 0000003c" A_RDATA),
	SIGNED(BAD_FORM, FORMERR, Z1)),
    ROW("U4 without TTL", IN_ZONE("00010003 00000000" A_RDATA),
	SIGNED(BAD_FORM, FORMERR, Z1)),
    ROW("U5 ANY", IN_ZONE("000100ff 00000005 0000"),
	SIGNED(BAD_FORM, FORMERR, Z1)),
    ROW("U5 NONE", IN_ZONE("000100fe 00000005" A_RDATA),
	SIGNED(BAD_FORM, FORMERR, Z1)),
    ROW("U5 right", IN_ZONE("000100fe 00000000" A_RDATA), ACCEPT),
    ROW("U6", IN_ZONE("000100ff 00000000" A_RDATA),
	SIGNED(BAD_FORM, FORMERR, Z1)),
    ROW("U6 right", IN_ZONE("000100ff 00000000 0000"), ACCEPT),
    ROW("U6 name", IN_ZONE("00ff00ff 00000000 0000"), ACCEPT),
    ROW("U7 ANY", IN_ZONE("00ff0001 0000003c 0000"),
	SIGNED(BAD_FORM, FORMERR, Z1)),
    ROW("U7 AXFR", IN_ZONE("00fc0001 0000003c 0000"),
	SIGNED(BAD_FORM, FORMERR, Z1)),
    ROW("U7 MAILB", IN_ZONE("00fd0001 0000003c 0000"),
	SIGNED(BAD_FORM, FORMERR, Z1)),
    ROW("U7 MAILA", IN_ZONE("00fe0001 0000003c 0000"),
	SIGNED(BAD_FORM, FORMERR, Z1)),
    ROW("U7 IXFR", IN_ZONE("00fb0001 0000003c 0000"),
	SIGNED(BAD_FORM, FORMERR, Z1)),
    ROW("U7 NONE ANY", IN_ZONE("00ff00fe 00000000 0000"),
	SIGNED(BAD_FORM, FORMERR, Z1)),
    ROW("U7 NONE AXFR", IN_ZONE("00fc00fe 00000000 0000"),
	SIGNED(BAD_FORM, FORMERR, Z1)),
    ROW("U7 ANY MAILA", IN_ZONE("00fe00ff 00000000 0000"),
	SIGNED(BAD_FORM, FORMERR, Z1)),
    ROW("U8 prerequisite", PREREQS(1) OTHER_OWNER "00ff00ff 00000000 0000",
	SIGNED(OUT_OF_ZONE, NOTZONE, Z1)),
    ROW("U8 update", UPDATES(1) OTHER_OWNER "00010001 0000003c" A_RDATA,
	SIGNED(OUT_OF_ZONE, NOTZONE, Z1)),
    ROW("U8 above", UPDATES(1) "c014 00010001 0000003c" A_RDATA,
	SIGNED(OUT_OF_ZONE, NOTZONE, Z1)),
    ROW("U8 apex", UPDATES(1) "c00c 00010001 0000003c" A_RDATA, ACCEPT),
    ROW("U8 other case",
	UPDATES(1) "026831074558414d504c450454657374 00"
		   "00010001 0000003c" A_RDATA,
	ACCEPT),
    ROW("U8 prerequisites first",
	HEAD("2800", "0001000100010000") ZONE OTHER_OWNER
	"00ff00ff 00000000 0000" OWNER "00010003 0000003c" A_RDATA,
	SIGNED(OUT_OF_ZONE, NOTZONE, Z1)),
    ROW("U8 prerequisites first, malformed",
	HEAD("2800", "0001000100010000") ZONE OWNER
	"00ff00ff 00000005 0000" OTHER_OWNER "00010001 0000003c" A_RDATA,
	SIGNED(BAD_FORM, FORMERR, Z1)),
    ROW("U9", ZONE_ONLY("2800", Z("046e6f706500")),
	SIGNED(BAD_ZONE, NOTAUTH, Z1)),
    ROW("U9 before U10", ZONE_ONLY("2800", Z("046e6f706500")),
	SIGNED(BAD_ZONE, NOTAUTH, Z1), .seal = {.key = "elsewhere.example"}),
    ROW("U10", GOLDEN, SIGNED(NOT_ALLOWED, REFUSED, Z1),
	.seal = {.key = "elsewhere.example"}),
    ROW("U10 before the records",
	UPDATES(1) OTHER_OWNER "00010001 0000003c" A_RDATA,
	SIGNED(NOT_ALLOWED, REFUSED, Z1), .seal = {.key = "elsewhere.example"}),
    ROW("U10 allowed", GOLDEN, ACCEPT, .seal = {.key = "inside.example"}),
    ROW("U10 allowed below",
	ZONE_ONLY("2800", Z("0161 07 4558616d706c65"
			    "047465737400")),
	ACCEPT, .seal = {.key = "inside.example"}),
    ROW("U10 not above", ZONE_ONLY("2800", Z("047465737400")),
	SIGNED(NOT_ALLOWED, REFUSED, Z1), .seal = {.key = "inside.example"}),
    ROW("flood_A07 as many records as may be",
	HEAD("2800", "0001000200030000") ZONE TWO_PREREQS TWO_UPDATES OWNER
	"00010001 0000003c" A_RDATA,
	ACCEPT),
    ROW("flood_A07 one more",
	HEAD("2800", "0001000200040000")
	    ZONE TWO_PREREQS TWO_UPDATES TWO_UPDATES,
	SIGNED(TOO_MANY_RECORDS, REFUSED, Z1)),
    ROW("flood_A07 before what is wrong with them",
	HEAD("2800", "0001000200040000") ZONE TWO_PREREQS TWO_UPDATES OWNER
	"00010001 0000003c" A_RDATA OTHER_OWNER "00010001 0000003c" A_RDATA,
	SIGNED(TOO_MANY_RECORDS, REFUSED, Z1)),
    ROW("U11 PTR", IN_ZONE("000c0001 0000003c 0002ffff"),
	SIGNED(BAD_FORM, FORMERR, Z1)),
    ROW("U11 PTR to itself", IN_ZONE("000c0001 0000003c 0002c02d"),
	SIGNED(BAD_FORM, FORMERR, Z1)),
    ROW("U11 A of 3", IN_ZONE("00010001 0000003c 0003c00002"),
	SIGNED(BAD_FORM, FORMERR, Z1)),
    ROW("U11 A of 5", IN_ZONE("00010001 0000003c 0005c000020100"),
	SIGNED(BAD_FORM, FORMERR, Z1)),
    ROW("U11 A of 0", IN_ZONE("00010001 0000003c 0000"),
	SIGNED(BAD_FORM, FORMERR, Z1)),
    ROW("U11 NONE A of 0", IN_ZONE("000100fe 00000000 0000"),
	SIGNED(BAD_FORM, FORMERR, Z1)),
    ROW("U12 PTR", IN_ZONE("000c0001 0000003c 0002c00c"), ACCEPT),
    ROW("U12 SRV", IN_ZONE("00210001 0000003c 0008 000000000035c00c"), ACCEPT),
    ROW("U13", WITH_MORE(1) OWNER "00010001 0000003c" A_RDATA, ACCEPT),
};

/* 8 and 64 octets, for MACs that no hash has. */
#define X8 "0011223344556677"
#define X64 X8 X8 X8 X8 X8 X8 X8 X8
#define KEY_NAME "036b6579076578616d706c6500"
#define ALG_NAME "0b686d61632d73686132353600"
#define TIMES "00006553f100 012c"
#define RAW_TSIG(owner, rdlen) owner "00fa00ff 00000000" rdlen ALG_NAME TIMES

static const struct row t_rows[] = {
    ROW("T1", GOLDEN, BARE(NO_TSIG, REFUSED, Z1), UNSIGNED_ROW),
    ROW("T2", GOLDEN, UNSIG(BAD_KEY, BADKEY), .seal = {.key = "nokey.example"}),
    ROW("T2 before the MAC", GOLDEN, UNSIG(BAD_KEY, BADKEY),
	.seal = {.key = "nokey.example", .mac_len = 1}),
    ROW("T2 before the time", GOLDEN, UNSIG(BAD_KEY, BADKEY),
	.seal = {.key = "nokey.example"}, .now_off = 5000),
    ROW("T2 upper case", GOLDEN, UNSIG(BAD_KEY, BADKEY),
	.seal = {.key = "NoKey.Example"}),
    ROW("T3", GOLDEN, UNSIG(BAD_KEY, BADKEY), .seal = {.alg = "hmac-sha512"}),
    ROW("T3 truncated name", GOLDEN, UNSIG(BAD_KEY, BADKEY),
	.seal = {.alg = "hmac-sha256-128"}),
    ROW("T3 converse", GOLDEN, UNSIG(BAD_KEY, BADKEY),
	.seal = {.key = "n128.example"}),
    ROW("T4", GOLDEN, UNSIG(BAD_KEY, BADKEY), .seal = {.alg = "hmac-foo"}),
    ROW("T4 root", GOLDEN, UNSIG(BAD_KEY, BADKEY), .seal = {.alg = "."}),
    ROW("T6 MAC", GOLDEN, UNSIG(BAD_SIG, BADSIG),
	.seal = {.is_mac_flipped = true}),
    ROW("T6 secret", GOLDEN, UNSIG(BAD_SIG, BADSIG),
	.seal = {.other_secret = true}),
    ROW("T8", GOLDEN, BARE(BAD_FORM, FORMERR, Z1), .seal = {.mac_len = 33}),
    ROW("T8 SHA-1", GOLDEN, BARE(BAD_FORM, FORMERR, Z1),
	.seal = {.key = "sha1.example", .alg = "hmac-sha1", .mac_len = 21}),
    ROW("T8 65", GOLDEN, BARE(BAD_FORM, FORMERR, Z1), UNSIGNED_ROW, .more = 1,
	.after = RAW_TSIG(KEY_NAME, "005e") "0041" X64 "00"
					    "beef00000000"),
    ROW("T8 264", GOLDEN, BARE(BAD_FORM, FORMERR, Z1), UNSIGNED_ROW, .more = 1,
	.after = RAW_TSIG(KEY_NAME, "0125") "0108" X64 X64 X64 X64 X8
					    "beef00000000"),
    ROW("T9 15", GOLDEN, BARE(BAD_FORM, FORMERR, Z1), .seal = {.mac_len = 15}),
    ROW("T9 15, policy 16", GOLDEN, BARE(BAD_FORM, FORMERR, Z1),
	.seal = {.key = "trunc.example", .mac_len = 15}),
    ROW("T9 9", GOLDEN, BARE(BAD_FORM, FORMERR, Z1), .seal = {.mac_len = 9}),
    ROW("T9 1", GOLDEN, BARE(BAD_FORM, FORMERR, Z1), .seal = {.mac_len = 1}),
    ROW("T9 SHA-1 9", GOLDEN, BARE(BAD_FORM, FORMERR, Z1),
	.seal = {.key = "sha1.example", .alg = "hmac-sha1", .mac_len = 9}),
    ROW("T9 SHA-1 10", GOLDEN, ACCEPT,
	.seal = {.key = "sha1.example", .alg = "hmac-sha1", .mac_len = 10},
	.answer_mac = 10),
    ROW("T9 SHA-512 31", GOLDEN, BARE(BAD_FORM, FORMERR, Z1),
	.seal = {.key = "sha512.example", .alg = "hmac-sha512", .mac_len = 31}),
    ROW("T9 SHA-512 32", GOLDEN, ACCEPT,
	.seal = {.key = "sha512.example", .alg = "hmac-sha512", .mac_len = 32},
	.answer_mac = 32),
    ROW("T9 MD5 9", GOLDEN, BARE(BAD_FORM, FORMERR, Z1),
	.seal = {.key = "md5.example",
	    .alg = "hmac-md5.sig-alg.reg.int",
	    .mac_len = 9}),
    ROW("T9 before the time", GOLDEN, BARE(BAD_FORM, FORMERR, Z1),
	.seal = {.mac_len = 9}, .now_off = 1000),
    ROW("T10", GOLDEN, UNSIG(BAD_SIG, BADSIG), .seal = {.mac_len = -1}),
    ROW("T10 with an error", GOLDEN, UNSIG(BAD_SIG, BADSIG),
	.seal = {.mac_len = -1, .error = 16}),
    ROW("T11", GOLDEN, UNSIG(BAD_SIG, BADSIG),
	.seal = {.mac_len = 16, .is_mac_flipped = true}),
    ROW("T11 policy 16", GOLDEN, UNSIG(BAD_SIG, BADSIG),
	.seal = {.key = "trunc.example",
	    .mac_len = 16,
	    .is_mac_flipped = true}),
    ROW("T12", GOLDEN, SIGNED_ERROR(BAD_TRUNC, BADTRUNC),
	.seal = {.mac_len = 16}),
    ROW("T12 31", GOLDEN, SIGNED_ERROR(BAD_TRUNC, BADTRUNC),
	.seal = {.mac_len = 31}),
    ROW("T13 16", GOLDEN, ACCEPT,
	.seal = {.key = "trunc.example", .mac_len = 16}, .answer_mac = 16),
    ROW("T13 24", GOLDEN, ACCEPT,
	.seal = {.key = "trunc.example", .mac_len = 24}, .answer_mac = 24),
    ROW("T13 32", GOLDEN, ACCEPT, .seal = {.key = "trunc.example"}),
    ROW("T13 own name", GOLDEN, ACCEPT,
	.seal = {.key = "n128.example", .alg = "hmac-sha256-128"}),
    ROW("T13 own name, 17", GOLDEN, BARE(BAD_FORM, FORMERR, Z1),
	.seal = {.key = "n128.example",
	    .alg = "hmac-sha256-128",
	    .mac_len = 17}),
    ROW("T15 late", GOLDEN, SIGNED_ERROR(BAD_TIME, BADTIME), .now_off = 301),
    ROW("T15 early", GOLDEN, SIGNED_ERROR(BAD_TIME, BADTIME), .now_off = -301),
    ROW("T16 late", GOLDEN, ACCEPT, .now_off = 300),
    ROW("T16 early", GOLDEN, ACCEPT, .now_off = -300),
    ROW("T17 fudge 0", GOLDEN, SIGNED_ERROR(BAD_TIME, BADTIME),
	.seal = {.fudge_off = -300}, .now_off = 1),
    ROW("T17 fudge 0, exact", GOLDEN, ACCEPT, .seal = {.fudge_off = -300}),
    ROW("T17 fudge 65535", GOLDEN, ACCEPT, .seal = {.fudge_off = 65235},
	.now_off = 60000, .max_fudge_s = 65535),
    ROW("T17 fudge 65535, capped", GOLDEN, SIGNED_ERROR(BAD_TIME, BADTIME),
	.seal = {.fudge_off = 65235}, .now_off = 3601),
    ROW("T17 fudge 65535, at the cap", GOLDEN, ACCEPT,
	.seal = {.fudge_off = 65235}, .now_off = 3600),
    ROW("T18 0", GOLDEN, SIGNED_ERROR(BAD_TIME, BADTIME),
	.seal = {.time_off = -BUILD_NOW, .fudge_off = 65235},
	.max_fudge_s = 65535),
    ROW("T18 2^48-1", GOLDEN, SIGNED_ERROR(BAD_TIME, BADTIME),
	.seal = {.time_off = 0xffffffffffff - BUILD_NOW, .fudge_off = 65235},
	.max_fudge_s = 65535),
    ROW("T18 2^48-1 at 0", GOLDEN, SIGNED_ERROR(BAD_TIME, BADTIME),
	.seal = {.time_off = 0xffffffffffff - BUILD_NOW, .fudge_off = 65235},
	.now_off = -BUILD_NOW, .max_fudge_s = 65535),
    ROW("T18 now below fudge", GOLDEN, SIGNED_ERROR(BAD_TIME, BADTIME),
	.now_off = 100 - BUILD_NOW),
    ROW("T18 now below fudge, in time", GOLDEN, ACCEPT,
	.seal = {.time_off = -BUILD_NOW}, .now_off = 100 - BUILD_NOW),
    ROW("T19", GOLDEN, UNSIG(BAD_SIG, BADSIG), .seal = {.is_mac_flipped = true},
	.now_off = 1000),
    ROW("T20", GOLDEN, SIGNED_ERROR(BAD_TIME, BADTIME), .seal = {.mac_len = 16},
	.now_off = 1000),
    ROW("T22 older", GOLDEN, ACCEPT, .seal = {.time_off = -5}),
    ROW("T23 OPT behind", GOLDEN, BARE(BAD_FORM, FORMERR, Z1),
	.after = PLAIN_OPT, .more = 1),
    ROW("T23 A behind", GOLDEN, BARE(BAD_FORM, FORMERR, Z1),
	.after = "c00c 00010001 0000003c" A_RDATA, .more = 1),
    ROW("T24", GOLDEN, BARE(BAD_FORM, FORMERR, Z1),
	.after = RAW_TSIG(KEY_NAME,
	    "003d") "0020"
		    "168dc4223b8d0440b9a8281166a368132205ca8b0b6b6ac74443abbb"
		    "40a89d14beef00000000",
	.more = 1),
    ROW("ST7 behind ARCOUNT 0", GOLDEN, BARE(BAD_FORM, FORMERR, Z1),
	.more = 0xffff),
    ROW("ST7 in the prerequisites, signed",
	PREREQS(1) RAW_TSIG(KEY_NAME, "001d") "0000beef00000000",
	BARE(BAD_FORM, FORMERR, Z1), .seal = {.error = 0}),
    ROW("ST7 with SIG(0)", WITH_MORE(1) SIG_0, SIGNED(BAD_FORM, FORMERR, Z1)),
    ROW("T25 prerequisite",
	PREREQS(1) RAW_TSIG(KEY_NAME, "001d") "0000beef00000000",
	BARE(BAD_FORM, FORMERR, Z1)),
    ROW("T25 update", UPDATES(1) RAW_TSIG(KEY_NAME, "001d") "0000beef00000000",
	BARE(BAD_FORM, FORMERR, Z1), UNSIGNED_ROW),
    ROW("T26 hashed as ANY", GOLDEN, BARE(BAD_FORM, FORMERR, Z1),
	.seal = {.is_class_in = true}),
    ROW("T26 hashed as IN", GOLDEN, BARE(BAD_FORM, FORMERR, Z1),
	.seal = {.is_class_in = true, .is_class_in_hashed = true}),
    ROW("T27 hashed as 0", GOLDEN, BARE(BAD_FORM, FORMERR, Z1),
	.seal = {.ttl = 5}),
    ROW("T27 hashed as 5", GOLDEN, BARE(BAD_FORM, FORMERR, Z1),
	.seal = {.ttl = 5, .ttl_hashed = 5}),
    ROW("T28", GOLDEN, ACCEPT,
	.seal = {.key = "KEY.Example", .alg = "HMAC-sha256"}),
    ROW("T29", UPDATES(1) OWNER "00010001 0000003c" A_RDATA, ACCEPT),
    ROW("T29 zone in upper case",
	ZONE_ONLY("2800", Z("074558414d504c45045465737400")), ACCEPT),
    ROW("T30", GOLDEN, ACCEPT,
	.seal = {.key = "example.test", .key_hex = "c00c"}),
    ROW("T30 into itself", GOLDEN, BARE(BAD_FORM, FORMERR, Z1),
	.seal = {.key_hex = "c03d"}),
    ROW("T31", WITH_MORE(1) ALG_NAME "00010001 0000003c" A_RDATA, ACCEPT,
	.seal = {.alg_hex = "c03d"}),
    ROW("T31 into itself", GOLDEN, BARE(BAD_FORM, FORMERR, Z1),
	.seal = {.alg_hex = "c054"}),
    ROW("T31 past the end", GOLDEN, BARE(BAD_FORM, FORMERR, Z1),
	.seal = {.alg_hex = "ffff"}),
    ROW("T32", "11112800 0001000000010000" ZONE ADD_A, ACCEPT,
	.seal = {.id_off = 0x1111}),
    ROW("T33", "11112800 0001000000010000" ZONE ADD_A, UNSIG(BAD_SIG, BADSIG),
	.seal = {.id_off = 0x1111, .is_header_id_hashed = true}),
    ROW("T34", GOLDEN, UNSIG(BAD_SIG, BADSIG), .seal = {.arcount_off = 1}),
    ROW("T35 18", GOLDEN, ACCEPT, .seal = {.error = 18}),
    ROW("T35 16", GOLDEN, ACCEPT, .seal = {.error = 16}),
    ROW("T36 3", GOLDEN, ACCEPT, .seal = {.other = "010203"}),
    ROW("T36 6", GOLDEN, ACCEPT, .seal = {.other = "00006553f100"}),
    ROW("T37 RDLENGTH long", GOLDEN, BARE(BAD_FORM, FORMERR, Z1),
	.seal = {.rdlen_off = 1}),
    ROW("T37 RDLENGTH long, and there", GOLDEN, BARE(BAD_FORM, FORMERR, Z1),
	.seal = {.rdlen_off = 1}, .after = "00"),
    ROW("T37 RDLENGTH short", GOLDEN, BARE(BAD_FORM, FORMERR, Z1),
	.seal = {.rdlen_off = -1}),
    ROW("T37 RDLENGTH short, and cut", GOLDEN, BARE(BAD_FORM, FORMERR, Z1),
	.seal = {.rdlen_off = -1}, .cut = 1),
    ROW("T37 MAC Size long", GOLDEN, BARE(BAD_FORM, FORMERR, Z1),
	.seal = {.mac_len_off = 200}),
    ROW("T37 MAC Size short", GOLDEN, BARE(BAD_FORM, FORMERR, Z1),
	.seal = {.mac_len_off = -1}),
    ROW("T37 Other Len long", GOLDEN, BARE(BAD_FORM, FORMERR, Z1),
	.seal = {.other_len_off = 1}),
    ROW("T37 Other Len short", GOLDEN, BARE(BAD_FORM, FORMERR, Z1),
	.seal = {.other = "010203", .other_len_off = -1}),
    ROW("T37 empty RDATA", GOLDEN, BARE(BAD_FORM, FORMERR, Z1), UNSIGNED_ROW,
	.after = KEY_NAME "00fa00ff 00000000 0000", .more = 1),
    ROW("T39", GOLDEN, ACCEPT,
	.seal = {.key = "second.example", .other_secret = true}),
    ROW("T39 first key's secret", GOLDEN, UNSIG(BAD_SIG, BADSIG),
	.seal = {.key = "second.example"}),
    ROW("T40", WITH_MORE(1) SIG_0, BARE(NO_TSIG, REFUSED, Z1), UNSIGNED_ROW),
    ROW("T41", WITH_MORE(1) SIG_0, SIGNED(BAD_FORM, FORMERR, Z1)),
    ROW("T42 TKEY query", HEAD("0000", "0001000000000000") "0161 00 00f900ff",
	BARE(BAD_OPCODE, NOTIMP, Z0), UNSIGNED_ROW),
    ROW("T42 GSS-TSIG", GOLDEN, UNSIG(BAD_KEY, BADKEY),
	.seal = {.alg = "gss-tsig"}),
};

static const struct row e_rows[] = {
    ROW("E1", WITH_MORE(1) PLAIN_OPT, ACCEPT, .has_opt = true),
    ROW("E1 with glue before it",
	WITH_MORE(2) OWNER "00010001 0000003c" A_RDATA PLAIN_OPT, ACCEPT,
	.has_opt = true),
    ROW("E2", GOLDEN, ACCEPT),
    ROW("E3 T2", WITH_MORE(1) PLAIN_OPT, UNSIG(BAD_KEY, BADKEY),
	.seal = {.key = "nokey.example"}, .has_opt = true),
    ROW("E3 T6", WITH_MORE(1) PLAIN_OPT, UNSIG(BAD_SIG, BADSIG),
	.seal = {.is_mac_flipped = true}, .has_opt = true),
    ROW("E3 T15", WITH_MORE(1) PLAIN_OPT, SIGNED_ERROR(BAD_TIME, BADTIME),
	.now_off = 301, .has_opt = true),
    ROW("E3 T1", WITH_MORE(1) PLAIN_OPT, BARE(NO_TSIG, REFUSED, Z1),
	UNSIGNED_ROW, .has_opt = true),
    ROW("E4", WITH_MORE(2) PLAIN_OPT PLAIN_OPT, SIGNED(BAD_EDNS, FORMERR, Z1),
	.has_opt = true),
    ROW("E4 unsigned", WITH_MORE(2) PLAIN_OPT PLAIN_OPT,
	BARE(BAD_EDNS, FORMERR, Z1), UNSIGNED_ROW, .has_opt = true),
    ROW("E4 before E6", WITH_MORE(2) PLAIN_OPT OPT("04d0", "00010000", "0000"),
	SIGNED(BAD_EDNS, FORMERR, Z1), .has_opt = true),
    ROW("E5", WITH_MORE(1) "0161" PLAIN_OPT, SIGNED(BAD_EDNS, FORMERR, Z1),
	.has_opt = true),
    ROW("E6", WITH_MORE(1) OPT("04d0", "00010000", "0000"),
	SIGNED(BAD_EDNS, BADVERS, Z1), .has_opt = true),
    ROW("E6 unsigned", WITH_MORE(1) OPT("04d0", "00010000", "0000"),
	BARE(BAD_EDNS, BADVERS, Z1), UNSIGNED_ROW, .has_opt = true),
    ROW("E6 version 255, ext-RCODE set",
	WITH_MORE(1) OPT("04d0", "ffff0000", "0000"),
	SIGNED(BAD_EDNS, BADVERS, Z1), .has_opt = true),
    ROW("E6 after the MAC", WITH_MORE(1) OPT("04d0", "00010000", "0000"),
	UNSIG(BAD_SIG, BADSIG), .seal = {.is_mac_flipped = true},
	.has_opt = true),
    ROW("E7", WITH_MORE(1) OPT("0000", "00000000", "0000"), ACCEPT,
	.has_opt = true),
    ROW("E8 65001", WITH_MORE(1) OPT("04d0", "00000000", "0006 fde90002abcd"),
	ACCEPT, .has_opt = true),
    ROW("E8 NSID, ECS, PADDING",
	WITH_MORE(1) OPT("04d0", "00000000",
	    "0016 00030000 00080007 00011800c00002 000c0003000000"),
	ACCEPT, .has_opt = true),
    ROW("E9", WITH_MORE(1) OPT("04d0", "00000000", "0004 fde900ff"),
	SIGNED(BAD_EDNS, FORMERR, Z1), .has_opt = true),
    ROW("E9 unsigned", WITH_MORE(1) OPT("04d0", "00000000", "0004 fde900ff"),
	BARE(BAD_EDNS, FORMERR, Z1), UNSIGNED_ROW, .has_opt = true),
    ROW("E9 3 octets", WITH_MORE(1) OPT("04d0", "00000000", "0003 fde900"),
	SIGNED(BAD_EDNS, FORMERR, Z1), .has_opt = true),
    ROW("E11", WITH_MORE(1) OPT("04d0", "0000ffff", "0000"), ACCEPT,
	.has_opt = true),
    ROW("E12 8",
	WITH_MORE(1) OPT("04d0", "00000000", "000c 000a0008 0102030405060708"),
	ACCEPT, .has_opt = true),
    ROW("E12 3", WITH_MORE(1) OPT("04d0", "00000000", "0007 000a0003 010203"),
	ACCEPT, .has_opt = true),
    ROW("E14", WITH_MORE(1) OPT("04d0", "00000000", "0004 000b0000"), ACCEPT,
	.has_opt = true),
};

#define TEST_ROWS(test, rows) \
	static void test(void **state) \
	{ \
		run_rows(state, rows, NELEM(rows)); \
	}

TEST_ROWS(test_header, h_rows)
TEST_ROWS(test_structure, m_rows)
TEST_ROWS(test_update, u_rows)
TEST_ROWS(test_tsig, t_rows)
TEST_ROWS(test_edns, e_rows)

static void
hex_of(const uint8_t *octets, size_t len, char *text)
{
	size_t i;

	for (i = 0; i < len; i++)
		snprintf(text + 2 * i, 3, "%02x", octets[i]);
}

/* M12: names of 255 octets, as the zone and through a pointer. */
static void
test_long_names(void **state)
{
	struct row row = {.name = "M12 zone of 255", .want = ACCEPT};
	char text[1200], name_hex[2 * NAME_OCTETS_MAX + 1];
	struct name name;

	build_long_name(NAME_OCTETS_MAX, &name);
	hex_of(name.octets, name.len, name_hex);
	row.msg = text;
	snprintf(text, sizeof(text), "%s%s00060001",
	    HEAD("2800", "0001000000000000"), name_hex);
	run_row(*state, &row);
	row.name = "M12 zone of 256";
	row.want = (struct want)BARE(BAD_FORM, FORMERR, Z0);
	build_long_name(NAME_OCTETS_MAX - 1, &name);
	hex_of(name.octets, name.len - 1u, name_hex);
	snprintf(text, sizeof(text), "%s%s016100%s",
	    HEAD("2800", "0001000000000000"), name_hex, "00060001");
	run_row(*state, &row);
	row.name = "M12 owner of 255";
	row.want = (struct want)ACCEPT;
	/* All but "test." and root, then a pointer to the zone. */
	build_long_name(NAME_OCTETS_MAX - 14 + 6, &name);
	hex_of(name.octets, name.len - 6u, name_hex);
	snprintf(text, sizeof(text), "%s%sc00c00010001%s", UPDATES(1), name_hex,
	    "0000003c" A_RDATA);
	run_row(*state, &row);
	row.name = "M12 owner of 256";
	row.want = (struct want)BARE(BAD_FORM, FORMERR, Z1);
	build_long_name(NAME_OCTETS_MAX - 14 + 6 - 1, &name);
	hex_of(name.octets, name.len - 6u, name_hex);
	snprintf(text, sizeof(text), "%s%s0161c00c00010001%s", UPDATES(1),
	    name_hex, "0000003c" A_RDATA);
	run_row(*state, &row);
}

/* H14: nobody may ask from there, whatever the key. */
static void
test_no_source(void **state)
{
	static const struct row rows[] = {
	    ROW("H14 signed", GOLDEN, BARE(BAD_SOURCE, REFUSED, Z0)),
	    ROW("H14 unsigned", GOLDEN, BARE(BAD_SOURCE, REFUSED, Z0),
		UNSIGNED_ROW),
	    ROW("H14 with OPT", WITH_MORE(1) PLAIN_OPT,
		BARE(BAD_SOURCE, REFUSED, Z0)),
	    ROW("H14 malformed", GOLDEN, BARE(BAD_SOURCE, REFUSED, Z0),
		.cut = 1),
	    ROW("H14 a response", FLAGS("a800"), DROP(DROP_RESPONSE)),
	    ROW("H14 runt", "beef28", DROP(DROP_SHORT), UNSIGNED_ROW),
	};
	struct fixture f = *(struct fixture *)*state;
	struct prefix loopback;
	size_t i;

	assert_true(prefix_parse("127.0.0.0/8", &loopback));
	f.conf.clients = f.clients;
	for (i = 0; i < NELEM(keys); i++)
		f.clients[i].sources = (struct prefix_set){&loopback, 1};
	for (i = 0; i < NELEM(rows); i++)
		run_row(&f, &rows[i]);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_header),
	    cmocka_unit_test(test_structure),
	    cmocka_unit_test(test_long_names),
	    cmocka_unit_test(test_update),
	    cmocka_unit_test(test_tsig),
	    cmocka_unit_test(test_edns),
	    cmocka_unit_test(test_no_source),
	};

	return cmocka_run_group_tests_name("verify", tests, set_up, tear_down);
}
