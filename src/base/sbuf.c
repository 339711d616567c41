/* SPDX-License-Identifier: ISC */
#include "base/sbuf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void
sbuf_init(struct sbuf *s, char *buf, size_t cap)
{
	s->text = buf;
	s->len = 0;
	s->cap = cap;
	s->truncated = false;
	buf[0] = '\0';
}

void
sbuf_addf(struct sbuf *s, const char *fmt, ...)
{
	va_list ap;
	size_t room = s->cap - s->len;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(s->text + s->len, room, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= room) {
		s->truncated = true;
		s->len = s->cap - 1;
		s->text[s->len] = '\0';
		return;
	}
	s->len += (size_t)n;
}

void
sbuf_add(struct sbuf *s, const char *text)
{
	sbuf_addf(s, "%s", text);
}
