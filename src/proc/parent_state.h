/* SPDX-License-Identifier: ISC */
/*
 * The inside of the parent: parent.c, parent_start.c, reaper.c, reload.c,
 * tally.c, command.c and status.c only.
 * Threads: one, for ever.
 */
#ifndef PROC_PARENT_STATE_H
#define PROC_PARENT_STATE_H

#include "base/sbuf.h"
#include "proc/control.h"
#include "proc/generation.h"
#include "proc/handover.h"
#include "proc/stats_file.h"

#define PARENT_PFDS_MAX \
	(1 + CONTROL_PFDS_MAX + \
	    (size_t)GENERATIONS_MAX * CONF_WORKERS_MAX * CHILD_PFDS)
#define RELOAD_TEXT_OCTETS 16384

/* What the counters were a while ago, for rates. */
struct mark {
	uint64_t at_us;
	uint64_t received;
	uint64_t answered;
};

struct parent {
	struct generation_env env;
	struct generation *current; /* serves; NULL before it is ready */
	unsigned last_number;
	int ready_fd; /* of who started us, -1 once told */
	bool is_stopping;
	bool has_failed;

	bool is_reload_wanted;
	uint64_t reloads; /* begun, of which the last may be under way */
	bool is_reload_good; /* the last one that was tried */
	uint64_t reload_time_s; /* Unix time of the last one that served */
	struct sbuf reload_text; /* what was said of the one under way */
	char reload_octets[RELOAD_TEXT_OCTETS];

	uint64_t start_us;
	uint64_t start_time_s; /* Unix time */
	uint32_t probes; /* ordered so far */
	uint64_t restarts; /* of workers */
	struct totals *view; /* what "stats" subtracts, or NULL */
	struct stats_file stats_file;
	struct mark marks[2]; /* a new one each 10 s, and the one before */

	const char *pidfile; /* NULL: none */
	int pid_fd; /* of it, or -1 */
	bool has_lock; /* of the pid file: it is ours */
	struct handover handover; /* from a former daemon */
	bool is_handed_over; /* to a new one: files are its */

	struct control control;
	struct pollfd pfd[PARENT_PFDS_MAX];
};

/* How many the parent needs: sockets of all workers, pipes of all
 * generations. */
size_t parent_descriptors(const struct conf *conf);
/* Takes conf over; what it does not have in common with the present
 * generation, listeners say, is opened. NULL after a line in the log. */
struct generation *parent_add_generation(struct parent *p, struct conf *conf);
/* false: it drains already. */
bool parent_start_generation(struct parent *p, struct generation *g);
/* Does what is due; when is the next time? */
uint64_t parent_tick(struct parent *p);
void parent_wait(struct parent *p, uint64_t due_us);
/* The standing has changed. */
void parent_tell_all(struct parent *p);
/* A new daemon serves: this one finishes what it has. */
void parent_hand_over(struct parent *p);

#endif
