/* SPDX-License-Identifier: ISC */
/*
 * DNS messages on a TCP stream: two octets of length, then the message
 * (RFC 1035 4.2.2). Bytes only, in buffers of a fixed size.
 * Owner: the caller gives and keeps the memory. Threads: one per stream.
 * Errors: enum frame_io.
 */
#ifndef NET_FRAME_H
#define NET_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_LEN_OCTETS 2
#define FRAME_OCTETS_MAX (FRAME_LEN_OCTETS + 65535)

enum frame_io {
	FRAME_OK, /* something moved, or there was nothing to do */
	FRAME_AGAIN, /* poll first */
	FRAME_CLOSED, /* end of file from the peer */
	FRAME_ERROR /* errno says which */
};

/* Received octets that no message has been made of yet are
 * buf[start, end). cap is at least FRAME_OCTETS_MAX. */
struct frame_in {
	uint8_t *buf;
	size_t cap;
	size_t start;
	size_t end;
};

/* Octets still to be sent are buf[start, end). */
struct frame_out {
	uint8_t *buf;
	size_t cap;
	size_t start;
	size_t end;
	uint64_t sent; /* octets since the stream began */
};

/* Reads once. What frame_next gave before is overwritten. */
enum frame_io frame_fill(struct frame_in *in, int fd);
/* The next whole message, or NULL. */
const uint8_t *frame_next(struct frame_in *in, size_t *len);
/* Is there one? */
bool frame_is_whole(const struct frame_in *in);
/* Is there anything, be it a part of one? */
bool frame_is_partial(const struct frame_in *in);

/* Room for a message of len octets, behind what is queued? */
bool frame_has_room(const struct frame_out *out, size_t len);
/* Queues it; there has to be room. */
void frame_put(struct frame_out *out, const uint8_t *msg, size_t len);
/* FRAME_OK once all is sent. */
enum frame_io frame_flush(struct frame_out *out, int fd);

#endif
