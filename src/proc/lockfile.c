/* SPDX-License-Identifier: ISC */
#include "proc/lockfile.h"

#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

int
lockfile_open(const char *path)
{
	char pid[24] = "";
	int fd;

	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd == -1) {
		log_error("%s: %s", path, strerror(errno));
		return -1;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	if (errno != EWOULDBLOCK)
		log_error("%s: %s", path, strerror(errno));
	else if (read(fd, pid, sizeof(pid) - 1) > 0)
		log_error("%s: already running, pid %.*s", path,
		    (int)strcspn(pid, "\n"), pid);
	else
		log_error("%s: already running", path);
	close(fd);
	return -1;
}

int
lockfile_note(int fd, const char *path)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

	if (ftruncate(fd, 0) == -1 || pwrite(fd, text, (size_t)len, 0) != len) {
		log_error("%s: %s", path, strerror(errno));
		return -1;
	}
	return 0;
}

void
lockfile_remove(int fd, const char *path)
{
	if (unlink(path) == -1 && ftruncate(fd, 0) == -1)
		log_warn("%s: %s", path, strerror(errno));
	close(fd);
}
