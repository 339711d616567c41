/* SPDX-License-Identifier: ISC */
#include "mux/replay.h"

#include <string.h>

/* A shared word: 40 bits of the tag, and when it expires, modulo 2^24 s,
 * which is longer than any window. */
#define EXPIRY_BITS 24
#define EXPIRY_MASK (((uint64_t)1 << EXPIRY_BITS) - 1)

void
replay_init(struct replay *r, size_t nsets, struct replay_entry *own,
    _Atomic uint64_t *shared)
{
	r->nsets = nsets;
	r->own = own;
	r->shared = shared;
}

/* The first octets of the MAC: as good as random, and at least 10 long. */
static uint64_t
tag_of(const struct inbound *in)
{
	uint64_t tag;

	memcpy(&tag, in->request_mac.octets, sizeof(tag));
	return tag;
}

static uint64_t
expiry_of(const struct inbound *in, unsigned max_fudge_s)
{
	unsigned fudge = in->tsig.fudge_s;

	return in->tsig.time_signed +
	       (fudge < max_fudge_s ? fudge : max_fudge_s);
}

static size_t
set_of(const struct replay *r, uint64_t tag)
{
	return (size_t)(tag & (r->nsets - 1)) * REPLAY_WAYS;
}

static struct replay_entry *
find_own(struct replay *r, uint64_t tag)
{
	struct replay_entry *e = r->own + set_of(r, tag);
	size_t i;

	for (i = 0; i < REPLAY_WAYS; i++) {
		if (e[i].state != REPLAY_UNUSED && e[i].tag == tag)
			return &e[i];
	}
	return NULL;
}

/* Free, or expired, or the one that expires first. */
static struct replay_entry *
place_for(struct replay *r, uint64_t tag)
{
	struct replay_entry *e = r->own + set_of(r, tag), *place = e;
	size_t i;

	for (i = 0; i < REPLAY_WAYS; i++) {
		if (e[i].state == REPLAY_UNUSED)
			return &e[i];
		if (e[i].expires_s < place->expires_s)
			place = &e[i];
	}
	return place;
}

static uint64_t
word_of(uint64_t tag, uint64_t expires_s)
{
	return (tag & ~EXPIRY_MASK) | (expires_s & EXPIRY_MASK);
}

/* Seconds until the word expires, 0 if it has, or is empty. */
static uint64_t
remaining(uint64_t word, uint64_t now_s)
{
	uint64_t left = (word - now_s) & EXPIRY_MASK;

	return word == 0 || left > EXPIRY_MASK / 2 ? 0 : left + 1;
}

static bool
is_same(uint64_t word, uint64_t mine, uint64_t now_s)
{
	return ((word ^ mine) & ~EXPIRY_MASK) == 0 &&
	       remaining(word, now_s) > 0;
}

/* Index of the word in the set, but not at skip; REPLAY_WAYS if none. */
static size_t
find_word(_Atomic uint64_t *set, uint64_t mine, uint64_t now_s, size_t skip)
{
	size_t i;

	for (i = 0; i < REPLAY_WAYS; i++) {
		if (i != skip && is_same(atomic_load(&set[i]), mine, now_s))
			break;
	}
	return i;
}

/* Puts the word where least is lost; false if others were at it. */
static bool
put_word(_Atomic uint64_t *set, uint64_t mine, uint64_t now_s, size_t *index)
{
	uint64_t word, least = UINT64_MAX, victim = 0;
	size_t i;

	for (i = 0; i < REPLAY_WAYS && least > 0; i++) {
		word = atomic_load(&set[i]);
		/* Put there since it was looked for. */
		if (is_same(word, mine, now_s))
			return false;
		if (remaining(word, now_s) >= least)
			continue;
		least = remaining(word, now_s);
		victim = word;
		*index = i;
	}
	return atomic_compare_exchange_strong(&set[*index], &victim, mine);
}

/*
 * true for one process at most. Each looks again after it has put its
 * word: of two that did so at the same time both may lose, and then the
 * word is gone and its sender asks again; never do both win.
 */
static bool
claim(struct replay *r, uint64_t tag, uint64_t expires_s, uint64_t now_s)
{
	_Atomic uint64_t *set = r->shared + set_of(r, tag);
	uint64_t mine = word_of(tag, expires_s);
	size_t index = 0;

	do {
		if (find_word(set, mine, now_s, REPLAY_WAYS) != REPLAY_WAYS)
			return false;
	} while (!put_word(set, mine, now_s, &index));
	if (find_word(set, mine, now_s, index) == REPLAY_WAYS)
		return true;
	(void)atomic_compare_exchange_strong(&set[index], &mine, 0);
	return false;
}

static enum replay_verdict
judge_own(
    struct replay_entry *e, const struct inbound *in, const struct addr *source)
{
	if (e->is_tcp != in->is_tcp || !addr_eq(&e->source, source))
		return REPLAY_FOREIGN;
	if (e->state == REPLAY_OPEN)
		return REPLAY_IGNORE;
	if (e->state == REPLAY_ANSWERED)
		return REPLAY_REPEAT;
	e->state = REPLAY_OPEN;
	return REPLAY_NEW;
}

enum replay_verdict
replay_check(struct replay *r, const struct inbound *in,
    const struct addr *source, unsigned max_fudge_s, uint64_t now_s,
    const struct replay_entry **entry)
{
	uint64_t tag = tag_of(in), expires_s = expiry_of(in, max_fudge_s);
	struct replay_entry *e = find_own(r, tag);

	*entry = e;
	if (e != NULL)
		return judge_own(e, in, source);
	if (!claim(r, tag, expires_s, now_s))
		return REPLAY_FOREIGN;
	*place_for(r, tag) = (struct replay_entry){.tag = tag,
	    .expires_s = expires_s,
	    .source = *source,
	    .is_tcp = in->is_tcp,
	    .state = REPLAY_OPEN};
	return REPLAY_NEW;
}

void
replay_answered(struct replay *r, const struct inbound *in, enum rcode rcode,
    uint64_t now_s)
{
	struct replay_entry *e = find_own(r, tag_of(in));

	if (e == NULL)
		return;
	e->state = REPLAY_ANSWERED;
	e->rcode = (uint8_t)rcode;
	e->answered_s = now_s;
}

void
replay_silent(struct replay *r, const struct inbound *in)
{
	struct replay_entry *e = find_own(r, tag_of(in));

	if (e != NULL)
		e->state = REPLAY_SILENT;
}
