/* SPDX-License-Identifier: ISC */
#include "dns/msg.h"

#include <string.h>

#include "dns/dns.h"

void
rr_read(struct rd *r, struct rr *rr)
{
	name_read(r, &rr->owner);
	rr->type = rd_u16(r);
	rr->class = rd_u16(r);
	rr->ttl = rd_u32(r);
	rd_sub(r, rd_u16(r), &rr->rdata);
}

bool
msg_zone_is_single(const struct msg *m)
{
	return m->has_zone && m->counts[MSG_ZONE] == 1;
}

static void
parse_header(struct rd *r, struct msg *m)
{
	size_t i;

	m->id = rd_u16(r);
	m->flags = rd_u16(r);
	for (i = 0; i < 4; i++)
		m->counts[i] = rd_u16(r);
}

static void
parse_zone(struct rd *r, struct msg *m)
{
	struct name name;
	unsigned i;

	for (i = 0; i < m->counts[MSG_ZONE] && rd_ok(r); i++) {
		name_read(r, &name);
		if (i == 0) {
			m->zone = name;
			m->zone_type = rd_u16(r);
			m->zone_class = rd_u16(r);
			m->zone_end = r->pos;
			m->has_zone = rd_ok(r);
		} else {
			rd_u32(r);
		}
	}
}

/* TSIG stands at the end of the additional section or nowhere. */
static void
parse_records(struct rd *r, unsigned count)
{
	struct rr rr;
	unsigned i;

	for (i = 0; i < count && rd_ok(r); i++) {
		rr_read(r, &rr);
		if (rd_ok(r) && rr.type == TYPE_TSIG)
			rd_fail(r);
	}
}

/* RFC 6891 6.1.2: the owner is the root, the options fill the RDATA. */
static void
parse_opt(const struct rr *rr, struct msg_opt *opt)
{
	struct rd options = rr->rdata;

	if (opt->is_present || !name_is_root(&rr->owner))
		opt->is_bad = true;
	while (rd_ok(&options) && !rd_at_end(&options)) {
		rd_u16(&options);
		rd_octets(&options, rd_u16(&options));
	}
	if (!rd_ok(&options))
		opt->is_bad = true;
	if (!opt->is_present) {
		opt->udp_size = rr->class;
		opt->version = (uint8_t)(rr->ttl >> 16);
	}
	opt->is_present = true;
}

static void
parse_additional(struct rd *r, struct msg *m)
{
	unsigned count = m->counts[MSG_ADDITIONAL], i;
	struct rr rr;

	for (i = 0; i < count && rd_ok(r); i++) {
		size_t start = r->pos;

		rr_read(r, &rr);
		if (!rd_ok(r))
			return;
		if (rr.type == TYPE_OPT)
			parse_opt(&rr, &m->opt);
		if (rr.type == TYPE_SIG)
			m->has_sig = true;
		if (rr.type != TYPE_TSIG)
			continue;
		if (i + 1 != count) {
			rd_fail(r);
			return;
		}
		m->tsig_start = start;
	}
}

enum msg_result
msg_parse(const uint8_t *octets, size_t len, struct msg *m)
{
	unsigned steps = NAME_STEPS_MAX;
	struct rd r;

	if (len < DNS_HEADER_OCTETS || len > DNS_MSG_OCTETS_MAX)
		return MSG_SHORT;
	memset(m, 0, sizeof(*m));
	rd_init(&r, octets, len);
	r.steps_left = &steps;
	parse_header(&r, m);
	parse_zone(&r, m);
	m->prereq_start = r.pos;
	parse_records(&r, m->counts[MSG_PREREQ]);
	m->update_start = r.pos;
	parse_records(&r, m->counts[MSG_UPDATE]);
	m->additional_start = r.pos;
	parse_additional(&r, m);
	return rd_at_end(&r) ? MSG_OK : MSG_FORMERR;
}
