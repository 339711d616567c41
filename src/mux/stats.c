/* SPDX-License-Identifier: ISC */
#include "mux/stats.h"

#include <string.h>

#include "dns/wire.h"

#define FRAME_MAGIC 0x64646d78 /* "ddmx" */
#define FRAME_VERSION 1

struct label {
	const char *name;
	const char *hint;
};

static const struct label stat_labels[] = {
#define X(symbol, name, hint) {name, hint},
    STATS_LIST(X)
#undef X
};

static const struct label target_labels[] = {
#define X(symbol, name, hint) {name, hint},
    TARGET_STATS_LIST(X)
#undef X
};

const char *
stats_name(enum counter s)
{
	return stat_labels[s].name;
}

const char *
stats_hint(enum counter s)
{
	return stat_labels[s].hint;
}

const char *
stats_target_name(enum target_counter s)
{
	return target_labels[s].name;
}

const char *
stats_target_hint(enum target_counter s)
{
	return target_labels[s].hint;
}

void
stats_encode(const struct stats_frame *f, uint8_t octets[STATS_FRAME_OCTETS])
{
	struct wr w;
	size_t i;

	memset(octets, 0, STATS_FRAME_OCTETS);
	wr_init(&w, octets, STATS_FRAME_OCTETS);
	wr_u32(&w, FRAME_MAGIC);
	wr_u16(&w, FRAME_VERSION);
	wr_u16(&w, f->type);
	wr_u16(&w, f->block);
	wr_u16(&w, f->nvalues);
	for (i = 0; i < f->nvalues && i < STATS_VALUES_MAX; i++)
		wr_u64(&w, f->values[i]);
}

bool
stats_decode(const uint8_t octets[STATS_FRAME_OCTETS], struct stats_frame *f)
{
	unsigned type;
	struct rd r;
	size_t i;

	memset(f, 0, sizeof(*f));
	rd_init(&r, octets, STATS_FRAME_OCTETS);
	if (rd_u32(&r) != FRAME_MAGIC || rd_u16(&r) != FRAME_VERSION)
		return false;
	type = rd_u16(&r);
	if (type != FRAME_READY && type != FRAME_STATS)
		return false;
	f->type = (enum frame_type)type;
	f->block = rd_u16(&r);
	f->nvalues = rd_u16(&r);
	if (f->nvalues > STATS_VALUES_MAX)
		return false;
	for (i = 0; i < f->nvalues; i++)
		f->values[i] = rd_u64(&r);
	/* What is unused is zero, so every octet of a frame is checked. */
	while (!rd_at_end(&r)) {
		if (rd_u8(&r) != 0)
			return false;
	}
	return true;
}
