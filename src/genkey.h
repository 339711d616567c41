/* SPDX-License-Identifier: ISC */
/*
 * A new TSIG key on standard output, in the words of each program that may
 * need it. Needs no daemon and no file.
 * Threads: one. Errors: told on standard error; false.
 */
#ifndef GENKEY_H
#define GENKEY_H

#include <stdbool.h>

/* algorithm: NULL for the default. */
bool genkey_print(const char *name, const char *algorithm);

#endif
