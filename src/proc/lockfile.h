/* SPDX-License-Identifier: ISC */
/*
 * The file that says which process is the daemon, locked while it runs.
 * Owner: the parent. Errors: -1 after a log line.
 */
#ifndef PROC_LOCKFILE_H
#define PROC_LOCKFILE_H

#include <stdbool.h>

/* Creates and locks it; the descriptor holds the lock. */
int lockfile_open(const char *path);
/* The same, while another daemon holds the lock, and then once it does not. */
int lockfile_open_taken(const char *path);
bool lockfile_take(int fd, const char *path);
/* Writes this process's number. */
int lockfile_note(int fd, const char *path);
/* Removes it, or empties it where the directory is not ours any more. */
void lockfile_remove(int fd, const char *path);

#endif
