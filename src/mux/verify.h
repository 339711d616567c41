/* SPDX-License-Identifier: ISC */
/*
 * The first decision on a client's message: drop it, answer it now, or
 * accept it as an authentic, allowed and well-formed UPDATE.
 * Threads: the worker's main thread.
 * RFC 8945 5.2 sets the order: structure, key, MAC, time, truncation;
 * everything else is judged behind these, and answered signed.
 */
#ifndef MUX_VERIFY_H
#define MUX_VERIFY_H

#include "mux/inbound.h"
#include "mux/reply.h"
#include "mux/stats.h"

enum verdict { VERDICT_DROP, VERDICT_REPLY, VERDICT_ACCEPT };

struct verifier {
	const struct conf *conf;
	struct hmac *const *hmacs; /* by index into conf->clients */
	uint64_t now_s;
};

/* in->octets, len and is_tcp are set by the caller. With VERDICT_REPLY
 * reply says the answer; cause is what to count, and to log. */
enum verdict verify_message(const struct verifier *v, const struct addr *from,
    struct inbound *in, struct reply *reply, enum counter *cause);

/* The context that signs for this client; NULL if it is not known. */
struct hmac *verify_hmac(
    const struct verifier *v, const struct conf_client *client);

#endif
