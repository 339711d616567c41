/* SPDX-License-Identifier: ISC */
/* Escapes by what only Linux has: escapes.h. */
#ifndef TESTS_UNIT_ESCAPES_LINUX_H
#define TESTS_UNIT_ESCAPES_LINUX_H

#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <sched.h>

#include "escapes.h"

#ifndef SYS_newfstatat /* machines with 32 bits */
#define SYS_newfstatat SYS_fstatat64
#endif

#define BY_NUMBER(call, ...) \
	static int try_##call(void) \
	{ \
		return result(syscall(SYS_##call, __VA_ARGS__)); \
	}

BY_NUMBER(io_uring_setup, 1, NULL)
BY_NUMBER(bpf, 0, NULL, 0)
BY_NUMBER(keyctl, 0, 0, 0)
BY_NUMBER(userfaultfd, 0)
BY_NUMBER(perf_event_open, NULL, 0, -1, -1, 0)
BY_NUMBER(process_vm_readv, getppid(), NULL, 0, NULL, 0, 0)
BY_NUMBER(process_vm_writev, getppid(), NULL, 0, NULL, 0, 0)
BY_NUMBER(pidfd_open, getppid(), 0)
BY_NUMBER(mount, "none", "/tmp", "tmpfs", 0, NULL)
BY_NUMBER(unshare, CLONE_NEWUSER)
BY_NUMBER(init_module, NULL, 0, "")
BY_NUMBER(kexec_load, 0, 0, NULL, 0)
BY_NUMBER(ptrace, PTRACE_DETACH, getppid(), 0, 0)
BY_NUMBER(execveat, AT_FDCWD, "/bin/true", NULL, NULL, 0)
/* Not known to the filter: as an old kernel would answer. */
BY_NUMBER(clone3, NULL, 0)
BY_NUMBER(tgkill, getppid(), getppid(), 0)
BY_NUMBER(prctl, PR_SET_DUMPABLE, 1, 0, 0, 0)
BY_NUMBER(ioctl, 0, TIOCSTI, "x")
BY_NUMBER(newfstatat, AT_FDCWD, "/etc/passwd", NULL, 0)

static int
try_unknown(void)
{
	return result(syscall(100000));
}

static int
try_packet(void)
{
	return result(compat_socket(AF_PACKET, SOCK_DGRAM, 0));
}

static int
try_netlink(void)
{
	return result(compat_socket(AF_NETLINK, SOCK_RAW, 0));
}

static int
try_mptcp(void)
{
	return result(compat_socket(AF_INET, SOCK_STREAM, 262));
}

static int
try_filter(void)
{
	int on = 1;

	return result(compat_setsockopt(
	    listening_fd, SOL_SOCKET, SO_TIMESTAMP, &on, sizeof(on)));
}

#endif
