/* SPDX-License-Identifier: ISC */
#include "mux/hist.h"

static const struct {
	uint64_t us;
	const char *seconds;
} bounds[HIST_BUCKETS] = {
    {100, "0.0001"},
    {200, "0.0002"},
    {500, "0.0005"},
    {1000, "0.001"},
    {2000, "0.002"},
    {5000, "0.005"},
    {10000, "0.01"},
    {20000, "0.02"},
    {50000, "0.05"},
    {100000, "0.1"},
    {200000, "0.2"},
    {500000, "0.5"},
    {1000000, "1"},
    {2000000, "2"},
    {5000000, "5"},
    {UINT64_MAX, "+Inf"},
};

unsigned
hist_bucket(uint64_t us)
{
	unsigned i = 0;

	while (bounds[i].us < us)
		i++;
	return i;
}

const char *
hist_bound(unsigned bucket)
{
	return bounds[bucket].seconds;
}
