/* SPDX-License-Identifier: ISC */
/*
 * Counters: one list per kind, so that a new one is added in one place,
 * and their cumulative snapshots as frames for the pipe to the parent.
 * Owner: struct stats belongs to one worker's main thread; struct
 *   target_stats is written by its target's thread and read by others.
 * Errors: a frame that does not decode is hostile or broken.
 */
#ifndef MUX_STATS_H
#define MUX_STATS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(symbol, name, what it means to an operator; NULL where nothing is
 * wrong) */
#define STATS_LIST(X) \
	X(RECEIVED_UDP, "received_udp", NULL) \
	X(RECEIVED_TCP, "received_tcp", NULL) \
	X(ACCEPTED, "accepted", NULL) \
	X(ANSWERED, "answered", NULL) \
	X(SILENT, "unanswered", NULL) \
	X(ANSWER_NOERROR, "answer_noerror", NULL) \
	X(ANSWER_VERDICT, "answer_prerequisite", NULL) \
	X(ANSWER_SERVFAIL, "answer_servfail", NULL) \
	X(ANSWER_OTHER, "answer_other", NULL) \
	X(DIVERGED, "diverged", "targets disagree") \
	X(MISSED, "missed", "a target that failed may lack it now") \
	X(APPLIED_UNTOLD, "applied_untold", \
	    "applied, but the client was not told so") \
	X(REPLAY_ANSWERED, "replay_answered", NULL) \
	X(REPLAY_IGNORED, "replay_ignored", NULL) \
	X(SEND_FAILED, "answer_send_failed", NULL) \
	X(TCP_ACCEPTED, "tcp_accepted", NULL) \
	X(TCP_REFUSED, "tcp_refused", \
	    "too many TCP connections: closed; raise tcp_clients or " \
	    "tcp_clients_per_source?") \
	X(TCP_TIMEOUT, "tcp_timeout", "TCP client too slow: closed") \
	X(TCP_BAD_FRAME, "tcp_bad_frame", \
	    "length of a TCP message below 12: closed") \
	X(DROP_SHORT, "drop_short", "too short for a DNS header: dropped") \
	X(DROP_RESPONSE, "drop_response", \
	    "a response, not a request: dropped; does something answer us?") \
	X(DROP_SOURCE, "drop_source", \
	    "source is port 0 or our own listener: dropped") \
	X(DROP_BUSY, "drop_busy", \
	    "updates_in_hand are in hand: dropped; are targets slow?") \
	X(DROP_PENALTY, "drop_penalty", \
	    "a worker crashed at a message of this host: dropped for a while") \
	X(DROP_DISABLED, "drop_disabled", \
	    "every target of this zone is disabled: dropped") \
	X(DROP_CRYPTO, "drop_crypto", "the HMAC library failed: dropped") \
	X(BAD_OPCODE, "bad_opcode", "not an UPDATE: NOTIMP") \
	X(BAD_FORM, "bad_form", "malformed message: FORMERR") \
	X(BAD_TRUNCATED, "bad_truncated", \
	    "the client cut its own update short (TC=1): FORMERR; use " \
	    "shorter names or another TSIG algorithm") \
	X(BAD_EDNS, "bad_edns", "malformed or unknown EDNS: refused") \
	X(BAD_SOURCE, "bad_source", \
	    "source not allowed for this key: REFUSED; check \"sources\"") \
	X(NO_TSIG, "no_tsig", "no TSIG: REFUSED; configure the client's key") \
	X(BAD_KEY, "bad_key", \
	    "unknown key or other algorithm: BADKEY; check both on the " \
	    "client and in incoming_tsig") \
	X(BAD_SIG, "bad_sig", \
	    "wrong MAC: BADSIG; check the secret on the client and here") \
	X(BAD_TIME, "bad_time", \
	    "time signed is off: BADTIME; check the clocks") \
	X(BAD_TRUNC, "bad_trunc", \
	    "MAC shorter than the key allows: BADTRUNC; check digest_bits") \
	X(BAD_ZONE, "bad_zone", "zone goes to no target: NOTAUTH") \
	X(NOT_ALLOWED, "not_allowed", \
	    "key may not update this zone: REFUSED; check \"zones\"") \
	X(REPLAY_DROPPED, "replay_dropped", \
	    "the same octets as before, but not from where they came: " \
	    "dropped; does somebody replay them?") \
	X(OUT_OF_ZONE, "out_of_zone", "a name outside of the zone: NOTZONE")

enum counter {
#define X(symbol, name, hint) STAT_##symbol,
	STATS_LIST(X)
#undef X
	    STAT_COUNT
};

/* From FAIL_ on: why a target's outcome is "failed"; IGN_: an answer that
 * does not count, while the wait goes on. */
#define TARGET_STATS_LIST(X) \
	X(NO_CAUSE, "none", NULL) \
	X(SENT_UDP, "sent_udp", NULL) \
	X(SENT_TCP, "sent_tcp", NULL) \
	X(RESENT, "resent", NULL) \
	X(TCP_CONNECTS, "tcp_connects", NULL) \
	X(APPLIED, "applied", NULL) \
	X(VERDICT, "prerequisite", NULL) \
	X(REFUSED, "refused", "check zone, permissions and state there") \
	X(IGN_SHORT, "short", "answer shorter than a DNS header") \
	X(IGN_ID, "unknown_id", "answer to nothing we asked, or too late") \
	X(IGN_MALFORMED, "malformed", "malformed answer") \
	X(IGN_NOT_RESPONSE, "not_response", "QR is not set") \
	X(IGN_OPCODE, "wrong_opcode", "answer with another opcode") \
	X(IGN_ZONE, "wrong_zone", "answer for another zone") \
	X(IGN_UNSIGNED, "unsigned", \
	    "unsigned answer: check key name, secret, clock, ACL and zone") \
	X(IGN_KEY, "wrong_key", "answer signed with another key") \
	X(IGN_MAC, "wrong_mac", \
	    "wrong MAC in the answer: check the secret on both sides") \
	X(IGN_ERROR, "tsig_error", "TSIG error that can't be true") \
	X(TRUNCATED, "truncated", "truncated answer: asking by TCP") \
	X(FAIL_TIMEOUT, "timeout", "no answer in time") \
	X(FAIL_BUSY, "busy", \
	    "too many updates wait for it: is it slow, or down?") \
	X(FAIL_ICMP, "unreachable", "refused or unreachable: is it running?") \
	X(FAIL_CONNECT, "connect_failed", "TCP connection failed") \
	X(FAIL_CLOSED, "closed", "target closed the TCP connection") \
	X(FAIL_TRUNCATED, "truncated_tcp", "truncated answer by TCP") \
	X(FAIL_BADTIME, "badtime", \
	    "clocks differ: target says BADTIME, check both clocks") \
	X(FAIL_TIME, "answer_time", \
	    "time signed of the answer is off: check both clocks") \
	X(FAIL_BADTRUNC, "badtrunc", "target wants a longer MAC") \
	X(FAIL_RCODE, "unknown_rcode", "answer with an unknown RCODE") \
	X(FAIL_SIZE, "too_large", "the signed copy would exceed 65535 octets") \
	X(FAIL_CRYPTO, "crypto", "the HMAC library failed") \
	X(FAIL_LOCAL, "local", "no socket, or sending failed here")

enum target_counter {
#define X(symbol, name, hint) TSTAT_##symbol,
	TARGET_STATS_LIST(X)
#undef X
	    TSTAT_COUNT
};

struct stats {
	uint64_t count[STAT_COUNT];
};

struct target_stats {
	_Atomic uint64_t count[TSTAT_COUNT];
};

const char *stats_name(enum counter s);
const char *stats_hint(enum counter s); /* NULL: nothing wrong */
const char *stats_target_name(enum target_counter s);
const char *stats_target_hint(enum target_counter s);

/* _POSIX_PIPE_BUF: a non-blocking write of one frame is all or nothing. */
#define STATS_FRAME_OCTETS 512
#define STATS_VALUES_MAX 62

enum frame_type { FRAME_READY = 1, FRAME_STATS = 2 };

/* block 0 is the worker's own counters, 1 + i those of target i. */
struct stats_frame {
	enum frame_type type;
	uint16_t block;
	uint16_t nvalues;
	uint64_t values[STATS_VALUES_MAX];
};

_Static_assert(STAT_COUNT <= STATS_VALUES_MAX, "does not fit a frame");
_Static_assert(TSTAT_COUNT <= STATS_VALUES_MAX, "does not fit a frame");

void stats_encode(
    const struct stats_frame *f, uint8_t octets[STATS_FRAME_OCTETS]);
bool stats_decode(
    const uint8_t octets[STATS_FRAME_OCTETS], struct stats_frame *f);

#endif
