/* SPDX-License-Identifier: ISC */
#include "net/fds.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <fcntl.h>
#include <stdint.h>
#include <string.h>

#include "net/cmsg.h"

union control {
	struct cmsghdr head;
	unsigned char octets[CMSG_SPACE(FDS_MAX * sizeof(int))];
};

bool
fds_send(int sock, const void *octets, size_t len, const int *fds, size_t nfds)
{
	union control control;
	/* struct iovec is not const, but only read here. */
	struct iovec iov = {(void *)(uintptr_t)octets, len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (nfds > 0)
		cmsg_put(&msg, &control, SOL_SOCKET, SCM_RIGHTS, fds,
		    nfds * sizeof(*fds));
	return sendmsg(sock, &msg, MSG_NOSIGNAL) == (ssize_t)len;
}

static void
take(struct cmsghdr *head, int fds[FDS_MAX], size_t *nfds)
{
	size_t n = (head->cmsg_len - CMSG_LEN(0)) / sizeof(*fds), i;

	if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
		return;
	memcpy(fds, CMSG_DATA(head), n * sizeof(*fds));
	for (i = 0; i < n; i++)
		(void)fcntl(fds[i], F_SETFD, FD_CLOEXEC);
	*nfds = n;
}

ssize_t
fds_receive(int sock, void *octets, size_t cap, int fds[FDS_MAX], size_t *nfds)
{
	union control control;
	struct iovec iov = {octets, cap};
	struct msghdr msg = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = &control,
	    .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(sock, &msg, 0);
	struct cmsghdr *head;

	*nfds = 0;
	if (n == -1)
		return -1;
	/* There is room for one such header only. */
	head = CMSG_FIRSTHDR(&msg);
	if (head != NULL)
		take(head, fds, nfds);
	return n;
}
