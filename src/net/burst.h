/* SPDX-License-Identifier: ISC */
/*
 * Datagrams, as many at a time as the system takes with one call:
 * burst_linux.c BURST_MAX, burst_one.c one.
 * Owner: the caller; the structs are large, and their memory is touched only
 * as far as it is used.
 * Threads: any, one per struct.
 * Errors: -1 with errno.
 */
#ifndef NET_BURST_H
#define NET_BURST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

#define BURST_MAX 32
#define BURST_ITEM_OCTETS 65535
/* Room for BURST_MAX of the usual size, or for one of any. */
#define BURST_OUT_OCTETS (2 * BURST_ITEM_OCTETS)

/* On a socket that is not connected. */
struct burst_peer {
	struct addr remote;
	struct addr local; /* on a wildcard; AF_UNSPEC elsewhere */
};

struct burst_in {
	size_t lens[BURST_MAX];
	uint8_t octets[BURST_MAX][BURST_ITEM_OCTETS + 1];
};

/* Those to be sent follow each other in octets. */
struct burst_out {
	size_t count;
	size_t used; /* octets */
	size_t lens[BURST_MAX];
	bool is_segmenting_refused; /* by the system, once */
	uint8_t octets[BURST_OUT_OCTETS];
};

/* How many this system takes at once: BURST_MAX or 1. */
extern const size_t burst_max;

/* Takes in what there is, never waiting; returns how many, at least one.
 * Fewer than burst_max: there is no more. peers: NULL, or BURST_MAX. */
int burst_receive(int fd, struct burst_in *b, struct burst_peer *peers);

/* Where the next one goes, of BURST_ITEM_OCTETS at the most; NULL: send
 * first. */
uint8_t *burst_room(struct burst_out *b);
/* It has been written there. */
void burst_add(struct burst_out *b, size_t len);
void burst_clear(struct burst_out *b);
/* Sends those from the given one on; returns how many were taken, at least
 * one. -1: the given one was not. peers: NULL, or one for each. */
int burst_send(
    int fd, struct burst_out *b, size_t from, const struct burst_peer *peers);

#endif
