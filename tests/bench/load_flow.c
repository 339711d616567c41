/* SPDX-License-Identifier: ISC */
#include "load.h"

#include <err.h>
#include <errno.h>
#include <string.h>

#include "base/compat.h"
#include "base/mono.h"
#include "dns/dns.h"
#include "net/sock.h"

#define BUFFER_OCTETS (4 * 1024 * 1024)
/* So that one that waits for its answer stops no others that are sent and
 * answered meanwhile. */
#define SLOTS_MIN 8192
#define SLOTS_MAX 65536

struct tally tally;

static struct batch batch;

static size_t
slots_for(const struct load *l, size_t quota)
{
	size_t n = SLOTS_MIN;

	if (l->period_ns != 0)
		return SLOTS_MAX;
	while (n < 4 * quota && n < SLOTS_MAX)
		n *= 2;
	return n;
}

static void
open_flow(struct flow *f, const struct load *l)
{
	int size = BUFFER_OCTETS;

	f->fd = l->is_tcp ? sock_connect_tcp(&l->server)
			  : sock_connect_udp(&l->server);
	if (f->fd == -1)
		err(1, "connect");
	f->is_connecting = l->is_tcp;
	if (!l->is_tcp)
		(void)setsockopt(
		    f->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	f->in.start = f->in.end = f->out.start = f->out.end = 0;
}

void
flow_init(struct flow *f, const struct load *l, size_t index)
{
	if (batch.octets == NULL)
		batch_init(&batch);
	f->quota =
	    l->outstanding / l->nflows + (index < l->outstanding % l->nflows);
	f->next_due = index;
	f->nslots = slots_for(l, f->quota);
	f->slots = calloc(f->nslots, sizeof(*f->slots));
	/* IDs of the flows differ, too. */
	f->next = f->oldest = arc4random();
	if (l->is_tcp) {
		f->in.cap = FRAME_OCTETS_MAX;
		f->out.cap = 16 * FRAME_OCTETS_MAX;
		f->in.buf = malloc(f->in.cap);
		f->out.buf = malloc(f->out.cap);
	}
	if (f->slots == NULL ||
	    (l->is_tcp && (f->in.buf == NULL || f->out.buf == NULL)))
		err(1, "no memory");
	open_flow(f, l);
}

static struct slot *
slot_of(struct flow *f, uint64_t number)
{
	return &f->slots[number & (f->nslots - 1)];
}

static void
release(struct flow *f, struct slot *s)
{
	s->is_busy = false;
	f->busy--;
}

void
flow_expire(struct flow *f, const struct load *l, uint64_t now_ns)
{
	for (; f->oldest < f->next; f->oldest++) {
		struct slot *s = slot_of(f, f->oldest);

		if (!s->is_busy)
			continue;
		if (s->due_ns + l->timeout_ns > now_ns)
			return;
		release(f, s);
		tally.lost++;
	}
}

uint64_t
flow_due_ns(const struct flow *f, const struct load *l)
{
	return l->start_ns + f->next_due * l->period_ns;
}

/* All at once would be more than any socket's buffer holds. */
static size_t
quota_now(const struct flow *f, const struct load *l, uint64_t now_ns)
{
	uint64_t since = now_ns - l->start_ns;

	return since >= l->ramp_ns
		   ? f->quota
		   : 1 + (size_t)(f->quota * since / l->ramp_ns);
}

static bool
may_begin(const struct flow *f, const struct load *l, uint64_t now_ns)
{
	if (f->next - f->oldest >= f->nslots || f->is_connecting ||
	    now_ns >= l->end_ns || l->next + l->first >= SERIALS_MAX)
		return false;
	if (l->is_tcp && !frame_has_room(&f->out, DNS_MSG_OCTETS_MAX))
		return false;
	if (l->period_ns != 0)
		return flow_due_ns(f, l) <= now_ns &&
		       flow_due_ns(f, l) < l->end_ns;
	return f->busy < quota_now(f, l, now_ns);
}

/* Of the next update; its length. */
static size_t
begin(struct flow *f, struct load *l, uint64_t now_ns, uint8_t *octets)
{
	struct slot *s = slot_of(f, f->next);
	const struct signer *key;
	size_t len;

	s->serial = l->first + (uint32_t)l->next++;
	s->id = (uint16_t)f->next++;
	s->due_ns = now_ns;
	s->is_busy = true;
	f->busy++;
	if (l->period_ns != 0) {
		s->due_ns = flow_due_ns(f, l);
		bench_hist_add(&tally.lateness, now_ns - s->due_ns);
		f->next_due += l->nflows;
	}
	key = &l->keys[s->serial % l->nkeys];
	len = load_msg_write(l, octets, s->id, s->serial);
	tally.sent++;
	return signer_sign(key, octets, len, wall_s(), NULL, s->mac);
}

static size_t
fill_datagrams(struct flow *f, struct load *l, uint64_t now_ns)
{
	size_t n = 0;

	while (n < BATCH && may_begin(f, l, now_ns)) {
		batch_put(
		    &batch, n, begin(f, l, now_ns, batch_at(&batch, n)), NULL);
		n++;
	}
	tally.failed += n - batch_send(&batch, f->fd, n);
	return n;
}

static void
flush(struct flow *f)
{
	if (!f->is_connecting && frame_flush(&f->out, f->fd) == FRAME_ERROR)
		err(1, "connection");
}

static void
fill_stream(struct flow *f, struct load *l, uint64_t now_ns)
{
	uint8_t *octets = batch_at(&batch, 0);

	while (may_begin(f, l, now_ns))
		frame_put(&f->out, octets, begin(f, l, now_ns, octets));
	flush(f);
}

void
flow_fill(struct flow *f, struct load *l, uint64_t now_ns)
{
	if (l->is_tcp) {
		fill_stream(f, l, now_ns);
		return;
	}
	while (fill_datagrams(f, l, now_ns) == BATCH)
		continue;
}

static void
take_answer(struct flow *f, const struct load *l, const uint8_t *octets,
    size_t len, uint64_t now_ns)
{
	uint16_t id = len < DNS_HEADER_OCTETS
			  ? 0
			  : (uint16_t)(octets[0] << 8 | octets[1]);
	struct slot *s = slot_of(f, id);

	if (len < DNS_HEADER_OCTETS || !s->is_busy || s->id != id) {
		tally.stray++;
		return;
	}
	if ((octets[2] & 0x80) == 0 ||
	    !signer_verify(&l->keys[s->serial % l->nkeys], octets, len,
		wall_s(), s->mac, NULL)) {
		tally.bad++;
		return;
	}
	release(f, s);
	tally.answered++;
	tally.rcodes[octets[3] & 0xf]++;
	tally.in_time += now_ns <= l->end_ns;
	bench_hist_add(&tally.latency, now_ns - s->due_ns);
	if ((octets[3] & 0xf) == RCODE_NOERROR)
		(void)bits_set(
		    (struct bits *)(uintptr_t)&l->answered, s->serial);
}

static void
take_datagrams(struct flow *f, const struct load *l)
{
	size_t n, i;

	do {
		uint64_t now;

		n = batch_receive(&batch, f->fd, BATCH, 0);
		now = bench_ns();
		for (i = 0; i < n; i++)
			take_answer(f, l, batch_at(&batch, i),
			    batch_len(&batch, i), now);
	} while (n == BATCH);
}

/* What was on its way is lost; a server may close when it has served
 * enough. */
static void
reconnect(struct flow *f, const struct load *l)
{
	for (; f->oldest < f->next; f->oldest++) {
		if (!slot_of(f, f->oldest)->is_busy)
			continue;
		release(f, slot_of(f, f->oldest));
		tally.lost++;
	}
	close(f->fd);
	open_flow(f, l);
}

static void
take_frames(struct flow *f, const struct load *l)
{
	enum frame_io io = frame_fill(&f->in, f->fd);
	uint64_t now = bench_ns();
	const uint8_t *octets;
	size_t len;

	while ((octets = frame_next(&f->in, &len)) != NULL)
		take_answer(f, l, octets, len, now);
	if (io == FRAME_CLOSED || io == FRAME_ERROR)
		reconnect(f, l);
}

void
flow_ready(struct flow *f, const struct load *l, short revents)
{
	if (f->is_connecting) {
		errno = sock_error(f->fd);
		if (errno != 0)
			err(1, "connect");
		f->is_connecting = false;
		return;
	}
	if ((revents & POLLOUT) != 0)
		flush(f);
	if ((revents & ~POLLOUT) == 0)
		return;
	if (l->is_tcp)
		take_frames(f, l);
	else
		take_datagrams(f, l);
}

short
flow_events(const struct flow *f)
{
	if (f->is_connecting)
		return POLLOUT;
	return f->out.start < f->out.end ? POLLIN | POLLOUT : POLLIN;
}
