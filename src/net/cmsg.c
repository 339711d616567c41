/* SPDX-License-Identifier: ISC */
#include "net/cmsg.h"

#include <string.h>

void
cmsg_put(struct msghdr *msg, void *control, int level, int type,
    const void *data, size_t len)
{
	struct cmsghdr *cmsg = control;

	memset(control, 0, CMSG_SPACE(len));
	msg->msg_control = control;
	msg->msg_controllen = CMSG_SPACE(len);
	cmsg->cmsg_level = level;
	cmsg->cmsg_type = type;
	cmsg->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(cmsg), data, len);
}
