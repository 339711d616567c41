/* SPDX-License-Identifier: ISC */
#include "dns/name.h"

#include <stdio.h>
#include <string.h>

#define LABEL_OCTETS_MAX 63
#define HEADER_OCTETS 12
#define POINTER_BITS 0xc0

/*
 * A name of 255 octets has at most 127 labels, so no sender needs more
 * pointers; the limit bounds the work of a chain that only points on.
 */
#define POINTERS_MAX 127

/*
 * Follows a pointer whose first octet is given. limit is where the part
 * of the name begins that holds the pointer: what it leads to must lie
 * wholly before, so that no name can reach octets behind its own record.
 */
static bool
follow_pointer(struct rd *at, unsigned first, size_t *limit)
{
	size_t target = (size_t)(first & 0x3f) << 8 | rd_u8(at);

	if (!rd_ok(at) || target >= *limit || target < HEADER_OCTETS)
		return false;
	at->end = *limit;
	at->pos = target;
	*limit = target;
	return true;
}

/* The label of len octets behind its length octet. */
static bool
append_label(struct rd *at, size_t len, struct name *out)
{
	const uint8_t *label = rd_octets(at, len);

	if (label == NULL || out->len + len + 1 > NAME_OCTETS_MAX)
		return false;
	out->octets[out->len] = (uint8_t)len;
	memcpy(out->octets + out->len + 1, label, len);
	out->len = (uint8_t)(out->len + len + 1);
	return true;
}

static bool
take_step(const struct rd *r)
{
	if (r->steps_left == NULL)
		return true;
	if (*r->steps_left == 0)
		return false;
	--*r->steps_left;
	return true;
}

static bool
read_labels(struct rd *r, struct name *out)
{
	struct rd at = *r;
	size_t limit = r->pos;
	unsigned pointers = 0;

	for (;;) {
		unsigned octet = rd_u8(&at);

		if (!rd_ok(&at) || !take_step(r))
			return false;
		if ((octet & POINTER_BITS) == POINTER_BITS) {
			if (++pointers > POINTERS_MAX ||
			    !follow_pointer(&at, octet, &limit))
				return false;
			if (pointers == 1)
				r->pos += 2;
			continue;
		}
		if (octet > LABEL_OCTETS_MAX || !append_label(&at, octet, out))
			return false;
		if (pointers == 0)
			r->pos = at.pos;
		if (octet == 0)
			return true;
	}
}

void
name_read(struct rd *r, struct name *out)
{
	out->len = 0;
	if (!rd_ok(r) || !read_labels(r, out)) {
		rd_fail(r);
		out->len = 1;
		out->octets[0] = 0;
	}
}

void
name_write(struct wr *w, const struct name *n)
{
	wr_octets(w, n->octets, n->len);
}

static uint8_t
lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

/* Label lengths are at most 63 and so below 'A': one pass serves all. */
void
name_lower(struct name *n)
{
	size_t i;

	for (i = 0; i < n->len; i++)
		n->octets[i] = lower(n->octets[i]);
}

bool
name_is_root(const struct name *n)
{
	return n->len == 1;
}

static bool
same_octets(const uint8_t *a, const uint8_t *b, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (a[i] != b[i] && lower(a[i]) != lower(b[i]))
			return false;
	}
	return true;
}

bool
name_eq(const struct name *a, const struct name *b)
{
	return a->len == b->len && same_octets(a->octets, b->octets, a->len);
}

bool
name_is_under(const struct name *n, const struct name *zone)
{
	size_t skip = 0;

	while ((size_t)n->len - skip > zone->len)
		skip += (size_t)n->octets[skip] + 1;
	return (size_t)n->len - skip == zone->len &&
	       same_octets(n->octets + skip, zone->octets, zone->len);
}

int
name_cmp(const struct name *a, const struct name *b)
{
	if (a->len != b->len)
		return a->len < b->len ? -1 : 1;
	return memcmp(a->octets, b->octets, a->len);
}

/* One character of a text, escapes resolved; -1 for a bad escape. */
static int
next_char(const char **text, bool *escaped)
{
	const char *t = *text;
	int value;

	*escaped = t[0] == '\\';
	if (!*escaped) {
		*text = t + 1;
		return (unsigned char)t[0];
	}
	if (t[1] < '0' || t[1] > '9') {
		*text = t + 2;
		return t[1] == '\0' ? -1 : (unsigned char)t[1];
	}
	if (t[2] < '0' || t[2] > '9' || t[3] < '0' || t[3] > '9')
		return -1;
	value = (t[1] - '0') * 100 + (t[2] - '0') * 10 + (t[3] - '0');
	*text = t + 4;
	return value <= 255 ? value : -1;
}

bool
name_from_text(const char *text, struct name *out)
{
	size_t label = 0, len = 1;

	if (strcmp(text, ".") == 0) {
		out->len = 1;
		out->octets[0] = 0;
		return true;
	}
	while (*text != '\0') {
		bool escaped;
		int c = next_char(&text, &escaped);

		if (c < 0 || len >= NAME_OCTETS_MAX)
			return false;
		if (c != '.' || escaped) {
			if (len - label > LABEL_OCTETS_MAX)
				return false;
			out->octets[len++] = (uint8_t)c;
			continue;
		}
		if (len - label == 1)
			return false;
		out->octets[label] = (uint8_t)(len - label - 1);
		label = len++;
	}
	out->octets[label] = (uint8_t)(len - label - 1);
	if (out->octets[label] != 0) {
		if (len >= NAME_OCTETS_MAX)
			return false;
		out->octets[len++] = 0;
	}
	out->len = (uint8_t)len;
	return len > 1;
}

const char *
name_text(const struct name *n, char buf[NAME_TEXT_MAX])
{
	size_t i = 0, at = 0;

	if (name_is_root(n))
		return memcpy(buf, ".", 2);
	while (n->octets[i] != 0) {
		size_t end = i + n->octets[i] + 1;

		for (i++; i < end; i++) {
			uint8_t c = n->octets[i];

			if (c == '.' || c == '\\')
				buf[at++] = '\\';
			if (c > 0x20 && c < 0x7f && c != '"' && c != '=')
				buf[at++] = (char)c;
			else
				at += (size_t)snprintf(
				    buf + at, NAME_TEXT_MAX - at, "\\%03u", c);
		}
		buf[at++] = '.';
	}
	buf[at] = '\0';
	return buf;
}
