/* SPDX-License-Identifier: ISC */
#include "conf/conf_internal.h"

#define NAME_MAX_COMPARED 31

static unsigned
least(unsigned a, unsigned b, unsigned c)
{
	a = a < b ? a : b;
	return a < c ? a : c;
}

/* How many letters to add, drop or change (Levenshtein). */
static unsigned
distance(const char *a, const char *b)
{
	unsigned row[NAME_MAX_COMPARED + 1], i, j, corner, above;
	unsigned alen = (unsigned)strlen(a), blen = (unsigned)strlen(b);

	if (alen > NAME_MAX_COMPARED || blen > NAME_MAX_COMPARED)
		return UINT_MAX;
	for (j = 0; j <= blen; j++)
		row[j] = j;
	for (i = 1; i <= alen; i++) {
		corner = row[0];
		row[0] = i;
		for (j = 1; j <= blen; j++) {
			above = row[j];
			row[j] = least(above + 1, row[j - 1] + 1,
			    corner + (a[i - 1] != b[j - 1]));
			corner = above;
		}
	}
	return row[blen];
}

const char *
conf_hint(const char *name, const struct conf_table *table)
{
	unsigned best = 2 + (unsigned)strlen(name) / 4, d;
	const char *nearest = NULL;
	size_t i;

	for (i = 0; i < table->nsettings; i++) {
		d = distance(name, table->settings[i].name);
		if (d < best) {
			best = d;
			nearest = table->settings[i].name;
		}
	}
	return nearest;
}
