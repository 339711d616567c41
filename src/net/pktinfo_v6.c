/* SPDX-License-Identifier: ISC */
#include "net/pktinfo.h"

#include <netinet/in.h>

#include <string.h>

#include "net/cmsg.h"

bool
pktinfo_enable_v6(int fd)
{
	int on = 1;

	return setsockopt(
		   fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on)) == 0;
}

void
pktinfo_get_v6(const struct cmsghdr *cmsg, struct addr *to)
{
	struct in6_pktinfo info;

	if (cmsg->cmsg_level != IPPROTO_IPV6 || cmsg->cmsg_type != IPV6_PKTINFO)
		return;
	memcpy(&info, CMSG_DATA(cmsg), sizeof(info));
	to->in6.sin6_family = AF_INET6;
	to->in6.sin6_addr = info.ipi6_addr;
	if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
		to->in6.sin6_scope_id = (uint32_t)info.ipi6_ifindex;
}

void
pktinfo_put_v6(struct msghdr *msg, void *control, const struct addr *from)
{
	struct in6_pktinfo info;

	memset(&info, 0, sizeof(info));
	info.ipi6_addr = from->in6.sin6_addr;
	info.ipi6_ifindex = from->in6.sin6_scope_id;
	cmsg_put(msg, control, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
}
