/* SPDX-License-Identifier: ISC */
#include "conf/conf_internal.h"

static int
compare(const void *a, const void *b)
{
	return name_cmp(a, b);
}

void
zone_set_sort(struct zone_set *set)
{
	size_t i, kept = 0;

	if (set->count == 0)
		return;
	qsort(set->names, set->count, sizeof(*set->names), compare);
	for (i = 1; i < set->count; i++) {
		if (!name_eq(&set->names[kept], &set->names[i]))
			set->names[++kept] = set->names[i];
	}
	set->count = kept + 1;
}

bool
zone_set_has(const struct zone_set *set, const struct name *name)
{
	return set->count > 0 && bsearch(name, set->names, set->count,
				     sizeof(*set->names), compare) != NULL;
}

bool
zone_set_covers(const struct zone_set *set, const struct name *name)
{
	struct name lower = *name, suffix;
	size_t at = 0;

	if (set->count == 0)
		return true;
	name_lower(&lower);
	for (;;) {
		suffix.len = (uint8_t)(lower.len - at);
		memcpy(suffix.octets, lower.octets + at, suffix.len);
		if (zone_set_has(set, &suffix))
			return true;
		if (lower.octets[at] == 0)
			return false;
		at += (size_t)lower.octets[at] + 1;
	}
}

bool
prefix_set_covers(const struct prefix_set *set, const struct addr *addr)
{
	struct addr plain = *addr;
	size_t i;

	if (set->count == 0)
		return true;
	addr_unmap(&plain);
	for (i = 0; i < set->count; i++) {
		if (prefix_has(&set->prefixes[i], &plain))
			return true;
	}
	return false;
}
