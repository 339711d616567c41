/* SPDX-License-Identifier: ISC */
/*
 * The rules of RFC 2136 that a message has to keep by itself, without
 * knowing any zone's content, and what its sections consist of.
 * Threads: any.
 */
#ifndef DNS_UPDATE_H
#define DNS_UPDATE_H

#include <stddef.h>
#include <stdint.h>

#include "dns/dns.h"
#include "dns/msg.h"

/* Which forms of prerequisite occur (RFC 2136 2.4). */
#define PREREQ_NAME_IN_USE 0x01 /* ANY ANY */
#define PREREQ_NAME_NOT_IN_USE 0x02 /* NONE ANY */
#define PREREQ_DHCID_EQUALS 0x04 /* zone class DHCID, with value */
#define PREREQ_DHCID_EXISTS 0x08 /* ANY DHCID */
#define PREREQ_NO_ADDRESS 0x10 /* NONE A, NONE AAAA */
#define PREREQ_PTR_EQUALS 0x20 /* zone class PTR, with value */
#define PREREQ_OTHER 0x40

/* Which forms of update occur (RFC 2136 2.5). */
#define UPDATE_ADD 0x01 /* zone class */
#define UPDATE_DELETE_RR 0x02 /* NONE */
#define UPDATE_DELETE_RRSET 0x04 /* ANY, a type */
#define UPDATE_DELETE_NAME 0x08 /* ANY ANY */

struct update_shape {
	unsigned prereqs;
	unsigned updates;
};

/* For a message of class IN with one zone that msg_parse took: NOERROR,
 * FORMERR or NOTZONE; shape is set with NOERROR. RFC 2136 3.2, 3.4.1. */
enum rcode update_check(
    const uint8_t *octets, const struct msg *m, struct update_shape *shape);

#endif
