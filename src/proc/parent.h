/* SPDX-License-Identifier: ISC */
/*
 * The parent process: binds, drops privileges, keeps the workers running.
 * It never sees a packet.
 * Threads: one, for ever.
 */
#ifndef PROC_PARENT_H
#define PROC_PARENT_H

#include <stdbool.h>

#include "base/log.h"
#include "conf/conf.h"

#define PARENT_NOBODY 2

struct parent_options {
	bool is_daemon; /* detach once ready, log to syslog */
	bool is_successor; /* of a daemon that runs */
	const char *pidfile; /* NULL: none */
	enum log_level level;
};

/* Takes conf over, whose file is an absolute path: it is read again when
 * asked to. Returns the exit status, when asked to end or unable to
 * start; PARENT_NOBODY: there is nobody to take over from. */
int parent_run(struct conf *conf, const struct parent_options *options);

#endif
