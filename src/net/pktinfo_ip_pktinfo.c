/* SPDX-License-Identifier: ISC */
/* Linux: IP_PKTINFO both ways. */
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
	return setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) == 0;
}

void
pktinfo_get(struct msghdr *msg, struct addr *to)
{
	struct cmsghdr *cmsg;
	struct in_pktinfo info;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg != NULL;
	     cmsg = CMSG_NXTHDR(msg, cmsg)) {
		pktinfo_get_v6(cmsg, to);
		if (cmsg->cmsg_level != IPPROTO_IP ||
		    cmsg->cmsg_type != IP_PKTINFO)
			continue;
		memcpy(&info, CMSG_DATA(cmsg), sizeof(info));
		to->in.sin_family = AF_INET;
		to->in.sin_addr = info.ipi_addr;
	}
}

void
pktinfo_put(struct msghdr *msg, void *control, const struct addr *from)
{
	struct in_pktinfo info;

	if (from->sa.sa_family == AF_INET6) {
		pktinfo_put_v6(msg, control, from);
		return;
	}
	memset(&info, 0, sizeof(info));
	info.ipi_spec_dst = from->in.sin_addr;
	cmsg_put(msg, control, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
}
