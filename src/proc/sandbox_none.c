/* SPDX-License-Identifier: ISC */
/* Nothing that the system has, or nothing that was asked for. */
#include "proc/sandbox.h"

const char sandbox_name[] = "none";

void
sandbox_while_root(void)
{
}

bool
sandbox_parent(const struct conf *conf, const char *pidfile)
{
	(void)conf;
	(void)pidfile;
	return true;
}

bool
sandbox_worker_early(const struct worker_setup *setup)
{
	(void)setup;
	return true;
}

bool
sandbox_worker(const struct worker_setup *setup)
{
	(void)setup;
	return true;
}

const char *
sandbox_hint(int signo)
{
	(void)signo;
	return "";
}
