/* SPDX-License-Identifier: ISC */
/*
 * Which updates have been accepted within the window of their TSIG, so
 * that the same octets are never carried out twice. None of the servers
 * behind us looks for that, and our own TSIG would renew the window.
 *
 * Two tables, sets of 8 entries each. What all workers have seen is in
 * memory they share, a word an entry. What a worker has seen itself is
 * in its own memory, with what its sender is owed: repeats of one source
 * reach the same worker, since the kernel chooses it by the source.
 *
 * Owner: the caller gives both memories, zeroed. Threads: the worker's
 *   main thread; other processes use the shared words at the same time.
 * Errors: none. In a full set the entry that expires first gives way.
 * RFC 8945 5.2.3 and 11 leave this to us; 2136 5.1 for repeats.
 */
#ifndef MUX_REPLAY_H
#define MUX_REPLAY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "dns/dns.h"
#include "mux/inbound.h"

#define REPLAY_WAYS 8 /* entries of a set */

enum replay_state {
	REPLAY_UNUSED,
	REPLAY_OPEN, /* not settled yet */
	REPLAY_ANSWERED, /* with rcode, at answered_s */
	REPLAY_SILENT /* without an answer: its sender may ask again */
};

struct replay_entry {
	uint64_t tag; /* of the MAC, which no two messages share */
	uint64_t expires_s;
	uint64_t answered_s;
	struct addr source;
	bool is_tcp;
	uint8_t state;
	uint8_t rcode;
};

struct replay {
	size_t nsets; /* a power of two */
	struct replay_entry *own;
	_Atomic uint64_t *shared;
};

enum replay_verdict {
	REPLAY_NEW, /* carry it out */
	REPLAY_IGNORE, /* its answer is on its way */
	REPLAY_REPEAT, /* send the same answer again */
	REPLAY_FOREIGN /* somebody else's octets: drop them */
};

/* Both memories hold REPLAY_WAYS entries for each of nsets. */
void replay_init(struct replay *r, size_t nsets, struct replay_entry *own,
    _Atomic uint64_t *shared);

/* For a verified message; max_fudge_s as in its verification. *entry is
 * set with REPLAY_REPEAT. */
enum replay_verdict replay_check(struct replay *r, const struct inbound *in,
    const struct addr *source, unsigned max_fudge_s, uint64_t now_s,
    const struct replay_entry **entry);

/* What became of a message that was new. */
void replay_answered(struct replay *r, const struct inbound *in,
    enum rcode rcode, uint64_t now_s);
void replay_silent(struct replay *r, const struct inbound *in);

#endif
