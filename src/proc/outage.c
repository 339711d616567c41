/* SPDX-License-Identifier: ISC */
#include "proc/outage.h"

#include <sys/mman.h>

#include "base/compat.h"

struct outage *
outage_new(size_t ntargets)
{
	void *mem = mmap(NULL, ntargets * sizeof(struct outage),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANON, -1, 0);

	return mem == MAP_FAILED ? NULL : mem;
}

void
outage_free(struct outage *o, size_t ntargets)
{
	if (o != NULL)
		(void)munmap(o, ntargets * sizeof(*o));
}

bool
outage_begin(struct outage *o, size_t worker, uint64_t now_us)
{
	if (atomic_fetch_or(&o->workers, UINT64_C(1) << worker) != 0)
		return false;
	atomic_store(&o->since_us, now_us);
	atomic_store(&o->missed, 0);
	return true;
}

bool
outage_end(struct outage *o, size_t worker, uint64_t missed)
{
	uint64_t bit = UINT64_C(1) << worker;

	atomic_fetch_add(&o->missed, missed);
	return atomic_fetch_and(&o->workers, ~bit) == bit;
}

void
outage_forget(struct outage *o, size_t ntargets, size_t worker)
{
	size_t i;

	for (i = 0; i < ntargets; i++)
		atomic_fetch_and(&o[i].workers, ~(UINT64_C(1) << worker));
}
