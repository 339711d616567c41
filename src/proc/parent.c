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
#include <unistd.h>

#include "base/compat.h"
#include "base/log.h"
#include "base/mono.h"
#include "net/sock.h"
#include "proc/daemon.h"
#include "proc/listen.h"
#include "proc/lockfile.h"
#include "proc/privs.h"
#include "proc/signals.h"
#include "proc/totals.h"
#include "proc/worker.h"

#define LISTENERS_MAX (2 * CONF_LISTEN_MAX)
#define BACKOFF_US 100000
#define BACKOFF_MAX_US 30000000
#define HEALTHY_US 60000000
/* A worker drains for 5 s; then it is not asked any more. */
#define STOP_US 7000000

struct child {
	pid_t pid; /* 0: not running */
	int stats_fd;
	int command_fd;
	bool is_ready;
	unsigned failures; /* in a row */
	uint64_t started_us;
	uint64_t restart_us;
	struct totals totals;
};

struct parent {
	const struct conf *conf;
	bool is_daemon;
	int ready_fd; /* -1 once everybody is ready */
	bool is_ready;
	bool is_stopping;
	bool has_failed;
	uint64_t kill_us;
	struct listener listeners[LISTENERS_MAX];
	size_t nlisteners;
	struct child children[CONF_WORKERS_MAX];
	struct totals base;
	size_t replay_sets;
	_Atomic uint64_t *seen; /* by all workers: mux/replay.h */
};

static void
close_pipes(struct child *c)
{
	if (c->stats_fd != -1)
		close(c->stats_fd);
	if (c->command_fd != -1)
		close(c->command_fd);
	c->stats_fd = c->command_fd = -1;
}

static void
be_worker(struct parent *p, size_t index, int stats_fd, int command_fd)
{
	struct worker_setup setup = {.conf = p->conf,
	    .listeners = p->listeners,
	    .nlisteners = p->nlisteners,
	    .index = index,
	    .seen = p->seen,
	    .replay_sets = p->replay_sets,
	    .stats_fd = stats_fd,
	    .command_fd = command_fd,
	    .is_daemon = p->is_daemon};
	int keep[LISTENERS_MAX + 2];
	size_t n = 0, i;

	for (i = 0; i < p->nlisteners; i++)
		keep[n++] = listen_fd(&p->listeners[i], index);
	keep[n++] = stats_fd;
	keep[n++] = command_fd;
	log_disconnect();
	privs_close_all_but(keep, n);
	signals_reset_in_worker();
	signals_unblock();
	setproctitle("worker %zu", index);
	_exit(worker_run(&setup));
}

static bool
start_worker(struct parent *p, size_t index)
{
	struct child *c = &p->children[index];
	int stats[2], command[2];

	if (sock_pipe(stats) == -1)
		return false;
	if (sock_pipe(command) == -1) {
		close(stats[0]);
		close(stats[1]);
		return false;
	}
	signals_block();
	c->pid = fork();
	if (c->pid == 0)
		be_worker(p, index, stats[1], command[0]);
	signals_unblock();
	close(stats[1]);
	close(command[0]);
	c->stats_fd = stats[0];
	c->command_fd = command[1];
	c->is_ready = false;
	c->started_us = mono_us();
	if (c->pid == -1) {
		c->pid = 0;
		close_pipes(c);
		return false;
	}
	return true;
}

static void
stop(struct parent *p)
{
	size_t i;

	if (p->is_stopping)
		return;
	p->is_stopping = true;
	p->kill_us = mono_us() + STOP_US;
	/* End of file is the request to finish. */
	for (i = 0; i < p->conf->workers; i++) {
		struct child *c = &p->children[i];

		if (c->command_fd != -1)
			close(c->command_fd);
		c->command_fd = -1;
	}
}

static void
become_ready(struct parent *p)
{
	size_t i;

	for (i = 0; i < p->conf->workers; i++) {
		if (!p->children[i].is_ready)
			return;
	}
	p->is_ready = true;
	log_note("ready, %u workers", p->conf->workers);
	if (p->is_daemon) {
		daemon_ready(p->ready_fd);
		daemon_let_go();
	}
}

/* Frames are written whole: anything else is not from our code. */
static void
read_frames(struct parent *p, size_t index)
{
	struct child *c = &p->children[index];
	uint8_t octets[STATS_FRAME_OCTETS];
	struct stats_frame f;
	ssize_t n;

	while ((n = read(c->stats_fd, octets, sizeof(octets))) > 0) {
		if ((size_t)n != sizeof(octets) || !stats_decode(octets, &f) ||
		    (f.type == FRAME_STATS &&
			!totals_take(&c->totals, p->conf, &f))) {
			log_error("worker %zu sends rubbish: killed", index);
			(void)kill(c->pid, SIGKILL);
			return;
		}
		if (f.type == FRAME_READY)
			c->is_ready = true;
	}
	if (!p->is_ready)
		become_ready(p);
}

static void
schedule_restart(struct child *c, size_t index)
{
	uint64_t now = mono_us(), delay = BACKOFF_MAX_US;

	if (now - c->started_us >= HEALTHY_US)
		c->failures = 0;
	if (c->failures < 9)
		delay = (uint64_t)BACKOFF_US << c->failures;
	if (delay > BACKOFF_MAX_US)
		delay = BACKOFF_MAX_US;
	c->failures++;
	c->restart_us = now + delay;
	log_note("worker %zu is started again in %llu ms", index,
	    (unsigned long long)(delay / 1000));
}

static void
worker_ended(struct parent *p, size_t index, int status)
{
	struct child *c = &p->children[index];

	read_frames(p, index);
	if (WIFSIGNALED(status))
		log_error("worker %zu, pid %ld, was killed by signal %d", index,
		    (long)c->pid, WTERMSIG(status));
	else if (!p->is_stopping || WEXITSTATUS(status) != 0)
		log_error("worker %zu, pid %ld, ended with status %d", index,
		    (long)c->pid, WEXITSTATUS(status));
	c->pid = 0;
	close_pipes(c);
	totals_retire(&p->base, &c->totals);
	if (p->is_stopping)
		return;
	if (!p->is_ready) {
		p->has_failed = true;
		stop(p);
		return;
	}
	schedule_restart(c, index);
}

static void
reap(struct parent *p)
{
	int status;
	pid_t pid;
	size_t i;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (i = 0; i < p->conf->workers; i++) {
			if (p->children[i].pid == pid)
				worker_ended(p, i, status);
		}
	}
}

static void
log_statistics(const struct parent *p)
{
	struct totals sum = p->base;
	size_t i;

	for (i = 0; i < p->conf->workers; i++)
		totals_add(&sum, &p->children[i].totals);
	totals_log(&sum, p->conf);
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
			log_note("restart to read the configuration again");
			break;
		case SIGUSR1:
			log_statistics(p);
			break;
		case SIGCHLD:
			reap(p);
			break;
		}
	}
}

static bool
is_running(const struct parent *p)
{
	size_t i;

	for (i = 0; i < p->conf->workers; i++) {
		if (p->children[i].pid != 0)
			return true;
	}
	return false;
}

/* Starts who is due, ends who does not end; when is the next one due? */
static uint64_t
tick(struct parent *p)
{
	uint64_t now = mono_us(), due = UINT64_MAX;
	size_t i;

	for (i = 0; i < p->conf->workers; i++) {
		struct child *c = &p->children[i];

		if (p->is_stopping) {
			if (c->pid != 0 && now >= p->kill_us)
				(void)kill(c->pid, SIGKILL);
			continue;
		}
		if (c->pid == 0 && now >= c->restart_us && !start_worker(p, i))
			schedule_restart(c, i);
		if (c->pid == 0 && c->restart_us < due)
			due = c->restart_us;
	}
	return p->is_stopping ? p->kill_us : due;
}

static int
timeout_ms(uint64_t due)
{
	uint64_t now = mono_us();

	if (due == UINT64_MAX)
		return -1;
	/* Once more soon after the last resort was taken. */
	return due <= now ? 100 : (int)((due - now) / 1000) + 1;
}

static void
wait_for_events(struct parent *p, uint64_t due)
{
	struct pollfd pfd[1 + CONF_WORKERS_MAX];
	size_t i, n = p->conf->workers;

	pfd[0] = (struct pollfd){.fd = signals_fd(), .events = POLLIN};
	for (i = 0; i < n; i++)
		pfd[i + 1] = (struct pollfd){
		    .fd = p->children[i].stats_fd, .events = POLLIN};
	if (poll(pfd, 1 + n, timeout_ms(due)) == -1)
		return;
	for (i = 0; i < n; i++) {
		if ((pfd[i + 1].revents & POLLIN) != 0)
			read_frames(p, i);
		/* Its end is reported by SIGCHLD. */
		else if (pfd[i + 1].revents != 0) {
			close(p->children[i].stats_fd);
			p->children[i].stats_fd = -1;
		}
	}
	if (pfd[0].revents != 0)
		handle_signals(p);
}

/* Zeroed, and shared with every worker, so that a replay meets its
 * original whichever of them it reaches, and whoever has died since. */
static bool
make_seen(struct parent *p)
{
	size_t sets = 1;
	void *mem;

	while (sets * REPLAY_WAYS < p->conf->replay_cache)
		sets *= 2;
	mem = mmap(NULL, sets * REPLAY_WAYS * sizeof(*p->seen),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANON, -1, 0);
	if (mem == MAP_FAILED) {
		log_error("replay_cache: %s", strerror(errno));
		return false;
	}
	p->seen = mem;
	p->replay_sets = sets;
	return true;
}

/* Everything that may need root, then root is given up for good. */
static bool
set_up(struct parent *p, const struct parent_options *options, int *pid_fd)
{
	if (p->is_daemon && (p->ready_fd = daemon_detach()) == -1)
		return false;
	if (!signals_open()) {
		log_error("cannot catch signals: %s", strerror(errno));
		return false;
	}
	if (options->pidfile != NULL) {
		*pid_fd = lockfile_open(options->pidfile);
		if (*pid_fd == -1 ||
		    lockfile_note(*pid_fd, options->pidfile) == -1)
			return false;
	}
	/* The parent's own are a socket of each worker and its pipes. */
	if (!privs_allow_descriptors(
		worker_descriptors(p->conf) +
		p->conf->workers * (p->conf->nlisten_udp + 2)) ||
	    !listen_open(p->conf, p->listeners, &p->nlisteners) ||
	    !privs_drop(p->conf->user))
		return false;
	setproctitle("parent");
	return make_seen(p);
}

static int
run(struct parent *p)
{
	size_t i;

	for (i = 0; i < p->conf->workers; i++) {
		if (!start_worker(p, i)) {
			log_error("cannot fork: %s", strerror(errno));
			p->has_failed = true;
			stop(p);
			break;
		}
	}
	while (!p->is_stopping || is_running(p))
		wait_for_events(p, tick(p));
	if (p->is_ready)
		log_statistics(p);
	return p->has_failed ? 1 : 0;
}

int
parent_run(const struct conf *conf, const struct parent_options *options)
{
	struct parent *p = calloc(1, sizeof(*p));
	int status = 1, pid_fd = -1;
	size_t i;

	if (p == NULL)
		return 1;
	log_set_role("parent");
	p->conf = conf;
	p->is_daemon = options->is_daemon;
	p->ready_fd = -1;
	for (i = 0; i < CONF_WORKERS_MAX; i++)
		p->children[i].stats_fd = p->children[i].command_fd = -1;
	if (set_up(p, options, &pid_fd))
		status = run(p);
	if (pid_fd != -1)
		lockfile_remove(pid_fd, options->pidfile);
	free(p);
	return status;
}
