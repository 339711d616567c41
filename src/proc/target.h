/* SPDX-License-Identifier: ISC */
/*
 * One target as a worker sees it: a thread that sends copies of updates
 * and brings back one outcome for each.
 * Owner: the worker; target_stop before target_free.
 * Threads: the worker's main thread calls what is declared here.
 */
#ifndef PROC_TARGET_H
#define PROC_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "mux/collect.h"
#include "mux/inbound.h"
#include "mux/probe.h"
#include "mux/stats.h"
#include "proc/outage.h"
#include "proc/queue.h"

struct target;

/* in is lent until the result with the same slot has come back. */
struct job {
	const struct inbound *in;
	uint32_t slot;
	uint64_t start_us;
};

struct result {
	uint32_t slot;
	struct outcome outcome;
};

struct target_setup {
	const struct conf *conf;
	size_t index; /* of conf->targets */
	size_t max_lent; /* jobs not returned, at the most */
	struct bell *worker_bell;
	const char *id_prefix; /* of IDs of updates, for the log */
	struct outage *outage; /* which all workers see */
	size_t worker;
};

/* NULL if memory, descriptors or the HMAC can't be had. */
struct target *target_new(const struct target_setup *setup);
bool target_start(struct target *t);
/* Returns when the thread has ended; what it still held is lost. */
void target_stop(struct target *t);
void target_free(struct target *t);

/* TSTAT_NO_CAUSE: it is lent. Otherwise it has failed already: max_lent
 * jobs are out (TSTAT_FAIL_BUSY), or the target is down (TSTAT_FAIL_DOWN). */
enum target_counter target_give(struct target *t, const struct job *job);
bool target_is_down(const struct target *t);
/* One that is disabled is probed by order only. */
void target_disable(struct target *t, bool is_disabled);
/* Wakes the thread, after any number of target_give. */
void target_wake(struct target *t);
bool target_take(struct target *t, struct result *result);
/* Of an update or of a probe. */
bool target_has_result(struct target *t);

/* Up or down. false: too many are asked for already. */
bool target_probe(struct target *t, const struct probe_order *order);
bool target_take_probe(struct target *t, struct probe_result *result);

/* What it has counted so far. */
void target_snapshot(struct target *t, struct target_values *v);

#endif
