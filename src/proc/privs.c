/* SPDX-License-Identifier: ISC */
#include "proc/privs.h"

#include <sys/types.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/log.h"
#include "proc/sandbox.h"

bool
privs_hide_memory(void)
{
	const struct rlimit none = {0, 0};

	if (setrlimit(RLIMIT_CORE, &none) == -1 || !compat_no_dump()) {
		log_error("cannot forbid core files: %s", strerror(errno));
		return false;
	}
	return true;
}

bool
privs_allow_descriptors(size_t n)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1) {
		log_error("descriptors: %s", strerror(errno));
		return false;
	}
	if (limit.rlim_cur >= (rlim_t)n)
		return true;
	limit.rlim_cur = (rlim_t)n;
	if (limit.rlim_max < (rlim_t)n)
		limit.rlim_max = (rlim_t)n;
	if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
		return true;
	log_error("%zu descriptors are needed: raise the limit (ulimit -n)", n);
	return false;
}

/* Groups first, while that is still allowed; then prove that there is no
 * way back. */
static bool
become(const struct passwd *pw)
{
	if (setgroups(1, &pw->pw_gid) == -1 ||
	    setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) == -1 ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) == -1)
		return false;
	if (pw->pw_uid != 0 &&
	    (setuid(0) != -1 || seteuid(0) != -1 || getuid() != pw->pw_uid ||
		geteuid() != pw->pw_uid)) {
		errno = EPERM;
		return false;
	}
	return true;
}

bool
privs_drop(const char *user)
{
	const struct passwd *pw;

	if (geteuid() != 0) {
		if (user[0] != '\0')
			log_note("not started as root: staying uid %u",
			    (unsigned)getuid());
		return true;
	}
	sandbox_while_root();
	if (user[0] == '\0') {
		log_warn("running as root: set \"user\"");
		return true;
	}
	pw = getpwnam(user);
	if (pw == NULL) {
		log_error(
		    "user %s is not known: create it, or set \"user\"", user);
		return false;
	}
	if (!become(pw)) {
		log_error("cannot become user %s: %s", user, strerror(errno));
		return false;
	}
	/* The kernel may have made it visible again. */
	return privs_hide_memory();
}

static bool
set_limit(int resource, rlim_t n)
{
	const struct rlimit limit = {n, n};

	if (setrlimit(resource, &limit) == 0)
		return true;
	log_error("limit %d of a worker: %s", resource, strerror(errno));
	return false;
}

/* The log may go to a file. */
static bool
logs_to_file(void)
{
	struct stat st;

	return fstat(STDERR_FILENO, &st) == 0 && S_ISREG(st.st_mode);
}

bool
privs_limit(size_t descriptors)
{
	return set_limit(RLIMIT_CORE, 0) &&
	       set_limit(RLIMIT_NOFILE, (rlim_t)descriptors) &&
	       (logs_to_file() || set_limit(RLIMIT_FSIZE, 0));
}

bool
privs_forbid_fork(void)
{
	return set_limit(RLIMIT_NPROC, 0);
}

static bool
is_kept(int fd, const int *keep, size_t nkeep)
{
	size_t i;

	for (i = 0; i < nkeep; i++) {
		if (keep[i] == fd)
			return true;
	}
	return false;
}

void
privs_close_all_but(const int *keep, size_t nkeep)
{
	int fd, last = 2;
	size_t i;

	for (i = 0; i < nkeep; i++) {
		if (keep[i] > last)
			last = keep[i];
	}
	for (fd = 3; fd <= last; fd++) {
		if (!is_kept(fd, keep, nkeep))
			(void)close(fd);
	}
	closefrom(last + 1);
}
