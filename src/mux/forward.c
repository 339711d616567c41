/* SPDX-License-Identifier: ISC */
#include "mux/forward.h"

#include <string.h>

#include "dns/dns.h"

static struct tsig_params
tsig_params(
    const struct conf_tsig *tsig, struct hmac *hmac, const struct copy *copy)
{
	return (struct tsig_params){.key = &tsig->name,
	    .alg = &tsig->alg->wire,
	    .hmac = hmac,
	    .mac_len = tsig->alg->mac_len,
	    .time_signed = copy->time_signed,
	    .fudge_s = TSIG_FUDGE_S};
}

size_t
forward_len(const struct inbound *in, const struct conf_tsig *tsig)
{
	/* Names, then 10 octets of record and 16 of RDATA, and the MAC. */
	return in->msg.additional_start + tsig->name.len + tsig->alg->wire.len +
	       26 + tsig->alg->mac_len;
}

/*
 * Header, then zone, prerequisites and updates verbatim: nothing moves,
 * so that compression pointers keep their meaning, even those we can't
 * see in unknown types. The additional section stays behind: an OPT is
 * hop-by-hop (RFC 6891 6.1.1), glue is optional (RFC 2136 2.6).
 */
size_t
forward_write(const struct inbound *in, const struct conf_tsig *tsig,
    struct hmac *hmac, struct copy *copy, uint8_t octets[DNS_MSG_OCTETS_MAX])
{
	struct tsig_params p = tsig_params(tsig, hmac, copy);
	const struct msg *m = &in->msg;
	struct wr w;

	wr_init(&w, octets, DNS_MSG_OCTETS_MAX);
	wr_u16(&w, copy->id);
	wr_u16(&w, DNS_OPCODE_FLAGS(DNS_OPCODE(m->flags)));
	wr_u16(&w, m->counts[MSG_ZONE]);
	wr_u16(&w, m->counts[MSG_PREREQ]);
	wr_u16(&w, m->counts[MSG_UPDATE]);
	wr_u16(&w, 0);
	wr_octets(&w, in->octets + DNS_HEADER_OCTETS,
	    m->additional_start - DNS_HEADER_OCTETS);
	tsig_write(&w, &p, &copy->mac);
	return wr_ok(&w) ? w.pos : 0;
}

static void
ignore(struct answer *a, enum target_counter cause)
{
	a->kind = ANSWER_IGNORED;
	a->cause = cause;
}

static void
fail(struct answer *a, enum target_counter cause)
{
	a->kind = ANSWER_FAILED;
	a->cause = cause;
}

/* RFC 5452 9.1: no zone, or the one we sent. */
static bool
is_our_zone(const struct msg *m, const struct msg *sent)
{
	if (m->counts[MSG_ZONE] == 0)
		return true;
	return m->counts[MSG_ZONE] == 1 && name_eq(&m->zone, &sent->zone) &&
	       m->zone_type == sent->zone_type &&
	       m->zone_class == sent->zone_class;
}

static bool
is_response(const struct msg *m, const struct msg *sent, struct answer *a)
{
	if ((m->flags & DNS_FLAG_QR) == 0)
		ignore(a, TSTAT_IGN_NOT_RESPONSE);
	else if (DNS_OPCODE(m->flags) != DNS_OPCODE(sent->flags))
		ignore(a, TSTAT_IGN_OPCODE);
	else
		return true;
	return false;
}

/* RFC 8945 5.4.3: other data of BADTIME is the target's clock. */
static void
judge_error(const struct tsig *t, struct answer *a)
{
	struct rd other;

	if (t->error == TSIG_ERROR_BADTRUNC) {
		fail(a, TSTAT_FAIL_BADTRUNC);
		return;
	}
	ignore(a, TSTAT_IGN_ERROR);
	if (t->error != TSIG_ERROR_BADTIME || a->rcode != RCODE_NOTAUTH)
		return;
	rd_init(&other, t->other, t->other_len);
	a->target_time = rd_u48(&other);
	if (rd_at_end(&other))
		fail(a, TSTAT_FAIL_BADTIME);
}

static void
judge_authentic(const struct msg *m, const struct tsig *t, struct answer *a)
{
	a->is_authentic = true;
	a->target_time = t->time_signed;
	if (t->error != TSIG_ERROR_NONE)
		judge_error(t, a);
	else if ((m->flags & DNS_FLAG_TC) != 0)
		a->kind = ANSWER_TRUNCATED;
	else
		a->kind = ANSWER_VOTE;
}

/* An answer that proves nothing: a hint for the log, and TC for a try by
 * TCP, which does no harm if it was forged. */
static void
judge_unsigned(const struct msg *m, struct answer *a)
{
	ignore(a, TSTAT_IGN_UNSIGNED);
	if ((m->flags & DNS_FLAG_TC) != 0)
		a->kind = ANSWER_TRUNCATED;
}

static void
judge_signed(const struct expected *e, const uint8_t *octets,
    const struct msg *m, struct answer *a, const struct tsig *t)
{
	struct tsig_policy policy = {.hmac = e->hmac,
	    .alg = e->tsig->alg,
	    .mac_min = e->tsig->mac_min,
	    .max_fudge_s = UINT16_MAX,
	    .request = &e->copy->mac,
	    .now_s = e->now_s};

	a->error = t->error;
	/* BADKEY and BADSIG come with an empty MAC: unsigned. */
	if (t->mac_len == 0) {
		judge_unsigned(m, a);
		return;
	}
	if (!name_eq(&t->key, &e->tsig->name) ||
	    !name_eq(&t->alg, &e->tsig->alg->wire)) {
		ignore(a, TSTAT_IGN_KEY);
		return;
	}
	switch (tsig_verify(octets, m->tsig_start, t, &policy)) {
	case TSIG_OK:
		judge_authentic(m, t, a);
		return;
	case TSIG_BADTIME:
		a->is_authentic = true;
		a->target_time = t->time_signed;
		fail(a, TSTAT_FAIL_TIME);
		return;
	case TSIG_FAILED:
		fail(a, TSTAT_FAIL_CRYPTO);
		return;
	case TSIG_FORMERR:
	case TSIG_BADSIG:
	case TSIG_BADTRUNC:
		break;
	}
	ignore(a, TSTAT_IGN_MAC);
}

void
forward_check(const struct expected *e, const uint8_t *octets, size_t len,
    struct answer *a)
{
	enum msg_result parsed;
	struct tsig t;
	struct msg m;

	memset(a, 0, sizeof(*a));
	parsed = msg_parse(octets, len, &m);
	if (parsed == MSG_SHORT) {
		ignore(a, TSTAT_IGN_SHORT);
		return;
	}
	a->rcode = DNS_RCODE(m.flags);
	a->has_records = m.counts[MSG_PREREQ] > 0;
	if (!is_response(&m, &e->in->msg, a))
		return;
	/* A truncated answer may be cut anywhere. */
	if (parsed == MSG_FORMERR ||
	    (m.tsig_start != 0 && !tsig_parse(octets, len, m.tsig_start, &t))) {
		judge_unsigned(&m, a);
		a->cause = TSTAT_IGN_MALFORMED;
	} else if (!is_our_zone(&m, &e->in->msg)) {
		ignore(a, TSTAT_IGN_ZONE);
	} else if (m.tsig_start == 0) {
		judge_unsigned(&m, a);
	} else {
		judge_signed(e, octets, &m, a, &t);
	}
}
