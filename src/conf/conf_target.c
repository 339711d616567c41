/* SPDX-License-Identifier: ISC */
#include "conf/conf_internal.h"

#define NAME_CHARS \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
#define DNS_PORT 53

void
conf_target_name(struct conf_ctx *ctx, config_setting_t *value, void *field)
{
	const char *text = config_setting_get_string(value);
	size_t len = strlen(text);

	if (len == 0 || len >= CONF_NAME_MAX || text[strspn(text, NAME_CHARS)])
		conf_complain(ctx, value,
		    "bad target name \"%s\", it must be 1 to %d letters, "
		    "digits, \".\", \"_\" or \"-\"",
		    text, CONF_NAME_MAX - 1);
	else
		memcpy(field, text, len + 1);
}

void
conf_target_address(struct conf_ctx *ctx, config_setting_t *value, void *field)
{
	const char *text = config_setting_get_string(value);
	struct addr *out = field, a;

	if (!addr_parse(text, DNS_PORT, &a)) {
		conf_complain(ctx, value,
		    "bad address \"%s\", it must be like \"192.0.2.1\" or "
		    "\"[2001:db8::1]:53\"",
		    text);
		return;
	}
	addr_unmap(&a);
	if (addr_port(&a) == 0)
		conf_complain(ctx, value, "a target has no port 0");
	else if (addr_is_wildcard(&a))
		conf_complain(
		    ctx, value, "\"%s\" is no address of a target", text);
	else
		*out = a;
}

void
conf_target_tsig(struct conf_ctx *ctx, config_setting_t *value, void *field)
{
	conf_setting_read(ctx, value, &conf_table_tsig, field);
	conf_tsig_read(ctx, value, field);
}

void
conf_target_read(struct conf_ctx *ctx, config_setting_t *value, void *field)
{
	struct conf *conf = field;
	struct conf_target *target = &conf->targets[conf->ntargets++];

	conf_setting_read(ctx, value, &conf_table_target, target);
	zone_set_sort(&target->zones);
}
