/* SPDX-License-Identifier: ISC */
#include "conf/conf_internal.h"

#include <stdarg.h>

struct place {
	enum conf_severity severity;
	const char *file;
	unsigned line;
};

static void complain(struct conf_ctx *ctx, const struct place *at,
    const char *fmt, va_list ap) PRINTF_LIKE(3, 0);

static void
complain(
    struct conf_ctx *ctx, const struct place *at, const char *fmt, va_list ap)
{
	char text[1024];
	char *c;

	vsnprintf(text, sizeof(text), fmt, ap);
	/* Quoted from the file, and on its way to a terminal. */
	for (c = text; *c != '\0'; c++) {
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	}
	if (at->severity == CONF_ERROR)
		ctx->has_error = true;
	ctx->sink->complain(
	    ctx->sink->arg, at->severity, at->file, at->line, text);
}

/* libconfig 1.5 leaves out the include directory that it opened with. */
const char *
conf_complain_path(
    const struct conf_ctx *ctx, const char *source, char buf[PATH_MAX])
{
	size_t len = ctx->given_dir != NULL ? strlen(ctx->given_dir) : 0;

	if (source == NULL)
		return ctx->file;
	if (len == 0 || source[0] == '/' ||
	    (strncmp(source, ctx->given_dir, len) == 0 && source[len] == '/'))
		return source;
	if ((size_t)snprintf(buf, PATH_MAX, "%s/%s", ctx->given_dir, source) >=
	    PATH_MAX)
		return source;
	return buf;
}

static struct place
place_of(
    const struct conf_ctx *ctx, const config_setting_t *at, char buf[PATH_MAX])
{
	struct place place = {CONF_ERROR, ctx->file, 0};

	if (at == NULL)
		return place;
	place.line = config_setting_source_line(at);
	place.file =
	    conf_complain_path(ctx, config_setting_source_file(at), buf);
	return place;
}

void
conf_complain(
    struct conf_ctx *ctx, const config_setting_t *at, const char *fmt, ...)
{
	char buf[PATH_MAX];
	struct place place = place_of(ctx, at, buf);
	va_list ap;

	va_start(ap, fmt);
	complain(ctx, &place, fmt, ap);
	va_end(ap);
}

void
conf_complain_warn(
    struct conf_ctx *ctx, const config_setting_t *at, const char *fmt, ...)
{
	char buf[PATH_MAX];
	struct place place = place_of(ctx, at, buf);
	va_list ap;

	va_start(ap, fmt);
	place.severity = CONF_WARNING;
	complain(ctx, &place, fmt, ap);
	va_end(ap);
}

void
conf_complain_file(
    struct conf_ctx *ctx, const char *file, unsigned line, const char *fmt, ...)
{
	struct place place = {CONF_ERROR, file, line};
	va_list ap;

	va_start(ap, fmt);
	complain(ctx, &place, fmt, ap);
	va_end(ap);
}

void
conf_complain_memory(struct conf_ctx *ctx, const config_setting_t *at)
{
	conf_complain(ctx, at, "out of memory");
}
