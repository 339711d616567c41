/* SPDX-License-Identifier: ISC */
/* OpenBSD. */
#include "proc/sandbox.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "proc/privs.h"
#include "proc/worker.h"

const char sandbox_name[] = "pledge, unveil";

void
sandbox_while_root(void)
{
}

static bool
unveil_folder_of(const char *file, const char *permissions)
{
	char folder[PATH_MAX];
	char *slash;

	snprintf(folder, sizeof(folder), "%s", file);
	slash = strrchr(folder, '/');
	if (slash == NULL)
		return unveil(".", permissions) == 0;
	slash[slash == folder ? 1 : 0] = '\0';
	return unveil(folder, permissions) == 0;
}

/* The folders, since what a configuration includes may change. */
static bool
unveil_files(const struct conf *conf, const char *pidfile)
{
	const char *key_file;
	size_t i;

	if (!unveil_folder_of(conf->file, "r") ||
	    (pidfile != NULL && !unveil_folder_of(pidfile, "rwc")) ||
	    (conf->control_socket[0] != '\0' &&
		!unveil_folder_of(conf->control_socket, "rwc")) ||
	    (conf->stats_file[0] != '\0' &&
		!unveil_folder_of(conf->stats_file, "rwc")) ||
	    unveil("/dev/null", "rw") == -1)
		return false;
	for (i = 0; i < conf->nclients + conf->ntargets; i++) {
		key_file =
		    i < conf->nclients
			? conf->clients[i].tsig.key_file
			: conf->targets[i - conf->nclients].tsig.key_file;
		if (key_file != NULL && !unveil_folder_of(key_file, "r"))
			return false;
	}
	return true;
}

/* With inet, which a worker could not get back. */
bool
sandbox_parent(const struct conf *conf, const char *pidfile)
{
	if (!unveil_files(conf, pidfile))
		return sandbox_refuse("unveil");
	if (pledge("stdio rpath wpath cpath fattr flock unix inet sendfd "
		   "proc",
		NULL) == -1)
		return sandbox_refuse("pledge");
	log_note("sandbox: %s", sandbox_name);
	return true;
}

bool
sandbox_worker_early(const struct worker_setup *setup)
{
	tzset();
	return privs_limit(worker_descriptors(setup->conf));
}

/* It takes away what unveil allows, too. */
bool
sandbox_worker(const struct worker_setup *setup)
{
	(void)setup;
	if (!privs_forbid_fork())
		return false;
	return pledge("stdio inet", NULL) == 0 || sandbox_refuse("pledge");
}

const char *
sandbox_hint(int signo)
{
	return signo == SIGABRT ? ": if by pledge, dmesg names the system "
				  "call; please report it"
				: "";
}
