/* SPDX-License-Identifier: ISC */
/*
 * F3: three octets of orders (fuzz_seal_read), then a client's message,
 * signed here if they say so.
 */
#include <stdlib.h>
#include <string.h>

#include "dns/dns.h"
#include "fuzz.h"
#include "mux/verify.h"

const char fuzz_what[] = "verify";

/* Everything there is to know about one message. */
struct trial {
	struct fuzz_seal seal;
	uint8_t *octets;
	size_t len;
	struct ref_tsig tsig; /* if there is a signer */
	const struct fuzz_key *signer;
	bool may_sign; /* signer known, from where it may be */
	struct inbound in;
	struct reply reply;
	struct verifier verifier;
};

static bool
is_timely(const struct ref_tsig *t)
{
	uint64_t fudge = t->fudge < FUZZ_MAX_FUDGE ? t->fudge : FUZZ_MAX_FUDGE;

	return t->time_signed + fudge >= FUZZ_NOW &&
	       t->time_signed <= FUZZ_NOW + fudge;
}

/* I3: an independent HMAC over an independent digest agrees. */
static void
check_verdict(const struct trial *t, enum verdict verdict, enum counter cause)
{
	const struct ref_tsig *tsig = &t->tsig;

	if (verdict == VERDICT_DROP) {
		FUZZ_CHECK(t->len < DNS_HEADER_OCTETS ||
			   t->len > FUZZ_OCTETS_MAX ||
			   (t->octets[2] & 0x80) != 0);
		return;
	}
	FUZZ_CHECK((t->reply.sign == REPLY_SIGNED) == t->may_sign);
	FUZZ_CHECK((verdict == VERDICT_ACCEPT) == (cause == STAT_ACCEPTED));
	if (!t->may_sign) {
		FUZZ_CHECK(verdict == VERDICT_REPLY);
		return;
	}
	FUZZ_CHECK(ref_same_octets(&tsig->key, &t->in.client->tsig.name));
	FUZZ_CHECK((cause == STAT_BAD_TIME) == !is_timely(tsig));
	if (is_timely(tsig))
		FUZZ_CHECK((cause == STAT_BAD_TRUNC) ==
			   (tsig->mac_len < t->signer->mac_min));
	FUZZ_CHECK(t->in.request_mac.len == tsig->mac_len);
	if (verdict != VERDICT_ACCEPT)
		return;
	FUZZ_CHECK(DNS_OPCODE(t->in.msg.flags) == OPCODE_UPDATE);
	FUZZ_CHECK(t->in.targets != 0 && msg_zone_is_single(&t->in.msg));
}

/* I5: no output contains key octets that the input does not. */
static void
check_secrets(const struct trial *t, const uint8_t *out, size_t len)
{
	uint8_t secret[FUZZ_SECRET_OCTETS];
	size_t i;

	for (i = 0; i < FUZZ_KEYS; i++) {
		fuzz_secret(&fuzz_keys[i], secret);
		FUZZ_CHECK(!fuzz_contains(out, len, secret + 20, 16) ||
			   fuzz_contains(t->octets, t->len, secret + 20, 16));
	}
}

static void
check_signed(const struct trial *t, const uint8_t *out, size_t len)
{
	const struct mac *request = &t->in.request_mac;
	struct ref_tsig tsig;

	FUZZ_CHECK(ref_signer(out, len, request->octets, request->len, &tsig) ==
		   t->signer);
	FUZZ_CHECK(tsig.mac_len >= t->tsig.mac_len);
	FUZZ_CHECK(tsig.error == (unsigned)t->reply.error);
	FUZZ_CHECK(
	    (tsig.other_len == 6) == (t->reply.error == TSIG_ERROR_BADTIME));
	FUZZ_CHECK(tsig.time_signed == (t->reply.error == TSIG_ERROR_BADTIME
					       ? t->tsig.time_signed
					       : FUZZ_NOW));
}

static void
check_reply(const struct trial *t, const uint8_t *out, size_t len)
{
	struct ref_tsig tsig;
	struct ref_msg m;

	FUZZ_CHECK(len <= reply_limit(&t->in, &t->reply));
	FUZZ_CHECK(ref_read_msg(out, len, &m));
	FUZZ_CHECK(memcmp(out, t->octets, 2) == 0);
	FUZZ_CHECK((out[2] & 0xf8) == (0x80 | (t->octets[2] & 0x78)));
	FUZZ_CHECK((out[2] & 2) != 0 || out[3] == (t->reply.rcode & 15));
	if (t->reply.sign == REPLY_SIGNED) {
		check_signed(t, out, len);
	} else if (m.tsig != 0) {
		FUZZ_CHECK(t->reply.sign == REPLY_UNSIGNED);
		FUZZ_CHECK(ref_read_tsig(out, len, m.tsig, &tsig));
		FUZZ_CHECK(tsig.mac_len == 0 && tsig.error != 0);
	}
	check_secrets(t, out, len);
}

static void
write_reply(const struct trial *t)
{
	uint8_t *out = malloc(REPLY_OCTETS_MAX);
	struct hmac *hmac = verify_hmac(&t->verifier, t->in.client);
	size_t len;

	FUZZ_CHECK(out != NULL);
	fuzz_work_begin();
	len = reply_write(&t->in, &t->reply, hmac, FUZZ_NOW,
	    reply_limit(&t->in, &t->reply), out);
	fuzz_work_end(FUZZ_WORK_FIXED);
	FUZZ_CHECK(len >= DNS_HEADER_OCTETS);
	check_reply(t, out, len);
	free(out);
}

static void
look(struct trial *t)
{
	const struct fuzz_key *near = &fuzz_keys[FUZZ_KEY_NEAR];

	t->signer = ref_signer(t->octets, t->len, NULL, 0, &t->tsig);
	t->may_sign = t->signer != NULL &&
		      t->signer != &fuzz_keys[FUZZ_KEY_UNKNOWN] &&
		      (t->signer != near || t->seal.is_near);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_world *w = fuzz_world();
	struct trial t = {.verifier = {&w->conf, w->hmacs, FUZZ_NOW}};
	enum verdict verdict;
	enum counter cause;
	struct addr from;
	uint8_t *before;

	if (size < FUZZ_SEAL_OCTETS)
		return 0;
	fuzz_seal_read(data, &t.seal);
	t.octets = fuzz_sign(data + FUZZ_SEAL_OCTETS, size - FUZZ_SEAL_OCTETS,
	    &t.seal, NULL, 0, &t.len);
	before = fuzz_copy(t.octets, t.len);
	look(&t);
	addr_parse(
	    t.seal.is_near ? "127.0.0.1:5353" : "192.0.2.7:5353", 0, &from);
	t.in.octets = t.octets;
	t.in.len = t.len;
	t.in.is_tcp = t.seal.is_tcp;
	fuzz_work_begin();
	verdict = verify_message(&t.verifier, &from, &t.in, &t.reply, &cause);
	fuzz_work_end(FUZZ_WORK(t.len));
	FUZZ_CHECK(t.len == 0 || memcmp(before, t.octets, t.len) == 0);
	free(before);
	check_verdict(&t, verdict, cause);
	if (verdict != VERDICT_DROP)
		write_reply(&t);
	free(t.octets);
	return 0;
}
