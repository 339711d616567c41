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

/* A socket there, with a port of the kernel's choice; -1: not on this host. */
static int
listen_on(const char *host, struct addr *local)
{
	int fd;

	assert_true(addr_parse(host, 1, local));
	addr_set_port(local, 0);
	fd = sock_listen_udp(local, false);
	if (fd != -1)
		assert_int_equal(sock_local(fd, local), 0);
	return fd;
}

static void
open_pair(const char *host)
{
	listener = listen_on(host, &to);
	if (listener == -1)
		return;
	connected = sock_connect_udp(&to);
	assert_int_not_equal(connected, -1);
}

static int
set_up(void **state)
{
	(void)state;
	out = calloc(1, sizeof(*out));
	in = calloc(1, sizeof(*in));
	open_pair("127.0.0.1");
	return listener == -1;
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
by_ipv6(void **state)
{
	(void)state;
	close(listener);
	close(connected);
	open_pair("[::1]");
	if (listener == -1)
		skip();
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

/* On a wildcard: who sent it, and to which address of ours; and the answers
 * leave from there, with one call. What came from elsewhere would not reach a
 * connected peer. */
static void
the_way_back(const char *wildcard, const char *const hosts[2])
{
	struct burst_peer peers[BURST_MAX], answer[BURST_MAX];
	struct pollfd pfd = {.events = POLLIN};
	struct addr local, there[2], from;
	int fd = listen_on(wildcard, &local), peer[2], sent;
	size_t i;

	if (fd == -1)
		return;
	for (i = 0; i < 2; i++) {
		assert_true(addr_parse(hosts[i], addr_port(&local), &there[i]));
		peer[i] = sock_connect_udp(&there[i]);
		assert_int_equal(send(peer[i], "one", 3, 0), 3);
		pfd.fd = fd;
		assert_int_equal(poll(&pfd, 1, 5000), 1);
		assert_int_equal(burst_receive(fd, in, peers), 1);
		assert_int_equal(in->lens[0], 3);
		assert_int_equal(sock_local(peer[i], &from), 0);
		assert_true(addr_eq(&peers[0].remote, &from));
		answer[i] = peers[0];
		addr_set_port(&peers[0].local, addr_port(&local));
		assert_true(addr_eq(&peers[0].local, &there[i]));
	}
	for (i = 0; i < 2; i += (size_t)sent) {
		size_t k, n = burst_max < 2 ? 1 : 2;

		for (k = 0; k < n; k++)
			add(i + k, 77);
		sent = burst_send(fd, out, 0, answer + i);
		assert_int_equal(sent, n);
		burst_clear(out);
	}
	for (i = 0; i < 2; i++) {
		pfd.fd = peer[i];
		if (poll(&pfd, 1, 5000) != 1)
			fail_msg("nothing from %s", hosts[i]);
		assert_int_equal(burst_receive(peer[i], in, NULL), 1);
		assert_int_equal(in->octets[0][0], octet_of(i, 0));
		close(peer[i]);
	}
	close(fd);
}

static void
answers_leave_from_where_it_came(void **state)
{
	static const char *const v4[] = {"127.0.0.5", "127.0.0.6"};
	static const char *const v6[] = {"[::1]", "[::1]"};

	(void)state;
	the_way_back("0.0.0.0", v4);
	the_way_back("[::]", v6);
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
		fds[i] = listen_on("127.0.0.1", &peers[i].remote);
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
	    cmocka_unit_test_setup_teardown(by_ipv6, set_up, tear_down),
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
