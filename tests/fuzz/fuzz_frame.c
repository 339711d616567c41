/* SPDX-License-Identifier: ISC */
/*
 * F7: eight octets say how the stream is split; then the stream, as runs:
 * 0x80 + n repeats the next octet 512 n times, n copies n octets.
 */
#include <sys/socket.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "net/frame.h"

const char fuzz_what[] = "frame";

#define SPLITS 8
#define STREAM_MAX 140000

struct stream {
	uint8_t octets[STREAM_MAX];
	size_t len;
	size_t taken; /* what frame_next has given, with the lengths */
};

static struct stream stream;

static void
expand(const uint8_t *data, size_t size)
{
	size_t i = 0, n;

	stream.len = stream.taken = 0;
	while (i + 1 < size) {
		bool is_run = (data[i] & 0x80) != 0;

		n = data[i] & 0x7f;
		i++;
		if (!is_run && n > size - i)
			n = size - i;
		n = is_run ? 512 * n : n;
		if (n > STREAM_MAX - stream.len)
			return;
		if (is_run)
			memset(stream.octets + stream.len, data[i], n);
		else
			memcpy(stream.octets + stream.len, data + i, n);
		stream.len += n;
		i += is_run ? 1 : n;
	}
}

/* The next message of the stream, if it has come whole by now. */
static bool
next_is_whole(size_t received)
{
	size_t have = received - stream.taken;

	return have >= 2 && have - 2 >= ref_u16(stream.octets, stream.taken);
}

static void
drain(struct frame_in *in, size_t received)
{
	const uint8_t *msg;
	size_t len;

	while ((msg = frame_next(in, &len)) != NULL) {
		FUZZ_CHECK(next_is_whole(received));
		FUZZ_CHECK(len == ref_u16(stream.octets, stream.taken));
		FUZZ_CHECK(msg >= in->buf && msg + len <= in->buf + in->end);
		FUZZ_CHECK(
		    len == 0 ||
		    memcmp(msg, stream.octets + stream.taken + 2, len) == 0);
		stream.taken += 2 + len;
	}
	FUZZ_CHECK(!next_is_whole(received));
	FUZZ_CHECK(in->start <= in->end && in->end <= in->cap);
	FUZZ_CHECK(in->end - in->start == received - stream.taken);
	FUZZ_CHECK(frame_is_partial(in) == (received != stream.taken));
}

static void
make_pair(int fds[2])
{
	FUZZ_CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	FUZZ_CHECK(fcntl(fds[0], F_SETFL, O_NONBLOCK) == 0);
	FUZZ_CHECK(fcntl(fds[1], F_SETFL, O_NONBLOCK) == 0);
}

static size_t
split_of(const uint8_t splits[SPLITS], size_t i)
{
	size_t v = splits[i % SPLITS];

	v = v < 0xc0 ? v : (v - 0xbf) * 1031;
	/* Tiny pieces of a long stream take too long. */
	return v > 0 && v < stream.len / 32 ? stream.len / 32 : v;
}

/* Sends the stream piece by piece, and takes out what has come. */
static void
try_in(const uint8_t splits[SPLITS])
{
	uint8_t *buf = malloc(FRAME_OCTETS_MAX);
	struct frame_in in = {buf, FRAME_OCTETS_MAX, 0, 0};
	size_t sent = 0, received = 0, before, i;
	enum frame_io io;
	ssize_t n;
	int fds[2];

	make_pair(fds);
	for (i = 0; sent < stream.len; i++) {
		size_t piece = split_of(splits, i);

		/* Eight empty pieces would never end. */
		if (piece == 0 && i % SPLITS == 0)
			piece = 1 + stream.len / 32;
		if (piece > stream.len - sent)
			piece = stream.len - sent;
		n = piece > 0 ? write(fds[1], stream.octets + sent, piece) : 0;
		sent += n > 0 ? (size_t)n : 0;
		do {
			before = in.end - in.start;
			io = frame_fill(&in, fds[0]);
			FUZZ_CHECK(io == FRAME_OK || io == FRAME_AGAIN);
			received += in.end - in.start - before;
			drain(&in, received);
		} while (io == FRAME_OK);
		FUZZ_CHECK(received == sent);
	}
	close(fds[1]);
	FUZZ_CHECK(frame_fill(&in, fds[0]) == FRAME_CLOSED);
	close(fds[0]);
	free(buf);
}

/* Reads what was flushed; it has to be what the stream has there. */
static size_t
read_back(int fd, size_t at, size_t most)
{
	static uint8_t buf[65536];
	ssize_t n = recv(fd, buf, most < sizeof(buf) ? most : sizeof(buf), 0);

	if (n <= 0)
		return 0;
	FUZZ_CHECK(memcmp(buf, stream.octets + at, (size_t)n) == 0);
	return (size_t)n;
}

/* Queues what drain() saw, as much as there is room for at a time. */
static void
try_out(const uint8_t splits[SPLITS])
{
	uint8_t *buf = malloc(FRAME_OCTETS_MAX);
	struct frame_out out = {buf, FRAME_OCTETS_MAX, 0, 0, 0};
	size_t queued = 0, back = 0, len, i;
	int fds[2], small = 4096;

	make_pair(fds);
	setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	for (i = 0; back < stream.taken; i++) {
		while (queued < stream.taken) {
			len = ref_u16(stream.octets, queued);
			if (!frame_has_room(&out, len))
				break;
			frame_put(&out, stream.octets + queued + 2, len);
			queued += 2 + len;
		}
		FUZZ_CHECK(out.end <= out.cap);
		FUZZ_CHECK(frame_flush(&out, fds[1]) ==
			   (out.start < out.end ? FRAME_AGAIN : FRAME_OK));
		FUZZ_CHECK(out.sent + (out.end - out.start) == queued);
		back += read_back(fds[0], back,
		    1 + split_of(splits, i) * 16 + stream.taken / 32);
		FUZZ_CHECK(back <= out.sent);
	}
	close(fds[0]);
	close(fds[1]);
	free(buf);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < SPLITS)
		return 0;
	expand(data + SPLITS, size - SPLITS);
	try_in(data);
	try_out(data);
	return 0;
}
