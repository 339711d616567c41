/* SPDX-License-Identifier: ISC */
#include "conf/conf_internal.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

char *
conf_load_path(struct conf_ctx *ctx, const char *name)
{
	const char *dir = name[0] == '/' ? "" : ctx->dir;
	const char *slash = name[0] == '/' || strcmp(dir, "/") == 0 ? "" : "/";
	char *path;

	if (asprintf(&path, "%s%s%s", dir, slash, name) == -1) {
		conf_complain_memory(ctx, NULL);
		return NULL;
	}
	return path;
}

static FILE *
open_file(struct conf_ctx *ctx)
{
	int fd = open(ctx->file, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	struct stat st;
	FILE *in = NULL;

	if (fd == -1 || fstat(fd, &st) == -1) {
		conf_complain(ctx, NULL, "%s", strerror(errno));
	} else if (!S_ISREG(st.st_mode)) {
		conf_complain(ctx, NULL, "not a regular file");
	} else {
		ctx->mode = st.st_mode;
		in = fdopen(fd, "r");
		if (in == NULL)
			conf_complain(ctx, NULL, "%s", strerror(errno));
	}
	if (in == NULL && fd != -1)
		close(fd);
	return in;
}

/* Sets the directories, and conf->file. */
static bool
find_directory(struct conf_ctx *ctx)
{
	const char *slash = strrchr(ctx->file, '/');

	if (slash != NULL) {
		ctx->given_dir = strndup(ctx->file,
		    slash == ctx->file ? 1 : (size_t)(slash - ctx->file));
		if (ctx->given_dir == NULL) {
			conf_complain_memory(ctx, NULL);
			return false;
		}
		config_set_include_dir(&ctx->tree, ctx->given_dir);
	}
	ctx->dir = realpath(slash != NULL ? ctx->given_dir : ".", NULL);
	if (ctx->dir == NULL) {
		conf_complain(ctx, NULL, "%s", strerror(errno));
		return false;
	}
	ctx->conf->file =
	    conf_load_path(ctx, slash != NULL ? slash + 1 : ctx->file);
	return ctx->conf->file != NULL;
}

static bool
parse(struct conf_ctx *ctx, FILE *in)
{
	char buf[4096], path[PATH_MAX];
	bool ok;

	/* A buffer that can be wiped: it sees the secrets. */
	setvbuf(in, buf, _IOFBF, sizeof(buf));
	ok = config_read(&ctx->tree, in) == CONFIG_TRUE;
	fclose(in);
	explicit_bzero(buf, sizeof(buf));
	if (!ok) {
		conf_complain_file(ctx,
		    conf_complain_path(
			ctx, config_error_file(&ctx->tree), path),
		    (unsigned)config_error_line(&ctx->tree), "%s",
		    config_error_text(&ctx->tree));
	}
	return ok;
}

static void
read_file(struct conf_ctx *ctx)
{
	FILE *in = open_file(ctx);

	if (in == NULL)
		return;
	if (!find_directory(ctx)) {
		fclose(in);
		return;
	}
	if (!parse(ctx, in))
		return;
	conf_setting_read(
	    ctx, config_root_setting(&ctx->tree), &conf_table_top, ctx->conf);
	conf_check(ctx);
}

/* libconfig frees its strings as they are. */
static void
wipe(config_setting_t *setting)
{
	int i, n = config_setting_length(setting);
	const char *text;

	if (config_setting_type(setting) == CONFIG_TYPE_STRING) {
		text = config_setting_get_string(setting);
		if (text != NULL)
			explicit_bzero((char *)(uintptr_t)text, strlen(text));
	}
	for (i = 0; i < n; i++)
		wipe(config_setting_get_elem(setting, (unsigned)i));
}

struct conf *
conf_load(const char *file, const struct conf_sink *sink)
{
	struct conf_ctx ctx = {.file = file, .sink = sink};
	struct conf *conf;

	config_init(&ctx.tree);
	ctx.conf = calloc(1, sizeof(*ctx.conf));
	if (ctx.conf == NULL)
		conf_complain_memory(&ctx, NULL);
	else
		read_file(&ctx);
	wipe(config_root_setting(&ctx.tree));
	config_destroy(&ctx.tree);
	free(ctx.given_dir);
	free(ctx.dir);
	conf = ctx.conf;
	if (ctx.has_error) {
		conf_free(conf);
		conf = NULL;
	}
	return conf;
}
