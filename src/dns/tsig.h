/* SPDX-License-Identifier: ISC */
/*
 * Transaction signatures: read, verify, write. The clock is an argument.
 * Owner: the caller; struct tsig points into the message's octets.
 * Threads: any, with a struct hmac per thread.
 * Errors: enum tsig_result; anything but TSIG_OK means not authentic,
 *   except BADTIME and BADTRUNC, which are found behind a good MAC.
 * RFC 8945.
 */
#ifndef DNS_TSIG_H
#define DNS_TSIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dns/hmac.h"
#include "dns/name.h"
#include "dns/wire.h"

#define TSIG_FUDGE_S 300 /* of what we send; RFC 8945 10 */
#define TSIG_OTHER_TIME 6 /* octets of Other Data with BADTIME */

enum tsig_error {
	TSIG_ERROR_NONE = 0,
	TSIG_ERROR_BADSIG = 16,
	TSIG_ERROR_BADKEY = 17,
	TSIG_ERROR_BADTIME = 18,
	TSIG_ERROR_BADTRUNC = 22
};

/* A MAC with its length in octets; 0 for none. */
struct mac {
	uint8_t len;
	uint8_t octets[HMAC_MAC_MAX];
};

/* The record as it stands in a message. */
struct tsig {
	struct name key; /* both in lower case */
	struct name alg;
	uint64_t time_signed; /* seconds of Unix time, 48 bits */
	uint16_t fudge_s;
	const uint8_t *mac;
	uint16_t mac_len;
	uint16_t original_id;
	uint16_t error;
	const uint8_t *other;
	uint16_t other_len;
};

/* What a verifier knows of a key and of the moment. */
struct tsig_policy {
	struct hmac *hmac;
	const struct hmac_alg *alg;
	uint8_t mac_min; /* octets; shorter MACs are BADTRUNC */
	uint16_t max_fudge_s; /* caps the sender's */
	const struct mac *request; /* MAC of the request answered, or NULL */
	uint64_t now_s;
};

enum tsig_result {
	TSIG_OK,
	TSIG_FORMERR, /* a MAC length that is never legal */
	TSIG_BADSIG,
	TSIG_BADTIME,
	TSIG_BADTRUNC,
	TSIG_FAILED /* the crypto library did */
};

/* Reads the TSIG record at offset start of a message that msg_parse took;
 * false if it is malformed. */
bool tsig_parse(
    const uint8_t *octets, size_t len, size_t start, struct tsig *t);

/* Checks MAC, time and truncation, in this order (RFC 8945 5.2). start is
 * the record's offset; the caller has found key and algorithm. */
enum tsig_result tsig_verify(const uint8_t *octets, size_t start,
    const struct tsig *t, const struct tsig_policy *policy);

/* What goes into a record that we write. */
struct tsig_params {
	const struct name *key;
	const struct name *alg;
	struct hmac *hmac; /* NULL: an empty MAC (BADKEY, BADSIG) */
	uint8_t mac_len; /* octets to send */
	const struct mac *request; /* MAC of the request answered, or NULL */
	uint64_t time_signed;
	uint16_t fudge_s;
	enum tsig_error error;
	uint64_t other_time; /* the server's clock, sent with BADTIME only */
};

/* Octets of that record on the wire. */
size_t tsig_len(const struct tsig_params *p);

/* Appends the record to the message that fills w from its start, counts
 * it in ARCOUNT, and gives the MAC that was sent. The message's ID is the
 * Original ID. Fails the writer if there is no room, or crypto fails. */
void tsig_write(struct wr *w, const struct tsig_params *p, struct mac *mac);

#endif
