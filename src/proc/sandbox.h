/* SPDX-License-Identifier: ISC */
/*
 * What a process that was taken over can still do: as little as the system
 * allows to enforce. configure chooses the file: sandbox_linux.c (with
 * landlock.c and seccomp*.c), sandbox_pledge.c, sandbox_capsicum.c, or
 * sandbox_none.c; sandbox.c is for all.
 * Order: sandbox_while_root, sandbox_parent; then in each worker, forked
 *   from that parent, sandbox_worker_early and sandbox_worker.
 * Threads: each call says. Errors: false after a log line; the process must
 *   end then.
 */
#ifndef PROC_SANDBOX_H
#define PROC_SANDBOX_H

#include <stdbool.h>

struct conf;
struct worker_setup;

/* What this program was built with, for people. */
extern const char sandbox_name[];

/* What only root can do, before its identity changes. */
void sandbox_while_root(void);
/* The parent, once all is bound and root is given up. It can still fork,
 * end its workers, and use files. pidfile may be NULL. */
bool sandbox_parent(const struct conf *conf, const char *pidfile);
/* Once everything is initialised that opens files, and before the first
 * thread. */
bool sandbox_worker_early(const struct worker_setup *setup);
/* With all threads running: for every one of them. */
bool sandbox_worker(const struct worker_setup *setup);

/* Logs errno, what failed, and is false. */
bool sandbox_refuse(const char *what);

/* To be said of a process that this signal killed; "" if it tells nothing. */
const char *sandbox_hint(int signo);

#endif
