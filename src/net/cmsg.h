/* SPDX-License-Identifier: ISC */
/*
 * Ancillary data of a message that is sent.
 * Threads: any.
 */
#ifndef NET_CMSG_H
#define NET_CMSG_H

#include <sys/socket.h>

#include <stddef.h>

/* The only one of msg: len octets of data into control, which has room for
 * CMSG_SPACE(len), is aligned as struct cmsghdr, and stays until msg is sent.
 */
void cmsg_put(struct msghdr *msg, void *control, int level, int type,
    const void *data, size_t len);

#endif
