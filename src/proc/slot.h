/* SPDX-License-Identifier: ISC */
/*
 * The fixed number of messages that a worker can hold. One slot is always
 * spare: whatever comes is received there, and refusals are answered from
 * there, however many accepted updates are in hand.
 * Threads: the worker's main thread.
 */
#ifndef PROC_SLOT_H
#define PROC_SLOT_H

#include <stdbool.h>

#include "proc/worker.h"

bool slot_init(struct worker *w);
void slot_free(struct worker *w);
bool slot_has_unused(const struct worker *w);
/* The spare slot's message is kept: another one, which there has to be, takes
 * its place. */
void slot_keep_spare(struct worker *w);
void slot_release(struct worker *w, struct slot *s);

#endif
