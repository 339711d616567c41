/* SPDX-License-Identifier: ISC */
/*
 * Reads a configuration in a child first. libconfig ends the process where
 * an included file can't be read, or memory is short, and waits for ever on
 * an included FIFO: neither may become of the daemon.
 * Threads: called while there is one.
 */
#ifndef PROC_TRIAL_H
#define PROC_TRIAL_H

/* NULL if conf_load comes back from this file, whatever it then says;
 * otherwise why it would not. */
const char *trial_conf(const char *file);

#endif
