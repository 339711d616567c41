/* SPDX-License-Identifier: ISC */
#include "mux/probe.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "dns/dns.h"
#include "dns/text.h"

#define APEX_POINTER (0xc000 | DNS_HEADER_OCTETS)

void
probe_build(struct probe *p, enum probe_kind kind, const struct name *zone)
{
	bool is_update = kind == PROBE_UPDATE;
	unsigned opcode = OPCODE_QUERY;
	struct wr w;

	if (is_update)
		opcode = OPCODE_UPDATE;
	memset(p, 0, sizeof(*p));
	wr_init(&w, p->octets, sizeof(p->octets));
	wr_u16(&w, 0);
	wr_u16(&w, DNS_OPCODE_FLAGS(opcode));
	wr_u16(&w, 1);
	wr_u16(&w, is_update ? 1 : 0);
	wr_u32(&w, 0);
	name_write(&w, zone);
	wr_u16(&w, TYPE_SOA);
	wr_u16(&w, CLASS_IN);
	if (is_update) {
		wr_u16(&w, APEX_POINTER);
		wr_u16(&w, TYPE_ANY);
		wr_u16(&w, CLASS_ANY);
		wr_u32(&w, 0);
		wr_u16(&w, 0);
	}
	p->in.octets = p->octets;
	p->in.len = w.pos;
	(void)msg_parse(p->octets, w.pos, &p->in.msg);
	/* Of a query, too: what has prerequisites is not sent again. */
	p->in.shape.prereqs = PREREQ_NAME_IN_USE;
}

void
probe_fill(struct probe_step *step, const struct outcome *outcome,
    const struct answer *heard, int64_t offset_s)
{
	memset(step, 0, sizeof(*step));
	step->is_done = true;
	step->ms = outcome->ms;
	if (outcome->class == OUTCOME_FAILED)
		step->cause = outcome->cause;
	if (heard == NULL)
		return;
	step->is_heard = true;
	step->is_authentic = heard->is_authentic;
	step->has_records = heard->has_records;
	step->has_clock = heard->is_authentic && heard->target_time != 0;
	step->rcode = (uint8_t)heard->rcode;
	step->error = (uint16_t)heard->error;
	step->offset_s = step->has_clock ? offset_s : 0;
}

bool
probe_is_hopeless(const struct probe_step *step)
{
	return !step->is_heard && step->cause != TSTAT_NO_CAUSE;
}

/* As values of a frame: id, target, and these of each step. */
enum { V_FLAGS, V_RCODE, V_ERROR, V_CAUSE, V_MS, V_OFFSET, V_COUNT };
#define VALUES (2 + PROBE_STEPS * V_COUNT)
#define FLAGS 5
/* More than Time Signed can differ from Unix time. */
#define OFFSET_MAX_S ((int64_t)1 << 49)

void
probe_encode(const struct probe_result *r, struct stats_frame *f)
{
	size_t i;

	memset(f, 0, sizeof(*f));
	f->type = FRAME_PROBE;
	f->nvalues = VALUES;
	f->values[0] = r->id;
	f->values[1] = r->target;
	for (i = 0; i < PROBE_STEPS; i++) {
		const struct probe_step *s = &r->steps[i];
		uint64_t *v = f->values + 2 + i * V_COUNT;

		v[V_FLAGS] = (uint64_t)s->is_done | (uint64_t)s->is_heard << 1 |
			     (uint64_t)s->is_authentic << 2 |
			     (uint64_t)s->has_records << 3 |
			     (uint64_t)s->has_clock << 4;
		v[V_RCODE] = s->rcode;
		v[V_ERROR] = s->error;
		v[V_CAUSE] = s->cause;
		v[V_MS] = s->ms;
		v[V_OFFSET] = (uint64_t)s->offset_s;
	}
}

static bool
decode_step(const uint64_t *v, struct probe_step *s)
{
	uint64_t ahead = v[V_OFFSET], behind = 0 - ahead;

	if (v[V_FLAGS] >> FLAGS != 0 || v[V_RCODE] > 15 ||
	    v[V_ERROR] > UINT16_MAX || v[V_CAUSE] >= TSTAT_COUNT ||
	    v[V_MS] > UINT32_MAX ||
	    (ahead > OFFSET_MAX_S && behind > OFFSET_MAX_S))
		return false;
	s->is_done = (v[V_FLAGS] & 1) != 0;
	s->is_heard = (v[V_FLAGS] & 2) != 0;
	s->is_authentic = (v[V_FLAGS] & 4) != 0;
	s->has_records = (v[V_FLAGS] & 8) != 0;
	s->has_clock = (v[V_FLAGS] & 16) != 0;
	s->rcode = (uint8_t)v[V_RCODE];
	s->error = (uint16_t)v[V_ERROR];
	s->cause = (uint16_t)v[V_CAUSE];
	s->ms = (uint32_t)v[V_MS];
	s->offset_s = ahead > OFFSET_MAX_S ? -(int64_t)behind : (int64_t)ahead;
	return true;
}

bool
probe_decode(
    const struct stats_frame *f, size_t ntargets, struct probe_result *r)
{
	size_t i;

	memset(r, 0, sizeof(*r));
	if (f->type != FRAME_PROBE || f->block != 0 || f->nvalues != VALUES ||
	    f->values[0] > UINT32_MAX || f->values[1] >= ntargets)
		return false;
	r->id = (uint32_t)f->values[0];
	r->target = (uint32_t)f->values[1];
	for (i = 0; i < PROBE_STEPS; i++) {
		if (!decode_step(f->values + 2 + i * V_COUNT, &r->steps[i]))
			return false;
	}
	return true;
}

/* An authentic answer without a TSIG error. */
static bool
is_vote(const struct probe_step *s)
{
	return s->is_authentic && s->cause == TSTAT_NO_CAUSE;
}

static bool
says(const struct probe_step *s, unsigned rcode)
{
	return s->is_heard && s->rcode == rcode;
}

static bool
is_clock(const struct probe_step *s)
{
	return s->cause == TSTAT_FAIL_BADTIME || s->cause == TSTAT_FAIL_TIME;
}

static const char *
clock_verdict(const struct probe_step *s, char buf[PROBE_VERDICT_MAX])
{
	int64_t n = s->offset_s;

	snprintf(buf, PROBE_VERDICT_MAX,
	    "clock off by %" PRId64 " s: the target's clock is %s ours",
	    n < 0 ? -n : n, n < 0 ? "behind" : "ahead of");
	return buf;
}

/* A worker may send any, those that are no failures, too. */
static const char *
cause_text(const struct probe_step *s)
{
	const char *hint = stats_target_hint((enum target_counter)s->cause);

	return hint != NULL ? hint : "no answer that counts";
}

/* Nothing came at all. */
static const char *
silence_verdict(const struct probe_step *s)
{
	switch (s->cause) {
	case TSTAT_FAIL_ICMP:
	case TSTAT_FAIL_CONNECT:
		return "unreachable: nothing takes messages at its address";
	case TSTAT_FAIL_TIMEOUT:
		return "no answer in time: is it running, is it slow, does a "
		       "firewall drop what we send?";
	default:
		return cause_text(s);
	}
}

/* Its key is good, but the update was answered so, or not at all. */
static const char *
update_verdict(
    const struct probe_step *u, bool is_served, char buf[PROBE_VERDICT_MAX])
{
	if (!u->is_heard)
		snprintf(buf, PROBE_VERDICT_MAX,
		    "queries are answered, updates are not: %s",
		    silence_verdict(u));
	else if (!is_served || says(u, RCODE_NOTZONE) ||
		 (says(u, RCODE_NOTAUTH) && is_vote(u)))
		return "zone not served there: or not as its primary";
	else if (says(u, RCODE_REFUSED) || says(u, RCODE_NOTAUTH))
		return "updates refused: check whether it takes updates of "
		       "this zone, by this key, and from this address";
	else if (says(u, RCODE_NOTIMP))
		return "updates refused: it does not implement them (NOTIMP)";
	else
		snprintf(buf, PROBE_VERDICT_MAX,
		    "update answered with %s: see the target's log",
		    rcode_text(u->rcode));
	return buf;
}

/* Nothing that came is authentic: these are hints. The servers differ:
 * Knot refuses a query of a zone that it does not serve, and says NOTAUTH
 * to an update; so does PowerDNS to a query whose TSIG it does not take,
 * and refuses the update. */
static const char *
unproven_verdict(const struct probe_step *q, const struct probe_step *u,
    char buf[PROBE_VERDICT_MAX])
{
	const struct probe_step *s = q->is_heard ? q : u;
	unsigned error = q->error != 0 ? q->error : u->error;

	if (error == TSIG_ERROR_BADKEY)
		return "unknown key: the target has no key of this name and "
		       "algorithm, or (Knot) no ACL that names it";
	if (error == TSIG_ERROR_BADSIG || s->cause == TSTAT_IGN_MAC)
		return "wrong secret: the target has another one under this "
		       "name";
	if (s->cause != TSTAT_IGN_UNSIGNED)
		return cause_text(s);
	if (says(u, RCODE_NOTAUTH))
		return "zone not served there (unsigned)";
	if (says(q, RCODE_NOTAUTH) && says(u, RCODE_REFUSED))
		return "unknown key, wrong secret, or clock off: PowerDNS "
		       "does not say which";
	snprintf(buf, PROBE_VERDICT_MAX,
	    "%s, unsigned: check key name, secret, clock, ACL and zone",
	    rcode_text(s->rcode));
	return buf;
}

bool
probe_is_good(const struct probe_result *r)
{
	const struct probe_step *u = &r->steps[PROBE_UPDATE];

	return is_vote(u) && u->rcode == RCODE_NOERROR;
}

const char *
probe_verdict(const struct probe_result *r, char buf[PROBE_VERDICT_MAX])
{
	const struct probe_step *q = &r->steps[PROBE_QUERY];
	const struct probe_step *u = &r->steps[PROBE_UPDATE];

	if (!q->is_done)
		return "no zone is known yet: name one";
	if (probe_is_good(r))
		return "good: updates are accepted";
	if (is_clock(u))
		return clock_verdict(u, buf);
	if (is_clock(q))
		return clock_verdict(q, buf);
	if (!q->is_heard && !u->is_heard)
		return silence_verdict(u->is_done ? u : q);
	if (is_vote(q) || is_vote(u))
		return update_verdict(u, q->has_records || is_vote(u), buf);
	return unproven_verdict(q, u, buf);
}
