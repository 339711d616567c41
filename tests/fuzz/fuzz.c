/* SPDX-License-Identifier: ISC */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/work.h"
#include "base/compat.h"

void
fuzz_fail(const char *file, int line, const char *condition)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
	abort();
}

uint8_t *
fuzz_copy(const void *octets, size_t len)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);

	if (copy == NULL)
		abort();
	if (len > 0)
		memcpy(copy, octets, len);
	return copy;
}

bool
fuzz_contains(
    const uint8_t *octets, size_t len, const void *what, size_t what_len)
{
	size_t i;

	for (i = 0; i + what_len <= len; i++) {
		if (octets[i] == *(const uint8_t *)what &&
		    memcmp(octets + i, what, what_len) == 0)
			return true;
	}
	return false;
}

static uint64_t work_began;

void
fuzz_work_begin(void)
{
	work_began = work;
}

void
fuzz_work_end(size_t most)
{
	FUZZ_CHECK(work - work_began <= most);
}

#define SHA256 "\013hmac-sha256", "hmac-sha256", "SHA256", 32, 16

const struct fuzz_key fuzz_keys[FUZZ_KEYS] = {
    {"\003key\007example", SHA256, 32},
    {"\005trunc\007example", SHA256, 16},
    {"\006sha512\007example", "\013hmac-sha512", "hmac-sha512", "SHA512", 64,
	32, 32},
    {"\003md5\007example", "\010hmac-md5\007sig-alg\003reg\003int", "hmac-md5",
	"MD5", 16, 10, 10},
    {"\004n128\007example", "\017hmac-sha256-128", "hmac-sha256-128", "SHA256",
	16, 16, 16},
    {"\007example\004test", SHA256, 32},
    {"\004near\007example", SHA256, 32},
    {"\007unknown\007example", SHA256, 32},
};

void
fuzz_secret(const struct fuzz_key *key, uint8_t secret[FUZZ_SECRET_OCTETS])
{
	size_t which = (size_t)(key - fuzz_keys), i;

	for (i = 0; i < FUZZ_SECRET_OCTETS; i++)
		secret[i] = (uint8_t)(i + 37 * which);
}

static void
copy_name(const char *wire, struct name *n)
{
	n->len = (uint8_t)(strlen(wire) + 1);
	memcpy(n->octets, wire, n->len);
}

void
fuzz_tsig(const struct fuzz_key *key, struct conf_tsig *tsig)
{
	memset(tsig, 0, sizeof(*tsig));
	copy_name(key->name, &tsig->name);
	tsig->alg = hmac_alg_by_text(key->alg_text);
	FUZZ_CHECK(tsig->alg != NULL);
	tsig->mac_min = (uint8_t)key->mac_min;
}

struct hmac *
fuzz_hmac(const struct fuzz_key *key)
{
	uint8_t secret[FUZZ_SECRET_OCTETS];
	const struct hmac_alg *alg = hmac_alg_by_text(key->alg_text);
	struct hmac *h;

	fuzz_secret(key, secret);
	h = hmac_new(alg->hash, secret, sizeof(secret));
	FUZZ_CHECK(h != NULL);
	return h;
}

static int
compare_clients(const void *a, const void *b)
{
	const struct conf_client *x = a, *y = b;

	return name_cmp(&x->tsig.name, &y->tsig.name);
}

static const struct fuzz_key *
key_of(const struct conf_tsig *tsig)
{
	size_t i = 0;

	while (strcmp((const char *)tsig->name.octets, fuzz_keys[i].name) != 0)
		i++;
	return &fuzz_keys[i];
}

static void
make_clients(struct fuzz_world *w)
{
	static struct name zone;
	static struct prefix near;
	size_t i;

	copy_name("\007example\004test", &zone);
	FUZZ_CHECK(prefix_parse("127.0.0.0/8", &near));
	for (i = 0; i < FUZZ_KEY_UNKNOWN; i++)
		fuzz_tsig(&fuzz_keys[i], &w->clients[i].tsig);
	w->clients[FUZZ_KEY_ZONE].zones = (struct zone_set){&zone, 1};
	w->clients[FUZZ_KEY_NEAR].sources = (struct prefix_set){&near, 1};
	qsort(w->clients, FUZZ_KEY_UNKNOWN, sizeof(w->clients[0]),
	    compare_clients);
	for (i = 0; i < FUZZ_KEY_UNKNOWN; i++)
		w->hmacs[i] = fuzz_hmac(key_of(&w->clients[i].tsig));
	w->conf.clients = w->clients;
	w->conf.nclients = FUZZ_KEY_UNKNOWN;
	w->conf.max_fudge_s = FUZZ_MAX_FUDGE;
	w->conf.records_per_update = FUZZ_MAX_RECORDS;
}

static void
make_targets(struct fuzz_world *w)
{
	static struct name zones[2], zone;
	size_t i;

	copy_name("\004arpa", &zones[0]);
	copy_name("\004test", &zones[1]);
	copy_name("\007example\004test", &zone);
	w->target_keys[0] = &fuzz_keys[1];
	w->target_keys[1] = &fuzz_keys[2];
	for (i = 0; i < FUZZ_TARGETS; i++) {
		fuzz_tsig(w->target_keys[i], &w->conf.targets[i].tsig);
		w->target_hmacs[i] = fuzz_hmac(w->target_keys[i]);
	}
	w->conf.targets[0].zones = (struct zone_set){zones, 2};
	w->conf.targets[1].zones = (struct zone_set){&zone, 1};
	w->conf.ntargets = FUZZ_TARGETS;
}

struct fuzz_world *
fuzz_world(void)
{
	static struct fuzz_world world;

	if (world.conf.nclients == 0) {
		make_clients(&world);
		make_targets(&world);
	}
	return &world;
}
