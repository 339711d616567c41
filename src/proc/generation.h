/* SPDX-License-Identifier: ISC */
/*
 * The workers of one configuration, from the first fork to the last exit.
 * A reload is a new generation beside the one that serves; once it is
 * ready, the former finishes what it has.
 * Owner: the parent; a generation owns its configuration.
 * Threads: the parent has only one.
 */
#ifndef PROC_GENERATION_H
#define PROC_GENERATION_H

#include <sys/queue.h>

#include "proc/child.h"
#include "proc/listen.h"

#define GENERATIONS_MAX 4 /* one serves, one starts, the others drain */

enum generation_state {
	GENERATION_STARTING,
	GENERATION_SERVING,
	GENERATION_DRAINING
};

struct generation {
	TAILQ_ENTRY(generation) link;
	unsigned number;
	enum generation_state state;
	struct conf *conf;
	struct listen_set listen;
	struct child children[CONF_WORKERS_MAX];
	struct outage *outages; /* one for each target */
	struct totals *base; /* what its dead workers had counted, and, of the
				one that serves, generations before it */
	uint64_t until_us; /* starting or draining: then it is killed */
	uint64_t due_us; /* serving: when it wanted the next tick */
};

TAILQ_HEAD(generation_list, generation);

/* What all generations share. */
struct generation_env {
	struct generation_list list; /* in the order of their numbers */
	_Atomic uint64_t *seen; /* mux/replay.h */
	size_t replay_sets;
	bool is_daemon;
	struct standing standing; /* but for disabled, which is by index */
	char disabled[CONF_TARGETS_MAX][CONF_NAME_MAX]; /* targets by name */
	size_t ndisabled;
	struct child_sink sink;
};

/* Takes conf over; listeners come from old where it has them. NULL after
 * a line in the log, and conf is freed. */
struct generation *generation_new(
    struct conf *conf, unsigned number, const struct listen_set *old);
/* Forks all workers; false after a line in the log. */
bool generation_start(struct generation *g, struct generation_env *env);
/* Its listeners that but (or NULL) does not have are closed. */
void generation_free(struct generation *g, const struct listen_set *but);

void generation_drain(struct generation *g);
void generation_kill(struct generation *g);
bool generation_is_running(const struct generation *g);
bool generation_is_ready(const struct generation *g);
/* The child with this process number, or NULL. */
struct child *generation_child(struct generation *g, pid_t pid);

/* Starts and kills who is due; when is the next one? */
uint64_t generation_tick(struct generation *g, struct generation_env *env);
/* The standing has changed: to every worker. */
void generation_tell(struct generation *g, const struct generation_env *env);
/* By one of its workers; false if none can take the order now. */
bool generation_probe(struct generation *g, const struct probe_order *probe);
/* Whatever the configuration, this target is given nothing, or again; tell
 * the generations afterwards. */
void generation_disable(struct generation_env *env, const char *target);
void generation_enable(struct generation_env *env, const char *target);
bool generation_is_disabled(
    const struct generation_env *env, const char *target);
/* Targets that conf does not have are forgotten. */
void generation_forget_disabled(
    struct generation_env *env, const struct conf *conf);
/* Adds all that was counted to the sum, which is of conf. */
void generation_sum(
    const struct generation *g, struct totals *sum, const struct conf *conf);

#endif
