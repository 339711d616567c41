/* SPDX-License-Identifier: ISC */
/* F9: one octet of how many targets there are, then what a worker wrote
 * into its pipe. */
#include <string.h>

#include "fuzz.h"
#include "proc/totals.h"

const char fuzz_what[] = "stats";

static struct totals worker, before;
static struct conf conf;

static bool
is_plausible(const struct stats_frame *f)
{
	if (f->block == 0)
		return f->nvalues == STAT_COUNT;
	return f->block <= conf.ntargets && f->nvalues == TSTAT_COUNT;
}

static void
take(const uint8_t octets[STATS_FRAME_OCTETS])
{
	uint8_t again[STATS_FRAME_OCTETS];
	struct stats_frame f;

	if (!stats_decode(octets, &f))
		return;
	FUZZ_CHECK(f.type == FRAME_READY || f.type == FRAME_STATS);
	FUZZ_CHECK(f.nvalues <= STATS_VALUES_MAX);
	stats_encode(&f, again);
	FUZZ_CHECK(memcmp(octets, again, sizeof(again)) == 0);
	before = worker;
	FUZZ_CHECK(totals_take(&worker, &conf, &f) == is_plausible(&f));
	if (is_plausible(&f)) {
		size_t n = f.nvalues * sizeof(f.values[0]);

		FUZZ_CHECK(memcmp(worker.values[f.block], f.values, n) == 0);
		memcpy(before.values[f.block], f.values, n);
	}
	FUZZ_CHECK(memcmp(&before, &worker, sizeof(worker)) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t octets[STATS_FRAME_OCTETS];
	size_t i, n;

	if (size < 1)
		return 0;
	memset(&worker, 0, sizeof(worker));
	conf.ntargets = data[0] % (CONF_TARGETS_MAX + 1);
	for (i = 1; i < size; i += n) {
		n = size - i;
		n = n < sizeof(octets) ? n : sizeof(octets);
		memset(octets, 0, sizeof(octets));
		memcpy(octets, data + i, n);
		take(octets);
	}
	return 0;
}
