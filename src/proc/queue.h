/* SPDX-License-Identifier: ISC */
/*
 * How threads meet: a ring with one producer and one consumer, and a bell
 * that wakes a consumer only if it is asleep. There is no other place
 * where threads share anything but atomics.
 * Owner: whoever made it, when both threads have ended.
 * Errors: false when full, empty, or without memory at start-up.
 */
#ifndef PROC_QUEUE_H
#define PROC_QUEUE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct queue {
	_Atomic size_t head; /* next to take; moved by the consumer */
	_Atomic size_t tail; /* next to put; moved by the producer */
	size_t mask;
	size_t item_len;
	uint8_t *items;
};

/* Room for at least capacity items of item_len octets. */
bool queue_init(struct queue *q, size_t capacity, size_t item_len);
void queue_free(struct queue *q);
bool queue_put(struct queue *q, const void *item); /* the producer */
bool queue_take(struct queue *q, void *item); /* the consumer */
bool queue_is_empty(struct queue *q); /* either; exact for the consumer */

struct bell {
	atomic_bool is_asleep;
	int fds[2]; /* the consumer polls fds[0] */
};

bool bell_init(struct bell *b);
void bell_free(struct bell *b);
/* After queue_put, once for any number of items; any thread. */
void bell_ring(struct bell *b);
/* The consumer: bell_doze, then look at its queues once more, then poll
 * (without waiting if one is not empty), then bell_rise with what poll
 * found: a ring can reach the pipe later than it is noticed. */
void bell_doze(struct bell *b);
void bell_rise(struct bell *b, bool is_readable);

#endif
