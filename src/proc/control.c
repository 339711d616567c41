/* SPDX-License-Identifier: ISC */
#include "proc/control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/log.h"
#include "base/mono.h"
#include "net/sock.h"

#define PATIENCE_US 5000000 /* for a request, and for reading its answer */
#define SUCCESSION_US 60000000 /* longer than a daemon tries to start */
#define PAUSE_US 100000 /* out of descriptors */
#define HEAD_OCTETS 16

void
control_init(struct control *c)
{
	size_t i;

	memset(c, 0, sizeof(*c));
	c->fd = -1;
	for (i = 0; i < CONTROL_PEERS_MAX; i++)
		c->peers[i].fd = -1;
}

static void
close_peer(struct peer *peer)
{
	close(peer->fd);
	peer->fd = -1;
	free(peer->out);
	peer->out = NULL;
}

void
control_close(struct control *c)
{
	size_t i;

	for (i = 0; i < CONTROL_PEERS_MAX; i++) {
		if (c->peers[i].fd != -1)
			close_peer(&c->peers[i]);
	}
	if (c->fd == -1)
		return;
	/* Where its directory is not ours it stays, and is found stale. */
	if (c->path[0] != '\0')
		(void)unlink(c->path);
	close(c->fd);
	c->fd = -1;
}

void
control_take(struct control *c, int fd)
{
	c->fd = fd;
}

void
control_leave(struct control *c)
{
	c->path[0] = '\0';
	control_close(c);
}

static struct peer *
find_place(struct control *c)
{
	size_t i;

	for (i = 0; i < CONTROL_PEERS_MAX; i++) {
		if (c->peers[i].fd == -1)
			return &c->peers[i];
	}
	return NULL;
}

/* Poll would call again at once and for ever. */
static void
pause_if_short(struct control *c, int error)
{
	if (error == EMFILE || error == ENFILE || error == ENOMEM ||
	    error == ENOBUFS)
		c->accept_after_us = mono_us() + PAUSE_US;
}

static void
accept_peers(struct control *c)
{
	struct peer *peer;
	gid_t gid;
	int fd;

	while ((peer = find_place(c)) != NULL) {
		fd = accept(c->fd, NULL, NULL);
		if (fd == -1) {
			pause_if_short(c, errno);
			return;
		}
		if (sock_set_flags(fd) == -1)
			continue;
		memset(peer, 0, sizeof(*peer));
		peer->fd = fd;
		peer->until_us = mono_us() + PATIENCE_US;
		if (getpeereid(fd, &peer->uid, &gid) == -1)
			close_peer(peer);
	}
}

static void
flush(struct peer *peer)
{
	ssize_t n;

	while (peer->sent < peer->len) {
		n = send(peer->fd, peer->out + peer->sent,
		    peer->len - peer->sent, MSG_NOSIGNAL);
		if (n == -1 && sock_is_transient(errno))
			return;
		if (n <= 0) {
			close_peer(peer);
			return;
		}
		peer->sent += (size_t)n;
		peer->until_us = mono_us() + PATIENCE_US;
	}
	if (peer->state == PEER_WRITING)
		close_peer(peer);
}

/* What is behind a whole request: the end, or nothing yet. */
static void
receive(struct peer *peer,
    void (*handle)(void *arg, struct peer *peer, char *request), void *arg)
{
	char *end = peer->request + peer->nread;
	ssize_t n = recv(peer->fd, end, sizeof(peer->request) - peer->nread, 0);

	if (n == -1 && sock_is_transient(errno))
		return;
	if (n <= 0) {
		close_peer(peer);
		return;
	}
	peer->nread += (size_t)n;
	if (peer->nread < sizeof(peer->request))
		return;
	if (peer->request[sizeof(peer->request) - 1] != '\0')
		control_answer(peer, 3, "not a request\n");
	else
		handle(arg, peer, peer->request);
}

bool
control_may_change(const struct control *c, const struct peer *peer)
{
	return peer->uid == 0 || peer->uid == geteuid() ||
	       peer->uid == c->owner;
}

/* One that only waits or watches has nothing to say but its end. */
static void
notice_end(struct peer *peer)
{
	char octet;
	ssize_t n = recv(peer->fd, &octet, 1, 0);

	if (n >= 0 || !sock_is_transient(errno))
		close_peer(peer);
}

static void
hear_successor(struct peer *peer,
    void (*handle)(void *arg, struct peer *peer, char *request), void *arg)
{
	char octet;
	ssize_t n = recv(peer->fd, &octet, 1, 0);

	if (n == 1) {
		handle(arg, peer, NULL);
	} else if (n == 0 || !sock_is_transient(errno)) {
		log_note("who was to take over has not started");
		close_peer(peer);
	}
}

size_t
control_poll(struct control *c, struct pollfd *pfd)
{
	size_t i, n = 0;

	if (c->fd == -1)
		return 0;
	for (i = 0; i < CONTROL_PEERS_MAX; i++) {
		const struct peer *peer = &c->peers[i];

		if (peer->fd == -1)
			continue;
		c->polled[n++] = i;
		pfd[n] = (struct pollfd){.fd = peer->fd,
		    .events = peer->sent < peer->len ? POLLOUT : POLLIN};
	}
	/* Those who wait in the queue are let in as places become free. */
	pfd[0] = (struct pollfd){
	    .fd = n < CONTROL_PEERS_MAX && c->accept_after_us == 0 ? c->fd : -1,
	    .events = POLLIN};
	return 1 + n;
}

void
control_ready(struct control *c, const struct pollfd *pfd, size_t n,
    void (*handle)(void *arg, struct peer *peer, char *request), void *arg)
{
	size_t i;

	for (i = 1; i < n; i++) {
		struct peer *peer = &c->peers[c->polled[i - 1]];

		/* Closed since then. */
		if (pfd[i].revents == 0 || peer->fd != pfd[i].fd)
			continue;
		if (peer->sent < peer->len)
			flush(peer);
		else if (peer->state == PEER_READING)
			receive(peer, handle, arg);
		else if (peer->state == PEER_SUCCEEDING)
			hear_successor(peer, handle, arg);
		else
			notice_end(peer);
	}
	if (n > 0 && pfd[0].revents != 0 && c->fd != -1)
		accept_peers(c);
}

uint64_t
control_tick(struct control *c)
{
	uint64_t now = mono_us(), due = UINT64_MAX;
	size_t i;

	if (now >= c->accept_after_us)
		c->accept_after_us = 0;
	else
		due = c->accept_after_us;
	for (i = 0; i < CONTROL_PEERS_MAX; i++) {
		struct peer *peer = &c->peers[i];

		if (peer->fd == -1 ||
		    (peer->state == PEER_WATCHING && peer->sent == peer->len))
			continue;
		if (now < peer->until_us)
			due = peer->until_us < due ? peer->until_us : due;
		else if (peer->state == PEER_WAITING)
			control_answer(peer, 3, "no answer in time\n");
		else
			close_peer(peer);
	}
	return due;
}

/* Answers */

static void
write_out(struct peer *peer, char *out, size_t len, enum peer_state state)
{
	free(peer->out);
	peer->out = out;
	peer->len = len;
	peer->sent = 0;
	peer->state = state;
	peer->until_us = mono_us() + PATIENCE_US;
	flush(peer);
}

void
control_answer(struct peer *peer, int status, const char *text)
{
	size_t size = HEAD_OCTETS + strlen(text) + 1;
	char *out = malloc(size);

	if (out == NULL)
		close_peer(peer);
	else
		write_out(peer, out,
		    (size_t)snprintf(out, size, "%d\n%s", status, text),
		    PEER_WRITING);
}

void
control_answer_with(struct peer *peer, int status, char *text)
{
	control_answer(peer, text != NULL ? status : 3,
	    text != NULL ? text : "no memory\n");
	free(text);
}

void
control_wait(
    struct peer *peer, unsigned what, uint64_t number, uint64_t until_us)
{
	peer->state = PEER_WAITING;
	peer->waits_for = what;
	peer->number = number;
	peer->until_us = until_us;
}

void
control_await_successor(struct peer *peer)
{
	peer->state = PEER_SUCCEEDING;
	peer->until_us = mono_us() + SUCCESSION_US;
}

void
control_watch(struct peer *peer)
{
	char *head = strdup("0\n");

	if (head == NULL)
		close_peer(peer);
	else
		write_out(peer, head, 2, PEER_WATCHING);
}

bool
control_is_watched(const struct control *c)
{
	size_t i;

	for (i = 0; i < CONTROL_PEERS_MAX; i++) {
		if (c->peers[i].fd != -1 && c->peers[i].state == PEER_WATCHING)
			return true;
	}
	return false;
}

void
control_line(struct peer *peer, const char *text)
{
	size_t size = strlen(text) + 2;
	char *out;

	if (peer->sent < peer->len || (out = malloc(size)) == NULL)
		return;
	snprintf(out, size, "%s\n", text);
	write_out(peer, out, size - 1, PEER_WATCHING);
}
