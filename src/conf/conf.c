/* SPDX-License-Identifier: ISC */
#include "conf/conf.h"

#include "conf/conf_internal.h"

void
conf_tsig_free(struct conf_tsig *tsig)
{
	if (tsig->secret != NULL)
		explicit_bzero(tsig->secret, tsig->secret_len);
	free(tsig->secret);
	free(tsig->key_file);
}

void
conf_free(struct conf *conf)
{
	size_t i;

	if (conf == NULL)
		return;
	for (i = 0; i < conf->nclients; i++) {
		conf_tsig_free(&conf->clients[i].tsig);
		free(conf->clients[i].zones.names);
		free(conf->clients[i].sources.prefixes);
	}
	for (i = 0; i < conf->ntargets; i++) {
		conf_tsig_free(&conf->targets[i].tsig);
		free(conf->targets[i].zones.names);
	}
	free(conf->clients);
	free(conf->user);
	free(conf->control_socket);
	free(conf->control_user);
	free(conf->control_group);
	free(conf->stats_file);
	free(conf->file);
	free(conf);
}
