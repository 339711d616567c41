/* SPDX-License-Identifier: ISC */
/* Numbers of the DNS protocol that more than one file needs. */
#ifndef DNS_DNS_H
#define DNS_DNS_H

#define DNS_HEADER_OCTETS 12
#define DNS_MSG_OCTETS_MAX 65535
#define DNS_UDP_OCTETS_MIN 512 /* every receiver takes these; RFC 1035 */

/* The second 16 bits of the header. */
#define DNS_FLAG_QR 0x8000u
#define DNS_FLAG_TC 0x0200u
#define DNS_OPCODE(flags) (((unsigned)(flags) >> 11) & 0xf)
#define DNS_RCODE(flags) ((unsigned)(flags)&0xf)
#define DNS_OPCODE_FLAGS(opcode) ((opcode) << 11)

#define OPCODE_QUERY 0
#define OPCODE_UPDATE 5

enum rcode {
	RCODE_NOERROR = 0,
	RCODE_FORMERR = 1,
	RCODE_SERVFAIL = 2,
	RCODE_NXDOMAIN = 3,
	RCODE_NOTIMP = 4,
	RCODE_REFUSED = 5,
	RCODE_YXDOMAIN = 6,
	RCODE_YXRRSET = 7,
	RCODE_NXRRSET = 8,
	RCODE_NOTAUTH = 9,
	RCODE_NOTZONE = 10,
	RCODE_BADVERS = 16 /* split over header and OPT; RFC 6891 6.1.3 */
};

#define TYPE_A 1
#define TYPE_NS 2
#define TYPE_CNAME 5
#define TYPE_SOA 6
#define TYPE_PTR 12
#define TYPE_SIG 24
#define TYPE_AAAA 28
#define TYPE_OPT 41
#define TYPE_DHCID 49
#define TYPE_TKEY 249
#define TYPE_TSIG 250
#define TYPE_IXFR 251
#define TYPE_ANY 255

#define CLASS_IN 1
#define CLASS_NONE 254
#define CLASS_ANY 255

#endif
