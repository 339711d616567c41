/* SPDX-License-Identifier: ISC */
/*
 * What the files of this layer share. The tables in conf_table.c say
 * which settings there are; loading, the check for unknown names and
 * printing follow them.
 * Owner: conf_load owns the context and all that hangs on it.
 * Threads: one per context.
 * Errors: told to the sink through conf_complain*; loading goes on, and
 *   has_error refuses the result in the end.
 */
#ifndef CONF_CONF_INTERNAL_H
#define CONF_CONF_INTERNAL_H

#include <sys/types.h>

#include <libconfig.h>
#include <limits.h>
#include <strings.h>

#include "base/compat.h"
#include "conf/conf.h"

#define CONF_KEY_FILE_MAX 4096 /* octets */
#define CONF_ALGORITHM_DEFAULT "hmac-sha256"
/* What conf_print shows in place of a secret, and the same decoded. */
#define CONF_PLACEHOLDER "secret not shown"
#define CONF_PLACEHOLDER_BASE64 "c2VjcmV0IG5vdCBzaG93bg=="

struct conf_ctx {
	struct conf *conf;
	const struct conf_sink *sink;
	const char *file; /* as the caller named it */
	char *given_dir; /* its directory part; NULL without one */
	char *dir; /* its directory, absolute */
	mode_t mode; /* of the file */
	bool is_exposed; /* complained of, last of this file: */
	const char *exposed; /* NULL for the main one */
	config_t tree;
	bool has_error;
};

enum conf_type {
	CONF_UINT,
	CONF_BOOL,
	CONF_WORD, /* one of words, stored as an unsigned */
	CONF_WORD_OR_UINT, /* the same, or a number */
	CONF_TEXT,
	CONF_TEXTS, /* a string, or a list of them */
	CONF_GROUP,
	CONF_GROUPS, /* a group, or a list of them */
};

struct conf_word {
	const char *text;
	unsigned value;
};

struct conf_setting {
	const char *name;
	enum conf_type type;
	bool is_required;
	bool is_checked_only; /* the reader of its group takes the value */
	bool takes_restart; /* a reload changes nothing */
	size_t offset; /* of the field, in the group's struct */
	unsigned min, max; /* of a number; of how many, for lists */
	unsigned def;
	const char *def_text; /* default of a CONF_TEXT */
	const struct conf_word *words; /* up to one without text */
	/* Takes the value, or each one of a list; its type is right.
	 * NULL: the value goes into the field as it is. */
	void (*read)(
	    struct conf_ctx *ctx, config_setting_t *value, void *field);
	/* NULL: as the type says. */
	void (*print)(FILE *out, const void *field, unsigned depth);
	/* Is there anything to print? NULL: always. */
	bool (*has)(const void *field);
};

struct conf_table {
	const char *title; /* as complaints call the group */
	const struct conf_setting *settings;
	size_t nsettings;
};

extern const struct conf_table conf_table_top; /* struct conf */
extern const struct conf_table conf_table_client; /* struct conf_client */
extern const struct conf_table conf_table_target; /* struct conf_target */
extern const struct conf_table conf_table_tsig; /* struct conf_tsig */

void conf_complain(struct conf_ctx *ctx, const config_setting_t *at,
    const char *fmt, ...) PRINTF_LIKE(3, 4);
void conf_complain_warn(struct conf_ctx *ctx, const config_setting_t *at,
    const char *fmt, ...) PRINTF_LIKE(3, 4);
/* In a file that libconfig did not read. */
void conf_complain_file(struct conf_ctx *ctx, const char *file, unsigned line,
    const char *fmt, ...) PRINTF_LIKE(4, 5);
void conf_complain_memory(struct conf_ctx *ctx, const config_setting_t *at);
/* The file a setting stands in, as complaints name it. */
const char *conf_complain_path(
    const struct conf_ctx *ctx, const char *source, char buf[PATH_MAX]);

/* A name next to the configuration file, or an absolute one, as an
 * absolute path to be freed; NULL after a complaint. */
char *conf_load_path(struct conf_ctx *ctx, const char *name);

/* Reads a whole group into the struct at base, which is zeroed. */
void conf_setting_read(struct conf_ctx *ctx, config_setting_t *group,
    const struct conf_table *table, void *base);
/* The setting of the table that name may have been meant for, or NULL. */
const char *conf_hint(const char *name, const struct conf_table *table);

/* Of a list, or of what may stand without one: the nth value of a type.
 * Others were complained of, and took no place in struct conf. */
config_setting_t *conf_setting_nth(
    config_setting_t *setting, int type, size_t nth);
/* A copy of text, in place of what *field has. */
void conf_setting_copy(struct conf_ctx *ctx, const config_setting_t *at,
    const char *text, char **field);
/* The member of a group, if it is a string. */
const char *conf_setting_text(const config_setting_t *group, const char *name);

void conf_value_listen_udp(
    struct conf_ctx *ctx, config_setting_t *value, void *field);
void conf_value_listen_tcp(
    struct conf_ctx *ctx, config_setting_t *value, void *field);
void conf_value_zone(
    struct conf_ctx *ctx, config_setting_t *value, void *field);
void conf_value_source(
    struct conf_ctx *ctx, config_setting_t *value, void *field);

void conf_value_path(
    struct conf_ctx *ctx, config_setting_t *value, void *field);

void conf_client_read(
    struct conf_ctx *ctx, config_setting_t *value, void *field);
void conf_target_read(
    struct conf_ctx *ctx, config_setting_t *value, void *field);
void conf_target_name(
    struct conf_ctx *ctx, config_setting_t *value, void *field);
void conf_target_address(
    struct conf_ctx *ctx, config_setting_t *value, void *field);
void conf_target_tsig(
    struct conf_ctx *ctx, config_setting_t *value, void *field);

/* Key name, algorithm and secret from their group. */
void conf_tsig_read(
    struct conf_ctx *ctx, config_setting_t *group, struct conf_tsig *out);
void conf_tsig_free(struct conf_tsig *tsig);

/* What a key file says; wiped by who asked for it. */
struct conf_secret {
	char text[CONF_KEY_FILE_MAX + 1];
	const char *name; /* NULL if it holds the secret alone */
	const char *algorithm; /* the same */
	const char *secret; /* in base64 */
};

/* at is the setting that names the file at path. */
bool conf_secret_read(struct conf_ctx *ctx, const config_setting_t *at,
    const char *path, struct conf_secret *out);
/* May others read a file, or change it? */
bool conf_secret_is_exposed(mode_t mode);

struct conf_clause_error {
	unsigned line;
	const char *message;
};

/* Takes the text of a BIND key clause apart, in place. */
bool conf_clause_parse(
    struct conf_secret *secret, struct conf_clause_error *error);

/* What only shows in the configuration as a whole. */
void conf_check(struct conf_ctx *ctx);
/* Is a target one of our own listeners? */
void conf_loop_check(struct conf_ctx *ctx);

void conf_print_value(FILE *out, const struct conf_setting *row,
    const void *field, unsigned depth);
void conf_print_listen_udp(FILE *out, const void *field, unsigned depth);
void conf_print_listen_tcp(FILE *out, const void *field, unsigned depth);
void conf_print_zones(FILE *out, const void *field, unsigned depth);
void conf_print_sources(FILE *out, const void *field, unsigned depth);
void conf_print_clients(FILE *out, const void *field, unsigned depth);
void conf_print_targets(FILE *out, const void *field, unsigned depth);
void conf_print_target_name(FILE *out, const void *field, unsigned depth);
void conf_print_address(FILE *out, const void *field, unsigned depth);
void conf_print_tsig(FILE *out, const void *field, unsigned depth);
void conf_print_key_name(FILE *out, const void *field, unsigned depth);
void conf_print_algorithm(FILE *out, const void *field, unsigned depth);
void conf_print_key(FILE *out, const void *field, unsigned depth);
void conf_print_key_file(FILE *out, const void *field, unsigned depth);
bool conf_print_has_key(const void *field);
bool conf_print_has_key_file(const void *field);
void conf_print_digest_bits(FILE *out, const void *field, unsigned depth);

/* Sorts, and drops what is there twice. */
void zone_set_sort(struct zone_set *set);
/* Does the set hold this very name, in lower case? */
bool zone_set_has(const struct zone_set *set, const struct name *name);

#endif
