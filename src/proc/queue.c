/* SPDX-License-Identifier: ISC */
#include "proc/queue.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/sock.h"

bool
queue_init(struct queue *q, size_t capacity, size_t item_len)
{
	size_t n = 2;

	while (n < capacity)
		n *= 2;
	atomic_init(&q->head, 0);
	atomic_init(&q->tail, 0);
	q->mask = n - 1;
	q->item_len = item_len;
	q->items = calloc(n, item_len);
	return q->items != NULL;
}

void
queue_free(struct queue *q)
{
	free(q->items);
	q->items = NULL;
}

bool
queue_put(struct queue *q, const void *item)
{
	size_t tail = atomic_load_explicit(&q->tail, memory_order_relaxed);
	size_t head = atomic_load_explicit(&q->head, memory_order_acquire);

	if (tail - head > q->mask)
		return false;
	memcpy(q->items + (tail & q->mask) * q->item_len, item, q->item_len);
	/* In one order with is_asleep: see bell_doze. */
	atomic_store(&q->tail, tail + 1);
	return true;
}

bool
queue_take(struct queue *q, void *item)
{
	size_t head = atomic_load_explicit(&q->head, memory_order_relaxed);

	if (head == atomic_load_explicit(&q->tail, memory_order_acquire))
		return false;
	memcpy(item, q->items + (head & q->mask) * q->item_len, q->item_len);
	atomic_store_explicit(&q->head, head + 1, memory_order_release);
	return true;
}

bool
queue_is_empty(struct queue *q)
{
	return atomic_load_explicit(&q->head, memory_order_relaxed) ==
	       atomic_load(&q->tail);
}

bool
bell_init(struct bell *b)
{
	atomic_init(&b->is_asleep, false);
	if (sock_pipe(b->fds) == -1) {
		b->fds[0] = b->fds[1] = -1;
		return false;
	}
	return true;
}

void
bell_free(struct bell *b)
{
	if (b->fds[0] != -1) {
		close(b->fds[0]);
		close(b->fds[1]);
	}
	b->fds[0] = b->fds[1] = -1;
}

void
bell_ring(struct bell *b)
{
	/* If it fails, the next ring shall try again. A full pipe has been
	 * rung already. */
	if (atomic_exchange(&b->is_asleep, false) &&
	    write(b->fds[1], "", 1) == -1)
		atomic_store(&b->is_asleep, true);
}

/*
 * Either the producer's put comes before this store, and the consumer's
 * look at the queue sees the item; or it comes behind, and the producer
 * sees is_asleep. All four accesses are sequentially consistent.
 */
void
bell_doze(struct bell *b)
{
	atomic_store(&b->is_asleep, true);
}

void
bell_rise(struct bell *b, bool is_readable)
{
	char drain[16];

	atomic_store(&b->is_asleep, false);
	while (is_readable &&
	       read(b->fds[0], drain, sizeof(drain)) == sizeof(drain))
		continue;
}
