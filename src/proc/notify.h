/* SPDX-License-Identifier: ISC */
/*
 * What a service manager wants to hear: the protocol of sd_notify(3),
 * spoken directly. Without NOTIFY_SOCKET in the environment nothing is
 * said.
 * Owner: the parent. Threads: one. Errors: none; nobody else depends on it.
 */
#ifndef PROC_NOTIFY_H
#define PROC_NOTIFY_H

#include <stddef.h>
#include <stdint.h>

#include "base/compat.h"

/* Takes the variables out of the environment. */
void notify_open(void);
/* Lines of the protocol: "READY=1\nSTATUS=...". */
void notify_say(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* The manager keeps these for the next program, until it is told to forget
 * all of them. */
void notify_keep(const int *fds, size_t nfds);
void notify_forget(void);
/* Microseconds of mono_us follow: the manager matches them with its own. */
void notify_reloading(uint64_t now_us);
/* Says WATCHDOG=1 when it is time; when is the next one? */
uint64_t notify_tick(uint64_t now_us);

#endif
