/* SPDX-License-Identifier: ISC */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>
#include <time.h>

#include "base/mono.h"

#define RATE_INTERVAL_US 10000000

static struct {
	enum log_level max;
	bool to_syslog;
	char role[32];
} sink = {LEVEL_NOTICE, false, ""};

static const struct {
	int priority;
	const char *name;
} levels[] = {
    [LEVEL_ERROR] = {LOG_ERR, "error"},
    [LEVEL_WARNING] = {LOG_WARNING, "warning"},
    [LEVEL_NOTICE] = {LOG_NOTICE, "notice"},
    [LEVEL_INFO] = {LOG_INFO, "info"},
    [LEVEL_DEBUG] = {LOG_DEBUG, "debug"},
};

void
log_init(enum log_level max)
{
	sink.max = max;
}

void
log_to_syslog(void)
{
	sink.to_syslog = true;
	/* Connected now: a sandbox would not allow it later. */
	openlog("ddns-mux", LOG_PID | LOG_NDELAY, LOG_DAEMON);
}

void
log_disconnect(void)
{
	if (sink.to_syslog)
		closelog();
}

void
log_set_role(const char *role)
{
	snprintf(sink.role, sizeof(sink.role), "%s: ", role);
}

bool
log_is_on(enum log_level level)
{
	return level <= sink.max;
}

static size_t
stamp(char *buf, size_t cap)
{
	struct timespec ts;
	struct tm tm;
	size_t n;

	wall_stamp(&ts);
	gmtime_r(&ts.tv_sec, &tm);
	n = strftime(buf, cap, "%Y-%m-%dT%H:%M:%S", &tm);
	return n + (size_t)snprintf(
		       buf + n, cap - n, ".%03ldZ ", ts.tv_nsec / 1000000);
}

static void
to_stderr(enum log_level level, const char *text)
{
	char line[1200];
	size_t n = stamp(line, sizeof(line));
	int more = snprintf(line + n, sizeof(line) - n, "ddns-mux: %s%s: %s\n",
	    sink.role, levels[level].name, text);

	n = (size_t)more < sizeof(line) - n ? n + (size_t)more
					    : sizeof(line) - 1;
	line[n - 1] = '\n';
	/* A full pipe loses the line; the data path must not wait for it. */
	if (write(STDERR_FILENO, line, n) == -1)
		return;
}

void
log_line(enum log_level level, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	int saved = errno;

	if (!log_is_on(level))
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (sink.to_syslog)
		syslog(levels[level].priority, "%s%s", sink.role, text);
	else
		to_stderr(level, text);
	errno = saved;
}

bool
log_rate_due(struct log_rate *rate, uint64_t now_us, unsigned *suppressed)
{
	if (now_us < rate->next_us) {
		rate->suppressed++;
		return false;
	}
	rate->next_us = now_us + RATE_INTERVAL_US;
	*suppressed = rate->suppressed;
	rate->suppressed = 0;
	return true;
}
