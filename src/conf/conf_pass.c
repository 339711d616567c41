/* SPDX-License-Identifier: ISC */
#include "conf/conf_internal.h"

struct pass {
	const struct conf_mover *mover;
	bool is_taken; /* otherwise it is given */
	bool has_failed; /* sticky: what is still to be taken is NULL */
};

static void
move(struct pass *p, void *octets, size_t len)
{
	if (!p->has_failed && !p->mover->move(p->mover->arg, octets, len))
		p->has_failed = true;
}

/* What stands in the place of octets, whose address is the giver's. Both
 * sides know len; 0 is NULL. */
static void *
block(struct pass *p, void *octets, size_t len)
{
	if (p->is_taken) {
		octets = p->has_failed || len == 0 ? NULL : calloc(1, len);
		if (octets == NULL && len > 0)
			p->has_failed = true;
	}
	if (octets != NULL)
		move(p, octets, len);
	return octets;
}

static char *
text(struct pass *p, char *octets)
{
	size_t len = 0;

	if (!p->is_taken && octets != NULL)
		len = strlen(octets) + 1;
	move(p, &len, sizeof(len));
	return block(p, octets, len);
}

static void
tsig(struct pass *p, struct conf_tsig *tsig)
{
	tsig->secret = block(p, tsig->secret, tsig->secret_len);
	tsig->key_file = text(p, tsig->key_file);
}

static void
zones(struct pass *p, struct zone_set *zones)
{
	zones->names =
	    block(p, zones->names, zones->count * sizeof(*zones->names));
}

/* All that conf points at, in one order for both sides. */
static void
parts(struct pass *p, struct conf *conf)
{
	struct conf_client *client;
	size_t i;

	conf->file = text(p, conf->file);
	conf->user = text(p, conf->user);
	conf->control_socket = text(p, conf->control_socket);
	conf->control_user = text(p, conf->control_user);
	conf->control_group = text(p, conf->control_group);
	conf->stats_file = text(p, conf->stats_file);
	conf->clients =
	    block(p, conf->clients, conf->nclients * sizeof(*conf->clients));
	if (conf->clients == NULL)
		conf->nclients = 0;
	for (i = 0; i < conf->nclients; i++) {
		client = &conf->clients[i];
		tsig(p, &client->tsig);
		zones(p, &client->zones);
		client->sources.prefixes = block(p, client->sources.prefixes,
		    client->sources.count * sizeof(struct prefix));
	}
	for (i = 0; i < conf->ntargets; i++) {
		tsig(p, &conf->targets[i].tsig);
		zones(p, &conf->targets[i].zones);
	}
}

bool
conf_give(struct conf *conf, const struct conf_mover *mover)
{
	struct pass p = {mover, false, false};

	move(&p, conf, sizeof(*conf));
	parts(&p, conf);
	return !p.has_failed;
}

struct conf *
conf_take(const struct conf_mover *mover)
{
	struct pass p = {mover, true, false};
	struct conf *conf = calloc(1, sizeof(*conf));

	if (conf == NULL)
		return NULL;
	move(&p, conf, sizeof(*conf));
	if (p.has_failed) {
		free(conf);
		return NULL;
	}
	parts(&p, conf);
	if (p.has_failed) {
		conf_free(conf);
		return NULL;
	}
	return conf;
}
