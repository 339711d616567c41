/* SPDX-License-Identifier: ISC */
/*
 * The inside of the sink: targets, TCP connections to them, and answers
 * that wait for their time.
 */
#ifndef BENCH_SINK_H
#define BENCH_SINK_H

#include "bench.h"
#include "net/frame.h"
#include "signer.h"

#define ANSWER_MAX 256

struct sink_target {
	struct signer signer;
	struct bits got;
	int udp;
	int tcp;
	uint64_t delay_ns;
	bool is_exp; /* the delay: its mean then */
	bool is_mute; /* takes everything, answers nothing */
	double loss;
	double rcode_share; /* of answers with that one */
	uint8_t rcode;
	/* What came: for the first time, once more, not authentic; and
	 * what was not answered on purpose. */
	uint64_t fresh;
	uint64_t again;
	uint64_t bad;
	uint64_t lost;
};

#define SINK_TARGETS_MAX 32

struct sink_conn {
	int fd; /* -1: none */
	unsigned generation; /* of what has had this place */
	struct sink_target *target;
	struct frame_in in;
	struct frame_out out;
};

#define SINK_CONNS_MAX 256

/* Where an answer goes. */
struct sink_way {
	struct sink_target *target;
	struct sink_conn *conn; /* NULL: by UDP, to peer */
	unsigned generation;
	struct addr peer;
};

struct sink_answer {
	uint64_t due_ns;
	struct sink_way way;
	size_t len;
	uint8_t octets[ANSWER_MAX];
};

/* sink_wait.c: a heap of answers by their time. */
void sink_wait_put(const struct sink_answer *a);
/* The next one if it is due, until the following call. */
const struct sink_answer *sink_wait_take(uint64_t now_ns);
uint64_t sink_wait_due_ns(void); /* UINT64_MAX if none waits */

/* sink_target.c: the answer to a message, and when it is due. Its length,
 * or 0 if there is none. */
size_t sink_judge(struct sink_target *t, const uint8_t *octets, size_t len,
    uint8_t answer[ANSWER_MAX], uint64_t *due_ns);
void sink_target_init(struct sink_target *t, char *text);
void sink_target_print(const struct sink_target *t, bool is_last);

#endif
