/* SPDX-License-Identifier: ISC */
/*
 * Sends signed updates, each with a name, an ID and a signature of its own,
 * and verifies what is answered:
 *
 *	load -a address:port [-t] [-f flows] [-q outstanding | -r rate]
 *	    [-d milliseconds] [-u milliseconds] [-w milliseconds] [-k keys]
 *	    [-z zones] [-x octets] [-m] [-p] [-s first] [-b file]
 *
 * -t  by TCP; otherwise UDP. -f: from so many sockets or connections
 * -q  a closed loop: so many are outstanding
 * -r  an open one: so many are sent each second, whatever becomes of them,
 *     and latency counts from when an update should have been sent
 * -d  for so long; -u: a closed loop takes so long to reach its number;
 *     -w: what is not answered in this time is lost
 * -k  -z  with so many keys, in so many zones, in turn
 * -x  updates of about so many octets; -m: with names of up to 15 octets
 *     more; -p: without a prerequisite
 * -s  the first serial; -b: where the bits are set of those answered NOERROR
 *
 * Prints one line of JSON.
 */
#include "load.h"

#include <sys/resource.h>

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/compat.h"
#include "base/mono.h"

#define FLOWS_MAX 1024
#define OUTSTANDING_MAX 1000000
#define RATE_MAX 1000000
#define MS 1000000u

static struct flow flows[FLOWS_MAX];

static void
make_keys(struct load *l)
{
	char name[32];
	size_t i;

	l->keys = calloc(l->nkeys, sizeof(*l->keys));
	if (l->keys == NULL)
		err(1, "no memory");
	for (i = 0; i < l->nkeys; i++) {
		snprintf(name, sizeof(name), "k%05zu.", i);
		signer_init(&l->keys[i], name);
	}
}

static void
set_number(struct load *l, int option, uint64_t n)
{
	switch (option) {
	case 'd':
		l->duration_ns = n * MS;
		break;
	case 'f':
		l->nflows = n;
		break;
	case 'k':
		l->nkeys = n;
		break;
	case 'q':
		l->outstanding = n;
		break;
	case 'r':
		l->period_ns = n > 0 && n <= RATE_MAX ? NS_PER_S / n : 0;
		break;
	case 's':
		l->first = (uint32_t)n;
		break;
	case 'u':
		l->ramp_ns = n * MS;
		break;
	case 'w':
		l->timeout_ns = n * MS;
		break;
	case 'x':
		l->octets = n;
		break;
	case 'z':
		l->nzones = (unsigned)n;
		break;
	}
}

static void
set_option(struct load *l, int option, const char *value)
{
	if (option == 'a')
		l->server = bench_addr(value);
	else if (option == 'b')
		bits_open(&l->answered, value);
	else if (option == 't')
		l->is_tcp = true;
	else if (option == 'm')
		l->is_mixed = true;
	else if (option == 'p')
		l->has_prereq = false;
	else
		set_number(
		    l, option, bench_number(value, UINT32_MAX, "an option"));
}

static void
parse_options(struct load *l, int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "a:b:d:f:k:mpq:r:s:tu:w:x:z:")) != -1) {
		if (c == '?')
			errx(2, "see the beginning of load.c");
		set_option(l, c, optarg);
	}
	if (l->nflows > l->outstanding && l->period_ns == 0)
		l->nflows = l->outstanding;
	if (optind != argc || l->server.sa.sa_family == AF_UNSPEC ||
	    l->nflows == 0 || l->nflows > FLOWS_MAX ||
	    l->outstanding > OUTSTANDING_MAX || l->nkeys == 0 ||
	    l->nkeys > 100000 || l->nzones == 0 || l->nzones > 10000 ||
	    l->first >= SERIALS_MAX)
		errx(2, "see the beginning of load.c");
	if (l->answered.octets == NULL)
		bits_open(&l->answered, NULL);
}

static uint64_t
earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Until something is due: an update, or the end of waiting for one. */
static void
wait_for_events(const struct load *l, struct pollfd *pfd, uint64_t now_ns)
{
	uint64_t due = now_ns + 10 * MS;
	struct timespec ts = {0};
	size_t i;

	for (i = 0; i < l->nflows; i++) {
		pfd[i] = (struct pollfd){
		    .fd = flows[i].fd, .events = flow_events(&flows[i])};
		if (l->period_ns != 0 && now_ns < l->end_ns)
			due = earlier(due, flow_due_ns(&flows[i], l));
	}
	if (due > now_ns)
		ts.tv_nsec = (long)(due - now_ns);
	if (ppoll(pfd, l->nflows, &ts, NULL) == -1 && errno != EINTR)
		err(1, "ppoll");
}

static size_t
busy(const struct load *l)
{
	size_t i, n = 0;

	for (i = 0; i < l->nflows; i++)
		n += flows[i].busy;
	return n;
}

static void
run(struct load *l)
{
	static struct pollfd pfd[FLOWS_MAX];
	uint64_t now;
	size_t i;

	for (i = 0; i < l->nflows; i++)
		flow_init(&flows[i], l, i);
	l->start_ns = now = bench_ns();
	l->end_ns = l->start_ns + l->duration_ns;
	while (now < l->end_ns || busy(l) > 0) {
		for (i = 0; i < l->nflows; i++) {
			flow_expire(&flows[i], l, now);
			flow_fill(&flows[i], l, now);
		}
		wait_for_events(l, pfd, now);
		for (i = 0; i < l->nflows; i++) {
			if (pfd[i].revents != 0)
				flow_ready(&flows[i], l, pfd[i].revents);
		}
		now = bench_ns();
	}
}

static void
print_latency(const struct bench_hist *h, const char *name)
{
	printf(", \"%s\": {\"p50\": %.1f, \"p90\": %.1f, \"p99\": %.1f, "
	       "\"p999\": %.1f, \"max\": %.1f, \"mean\": %.1f}",
	    name, bench_hist_us(h, 0.5), bench_hist_us(h, 0.9),
	    bench_hist_us(h, 0.99), bench_hist_us(h, 0.999),
	    (double)h->max / 1000,
	    h->total > 0 ? (double)h->sum / (double)h->total / 1000 : 0);
}

static void
print(const struct load *l)
{
	struct rusage u;
	int i;

	getrusage(RUSAGE_SELF, &u);
	printf("{\"sent\": %llu, \"answered\": %llu, \"failed\": %llu, "
	       "\"lost\": %llu, \"bad\": %llu, \"stray\": %llu, "
	       "\"in_time\": %llu, \"seconds\": %.6f, \"cpu_s\": %.6f, "
	       "\"rcodes\": {",
	    (unsigned long long)tally.sent, (unsigned long long)tally.answered,
	    (unsigned long long)tally.failed, (unsigned long long)tally.lost,
	    (unsigned long long)tally.bad, (unsigned long long)tally.stray,
	    (unsigned long long)tally.in_time,
	    (double)(bench_ns() - l->start_ns) / NS_PER_S,
	    (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
		(double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6);
	for (i = 0; i < 16; i++)
		printf("%s\"%d\": %llu", i > 0 ? ", " : "", i,
		    (unsigned long long)tally.rcodes[i]);
	printf("}");
	print_latency(&tally.latency, "us");
	print_latency(&tally.lateness, "late_us");
	printf("}\n");
}

int
main(int argc, char **argv)
{
	struct load l = {.nflows = 4,
	    .outstanding = 64,
	    .duration_ns = 1000ull * MS,
	    .timeout_ns = 2000ull * MS,
	    .nkeys = 1,
	    .nzones = 1,
	    .has_prereq = true};

	parse_options(&l, argc, argv);
	bench_punctual();
	make_keys(&l);
	load_msg_init(&l);
	run(&l);
	print(&l);
	return 0;
}
