/* SPDX-License-Identifier: ISC */
#include "conf/conf_internal.h"

#include "base/sbuf.h"

static bool
is_integer(const config_setting_t *s)
{
	return config_setting_type(s) == CONFIG_TYPE_INT ||
	       config_setting_type(s) == CONFIG_TYPE_INT64;
}

static bool
is_string(const config_setting_t *s)
{
	return config_setting_type(s) == CONFIG_TYPE_STRING;
}

static bool
is_list(const config_setting_t *s)
{
	return config_setting_type(s) == CONFIG_TYPE_LIST ||
	       config_setting_type(s) == CONFIG_TYPE_ARRAY;
}

static void
complain_type(struct conf_ctx *ctx, const config_setting_t *value,
    const struct conf_setting *row)
{
	static const char *const wanted[] = {
	    [CONF_UINT] = "an integer",
	    [CONF_BOOL] = "true or false",
	    [CONF_WORD] = "a string",
	    [CONF_WORD_OR_UINT] = "a string or an integer",
	    [CONF_TEXT] = "a string",
	    [CONF_TEXTS] = "a string or a list of strings",
	    [CONF_GROUP] = "a group",
	    [CONF_GROUPS] = "a group or a list of groups",
	};

	conf_complain(
	    ctx, value, "\"%s\" must be %s", row->name, wanted[row->type]);
}

static void
store(void *field, unsigned value)
{
	memcpy(field, &value, sizeof(value));
}

/* A setting with its row and its place, as the readers below take it. */
struct item {
	const struct conf_setting *row;
	config_setting_t *value;
	void *field;
};

static void
read_uint(struct conf_ctx *ctx, const struct item *item)
{
	const struct conf_setting *row = item->row;
	long long n;

	if (!is_integer(item->value)) {
		complain_type(ctx, item->value, row);
		return;
	}
	n = config_setting_get_int64(item->value);
	if (n < row->min || n > row->max)
		conf_complain(ctx, item->value,
		    "\"%s\" must be %u to %u, not %lld", row->name, row->min,
		    row->max, n);
	else if (!row->is_checked_only)
		store(item->field, (unsigned)n);
}

static void
read_bool(struct conf_ctx *ctx, const struct item *item)
{
	if (config_setting_type(item->value) == CONFIG_TYPE_BOOL)
		*(bool *)item->field = config_setting_get_bool(item->value);
	else
		complain_type(ctx, item->value, item->row);
}

static void
complain_word(struct conf_ctx *ctx, const struct item *item)
{
	bool has_number = item->row->type == CONF_WORD_OR_UINT;
	const struct conf_word *w = item->row->words;
	char buf[128];
	struct sbuf words;

	sbuf_init(&words, buf, sizeof(buf));
	sbuf_addf(&words, "\"%s\"", w->text);
	for (w++; w->text != NULL; w++)
		sbuf_addf(&words, "%s\"%s\"",
		    w[1].text != NULL || has_number ? ", " : " or ", w->text);
	if (has_number)
		sbuf_add(&words, " or a number");
	conf_complain(ctx, item->value, "\"%s\" must be %s, not \"%s\"",
	    item->row->name, buf, config_setting_get_string(item->value));
}

static void
read_word(struct conf_ctx *ctx, const struct item *item)
{
	const struct conf_word *w;
	const char *text = config_setting_get_string(item->value);

	if (item->row->type == CONF_WORD_OR_UINT && is_integer(item->value)) {
		read_uint(ctx, item);
		return;
	}
	if (text == NULL) {
		complain_type(ctx, item->value, item->row);
		return;
	}
	for (w = item->row->words; w->text != NULL; w++) {
		if (strcmp(w->text, text) == 0) {
			store(item->field, w->value);
			return;
		}
	}
	complain_word(ctx, item);
}

void
conf_setting_copy(struct conf_ctx *ctx, const config_setting_t *at,
    const char *text, char **field)
{
	free(*field);
	*field = strdup(text);
	if (*field == NULL)
		conf_complain_memory(ctx, at);
}

/* One value that the row's own reader takes, of the type it expects. */
static void
read_one(struct conf_ctx *ctx, const struct item *item)
{
	const struct conf_setting *row = item->row;
	bool is_text = row->type == CONF_TEXT || row->type == CONF_TEXTS;

	if (is_text ? !is_string(item->value)
		    : !config_setting_is_group(item->value))
		complain_type(ctx, item->value, row);
	else if (row->read != NULL)
		row->read(ctx, item->value, item->field);
	else if (!row->is_checked_only)
		conf_setting_copy(ctx, item->value,
		    config_setting_get_string(item->value), item->field);
}

static void
read_several(struct conf_ctx *ctx, const struct item *item)
{
	const struct conf_setting *row = item->row;
	struct item one = *item;
	size_t i, n;

	if (!is_list(item->value)) {
		read_one(ctx, item);
		return;
	}
	n = (size_t)config_setting_length(item->value);
	if (n < row->min) {
		conf_complain(ctx, item->value, "\"%s\" is empty", row->name);
	} else if (n > row->max) {
		conf_complain(ctx, item->value,
		    "\"%s\" has %zu values, more than %u", row->name, n,
		    row->max);
		return;
	}
	for (i = 0; i < n; i++) {
		one.value = config_setting_get_elem(item->value, (unsigned)i);
		read_one(ctx, &one);
	}
}

static void
read_item(struct conf_ctx *ctx, const struct item *item)
{
	switch (item->row->type) {
	case CONF_UINT:
		read_uint(ctx, item);
		break;
	case CONF_BOOL:
		read_bool(ctx, item);
		break;
	case CONF_WORD:
	case CONF_WORD_OR_UINT:
		read_word(ctx, item);
		break;
	case CONF_TEXT:
	case CONF_GROUP:
		read_one(ctx, item);
		break;
	case CONF_TEXTS:
	case CONF_GROUPS:
		read_several(ctx, item);
		break;
	}
}

static void
set_default(struct conf_ctx *ctx, const struct conf_setting *row, void *field)
{
	if (row->is_checked_only)
		return;
	if (row->type == CONF_UINT || row->type == CONF_WORD ||
	    row->type == CONF_WORD_OR_UINT)
		store(field, row->def);
	else if (row->type == CONF_BOOL)
		*(bool *)field = row->def != 0;
	else if (row->def_text != NULL)
		conf_setting_copy(ctx, NULL, row->def_text, field);
}

static const struct conf_setting *
find_row(const struct conf_table *table, const char *name)
{
	size_t i;

	for (i = 0; i < table->nsettings; i++) {
		if (strcmp(table->settings[i].name, name) == 0)
			return &table->settings[i];
	}
	return NULL;
}

static void
complain_unknown(struct conf_ctx *ctx, const config_setting_t *setting,
    const struct conf_table *table)
{
	const char *name = config_setting_name(setting);
	const char *hint = conf_hint(name, table);

	if (hint != NULL)
		conf_complain(ctx, setting,
		    "unknown setting \"%s\", did you mean \"%s\"?", name, hint);
	else
		conf_complain(ctx, setting, "unknown setting \"%s\" in %s",
		    name, table->title);
}

/* In the order of the file, so that the complaints come in it, too. */
void
conf_setting_read(struct conf_ctx *ctx, config_setting_t *group,
    const struct conf_table *table, void *base)
{
	int i, n = config_setting_length(group);
	const struct conf_setting *row, *end;
	struct item item;

	end = table->settings + table->nsettings;
	for (row = table->settings; row < end; row++) {
		set_default(ctx, row, (char *)base + row->offset);
		if (row->is_required &&
		    config_setting_get_member(group, row->name) == NULL)
			conf_complain(ctx, group, "\"%s\" is missing in %s",
			    row->name, table->title);
	}
	for (i = 0; i < n; i++) {
		item.value = config_setting_get_elem(group, (unsigned)i);
		item.row = find_row(table, config_setting_name(item.value));
		if (item.row == NULL) {
			complain_unknown(ctx, item.value, table);
			continue;
		}
		item.field = (char *)base + item.row->offset;
		read_item(ctx, &item);
	}
}

config_setting_t *
conf_setting_nth(config_setting_t *setting, int type, size_t nth)
{
	int i, n = config_setting_length(setting);
	config_setting_t *value;

	if (!is_list(setting))
		return setting;
	for (i = 0; i < n; i++) {
		value = config_setting_get_elem(setting, (unsigned)i);
		if (config_setting_type(value) == type && nth-- == 0)
			return value;
	}
	return setting;
}

const char *
conf_setting_text(const config_setting_t *group, const char *name)
{
	const config_setting_t *member = config_setting_get_member(group, name);

	return member != NULL ? config_setting_get_string(member) : NULL;
}
