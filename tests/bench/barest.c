/* SPDX-License-Identifier: ISC */
/*
 * The barest multiplexer that is one: what comes is forwarded at once, what
 * is answered by all is answered, however many are in hand. One thread, one
 * poll; no clock, no log, no checks, no second try: what is lost is lost.
 *
 *	barest client-key target-key=address:port ...
 *
 * Prints the port it listens on.
 */
#include <sys/socket.h>

#include <err.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/compat.h"
#include "base/mono.h"
#include "bench.h"
#include "net/sock.h"
#include "signer.h"

#define TARGETS_MAX 32
#define IDS 65536 /* one for each update, with all targets */

struct update {
	bool is_open;
	uint8_t head[BENCH_HEAD_OCTETS]; /* header and zone section */
	size_t head_len;
	struct addr from;
	unsigned to_come;
	unsigned rcode;
	uint8_t mac[SIGNER_MAC_OCTETS];
};

struct target {
	int fd;
	struct signer signer;
	struct batch out;
	uint8_t (*macs)[SIGNER_MAC_OCTETS]; /* by ID */
};

static struct target targets[TARGETS_MAX];
static size_t ntargets;
static struct update updates[IDS];
static uint16_t last_id;
static struct signer client;
static int listener;
static struct batch in, out;
static size_t nout;

static void
send_answers(void)
{
	(void)batch_send(&out, listener, nout);
	nout = 0;
}

static void
answer(struct update *u)
{
	uint8_t *octets = batch_at(&out, nout), mac[SIGNER_MAC_OCTETS];
	size_t len = bench_answer(u->head, u->head_len, u->rcode, octets);

	len = signer_sign(&client, octets, len, wall_s(), u->mac, mac);
	batch_put(&out, nout++, len, &u->from);
	u->is_open = false;
	if (nout == BATCH)
		send_answers();
}

/* false: it is not ours, or as many are open as there are IDs. */
static bool
begin(size_t i, struct update *u)
{
	const uint8_t *octets = batch_at(&in, i);
	size_t len = batch_len(&in, i);

	u->head_len = bench_zone_end(octets, len);
	if (u->is_open || u->head_len == 0 ||
	    !signer_verify(&client, octets, len, wall_s(), NULL, u->mac))
		return false;
	u->is_open = true;
	memcpy(u->head, octets, u->head_len);
	u->from = in.peers[i];
	u->to_come = (unsigned)ntargets;
	u->rcode = 0;
	return true;
}

static void
forward(struct target *t, size_t i, uint16_t id, size_t n)
{
	uint8_t *copy = batch_at(&t->out, n);
	size_t len = bench_copy(
	    batch_at(&in, i), batch_len(&in, i) - client.record_len, id, copy);

	len = signer_sign(&t->signer, copy, len, wall_s(), NULL, t->macs[id]);
	batch_put(&t->out, n, len, NULL);
}

static void
take_updates(void)
{
	size_t n = batch_receive(&in, listener, BATCH, MSG_DONTWAIT);
	size_t i, k, ngood = 0;

	for (i = 0; i < n; i++) {
		if (!begin(i, &updates[(uint16_t)(last_id + 1)]))
			continue;
		last_id++;
		for (k = 0; k < ntargets; k++)
			forward(&targets[k], i, last_id, ngood);
		ngood++;
	}
	for (k = 0; k < ntargets; k++)
		(void)batch_send(&targets[k].out, targets[k].fd, ngood);
}

static void
take_answers(struct target *t)
{
	size_t n = batch_receive(&in, t->fd, BATCH, MSG_DONTWAIT), i;

	for (i = 0; i < n; i++) {
		const uint8_t *octets = batch_at(&in, i);
		uint16_t id = (uint16_t)(octets[0] << 8 | octets[1]);
		struct update *u = &updates[id];

		if (!u->is_open ||
		    !signer_verify(&t->signer, octets, batch_len(&in, i),
			wall_s(), t->macs[id], NULL))
			continue;
		if ((octets[3] & 0xfu) > u->rcode)
			u->rcode = octets[3] & 0xf;
		if (--u->to_come == 0)
			answer(u);
	}
}

static void
serve(void)
{
	struct pollfd pfd[1 + TARGETS_MAX];
	size_t i;

	pfd[0] = (struct pollfd){.fd = listener, .events = POLLIN};
	for (i = 0; i < ntargets; i++)
		pfd[1 + i] =
		    (struct pollfd){.fd = targets[i].fd, .events = POLLIN};
	for (;;) {
		(void)poll(pfd, 1 + ntargets, -1);
		if (pfd[0].revents != 0)
			take_updates();
		for (i = 0; i < ntargets; i++) {
			if (pfd[1 + i].revents != 0)
				take_answers(&targets[i]);
		}
		send_answers();
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
	t->macs = calloc(IDS, sizeof(*t->macs));
	t->fd = sock_connect_udp(&a);
	if (t->macs == NULL || t->fd == -1)
		err(1, "%s", text);
}

int
main(int argc, char **argv)
{
	struct addr here;
	int i;

	if (argc < 3)
		errx(2, "usage: barest client-key target-key=address:port ...");
	here = bench_addr("127.0.0.1:0");
	signer_init(&client, argv[1]);
	batch_init(&in);
	batch_init(&out);
	for (i = 2; i < argc; i++)
		add_target(argv[i]);
	listener = sock_listen_udp(&here, false);
	if (listener == -1 || sock_local(listener, &here) == -1)
		err(1, "listener");
	printf("%u\n", addr_port(&here));
	fflush(stdout);
	serve();
}
