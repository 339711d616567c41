/* SPDX-License-Identifier: ISC */
#include "conf/conf_internal.h"

#include <sys/stat.h>

#include "base/base64.h"
#include "base/sbuf.h"

static void
read_name(
    struct conf_ctx *ctx, const config_setting_t *group, struct conf_tsig *out)
{
	const char *text = conf_setting_text(group, "name");

	if (text == NULL)
		return;
	if (name_from_text(text, &out->name) && !name_is_root(&out->name)) {
		name_lower(&out->name);
		return;
	}
	out->name.len = 0;
	conf_complain(ctx, config_setting_get_member(group, "name"),
	    "bad key name \"%s\", it must be a domain name", text);
}

/* Also as the record has it, as BIND writes hmac-md5. */
static const struct hmac_alg *
find_algorithm(const char *text)
{
	const struct hmac_alg *alg = hmac_alg_by_text(text);
	struct name name;

	if (alg != NULL || !name_from_text(text, &name))
		return alg;
	while ((alg = hmac_alg_next(alg)) != NULL) {
		if (name_eq(&alg->wire, &name))
			return alg;
	}
	return NULL;
}

static void
complain_algorithm(
    struct conf_ctx *ctx, const config_setting_t *at, const char *text)
{
	const struct hmac_alg *alg = hmac_alg_next(NULL);
	char buf[256];
	struct sbuf known;

	sbuf_init(&known, buf, sizeof(buf));
	sbuf_add(&known, alg->text);
	while ((alg = hmac_alg_next(alg)) != NULL)
		sbuf_addf(&known, ", %s", alg->text);
	conf_complain(ctx, at, "unknown algorithm \"%s\", there are %s", text,
	    known.text);
}

static void
read_algorithm(
    struct conf_ctx *ctx, const config_setting_t *group, struct conf_tsig *out)
{
	const char *text = conf_setting_text(group, "algorithm");

	out->alg = find_algorithm(text != NULL ? text : CONF_ALGORITHM_DEFAULT);
	if (out->alg == NULL)
		complain_algorithm(
		    ctx, config_setting_get_member(group, "algorithm"), text);
}

/* Octets of the whole hash, below a truncated name, too. */
static unsigned
hash_len(const struct hmac_alg *alg)
{
	const struct hmac_alg *other = NULL;
	unsigned len = 0;

	while ((other = hmac_alg_next(other)) != NULL) {
		if (other->hash == alg->hash && other->mac_len > len)
			len = other->mac_len;
	}
	return len;
}

static bool
is_placeholder(const struct conf_tsig *tsig)
{
	return tsig->secret_len == sizeof(CONF_PLACEHOLDER) - 1 &&
	       memcmp(tsig->secret, CONF_PLACEHOLDER, tsig->secret_len) == 0;
}

/* As complaints name a key. */
static const char *
title(const config_setting_t *at, char buf[PATH_MAX])
{
	if (strcmp(config_setting_name(at), "key") == 0)
		return "\"key\"";
	snprintf(
	    buf, PATH_MAX, "key_file \"%s\"", config_setting_get_string(at));
	return buf;
}

static void
check_strength(struct conf_ctx *ctx, const config_setting_t *at,
    const struct conf_tsig *tsig)
{
	char buf[PATH_MAX];

	if (is_placeholder(tsig))
		ctx->conf->is_masked = true;
	else if (tsig->alg != NULL && tsig->secret_len < hash_len(tsig->alg))
		conf_complain_warn(ctx, at,
		    "%s: the secret has %zu of the %u octets that %s asks for",
		    title(at, buf), tsig->secret_len, hash_len(tsig->alg),
		    tsig->alg->text);
}

static void
decode(struct conf_ctx *ctx, const config_setting_t *at, const char *base64,
    struct conf_tsig *out)
{
	size_t len = strlen(base64);
	char buf[PATH_MAX];

	if (len == 0) {
		conf_complain(
		    ctx, at, "%s: the secret is empty", title(at, buf));
		return;
	}
	out->secret = calloc(1, len);
	if (out->secret == NULL) {
		conf_complain_memory(ctx, at);
		return;
	}
	/* For the destructor to wipe, whatever comes of it. */
	out->secret_len = len;
	if (base64_decode(base64, len, out->secret, len, &out->secret_len))
		check_strength(ctx, at, out);
	else
		conf_complain(
		    ctx, at, "%s: the secret is not base64", title(at, buf));
}

/* The file of a key in place has to be as secret as the key. */
static void
check_exposed(struct conf_ctx *ctx, const config_setting_t *at)
{
	const char *source = config_setting_source_file(at);
	char buf[PATH_MAX];
	struct stat st;
	mode_t mode = ctx->mode;

	if (source != NULL) {
		if (stat(conf_complain_path(ctx, source, buf), &st) == -1)
			return;
		mode = st.st_mode;
	}
	if (!conf_secret_is_exposed(mode))
		return;
	if (!ctx->is_exposed || ctx->exposed != source)
		conf_complain(ctx, at,
		    "there is a key in this file, and others can read or "
		    "change it: chmod 640");
	ctx->is_exposed = true;
	ctx->exposed = source;
}

static void
read_key(
    struct conf_ctx *ctx, const config_setting_t *at, struct conf_tsig *out)
{
	const char *text = config_setting_get_string(at);

	if (text == NULL)
		return;
	decode(ctx, at, text, out);
	if (strcmp(text, CONF_PLACEHOLDER_BASE64) != 0)
		check_exposed(ctx, at);
}

static void
compare_name(struct conf_ctx *ctx, const config_setting_t *at, const char *text,
    const struct conf_tsig *tsig)
{
	char wanted[NAME_TEXT_MAX];
	struct name name;

	if (tsig->name.len == 0 ||
	    (name_from_text(text, &name) && name_eq(&name, &tsig->name)))
		return;
	conf_complain(ctx, at,
	    "key_file \"%s\": the key is called \"%s\", not \"%s\"",
	    config_setting_get_string(at), text,
	    name_text(&tsig->name, wanted));
}

/* A suffix as in hmac-sha256-128 is a policy to BIND, but a part of the
 * algorithm's name to RFC 8945. */
static void
take_algorithm(struct conf_ctx *ctx, const config_setting_t *at,
    const char *text, struct conf_tsig *out)
{
	const struct hmac_alg *alg = find_algorithm(text);
	const config_setting_t *group = config_setting_parent(at);

	if (alg == NULL)
		complain_algorithm(ctx, at, text);
	else if (alg->mac_len < hash_len(alg))
		conf_complain(ctx, at,
		    "key_file \"%s\": write the algorithm \"%s\" without "
		    "the bits, and set digest_bits",
		    config_setting_get_string(at), text);
	else if (conf_setting_text(group, "algorithm") == NULL)
		out->alg = alg;
	else if (out->alg != NULL && out->alg != alg)
		conf_complain(ctx, at,
		    "key_file \"%s\": the key is for %s, not %s",
		    config_setting_get_string(at), alg->text, out->alg->text);
}

static void
read_key_file(
    struct conf_ctx *ctx, const config_setting_t *at, struct conf_tsig *out)
{
	const char *text = config_setting_get_string(at);
	struct conf_secret secret;

	if (text == NULL)
		return;
	out->key_file = conf_load_path(ctx, text);
	if (out->key_file == NULL)
		return;
	if (conf_secret_read(ctx, at, out->key_file, &secret)) {
		if (secret.name != NULL)
			compare_name(ctx, at, secret.name, out);
		if (secret.algorithm != NULL)
			take_algorithm(ctx, at, secret.algorithm, out);
		decode(ctx, at, secret.secret, out);
	}
	explicit_bzero(&secret, sizeof(secret));
}

void
conf_tsig_read(
    struct conf_ctx *ctx, config_setting_t *group, struct conf_tsig *out)
{
	const config_setting_t *key = config_setting_get_member(group, "key");
	const config_setting_t *file =
	    config_setting_get_member(group, "key_file");

	read_name(ctx, group, out);
	read_algorithm(ctx, group, out);
	if (key != NULL && file != NULL)
		conf_complain(
		    ctx, file, "\"key\" and \"key_file\" exclude each other");
	else if (key != NULL)
		read_key(ctx, key, out);
	else if (file != NULL)
		read_key_file(ctx, file, out);
	else
		conf_complain(ctx, group,
		    "\"key\" or \"key_file\" is missing in this group");
	if (out->alg != NULL)
		out->mac_min = out->alg->mac_len;
}
