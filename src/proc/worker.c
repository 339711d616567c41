/* SPDX-License-Identifier: ISC */
#include "proc/worker.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/mono.h"
#include "dns/dns.h"
#include "net/sock.h"
#include "proc/client.h"
#include "proc/client_udp.h"
#include "proc/daemon.h"
#include "proc/dispatch.h"
#include "proc/sandbox.h"
#include "proc/slot.h"
#include "proc/snapshot.h"

/* Longer than any client waits; then a target that is still silent is
 * left alone. */
#define DRAIN_US 5000000

enum { PFD_BELL, PFD_ORDER, PFD_LISTEN };

static void
read_clocks(struct worker *w)
{
	w->now_us = mono_us();
	w->now_s = wall_s();
}

static bool
write_frame(struct worker *w, const struct stats_frame *f)
{
	uint8_t octets[STATS_FRAME_OCTETS];

	stats_encode(f, octets);
	return write(w->setup->stats_fd, octets, sizeof(octets)) ==
	       sizeof(octets);
}

static void
report_probe(struct worker *w, const struct probe_result *result)
{
	struct stats_frame f;

	probe_encode(result, &f);
	/* Who waits for it knows that it may be lost. */
	(void)write_frame(w, &f);
}

static void
report_probes(struct worker *w)
{
	struct probe_result result;
	size_t i;

	for (i = 0; i < w->conf->ntargets; i++) {
		while (target_take_probe(w->targets[i], &result))
			report_probe(w, &result);
	}
}

static bool
make_replay(struct worker *w)
{
	size_t sets = w->setup->replay_sets;

	/* Not touched before it is used, like the slots. */
	w->replay_entries =
	    calloc(sets * REPLAY_WAYS, sizeof(*w->replay_entries));
	replay_init(&w->replay, sets, w->replay_entries, w->setup->seen);
	return w->replay_entries != NULL;
}

static bool
make_hmacs(struct worker *w)
{
	size_t i;

	w->hmacs = calloc(w->conf->nclients, sizeof(*w->hmacs));
	if (w->hmacs == NULL)
		return false;
	for (i = 0; i < w->conf->nclients; i++) {
		const struct conf_tsig *key = &w->conf->clients[i].tsig;

		w->hmacs[i] =
		    hmac_new(key->alg->hash, key->secret, key->secret_len);
		if (w->hmacs[i] == NULL) {
			log_error("no %s from libcrypto", key->alg->text);
			errno = ENOTSUP;
			return false;
		}
	}
	return true;
}

static bool
make_targets(struct worker *w)
{
	struct target_setup setup = {.conf = w->conf,
	    .max_lent = w->conf->updates_in_hand / 2,
	    .worker_bell = &w->bell,
	    .id_prefix = w->id_prefix,
	    .worker = w->setup->index};
	size_t i;

	for (i = 0; i < w->conf->ntargets; i++) {
		setup.index = i;
		setup.outage = &w->setup->outages[i];
		w->targets[i] = target_new(&setup);
		if (w->targets[i] == NULL)
			return false;
	}
	return true;
}

static void
add_ears(struct worker *w, const struct listener *l)
{
	int fds[CONF_WORKERS_MAX];
	size_t n = listen_share(l, w->setup->index, w->conf->workers, fds), i;

	for (i = 0; i < n; i++)
		w->ears[w->nears++] =
		    (struct ear){.fd = fds[i], .is_tcp = l->is_tcp};
}

static bool
make_ears(struct worker *w)
{
	const struct listen_set *set = w->setup->listen;
	size_t i, n = 1; /* more than there are: never none */

	for (i = 0; i < set->count; i++)
		n += set->listeners[i].nfds;
	w->ears = calloc(n, sizeof(*w->ears));
	w->pfd = calloc(PFD_LISTEN + n + w->conf->tcp_clients, sizeof(*w->pfd));
	if (w->ears == NULL || w->pfd == NULL)
		return false;
	for (i = 0; i < set->count; i++)
		add_ears(w, &set->listeners[i]);
	return true;
}

/* After this no file can be opened, and no other thread made. */
static bool
start_targets(struct worker *w)
{
	size_t i;

	if (!sandbox_worker_early(w->setup))
		return false;
	for (i = 0; i < w->conf->ntargets; i++) {
		if (!target_start(w->targets[i])) {
			log_error("no thread: %s", strerror(errno));
			return false;
		}
	}
	return sandbox_worker(w->setup);
}

static bool
make_ready(struct worker *w)
{
	return make_ears(w) && bell_init(&w->bell) && slot_init(w) &&
	       client_init(w) && client_udp_init(w) && snapshot_init(w) &&
	       make_replay(w) && make_hmacs(w) && make_targets(w);
}

static void
clean_up(struct worker *w)
{
	size_t i;

	for (i = 0; i < w->conf->ntargets; i++) {
		if (w->targets[i] != NULL)
			target_stop(w->targets[i]);
		target_free(w->targets[i]);
	}
	for (i = 0; w->hmacs != NULL && i < w->conf->nclients; i++)
		hmac_free(w->hmacs[i]);
	free(w->hmacs);
	free(w->replay_entries);
	free(w->pfd);
	free(w->ears);
	client_free(w);
	client_udp_free(w);
	snapshot_free(w);
	slot_free(w);
	bell_free(&w->bell);
}

static void
start_draining(struct worker *w)
{
	w->is_draining = true;
	w->drain_until_us = w->now_us + DRAIN_US;
	log_debug("finishing %zu updates", w->nbusy);
}

static bool
is_drained(const struct worker *w)
{
	if (!w->is_draining)
		return false;
	return (w->nbusy == 0 && client_count(w) == 0) ||
	       w->now_us >= w->drain_until_us;
}

static int
timeout_ms(const struct worker *w)
{
	uint64_t due = w->next_stats_us, now = mono_us();

	if (dispatch_next_deadline_us(w) < due)
		due = dispatch_next_deadline_us(w);
	if (client_next_deadline_us(w) < due)
		due = client_next_deadline_us(w);
	if (w->is_draining && w->drain_until_us < due)
		due = w->drain_until_us;
	return due <= now ? 0 : (int)((due - now) / 1000) + 1;
}

static bool
has_results(const struct worker *w)
{
	size_t i;

	for (i = 0; i < w->conf->ntargets; i++) {
		if (target_has_result(w->targets[i]))
			return true;
	}
	return false;
}

/* Poll skips entries below 0: not while draining, nor out of descriptors. */
static int
pollable_ear(const struct worker *w, const struct ear *e)
{
	if (w->is_draining ||
	    (e->is_tcp && w->now_us < client_accept_after_us(w)))
		return -1;
	return e->fd;
}

static void
obey(struct worker *w, const struct standing *standing)
{
	size_t i;

	w->standing = *standing;
	log_set_level((enum log_level)standing->level);
	for (i = 0; i < w->conf->ntargets; i++)
		target_disable(w->targets[i], standing->disabled >> i & 1);
}

static void
probe(struct worker *w, const struct probe_order *order)
{
	struct probe_result busy = {.id = order->id, .target = order->target};
	struct probe_step *step = &busy.steps[PROBE_QUERY];

	if (order->target >= w->conf->ntargets ||
	    target_probe(w->targets[order->target], order))
		return;
	step->is_done = true;
	step->cause = TSTAT_FAIL_BUSY;
	report_probe(w, &busy);
}

static void
read_orders(struct worker *w)
{
	struct order order;
	int n;

	while ((n = order_read(w->setup->order_fd, &order)) == 1) {
		if (order.type == ORDER_PROBE)
			probe(w, &order.probe);
		else
			obey(w, &order.standing);
	}
	if (n == -1)
		start_draining(w);
}

static void
hear(struct worker *w, const struct pollfd *pfd)
{
	size_t i;

	for (i = 0; i < w->nears; i++) {
		if (pfd[i].revents == 0)
			continue;
		if (w->ears[i].is_tcp)
			client_accept(w, pfd[i].fd);
		else
			client_udp_receive(w, pfd[i].fd);
	}
}

static void
wait_for_events(struct worker *w)
{
	struct pollfd *ears = w->pfd + PFD_LISTEN, *clients = ears + w->nears;
	size_t i, nclients;
	int n;

	w->pfd[PFD_BELL] =
	    (struct pollfd){.fd = w->bell.fds[0], .events = POLLIN};
	w->pfd[PFD_ORDER] = (struct pollfd){
	    .fd = w->is_draining ? -1 : w->setup->order_fd, .events = POLLIN};
	for (i = 0; i < w->nears; i++)
		ears[i] = (struct pollfd){
		    .fd = pollable_ear(w, &w->ears[i]), .events = POLLIN};
	nclients = client_poll(w, clients);
	bell_doze(&w->bell);
	n = poll(w->pfd, PFD_LISTEN + w->nears + nclients,
	    has_results(w) ? 0 : timeout_ms(w));
	bell_rise(&w->bell, n > 0 && w->pfd[PFD_BELL].revents != 0);
	read_clocks(w);
	if (n <= 0)
		return;
	if (w->pfd[PFD_ORDER].revents != 0)
		read_orders(w);
	if (!w->is_draining)
		hear(w, ears);
	client_ready(w, clients, nclients);
}

static void
serve(struct worker *w)
{
	while (!is_drained(w)) {
		wait_for_events(w);
		dispatch_results(w);
		report_probes(w);
		dispatch_deadlines(w);
		client_tick(w);
		dispatch_wake_targets(w);
		client_udp_flush(w);
		if (w->now_us >= w->next_stats_us)
			snapshot_send(w);
	}
	snapshot_finish(w);
}

/* Standard ones, pipes and bells; those of a target: a bell, two UDP
 * sockets and a connection; a few for the C library. All sockets of a
 * listener may be one worker's, after a reload with fewer workers. */
size_t
worker_descriptors(const struct conf *conf)
{
	return 16 + conf->nlisten_udp * CONF_WORKERS_MAX + conf->nlisten_tcp +
	       5 * conf->ntargets + conf->tcp_clients;
}

int
worker_run(const struct worker_setup *setup)
{
	struct stats_frame ready = {.type = FRAME_READY};
	struct worker *w = calloc(1, sizeof(*w));
	char role[24];
	int status = 1;

	snprintf(role, sizeof(role), "worker %zu", setup->index);
	log_set_role(role);
	if (setup->is_daemon) {
		log_to_channel(setup->lines_fd);
		daemon_leave_terminal();
	}
	if (w == NULL) {
		log_error("no memory");
		return 1;
	}
	w->setup = setup;
	w->conf = setup->conf;
	snprintf(w->id_prefix, sizeof(w->id_prefix), "%u.%zu.",
	    setup->generation, setup->index);
	w->bell.fds[0] = w->bell.fds[1] = -1;
	read_clocks(w);
	if (!make_ready(w)) {
		log_error("cannot start: %s", strerror(errno));
	} else if (start_targets(w)) {
		obey(w, &setup->standing);
		if (!write_frame(w, &ready)) {
			log_error(
			    "cannot tell the parent: %s", strerror(errno));
		} else {
			serve(w);
			status = 0;
		}
	}
	clean_up(w);
	free(w);
	return status;
}
