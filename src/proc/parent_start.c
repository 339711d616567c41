/* SPDX-License-Identifier: ISC */
#include "proc/parent.h"

#include <sys/types.h>
#include <sys/mman.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/compat.h"
#include "base/log.h"
#include "base/mono.h"
#include "proc/command.h"
#include "proc/daemon.h"
#include "proc/lockfile.h"
#include "proc/notify.h"
#include "proc/parent_state.h"
#include "proc/privs.h"
#include "proc/sandbox.h"
#include "proc/signals.h"

static void
watch_line(void *arg, const char *text)
{
	command_watch_line(arg, text);
}

static void
probed(void *arg, const struct probe_result *result)
{
	command_probed(arg, result);
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
open_pidfile(struct parent *p, bool is_successor)
{
	if (p->pidfile == NULL)
		return true;
	if (is_successor) {
		p->pid_fd = lockfile_open_taken(p->pidfile);
		return p->pid_fd != -1;
	}
	p->pid_fd = lockfile_open(p->pidfile);
	p->has_lock = p->pid_fd != -1;
	return p->has_lock && lockfile_note(p->pid_fd, p->pidfile) == 0;
}

static bool
prepare(struct parent *p, const struct parent_options *options)
{
	if (p->env.is_daemon && (p->ready_fd = daemon_detach()) == -1)
		return false;
	if (!signals_open()) {
		log_error("cannot catch signals: %s", strerror(errno));
		return false;
	}
	return open_pidfile(p, options->is_successor);
}

static bool
open_control(struct parent *p, const struct conf *conf)
{
	struct control_setup setup = {.path = conf->control_socket,
	    .is_wanted =
		strcmp(conf->control_socket, CONF_CONTROL_SOCKET_DEFAULT) != 0,
	    .user = conf->control_user,
	    .group = conf->control_group,
	    .service_user = conf->user,
	    .is_taken = p->handover.peer_fd != -1};

	return control_open(&p->control, &setup);
}

/* What may need root is done by then: it is given up for good. */
static bool
start_first(struct parent *p, struct generation *g)
{
	if (!open_control(p, g->conf) || !privs_drop(g->conf->user) ||
	    !sandbox_parent(g->conf, p->pidfile) ||
	    !make_seen(&p->env, g->conf)) {
		generation_drain(g);
		return false;
	}
	setproctitle("parent");
	return parent_start_generation(p, g);
}

static int
run(struct parent *p, struct conf *conf)
{
	struct generation *first = parent_add_generation(p, conf);
	uint64_t due;

	if (first == NULL)
		return 1;
	handover_forget(&p->handover, &first->listen);
	p->has_failed = !start_first(p, first);
	while (due = parent_tick(p), !TAILQ_EMPTY(&p->env.list))
		parent_wait(p, due);
	control_close(&p->control);
	totals_free(p->view);
	return p->has_failed ? 1 : 0;
}

static struct parent *
new_parent(const struct parent_options *options)
{
	struct parent *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	TAILQ_INIT(&p->env.list);
	p->env.is_daemon = options->is_daemon;
	p->env.standing.level = options->level;
	p->env.sink = (struct child_sink){watch_line, probed, p};
	p->ready_fd = p->pid_fd = -1;
	p->pidfile = options->pidfile;
	handover_init(&p->handover);
	p->is_reload_good = true;
	p->start_us = p->marks[0].at_us = p->marks[1].at_us = mono_us();
	p->start_time_s = wall_s();
	control_init(&p->control);
	sbuf_init(&p->reload_text, p->reload_octets, sizeof(p->reload_octets));
	return p;
}

/* Before it detaches: who gives looks at this process. */
static bool
inherit(struct parent *p, const struct conf *conf, bool is_successor)
{
	notify_open();
	handover_from_manager(&p->handover);
	return !is_successor ||
	       (privs_allow_descriptors(parent_descriptors(conf)) &&
		   handover_ask(&p->handover, conf->control_socket));
}

int
parent_run(struct conf *conf, const struct parent_options *options)
{
	struct parent *p = new_parent(options);
	int status = 1;

	log_set_role("parent");
	if (p == NULL) {
		log_error("no memory");
		conf_free(conf);
		return 1;
	}
	if (!inherit(p, conf, options->is_successor)) {
		conf_free(conf);
		status = PARENT_NOBODY;
	} else if (prepare(p, options)) {
		status = run(p, conf);
	} else {
		conf_free(conf);
	}
	if (p->has_lock)
		lockfile_remove(p->pid_fd, p->pidfile);
	free(p);
	return status;
}
