/* SPDX-License-Identifier: ISC */
/*
 * Where an update goes, and what kind of update it is. Threads: any.
 */
#ifndef MUX_PLAN_H
#define MUX_PLAN_H

#include <stdint.h>

#include "conf/conf.h"
#include "dns/update.h"

/*
 * The messages of RFC 4703 as kea-dhcp-ddns sends them. What a client does
 * next depends on them, and so does the precedence among answers.
 */
enum update_kind {
	KIND_PLAIN, /* no prerequisites */
	KIND_ADD, /* "name not in use" */
	KIND_REPLACE, /* "name in use, DHCID is ours", or "DHCID exists" */
	KIND_REMOVE_1, /* removes an address, or a PTR record */
	KIND_REMOVE_2, /* removes the name once no address is left */
	KIND_OTHER
};

/* Bit i is set if conf->targets[i] serves the zone; 0: nobody does. */
uint32_t plan_targets(const struct conf *conf, const struct name *zone);

enum update_kind plan_kind(const struct update_shape *shape);

#endif
