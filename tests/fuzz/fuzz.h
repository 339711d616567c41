/* SPDX-License-Identifier: ISC */
/*
 * What the fuzz targets share: keys, a configuration, TSIG records made
 * to order, and a second opinion on names, messages and MACs. The second
 * opinion (ref_*) uses nothing of src/dns.
 * One source serves libFuzzer, AFL++ and replay.c.
 */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"

#define FUZZ_NOW 1700000000
#define FUZZ_MAX_FUDGE 600
#define FUZZ_MAX_RECORDS 500
#define FUZZ_SECRET_OCTETS 64
#define FUZZ_OCTETS_MAX 65535

#define FUZZ_CHECK(condition) \
	do { \
		if (!(condition)) \
			fuzz_fail(__FILE__, __LINE__, #condition); \
	} while (0)

extern const char fuzz_what[]; /* its corpus is the folder fuzz_what.in */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

void fuzz_fail(const char *file, int line, const char *condition)
    __attribute__((noreturn));
/* In memory of exactly that size, to be freed. */
uint8_t *fuzz_copy(const void *octets, size_t len);
bool fuzz_contains(
    const uint8_t *octets, size_t len, const void *what, size_t what_len);

/* I6: the work for a message is bounded by its length. It is the number of
 * calls in src/dns and src/mux, since each loop over octets there calls a
 * function for each of them; nothing is counted unless these were built with
 * -finstrument-functions. A name is at most 255 octets and 127 pointers. */
#define FUZZ_WORK_NAME 2000
#define FUZZ_WORK_FIXED 10000
#define FUZZ_WORK_PER_OCTET 600

void fuzz_work_begin(void);
void fuzz_work_end(size_t most);
#define FUZZ_WORK(len) (FUZZ_WORK_FIXED + FUZZ_WORK_PER_OCTET * (size_t)(len))

/* Keys. The last one is in no configuration. */
#define FUZZ_KEYS 8
#define FUZZ_KEY_UNKNOWN (FUZZ_KEYS - 1)

struct fuzz_key {
	const char *name; /* wire form, but for the NUL at its end */
	const char *alg; /* likewise */
	const char *alg_text;
	const char *md;
	size_t mac_len;
	size_t alg_min; /* RFC 8945 5.2.2.1 */
	size_t mac_min; /* of the configuration */
};

extern const struct fuzz_key fuzz_keys[FUZZ_KEYS];

void fuzz_secret(
    const struct fuzz_key *key, uint8_t secret[FUZZ_SECRET_OCTETS]);
void fuzz_tsig(const struct fuzz_key *key, struct conf_tsig *tsig);
struct hmac *fuzz_hmac(const struct fuzz_key *key);

/* Clients for all keys but the unknown one, two targets. Client
 * FUZZ_KEY_ZONE may change example.test only; FUZZ_KEY_NEAR has to come
 * from 127/8. */
#define FUZZ_KEY_ZONE 5
#define FUZZ_KEY_NEAR 6
#define FUZZ_TARGETS 2

struct fuzz_world {
	struct conf conf;
	struct conf_client clients[FUZZ_KEYS - 1];
	struct hmac *hmacs[FUZZ_KEYS - 1]; /* of the clients */
	const struct fuzz_key *target_keys[FUZZ_TARGETS];
	struct hmac *target_hmacs[FUZZ_TARGETS];
};

struct fuzz_world *fuzz_world(void);

/* A TSIG record to order, and what else the first octets decide. */
#define FUZZ_SEAL_OCTETS 3

struct fuzz_seal {
	bool is_signed;
	bool is_tcp;
	bool is_near;
	bool is_upper;
	bool is_corrupt;
	bool is_other_secret;
	bool is_other_request;
	const struct fuzz_key *key;
	uint64_t time_signed;
	unsigned fudge;
	unsigned error;
	unsigned id_xor; /* Original ID from header ID */
	size_t mac_len;
	size_t other_len;
};

void fuzz_seal_read(
    const uint8_t octets[FUZZ_SEAL_OCTETS], struct fuzz_seal *s);
/* The body, with that record behind it if it is to be signed and can be;
 * to be freed. request is the MAC answered. */
uint8_t *fuzz_sign(const uint8_t *body, size_t body_len,
    const struct fuzz_seal *s, const uint8_t *request, size_t request_len,
    size_t *len);

/* The second opinion. */
struct ref_name {
	size_t len;
	uint8_t octets[NAME_OCTETS_MAX];
};

struct ref_rr {
	struct ref_name owner;
	unsigned type;
	unsigned class;
	uint32_t ttl;
	size_t start;
	size_t rdata;
	size_t end;
};

struct ref_msg {
	size_t start[5]; /* of the four sections, and the end */
	size_t tsig; /* 0: none */
};

struct ref_tsig {
	struct ref_name key; /* both in lower case */
	struct ref_name alg;
	const uint8_t *fixed; /* time and fudge */
	uint64_t time_signed;
	unsigned fudge;
	const uint8_t *mac;
	size_t mac_len;
	unsigned original_id;
	unsigned error;
	const uint8_t *other; /* Error, Other Len, Other Data */
	size_t other_len; /* of the data alone */
};

unsigned ref_u16(const uint8_t *octets, size_t at);
void ref_lower(struct ref_name *n);
bool ref_same_octets(const struct ref_name *a, const struct name *b);
/* Each gives the offset behind what was read, or 0. */
size_t ref_read_name(
    const uint8_t *octets, size_t pos, size_t end, struct ref_name *out);
size_t ref_read_rr(
    const uint8_t *octets, size_t pos, size_t end, struct ref_rr *rr);
bool ref_read_msg(const uint8_t *octets, size_t len, struct ref_msg *m);
/* The record at start, which ends the message. */
bool ref_read_tsig(
    const uint8_t *octets, size_t len, size_t start, struct ref_tsig *t);
/* The key whose MAC ends this message, or NULL; the time may be wrong. */
const struct fuzz_key *ref_signer(const uint8_t *octets, size_t len,
    const uint8_t *request, size_t request_len, struct ref_tsig *t);

#endif
