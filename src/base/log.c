/* SPDX-License-Identifier: ISC */
#include "base/log.h"

#include <sys/socket.h>

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <syslog.h>
#include <time.h>

#include "base/mono.h"

#define RATE_INTERVAL_US 10000000

enum sink_kind { SINK_STDERR, SINK_SYSLOG, SINK_CHANNEL };

static struct {
	_Atomic uint32_t max; /* changed while threads run */
	enum sink_kind kind;
	bool has_stamps;
	int fd; /* of the channel */
	char role[32];
} sink = {LEVEL_NOTICE, SINK_STDERR, true, -1, ""};

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
log_init(enum log_level max, bool has_stamps)
{
	log_set_level(max);
	sink.has_stamps = has_stamps;
}

void
log_set_level(enum log_level max)
{
	atomic_store_explicit(&sink.max, max, memory_order_relaxed);
}

bool
log_level_parse(const char *text, enum log_level *level)
{
	size_t i;

	for (i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		if (strcmp(levels[i].name, text) == 0) {
			*level = (enum log_level)i;
			return true;
		}
	}
	return false;
}

void
log_to_syslog(int facility)
{
	sink.kind = SINK_SYSLOG;
	openlog("ddns-mux", LOG_PID | LOG_NDELAY, facility);
}

void
log_to_channel(int fd)
{
	sink.kind = SINK_CHANNEL;
	sink.fd = fd;
}

void
log_disconnect(void)
{
	if (sink.kind == SINK_SYSLOG)
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
	return level <= atomic_load_explicit(&sink.max, memory_order_relaxed);
}

static size_t
stamp(char *buf, size_t cap)
{
	struct timespec ts;
	struct tm tm;
	size_t n;

	if (!sink.has_stamps)
		return 0;
	wall_stamp(&ts);
	gmtime_r(&ts.tv_sec, &tm);
	n = strftime(buf, cap, "%Y-%m-%dT%H:%M:%S", &tm);
	return n + (size_t)snprintf(
		       buf + n, cap - n, ".%03ldZ ", ts.tv_nsec / 1000000);
}

static void
to_stderr(enum log_level level, const char *role, const char *text)
{
	char line[LOG_LINE_MAX + 176];
	size_t n = stamp(line, sizeof(line));
	int more = snprintf(line + n, sizeof(line) - n, "ddns-mux: %s%s: %s\n",
	    role, levels[level].name, text);

	n = (size_t)more < sizeof(line) - n ? n + (size_t)more
					    : sizeof(line) - 1;
	line[n - 1] = '\n';
	/* A full pipe loses the line; the data path must not wait for it. */
	if (write(STDERR_FILENO, line, n) == -1)
		return;
}

/* A full channel loses it, too. */
static void
to_channel(int fd, unsigned kind, const char *text)
{
	struct log_packet packet = {.kind = (uint8_t)kind};
	size_t len = strlcpy(packet.text, text, sizeof(packet.text));

	if (len >= sizeof(packet.text))
		len = sizeof(packet.text) - 1;
	if (send(fd, &packet, offsetof(struct log_packet, text) + len, 0) == -1)
		return;
}

static void
put(enum log_level level, const char *role, const char *text)
{
	int saved = errno;

	switch (sink.kind) {
	case SINK_STDERR:
		to_stderr(level, role, text);
		break;
	case SINK_SYSLOG:
		syslog(levels[level].priority, "%s%s", role, text);
		break;
	case SINK_CHANNEL:
		to_channel(sink.fd, level, text);
		break;
	}
	errno = saved;
}

void
log_line(enum log_level level, const char *fmt, ...)
{
	char text[LOG_LINE_MAX];
	va_list ap;

	if (!log_is_on(level))
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	put(level, sink.role, text);
}

void
log_watch(int fd, const char *text)
{
	to_channel(fd, LOG_WATCH, text);
}

bool
log_packet_text(
    const struct log_packet *packet, size_t len, char text[LOG_LINE_MAX])
{
	size_t i, n = len - offsetof(struct log_packet, text);

	if (len <= offsetof(struct log_packet, text) || n >= LOG_LINE_MAX ||
	    (packet->kind > LEVEL_DEBUG && packet->kind != LOG_WATCH))
		return false;
	for (i = 0; i < n; i++) {
		unsigned char c = (unsigned char)packet->text[i];

		text[i] = packet->text[i];
		if (c < 0x20 || c >= 0x7f)
			text[i] = '?';
	}
	text[n] = '\0';
	return true;
}

void
log_relay(enum log_level level, const char *text, size_t index)
{
	char role[32];

	snprintf(role, sizeof(role), "worker %zu: ", index);
	put(level, role, text);
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
