/* SPDX-License-Identifier: ISC */
#include "proc/order.h"

#include <errno.h>
#include <unistd.h>

bool
order_write(int fd, const struct order *order)
{
	return write(fd, order, sizeof(*order)) == sizeof(*order);
}

int
order_read(int fd, struct order *order)
{
	ssize_t n = read(fd, order, sizeof(*order));

	if (n == sizeof(*order))
		return 1;
	return n == -1 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

bool
standing_has_penalty(
    const struct standing *s, const struct addr *host, uint64_t now_us)
{
	size_t i;

	for (i = 0; i < PENALTIES_MAX; i++) {
		const struct penalty *p = &s->penalties[i];

		if (p->until_us > now_us && addr_same_host(&p->host, host))
			return true;
	}
	return false;
}

void
standing_penalize(
    struct standing *s, const struct addr *host, uint64_t until_us)
{
	struct penalty *place = &s->penalties[0];
	size_t i;

	for (i = 0; i < PENALTIES_MAX; i++) {
		struct penalty *p = &s->penalties[i];

		if (p->until_us != 0 && addr_same_host(&p->host, host)) {
			place = p;
			break;
		}
		if (p->until_us < place->until_us)
			place = p;
	}
	place->host = *host;
	place->until_us = until_us;
}
