/* SPDX-License-Identifier: ISC */
/* OpenBSD and FreeBSD: IP_RECVDSTADDR in, IP_SENDSRCADDR out. */
#include "net/pktinfo.h"

#include <netinet/in.h>

#include <string.h>

#include "net/cmsg.h"

bool
pktinfo_enable(int fd, sa_family_t family)
{
	int on = 1;

	if (family == AF_INET6)
		return pktinfo_enable_v6(fd);
	return setsockopt(fd, IPPROTO_IP, IP_RECVDSTADDR, &on, sizeof(on)) == 0;
}

void
pktinfo_get(struct msghdr *msg, struct addr *to)
{
	struct cmsghdr *cmsg;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg != NULL;
	     cmsg = CMSG_NXTHDR(msg, cmsg)) {
		pktinfo_get_v6(cmsg, to);
		if (cmsg->cmsg_level != IPPROTO_IP ||
		    cmsg->cmsg_type != IP_RECVDSTADDR)
			continue;
		to->in.sin_family = AF_INET;
		memcpy(
		    &to->in.sin_addr, CMSG_DATA(cmsg), sizeof(to->in.sin_addr));
	}
}

void
pktinfo_put(struct msghdr *msg, void *control, const struct addr *from)
{
	if (from->sa.sa_family == AF_INET6)
		pktinfo_put_v6(msg, control, from);
	else
		cmsg_put(msg, control, IPPROTO_IP, IP_SENDSRCADDR,
		    &from->in.sin_addr, sizeof(from->in.sin_addr));
}
