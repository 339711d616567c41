/* SPDX-License-Identifier: ISC */
/*
 * Identity and limits of the process.
 * Threads: called while there is one. Errors: false after a log line.
 */
#ifndef PROC_PRIVS_H
#define PROC_PRIVS_H

#include <stdbool.h>
#include <stddef.h>

/* No core file, no tracing by others: there are secrets in memory. */
bool privs_hide_memory(void);
/* To that user for good; "" or not being root: as it is, with a notice. */
bool privs_drop(const char *user);
/* Raises the limit of descriptors to at least n. */
bool privs_allow_descriptors(size_t n);
/* A worker has what it needs: so many descriptors, no new file, no core.
 * Before its threads. */
bool privs_limit(size_t descriptors);
/* With all threads there. */
bool privs_forbid_fork(void);
/* Closes every descriptor from 3 up but these. */
void privs_close_all_but(const int *keep, size_t nkeep);

#endif
