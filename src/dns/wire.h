/* SPDX-License-Identifier: ISC */
/*
 * Bounded cursors over wire data, to read (rd) and to write (wr).
 * Owner: values on the caller's stack; the octets are borrowed.
 * Threads: any.
 * Errors: sticky. After a failure reads give 0 or NULL and do not move,
 *   writes do nothing. Ask rd_ok/wr_ok once per logical unit, and before
 *   a value that was read decides anything.
 */
#ifndef DNS_WIRE_H
#define DNS_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rd {
	const uint8_t *base; /* of the whole message, for pointers */
	size_t pos; /* from base */
	size_t end; /* from base; pos never passes it */
	unsigned *steps_left; /* for names; shared by copies; NULL: any */
	bool failed;
};

struct wr {
	uint8_t *base;
	size_t pos;
	size_t end; /* lowered to keep room for what must follow */
	bool failed;
};

void rd_init(struct rd *r, const uint8_t *buf, size_t len);
bool rd_ok(const struct rd *r);
bool rd_at_end(const struct rd *r);
void rd_fail(struct rd *r);
uint8_t rd_u8(struct rd *r);
uint16_t rd_u16(struct rd *r);
uint32_t rd_u32(struct rd *r);
uint64_t rd_u48(struct rd *r);
uint64_t rd_u64(struct rd *r);
/* The next len octets, or NULL. */
const uint8_t *rd_octets(struct rd *r, size_t len);
/* Carves the next len octets out as child, and passes them. */
void rd_sub(struct rd *r, size_t len, struct rd *child);

void wr_init(struct wr *w, uint8_t *buf, size_t cap);
bool wr_ok(const struct wr *w);
void wr_u8(struct wr *w, unsigned v);
void wr_u16(struct wr *w, unsigned v); /* fails above 65535 */
void wr_u32(struct wr *w, uint32_t v);
void wr_u48(struct wr *w, uint64_t v); /* fails at 2^48 */
void wr_u64(struct wr *w, uint64_t v);
void wr_octets(struct wr *w, const void *octets, size_t len);
/* Overwrites the 16 bits at offset pos, already written. */
void wr_patch_u16(struct wr *w, size_t pos, unsigned v);

#endif
