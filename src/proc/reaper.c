/* SPDX-License-Identifier: ISC */
#include "proc/reaper.h"

#include <sys/types.h>
#include <sys/wait.h>

#include <errno.h>
#include <signal.h>

#include "base/log.h"
#include "base/mono.h"
#include "proc/reload.h"
#include "proc/sandbox.h"

#define PENALTY_US 90000000

/* What a process dies of by itself; the others are sent by somebody. */
static bool
is_crash(int status)
{
	static const int crashes[] = {
	    SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS};
	size_t i;

	for (i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++) {
		if (WIFSIGNALED(status) && WTERMSIG(status) == crashes[i])
			return true;
	}
	return false;
}

/* Whoever sends what kills workers is not heard for a while. */
static void
note_crash(struct parent *p, const struct child *c)
{
	char text[ADDR_TEXT_MAX];
	struct addr peer;
	bool is_tcp;

	if (!note_read(c->note, &peer, &is_tcp))
		return;
	log_error("worker %zu was at a message of %s/%s: that host is not "
		  "heard for %d s; please report this",
	    c->index, addr_text(&peer, text), is_tcp ? "tcp" : "udp",
	    PENALTY_US / 1000000);
	standing_penalize(&p->env.standing, &peer, mono_us() + PENALTY_US);
	parent_tell_all(p);
}

static void
log_end(const struct child *c, int status, bool is_expected)
{
	if (WIFSIGNALED(status))
		log_error("worker %zu, pid %ld, was killed by signal %d%s",
		    c->index, (long)c->pid, WTERMSIG(status),
		    sandbox_hint(WTERMSIG(status)));
	else if (!is_expected || WEXITSTATUS(status) != 0)
		log_error("worker %zu, pid %ld, ended with status %d", c->index,
		    (long)c->pid, WEXITSTATUS(status));
}

/* One that ends before all were ready once ends its generation. */
static void
failed_to_start(struct parent *p, struct generation *g)
{
	if (p->current == NULL)
		p->has_failed = true;
	else
		reload_end(p, false);
	generation_drain(g);
}

static void
worker_ended(
    struct parent *p, struct generation *g, struct child *c, int status)
{
	child_read(c, &p->env.sink);
	log_end(c, status, g->state == GENERATION_DRAINING);
	if (is_crash(status))
		note_crash(p, c);
	child_ended(c);
	outage_forget(g->outages, g->conf->ntargets, c->index);
	totals_retire(g->base, c->totals);
	if (g->state == GENERATION_STARTING) {
		failed_to_start(p, g);
	} else if (g->state == GENERATION_SERVING) {
		p->restarts++;
		child_schedule(c);
	}
}

void
reaper_run(struct parent *p)
{
	struct generation *g;
	struct child *c;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0 ||
	       (pid == -1 && errno == EINTR)) {
		TAILQ_FOREACH (g, &p->env.list, link) {
			if ((c = generation_child(g, pid)) != NULL)
				worker_ended(p, g, c, status);
		}
	}
}
