/* SPDX-License-Identifier: ISC */
#include "proc/totals.h"

#include <stdlib.h>
#include <string.h>

#include "base/compat.h"
#include "base/log.h"
#include "base/sbuf.h"
#include "dns/text.h"

struct totals *
totals_new(const struct conf *conf)
{
	struct totals *t = calloc(1, sizeof(*t));

	if (t != NULL) {
		t->ntargets = conf->ntargets;
		t->nkeys = conf->nclients;
		t->targets = calloc(t->ntargets, sizeof(*t->targets));
		/* Of many keys few are used: others are never touched. */
		t->keys = calloc(t->nkeys, sizeof(*t->keys));
		if (t->targets != NULL && t->keys != NULL)
			return t;
	}
	log_error("statistics: no memory");
	totals_free(t);
	return NULL;
}

void
totals_free(struct totals *t)
{
	if (t == NULL)
		return;
	free(t->targets);
	free(t->keys);
	free(t);
}

void
totals_clear(struct totals *t)
{
	memset(&t->worker, 0, sizeof(t->worker));
	memset(t->targets, 0, t->ntargets * sizeof(*t->targets));
	memset(t->keys, 0, t->nkeys * sizeof(*t->keys));
}

static bool
take(const struct stats_frame *f, void *values, size_t n)
{
	if (f->nvalues != n)
		return false;
	memcpy(values, f->values, n * sizeof(f->values[0]));
	return true;
}

static uint64_t
magnitude(uint64_t offset)
{
	return offset > INT64_MAX ? 0 - offset : offset;
}

static bool
take_target(struct totals *worker, const struct stats_frame *f)
{
	if (magnitude(f->values[TSTAT_COUNT + TGAUGE_CLOCK_OFFSET_S]) >
	    STATS_OFFSET_MAX_S)
		return false;
	return take(f, &worker->targets[f->index], BLOCK_TARGET_VALUES);
}

/* All of them, or none. */
static bool
take_keys(struct totals *worker, const struct stats_frame *f)
{
	size_t i;

	if (f->nvalues == 0 || f->nvalues % BLOCK_KEY_VALUES != 0)
		return false;
	for (i = 0; i < f->nvalues; i += BLOCK_KEY_VALUES) {
		if (f->values[i] >= worker->nkeys)
			return false;
	}
	for (i = 0; i < f->nvalues; i += BLOCK_KEY_VALUES)
		memcpy(worker->keys[f->values[i]].count, f->values + i + 1,
		    sizeof(worker->keys->count));
	return true;
}

bool
totals_take(struct totals *worker, const struct stats_frame *f)
{
	bool has_target =
	    f->block == BLOCK_TARGET || f->block == BLOCK_TARGET_ANSWERS;

	if (f->type != FRAME_STATS ||
	    f->index >= (has_target ? worker->ntargets : 1))
		return false;
	switch (f->block) {
	case BLOCK_WORKER:
		return take(f, &worker->worker, BLOCK_WORKER_VALUES);
	case BLOCK_ANSWERS:
		return take(f, worker->worker.answers, ANSWERS_COUNT);
	case BLOCK_TARGET:
		return take_target(worker, f);
	case BLOCK_TARGET_ANSWERS:
		return take(
		    f, worker->targets[f->index].answers, ANSWERS_COUNT);
	case BLOCK_KEYS:
		return take_keys(worker, f);
	default:
		return false;
	}
}

static void
add(uint64_t *sum, const uint64_t *more, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		sum[i] += more[i];
}

static void
add_worker(struct stats *sum, const struct stats *more)
{
	add(sum->count, more->count, STAT_COUNT);
	add(sum->gauge, more->gauge, GAUGE_COUNT);
	add(sum->answers, more->answers, ANSWERS_COUNT);
}

static void
add_target(struct target_values *sum, const struct target_values *more)
{
	uint64_t *offset = &sum->gauge[TGAUGE_CLOCK_OFFSET_S];
	uint64_t before = *offset, other = more->gauge[TGAUGE_CLOCK_OFFSET_S];

	add(sum->count, more->count, TSTAT_COUNT);
	add(sum->gauge, more->gauge, TGAUGE_COUNT);
	add(sum->answers, more->answers, ANSWERS_COUNT);
	*offset = magnitude(other) > magnitude(before) ? other : before;
}

void
totals_add(struct totals *sum, const struct totals *more)
{
	size_t i;

	add_worker(&sum->worker, &more->worker);
	for (i = 0; i < sum->ntargets; i++)
		add_target(&sum->targets[i], &more->targets[i]);
	for (i = 0; i < sum->nkeys; i++)
		add(sum->keys[i].count, more->keys[i].count, KSTAT_COUNT);
}

void
totals_retire(struct totals *base, struct totals *worker)
{
	size_t i;

	memset(worker->worker.gauge, 0, sizeof(worker->worker.gauge));
	for (i = 0; i < worker->ntargets; i++)
		memset(worker->targets[i].gauge, 0,
		    sizeof(worker->targets[i].gauge));
	totals_add(base, worker);
	totals_clear(worker);
}

/* As unique as the configuration has them: without case. */
static size_t
find_target(const struct conf *conf, const char *name)
{
	size_t i = 0;

	while (
	    i < conf->ntargets && strcasecmp(conf->targets[i].name, name) != 0)
		i++;
	return i;
}

/* Both are sorted by name. */
static void
carry_keys(struct totals *to, const struct conf *to_conf,
    const struct totals *from, const struct conf *from_conf)
{
	size_t i = 0, j = 0;

	while (i < to->nkeys && j < from->nkeys) {
		int order = name_cmp(&to_conf->clients[i].tsig.name,
		    &from_conf->clients[j].tsig.name);

		if (order == 0)
			add(to->keys[i].count, from->keys[j].count,
			    KSTAT_COUNT);
		i += order <= 0;
		j += order >= 0;
	}
}

void
totals_carry(struct totals *to, const struct conf *to_conf,
    const struct totals *from, const struct conf *from_conf)
{
	size_t i, j;

	add_worker(&to->worker, &from->worker);
	for (i = 0; i < from->ntargets; i++) {
		j = find_target(to_conf, from_conf->targets[i].name);
		if (j < to->ntargets)
			add_target(&to->targets[j], &from->targets[i]);
	}
	carry_keys(to, to_conf, from, from_conf);
}

static void
add_value(struct sbuf *line, const char *name, uint64_t value)
{
	if (value != 0)
		sbuf_addf(line, " %s=%llu", name, (unsigned long long)value);
}

static void
add_rcodes(struct sbuf *line, const uint64_t answers[ANSWERS_COUNT])
{
	unsigned i;

	for (i = 0; i < STATS_RCODES; i++)
		add_value(line, rcode_text(i), answers[i]);
}

void
totals_log(const struct totals *sum, const struct conf *conf)
{
	struct sbuf line;
	char buf[1000];
	size_t i, s;

	sbuf_init(&line, buf, sizeof(buf));
	for (s = 0; s < STAT_COUNT; s++)
		add_value(
		    &line, stats_name((enum counter)s), sum->worker.count[s]);
	log_note("statistics:%s", line.len > 0 ? line.text : " nothing yet");
	sbuf_init(&line, buf, sizeof(buf));
	add_rcodes(&line, sum->worker.answers);
	if (line.len > 0)
		log_note("statistics of answers:%s", line.text);
	for (i = 0; i < sum->ntargets; i++) {
		sbuf_init(&line, buf, sizeof(buf));
		for (s = 0; s < TSTAT_COUNT; s++)
			add_value(&line,
			    stats_target_name((enum target_counter)s),
			    sum->targets[i].count[s]);
		add_rcodes(&line, sum->targets[i].answers);
		if (line.len > 0)
			log_note("statistics of target %s:%s",
			    conf->targets[i].name, line.text);
	}
}
