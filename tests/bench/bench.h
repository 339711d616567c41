/* SPDX-License-Identifier: ISC */
/*
 * What the programs of the benchmark share: the clock, who has got which
 * update, percentiles, and datagrams by the batch.
 * Errors: the programs end.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <sys/socket.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

#define NS_PER_S 1000000000u

uint64_t bench_ns(void);
/* Timeouts end when they are over, not when it suits the system. */
void bench_punctual(void);
/* A number of an option's argument; what it is for the complaint. */
uint64_t bench_number(const char *text, uint64_t max, const char *what);
struct addr bench_addr(const char *text);
/* Of "key=address:port", and leaves the key in text. */
struct addr bench_key_addr(char *text);
/* 0 to 1, from a generator of our own, so that runs are alike. */
double bench_random(uint64_t *state);

/* Updates have serial numbers, and a bit for each stands in a file, which
 * the runner compares. */
#define SERIALS_MAX (1u << 26)

struct bits {
	uint8_t *octets;
};

/* path: NULL for none that anybody reads. */
void bits_open(struct bits *b, const char *path);
/* Was it set before? */
bool bits_set(struct bits *b, uint32_t serial);

/* Nanoseconds, each known to within 1.6 %. */
#define HIST_STEPS 64 /* to each power of two */
#define HIST_BUCKETS (HIST_STEPS * 40)

struct bench_hist {
	uint64_t count[HIST_BUCKETS];
	uint64_t total;
	uint64_t sum;
	uint64_t max;
};

void bench_hist_add(struct bench_hist *h, uint64_t ns);
/* share: 0.99 for the 99th percentile. In microseconds. */
double bench_hist_us(const struct bench_hist *h, double share);

/* Of messages as load_msg.c makes them: nothing is parsed. */
#define BENCH_HEAD_OCTETS 64 /* header and zone section, at the most */
/* Behind the zone section; 0 if it is not as we know it. */
size_t bench_zone_end(const uint8_t *octets, size_t len);
/* Both without a TSIG, and of the length that they return. */
size_t bench_answer(
    const uint8_t *request, size_t zone_end, unsigned rcode, uint8_t *answer);
size_t bench_copy(
    const uint8_t *request, size_t len, uint16_t id, uint8_t *copy);

#define BATCH 32

/* Of datagrams, each with the address it came from or goes to. */
struct batch {
	struct mmsghdr hdrs[BATCH];
	struct iovec iov[BATCH];
	struct addr peers[BATCH];
	uint8_t *octets;
};

void batch_init(struct batch *b);
uint8_t *batch_at(struct batch *b, size_t i);
size_t batch_len(const struct batch *b, size_t i); /* as received */
/* How many came; 0 if none did, or the socket reports an error. */
size_t batch_receive(struct batch *b, int fd, size_t max, int flags);
/* Message i is len octets; to: NULL on a connected socket. */
void batch_put(struct batch *b, size_t i, size_t len, const struct addr *to);
/* How many of them were sent. */
size_t batch_send(struct batch *b, int fd, size_t n);

#endif
