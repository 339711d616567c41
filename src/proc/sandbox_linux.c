/* SPDX-License-Identifier: ISC */
#include "proc/sandbox.h"

#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/syscall.h>

#include <linux/capability.h>

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "proc/landlock.h"
#include "proc/privs.h"
#include "proc/seccomp.h"
#include "proc/worker.h"

const char sandbox_name[] = SECCOMP_NAME "landlock, no capabilities";

/* Where that is forbidden (in some containers) the others hold as well. */
void
sandbox_while_root(void)
{
	unsigned long cap = 0;

	while (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0)
		cap++;
	if (errno != EINVAL)
		log_note(
		    "sandbox: the bounding set stays: %s", strerror(errno));
}

/* Without permitted ones there are no ambient ones either. */
static bool
drop_capabilities(void)
{
	struct __user_cap_header_struct head = {
	    .version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3];

	memset(none, 0, sizeof(none));
	return syscall(SYS_capset, &head, none) == 0;
}

bool
sandbox_parent(const struct conf *conf, const char *pidfile)
{
	int version = landlock_version();

	(void)conf;
	(void)pidfile;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return sandbox_refuse("no_new_privs");
	if (!drop_capabilities())
		return sandbox_refuse("capabilities");
	if (!seccomp_parent())
		return sandbox_refuse("seccomp");
	log_note("sandbox: %sno capabilities, landlock %s", SECCOMP_NAME,
	    version > 0 ? "in workers" : "not in this kernel");
	return true;
}

bool
sandbox_worker_early(const struct worker_setup *setup)
{
	/* The log's time of day must not look for a file later. */
	tzset();
	if (!privs_limit(worker_descriptors(setup->conf)))
		return false;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return sandbox_refuse("no_new_privs");
	if (!drop_capabilities())
		return sandbox_refuse("capabilities");
	if (!landlock_enter(setup->conf))
		return sandbox_refuse("landlock");
	return true;
}

bool
sandbox_worker(const struct worker_setup *setup)
{
	unsigned char octet;

	(void)setup;
	if (!privs_forbid_fork())
		return false;
	if (!seccomp_worker())
		return sandbox_refuse("seccomp");
	/* Without it IDs could be guessed. */
	if (getrandom(&octet, sizeof(octet), 0) != sizeof(octet))
		return sandbox_refuse("getrandom");
	return true;
}

const char *
sandbox_hint(int signo)
{
	return signo == SIGSYS ? ": by the sandbox; please report it, the "
				 "kernel's log names the system call"
			       : "";
}
