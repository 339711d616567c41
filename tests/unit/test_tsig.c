/* SPDX-License-Identifier: ISC */
/* dns/tsig: the vectors of tests/vectors, matrix rows T, RFC 8945. */
#include "hex.h"

#include "base/base64.h"
#include "dns/dns.h"
#include "dns/msg.h"
#include "dns/tsig.h"

#define MSG_MAX 2048
#define TIME_MAX 0xffffffffffff
#define GOLDEN_TIME 1700000000

/* Behind the results of tsig_verify, what stops a message earlier. */
enum { MALFORMED = TSIG_FAILED + 1, STRUCTURE, UNSIGNED, NVERDICTS };

static const char *const verdicts[NVERDICTS] = {"ok", "formerr", "badsig",
    "badtime", "badtrunc", "failed", "malformed", "structure", "unsigned"};

static int
judge_here(const uint8_t *octets, size_t len, const struct tsig_policy *p)
{
	struct msg m;
	struct tsig t;

	if (msg_parse(octets, len, &m) != MSG_OK)
		return STRUCTURE;
	if (m.tsig_start == 0)
		return UNSIGNED;
	if (!tsig_parse(octets, len, m.tsig_start, &t))
		return MALFORMED;
	return (int)tsig_verify(octets, m.tsig_start, &t, p);
}

/* On a heap block of exactly that length. */
static int
judge(const uint8_t *octets, size_t len, const struct tsig_policy *p)
{
	uint8_t *copy = octets_dup(octets, len);
	int verdict = judge_here(copy, len, p);

	free(copy);
	return verdict;
}

static void
check_verdict(const char *row, int got, int want)
{
	if (got != want)
		fail_msg("row \"%s\": %s, not %s", row, verdicts[got],
		    verdicts[want]);
}

static void
name_of(const char *text, struct name *n)
{
	check_row(text, name_from_text(text, n));
	name_lower(n);
}

/* --- vectors ----------------------------------------------------------- */

struct vector {
	char title[80];
	struct name key;
	uint8_t secret[128];
	size_t secret_len;
	const struct hmac_alg *alg;
	uint64_t now;
	unsigned min;
	struct mac request;
	uint8_t message[MSG_MAX];
	size_t len;
	int want;
	bool is_written;
	struct tsig_policy policy;
};

typedef void vector_test(const struct vector *v);

static void
set_field(struct vector *v, const char *word, const char *value)
{
	int i;

	if (strcmp(word, "case") == 0)
		snprintf(v->title, sizeof(v->title), "%.79s", value);
	else if (strcmp(word, "key") == 0)
		name_of(value, &v->key);
	else if (strcmp(word, "secret") == 0)
		check_row(
		    v->title, base64_decode(value, strlen(value), v->secret,
				  sizeof(v->secret), &v->secret_len));
	else if (strcmp(word, "alg") == 0)
		v->alg = hmac_alg_by_text(value);
	else if (strcmp(word, "now") == 0)
		v->now = strtoull(value, NULL, 10);
	else if (strcmp(word, "min") == 0)
		v->min = (unsigned)strtoul(value, NULL, 10);
	else if (strcmp(word, "request") == 0)
		v->request.len = (uint8_t)hex_octets(
		    value, v->request.octets, sizeof(v->request.octets));
	else if (strcmp(word, "message") == 0)
		v->len = hex_octets(value, v->message, sizeof(v->message));
	else if (strcmp(word, "write") == 0)
		v->is_written = strcmp(value, "yes") == 0;
	else if (strcmp(word, "verdict") == 0) {
		for (i = 0; strcmp(verdicts[i], value) != 0; i++)
			check_row(v->title, i + 1 < NVERDICTS);
		v->want = i;
	} else
		fail_msg("%s: what is %s?", v->title, word);
}

static void
run_vector(struct vector *v, vector_test *test)
{
	check_row(v->title, v->alg != NULL && v->len > 0 && v->want >= 0);
	v->policy = (struct tsig_policy){.alg = v->alg,
	    .mac_min = (uint8_t)(v->min > 0 ? v->min : v->alg->mac_len),
	    .max_fudge_s = UINT16_MAX,
	    .request = v->request.len > 0 ? &v->request : NULL,
	    .now_s = v->now};
	v->policy.hmac = hmac_new(v->alg->hash, v->secret, v->secret_len);
	check_row(v->title, v->policy.hmac != NULL);
	test(v);
	hmac_free(v->policy.hmac);
}

/* A line "word value", with more of the value on indented lines. */
static bool
next_field(FILE *f, char line[256], char *word, char *value)
{
	*word = *value = '\0';
	for (;;) {
		if (line[0] == '\t') {
			check_row(word, strlen(value) < 2 * MSG_MAX);
			strcat(value, line);
		} else if (line[0] != '#' && line[0] != '\0') {
			size_t n = strcspn(line, " ");

			if (*word != '\0')
				return true;
			memcpy(word, line, n);
			word[n] = '\0';
			strcpy(value, line[n] == ' ' ? line + n + 1 : "");
		}
		if (fgets(line, 256, f) == NULL) {
			line[0] = '\0';
			return *word != '\0';
		}
		line[strcspn(line, "\n")] = '\0';
	}
}

static unsigned
read_vectors(const char *file, vector_test *test)
{
	char path[512], line[256] = "", word[256], value[2 * MSG_MAX + 256];
	struct vector v = {.want = -1};
	unsigned count = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/vectors/%s", TEST_DIR, file);
	f = fopen(path, "r");
	check_row(path, f != NULL);
	while (next_field(f, line, word, value)) {
		if (strcmp(word, "case") == 0) {
			if (count++ > 0)
				run_vector(&v, test);
			v = (struct vector){.want = -1};
		}
		set_field(&v, word, value);
	}
	fclose(f);
	check_row(path, count > 0);
	run_vector(&v, test);
	return count;
}

static void
for_all_vectors(vector_test *test)
{
	static const struct {
		const char *file;
		unsigned cases;
	} files[] = {{"golden.vec", 39}, {"kea.vec", 15}, {"kea-d2.vec", 18},
	    {"miekg-dns.vec", 11}, {"bind.vec", 3}};
	size_t i;

	for (i = 0; i < NELEM(files); i++)
		check_row_int(files[i].file, read_vectors(files[i].file, test),
		    files[i].cases);
}

static void
verify_vector(const struct vector *v)
{
	check_verdict(v->title, judge(v->message, v->len, &v->policy), v->want);
	/* once more: the context is as it was */
	check_verdict(v->title, judge(v->message, v->len, &v->policy), v->want);
}

static void
test_vectors(void **state)
{
	(void)state;
	for_all_vectors(verify_vector);
}

static uint64_t
other_time(const struct tsig *t)
{
	struct rd r;

	rd_init(&r, t->other, t->other_len);
	return t->other_len == 6 ? rd_u48(&r) : 0;
}

/* What was signed by others comes out of tsig_write octet for octet. */
static void
write_vector(const struct vector *v)
{
	struct tsig_params p = {.key = &v->key,
	    .alg = &v->alg->wire,
	    .hmac = v->policy.hmac,
	    .request = v->policy.request};
	uint8_t buf[MSG_MAX];
	struct msg m;
	struct tsig t;
	struct mac mac;
	struct wr w;

	if (!v->is_written)
		return;
	check_row(v->title, msg_parse(v->message, v->len, &m) == MSG_OK);
	check_row(v->title, tsig_parse(v->message, v->len, m.tsig_start, &t));
	p.mac_len = (uint8_t)t.mac_len;
	p.time_signed = t.time_signed;
	p.fudge_s = t.fudge_s;
	p.error = (enum tsig_error)t.error;
	p.other_time = other_time(&t);
	wr_init(&w, buf, sizeof(buf));
	wr_octets(&w, v->message, m.tsig_start);
	wr_patch_u16(&w, 10, m.counts[MSG_ADDITIONAL] - 1u);
	tsig_write(&w, &p, &mac);
	check_row(v->title, wr_ok(&w));
	check_row_octets(v->title, buf, w.pos, v->message, v->len);
	check_row_octets(v->title, mac.octets, mac.len, t.mac, t.mac_len);
	check_row_int(v->title, tsig_len(&p), v->len - m.tsig_start);
}

static void
test_vectors_written(void **state)
{
	(void)state;
	for_all_vectors(write_vector);
}

/* --- mutations --------------------------------------------------------- */

#define SET(verdict) (1u << (verdict))
/* Anything that says "not authentic". */
#define NEVER_AUTHENTIC \
	(SET(TSIG_BADSIG) | SET(TSIG_FORMERR) | SET(MALFORMED) | \
	    SET(STRUCTURE) | SET(UNSIGNED))

/*
 * The parts of a signed message and what a flipped bit there may give.
 * Two kinds of flips are harmless: in the header's ID, which is not
 * hashed (the Original ID is), and in the case of a letter of the TSIG's
 * names, which are hashed in lower case.
 */
static const struct region {
	const char *name;
	unsigned may_give;
	bool is_name;
} regions[] = {
    {"header ID", SET(TSIG_OK), false},
    {"header flags", SET(TSIG_BADSIG), false},
    {"header counts", NEVER_AUTHENTIC, false},
    {"sections", SET(TSIG_BADSIG) | SET(STRUCTURE), false},
    {"TSIG owner", NEVER_AUTHENTIC, true},
    {"TSIG type", SET(UNSIGNED), false},
    {"TSIG class", SET(MALFORMED), false},
    {"TSIG TTL", SET(MALFORMED), false},
    {"TSIG RDLENGTH", SET(STRUCTURE), false},
    {"algorithm", NEVER_AUTHENTIC, true},
    {"Time Signed", SET(TSIG_BADSIG), false},
    {"Fudge", SET(TSIG_BADSIG), false},
    {"MAC Size", SET(MALFORMED), false},
    {"MAC", SET(TSIG_BADSIG), false},
    {"Original ID", SET(TSIG_BADSIG), false},
    {"Error", SET(TSIG_BADSIG), false},
    {"Other Len", SET(MALFORMED), false},
    {"Other Data", SET(TSIG_BADSIG), false},
};

static bool
is_letter(uint8_t c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static void
flip_octet(const struct vector *v, size_t at, const struct region *region)
{
	uint8_t octets[MSG_MAX];
	char row[160];
	unsigned bit;

	for (bit = 0; bit < 8; bit++) {
		unsigned want = region->may_give;
		int got;

		if (region->is_name && bit == 5 && is_letter(v->message[at]))
			want = SET(TSIG_OK);
		memcpy(octets, v->message, v->len);
		octets[at] ^= (uint8_t)(1u << bit);
		got = judge(octets, v->len, &v->policy);
		snprintf(row, sizeof(row), "%s: bit %u of octet %zu (%s): %s",
		    v->title, bit, at, region->name, verdicts[got]);
		check_row(row, (want & SET(got)) != 0);
	}
}

static void
flip_vector(const struct vector *v)
{
	size_t lens[NELEM(regions)] = {
	    2, 2, 8, 0, 0, 2, 2, 4, 2, 0, 6, 2, 2, 0, 2, 2, 2, 0};
	size_t i, at = 0, n;
	struct tsig t;
	struct msg m;

	if (v->want != TSIG_OK)
		return;
	check_row(v->title, msg_parse(v->message, v->len, &m) == MSG_OK);
	check_row(v->title, tsig_parse(v->message, v->len, m.tsig_start, &t));
	lens[3] = m.tsig_start - DNS_HEADER_OCTETS;
	lens[4] = t.key.len;
	lens[9] = t.alg.len;
	lens[13] = t.mac_len;
	lens[17] = t.other_len;
	for (i = 0; i < NELEM(regions); i++) {
		for (n = 0; n < lens[i]; n++)
			flip_octet(v, at++, &regions[i]);
	}
	check_row_int(v->title, at, v->len);
}

static void
test_every_bit_flipped(void **state)
{
	(void)state;
	for_all_vectors(flip_vector);
}

/* Cut anywhere, or with octets behind it, it is no message any more. */
static void
cut_vector(const struct vector *v)
{
	uint8_t longer[MSG_MAX] = {0};
	struct tsig t;
	struct msg m;
	size_t len;

	if (v->want != TSIG_OK)
		return;
	check_row(v->title, msg_parse(v->message, v->len, &m) == MSG_OK);
	memcpy(longer, v->message, v->len);
	for (len = 0; len < v->len + 20; len++) {
		if (len != v->len)
			check_verdict(v->title, judge(longer, len, &v->policy),
			    STRUCTURE);
	}
	/* nor does its record by itself */
	for (len = m.tsig_start; len < v->len + 20; len++) {
		uint8_t *copy = octets_dup(longer, len);

		check_row_int(v->title, tsig_parse(copy, len, m.tsig_start, &t),
		    len == v->len);
		free(copy);
	}
}

static void
test_every_truncation(void **state)
{
	(void)state;
	for_all_vectors(cut_vector);
}

/* --- forged messages --------------------------------------------------- */

#define ZONE "076578616d706c65 0474657374 00 0006 0001"
#define GOLDEN \
	"beef 2800 0001 0000 0001 0000" ZONE \
	"026831 076578616d706c65 0474657374 00 0001 0001 0000003c 0004" \
	"c0000201"

#define ZERO UINT64_MAX /* where 0 stands for the usual value */

#define D63 "abcdefghipabcdefghipabcdefghipabcdefghipabcdefghipabcdefghipqrs"
#define D61 "abcdefghipabcdefghipabcdefghipabcdefghipabcdefghipabcdefghipq"
#define NAME_255 D63 "." D63 "." D63 "." D61

/* A message signed by ourselves, right but for what is set here. */
struct forge {
	const char *name;
	int want;
	const char *base; /* hex, unsigned */
	const char *alg;
	const char *key_name, *alg_name; /* as hashed */
	const char *key_octets, *alg_octets; /* hex, as in the record */
	uint64_t time, now;
	unsigned fudge_plus, max_fudge_minus;
	unsigned mac_len, flip_mac, policy_min; /* flip_mac: 1 is the first */
	bool no_mac, other_secret;
	unsigned error;
	const char *other; /* hex */
	unsigned header_id, original_id, hashed_id; /* xor */
	unsigned hashed_arcount; /* plus */
	unsigned class, hashed_class; /* xor */
	uint32_t ttl, hashed_ttl;
	unsigned rdlength, mac_size, other_len; /* plus */
	const char *behind; /* hex, behind the record */
	const char *request, *known_request; /* hex; hashed, in policy */
	bool no_request_known;
};

static uint64_t
time_or(uint64_t time, uint64_t usual)
{
	return time == ZERO ? 0 : time == 0 ? usual : time;
}

static const struct hmac_alg *
forge_alg(const struct forge *f)
{
	return hmac_alg_by_text(f->alg != NULL ? f->alg : "hmac-sha256");
}

static struct hmac *
forge_hmac(const struct forge *f, bool other_secret)
{
	uint8_t secret[64];
	size_t i;

	for (i = 0; i < sizeof(secret); i++)
		secret[i] = (uint8_t)i;
	secret[63] ^= other_secret ? 1 : 0;
	return hmac_new(forge_alg(f)->hash, secret, sizeof(secret));
}

static size_t
forge_base(const struct forge *f, uint8_t buf[MSG_MAX])
{
	return hex_octets(f->base != NULL ? f->base : GOLDEN, buf, MSG_MAX);
}

static void
put_hex(struct wr *w, const char *hex)
{
	uint8_t octets[MSG_MAX];

	if (hex != NULL)
		wr_octets(w, octets, hex_octets(hex, octets, MSG_MAX));
}

/* The text's name, or the algorithm's, or the golden key's. */
static void
put_name(struct wr *w, const char *text, const struct name *usual)
{
	struct name n;

	if (text == NULL && usual != NULL) {
		name_write(w, usual);
		return;
	}
	name_of(text != NULL ? text : "key.example", &n);
	name_write(w, &n);
}

static void
forge_mac(const struct forge *f, uint8_t mac[HMAC_MAC_MAX])
{
	uint8_t data[2 * MSG_MAX], base[MSG_MAX], request[HMAC_MAC_MAX];
	size_t len = forge_base(f, base), n;
	struct hmac *hmac = forge_hmac(f, f->other_secret);
	struct wr w;

	wr_init(&w, data, sizeof(data));
	if (f->request != NULL) {
		n = hex_octets(f->request, request, sizeof(request));
		wr_u16(&w, (unsigned)n);
		wr_octets(&w, request, n);
	}
	base[11] = (uint8_t)(base[11] + f->hashed_arcount);
	wr_u16(&w, 0xbeef ^ f->hashed_id);
	wr_octets(&w, base + 2, len - 2);
	put_name(&w, f->key_name, NULL);
	wr_u16(&w, CLASS_ANY ^ f->hashed_class);
	wr_u32(&w, f->hashed_ttl);
	put_name(&w, f->alg_name, &forge_alg(f)->wire);
	wr_u48(&w, time_or(f->time, GOLDEN_TIME));
	wr_u16(&w, 300 + f->fudge_plus);
	wr_u16(&w, f->error);
	n = f->other != NULL ? hex_octets(f->other, base, MSG_MAX) : 0;
	wr_u16(&w, (unsigned)n);
	wr_octets(&w, base, n);
	assert_true(wr_ok(&w));
	assert_true(
	    hmac_compute(hmac, &(struct hmac_part){data, w.pos}, 1, mac));
	hmac_free(hmac);
}

static void
forge_rdata(const struct forge *f, struct wr *w)
{
	uint8_t mac[HMAC_MAC_MAX] = {0};
	unsigned mac_len = f->mac_len > 0 ? f->mac_len : forge_alg(f)->mac_len;
	size_t len_at;

	if (f->no_mac)
		mac_len = 0;
	forge_mac(f, mac);
	if (f->flip_mac > 0)
		mac[f->flip_mac - 1] ^= 0x10;
	if (f->alg_octets != NULL)
		put_hex(w, f->alg_octets);
	else
		put_name(w, f->alg_name, &forge_alg(f)->wire);
	wr_u48(w, time_or(f->time, GOLDEN_TIME));
	wr_u16(w, 300 + f->fudge_plus);
	wr_u16(w, (mac_len + f->mac_size) & 0xffff);
	wr_octets(w, mac, mac_len);
	wr_u16(w, 0xbeef ^ f->original_id);
	wr_u16(w, f->error);
	len_at = w->pos;
	wr_u16(w, 0);
	put_hex(w, f->other);
	wr_patch_u16(w, len_at,
	    ((unsigned)(w->pos - len_at - 2) + f->other_len) & 0xffff);
}

static size_t
forge_message(const struct forge *f, uint8_t buf[MSG_MAX])
{
	struct wr w;
	size_t len_at;

	wr_init(&w, buf, MSG_MAX);
	w.pos = forge_base(f, buf);
	wr_patch_u16(&w, 0, 0xbeef ^ f->header_id);
	wr_patch_u16(&w, 10, buf[11] + 1u);
	if (f->key_octets != NULL)
		put_hex(&w, f->key_octets);
	else
		put_name(&w, f->key_name, NULL);
	wr_u16(&w, TYPE_TSIG);
	wr_u16(&w, CLASS_ANY ^ f->class);
	wr_u32(&w, f->ttl);
	len_at = w.pos;
	wr_u16(&w, 0);
	forge_rdata(f, &w);
	wr_patch_u16(&w, len_at,
	    ((unsigned)(w.pos - len_at - 2) + f->rdlength) & 0xffff);
	put_hex(&w, f->behind);
	assert_true(wr_ok(&w));
	return w.pos;
}

static int
judge_forge(const struct forge *f)
{
	const struct hmac_alg *alg = forge_alg(f);
	const char *request =
	    f->known_request != NULL ? f->known_request : f->request;
	struct mac mac = {0};
	struct tsig_policy p = {.alg = alg,
	    .hmac = forge_hmac(f, false),
	    .mac_min =
		(uint8_t)(f->policy_min > 0 ? f->policy_min : alg->mac_len),
	    .max_fudge_s = (uint16_t)(UINT16_MAX - f->max_fudge_minus),
	    .now_s = time_or(f->now, GOLDEN_TIME)};
	uint8_t buf[MSG_MAX];
	size_t len = forge_message(f, buf);
	int verdict;

	if (request != NULL && !f->no_request_known) {
		mac.len = (uint8_t)hex_octets(request, mac.octets, 64);
		p.request = &mac;
	}
	verdict = judge(buf, len, &p);
	hmac_free(p.hmac);
	return verdict;
}

#define MAC_HEX "000102030405060708090a0b0c0d0e0f"

static const struct forge forges[] = {
    {.name = "golden", .want = TSIG_OK},

    {"T6 first octet of the MAC", TSIG_BADSIG, .flip_mac = 1},
    {"T6 last octet of the MAC", TSIG_BADSIG, .flip_mac = 32},
    {"T6 other secret", TSIG_BADSIG, .other_secret = true},
    {"T6 ID and Original ID", TSIG_BADSIG, .header_id = 1, .original_id = 1},
    {"T8 33 octets", TSIG_FORMERR, .mac_len = 33},
    {"T9 15 octets", TSIG_FORMERR, .mac_len = 15},
    {"T9 15 octets, policy would take them", TSIG_FORMERR, .mac_len = 15,
	.policy_min = 1},
    {"T9 before the MAC", TSIG_FORMERR, .mac_len = 15, .flip_mac = 1},
    {"T9 before the time", TSIG_FORMERR, .mac_len = 15, .now = 1},
    {"T10 no MAC", TSIG_BADSIG, .no_mac = true},
    {"T10 no MAC, Error 16", TSIG_BADSIG, .no_mac = true, .error = 16},
    {"T10 no MAC, wrong time", TSIG_BADSIG, .no_mac = true, .now = 1},
    {"T10 no MAC, policy would take it", TSIG_BADSIG, .no_mac = true,
	.policy_min = 1},
    {"T11 16 octets, wrong", TSIG_BADSIG, .mac_len = 16, .flip_mac = 16,
	.policy_min = 16},
    {"T11 16 octets, wrong, full demanded", TSIG_BADSIG, .mac_len = 16,
	.flip_mac = 1},
    {"T11 wrong behind what was sent", TSIG_OK, .mac_len = 16, .flip_mac = 17,
	.policy_min = 16},
    {"T12 16 octets, full demanded", TSIG_BADTRUNC, .mac_len = 16},
    {"T12 one too few", TSIG_BADTRUNC, .mac_len = 23, .policy_min = 24},
    {"T13 16 octets", TSIG_OK, .mac_len = 16, .policy_min = 16},
    {"T13 24 octets", TSIG_OK, .mac_len = 24, .policy_min = 16},
    {"T13 32 octets", TSIG_OK, .policy_min = 16},

    {"T14 request MAC of 16 octets", TSIG_OK, .request = MAC_HEX},
    {"T14 another one", TSIG_BADSIG, .request = MAC_HEX,
	.known_request = "ff0102030405060708090a0b0c0d0e0f"},
    {"T14 longer than hashed", TSIG_BADSIG, .request = MAC_HEX,
	.known_request = MAC_HEX "10"},
    {"T14 shorter than hashed", TSIG_BADSIG, .request = MAC_HEX,
	.known_request = "0001020304050607"},
    {"T14 none known", TSIG_BADSIG, .request = MAC_HEX,
	.no_request_known = true},
    {"T14 none hashed", TSIG_BADSIG, .known_request = MAC_HEX},
    {"T14 request MAC of 64 octets", TSIG_OK,
	.request = MAC_HEX MAC_HEX MAC_HEX MAC_HEX},

    {"T15 301 s behind", TSIG_BADTIME, .now = GOLDEN_TIME + 301},
    {"T15 301 s ahead", TSIG_BADTIME, .now = GOLDEN_TIME - 301},
    {"T16 300 s behind", TSIG_OK, .now = GOLDEN_TIME + 300},
    {"T16 300 s ahead", TSIG_OK, .now = GOLDEN_TIME - 300},
    {"T17 fudge 0", TSIG_OK, .fudge_plus = 0u - 300},
    {"T17 fudge 0, 1 s behind", TSIG_BADTIME, .fudge_plus = 0u - 300,
	.now = GOLDEN_TIME + 1},
    {"T17 fudge 0, 1 s ahead", TSIG_BADTIME, .fudge_plus = 0u - 300,
	.now = GOLDEN_TIME - 1},
    {"T17 fudge 65535", TSIG_OK, .fudge_plus = 65235,
	.now = GOLDEN_TIME + 60000},
    {"T17 fudge 65535, border", TSIG_OK, .fudge_plus = 65235,
	.now = GOLDEN_TIME + 65535},
    {"T17 fudge 65535, passed", TSIG_BADTIME, .fudge_plus = 65235,
	.now = GOLDEN_TIME + 65536},
    {"T17 capped to 3600", TSIG_BADTIME, .fudge_plus = 65235,
	.max_fudge_minus = 65535 - 3600, .now = GOLDEN_TIME + 60000},
    {"T17 capped to 3600, border", TSIG_OK, .fudge_plus = 65235,
	.max_fudge_minus = 65535 - 3600, .now = GOLDEN_TIME + 3600},
    {"T17 capped to 3600, passed", TSIG_BADTIME, .fudge_plus = 65235,
	.max_fudge_minus = 65535 - 3600, .now = GOLDEN_TIME + 3601},
    {"T17 capped to 3600, ahead", TSIG_BADTIME, .fudge_plus = 65235,
	.max_fudge_minus = 65535 - 3600, .now = GOLDEN_TIME - 3601},
    {"T17 the cap does not widen", TSIG_BADTIME,
	.max_fudge_minus = 65535 - 3600, .now = GOLDEN_TIME + 301},
    {"T17 capped to 0", TSIG_OK, .max_fudge_minus = 65535},
    {"T17 capped to 0, passed", TSIG_BADTIME, .max_fudge_minus = 65535,
	.now = GOLDEN_TIME + 1},
    {"T18 time 0, fudge 65535", TSIG_BADTIME, .time = ZERO,
	.fudge_plus = 65235},
    {"T18 time 2^48 - 1", TSIG_BADTIME, .time = TIME_MAX},
    {"T18 time 2^48 - 1, fudge 65535", TSIG_BADTIME, .time = TIME_MAX,
	.fudge_plus = 65235},
    {"T18 time 2^48 - 1, clock 0", TSIG_BADTIME, .time = TIME_MAX, .now = ZERO,
	.fudge_plus = 65235},
    {"T18 time 0, clock 2^48 - 1", TSIG_BADTIME, .time = ZERO, .now = TIME_MAX,
	.fudge_plus = 65235},
    {"T18 both 2^48 - 1", TSIG_OK, .time = TIME_MAX, .now = TIME_MAX},
    {"T18 both 0", TSIG_OK, .time = ZERO, .now = ZERO},
    {"T18 clock below the fudge", TSIG_OK, .time = 400, .now = 100},
    {"T18 clock below the fudge, passed", TSIG_BADTIME, .time = 401,
	.now = 100},
    {"T18 time below the fudge, passed", TSIG_BADTIME, .time = 100, .now = 401},
    {"T18 more than 32 bits", TSIG_OK, .time = 0x100000000 + GOLDEN_TIME,
	.now = 0x100000000 + GOLDEN_TIME},
    {"T18 low 32 bits agree", TSIG_BADTIME, .time = 0x100000000 + GOLDEN_TIME},
    {"T18 low 48 bits agree", TSIG_BADTIME,
	.now = 0x1000000000000 + GOLDEN_TIME},
    {"T19 MAC before time", TSIG_BADSIG, .now = GOLDEN_TIME + 1000,
	.flip_mac = 1},
    {"T19 MAC before time and truncation", TSIG_BADSIG, .mac_len = 16,
	.now = GOLDEN_TIME + 1000, .flip_mac = 1},
    {"T20 time before truncation", TSIG_BADTIME, .mac_len = 16,
	.now = GOLDEN_TIME + 1000},

    {"T26 class IN, hashed as ANY", MALFORMED, .class = 255 ^ 1},
    {"T26 class IN, hashed as IN", MALFORMED, .class = 255 ^ 1,
	.hashed_class = 255 ^ 1},
    {"T26 class hashed as IN", TSIG_BADSIG, .hashed_class = 255 ^ 1},
    {"T27 TTL 5, hashed as 0", MALFORMED, .ttl = 5},
    {"T27 TTL 5, hashed as 5", MALFORMED, .ttl = 5, .hashed_ttl = 5},
    {"T27 TTL hashed as 5", TSIG_BADSIG, .hashed_ttl = 5},
    {"T28 key in upper case", TSIG_OK,
	.key_octets = "034b4559 074558414d504c45 00"},
    {"T28 algorithm in upper case", TSIG_OK,
	.alg_octets = "0b484d41432d534841323536 00"},
    {"T29 zone in upper case", TSIG_OK,
	.base = "beef 2800 0001 0000 0000"
		"0000 074558414d504c45 0454657374 00 0006 0001"},
    {"T30 compressed owner", TSIG_OK, .key_octets = "c00c",
	.key_name = "example.test"},
    {"T30 partly compressed owner", TSIG_OK, .key_octets = "036b6579 c00c",
	.key_name = "key.example.test"},
    {"T30 MAC over another name", TSIG_BADSIG, .key_octets = "c00c"},
    {"T30 owner points to itself", STRUCTURE, .key_octets = "c03d"},
    {"T31 compressed algorithm, expanded", TSIG_OK, .alg_octets = "c00c",
	.base = "beef 2800 0001 0000 0000 0000"
		"0b686d61632d736861323536 00 0006 0001"},
    {"T31 algorithm points to the owner", TSIG_OK, .alg_octets = "c03d",
	.key_name = "hmac-sha256"},
    {"T31 algorithm points forward", MALFORMED, .alg_octets = "c0ff"},
    {"T31 algorithm points to itself", MALFORMED, .alg_octets = "c054"},
    {"both names of 255 octets", TSIG_OK, .key_name = NAME_255,
	.alg_name = NAME_255},
    {"both names of 255 octets, Other Data", TSIG_OK, .key_name = NAME_255,
	.alg_name = NAME_255, .other = MAC_HEX MAC_HEX},
    {"both names the root", TSIG_OK, .key_name = ".", .alg_name = "."},
    {"T32 header 1111, Original ID 2222", TSIG_OK, .header_id = 0xbeef ^ 0x1111,
	.original_id = 0xbeef ^ 0x2222, .hashed_id = 0xbeef ^ 0x2222},
    {"T33 the converse", TSIG_BADSIG, .header_id = 0xbeef ^ 0x1111,
	.original_id = 0xbeef ^ 0x2222, .hashed_id = 0xbeef ^ 0x1111},
    {"T34 ARCOUNT hashed with the TSIG", TSIG_BADSIG, .hashed_arcount = 1},
    {"T35 Error 18", TSIG_OK, .error = 18},
    {"T35 Error 16", TSIG_OK, .error = 16},
    {"T35 Error 65535", TSIG_OK, .error = 65535},
    {"T36 Other Data of 3 octets", TSIG_OK, .other = "010203"},
    {"T36 Other Data of 6 octets", TSIG_OK, .other = "00006553f4e8"},
    {"T36 Other Data of 512 octets", TSIG_OK,
	.other = MAC_HEX MAC_HEX MAC_HEX MAC_HEX MAC_HEX MAC_HEX MAC_HEX MAC_HEX
	    MAC_HEX MAC_HEX MAC_HEX MAC_HEX MAC_HEX MAC_HEX MAC_HEX MAC_HEX
		MAC_HEX MAC_HEX MAC_HEX MAC_HEX MAC_HEX MAC_HEX MAC_HEX MAC_HEX
		    MAC_HEX MAC_HEX MAC_HEX MAC_HEX MAC_HEX MAC_HEX MAC_HEX
			MAC_HEX},
    {"T37 MAC Size one more", MALFORMED, .mac_size = 1},
    {"T37 MAC Size one less", MALFORMED, .mac_size = 0u - 1},
    {"T37 MAC Size far beyond", MALFORMED, .mac_size = 0xff00},
    {"T37 Other Len one more", MALFORMED, .other_len = 1},
    {"T37 Other Len one less", MALFORMED, .other_len = 0u - 1, .other = "0102"},
    {"T37 Other Len 65535", MALFORMED, .other_len = 65535},
    {"T37 RDLENGTH one more, an octet there", MALFORMED, .rdlength = 1,
	.behind = "00"},
    {"T37 RDLENGTH one more", STRUCTURE, .rdlength = 1},
    {"T37 RDLENGTH one less", STRUCTURE, .rdlength = 0u - 1},
    {"T37 RDLENGTH 0", STRUCTURE, .rdlength = 0u - 61},
    {"M7 an octet behind", STRUCTURE, .behind = "00"},
    {"E1 OPT before it", TSIG_OK,
	.base =
	    "beef 2800 0001 0000 0000 0001" ZONE "00 0029 04d0 00000000 0000"},
    {"M1 no zone", TSIG_OK, .base = "beef 2800 0000 0000 0000 0000"},
};

static void
test_forges(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < NELEM(forges); i++)
		check_verdict(
		    forges[i].name, judge_forge(&forges[i]), forges[i].want);
}

/* --- MAC lengths ------------------------------------------------------- */

static const unsigned mac_lens[] = {
    0, 1, 9, 10, 13, 14, 15, 16, 20, 24, 28, 31, 32, 33, 48, 64};

/* ST2, ST3: one letter for each of these lengths with a policy that wants it
 * all, the right octets and wrong ones:
 * S BADSIG, F FORMERR, T BADTRUNC, O OK. */
static const struct {
	const char *alg, *want;
} mac_rows[] = {
    /*                    00001111 12222333 46 */
    /*                    01903456 04812384     */
    {"hmac-md5", "SFFTTTTOFFFFFFFF"},
    {"hmac-sha1", "SFFTTTTTOFFFFFFF"},
    {"hmac-sha224", "SFFFFTTTTTOFFFFF"},
    {"hmac-sha256", "SFFFFFFTTTTTOFFF"},
    {"hmac-sha256-128", "SFFFFFFOFFFFFFFF"},
    {"hmac-sha384", "SFFFFFFFFTTTTTOF"},
    {"hmac-sha384-192", "SFFFFFFFFOFFFFFF"},
    {"hmac-sha512", "SFFFFFFFFFFFTTTO"},
    {"hmac-sha512-256", "SFFFFFFFFFFFOFFF"},
};

static void
check_mac_len(const char *alg, unsigned mac_len, char letter)
{
	static const char letters[] = "OFS-T"; /* by enum tsig_result */
	int want = (int)(strchr(letters, letter) - letters);
	struct forge f = {
	    .alg = alg, .mac_len = mac_len, .no_mac = mac_len == 0};
	char row[64];

	snprintf(row, sizeof(row), "%s, MAC of %u", alg, mac_len);
	check_verdict(row, judge_forge(&f), want);
	f.flip_mac = mac_len > 0 ? mac_len : 1;
	check_verdict(row, judge_forge(&f),
	    want == TSIG_FORMERR ? TSIG_FORMERR : TSIG_BADSIG);
	f.flip_mac = 0;
	f.policy_min = 1; /* a policy that takes all the RFC does */
	check_verdict(
	    row, judge_forge(&f), want == TSIG_BADTRUNC ? TSIG_OK : want);
}

static void
test_mac_lengths(void **state)
{
	size_t i, n;

	(void)state;
	for (i = 0; i < NELEM(mac_rows); i++) {
		check_row_int(
		    mac_rows[i].alg, strlen(mac_rows[i].want), NELEM(mac_lens));
		for (n = 0; n < NELEM(mac_lens); n++)
			check_mac_len(
			    mac_rows[i].alg, mac_lens[n], mac_rows[i].want[n]);
	}
}

static void
test_parsed_fields(void **state)
{
	static const struct forge f = {.original_id = 0xffff,
	    .error = 18,
	    .other = "010203",
	    .header_id = 1,
	    .key_octets = "034b4579 076578616d706c45 00"};
	uint8_t buf[MSG_MAX], mac[HMAC_MAC_MAX];
	size_t len = forge_message(&f, buf);
	struct tsig t;

	(void)state;
	forge_mac(&f, mac);
	assert_true(tsig_parse(buf, len, 61, &t));
	check_row_hex(
	    "key", t.key.octets, t.key.len, "036b6579 076578616d706c65 00");
	check_row_hex("algorithm", t.alg.octets, t.alg.len,
	    "0b686d61632d736861323536 00");
	assert_int_equal(t.time_signed, GOLDEN_TIME);
	assert_int_equal(t.fudge_s, 300);
	check_row_octets("MAC", t.mac, t.mac_len, mac, 32);
	assert_int_equal(t.original_id, 0x4110);
	assert_int_equal(t.error, 18);
	check_row_hex("Other Data", t.other, t.other_len, "010203");
	/* a record of another type is none */
	buf[61 + 13 + 1]++;
	assert_false(tsig_parse(buf, len, 61, &t));
	assert_false(tsig_parse(buf, 61, 30, &t));
}

/* A message that claims not to hold the record it was found in. */
static void
test_arcount_zero(void **state)
{
	struct forge f = {0};
	struct tsig_policy p = {.alg = forge_alg(&f),
	    .hmac = forge_hmac(&f, false),
	    .mac_min = 32,
	    .max_fudge_s = 300,
	    .now_s = GOLDEN_TIME};
	uint8_t buf[MSG_MAX];
	size_t len = forge_message(&f, buf);
	struct tsig t;

	(void)state;
	assert_true(tsig_parse(buf, len, 61, &t));
	assert_int_equal(tsig_verify(buf, 61, &t, &p), TSIG_OK);
	buf[11] = 0;
	assert_int_not_equal(tsig_verify(buf, 61, &t, &p), TSIG_OK);
	hmac_free(p.hmac);
}

/* --- writing ----------------------------------------------------------- */

static const struct {
	const char *name;
	enum tsig_error error;
	bool is_signed, has_request;
	const char *key;
	size_t other_len;
} writes[] = {
    {"request", TSIG_ERROR_NONE, true, false, "key.example", 0},
    {"answer", TSIG_ERROR_NONE, true, true, "key.example", 0},
    {"BADSIG", TSIG_ERROR_BADSIG, false, true, "key.example", 0},
    {"BADKEY", TSIG_ERROR_BADKEY, false, false, "key.example", 0},
    {"BADTIME", TSIG_ERROR_BADTIME, true, true, "key.example", 6},
    {"BADTRUNC", TSIG_ERROR_BADTRUNC, true, true, "key.example", 0},
    {"longest key name", TSIG_ERROR_NONE, true, true, NAME_255, 0},
    {"longest key name, BADTIME", TSIG_ERROR_BADTIME, true, true, NAME_255, 6},
    {"root as key name", TSIG_ERROR_NONE, true, false, ".", 0},
};

struct write_case {
	char row[96];
	struct name key;
	struct tsig_params params;
	struct tsig_policy policy;
	struct mac request;
	uint8_t base[MSG_MAX];
	size_t base_len, want_len;
};

static void
setup_write(struct write_case *c, size_t i, const struct hmac_alg *alg)
{
	const struct forge f = {.alg = alg->text};
	struct hmac *hmac = forge_hmac(&f, false);

	memset(c, 0, sizeof(*c));
	snprintf(c->row, sizeof(c->row), "%s, %s", writes[i].name, alg->text);
	name_of(writes[i].key, &c->key);
	c->request.len = alg->mac_min;
	memset(c->request.octets, 0x77, alg->mac_min);
	c->params = (struct tsig_params){.key = &c->key,
	    .alg = &alg->wire,
	    .hmac = writes[i].is_signed ? hmac : NULL,
	    .mac_len = alg->mac_len,
	    .request = writes[i].has_request ? &c->request : NULL,
	    .time_signed = GOLDEN_TIME,
	    .fudge_s = 300,
	    .error = writes[i].error,
	    .other_time = GOLDEN_TIME + 1000};
	c->policy = (struct tsig_policy){.alg = alg,
	    .hmac = hmac,
	    .mac_min = alg->mac_len,
	    .max_fudge_s = 300,
	    .request = c->params.request,
	    .now_s = GOLDEN_TIME};
	c->base_len = hex_octets(GOLDEN, c->base, sizeof(c->base));
	c->want_len = c->base_len + c->key.len + 10 + alg->wire.len + 16 +
		      (writes[i].is_signed ? alg->mac_len : 0) +
		      writes[i].other_len;
}

static void
check_written(const struct write_case *c, size_t i, const uint8_t *octets,
    const struct mac *mac)
{
	uint8_t want[MSG_MAX];
	struct tsig t;

	memcpy(want, c->base, c->base_len);
	want[11]++; /* ARCOUNT */
	check_row_octets(c->row, octets, c->base_len, want, c->base_len);
	check_verdict(c->row, judge(octets, c->want_len, &c->policy),
	    writes[i].is_signed ? TSIG_OK : TSIG_BADSIG);
	check_row(c->row, tsig_parse(octets, c->want_len, c->base_len, &t));
	check_row(c->row, name_eq(&t.key, &c->key));
	check_row_octets(c->row, t.mac, t.mac_len, mac->octets, mac->len);
	check_row_int(
	    c->row, mac->len, writes[i].is_signed ? c->params.mac_len : 0);
	check_row_int(c->row, t.error, writes[i].error);
	check_row_int(c->row, t.original_id, 0xbeef);
	check_row_int(c->row, t.time_signed, GOLDEN_TIME);
	check_row_int(c->row, t.fudge_s, 300);
	check_row_int(c->row, t.other_len, writes[i].other_len);
	if (t.other_len > 0)
		check_row_int(c->row, other_time(&t), GOLDEN_TIME + 1000);
}

/* In a block of just that capacity, for the sanitizer. */
static void
write_in(const struct write_case *c, size_t i, size_t cap)
{
	uint8_t *buf = malloc(cap);
	struct mac mac;
	struct wr w;

	check_row(c->row, buf != NULL);
	wr_init(&w, buf, cap);
	wr_octets(&w, c->base, c->base_len);
	tsig_write(&w, &c->params, &mac);
	check_row_int(c->row, wr_ok(&w), cap >= c->want_len);
	check_row(c->row, w.pos <= cap);
	if (wr_ok(&w)) {
		check_row_int(c->row, w.pos, c->want_len);
		check_written(c, i, buf, &mac);
	} else {
		check_row_octets(
		    c->row, buf, c->base_len, c->base, c->base_len);
	}
	free(buf);
}

/* SU6 */
static void
test_write_every_capacity(void **state)
{
	const struct hmac_alg *alg = NULL;
	struct write_case c;
	size_t i, cap;

	(void)state;
	while ((alg = hmac_alg_next(alg)) != NULL) {
		for (i = 0; i < NELEM(writes); i++) {
			setup_write(&c, i, alg);
			check_row_int(c.row, tsig_len(&c.params),
			    c.want_len - c.base_len);
			for (cap = c.base_len; cap < c.want_len + 3; cap++)
				write_in(&c, i, cap);
			hmac_free(c.policy.hmac);
		}
	}
}

/* Every legal length of a truncated MAC is written as asked for. */
static void
test_write_truncated(void **state)
{
	const struct hmac_alg *alg = NULL;
	struct write_case c;

	(void)state;
	while ((alg = hmac_alg_next(alg)) != NULL) {
		unsigned len;

		for (len = alg->mac_min; len <= alg->mac_len; len++) {
			setup_write(&c, 1, alg);
			c.params.mac_len = c.policy.mac_min = (uint8_t)len;
			c.want_len -= alg->mac_len - len;
			write_in(&c, 1, c.want_len - 1);
			write_in(&c, 1, c.want_len);
			hmac_free(c.policy.hmac);
		}
	}
}

static const struct {
	const char *name;
	unsigned arcount;
	bool ok;
} arcounts[] = {
    {"none yet", 0, true},
    {"an OPT", 1, true},
    {"into the high octet", 255, true},
    {"last that fits", 65534, true},
    {"no more can be counted", 65535, false},
};

static void
test_write_counts_itself(void **state)
{
	struct write_case c;
	uint8_t buf[MSG_MAX];
	struct mac mac;
	struct tsig t;
	struct wr w;
	size_t i;

	(void)state;
	setup_write(&c, 0, hmac_alg_by_text("hmac-sha256"));
	for (i = 0; i < NELEM(arcounts); i++) {
		const char *name = arcounts[i].name;

		wr_init(&w, buf, sizeof(buf));
		wr_octets(&w, c.base, c.base_len);
		wr_patch_u16(&w, 10, arcounts[i].arcount);
		tsig_write(&w, &c.params, &mac);
		check_row_int(name, wr_ok(&w), arcounts[i].ok);
		if (!arcounts[i].ok)
			continue;
		check_row_int(
		    name, buf[10] << 8 | buf[11], arcounts[i].arcount + 1);
		/* the digest has the count without it */
		check_row(name, tsig_parse(buf, w.pos, c.base_len, &t));
		check_verdict(name,
		    (int)tsig_verify(buf, c.base_len, &t, &c.policy), TSIG_OK);
	}
	hmac_free(c.policy.hmac);
}

static const struct {
	const char *name;
	size_t base_len;
	uint64_t time_signed, other_time;
	unsigned mac_len;
	enum tsig_error error;
	bool is_dead, is_unsigned, ok;
} refusals[] = {
    {"nothing wrong", 61, 1, 1, 32, TSIG_ERROR_BADTIME, .ok = true},
    {"header only", 12, 1, 1, 32, TSIG_ERROR_NONE, .ok = true},
    {"latest times", 61, TIME_MAX, TIME_MAX, 32, TSIG_ERROR_BADTIME,
	.ok = true},
    {"failed before", 61, 1, 1, 32, TSIG_ERROR_NONE, .is_dead = true},
    {"no header", 0, 1, 1, 32, TSIG_ERROR_NONE, .ok = false},
    {"half a header", 11, 1, 1, 32, TSIG_ERROR_NONE, .ok = false},
    {"Time Signed of 49 bits", 61, TIME_MAX + 1, 1, 32, TSIG_ERROR_NONE,
	.ok = false},
    {"Time Signed of 49 bits, unsigned", 61, TIME_MAX + 1, 1, 32,
	TSIG_ERROR_BADKEY, .is_unsigned = true},
    {"Other Data of 49 bits", 61, 1, TIME_MAX + 1, 32, TSIG_ERROR_BADTIME,
	.ok = false},
    {"MAC longer than any", 61, 1, 1, 65, TSIG_ERROR_NONE, .ok = false},
};

static void
test_write_refuses(void **state)
{
	struct write_case c;
	uint8_t buf[MSG_MAX];
	struct mac mac;
	struct wr w;
	size_t i;

	(void)state;
	for (i = 0; i < NELEM(refusals); i++) {
		setup_write(&c, 0, hmac_alg_by_text("hmac-sha256"));
		c.params.time_signed = refusals[i].time_signed;
		c.params.other_time = refusals[i].other_time;
		c.params.mac_len = (uint8_t)refusals[i].mac_len;
		c.params.error = refusals[i].error;
		if (refusals[i].is_unsigned)
			c.params.hmac = NULL;
		wr_init(&w, buf, sizeof(buf));
		wr_octets(&w, c.base, refusals[i].base_len);
		if (refusals[i].is_dead)
			wr_u8(&w, 256);
		tsig_write(&w, &c.params, &mac);
		check_row_int(refusals[i].name, wr_ok(&w), refusals[i].ok);
		if (!refusals[i].ok)
			check_row_octets(refusals[i].name, buf,
			    refusals[i].base_len, c.base, refusals[i].base_len);
		hmac_free(c.policy.hmac);
	}
}

/* A request, its answer under the request's MAC, and every wrong MAC. */
static void
test_answer_is_chained(void **state)
{
	struct write_case c;
	uint8_t buf[MSG_MAX];
	struct mac request, mac;
	struct wr w;
	unsigned bit;

	(void)state;
	setup_write(&c, 0, hmac_alg_by_text("hmac-sha1"));
	wr_init(&w, buf, sizeof(buf));
	wr_octets(&w, c.base, c.base_len);
	tsig_write(&w, &c.params, &request);
	c.params.request = c.policy.request = &request;
	wr_init(&w, buf, sizeof(buf));
	wr_octets(&w, c.base, c.base_len);
	wr_patch_u16(&w, 2, 0xa800);
	tsig_write(&w, &c.params, &mac);
	assert_true(wr_ok(&w));
	check_verdict("chained", judge(buf, w.pos, &c.policy), TSIG_OK);
	for (bit = 0; bit < 8 * 20; bit++) {
		request.octets[bit / 8] ^= (uint8_t)(1u << bit % 8);
		check_verdict(
		    "one bit", judge(buf, w.pos, &c.policy), TSIG_BADSIG);
		request.octets[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (request.len = 0; request.len < 20; request.len++)
		check_verdict(
		    "shorter", judge(buf, w.pos, &c.policy), TSIG_BADSIG);
	c.policy.request = NULL;
	check_verdict("none", judge(buf, w.pos, &c.policy), TSIG_BADSIG);
	hmac_free(c.policy.hmac);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_vectors),
	    cmocka_unit_test(test_vectors_written),
	    cmocka_unit_test(test_every_bit_flipped),
	    cmocka_unit_test(test_every_truncation),
	    cmocka_unit_test(test_forges),
	    cmocka_unit_test(test_mac_lengths),
	    cmocka_unit_test(test_parsed_fields),
	    cmocka_unit_test(test_arcount_zero),
	    cmocka_unit_test(test_write_every_capacity),
	    cmocka_unit_test(test_write_truncated),
	    cmocka_unit_test(test_write_counts_itself),
	    cmocka_unit_test(test_write_refuses),
	    cmocka_unit_test(test_answer_is_chained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
