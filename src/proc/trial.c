/* SPDX-License-Identifier: ISC */
#include "proc/trial.h"

#include <sys/types.h>
#include <sys/wait.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "conf/conf.h"
#include "net/sock.h"
#include "proc/daemon.h"
#include "proc/signals.h"

#define PATIENCE_MS 5000

static void
ignore(void *arg, enum conf_severity severity, const char *file, unsigned line,
    const char *message)
{
	(void)arg;
	(void)severity;
	(void)file;
	(void)line;
	(void)message;
}

static void
be_child(const char *file)
{
	static const struct conf_sink sink = {ignore, NULL};

	/* What the library says there names no file. */
	daemon_leave_terminal();
	conf_free(conf_load(file, &sink));
	_exit(0);
}

/* The pipe ends with the child; nothing is written. */
static const char *
wait_for(pid_t pid, int fd)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	int n = poll(&pfd, 1, PATIENCE_MS), error = errno, status;

	/* Whether it ends by itself is not known, then. */
	if (n != 1)
		(void)kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) == -1) {
		if (errno != EINTR)
			return strerror(errno);
	}
	if (n == -1)
		return strerror(error);
	if (n == 0)
		return "can't be read in 5 s: is an included file a FIFO?";
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return "can't be read: is an included file a directory?";
	return NULL;
}

const char *
trial_conf(const char *file)
{
	const char *why;
	int fds[2];
	pid_t pid;

	if (sock_pipe(fds) == -1)
		return strerror(errno);
	signals_block();
	pid = fork();
	if (pid == 0)
		be_child(file);
	close(fds[1]);
	why = pid == -1 ? strerror(errno) : wait_for(pid, fds[0]);
	signals_unblock();
	close(fds[0]);
	return why;
}
