/* SPDX-License-Identifier: ISC */
#include "mux/verify.h"

#include <string.h>

#include "dns/dns.h"
#include "mux/plan.h"

/* What a check found: STAT_ACCEPTED goes on to the next one. */
struct finding {
	enum counter cause;
	enum rcode rcode;
	enum tsig_error error;
};

static const struct finding fine = {
    STAT_ACCEPTED, RCODE_NOERROR, TSIG_ERROR_NONE};

static struct finding
refuse(enum counter cause, enum rcode rcode)
{
	return (struct finding){cause, rcode, TSIG_ERROR_NONE};
}

static bool
is_fine(struct finding f)
{
	return f.cause == STAT_ACCEPTED;
}

struct hmac *
verify_hmac(const struct verifier *v, const struct conf_client *client)
{
	return client != NULL ? v->hmacs[client - v->conf->clients] : NULL;
}

/* conf->clients is sorted by name_cmp. */
static const struct conf_client *
find_client(const struct conf *conf, const struct name *key)
{
	size_t low = 0, high = conf->nclients;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = name_cmp(key, &conf->clients[mid].tsig.name);

		if (order == 0)
			return &conf->clients[mid];
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

static bool
is_source_of_any(const struct conf *conf, const struct addr *from)
{
	size_t i;

	for (i = 0; i < conf->nclients; i++) {
		if (prefix_set_covers(&conf->clients[i].sources, from))
			return true;
	}
	return false;
}

/* RFC 8945 5.2, with the answer that each failure gets. */
static struct finding
check_mac(const struct verifier *v, struct inbound *in)
{
	const struct conf_tsig *key = &in->client->tsig;
	struct tsig_policy policy = {
	    .hmac = v->hmacs[in->client - v->conf->clients],
	    .alg = key->alg,
	    .mac_min = key->mac_min,
	    .max_fudge_s = (uint16_t)v->conf->max_fudge_s,
	    .now_s = v->now_s};

	switch (
	    tsig_verify(in->octets, in->msg.tsig_start, &in->tsig, &policy)) {
	case TSIG_OK:
		return fine;
	case TSIG_FORMERR:
		return refuse(STAT_BAD_FORM, RCODE_FORMERR);
	case TSIG_BADSIG:
		return (struct finding){
		    STAT_BAD_SIG, RCODE_NOTAUTH, TSIG_ERROR_BADSIG};
	case TSIG_BADTIME:
		return (struct finding){
		    STAT_BAD_TIME, RCODE_NOTAUTH, TSIG_ERROR_BADTIME};
	case TSIG_BADTRUNC:
		return (struct finding){
		    STAT_BAD_TRUNC, RCODE_NOTAUTH, TSIG_ERROR_BADTRUNC};
	case TSIG_FAILED:
		break;
	}
	return refuse(STAT_DROP_CRYPTO, RCODE_SERVFAIL);
}

static struct finding
check_tsig(
    const struct verifier *v, const struct addr *from, struct inbound *in)
{
	static const struct finding bad_key = {
	    STAT_BAD_KEY, RCODE_NOTAUTH, TSIG_ERROR_BADKEY};
	const struct conf_client *client;

	if (!tsig_parse(in->octets, in->len, in->msg.tsig_start, &in->tsig))
		return refuse(STAT_BAD_FORM, RCODE_FORMERR);
	in->has_tsig = true;
	client = find_client(v->conf, &in->tsig.key);
	if (client == NULL || !name_eq(&in->tsig.alg, &client->tsig.alg->wire))
		return bad_key;
	in->client = client;
	if (!prefix_set_covers(&client->sources, from))
		return refuse(STAT_BAD_SOURCE, RCODE_REFUSED);
	if (in->tsig.mac_len <= HMAC_MAC_MAX) {
		in->request_mac.len = (uint8_t)in->tsig.mac_len;
		memcpy(in->request_mac.octets, in->tsig.mac, in->tsig.mac_len);
	}
	return check_mac(v, in);
}

/* Only BADTIME and BADTRUNC are found behind a good MAC. */
static enum reply_sign
sign_of(struct finding f)
{
	if (is_fine(f) || f.error == TSIG_ERROR_BADTIME ||
	    f.error == TSIG_ERROR_BADTRUNC)
		return REPLY_SIGNED;
	return f.error != TSIG_ERROR_NONE ? REPLY_UNSIGNED : REPLY_BARE;
}

/* What may be said to anybody: RFC 6891 6.1.3, and that TSIG is missing. */
static struct finding
check_unsigned(const struct inbound *in)
{
	if (DNS_OPCODE(in->msg.flags) != OPCODE_UPDATE)
		return refuse(STAT_BAD_OPCODE, RCODE_NOTIMP);
	if (in->msg.opt.is_bad)
		return refuse(STAT_BAD_EDNS, RCODE_FORMERR);
	if (in->msg.opt.version != 0)
		return refuse(STAT_BAD_EDNS, RCODE_BADVERS);
	return refuse(STAT_NO_TSIG, RCODE_REFUSED);
}

/* What can be said of the message as a whole, once it is authentic. */
static struct finding
check_envelope(const struct msg *m)
{
	if (DNS_OPCODE(m->flags) != OPCODE_UPDATE)
		return refuse(STAT_BAD_OPCODE, RCODE_NOTIMP);
	if (m->opt.is_bad)
		return refuse(STAT_BAD_EDNS, RCODE_FORMERR);
	if (m->opt.version != 0)
		return refuse(STAT_BAD_EDNS, RCODE_BADVERS);
	/* kea-dhcp-ddns signs an empty UPDATE where its own does not fit. */
	if ((m->flags & DNS_FLAG_TC) != 0)
		return refuse(STAT_BAD_TRUNCATED, RCODE_FORMERR);
	/* RFC 2931 3.1: TSIG and SIG(0) exclude each other. */
	if (m->has_sig)
		return refuse(STAT_BAD_FORM, RCODE_FORMERR);
	return fine;
}

/* RFC 2136 3.1, then permission, then 3.2 and 3.4.1. */
static struct finding
check_update(const struct verifier *v, struct inbound *in)
{
	const struct msg *m = &in->msg;
	enum rcode rcode;

	if (m->counts[MSG_ZONE] != 1 || m->zone_type != TYPE_SOA)
		return refuse(STAT_BAD_FORM, RCODE_FORMERR);
	in->targets = plan_targets(v->conf, &m->zone);
	if (m->zone_class != CLASS_IN || in->targets == 0)
		return refuse(STAT_BAD_ZONE, RCODE_NOTAUTH);
	if (!zone_set_covers(&in->client->zones, &m->zone))
		return refuse(STAT_NOT_ALLOWED, RCODE_REFUSED);
	if ((unsigned)m->counts[MSG_PREREQ] + m->counts[MSG_UPDATE] >
	    v->conf->records_per_update)
		return refuse(STAT_TOO_MANY_RECORDS, RCODE_REFUSED);
	rcode = update_check(in->octets, m, &in->shape);
	if (rcode == RCODE_NOTZONE)
		return refuse(STAT_OUT_OF_ZONE, rcode);
	return rcode == RCODE_NOERROR ? fine : refuse(STAT_BAD_FORM, rcode);
}

static struct finding
check_authentic(const struct verifier *v, struct inbound *in)
{
	struct finding f = check_envelope(&in->msg);

	return is_fine(f) ? check_update(v, in) : f;
}

/* Which kind of answer each finding becomes; in->msg is structurally
 * sound from here on. */
static struct finding
check_message(const struct verifier *v, const struct addr *from,
    struct inbound *in, enum reply_sign *sign)
{
	struct finding f;

	*sign = REPLY_BARE;
	if (in->msg.tsig_start == 0)
		return check_unsigned(in);
	f = check_tsig(v, from, in);
	*sign = sign_of(f);
	return is_fine(f) ? check_authentic(v, in) : f;
}

static struct finding
unreadable(const struct inbound *in)
{
	if (DNS_OPCODE(in->msg.flags) != OPCODE_UPDATE)
		return refuse(STAT_BAD_OPCODE, RCODE_NOTIMP);
	return refuse(STAT_BAD_FORM, RCODE_FORMERR);
}

enum verdict
verify_message(const struct verifier *v, const struct addr *from,
    struct inbound *in, struct reply *reply, enum counter *cause)
{
	enum msg_result parsed = msg_parse(in->octets, in->len, &in->msg);
	struct finding f;

	in->has_tsig = false;
	in->client = NULL;
	in->request_mac.len = 0;
	*cause = STAT_DROP_SHORT;
	if (parsed == MSG_SHORT)
		return VERDICT_DROP;
	*cause = STAT_DROP_RESPONSE;
	if ((in->msg.flags & DNS_FLAG_QR) != 0)
		return VERDICT_DROP;
	reply->sign = REPLY_BARE;
	reply->has_zone = DNS_OPCODE(in->msg.flags) == OPCODE_UPDATE &&
			  msg_zone_is_single(&in->msg);
	if (!is_source_of_any(v->conf, from)) {
		f = refuse(STAT_BAD_SOURCE, RCODE_REFUSED);
	} else if (parsed == MSG_FORMERR) {
		f = unreadable(in);
	} else {
		f = check_message(v, from, in, &reply->sign);
	}
	/* Strangers get the header and no more. */
	if (f.cause == STAT_BAD_SOURCE) {
		reply->has_zone = false;
		in->msg.opt.is_present = false;
	}
	reply->rcode = f.rcode;
	reply->error = f.error;
	*cause = f.cause;
	if (f.cause == STAT_DROP_CRYPTO)
		return VERDICT_DROP;
	return is_fine(f) ? VERDICT_ACCEPT : VERDICT_REPLY;
}
