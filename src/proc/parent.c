/* SPDX-License-Identifier: ISC */
/* The parent's loop; parent_start.c has what comes before and after it. */
#include "proc/parent_state.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mono.h"
#include "proc/command.h"
#include "proc/daemon.h"
#include "proc/lockfile.h"
#include "proc/notify.h"
#include "proc/privs.h"
#include "proc/reaper.h"
#include "proc/reload.h"
#include "proc/signals.h"
#include "proc/tally.h"

static void
stop(struct parent *p)
{
	struct generation *g;

	if (!p->is_stopping)
		notify_say("STOPPING=1");
	p->is_stopping = true;
	TAILQ_FOREACH (g, &p->env.list, link)
		generation_drain(g);
}

void
parent_hand_over(struct parent *p)
{
	log_note("a new daemon has taken over");
	p->is_handed_over = true;
	if (p->has_lock)
		close(p->pid_fd);
	p->has_lock = false;
	/* Which it waits for. */
	control_leave(&p->control);
	stop(p);
}

/* All that the former daemon had is here, and served. */
static bool
take_over(struct parent *p)
{
	if (!handover_go(&p->handover)) {
		p->has_failed = true;
		stop(p);
		return false;
	}
	/* If it is only late, two of them serve until it has let go. */
	if (handover_wait(&p->handover)) {
		control_take(&p->control, p->handover.control_fd);
		p->has_lock =
		    p->pid_fd != -1 && lockfile_take(p->pid_fd, p->pidfile);
	}
	return true;
}

/* What waits in the listeners outlives this program. */
static void
let_manager_keep(const struct listen_set *set)
{
	size_t i;

	notify_forget();
	for (i = 0; i < set->count; i++)
		notify_keep(set->listeners[i].fds, set->listeners[i].nfds);
}

static struct generation *
starting(const struct parent *p)
{
	struct generation *last = TAILQ_LAST(&p->env.list, generation_list);

	return last != NULL && last->state == GENERATION_STARTING ? last : NULL;
}

static size_t
count_generations(const struct parent *p)
{
	const struct generation *g;
	size_t n = 0;

	TAILQ_FOREACH (g, &p->env.list, link)
		n++;
	return n;
}

size_t
parent_descriptors(const struct conf *conf)
{
	return worker_descriptors(conf) +
	       (size_t)conf->workers *
		   (conf->nlisten_udp + 3 * GENERATIONS_MAX);
}

struct generation *
parent_add_generation(struct parent *p, struct conf *conf)
{
	struct generation *g = NULL;

	if (privs_allow_descriptors(parent_descriptors(conf)))
		g = generation_new(conf, p->last_number + 1,
		    p->current != NULL ? &p->current->listen
				       : &p->handover.listen);
	else
		conf_free(conf);
	if (g != NULL) {
		p->last_number++;
		TAILQ_INSERT_TAIL(&p->env.list, g, link);
	}
	return g;
}

bool
parent_start_generation(struct parent *p, struct generation *g)
{
	if (generation_start(g, &p->env))
		return true;
	generation_drain(g);
	return false;
}

static void
become_ready(struct parent *p, struct generation *g)
{
	bool is_first = p->current == NULL;

	g->state = GENERATION_SERVING;
	tally_take_over(p, g);
	if (!is_first)
		generation_drain(p->current);
	p->current = g;
	if (p->handover.peer_fd != -1 && !take_over(p))
		return;
	let_manager_keep(&g->listen);
	p->reload_time_s = wall_s();
	generation_forget_disabled(&p->env, g->conf);
	log_note("ready, %u workers", g->conf->workers);
	notify_say("READY=1\nSTATUS=serving, generation %u, %u workers",
	    g->number, g->conf->workers);
	if (!is_first)
		reload_end(p, true);
	if (p->ready_fd != -1) {
		daemon_ready(p->ready_fd);
		p->ready_fd = -1;
		log_to_syslog((int)g->conf->log_facility);
		daemon_leave_terminal();
	}
}

void
parent_tell_all(struct parent *p)
{
	struct generation *g;

	TAILQ_FOREACH (g, &p->env.list, link)
		generation_tell(g, &p->env);
}

static void
handle_signals(struct parent *p)
{
	int signo;

	while ((signo = signals_next()) != 0) {
		switch (signo) {
		case SIGTERM:
		case SIGINT:
			if (!p->is_stopping)
				log_note("stopping");
			stop(p);
			break;
		case SIGHUP:
			p->is_reload_wanted = true;
			break;
		case SIGUSR1:
			tally_log(p);
			break;
		case SIGCHLD:
			reaper_run(p);
			break;
		}
	}
}

/* One at a time; what is asked for meanwhile is done once, afterwards. */
static bool
may_reload(const struct parent *p)
{
	return p->is_reload_wanted && !p->is_stopping && p->current != NULL &&
	       starting(p) == NULL && count_generations(p) < GENERATIONS_MAX;
}

/* The present one goes last, with the sum of all. */
static bool
is_gone(const struct parent *p, const struct generation *g)
{
	return g->state == GENERATION_DRAINING && !generation_is_running(g) &&
	       (g != p->current || count_generations(p) == 1);
}

/* What it counted stays counted. */
static void
retire(struct parent *p, struct generation *g)
{
	if (p->current == g) {
		tally_log(p);
		if (g->conf->stats_file[0] != '\0' && !p->is_handed_over)
			tally_write_file(p, mono_us());
	}
	TAILQ_REMOVE(&p->env.list, g, link);
	tally_retire(p, g);
	if (p->current == g)
		p->current = NULL;
	generation_free(g, p->current != NULL ? &p->current->listen : NULL);
}

static void
retire_all(struct parent *p)
{
	struct generation *g, *next;

	for (g = TAILQ_FIRST(&p->env.list); g != NULL; g = next) {
		next = TAILQ_NEXT(g, link);
		if (is_gone(p, g))
			retire(p, g);
	}
}

static uint64_t
earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void
tell_if_watched(struct parent *p)
{
	bool is_watched = control_is_watched(&p->control);

	if (is_watched == p->env.standing.is_watched)
		return;
	p->env.standing.is_watched = is_watched;
	parent_tell_all(p);
}

/* A bad file changes nothing; neither do listeners that can't be had. */
static void
reload(struct parent *p)
{
	struct conf *conf = reload_read(p);
	struct generation *g;

	if (conf == NULL)
		return;
	g = parent_add_generation(p, conf);
	if (g == NULL || !parent_start_generation(p, g))
		reload_end(p, false);
	else
		reload_note_changes(p, g->conf);
}

uint64_t
parent_tick(struct parent *p)
{
	struct generation *g = starting(p);
	uint64_t due;

	if (g != NULL && generation_is_ready(g))
		become_ready(p, g);
	retire_all(p);
	if (may_reload(p))
		reload(p);
	tell_if_watched(p);
	due = earlier(tally_tick(p), control_tick(&p->control));
	due = earlier(due, notify_tick(mono_us()));
	TAILQ_FOREACH (g, &p->env.list, link)
		due = earlier(due, generation_tick(g, &p->env));
	return due;
}

static int
timeout_ms(uint64_t due)
{
	uint64_t now = mono_us();

	if (due == UINT64_MAX)
		return -1;
	return due <= now ? 0 : (int)((due - now) / 1000) + 1;
}

/* The same walk before poll and after it. */
static size_t
walk_children(struct parent *p, struct pollfd *pfd, bool is_over)
{
	struct generation *g;
	size_t i, n = 0;

	TAILQ_FOREACH (g, &p->env.list, link) {
		for (i = 0; i < g->conf->workers; i++, n += CHILD_PFDS) {
			if (is_over)
				child_ready(
				    &g->children[i], &pfd[n], &p->env.sink);
			else
				child_poll(&g->children[i], &pfd[n]);
		}
	}
	return n;
}

static void
run_command(void *arg, struct peer *peer, char *request)
{
	command_run(arg, peer, request);
}

void
parent_wait(struct parent *p, uint64_t due)
{
	struct pollfd *control = p->pfd + 1, *children;
	size_t ncontrol, n;

	p->pfd[0] = (struct pollfd){.fd = signals_fd(), .events = POLLIN};
	ncontrol = control_poll(&p->control, control);
	children = control + ncontrol;
	n = walk_children(p, children, false);
	if (poll(p->pfd, 1 + ncontrol + n, timeout_ms(due)) == -1)
		return;
	(void)walk_children(p, children, true);
	control_ready(&p->control, control, ncontrol, run_command, p);
	if (p->pfd[0].revents != 0)
		handle_signals(p);
}
