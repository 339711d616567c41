/* SPDX-License-Identifier: ISC */
/*
 * The copies that one target has to answer: who waits, who was sent with
 * which ID, who is due. Pure bookkeeping in memory given once.
 * Owner: the target's thread.
 * Errors: NULL or false where the fixed number is used up.
 */
#ifndef MUX_EXCHANGE_H
#define MUX_EXCHANGE_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mux/forward.h"

/* An exchange can be open by both: after an unsigned TC the UDP answer
 * still counts while TCP is tried. */
enum exchange_way { WAY_UDP, WAY_TCP };

struct leg {
	struct exchange *exchange;
	LIST_ENTRY(leg) same_hash;
	struct copy copy;
	enum exchange_way way;
	uint8_t path; /* which of the owner's UDP sockets */
	bool is_open; /* sent, or on its way; has its ID */
};

struct exchange {
	TAILQ_ENTRY(exchange) by_age; /* all that are not free */
	TAILQ_ENTRY(exchange) by_resend; /* if may_resend */
	TAILQ_ENTRY(exchange) waiting; /* if is_waiting */
	TAILQ_ENTRY(exchange) fresh; /* if is_fresh */
	const struct inbound *in; /* the loan */
	uint32_t slot;
	uint64_t start_us;
	uint64_t sent_us;
	struct leg legs[2]; /* by enum exchange_way */
	enum exchange_way way; /* to be sent by, while waiting */
	uint16_t last_cause; /* the best reason so far, enum target_counter */
	uint8_t tcp_tries;
	uint8_t copies; /* sent in all */
	bool is_waiting;
	bool is_fresh; /* in flight, and an answer may well come */
	bool may_resend;
	bool was_reused; /* went onto an idle connection */
	uint64_t stream_pos; /* where the copy begins in what TCP carries */
};

/* However things go, a target gets no more copies than these. */
#define EXCHANGE_COPIES_MAX 3

TAILQ_HEAD(exchange_list, exchange);
LIST_HEAD(leg_list, leg);

struct exchange_table {
	struct exchange_list by_age;
	struct exchange_list by_resend;
	struct exchange_list waiting;
	struct exchange_list fresh; /* in the order of sending */
	struct exchange_list unused;
	struct leg_list *buckets;
	size_t nbuckets; /* a power of two */
	size_t in_flight; /* not unused, not waiting */
	size_t nfresh;
};

/* max exchanges and nbuckets, a power of two, of the caller's memory. */
void exchange_table_init(struct exchange_table *t, struct exchange *exchanges,
    size_t max, struct leg_list *buckets, size_t nbuckets);

/* A new one, waiting to be sent; NULL if max are open. */
struct exchange *exchange_begin(struct exchange_table *t,
    const struct inbound *in, uint32_t slot, uint64_t start_us);
/* It is sent by way with this ID: false if the ID is in flight already.
 * Takes it off the waiting list. */
bool exchange_open(struct exchange_table *t, struct exchange *x,
    enum exchange_way way, uint16_t id);
/* The leg that waits for this ID, or NULL. */
struct leg *exchange_find(
    struct exchange_table *t, enum exchange_way way, uint16_t id);
void exchange_close_leg(struct exchange_table *t, struct leg *leg);
/* To the head of the waiting list, to be sent that way. */
void exchange_wait(
    struct exchange_table *t, struct exchange *x, enum exchange_way way);
/* Off it again: its UDP leg is still open. */
void exchange_resume(struct exchange_table *t, struct exchange *x);
/* Those in flight for so long are fresh no more: they may be lost, and keep
 * no others from being sent. */
void exchange_forget(
    struct exchange_table *t, uint64_t now_us, uint64_t after_us);
/* May a copy be sent, beside the one that it waits to send? */
bool exchange_has_copies_left(const struct exchange *x);
/* Its UDP copy may be sent once more; in the order of sending. */
void exchange_allow_resend(struct exchange_table *t, struct exchange *x);
void exchange_forbid_resend(struct exchange_table *t, struct exchange *x);
void exchange_end(struct exchange_table *t, struct exchange *x);

#endif
