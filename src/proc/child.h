/* SPDX-License-Identifier: ISC */
/*
 * One worker process as the parent sees it: its pipes, its last counters,
 * when it was heard, and when it is started again.
 * Owner: its generation. Threads: the parent has only one.
 * Errors: what a worker sends is hostile input; one that sends anything
 *   but frames and lines is killed.
 */
#ifndef PROC_CHILD_H
#define PROC_CHILD_H

#include <sys/types.h>

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proc/note.h"
#include "proc/order.h"
#include "proc/totals.h"
#include "proc/worker.h"

/* What a child is polled for. */
#define CHILD_PFDS 2

struct child {
	pid_t pid; /* 0: not running */
	size_t index;
	int stats_fd;
	int lines_fd;
	int order_fd;
	bool is_ready;
	bool has_orders; /* the latest have reached it */
	unsigned failures; /* in a row */
	unsigned starts;
	uint64_t started_us;
	uint64_t heard_us;
	uint64_t restart_us;
	struct note *note;
	struct totals *totals; /* its generation's to free */
};

/* Where lines for who watches go, and what became of a probe. */
struct child_sink {
	void (*watch)(void *arg, const char *text);
	void (*probed)(void *arg, const struct probe_result *result);
	void *arg;
};

void child_init(struct child *c, size_t index);
/* Forks; the new process runs the worker and never returns. leave is
 * called there first: it gives up what is the parent's own. */
bool child_start(struct child *c, const struct worker_setup *setup,
    void (*leave)(void *arg), void *arg);
/* Has it finish what it has, and end. */
void child_drain(struct child *c);
void child_kill(struct child *c);
/* Waits for nothing: the process has been reaped, with this status. */
void child_ended(struct child *c);

void child_poll(const struct child *c, struct pollfd pfd[CHILD_PFDS]);
/* Takes in what it has sent. */
void child_ready(struct child *c, const struct pollfd pfd[CHILD_PFDS],
    const struct child_sink *sink);
void child_read(struct child *c, const struct child_sink *sink);

/* After a failure: when it is started again. */
void child_schedule(struct child *c);

#endif
