/* SPDX-License-Identifier: ISC */
/*
 * F5: the body of an update, signed here as it should be. If it is
 * accepted: its copies for two targets, and an answer to each of them.
 */
#include <stdlib.h>
#include <string.h>

#include "dns/dns.h"
#include "fuzz.h"
#include "mux/forward.h"
#include "mux/plan.h"
#include "mux/verify.h"

const char fuzz_what[] = "rewrite";

/* Owner, type, class, TTL and RDATA of each record; case included. */
static void
check_records(const uint8_t *sent, size_t sent_len, const struct inbound *in)
{
	size_t pos = in->msg.prereq_start, at = pos;
	struct ref_rr was, is;

	while (pos < in->msg.additional_start) {
		pos = ref_read_rr(in->octets, pos, in->len, &was);
		at = ref_read_rr(sent, at, sent_len, &is);
		FUZZ_CHECK(at != 0 && pos == at && was.rdata == is.rdata);
		FUZZ_CHECK(was.owner.len == is.owner.len &&
			   memcmp(was.owner.octets, is.owner.octets,
			       is.owner.len) == 0);
		FUZZ_CHECK(was.type == is.type && was.class == is.class &&
			   was.ttl == is.ttl);
	}
}

/* I4: verifies independently, and is what came in. */
static void
check_copy(const uint8_t *sent, size_t len, const struct inbound *in,
    const struct fuzz_key *key, const struct copy *copy)
{
	size_t additional = in->msg.additional_start;
	struct ref_msg m;
	struct ref_tsig t;

	FUZZ_CHECK(ref_signer(sent, len, NULL, 0, &t) == key);
	FUZZ_CHECK(t.mac_len == key->mac_len && t.error == 0);
	FUZZ_CHECK(t.time_signed == copy->time_signed && t.other_len == 0);
	FUZZ_CHECK(copy->mac.len == t.mac_len &&
		   memcmp(copy->mac.octets, t.mac, t.mac_len) == 0);
	FUZZ_CHECK(ref_read_msg(sent, len, &m));
	FUZZ_CHECK(m.tsig == additional && m.start[3] == additional);
	FUZZ_CHECK(m.start[1] == in->msg.prereq_start &&
		   m.start[2] == in->msg.update_start);
	FUZZ_CHECK(ref_u16(sent, 0) == copy->id);
	FUZZ_CHECK(ref_u16(sent, 2) == 0x2800 && ref_u16(sent, 10) == 1);
	FUZZ_CHECK(memcmp(sent + 4, in->octets + 4, 6) == 0);
	FUZZ_CHECK(memcmp(sent + 12, in->octets + 12, additional - 12) == 0);
	check_records(sent, len, in);
}

/* A target that echoes the zone and says YXDOMAIN has voted. */
static void
check_answer(const struct expected *e, const struct fuzz_key *key)
{
	const struct msg *m = &e->in->msg;
	struct fuzz_seal s = {.is_signed = true,
	    .key = key,
	    .time_signed = FUZZ_NOW,
	    .fudge = 300,
	    .mac_len = key->mac_len};
	uint8_t *body = fuzz_copy(e->in->octets, m->zone_end), *octets;
	struct answer a;
	size_t len;

	memcpy(body + 2, "\xa8\006\0\1\0\0\0\0\0\0", 10);
	octets = fuzz_sign(
	    body, m->zone_end, &s, e->copy->mac.octets, e->copy->mac.len, &len);
	forward_check(e, octets, len, &a);
	FUZZ_CHECK(a.kind == ANSWER_VOTE && a.rcode == RCODE_YXDOMAIN);
	octets[3] ^= 1;
	forward_check(e, octets, len, &a);
	FUZZ_CHECK(a.kind == ANSWER_IGNORED && a.cause == TSTAT_IGN_MAC);
	free(octets);
	free(body);
}

static void
check_target(const struct fuzz_world *w, const struct inbound *in, size_t i)
{
	static uint8_t first[DNS_MSG_OCTETS_MAX], second[DNS_MSG_OCTETS_MAX];
	const struct conf_tsig *tsig = &w->conf.targets[i].tsig;
	struct copy copy = {
	    .id = (uint16_t)(0x1234 + i), .time_signed = FUZZ_NOW + 7};
	struct copy again = copy;
	struct expected e = {in, tsig, w->target_hmacs[i], &copy, FUZZ_NOW};
	size_t len, expected = forward_len(in, tsig);

	fuzz_work_begin();
	len = forward_write(in, tsig, w->target_hmacs[i], &copy, first);
	fuzz_work_end(FUZZ_WORK_FIXED);
	FUZZ_CHECK(len == (expected <= DNS_MSG_OCTETS_MAX ? expected : 0));
	if (len == 0)
		return;
	memset(second, 0xa5, len);
	FUZZ_CHECK(
	    forward_write(in, tsig, w->target_hmacs[i], &again, second) == len);
	FUZZ_CHECK(memcmp(first, second, len) == 0);
	check_copy(first, len, in, w->target_keys[i], &copy);
	check_answer(&e, w->target_keys[i]);
}

static void
check_accepted(const struct fuzz_world *w, const struct inbound *in)
{
	enum update_kind kind = plan_kind(&in->shape);
	size_t i;

	FUZZ_CHECK(in->targets == plan_targets(&w->conf, &in->msg.zone));
	FUZZ_CHECK((kind == KIND_PLAIN) == (in->msg.counts[MSG_PREREQ] == 0));
	for (i = 0; i < FUZZ_TARGETS; i++)
		check_target(w, in, i);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_world *w = fuzz_world();
	struct verifier v = {&w->conf, w->hmacs, FUZZ_NOW};
	struct fuzz_seal s = {.is_signed = true,
	    .key = &fuzz_keys[0],
	    .time_signed = FUZZ_NOW,
	    .fudge = 300,
	    .mac_len = 32};
	struct inbound in = {.is_tcp = true};
	enum verdict verdict;
	struct reply reply;
	enum counter cause;
	struct addr from;
	uint8_t *octets = fuzz_sign(data, size, &s, NULL, 0, &in.len);

	in.octets = octets;
	addr_parse("192.0.2.7:5353", 0, &from);
	verdict = verify_message(&v, &from, &in, &reply, &cause);
	if (verdict == VERDICT_ACCEPT)
		check_accepted(w, &in);
	free(octets);
	return 0;
}
