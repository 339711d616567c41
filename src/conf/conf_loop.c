/* SPDX-License-Identifier: ISC */
#include "conf/conf_internal.h"

#include <sys/socket.h>

/* Only an address of this machine can be bound. */
static bool
is_local(const struct addr *host)
{
	struct addr a = *host;
	int fd = socket(a.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool bound;

	if (fd == -1)
		return false;
	addr_set_port(&a, 0);
	bound = bind(fd, &a.sa, addr_len(&a)) == 0;
	close(fd);
	return bound;
}

static bool
reaches(const struct addr *target, const struct addr *listener)
{
	if (listener->sa.sa_family != target->sa.sa_family ||
	    addr_port(listener) != addr_port(target))
		return false;
	return addr_same_host(listener, target) ||
	       (addr_is_wildcard(listener) && is_local(target));
}

static const struct addr *
find_listener(const struct addr *target, const struct addr *addrs, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (reaches(target, &addrs[i]))
			return &addrs[i];
	}
	return NULL;
}

void
conf_loop_check(struct conf_ctx *ctx)
{
	config_setting_t *targets = config_lookup(&ctx->tree, "targets");
	const struct conf *conf = ctx->conf;
	const struct addr *a, *found;
	char ours[ADDR_TEXT_MAX], theirs[ADDR_TEXT_MAX];
	size_t i;

	for (i = 0; i < conf->ntargets; i++) {
		a = &conf->targets[i].addr;
		if (a->sa.sa_family == AF_UNSPEC)
			continue;
		found = find_listener(a, conf->listen_udp, conf->nlisten_udp);
		if (found == NULL)
			found = find_listener(
			    a, conf->listen_tcp, conf->nlisten_tcp);
		if (found != NULL)
			conf_complain(ctx,
			    config_setting_get_member(
				conf_setting_nth(targets, CONFIG_TYPE_GROUP, i),
				"address"),
			    "the target %s is our own listener %s",
			    addr_text(a, theirs), addr_text(found, ours));
	}
}
