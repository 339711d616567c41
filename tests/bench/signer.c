/* SPDX-License-Identifier: ISC */
#include "signer.h"

#include <err.h>
#include <string.h>

#include "dns/dns.h"
#include "dns/hmac.h"
#include "dns/tsig.h"

#define BLOCK_OCTETS 64

/* From the end of the record. */
#define TIME_BACK 48
#define MAC_BACK 38
#define ID_BACK 6
/* From the end of the variables. */
#define VARS_TIME_BACK 12

static void
put_u48(uint8_t *at, uint64_t v)
{
	int i;

	for (i = 5; i >= 0; i--, v >>= 8)
		at[i] = (uint8_t)v;
}

static uint64_t
get_u48(const uint8_t *at)
{
	uint64_t v = 0;
	int i;

	for (i = 0; i < 6; i++)
		v = v << 8 | at[i];
	return v;
}

static void
key_state(SHA256_CTX *c, const uint8_t *secret, size_t len, uint8_t pad)
{
	uint8_t block[BLOCK_OCTETS];
	size_t i;

	memset(block, pad, sizeof(block));
	for (i = 0; i < len; i++)
		block[i] ^= secret[i];
	SHA256_Init(c);
	SHA256_Update(c, block, sizeof(block));
}

/* header: the first octets, with the Original ID and without the record. */
static void
compute(const struct signer *s, const uint8_t header[DNS_HEADER_OCTETS],
    const uint8_t *octets, size_t len, uint64_t time_s, const uint8_t *request,
    uint8_t mac[SIGNER_MAC_OCTETS])
{
	static const uint8_t request_len[2] = {0, SIGNER_MAC_OCTETS};
	uint8_t vars[SIGNER_RECORD_MAX];
	SHA256_CTX c = s->inner;

	memcpy(vars, s->vars, s->vars_len);
	put_u48(vars + s->vars_len - VARS_TIME_BACK, time_s);
	if (request != NULL) {
		SHA256_Update(&c, request_len, sizeof(request_len));
		SHA256_Update(&c, request, SIGNER_MAC_OCTETS);
	}
	SHA256_Update(&c, header, DNS_HEADER_OCTETS);
	SHA256_Update(&c, octets + DNS_HEADER_OCTETS, len - DNS_HEADER_OCTETS);
	SHA256_Update(&c, vars, s->vars_len);
	SHA256_Final(mac, &c);
	c = s->outer;
	SHA256_Update(&c, mac, SIGNER_MAC_OCTETS);
	SHA256_Final(mac, &c);
}

size_t
signer_sign(const struct signer *s, uint8_t *octets, size_t len, uint64_t now_s,
    const uint8_t *request, uint8_t mac[SIGNER_MAC_OCTETS])
{
	uint8_t *end = octets + len + s->record_len;

	compute(s, octets, octets, len, now_s, request, mac);
	memcpy(octets + len, s->record, s->record_len);
	put_u48(end - TIME_BACK, now_s);
	memcpy(end - MAC_BACK, mac, SIGNER_MAC_OCTETS);
	memcpy(end - ID_BACK, octets, 2);
	octets[11]++;
	return len + s->record_len;
}

bool
signer_verify(const struct signer *s, const uint8_t *octets, size_t len,
    uint64_t now_s, const uint8_t *request, uint8_t *mac)
{
	uint8_t header[DNS_HEADER_OCTETS], wanted[SIGNER_MAC_OCTETS];
	const uint8_t *end = octets + len, *record = end - s->record_len;
	uint64_t time_s;

	if (len < DNS_HEADER_OCTETS + s->record_len || octets[11] != 1 ||
	    memcmp(record, s->record, s->record_len - TIME_BACK) != 0 ||
	    memcmp(end - TIME_BACK + 6, s->record + s->record_len - 42, 4) != 0)
		return false;
	memcpy(header, octets, sizeof(header));
	memcpy(header, end - ID_BACK, 2);
	header[11]--;
	time_s = get_u48(end - TIME_BACK);
	compute(
	    s, header, octets, len - s->record_len, time_s, request, wanted);
	if (mac != NULL)
		memcpy(mac, wanted, sizeof(wanted));
	return memcmp(wanted, end - MAC_BACK, sizeof(wanted)) == 0 &&
	       time_s + TSIG_FUDGE_S >= now_s && now_s + TSIG_FUDGE_S >= time_s;
}

/* What libdns.a makes of an empty message is the pattern for all. */
static void
take_patterns(struct signer *s, const struct tsig_params *p)
{
	uint8_t octets[DNS_HEADER_OCTETS + SIGNER_RECORD_MAX] = {0};
	uint8_t again[sizeof(octets)] = {0}, ours[SIGNER_MAC_OCTETS];
	size_t names = (size_t)p->key->len + p->alg->len;
	struct mac mac;
	struct wr w;

	wr_init(&w, octets, sizeof(octets));
	w.pos = DNS_HEADER_OCTETS;
	tsig_write(&w, p, &mac);
	if (!wr_ok(&w))
		errx(1, "no TSIG for this key");
	s->record_len = w.pos - DNS_HEADER_OCTETS;
	memcpy(s->record, octets + DNS_HEADER_OCTETS, s->record_len);
	wr_init(&w, s->vars, sizeof(s->vars));
	name_write(&w, p->key);
	wr_u16(&w, CLASS_ANY);
	wr_u32(&w, 0);
	name_write(&w, p->alg);
	wr_u48(&w, 0);
	wr_u16(&w, p->fudge_s);
	wr_u32(&w, 0);
	s->vars_len = w.pos;
	if (!wr_ok(&w) || s->vars_len != names + 18 ||
	    signer_sign(s, again, DNS_HEADER_OCTETS, p->time_signed,
		p->request->octets, ours) != s->record_len + 12 ||
	    memcmp(again, octets, sizeof(octets)) != 0 ||
	    !signer_verify(s, octets, s->record_len + 12, p->time_signed,
		p->request->octets, NULL))
		errx(1, "not the same TSIG as that of libdns.a");
}

void
signer_init(struct signer *s, const char *key)
{
	const struct hmac_alg *alg = hmac_alg_by_text("hmac-sha256");
	uint8_t secret[SIGNER_MAC_OCTETS];
	struct mac request = {.len = SIGNER_MAC_OCTETS, .octets = "a request"};
	struct name name;
	struct tsig_params p = {.key = &name,
	    .alg = &alg->wire,
	    .mac_len = alg->mac_len,
	    .request = &request,
	    .time_signed = 1700000000,
	    .fudge_s = TSIG_FUDGE_S};

	if (!name_from_text(key, &name) || name.len > SIGNER_NAME_MAX)
		errx(2, "no name of a key: %s", key);
	SHA256((const uint8_t *)key, strlen(key), secret);
	key_state(&s->inner, secret, sizeof(secret), 0x36);
	key_state(&s->outer, secret, sizeof(secret), 0x5c);
	p.hmac = hmac_new(alg->hash, secret, sizeof(secret));
	if (p.hmac == NULL)
		errx(1, "no HMAC from libcrypto");
	take_patterns(s, &p);
	hmac_free(p.hmac);
}
