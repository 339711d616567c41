/* SPDX-License-Identifier: ISC */
#include "proc/reader.h"

#include <sys/types.h>
#include <sys/wait.h>

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/log.h"
#include "base/mono.h"
#include "net/sock.h"
#include "proc/daemon.h"
#include "proc/signals.h"

#define PATIENCE_US 5000000

/* What goes through the pipe; a configuration follows a SAID_CONF. */
struct said {
	enum { SAID_COMPLAINT, SAID_CONF, SAID_NO_CONF } kind;
	enum conf_severity severity;
	unsigned line;
	char file[PATH_MAX];
	char message[LOG_LINE_MAX];
};

struct end {
	int fd; /* non-blocking */
	uint64_t until_us;
	bool is_writer;
	int error; /* why a move failed; EPIPE: the other end is gone */
};

/* False once it is too late. */
static bool
wait_for(struct end *end)
{
	struct pollfd pfd = {
	    .fd = end->fd, .events = end->is_writer ? POLLOUT : POLLIN};
	uint64_t now = mono_us();
	int n = 0;

	if (now < end->until_us)
		n = poll(&pfd, 1, (int)((end->until_us - now) / 1000) + 1);
	if (n == 0)
		end->error = ETIMEDOUT;
	else if (n == -1 && errno != EINTR)
		end->error = errno;
	return end->error == 0;
}

static bool
move(void *arg, void *octets, size_t len)
{
	struct end *end = arg;
	char *at = octets;
	ssize_t n;

	while (len > 0) {
		if (!wait_for(end))
			return false;
		n = end->is_writer ? write(end->fd, at, len)
				   : read(end->fd, at, len);
		if (n == -1 && sock_is_transient(errno))
			continue;
		if (n <= 0) {
			end->error = n == 0 ? EPIPE : errno;
			return false;
		}
		at += n;
		len -= (size_t)n;
	}
	return true;
}

static void
complain(void *arg, enum conf_severity severity, const char *file,
    unsigned line, const char *message)
{
	struct said said = {SAID_COMPLAINT, severity, line, "", ""};

	strlcpy(said.file, file, sizeof(said.file));
	strlcpy(said.message, message, sizeof(said.message));
	if (!move(arg, &said, sizeof(said)))
		_exit(1);
}

static void
be_child(struct end *end, const char *file)
{
	const struct conf_mover mover = {move, end};
	const struct conf_sink sink = {complain, end};
	struct said said = {.kind = SAID_NO_CONF};
	struct conf *conf;

	/* What the library says there names no file. */
	daemon_leave_terminal();
	conf = conf_load(file, &sink);
	if (conf != NULL)
		said.kind = SAID_CONF;
	if (!move(end, &said, sizeof(said)) ||
	    (conf != NULL && !conf_give(conf, &mover)))
		_exit(1);
	conf_free(conf);
	_exit(0);
}

static const char *
reason(int error)
{
	switch (error) {
	case 0:
		return "out of memory";
	case EPIPE:
		return "can't be read: is an included file a directory, or is "
		       "memory short?";
	case ETIMEDOUT:
		return "can't be read in 5 s: is an included file a FIFO?";
	default:
		return strerror(error);
	}
}

static struct conf *
take(struct end *end, const char *file, const struct conf_sink *sink)
{
	const struct conf_mover mover = {move, end};
	struct conf *conf = NULL;
	struct said said = {.kind = SAID_NO_CONF};

	while (move(end, &said, sizeof(said)) && said.kind == SAID_COMPLAINT)
		sink->complain(sink->arg, said.severity, said.file, said.line,
		    said.message);
	if (end->error == 0 && said.kind == SAID_NO_CONF)
		return NULL;
	if (end->error == 0)
		conf = conf_take(&mover);
	if (conf == NULL)
		sink->complain(
		    sink->arg, CONF_ERROR, file, 0, reason(end->error));
	return conf;
}

/* It has nothing more to say. */
static void
end_child(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
		;
}

static void
complain_of(const struct conf_sink *sink, const char *file, const char *what)
{
	char message[200];

	snprintf(message, sizeof(message),
	    "can't be read: no %s for a child: %s", what, strerror(errno));
	sink->complain(sink->arg, CONF_ERROR, file, 0, message);
}

struct conf *
reader_load(const char *file, const struct conf_sink *sink)
{
	struct end end = {.until_us = mono_us() + PATIENCE_US};
	struct conf *conf = NULL;
	int fds[2];
	pid_t pid;

	if (sock_pipe(fds) == -1) {
		complain_of(sink, file, "pipe");
		return NULL;
	}
	signals_block();
	pid = fork();
	if (pid == 0) {
		end.fd = fds[1];
		end.is_writer = true;
		be_child(&end, file);
	}
	close(fds[1]);
	end.fd = fds[0];
	if (pid == -1) {
		complain_of(sink, file, "process");
	} else {
		conf = take(&end, file, sink);
		end_child(pid);
	}
	signals_unblock();
	close(fds[0]);
	return conf;
}
