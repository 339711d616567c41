/* SPDX-License-Identifier: ISC */
/*
 * What ddns-mux makes of messages, without sockets and with a clock of its
 * own, so that others can be asked about the same octets:
 *
 *	judge FILE NOW
 *
 * FILE is a configuration, NOW seconds of Unix time. Standard input holds
 * messages, two octets of length before each. Each gives a line: what it is
 * counted as, the answer in hex ("-" for none), then the targets' copies.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/compat.h"
#include "dns/dns.h"
#include "mux/forward.h"
#include "mux/verify.h"

static struct hmac *client_hmacs[64];
static struct hmac *target_hmacs[CONF_TARGETS_MAX];

static void
complain(void *arg, enum conf_severity severity, const char *file,
    unsigned line, const char *message)
{
	(void)arg;
	if (severity == CONF_ERROR)
		fprintf(stderr, "%s:%u: %s\n", file, line, message);
}

static struct hmac *
make_hmac(const struct conf_tsig *tsig)
{
	struct hmac *h =
	    hmac_new(tsig->alg->hash, tsig->secret, tsig->secret_len);

	if (h == NULL)
		abort();
	return h;
}

static struct conf *
load(const char *file)
{
	struct conf_sink sink = {.complain = complain};
	struct conf *conf = conf_load(file, &sink);
	size_t i;

	if (conf == NULL || conf->nclients > 64)
		exit(1);
	for (i = 0; i < conf->nclients; i++)
		client_hmacs[i] = make_hmac(&conf->clients[i].tsig);
	for (i = 0; i < conf->ntargets; i++)
		target_hmacs[i] = make_hmac(&conf->targets[i].tsig);
	return conf;
}

static void
unload(struct conf *conf)
{
	size_t i;

	for (i = 0; i < conf->nclients; i++)
		hmac_free(client_hmacs[i]);
	for (i = 0; i < conf->ntargets; i++)
		hmac_free(target_hmacs[i]);
	conf_free(conf);
}

static void
put_hex(const uint8_t *octets, size_t len)
{
	size_t i;

	putchar(' ');
	if (len == 0)
		putchar('-');
	for (i = 0; i < len; i++)
		printf("%02x", octets[i]);
}

static void
put_copies(const struct verifier *v, const struct inbound *in)
{
	static uint8_t octets[DNS_MSG_OCTETS_MAX];
	size_t i;

	for (i = 0; i < v->conf->ntargets; i++) {
		struct copy copy = {
		    .id = (uint16_t)~in->msg.id, .time_signed = v->now_s};

		if ((in->targets >> i & 1) != 0)
			put_hex(
			    octets, forward_write(in, &v->conf->targets[i].tsig,
					target_hmacs[i], &copy, octets));
	}
}

static void
judge(const struct verifier *v, const uint8_t *message, size_t len)
{
	struct inbound in = {.octets = message, .len = len};
	uint8_t octets[REPLY_OCTETS_MAX];
	struct reply reply;
	enum counter cause;
	enum verdict verdict;
	struct addr from;
	size_t n = 0;

	addr_parse("127.0.0.1:53", 0, &from);
	verdict = verify_message(v, &from, &in, &reply, &cause);
	if (verdict != VERDICT_DROP)
		n = reply_write(&in, &reply,
		    reply.sign == REPLY_SIGNED ? verify_hmac(v, in.client)
					       : NULL,
		    v->now_s, reply_limit(&in, &reply), octets);
	fputs(stats_name(cause), stdout);
	put_hex(octets, n);
	if (verdict == VERDICT_ACCEPT)
		put_copies(v, &in);
	putchar('\n');
}

int
main(int argc, char **argv)
{
	static uint8_t buf[DNS_MSG_OCTETS_MAX];
	struct verifier v = {.hmacs = client_hmacs};
	struct conf *conf;
	uint8_t size[2];

	if (argc != 3)
		return 1;
	v.conf = conf = load(argv[1]);
	v.now_s = strtoumax(argv[2], NULL, 10);
	while (fread(size, 1, 2, stdin) == 2) {
		size_t len = (size_t)size[0] << 8 | size[1];
		/* Of its own size, for sanitizers. */
		uint8_t *message = malloc(len > 0 ? len : 1);

		if (message == NULL || fread(buf, 1, len, stdin) != len)
			abort();
		memcpy(message, buf, len);
		judge(&v, message, len);
		free(message);
	}
	unload(conf);
	return 0;
}
