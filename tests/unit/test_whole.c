/* SPDX-License-Identifier: ISC */
/*
 * The pure core, whole: clients, two workers, their targets, in one
 * process under a simulated clock and network. A seed gives a
 * configuration, a script and all that goes wrong. Where an invariant is
 * asserted, its number stands beside it:
 *   I1 what is accepted has been read to its last octet, and none beyond
 *   I2 a copy reads as what came: the same records in the same order
 *   I3 what is accepted, and what gets a MAC, has a good one
 *   I4 a copy verifies with the target's key, by code of the test
 *   I5 no key in what is sent, and no more octets than allowed
 *   I6 the work for a message is bounded by its length
 *   I7 answers are those of a model, once; a success never harms
 *   test_whole [SEED [COUNT]]
 */
#include "whole_worker.h"

#include <signal.h>

#define RUNS 100000

static struct conf_client conf_clients[CLIENTS];
static struct key target_keys[TARGETS];
static struct name zones[ZONES];
static struct prefix prefix;

static void
make_key(struct key *k, const char *name, const char *alg, uint8_t mac_min,
    uint8_t secret)
{
	size_t i;

	build_tsig(&k->tsig, name, alg, mac_min);
	for (i = 0; i < SECRET_OCTETS; i++)
		k->secret[i] = (uint8_t)(secret + i * 7);
	k->md = strcmp(alg, "hmac-sha512") == 0 ? EVP_sha512() : EVP_sha256();
	k->hmac = hmac_new(k->tsig.alg->hash, k->secret, SECRET_OCTETS);
	must(k->hmac != NULL);
}

static void
make_keys(void)
{
	static const char *const names[] = {
	    "t0.target", "t1.target", "t2.target"};
	unsigned i;

	for (i = 0; i < CLIENTS; i++)
		net.keys[TARGETS + i] = &script.clients[i];
	make_key(&script.clients[0], "a.client", "hmac-sha256", 0, 1);
	make_key(&script.clients[1], "b.client", "hmac-sha512", 32, 2);
	make_key(&script.stranger, "c.client", "hmac-sha256", 0, 3);
	for (i = 0; i < TARGETS; i++) {
		make_key(&target_keys[i], names[i],
		    i == 1 ? "hmac-sha512" : "hmac-sha256", 0,
		    (uint8_t)(4 + i));
		net.keys[i] = &target_keys[i];
	}
	build_name("a.test", &zones[0]);
	build_name("b.test", &zones[1]);
	must(prefix_parse("192.0.2.0/24", &prefix));
}

/* What is the same in all runs. The second client may change one zone,
 * from some addresses. */
static void
make_world(void)
{
	unsigned i, j;

	make_keys();
	for (i = 0; i < CLIENTS; i++) {
		conf_clients[i].tsig = script.clients[i].tsig;
		mux.hmacs[i] = script.clients[i].hmac;
	}
	conf_clients[1].zones = (struct zone_set){zones, 1};
	conf_clients[1].sources = (struct prefix_set){&prefix, 1};
	mux.conf.clients = conf_clients;
	mux.conf.nclients = CLIENTS;
	mux.conf.max_fudge_s = FUDGE_S;
	mux.conf.records_per_update = UINT16_MAX;
	for (i = 0; i < WORKERS * (SLOTS + 1); i++) {
		struct worker *w = &mux.workers[i % WORKERS];

		w->index = i % WORKERS;
		j = i / WORKERS;
		w->slots[j].octets = malloc(PACKET_MAX);
		must(w->slots[j].octets != NULL);
	}
	for (i = 0; i < EVENTS_MAX; i++)
		pool.unused[pool.nunused++] = &pool.events[i];
}

static void
choose_target(unsigned i)
{
	struct conf_target *ct = &mux.conf.targets[i];

	ct->tsig = target_keys[i].tsig;
	ct->timeout_ms = 200 + below(2500);
	ct->transport = percent(20) ? TRANSPORT_TCP : TRANSPORT_AUTO;
	ct->udp_size = percent(20) ? 150 : 1232;
	ct->max_in_flight = 1 + below(LENT_MAX);
	/* Target 0 has both zones. */
	ct->zones = (struct zone_set){zones, i == 0 || percent(70) ? 2 : 1};
}

static void
choose_conf(void)
{
	static const unsigned deadlines[] = {300, 900, 2400};
	struct conf *c = &mux.conf;
	unsigned i, smallest;

	c->ntargets = 1 + below(TARGETS);
	c->client_deadline_ms = deadlines[below(NELEM(deadlines))];
	c->unconfirmed =
	    percent(50) ? UNCONFIRMED_SILENT : UNCONFIRMED_SERVFAIL;
	for (i = 0; i < c->ntargets; i++)
		choose_target(i);
	smallest = (unsigned)c->ntargets;
	for (i = 0; i < c->ntargets; i++)
		smallest -= c->targets[i].zones.count < ZONES;
	c->require_confirmation =
	    percent(50) ? CONFIRM_ALL : 1 + below(smallest);
}

static void
choose_net(void)
{
	unsigned i;

	memset(&net.servers, 0, sizeof(net.servers));
	memset(&net.lives, 0, sizeof(net.lives));
	net.now_us = net.order = 0;
	net.worker = net.life = net.nupdates = 0;
	net.is_calm = percent(25);
	net.lost = percent(50) ? below(40) : 0;
	net.doubled = percent(50) ? below(40) : 0;
	net.changed = percent(50) ? below(30) : 0;
	net.late = percent(50) ? below(30) : 0;
	for (i = 0; i < mux.conf.ntargets && !net.is_calm; i++) {
		schedule(EV_MODE, i, 0);
		if (percent(50))
			schedule(EV_MODE, i, below(3000000));
	}
	if (percent(30))
		schedule(EV_RESTART, below(WORKERS),
		    net.is_calm ? below(SCRIPT_MAX) * 10000000ull + 5000000
				: below(2000000));
}

static void
start_target(struct target *t, unsigned i)
{
	const struct conf_target *ct = &mux.conf.targets[i];
	unsigned resend_ms = mux.conf.client_deadline_ms;

	memset(t, 0, sizeof(*t));
	t->index = i;
	t->target = ct;
	t->hmac = target_keys[i].hmac;
	t->timeout_us = ct->timeout_ms * 1000ull;
	if (ct->timeout_ms < resend_ms)
		resend_ms = ct->timeout_ms;
	t->resend_us = resend_ms * 1000ull / 2;
	t->forget_us = mux.conf.client_deadline_ms * 1000ull;
	t->max_lent = 1 + below(LENT_MAX);
	t->max_in_flight = ct->max_in_flight;
	exchange_table_init(
	    &t->table, t->exchanges, t->max_lent, t->buckets, BUCKETS);
}

static void
start_worker(struct worker *w)
{
	unsigned i;

	TAILQ_INIT(&w->unused);
	TAILQ_INIT(&w->by_deadline);
	for (i = 1; i <= SLOTS; i++)
		TAILQ_INSERT_TAIL(&w->unused, &w->slots[i], link);
	w->spare = &w->slots[0];
	memset(&w->of_update, 0, sizeof(w->of_update));
	for (i = 0; i < mux.conf.ntargets; i++)
		start_target(&w->targets[i], i);
	memset(&w->seen, 0, sizeof(w->seen));
	replay_init(&w->replay, REPLAY_SETS, w->seen, mux.seen);
}

/* It dies with all that it has in hand; only what all workers share is
 * still there. */
static void
restart(struct worker *w)
{
	unsigned i;

	trace("%8llu restart of worker %u\n", (unsigned long long)net.now_us,
	    w->index);
	tally(restart);
	net.lives[w->index]++;
	for (i = 0; i < net.nupdates; i++) {
		if (w->of_update[i] == NULL)
			continue;
		net.book[i].is_lost = true;
		tally(lost_in_restart);
	}
	start_worker(w);
}

/* What came before the script: all of it expires before the script's. */
static void
add_former(void)
{
	unsigned n = below(3 * REPLAY_ENTRIES);
	const struct replay_entry *e;
	struct inbound in = {.request_mac.len = 32};
	struct addr from;

	must(addr_parse("192.0.2.7:5353", 0, &from));
	tallies[TALLY_former_given_way] += n > REPLAY_ENTRIES;
	while (n-- > 0) {
		build_patch(in.request_mac.octets, 0, (unsigned)draw());
		build_patch(in.request_mac.octets, 4, (unsigned)draw());
		in.tsig.fudge_s = FUDGE_S;
		in.tsig.time_signed = BUILD_NOW - 1 - below(FUDGE_S);
		(void)replay_check(&mux.workers[below(WORKERS)].replay, &in,
		    &from, FUDGE_S, BUILD_NOW, &e);
	}
}

static void
start_workers(void)
{
	unsigned i;

	for (i = 0; i < REPLAY_ENTRIES; i++)
		atomic_store(&mux.seen[i], 0);
	for (i = 0; i < WORKERS; i++)
		start_worker(&mux.workers[i]);
	memset(&mux.single, 0, sizeof(mux.single));
	add_former();
}

static void
send_script(void)
{
	unsigned i;

	for (i = 0; i < script.n; i++) {
		const struct message *m = &script.messages[i];
		struct event what = {.type = EV_MESSAGE, .who = i};

		if (m->bad == BAD_FLIPPED) {
			struct event *e = deliver(&what, m->octets, m->len);

			damage(e);
			e->at_us = m->at_us;
			continue;
		}
		net.now_us = m->at_us;
		if (m->is_tcp)
			(void)deliver(&what, m->octets, m->len);
		else
			transmit(&what, m->octets, m->len);
	}
	net.now_us = 0;
}

/* What is for a worker that has died since then finds nobody. */
static void
carry_out(const struct event *e)
{
	struct worker *w;

	must(e->at_us >= net.now_us);
	net.now_us = e->at_us;
	net.worker = e->worker;
	net.life = e->life;
	if (e->type == EV_MESSAGE) {
		/* The kernel chooses a worker by the source. */
		net.worker = script.messages[e->who].source % WORKERS;
		net.life = net.lives[net.worker];
	}
	w = &mux.workers[net.worker];
	if (e->type >= EV_WORKER && net.life != net.lives[net.worker])
		return;
	if (e->type == EV_MESSAGE)
		worker_receive(w, e);
	else if (e->type == EV_RESTART)
		restart(&mux.workers[e->who]);
	else if (e->type == EV_WORKER)
		worker_step(w);
	else if (e->type == EV_MODE)
		server_change(e);
	else if (e->type == EV_UDP_COPY || e->type == EV_TCP_COPY)
		server_receive(e);
	else if (e->type == EV_TCP_CONNECT)
		server_connect(e);
	else
		target_take_event(&w->targets[e->who], e);
}

/* Nothing is left behind. */
static void
check_table(const struct target *t)
{
	const struct exchange *x;
	size_t i, n = 0;

	must(TAILQ_EMPTY(&t->table.by_age) && TAILQ_EMPTY(&t->table.waiting));
	must(TAILQ_EMPTY(&t->table.by_resend) && t->table.in_flight == 0);
	for (i = 0; i < BUCKETS; i++)
		must(LIST_EMPTY(&t->buckets[i]));
	TAILQ_FOREACH (x, &t->table.unused, by_age) {
		n++;
	}
	must(n == t->max_lent && t->lent == 0 && t->tcp.open == 0);
	must(t->njobs == 0 && t->nresults == 0);
}

static void
check_worker(const struct worker *w)
{
	const struct slot *s;
	unsigned i, n = 0;

	TAILQ_FOREACH (s, &w->unused, link) {
		n++;
	}
	must(n == SLOTS && TAILQ_EMPTY(&w->by_deadline));
	for (i = 0; i < mux.conf.ntargets; i++)
		check_table(&w->targets[i]);
}

/* I7: each ends once, with one outcome of each target, unless its worker
 * died. */
static void
check_book(void)
{
	unsigned i, j;

	for (i = 0; i < net.nupdates; i++) {
		const struct update *u = &net.book[i];

		must(u->settled <= 1 && u->answers <= u->settled);
		must(u->settled == 1 || u->is_lost);
		for (j = 0; j < TARGETS; j++) {
			unsigned has = u->targets >> j & 1;

			must(u->outcomes[j] <= has);
			must(u->outcomes[j] == has || u->is_lost);
			must(has != 0 || u->packets[j] == 0);
		}
	}
}

static void
check_end(void)
{
	unsigned i, zone;

	for (i = 0; i < WORKERS; i++)
		check_worker(&mux.workers[i]);
	check_book();
	for (i = 0; i < mux.conf.ntargets; i++) {
		for (zone = 0; zone < ZONES && net.is_calm; zone++) {
			static const struct zone_state empty;
			const struct zone_state *want =
			    (serving(zone) >> i & 1) != 0 ? &mux.single
							  : &empty;

			must(memcmp(net.servers[i].zones.rrsets[zone],
				 want->rrsets[zone],
				 sizeof(want->rrsets[zone])) == 0);
		}
	}
}

static void
run(uint64_t seed)
{
	struct event *e;

	chance.seed = chance.state = seed;
	choose_conf();
	choose_net();
	start_workers();
	compose_script();
	send_script();
	while ((e = next_event()) != NULL) {
		carry_out(e);
		pool.unused[pool.nunused++] = e;
	}
	check_end();
}

/* What did not happen has not been tested. */
static bool
print_tallies(void)
{
	static const char *const names[] = {
#define X(symbol) #symbol,
	    TALLY_LIST(X)
#undef X
	};
	bool is_whole = true;
	size_t i;

	for (i = 0; i < TALLIES; i++) {
		printf("%10llu %s\n", (unsigned long long)tallies[i], names[i]);
		is_whole = is_whole && tallies[i] > 0;
	}
	printf(
	    "%10llu most work, of 1000\n", (unsigned long long)work_seen.most);
	return is_whole;
}

static void
crashed(int sig)
{
	fprintf(stderr, "seed %llu: crash\n", (unsigned long long)chance.seed);
	signal(sig, SIG_DFL);
	raise(sig);
}

/* A sanitizer's handlers stay, and abort if it is told so. */
static void
catch_crashes(void)
{
	static const int signals[] = {SIGSEGV, SIGBUS, SIGABRT};
	struct sigaction former;
	size_t i;

	for (i = 0; i < NELEM(signals); i++) {
		if (sigaction(signals[i], NULL, &former) == 0 &&
		    former.sa_handler == SIG_DFL)
			signal(signals[i], crashed);
	}
}

int
main(int argc, char *argv[])
{
	uint64_t first = 1, count = RUNS, i;

	if (argc > 1) {
		first = strtoull(argv[1], NULL, 10);
		count = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
		chance.is_loud = argc == 2;
	}
	catch_crashes();
	make_world();
	for (i = 0; i < count; i++)
		run(first + i);
	printf("%llu runs\n", (unsigned long long)count);
	return print_tallies() || argc > 1 ? 0 : 1;
}
