/* SPDX-License-Identifier: ISC */
/*
 * Reads a configuration in a child, which hands it over by a pipe. libconfig
 * ends the process where memory is short or an included file can't be read,
 * waits for ever on an included FIFO, and frees keys without wiping them: all
 * that ends with the child.
 * Owner: the caller, of what it gets. Threads: called while there is one.
 * Errors: complaints, as of conf_load.
 */
#ifndef PROC_READER_H
#define PROC_READER_H

#include "conf/conf.h"

/* As conf_load; returns within 5 s or so, whatever the file is like. */
struct conf *reader_load(const char *file, const struct conf_sink *sink);

#endif
