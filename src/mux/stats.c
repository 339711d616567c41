/* SPDX-License-Identifier: ISC */
#include "mux/stats.h"

#include <string.h>

#include "dns/wire.h"

#define FRAME_MAGIC 0x64646d78 /* "ddmx" */
#define FRAME_VERSION 2

struct label {
	const char *name;
	const char *text;
	bool is_hint;
};

#define OK(symbol, name, text) {name, text, false},
#define X(symbol, name, text) {name, text, true},
static const struct label stat_labels[] = {STATS_LIST(OK, X)};
static const struct label target_labels[] = {
    {"none", NULL, false}, TARGET_STATS_LIST(OK, X)};
#undef OK
#undef X

const char *
stats_name(enum counter s)
{
	return stat_labels[s].name;
}

const char *
stats_hint(enum counter s)
{
	return stat_labels[s].is_hint ? stat_labels[s].text : NULL;
}

const char *
stats_target_name(enum target_counter s)
{
	return target_labels[s].name;
}

const char *
stats_target_hint(enum target_counter s)
{
	return target_labels[s].is_hint ? target_labels[s].text : NULL;
}

enum key_counter
stats_key_cause(enum counter cause)
{
	switch (cause) {
	case STAT_BAD_SOURCE:
		return KSTAT_BAD_SOURCE;
	case STAT_BAD_SIG:
		return KSTAT_BAD_SIG;
	case STAT_BAD_TIME:
		return KSTAT_BAD_TIME;
	case STAT_BAD_TRUNC:
		return KSTAT_BAD_TRUNC;
	case STAT_NOT_ALLOWED:
		return KSTAT_NOT_ALLOWED;
	default:
		return KSTAT_REFUSED;
	}
}

enum key_counter
stats_key_answer(enum rcode rcode)
{
	switch (rcode) {
	case RCODE_NOERROR:
		return KSTAT_NOERROR;
	case RCODE_YXDOMAIN:
	case RCODE_YXRRSET:
	case RCODE_NXDOMAIN:
	case RCODE_NXRRSET:
		return KSTAT_VERDICT;
	case RCODE_SERVFAIL:
		return KSTAT_SERVFAIL;
	default:
		return KSTAT_OTHER;
	}
}

void
stats_answer(struct stats *s, enum rcode rcode)
{
	s->count[STAT_ANSWERED]++;
	if (rcode < STATS_RCODES)
		s->answers[rcode]++;
}

void
stats_latency(struct stats *s, uint64_t us)
{
	s->answers[ANSWERS_BUCKET + hist_bucket(us)]++;
	s->answers[ANSWERS_SUM_US] += us;
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
	wr_u16(&w, f->index);
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
	if (type < FRAME_READY || type > FRAME_PROBE)
		return false;
	f->type = (enum frame_type)type;
	f->block = rd_u16(&r);
	f->index = rd_u16(&r);
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

bool
stats_add_key(struct stats_frame *f, size_t key, const struct key_stats *values)
{
	if (f->nvalues + BLOCK_KEY_VALUES > STATS_VALUES_MAX)
		return false;
	f->values[f->nvalues] = key;
	memcpy(
	    f->values + f->nvalues + 1, values->count, sizeof(values->count));
	f->nvalues = (uint16_t)(f->nvalues + BLOCK_KEY_VALUES);
	return true;
}
