/* SPDX-License-Identifier: ISC */
#include "conf/conf_internal.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>

#define BLANK " \t\r\n"

bool
conf_secret_is_exposed(mode_t mode)
{
	return (mode & (S_IROTH | S_IWOTH | S_IWGRP)) != 0;
}

/* What is wrong with the file itself, or NULL. */
static const char *
refuse_file(int fd)
{
	struct stat st;

	if (fd == -1 || fstat(fd, &st) == -1)
		return strerror(errno);
	if (!S_ISREG(st.st_mode))
		return "not a regular file";
	if (conf_secret_is_exposed(st.st_mode))
		return "others can read or change it: chmod 640";
	if (st.st_size > CONF_KEY_FILE_MAX)
		return "too big for a key";
	return NULL;
}

/* As much as fits, with a NUL behind it; what is wrong, or NULL. */
static const char *
read_text(int fd, char text[CONF_KEY_FILE_MAX + 1])
{
	size_t len = 0;
	ssize_t n;

	do {
		n = read(fd, text + len, CONF_KEY_FILE_MAX - len);
		if (n == -1 && errno != EINTR)
			return strerror(errno);
		if (n > 0)
			len += (size_t)n;
	} while (n != 0);
	text[len] = '\0';
	if (strlen(text) != len)
		return "a NUL octet in it";
	return text[strspn(text, BLANK)] == '\0' ? "empty" : NULL;
}

static void
trim(struct conf_secret *secret)
{
	char *text = secret->text + strspn(secret->text, BLANK);
	size_t len = strlen(text);

	while (len > 0 && strchr(BLANK, text[len - 1]) != NULL)
		len--;
	text[len] = '\0';
	secret->secret = text;
}

bool
conf_secret_read(struct conf_ctx *ctx, const config_setting_t *at,
    const char *path, struct conf_secret *out)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	const char *wrong = refuse_file(fd);
	struct conf_clause_error error;

	out->name = out->algorithm = out->secret = NULL;
	if (wrong == NULL)
		wrong = read_text(fd, out->text);
	if (fd != -1)
		close(fd);
	if (wrong != NULL) {
		conf_complain(ctx, at, "key_file \"%s\": %s",
		    config_setting_get_string(at), wrong);
		return false;
	}
	if (strchr(out->text, '{') == NULL) {
		trim(out);
		return true;
	}
	if (conf_clause_parse(out, &error))
		return true;
	conf_complain_file(ctx, path, error.line, "%s", error.message);
	return false;
}
