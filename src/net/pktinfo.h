/* SPDX-License-Identifier: ISC */
/*
 * The local address of a datagram on a wildcard socket: asked for, read
 * from a received one, set on an answer. One file per kind of system:
 * pktinfo_ip_pktinfo.c, pktinfo_recvdstaddr.c.
 * Threads: any. Errors: false.
 */
#ifndef NET_PKTINFO_H
#define NET_PKTINFO_H

#include <sys/socket.h>

#include <stdbool.h>

#include "base/addr.h"

#define PKTINFO_CONTROL_MAX 64 /* octets for one control message */

bool pktinfo_enable(int fd, sa_family_t family);
/* Leaves to as it is if the message does not say. */
void pktinfo_get(struct msghdr *msg, struct addr *to);
/* control: PKTINFO_CONTROL_MAX octets, see cmsg_put. */
void pktinfo_put(struct msghdr *msg, void *control, const struct addr *from);

/* For both systems: RFC 3542 6.1 and 6.2. */
bool pktinfo_enable_v6(int fd);
void pktinfo_get_v6(const struct cmsghdr *cmsg, struct addr *to);
void pktinfo_put_v6(struct msghdr *msg, void *control, const struct addr *from);

#endif
