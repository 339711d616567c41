/* SPDX-License-Identifier: ISC */
#include "proc/landlock.h"

#include <sys/syscall.h>

#include <errno.h>
#include <unistd.h>

#include "conf/conf.h"

/* As in linux/landlock.h, whose own may be older than the kernel. */
struct ruleset {
	uint64_t fs;
	uint64_t net; /* from version 4 */
	uint64_t scoped; /* from version 6 */
};

struct port_rule {
	uint64_t access;
	uint64_t port;
};

#define CREATE_VERSION 1u
#define RULE_NET_PORT 2

#define NET_BIND_TCP 1u
#define NET_CONNECT_TCP 2u
#define SCOPED_ABSTRACT_UNIX 1u
#define SCOPED_SIGNAL 2u

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

int
landlock_version(void)
{
	long version =
	    syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_VERSION);

	return version > 0 ? (int)version : 0;
}

/* Every right on files that this version knows. */
static uint64_t
file_rights(int version)
{
	static const int rights[] = {13, 14, 15, 15, 16};
	size_t last = sizeof(rights) / sizeof(rights[0]);

	if ((size_t)version < last)
		last = (size_t)version;
	return (UINT64_C(1) << rights[last - 1]) - 1;
}

static int
make_ruleset(int version)
{
	struct ruleset all = {.fs = file_rights(version)};
	size_t len = sizeof(all.fs);

	if (version >= 4) {
		all.net = NET_BIND_TCP | NET_CONNECT_TCP;
		len += sizeof(all.net);
	}
	if (version >= 6) {
		all.scoped = SCOPED_ABSTRACT_UNIX | SCOPED_SIGNAL;
		len += sizeof(all.scoped);
	}
	return (int)syscall(SYS_landlock_create_ruleset, &all, len, 0);
}

static bool
allow_targets(int fd, const struct conf *conf)
{
	struct port_rule rule = {.access = NET_CONNECT_TCP};
	size_t i;

	for (i = 0; i < conf->ntargets; i++) {
		rule.port = addr_port(&conf->targets[i].addr);
		if (syscall(SYS_landlock_add_rule, fd, RULE_NET_PORT, &rule,
			0) == -1)
			return false;
	}
	return true;
}

bool
landlock_enter(const struct conf *conf)
{
	int version = landlock_version(), fd, saved;
	bool ok;

	if (version == 0)
		return true;
	fd = make_ruleset(version);
	if (fd == -1)
		return false;
	ok = (version < 4 || allow_targets(fd, conf)) &&
	     syscall(SYS_landlock_restrict_self, fd, 0) == 0;
	saved = errno;
	close(fd);
	errno = saved;
	return ok;
}
