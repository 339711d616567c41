/* SPDX-License-Identifier: ISC */
/* Messages on a stream, however it is cut, and however full it gets. */
#include "net/frame.h"

#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "hex.h"

static const size_t lengths[] = {5, 0, 1, 300, 12, 255, 256, 0, 2};

#define NMESSAGES NELEM(lengths)

struct stream {
	int fds[2]; /* the peer has fds[1] */
	struct frame_in in;
	struct frame_out out;
};

/* Octets that tell where they stand in which message. */
static void
fill_message(uint8_t *octets, size_t len, size_t which)
{
	size_t i;

	for (i = 0; i < len; i++)
		octets[i] = (uint8_t)(i + i / 251 + 7 * which);
}

static size_t
put_frame(uint8_t *octets, size_t len, size_t which)
{
	octets[0] = (uint8_t)(len >> 8);
	octets[1] = (uint8_t)len;
	fill_message(octets + FRAME_LEN_OCTETS, len, which);
	return FRAME_LEN_OCTETS + len;
}

static size_t
whole_stream(uint8_t *octets)
{
	size_t i, len = 0;

	for (i = 0; i < NMESSAGES; i++)
		len += put_frame(octets + len, lengths[i], i);
	return len;
}

static void
open_stream(struct stream *s, size_t out_cap)
{
	int i;

	memset(s, 0, sizeof(*s));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, s->fds), 0);
	for (i = 0; i < 2; i++)
		assert_int_equal(fcntl(s->fds[i], F_SETFL, O_NONBLOCK), 0);
	s->in.cap = FRAME_OCTETS_MAX;
	s->in.buf = malloc(s->in.cap);
	s->out.cap = out_cap;
	s->out.buf = malloc(out_cap);
	assert_true(s->in.buf != NULL && s->out.buf != NULL);
}

static void
close_stream(struct stream *s)
{
	close(s->fds[0]);
	if (s->fds[1] != -1)
		close(s->fds[1]);
	free(s->in.buf);
	free(s->out.buf);
}

static void
peer_sends(struct stream *s, const uint8_t *octets, size_t len)
{
	assert_int_equal(send(s->fds[1], octets, len, 0), (ssize_t)len);
}

/* Takes what is there; gives how many messages there were in all. */
static size_t
take_messages(const char *row, struct stream *s, size_t seen)
{
	uint8_t want[512];
	const uint8_t *msg;
	size_t len;

	while ((msg = frame_next(&s->in, &len)) != NULL) {
		check_row(row, seen < NMESSAGES);
		fill_message(want, lengths[seen], seen);
		check_row_octets(row, msg, len, want, lengths[seen]);
		seen++;
	}
	return seen;
}

/* How many messages are whole in the first len octets. */
static size_t
whole_in(size_t len)
{
	size_t i, at = 0;

	for (i = 0; i < NMESSAGES; i++) {
		at += FRAME_LEN_OCTETS + lengths[i];
		if (at > len)
			return i;
	}
	return i;
}

static void
check_part(const char *row, struct stream *s, const uint8_t *octets,
    size_t from, size_t to)
{
	size_t seen = whole_in(from), i, at = 0;

	if (from < to) {
		peer_sends(s, octets + from, to - from);
		check_row_int(row, frame_fill(&s->in, s->fds[0]), FRAME_OK);
	}
	seen = take_messages(row, s, seen);
	check_row_int(row, seen, whole_in(to));
	for (i = 0; i < seen; i++)
		at += FRAME_LEN_OCTETS + lengths[i];
	check_row(row, !frame_is_whole(&s->in));
	check_row_int(row, frame_is_partial(&s->in), at != to);
	check_row_int(row, frame_fill(&s->in, s->fds[0]), FRAME_AGAIN);
}

/* Cut in two places, wherever those are. */
static void
test_splits(void **state)
{
	uint8_t octets[2048];
	size_t len = whole_stream(octets), i, j;
	struct stream s;
	char row[40];

	(void)state;
	open_stream(&s, 1);
	for (i = 0; i <= len; i++) {
		/* Near the first cut, and here and there. */
		for (j = i; j <= len; j += j < i + 20 ? 1 : 41) {
			snprintf(row, sizeof(row), "cut at %zu, %zu", i, j);
			check_part(row, &s, octets, 0, i);
			check_part(row, &s, octets, i, j);
			check_part(row, &s, octets, j, len);
		}
	}
	close_stream(&s);
}

static void
test_single_octets(void **state)
{
	uint8_t octets[2048];
	size_t len = whole_stream(octets), i;
	struct stream s;
	char row[40];

	(void)state;
	open_stream(&s, 1);
	for (i = 0; i < len; i++) {
		snprintf(row, sizeof(row), "octet %zu", i);
		check_part(row, &s, octets, i, i + 1);
	}
	close_stream(&s);
}

/* EOF behind every octet: the messages before it are not lost. */
static void
test_eof(void **state)
{
	uint8_t octets[2048];
	size_t len = whole_stream(octets), i, at, k;
	struct stream s;
	char row[40];

	(void)state;
	for (i = 0; i <= len; i++) {
		snprintf(row, sizeof(row), "end at %zu", i);
		open_stream(&s, 1);
		if (i > 0)
			peer_sends(&s, octets, i);
		close(s.fds[1]);
		s.fds[1] = -1;
		if (i > 0)
			check_row_int(
			    row, frame_fill(&s.in, s.fds[0]), FRAME_OK);
		check_row_int(row, take_messages(row, &s, 0), whole_in(i));
		check_row_int(row, frame_fill(&s.in, s.fds[0]), FRAME_CLOSED);
		for (k = at = 0; k < whole_in(i); k++)
			at += FRAME_LEN_OCTETS + lengths[k];
		check_row_int(row, frame_is_partial(&s.in), at != i);
		close_stream(&s);
	}
}

static void
test_fill_error(void **state)
{
	struct stream s;

	(void)state;
	open_stream(&s, 1);
	check_row_int("nothing yet", frame_fill(&s.in, s.fds[0]), FRAME_AGAIN);
	check_row("nothing yet", !frame_is_partial(&s.in));
	check_row_int("no descriptor", frame_fill(&s.in, -1), FRAME_ERROR);
	check_row_int("no descriptor", errno, EBADF);
	close_stream(&s);
}

/* The longest message, twice, with a short one between. */
static void
test_longest(void **state)
{
	static const size_t lens[] = {65535, 1, 65535, 0, 65534};
	static uint8_t octets[4 * FRAME_OCTETS_MAX], want[65535];
	size_t len = 0, sent = 0, seen = 0, msg_len, i;
	const uint8_t *msg;
	struct stream s;

	(void)state;
	open_stream(&s, 1);
	for (i = 0; i < NELEM(lens); i++)
		len += put_frame(octets + len, lens[i], i);
	while (seen < NELEM(lens)) {
		ssize_t n = send(s.fds[1], octets + sent, len - sent, 0);
		enum frame_io io;

		sent += n > 0 ? (size_t)n : 0;
		io = frame_fill(&s.in, s.fds[0]);
		check_row("longest", io == FRAME_OK || io == FRAME_AGAIN);
		check_row("longest", io == FRAME_OK || sent < len);
		while ((msg = frame_next(&s.in, &msg_len)) != NULL) {
			fill_message(want, lens[seen], seen);
			check_row_octets(
			    "longest", msg, msg_len, want, lens[seen]);
			seen++;
		}
	}
	check_row("longest", !frame_is_partial(&s.in));
	close_stream(&s);
}

/* A full buffer is read no further, and nothing in it is lost. */
static void
test_full_in(void **state)
{
	static uint8_t octets[FRAME_OCTETS_MAX + 100];
	size_t len = put_frame(octets, 65535, 3), msg_len;
	struct stream s;

	(void)state;
	open_stream(&s, 1);
	memset(octets + len, 0, sizeof(octets) - len);
	memcpy(s.in.buf, octets, len);
	s.in.end = len;
	peer_sends(&s, octets + len, 100);
	check_row_int("full", frame_fill(&s.in, s.fds[0]), FRAME_OK);
	check_row_int("full", s.in.end, FRAME_OCTETS_MAX);
	check_row("full", frame_next(&s.in, &msg_len) != NULL);
	check_row_int("full", msg_len, 65535);
	check_row("full", frame_next(&s.in, &msg_len) == NULL);
	check_row_int("emptied", frame_fill(&s.in, s.fds[0]), FRAME_OK);
	check_row_int("emptied", s.in.end - s.in.start, 100);
	check_row("emptied", frame_next(&s.in, &msg_len) == s.in.buf + 2);
	check_row_int("emptied", msg_len, 0);
	close_stream(&s);
}

/* Messages of all lengths through a full socket, into a slow reader. */
struct slow {
	struct stream s;
	size_t which, len; /* the next message to be put */
	size_t got_which, got_len, got_at; /* the octet expected next */
	uint64_t total;
};

static void
read_some(struct slow *o, size_t max)
{
	static uint8_t buf[8192], want[FRAME_OCTETS_MAX];
	ssize_t n = recv(o->s.fds[1], buf, max, 0), i;

	for (i = 0; i < n; i++) {
		if (o->got_at == 0)
			(void)put_frame(want, o->got_len, o->got_which);
		if (buf[i] != want[o->got_at])
			fail_msg("message %zu octet %zu differs", o->got_which,
			    o->got_at);
		o->got_at++;
		o->total++;
		if (o->got_at < FRAME_LEN_OCTETS + o->got_len)
			continue;
		o->got_at = 0;
		o->got_which++;
		o->got_len = o->got_len * 3 % 2999;
	}
}

static void
put_all(struct slow *o)
{
	uint8_t msg[3000];

	while (frame_has_room(&o->s.out, o->len)) {
		fill_message(msg, o->len, o->which);
		frame_put(&o->s.out, msg, o->len);
		o->which++;
		o->len = o->len * 3 % 2999;
	}
}

static void
test_full_socket(void **state)
{
	struct slow o = {.len = 1, .got_len = 1};
	size_t round, blocked = 0;

	(void)state;
	open_stream(&o.s, 40000);
	for (round = 0; round < 3000; round++) {
		enum frame_io io;

		put_all(&o);
		io = frame_flush(&o.s.out, o.s.fds[0]);
		check_row("flush", io == FRAME_OK || io == FRAME_AGAIN);
		check_row_int(
		    "flush", io == FRAME_OK, o.s.out.start == o.s.out.end);
		blocked += io == FRAME_AGAIN;
		read_some(&o, 1 + round * 37 % 8192);
	}
	check_row("the socket was full", blocked > 100);
	while (frame_flush(&o.s.out, o.s.fds[0]) == FRAME_AGAIN)
		read_some(&o, 8192);
	while (o.got_which < o.which)
		read_some(&o, 8192);
	check_row_int("all sent", o.s.out.sent, o.total);
	check_row_int(
	    "nothing to do", frame_flush(&o.s.out, o.s.fds[0]), FRAME_OK);
	close_stream(&o.s);
}

static const struct {
	const char *name;
	size_t start, end, len;
	bool has_room;
} rooms[] = {
    {"empty, exact", 0, 0, 98, true},
    {"empty, one more", 0, 0, 99, false},
    {"empty, nothing", 0, 0, 0, true},
    {"queued, exact", 0, 50, 48, true},
    {"queued, one more", 0, 50, 49, false},
    {"sent in part, exact", 30, 50, 78, true},
    {"sent in part, one more", 30, 50, 79, false},
    {"at the end, sent", 100, 100, 98, true},
    {"at the end, last octet unsent", 99, 100, 97, true},
    {"full but for the length", 0, 98, 0, true},
    {"full but for one", 0, 99, 0, false},
    {"full", 0, 100, 0, false},
    {"longest", 0, 0, 65535, false},
};

static void
test_room(void **state)
{
	uint8_t msg[100], want[200];
	size_t i;

	(void)state;
	for (i = 0; i < NELEM(rooms); i++) {
		struct frame_out out = {.buf = malloc(100),
		    .cap = 100,
		    .start = rooms[i].start,
		    .end = rooms[i].end};
		size_t queued = out.end - out.start;

		assert_non_null(out.buf);
		fill_message(out.buf, 100, 1);
		check_row_int(rooms[i].name, frame_has_room(&out, rooms[i].len),
		    rooms[i].has_room);
		if (rooms[i].has_room) {
			memcpy(want, out.buf + out.start, queued);
			(void)put_frame(want + queued, rooms[i].len, 2);
			fill_message(msg, rooms[i].len, 2);
			frame_put(&out, msg, rooms[i].len);
			check_row_octets(rooms[i].name, out.buf + out.start,
			    out.end - out.start, want,
			    queued + FRAME_LEN_OCTETS + rooms[i].len);
		}
		free(out.buf);
	}
}

/* The peer is gone: an error, and no signal. */
static void
test_broken_pipe(void **state)
{
	struct stream s;

	(void)state;
	assert_true(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
	open_stream(&s, 100);
	close(s.fds[1]);
	s.fds[1] = -1;
	frame_put(&s.out, (const uint8_t *)"abc", 3);
	check_row_int("gone", frame_flush(&s.out, s.fds[0]), FRAME_ERROR);
	check_row_int("gone", errno, EPIPE);
	check_row_int("gone", s.out.sent, 0);
	close_stream(&s);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_splits),
	    cmocka_unit_test(test_single_octets),
	    cmocka_unit_test(test_eof),
	    cmocka_unit_test(test_fill_error),
	    cmocka_unit_test(test_longest),
	    cmocka_unit_test(test_full_in),
	    cmocka_unit_test(test_full_socket),
	    cmocka_unit_test(test_room),
	    cmocka_unit_test(test_broken_pipe),
	};

	return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
