/* SPDX-License-Identifier: ISC */
/* Protocol numbers as the words operators know. Threads: any. */
#ifndef DNS_TEXT_H
#define DNS_TEXT_H

/* "NOERROR" ...; "RCODE11" and the like for those without a name. */
const char *rcode_text(unsigned rcode);

#endif
