/* SPDX-License-Identifier: ISC */
/*
 * Preloaded into ddns-mux, for what no peer and no file can bring about:
 * clocks that jump, a message that a worker dies of, a worker that says
 * what is not ours, calls that fail. shim.py says what in a file that all
 * processes map (SHIM_CONTROL). All but the clocks is for workers only.
 */
#include <sys/mman.h>
#include <sys/socket.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FRAME_OCTETS 512

/* In the order of shim.py. */
#define CALLS(X) X(accept) X(connect) X(send) X(sendmsg) X(malloc)
#define ENUM(f) F_##f,
enum { CALLS(ENUM) NCALLS };

struct control {
	_Atomic int64_t wall_s; /* added to the clocks */
	_Atomic int64_t mono_s;
	_Atomic uint32_t deadly_len;
	uint8_t deadly[60]; /* who computes a MAC of it, aborts */
	_Atomic uint32_t line_len;
	uint8_t line[4096]; /* sent once, with a frame */
	_Atomic uint32_t error[NCALLS];
	_Atomic uint32_t failed[NCALLS];
};

static struct control *control;
static pid_t first;
static int lines_fd; /* of a worker, to the parent */

static __attribute__((constructor)) void
start(void)
{
	const char *path = getenv("SHIM_CONTROL");
	void *mem;
	int fd;

	if (path == NULL || (fd = open(path, O_RDWR)) == -1)
		return;
	mem = mmap(
	    NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (mem == MAP_FAILED)
		abort();
	first = getpid();
	control = mem;
}

static bool
is_worker(void)
{
	return control != NULL && getpid() != first;
}

static bool
fails(int call)
{
	uint32_t error = is_worker() ? control->error[call] : 0;

	if (error == 0)
		return false;
	control->failed[call]++;
	errno = (int)error;
	return true;
}

#define NEXT(f) \
	static __typeof__(&f) next; \
	if (next == NULL) \
	next = (__typeof__(&f))(uintptr_t)dlsym(RTLD_NEXT, #f)

/* Clocks */

int
clock_gettime(clockid_t id, struct timespec *ts)
{
	int result;

	NEXT(clock_gettime);
	result = next(id, ts);
	if (result == 0 && control != NULL)
		ts->tv_sec +=
		    id == CLOCK_REALTIME ? control->wall_s : control->mono_s;
	return result;
}

/* What a worker dies of */

static void
look_at(const void *data, size_t len)
{
	size_t n = is_worker() ? control->deadly_len : 0;

	if (n > 0 && memmem(data, len, control->deadly, n) != NULL)
		abort();
}

#define HASH(f) \
	int f(void *ctx, const unsigned char *data, size_t len); \
	int f(void *ctx, const unsigned char *data, size_t len) \
	{ \
		NEXT(f); \
		look_at(data, len); \
		return next(ctx, data, len); \
	}

HASH(EVP_MAC_update)
HASH(HMAC_Update)

/* What a worker says */

/* The parent makes one pair for each worker, just before the fork. */
int
socketpair(int family, int type, int protocol, int fds[2])
{
	int result;

	NEXT(socketpair);
	result = next(family, type, protocol, fds);
	lines_fd = result == 0 ? fds[1] : -1;
	return result;
}

ssize_t
write(int fd, const void *buf, size_t len)
{
	uint32_t n;

	NEXT(write);
	if (len == FRAME_OCTETS && is_worker() &&
	    (n = atomic_exchange(&control->line_len, 0)) != 0 &&
	    send(lines_fd, control->line, n, 0) == -1)
		abort();
	return next(fd, buf, len);
}

/* What fails */

ssize_t
send(int fd, const void *buf, size_t len, int flags)
{
	NEXT(send);
	return fd != lines_fd && fails(F_send) ? -1 : next(fd, buf, len, flags);
}

/* To a target, or to a client? */
static int
send_call(const struct msghdr *msg)
{
	return msg->msg_name == NULL ? F_send : F_sendmsg;
}

ssize_t
sendmsg(int fd, const struct msghdr *msg, int flags)
{
	NEXT(sendmsg);
	return fails(send_call(msg)) ? -1 : next(fd, msg, flags);
}

int
sendmmsg(int fd, struct mmsghdr *msgs, unsigned n, int flags)
{
	NEXT(sendmmsg);
	return fails(send_call(&msgs->msg_hdr)) ? -1 : next(fd, msgs, n, flags);
}

int
connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	NEXT(connect);
	return fails(F_connect) ? -1 : next(fd, addr, len);
}

int
accept(int fd, struct sockaddr *addr, socklen_t *len)
{
	NEXT(accept);
	return fails(F_accept) ? -1 : next(fd, addr, len);
}

#define MEMORY(f, params, args) \
	void *f params \
	{ \
		NEXT(f); \
		return fails(F_malloc) ? NULL : next args; \
	}

MEMORY(malloc, (size_t n), (n))
MEMORY(realloc, (void *p, size_t n), (p, n))

/* dlsym may call it, before it has found this one's. */
void *
calloc(size_t n, size_t size)
{
	static __typeof__(&calloc) next;
	static bool is_looking;

	if (next == NULL && !is_looking) {
		is_looking = true;
		next =
		    (__typeof__(&calloc))(uintptr_t)dlsym(RTLD_NEXT, "calloc");
	}
	return next == NULL || fails(F_malloc) ? NULL : next(n, size);
}
