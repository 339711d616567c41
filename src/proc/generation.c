/* SPDX-License-Identifier: ISC */
#include "proc/generation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "base/mono.h"

/* A worker drains for 5 s; then it is not asked any more. */
#define STOP_US 7000000
#define START_US 10000000
/* Workers send a frame each second. */
#define SILENT_US 10000000
/* So late, it is we who slept, or the machine. */
#define SLEPT_US 2000000
#define RETRY_US 100000

static bool
make_totals(struct generation *g)
{
	size_t i;

	g->base = totals_new(g->conf);
	for (i = 0; i < g->conf->workers; i++) {
		g->children[i].totals = totals_new(g->conf);
		if (g->children[i].totals == NULL)
			return false;
	}
	return g->base != NULL;
}

static bool
make_memory(struct generation *g)
{
	g->outages = outage_new(g->conf->ntargets);
	if (g->outages == NULL) {
		log_error("memory shared with workers: %s", strerror(errno));
		return false;
	}
	return make_totals(g);
}

struct generation *
generation_new(struct conf *conf, unsigned number, const struct listen_set *old)
{
	struct generation *g = calloc(1, sizeof(*g));
	size_t i;

	if (g == NULL) {
		log_error("no memory");
		conf_free(conf);
		return NULL;
	}
	g->conf = conf;
	g->number = number;
	for (i = 0; i < CONF_WORKERS_MAX; i++)
		child_init(&g->children[i], i);
	if (!make_memory(g) || !listen_open(conf, old, &g->listen)) {
		generation_free(g, old);
		return NULL;
	}
	return g;
}

void
generation_free(struct generation *g, const struct listen_set *but)
{
	size_t i;

	listen_close(&g->listen, but);
	for (i = 0; i < CONF_WORKERS_MAX; i++) {
		note_free(g->children[i].note);
		totals_free(g->children[i].totals);
	}
	totals_free(g->base);
	outage_free(g->outages, g->conf->ntargets);
	conf_free(g->conf);
	free(g);
}

struct leaving {
	const struct generation *mine;
	struct generation_env *env;
};

/* In a new worker: other generations' secrets are none of its business. */
static void
leave_parent(void *arg)
{
	const struct leaving *l = arg;
	struct generation *g;

	TAILQ_FOREACH (g, &l->env->list, link) {
		if (g != l->mine)
			conf_free(g->conf);
	}
}

static size_t
find_disabled(const struct generation_env *env, const char *target)
{
	size_t i = 0;

	while (i < env->ndisabled && strcasecmp(env->disabled[i], target) != 0)
		i++;
	return i;
}

bool
generation_is_disabled(const struct generation_env *env, const char *target)
{
	return find_disabled(env, target) < env->ndisabled;
}

void
generation_disable(struct generation_env *env, const char *target)
{
	if (!generation_is_disabled(env, target) &&
	    env->ndisabled < CONF_TARGETS_MAX)
		strlcpy(env->disabled[env->ndisabled++], target, CONF_NAME_MAX);
}

static void
enable(struct generation_env *env, size_t i)
{
	env->ndisabled--;
	memmove(env->disabled[i], env->disabled[env->ndisabled], CONF_NAME_MAX);
}

void
generation_enable(struct generation_env *env, const char *target)
{
	if (generation_is_disabled(env, target))
		enable(env, find_disabled(env, target));
}

static bool
has_target(const struct conf *conf, const char *name)
{
	size_t i;

	for (i = 0; i < conf->ntargets; i++) {
		if (strcasecmp(conf->targets[i].name, name) == 0)
			return true;
	}
	return false;
}

void
generation_forget_disabled(struct generation_env *env, const struct conf *conf)
{
	size_t i = 0;

	while (i < env->ndisabled) {
		if (has_target(conf, env->disabled[i]))
			i++;
		else
			enable(env, i);
	}
}

static struct standing
standing_of(const struct generation *g, const struct generation_env *env)
{
	struct standing standing = env->standing;
	size_t i;

	for (i = 0; i < g->conf->ntargets; i++) {
		if (generation_is_disabled(env, g->conf->targets[i].name))
			standing.disabled |= (uint32_t)1 << i;
	}
	return standing;
}

static bool
start_child(struct generation *g, struct child *c, struct generation_env *env)
{
	struct leaving leaving = {g, env};
	struct worker_setup setup = {.conf = g->conf,
	    .generation = g->number,
	    .listen = &g->listen,
	    .seen = env->seen,
	    .replay_sets = env->replay_sets,
	    .standing = standing_of(g, env),
	    .outages = g->outages,
	    .is_daemon = env->is_daemon};

	return child_start(c, &setup, leave_parent, &leaving);
}

bool
generation_start(struct generation *g, struct generation_env *env)
{
	size_t i;

	g->state = GENERATION_STARTING;
	g->due_us = UINT64_MAX;
	g->until_us = mono_us() + START_US;
	for (i = 0; i < g->conf->workers; i++) {
		if (!start_child(g, &g->children[i], env)) {
			log_error("cannot fork: %s", strerror(errno));
			return false;
		}
	}
	return true;
}

void
generation_drain(struct generation *g)
{
	size_t i;

	if (g->state == GENERATION_DRAINING)
		return;
	g->state = GENERATION_DRAINING;
	g->until_us = mono_us() + STOP_US;
	for (i = 0; i < g->conf->workers; i++)
		child_drain(&g->children[i]);
}

void
generation_kill(struct generation *g)
{
	size_t i;

	for (i = 0; i < g->conf->workers; i++)
		child_kill(&g->children[i]);
}

bool
generation_is_running(const struct generation *g)
{
	size_t i;

	for (i = 0; i < g->conf->workers; i++) {
		if (g->children[i].pid != 0)
			return true;
	}
	return false;
}

bool
generation_is_ready(const struct generation *g)
{
	size_t i;

	for (i = 0; i < g->conf->workers; i++) {
		if (!g->children[i].is_ready)
			return false;
	}
	return true;
}

struct child *
generation_child(struct generation *g, pid_t pid)
{
	size_t i;

	for (i = 0; i < g->conf->workers; i++) {
		if (g->children[i].pid == pid)
			return &g->children[i];
	}
	return NULL;
}

/* What did not fit the pipe is told again. */
static void
tell(struct generation *g, struct child *c, const struct generation_env *env)
{
	struct order order = {
	    .type = ORDER_STANDING, .standing = standing_of(g, env)};

	c->has_orders = order_write(c->order_fd, &order);
}

void
generation_tell(struct generation *g, const struct generation_env *env)
{
	size_t i;

	for (i = 0; i < g->conf->workers; i++) {
		if (g->children[i].order_fd != -1)
			tell(g, &g->children[i], env);
	}
}

bool
generation_probe(struct generation *g, const struct probe_order *probe)
{
	struct order order = {.type = ORDER_PROBE, .probe = *probe};
	size_t i;

	for (i = 0; i < g->conf->workers; i++) {
		const struct child *c = &g->children[i];

		if (c->is_ready && c->order_fd != -1 &&
		    order_write(c->order_fd, &order))
			return true;
	}
	return false;
}

static uint64_t
min_us(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* It may be late for us only: what it sent meanwhile is read first. */
static bool
is_hanging(struct child *c, const struct generation_env *env, uint64_t now)
{
	if (now < c->heard_us + SILENT_US)
		return false;
	child_read(c, &env->sink);
	return now >= c->heard_us + SILENT_US;
}

/* Time in which nobody ran is nobody's silence. */
static void
forgive(struct generation *g, uint64_t now)
{
	size_t i;

	if (now < g->due_us || now - g->due_us < SLEPT_US)
		return;
	for (i = 0; i < g->conf->workers; i++)
		g->children[i].heard_us = now;
}

static uint64_t
tick_running(struct generation *g, struct child *c,
    const struct generation_env *env, uint64_t now)
{
	if (is_hanging(c, env, now)) {
		log_error("worker %zu, pid %ld, hangs: killed", c->index,
		    (long)c->pid);
		child_kill(c);
		c->heard_us = now;
	}
	if (!c->has_orders && c->order_fd != -1)
		tell(g, c, env);
	return c->has_orders ? c->heard_us + SILENT_US : now + RETRY_US;
}

static uint64_t
tick_serving(struct generation *g, struct generation_env *env, uint64_t now)
{
	uint64_t due = UINT64_MAX;
	size_t i;

	forgive(g, now);
	for (i = 0; i < g->conf->workers; i++) {
		struct child *c = &g->children[i];

		if (c->pid == 0 && now >= c->restart_us &&
		    !start_child(g, c, env))
			child_schedule(c);
		if (c->pid != 0)
			due = min_us(due, tick_running(g, c, env, now));
		else
			due = min_us(due, c->restart_us);
	}
	g->due_us = due;
	return due;
}

uint64_t
generation_tick(struct generation *g, struct generation_env *env)
{
	uint64_t now = mono_us();

	if (g->state == GENERATION_SERVING)
		return tick_serving(g, env, now);
	if (now < g->until_us)
		return g->until_us;
	generation_kill(g);
	return now + RETRY_US;
}

void
generation_sum(
    const struct generation *g, struct totals *sum, const struct conf *conf)
{
	size_t i;

	totals_carry(sum, conf, g->base, g->conf);
	for (i = 0; i < g->conf->workers; i++)
		totals_carry(sum, conf, g->children[i].totals, g->conf);
}
