/* SPDX-License-Identifier: ISC */
#include "dns/rdata.h"

#include <stddef.h>

#include "dns/dns.h"
#include "dns/name.h"

/*
 * layout: a digit is that many octets, 'n' a name, 's' a
 * character-string, 't' one and more of them up to the end. Senders may
 * compress names in these types (RFC 3597 4).
 */
static const struct {
	uint16_t type;
	const char *layout;
} types[] = {
    {1, "4"}, /* A */
    {2, "n"}, /* NS */
    {3, "n"}, /* MD */
    {4, "n"}, /* MF */
    {5, "n"}, /* CNAME */
    {6, "nn884"}, /* SOA */
    {7, "n"}, /* MB */
    {8, "n"}, /* MG */
    {9, "n"}, /* MR */
    {12, "n"}, /* PTR */
    {13, "ss"}, /* HINFO */
    {14, "nn"}, /* MINFO */
    {15, "2n"}, /* MX */
    {16, "t"}, /* TXT */
    {17, "nn"}, /* RP */
    {18, "2n"}, /* AFSDB */
    {21, "2n"}, /* RT */
    {26, "2nn"}, /* PX */
    {28, "88"}, /* AAAA */
    {33, "6n"}, /* SRV */
    {35, "4sssn"}, /* NAPTR */
    {36, "2n"}, /* KX */
    {39, "n"}, /* DNAME */
};

static void
read_field(char kind, struct rd *rdata)
{
	struct name name;

	if (kind == 'n') {
		name_read(rdata, &name);
	} else if (kind == 't') {
		do
			rd_octets(rdata, rd_u8(rdata));
		while (rd_ok(rdata) && !rd_at_end(rdata));
	} else if (kind == 's') {
		rd_octets(rdata, rd_u8(rdata));
	} else {
		rd_octets(rdata, (size_t)(kind - '0'));
	}
}

bool
rdata_is_well_formed(uint16_t type, struct rd rdata)
{
	const char *field;
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (types[i].type != type)
			continue;
		for (field = types[i].layout; *field != '\0'; field++)
			read_field(*field, &rdata);
		return rd_at_end(&rdata);
	}
	return rd_ok(&rdata);
}

bool
rdata_is_meta_type(uint16_t type)
{
	return type == 0 || type == TYPE_OPT ||
	       (type >= TYPE_TKEY && type <= TYPE_ANY);
}
