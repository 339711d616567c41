/* SPDX-License-Identifier: ISC */
/*
 * F10: a configuration; behind a line of "%%" the content of the file
 * "key", which stands in the same folder.
 */
#include <sys/stat.h>

#include <openssl/evp.h>

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base64.h"
#include "conf/conf.h"
#include "fuzz.h"

const char fuzz_what[] = "conf";

#define KEY_MARK "\n%%\n"

/* libconfig 1.5 forgets a string that does not end, and one before a syntax
 * error. */
const char *__lsan_default_suppressions(void);

const char *
__lsan_default_suppressions(void)
{
	return "leak:strbuf_append\nleak:libconfig_yylex\n";
}

static char dir[64];
static unsigned errors;

static void
clean_up(void)
{
	if (chdir(dir) == 0) {
		unlink("conf");
		unlink("key");
		unlink("printed");
	}
	rmdir(dir);
}

static void
set_up(void)
{
	struct stat st;
	bool has_shm = stat("/dev/shm", &st) == 0 && S_ISDIR(st.st_mode);

	if (dir[0] != '\0')
		return;
	snprintf(dir, sizeof(dir), "%s/fuzz_conf.XXXXXX",
	    has_shm ? "/dev/shm" : "/tmp");
	FUZZ_CHECK(mkdtemp(dir) != NULL && chdir(dir) == 0);
	atexit(clean_up);
}

static void
put_file(const char *name, const void *octets, size_t len)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	FUZZ_CHECK(fd != -1);
	FUZZ_CHECK(len == 0 || write(fd, octets, len) == (ssize_t)len);
	close(fd);
}

/* "", "." or ".." of a text that ends with a NUL. */
static bool
is_directory(const char *quoted)
{
	return *quoted == '"' && quoted[1 + strspn(quoted + 1, ".")] == '"';
}

/* libconfig opens what @include names: nothing outside of the folder. A
 * directory ends the process there, which is why the daemon has a child read
 * the file (proc/reader.h). */
static bool
leaves_folder(const char *text, size_t len)
{
	const char *end = text + len, *at = text;

	while ((at = memmem(at, (size_t)(end - at), "@include", 8)) != NULL) {
		for (; at < end && *at != '\n'; at++) {
			if (*at == '/' || is_directory(at))
				return true;
		}
	}
	return false;
}

static void
complain(void *arg, enum conf_severity severity, const char *file,
    unsigned line, const char *message)
{
	(void)arg;
	(void)line;
	errors += severity == CONF_ERROR;
	FUZZ_CHECK(file != NULL);
	FUZZ_CHECK(message[0] != '\0' && strchr(message, '\n') == NULL);
}

/* Loads a file; its canonical form, or NULL. */
static char *
print_of(const char *file)
{
	const struct conf_sink sink = {complain, NULL};
	struct conf *conf;
	char *text = NULL;
	size_t len = 0;
	FILE *out;

	errors = 0;
	conf = conf_load(file, &sink);
	FUZZ_CHECK((conf == NULL) == (errors > 0));
	if (conf == NULL)
		return NULL;
	out = open_memstream(&text, &len);
	FUZZ_CHECK(out != NULL);
	conf_print(conf, out);
	fclose(out);
	FUZZ_CHECK(strlen(text) == len);
	conf_free(conf);
	return text;
}

/* I2 for configurations: what is printed loads, and prints the same. */
static void
try_conf(const char *text, size_t len)
{
	char *first, *second;

	if (leaves_folder(text, len))
		return;
	put_file("conf", text, len);
	first = print_of("conf");
	if (first == NULL)
		return;
	put_file("printed", first, strlen(first));
	second = print_of("printed");
	FUZZ_CHECK(second != NULL);
	FUZZ_CHECK(strcmp(first, second) == 0);
	free(first);
	free(second);
}

/* What decodes encodes to the same text, and whatever OpenSSL encoded
 * decodes. */
static void
try_base64(const char *text, size_t len)
{
	uint8_t *out = malloc(len + 4), *encoded = malloc(2 * len + 8);
	size_t n, again;

	FUZZ_CHECK(out != NULL && encoded != NULL);
	if (base64_decode(text, len, out, len, &n)) {
		FUZZ_CHECK(n <= len / 4 * 3);
		FUZZ_CHECK(
		    (size_t)EVP_EncodeBlock(encoded, out, (int)n) == len);
		FUZZ_CHECK(memcmp(encoded, text, len) == 0);
		FUZZ_CHECK(
		    n == 0 || !base64_decode(text, len, out, n - 1, &again));
	}
	n = (size_t)EVP_EncodeBlock(encoded, (const uint8_t *)text, (int)len);
	FUZZ_CHECK(base64_decode((char *)encoded, n, out, len, &again));
	FUZZ_CHECK(again == len && memcmp(out, text, len) == 0);
	free(out);
	free(encoded);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = calloc(1, size + 1), *key;
	size_t len = size;

	FUZZ_CHECK(text != NULL);
	if (size > 0)
		memcpy(text, data, size);
	set_up();
	key = memmem(text, size, KEY_MARK, strlen(KEY_MARK));
	if (key != NULL) {
		len = (size_t)(key - text) + 1;
		key += strlen(KEY_MARK);
		put_file("key", key, (size_t)(text + size - key));
		try_base64(key, strcspn(key, "\n"));
		text[len] = '\0';
	} else {
		unlink("key");
	}
	try_conf(text, len);
	free(text);
	return 0;
}
