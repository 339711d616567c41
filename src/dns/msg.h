/* SPDX-License-Identifier: ISC */
/*
 * The structure of one DNS message: walked once, whole, record by record.
 * Owner: the caller; a struct msg holds offsets into the caller's octets.
 * Threads: any.
 * Errors: MSG_FORMERR says that the TSIG could not be located, so that
 *   no answer to this message can be signed.
 * RFC 1035 4.1, 2136 2, 6891 6.1, 8945 5.1.
 */
#ifndef DNS_MSG_H
#define DNS_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dns/name.h"
#include "dns/wire.h"

enum msg_section { MSG_ZONE, MSG_PREREQ, MSG_UPDATE, MSG_ADDITIONAL };

struct rr {
	struct name owner;
	uint16_t type;
	uint16_t class;
	uint32_t ttl;
	struct rd rdata; /* exactly the RDATA; can follow pointers */
};

struct msg_opt {
	uint16_t udp_size;
	uint8_t version;
	bool is_present;
	bool is_bad; /* two of them, owner not the root, broken options */
};

struct msg {
	uint16_t id;
	uint16_t flags;
	uint16_t counts[4]; /* by enum msg_section */

	/* The first entry of the zone (question) section. */
	bool has_zone;
	struct name zone;
	uint16_t zone_type;
	uint16_t zone_class;
	size_t zone_end; /* offset behind that entry */

	size_t prereq_start;
	size_t update_start;
	size_t additional_start;
	struct msg_opt opt;
	bool has_sig; /* a SIG record in the additional section */
	size_t tsig_start; /* offset of the TSIG record, 0 if there is none */
};

enum msg_result { MSG_OK, MSG_SHORT, MSG_FORMERR };

/* After MSG_SHORT (no header) nothing in m is set; after MSG_FORMERR the
 * header is, and the zone if has_zone. */
enum msg_result msg_parse(const uint8_t *octets, size_t len, struct msg *m);

/* Reads one record; fails the cursor if it is broken. */
void rr_read(struct rd *r, struct rr *rr);

/* Can the zone section be echoed as it stands: one entry, readable? */
bool msg_zone_is_single(const struct msg *m);

#endif
