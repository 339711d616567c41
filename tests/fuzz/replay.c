/* SPDX-License-Identifier: ISC */
/*
 * Runs a fuzz target over files: those that are named, or all of its
 * corpus. For "make check", for debuggers, and for AFL++ (with @@).
 */
#include <sys/stat.h>

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#define INPUT_MAX (1 << 20)

static bool
replay(const char *path)
{
	uint8_t *buf = malloc(INPUT_MAX), *data;
	FILE *in = fopen(path, "rb");
	size_t len;

	if (in == NULL || buf == NULL) {
		perror(path);
		free(buf);
		return false;
	}
	len = fread(buf, 1, INPUT_MAX, in);
	fclose(in);
	data = fuzz_copy(buf, len);
	free(buf);
	LLVMFuzzerTestOneInput(data, len);
	free(data);
	return true;
}

static int
is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static bool
replay_corpus(const char *dir)
{
	struct dirent **entries;
	int i, n = scandir(dir, &entries, is_visible, alphasort);
	char path[PATH_MAX];
	bool ok = n > 0;

	for (i = 0; i < n; i++) {
		int len = snprintf(
		    path, sizeof(path), "%s/%s", dir, entries[i]->d_name);

		/* Found again in the log, if it is the one that aborts. */
		printf("%s\n", path);
		fflush(stdout);
		ok = len < (int)sizeof(path) && replay(path) && ok;
		free(entries[i]);
	}
	if (n > 0)
		free(entries);
	else
		fprintf(stderr, "%s: no corpus\n", dir);
	return ok;
}

int
main(int argc, char **argv)
{
	char dir[PATH_MAX];
	bool ok = true;
	int i;

	snprintf(dir, sizeof(dir), "%s/fuzz/%s.in", TEST_DIR, fuzz_what);
	if (argc < 2)
		ok = replay_corpus(dir);
	for (i = 1; i < argc; i++)
		ok = replay(argv[i]) && ok;
	return ok ? 0 : 1;
}
