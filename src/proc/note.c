/* SPDX-License-Identifier: ISC */
#include "proc/note.h"

#include <sys/mman.h>

#include <stddef.h>

struct note *
note_new(void)
{
	void *mem = mmap(NULL, sizeof(struct note), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANON, -1, 0);

	return mem == MAP_FAILED ? NULL : mem;
}

void
note_free(struct note *n)
{
	if (n != NULL)
		(void)munmap(n, sizeof(*n));
}

void
note_begin(struct note *n, const struct addr *peer, bool is_tcp)
{
	n->peer = *peer;
	n->is_tcp = is_tcp;
	atomic_store_explicit(&n->is_set, true, memory_order_release);
}

void
note_end(struct note *n)
{
	atomic_store_explicit(&n->is_set, false, memory_order_release);
}

bool
note_read(const struct note *n, struct addr *peer, bool *is_tcp)
{
	if (n == NULL ||
	    !atomic_load_explicit(&n->is_set, memory_order_acquire))
		return false;
	*peer = n->peer;
	*is_tcp = n->is_tcp;
	return peer->sa.sa_family == AF_INET || peer->sa.sa_family == AF_INET6;
}
