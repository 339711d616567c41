/* SPDX-License-Identifier: ISC */
#include "dns/text.h"

const char *
rcode_text(unsigned rcode)
{
	static const char *const names[] = {"NOERROR", "FORMERR", "SERVFAIL",
	    "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET",
	    "NOTAUTH", "NOTZONE", "RCODE11", "RCODE12", "RCODE13", "RCODE14",
	    "RCODE15", "BADVERS"};

	return rcode < sizeof(names) / sizeof(names[0]) ? names[rcode]
							: "RCODE>16";
}
