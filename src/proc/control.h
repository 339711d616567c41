/* SPDX-License-Identifier: ISC */
/*
 * The control socket: requests of a fixed size, one a connection, and
 * answers that end with the connection. What requests mean is command.c's.
 * A request is a line of words, filled up with NULs to
 * CONTROL_REQUEST_OCTETS. An answer is a line with the exit status for
 * ddns-muxctl, then text.
 * Owner: the parent. Threads: it has only one.
 * Errors: a peer that sends anything else, or reads nothing, is cut off.
 */
#ifndef PROC_CONTROL_H
#define PROC_CONTROL_H

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONTROL_REQUEST_OCTETS 512
#define CONTROL_PEERS_MAX 8
#define CONTROL_PFDS_MAX (1 + CONTROL_PEERS_MAX)

enum peer_state {
	PEER_READING, /* its request */
	PEER_WAITING, /* for something to happen */
	PEER_WATCHING, /* gets a line for each update */
	PEER_SUCCEEDING, /* takes over, and will say when */
	PEER_WRITING /* the rest of its answer; then it is closed */
};

struct peer {
	int fd; /* -1: unused */
	enum peer_state state;
	uid_t uid;
	uint64_t until_us;
	char request[CONTROL_REQUEST_OCTETS];
	size_t nread;
	char *out; /* malloc'ed */
	size_t len;
	size_t sent;
	unsigned waits_for; /* command.c's, as number and is_json */
	uint64_t number;
	bool is_json;
};

struct control {
	int fd; /* -1: there is no socket */
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	uid_t owner;
	uint64_t accept_after_us; /* 0: at once */
	size_t polled[CONTROL_PEERS_MAX];
	struct peer peers[CONTROL_PEERS_MAX];
};

struct control_setup {
	const char *path; /* "": none */
	bool is_wanted; /* an error if it can't be made */
	const char *user; /* "": who starts us, or becomes of us */
	const char *group; /* "": the same */
	const char *service_user;
	bool is_taken; /* control_take follows, of the socket that is there */
};

void control_init(struct control *c);
/* Makes the socket, mode 0660, and its directory if that is missing; to be
 * called while still root, and with the lock of the pid file held. false
 * after a line in the log. */
bool control_open(struct control *c, const struct control_setup *setup);
void control_close(struct control *c);
/* The socket itself, of the daemon that was there before. */
void control_take(struct control *c, int fd);
/* Another daemon has it now: it is not removed. */
void control_leave(struct control *c);

/* Fills up to CONTROL_PFDS_MAX entries; how many. */
size_t control_poll(struct control *c, struct pollfd *pfd);
/* handle: called with each request that is whole, and with NULL when one who
 * succeeds says so. */
void control_ready(struct control *c, const struct pollfd *pfd, size_t n,
    void (*handle)(void *arg, struct peer *peer, char *request), void *arg);
/* Cuts off who is out of time; when is the next one? */
uint64_t control_tick(struct control *c);

/* Root, the service user and the socket's owner change things; whom else
 * the group lets in, looks. */
bool control_may_change(const struct control *c, const struct peer *peer);

/* Its answer. text is copied. */
void control_answer(struct peer *peer, int status, const char *text);
/* One that is malloc'ed, and taken over; NULL: no memory. */
void control_answer_with(struct peer *peer, int status, char *text);
/* It waits, until then. */
void control_wait(
    struct peer *peer, unsigned what, uint64_t number, uint64_t until_us);
/* It watches from now on. */
void control_watch(struct peer *peer);
/* It has the listening sockets, and will say when it is ready. */
void control_await_successor(struct peer *peer);
bool control_is_watched(const struct control *c);
/* A line, without its newline, to one that watches; who does not keep up
 * loses lines. */
void control_line(struct peer *peer, const char *text);

#endif
