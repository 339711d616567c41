/* SPDX-License-Identifier: ISC */
/*
 * Sockets: always non-blocking and close-on-exec.
 * Threads: any, one per descriptor.
 * Errors: -1 with errno; nothing is left open then.
 */
#ifndef NET_SOCK_H
#define NET_SOCK_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

/* A UDP listener. is_shared: SO_SPREAD, for one socket per worker. */
int sock_listen_udp(const struct addr *local, bool is_shared);
int sock_listen_tcp(const struct addr *local);
/* The address that a socket is bound to, the kernel's choices filled in. */
int sock_local(int fd, struct addr *out);
/* Connected, with a source port of the kernel's choice. */
int sock_connect_udp(const struct addr *remote);
/* Connecting: writable when done, then sock_error says how it went. */
int sock_connect_tcp(const struct addr *remote);
/* A bound UDP socket, or a listening one of TCP? */
bool sock_is_listener(int fd, bool *is_tcp);
int sock_error(int fd); /* and clears it; 0 if there is none */
int sock_accept(int fd, struct addr *from);
int sock_set_flags(int fd); /* non-blocking, close-on-exec; -1 and closed */
/* Both ends non-blocking and close-on-exec. */
int sock_pipe(int fds[2]);
/* The same, of packets: fds[1] is meant to send, fds[0] to receive. */
int sock_packet_pair(int fds[2]);

/* EAGAIN, EINTR and the like: nothing is wrong, poll again. */
bool sock_is_transient(int error);

#endif
