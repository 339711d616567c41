/* SPDX-License-Identifier: ISC */
/*
 * F4: three octets of orders (fuzz_seal_read), then a target's answer to
 * one fixed copy, signed here if they say so.
 */
#include <stdlib.h>
#include <string.h>

#include "dns/dns.h"
#include "fuzz.h"
#include "mux/forward.h"

const char fuzz_what[] = "answer";

#define ZONE "\007example\004test\0\0\006\0\001"
static const uint8_t sent[] = "\xbe\xef\x28\0\0\1\0\0\0\1\0\0" ZONE
			      "\002h1\xc0\x0c\0\1\0\1\0\0\0\074\0\4\300\0\2\1";

static struct inbound in;
static struct copy copy = {.id = 0x1234, .time_signed = FUZZ_NOW};

/* The target's key takes MACs of half the length. */
static struct expected
send_copy(void)
{
	static uint8_t out[DNS_MSG_OCTETS_MAX];
	struct fuzz_world *w = fuzz_world();
	struct expected e = {.in = &in,
	    .tsig = &w->conf.targets[0].tsig,
	    .hmac = w->target_hmacs[0],
	    .copy = &copy,
	    .now_s = FUZZ_NOW};

	if (in.octets != NULL)
		return e;
	in.octets = sent;
	in.len = sizeof(sent) - 1;
	FUZZ_CHECK(msg_parse(in.octets, in.len, &in.msg) == MSG_OK);
	FUZZ_CHECK(forward_write(&in, e.tsig, e.hmac, &copy, out) != 0);
	return e;
}

/* No zone section, or the very one that was sent. */
static bool
is_our_zone(const uint8_t *octets, size_t len)
{
	struct ref_name zone;
	size_t end;

	if (ref_u16(octets, 4) == 0)
		return true;
	end = ref_read_name(octets, 12, len, &zone);
	ref_lower(&zone);
	return ref_u16(octets, 4) == 1 && end != 0 &&
	       zone.len == sizeof(ZONE) - 5 &&
	       memcmp(zone.octets, ZONE, zone.len) == 0 &&
	       memcmp(octets + end, "\0\006\0\001", 4) == 0;
}

static bool
is_timely(const struct ref_tsig *t)
{
	return t->time_signed + t->fudge >= FUZZ_NOW &&
	       t->time_signed <= (uint64_t)FUZZ_NOW + t->fudge;
}

static void
check(const uint8_t *octets, size_t len, const struct answer *a)
{
	const struct fuzz_key *key = fuzz_world()->target_keys[0];
	struct ref_tsig t;
	bool is_ours =
	    ref_signer(octets, len, copy.mac.octets, copy.mac.len, &t) == key &&
	    (octets[2] & 0xf8) == 0xa8 && is_our_zone(octets, len);
	bool is_good = is_ours && t.mac_len >= key->mac_min && is_timely(&t);
	bool has_tc = len > 2 && (octets[2] & 2) != 0;

	FUZZ_CHECK(len < 12 || a->rcode == (octets[3] & 15u));
	FUZZ_CHECK(!a->is_authentic || is_ours);
	FUZZ_CHECK(
	    (a->kind == ANSWER_VOTE) == (is_good && !has_tc && t.error == 0));
	FUZZ_CHECK(a->kind != ANSWER_FAILED || is_ours);
	FUZZ_CHECK(a->kind != ANSWER_TRUNCATED || has_tc);
	if (is_ours && !is_timely(&t))
		FUZZ_CHECK(
		    a->kind == ANSWER_FAILED && a->cause == TSTAT_FAIL_TIME);
	if (a->cause == TSTAT_FAIL_BADTIME)
		FUZZ_CHECK(is_good && t.error == 18 && t.other_len == 6);
	if (a->kind == ANSWER_IGNORED)
		FUZZ_CHECK(
		    a->cause >= TSTAT_IGN_SHORT && a->cause <= TSTAT_IGN_ERROR);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct expected e = send_copy();
	struct fuzz_seal seal;
	struct answer a;
	uint8_t *octets;
	size_t len;

	if (size < FUZZ_SEAL_OCTETS)
		return 0;
	fuzz_seal_read(data, &seal);
	octets = fuzz_sign(data + FUZZ_SEAL_OCTETS, size - FUZZ_SEAL_OCTETS,
	    &seal, copy.mac.octets, copy.mac.len, &len);
	fuzz_work_begin();
	forward_check(&e, octets, len, &a);
	fuzz_work_end(FUZZ_WORK(len));
	check(octets, len, &a);
	free(octets);
	return 0;
}
