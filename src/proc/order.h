/* SPDX-License-Identifier: ISC */
/*
 * What the parent tells its workers while they run: a fixed-size message
 * on a pipe of each. Its end of file means: finish and end.
 * Owner: values. Threads: the parent writes, a worker's main thread reads.
 * Errors: an order that does not fit the pipe is sent again by its writer.
 */
#ifndef PROC_ORDER_H
#define PROC_ORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/log.h"
#include "mux/probe.h"

#define PENALTIES_MAX 8

/* A host whose message a worker died of is not heard for a while. */
struct penalty {
	struct addr host; /* AF_UNSPEC: unused */
	uint64_t until_us; /* of mono_us, which all processes share */
};

/* What holds for every worker, and for those that come later: sent whole,
 * so that the last one that arrives is enough. */
struct standing {
	uint32_t disabled; /* bit i: target i gets and counts for nothing */
	uint32_t level; /* enum log_level */
	bool is_watched; /* send a line for each update that is done */
	struct penalty penalties[PENALTIES_MAX];
};

enum order_type {
	ORDER_STANDING = 1,
	ORDER_PROBE /* once; answered by a frame of FRAME_PROBE */
};

struct order {
	enum order_type type;
	union {
		struct standing standing;
		struct probe_order probe;
	};
};

/* _POSIX_PIPE_BUF: a non-blocking write is all or nothing. */
_Static_assert(sizeof(struct order) <= 512, "an order is written whole");

/* false if the pipe is full, or closed. */
bool order_write(int fd, const struct order *order);
/* 1: *order is set; 0: there is none; -1: end of file. */
int order_read(int fd, struct order *order);

bool standing_has_penalty(
    const struct standing *s, const struct addr *host, uint64_t now_us);
/* The one that ends first gives way. */
void standing_penalize(
    struct standing *s, const struct addr *host, uint64_t until_us);

#endif
