/* SPDX-License-Identifier: ISC */
/*
 * A worker process: receives, verifies, hands out, answers.
 * Owner: everything is made in worker_run and lives until the process
 *   ends. Threads: one main thread, and one per target (target.h).
 * Errors: before it is ready, an exit status other than 0.
 */
#ifndef PROC_WORKER_H
#define PROC_WORKER_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "conf/conf.h"
#include "mux/inbound.h"
#include "mux/quota.h"
#include "mux/replay.h"
#include "mux/request.h"
#include "mux/stats.h"
#include "mux/verify.h"
#include "proc/listen.h"
#include "proc/note.h"
#include "proc/order.h"
#include "proc/outage.h"
#include "proc/queue.h"
#include "proc/target.h"

struct worker_setup {
	const struct conf *conf;
	const struct listen_set *listen;
	unsigned generation;
	size_t index; /* of the worker */
	_Atomic uint64_t *seen; /* shared by all workers: mux/replay.h */
	size_t replay_sets;
	struct note *note; /* whose message it is at */
	struct outage *outages; /* shared by all workers: of each target */
	struct standing standing; /* when it was forked */
	int stats_fd; /* frames to the parent */
	int lines_fd; /* log lines to the parent, and for who watches */
	int order_fd; /* from the parent; end of file: finish and end */
	bool is_daemon; /* no terminal once ready: the parent logs */
};

/* Where an answer goes. */
struct route {
	int fd; /* the UDP listener */
	struct addr from;
	struct addr to; /* the local address, on a wildcard */
	struct tcp_client *client; /* NULL for UDP */
	uint64_t client_serial;
};

struct slot {
	TAILQ_ENTRY(slot) link; /* unused, or by_deadline until settled */
	uint32_t index;
	struct route route;
	struct inbound in;
	struct request request;
	uint8_t *octets; /* DNS_MSG_OCTETS_MAX of them */
};

TAILQ_HEAD(slot_list, slot);

struct tcp_clients;
struct udp_clients;

/* A listening socket of this worker's. */
struct ear {
	int fd;
	bool is_tcp;
};

struct worker {
	const struct worker_setup *setup;
	const struct conf *conf;
	uint64_t now_us;
	uint64_t now_s;
	struct standing standing;

	struct ear *ears;
	size_t nears;
	struct slot *slots; /* conf->updates_in_hand, and the spare one */
	struct slot_list unused;
	struct slot_list by_deadline;
	struct slot *spare; /* receives; replaced when what it got is kept */
	size_t nbusy;
	uint64_t last_id;
	char id_prefix[32]; /* generation, worker: of all IDs of updates */
	uint8_t *octets; /* of all slots */

	struct replay replay;
	struct replay_entry *replay_entries;
	struct hmac **hmacs; /* by index into conf->clients */
	struct target *targets[CONF_TARGETS_MAX];
	bool is_lent_to[CONF_TARGETS_MAX]; /* since the last wake */
	struct bell bell;

	struct quota refusals; /* unsigned ones, by UDP */
	struct tcp_clients *clients;
	struct udp_clients *udp_clients;
	struct pollfd *pfd; /* for all that it polls */
	struct stats stats;
	struct key_stats *keys; /* by index into conf->clients */
	bool *is_key_changed; /* since it was sent */
	size_t next_key; /* the next one to look at, */
	size_t next_block; /* and before these, to send */
	struct log_rate rates[STAT_COUNT];
	struct log_rate clock_rate; /* of all targets against ours */
	bool is_draining;
	uint64_t drain_until_us;
	uint64_t next_stats_us;
};

/* How many descriptors a worker may have open at the same time. */
size_t worker_descriptors(const struct conf *conf);
/* Returns the exit status of the process. */
int worker_run(const struct worker_setup *setup);

#endif
