/* SPDX-License-Identifier: ISC */
/*
 * What all of burst_*.c need: whom a datagram is from, and to.
 * Threads: any.
 */
#ifndef NET_BURST_INTERNAL_H
#define NET_BURST_INTERNAL_H

#include <sys/socket.h>

#include "net/burst.h"
#include "net/pktinfo.h"

union burst_control {
	struct cmsghdr align;
	uint8_t octets[PKTINFO_CONTROL_MAX];
};

/* Before msg receives, and when it has. peer may be NULL. */
void burst_expect(
    struct msghdr *msg, struct burst_peer *peer, union burst_control *control);
void burst_take(struct msghdr *msg, struct burst_peer *peer);
/* Before msg is sent. It and peer stay where they are until then. */
void burst_address(struct msghdr *msg, const struct burst_peer *peer,
    union burst_control *control);

#endif
