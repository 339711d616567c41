/* SPDX-License-Identifier: ISC */
#include "mux/plan.h"

#include <stddef.h>

_Static_assert(CONF_TARGETS_MAX <= 32, "a target is a bit of 32");

uint32_t
plan_targets(const struct conf *conf, const struct name *zone)
{
	uint32_t targets = 0;
	size_t i;

	for (i = 0; i < conf->ntargets; i++) {
		if (zone_set_covers(&conf->targets[i].zones, zone))
			targets |= (uint32_t)1 << i;
	}
	return targets;
}

#define DELETES (UPDATE_DELETE_RR | UPDATE_DELETE_RRSET | UPDATE_DELETE_NAME)

/* Exactly these prerequisites; at least one update of `has`, and none
 * outside of has and may. */
static const struct {
	unsigned prereqs;
	unsigned has;
	unsigned may;
	enum update_kind kind;
} kinds[] = {
    {PREREQ_NAME_NOT_IN_USE, UPDATE_ADD, 0, KIND_ADD},
    {PREREQ_NAME_IN_USE | PREREQ_DHCID_EQUALS, UPDATE_ADD, DELETES,
	KIND_REPLACE},
    {PREREQ_DHCID_EXISTS, UPDATE_ADD, DELETES, KIND_REPLACE},
    {PREREQ_DHCID_EQUALS, UPDATE_DELETE_RR, 0, KIND_REMOVE_1},
    {PREREQ_DHCID_EXISTS, UPDATE_DELETE_RR, 0, KIND_REMOVE_1},
    {PREREQ_PTR_EQUALS, DELETES, 0, KIND_REMOVE_1},
    {PREREQ_DHCID_EQUALS | PREREQ_NO_ADDRESS, DELETES, 0, KIND_REMOVE_2},
    {PREREQ_NO_ADDRESS, DELETES, 0, KIND_REMOVE_2},
};

enum update_kind
plan_kind(const struct update_shape *shape)
{
	size_t i;

	if (shape->prereqs == 0)
		return KIND_PLAIN;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (shape->prereqs == kinds[i].prereqs &&
		    (shape->updates & kinds[i].has) != 0 &&
		    (shape->updates & ~(kinds[i].has | kinds[i].may)) == 0)
			return kinds[i].kind;
	}
	return KIND_OTHER;
}
