/* SPDX-License-Identifier: ISC */
#include "conf/conf_internal.h"

/* digest_bits 0, as in Kea: the whole MAC. */
static void
read_digest_bits(
    struct conf_ctx *ctx, const config_setting_t *group, struct conf_tsig *tsig)
{
	const config_setting_t *value =
	    config_setting_get_member(group, "digest_bits");
	long long bits = value != NULL ? config_setting_get_int64(value) : 0;
	const struct hmac_alg *alg = tsig->alg;

	if (alg == NULL || bits <= 0 || bits > 8 * HMAC_MAC_MAX)
		return;
	if (bits % 8 != 0 || bits < 8 * alg->mac_min || bits > 8 * alg->mac_len)
		conf_complain(ctx, value,
		    "\"digest_bits\" of %s must be 0, or a multiple of 8 from "
		    "%d to %d, not %lld",
		    alg->text, 8 * alg->mac_min, 8 * alg->mac_len, bits);
	else
		tsig->mac_min = (uint8_t)(bits / 8);
}

void
conf_client_read(struct conf_ctx *ctx, config_setting_t *value, void *field)
{
	struct conf *conf = field;
	struct conf_client *clients, *client;

	clients =
	    reallocarray(conf->clients, conf->nclients + 1, sizeof(*clients));
	if (clients == NULL) {
		conf_complain_memory(ctx, value);
		return;
	}
	conf->clients = clients;
	client = &clients[conf->nclients++];
	memset(client, 0, sizeof(*client));
	conf_setting_read(ctx, value, &conf_table_client, client);
	conf_tsig_read(ctx, value, &client->tsig);
	read_digest_bits(ctx, value, &client->tsig);
	zone_set_sort(&client->zones);
}
