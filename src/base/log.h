/* SPDX-License-Identifier: ISC */
/*
 * Log lines to standard error, to syslog, or to the parent process; one
 * write each.
 * Owner: one process-wide sink, set up before threads start.
 * Threads: any. Errors: none; errno is kept.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
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

#define LOG_LINE_MAX 1024 /* octets of a text */

/* A worker's line on its way to the parent, as one packet. */
struct log_packet {
	uint8_t kind; /* enum log_level, or LOG_WATCH */
	char text[LOG_LINE_MAX];
};

#define LOG_WATCH 0x80 /* not for the log: for who watches updates */

/* Its text, with what is no printable ASCII as "?"; false if the packet
 * is none of ours. */
bool log_packet_text(
    const struct log_packet *packet, size_t len, char text[LOG_LINE_MAX]);

/* Without stamps: whoever reads standard error has clocks of its own. */
void log_init(enum log_level max, bool has_stamps);
void log_set_level(enum log_level max);
/* "error", "warning", "notice", "info", "debug". */
bool log_level_parse(const char *text, enum log_level *level);
/* facility: LOG_DAEMON and the like. */
void log_to_syslog(int facility);
/* To the parent, which passes it on: a sandboxed process has no way to a
 * syslog that was started anew. */
void log_to_channel(int fd);
/* For who watches, through the same channel. */
void log_watch(int fd, const char *text);
/* In the parent: a line of worker index. */
void log_relay(enum log_level level, const char *text, size_t index);
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
