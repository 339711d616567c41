/* SPDX-License-Identifier: ISC */
#include "proc/seccomp.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

/*
 * Names, since the library's headers may be older than a system call; one
 * that the library or the machine does not know is passed over.
 */

/* No process of ours has a reason to call these: it dies, and is seen. */
static const char *const deadly[] = {"execve", "execveat", "ptrace",
    "process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_getfd",
    "kcmp", "mount", "umount2", "pivot_root", "chroot", "move_mount",
    "open_tree", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr",
    "unshare", "setns", "bpf", "perf_event_open", "userfaultfd",
    "io_uring_setup", "io_uring_enter", "io_uring_register", "keyctl",
    "add_key", "request_key", "kexec_load", "kexec_file_load", "init_module",
    "finit_module", "delete_module", "reboot", "swapon", "swapoff",
    "personality", "modify_ldt", "name_to_handle_at", "open_by_handle_at",
    "vmsplice"};

/* The parent has to; a worker does not. */
static const char *const deadly_in_worker[] = {"fork", "vfork", "clone", "kill",
    "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_open", "pidfd_send_signal",
    "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid",
    "setgroups", "setfsuid", "setfsgid", "setuid32", "setgid32", "setreuid32",
    "setregid32", "setresuid32", "setresgid32", "setgroups32", "setfsuid32",
    "setfsgid32", "capset"};

/* Ours, and the C library's: memory, locks, ends of threads, abort. */
static const char *const needed[] = {"read", "write", "readv", "writev", "recv",
    "recvfrom", "recvmsg", "recvmmsg", "recvmmsg_time64", "send", "sendto",
    "sendmsg", "sendmmsg", "accept", "accept4", "connect", "getsockname",
    "getpeername", "shutdown", "close", "poll", "ppoll", "ppoll_time64",
    "clock_gettime", "clock_gettime64", "gettimeofday", "time",
    "clock_nanosleep", "clock_nanosleep_time64", "getrandom", "futex",
    "futex_time64", "set_robust_list", "rseq", "sched_yield",
    "sched_getaffinity", "brk", "munmap", "mremap", "madvise", "rt_sigaction",
    "rt_sigprocmask", "rt_sigreturn", "sigreturn", "restart_syscall", "alarm",
    "setitimer", "getpid", "gettid", "exit", "exit_group"};

/* Code that asks for a file is told that it may not have it. */
static const char *const refused[] = {"open", "openat", "openat2", "stat",
    "lstat", "stat64", "lstat64", "statx", "newfstatat", "fstatat64", "access",
    "faccessat", "faccessat2", "readlink", "readlinkat"};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))
#define IS(n, value) SCMP_CMP(n, SCMP_CMP_EQ, value, 0)
#define IS_MASKED(n, ...) SCMP_CMP(n, SCMP_CMP_MASKED_EQ, __VA_ARGS__)

static bool
add(scmp_filter_ctx filter, uint32_t action, const char *name, unsigned nargs,
    const struct scmp_arg_cmp *args)
{
	int number = seccomp_syscall_resolve_name(name), error;

	if (number == __NR_SCMP_ERROR)
		return true;
	error = seccomp_rule_add_array(filter, action, number, nargs, args);
	if (error < 0)
		errno = -error;
	return error == 0;
}

static bool
add_all(scmp_filter_ctx filter, uint32_t action, const char *const *names,
    size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (!add(filter, action, names[i], 0, NULL))
			return false;
	}
	return true;
}

/* Only what open_socket asks for: no raw one, no other protocol. */
static bool
add_sockets(scmp_filter_ctx filter)
{
	static const int families[] = {AF_INET, AF_INET6};
	static const int types[] = {SOCK_DGRAM, SOCK_STREAM};
	size_t i;

	for (i = 0; i < 4; i++) {
		const struct scmp_arg_cmp args[] = {
		    IS(0, (scmp_datum_t)families[i / 2]),
		    IS(1, (scmp_datum_t)types[i % 2]), IS(2, 0)};

		if (!add(filter, SCMP_ACT_ALLOW, "socket", 3, args))
			return false;
	}
	return true;
}

/* F_SETOWN and F_SETSIG would be a way to signal others. */
static bool
add_fcntl(scmp_filter_ctx filter)
{
	static const int commands[] = {F_GETFD, F_SETFD, F_GETFL, F_SETFL};
	size_t i;

	for (i = 0; i < COUNT(commands); i++) {
		const struct scmp_arg_cmp is_it =
		    IS(1, (scmp_datum_t)commands[i]);

		if (!add(filter, SCMP_ACT_ALLOW, "fcntl", 1, &is_it) ||
		    !add(filter, SCMP_ACT_ALLOW, "fcntl64", 1, &is_it))
			return false;
	}
	return true;
}

static bool
add_options(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp nodelay[] = {
	    IS(1, IPPROTO_TCP), IS(2, TCP_NODELAY)};
	const struct scmp_arg_cmp room[] = {
	    IS(1, SOL_SOCKET), IS(2, SO_RCVBUF)};
	const struct scmp_arg_cmp error[] = {
	    IS(1, SOL_SOCKET), IS(2, SO_ERROR)};

	return add(filter, SCMP_ACT_ALLOW, "setsockopt", 2, nodelay) &&
	       add(filter, SCMP_ACT_ALLOW, "setsockopt", 2, room) &&
	       add(filter, SCMP_ACT_ALLOW, "getsockopt", 2, error);
}

/* Memory that is code stays what it is. */
static bool
add_memory(scmp_filter_ctx filter)
{
	static const char *const names[] = {"mmap", "mmap2", "mprotect"};
	const struct scmp_arg_cmp is_data = IS_MASKED(2, PROT_EXEC, 0);
	const struct scmp_arg_cmp is_code = IS_MASKED(2, PROT_EXEC, PROT_EXEC);
	size_t i;

	for (i = 0; i < COUNT(names); i++) {
		if (!add(filter, SCMP_ACT_ALLOW, names[i], 1, &is_data) ||
		    !add(filter, SCMP_ACT_ERRNO(EACCES), names[i], 1, &is_code))
			return false;
	}
	return true;
}

/* So that abort() works. */
static bool
add_own_signals(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp is_own = IS(0, (scmp_datum_t)getpid());

	return add(filter, SCMP_ACT_ALLOW, "tgkill", 1, &is_own);
}

/* For all threads, and whoever calls as another architecture dies. */
static bool
load(scmp_filter_ctx filter)
{
	int error = seccomp_attr_set(
	    filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);

	if (error == 0)
		error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if (error == 0)
		error = seccomp_load(filter);
	if (error < 0)
		errno = -error;
	return error == 0;
}

bool
seccomp_parent(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	bool ok =
	    filter != NULL &&
	    add_all(filter, SCMP_ACT_KILL_PROCESS, deadly, COUNT(deadly)) &&
	    load(filter);

	seccomp_release(filter);
	return ok;
}

/* The C library tries new calls first and takes ENOSYS for an answer. */
bool
seccomp_worker(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	bool ok =
	    filter != NULL &&
	    add_all(filter, SCMP_ACT_KILL_PROCESS, deadly, COUNT(deadly)) &&
	    add_all(filter, SCMP_ACT_KILL_PROCESS, deadly_in_worker,
		COUNT(deadly_in_worker)) &&
	    add_all(filter, SCMP_ACT_ALLOW, needed, COUNT(needed)) &&
	    add_all(filter, SCMP_ACT_ERRNO(EACCES), refused, COUNT(refused)) &&
	    add_sockets(filter) && add_fcntl(filter) && add_options(filter) &&
	    add_memory(filter) && add_own_signals(filter) && load(filter);

	seccomp_release(filter);
	return ok;
}
