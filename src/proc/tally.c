/* SPDX-License-Identifier: ISC */
#include "proc/tally.h"

#include "base/mono.h"
#include "proc/command.h"

#define MARK_US 10000000 /* between marks for rates */

struct totals *
tally_sum(const struct parent *p)
{
	const struct generation *g;
	struct totals *sum;

	if (p->current == NULL || (sum = totals_new(p->current->conf)) == NULL)
		return NULL;
	TAILQ_FOREACH (g, &p->env.list, link)
		generation_sum(g, sum, p->current->conf);
	return sum;
}

struct report_facts
tally_facts(const struct parent *p)
{
	struct report_facts facts = {.version = PACKAGE_VERSION,
	    .start_time_s = p->start_time_s,
	    .generation = p->current->number,
	    .reload_time_s = p->reload_time_s,
	    .is_reload_good = p->is_reload_good,
	    .restarts = p->restarts};
	size_t i;

	for (i = 0; i < p->current->conf->workers; i++)
		facts.workers += p->current->children[i].pid != 0;
	return facts;
}

void
tally_take_over(struct parent *p, const struct generation *g)
{
	const struct generation *old = p->current;
	struct totals *view = NULL;

	if (old == NULL)
		return;
	totals_carry(g->base, g->conf, old->base, old->conf);
	totals_clear(old->base);
	if (p->view != NULL && (view = totals_new(g->conf)) != NULL)
		totals_carry(view, g->conf, p->view, old->conf);
	totals_free(p->view);
	p->view = view;
}

void
tally_retire(struct parent *p, const struct generation *g)
{
	if (p->current != NULL && p->current != g)
		generation_sum(g, p->current->base, p->current->conf);
}

void
tally_log(const struct parent *p)
{
	struct totals *sum = tally_sum(p);

	if (sum != NULL)
		totals_log(sum, p->current->conf);
	totals_free(sum);
}

void
tally_write_file(struct parent *p, uint64_t now_us)
{
	struct report_facts facts = tally_facts(p);
	struct totals *sum = tally_sum(p);

	if (sum != NULL)
		stats_file_write(
		    &p->stats_file, p->current->conf, sum, &facts, now_us);
	totals_free(sum);
}

static void
make_mark(struct parent *p, uint64_t now_us)
{
	struct totals *sum = tally_sum(p);

	p->marks[1] = p->marks[0];
	p->marks[0].at_us = now_us;
	if (sum != NULL) {
		p->marks[0].received = sum->worker.count[STAT_RECEIVED_UDP] +
				       sum->worker.count[STAT_RECEIVED_TCP];
		p->marks[0].answered = sum->worker.count[STAT_ANSWERED];
	}
	totals_free(sum);
}

uint64_t
tally_tick(struct parent *p)
{
	const struct conf *conf = p->current != NULL ? p->current->conf : NULL;
	uint64_t now = mono_us(), due, file_due;

	if (now >= p->marks[0].at_us + MARK_US)
		make_mark(p, now);
	due = p->marks[0].at_us + MARK_US;
	if (conf == NULL || p->is_handed_over)
		return due;
	if (now >= stats_file_due_us(&p->stats_file, conf))
		tally_write_file(p, now);
	file_due = stats_file_due_us(&p->stats_file, conf);
	return file_due < due ? file_due : due;
}
