/* SPDX-License-Identifier: ISC */
#include "dns/tsig.h"

#include <string.h>

#include "dns/dns.h"
#include "dns/msg.h"

/* Time Signed to Other Len behind the names: RFC 8945 4.2. */
#define FIXED_OCTETS 16
#define RR_FIXED_OCTETS 10
/* Names, class, TTL and the fixed fields, as hashed (4.3.3). */
#define VARIABLES_MAX (2 * NAME_OCTETS_MAX + 6 + 12 + TSIG_OTHER_TIME)

bool
tsig_parse(const uint8_t *octets, size_t len, size_t start, struct tsig *t)
{
	struct rd r, *rdata;
	struct rr rr;

	rd_init(&r, octets, len);
	r.pos = start;
	rr_read(&r, &rr);
	rdata = &rr.rdata;
	name_read(rdata, &t->alg);
	t->time_signed = rd_u48(rdata);
	t->fudge_s = rd_u16(rdata);
	t->mac_len = rd_u16(rdata);
	t->mac = rd_octets(rdata, t->mac_len);
	t->original_id = rd_u16(rdata);
	t->error = rd_u16(rdata);
	t->other_len = rd_u16(rdata);
	t->other = rd_octets(rdata, t->other_len);
	t->key = rr.owner;
	name_lower(&t->key);
	name_lower(&t->alg);
	return rd_at_end(&r) && rd_at_end(rdata) && rr.type == TYPE_TSIG &&
	       rr.class == CLASS_ANY && rr.ttl == 0;
}

/* The variables up to Other Len; Other Data itself is hashed in place. */
struct variables {
	const struct name *key;
	const struct name *alg;
	uint64_t time_signed;
	uint16_t fudge_s;
	uint16_t error;
	uint16_t other_len;
	const uint8_t *other;
};

static size_t
write_variables(uint8_t buf[VARIABLES_MAX], const struct variables *v)
{
	struct wr w;

	wr_init(&w, buf, VARIABLES_MAX);
	name_write(&w, v->key);
	wr_u16(&w, CLASS_ANY);
	wr_u32(&w, 0);
	name_write(&w, v->alg);
	wr_u48(&w, v->time_signed);
	wr_u16(&w, v->fudge_s);
	wr_u16(&w, v->error);
	wr_u16(&w, v->other_len);
	return wr_ok(&w) ? w.pos : 0;
}

/*
 * RFC 8945 4.3: request MAC with its length, the message with the
 * Original ID and without the TSIG record, the variables. header is a
 * copy of the first 12 octets, so that the message is not touched.
 */
static bool
digest(struct hmac *hmac, const struct mac *request, const uint8_t *octets,
    size_t len, const uint8_t header[DNS_HEADER_OCTETS],
    const struct variables *v, uint8_t mac[HMAC_MAC_MAX])
{
	uint8_t vars[VARIABLES_MAX], request_len[2] = {0, 0};
	size_t vars_len = write_variables(vars, v);
	struct hmac_part parts[6];
	size_t n = 0;

	if (vars_len == 0)
		return false;
	if (request != NULL && request->len > 0) {
		request_len[1] = request->len;
		parts[n++] = (struct hmac_part){request_len, 2};
		parts[n++] = (struct hmac_part){request->octets, request->len};
	}
	parts[n++] = (struct hmac_part){header, DNS_HEADER_OCTETS};
	parts[n++] = (struct hmac_part){
	    octets + DNS_HEADER_OCTETS, len - DNS_HEADER_OCTETS};
	parts[n++] = (struct hmac_part){vars, vars_len};
	if (v->other_len > 0)
		parts[n++] = (struct hmac_part){v->other, v->other_len};
	return hmac_compute(hmac, parts, n, mac);
}

static bool
digest_received(const uint8_t *octets, size_t start, const struct tsig *t,
    const struct tsig_policy *policy, uint8_t mac[HMAC_MAC_MAX])
{
	uint8_t header[DNS_HEADER_OCTETS];
	struct variables v = {&t->key, &t->alg, t->time_signed, t->fudge_s,
	    t->error, t->other_len, t->other};
	struct wr w;
	unsigned arcount = (unsigned)octets[10] << 8 | octets[11];

	memcpy(header, octets, sizeof(header));
	wr_init(&w, header, sizeof(header));
	w.pos = w.end;
	wr_patch_u16(&w, 0, t->original_id);
	wr_patch_u16(&w, 10, arcount - 1);
	return wr_ok(&w) && digest(policy->hmac, policy->request, octets, start,
				header, &v, mac);
}

/* Is now within time_signed +- fudge? Both are below 2^48, so neither
 * difference can wrap. */
static bool
is_timely(const struct tsig *t, const struct tsig_policy *policy)
{
	uint64_t fudge =
	    t->fudge_s < policy->max_fudge_s ? t->fudge_s : policy->max_fudge_s;
	uint64_t now = policy->now_s, then = t->time_signed;

	return (now > then ? now - then : then - now) <= fudge;
}

enum tsig_result
tsig_verify(const uint8_t *octets, size_t start, const struct tsig *t,
    const struct tsig_policy *policy)
{
	const struct hmac_alg *alg = policy->alg;
	uint8_t mac[HMAC_MAC_MAX];

	/* An empty MAC belongs to answers that are unsigned. */
	if (t->mac_len == 0)
		return TSIG_BADSIG;
	if (t->mac_len > alg->mac_len || t->mac_len < alg->mac_min)
		return TSIG_FORMERR;
	if (!digest_received(octets, start, t, policy, mac))
		return TSIG_FAILED;
	if (!hmac_is_equal(mac, t->mac, t->mac_len))
		return TSIG_BADSIG;
	if (!is_timely(t, policy))
		return TSIG_BADTIME;
	if (t->mac_len < policy->mac_min)
		return TSIG_BADTRUNC;
	return TSIG_OK;
}

static size_t
sent_mac_len(const struct tsig_params *p)
{
	return p->hmac != NULL ? p->mac_len : 0;
}

static size_t
sent_other_len(const struct tsig_params *p)
{
	return p->error == TSIG_ERROR_BADTIME ? TSIG_OTHER_TIME : 0;
}

static size_t
rdata_len(const struct tsig_params *p)
{
	return p->alg->len + FIXED_OCTETS + sent_mac_len(p) + sent_other_len(p);
}

size_t
tsig_len(const struct tsig_params *p)
{
	return p->key->len + RR_FIXED_OCTETS + rdata_len(p);
}

static void
write_record(struct wr *w, const struct tsig_params *p, const struct mac *mac)
{
	name_write(w, p->key);
	wr_u16(w, TYPE_TSIG);
	wr_u16(w, CLASS_ANY);
	wr_u32(w, 0);
	wr_u16(w, (unsigned)rdata_len(p));
	name_write(w, p->alg);
	wr_u48(w, p->time_signed);
	wr_u16(w, p->fudge_s);
	wr_u16(w, mac->len);
	wr_octets(w, mac->octets, mac->len);
	wr_octets(w, w->base, 2);
	wr_u16(w, p->error);
	wr_u16(w, (unsigned)sent_other_len(p));
	if (sent_other_len(p) > 0)
		wr_u48(w, p->other_time);
}

void
tsig_write(struct wr *w, const struct tsig_params *p, struct mac *mac)
{
	uint8_t other[TSIG_OTHER_TIME];
	struct variables v = {p->key, p->alg, p->time_signed, p->fudge_s,
	    (uint16_t)p->error, (uint16_t)sent_other_len(p), other};
	struct wr ow;
	unsigned arcount;

	mac->len = (uint8_t)sent_mac_len(p);
	wr_init(&ow, other, sizeof(other));
	wr_u48(&ow, p->other_time);
	if (!wr_ok(w) || !wr_ok(&ow) || w->pos < DNS_HEADER_OCTETS ||
	    mac->len > HMAC_MAC_MAX) {
		w->failed = true;
		return;
	}
	if (mac->len > 0 && !digest(p->hmac, p->request, w->base, w->pos,
				w->base, &v, mac->octets)) {
		w->failed = true;
		return;
	}
	arcount = (unsigned)w->base[10] << 8 | w->base[11];
	write_record(w, p, mac);
	wr_patch_u16(w, 10, arcount + 1);
}
