/* SPDX-License-Identifier: ISC */
/*
 * Log lines to standard error or syslog, one write each.
 * Owner: one process-wide sink, set up before threads start.
 * Threads: any. Errors: none; errno is kept.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compat.h"

enum log_level {
	LEVEL_ERROR,
	LEVEL_WARNING,
	LEVEL_NOTICE,
	LEVEL_INFO,
	LEVEL_DEBUG
};

/* At most one line per interval and cause; zeroed before its first use.
 * One thread each. */
struct log_rate {
	uint64_t next_us;
	unsigned suppressed;
};

void log_init(enum log_level max);
void log_to_syslog(void);
/* In a child that is about to close descriptors. */
void log_disconnect(void);
/* Names the process in each line: "parent", "worker 0". */
void log_set_role(const char *role);
bool log_is_on(enum log_level level);
void log_line(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Is this line due? Then *suppressed says how many were left out since
 * the last one. */
bool log_rate_due(struct log_rate *rate, uint64_t now_us, unsigned *suppressed);

#define log_error(...) log_line(LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...) log_line(LEVEL_WARNING, __VA_ARGS__)
#define log_note(...) log_line(LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...) log_line(LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LEVEL_DEBUG, __VA_ARGS__)

#endif
