/* SPDX-License-Identifier: ISC */
/*
 * Text into a fixed buffer: appends, never overruns, always terminated.
 * Owner: the caller owns the buffer. Threads: any, one per buffer.
 * Errors: text that does not fit is cut and truncated stays set.
 */
#ifndef BASE_SBUF_H
#define BASE_SBUF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compat.h"

struct sbuf {
	char *text;
	size_t len; /* without the terminating NUL */
	size_t cap; /* with it; at least 1 */
	bool truncated;
};

void sbuf_init(struct sbuf *s, char *buf, size_t cap);
void sbuf_addf(struct sbuf *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
void sbuf_add(struct sbuf *s, const char *text);

#endif
