/* SPDX-License-Identifier: ISC */
/* What a worker that was taken over may try: 0 if it succeeds, else errno.
 * Most of these never come back from a sandbox. */
#ifndef TESTS_UNIT_ESCAPES_H
#define TESTS_UNIT_ESCAPES_H

#include <sys/types.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <netinet/in.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/log.h"
#include "net/sock.h"

/* Made before the sandbox is entered. */
static struct addr target; /* the configured one, by TCP and by UDP */
static struct addr stranger; /* another port that listens */
static int listening_fd; /* the target's, inherited */

static int
result(long value)
{
	return value == -1 ? errno : 0;
}

static int
try_open(void)
{
	return result(open("/etc/passwd", O_RDONLY));
}

static int
try_create(void)
{
	return result(open("/tmp/ddns-mux-escaped", O_RDWR | O_CREAT, 0600));
}

static int
try_unlink(void)
{
	return result(unlink("/tmp/ddns-mux-escaped"));
}

static int
try_exec(void)
{
	char *const argv[] = {(char *)(uintptr_t) "true", NULL};

	return result(execv("/bin/true", argv));
}

static int
try_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	if (pid > 0)
		(void)waitpid(pid, NULL, 0);
	return result(pid);
}

static void *
idle(void *arg)
{
	return arg;
}

static int
try_thread(void)
{
	pthread_t thread;

	return pthread_create(&thread, NULL, idle, NULL);
}

static int
try_kill_parent(void)
{
	return result(kill(getppid(), 0));
}

/* musl's setuid says 1 where it could not tell all threads to try. */
static int
try_setuid(void)
{
#ifdef __linux__
	return result(syscall(SYS_setuid, 0));
#else
	return result(setuid(0));
#endif
}

static int
try_unix(void)
{
	return result(compat_socket(AF_UNIX, SOCK_DGRAM, 0));
}

static int
try_raw(void)
{
	return result(compat_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
}

static int
try_bind(void)
{
	return result(
	    bind(sock_connect_udp(&target), &stranger.sa, addr_len(&stranger)));
}

static int
connect_to(const struct addr *to)
{
	int fd = compat_socket(to->sa.sa_family, SOCK_STREAM, 0);

	return result(fd == -1 ? -1 : connect(fd, &to->sa, addr_len(to)));
}

static int
try_stranger(void)
{
	return connect_to(&stranger);
}

static int
try_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANON,
		   -1, 0) == MAP_FAILED
		   ? errno
		   : 0;
}

static int
try_data_as_code(void)
{
	void *data = mmap(
	    NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);

	return result(mprotect(data, 4096, PROT_READ | PROT_EXEC));
}

static int
try_signal_owner(void)
{
	return result(fcntl(listening_fd, F_SETOWN, getppid()));
}

/* Until it gets no more. */
static int
try_descriptors(void)
{
	int n = 100000;

	while (n-- > 0) {
		if (compat_socket(AF_INET, SOCK_DGRAM, 0) == -1)
			return errno;
	}
	return 0;
}

/* What has to work. */

static int
use_udp(void)
{
	int fd = sock_connect_udp(&target);

	return fd == -1 ? errno : result(send(fd, "", 1, MSG_NOSIGNAL));
}

static int
use_tcp(void)
{
	int fd = sock_connect_tcp(&target), conn = -1;
	struct addr from;
	int tries = 1000000;

	if (fd == -1)
		return errno;
	while (conn == -1 && tries-- > 0)
		conn = sock_accept(listening_fd, &from);
	return conn == -1 ? errno : sock_error(fd);
}

static int
use_memory(void)
{
	size_t sizes[] = {10, 1000, 100000, 10000000}, i;

	for (i = 0; i < 4; i++) {
		void *mem = malloc(sizes[i]);
		void *more = realloc(mem, 2 * sizes[i]);

		if (more == NULL)
			return ENOMEM;
		memset(more, 1, 2 * sizes[i]);
		free(more);
	}
	return 0;
}

static int
use_random(void)
{
	/* Enough for it to ask the kernel again. */
	static unsigned char octets[3000000];

	arc4random_buf(octets, sizeof(octets));
	return 0;
}

static int
use_log(void)
{
	log_error("as it should be: the log can be written");
	return 0;
}

static int
use_kill(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		for (;;)
			(void)pause();
	}
	if (pid == -1 || kill(pid, SIGKILL) == -1)
		return errno;
	return result(waitpid(pid, &status, 0));
}

static int
use_abort(void)
{
	abort();
}

static int
use_crash(void)
{
	volatile int *nowhere = NULL;

	(void)signal(SIGSEGV, SIG_DFL); /* cmocka's goes on */
	return *nowhere;
}

#endif
