/* SPDX-License-Identifier: ISC */
/*
 * Descriptors that go from one process to another over a local socket.
 * Threads: any, one per socket.
 */
#ifndef NET_FDS_H
#define NET_FDS_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>

#define FDS_MAX 64 /* in one message: as many as a listener has */

/* All of it, or false with errno. */
bool fds_send(
    int sock, const void *octets, size_t len, const int *fds, size_t nfds);
/* As recv; what came along is close-on-exec, and the caller's to close. */
ssize_t fds_receive(
    int sock, void *octets, size_t cap, int fds[FDS_MAX], size_t *nfds);

#endif
