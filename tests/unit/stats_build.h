/* SPDX-License-Identifier: ISC */
/*
 * For test_totals.c and test_report.c: configurations that have names and
 * nothing else, and totals full of numbers.
 */
#ifndef UNIT_STATS_BUILD_H
#define UNIT_STATS_BUILD_H

#include "conf/conf.h"
#include "hex.h"
#include "mux/stats.h"

struct build {
	struct conf conf;
	struct conf_client *clients;
};

/* Keys have to be given in their order. */
static inline struct build *
build_named(const char *const *targets, size_t ntargets,
    const char *const *keys, size_t nkeys)
{
	struct build *b = calloc(1, sizeof(*b));
	size_t i;

	assert_non_null(b);
	b->clients = calloc(nkeys + 1, sizeof(*b->clients));
	assert_non_null(b->clients);
	b->conf.clients = b->clients;
	b->conf.nclients = nkeys;
	b->conf.ntargets = ntargets;
	for (i = 0; i < ntargets; i++)
		snprintf(
		    b->conf.targets[i].name, CONF_NAME_MAX, "%s", targets[i]);
	for (i = 0; i < nkeys; i++)
		assert_true(name_from_text(keys[i], &b->clients[i].tsig.name));
	return b;
}

/* Targets "t0" and so on, keys "k00000." and so on. */
static inline struct build *
build_new(size_t ntargets, size_t nkeys)
{
	struct build *b = build_named(NULL, 0, NULL, 0);
	char name[16];
	size_t i;

	free(b->clients);
	b->clients = calloc(nkeys + 1, sizeof(*b->clients));
	assert_non_null(b->clients);
	b->conf.clients = b->clients;
	b->conf.nclients = nkeys;
	b->conf.ntargets = ntargets;
	for (i = 0; i < ntargets; i++)
		snprintf(b->conf.targets[i].name, CONF_NAME_MAX, "t%zu", i);
	for (i = 0; i < nkeys; i++) {
		snprintf(name, sizeof(name), "k%05zu.", i);
		assert_true(name_from_text(name, &b->clients[i].tsig.name));
	}
	return b;
}

static inline void
build_free(struct build *b)
{
	free(b->clients);
	free(b);
}

static inline void
build_row(uint64_t *values, size_t n, uint64_t first)
{
	size_t i;

	for (i = 0; i < n; i++)
		values[i] = first + i;
}

/* The n-th value of each kind is first + n. */
static inline void
build_fill(struct totals *t, uint64_t first)
{
	size_t i;

	build_row(t->worker.count, STAT_COUNT, first);
	build_row(t->worker.gauge, GAUGE_COUNT, first);
	build_row(t->worker.answers, ANSWERS_COUNT, first);
	for (i = 0; i < t->ntargets; i++) {
		build_row(t->targets[i].count, TSTAT_COUNT, first);
		build_row(t->targets[i].gauge, TGAUGE_COUNT, first);
		build_row(t->targets[i].answers, ANSWERS_COUNT, first);
	}
	for (i = 0; i < t->nkeys; i++)
		build_row(t->keys[i].count, KSTAT_COUNT, first);
}

static inline bool
build_same(const struct totals *a, const struct totals *b)
{
	return a->ntargets == b->ntargets && a->nkeys == b->nkeys &&
	       memcmp(&a->worker, &b->worker, sizeof(a->worker)) == 0 &&
	       memcmp(a->targets, b->targets,
		   a->ntargets * sizeof(*a->targets)) == 0 &&
	       memcmp(a->keys, b->keys, a->nkeys * sizeof(*a->keys)) == 0;
}

#endif
