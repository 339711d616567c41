/* SPDX-License-Identifier: ISC */
#include "conf/conf_internal.h"

/* Of each size. More than what libconfig takes for a big file. */
#define OCTETS 1048576
#define SMALL_MAX 1040
#define SMALL_STEP 16
#define SMALL_COUNT 16 /* more than allocators keep aside for one size */

struct block {
	struct block *next;
};

/* Fewer if there is no memory. */
static void
take(struct block **taken, size_t size, size_t count)
{
	struct block *block;

	while (count-- > 0 && (block = malloc(size)) != NULL) {
		explicit_bzero(block, size);
		block->next = *taken;
		*taken = block;
	}
}

/*
 * libconfig and stdio free what they have read as it is, in blocks that
 * nobody else can name. An allocator gives freed memory away before it asks
 * for more: so all of it is taken, wiped and given back. Exact sizes come
 * first, since some keep lists of them; then whole ranges, then what is left
 * in between.
 */
void
conf_scrub(void)
{
	struct block *taken = NULL, *block;
	size_t size;

	for (size = SMALL_STEP; size <= SMALL_MAX; size += SMALL_STEP)
		take(&taken, size, SMALL_COUNT);
	take(&taken, 16384, OCTETS / 16384);
	take(&taken, 256, OCTETS / 256);
	take(&taken, SMALL_STEP, OCTETS / SMALL_STEP / 4);
	while ((block = taken) != NULL) {
		taken = block->next;
		free(block);
	}
}
