/* SPDX-License-Identifier: ISC */
/*
 * Targets that take every update, as fast as can be or as slowly as asked:
 *
 *	sink key[,bits=FILE][,delay_us=N][,exp_us=N][,mute=1][,loss_ppm=N]
 *	    [,rcode=N,rcode_ppm=N] ...
 *
 * Each listens on a port of its own, UDP and TCP, and these are printed.
 * Answers are held back by delay_us, or by an exponential time with mean
 * exp_us; of a million, loss_ppm are not sent (as if the update had never
 * come), and rcode_ppm have that RCODE. With SIGTERM it prints what each has
 * had, and ends.
 */
#include "sink.h"

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/compat.h"
#include "net/sock.h"

#define BUFFER_OCTETS (4 * 1024 * 1024)
#define PORT_TRIES 100

static struct sink_target targets[SINK_TARGETS_MAX];
static size_t ntargets;
static struct sink_conn conns[SINK_CONNS_MAX];
static size_t nconns;
static struct batch in, out;
static volatile sig_atomic_t is_over;

static void
on_signal(int signo)
{
	(void)signo;
	is_over = 1;
}

static void
close_conn(struct sink_conn *c)
{
	close(c->fd);
	c->fd = -1;
	c->generation++;
	c->in.start = c->in.end = c->out.start = c->out.end = 0;
}

static void
accept_conn(struct sink_target *t)
{
	struct sink_conn *c = conns;
	struct addr from;
	int fd = sock_accept(t->tcp, &from);

	if (fd == -1)
		return;
	while (c < conns + nconns && c->fd != -1)
		c++;
	if (c == conns + SINK_CONNS_MAX)
		errx(1, "too many connections");
	if (c == conns + nconns) {
		nconns++;
		c->in.cap = FRAME_OCTETS_MAX;
		c->out.cap = 16 * FRAME_OCTETS_MAX;
		c->in.buf = malloc(c->in.cap);
		c->out.buf = malloc(c->out.cap);
		if (c->in.buf == NULL || c->out.buf == NULL)
			err(1, "no memory");
	}
	c->fd = fd;
	c->target = t;
}

/* A client that does not read has to ask again. */
static void
put_frame(struct sink_conn *c, const uint8_t *octets, size_t len)
{
	if (frame_has_room(&c->out, len))
		frame_put(&c->out, octets, len);
}

static void
wait_with(const struct sink_way *way, uint64_t due_ns, const uint8_t *octets,
    size_t len)
{
	struct sink_answer a = {.due_ns = due_ns, .way = *way, .len = len};

	memcpy(a.octets, octets, len);
	sink_wait_put(&a);
}

static void
serve_udp(struct sink_target *t)
{
	size_t n, i;

	do {
		size_t ready = 0;

		n = batch_receive(&in, t->udp, BATCH, 0);
		for (i = 0; i < n; i++) {
			struct sink_way way = {
			    .target = t, .peer = in.peers[i]};
			uint8_t *answer = batch_at(&out, ready);
			uint64_t due = 0;
			size_t len = sink_judge(t, batch_at(&in, i),
			    batch_len(&in, i), answer, &due);

			if (len > 0 && due == 0)
				batch_put(&out, ready++, len, &way.peer);
			else if (len > 0)
				wait_with(&way, due, answer, len);
		}
		(void)batch_send(&out, t->udp, ready);
	} while (n == BATCH);
}

static void
serve_conn(struct sink_conn *c)
{
	struct sink_way way = {
	    .target = c->target, .conn = c, .generation = c->generation};
	enum frame_io io = frame_fill(&c->in, c->fd);
	uint8_t answer[ANSWER_MAX];
	const uint8_t *octets;
	size_t len;

	while ((octets = frame_next(&c->in, &len)) != NULL) {
		uint64_t due = 0;

		len = sink_judge(c->target, octets, len, answer, &due);
		if (len > 0 && due == 0)
			put_frame(c, answer, len);
		else if (len > 0)
			wait_with(&way, due, answer, len);
	}
	if (io == FRAME_CLOSED || io == FRAME_ERROR ||
	    frame_flush(&c->out, c->fd) == FRAME_ERROR)
		close_conn(c);
}

static void
send_due(void)
{
	uint64_t now = bench_ns();
	const struct sink_answer *a;

	while ((a = sink_wait_take(now)) != NULL) {
		struct sink_conn *c = a->way.conn;

		if (c == NULL) {
			(void)sendto(a->way.target->udp, a->octets, a->len,
			    MSG_NOSIGNAL, &a->way.peer.sa,
			    addr_len(&a->way.peer));
		} else if (c->generation == a->way.generation) {
			put_frame(c, a->octets, a->len);
			if (frame_flush(&c->out, c->fd) == FRAME_ERROR)
				close_conn(c);
		}
	}
}

static size_t
list(struct pollfd *pfd)
{
	size_t i, n = 0;

	for (i = 0; i < ntargets; i++) {
		pfd[n++] =
		    (struct pollfd){.fd = targets[i].udp, .events = POLLIN};
		pfd[n++] =
		    (struct pollfd){.fd = targets[i].tcp, .events = POLLIN};
	}
	for (i = 0; i < nconns; i++) {
		short events = conns[i].out.start < conns[i].out.end
				   ? POLLIN | POLLOUT
				   : POLLIN;

		pfd[n++] = (struct pollfd){.fd = conns[i].fd, .events = events};
	}
	return n;
}

static void
wait_for_events(struct pollfd *pfd, size_t n, const sigset_t *mask)
{
	uint64_t due = sink_wait_due_ns(), now;
	struct timespec ts = {.tv_sec = 3600};

	if (due != UINT64_MAX) {
		now = bench_ns();
		due = due > now ? due - now : 0;
		ts.tv_sec = (time_t)(due / NS_PER_S);
		ts.tv_nsec = (long)(due % NS_PER_S);
	}
	if (ppoll(pfd, n, &ts, mask) == -1 && errno != EINTR)
		err(1, "ppoll");
}

static void
serve(const sigset_t *mask)
{
	struct pollfd pfd[2 * SINK_TARGETS_MAX + SINK_CONNS_MAX];
	size_t i, n;

	while (!is_over) {
		n = list(pfd);
		wait_for_events(pfd, n, mask);
		for (i = 2 * ntargets; i < n; i++) {
			if (pfd[i].fd != -1 && pfd[i].revents != 0)
				serve_conn(&conns[i - 2 * ntargets]);
		}
		for (i = 0; i < ntargets; i++) {
			if (pfd[2 * i].revents != 0)
				serve_udp(&targets[i]);
			if (pfd[2 * i + 1].revents != 0)
				accept_conn(&targets[i]);
		}
		send_due();
	}
}

/* The same port for both. */
static void
listen_both(struct sink_target *t)
{
	int tries = PORT_TRIES, size = BUFFER_OCTETS;
	struct addr here = bench_addr("127.0.0.1:1");

	for (;;) {
		addr_set_port(&here, 0);
		t->udp = sock_listen_udp(&here, false);
		if (t->udp == -1 || sock_local(t->udp, &here) == -1)
			err(1, "no UDP listener");
		t->tcp = sock_listen_tcp(&here);
		if (t->tcp != -1)
			break;
		close(t->udp);
		if (--tries == 0)
			err(1, "no TCP listener");
	}
	(void)setsockopt(t->udp, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	printf(
	    "%u%c", addr_port(&here), t == &targets[ntargets - 1] ? '\n' : ' ');
}

int
main(int argc, char **argv)
{
	struct sigaction act = {.sa_handler = on_signal};
	sigset_t term, before;
	size_t i;

	ntargets = (size_t)argc - 1;
	if (ntargets == 0 || ntargets > SINK_TARGETS_MAX)
		errx(2, "usage: sink key[,option=value ...] ...");
	/* Only while it polls. */
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &term, &before) == -1 ||
	    sigaction(SIGTERM, &act, NULL) == -1)
		err(1, "SIGTERM");
	bench_punctual();
	batch_init(&in);
	batch_init(&out);
	for (i = 0; i < ntargets; i++) {
		sink_target_init(&targets[i], argv[i + 1]);
		listen_both(&targets[i]);
	}
	fflush(stdout);
	serve(&before);
	printf("[");
	for (i = 0; i < ntargets; i++)
		sink_target_print(&targets[i], i + 1 == ntargets);
	return 0;
}
