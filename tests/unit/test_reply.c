/* SPDX-License-Identifier: ISC */
/* The answer's octets: sizes, EDNS, the forms of its TSIG record. */
#include "mux/reply.h"

#include "mux_build.h"

#define OPT_OCTETS 11
#define PLAIN_OPT "00 0029 04d0 00000000 0000"
#define GOLDEN_OPT "beef2800 0001000000010001" ZONE ADD_A PLAIN_OPT

/* A request as it came, and the client it is from. */
struct asked {
	struct conf_client client;
	struct hmac *hmac;
	uint8_t octets[2048];
	size_t len;
	struct inbound in;
};

static void
ask_with(struct asked *a, const struct build_out *msg, const struct seal *s,
    uint8_t mac_min)
{
	const char *alg = s->alg != NULL ? s->alg : "hmac-sha256";
	struct build_out o = {a->octets, 0};
	struct mac mac;

	build_put(&o, msg->octets, msg->len);
	build_seal(&o, s, NULL, &mac);
	a->len = o.len;
	build_inbound(&a->in, a->octets, a->len);
	if (strncmp(alg, "hmac-md5", 8) == 0)
		alg = "hmac-md5";
	build_tsig(&a->client.tsig, s->key != NULL ? s->key : "key.example",
	    alg, mac_min);
	if (s->key_name != NULL)
		a->client.tsig.name = *s->key_name;
	a->hmac = build_hmac(&a->client.tsig, s->other_secret);
	a->in.client = &a->client;
}

static void
ask(struct asked *a, const char *hex, const struct seal *s, uint8_t mac_min)
{
	uint8_t octets[1024];
	struct build_out o = {octets, 0};

	build_hex(&o, hex);
	ask_with(a, &o, s, mac_min);
}

static void
check_mac(const char *row, const uint8_t *octets, size_t len, const char *hex)
{
	struct tsig t;
	struct msg m;

	check_row_int(row, msg_parse(octets, len, &m), MSG_OK);
	check_row(row, tsig_parse(octets, len, m.tsig_start, &t));
	check_row_hex(row, t.mac, t.mac_len, hex);
}

/* CONFORMANCE 14.4, cross-checked with dnspython. */
static const struct {
	const char *alg;
	int mac_len;
	const char *request;
	const char *answer; /* a second later */
	const char *badtime; /* 1000 seconds later */
} vectors[] = {
    {"hmac-md5.sig-alg.reg.int", 16, "f4a13f5cbcc6ff5c98fa42ad7311e6ac",
	"0d7ef46a94a2a9208c4a76c19089516c", "efc69d71af81b5015a5a6cc1b81ea363"},
    {"hmac-sha1", 20, "35bddd6e7a006e7e95c418c2a82d214ebee23432",
	"713a84be67e4386d95fe6b3dfb8e175d122c16aa",
	"3161c234698f3f891efc72027b1a364b7b1b3dd1"},
    {"hmac-sha1", 12, "35bddd6e7a006e7e95c418c2", "b59414779eb9bce7c489282c",
	"7e2318538dc5346db8377c57"},
    {"hmac-sha224", 28,
	"5c68075d7566b9fa867627471fa972e931865d20c07e59bff753b5b8",
	"5c210211d99a88303754f193f8ac36be35327dce3211aad45a50132f",
	"18314d422e3b35b3f76884df31b79d79ca4fe7c4b0ec1527a23072e9"},
    {"hmac-sha256", 32,
	"168dc4223b8d0440b9a8281166a36813"
	"2205ca8b0b6b6ac74443abbb40a89d14",
	"42e2c1fcc15cc65be8c84c8dcc87f46c"
	"a03d3d411481cf6111aaa00f3f6efdb6",
	"482248a5dab43eb47522d4072552c399"
	"e982b467a957e46896dbd23fe6d4082f"},
    {"hmac-sha256", 16, "168dc4223b8d0440b9a8281166a36813",
	"07cdfa07c69b04535e9f571efc6b8781", "30d9774157c000f9bc5e3f8c0a982f65"},
    {"hmac-sha256-128", 16, "d3f234f46fa657028c1da99a4723a25f",
	"995b65f14fd14b4ce27248f8bc9b42a0", "f362cbe6479fe728b0cf75da84b4752f"},
    {"hmac-sha384", 48,
	"93397fc58e94fc09229933a2226a7d9d7147bf384944aa31"
	"0701ba1cb933d3e739acf1f6eac0578bea257f52bec5a840",
	"9ea8a2109a02936279d162a6cd8c8e1841932753112197f6"
	"78de9d37ccd8c6371f84c610682efa14108c3954dbbc42a4",
	"87dbefe49066321b1ff4d38bd5730c59ff3928366a19b007"
	"66ad0b6968b949b7a5a82f2439538693a710f1f200f0bed3"},
    {"hmac-sha384-192", 24, "3353dba5ebb482d6d908337b1fea7ad68542742da0e332e5",
	"efb42c51c9c8eb5568a149b0c8ae706c25005ad34aa6b106",
	"aa3094db285bdfea30dc05e1256ef1f7895438799f060fdd"},
    {"hmac-sha512", 64,
	"b8a448a81292868852e3cb7f845da60d4b59aff8db2a79cf578d4c2ac4444f22"
	"e87769b53013fb378628ea8c7954078b827697a65e24be4f406bbd3f561b5484",
	"8fd93f802710e0982bd68188a1a715374b616019c229945bdcb4d24cf3eaf513"
	"d76c67bc04e05b549a5909f8d4a37bfc8f7f9a7e146f2a068e9dc66feaee0727",
	"6ba70060b53455d0d5b037997472e84aecb6ca663d8ce6bf1c91006a1cf5789a"
	"7396a2ce774a275939b54fb6b803ac720d60284f99aefd506d603e1b08e7f892"},
    {"hmac-sha512", 32,
	"b8a448a81292868852e3cb7f845da60d4b59aff8db2a79cf578d4c2ac4444f22",
	"759bbdc9b17092bd682b3a3a7cdfc9eac434dff998a4ce8f09f72f157d477232",
	"cbc266fa2d2cb8d6729eacd60a57b28ffe287d19d34d0e280e88e206834a4583"},
    {"hmac-sha512-256", 32,
	"9e77c34335bf5b6d51554db5376b8326732f4e388e15dfb03823c9d80dc226cd",
	"a40844fcdab749bc73fbeecc1d1b32f226ae4c2e632e907b9d8de40be36f1962",
	"605caab885d5b8245d3a22082b05046aa6a4b75963617d5134ea744d8dde21be"},
};

static void
test_vectors(void **state)
{
	static const struct reply good = {
	    .sign = REPLY_SIGNED, .has_zone = true};
	static const struct reply late = {.rcode = RCODE_NOTAUTH,
	    .sign = REPLY_SIGNED,
	    .error = TSIG_ERROR_BADTIME,
	    .has_zone = true};
	uint8_t octets[REPLY_OCTETS_MAX];
	struct asked a = {.len = 0};
	size_t i, len;

	(void)state;
	for (i = 0; i < NELEM(vectors); i++) {
		const char *row = vectors[i].alg;
		struct seal s = {.alg = row, .mac_len = vectors[i].mac_len};

		ask(&a, GOLDEN, &s, (uint8_t)vectors[i].mac_len);
		check_mac(row, a.octets, a.len, vectors[i].request);
		len = reply_write(
		    &a.in, &good, a.hmac, BUILD_NOW + 1, 512, octets);
		check_mac(row, octets, len, vectors[i].answer);
		len = reply_write(
		    &a.in, &late, a.hmac, BUILD_NOW + 1000, 512, octets);
		check_mac(row, octets, len, vectors[i].badtime);
		hmac_free(a.hmac);
	}
}

/* T12 to T14: no shorter than the request's MAC, nor than the policy. */
static const struct {
	const char *name;
	const char *alg;
	uint8_t mac_min;
	int request_mac;
	size_t answer_mac;
} mac_lens[] = {
    {"full key, full MAC", "hmac-sha256", 32, 32, 32},
    {"full key, 16", "hmac-sha256", 32, 16, 32},
    {"16, 16", "hmac-sha256", 16, 16, 16},
    {"16, 24", "hmac-sha256", 16, 24, 24},
    {"16, 32", "hmac-sha256", 16, 32, 32},
    {"24, 16", "hmac-sha256", 24, 16, 24},
    {"SHA-1 10, 10", "hmac-sha1", 10, 10, 10},
    {"SHA-1 12, 10", "hmac-sha1", 12, 10, 12},
    {"SHA-512 64, 32", "hmac-sha512", 64, 32, 64},
};

static void
test_mac_len(void **state)
{
	static const struct reply r = {.sign = REPLY_SIGNED, .has_zone = true};
	uint8_t got[REPLY_OCTETS_MAX], expected[1024];
	struct asked a = {.len = 0};
	size_t i, len;

	(void)state;
	for (i = 0; i < NELEM(mac_lens); i++) {
		struct seal s = {
		    .alg = mac_lens[i].alg, .mac_len = mac_lens[i].request_mac};
		struct build_out want = {expected, 0};
		struct mac mac;

		ask(&a, GOLDEN, &s, mac_lens[i].mac_min);
		len = reply_write(&a.in, &r, a.hmac, BUILD_NOW, 512, got);
		build_hex(&want, "beefa800 0001000000000000" ZONE);
		s.mac_len = (int)mac_lens[i].answer_mac;
		build_seal(&want, &s, &a.in.request_mac, &mac);
		check_row_octets(
		    mac_lens[i].name, got, len, want.octets, want.len);
		hmac_free(a.hmac);
	}
}

/* Every RCODE by every way of signing, with and without OPT and zone. */
static void
check_form(struct asked *a, const struct reply *r, bool has_opt)
{
	uint8_t got[REPLY_OCTETS_MAX], expected[1024];
	struct build_out want = {expected, 0};
	struct seal s = {.error = r->error};
	struct mac mac;
	char row[80];
	size_t len;

	snprintf(row, sizeof(row), "rcode %u sign %u error %u zone %d opt %d",
	    r->rcode, r->sign, r->error, r->has_zone, has_opt);
	len = reply_write(&a->in, r, r->sign == REPLY_SIGNED ? a->hmac : NULL,
	    BUILD_NOW + 5, 512, got);
	build_hex(&want, "beefa800");
	expected[3] |= r->rcode & 0xf;
	build_uint(&want, r->has_zone, 2);
	build_uint(&want, 0, 4);
	build_uint(&want, has_opt, 2);
	build_hex(&want, r->has_zone ? ZONE : "");
	build_hex(&want, has_opt ? PLAIN_OPT : "");
	if (has_opt)
		expected[want.len - 6] = (uint8_t)(r->rcode >> 4);
	s.is_missing = r->sign == REPLY_BARE;
	s.mac_len = r->sign == REPLY_UNSIGNED ? -1 : 0;
	s.time_off = r->error == TSIG_ERROR_BADTIME ? 0 : 5;
	s.other = r->error == TSIG_ERROR_BADTIME ? "00006553f105" : NULL;
	build_seal(&want, &s, &a->in.request_mac, &mac);
	check_row_octets(row, got, len, want.octets, want.len);
}

static void
test_forms(void **state)
{
	static const enum tsig_error errors[] = {TSIG_ERROR_NONE,
	    TSIG_ERROR_BADSIG, TSIG_ERROR_BADKEY, TSIG_ERROR_BADTIME,
	    TSIG_ERROR_BADTRUNC};
	static const struct seal plain = {.is_missing = false};
	struct asked a = {.len = 0};
	unsigned i, bits;

	(void)state;
	for (bits = 0; bits < 4; bits++) {
		ask(&a, (bits & 1) != 0 ? GOLDEN_OPT : GOLDEN, &plain, 0);
		for (i = 0; i < 17 * 3 * NELEM(errors); i++) {
			struct reply r = {.rcode = (enum rcode)(i % 17),
			    .sign = (enum reply_sign)(i / 17 % 3),
			    .error = errors[i / 17 / 3],
			    .has_zone = (bits & 2) != 0};

			check_form(&a, &r, (bits & 1) != 0);
		}
		hmac_free(a.hmac);
	}
}

/* H11: what goes and what stays, at every limit. */
static void
check_limit(struct asked *a, const struct reply *r, size_t limit)
{
	size_t opt = a->in.msg.opt.is_present ? OPT_OCTETS : 0;
	size_t tsig = r->sign == REPLY_BARE	? 0
		      : r->sign == REPLY_SIGNED ? 13 + 10 + 13 + 16 + 32
						: 13 + 10 + 13 + 16;
	size_t len;
	bool has_zone, is_cut;
	uint8_t got[REPLY_OCTETS_MAX];
	struct msg m;
	char row[60];

	snprintf(row, sizeof(row), "limit %zu sign %u opt %zu zone %d", limit,
	    r->sign, opt, r->has_zone);
	/* One that proves nothing goes first. */
	if (r->sign == REPLY_UNSIGNED && 12 + tsig > limit)
		tsig = 0;
	len = 12 + opt + tsig;
	has_zone = r->has_zone && len + 18 <= limit;
	is_cut = len > limit;
	len = is_cut ? 12 + tsig : len + (has_zone ? 18 : 0);
	check_row_int(row,
	    reply_write(&a->in, r, r->sign == REPLY_SIGNED ? a->hmac : NULL,
		BUILD_NOW, limit, got),
	    len);
	check_row_int(row, msg_parse(got, len, &m), MSG_OK);
	check_row_int(
	    row, m.flags, is_cut ? 0xaa00 : 0xa800 | (r->rcode & 0xf));
	check_row_int(row, m.has_zone, has_zone);
	check_row_int(row, m.opt.is_present, opt != 0 && !is_cut);
	check_row_int(row, m.tsig_start != 0, tsig != 0);
}

/* SU6 */
static void
test_limits(void **state)
{
	static const struct seal plain = {.is_missing = false};
	struct asked a = {.len = 0};
	unsigned bits, sign;
	size_t limit;

	(void)state;
	for (bits = 0; bits < 4; bits++) {
		ask(&a, (bits & 1) != 0 ? GOLDEN_OPT : GOLDEN, &plain, 0);
		for (sign = 0; sign < 3; sign++) {
			struct reply r = {.rcode = RCODE_REFUSED,
			    .sign = (enum reply_sign)sign,
			    .has_zone = (bits & 2) != 0};

			for (limit = 0; limit <= 700; limit++)
				check_limit(&a, &r, limit);
		}
		hmac_free(a.hmac);
	}
}

/* H10: the client's size; flood_A01: who has proven nothing gets no more
 * octets than it sent. */
static void
test_client_limit(void **state)
{
	static const struct {
		const char *name;
		unsigned udp_size;
		bool is_tcp;
		enum reply_sign sign;
		size_t len; /* of the request */
		size_t limit;
	} rows[] = {
	    {"no OPT", 0, false, REPLY_SIGNED, 12, 512},
	    {"OPT 511", 511, false, REPLY_SIGNED, 12, 512},
	    {"OPT 513", 513, false, REPLY_SIGNED, 12, 513},
	    {"OPT 1232", 1232, false, REPLY_SIGNED, 12, 1232},
	    {"OPT 65535", 65535, false, REPLY_SIGNED, 12, 65535},
	    {"TCP", 0, true, REPLY_SIGNED, 12, 65535},
	    {"TCP and OPT", 512, true, REPLY_SIGNED, 12, 65535},
	    {"unsigned", 0, false, REPLY_UNSIGNED, 100, 100},
	    {"unsigned, OPT 1232", 1232, false, REPLY_UNSIGNED, 600, 600},
	    {"unsigned, long", 0, false, REPLY_UNSIGNED, 600, 512},
	    {"bare", 1232, false, REPLY_BARE, 12, 12},
	    {"unsigned, TCP", 0, true, REPLY_UNSIGNED, 100, 65535},
	};
	size_t i;

	(void)state;
	for (i = 0; i < NELEM(rows); i++) {
		struct inbound in = {
		    .is_tcp = rows[i].is_tcp, .len = rows[i].len};
		struct reply r = {.sign = rows[i].sign};

		in.msg.opt.is_present = rows[i].udp_size != 0;
		in.msg.opt.udp_size = (uint16_t)rows[i].udp_size;
		check_row_int(
		    rows[i].name, reply_limit(&in, &r), rows[i].limit);
	}
}

/* A zone and a key name of 255 octets each. */
static void
ask_long(struct asked *a, const char *alg, bool has_opt, const char *alg_hex)
{
	uint8_t octets[1024];
	struct build_out o = {octets, 0};
	struct seal s = {.alg = alg, .alg_hex = alg_hex};
	struct name name;

	build_long_name(NAME_OCTETS_MAX, &name);
	build_hex(&o, "beef2800 0001000000000000");
	o.octets[11] = has_opt;
	build_put(&o, name.octets, name.len);
	build_hex(&o, "00060001");
	build_hex(&o, has_opt ? PLAIN_OPT : "");
	s.key_name = &name;
	ask_with(a, &o, &s, 0);
}

static const struct {
	const char *name;
	bool is_tcp;
	bool has_opt;
	bool has_zone; /* in the answer */
	size_t len;
} long_rows[] = {
    {"H10 UDP", false, false, false, 12 + 255 + 10 + 13 + 16 + 64},
    {"H10 OPT 1232", false, true, true,
	12 + 259 + 11 + 255 + 10 + 13 + 16 + 64},
    {"H10 TCP", true, false, true, 12 + 259 + 255 + 10 + 13 + 16 + 64},
};

static void
test_long_names(void **state)
{
	static const struct reply r = {.sign = REPLY_SIGNED, .has_zone = true};
	uint8_t got[REPLY_OCTETS_MAX];
	struct asked a = {.len = 0};
	struct msg m;
	size_t i;

	(void)state;
	for (i = 0; i < NELEM(long_rows); i++) {
		const char *row = long_rows[i].name;
		size_t limit, len;

		ask_long(&a, "hmac-sha512", long_rows[i].has_opt, NULL);
		a.in.is_tcp = long_rows[i].is_tcp;
		limit = reply_limit(&a.in, &r);
		len = reply_write(&a.in, &r, a.hmac, BUILD_NOW, limit, got);
		check_row_int(row, len, long_rows[i].len);
		check_row_int(row, msg_parse(got, len, &m), MSG_OK);
		check_row_int(row, m.flags, 0xa800);
		check_row_int(row, m.has_zone, long_rows[i].has_zone);
		hmac_free(a.hmac);
	}
}

/*
 * BADKEY repeats whatever algorithm the client named, 255 octets of it
 * too. If that is more than it takes, it gets the RCODE alone.
 */
static void
check_long_algorithm(
    const char *row, struct asked *a, size_t want, bool has_zone)
{
	static const struct reply r = {.rcode = RCODE_NOTAUTH,
	    .sign = REPLY_UNSIGNED,
	    .error = TSIG_ERROR_BADKEY,
	    .has_zone = true};
	uint8_t got[REPLY_OCTETS_MAX];
	struct tsig t;
	struct msg m;
	size_t len;

	len = reply_write(
	    &a->in, &r, NULL, BUILD_NOW, reply_limit(&a->in, &r), got);
	check_row_int(row, len, want);
	check_row_int(row, msg_parse(got, len, &m), MSG_OK);
	check_row_int(row, m.flags, 0xa809);
	check_row_int(row, m.has_zone, has_zone);
	check_row_int(row, m.tsig_start == 0, want == 12 + 259);
	if (m.tsig_start == 0)
		return;
	check_row(row, tsig_parse(got, len, m.tsig_start, &t));
	check_row_int(row, t.error, TSIG_ERROR_BADKEY);
	check_row(row, name_eq(&t.alg, &a->in.tsig.alg));
}

static void
test_long_algorithm(void **state)
{
	enum { tsig = 255 + 10 + 255 + 16 };
	static const struct {
		const char *name;
		bool is_tcp;
		bool has_opt;
		size_t len;
	} rows[] = {
	    {"UDP", false, false, 12 + 259},
	    /* With the zone it would be longer than what it answers. */
	    {"OPT 1232", false, true, 12 + 11 + tsig},
	    {"TCP", true, false, 12 + 259 + tsig},
	    {"TCP and OPT", true, true, 12 + 259 + 11 + tsig},
	};
	struct asked a = {.len = 0};
	size_t i;

	(void)state;
	for (i = 0; i < NELEM(rows); i++) {
		/* A pointer to the zone's name. */
		ask_long(&a, "hmac-sha256", rows[i].has_opt, "c00c");
		check_row_int(rows[i].name, a.in.tsig.alg.len, NAME_OCTETS_MAX);
		a.in.client = NULL;
		a.in.is_tcp = rows[i].is_tcp;
		check_long_algorithm(rows[i].name, &a, rows[i].len,
		    rows[i].len != 12 + 11 + tsig);
		hmac_free(a.hmac);
	}
}

/* Nothing is sent unsigned that was to be signed. */
static void
test_no_key(void **state)
{
	static const struct reply r = {.sign = REPLY_SIGNED};
	static const struct seal plain = {.is_missing = false};
	uint8_t got[REPLY_OCTETS_MAX];
	struct asked a = {.len = 0};

	(void)state;
	ask(&a, GOLDEN, &plain, 0);
	check_row_int(
	    "no context", reply_write(&a.in, &r, NULL, BUILD_NOW, 512, got), 0);
	check_row_int("time beyond 48 bits",
	    reply_write(&a.in, &r, a.hmac, (uint64_t)1 << 48, 512, got), 0);
	hmac_free(a.hmac);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_vectors),
	    cmocka_unit_test(test_mac_len),
	    cmocka_unit_test(test_forms),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_client_limit),
	    cmocka_unit_test(test_long_names),
	    cmocka_unit_test(test_long_algorithm),
	    cmocka_unit_test(test_no_key),
	};

	return cmocka_run_group_tests_name("reply", tests, NULL, NULL);
}
