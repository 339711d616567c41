/* SPDX-License-Identifier: ISC */
/*
 * Preloaded into ddns-mux: lets the n-th call of one function fail, in one
 * process and in one kind of its threads, as the runner says in a file that
 * all of them map (FAIL_CONTROL). Counts all calls there.
 *
 * System calls count when our own code makes them. Memory counts on two
 * lines: "memory", each request of our own code, if need be by way of the C
 * library; "foreign", one request of another library for each path in our
 * code and each three innermost callers in theirs.
 */
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <net/if.h>

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <grp.h>
#include <link.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROCESSES 32
#define FUNCTIONS 64
#define STACKS 4096
#define DEPTH 48
#define INNERMOST 2 /* frames of the shim itself */
#define CALLERS 3

/* control.py knows it, too. */
struct control {
	/* Set by the runner; nothing fails while n is 0. */
	uint32_t process, is_thread, function, n, error;
	_Atomic uint32_t has_failed;
	_Atomic uint32_t nprocesses;
	_Atomic uint32_t bad_closes; /* of what is not ours to close */
	_Atomic uint32_t epoch; /* changes when counting begins anew */
	uint32_t is_lasting; /* from the n-th call on */
	int32_t pid[PROCESSES];
	uint64_t site; /* in our program: the nearest caller */
	char origin[64]; /* the library that asked for memory */
	char name[FUNCTIONS][32];
	_Atomic uint32_t count[PROCESSES][2][FUNCTIONS];
};

/* In the order of name[]. The formatter never comes to rest on it. */
/* clang-format off */
#define LIST(X) \
	X(memory) X(foreign) X(accept) X(bind) X(chdir) X(connect) \
	X(dup2) X(fcntl) X(fdopen) X(flock) X(fork) X(fstat) X(ftruncate) \
	X(getpwnam) X(getrlimit) X(getsockname) X(getsockopt) X(listen) \
	X(mmap) X(open) X(pipe) X(poll) X(prctl) X(pthread_attr_init) \
	X(pthread_attr_setstacksize) X(pthread_create) X(pwrite) X(read) \
	X(realpath) X(recv) X(recvmmsg) X(recvmsg) X(send) X(sendmmsg) \
	X(sendmsg) X(setgroups) X(setresgid) X(setresuid) X(setrlimit) \
	X(setsid) X(setsockopt) X(sigaction) X(socket) X(socketpair) X(stat) \
	X(unlink) X(waitpid) X(write)
/* clang-format on */
#define ENUM(f) F_##f,
enum { LIST(ENUM) NFUNCTIONS };
#define TEXT(f) #f,
static const char *const names[] = {LIST(TEXT)};

static struct control *control;
static uintptr_t program_start, program_end;
static unsigned process;
static uint64_t seen[STACKS]; /* of this process, hashed */
static uint32_t seen_in; /* this epoch */
#define LOCAL __thread __attribute__((tls_model("initial-exec")))
static LOCAL bool is_inside;
static LOCAL bool is_in_getpwnam; /* not our own request, then */

static int
find_program(struct dl_phdr_info *info, size_t size, void *arg)
{
	size_t i;

	(void)size;
	(void)arg;
	program_start = info->dlpi_addr;
	for (i = 0; i < info->dlpi_phnum; i++) {
		if (info->dlpi_phdr[i].p_type == PT_LOAD)
			program_end = info->dlpi_addr +
				      info->dlpi_phdr[i].p_vaddr +
				      info->dlpi_phdr[i].p_memsz;
	}
	return 1; /* the first is the program */
}

static __attribute__((constructor)) void
start(void)
{
	const char *path = getenv("FAIL_CONTROL");
	void *stack[DEPTH], *mem;
	int fd, i;

	if (path == NULL || (fd = open(path, O_RDWR)) == -1)
		return;
	mem = mmap(
	    NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (mem == MAP_FAILED)
		abort();
	(void)backtrace(stack, DEPTH); /* loads what it needs */
	dl_iterate_phdr(find_program, NULL);
	control = mem;
	process = atomic_fetch_add(&control->nprocesses, 1);
	control->pid[process] = getpid();
	for (i = 0; i < NFUNCTIONS; i++)
		strncpy(
		    control->name[i], names[i], sizeof(control->name[i]) - 1);
}

static bool
is_ours(const void *caller)
{
	return (uintptr_t)caller >= program_start &&
	       (uintptr_t)caller < program_end;
}

/* Counts a call; is it the one? Then errno is set. */
static bool
counts(int function, const void *site, const char *library)
{
	unsigned is_thread = gettid() != getpid();
	uint32_t n = 1 + atomic_fetch_add(
			     &control->count[process][is_thread][function], 1);

	if (control->n == 0 || control->process != process ||
	    control->is_thread != is_thread ||
	    control->function != (uint32_t)function || n < control->n ||
	    (n > control->n && control->is_lasting == 0))
		return false;
	control->site = (uintptr_t)site - program_start;
	strncpy(control->origin, library, sizeof(control->origin) - 1);
	atomic_store(&control->has_failed, 1);
	errno = (int)control->error;
	return true;
}

static bool
fails(int function, const void *caller)
{
	return control != NULL && is_ours(caller) &&
	       counts(function, caller, "");
}

static bool
is_new(uint64_t hash)
{
	size_t i = hash % STACKS;

	if (seen_in != control->epoch)
		memset(seen, 0, sizeof(seen));
	seen_in = control->epoch;
	for (; seen[i] != 0; i = (i + 1) % STACKS) {
		if (seen[i] == hash)
			return false;
	}
	seen[i] = hash;
	return true;
}

/* Neither our code nor a library that asks for itself. */
static bool
is_below(const char *library)
{
	static const char *const below[] = {
	    "libc.so", "ld-linux", "libasan", "libubsan", "fail.so"};
	size_t i;

	for (i = 0; i < sizeof(below) / sizeof(below[0]); i++) {
		if (strstr(library, below[i]) != NULL)
			return true;
	}
	return false;
}

static const char *
library_of(void *address)
{
	struct dl_find_object found;
	const char *name, *base;

	if (_dl_find_object(address, &found) != 0)
		return NULL;
	name = found.dlfo_link_map->l_name;
	base = strrchr(name, '/');
	return is_below(name) ? NULL : base != NULL ? base + 1 : name;
}

static bool
memory_fails_at(void *const *stack, int depth)
{
	const char *library = NULL;
	uint64_t hash = 14695981039346656037u; /* FNV-1a, by words */
	int i, j;

	for (i = 0; i < depth && !is_ours(stack[i]); i++) {
		if (library == NULL)
			library = library_of(stack[i]);
	}
	if (i == depth)
		return false; /* nothing of ours, or deeper than we look */
	if (is_in_getpwnam)
		library = "getpwnam";
	if (library == NULL)
		return counts(F_memory, stack[i], "");
	for (j = INNERMOST; j < depth; j++) {
		if (j < INNERMOST + CALLERS || j >= i)
			hash = (hash ^ (uintptr_t)stack[j]) * 1099511628211u;
	}
	return is_new(hash) && counts(F_foreign, stack[i], library);
}

/* Does it matter who asks? */
static bool
is_watching(void)
{
	return control->n == 0 ||
	       (control->process == process && control->has_failed == 0 &&
		   control->is_thread == (gettid() != getpid()) &&
		   (control->function == F_memory ||
		       control->function == F_foreign));
}

static __attribute__((noinline)) bool
memory_fails(void)
{
	void *stack[DEPTH];
	bool result;

	if (control == NULL || is_inside || !is_watching())
		return false;
	is_inside = true;
	result = memory_fails_at(stack, backtrace(stack, DEPTH));
	is_inside = false;
	return result;
}

#define NEXT(f) \
	static __typeof__(&f) next; \
	if (next == NULL) \
	next = (__typeof__(&f))(uintptr_t)dlsym(RTLD_NEXT, #f)

#define MEMORY(type, f, params, args, failure) \
	type f params \
	{ \
		NEXT(f); \
		return memory_fails() ? failure : next args; \
	}

#define CALL(type, f, params, args, failure) \
	type f params \
	{ \
		NEXT(f); \
		return fails(F_##f, __builtin_return_address(0)) ? failure \
								 : next args; \
	}

MEMORY(void *, malloc, (size_t n), (n), NULL)
MEMORY(void *, calloc, (size_t n, size_t size), (n, size), NULL)
MEMORY(void *, realloc, (void *p, size_t n), (p, n), NULL)
MEMORY(
    void *, reallocarray, (void *p, size_t n, size_t size), (p, n, size), NULL)
/* A sanitizer's own do not call malloc. */
MEMORY(char *, strdup, (const char *s), (s), NULL)
MEMORY(char *, strndup, (const char *s, size_t n), (s, n), NULL)

CALL(int, accept, (int fd, struct sockaddr *a, socklen_t *n), (fd, a, n), -1)
CALL(int, bind, (int fd, const struct sockaddr *a, socklen_t n), (fd, a, n), -1)
CALL(int, chdir, (const char *path), (path), -1)
CALL(int, connect, (int fd, const struct sockaddr *a, socklen_t n), (fd, a, n),
    -1)
CALL(int, dup2, (int from, int to), (from, to), -1)
CALL(FILE *, fdopen, (int fd, const char *mode), (fd, mode), NULL)
CALL(int, flock, (int fd, int operation), (fd, operation), -1)
CALL(int, fstat, (int fd, struct stat *st), (fd, st), -1)
CALL(int, ftruncate, (int fd, off_t length), (fd, length), -1)
CALL(int, getrlimit, (__rlimit_resource_t r, struct rlimit *l), (r, l), -1)
CALL(int, getsockname, (int fd, struct sockaddr *a, socklen_t *n), (fd, a, n),
    -1)
CALL(int, getsockopt, (int fd, int level, int name, void *v, socklen_t *n),
    (fd, level, name, v, n), -1)
CALL(int, listen, (int fd, int backlog), (fd, backlog), -1)
CALL(void *, mmap, (void *p, size_t n, int prot, int flags, int fd, off_t o),
    (p, n, prot, flags, fd, o), MAP_FAILED)
CALL(int, pipe, (int fds[2]), (fds), -1)
CALL(int, socketpair, (int domain, int type, int protocol, int fds[2]),
    (domain, type, protocol, fds), -1)
CALL(int, poll, (struct pollfd * p, nfds_t n, int ms), (p, n, ms), -1)
CALL(ssize_t, pwrite, (int fd, const void *p, size_t n, off_t o), (fd, p, n, o),
    -1)
CALL(ssize_t, read, (int fd, void *p, size_t n), (fd, p, n), -1)
CALL(char *, realpath, (const char *path, char *out), (path, out), NULL)
CALL(ssize_t, recv, (int fd, void *p, size_t n, int flags), (fd, p, n, flags),
    -1)
CALL(int, recvmmsg,
    (int fd, struct mmsghdr *m, unsigned n, int flags, struct timespec *t),
    (fd, m, n, flags, t), -1)
CALL(
    ssize_t, recvmsg, (int fd, struct msghdr *m, int flags), (fd, m, flags), -1)
CALL(ssize_t, send, (int fd, const void *p, size_t n, int flags),
    (fd, p, n, flags), -1)
CALL(int, sendmmsg, (int fd, struct mmsghdr *m, unsigned n, int flags),
    (fd, m, n, flags), -1)
CALL(ssize_t, sendmsg, (int fd, const struct msghdr *m, int flags),
    (fd, m, flags), -1)
CALL(int, setgroups, (size_t n, const gid_t *list), (n, list), -1)
CALL(int, setresgid, (gid_t r, gid_t e, gid_t s), (r, e, s), -1)
CALL(int, setresuid, (uid_t r, uid_t e, uid_t s), (r, e, s), -1)
CALL(
    int, setrlimit, (__rlimit_resource_t r, const struct rlimit *l), (r, l), -1)
CALL(pid_t, setsid, (void), (), -1)
CALL(int, setsockopt, (int fd, int level, int name, const void *v, socklen_t n),
    (fd, level, name, v, n), -1)
CALL(int, sigaction,
    (int signo, const struct sigaction *sa, struct sigaction *old),
    (signo, sa, old), -1)
CALL(int, socket, (int family, int type, int protocol),
    (family, type, protocol), -1)
CALL(int, stat, (const char *path, struct stat *st), (path, st), -1)
CALL(int, unlink, (const char *path), (path), -1)
CALL(pid_t, waitpid, (pid_t pid, int *status, int options),
    (pid, status, options), -1)
CALL(ssize_t, write, (int fd, const void *p, size_t n), (fd, p, n), -1)

/* These return the error. */
CALL(int, pthread_attr_init, (pthread_attr_t * a), (a), errno)
CALL(int, pthread_attr_setstacksize, (pthread_attr_t * a, size_t n), (a, n),
    errno)
CALL(int, pthread_create,
    (pthread_t * t, const pthread_attr_t *a, void *(*f)(void *), void *arg),
    (t, a, f, arg), errno)

/* These have arguments that may be left out. */
int
open(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	NEXT(open);
	va_start(ap, flags);
	mode = (flags & O_CREAT) != 0 ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	return fails(F_open, __builtin_return_address(0))
		   ? -1
		   : next(path, flags, mode);
}

int
fcntl(int fd, int command, ...)
{
	va_list ap;
	void *arg;

	NEXT(fcntl);
	va_start(ap, command);
	arg = va_arg(ap, void *);
	va_end(ap);
	return fails(F_fcntl, __builtin_return_address(0))
		   ? -1
		   : next(fd, command, arg);
}

int
prctl(int option, ...)
{
	static int (*next)(int, ...);
	unsigned long a[4];
	va_list ap;
	int i;

	if (next == NULL)
		next = (int (*)(int, ...))(uintptr_t)dlsym(RTLD_NEXT, "prctl");
	va_start(ap, option);
	for (i = 0; i < 4; i++)
		a[i] = va_arg(ap, unsigned long);
	va_end(ap);
	return fails(F_prctl, __builtin_return_address(0))
		   ? -1
		   : next(option, a[0], a[1], a[2], a[3]);
}

struct passwd *
getpwnam(const char *name)
{
	struct passwd *pw;

	NEXT(getpwnam);
	if (fails(F_getpwnam, __builtin_return_address(0)))
		return NULL;
	is_in_getpwnam = true;
	pw = next(name);
	is_in_getpwnam = false;
	return pw;
}

int
close(int fd)
{
	NEXT(close);
	if (control != NULL && is_ours(__builtin_return_address(0)) && fd <= 2)
		atomic_fetch_add(&control->bad_closes, 1);
	return next(fd);
}

/* Children have the number of their birth. */
pid_t
fork(void)
{
	unsigned number;
	pid_t pid;

	NEXT(fork);
	if (control == NULL)
		return next();
	if (fails(F_fork, __builtin_return_address(0)))
		return -1;
	number = atomic_fetch_add(&control->nprocesses, 1);
	if (number >= PROCESSES) /* no call of theirs is meant */
		number = PROCESSES - 1;
	pid = next();
	if (pid == 0) {
		process = number;
		control->pid[process] = getpid();
	}
	return pid;
}
