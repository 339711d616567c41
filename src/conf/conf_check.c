/* SPDX-License-Identifier: ISC */
#include "conf/conf_internal.h"

static void
check_listeners(struct conf_ctx *ctx, const char *name,
    const struct addr *addrs, size_t count)
{
	config_setting_t *setting = config_lookup(&ctx->tree, name);
	char buf[ADDR_TEXT_MAX];
	size_t i, j;

	for (i = 1; i < count; i++) {
		if (addrs[i].sa.sa_family == AF_UNSPEC ||
		    addr_port(&addrs[i]) == 0)
			continue;
		for (j = 0; j < i && !addr_eq(&addrs[j], &addrs[i]); j++)
			continue;
		if (j < i)
			conf_complain(ctx,
			    conf_setting_nth(setting, CONFIG_TYPE_STRING, i),
			    "duplicate address %s in \"%s\"",
			    addr_text(&addrs[i], buf), name);
	}
}

static config_setting_t *
target_at(struct conf_ctx *ctx, size_t i)
{
	return conf_setting_nth(
	    config_lookup(&ctx->tree, "targets"), CONFIG_TYPE_GROUP, i);
}

static config_setting_t *
client_at(struct conf_ctx *ctx, size_t i)
{
	return conf_setting_nth(
	    config_lookup(&ctx->tree, "incoming_tsig"), CONFIG_TYPE_GROUP, i);
}

static const config_setting_t *
member(config_setting_t *group, const char *name)
{
	const config_setting_t *found = config_setting_get_member(group, name);

	return found != NULL ? found : group;
}

static bool
has_name(const struct conf_target *a, const struct conf_target *b)
{
	return b->name[0] != '\0' && strcasecmp(a->name, b->name) == 0;
}

static bool
has_address(const struct conf_target *a, const struct conf_target *b)
{
	return b->addr.sa.sa_family != AF_UNSPEC && addr_eq(&a->addr, &b->addr);
}

static bool
is_repeated(const struct conf *conf, size_t nth,
    bool (*is_same)(const struct conf_target *, const struct conf_target *))
{
	size_t i;

	for (i = 0; i < nth; i++) {
		if (is_same(&conf->targets[i], &conf->targets[nth]))
			return true;
	}
	return false;
}

/* Names tell targets apart in the log; two with one address would count
 * one confirmation twice. */
static void
check_targets(struct conf_ctx *ctx)
{
	const struct conf *conf = ctx->conf;
	char buf[ADDR_TEXT_MAX];
	size_t i;

	for (i = 1; i < conf->ntargets; i++) {
		if (is_repeated(conf, i, has_name))
			conf_complain(ctx, member(target_at(ctx, i), "name"),
			    "duplicate target name \"%s\"",
			    conf->targets[i].name);
		if (is_repeated(conf, i, has_address))
			conf_complain(ctx, member(target_at(ctx, i), "address"),
			    "another target has the address %s, too",
			    addr_text(&conf->targets[i].addr, buf));
	}
}

static void
check_clients(struct conf_ctx *ctx)
{
	const struct conf_client *clients = ctx->conf->clients;
	char buf[NAME_TEXT_MAX];
	size_t i, j;

	for (j = 1; j < ctx->conf->nclients; j++) {
		for (i = 0; i < j; i++) {
			if (clients[j].tsig.name.len != 0 &&
			    name_eq(
				&clients[i].tsig.name, &clients[j].tsig.name))
				break;
		}
		if (i < j)
			conf_complain(ctx, member(client_at(ctx, j), "name"),
			    "duplicate key name \"%s\"",
			    name_text(&clients[j].tsig.name, buf));
	}
}

static void
check_weak(
    struct conf_ctx *ctx, config_setting_t *group, const struct conf_tsig *tsig)
{
	if (tsig->alg != NULL && tsig->alg->is_weak && !ctx->conf->allow_weak)
		conf_complain(ctx, member(group, "algorithm"),
		    "%s is weak: choose another, or set allow_weak = true",
		    tsig->alg->text);
}

static void
check_algorithms(struct conf_ctx *ctx)
{
	const struct conf *conf = ctx->conf;
	config_setting_t *tsig;
	size_t i;

	for (i = 0; i < conf->nclients; i++)
		check_weak(ctx, client_at(ctx, i), &conf->clients[i].tsig);
	for (i = 0; i < conf->ntargets; i++) {
		tsig = config_setting_get_member(target_at(ctx, i), "tsig");
		if (tsig != NULL)
			check_weak(ctx, tsig, &conf->targets[i].tsig);
	}
}

/* NULL: a zone that no target names. */
static void
check_quorum_of(struct conf_ctx *ctx, const struct name *zone)
{
	static const struct name root = {.len = 1};
	const struct conf *conf = ctx->conf;
	const struct name *probe = zone != NULL ? zone : &root;
	char buf[NAME_TEXT_MAX];
	unsigned n = 0;
	size_t i;

	for (i = 0; i < conf->ntargets; i++)
		n += zone_set_covers(&conf->targets[i].zones, probe);
	if (n >= conf->require_confirmation)
		return;
	conf_complain(ctx, config_lookup(&ctx->tree, "require_confirmation"),
	    "%u targets have to confirm, but updates of %s%s go to %u",
	    conf->require_confirmation, zone != NULL ? "" : "any other zone",
	    zone != NULL ? name_text(zone, buf) : "", n);
}

static bool
was_checked(const struct conf *conf, size_t before, const struct name *zone)
{
	size_t i;

	for (i = 0; i < before; i++) {
		if (zone_set_has(&conf->targets[i].zones, zone))
			return true;
	}
	return false;
}

static void
check_zones(struct conf_ctx *ctx)
{
	const struct conf *conf = ctx->conf;
	const struct zone_set *set;
	bool is_open = false;
	size_t i, j;

	for (i = 0; i < conf->ntargets; i++) {
		set = &conf->targets[i].zones;
		is_open |= set->count == 0;
		for (j = 0; j < set->count; j++) {
			if (!was_checked(conf, i, &set->names[j]))
				check_quorum_of(ctx, &set->names[j]);
		}
	}
	if (is_open)
		check_quorum_of(ctx, NULL);
}

static void
check_quorum(struct conf_ctx *ctx)
{
	const struct conf *conf = ctx->conf;

	if (conf->require_confirmation > conf->ntargets)
		conf_complain(ctx,
		    config_lookup(&ctx->tree, "require_confirmation"),
		    "%u targets have to confirm, but there are %zu",
		    conf->require_confirmation, conf->ntargets);
	else if (!ctx->has_error)
		check_zones(ctx);
}

static int
compare_clients(const void *a, const void *b)
{
	const struct conf_client *x = a, *y = b;

	return name_cmp(&x->tsig.name, &y->tsig.name);
}

void
conf_check(struct conf_ctx *ctx)
{
	struct conf *conf = ctx->conf;

	if (config_lookup(&ctx->tree, "listen_udp") == NULL &&
	    config_lookup(&ctx->tree, "listen_tcp") == NULL)
		conf_complain(
		    ctx, NULL, "\"listen_udp\" or \"listen_tcp\" is missing");
	else if (conf->nlisten_udp + conf->nlisten_tcp == 0 && !ctx->has_error)
		conf_complain(ctx, NULL,
		    "no address in \"listen_udp\" or \"listen_tcp\"");
	check_listeners(ctx, "listen_udp", conf->listen_udp, conf->nlisten_udp);
	check_listeners(ctx, "listen_tcp", conf->listen_tcp, conf->nlisten_tcp);
	check_clients(ctx);
	check_targets(ctx);
	check_algorithms(ctx);
	conf_loop_check(ctx);
	check_quorum(ctx);
	if (!ctx->has_error)
		qsort(conf->clients, conf->nclients, sizeof(*conf->clients),
		    compare_clients);
}
