/* SPDX-License-Identifier: ISC */
#include "proc/handover.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/log.h"
#include "net/fds.h"
#include "net/sock.h"
#include "proc/control.h"

#define PATIENCE_S 5
#define MANAGERS_FIRST_FD 3

/* One octet each, with the descriptors. An error of the control socket is
 * its status, a digit, and text. */
enum { SAYS_LISTENERS = 'L', SAYS_CONTROL = 'C', SAYS_ALL = 'A' };

void
handover_init(struct handover *h)
{
	h->listen.count = 0;
	h->peer_fd = h->control_fd = -1;
}

void
handover_from_manager(struct handover *h)
{
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
	const char *error;
	long long n, i;

	if (pid != NULL && count != NULL &&
	    strtonum(pid, 1, INT64_MAX, &error) == (long long)getpid()) {
		n = strtonum(
		    count, 0, LISTENERS_MAX * CONF_WORKERS_MAX, &error);
		for (i = 0; i < n; i++)
			listen_adopt(&h->listen, MANAGERS_FIRST_FD + (int)i);
	}
	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDS");
	(void)unsetenv("LISTEN_FDNAMES");
}

/* Blocking: there is nothing else to do. */
static int
connect_to(const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct timeval patience = {.tv_sec = PATIENCE_S};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (fd == -1)
		return -1;
	strlcpy(sun.sun_path, path, sizeof(sun.sun_path));
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
		sizeof(patience)) == 0 &&
	    connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) == 0)
		return fd;
	close(fd);
	return -1;
}

static void
take_control(struct handover *h, int fd)
{
	if (h->control_fd != -1)
		close(h->control_fd);
	h->control_fd = sock_set_flags(fd);
}

/* false: that was no such message, or the last one. */
static bool
take_message(struct handover *h, char *says)
{
	int fds[FDS_MAX];
	size_t n, i;

	if (fds_receive(h->peer_fd, says, 1, fds, &n) != 1)
		*says = '\0';
	for (i = 0; i < n; i++) {
		if (*says == SAYS_LISTENERS)
			listen_adopt(&h->listen, fds[i]);
		else if (*says == SAYS_CONTROL)
			take_control(h, fds[i]);
		else
			close(fds[i]);
	}
	return *says == SAYS_LISTENERS || *says == SAYS_CONTROL;
}

static void
log_refusal(int fd)
{
	char text[128];
	ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_WAITALL);

	text[n > 0 ? n : 0] = '\0';
	log_error("the daemon that runs hands nothing over: %s",
	    text + strspn(text, "\n"));
}

bool
handover_ask(struct handover *h, const char *path)
{
	char request[CONTROL_REQUEST_OCTETS] = HANDOVER_REQUEST;
	char says = '\0';

	h->peer_fd = connect_to(path);
	if (h->peer_fd == -1 || send(h->peer_fd, request, sizeof(request),
				    MSG_NOSIGNAL) != sizeof(request)) {
		log_error("control_socket \"%s\": %s", path, strerror(errno));
		return false;
	}
	while (take_message(h, &says))
		continue;
	if (says == SAYS_ALL && h->control_fd != -1)
		return true;
	log_refusal(h->peer_fd);
	return false;
}

bool
handover_go(struct handover *h)
{
	char octet = '\0';
	ssize_t n;

	do
		n = send(h->peer_fd, &octet, 1, MSG_NOSIGNAL);
	while (n == -1 && errno == EINTR);
	/* One that has ended meanwhile has let go, too. */
	if (n == 1 || errno == EPIPE || errno == ECONNRESET)
		return true;
	log_error("cannot tell the former daemon: %s", strerror(errno));
	return false;
}

bool
handover_wait(struct handover *h)
{
	bool has_let_go;
	char octet;
	ssize_t n;

	do
		n = recv(h->peer_fd, &octet, 1, 0);
	while (n > 0 || (n == -1 && errno == EINTR));
	has_let_go = n == 0 || !sock_is_transient(errno);
	if (!has_let_go)
		log_error("the former daemon does not let go: end it");
	close(h->peer_fd);
	h->peer_fd = -1;
	return has_let_go;
}

void
handover_forget(struct handover *h, const struct listen_set *wanted)
{
	if (h->listen.count > 0)
		log_note("listeners taken over: %zu", h->listen.count);
	listen_close(&h->listen, wanted);
}

bool
handover_give(int peer_fd, const struct listen_set *listen, int control_fd)
{
	const char listeners = SAYS_LISTENERS, control = SAYS_CONTROL;
	const char all = SAYS_ALL;
	size_t i;

	for (i = 0; i < listen->count; i++) {
		const struct listener *l = &listen->listeners[i];

		if (!fds_send(peer_fd, &listeners, 1, l->fds, l->nfds))
			return false;
	}
	return fds_send(peer_fd, &control, 1, &control_fd, 1) &&
	       fds_send(peer_fd, &all, 1, NULL, 0);
}
