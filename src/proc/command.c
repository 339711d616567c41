/* SPDX-License-Identifier: ISC */
#include "proc/command.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mono.h"
#include "mux/report.h"
#include "proc/handover.h"
#include "proc/status.h"
#include "proc/tally.h"
#include "proc/watch.h"

#define WORDS_MAX 4
#define RELOAD_WAIT_US 30000000
#define PROBE_WAIT_US 1000000
#define EXIT_FAILED 1
#define EXIT_REFUSED 3

/* A probe waits for the one before it, and asks twice. */
#define PROBE_EXCHANGES 3

enum { WAITS_FOR_RELOAD, WAITS_FOR_PROBE };

struct command_request {
	const char *words[WORDS_MAX]; /* the command and its operands */
	size_t nwords;
	bool is_json;
	bool is_prometheus;
	bool is_reset;
};

static void refuse(struct peer *peer, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void
refuse(struct peer *peer, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	control_answer(peer, EXIT_REFUSED, text);
}

/* Reading */

static void
run_status(struct parent *p, struct peer *peer, const struct command_request *r)
{
	struct totals *sum = tally_sum(p);

	if (p->current == NULL)
		control_answer(peer, HEALTH_DOWN, "down: nothing serves\n");
	else if (sum == NULL)
		control_answer_with(peer, 0, NULL);
	else
		control_answer_with(peer, (int)status_health(p, sum),
		    status_text(p, sum, r->is_json));
	totals_free(sum);
}

static void
run_targets(
    struct parent *p, struct peer *peer, const struct command_request *r)
{
	struct totals *sum = tally_sum(p);

	if (p->current == NULL)
		refuse(peer, "nothing serves yet\n");
	else
		control_answer_with(peer, 0,
		    sum != NULL ? status_targets(p, sum, r->is_json) : NULL);
	totals_free(sum);
}

static char *
stats_text(
    const struct parent *p, const struct totals *sum, enum report_format format)
{
	struct report_facts facts = tally_facts(p);
	char buf[REPORT_OCTETS_MIN + 1], *text = NULL;
	struct report report;
	size_t len, n;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return NULL;
	report_start(&report, format, p->current->conf, sum, p->view, &facts);
	while ((n = report_read(&report, buf, sizeof(buf))) > 0)
		(void)fwrite(buf, 1, n, out);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

static void
run_stats(struct parent *p, struct peer *peer, const struct command_request *r)
{
	enum report_format format = r->is_json	       ? REPORT_JSON
				    : r->is_prometheus ? REPORT_PROMETHEUS
						       : REPORT_TEXT;
	struct totals *sum = tally_sum(p);

	if (p->current == NULL) {
		refuse(peer, "nothing serves yet\n");
	} else if (sum == NULL) {
		control_answer_with(peer, 0, NULL);
	} else if (r->is_reset && !control_may_change(&p->control, peer)) {
		refuse(peer, "not permitted\n");
	} else if (r->is_reset) {
		totals_free(p->view);
		p->view = sum;
		sum = NULL;
		control_answer(peer, 0, "counted from now on\n");
	} else {
		control_answer_with(peer, 0, stats_text(p, sum, format));
	}
	totals_free(sum);
}

static void
run_watch(struct parent *p, struct peer *peer, const struct command_request *r)
{
	(void)p;
	peer->is_json = r->is_json;
	control_watch(peer);
}

/* Changing */

static void
run_reload(struct parent *p, struct peer *peer, const struct command_request *r)
{
	(void)r;
	p->is_reload_wanted = true;
	/* The one under way may have read the file already. */
	control_wait(
	    peer, WAITS_FOR_RELOAD, p->reloads + 1, mono_us() + RELOAD_WAIT_US);
}

static const struct conf_target *
find_target(struct parent *p, struct peer *peer, const char *name)
{
	const struct conf *conf;
	size_t i;

	if (p->current == NULL) {
		refuse(peer, "nothing serves yet\n");
		return NULL;
	}
	conf = p->current->conf;
	for (i = 0; i < conf->ntargets; i++) {
		if (strcasecmp(conf->targets[i].name, name) == 0)
			return &conf->targets[i];
	}
	/* A stranger's word is not repeated. */
	refuse(peer, "there is no such target: see \"targets\"\n");
	return NULL;
}

static void
run_probe(struct parent *p, struct peer *peer, const struct command_request *r)
{
	const struct conf_target *target = find_target(p, peer, r->words[1]);
	struct probe_order order = {.id = ++p->probes};

	if (target == NULL)
		return;
	order.target = (uint32_t)(target - p->current->conf->targets);
	if (r->nwords > 2 && !name_from_text(r->words[2], &order.zone)) {
		refuse(peer, "that is no name of a zone\n");
	} else if (!generation_probe(p->current, &order)) {
		refuse(peer, "no worker can do it now: try again\n");
	} else {
		peer->is_json = r->is_json;
		control_wait(peer, WAITS_FOR_PROBE, order.id,
		    mono_us() + PROBE_WAIT_US +
			PROBE_EXCHANGES * 1000 * (uint64_t)target->timeout_ms);
	}
}

static void
run_disable(
    struct parent *p, struct peer *peer, const struct command_request *r)
{
	const struct conf_target *target = find_target(p, peer, r->words[1]);

	if (target == NULL)
		return;
	generation_disable(&p->env, target->name);
	log_note("target %s: disabled", target->name);
	parent_tell_all(p);
	control_answer(peer, 0,
	    "disabled: it gets no updates, and nobody waits for it; what it "
	    "misses is not made up\n");
}

static void
run_enable(struct parent *p, struct peer *peer, const struct command_request *r)
{
	const struct conf_target *target = find_target(p, peer, r->words[1]);

	if (target == NULL)
		return;
	generation_enable(&p->env, target->name);
	log_note("target %s: enabled", target->name);
	parent_tell_all(p);
	control_answer(peer, 0, "enabled\n");
}

static void
run_log_level(
    struct parent *p, struct peer *peer, const struct command_request *r)
{
	enum log_level level;

	if (!log_level_parse(r->words[1], &level)) {
		refuse(peer, "levels: error, warning, notice, info, debug\n");
		return;
	}
	p->env.standing.level = level;
	log_set_level(level);
	parent_tell_all(p);
	log_error("log level: %s", r->words[1]);
	control_answer(peer, 0, "");
}

/* For a new daemon, which has to be as trusted as this one. */
static void
run_hand_over(
    struct parent *p, struct peer *peer, const struct command_request *r)
{
	size_t i;

	(void)r;
	for (i = 0; i < CONTROL_PEERS_MAX; i++) {
		if (p->control.peers[i].fd != -1 &&
		    p->control.peers[i].state == PEER_SUCCEEDING) {
			refuse(peer, "another one is taking over\n");
			return;
		}
	}
	if (peer->uid != 0 && peer->uid != geteuid())
		refuse(peer, "not permitted\n");
	else if (p->current == NULL || p->is_stopping)
		refuse(peer, "nothing serves\n");
	else if (handover_give(peer->fd, &p->current->listen, p->control.fd))
		control_await_successor(peer);
	else
		refuse(peer, "too many sockets\n");
}

static const struct command {
	const char *name;
	size_t min, max; /* operands */
	bool changes;
	bool takes_json;
	void (*run)(struct parent *p, struct peer *peer,
	    const struct command_request *r);
} commands[] = {
    {"status", 0, 0, false, true, run_status},
    {"targets", 0, 0, false, true, run_targets},
    {"stats", 0, 0, false, true, run_stats},
    {"watch", 0, 0, false, true, run_watch},
    {"reload", 0, 0, true, false, run_reload},
    {HANDOVER_REQUEST, 0, 0, true, false, run_hand_over},
    {"probe", 1, 2, true, true, run_probe},
    {"disable", 1, 1, true, false, run_disable},
    {"enable", 1, 1, true, false, run_enable},
    {"log-level", 1, 1, true, false, run_log_level},
};

static bool
parse(struct command_request *r, char *text)
{
	char *word, *rest = text;

	while ((word = strsep(&rest, " ")) != NULL) {
		if (strcmp(word, "--json") == 0)
			r->is_json = true;
		else if (strcmp(word, "--prometheus") == 0)
			r->is_prometheus = true;
		else if (strcmp(word, "--reset-view") == 0)
			r->is_reset = true;
		else if (r->nwords < WORDS_MAX && word[0] != '\0')
			r->words[r->nwords++] = word;
		else
			return false;
	}
	return r->nwords > 0;
}

static const struct command *
find_command(const struct command_request *r)
{
	bool is_special = r->is_prometheus || r->is_reset;
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		const struct command *c = &commands[i];

		if (strcmp(c->name, r->words[0]) == 0)
			return r->nwords > c->min && r->nwords <= c->max + 1 &&
				       (c->takes_json || !r->is_json) &&
				       (c->run == run_stats || !is_special)
				   ? c
				   : NULL;
	}
	return NULL;
}

void
command_run(struct parent *p, struct peer *peer, char *request)
{
	struct command_request r = {.nwords = 0};
	const struct command *c;

	if (request == NULL) {
		parent_hand_over(p);
		return;
	}
	c = parse(&r, request) ? find_command(&r) : NULL;
	if (c == NULL)
		refuse(peer, "no such command: see ddns-muxctl(8)\n");
	else if (c->changes && !control_may_change(&p->control, peer))
		refuse(peer, "not permitted\n");
	else
		c->run(p, peer, &r);
}

void
command_reloaded(struct parent *p, bool is_good)
{
	size_t i;

	for (i = 0; i < CONTROL_PEERS_MAX; i++) {
		struct peer *peer = &p->control.peers[i];

		if (peer->fd != -1 && peer->state == PEER_WAITING &&
		    peer->waits_for == WAITS_FOR_RELOAD &&
		    peer->number <= p->reloads)
			control_answer(peer, is_good ? 0 : EXIT_FAILED,
			    p->reload_text.text);
	}
}

static void
answer_probe(struct peer *peer, const struct probe_result *result)
{
	bool is_good = probe_is_good(result);
	char buf[PROBE_VERDICT_MAX], text[PROBE_VERDICT_MAX + 64];
	const char *verdict = probe_verdict(result, buf);

	if (peer->is_json)
		snprintf(text, sizeof(text),
		    "{\"good\": %s, \"verdict\": \"%s\"}\n",
		    is_good ? "true" : "false", verdict);
	else
		snprintf(text, sizeof(text), "%s\n", verdict);
	control_answer(peer, is_good ? 0 : EXIT_FAILED, text);
}

void
command_probed(struct parent *p, const struct probe_result *result)
{
	size_t i;

	for (i = 0; i < CONTROL_PEERS_MAX; i++) {
		struct peer *peer = &p->control.peers[i];

		if (peer->fd != -1 && peer->state == PEER_WAITING &&
		    peer->waits_for == WAITS_FOR_PROBE &&
		    peer->number == result->id)
			answer_probe(peer, result);
	}
}

void
command_watch_line(struct parent *p, const char *text)
{
	char json[WATCH_JSON_MAX];
	bool has_json = false;
	size_t i;

	for (i = 0; i < CONTROL_PEERS_MAX; i++) {
		struct peer *peer = &p->control.peers[i];

		if (peer->fd == -1 || peer->state != PEER_WATCHING)
			continue;
		if (peer->is_json && !has_json)
			watch_json(text, json);
		has_json |= peer->is_json;
		control_line(peer, peer->is_json ? json : text);
	}
}
