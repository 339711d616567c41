/* SPDX-License-Identifier: ISC */
#include "proc/stats_file.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

#define BUFFER_OCTETS (2 * REPORT_OCTETS_MIN)

uint64_t
stats_file_due_us(const struct stats_file *f, const struct conf *conf)
{
	return conf->stats_file[0] != '\0' ? f->due_us : UINT64_MAX;
}

static bool
write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return false;
		text += n;
		len -= (size_t)n;
	}
	return true;
}

static bool
write_report(int fd, struct report *r)
{
	char buf[BUFFER_OCTETS];
	size_t len;

	while ((len = report_read(r, buf, sizeof(buf))) > 0) {
		if (!write_all(fd, buf, len))
			return false;
	}
	return true;
}

/* A new file, whatever was there and whatever it was. Readable by all: a
 * umask has no say in it. */
static int
open_new(const char *path)
{
	int fd;

	if (unlink(path) == -1 && errno != ENOENT)
		return -1;
	fd = open(
	    path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd != -1 && fchmod(fd, 0644) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool
replace(const char *path, struct report *r)
{
	char temporary[PATH_MAX];
	bool ok;
	int fd, n;

	n = snprintf(temporary, sizeof(temporary), "%s.new", path);
	if (n < 0 || (size_t)n >= sizeof(temporary)) {
		errno = ENAMETOOLONG;
		return false;
	}
	fd = open_new(temporary);
	if (fd == -1)
		return false;
	ok = write_report(fd, r);
	/* Some file systems say only now that they are full. */
	if (close(fd) == -1)
		ok = false;
	if (ok && rename(temporary, path) == 0)
		return true;
	n = errno;
	(void)unlink(temporary);
	errno = n;
	return false;
}

/* One line for each change, not for each try. */
static void
complain(struct stats_file *f, const char *path, int error)
{
	if (error == f->error)
		return;
	f->error = error;
	if (error == 0)
		log_note("stats_file \"%s\": written again", path);
	else
		log_warn("stats_file \"%s\": %s; may the daemon's user write "
			 "into its folder?",
		    path, strerror(error));
}

void
stats_file_write(struct stats_file *f, const struct conf *conf,
    const struct totals *sum, const struct report_facts *facts, uint64_t now_us)
{
	struct report r;

	f->due_us = now_us + (uint64_t)conf->stats_interval_s * 1000000;
	report_start(&r, REPORT_PROMETHEUS, conf, sum, NULL, facts);
	complain(
	    f, conf->stats_file, replace(conf->stats_file, &r) ? 0 : errno);
}
