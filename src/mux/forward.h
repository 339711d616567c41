/* SPDX-License-Identifier: ISC */
/*
 * One target's copy of an update, and what counts as its answer.
 * Threads: the target's own, with its own struct hmac.
 * RFC 2136 6, 8945 5.3 and 5.4, 5452 9.1.
 */
#ifndef MUX_FORWARD_H
#define MUX_FORWARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "mux/inbound.h"
#include "mux/stats.h"

/* What a copy was sent with, and its answer is matched against. */
struct copy {
	uint16_t id;
	uint64_t time_signed; /* seconds of Unix time */
	struct mac mac; /* set by forward_write */
};

/* Octets of the signed copy. */
size_t forward_len(const struct inbound *in, const struct conf_tsig *tsig);

/* Writes the copy with the ID and the time given; the same ones give the
 * same octets again. Returns its length; 0 if it is longer than a message
 * can be, or crypto fails. */
size_t forward_write(const struct inbound *in, const struct conf_tsig *tsig,
    struct hmac *hmac, struct copy *copy, uint8_t octets[DNS_MSG_OCTETS_MAX]);

enum answer_kind {
	ANSWER_IGNORED, /* as if it had not come; cause says why */
	ANSWER_VOTE, /* authentic, with rcode */
	ANSWER_FAILED, /* authentic, but this target has failed: cause */
	ANSWER_TRUNCATED, /* ask by TCP */
};

struct answer {
	enum answer_kind kind;
	enum target_counter cause;
	unsigned rcode; /* of the header, authentic or not */
	unsigned error; /* of the TSIG, authentic or not */
	bool has_records; /* in the answer section, of a query */
	bool is_authentic;
	uint64_t target_time; /* its clock, if authentic and not ignored */
};

struct expected {
	const struct inbound *in;
	const struct conf_tsig *tsig;
	struct hmac *hmac;
	const struct copy *copy;
	uint64_t now_s;
};

/* octets came on our socket, with the copy's ID. */
void forward_check(const struct expected *e, const uint8_t *octets, size_t len,
    struct answer *answer);

#endif
