/* SPDX-License-Identifier: ISC */
#include "sink.h"

#include <err.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/compat.h"
#include "base/mono.h"
#include "dns/dns.h"

#define LABEL_DIGITS 8

static uint64_t seed = 0x9e3779b97f4a7c15;

/* The name of the first record begins with "h" and the serial in hex. */
static bool
serial_of(const uint8_t *octets, size_t len, size_t at, uint32_t *serial)
{
	size_t i;

	if (at + 2 + LABEL_DIGITS > len || octets[at] < 1 + LABEL_DIGITS)
		return false;
	*serial = 0;
	for (i = 0; i < LABEL_DIGITS; i++) {
		uint8_t c = octets[at + 2 + i];

		*serial = *serial << 4 | ((c & 0xfu) + (c > 0x39 ? 9u : 0u));
	}
	return true;
}

static uint64_t
due_ns(const struct sink_target *t)
{
	double delay = (double)t->delay_ns;

	if (t->delay_ns == 0)
		return 0;
	if (t->is_exp)
		delay *= -log(1 - bench_random(&seed));
	return bench_ns() + (uint64_t)delay;
}

size_t
sink_judge(struct sink_target *t, const uint8_t *octets, size_t len,
    uint8_t answer[ANSWER_MAX], uint64_t *due)
{
	uint8_t request[SIGNER_MAC_OCTETS], mac[SIGNER_MAC_OCTETS];
	uint64_t now_s = wall_s();
	unsigned rcode = 0;
	uint32_t serial;
	size_t zone;

	zone = bench_zone_end(octets, len);
	if (zone == 0 || !serial_of(octets, len, zone, &serial) ||
	    !signer_verify(&t->signer, octets, len, now_s, NULL, request)) {
		t->bad++;
		return 0;
	}
	if (t->is_mute || (t->loss > 0 && bench_random(&seed) < t->loss)) {
		t->lost++;
		return 0;
	}
	if (bits_set(&t->got, serial))
		t->again++;
	else
		t->fresh++;
	if (t->rcode_share > 0 && bench_random(&seed) < t->rcode_share)
		rcode = t->rcode;
	*due = due_ns(t);
	return signer_sign(&t->signer, answer,
	    bench_answer(octets, zone, rcode, answer), now_s, request, mac);
}

static void
set_option(struct sink_target *t, const char *name, const char *value)
{
	if (strcmp(name, "bits") == 0) {
		bits_open(&t->got, value);
	} else if (strcmp(name, "delay_us") == 0 ||
		   strcmp(name, "exp_us") == 0) {
		t->delay_ns = bench_number(value, 10000000, name) * 1000;
		t->is_exp = name[0] == 'e';
	} else if (strcmp(name, "mute") == 0) {
		t->is_mute = bench_number(value, 1, name) != 0;
	} else if (strcmp(name, "loss_ppm") == 0) {
		t->loss = (double)bench_number(value, 1000000, name) / 1e6;
	} else if (strcmp(name, "rcode") == 0) {
		t->rcode = (uint8_t)bench_number(value, 15, name);
	} else if (strcmp(name, "rcode_ppm") == 0) {
		t->rcode_share =
		    (double)bench_number(value, 1000000, name) / 1e6;
	} else {
		errx(2, "%s: unknown", name);
	}
}

/* key[,name=value ...] */
void
sink_target_init(struct sink_target *t, char *text)
{
	char *key = strsep(&text, ","), *option, *value;

	memset(t, 0, sizeof(*t));
	signer_init(&t->signer, key);
	while ((option = strsep(&text, ",")) != NULL) {
		value = strchr(option, '=');
		if (value == NULL)
			errx(2, "%s: no value", option);
		*value++ = '\0';
		set_option(t, option, value);
	}
	if (t->got.octets == NULL)
		bits_open(&t->got, NULL);
}

void
sink_target_print(const struct sink_target *t, bool is_last)
{
	printf("{\"fresh\": %llu, \"again\": %llu, \"bad\": %llu, "
	       "\"lost\": %llu}%s",
	    (unsigned long long)t->fresh, (unsigned long long)t->again,
	    (unsigned long long)t->bad, (unsigned long long)t->lost,
	    is_last ? "]\n" : ", ");
}
