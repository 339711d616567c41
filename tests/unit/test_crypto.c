/* SPDX-License-Identifier: ISC */
/* What happens while the library's HMAC fails: nothing is accepted, sent
 * or counted as an answer. The HMAC is the one below. */
#include "dns/hmac.h"

#include "mux/forward.h"
#include "mux/verify.h"
#include "mux_build.h"

struct hmac {
	enum hmac_hash hash;
};

static bool is_failing;

struct hmac *
hmac_new(enum hmac_hash hash, const uint8_t *key, size_t key_len)
{
	struct hmac *h = malloc(sizeof(*h));

	(void)key;
	(void)key_len;
	assert_non_null(h);
	h->hash = hash;
	return h;
}

void
hmac_free(struct hmac *h)
{
	free(h);
}

bool
hmac_compute(struct hmac *h, const struct hmac_part *parts, size_t nparts,
    uint8_t mac[HMAC_MAC_MAX])
{
	(void)parts;
	(void)nparts;
	memset(mac, (int)h->hash, HMAC_MAC_MAX);
	return !is_failing;
}

/* A client, a target, a request, the copy of it and the answer to that. */
static struct {
	struct conf conf;
	struct conf_client client;
	struct hmac *hmac;
	struct verifier verifier;
	struct addr from;
	uint8_t octets[512], sent[DNS_MSG_OCTETS_MAX], answer[512];
	struct inbound in;
	size_t sent_len, answer_len;
	struct copy copy;
} w;

static enum verdict
verify(struct reply *reply, enum counter *cause)
{
	return verify_message(&w.verifier, &w.from, &w.in, reply, cause);
}

static void
make_request(void)
{
	struct tsig_params p = {.key = &w.client.tsig.name,
	    .alg = &w.client.tsig.alg->wire,
	    .hmac = w.hmac,
	    .mac_len = 32,
	    .time_signed = BUILD_NOW,
	    .fudge_s = 300};
	struct mac mac;
	struct wr wr;

	wr_init(&wr, w.octets, sizeof(w.octets));
	wr.pos = hex_octets(GOLDEN, w.octets, sizeof(w.octets));
	tsig_write(&wr, &p, &mac);
	assert_true(wr_ok(&wr));
	w.in = (struct inbound){.octets = w.octets, .len = wr.pos};
}

/* The copy with QR set: its MAC is as good as any here. */
static void
make_answer(void)
{
	w.copy = (struct copy){.id = 0x1234, .time_signed = BUILD_NOW};
	w.sent_len =
	    forward_write(&w.in, &w.client.tsig, w.hmac, &w.copy, w.sent);
	assert_true(w.sent_len > 0 && w.sent_len <= sizeof(w.answer));
	memcpy(w.answer, w.sent, w.sent_len);
	w.answer_len = w.sent_len;
	w.answer[2] |= 0x80;
}

static int
set_up(void **state)
{
	struct reply reply;
	enum counter cause;

	(void)state;
	is_failing = false;
	build_tsig(&w.client.tsig, "key.example", "hmac-sha256", 0);
	w.hmac = hmac_new(HASH_SHA256, NULL, 0);
	w.conf.clients = &w.client;
	w.conf.nclients = 1;
	w.conf.max_fudge_s = 300;
	w.conf.records_per_update = 500;
	w.conf.targets[0].tsig = w.client.tsig;
	w.conf.ntargets = 1;
	w.verifier = (struct verifier){&w.conf, &w.hmac, BUILD_NOW};
	assert_true(addr_parse("192.0.2.1:53", 0, &w.from));
	make_request();
	assert_int_equal(verify(&reply, &cause), VERDICT_ACCEPT);
	make_answer();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	hmac_free(w.hmac);
	return 0;
}

static void
test_request(void **state)
{
	struct reply reply;
	enum counter cause;

	(void)state;
	is_failing = true;
	assert_int_equal(verify(&reply, &cause), VERDICT_DROP);
	assert_int_equal(cause, STAT_DROP_CRYPTO);
	assert_int_equal(reply.sign, REPLY_BARE);
}

static void
test_copy(void **state)
{
	(void)state;
	is_failing = true;
	assert_int_equal(
	    forward_write(&w.in, &w.client.tsig, w.hmac, &w.copy, w.sent), 0);
}

static void
test_answer(void **state)
{
	struct expected e = {&w.in, &w.client.tsig, w.hmac, &w.copy, BUILD_NOW};
	struct answer a;

	(void)state;
	forward_check(&e, w.answer, w.answer_len, &a);
	assert_int_equal(a.kind, ANSWER_VOTE);
	is_failing = true;
	forward_check(&e, w.answer, w.answer_len, &a);
	assert_int_equal(a.kind, ANSWER_FAILED);
	assert_int_equal(a.cause, TSTAT_FAIL_CRYPTO);
	assert_false(a.is_authentic);
}

static void
test_reply(void **state)
{
	struct reply reply = {.sign = REPLY_SIGNED, .has_zone = true};
	uint8_t octets[REPLY_OCTETS_MAX];

	(void)state;
	assert_true(
	    reply_write(&w.in, &reply, w.hmac, BUILD_NOW, 512, octets) > 0);
	is_failing = true;
	assert_int_equal(
	    reply_write(&w.in, &reply, w.hmac, BUILD_NOW, 512, octets), 0);
	/* The other kinds need none. */
	reply.sign = REPLY_BARE;
	assert_true(
	    reply_write(&w.in, &reply, NULL, BUILD_NOW, 512, octets) > 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_request, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_copy, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_answer, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_reply, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("crypto", tests, NULL, NULL);
}
