/* SPDX-License-Identifier: ISC */
/*
 * RDATA of the types that have names in it or a fixed length: only what
 * is needed so that no malformed RDATA reaches a target. All other types
 * are opaque (RFC 3597). Threads: any.
 */
#ifndef DNS_RDATA_H
#define DNS_RDATA_H

#include <stdbool.h>
#include <stdint.h>

#include "dns/wire.h"

/* Is this well-formed RDATA of that type? RFC 1035 3.3, 3597 4. */
bool rdata_is_well_formed(uint16_t type, struct rd rdata);

/* OPT, TKEY, TSIG and the query types 251..255: never data. */
bool rdata_is_meta_type(uint16_t type);

#endif
