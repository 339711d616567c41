/* SPDX-License-Identifier: ISC */
/*
 * One configuration as an immutable value, from a libconfig file.
 * Owner: conf_load makes it, conf_free wipes and frees it; never changed
 *   in between, so any thread may read it.
 * Errors: complaints, all of them in one run, through the callback.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/addr.h"
#include "dns/hmac.h"
#include "dns/name.h"

#define CONF_TARGETS_MAX 32
#define CONF_WORKERS_MAX 64
#define CONF_LISTEN_MAX 64
#define CONF_NAME_MAX 64 /* a target's name, with the NUL */

/* Names in lower case, sorted by name_cmp. */
struct zone_set {
	struct name *names;
	size_t count;
};

struct prefix_set {
	struct prefix *prefixes;
	size_t count;
};

struct conf_tsig {
	struct name name; /* in lower case */
	const struct hmac_alg *alg;
	uint8_t *secret;
	size_t secret_len;
	uint8_t mac_min; /* octets; shorter MACs are BADTRUNC */
	char *key_file; /* absolute; NULL if the secret stood in place */
};

struct conf_client {
	struct conf_tsig tsig;
	struct zone_set zones; /* empty: every zone */
	struct prefix_set sources; /* empty: every address */
};

enum conf_transport { TRANSPORT_AUTO, TRANSPORT_TCP };

struct conf_target {
	char name[CONF_NAME_MAX];
	struct addr addr;
	struct conf_tsig tsig;
	unsigned timeout_ms;
	enum conf_transport transport;
	unsigned udp_size; /* octets of the largest signed copy by UDP */
	unsigned max_in_flight; /* over all workers */
	unsigned breaker_failures; /* 0: it is never counted as down */
	struct zone_set zones; /* empty: every zone */
};

enum conf_unconfirmed { UNCONFIRMED_SILENT, UNCONFIRMED_SERVFAIL };

#define CONF_CONTROL_SOCKET_DEFAULT RUNSTATEDIR "/ddns-mux/control.sock"
#define CONF_USER_DEFAULT SERVICE_USER /* by configure */

/* How many targets have to confirm: CONFIRM_ALL, or 1 ("any") and up. */
#define CONFIRM_ALL 0

struct conf {
	char *file;
	struct addr listen_udp[CONF_LISTEN_MAX];
	size_t nlisten_udp;
	struct addr listen_tcp[CONF_LISTEN_MAX];
	size_t nlisten_tcp;
	unsigned require_confirmation;
	unsigned client_deadline_ms;
	enum conf_unconfirmed unconfirmed;
	unsigned max_fudge_s;
	unsigned replay_cache; /* entries */
	unsigned records_per_update; /* prerequisites included */
	/* Of each worker: */
	unsigned updates_in_hand;
	unsigned refusals_per_source; /* unsigned, by UDP, in a second */
	unsigned tcp_clients;
	unsigned tcp_clients_per_source;
	/* Of each connection: */
	unsigned tcp_messages;
	unsigned tcp_pipelined;
	unsigned tcp_reads; /* small ones, of one message */
	unsigned tcp_message_s;
	unsigned tcp_idle_s;
	unsigned tcp_send_s;
	unsigned workers;
	char *user; /* "" : do not change the identity */
	bool allow_weak;
	char *control_socket; /* an absolute path; "": none */
	char *control_user; /* its owner; "": user */
	char *control_group; /* "": the group of its owner */
	unsigned log_facility; /* of syslog: LOG_DAEMON and the like */
	bool log_timestamps; /* on standard error */
	char *stats_file; /* an absolute path; "": none */
	unsigned stats_interval_s;
	struct conf_client *clients; /* sorted by the name of their key */
	size_t nclients;
	struct conf_target targets[CONF_TARGETS_MAX];
	size_t ntargets;
	bool is_masked; /* a secret is the one that conf_print shows */
};

enum conf_severity { CONF_WARNING, CONF_ERROR };

/* line is 0 where no line can be named. message has no newline. */
struct conf_sink {
	void (*complain)(void *arg, enum conf_severity severity,
	    const char *file, unsigned line, const char *message);
	void *arg;
};

/* NULL after at least one CONF_ERROR. */
struct conf *conf_load(const char *file, const struct conf_sink *sink);
void conf_free(struct conf *conf);

/* Takes octets from where they stand, or puts them there; false ends it. */
struct conf_mover {
	bool (*move)(void *arg, void *octets, size_t len);
	void *arg;
};

/* From a process to another of the same program, by fork alone: addresses of
 * what is constant pass as they are. conf stays as it is. */
bool conf_give(struct conf *conf, const struct conf_mover *mover);
/* NULL if a move failed, or without memory. */
struct conf *conf_take(const struct conf_mover *mover);

/* The canonical form: every setting, secrets masked; parses again and
 * then prints the same. */
void conf_print(const struct conf *conf, FILE *out);

/* What is different in new, a line for each setting, key and target; no
 * secret is in any line. A longer line is cut. */
#define CONF_DIFF_LINE_MAX 1000
void conf_diff(const struct conf *old, const struct conf *new,
    void (*line)(void *arg, const char *line), void *arg);

/* Does the set hold name, or a zone above it? An empty set holds all. */
bool zone_set_covers(const struct zone_set *set, const struct name *name);
bool prefix_set_covers(const struct prefix_set *set, const struct addr *addr);

#endif
