/* SPDX-License-Identifier: ISC */
/*
 * The log's line of an update as a JSON object. Threads: any.
 */
#ifndef PROC_WATCH_H
#define PROC_WATCH_H

#include "base/log.h"

/* Each octet of a line as an escape of six, and what stands around. */
#define WATCH_JSON_MAX (8 * LOG_LINE_MAX)

void watch_json(const char *line, char json[WATCH_JSON_MAX]);

#endif
