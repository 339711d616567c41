/* SPDX-License-Identifier: ISC */
#include "proc/parent.h"

#include <sys/types.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/log.h"
#include "base/mono.h"
#include "proc/daemon.h"
#include "proc/generation.h"
#include "proc/lockfile.h"
#include "proc/privs.h"
#include "proc/signals.h"

#define PENALTY_US 90000000
#define PFDS_MAX (1 + (size_t)GENERATIONS_MAX * CONF_WORKERS_MAX * CHILD_PFDS)

struct parent {
	struct generation_env env;
	struct generation *current; /* serves; NULL before it is ready */
	unsigned last_number;
	int ready_fd; /* of who started us, -1 once told */
	bool is_stopping;
	bool has_failed;
	bool is_reload_wanted;
	struct totals base; /* of generations that are gone */
	struct pollfd pfd[PFDS_MAX];
};

static void
stop(struct parent *p)
{
	struct generation *g;

	p->is_stopping = true;
	TAILQ_FOREACH(g, &p->env.list, link)
	generation_drain(g);
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

	TAILQ_FOREACH(g, &p->env.list, link)
	n++;
	return n;
}

/* The parent's own: sockets of all workers, pipes of all generations. */
static size_t
descriptors(const struct conf *conf)
{
	return worker_descriptors(conf) +
	       (size_t)conf->workers *
		   (conf->nlisten_udp + 3 * GENERATIONS_MAX);
}

/* Takes conf over; what it does not have in common with the present
 * generation, listeners say, is opened. */
static struct generation *
add_generation(struct parent *p, struct conf *conf)
{
	struct generation *g = NULL;

	if (privs_allow_descriptors(descriptors(conf)))
		g = generation_new(conf, p->last_number + 1, p->current);
	else
		conf_free(conf);
	if (g != NULL) {
		p->last_number++;
		TAILQ_INSERT_TAIL(&p->env.list, g, link);
	}
	return g;
}

static bool
start_generation(struct parent *p, struct generation *g)
{
	if (generation_start(g, &p->env))
		return true;
	generation_drain(g);
	return false;
}

static void
become_ready(struct parent *p, struct generation *g)
{
	g->state = GENERATION_SERVING;
	if (p->current != NULL)
		generation_drain(p->current);
	p->current = g;
	log_note("ready, %u workers", g->conf->workers);
	if (p->ready_fd != -1) {
		daemon_ready(p->ready_fd);
		p->ready_fd = -1;
		log_to_syslog(LOG_DAEMON);
		daemon_leave_terminal();
	}
}

static void
not_reloaded(void)
{
	log_error("not reloaded: the former configuration stays");
}

/* One that ends before all were ready once ends its generation. */
static void
failed_to_start(struct parent *p, struct generation *g)
{
	if (p->current == NULL)
		p->has_failed = true;
	else
		not_reloaded();
	generation_drain(g);
}

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

static void
tell_all(struct parent *p)
{
	struct generation *g;

	TAILQ_FOREACH(g, &p->env.list, link)
	generation_tell(g, &p->env);
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
	tell_all(p);
}

static void
log_end(const struct child *c, int status, bool is_expected)
{
	if (WIFSIGNALED(status))
		log_error("worker %zu, pid %ld, was killed by signal %d",
		    c->index, (long)c->pid, WTERMSIG(status));
	else if (!is_expected || WEXITSTATUS(status) != 0)
		log_error("worker %zu, pid %ld, ended with status %d", c->index,
		    (long)c->pid, WEXITSTATUS(status));
}

static void
worker_ended(
    struct parent *p, struct generation *g, struct child *c, int status)
{
	child_read(c, g->conf);
	log_end(c, status, g->state == GENERATION_DRAINING);
	if (is_crash(status))
		note_crash(p, c);
	child_ended(c);
	totals_retire(&g->base, &c->totals);
	if (g->state == GENERATION_STARTING)
		failed_to_start(p, g);
	else if (g->state == GENERATION_SERVING)
		child_schedule(c);
}

static void
reap(struct parent *p)
{
	struct generation *g;
	struct child *c;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		TAILQ_FOREACH(g, &p->env.list, link)
		{
			if ((c = generation_child(g, pid)) != NULL)
				worker_ended(p, g, c, status);
		}
	}
}

static void
log_statistics(const struct parent *p)
{
	struct totals sum = p->base;
	const struct generation *g;

	TAILQ_FOREACH(g, &p->env.list, link)
	generation_sum(g, &sum);
	totals_log(&sum, p->current->conf);
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
			if (p->current != NULL)
				log_statistics(p);
			break;
		case SIGCHLD:
			reap(p);
			break;
		}
	}
}

static void
complain(void *arg, enum conf_severity severity, const char *file,
    unsigned line, const char *message)
{
	enum log_level level =
	    severity == CONF_WARNING ? LEVEL_WARNING : LEVEL_ERROR;

	(void)arg;
	if (line != 0)
		log_line(level, "%s:%u: %s", file, line, message);
	else
		log_line(level, "%s: %s", file, message);
}

static void
log_change(void *arg, const char *line)
{
	size_t *count = arg;

	log_note("reload: %s", line);
	(*count)++;
}

static void
log_changes(const struct conf *old, const struct conf *new)
{
	size_t count = 0;

	conf_diff(old, new, log_change, &count);
	if (count == 0)
		log_note("reload: no setting has changed");
}

/* A bad file changes nothing; neither do listeners that can't be had. */
static void
reload(struct parent *p)
{
	static const struct conf_sink sink = {complain, NULL};
	struct conf *conf = conf_load(p->current->conf->file, &sink);
	struct generation *g = NULL;

	p->is_reload_wanted = false;
	if (conf != NULL && conf->is_masked) {
		log_error("%s: its keys are masked: put the real ones in",
		    conf->file);
		conf_free(conf);
		conf = NULL;
	}
	if (conf != NULL)
		g = add_generation(p, conf);
	if (g == NULL || !start_generation(p, g)) {
		not_reloaded();
		return;
	}
	log_changes(p->current->conf, g->conf);
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
	if (p->current == g)
		log_statistics(p);
	TAILQ_REMOVE(&p->env.list, g, link);
	generation_sum(g, &p->base);
	if (p->current == g)
		p->current = NULL;
	generation_free(g, p->current);
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

/* Does what is due; when is the next time? */
static uint64_t
tick(struct parent *p)
{
	struct generation *g = starting(p);
	uint64_t due = UINT64_MAX, next;

	if (g != NULL && generation_is_ready(g))
		become_ready(p, g);
	retire_all(p);
	if (may_reload(p))
		reload(p);
	TAILQ_FOREACH(g, &p->env.list, link)
	{
		next = generation_tick(g, &p->env);
		if (next < due)
			due = next;
	}
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
walk_children(struct parent *p, bool is_over)
{
	struct generation *g;
	size_t i, n = 1;

	TAILQ_FOREACH(g, &p->env.list, link)
	{
		for (i = 0; i < g->conf->workers; i++, n += CHILD_PFDS) {
			if (is_over)
				child_ready(
				    &g->children[i], g->conf, &p->pfd[n]);
			else
				child_poll(&g->children[i], &p->pfd[n]);
		}
	}
	return n;
}

static void
wait_for_events(struct parent *p, uint64_t due)
{
	size_t n;

	p->pfd[0] = (struct pollfd){.fd = signals_fd(), .events = POLLIN};
	n = walk_children(p, false);
	if (poll(p->pfd, n, timeout_ms(due)) == -1)
		return;
	(void)walk_children(p, true);
	if (p->pfd[0].revents != 0)
		handle_signals(p);
}

/* Zeroed, and shared with every worker, so that a replay meets its
 * original whichever of them it reaches, and whoever has died since. */
static bool
make_seen(struct generation_env *env, const struct conf *conf)
{
	size_t sets = 1;
	void *mem;

	while (sets * REPLAY_WAYS < conf->replay_cache)
		sets *= 2;
	mem = mmap(NULL, sets * REPLAY_WAYS * sizeof(*env->seen),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANON, -1, 0);
	if (mem == MAP_FAILED) {
		log_error("replay_cache: %s", strerror(errno));
		return false;
	}
	env->seen = mem;
	env->replay_sets = sets;
	return true;
}

static bool
prepare(struct parent *p, const struct parent_options *options, int *pid_fd)
{
	if (p->env.is_daemon && (p->ready_fd = daemon_detach()) == -1)
		return false;
	if (!signals_open()) {
		log_error("cannot catch signals: %s", strerror(errno));
		return false;
	}
	if (options->pidfile == NULL)
		return true;
	*pid_fd = lockfile_open(options->pidfile);
	return *pid_fd != -1 && lockfile_note(*pid_fd, options->pidfile) == 0;
}

/* What may need root is done by now: it is given up for good. */
static bool
start_first(struct parent *p, struct generation *g)
{
	if (!privs_drop(g->conf->user) || !make_seen(&p->env, g->conf)) {
		generation_drain(g);
		return false;
	}
	setproctitle("parent");
	return start_generation(p, g);
}

static int
run(struct parent *p, struct conf *conf)
{
	struct generation *first = add_generation(p, conf);
	uint64_t due;

	if (first == NULL)
		return 1;
	p->has_failed = !start_first(p, first);
	while (due = tick(p), !TAILQ_EMPTY(&p->env.list))
		wait_for_events(p, due);
	return p->has_failed ? 1 : 0;
}

int
parent_run(struct conf *conf, const struct parent_options *options)
{
	struct parent *p = calloc(1, sizeof(*p));
	int pid_fd = -1, status = 1;

	if (p == NULL) {
		conf_free(conf);
		return 1;
	}
	log_set_role("parent");
	TAILQ_INIT(&p->env.list);
	p->env.is_daemon = options->is_daemon;
	p->env.standing.level = options->level;
	p->ready_fd = -1;
	if (prepare(p, options, &pid_fd))
		status = run(p, conf);
	else
		conf_free(conf);
	if (pid_fd != -1)
		lockfile_remove(pid_fd, options->pidfile);
	free(p);
	return status;
}
