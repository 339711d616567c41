/* SPDX-License-Identifier: ISC */
#include "net/sock.h"

#include <netinet/tcp.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/compat.h"
#include "net/pktinfo.h"

/* Room for a burst of small updates, or of answers, while nobody reads:
 * some 10000 on Linux, which at our best are read within 0.3 s. */
#define RECV_BUFFER_OCTETS (4 * 1024 * 1024)
#define RECV_BUFFER_OCTETS_MIN (64 * 1024)
#define TCP_BACKLOG 128
#define PACKETS_OCTETS (256 * 1024)

static int
close_failed(int fd)
{
	int saved = errno;

	close(fd);
	errno = saved;
	return -1;
}

int
sock_set_flags(int fd)
{
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) == -1 ||
	    fcntl(fd, F_SETFL, O_NONBLOCK) == -1)
		return close_failed(fd);
	return fd;
}

int
sock_pipe(int fds[2])
{
	if (pipe(fds) == -1)
		return -1;
	if (sock_set_flags(fds[0]) == -1)
		return close_failed(fds[1]);
	if (sock_set_flags(fds[1]) == -1)
		return close_failed(fds[0]);
	return 0;
}

int
sock_packet_pair(int fds[2])
{
	int size = PACKETS_OCTETS;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds) == -1)
		return -1;
	/* As much of it as the system grants. */
	(void)setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	if (sock_set_flags(fds[0]) == -1)
		return close_failed(fds[1]);
	if (sock_set_flags(fds[1]) == -1)
		return close_failed(fds[0]);
	return 0;
}

static int
open_socket(const struct addr *a, int type)
{
	int fd = compat_socket(a->sa.sa_family, type, 0);

	return fd == -1 ? -1 : sock_set_flags(fd);
}

/* As much of it as the system grants: some cut what is too much, others
 * refuse. */
static void
ask_for_room(int fd)
{
	int size = RECV_BUFFER_OCTETS;

	while (size >= RECV_BUFFER_OCTETS_MIN &&
	       compat_setsockopt(
		   fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)) == -1)
		size /= 2;
}

/* One listener per family, so that addresses stay what they are. A socket
 * that is connected needs no such option, and pledge allows none. */
static int
bind_to(int fd, const struct addr *local)
{
	int on = 1;

	if (local->sa.sa_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) == -1)
		return -1;
	return bind(fd, &local->sa, addr_len(local));
}

int
sock_listen_udp(const struct addr *local, bool is_shared)
{
	int on = 1, fd;

	fd = open_socket(local, SOCK_DGRAM);
	if (fd == -1)
		return -1;
	ask_for_room(fd);
	if (is_shared &&
	    setsockopt(fd, SOL_SOCKET, SO_SPREAD, &on, sizeof(on)) == -1)
		return close_failed(fd);
	if (addr_is_wildcard(local) && !pktinfo_enable(fd, local->sa.sa_family))
		return close_failed(fd);
	if (bind_to(fd, local) == -1)
		return close_failed(fd);
	return fd;
}

int
sock_listen_tcp(const struct addr *local)
{
	int on = 1, fd = open_socket(local, SOCK_STREAM);

	if (fd == -1)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1 ||
	    bind_to(fd, local) == -1 || listen(fd, TCP_BACKLOG) == -1)
		return close_failed(fd);
	return fd;
}

int
sock_local(int fd, struct addr *out)
{
	socklen_t len = sizeof(*out);

	memset(out, 0, sizeof(*out));
	return getsockname(fd, &out->sa, &len);
}

bool
sock_is_listener(int fd, bool *is_tcp)
{
	int type = 0, listens = 0;
	socklen_t len = sizeof(type);
	struct addr local;

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == -1 ||
	    sock_local(fd, &local) == -1 || addr_port(&local) == 0)
		return false;
	*is_tcp = type == SOCK_STREAM;
	len = sizeof(listens);
	return type == SOCK_DGRAM ||
	       (*is_tcp &&
		   getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) ==
		       0 &&
		   listens != 0);
}

int
sock_connect_udp(const struct addr *remote)
{
	int fd = open_socket(remote, SOCK_DGRAM);

	if (fd == -1)
		return -1;
	ask_for_room(fd);
	if (connect(fd, &remote->sa, addr_len(remote)) == -1)
		return close_failed(fd);
	return fd;
}

static void
send_at_once(int fd)
{
	int on = 1;

	/* Without it a small answer waits for the peer's delayed ACK. */
	(void)compat_setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

int
sock_connect_tcp(const struct addr *remote)
{
	int fd = open_socket(remote, SOCK_STREAM);

	if (fd == -1)
		return -1;
	send_at_once(fd);
	if (connect(fd, &remote->sa, addr_len(remote)) == -1 &&
	    errno != EINPROGRESS)
		return close_failed(fd);
	return fd;
}

int
sock_error(int fd)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (compat_getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		return errno;
	return error;
}

int
sock_accept(int fd, struct addr *from)
{
	socklen_t len = sizeof(*from);
	int conn;

	memset(from, 0, sizeof(*from));
	conn = accept(fd, &from->sa, &len);
	if (conn == -1 || sock_set_flags(conn) == -1)
		return -1;
	send_at_once(conn);
	return conn;
}

bool
sock_is_transient(int error)
{
	return error == EAGAIN || error == EWOULDBLOCK || error == EINTR ||
	       error == ENOBUFS || error == ENOMEM;
}
