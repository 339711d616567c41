/* SPDX-License-Identifier: ISC */
#include "dns/wire.h"

#include <string.h>

void
rd_init(struct rd *r, const uint8_t *buf, size_t len)
{
	r->base = buf;
	r->pos = 0;
	r->end = len;
	r->steps_left = NULL;
	r->failed = false;
}

bool
rd_ok(const struct rd *r)
{
	return !r->failed;
}

bool
rd_at_end(const struct rd *r)
{
	return !r->failed && r->pos == r->end;
}

void
rd_fail(struct rd *r)
{
	r->failed = true;
}

const uint8_t *
rd_octets(struct rd *r, size_t len)
{
	const uint8_t *octets;

	if (r->failed || len > r->end - r->pos) {
		r->failed = true;
		return NULL;
	}
	octets = r->base + r->pos;
	r->pos += len;
	return octets;
}

static uint64_t
read_uint(struct rd *r, size_t len)
{
	const uint8_t *octets = rd_octets(r, len);
	uint64_t v = 0;
	size_t i;

	if (octets == NULL)
		return 0;
	for (i = 0; i < len; i++)
		v = v << 8 | octets[i];
	return v;
}

uint8_t
rd_u8(struct rd *r)
{
	return (uint8_t)read_uint(r, 1);
}

uint16_t
rd_u16(struct rd *r)
{
	return (uint16_t)read_uint(r, 2);
}

uint32_t
rd_u32(struct rd *r)
{
	return (uint32_t)read_uint(r, 4);
}

uint64_t
rd_u48(struct rd *r)
{
	return read_uint(r, 6);
}

uint64_t
rd_u64(struct rd *r)
{
	return read_uint(r, 8);
}

void
rd_sub(struct rd *r, size_t len, struct rd *child)
{
	*child = *r;
	if (rd_octets(r, len) == NULL) {
		child->failed = true;
		return;
	}
	child->end = r->pos;
}

void
wr_init(struct wr *w, uint8_t *buf, size_t cap)
{
	w->base = buf;
	w->pos = 0;
	w->end = cap;
	w->failed = false;
}

bool
wr_ok(const struct wr *w)
{
	return !w->failed;
}

void
wr_octets(struct wr *w, const void *octets, size_t len)
{
	if (w->failed || len > w->end - w->pos) {
		w->failed = true;
		return;
	}
	if (len > 0)
		memcpy(w->base + w->pos, octets, len);
	w->pos += len;
}

static void
write_uint(struct wr *w, uint64_t v, size_t len)
{
	if (w->failed || len > w->end - w->pos ||
	    (len < 8 && v >> (8 * len) != 0)) {
		w->failed = true;
		return;
	}
	while (len-- > 0)
		w->base[w->pos++] = (uint8_t)(v >> (8 * len));
}

void
wr_u8(struct wr *w, unsigned v)
{
	write_uint(w, v, 1);
}

void
wr_u16(struct wr *w, unsigned v)
{
	write_uint(w, v, 2);
}

void
wr_u32(struct wr *w, uint32_t v)
{
	write_uint(w, v, 4);
}

void
wr_u48(struct wr *w, uint64_t v)
{
	write_uint(w, v, 6);
}

void
wr_u64(struct wr *w, uint64_t v)
{
	write_uint(w, v, 8);
}

void
wr_patch_u16(struct wr *w, size_t pos, unsigned v)
{
	if (w->failed || v > 0xffff || w->pos < 2 || pos > w->pos - 2) {
		w->failed = true;
		return;
	}
	w->base[pos] = (uint8_t)(v >> 8);
	w->base[pos + 1] = (uint8_t)v;
}
