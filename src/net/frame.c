/* SPDX-License-Identifier: ISC */
#include "net/frame.h"

#include <sys/socket.h>

#include <errno.h>
#include <string.h>

#include "net/sock.h"

/* Moves what is left to the front, where there is room behind it. */
static void
compact(uint8_t *buf, size_t *start, size_t *end)
{
	if (*start == 0)
		return;
	memmove(buf, buf + *start, *end - *start);
	*end -= *start;
	*start = 0;
}

enum frame_io
frame_fill(struct frame_in *in, int fd)
{
	ssize_t n;

	compact(in->buf, &in->start, &in->end);
	if (in->end == in->cap)
		return FRAME_OK;
	n = recv(fd, in->buf + in->end, in->cap - in->end, 0);
	if (n == 0)
		return FRAME_CLOSED;
	if (n == -1)
		return sock_is_transient(errno) ? FRAME_AGAIN : FRAME_ERROR;
	in->end += (size_t)n;
	return FRAME_OK;
}

const uint8_t *
frame_next(struct frame_in *in, size_t *len)
{
	const uint8_t *frame = in->buf + in->start;
	size_t have = in->end - in->start;

	if (have < FRAME_LEN_OCTETS)
		return NULL;
	*len = (size_t)frame[0] << 8 | frame[1];
	if (have - FRAME_LEN_OCTETS < *len)
		return NULL;
	in->start += FRAME_LEN_OCTETS + *len;
	return frame + FRAME_LEN_OCTETS;
}

bool
frame_is_whole(const struct frame_in *in)
{
	struct frame_in copy = *in;
	size_t len;

	return frame_next(&copy, &len) != NULL;
}

bool
frame_is_partial(const struct frame_in *in)
{
	return in->start != in->end;
}

bool
frame_has_room(const struct frame_out *out, size_t len)
{
	return out->cap - (out->end - out->start) >= len + FRAME_LEN_OCTETS;
}

void
frame_put(struct frame_out *out, const uint8_t *msg, size_t len)
{
	compact(out->buf, &out->start, &out->end);
	out->buf[out->end++] = (uint8_t)(len >> 8);
	out->buf[out->end++] = (uint8_t)len;
	memcpy(out->buf + out->end, msg, len);
	out->end += len;
}

enum frame_io
frame_flush(struct frame_out *out, int fd)
{
	while (out->start < out->end) {
		ssize_t n = send(fd, out->buf + out->start,
		    out->end - out->start, MSG_NOSIGNAL);

		if (n == -1)
			return sock_is_transient(errno) ? FRAME_AGAIN
							: FRAME_ERROR;
		out->start += (size_t)n;
		out->sent += (uint64_t)n;
	}
	return FRAME_OK;
}
