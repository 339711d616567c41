/* SPDX-License-Identifier: ISC */
/*
 * Counters and gauges: one list per kind, so that a new one is added in one
 * place, and their cumulative snapshots as frames for the pipe to the parent.
 * Owner: struct stats and the keys' counters belong to one worker's main
 *   thread; struct target_stats is written by its target's thread and read
 *   by others.
 * Errors: a frame that does not decode is hostile or broken.
 */
#ifndef MUX_STATS_H
#define MUX_STATS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dns/dns.h"
#include "mux/hist.h"

/* OK(symbol, name, what is counted); X(symbol, name, what it means to an
 * operator) where something is wrong. */
#define STATS_LIST(OK, X) \
	OK(RECEIVED_UDP, "received_udp", "messages received by UDP") \
	OK(RECEIVED_TCP, "received_tcp", "messages received by TCP") \
	OK(ACCEPTED, "accepted", "updates taken on") \
	OK(ANSWERED, "answered", "answers sent, refusals included") \
	OK(SILENT, "unanswered", \
	    "updates taken on whose client got no answer") \
	X(DIVERGED, "diverged", "targets disagree") \
	X(MISSED, "missed", "a target that failed may lack it now") \
	X(APPLIED_UNTOLD, "applied_untold", \
	    "applied, but the client was not told so") \
	OK(REPLAY_ANSWERED, "replay_answered", \
	    "repeated updates, answered as before") \
	OK(REPLAY_IGNORED, "replay_ignored", \
	    "repeated updates, the first still in hand") \
	OK(SEND_FAILED, "answer_send_failed", \
	    "answers that could not be sent") \
	OK(TCP_ACCEPTED, "tcp_accepted", "TCP connections of clients") \
	X(TCP_REFUSED, "tcp_refused", \
	    "too many TCP connections: closed; raise tcp_clients or " \
	    "tcp_clients_per_source?") \
	X(TCP_GAVE_WAY, "tcp_gave_way", \
	    "tcp_clients are all in use: an idle one was closed") \
	OK(TCP_USED_UP, "tcp_used_up", \
	    "TCP connections closed after tcp_messages") \
	OK(TCP_IDLE, "tcp_idle", "TCP connections closed after tcp_idle_s") \
	X(TCP_TIMEOUT, "tcp_timeout", \
	    "no whole message in tcp_message_s: closed") \
	X(TCP_READS, "tcp_reads", \
	    "a message in more than tcp_reads pieces: closed") \
	X(TCP_UNREAD, "tcp_unread", \
	    "reads none of its answers in tcp_send_s: closed") \
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
	X(TOO_MANY_RECORDS, "too_many_records", \
	    "more than records_per_update: REFUSED; send less at a time, " \
	    "or raise it") \
	X(REFUSALS_UNSAID, "refusals_unsaid", \
	    "refused more often than refusals_per_source: not even " \
	    "answered") \
	X(REPLAY_DROPPED, "replay_dropped", \
	    "the same octets as before, but not from where they came: " \
	    "dropped; does somebody replay them?") \
	X(OUT_OF_ZONE, "out_of_zone", "a name outside of the zone: NOTZONE")

enum counter {
#define X(symbol, name, text) STAT_##symbol,
	STATS_LIST(X, X)
#undef X
	    STAT_COUNT
};

/* From FAIL_ on: why a target's outcome is "failed"; IGN_: an answer that
 * does not count, while the wait goes on. */
#define TARGET_STATS_LIST(OK, X) \
	OK(SENT_UDP, "sent_udp", "copies sent by UDP") \
	OK(SENT_TCP, "sent_tcp", "copies sent by TCP") \
	OK(RESENT, "resent", "copies sent by UDP once more") \
	OK(TCP_CONNECTS, "tcp_connects", "TCP connections opened") \
	OK(APPLIED, "applied", "updates applied") \
	OK(VERDICT, "prerequisite", \
	    "updates whose prerequisites did not hold") \
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
	X(FAIL_DOWN, "down", "counted as down, and probed until it answers") \
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
	TSTAT_NO_CAUSE, /* never counted */
#define X(symbol, name, text) TSTAT_##symbol,
	TARGET_STATS_LIST(X, X)
#undef X
	    TSTAT_COUNT
};

/* Of one client's key, named by messages that may be anybody's. The causes
 * of refusal are symbols of STATS_LIST, too: stats_key_cause. */
#define KEY_STATS_LIST(OK, X) \
	OK(ACCEPTED, "accepted", "updates taken on") \
	OK(NOERROR, "answer_noerror", "updates answered with NOERROR") \
	OK(VERDICT, "answer_prerequisite", \
	    "updates answered with what became of their prerequisites") \
	OK(SERVFAIL, "answer_servfail", "updates answered with SERVFAIL") \
	OK(OTHER, "answer_other", "updates answered with another RCODE") \
	OK(SILENT, "unanswered", "updates taken on that got no answer") \
	OK(REPEATED, "repeated", \
	    "repeated updates, answered again or ignored") \
	X(BAD_SOURCE, "bad_source", "refused: source not allowed") \
	X(BAD_SIG, "bad_sig", "refused: wrong MAC") \
	X(BAD_TIME, "bad_time", "refused: time signed is off") \
	X(BAD_TRUNC, "bad_trunc", "refused: MAC too short") \
	X(NOT_ALLOWED, "not_allowed", "refused: zone not allowed") \
	X(REFUSED, "refused", "refused or dropped for another cause")

enum key_counter {
#define X(symbol, name, text) KSTAT_##symbol,
	KEY_STATS_LIST(X, X)
#undef X
	    KSTAT_COUNT
};

/* X(symbol, name, what it is) */
#define GAUGE_LIST(X) \
	X(IN_HAND, "updates_in_hand", "updates taken on and not finished") \
	X(TCP_CLIENTS, "tcp_clients", "open TCP connections of clients")

enum gauge {
#define X(symbol, name, text) GAUGE_##symbol,
	GAUGE_LIST(X)
#undef X
	    GAUGE_COUNT
};

/* CLOCK_OFFSET_S is an int64_t, and of several workers the largest. */
#define TARGET_GAUGE_LIST(X) \
	X(QUEUED, "queued", "updates that wait to be sent") \
	X(IN_FLIGHT, "in_flight", "updates sent and not answered") \
	X(CLOCK_OFFSET_S, "clock_offset_seconds", \
	    "what the target's clock is ahead of ours, by its last answer") \
	X(WORKERS_DOWN, "workers_down", "workers that count the target as down")

enum target_gauge {
#define X(symbol, name, text) TGAUGE_##symbol,
	TARGET_GAUGE_LIST(X)
#undef X
	    TGAUGE_COUNT
};

/* More than Time Signed can differ from Unix time. */
#define STATS_OFFSET_MAX_S ((int64_t)1 << 49)

/* Answers: each by its RCODE, 0 to 15 or BADVERS; a histogram of how long
 * they took, the sum of that in microseconds behind it. */
#define STATS_RCODES 17
#define ANSWERS_BUCKET STATS_RCODES
#define ANSWERS_SUM_US (ANSWERS_BUCKET + HIST_BUCKETS)
#define ANSWERS_COUNT (ANSWERS_SUM_US + 1)

/* All answers have an RCODE here; only those to updates that were taken on
 * are in the histogram. */
struct stats {
	uint64_t count[STAT_COUNT];
	uint64_t gauge[GAUGE_COUNT];
	uint64_t answers[ANSWERS_COUNT];
};

/* Only authentic answers have an RCODE here. */
struct target_values {
	uint64_t count[TSTAT_COUNT];
	uint64_t gauge[TGAUGE_COUNT];
	uint64_t answers[ANSWERS_COUNT];
};

/* The same, while it is written; QUEUED is the worker's to know. */
struct target_stats {
	_Atomic uint64_t count[TSTAT_COUNT];
	_Atomic uint64_t gauge[TGAUGE_COUNT];
	_Atomic uint64_t answers[ANSWERS_COUNT];
};

struct key_stats {
	uint64_t count[KSTAT_COUNT];
};

/* All of this of one worker, or the sum of several: proc/totals.h. Targets
 * and keys have the order of their configuration. */
struct totals {
	size_t ntargets;
	size_t nkeys;
	struct stats worker;
	struct target_values *targets;
	struct key_stats *keys;
};

const char *stats_name(enum counter s);
const char *stats_hint(enum counter s); /* NULL: nothing wrong */
const char *stats_target_name(enum target_counter s);
const char *stats_target_hint(enum target_counter s);

/* What a refusal counts as for its key. */
enum key_counter stats_key_cause(enum counter cause);
/* What an answer to an update counts as for its key. */
enum key_counter stats_key_answer(enum rcode rcode);

/* Counts an answer and, to an update, how long it took. */
void stats_answer(struct stats *s, enum rcode rcode);
void stats_latency(struct stats *s, uint64_t us);

/* _POSIX_PIPE_BUF: a non-blocking write of one frame is all or nothing. */
#define STATS_FRAME_OCTETS 512
#define STATS_VALUES_MAX 62

enum frame_type { FRAME_READY = 1, FRAME_STATS = 2, FRAME_PROBE = 3 };

/* What the values of a FRAME_STATS are. */
enum frame_block {
	BLOCK_WORKER = 0, /* count and gauge of struct stats */
	BLOCK_ANSWERS = 1, /* its answers */
	BLOCK_TARGET = 2, /* count and gauge of target number index */
	BLOCK_TARGET_ANSWERS = 3, /* its answers */
	BLOCK_KEYS = 4 /* several keys: the number of each, then its count */
};

#define BLOCK_WORKER_VALUES (STAT_COUNT + GAUGE_COUNT)
#define BLOCK_TARGET_VALUES (TSTAT_COUNT + TGAUGE_COUNT)
#define BLOCK_KEY_VALUES (1 + KSTAT_COUNT) /* of each */
#define BLOCK_KEYS_MAX (STATS_VALUES_MAX / BLOCK_KEY_VALUES)

struct stats_frame {
	enum frame_type type;
	uint16_t block; /* enum frame_block */
	uint16_t index;
	uint16_t nvalues;
	uint64_t values[STATS_VALUES_MAX];
};

_Static_assert(BLOCK_WORKER_VALUES <= STATS_VALUES_MAX, "fits no frame");
_Static_assert(BLOCK_TARGET_VALUES <= STATS_VALUES_MAX, "fits no frame");
_Static_assert(ANSWERS_COUNT <= STATS_VALUES_MAX, "fits no frame");
_Static_assert(BLOCK_KEYS_MAX >= 1, "fits no frame");
_Static_assert(
    offsetof(struct stats, answers) == BLOCK_WORKER_VALUES * sizeof(uint64_t) &&
	offsetof(struct target_values, answers) ==
	    BLOCK_TARGET_VALUES * sizeof(uint64_t),
    "count and gauge are one row of values");

void stats_encode(
    const struct stats_frame *f, uint8_t octets[STATS_FRAME_OCTETS]);
/* Well formed; what the values mean is for who takes them to check. */
bool stats_decode(
    const uint8_t octets[STATS_FRAME_OCTETS], struct stats_frame *f);

/* One more key into a frame of BLOCK_KEYS; false if it has no room. */
bool stats_add_key(
    struct stats_frame *f, size_t key, const struct key_stats *values);

#endif
