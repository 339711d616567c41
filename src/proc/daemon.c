/* SPDX-License-Identifier: ISC */
#include "proc/daemon.h"

#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

static void
wait_until_ready(int fd)
{
	char octet;
	ssize_t n;

	do
		n = read(fd, &octet, 1);
	while (n == -1 && errno == EINTR);
	_exit(n == 1 ? 0 : 1);
}

int
daemon_detach(void)
{
	int fds[2];
	pid_t pid;

	/* Blocking: the starting process has nothing else to do. */
	if (pipe(fds) == -1 || (pid = fork()) == -1) {
		log_error("cannot detach: %s", strerror(errno));
		return -1;
	}
	if (pid != 0) {
		close(fds[1]);
		wait_until_ready(fds[0]);
	}
	close(fds[0]);
	(void)fcntl(fds[1], F_SETFD, FD_CLOEXEC);
	if (setsid() == -1 || chdir("/") == -1) {
		log_error("cannot detach: %s", strerror(errno));
		close(fds[1]);
		return -1;
	}
	return fds[1];
}

void
daemon_ready(int fd)
{
	if (write(fd, "", 1) == -1)
		log_warn("who started us is gone: %s", strerror(errno));
	close(fd);
}

void
daemon_leave_terminal(void)
{
	int fd = open("/dev/null", O_RDWR);

	if (fd == -1)
		return;
	(void)dup2(fd, STDIN_FILENO);
	(void)dup2(fd, STDOUT_FILENO);
	(void)dup2(fd, STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}
