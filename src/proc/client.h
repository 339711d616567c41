/* SPDX-License-Identifier: ISC */
/*
 * Clients' TCP connections: a fixed number of them, each with a bounded
 * number of updates in hand and of octets not yet read by the client.
 * Threads: the worker's main thread.
 * RFC 7766 6.2, 9210 4.2.
 */
#ifndef PROC_CLIENT_H
#define PROC_CLIENT_H

#include <poll.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proc/worker.h"

bool client_init(struct worker *w);
void client_free(struct worker *w);

/* Some of the connections that wait on this listener; not to be called
 * before client_accept_after_us. */
uint64_t client_accept_after_us(const struct worker *w);
void client_accept(struct worker *w, int listen_fd);

/* Fills at most conf->tcp_clients entries; returns how many. */
size_t client_poll(struct worker *w, struct pollfd *pfd);
/* The same entries, with what poll found. */
void client_ready(struct worker *w, const struct pollfd *pfd, size_t n);
/* Takes what is whole, some of each connection; closes who is out of time,
 * when draining also who has all answers to what it had sent. */
void client_tick(struct worker *w);
uint64_t client_next_deadline_us(const struct worker *w);
size_t client_count(const struct worker *w);

/* An update of this connection was accepted; it was answered, or will
 * get no answer. route may outlive the connection. */
void client_holds(const struct route *route);
void client_settled(struct worker *w, const struct route *route);
/* Sent by client_flush, or by client_tick at the latest. */
void client_answer(struct worker *w, const struct route *route,
    const uint8_t *octets, size_t len);
void client_flush(struct worker *w, const struct route *route);

#endif
