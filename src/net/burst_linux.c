/* SPDX-License-Identifier: ISC */
/*
 * recvmmsg and sendmmsg; and on a connected socket neighbours of one length
 * go through the network stack as one packet until they leave (UDP_SEGMENT).
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>

#include "net/burst_internal.h"
#include "net/cmsg.h"

/* They can't be fragmented: this fits into any packet (RFC 8200 5). */
#define SEGMENT_OCTETS_MAX 1200

/* Datagrams that go as one. */
struct train {
	struct iovec iov;
	union burst_control control;
};

const size_t burst_max = BURST_MAX;

int
burst_receive(int fd, struct burst_in *b, struct burst_peer *peers)
{
	union burst_control controls[BURST_MAX];
	struct mmsghdr hdrs[BURST_MAX];
	struct iovec iov[BURST_MAX];
	int n, i;

	for (i = 0; i < BURST_MAX; i++) {
		iov[i] = (struct iovec){b->octets[i], BURST_ITEM_OCTETS};
		hdrs[i].msg_hdr =
		    (struct msghdr){.msg_iov = &iov[i], .msg_iovlen = 1};
		burst_expect(&hdrs[i].msg_hdr, peers != NULL ? &peers[i] : NULL,
		    &controls[i]);
	}
	n = recvmmsg(fd, hdrs, BURST_MAX, MSG_DONTWAIT, NULL);
	for (i = 0; i < n; i++) {
		b->lens[i] = hdrs[i].msg_len;
		burst_take(&hdrs[i].msg_hdr, peers != NULL ? &peers[i] : NULL);
	}
	return n;
}

/* How many from this one on have one length; a shorter one can be the last. */
static size_t
train_len(const struct burst_out *b, size_t from)
{
	size_t i = from + 1, len = b->lens[from];

	if (b->is_segmenting_refused || len == 0 || len > SEGMENT_OCTETS_MAX)
		return 1;
	while (i < b->count && b->lens[i] == len)
		i++;
	if (i < b->count && b->lens[i] > 0 && b->lens[i] < len)
		i++;
	return i - from;
}

/* A kernel that does not know it, or a device that can't do it. */
static bool
is_about_segments(int error)
{
	return error == EINVAL || error == EIO || error == EMSGSIZE;
}

/* Of the datagrams from this one on, whose octets these are. Returns how many
 * there are. */
static size_t
couple(struct train *t, struct msghdr *msg, struct burst_out *b, size_t from,
    uint8_t *octets, const struct burst_peer *peer)
{
	size_t i, n = peer == NULL ? train_len(b, from) : 1;
	uint16_t segment = (uint16_t)b->lens[from];

	t->iov = (struct iovec){octets, 0};
	for (i = from; i < from + n; i++)
		t->iov.iov_len += b->lens[i];
	*msg = (struct msghdr){.msg_iov = &t->iov, .msg_iovlen = 1};
	if (n > 1)
		cmsg_put(msg, &t->control, IPPROTO_UDP, UDP_SEGMENT, &segment,
		    sizeof(segment));
	else
		burst_address(msg, peer, &t->control);
	return n;
}

int
burst_send(
    int fd, struct burst_out *b, size_t from, const struct burst_peer *peers)
{
	struct mmsghdr hdrs[BURST_MAX];
	struct train trains[BURST_MAX];
	size_t counts[BURST_MAX] = {0}; /* datagrams of each train */
	uint8_t *octets = b->octets;
	int n, sent, taken = 0;
	size_t i;

	for (i = 0; i < from; i++)
		octets += b->lens[i];
	for (n = 0; i < b->count; n++) {
		counts[n] = couple(&trains[n], &hdrs[n].msg_hdr, b, i, octets,
		    peers != NULL ? &peers[i] : NULL);
		octets += trains[n].iov.iov_len;
		i += counts[n];
	}
	sent = sendmmsg(fd, hdrs, (unsigned)n, MSG_NOSIGNAL);
	if (sent == -1 && counts[0] > 1 && is_about_segments(errno)) {
		b->is_segmenting_refused = true;
		return burst_send(fd, b, from, peers);
	}
	for (n = 0; n < sent; n++)
		taken += (int)counts[n];
	return sent == -1 ? -1 : taken;
}
