/* SPDX-License-Identifier: ISC */
/*
 * The inside of a target: target.c and target_*.c only.
 * Threads: the target's own, but for the queues, the bell and stats.
 */
#ifndef PROC_TARGET_THREAD_H
#define PROC_TARGET_THREAD_H

#include <pthread.h>

#include "base/log.h"
#include "mux/exchange.h"
#include "mux/health.h"
#include "net/burst.h"
#include "net/frame.h"
#include "proc/target.h"

#define IDS_AT_ONCE 64
#define PROBES_AT_ONCE 4

/* A connected UDP socket. Two of them, so that the port can change while
 * answers to the former one are still awaited. */
struct udp_path {
	int fd; /* -1: none */
	uint64_t opened_us;
	unsigned sent;
};

enum tcp_state { TCP_CLOSED, TCP_CONNECTING, TCP_OPEN };

struct tcp_path {
	int fd;
	enum tcp_state state;
	bool has_answered; /* since it was opened */
	bool was_lost; /* and some may wait for another one */
	uint64_t used_us; /* last time anything was sent or received */
	uint64_t received_us;
	size_t open; /* legs that wait on it */
	struct frame_in in;
	struct frame_out out;
};

/* One probe at a time: for health, or by order. */
struct prober {
	struct probe probe; /* lent to the exchange */
	struct exchange *exchange; /* NULL: none is on its way */
	uint64_t until_us;
	bool is_heard;
	struct answer heard; /* the last answer to it */
	int64_t offset_s;

	bool has_order;
	struct probe_order order;
	struct probe_result result;
	size_t step; /* of the order */

	struct name failed_zone; /* of the last update that failed, */
	struct name answered_zone; /* and of the last that was answered, */
	bool has_answered_zone; /* if any was */
};

struct target {
	/* Constant once the thread runs. */
	const struct conf *conf;
	const struct conf_target *target;
	size_t max_lent;
	size_t max_in_flight; /* this worker's share */
	uint64_t timeout_us;
	uint64_t resend_us;
	uint64_t forget_us; /* what is in flight for so long takes no place */
	struct bell *worker_bell;
	const char *id_prefix;
	struct outage *outage;
	size_t worker;

	/* Shared. */
	struct queue jobs;
	struct queue results;
	struct queue probe_orders;
	struct queue probe_results;
	struct bell bell;
	atomic_bool is_stopping;
	atomic_bool is_disabled; /* written by the worker */
	atomic_bool is_down; /* written by the thread */
	_Atomic uint64_t not_given; /* while down; written by the worker */
	struct target_stats stats;

	/* The worker's. */
	size_t lent;
	uint64_t refused; /* jobs: FAIL_BUSY that the thread has not seen */
	struct log_rate refused_rate;
	pthread_t thread;
	bool is_running;

	/* The thread's. */
	uint64_t now_us;
	struct hmac *hmac;
	struct health health;
	struct prober prober;
	uint64_t missed; /* TSTAT_FAIL_DOWN when it went down */
	struct exchange_table table;
	struct exchange *exchanges;
	struct leg_list *buckets;
	struct udp_path udp[2];
	size_t udp_current; /* index of the one that sends */
	bool udp_is_blocked; /* the system has no room, */
	uint64_t udp_retry_us; /* and is asked again then */
	struct tcp_path tcp;
	uint16_t ids[IDS_AT_ONCE];
	size_t ids_left;
	struct log_rate rates[TSTAT_COUNT];
	struct burst_out out; /* by UDP, not sent yet, */
	struct exchange *out_of[BURST_MAX]; /* of these */
	uint8_t copy[DNS_MSG_OCTETS_MAX]; /* by TCP, or sent again */
	struct burst_in in;
};

/* Figures that the worker reads while the thread counts. */
static inline void
target_set(_Atomic uint64_t *value, uint64_t n)
{
	atomic_store_explicit(value, n, memory_order_relaxed);
}

static inline uint64_t
target_get(_Atomic uint64_t *value)
{
	return atomic_load_explicit(value, memory_order_relaxed);
}

/* One writer: a plain add would do, were nobody to read. */
static inline void
target_add(_Atomic uint64_t *value, uint64_t n)
{
	target_set(value, target_get(value) + n);
}

/* target_run.c: of the thread. */
void *target_run(void *arg);

/* target_exchange.c */
void target_draw_ids(struct target *t);
void target_count(struct target *t, enum target_counter s);
/* Ends the exchange with an outcome for the worker. */
void target_finish(struct target *t, struct exchange *x, struct outcome o);
void target_fail(
    struct target *t, struct exchange *x, enum target_counter cause);
/* No answer will come by TCP; by UDP it still may. */
void target_give_up_tcp(
    struct target *t, struct exchange *x, enum target_counter cause);
enum exchange_way target_first_way(
    const struct target *t, const struct inbound *in);
/* Its time is over. */
void target_expire(struct target *t, struct exchange *x);
/* Opens the leg with a fresh random ID and writes the copy; 0 after having
 * ended the exchange. */
size_t target_prepare(struct target *t, struct exchange *x,
    enum exchange_way way, uint8_t octets[DNS_MSG_OCTETS_MAX]);
/* Octets that came by way; path is the UDP socket's index. */
void target_answered(struct target *t, enum exchange_way way, uint8_t path,
    const uint8_t *octets, size_t len);
/* Rate-limited by cause. x: with which update, or NULL. */
void target_complain(struct target *t, const struct exchange *x,
    enum target_counter cause, const char *fmt, ...) PRINTF_LIKE(4, 5);
/* The same line, whenever it is called. id: of an update, or 0. */
void target_say(const struct target *t, uint64_t id, enum target_counter cause,
    const char *what, unsigned suppressed);

/* target_probe.c */
static inline bool
target_is_probe(const struct target *t, const struct exchange *x)
{
	return x == t->prober.exchange;
}
/* What an outcome says of the target's health; x is still what it was. */
void target_judge(
    struct target *t, const struct exchange *x, const struct outcome *o);
void target_probe_heard(struct target *t, const struct answer *a);
void target_probe_ended(struct target *t, const struct outcome *o);
/* Begins what is due, ends what is overdue. */
void target_probe_tick(struct target *t);
/* When the next of these is to be done. */
uint64_t target_probe_due_us(struct target *t);

/* target_udp.c */
/* Its copy is sent by target_udp_flush at the latest: before anything else
 * can happen to the exchange. */
void target_udp_send(struct target *t, struct exchange *x);
void target_udp_flush(struct target *t);
void target_udp_resend(struct target *t, struct exchange *x);
void target_udp_ready(struct target *t, size_t path);
void target_udp_tick(struct target *t);
void target_udp_close(struct target *t);

/* target_tcp.c */
/* Can this exchange go out by TCP now? Connects if there is need. */
bool target_tcp_is_ready(struct target *t, const struct exchange *x);
void target_tcp_send(struct target *t, struct exchange *x);
/* Sends what the connection takes of what is written for it. */
void target_tcp_flush(struct target *t);
short target_tcp_events(const struct target *t);
void target_tcp_ready(struct target *t, short revents);
/* Closes it; what waited on it fails with this cause, or is sent again. */
void target_tcp_lost(
    struct target *t, enum target_counter cause, const char *why);
/* An exchange on the connection is out of time. */
void target_tcp_timeout(struct target *t, const struct exchange *x);
void target_tcp_tick(struct target *t);
void target_tcp_close(struct target *t);

#endif
