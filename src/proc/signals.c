/* SPDX-License-Identifier: ISC */
#include "proc/signals.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

#include "base/compat.h"
#include "net/sock.h"

static int fds[2] = {-1, -1};

/* A worker may finish what it has, as long as D2 may wait for it. */
#define ORPHAN_S 2

static pid_t owner; /* of the workers */
static const int caught[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGUSR1};

#define NCAUGHT (sizeof(caught) / sizeof(caught[0]))

static volatile sig_atomic_t has_come[NCAUGHT];

/* The flag says which, so that a pipe full of one kind loses no other. */
static void
note(int signo)
{
	int saved = errno;
	size_t i;

	for (i = 0; i < NCAUGHT; i++) {
		if (caught[i] == signo)
			has_come[i] = 1;
	}
	if (write(fds[1], "", 1) == -1)
		errno = saved;
}

/* The second alarm is the end, even of a worker that hangs. */
static void
orphaned(int signo)
{
	(void)signo;
	(void)alarm(ORPHAN_S);
}

static bool
set_handler(int signo, void (*handler)(int), int flags)
{
	struct sigaction sa = {
	    .sa_handler = handler, .sa_flags = SA_RESTART | flags};

	sigfillset(&sa.sa_mask);
	return sigaction(signo, &sa, NULL) == 0;
}

bool
signals_open(void)
{
	size_t i;

	owner = getpid();
	if (sock_pipe(fds) == -1 || !set_handler(SIGPIPE, SIG_IGN, 0))
		return false;
	for (i = 0; i < NCAUGHT; i++) {
		if (!set_handler(caught[i], note, 0))
			return false;
	}
	return true;
}

int
signals_fd(void)
{
	return fds[0];
}

/* Flags after the pipe, as note sets them before: what comes in between
 * leaves an octet. */
int
signals_next(void)
{
	unsigned char octets[64];
	size_t i;

	while (read(fds[0], octets, sizeof(octets)) > 0)
		;
	for (i = 0; i < NCAUGHT; i++) {
		if (has_come[i]) {
			has_come[i] = 0;
			return caught[i];
		}
	}
	return 0;
}

void
signals_block(void)
{
	sigset_t all;

	sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
}

void
signals_unblock(void)
{
	sigset_t none;

	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

void
signals_reset_in_worker(void)
{
	size_t i;

	for (i = 0; i < NCAUGHT; i++)
		(void)set_handler(caught[i], SIG_IGN, 0);
	(void)set_handler(SIGALRM, orphaned, (int)SA_RESETHAND);
	/* It may have died before we asked. */
	if (!compat_signal_on_orphaning(SIGALRM) || getppid() != owner)
		orphaned(SIGALRM);
}
