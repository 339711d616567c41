/* SPDX-License-Identifier: ISC */
/*
 * Reading the configuration again, and saying what became of it: to the
 * log, to the service manager, and to who asked by the control socket.
 * Owner: the parent. Threads: one.
 */
#ifndef PROC_RELOAD_H
#define PROC_RELOAD_H

#include "proc/parent_state.h"

/* Begins: the file as a new configuration, or NULL after reload_end. */
struct conf *reload_read(struct parent *p);
/* Says what it changes. */
void reload_note_changes(struct parent *p, const struct conf *conf);
void reload_end(struct parent *p, bool is_good);

#endif
