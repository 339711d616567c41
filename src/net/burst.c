/* SPDX-License-Identifier: ISC */
#include "net/burst.h"

#include <string.h>

#include "net/burst_internal.h"

uint8_t *
burst_room(struct burst_out *b)
{
	if (b->count == burst_max ||
	    sizeof(b->octets) - b->used < BURST_ITEM_OCTETS)
		return NULL;
	return b->octets + b->used;
}

void
burst_add(struct burst_out *b, size_t len)
{
	b->lens[b->count++] = len;
	b->used += len;
}

void
burst_clear(struct burst_out *b)
{
	b->count = b->used = 0;
}

void
burst_expect(
    struct msghdr *msg, struct burst_peer *peer, union burst_control *control)
{
	if (peer == NULL)
		return;
	memset(&peer->remote, 0, sizeof(peer->remote));
	msg->msg_name = &peer->remote;
	msg->msg_namelen = sizeof(peer->remote);
	msg->msg_control = control;
	msg->msg_controllen = sizeof(*control);
}

void
burst_take(struct msghdr *msg, struct burst_peer *peer)
{
	if (peer == NULL)
		return;
	memset(&peer->local, 0, sizeof(peer->local));
	pktinfo_get(msg, &peer->local);
}

void
burst_address(struct msghdr *msg, const struct burst_peer *peer,
    union burst_control *control)
{
	if (peer == NULL)
		return;
	/* struct msghdr is not const, but only read. */
	msg->msg_name = (void *)(uintptr_t)&peer->remote;
	msg->msg_namelen = addr_len(&peer->remote);
	if (peer->local.sa.sa_family != AF_UNSPEC)
		pktinfo_put(msg, control, &peer->local);
}
