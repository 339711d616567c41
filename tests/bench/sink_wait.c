/* SPDX-License-Identifier: ISC */
#include "sink.h"

#include <err.h>
#include <stdlib.h>

/* Places in slots, the one that is due first at heap[0]. */
static struct sink_answer *slots;
static uint32_t *heap;
static size_t waiting, room;

static uint64_t
due(size_t i)
{
	return slots[heap[i]].due_ns;
}

static void
swap(size_t a, size_t b)
{
	uint32_t slot = heap[a];

	heap[a] = heap[b];
	heap[b] = slot;
}

static void
grow(void)
{
	size_t more = room == 0 ? 1024 : 2 * room;

	slots = reallocarray(slots, more, sizeof(*slots));
	heap = reallocarray(heap, more, sizeof(*heap));
	if (slots == NULL || heap == NULL)
		err(1, "no memory");
	for (; room < more; room++)
		heap[room] = (uint32_t)room;
}

void
sink_wait_put(const struct sink_answer *a)
{
	size_t i;

	if (waiting == room)
		grow();
	i = waiting++;
	slots[heap[i]] = *a;
	for (; i > 0 && due(i) < due((i - 1) / 2); i = (i - 1) / 2)
		swap(i, (i - 1) / 2);
}

const struct sink_answer *
sink_wait_take(uint64_t now_ns)
{
	size_t i = 0, child;

	if (waiting == 0 || due(0) > now_ns)
		return NULL;
	swap(0, --waiting);
	while ((child = 2 * i + 1) < waiting) {
		if (child + 1 < waiting && due(child + 1) < due(child))
			child++;
		if (due(i) <= due(child))
			break;
		swap(i, child);
		i = child;
	}
	return &slots[heap[waiting]];
}

uint64_t
sink_wait_due_ns(void)
{
	return waiting > 0 ? due(0) : UINT64_MAX;
}
