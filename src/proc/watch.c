/* SPDX-License-Identifier: ISC */
#include "proc/watch.h"

#include <stdlib.h>
#include <string.h>

#include "base/sbuf.h"

/* What log_packet_text lets through needs no other escapes. */
static void
add_text(struct sbuf *json, const char *text, size_t len)
{
	size_t i;

	sbuf_add(json, "\"");
	for (i = 0; i < len; i++)
		sbuf_addf(json,
		    text[i] == '"' || text[i] == '\\' ? "\\%c" : "%c", text[i]);
	sbuf_add(json, "\"");
}

/* name=value; behind the answer they are targets, RCODE/17ms. */
static void
add_word(struct sbuf *json, const char *word, size_t len, bool is_target)
{
	const char *value = memchr(word, '=', len), *slash;
	size_t value_len;

	if (value == NULL)
		return;
	add_text(json, word, (size_t)(value - word));
	value_len = len - (size_t)(++value - word);
	slash = is_target ? memchr(value, '/', value_len) : NULL;
	sbuf_add(json, slash != NULL ? ": {\"result\": " : ": ");
	add_text(
	    json, value, slash != NULL ? (size_t)(slash - value) : value_len);
	if (slash != NULL)
		sbuf_addf(json, ", \"ms\": %lu}", strtoul(slash + 1, NULL, 10));
}

static bool
is_answer(const char *word)
{
	return strncmp(word, "answer=", 7) == 0;
}

/* "update k=v ... answer=v target=v/ms ...: note: note" */
void
watch_json(const char *line, char json[WATCH_JSON_MAX])
{
	const char *notes = strstr(line, ": ");
	size_t left = notes != NULL ? (size_t)(notes - line) : strlen(line);
	bool is_target = false, is_first = true;
	struct sbuf out;

	sbuf_init(&out, json, WATCH_JSON_MAX);
	sbuf_add(&out, "{");
	while (left > 0) {
		size_t len =
		    strcspn(line, " ") < left ? strcspn(line, " ") : left;

		if (memchr(line, '=', len) != NULL) {
			sbuf_add(&out, is_first ? "" : ", ");
			add_word(&out, line, len, is_target);
			is_first = is_answer(line);
			if (is_first) {
				is_target = true;
				sbuf_add(&out, ", \"targets\": {");
			}
		}
		line += len;
		left -= len;
		if (left > 0) {
			line++;
			left--;
		}
	}
	sbuf_add(&out, is_target ? "}" : "");
	if (notes != NULL) {
		sbuf_add(&out, ", \"notes\": ");
		add_text(&out, notes + 2, strlen(notes + 2));
	}
	sbuf_add(&out, "}");
}
