/* SPDX-License-Identifier: ISC */
#include "proc/lockfile.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

/* By fcntl: who may only read the file can't hold this lock against us. */
static bool
lock(int fd)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	return fcntl(fd, F_SETLK, &whole) == 0;
}

/* Another name could be that of a file which is not ours to write into;
 * one without a name has just been removed by its daemon. */
static bool
is_plain(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1;
}

static int
open_file(const char *path)
{
	int fd = open(
	    path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644);

	if (fd == -1)
		log_error("%s: %s", path, strerror(errno));
	return fd;
}

int
lockfile_open_taken(const char *path)
{
	return open_file(path);
}

bool
lockfile_take(int fd, const char *path)
{
	if (!lock(fd) || !is_plain(fd)) {
		log_error("%s: is not ours: who else has it?", path);
		return false;
	}
	return lockfile_note(fd, path) == 0;
}

int
lockfile_open(const char *path)
{
	char pid[24] = "";
	int fd = open_file(path);

	if (fd == -1)
		return -1;
	if (lock(fd)) {
		if (is_plain(fd))
			return fd;
		log_error("%s: not a file of its own: remove it", path);
	} else if (errno != EACCES && errno != EAGAIN) {
		log_error("%s: %s", path, strerror(errno));
	} else if (read(fd, pid, sizeof(pid) - 1) > 0) {
		log_error("%s: already running, pid %.*s", path,
		    (int)strcspn(pid, "\n"), pid);
	} else {
		log_error("%s: already running", path);
	}
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
