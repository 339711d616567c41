/* SPDX-License-Identifier: ISC */
#include "conf/conf_internal.h"

#include <stdarg.h>

struct diff {
	void (*say)(void *arg, const char *line);
	void *arg;
	char line[CONF_DIFF_LINE_MAX];
};

static void say(struct diff *d, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void
say(struct diff *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(d->line, sizeof(d->line), fmt, ap);
	va_end(ap);
	d->say(d->arg, d->line);
}

/* The canonical text of a setting, to be freed; NULL without memory. */
static char *
text_of(const struct conf_setting *row, const void *base)
{
	const void *field = (const char *)base + row->offset;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return NULL;
	if (row->has == NULL || row->has(field))
		conf_print_value(out, row, field, 0);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

/* where: "" or "target pdns-1: ". */
static void
compare_setting(struct diff *d, const char *where,
    const struct conf_setting *row, const void *old, const void *new)
{
	char *a = text_of(row, old), *b = text_of(row, new);

	if (a == NULL || b == NULL)
		say(d, "%s%s: not compared: no memory", where, row->name);
	else if (strcmp(a, b) != 0)
		say(d, "%s%s: %s -> %s%s", where, row->name, a, b,
		    row->takes_restart ? " (takes a restart)" : "");
	free(a);
	free(b);
}

static void
compare_group(struct diff *d, const char *where, const struct conf_table *table,
    const void *old, const void *new)
{
	size_t i;

	for (i = 0; i < table->nsettings; i++) {
		const struct conf_setting *row = &table->settings[i];

		if (row->type != CONF_GROUP && row->type != CONF_GROUPS)
			compare_setting(d, where, row, old, new);
	}
}

/* Texts never show a secret, so it is compared by itself. */
static void
compare_secret(struct diff *d, const char *where, const struct conf_tsig *old,
    const struct conf_tsig *new)
{
	if (old->secret_len != new->secret_len ||
	    memcmp(old->secret, new->secret, old->secret_len) != 0)
		say(d, "%ssecret changed", where);
}

static const struct conf_target *
find_target(const struct conf *conf, const char *name)
{
	size_t i;

	for (i = 0; i < conf->ntargets; i++) {
		if (strcasecmp(conf->targets[i].name, name) == 0)
			return &conf->targets[i];
	}
	return NULL;
}

static int
compare_names(const void *key, const void *client)
{
	return name_cmp(key, &((const struct conf_client *)client)->tsig.name);
}

static const struct conf_client *
find_client(const struct conf *conf, const struct name *name)
{
	return bsearch(name, conf->clients, conf->nclients,
	    sizeof(*conf->clients), compare_names);
}

static void
compare_targets(struct diff *d, const struct conf *old, const struct conf *new)
{
	char where[CONF_NAME_MAX + 32];
	size_t i;

	for (i = 0; i < old->ntargets; i++) {
		if (find_target(new, old->targets[i].name) == NULL)
			say(d, "target %s: removed", old->targets[i].name);
	}
	for (i = 0; i < new->ntargets; i++) {
		const struct conf_target *b = &new->targets[i];
		const struct conf_target *a = find_target(old, b->name);

		if (a == NULL) {
			say(d, "target %s: added", b->name);
			continue;
		}
		snprintf(where, sizeof(where), "target %s: ", b->name);
		compare_group(d, where, &conf_table_target, a, b);
		strlcat(where, "tsig ", sizeof(where));
		compare_group(d, where, &conf_table_tsig, &a->tsig, &b->tsig);
		compare_secret(d, where, &a->tsig, &b->tsig);
	}
}

static void
compare_clients(struct diff *d, const struct conf *old, const struct conf *new)
{
	char name[NAME_TEXT_MAX], where[NAME_TEXT_MAX + 16];
	size_t i;

	for (i = 0; i < old->nclients; i++) {
		const struct name *n = &old->clients[i].tsig.name;

		if (find_client(new, n) == NULL)
			say(d, "key %s: removed", name_text(n, name));
	}
	for (i = 0; i < new->nclients; i++) {
		const struct conf_client *b = &new->clients[i];
		const struct conf_client *a = find_client(old, &b->tsig.name);

		name_text(&b->tsig.name, name);
		if (a == NULL) {
			say(d, "key %s: added", name);
			continue;
		}
		snprintf(where, sizeof(where), "key %s: ", name);
		compare_group(d, where, &conf_table_client, a, b);
		compare_secret(d, where, &a->tsig, &b->tsig);
	}
}

void
conf_diff(const struct conf *old, const struct conf *new,
    void (*line)(void *arg, const char *line), void *arg)
{
	struct diff d = {.say = line, .arg = arg};

	compare_group(&d, "", &conf_table_top, old, new);
	compare_clients(&d, old, new);
	compare_targets(&d, old, new);
}
