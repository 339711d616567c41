/* SPDX-License-Identifier: ISC */
/* Where no call takes more than one datagram. */
#include "net/burst_internal.h"

const size_t burst_max = 1;

int
burst_receive(int fd, struct burst_in *b, struct burst_peer *peers)
{
	union burst_control control;
	struct iovec iov = {b->octets[0], BURST_ITEM_OCTETS};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n;

	burst_expect(&msg, peers, &control);
	n = recvmsg(fd, &msg, 0);
	if (n == -1)
		return -1;
	b->lens[0] = (size_t)n;
	burst_take(&msg, peers);
	return 1;
}

int
burst_send(
    int fd, struct burst_out *b, size_t from, const struct burst_peer *peers)
{
	union burst_control control;
	struct iovec iov = {b->octets, b->lens[0]};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	/* There is no other: from is 0. */
	(void)from;
	burst_address(&msg, peers, &control);
	return sendmsg(fd, &msg, MSG_NOSIGNAL) == -1 ? -1 : 1;
}
