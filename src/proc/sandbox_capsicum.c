/* SPDX-License-Identifier: ISC */
/* FreeBSD: rights of descriptors. Its capability mode would forbid to
 * connect, and to answer by UDP. */
#include "proc/sandbox.h"

#include <sys/types.h>
#include <sys/capsicum.h>
#include <sys/procctl.h>

#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "proc/privs.h"
#include "proc/worker.h"

const char sandbox_name[] = "rights of descriptors, no new privileges";

void
sandbox_while_root(void)
{
}

bool
sandbox_parent(const struct conf *conf, const char *pidfile)
{
	int untraced = PROC_TRACE_CTL_DISABLE,
	    sealed = PROC_NO_NEW_PRIVS_ENABLE;

	(void)conf;
	(void)pidfile;
	if (procctl(P_PID, getpid(), PROC_TRACE_CTL, &untraced) == -1 ||
	    procctl(P_PID, getpid(), PROC_NO_NEW_PRIVS_CTL, &sealed) == -1)
		return sandbox_refuse("procctl");
	log_note("sandbox: %s", sandbox_name);
	return true;
}

/* Without CAP_FCNTL among them there is no fcntl either. */
static bool
limit(int fd, const cap_rights_t *rights)
{
	return cap_rights_limit(fd, rights) == 0;
}

/* What is accepted has the rights of its listener. */
static bool
limit_tcp(int fd)
{
	cap_rights_t rights;

	cap_rights_init(&rights, CAP_ACCEPT, CAP_EVENT, CAP_FCNTL, CAP_RECV,
	    CAP_SEND, CAP_SETSOCKOPT, CAP_SHUTDOWN);
	return limit(fd, &rights) && cap_fcntls_limit(fd, CAP_FCNTL_SETFL) == 0;
}

/* An answer by UDP names its receiver: that takes CAP_CONNECT. */
static bool
limit_udp(int fd)
{
	cap_rights_t rights;

	cap_rights_init(&rights, CAP_CONNECT, CAP_EVENT, CAP_RECV, CAP_SEND);
	return limit(fd, &rights);
}

static bool
limit_listeners(const struct worker_setup *setup)
{
	const struct listen_set *set = setup->listen;
	int fds[CONF_WORKERS_MAX];
	size_t i, n;

	for (i = 0; i < set->count; i++) {
		const struct listener *l = &set->listeners[i];

		n = listen_share(l, setup->index, setup->conf->workers, fds);
		while (n-- > 0) {
			if (!(l->is_tcp ? limit_tcp : limit_udp)(fds[n]))
				return false;
		}
	}
	return true;
}

static bool
limit_others(const struct worker_setup *setup)
{
	cap_rights_t none, in, out, packets;

	cap_rights_init(&none);
	cap_rights_init(&in, CAP_READ, CAP_EVENT);
	cap_rights_init(&out, CAP_WRITE, CAP_EVENT);
	cap_rights_init(&packets, CAP_SEND);
	return limit(STDIN_FILENO, &none) && limit(STDOUT_FILENO, &out) &&
	       limit(STDERR_FILENO, &out) && limit(setup->stats_fd, &out) &&
	       limit(setup->lines_fd, &packets) && limit(setup->order_fd, &in);
}

bool
sandbox_worker_early(const struct worker_setup *setup)
{
	tzset();
	if (!privs_limit(worker_descriptors(setup->conf)))
		return false;
	return (limit_listeners(setup) && limit_others(setup)) ||
	       sandbox_refuse("rights of descriptors");
}

bool
sandbox_worker(const struct worker_setup *setup)
{
	(void)setup;
	return privs_forbid_fork();
}

const char *
sandbox_hint(int signo)
{
	(void)signo;
	return "";
}
