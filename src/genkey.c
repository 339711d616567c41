/* SPDX-License-Identifier: ISC */
#include "genkey.h"

#include <errno.h>
#include <stdio.h>
#include <strings.h>

#include "base/base64.h"
#include "base/compat.h"
#include "base/sbuf.h"
#include "dns/name.h"

#define SECRET_MAX 64 /* octets */
#define TEXT_MAX 4096 /* octets that ddns-mux takes in a key_file */
#define NAME_CHARACTERS \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

/* Neither MD5 nor SHA-1, and none of the truncated ones, for which BIND and
 * PowerDNS have no names. */
static const struct algorithm {
	const char *text;
	const char *kea;
	size_t octets; /* of the hash, and so of the secret */
} algorithms[] = {
    {"hmac-sha256", "HMAC-SHA256", 32},
    {"hmac-sha384", "HMAC-SHA384", 48},
    {"hmac-sha512", "HMAC-SHA512", 64},
    {"hmac-sha224", "HMAC-SHA224", 28},
};

/* All that is to be wiped. */
struct key {
	char name[NAME_TEXT_MAX]; /* in lower case, without the final dot */
	const struct algorithm *alg;
	uint8_t secret[SECRET_MAX];
	char base64[BASE64_TEXT_MAX(SECRET_MAX)];
	char text[TEXT_MAX + 1];
};

static const struct algorithm *
find_algorithm(const char *text)
{
	size_t i;

	for (i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
		if (strcasecmp(text, algorithms[i].text) == 0)
			return &algorithms[i];
	}
	return NULL;
}

/* What stands for itself in every program's syntax and in a shell. Names
 * have no case, but PowerDNS finds those in lower case only. */
static bool
take_name(const char *text, char out[NAME_TEXT_MAX])
{
	struct name name;

	if (text[0] == '-' || text[strspn(text, NAME_CHARACTERS)] != '\0' ||
	    !name_from_text(text, &name) || name_is_root(&name))
		return false;
	name_lower(&name);
	name_text(&name, out);
	out[strlen(out) - 1] = '\0';
	return true;
}

/* A whole file for ddns-mux, BIND and nsupdate, to whom the rest is a
 * comment: nothing in it may end that one. */
static void
add_clause(struct sbuf *out, const struct key *key)
{
	sbuf_addf(out,
	    "# The TSIG key %s. This file is a key_file of ddns-mux, can be\n"
	    "# included by named.conf, and is for nsupdate -k.\n"
	    "key \"%s\" {\n"
	    "\talgorithm %s;\n"
	    "\tsecret \"%s\";\n"
	    "};\n"
	    "\n"
	    "/* The same key in other words, to be copied from here.\n",
	    key->name, key->name, key->alg->text, key->base64);
}

static void
add_setting(struct sbuf *out, const struct key *key, const char *setting)
{
	sbuf_addf(out,
	    "%s = {\n"
	    "\tname = \"%s.\";\n"
	    "\talgorithm = \"%s\";\n"
	    "\tkey = \"%s\";\n"
	    "};\n",
	    setting, key->name, key->alg->text, key->base64);
}

static void
add_kea(struct sbuf *out, const struct key *key)
{
	sbuf_addf(out,
	    "\n# kea-dhcp-ddns.conf, one of \"tsig-keys\":\n"
	    "{\n"
	    "\t\"name\": \"%s.\",\n"
	    "\t\"algorithm\": \"%s\",\n"
	    "\t\"secret\": \"%s\"\n"
	    "}\n",
	    key->name, key->alg->kea, key->base64);
}

static void
add_servers(struct sbuf *out, const struct key *key)
{
	sbuf_addf(out,
	    "\n# PowerDNS, the second command for each ZONE:\n"
	    "pdnsutil import-tsig-key %s %s '%s'\n"
	    "pdnsutil add-meta ZONE TSIG-ALLOW-DNSUPDATE %s\n"
	    "\n# knot.conf:\n"
	    "key:\n"
	    "  - id: %s\n"
	    "    algorithm: %s\n"
	    "    secret: %s\n"
	    "\n*/\n",
	    key->name, key->alg->text, key->base64, key->name, key->name,
	    key->alg->text, key->base64);
}

/* Past stdio, whose buffers nobody wipes. */
static bool
write_text(const struct sbuf *text)
{
	size_t done = 0;
	ssize_t n;

	while (done < text->len) {
		n = write(STDOUT_FILENO, text->text + done, text->len - done);
		if (n == -1 && errno != EINTR) {
			perror("ddns-muxctl: standard output");
			return false;
		}
		if (n > 0)
			done += (size_t)n;
	}
	return true;
}

static bool
print_key(struct key *key)
{
	struct sbuf out;

	arc4random_buf(key->secret, key->alg->octets);
	base64_encode(key->secret, key->alg->octets, key->base64);
	sbuf_init(&out, key->text, sizeof(key->text));
	add_clause(&out, key);
	sbuf_add(&out, "\n# ddns-mux.conf, the key of a client:\n");
	add_setting(&out, key, "incoming_tsig");
	sbuf_add(&out, "\n# ddns-mux.conf, in a group of targets:\n");
	add_setting(&out, key, "tsig");
	add_kea(&out, key);
	add_servers(&out, key);
	return !out.truncated && write_text(&out);
}

bool
genkey_print(const char *name, const char *algorithm)
{
	struct key key;
	bool is_good;

	if (!take_name(name, key.name)) {
		fprintf(stderr,
		    "ddns-muxctl: bad key name \"%s\": it must be a domain "
		    "name of letters, digits, \".\", \"_\" and \"-\"\n",
		    name);
		return false;
	}
	key.alg = algorithm != NULL ? find_algorithm(algorithm) : algorithms;
	if (key.alg == NULL) {
		fprintf(stderr,
		    "ddns-muxctl: no keys are made for \"%s\": take "
		    "hmac-sha256, hmac-sha384, hmac-sha512 or hmac-sha224\n",
		    algorithm);
		return false;
	}
	is_good = print_key(&key);
	explicit_bzero(&key, sizeof(key));
	return is_good;
}
