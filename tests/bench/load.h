/* SPDX-License-Identifier: ISC */
/*
 * The inside of the load generator: messages, and flows of them.
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <poll.h>

#include "bench.h"
#include "net/frame.h"
#include "signer.h"

/* What is asked for. */
struct load {
	struct addr server;
	bool is_tcp;
	size_t nflows; /* sockets or connections */
	size_t outstanding; /* over all of them; closed loop */
	uint64_t period_ns; /* between two updates; 0: closed loop */
	uint64_t duration_ns;
	uint64_t ramp_ns; /* of a closed loop: until all are outstanding */
	uint64_t timeout_ns;
	size_t nkeys;
	unsigned nzones;
	size_t octets; /* of an update, about; 0: as kea-dhcp-ddns sends it */
	bool has_prereq;
	bool is_mixed; /* names of different lengths */
	uint32_t first; /* serial */
	struct bits answered;

	struct signer *keys;
	uint64_t start_ns;
	uint64_t end_ns;
	uint64_t next; /* how many have been begun */
};

struct tally {
	uint64_t sent;
	uint64_t answered;
	uint64_t failed; /* not sent: the system refused */
	uint64_t lost; /* not answered in time */
	uint64_t bad; /* answers that do not verify */
	uint64_t stray; /* answers to nothing, or too late */
	uint64_t rcodes[16];
	uint64_t in_time; /* answered before the end */
	struct bench_hist latency;
	struct bench_hist lateness; /* of sending, where there is a rate */
};

extern struct tally tally;

/* load_msg.c: keys are k00000. and so on, zones z0000.bench. */
void load_msg_init(const struct load *l);
size_t load_msg_write(
    const struct load *l, uint8_t *octets, uint16_t id, uint32_t serial);

/* One that waits for its answer. */
struct slot {
	uint64_t due_ns; /* when it should have been sent */
	uint32_t serial;
	uint16_t id;
	bool is_busy;
	uint8_t mac[SIGNER_MAC_OCTETS];
};

/* A socket or connection. Updates have numbers; the slot and the ID follow
 * from these, so that IDs are in use once at a time. */
struct flow {
	int fd;
	bool is_connecting;
	size_t busy;
	size_t quota;
	uint64_t next_due; /* which of the schedule's */
	uint64_t oldest;
	uint64_t next;
	size_t nslots; /* power of 2, at most 65536 */
	struct slot *slots;
	struct frame_in in;
	struct frame_out out;
};

/* load_flow.c */
void flow_init(struct flow *f, const struct load *l, size_t index);
/* Gives up what has waited too long. */
void flow_expire(struct flow *f, const struct load *l, uint64_t now_ns);
/* Sends what is due and allowed. */
void flow_fill(struct flow *f, struct load *l, uint64_t now_ns);
/* When the next one is due. */
uint64_t flow_due_ns(const struct flow *f, const struct load *l);
void flow_ready(struct flow *f, const struct load *l, short revents);
short flow_events(const struct flow *f);

#endif
