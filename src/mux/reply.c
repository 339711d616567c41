/* SPDX-License-Identifier: ISC */
#include "mux/reply.h"

#include "dns/dns.h"

#define OPT_OCTETS 11
#define OUR_UDP_SIZE 1232

size_t
reply_limit(const struct inbound *in, const struct reply *r)
{
	size_t limit = DNS_UDP_OCTETS_MIN;

	if (in->is_tcp)
		return DNS_MSG_OCTETS_MAX;
	if (in->msg.opt.udp_size > limit)
		limit = in->msg.opt.udp_size;
	if (r->sign != REPLY_SIGNED && in->len < limit)
		limit = in->len;
	return limit;
}

/* RFC 8945 5.3: never shorter than the request's MAC, 5.3.2: BADTIME
 * repeats the request's time and says ours in Other Data. */
static struct tsig_params
tsig_params(const struct inbound *in, const struct reply *r, struct hmac *hmac,
    uint64_t now_s)
{
	bool is_badtime = r->error == TSIG_ERROR_BADTIME;
	struct tsig_params p = {
	    .key = &in->tsig.key,
	    .alg = &in->tsig.alg,
	    .request = &in->request_mac,
	    .time_signed = is_badtime ? in->tsig.time_signed : now_s,
	    .fudge_s = is_badtime ? in->tsig.fudge_s : TSIG_FUDGE_S,
	    .error = r->error,
	    .other_time = now_s,
	};

	if (r->sign == REPLY_SIGNED) {
		p.hmac = hmac;
		p.mac_len = in->client->tsig.mac_min;
		if (p.mac_len < in->request_mac.len)
			p.mac_len = in->request_mac.len;
	}
	return p;
}

static void
write_opt(struct wr *w, enum rcode rcode)
{
	wr_u8(w, 0);
	wr_u16(w, TYPE_OPT);
	wr_u16(w, OUR_UDP_SIZE);
	wr_u8(w, (unsigned)rcode >> 4);
	wr_u8(w, 0); /* version */
	wr_u16(w, 0);
	wr_u16(w, 0);
}

struct layout {
	bool has_zone;
	bool has_opt;
	bool has_tsig;
	bool is_truncated;
};

static struct layout
fit(const struct inbound *in, const struct reply *r, size_t tsig, size_t limit)
{
	struct layout l = {.has_zone = r->has_zone,
	    .has_opt = in->msg.opt.is_present,
	    .has_tsig = r->sign != REPLY_BARE};
	size_t zone = l.has_zone ? in->msg.zone_end - DNS_HEADER_OCTETS : 0;
	size_t len = DNS_HEADER_OCTETS + (l.has_opt ? OPT_OCTETS : 0);

	if (r->sign == REPLY_UNSIGNED && DNS_HEADER_OCTETS + tsig > limit)
		l.has_tsig = false;
	if (l.has_tsig)
		len += tsig;
	if (len + zone > limit)
		l.has_zone = false;
	if (len > limit) {
		l.has_opt = false;
		l.is_truncated = true;
	}
	return l;
}

size_t
reply_write(const struct inbound *in, const struct reply *r, struct hmac *hmac,
    uint64_t now_s, size_t limit, uint8_t octets[REPLY_OCTETS_MAX])
{
	struct tsig_params p = tsig_params(in, r, hmac, now_s);
	struct layout l = fit(in, r, tsig_len(&p), limit);
	unsigned rcode = l.is_truncated ? RCODE_NOERROR : (unsigned)r->rcode;
	struct mac mac;
	struct wr w;

	if (r->sign == REPLY_SIGNED && hmac == NULL)
		return 0;
	wr_init(&w, octets, REPLY_OCTETS_MAX);
	wr_u16(&w, in->msg.id);
	wr_u16(&w, DNS_FLAG_QR | DNS_OPCODE_FLAGS(DNS_OPCODE(in->msg.flags)) |
		       (l.is_truncated ? DNS_FLAG_TC : 0u) | DNS_RCODE(rcode));
	wr_u16(&w, l.has_zone);
	wr_u16(&w, 0);
	wr_u16(&w, 0);
	wr_u16(&w, l.has_opt);
	if (l.has_zone)
		wr_octets(&w, in->octets + DNS_HEADER_OCTETS,
		    in->msg.zone_end - DNS_HEADER_OCTETS);
	if (l.has_opt)
		write_opt(&w, r->rcode);
	if (l.has_tsig)
		tsig_write(&w, &p, &mac);
	return wr_ok(&w) ? w.pos : 0;
}
