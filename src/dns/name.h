/* SPDX-License-Identifier: ISC */
/*
 * Domain names as values, in wire form and never compressed.
 * Owner: the caller. Threads: any.
 * Errors: a name that can't be read fails its cursor; texts give false.
 * RFC 1035 3.1, 4.1.4; 4343 for case.
 */
#ifndef DNS_NAME_H
#define DNS_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dns/wire.h"

#define NAME_OCTETS_MAX 255
/*
 * Labels and pointers of all names in one message: a pointer of two octets
 * can stand for 127 of each. An honest message of 65535 octets, all names
 * in a zone of ip6.arpa, has fewer than 100000.
 */
#define NAME_STEPS_MAX 131072
#define NAME_TEXT_MAX 1025 /* each octet as \DDD, and the NUL */

struct name {
	uint8_t len; /* 1..255, the root label included */
	uint8_t octets[NAME_OCTETS_MAX];
};

/* Reads and expands; case is kept. Pointers have to aim strictly
 * backwards and behind the header. Takes its steps off r->steps_left. */
void name_read(struct rd *r, struct name *out);
void name_write(struct wr *w, const struct name *n);

void name_lower(struct name *n);
bool name_is_root(const struct name *n);
/* Without case. */
bool name_eq(const struct name *a, const struct name *b);
/* Is n the zone's apex or below it, on label boundaries? */
bool name_is_under(const struct name *n, const struct name *zone);
/* A total order of names in lower case, for tables. */
int name_cmp(const struct name *a, const struct name *b);

/* "example.org" or "example.org."; \. and \DDD escapes. */
bool name_from_text(const char *text, struct name *out);
/* With the final dot; anything but printable ASCII becomes \DDD, so the
 * result is safe in a log line. Returns buf. */
const char *name_text(const struct name *n, char buf[NAME_TEXT_MAX]);

#endif
