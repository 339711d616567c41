/* SPDX-License-Identifier: ISC */
#include "proc/snapshot.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mono.h"
#include "proc/client.h"

#define INTERVAL_US 1000000
#define AGAIN_US 50000 /* after the pipe was full */
#define FINISH_US 1000000

bool
snapshot_init(struct worker *w)
{
	w->keys = calloc(w->conf->nclients, sizeof(*w->keys));
	w->is_key_changed =
	    calloc(w->conf->nclients, sizeof(*w->is_key_changed));
	return w->keys != NULL && w->is_key_changed != NULL;
}

void
snapshot_free(struct worker *w)
{
	free(w->keys);
	free(w->is_key_changed);
}

void
snapshot_count_key(
    struct worker *w, const struct inbound *in, enum key_counter k)
{
	size_t i;

	if (in->client == NULL)
		return;
	i = (size_t)(in->client - w->conf->clients);
	w->keys[i].count[k]++;
	w->is_key_changed[i] = true;
}

static bool
send_frame(struct worker *w, const struct stats_frame *f)
{
	uint8_t octets[STATS_FRAME_OCTETS];

	stats_encode(f, octets);
	return write(w->setup->stats_fd, octets, sizeof(octets)) ==
	       sizeof(octets);
}

static bool
send_values(struct worker *w, enum frame_block block, size_t index,
    const void *values, size_t n)
{
	struct stats_frame f = {.type = FRAME_STATS,
	    .block = (uint16_t)block,
	    .index = (uint16_t)index,
	    .nvalues = (uint16_t)n};

	memcpy(f.values, values, n * sizeof(f.values[0]));
	return send_frame(w, &f);
}

static bool
send_own(struct worker *w, bool is_answers)
{
	if (is_answers)
		return send_values(
		    w, BLOCK_ANSWERS, 0, w->stats.answers, ANSWERS_COUNT);
	w->stats.gauge[GAUGE_IN_HAND] = w->nbusy;
	w->stats.gauge[GAUGE_TCP_CLIENTS] = client_count(w);
	return send_values(w, BLOCK_WORKER, 0, &w->stats, BLOCK_WORKER_VALUES);
}

static bool
send_target(struct worker *w, size_t index, bool is_answers)
{
	struct target_values v;

	target_snapshot(w->targets[index], &v);
	if (is_answers)
		return send_values(
		    w, BLOCK_TARGET_ANSWERS, index, v.answers, ANSWERS_COUNT);
	return send_values(w, BLOCK_TARGET, index, &v, BLOCK_TARGET_VALUES);
}

/* The next keys that have changed, as many as fit a frame; false if there
 * are some and the pipe is full. *left counts what is still to look at. */
static bool
send_some_keys(struct worker *w, size_t *left)
{
	struct stats_frame f = {.type = FRAME_STATS, .block = BLOCK_KEYS};
	size_t sent[BLOCK_KEYS_MAX], n = 0, i, at = w->next_key;

	for (; *left > 0 && n < BLOCK_KEYS_MAX; (*left)--) {
		if (w->is_key_changed[at]) {
			(void)stats_add_key(&f, at, &w->keys[at]);
			sent[n++] = at;
		}
		at = at + 1 < w->conf->nclients ? at + 1 : 0;
	}
	if (n > 0 && !send_frame(w, &f))
		return false;
	for (i = 0; i < n; i++)
		w->is_key_changed[sent[i]] = false;
	w->next_key = at;
	return true;
}

/* Goes on where the pipe was full, so that each has its turn. */
static bool
send_rest(struct worker *w)
{
	size_t left = w->conf->nclients;

	for (; w->next_block < 2 * (1 + w->conf->ntargets); w->next_block++) {
		size_t i = w->next_block / 2;
		bool is_answers = w->next_block % 2 != 0;

		if (i == 0 ? !send_own(w, is_answers)
			   : !send_target(w, i - 1, is_answers))
			return false;
	}
	while (left > 0) {
		if (!send_some_keys(w, &left))
			return false;
	}
	w->next_block = 0;
	return true;
}

void
snapshot_send(struct worker *w)
{
	w->next_stats_us = w->now_us + (send_rest(w) ? INTERVAL_US : AGAIN_US);
}

void
snapshot_finish(struct worker *w)
{
	struct pollfd pfd = {.fd = w->setup->stats_fd, .events = POLLOUT};
	uint64_t end = mono_us() + FINISH_US;

	w->next_block = 0;
	while (!send_rest(w) && mono_us() < end) {
		if (poll(&pfd, 1, AGAIN_US / 1000) == 1 &&
		    (pfd.revents & POLLOUT) == 0)
			return;
	}
}
