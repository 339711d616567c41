/* SPDX-License-Identifier: ISC */
/* Datagrams by the burst arrive whole, once and in order, whatever their
 * lengths, and whatever the system refuses. */
#include "net/burst.h"

#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "hex.h"
#include "net/sock.h"

static struct burst_out *out;
static struct burst_in *in;
static int listener, connected;
static struct addr to;

static int
set_up(void **state)
{
	(void)state;
	out = calloc(1, sizeof(*out));
	in = calloc(1, sizeof(*in));
	assert_true(addr_parse("127.0.0.1:0", 1, &to));
	addr_set_port(&to, 0);
	listener = sock_listen_udp(&to, false);
	assert_int_equal(sock_local(listener, &to), 0);
	connected = sock_connect_udp(&to);
	assert_int_not_equal(connected, -1);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	close(listener);
	close(connected);
	free(in);
	free(out);
	return 0;
}

static uint8_t
octet_of(size_t serial, size_t at)
{
	return (uint8_t)(serial * 31 + at + at / 256);
}

static void
add(size_t serial, size_t len)
{
	uint8_t *octets = burst_room(out);
	size_t i;

	assert_non_null(octets);
	for (i = 0; i < len; i++)
		octets[i] = octet_of(serial, i);
	burst_add(out, len);
}

static void
send_all(const struct burst_peer *peers)
{
	size_t i = 0;
	int n;

	while (i < out->count) {
		n = burst_send(connected, out, i, peers);
		assert_in_range(n, 1, out->count - i);
		i += (size_t)n;
	}
	burst_clear(out);
}

/* The next ones, first to be the one with this serial. */
static size_t
receive(size_t first, const size_t *lens)
{
	struct pollfd pfd = {.fd = listener, .events = POLLIN};
	int n, i;
	size_t k;

	assert_int_equal(poll(&pfd, 1, 5000), 1);
	n = burst_receive(listener, in, NULL);
	assert_in_range(n, 1, burst_max);
	for (i = 0; i < n; i++) {
		assert_int_equal(in->lens[i], lens[first + (size_t)i]);
		for (k = 0; k < in->lens[i]; k++)
			assert_int_equal(
			    in->octets[i][k], octet_of(first + (size_t)i, k));
	}
	return (size_t)n;
}

static void
carry(const size_t *lens, size_t n)
{
	size_t sent, got = 0;

	for (sent = 0; sent < n; sent++) {
		if (burst_room(out) == NULL)
			send_all(NULL);
		add(sent, lens[sent]);
	}
	send_all(NULL);
	while (got < n)
		got += receive(got, lens);
	assert_int_equal(burst_receive(listener, in, NULL), -1);
	assert_true(sock_is_transient(errno));
}

static const size_t mixed[] = {0, 100, 100, 100, 99, 100, 100, 101, 1, 1, 0, 0,
    1200, 1200, 1201, 1201, 4000, 4000, 200, 199, 198, 200, 200, 200, 12, 13,
    13, 12};

static void
any_lengths_arrive(void **state)
{
	(void)state;
	carry(mixed, NELEM(mixed));
}

static void
as_many_as_there_are(void **state)
{
	size_t lens[3 * BURST_MAX + 1], i;

	(void)state;
	for (i = 0; i < NELEM(lens); i++)
		lens[i] = 193;
	carry(lens, NELEM(lens));
}

static void
the_longest_arrive(void **state)
{
	static const size_t lens[] = {65507, 300, 65507, 300};

	(void)state;
	carry(lens, NELEM(lens));
}

/* There is room for one of any length, or none at all. */
static void
room_is_enough(void **state)
{
	size_t n;

	(void)state;
	for (n = 0; burst_room(out) != NULL; n++) {
		assert_in_range(n, 0, burst_max - 1);
		assert_true(burst_room(out) + BURST_ITEM_OCTETS <=
			    out->octets + sizeof(out->octets));
		add(n, 9000);
	}
	burst_clear(out);
	assert_non_null(burst_room(out));
}

#ifdef SO_NO_CHECK
/* A socket without checksums can't have its datagrams cut: they go one by
 * one, and all later ones do. */
static void
refused_segments_go_alone(void **state)
{
	int on = 1;

	(void)state;
	assert_int_equal(
	    setsockopt(connected, SOL_SOCKET, SO_NO_CHECK, &on, sizeof(on)), 0);
	carry(mixed, NELEM(mixed));
	assert_int_equal(out->is_segmenting_refused, burst_max > 1);
	carry(mixed, NELEM(mixed));
}
#endif

/* The error of a former datagram, then each one in its turn. */
static void
nobody_listens(void **state)
{
	struct pollfd pfd = {.fd = connected, .events = POLLIN};

	(void)state;
	close(listener);
	listener = -1;
	add(0, 100);
	send_all(NULL);
	assert_int_equal(poll(&pfd, 1, 5000), 1);
	add(1, 100);
	assert_int_equal(burst_send(connected, out, 0, NULL), -1);
	assert_int_equal(errno, ECONNREFUSED);
	assert_int_equal(burst_send(connected, out, 0, NULL), 1);
	burst_clear(out);
	assert_int_equal(poll(&pfd, 1, 5000), 1);
	assert_int_equal(burst_receive(connected, in, NULL), -1);
	assert_int_equal(errno, ECONNREFUSED);
}

/* On a wildcard: who sent it, and to which address of ours; and the answer
 * leaves from there. */
static void
the_way_back(const char *wildcard, const char *target)
{
	struct burst_peer peers[BURST_MAX];
	struct pollfd pfd = {.events = POLLIN};
	struct addr local, from;
	char text[ADDR_TEXT_MAX];
	int fd, peer;

	assert_true(addr_parse(wildcard, 1, &local));
	addr_set_port(&local, 0);
	fd = sock_listen_udp(&local, false);
	if (fd == -1 && errno == EAFNOSUPPORT)
		return;
	assert_int_equal(sock_local(fd, &local), 0);
	assert_true(addr_parse(target, addr_port(&local), &to));
	peer = sock_connect_udp(&to);
	assert_int_equal(send(peer, "one", 3, 0), 3);
	pfd.fd = fd;
	assert_int_equal(poll(&pfd, 1, 5000), 1);
	assert_int_equal(burst_receive(fd, in, peers), 1);
	assert_int_equal(in->lens[0], 3);
	assert_int_equal(sock_local(peer, &from), 0);
	assert_true(addr_eq(&peers[0].remote, &from));
	addr_set_port(&peers[0].local, addr_port(&to));
	assert_true(addr_eq(&peers[0].local, &to));
	add(0, 77);
	assert_int_equal(burst_send(fd, out, 0, peers), 1);
	pfd.fd = peer;
	/* It is connected: from elsewhere nothing would come. */
	if (poll(&pfd, 1, 5000) != 1)
		fail_msg("nothing from %s", addr_text(&to, text));
	assert_int_equal(burst_receive(peer, in, NULL), 1);
	assert_int_equal(in->lens[0], 77);
	close(fd);
	close(peer);
}

static void
answers_leave_from_where_it_came(void **state)
{
	(void)state;
	the_way_back("0.0.0.0:0", "127.0.0.5");
	burst_clear(out);
	the_way_back("[::]:0", "[::1]");
}

/* Each to its own, a shorter and a longer one in between. */
static void
many_peers(void **state)
{
	struct burst_peer peers[BURST_MAX];
	int fds[4];
	size_t i;

	(void)state;
	memset(peers, 0, sizeof(peers));
	for (i = 0; i < NELEM(fds) && burst_room(out) != NULL; i++) {
		addr_set_port(&to, 0);
		fds[i] = sock_listen_udp(&to, false);
		assert_int_equal(sock_local(fds[i], &peers[i].remote), 0);
		add(i, 100 + i % 2);
	}
	i = 0;
	while (i < out->count) {
		int n = burst_send(listener, out, i, peers);

		assert_true(n > 0);
		i += (size_t)n;
	}
	for (i = 0; i < out->count; i++) {
		struct pollfd pfd = {.fd = fds[i], .events = POLLIN};

		assert_int_equal(poll(&pfd, 1, 5000), 1);
		assert_int_equal(burst_receive(fds[i], in, NULL), 1);
		assert_int_equal(in->lens[0], 100 + i % 2);
		assert_int_equal(in->octets[0][0], octet_of(i, 0));
		close(fds[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		any_lengths_arrive, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		as_many_as_there_are, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		the_longest_arrive, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(room_is_enough, set_up, tear_down),
#ifdef SO_NO_CHECK
	    cmocka_unit_test_setup_teardown(
		refused_segments_go_alone, set_up, tear_down),
#endif
	    cmocka_unit_test_setup_teardown(nobody_listens, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		answers_leave_from_where_it_came, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(many_peers, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
