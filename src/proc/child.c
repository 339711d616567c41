/* SPDX-License-Identifier: ISC */
#include "proc/child.h"

#include <sys/socket.h>

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/log.h"
#include "base/mono.h"
#include "net/sock.h"
#include "proc/privs.h"
#include "proc/signals.h"

#define BACKOFF_US 100000
#define BACKOFF_MAX_US 30000000
#define HEALTHY_US 60000000
/* Taken at once from one worker, so that none can starve the others. */
#define LINES_AT_ONCE 256

struct ends {
	int stats[2];
	int lines[2];
	int order[2];
};

void
child_init(struct child *c, size_t index)
{
	memset(c, 0, sizeof(*c));
	c->index = index;
	c->stats_fd = c->lines_fd = c->order_fd = -1;
}

static void
close_one(int *fd)
{
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}

static void
close_ends(struct ends *e)
{
	int saved = errno;
	size_t i;

	for (i = 0; i < 2; i++) {
		close_one(&e->stats[i]);
		close_one(&e->lines[i]);
		close_one(&e->order[i]);
	}
	errno = saved;
}

/* What fails leaves numbers of descriptors that it has closed. */
static bool
open_pair(int fds[2], int (*open_both)(int fds[2]))
{
	if (open_both(fds) == 0)
		return true;
	fds[0] = fds[1] = -1;
	return false;
}

static bool
open_ends(struct ends *e)
{
	*e = (struct ends){{-1, -1}, {-1, -1}, {-1, -1}};
	if (open_pair(e->stats, sock_pipe) &&
	    open_pair(e->lines, sock_packet_pair) &&
	    open_pair(e->order, sock_pipe))
		return true;
	close_ends(e);
	return false;
}

static void
be_worker(const struct worker_setup *setup, void (*leave)(void *), void *arg)
{
	int keep[3 + LISTENERS_MAX * CONF_WORKERS_MAX];
	size_t n = 0, i;

	leave(arg);
	keep[n++] = setup->stats_fd;
	keep[n++] = setup->lines_fd;
	keep[n++] = setup->order_fd;
	for (i = 0; i < setup->listen->count; i++)
		n += listen_share(&setup->listen->listeners[i], setup->index,
		    setup->conf->workers, keep + n);
	log_disconnect();
	privs_close_all_but(keep, n);
	signals_reset_in_worker();
	signals_unblock();
	setproctitle("worker %zu", setup->index);
	_exit(worker_run(setup));
}

bool
child_start(struct child *c, const struct worker_setup *setup,
    void (*leave)(void *arg), void *arg)
{
	struct worker_setup own = *setup;
	struct ends e;

	if (c->note == NULL)
		c->note = note_new();
	if (c->note == NULL || !open_ends(&e))
		return false;
	note_end(c->note);
	own.index = c->index;
	own.note = c->note;
	own.stats_fd = e.stats[1];
	own.lines_fd = e.lines[1];
	own.order_fd = e.order[0];
	signals_block();
	c->pid = fork();
	if (c->pid == 0)
		be_worker(&own, leave, arg);
	signals_unblock();
	if (c->pid == -1) {
		c->pid = 0;
		close_ends(&e);
		return false;
	}
	close(e.stats[1]);
	close(e.lines[1]);
	close(e.order[0]);
	c->stats_fd = e.stats[0];
	c->lines_fd = e.lines[0];
	c->order_fd = e.order[1];
	c->is_ready = false;
	c->has_orders = true;
	c->starts++;
	c->started_us = c->heard_us = mono_us();
	return true;
}

void
child_drain(struct child *c)
{
	/* End of file is the request. */
	close_one(&c->order_fd);
}

void
child_kill(struct child *c)
{
	if (c->pid != 0)
		(void)kill(c->pid, SIGKILL);
}

void
child_ended(struct child *c)
{
	c->pid = 0;
	close_one(&c->stats_fd);
	close_one(&c->lines_fd);
	close_one(&c->order_fd);
}

static void
take_frame(struct child *c, const uint8_t *octets, size_t len,
    const struct child_sink *sink)
{
	struct probe_result probe;
	struct stats_frame f;

	/* Frames are written whole: anything else is not from our code. */
	if (len != STATS_FRAME_OCTETS || !stats_decode(octets, &f) ||
	    (f.type == FRAME_STATS && !totals_take(c->totals, &f)) ||
	    (f.type == FRAME_PROBE &&
		!probe_decode(&f, c->totals->ntargets, &probe))) {
		log_error("worker %zu sends rubbish: killed", c->index);
		child_kill(c);
		close_one(&c->stats_fd);
		return;
	}
	c->heard_us = mono_us();
	if (f.type == FRAME_READY)
		c->is_ready = true;
	if (f.type == FRAME_PROBE)
		sink->probed(sink->arg, &probe);
}

static void
read_frames(struct child *c, const struct child_sink *sink)
{
	uint8_t octets[STATS_FRAME_OCTETS];
	ssize_t n;

	while (c->stats_fd != -1 &&
	       (n = read(c->stats_fd, octets, sizeof(octets))) > 0)
		take_frame(c, octets, (size_t)n, sink);
}

static void
take_line(struct child *c, const struct log_packet *packet, size_t len,
    const struct child_sink *sink)
{
	char text[LOG_LINE_MAX];

	if (!log_packet_text(packet, len, text)) {
		log_error("worker %zu sends rubbish: killed", c->index);
		child_kill(c);
		close_one(&c->lines_fd);
	} else if (packet->kind == LOG_WATCH) {
		sink->watch(sink->arg, text);
	} else {
		log_relay((enum log_level)packet->kind, text, c->index);
	}
}

static void
read_lines(struct child *c, const struct child_sink *sink)
{
	struct log_packet packet;
	int left = LINES_AT_ONCE;
	ssize_t n;

	while (c->lines_fd != -1 && left-- > 0 &&
	       (n = recv(c->lines_fd, &packet, sizeof(packet), 0)) > 0)
		take_line(c, &packet, (size_t)n, sink);
}

void
child_read(struct child *c, const struct child_sink *sink)
{
	read_frames(c, sink);
	read_lines(c, sink);
}

void
child_poll(const struct child *c, struct pollfd pfd[CHILD_PFDS])
{
	pfd[0] = (struct pollfd){.fd = c->stats_fd, .events = POLLIN};
	pfd[1] = (struct pollfd){.fd = c->lines_fd, .events = POLLIN};
}

void
child_ready(struct child *c, const struct pollfd pfd[CHILD_PFDS],
    const struct child_sink *sink)
{
	if (((pfd[0].revents | pfd[1].revents) & POLLIN) != 0)
		child_read(c, sink);
	/* Its end is reported by SIGCHLD. */
	if ((pfd[0].revents & (POLLIN | POLLHUP)) == POLLHUP)
		close_one(&c->stats_fd);
	if ((pfd[1].revents & (POLLIN | POLLHUP)) == POLLHUP)
		close_one(&c->lines_fd);
}

void
child_schedule(struct child *c)
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
	log_note("worker %zu is started again in %llu ms", c->index,
	    (unsigned long long)(delay / 1000));
}
