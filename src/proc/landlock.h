/* SPDX-License-Identifier: ISC */
/*
 * Linux: no file system, and TCP to the targets' ports only.
 * Threads: binds the caller and the threads it makes later.
 * Errors: false with errno.
 */
#ifndef PROC_LANDLOCK_H
#define PROC_LANDLOCK_H

#include <stdbool.h>

struct conf;

/* The kernel's version of it; 0: none. */
int landlock_version(void);
bool landlock_enter(const struct conf *conf);

#endif
