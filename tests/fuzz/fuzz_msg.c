/* SPDX-License-Identifier: ISC */
/* F2: a message as it comes. */
#include <stdlib.h>
#include <string.h>

#include "dns/dns.h"
#include "dns/msg.h"
#include "dns/tsig.h"
#include "dns/update.h"
#include "fuzz.h"

const char fuzz_what[] = "msg";

static void
check_offsets(const struct msg *m, const struct ref_msg *ref, size_t len)
{
	FUZZ_CHECK(ref->start[4] == len);
	FUZZ_CHECK(m->prereq_start == ref->start[1]);
	FUZZ_CHECK(m->update_start == ref->start[2]);
	FUZZ_CHECK(m->additional_start == ref->start[3]);
	FUZZ_CHECK(m->tsig_start == ref->tsig);
	FUZZ_CHECK(m->has_zone == (m->counts[MSG_ZONE] > 0));
	if (m->has_zone)
		FUZZ_CHECK(m->zone_end > DNS_HEADER_OCTETS &&
			   m->zone_end <= m->prereq_start);
	if (m->counts[MSG_ZONE] == 1)
		FUZZ_CHECK(m->zone_end == m->prereq_start);
}

static void
check_rr(const uint8_t *octets, const struct rr *rr, const struct ref_rr *ref)
{
	(void)octets;
	FUZZ_CHECK(ref_same_octets(&ref->owner, &rr->owner));
	FUZZ_CHECK(rr->type == ref->type && rr->class == ref->class);
	FUZZ_CHECK(rr->ttl == ref->ttl);
	FUZZ_CHECK(rr->rdata.pos == ref->rdata && rr->rdata.end == ref->end);
}

/* Every record again, without compression; gives what was written. */
static size_t
render(const uint8_t *octets, size_t len, const struct msg *m, uint8_t *out)
{
	struct ref_rr ref;
	struct rr rr;
	struct wr w;
	struct rd r;

	wr_init(&w, out, DNS_MSG_OCTETS_MAX);
	wr_octets(&w, octets, DNS_HEADER_OCTETS);
	rd_init(&r, octets, len);
	r.pos = DNS_HEADER_OCTETS;
	while (r.pos < m->prereq_start) {
		name_read(&r, &rr.owner);
		name_write(&w, &rr.owner);
		wr_u32(&w, rd_u32(&r));
	}
	while (rd_ok(&r) && !rd_at_end(&r)) {
		FUZZ_CHECK(ref_read_rr(octets, r.pos, len, &ref) != 0);
		rr_read(&r, &rr);
		check_rr(octets, &rr, &ref);
		name_write(&w, &rr.owner);
		wr_u16(&w, rr.type);
		wr_u16(&w, rr.class);
		wr_u32(&w, rr.ttl);
		wr_u16(&w, (unsigned)(rr.rdata.end - rr.rdata.pos));
		wr_octets(
		    &w, octets + rr.rdata.pos, rr.rdata.end - rr.rdata.pos);
	}
	FUZZ_CHECK(rd_at_end(&r));
	return wr_ok(&w) ? w.pos : 0;
}

/* I2: parse(render(parse(x))) == parse(x). */
static void
check_render(const uint8_t *octets, size_t len, const struct msg *m)
{
	static uint8_t first[DNS_MSG_OCTETS_MAX], second[DNS_MSG_OCTETS_MAX];
	size_t first_len = render(octets, len, m, first), second_len;
	struct msg again;

	if (first_len == 0)
		return;
	FUZZ_CHECK(msg_parse(first, first_len, &again) == MSG_OK);
	FUZZ_CHECK(memcmp(again.counts, m->counts, sizeof(m->counts)) == 0);
	FUZZ_CHECK(again.id == m->id && again.flags == m->flags);
	FUZZ_CHECK(!m->has_zone || (name_eq(&again.zone, &m->zone) &&
				       again.zone_type == m->zone_type &&
				       again.zone_class == m->zone_class));
	FUZZ_CHECK(again.opt.is_present == m->opt.is_present &&
		   again.opt.is_bad == m->opt.is_bad &&
		   again.opt.version == m->opt.version &&
		   again.opt.udp_size == m->opt.udp_size);
	FUZZ_CHECK(again.has_sig == m->has_sig);
	FUZZ_CHECK((again.tsig_start != 0) == (m->tsig_start != 0));
	second_len = render(first, first_len, &again, second);
	FUZZ_CHECK(second_len == first_len);
	FUZZ_CHECK(memcmp(first, second, first_len) == 0);
}

static bool
is_below(const struct ref_name *n, const struct name *zone)
{
	struct ref_name low = *n, apex = {.len = zone->len};
	size_t skip = 0;

	memcpy(apex.octets, zone->octets, zone->len);
	ref_lower(&low);
	ref_lower(&apex);
	for (;;) {
		if (low.len - skip == apex.len &&
		    memcmp(low.octets + skip, apex.octets, apex.len) == 0)
			return true;
		if (low.octets[skip] == 0)
			return false;
		skip += low.octets[skip] + 1u;
	}
}

/* What NOERROR says about each record: RFC 2136 3.2, 3.4.1. */
static void
check_update(const uint8_t *octets, size_t len, const struct msg *m)
{
	struct update_shape shape;
	size_t pos = m->prereq_start;
	enum rcode rcode;
	struct ref_rr rr;

	fuzz_work_begin();
	rcode = update_check(octets, m, &shape);
	fuzz_work_end(FUZZ_WORK(len));
	FUZZ_CHECK(rcode == RCODE_NOERROR || rcode == RCODE_FORMERR ||
		   rcode == RCODE_NOTZONE);
	if (rcode != RCODE_NOERROR)
		return;
	FUZZ_CHECK((shape.prereqs != 0) == (m->counts[MSG_PREREQ] != 0));
	FUZZ_CHECK((shape.updates != 0) == (m->counts[MSG_UPDATE] != 0));
	while (pos < m->additional_start) {
		bool is_prereq = pos < m->update_start;

		pos = ref_read_rr(octets, pos, len, &rr);
		FUZZ_CHECK(is_below(&rr.owner, &m->zone));
		FUZZ_CHECK(rr.class == CLASS_IN || rr.class == CLASS_NONE ||
			   rr.class == CLASS_ANY);
		FUZZ_CHECK(rr.ttl == 0 || (rr.class == CLASS_IN && !is_prereq));
		FUZZ_CHECK(rr.class != CLASS_ANY || rr.end == rr.rdata);
		FUZZ_CHECK(
		    !is_prereq || rr.class != CLASS_NONE || rr.end == rr.rdata);
		FUZZ_CHECK(rr.class != CLASS_IN || rr.type != TYPE_ANY);
		FUZZ_CHECK(rr.class != CLASS_IN || rr.type != TYPE_A ||
			   rr.end - rr.rdata == 4);
	}
}

static void
check_tsig(const uint8_t *octets, size_t len, size_t start)
{
	struct ref_tsig ref;
	struct tsig t;
	bool is_good = ref_read_tsig(octets, len, start, &ref);

	FUZZ_CHECK(tsig_parse(octets, len, start, &t) == is_good);
	if (!is_good)
		return;
	FUZZ_CHECK(ref_same_octets(&ref.key, &t.key));
	FUZZ_CHECK(ref_same_octets(&ref.alg, &t.alg));
	FUZZ_CHECK(t.time_signed == ref.time_signed && t.fudge_s == ref.fudge);
	FUZZ_CHECK(t.mac == ref.mac && t.mac_len == ref.mac_len);
	FUZZ_CHECK(t.original_id == ref.original_id && t.error == ref.error);
	FUZZ_CHECK(t.other_len == ref.other_len);
}

static void
try(const uint8_t *octets, size_t len)
{
	struct ref_msg ref;
	bool is_good = ref_read_msg(octets, len, &ref);
	struct msg m;
	enum msg_result result;

	fuzz_work_begin();
	result = msg_parse(octets, len, &m);
	fuzz_work_end(FUZZ_WORK(len));
	FUZZ_CHECK((result == MSG_OK) == is_good);
	FUZZ_CHECK((result == MSG_SHORT) ==
		   (len < DNS_HEADER_OCTETS || len > DNS_MSG_OCTETS_MAX));
	if (result == MSG_SHORT)
		return;
	FUZZ_CHECK(m.id == ref_u16(octets, 0));
	FUZZ_CHECK(m.flags == ref_u16(octets, 2));
	if (m.has_zone)
		FUZZ_CHECK(m.zone_end <= len);
	if (result != MSG_OK)
		return;
	check_offsets(&m, &ref, len);
	check_render(octets, len, &m);
	if (m.tsig_start != 0)
		check_tsig(octets, len, m.tsig_start);
	if (msg_zone_is_single(&m) && m.zone_class == CLASS_IN)
		check_update(octets, len, &m);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *octets = fuzz_copy(data, size);

	try(octets, size);
	free(octets);
	return 0;
}
