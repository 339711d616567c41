/* SPDX-License-Identifier: ISC */
#include "proc/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mono.h"
#include "dns/text.h"

enum target_state { TARGET_UNKNOWN, TARGET_UP, TARGET_DOWN, TARGET_DISABLED };

static const char *const state_names[] = {
    [TARGET_UNKNOWN] = "unknown",
    [TARGET_UP] = "up",
    [TARGET_DOWN] = "down",
    [TARGET_DISABLED] = "disabled",
};

static enum target_state
state_of(const struct parent *p, const struct totals *sum, size_t i)
{
	const struct target_values *t = &sum->targets[i];
	uint64_t answers = t->count[TSTAT_APPLIED] + t->count[TSTAT_VERDICT] +
			   t->count[TSTAT_REFUSED];

	if (generation_is_disabled(&p->env, p->current->conf->targets[i].name))
		return TARGET_DISABLED;
	if (t->gauge[TGAUGE_WORKERS_DOWN] > 0)
		return TARGET_DOWN;
	return answers > 0 ? TARGET_UP : TARGET_UNKNOWN;
}

static size_t
count_workers(const struct parent *p)
{
	const struct conf *conf = p->current->conf;
	size_t i, n = 0;

	for (i = 0; i < conf->workers; i++)
		n += p->current->children[i].pid != 0 &&
		     p->current->children[i].is_ready;
	return n;
}

static size_t
count_state(
    const struct parent *p, const struct totals *sum, enum target_state wanted)
{
	size_t i, n = 0;

	for (i = 0; i < p->current->conf->ntargets; i++)
		n += state_of(p, sum, i) == wanted;
	return n;
}

enum health
status_health(const struct parent *p, const struct totals *sum)
{
	const struct conf *conf = p->current->conf;
	size_t workers = count_workers(p);
	size_t down = count_state(p, sum, TARGET_DOWN);
	size_t disabled = count_state(p, sum, TARGET_DISABLED);
	size_t counted = conf->ntargets - disabled;
	size_t need = conf->require_confirmation == CONFIRM_ALL
			  ? counted
			  : conf->require_confirmation;

	if (workers == 0 || counted == 0 || counted - down < need)
		return HEALTH_DOWN;
	return workers < conf->workers || down > 0 || disabled > 0
		   ? HEALTH_DEGRADED
		   : HEALTH_GOOD;
}

static const char *
health_name(enum health health)
{
	static const char *const names[] = {"good", "degraded", "down"};

	return names[health];
}

/* "3d 02:14:07" */
static void
print_age(FILE *out, uint64_t seconds)
{
	if (seconds >= 86400)
		fprintf(out, "%llud ", (unsigned long long)seconds / 86400);
	fprintf(out, "%02u:%02u:%02u", (unsigned)(seconds / 3600 % 24),
	    (unsigned)(seconds / 60 % 60), (unsigned)(seconds % 60));
}

/* Over the last 10 to 20 seconds. */
static double
per_second(const struct parent *p, uint64_t count, uint64_t before)
{
	uint64_t us = mono_us() - p->marks[1].at_us;

	return us == 0 || count < before
		   ? 0
		   : (double)(count - before) * 1e6 / (double)us;
}

static uint64_t
received(const struct totals *sum)
{
	return sum->worker.count[STAT_RECEIVED_UDP] +
	       sum->worker.count[STAT_RECEIVED_TCP];
}

static uint64_t
failures(const struct target_values *t)
{
	uint64_t n = 0;
	size_t i;

	for (i = TSTAT_FAIL_TIMEOUT; i < TSTAT_COUNT; i++)
		n += t->count[i];
	return n;
}

static unsigned long long
sum_of(uint64_t a, uint64_t b)
{
	return a + b;
}

/* The upper bound of the bucket that holds this part of the answers. */
static const char *
quantile(const uint64_t answers[ANSWERS_COUNT], unsigned percent)
{
	uint64_t all = 0, n = 0;
	unsigned b;

	for (b = 0; b < HIST_BUCKETS; b++)
		all += answers[ANSWERS_BUCKET + b];
	if (all == 0)
		return NULL;
	for (b = 0; b < HIST_BUCKETS; b++) {
		n += answers[ANSWERS_BUCKET + b];
		if (n * 100 >= all * percent)
			break;
	}
	return hist_bound(b);
}

static const char *
or_dash(const char *text)
{
	return text != NULL ? text : "-";
}

/* Text */

static void
print_targets(FILE *out, const struct parent *p, const struct totals *sum)
{
	const struct conf *conf = p->current->conf;
	char addr[ADDR_TEXT_MAX];
	size_t i;

	fprintf(out, "%-20s %-9s %-24s %9s %9s %7s %6s %6s %6s\n", "target",
	    "state", "address", "confirmed", "failed", "in hand", "p50 s",
	    "p99 s", "clock");
	for (i = 0; i < conf->ntargets; i++) {
		const struct target_values *t = &sum->targets[i];

		fprintf(out,
		    "%-20s %-9s %-24s %9llu %9llu %7llu %6s %6s %+5llds\n",
		    conf->targets[i].name, state_names[state_of(p, sum, i)],
		    addr_text(&conf->targets[i].addr, addr),
		    sum_of(t->count[TSTAT_APPLIED], t->count[TSTAT_VERDICT]),
		    sum_of(failures(t), t->count[TSTAT_REFUSED]),
		    sum_of(t->gauge[TGAUGE_QUEUED], t->gauge[TGAUGE_IN_FLIGHT]),
		    or_dash(quantile(t->answers, 50)),
		    or_dash(quantile(t->answers, 99)),
		    (long long)t->gauge[TGAUGE_CLOCK_OFFSET_S]);
	}
}

static void
print_reload(FILE *out, const struct parent *p)
{
	uint64_t now = wall_s();

	fputs("reload     the last one ", out);
	fputs(p->is_reload_good ? "was taken, "
				: "FAILED: see the log; the "
				  "configuration is of ",
	    out);
	print_age(out, now > p->reload_time_s ? now - p->reload_time_s : 0);
	fputs(" ago\n", out);
}

static void
print_status(FILE *out, const struct parent *p, const struct totals *sum)
{
	const struct stats *s = &sum->worker;
	const struct conf *conf = p->current->conf;

	fprintf(out, "ddns-mux   %s, generation %u, up ", PACKAGE_VERSION,
	    p->current->number);
	print_age(out, (mono_us() - p->start_us) / 1000000);
	fprintf(out, "\nstate      %s\n", health_name(status_health(p, sum)));
	fprintf(out, "workers    %zu of %u, %llu restarts\n", count_workers(p),
	    conf->workers, (unsigned long long)p->restarts);
	if (p->reloads > 0)
		print_reload(out, p);
	fprintf(out,
	    "messages   %llu received, %.1f/s; %llu answered, %.1f/s\n",
	    (unsigned long long)received(sum),
	    per_second(p, received(sum), p->marks[1].received),
	    (unsigned long long)s->count[STAT_ANSWERED],
	    per_second(p, s->count[STAT_ANSWERED], p->marks[1].answered));
	fprintf(out,
	    "updates    %llu accepted, %llu in hand, %llu unanswered, "
	    "%llu diverged, %llu missed\n",
	    (unsigned long long)s->count[STAT_ACCEPTED],
	    (unsigned long long)s->gauge[GAUGE_IN_HAND],
	    (unsigned long long)s->count[STAT_SILENT],
	    (unsigned long long)s->count[STAT_DIVERGED],
	    (unsigned long long)s->count[STAT_MISSED]);
	fprintf(out, "latency    p50 %s s, p99 %s s\n\n",
	    or_dash(quantile(s->answers, 50)),
	    or_dash(quantile(s->answers, 99)));
	print_targets(out, p, sum);
}

/* JSON: names are letters, digits, and what needs no escape. */

static void
json_quantile(FILE *out, const char *name, const char *bound)
{
	if (bound == NULL || strcmp(bound, "+Inf") == 0)
		fprintf(out, ", \"%s\": null", name);
	else
		fprintf(out, ", \"%s\": %s", name, bound);
}

static void
json_targets(FILE *out, const struct parent *p, const struct totals *sum)
{
	const struct conf *conf = p->current->conf;
	char addr[ADDR_TEXT_MAX];
	size_t i;

	fputs("[", out);
	for (i = 0; i < conf->ntargets; i++) {
		const struct target_values *t = &sum->targets[i];

		fprintf(out,
		    "%s{\"name\": \"%s\", \"state\": \"%s\", "
		    "\"address\": \"%s\", \"applied\": %llu, "
		    "\"prerequisite\": %llu, \"refused\": %llu, "
		    "\"failed\": %llu, \"queued\": %llu, \"in_flight\": %llu, "
		    "\"clock_offset_s\": %lld",
		    i > 0 ? ", " : "", conf->targets[i].name,
		    state_names[state_of(p, sum, i)],
		    addr_text(&conf->targets[i].addr, addr),
		    (unsigned long long)t->count[TSTAT_APPLIED],
		    (unsigned long long)t->count[TSTAT_VERDICT],
		    (unsigned long long)t->count[TSTAT_REFUSED],
		    (unsigned long long)failures(t),
		    (unsigned long long)t->gauge[TGAUGE_QUEUED],
		    (unsigned long long)t->gauge[TGAUGE_IN_FLIGHT],
		    (long long)t->gauge[TGAUGE_CLOCK_OFFSET_S]);
		json_quantile(out, "p50_s", quantile(t->answers, 50));
		json_quantile(out, "p99_s", quantile(t->answers, 99));
		fputs("}", out);
	}
	fputs("]", out);
}

static void
json_status(FILE *out, const struct parent *p, const struct totals *sum)
{
	const struct stats *s = &sum->worker;

	fprintf(out,
	    "{\"version\": \"%s\", \"generation\": %u, \"uptime_s\": %llu, "
	    "\"state\": \"%s\", \"workers\": %zu, \"workers_wanted\": %u, "
	    "\"restarts\": %llu, \"reload_good\": %s, "
	    "\"received\": %llu, \"received_per_s\": %.1f, "
	    "\"answered\": %llu, \"answered_per_s\": %.1f, "
	    "\"accepted\": %llu, \"in_hand\": %llu, \"unanswered\": %llu, "
	    "\"diverged\": %llu, \"missed\": %llu",
	    PACKAGE_VERSION, p->current->number,
	    (unsigned long long)(mono_us() - p->start_us) / 1000000,
	    health_name(status_health(p, sum)), count_workers(p),
	    p->current->conf->workers, (unsigned long long)p->restarts,
	    p->is_reload_good ? "true" : "false",
	    (unsigned long long)received(sum),
	    per_second(p, received(sum), p->marks[1].received),
	    (unsigned long long)s->count[STAT_ANSWERED],
	    per_second(p, s->count[STAT_ANSWERED], p->marks[1].answered),
	    (unsigned long long)s->count[STAT_ACCEPTED],
	    (unsigned long long)s->gauge[GAUGE_IN_HAND],
	    (unsigned long long)s->count[STAT_SILENT],
	    (unsigned long long)s->count[STAT_DIVERGED],
	    (unsigned long long)s->count[STAT_MISSED]);
	json_quantile(out, "p50_s", quantile(s->answers, 50));
	json_quantile(out, "p99_s", quantile(s->answers, 99));
	fputs(", \"targets\": ", out);
	json_targets(out, p, sum);
	fputs("}\n", out);
}

static void
json_targets_line(FILE *out, const struct parent *p, const struct totals *sum)
{
	json_targets(out, p, sum);
	fputs("\n", out);
}

static char *
printed(
    void (*print)(FILE *out, const struct parent *p, const struct totals *sum),
    const struct parent *p, const struct totals *sum)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return NULL;
	print(out, p, sum);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

char *
status_text(const struct parent *p, const struct totals *sum, bool is_json)
{
	return printed(is_json ? json_status : print_status, p, sum);
}

char *
status_targets(const struct parent *p, const struct totals *sum, bool is_json)
{
	return printed(is_json ? json_targets_line : print_targets, p, sum);
}
