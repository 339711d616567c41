/* SPDX-License-Identifier: ISC */
/*
 * What the requests of the control socket mean.
 * Owner: the parent. Threads: one.
 */
#ifndef PROC_COMMAND_H
#define PROC_COMMAND_H

#include "proc/parent_state.h"

/* Answers request, or has its peer wait. */
void command_run(struct parent *p, struct peer *peer, char *request);
/* Answers who waits for the reload that has ended, with what was said. */
void command_reloaded(struct parent *p, bool is_good);
/* Answers who waits for this probe. */
void command_probed(struct parent *p, const struct probe_result *result);
/* A worker's line for who watches. */
void command_watch_line(struct parent *p, const char *text);

#endif
