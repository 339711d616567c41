/* SPDX-License-Identifier: ISC */
#include "dns/update.h"

#include "dns/rdata.h"

static size_t
rdata_len(const struct rr *rr)
{
	return rr->rdata.end - rr->rdata.pos;
}

static unsigned
prereq_form(const struct rr *rr)
{
	if (rr->type == TYPE_ANY)
		return rr->class == CLASS_ANY ? PREREQ_NAME_IN_USE
					      : PREREQ_NAME_NOT_IN_USE;
	if (rr->type == TYPE_DHCID && rr->class == CLASS_IN)
		return PREREQ_DHCID_EQUALS;
	if (rr->type == TYPE_DHCID && rr->class == CLASS_ANY)
		return PREREQ_DHCID_EXISTS;
	if (rr->type == TYPE_PTR && rr->class == CLASS_IN)
		return PREREQ_PTR_EQUALS;
	if (rr->class == CLASS_NONE &&
	    (rr->type == TYPE_A || rr->type == TYPE_AAAA))
		return PREREQ_NO_ADDRESS;
	return PREREQ_OTHER;
}

static bool
is_known_class(uint16_t class)
{
	return class == CLASS_IN || class == CLASS_ANY || class == CLASS_NONE;
}

/* Of a form that holds a value, or one that only names an RRset. */
static enum rcode
check_value(const struct rr *rr, bool has_value)
{
	if (has_value ? !rdata_is_well_formed(rr->type, rr->rdata)
		      : rdata_len(rr) != 0)
		return RCODE_FORMERR;
	if (!has_value && rr->type == TYPE_ANY)
		return RCODE_NOERROR;
	return rdata_is_meta_type(rr->type) ? RCODE_FORMERR : RCODE_NOERROR;
}

/* RFC 2136 3.2.1 to 3.2.3. */
static enum rcode
check_prereq(const struct rr *rr, const struct name *zone)
{
	if (rr->ttl != 0)
		return RCODE_FORMERR;
	if (!name_is_under(&rr->owner, zone))
		return RCODE_NOTZONE;
	if (!is_known_class(rr->class))
		return RCODE_FORMERR;
	return check_value(rr, rr->class == CLASS_IN);
}

static unsigned
update_form(const struct rr *rr)
{
	if (rr->class == CLASS_IN)
		return UPDATE_ADD;
	if (rr->class == CLASS_NONE)
		return UPDATE_DELETE_RR;
	return rr->type == TYPE_ANY ? UPDATE_DELETE_NAME : UPDATE_DELETE_RRSET;
}

/* RFC 2136 3.4.1.2 and 3.4.1.3, the zone first as there. */
static enum rcode
check_update(const struct rr *rr, const struct name *zone)
{
	if (!name_is_under(&rr->owner, zone))
		return RCODE_NOTZONE;
	if (!is_known_class(rr->class) ||
	    (rr->class != CLASS_IN && rr->ttl != 0))
		return RCODE_FORMERR;
	return check_value(rr, rr->class != CLASS_ANY);
}

enum rcode
update_check(
    const uint8_t *octets, const struct msg *m, struct update_shape *shape)
{
	enum rcode rcode = RCODE_NOERROR;
	unsigned steps = NAME_STEPS_MAX;
	struct rr rr;
	struct rd r;

	shape->prereqs = shape->updates = 0;
	rd_init(&r, octets, m->additional_start);
	r.steps_left = &steps;
	r.pos = m->prereq_start;
	while (r.pos < m->update_start && rcode == RCODE_NOERROR) {
		rr_read(&r, &rr);
		if (!rd_ok(&r))
			return RCODE_FORMERR;
		rcode = check_prereq(&rr, &m->zone);
		shape->prereqs |= prereq_form(&rr);
	}
	while (!rd_at_end(&r) && rcode == RCODE_NOERROR) {
		rr_read(&r, &rr);
		if (!rd_ok(&r))
			return RCODE_FORMERR;
		rcode = check_update(&rr, &m->zone);
		shape->updates |= update_form(&rr);
	}
	return rcode;
}
