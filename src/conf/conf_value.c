/* SPDX-License-Identifier: ISC */
#include "conf/conf_internal.h"

/* A bad address takes its place in the list all the same, so that the
 * n-th one is the n-th value of the setting. */
static void
read_listener(
    struct conf_ctx *ctx, const config_setting_t *value, struct addr *out)
{
	const char *text = config_setting_get_string(value);

	if (!addr_parse(text, 0, out))
		conf_complain(ctx, value,
		    "bad address \"%s\", it must be like \"192.0.2.1:53\" or "
		    "\"[2001:db8::1]:53\"",
		    text);
	else
		addr_unmap(out);
}

void
conf_value_listen_udp(
    struct conf_ctx *ctx, config_setting_t *value, void *field)
{
	struct conf *conf = field;

	read_listener(ctx, value, &conf->listen_udp[conf->nlisten_udp++]);
}

void
conf_value_listen_tcp(
    struct conf_ctx *ctx, config_setting_t *value, void *field)
{
	struct conf *conf = field;

	read_listener(ctx, value, &conf->listen_tcp[conf->nlisten_tcp++]);
}

void
conf_value_zone(struct conf_ctx *ctx, config_setting_t *value, void *field)
{
	struct zone_set *set = field;
	const char *text = config_setting_get_string(value);
	struct name *names, name;

	if (!name_from_text(text, &name)) {
		conf_complain(ctx, value, "bad domain name \"%s\"", text);
		return;
	}
	name_lower(&name);
	names = reallocarray(set->names, set->count + 1, sizeof(*names));
	if (names == NULL) {
		conf_complain_memory(ctx, value);
		return;
	}
	names[set->count++] = name;
	set->names = names;
}

/* Peers come unmapped, so that a prefix has to be so, too. */
static void
unmap(struct prefix *p)
{
	struct prefix plain = *p;

	addr_unmap(&plain.addr);
	if (plain.addr.sa.sa_family == p->addr.sa.sa_family || p->bits < 96)
		return;
	plain.bits -= 96;
	*p = plain;
}

void
conf_value_source(struct conf_ctx *ctx, config_setting_t *value, void *field)
{
	struct prefix_set *set = field;
	const char *text = config_setting_get_string(value);
	struct prefix *prefixes, prefix;

	if (!prefix_parse(text, &prefix)) {
		conf_complain(ctx, value,
		    "bad prefix \"%s\", it must be like \"192.0.2.0/24\" or "
		    "\"2001:db8::1\"",
		    text);
		return;
	}
	unmap(&prefix);
	prefixes =
	    reallocarray(set->prefixes, set->count + 1, sizeof(*prefixes));
	if (prefixes == NULL) {
		conf_complain_memory(ctx, value);
		return;
	}
	prefixes[set->count++] = prefix;
	set->prefixes = prefixes;
}

void
conf_value_path(struct conf_ctx *ctx, config_setting_t *value, void *field)
{
	const char *text = config_setting_get_string(value);

	if (*text != '\0' && *text != '/')
		conf_complain(ctx, value,
		    "\"%s\" must be an absolute path, not \"%s\"",
		    config_setting_name(value), text);
	else
		conf_setting_copy(ctx, value, text, field);
}
