/* SPDX-License-Identifier: ISC */
#include "bench.h"

#include <sys/mman.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include <err.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

#include "base/compat.h"
#include "dns/dns.h"

/* Not a power of two: else the same lines of the cache would serve all. */
#define BATCH_STRIDE (DNS_MSG_OCTETS_MAX + 1 + 832)

uint64_t
bench_ns(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) == -1)
		err(1, "clock_gettime");
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

void
bench_punctual(void)
{
#ifdef PR_SET_TIMERSLACK
	(void)prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
#endif
}

uint64_t
bench_number(const char *text, uint64_t max, const char *what)
{
	const char *why;
	long long n = strtonum(text, 0, (long long)max, &why);

	if (why != NULL)
		errx(2, "%s: %s is %s", what, text, why);
	return (uint64_t)n;
}

struct addr
bench_addr(const char *text)
{
	struct addr a;

	if (!addr_parse(text, 0, &a))
		errx(2, "no address: %s", text);
	return a;
}

/* Xorshift. */
struct addr
bench_key_addr(char *text)
{
	char *where = strchr(text, '=');

	if (where == NULL)
		errx(2, "%s: not key=address:port", text);
	*where = '\0';
	return bench_addr(where + 1);
}

double
bench_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (double)(*state >> 11) / (double)(1ull << 53);
}

void
bits_open(struct bits *b, const char *path)
{
	size_t len = SERIALS_MAX / 8;
	int fd = -1;

	if (path != NULL) {
		fd = open(path, O_RDWR | O_CREAT, 0600);
		if (fd == -1 || ftruncate(fd, (off_t)len) == -1)
			err(1, "%s", path);
	}
	b->octets = mmap(NULL, len, PROT_READ | PROT_WRITE,
	    path != NULL ? MAP_SHARED : MAP_PRIVATE | MAP_ANON, fd, 0);
	if (b->octets == MAP_FAILED)
		err(1, "mmap");
	if (fd != -1)
		close(fd);
}

bool
bits_set(struct bits *b, uint32_t serial)
{
	uint8_t *octet = &b->octets[serial % SERIALS_MAX / 8];
	uint8_t bit = (uint8_t)(1u << (serial & 7));
	bool was_set = (*octet & bit) != 0;

	*octet |= bit;
	return was_set;
}

/* The first HIST_STEPS buckets are exact; from there on each power of two
 * has as many. */
static size_t
bucket_of(uint64_t ns)
{
	unsigned shift = 0;
	size_t i;

	while (ns >> shift >= 2 * HIST_STEPS)
		shift++;
	i = shift * HIST_STEPS + (size_t)(ns >> shift);
	return i < HIST_BUCKETS ? i : HIST_BUCKETS - 1;
}

static double
bucket_ns(size_t i)
{
	size_t shift = i < 2 * HIST_STEPS ? 0 : i / HIST_STEPS - 1;

	return ((double)(i - shift * HIST_STEPS) + 0.5) *
	       (double)(1ull << shift);
}

void
bench_hist_add(struct bench_hist *h, uint64_t ns)
{
	h->count[bucket_of(ns)]++;
	h->total++;
	h->sum += ns;
	if (ns > h->max)
		h->max = ns;
}

double
bench_hist_us(const struct bench_hist *h, double share)
{
	uint64_t want = (uint64_t)((double)h->total * share), seen = 0;
	size_t i;

	for (i = 0; i < HIST_BUCKETS; i++) {
		seen += h->count[i];
		if (seen > want)
			return bucket_ns(i) / 1000;
	}
	return (double)h->max / 1000;
}

size_t
bench_zone_end(const uint8_t *octets, size_t len)
{
	size_t at = DNS_HEADER_OCTETS;

	while (at < len && octets[at] != 0)
		at += (size_t)octets[at] + 1;
	return at + 5 < len && at + 5 <= BENCH_HEAD_OCTETS ? at + 5 : 0;
}

size_t
bench_answer(
    const uint8_t *request, size_t zone_end, unsigned rcode, uint8_t *answer)
{
	memcpy(answer, request, zone_end);
	answer[2] |= 0x80;
	answer[3] = (uint8_t)rcode;
	memset(answer + 6, 0, 6);
	return zone_end;
}

size_t
bench_copy(const uint8_t *request, size_t len, uint16_t id, uint8_t *copy)
{
	memcpy(copy, request, len);
	copy[0] = (uint8_t)(id >> 8);
	copy[1] = (uint8_t)id;
	copy[11]--;
	return len;
}

void
batch_init(struct batch *b)
{
	size_t i;

	memset(b, 0, sizeof(*b));
	b->octets = calloc(BATCH, BATCH_STRIDE);
	if (b->octets == NULL)
		err(1, "no memory");
	for (i = 0; i < BATCH; i++) {
		b->iov[i].iov_base = batch_at(b, i);
		b->hdrs[i].msg_hdr.msg_iov = &b->iov[i];
		b->hdrs[i].msg_hdr.msg_iovlen = 1;
	}
}

uint8_t *
batch_at(struct batch *b, size_t i)
{
	return b->octets + i * BATCH_STRIDE;
}

size_t
batch_len(const struct batch *b, size_t i)
{
	return b->hdrs[i].msg_len;
}

size_t
batch_receive(struct batch *b, int fd, size_t max, int flags)
{
	size_t i;
	int n;

	for (i = 0; i < max; i++) {
		b->iov[i].iov_len = DNS_MSG_OCTETS_MAX;
		b->hdrs[i].msg_hdr.msg_name = &b->peers[i];
		b->hdrs[i].msg_hdr.msg_namelen = sizeof(b->peers[i]);
	}
	n = recvmmsg(fd, b->hdrs, (unsigned)max, flags, NULL);
	return n > 0 ? (size_t)n : 0;
}

void
batch_put(struct batch *b, size_t i, size_t len, const struct addr *to)
{
	struct msghdr *h = &b->hdrs[i].msg_hdr;

	b->iov[i].iov_len = len;
	h->msg_name = NULL;
	h->msg_namelen = 0;
	if (to == NULL)
		return;
	b->peers[i] = *to;
	h->msg_name = &b->peers[i];
	h->msg_namelen = addr_len(to);
}

size_t
batch_send(struct batch *b, int fd, size_t n)
{
	size_t sent = 0, failed = 0;

	while (sent + failed < n) {
		int done = sendmmsg(fd, b->hdrs + sent + failed,
		    (unsigned)(n - sent - failed), MSG_NOSIGNAL);

		/* Its first one was refused, or is an earlier one's error. */
		if (done <= 0)
			failed++;
		else
			sent += (size_t)done;
	}
	return sent;
}
