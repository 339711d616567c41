/* SPDX-License-Identifier: ISC */
/*
 * Linux: which system calls are left. Chosen by configure: by libseccomp,
 * or none.
 * Threads: holds for all of the process. Errors: false with errno.
 */
#ifndef PROC_SECCOMP_H
#define PROC_SECCOMP_H

#include <stdbool.h>

#ifdef HAVE_LIBSECCOMP
#define SECCOMP_NAME "seccomp, "
#else
#define SECCOMP_NAME ""
#endif

/* All but those that no daemon needs. */
bool seccomp_parent(void);
/* None but those that a worker needs. */
bool seccomp_worker(void);

#endif
