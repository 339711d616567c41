/* SPDX-License-Identifier: ISC */
/*
 * Clients by UDP: what they send, and what they are answered.
 * Owner: the worker. Threads: its main thread.
 * Errors: a client that gets nothing asks again, so none of them matters but
 *   to the statistics.
 */
#ifndef PROC_CLIENT_UDP_H
#define PROC_CLIENT_UDP_H

#include "proc/worker.h"

bool client_udp_init(struct worker *w); /* false without memory */
void client_udp_free(struct worker *w);

/* Dispatches what has come in, some of it if it is much. */
void client_udp_receive(struct worker *w, int fd);

/* Where an answer of REPLY_OCTETS_MAX at the most is to be written, */
uint8_t *client_udp_room(struct worker *w, const struct route *route);
/* and its length afterwards: client_udp_flush sends it at the latest. */
void client_udp_answer(struct worker *w, const struct route *route, size_t len);
void client_udp_flush(struct worker *w);

#endif
