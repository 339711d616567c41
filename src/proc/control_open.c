/* SPDX-License-Identifier: ISC */
/* The socket itself: whose it is, and who finds it. */
#include "proc/control.h"

#include <sys/stat.h>

#include <errno.h>
#include <grp.h>
#include <libgen.h>
#include <limits.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/log.h"
#include "net/sock.h"

#define BACKLOG 8

struct identity {
	uid_t uid;
	gid_t gid;
};

/* Names are resolved here, at the start, and never again. */
static bool
identify(const struct control_setup *setup, struct identity *id)
{
	const char *user =
	    setup->user[0] != '\0' ? setup->user : setup->service_user;
	const struct passwd *pw = getpwnam(user);
	const struct group *gr;

	*id = (struct identity){geteuid(), getegid()};
	if (user[0] != '\0' && pw == NULL) {
		log_error("control_user: there is no user %s", user);
		return false;
	}
	if (pw != NULL)
		*id = (struct identity){pw->pw_uid, pw->pw_gid};
	if (setup->group[0] == '\0')
		return true;
	gr = getgrnam(setup->group);
	if (gr == NULL) {
		log_error("control_group: there is no group %s", setup->group);
		return false;
	}
	id->gid = gr->gr_gid;
	return true;
}

/* So that nothing but the daemon has to make it, on a /run that is empty
 * after each boot. */
static bool
make_directory(const char *path, const struct identity *id)
{
	char copy[PATH_MAX];
	const char *dir;

	if (strlcpy(copy, path, sizeof(copy)) >= sizeof(copy))
		return true;
	dir = dirname(copy);
	if (mkdir(dir, 0755) == -1)
		return errno == EEXIST;
	return geteuid() != 0 || chown(dir, id->uid, id->gid) == 0;
}

/* A socket that nobody listens on is left from a daemon that was killed. */
static bool
remove_stale(const struct sockaddr_un *sun)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct stat st;
	bool is_stale;

	if (fd == -1)
		return false;
	is_stale =
	    lstat(sun->sun_path, &st) == 0 && S_ISSOCK(st.st_mode) &&
	    connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) == -1 &&
	    errno == ECONNREFUSED;
	close(fd);
	return is_stale && unlink(sun->sun_path) == 0;
}

static bool
bind_to(int fd, const struct sockaddr_un *sun)
{
	const struct sockaddr *sa = (const struct sockaddr *)sun;

	if (bind(fd, sa, sizeof(*sun)) == 0)
		return true;
	return errno == EADDRINUSE && remove_stale(sun) &&
	       bind(fd, sa, sizeof(*sun)) == 0;
}

/* Nobody else can connect before the owner and the mode are right. */
static int
open_socket(const struct sockaddr_un *sun, const struct identity *id)
{
	mode_t saved = umask(0177);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	bool is_open = fd != -1 && bind_to(fd, sun);

	(void)umask(saved);
	if (is_open && geteuid() == 0)
		is_open = lchown(sun->sun_path, id->uid, id->gid) == 0;
	if (is_open && chmod(sun->sun_path, 0660) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return sock_set_flags(fd);
	if (fd != -1)
		close(fd);
	return -1;
}

bool
control_open(struct control *c, const struct control_setup *setup)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct identity id;
	enum log_level level = setup->is_wanted ? LEVEL_ERROR : LEVEL_NOTICE;

	if (setup->path[0] == '\0')
		return true;
	if (strlcpy(sun.sun_path, setup->path, sizeof(sun.sun_path)) >=
	    sizeof(sun.sun_path)) {
		log_error("control_socket: %s: too long", setup->path);
		return false;
	}
	if (!identify(setup, &id))
		return false;
	if (!setup->is_taken && make_directory(setup->path, &id))
		c->fd = open_socket(&sun, &id);
	if (setup->is_taken && geteuid() == 0 &&
	    lchown(setup->path, id.uid, id.gid) == -1)
		log_warn("control_socket %s: %s", setup->path, strerror(errno));
	if (c->fd == -1 && !setup->is_taken) {
		log_line(level, "control_socket %s: %s", setup->path,
		    strerror(errno));
		return !setup->is_wanted;
	}
	memcpy(c->path, sun.sun_path, sizeof(c->path));
	c->owner = id.uid;
	return true;
}
