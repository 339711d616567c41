/* SPDX-License-Identifier: ISC */
/*
 * The least that a multiplexer can cost: the same receives, verifications,
 * signatures and sends, in a row, by the batch, and nothing else. No two
 * batches are in hand at the same time, nothing is parsed, and an answer
 * that does not come ends the program.
 *
 *	floor client-key target-key=address:port ...
 *
 * Prints the port it listens on.
 */
#include <sys/time.h>

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/compat.h"
#include "base/mono.h"
#include "bench.h"
#include "dns/dns.h"
#include "net/sock.h"
#include "signer.h"

#define TARGETS_MAX 32
#define PATIENCE_S 5
#define BUFFER_OCTETS (4 * 1024 * 1024)

struct target {
	int fd;
	struct signer signer;
	struct batch out;
	uint8_t macs[BATCH][SIGNER_MAC_OCTETS];
};

/* in and what belongs to it has gaps where something did not verify. */
struct clients {
	int fd;
	struct signer signer;
	struct batch in;
	struct batch out;
	uint8_t macs[BATCH][SIGNER_MAC_OCTETS];
	uint8_t rcodes[BATCH];
	size_t good[BATCH]; /* which of in */
	size_t ngood;
};

static struct target targets[TARGETS_MAX];
static size_t ntargets;
static struct clients clients;
static struct batch answers;

static int
prepare(int fd)
{
	struct timeval patience = {.tv_sec = PATIENCE_S};
	int size = BUFFER_OCTETS;

	if (fd == -1 || fcntl(fd, F_SETFL, 0) == -1)
		err(1, "socket");
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (setsockopt(
		fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == -1)
		err(1, "SO_RCVTIMEO");
	return fd;
}

static void
receive_updates(uint64_t now_s)
{
	struct clients *c = &clients;
	size_t n = batch_receive(&c->in, c->fd, BATCH, MSG_WAITFORONE), i;

	c->ngood = 0;
	for (i = 0; i < n; i++) {
		if (!signer_verify(&c->signer, batch_at(&c->in, i),
			batch_len(&c->in, i), now_s, NULL, c->macs[i]))
			continue;
		c->rcodes[i] = 0;
		c->good[c->ngood++] = i;
	}
}

/* The copy of the k-th good one has k in the low bits of its ID. */
static void
send_copies(struct target *t, uint16_t id, uint64_t now_s)
{
	struct clients *c = &clients;
	size_t k;

	for (k = 0; k < c->ngood; k++) {
		size_t i = c->good[k];
		uint8_t *copy = batch_at(&t->out, k);
		size_t len = bench_copy(batch_at(&c->in, i),
		    batch_len(&c->in, i) - c->signer.record_len,
		    (uint16_t)(id | k), copy);

		len =
		    signer_sign(&t->signer, copy, len, now_s, NULL, t->macs[k]);
		batch_put(&t->out, k, len, NULL);
	}
	if (batch_send(&t->out, t->fd, c->ngood) != c->ngood)
		err(1, "send");
}

static void
take_answer(struct target *t, size_t at, uint16_t id, uint64_t now_s)
{
	const uint8_t *octets = batch_at(&answers, at);
	size_t k = octets[1] & (BATCH - 1), len = batch_len(&answers, at);
	uint8_t *rcode;

	if ((octets[0] << 8 | octets[1]) != (id | (int)k) ||
	    k >= clients.ngood ||
	    !signer_verify(&t->signer, octets, len, now_s, t->macs[k], NULL))
		errx(1, "an answer that fits nothing");
	rcode = &clients.rcodes[clients.good[k]];
	if ((octets[3] & 0xf) > *rcode)
		*rcode = octets[3] & 0xf;
}

static void
receive_answers(struct target *t, uint16_t id, uint64_t now_s)
{
	size_t have = 0, n, i;

	while (have < clients.ngood) {
		n = batch_receive(
		    &answers, t->fd, clients.ngood - have, MSG_WAITFORONE);
		if (n == 0)
			err(1, "answers of a target");
		for (i = 0; i < n; i++)
			take_answer(t, i, id, now_s);
		have += n;
	}
}

static void
send_answers(uint64_t now_s)
{
	struct clients *c = &clients;
	uint8_t mac[SIGNER_MAC_OCTETS];
	size_t k;

	for (k = 0; k < c->ngood; k++) {
		size_t i = c->good[k], len;
		const uint8_t *request = batch_at(&c->in, i);
		uint8_t *answer = batch_at(&c->out, k);

		len = bench_answer(request,
		    bench_zone_end(request, batch_len(&c->in, i)), c->rcodes[i],
		    answer);
		len = signer_sign(
		    &c->signer, answer, len, now_s, c->macs[i], mac);
		batch_put(&c->out, k, len, &c->in.peers[i]);
	}
	(void)batch_send(&c->out, c->fd, c->ngood);
}

static void
serve(void)
{
	uint16_t id = (uint16_t)arc4random();
	uint64_t now_s;
	size_t i;

	for (;;) {
		receive_updates(wall_s());
		now_s = wall_s();
		id = (uint16_t)((id | (BATCH - 1)) + 1);
		for (i = 0; i < ntargets; i++)
			send_copies(&targets[i], id, now_s);
		for (i = 0; i < ntargets; i++)
			receive_answers(&targets[i], id, now_s);
		send_answers(now_s);
	}
}

static void
add_target(char *text)
{
	struct target *t = &targets[ntargets++];
	struct addr a = bench_key_addr(text);

	if (ntargets > TARGETS_MAX)
		errx(2, "too many targets");
	signer_init(&t->signer, text);
	batch_init(&t->out);
	t->fd = prepare(sock_connect_udp(&a));
}

int
main(int argc, char **argv)
{
	struct addr here;
	int i;

	if (argc < 3)
		errx(2, "usage: floor client-key target-key=address:port ...");
	here = bench_addr("127.0.0.1:0");
	signer_init(&clients.signer, argv[1]);
	batch_init(&clients.in);
	batch_init(&clients.out);
	batch_init(&answers);
	for (i = 2; i < argc; i++)
		add_target(argv[i]);
	clients.fd = prepare(sock_listen_udp(&here, false));
	if (sock_local(clients.fd, &here) == -1)
		err(1, "getsockname");
	printf("%u\n", addr_port(&here));
	fflush(stdout);
	serve();
}
