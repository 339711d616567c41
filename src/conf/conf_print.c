/* SPDX-License-Identifier: ISC */
#include "conf/conf_internal.h"

static void
indent(FILE *out, unsigned depth)
{
	while (depth-- > 0)
		fputc('\t', out);
}

static void
print_text(FILE *out, const char *text)
{
	const char *c;

	fputc('"', out);
	for (c = text; *c != '\0'; c++) {
		if (*c == '"' || *c == '\\')
			fprintf(out, "\\%c", *c);
		else if ((unsigned char)*c < 0x20 || *c == 0x7f)
			fprintf(out, "\\x%02x", (unsigned)*c);
		else
			fputc(*c, out);
	}
	fputc('"', out);
}

static void
print_bool(FILE *out, const void *field)
{
	fputs(*(const bool *)field ? "true" : "false", out);
}

/* A word, or the number if no word stands for it. */
static void
print_number(FILE *out, const void *field, const struct conf_word *w)
{
	unsigned value;

	memcpy(&value, field, sizeof(value));
	for (; w != NULL && w->text != NULL; w++) {
		if (w->value == value) {
			print_text(out, w->text);
			return;
		}
	}
	fprintf(out, "%u", value);
}

void
conf_print_value(FILE *out, const struct conf_setting *row, const void *field,
    unsigned depth)
{
	if (row->print != NULL)
		row->print(out, field, depth);
	else if (row->type == CONF_BOOL)
		print_bool(out, field);
	else if (row->type == CONF_TEXT)
		print_text(out, *(char *const *)field);
	else
		print_number(out, field, row->words);
}

static void
print_settings(
    FILE *out, const struct conf_table *table, const void *base, unsigned depth)
{
	const struct conf_setting *row;
	const void *field;
	size_t i;

	for (i = 0; i < table->nsettings; i++) {
		row = &table->settings[i];
		field = (const char *)base + row->offset;
		if (row->has != NULL && !row->has(field))
			continue;
		indent(out, depth);
		fprintf(out, "%s = ", row->name);
		conf_print_value(out, row, field, depth);
		fputs(";\n", out);
	}
}

static void
print_group(
    FILE *out, const struct conf_table *table, const void *base, unsigned depth)
{
	fputs("{\n", out);
	print_settings(out, table, base, depth + 1);
	indent(out, depth);
	fputc('}', out);
}

/* A list on one line, text by text. */
static void
print_item(FILE *out, size_t i, const char *text)
{
	fputs(i > 0 ? ", " : "", out);
	print_text(out, text);
}

static void
print_listeners(FILE *out, const struct addr *addrs, size_t count)
{
	char buf[ADDR_TEXT_MAX];
	size_t i;

	fputs("[ ", out);
	for (i = 0; i < count; i++)
		print_item(out, i, addr_text(&addrs[i], buf));
	fputs(count > 0 ? " ]" : "]", out);
}

void
conf_print_listen_udp(FILE *out, const void *field, unsigned depth)
{
	const struct conf *conf = field;

	(void)depth;
	print_listeners(out, conf->listen_udp, conf->nlisten_udp);
}

void
conf_print_listen_tcp(FILE *out, const void *field, unsigned depth)
{
	const struct conf *conf = field;

	(void)depth;
	print_listeners(out, conf->listen_tcp, conf->nlisten_tcp);
}

void
conf_print_zones(FILE *out, const void *field, unsigned depth)
{
	const struct zone_set *set = field;
	char buf[NAME_TEXT_MAX];
	size_t i;

	(void)depth;
	fputs("[ ", out);
	for (i = 0; i < set->count; i++)
		print_item(out, i, name_text(&set->names[i], buf));
	if (set->count == 0)
		print_item(out, 0, ".");
	fputs(" ]", out);
}

void
conf_print_sources(FILE *out, const void *field, unsigned depth)
{
	const struct prefix_set *set = field;
	char buf[ADDR_TEXT_MAX];
	size_t i;

	(void)depth;
	fputs("[ ", out);
	for (i = 0; i < set->count; i++)
		print_item(out, i, prefix_text(&set->prefixes[i], buf));
	fputs(set->count == 0 ? "\"0.0.0.0/0\", \"::/0\" ]" : " ]", out);
}

void
conf_print_clients(FILE *out, const void *field, unsigned depth)
{
	const struct conf *conf = field;
	size_t i;

	fputs("(\n", out);
	for (i = 0; i < conf->nclients; i++) {
		indent(out, depth + 1);
		print_group(
		    out, &conf_table_client, &conf->clients[i], depth + 1);
		fputs(i + 1 < conf->nclients ? ",\n" : "\n", out);
	}
	fputc(')', out);
}

void
conf_print_targets(FILE *out, const void *field, unsigned depth)
{
	const struct conf *conf = field;
	size_t i;

	fputs("(\n", out);
	for (i = 0; i < conf->ntargets; i++) {
		indent(out, depth + 1);
		print_group(
		    out, &conf_table_target, &conf->targets[i], depth + 1);
		fputs(i + 1 < conf->ntargets ? ",\n" : "\n", out);
	}
	fputc(')', out);
}

void
conf_print_target_name(FILE *out, const void *field, unsigned depth)
{
	(void)depth;
	print_text(out, field);
}

void
conf_print_address(FILE *out, const void *field, unsigned depth)
{
	char buf[ADDR_TEXT_MAX];

	(void)depth;
	print_text(out, addr_text(field, buf));
}

void
conf_print_tsig(FILE *out, const void *field, unsigned depth)
{
	print_group(out, &conf_table_tsig, field, depth);
}

void
conf_print_key_name(FILE *out, const void *field, unsigned depth)
{
	const struct conf_tsig *tsig = field;
	char buf[NAME_TEXT_MAX];

	(void)depth;
	print_text(out, name_text(&tsig->name, buf));
}

void
conf_print_algorithm(FILE *out, const void *field, unsigned depth)
{
	const struct conf_tsig *tsig = field;

	(void)depth;
	print_text(out, tsig->alg->text);
}

void
conf_print_key(FILE *out, const void *field, unsigned depth)
{
	(void)field;
	(void)depth;
	print_text(out, CONF_PLACEHOLDER_BASE64);
}

void
conf_print_key_file(FILE *out, const void *field, unsigned depth)
{
	const struct conf_tsig *tsig = field;

	(void)depth;
	print_text(out, tsig->key_file);
}

bool
conf_print_has_key(const void *field)
{
	return !conf_print_has_key_file(field);
}

bool
conf_print_has_key_file(const void *field)
{
	const struct conf_tsig *tsig = field;

	return tsig->key_file != NULL;
}

void
conf_print_digest_bits(FILE *out, const void *field, unsigned depth)
{
	const struct conf_tsig *tsig = field;

	(void)depth;
	fprintf(out, "%d",
	    tsig->mac_min < tsig->alg->mac_len ? 8 * tsig->mac_min : 0);
}

void
conf_print(const struct conf *conf, FILE *out)
{
	print_settings(out, &conf_table_top, conf, 0);
}
