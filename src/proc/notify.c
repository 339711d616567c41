/* SPDX-License-Identifier: ISC */
#include "proc/notify.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "net/fds.h"
#include "net/sock.h"

#define FDNAME "listener"

static struct {
	int fd; /* -1: nobody asks */
	uint64_t interval_us; /* 0: no watchdog */
	uint64_t next_us;
} state = {-1, 0, 0};

/* "@name" is Linux's abstract namespace, whose names begin with a NUL. */
static int
connect_to(const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	size_t len = strlen(path);
	socklen_t sun_len =
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	int fd;

	if ((path[0] != '/' && path[0] != '@') || len >= sizeof(sun.sun_path))
		return -1;
	memcpy(sun.sun_path, path, len);
	if (path[0] == '@')
		sun.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	if (fd == -1 || sock_set_flags(fd) == -1)
		return -1;
	if (connect(fd, (const struct sockaddr *)&sun, sun_len) == 0)
		return fd;
	close(fd);
	return -1;
}

/* Half of what it allows, if it is this process that is watched. */
static uint64_t
watchdog_interval_us(void)
{
	const char *usec = getenv("WATCHDOG_USEC"),
		   *pid = getenv("WATCHDOG_PID");
	const char *error;
	long long n;

	if (usec == NULL || (pid != NULL && strtonum(pid, 1, INT64_MAX,
						&error) != (long long)getpid()))
		return 0;
	n = strtonum(usec, 2, INT64_MAX, &error);
	return error == NULL ? (uint64_t)n / 2 : 0;
}

void
notify_open(void)
{
	const char *path = getenv("NOTIFY_SOCKET");

	if (path != NULL) {
		state.fd = connect_to(path);
		if (state.fd == -1)
			log_warn("cannot reach NOTIFY_SOCKET %s", path);
		else
			state.interval_us = watchdog_interval_us();
	}
	(void)unsetenv("NOTIFY_SOCKET");
	(void)unsetenv("WATCHDOG_USEC");
	(void)unsetenv("WATCHDOG_PID");
}

void
notify_say(const char *fmt, ...)
{
	char text[512];
	va_list ap;
	int len;

	if (state.fd == -1)
		return;
	va_start(ap, fmt);
	len = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (len > 0 && (size_t)len < sizeof(text) &&
	    send(state.fd, text, (size_t)len, MSG_NOSIGNAL) == -1)
		log_debug("NOTIFY_SOCKET does not take it");
}

/* Errors of a socket are no reason to drop it. */
void
notify_keep(const int *fds, size_t nfds)
{
	static const char text[] = "FDSTORE=1\nFDPOLL=0\nFDNAME=" FDNAME;

	if (state.fd != -1 &&
	    !fds_send(state.fd, text, sizeof(text) - 1, fds, nfds))
		log_debug("NOTIFY_SOCKET does not take listeners");
}

void
notify_forget(void)
{
	notify_say("FDSTOREREMOVE=1\nFDNAME=" FDNAME);
}

void
notify_reloading(uint64_t now_us)
{
	notify_say(
	    "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)now_us);
}

uint64_t
notify_tick(uint64_t now_us)
{
	if (state.fd == -1 || state.interval_us == 0)
		return UINT64_MAX;
	if (now_us >= state.next_us) {
		notify_say("WATCHDOG=1");
		state.next_us = now_us + state.interval_us;
	}
	return state.next_us;
}
