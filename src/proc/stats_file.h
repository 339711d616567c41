/* SPDX-License-Identifier: ISC */
/*
 * Statistics in a file for the textfile collector of Prometheus' node
 * exporter: whoever reads it finds a whole one.
 * Owner: the parent. Threads: its only one.
 * Errors: a line whenever there is another one; the file stays as it was,
 *   and is tried again when it is due again.
 */
#ifndef PROC_STATS_FILE_H
#define PROC_STATS_FILE_H

#include <stdint.h>

#include "mux/report.h"

/* Zeroed before its first use. */
struct stats_file {
	uint64_t due_us;
	int error; /* said last; 0: all is well */
};

/* When, in the time of mono_us, conf->stats_file is to be written next;
 * UINT64_MAX: never. */
uint64_t stats_file_due_us(const struct stats_file *f, const struct conf *conf);
void stats_file_write(struct stats_file *f, const struct conf *conf,
    const struct totals *sum, const struct report_facts *facts,
    uint64_t now_us);

#endif
