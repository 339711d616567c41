/* SPDX-License-Identifier: ISC */
/*
 * Every escape from a finished sandbox, and what has to work in it. Each
 * row is tried by a worker of its own, in a thread that was there before
 * the sandbox.
 */
#include "proc/sandbox.h"

#include <sys/resource.h>

#include <poll.h>

#include "hex.h"

#include "escapes.h"
#ifdef __linux__
#include "escapes_linux.h"
#endif
#ifdef HAVE_LANDLOCK
#include "proc/landlock.h"
#endif
#ifdef HAVE_LIBSECCOMP
#include <seccomp.h>
#endif

#include "proc/privs.h"
#include "proc/signals.h"
#include "proc/worker.h"

#define HANG_MS 30000 /* nothing here takes so long */

enum kind { SECCOMP, LANDLOCK, PLEDGE, CAPSICUM, NKINDS, NONE };

/* Instead of an errno, 0, or a signal as a negative number. */
#define ANYHOW 1000

/* musl signals a thread without saying of which process, which a worker may
 * not, and then crashes. */
#if defined(__linux__) && !defined(__GLIBC__)
#define ABORTS (-SIGSEGV)
#else
#define ABORTS (-SIGABRT)
#endif

struct row {
	const char *name;
	int (*attempt)(void);
	int want[NKINDS];
};

#define DIES \
	{ \
		-SIGSYS, ANYHOW, -SIGABRT, ANYHOW \
	}
#define GOES_ON \
	{ \
		0, 0, 0, 0 \
	}

static const struct row worker_rows[] = {
    {"open", try_open, {EACCES, EACCES, -SIGABRT, 0}},
    {"create", try_create, {EACCES, EACCES, -SIGABRT, ANYHOW}},
    {"unlink", try_unlink, {ENOSYS, ANYHOW, -SIGABRT, ANYHOW}},
    {"exec", try_exec, {-SIGSYS, EACCES, -SIGABRT, 0}},
    {"fork", try_fork, {-SIGSYS, EAGAIN, -SIGABRT, EAGAIN}},
    {"one more thread", try_thread, {-SIGSYS, EAGAIN, ANYHOW, ANYHOW}},
    {"kill the parent", try_kill_parent, DIES},
    {"setuid", try_setuid, {-SIGSYS, EPERM, -SIGABRT, EPERM}},
    {"AF_UNIX", try_unix, {ENOSYS, 0, -SIGABRT, 0}},
    {"raw socket", try_raw, {ENOSYS, EPERM, ANYHOW, EPERM}},
    {"bind", try_bind, {ENOSYS, EINVAL, EINVAL, EINVAL}},
    {"code", try_code, {EACCES, 0, -SIGABRT, 0}},
    {"data as code", try_data_as_code, {EACCES, 0, -SIGABRT, 0}},
    {"F_SETOWN", try_signal_owner, {ENOSYS, 0, -SIGABRT, ANYHOW}},
    {"descriptors", try_descriptors, {EMFILE, EMFILE, EMFILE, EMFILE}},
#ifdef __linux__
    {"io_uring", try_io_uring_setup, DIES},
    {"bpf", try_bpf, DIES},
    {"keyctl", try_keyctl, DIES},
    {"userfaultfd", try_userfaultfd, DIES},
    {"perf_event_open", try_perf_event_open, DIES},
    {"process_vm_readv", try_process_vm_readv, DIES},
    {"process_vm_writev", try_process_vm_writev, DIES},
    {"pidfd_open", try_pidfd_open, DIES},
    {"mount", try_mount, DIES},
    {"unshare", try_unshare, DIES},
    {"init_module", try_init_module, DIES},
    {"kexec_load", try_kexec_load, DIES},
    {"ptrace", try_ptrace, DIES},
    {"execveat", try_execveat, DIES},
    {"clone3", try_clone3, {ENOSYS, ANYHOW, 0, 0}},
    {"tgkill of the parent", try_tgkill, {ENOSYS, ANYHOW, 0, 0}},
    {"dumpable again", try_prctl, {ENOSYS, 0, 0, 0}},
    {"ioctl", try_ioctl, {ENOSYS, ANYHOW, 0, 0}},
    {"stat", try_newfstatat, {EACCES, ANYHOW, 0, 0}},
    /* A C library tries what is new to us, and takes ENOSYS for an answer. */
    {"SP7 unknown call", try_unknown, {ENOSYS, ENOSYS, 0, 0}},
    {"AF_PACKET", try_packet, {ENOSYS, EPERM, 0, 0}},
    {"AF_NETLINK", try_netlink, {ENOSYS, 0, 0, 0}},
    {"MPTCP", try_mptcp, {ENOSYS, ANYHOW, 0, 0}},
    {"socket option", try_filter, {ENOSYS, 0, 0, 0}},
#endif
    {"UDP to the target", use_udp, GOES_ON},
    {"TCP to the target", use_tcp, GOES_ON},
    {"memory", use_memory, GOES_ON},
    {"random numbers", use_random, GOES_ON},
    {"log", use_log, GOES_ON},
    {"abort", use_abort, {ABORTS, -SIGABRT, -SIGABRT, -SIGABRT}},
    {"crash", use_crash, {-SIGSEGV, -SIGSEGV, -SIGSEGV, -SIGSEGV}},
};

static const struct row parent_rows[] = {
    {"exec", try_exec, {-SIGSYS, 0, -SIGABRT, 0}},
    {"setuid", try_setuid, {EPERM, EPERM, -SIGABRT, EPERM}},
#ifdef __linux__
    {"ptrace", try_ptrace, DIES},
    {"io_uring", try_io_uring_setup, DIES},
    {"bpf", try_bpf, DIES},
    {"unshare", try_unshare, DIES},
    {"mount", try_mount, DIES},
    {"keyctl", try_keyctl, DIES},
    {"process_vm_readv", try_process_vm_readv, DIES},
    {"kexec_load", try_kexec_load, DIES},
    {"init_module", try_init_module, DIES},
#endif
    {"open", try_open, {0, 0, ANYHOW, 0}},
    {"fork", try_fork, GOES_ON},
    {"AF_UNIX", try_unix, GOES_ON},
    {"kill a worker", use_kill, GOES_ON},
    {"abort", use_abort, {-SIGABRT, -SIGABRT, -SIGABRT, -SIGABRT}},
};

/* Only where the kernel has version 4. */
static const struct row stranger_row = {
    "TCP to a stranger", try_stranger, {EACCES, EACCES, 0, 0}};

static char conf_file[] = "/nowhere/ddns-mux.conf";
static struct conf conf = {.file = conf_file, .ntargets = 1, .workers = 1};
static struct listen_set listen_set = {.count = 1};
static struct worker_setup setup = {.conf = &conf, .listen = &listen_set};
static int *answer; /* of the innermost process, shared with all */

static enum kind
this_kind(void)
{
	if (strstr(sandbox_name, "seccomp") != NULL)
		return SECCOMP;
	if (strstr(sandbox_name, "landlock") != NULL)
		return LANDLOCK;
	if (strstr(sandbox_name, "pledge") != NULL)
		return PLEDGE;
	return strcmp(sandbox_name, "none") == 0 ? NONE : CAPSICUM;
}

static int
set_up(void **state)
{
	int pipe_fds[2];

	(void)state;
	if (!addr_parse("127.0.0.1:0", 0, &target))
		return -1;
	stranger = target;
	listening_fd = sock_listen_tcp(&target);
	if (listening_fd == -1 || sock_local(listening_fd, &target) == -1 ||
	    sock_local(sock_listen_tcp(&stranger), &stranger) == -1 ||
	    sock_pipe(pipe_fds) == -1)
		return -1;
	conf.targets[0].addr = target;
	listen_set.listeners[0] = (struct listener){.is_tcp = true, .nfds = 1};
	listen_set.listeners[0].fds[0] = listening_fd;
	setup.order_fd = pipe_fds[0];
	setup.stats_fd = setup.lines_fd = pipe_fds[1];
	answer = mmap(NULL, sizeof(*answer), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANON, -1, 0);
	return answer == MAP_FAILED ? -1 : 0;
}

/* As in row.want. */
static int
outcome(int status)
{
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static int
wait_for(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid ? outcome(status) : ANYHOW + 1;
}

/* Does what the daemon's parent does before it forks workers. */
static void
become_parent(void)
{
	if (!signals_open() || !privs_drop(geteuid() == 0 ? "nobody" : "") ||
	    !sandbox_parent(&conf, NULL))
		_exit(200);
}

struct thread {
	const struct row *row;
	int go[2];
};

static void *
try_in_thread(void *arg)
{
	struct thread *t = arg;
	char octet;

	if (read(t->go[0], &octet, 1) != 1)
		_exit(201);
	_exit(t->row->attempt());
}

static void
be_worker(const struct row *row)
{
	struct thread t = {.row = row};
	pthread_t thread;

	signals_reset_in_worker();
	if (pipe(t.go) == -1 || !sandbox_worker_early(&setup) ||
	    pthread_create(&thread, NULL, try_in_thread, &t) != 0 ||
	    !sandbox_worker(&setup) || write(t.go[1], "", 1) != 1)
		_exit(202);
	(void)pthread_join(thread, NULL);
	_exit(203);
}

/* What became of a worker, or of its parent, that tried it. */
static int
attempt(const struct row *row, bool is_worker)
{
	pid_t pid = fork(), worker;

	if (pid == 0) {
		/* With it ends the worker, whatever holds either of them. */
		(void)alarm(HANG_MS / 1000);
		become_parent();
		if (!is_worker)
			_exit(row->attempt());
		worker = fork();
		if (worker == 0)
			be_worker(row);
		*answer = wait_for(worker);
		_exit(0);
	}
	return is_worker && wait_for(pid) == 0 ? *answer : wait_for(pid);
}

static void
check_rows(const struct row *rows, size_t n, bool is_worker)
{
	size_t i;

	if (this_kind() == NONE)
		skip();
	for (i = 0; i < n; i++) {
		int want = rows[i].want[this_kind()];
		int got = attempt(&rows[i], is_worker);

		if (want == ANYHOW)
			check_row(rows[i].name, got < 200);
		else
			check_row_int(rows[i].name, got, want);
	}
}

static void
test_worker(void **state)
{
	(void)state;
	check_rows(worker_rows, NELEM(worker_rows), true);
}

static void
test_parent(void **state)
{
	(void)state;
	check_rows(parent_rows, NELEM(parent_rows), false);
}

static void
test_stranger(void **state)
{
	(void)state;
#ifdef HAVE_LANDLOCK
	if (landlock_version() < 4)
		skip();
#endif
	check_rows(&stranger_row, 1, true);
}

/* Without random numbers nothing is started. */
static void
test_no_random(void **state)
{
	(void)state;
#ifdef HAVE_LIBSECCOMP
	pid_t pid = fork();

	if (pid == 0) {
		scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

		if (seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS),
			SCMP_SYS(getrandom), 0) != 0 ||
		    seccomp_load(filter) != 0 || !sandbox_worker_early(&setup))
			_exit(204);
		_exit(sandbox_worker(&setup) ? 205 : 0);
	}
	check_row_int("no getrandom", wait_for(pid), 0);
#else
	skip();
#endif
}

/* A worker that hangs ends when its parent does, though it reads no pipe. */
static void
test_orphan(void **state)
{
	struct pollfd pfd = {.events = POLLIN};
	int alive[2], ready[2];
	char octet;
	pid_t pid;

	(void)state;
	if (this_kind() == PLEDGE)
		skip();
	check_row("pipes", pipe(alive) == 0 && pipe(ready) == 0);
	pid = fork();
	if (pid == 0) {
		become_parent();
		if (fork() == 0) {
			const struct rlimit limit = {60, 60};

			/* Where the test fails it ends all the same. */
			(void)setrlimit(RLIMIT_CPU, &limit);
			signals_reset_in_worker();
			if (sandbox_worker_early(&setup) &&
			    sandbox_worker(&setup) &&
			    write(ready[1], "", 1) == 1) {
				for (;;)
					continue;
			}
			_exit(206);
		}
		_exit(read(ready[0], &octet, 1) == 1 ? 0 : 207);
	}
	close(alive[1]);
	check_row_int("parent", wait_for(pid), 0);
	pfd.fd = alive[0];
	check_row_int("end of the hung one", poll(&pfd, 1, HANG_MS), 1);
	close(alive[0]);
	close(ready[0]);
	close(ready[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_worker),
	    cmocka_unit_test(test_parent),
	    cmocka_unit_test(test_stranger),
	    cmocka_unit_test(test_no_random),
	    cmocka_unit_test(test_orphan),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
