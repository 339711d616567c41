/* SPDX-License-Identifier: ISC */
/*
 * The life of one accepted update: open until every target has given its
 * outcome, answered once in between. A state machine without I/O; time
 * is an argument.
 * Owner: a worker's slot. Threads: the worker's main thread.
 */
#ifndef MUX_REQUEST_H
#define MUX_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"
#include "mux/collect.h"
#include "mux/inbound.h"

struct request {
	uint64_t start_us;
	uint64_t deadline_us; /* of the answer, not of the targets */
	size_t ntargets;
	size_t nopen;
	uint8_t target[CONF_TARGETS_MAX]; /* index in conf, ascending */
	struct outcome outcomes[CONF_TARGETS_MAX];
	enum update_kind kind;
	size_t need;
	bool is_servfail_unconfirmed;
	bool is_settled; /* answered, or silent for good */
	bool is_silent;
	enum rcode rcode; /* once settled and not silent */
};

enum request_action {
	REQUEST_WAIT,
	REQUEST_REPLY, /* send rcode now, signed; happens at most once */
	REQUEST_GIVE_UP /* the client gets no answer */
};

void request_start(struct request *q, const struct conf *conf,
    const struct inbound *in, uint64_t now_us);

/* The outcome of target (an index in conf), which is open. */
enum request_action request_outcome(struct request *q, size_t target,
    const struct outcome *outcome, uint64_t now_us);

/* Time passed. */
enum request_action request_tick(struct request *q, uint64_t now_us);

/* Settled, and no target has the loan any more. */
bool request_is_done(const struct request *q);

/* What an operator should know of a request that is done. */
enum request_flaw {
	REQUEST_DIVERGED = 1, /* targets gave different RCODEs */
	REQUEST_MISSED = 2, /* applied by some, while others failed */
	REQUEST_UNTOLD = 4 /* applied by some, the client knows nothing */
};

unsigned request_flaws(const struct request *q);

#endif
