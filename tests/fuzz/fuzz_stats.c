/* SPDX-License-Identifier: ISC */
/* F9: an octet of how many targets there are, one of how many keys, then
 * what a worker wrote into its pipe. */
#include <string.h>

#include "fuzz.h"
#include "mux/probe.h"
#include "proc/totals.h"

const char fuzz_what[] = "stats";

#define KEYS_MAX 16

/* What totals_take works on, in static memory. */
static struct world {
	struct target_values targets[CONF_TARGETS_MAX];
	struct key_stats keys[KEYS_MAX];
	struct stats worker;
} now, before;
static struct totals totals = {.targets = now.targets, .keys = now.keys};

static size_t
values_of(const struct stats_frame *f)
{
	switch (f->block) {
	case BLOCK_WORKER:
		return BLOCK_WORKER_VALUES;
	case BLOCK_TARGET:
		return BLOCK_TARGET_VALUES;
	default:
		return ANSWERS_COUNT;
	}
}

static bool
are_plausible_keys(const struct stats_frame *f)
{
	size_t i;

	for (i = 0; i < f->nvalues; i += BLOCK_KEY_VALUES) {
		if (f->values[i] >= totals.nkeys)
			return false;
	}
	return f->index == 0 && f->nvalues > 0 &&
	       f->nvalues % BLOCK_KEY_VALUES == 0;
}

static bool
is_plausible(const struct stats_frame *f)
{
	int64_t offset;

	if (f->type != FRAME_STATS || f->block > BLOCK_KEYS)
		return false;
	if (f->block == BLOCK_KEYS)
		return are_plausible_keys(f);
	if (f->block < BLOCK_TARGET ? f->index != 0
				    : f->index >= totals.ntargets)
		return false;
	offset = (int64_t)f->values[TSTAT_COUNT + TGAUGE_CLOCK_OFFSET_S];
	if (f->block == BLOCK_TARGET &&
	    (offset > STATS_OFFSET_MAX_S || offset < -STATS_OFFSET_MAX_S))
		return false;
	return f->nvalues == values_of(f);
}

/* The same, another way. */
static void
take_into(struct world *w, const struct stats_frame *f)
{
	size_t i, n = f->nvalues * sizeof(f->values[0]);

	switch (f->block) {
	case BLOCK_WORKER:
		memcpy(&w->worker, f->values, n);
		break;
	case BLOCK_ANSWERS:
		memcpy(w->worker.answers, f->values, n);
		break;
	case BLOCK_TARGET:
		memcpy(&w->targets[f->index], f->values, n);
		break;
	case BLOCK_TARGET_ANSWERS:
		memcpy(w->targets[f->index].answers, f->values, n);
		break;
	default:
		for (i = 0; i < f->nvalues; i += BLOCK_KEY_VALUES)
			memcpy(&w->keys[f->values[i]], &f->values[i + 1],
			    sizeof(w->keys[0]));
		break;
	}
}

/* What is taken has one form, and gives words. */
static void
check_probe(const struct stats_frame *f)
{
	char verdict[PROBE_VERDICT_MAX];
	struct probe_result r;
	struct stats_frame again;

	if (!probe_decode(f, totals.ntargets, &r))
		return;
	FUZZ_CHECK(r.target < totals.ntargets);
	probe_encode(&r, &again);
	FUZZ_CHECK(memcmp(f->values, again.values, sizeof(f->values)) == 0);
	FUZZ_CHECK(strlen(probe_verdict(&r, verdict)) > 0);
}

static void
take(const uint8_t octets[STATS_FRAME_OCTETS])
{
	uint8_t again[STATS_FRAME_OCTETS];
	struct stats_frame f;

	if (!stats_decode(octets, &f))
		return;
	FUZZ_CHECK(f.type >= FRAME_READY && f.type <= FRAME_PROBE);
	FUZZ_CHECK(f.nvalues <= STATS_VALUES_MAX);
	stats_encode(&f, again);
	FUZZ_CHECK(memcmp(octets, again, sizeof(again)) == 0);
	check_probe(&f);
	before = now;
	before.worker = totals.worker;
	FUZZ_CHECK(totals_take(&totals, &f) == is_plausible(&f));
	if (is_plausible(&f))
		take_into(&before, &f);
	now.worker = totals.worker;
	FUZZ_CHECK(memcmp(&before, &now, sizeof(now)) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t octets[STATS_FRAME_OCTETS];
	size_t i, n;

	if (size < 2)
		return 0;
	memset(&now, 0, sizeof(now));
	memset(&totals.worker, 0, sizeof(totals.worker));
	totals.ntargets = data[0] % (CONF_TARGETS_MAX + 1);
	totals.nkeys = data[1] % (KEYS_MAX + 1);
	for (i = 2; i < size; i += n) {
		n = size - i;
		n = n < sizeof(octets) ? n : sizeof(octets);
		memset(octets, 0, sizeof(octets));
		memcpy(octets, data + i, n);
		take(octets);
	}
	return 0;
}
