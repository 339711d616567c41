/* SPDX-License-Identifier: ISC */
#include "conf/conf_internal.h"

#include <syslog.h>

#define TABLE(title, settings) \
	{ \
		title, settings, sizeof(settings) / sizeof((settings)[0]) \
	}

_Static_assert(sizeof(enum conf_unconfirmed) == sizeof(unsigned) &&
		   sizeof(enum conf_transport) == sizeof(unsigned),
    "words are stored as unsigned");

static const struct conf_word confirmations[] = {
    {"all", CONFIRM_ALL},
    {"any", 1},
    {NULL, 0},
};

static const struct conf_word unconfirmed_words[] = {
    {"silent", UNCONFIRMED_SILENT},
    {"servfail", UNCONFIRMED_SERVFAIL},
    {NULL, 0},
};

static const struct conf_word transports[] = {
    {"auto", TRANSPORT_AUTO},
    {"tcp", TRANSPORT_TCP},
    {NULL, 0},
};

static const struct conf_word facilities[] = {
    {"daemon", LOG_DAEMON},
    {"user", LOG_USER},
    {"local0", LOG_LOCAL0},
    {"local1", LOG_LOCAL1},
    {"local2", LOG_LOCAL2},
    {"local3", LOG_LOCAL3},
    {"local4", LOG_LOCAL4},
    {"local5", LOG_LOCAL5},
    {"local6", LOG_LOCAL6},
    {"local7", LOG_LOCAL7},
    {NULL, 0},
};

static const struct conf_setting top[] = {
    {.name = "listen_udp",
	.type = CONF_TEXTS,
	.offset = 0,
	.max = CONF_LISTEN_MAX,
	.read = conf_value_listen_udp,
	.print = conf_print_listen_udp},
    {.name = "listen_tcp",
	.type = CONF_TEXTS,
	.offset = 0,
	.max = CONF_LISTEN_MAX,
	.read = conf_value_listen_tcp,
	.print = conf_print_listen_tcp},
    {.name = "require_confirmation",
	.type = CONF_WORD_OR_UINT,
	.offset = offsetof(struct conf, require_confirmation),
	.min = 1,
	.max = CONF_TARGETS_MAX,
	.def = CONFIRM_ALL,
	.words = confirmations},
    {.name = "client_deadline_ms",
	.type = CONF_UINT,
	.offset = offsetof(struct conf, client_deadline_ms),
	.min = 10,
	.max = 60000,
	.def = 400},
    {.name = "unconfirmed",
	.type = CONF_WORD,
	.offset = offsetof(struct conf, unconfirmed),
	.def = UNCONFIRMED_SILENT,
	.words = unconfirmed_words},
    {.name = "max_fudge_s",
	.type = CONF_UINT,
	.offset = offsetof(struct conf, max_fudge_s),
	.min = 1,
	.max = 65535,
	.def = 300},
    {.name = "replay_cache",
	.type = CONF_UINT,
	.takes_restart = true,
	.offset = offsetof(struct conf, replay_cache),
	.min = 1024,
	.max = 4194304,
	.def = 65536},
    {.name = "records_per_update",
	.type = CONF_UINT,
	.offset = offsetof(struct conf, records_per_update),
	.min = 1,
	.max = 10000,
	.def = 500},
    {.name = "updates_in_hand",
	.type = CONF_UINT,
	.offset = offsetof(struct conf, updates_in_hand),
	.min = 2,
	.max = 65536,
	.def = 256},
    {.name = "refusals_per_source",
	.type = CONF_UINT,
	.offset = offsetof(struct conf, refusals_per_source),
	.min = 1,
	.max = 1000000,
	.def = 100},
    {.name = "tcp_clients",
	.type = CONF_UINT,
	.offset = offsetof(struct conf, tcp_clients),
	.min = 1,
	.max = 10000,
	.def = 100},
    {.name = "tcp_clients_per_source",
	.type = CONF_UINT,
	.offset = offsetof(struct conf, tcp_clients_per_source),
	.min = 1,
	.max = 10000,
	.def = 10},
    {.name = "tcp_messages",
	.type = CONF_UINT,
	.offset = offsetof(struct conf, tcp_messages),
	.min = 1,
	.max = 1000000,
	.def = 1000},
    {.name = "tcp_pipelined",
	.type = CONF_UINT,
	.offset = offsetof(struct conf, tcp_pipelined),
	.min = 1,
	.max = 256,
	.def = 16},
    {.name = "tcp_reads",
	.type = CONF_UINT,
	.offset = offsetof(struct conf, tcp_reads),
	.min = 2,
	.max = 65537,
	.def = 50},
    {.name = "tcp_message_s",
	.type = CONF_UINT,
	.offset = offsetof(struct conf, tcp_message_s),
	.min = 1,
	.max = 600,
	.def = 5},
    {.name = "tcp_idle_s",
	.type = CONF_UINT,
	.offset = offsetof(struct conf, tcp_idle_s),
	.min = 1,
	.max = 3600,
	.def = 10},
    {.name = "tcp_send_s",
	.type = CONF_UINT,
	.offset = offsetof(struct conf, tcp_send_s),
	.min = 1,
	.max = 600,
	.def = 2},
    {.name = "workers",
	.type = CONF_UINT,
	.offset = offsetof(struct conf, workers),
	.min = 1,
	.max = CONF_WORKERS_MAX,
	.def = 2},
    {.name = "user",
	.type = CONF_TEXT,
	.takes_restart = true,
	.offset = offsetof(struct conf, user),
	.def_text = CONF_USER_DEFAULT},
    {.name = "allow_weak",
	.type = CONF_BOOL,
	.offset = offsetof(struct conf, allow_weak),
	.def = false},
    {.name = "control_socket",
	.type = CONF_TEXT,
	.takes_restart = true,
	.offset = offsetof(struct conf, control_socket),
	.def_text = CONF_CONTROL_SOCKET_DEFAULT,
	.read = conf_value_path},
    {.name = "control_user",
	.type = CONF_TEXT,
	.takes_restart = true,
	.offset = offsetof(struct conf, control_user),
	.def_text = ""},
    {.name = "control_group",
	.type = CONF_TEXT,
	.takes_restart = true,
	.offset = offsetof(struct conf, control_group),
	.def_text = ""},
    {.name = "log_facility",
	.type = CONF_WORD,
	.takes_restart = true,
	.offset = offsetof(struct conf, log_facility),
	.def = LOG_DAEMON,
	.words = facilities},
    {.name = "log_timestamps",
	.type = CONF_BOOL,
	.takes_restart = true,
	.offset = offsetof(struct conf, log_timestamps),
	.def = true},
    {.name = "stats_file",
	.type = CONF_TEXT,
	.offset = offsetof(struct conf, stats_file),
	.def_text = "",
	.read = conf_value_path},
    {.name = "stats_interval_s",
	.type = CONF_UINT,
	.offset = offsetof(struct conf, stats_interval_s),
	.min = 1,
	.max = 3600,
	.def = 15},
    {.name = "incoming_tsig",
	.type = CONF_GROUPS,
	.is_required = true,
	.offset = 0,
	.min = 1,
	.max = UINT_MAX,
	.read = conf_client_read,
	.print = conf_print_clients},
    {.name = "targets",
	.type = CONF_GROUPS,
	.is_required = true,
	.offset = 0,
	.min = 1,
	.max = CONF_TARGETS_MAX,
	.read = conf_target_read,
	.print = conf_print_targets},
};

/* Name, algorithm and secret depend on each other: conf_tsig_read takes
 * them together. */
#define KEY_SETTINGS(at) \
	{.name = "name", \
	    .type = CONF_TEXT, \
	    .is_required = true, \
	    .is_checked_only = true, \
	    .offset = (at), \
	    .print = conf_print_key_name}, \
	    {.name = "algorithm", \
		.type = CONF_TEXT, \
		.is_checked_only = true, \
		.offset = (at), \
		.def_text = CONF_ALGORITHM_DEFAULT, \
		.print = conf_print_algorithm}, \
	    {.name = "key", \
		.type = CONF_TEXT, \
		.is_checked_only = true, \
		.offset = (at), \
		.print = conf_print_key, \
		.has = conf_print_has_key}, \
	{ \
		.name = "key_file", .type = CONF_TEXT, \
		.is_checked_only = true, .offset = (at), \
		.print = conf_print_key_file, .has = conf_print_has_key_file \
	}

static const struct conf_setting client[] = {
    KEY_SETTINGS(offsetof(struct conf_client, tsig)),
    {.name = "digest_bits",
	.type = CONF_UINT,
	.is_checked_only = true,
	.offset = offsetof(struct conf_client, tsig),
	.max = 8 * HMAC_MAC_MAX,
	.def = 0,
	.print = conf_print_digest_bits},
    {.name = "zones",
	.type = CONF_TEXTS,
	.offset = offsetof(struct conf_client, zones),
	.min = 1,
	.max = UINT_MAX,
	.read = conf_value_zone,
	.print = conf_print_zones},
    {.name = "sources",
	.type = CONF_TEXTS,
	.offset = offsetof(struct conf_client, sources),
	.min = 1,
	.max = UINT_MAX,
	.read = conf_value_source,
	.print = conf_print_sources},
};

static const struct conf_setting target[] = {
    {.name = "name",
	.type = CONF_TEXT,
	.is_required = true,
	.offset = offsetof(struct conf_target, name),
	.read = conf_target_name,
	.print = conf_print_target_name},
    {.name = "address",
	.type = CONF_TEXT,
	.is_required = true,
	.offset = offsetof(struct conf_target, addr),
	.read = conf_target_address,
	.print = conf_print_address},
    {.name = "tsig",
	.type = CONF_GROUP,
	.is_required = true,
	.offset = offsetof(struct conf_target, tsig),
	.read = conf_target_tsig,
	.print = conf_print_tsig},
    {.name = "timeout_ms",
	.type = CONF_UINT,
	.offset = offsetof(struct conf_target, timeout_ms),
	.min = 10,
	.max = 60000,
	.def = 5000},
    {.name = "transport",
	.type = CONF_WORD,
	.offset = offsetof(struct conf_target, transport),
	.def = TRANSPORT_AUTO,
	.words = transports},
    {.name = "udp_size",
	.type = CONF_UINT,
	.offset = offsetof(struct conf_target, udp_size),
	.min = 512,
	.max = 65507,
	.def = 1232},
    {.name = "max_in_flight",
	.type = CONF_UINT,
	.offset = offsetof(struct conf_target, max_in_flight),
	.min = 1,
	.max = 4096,
	.def = 64},
    {.name = "breaker_failures",
	.type = CONF_UINT,
	.offset = offsetof(struct conf_target, breaker_failures),
	.max = 1000,
	.def = 3},
    {.name = "zones",
	.type = CONF_TEXTS,
	.offset = offsetof(struct conf_target, zones),
	.min = 1,
	.max = UINT_MAX,
	.read = conf_value_zone,
	.print = conf_print_zones},
};

static const struct conf_setting tsig[] = {KEY_SETTINGS(0)};

const struct conf_table conf_table_top = TABLE("the configuration", top);
const struct conf_table conf_table_client =
    TABLE("this group of incoming_tsig", client);
const struct conf_table conf_table_target = TABLE("this target", target);
const struct conf_table conf_table_tsig = TABLE("this tsig group", tsig);
