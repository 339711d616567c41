/* SPDX-License-Identifier: ISC */
#include "proc/totals.h"

#include <string.h>

#include "base/log.h"
#include "base/sbuf.h"

bool
totals_take(
    struct totals *worker, const struct conf *conf, const struct stats_frame *f)
{
	size_t expected = f->block == 0 ? STAT_COUNT : TSTAT_COUNT;

	if (f->block > conf->ntargets || f->nvalues != expected)
		return false;
	memcpy(worker->values[f->block], f->values,
	    f->nvalues * sizeof(f->values[0]));
	return true;
}

void
totals_add(struct totals *sum, const struct totals *more)
{
	size_t block, i;

	for (block = 0; block < TOTALS_BLOCKS; block++) {
		for (i = 0; i < STATS_VALUES_MAX; i++)
			sum->values[block][i] += more->values[block][i];
	}
}

void
totals_retire(struct totals *base, struct totals *worker)
{
	totals_add(base, worker);
	memset(worker, 0, sizeof(*worker));
}

static void
add_value(struct sbuf *line, const char *name, uint64_t value)
{
	if (value != 0)
		sbuf_addf(line, " %s=%llu", name, (unsigned long long)value);
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
		    &line, stats_name((enum counter)s), sum->values[0][s]);
	log_note("statistics:%s", line.len > 0 ? line.text : " nothing yet");
	for (i = 0; i < conf->ntargets; i++) {
		sbuf_init(&line, buf, sizeof(buf));
		for (s = 0; s < TSTAT_COUNT; s++)
			add_value(&line,
			    stats_target_name((enum target_counter)s),
			    sum->values[i + 1][s]);
		if (line.len > 0)
			log_note("statistics of target %s:%s",
			    conf->targets[i].name, line.text);
	}
}
