/* SPDX-License-Identifier: ISC */
/*
 * One message of a client, from the first look at it to its answer.
 * Owner: a worker's slot, with the octets. From VERDICT_ACCEPT on it does
 *   not change, and is lent read-only to target threads until each has
 *   given its outcome.
 */
#ifndef MUX_INBOUND_H
#define MUX_INBOUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "dns/msg.h"
#include "dns/tsig.h"
#include "dns/update.h"

struct inbound {
	uint64_t id; /* once accepted, for the log; 0: none */
	const uint8_t *octets;
	size_t len;
	bool is_tcp;
	struct msg msg;
	bool has_tsig;
	struct tsig tsig; /* points into octets */
	const struct conf_client *client; /* NULL while the key is unknown */
	struct mac request_mac; /* as received */
	struct update_shape shape; /* once accepted */
	uint32_t targets; /* once accepted: bit i is target i */
};

#endif
