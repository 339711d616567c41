/* SPDX-License-Identifier: ISC */
/*
 * The golden cases of tests/conf: NN-what.conf gives exactly the
 * complaints in .err (none without the file), and prints as .ok, or
 * without one does not load. @DIR@ stands for the folder.
 * ST16: 22-payloads is what must not break out of a string that is
 * printed; ST17: 09, 16 and 61 to 63 are about weak keys.
 */
#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "conf/conf_internal.h"

#define KEY "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
#define MASKED "c2VjcmV0IG5vdCBzaG93bg=="
#define CASES_MAX 200

/* A fresh folder for each test, with the files of tests/conf in it. */
static char dir[PATH_MAX / 2];

static char *
slurp(const char *path)
{
	FILE *in = fopen(path, "r"), *out;
	char *text = NULL;
	size_t len;
	int c;

	if (in == NULL)
		return NULL;
	out = open_memstream(&text, &len);
	assert_non_null(out);
	while ((c = fgetc(in)) != EOF)
		fputc(c, out);
	fclose(in);
	fclose(out);
	return text;
}

static void
copy_file(const char *from, const char *to)
{
	FILE *in = fopen(from, "r"), *out = fopen(to, "w");
	int c;

	assert_non_null(in);
	assert_non_null(out);
	while ((c = fgetc(in)) != EOF)
		fputc(c, out);
	fclose(in);
	fclose(out);
	assert_int_equal(chmod(to, 0600), 0);
}

static const char *
in_dir(const char *name)
{
	static char path[4][PATH_MAX];
	static unsigned next;
	char *p = path[next++ % 4];

	snprintf(p, PATH_MAX, "%s/%s", dir, name);
	return p;
}

static void
write_file(const char *name, mode_t mode, const char *text)
{
	FILE *out;

	/* The one before may be read-only. */
	unlink(in_dir(name));
	out = fopen(in_dir(name), "w");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
	assert_int_equal(chmod(in_dir(name), mode), 0);
}

static void
each_file(const char *path, void (*act)(const char *path, const char *name))
{
	DIR *d = opendir(path);
	struct dirent *e;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] != '.')
			act(path, e->d_name);
	}
	closedir(d);
}

static void
copy_in(const char *path, const char *name)
{
	char from[PATH_MAX];

	snprintf(from, sizeof(from), "%s/%s", path, name);
	copy_file(from, in_dir(name));
}

static void
drop(const char *path, const char *name)
{
	(void)path;
	if (unlink(in_dir(name)) == -1)
		rmdir(in_dir(name));
}

static int
make_dir(void **state)
{
	const char *tmp = getenv("TMPDIR");
	char template[PATH_MAX / 4], *real;

	(void)state;
	snprintf(template, sizeof(template), "%s/ddns-mux-conf.XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	assert_non_null(mkdtemp(template));
	real = realpath(template, NULL);
	assert_non_null(real);
	assert_true(strlen(real) < sizeof(dir));
	strcpy(dir, real);
	free(real);
	return 0;
}

static int
make_filled_dir(void **state)
{
	make_dir(state);
	each_file(TEST_DIR "/conf", copy_in);
	return 0;
}

static int
drop_dir(void **state)
{
	(void)state;
	each_file(dir, drop);
	return rmdir(dir);
}

static void
note(void *arg, enum conf_severity severity, const char *file, unsigned line,
    const char *message)
{
	const char *slash = strrchr(file, '/');
	FILE *out = arg;

	assert_null(strchr(message, '\n'));
	fputs(slash != NULL ? slash + 1 : file, out);
	if (line != 0)
		fprintf(out, ":%u", line);
	fprintf(out, ": %s%s\n", severity == CONF_WARNING ? "warning: " : "",
	    message);
}

/* Loads, and gives the complaints as one text to be freed. */
static struct conf *
load(const char *path, char **complaints)
{
	struct conf_sink sink = {note, NULL};
	struct conf *conf;
	size_t len;

	sink.arg = open_memstream(complaints, &len);
	assert_non_null(sink.arg);
	conf = conf_load(path, &sink);
	fclose(sink.arg);
	if (conf == NULL)
		assert_int_not_equal(len, 0);
	return conf;
}

static char *
print(const struct conf *conf)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	conf_print(conf, out);
	fclose(out);
	return text;
}

/* Frees text; the result is the caller's. */
static char *
replace(char *text, const char *what, const char *by)
{
	const char *at = text, *found;
	char *replaced = NULL;
	size_t len;
	FILE *out = open_memstream(&replaced, &len);

	assert_non_null(out);
	while ((found = strstr(at, what)) != NULL) {
		fprintf(out, "%.*s%s", (int)(found - at), at, by);
		at = found + strlen(what);
	}
	fputs(at, out);
	fclose(out);
	free(text);
	return replaced;
}

static void
assert_golden(const char *name, const char *suffix, const char *text)
{
	char path[PATH_MAX], *wanted;

	snprintf(path, sizeof(path), "%s/conf/%.*s.%s", TEST_DIR,
	    (int)strlen(name) - (int)strlen(".conf"), name, suffix);
	wanted = slurp(path);
	assert_string_equal(text, wanted != NULL ? wanted : "");
	free(wanted);
}

/* What was printed loads, readable by all as it is if it holds no other
 * secret, and prints the same. */
static void
assert_prints_again(const char *text)
{
	char *complaints, *again;
	struct conf *conf;

	write_file("printed.conf", 0644, text);
	conf = load(in_dir("printed.conf"), &complaints);
	if (conf == NULL)
		print_message("%s", complaints);
	assert_non_null(conf);
	assert_int_equal(conf->is_masked, strstr(text, "\tkey = ") != NULL);
	again = print(conf);
	assert_string_equal(again, text);
	free(again);
	free(complaints);
	conf_free(conf);
}

/* Both ends of a pipe between processes. */
struct store {
	uint8_t octets[200000];
	size_t len, at;
};

static bool
put(void *arg, void *octets, size_t len)
{
	struct store *s = arg;

	assert_true(len <= sizeof(s->octets) - s->len);
	memcpy(s->octets + s->len, octets, len);
	s->len += len;
	return true;
}

static bool
get(void *arg, void *octets, size_t len)
{
	struct store *s = arg;

	if (len > s->len - s->at)
		return false;
	memcpy(octets, s->octets + s->at, len);
	s->at += len;
	return true;
}

static struct conf *
taken(struct store *s, size_t len)
{
	const struct conf_mover mover = {get, s};

	s->at = 0;
	s->len = len;
	return conf_take(&mover);
}

static void
no_line(void *arg, const char *line)
{
	(void)arg;
	fail_msg("%s", line);
}

/* What is handed over is the same, secrets too; a part of it is nothing. */
static void
assert_passes(struct conf *conf, const char *text, size_t parts)
{
	static struct store s;
	const struct conf_mover mover = {put, &s};
	struct conf *other;
	size_t whole, i;
	char *again;

	s.len = 0;
	assert_true(conf_give(conf, &mover));
	whole = s.len;
	for (i = 0; i < parts; i++)
		assert_null(taken(&s, whole * i / parts));
	other = taken(&s, whole);
	assert_non_null(other);
	assert_int_equal(s.at, whole);
	conf_diff(conf, other, no_line, NULL);
	again = print(other);
	assert_string_equal(again, text);
	free(again);
	conf_free(other);
}

static void
golden(void **state)
{
	const char *name = *state;
	char *complaints, *text = NULL;
	struct conf *conf = load(in_dir(name), &complaints);

	assert_golden(name, "err", complaints);
	if (conf != NULL) {
		text = print(conf);
		assert_passes(conf, text, 20);
		assert_prints_again(text);
		text = replace(text, dir, "@DIR@");
		/* Which differ from build to build. */
		text = replace(text, CONF_CONTROL_SOCKET_DEFAULT,
		    "/run/ddns-mux/control.sock");
		text = replace(text, "user = \"" CONF_USER_DEFAULT "\"",
		    "user = \"_ddns-mux\"");
	}
	assert_golden(name, "ok", text != NULL ? text : "");
	free(text);
	free(complaints);
	conf_free(conf);
}

/* Loads name out of the folder, and wants these complaints. */
static struct conf *
load_wanting(const char *name, const char *wanted)
{
	char *complaints;
	struct conf *conf = load(in_dir(name), &complaints);

	assert_string_equal(complaints, wanted);
	free(complaints);
	return conf;
}

#define LISTEN "listen_udp = \"127.0.0.1:5353\";\n"
#define CLIENT(key) "incoming_tsig = { name = \"kea.\"; " key "; };\n"
#define TARGET(key) \
	"targets = { name = \"a\"; address = \"192.0.2.1\";\n" \
	" tsig = { name = \"t.\"; " key "; }; };\n"
#define IN_PLACE "key = \"" KEY "\""
#define MASKED_KEY "key = \"" MASKED "\""
#define IN_FILE "key_file = \"k.key\""
#define EXPOSED \
	"there is a key in this file, and others can read or change it: " \
	"chmod 640\n"

static void
modes_of_the_file(void **state)
{
	static const struct {
		mode_t mode;
		const char *text;
		const char *wanted;
	} rows[] = {
	    {0600, CLIENT(IN_PLACE) TARGET(IN_PLACE), ""},
	    {0640, CLIENT(IN_PLACE) TARGET(IN_PLACE), ""},
	    {0440, CLIENT(IN_PLACE) TARGET(IN_PLACE), ""},
	    {0644, CLIENT(IN_PLACE) TARGET(IN_PLACE), "c:2: " EXPOSED},
	    {0642, CLIENT(IN_PLACE) TARGET(IN_PLACE), "c:2: " EXPOSED},
	    {0660, CLIENT(IN_PLACE) TARGET(IN_PLACE), "c:2: " EXPOSED},
	    {0644, CLIENT(MASKED_KEY) TARGET(IN_PLACE), "c:4: " EXPOSED},
	    {0644, CLIENT(MASKED_KEY) TARGET(MASKED_KEY), ""},
	    {0644, CLIENT(IN_FILE) TARGET(IN_FILE), ""},
	    {0666, CLIENT(IN_FILE) TARGET(MASKED_KEY), ""},
	};
	char text[1000];
	struct conf *conf;
	size_t i;

	(void)state;
	write_file("k.key", 0640, KEY);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(text, sizeof(text), LISTEN "%s", rows[i].text);
		write_file("c", rows[i].mode, text);
		conf = load_wanting("c", rows[i].wanted);
		assert_int_equal(conf == NULL, rows[i].wanted[0] != '\0');
		conf_free(conf);
	}
}

static void
modes_of_an_included_file(void **state)
{
	struct conf *conf;

	(void)state;
	write_file("c", 0600, LISTEN "@include \"i\"\n" TARGET(IN_PLACE));
	write_file("i", 0644, "workers = 3;\n" CLIENT(IN_PLACE));
	assert_null(load_wanting("c", "i:2: " EXPOSED));
	write_file("i", 0640, CLIENT(IN_PLACE));
	conf = load_wanting("c", "");
	assert_non_null(conf);
	conf_free(conf);
}

static void
modes_of_a_key_file(void **state)
{
	static const struct {
		mode_t mode;
		bool is_good;
	} rows[] = {
	    {0400, true},
	    {0600, true},
	    {0640, true},
	    {0644, false},
	    {0660, false},
	    {0602, false},
	};
	struct conf *conf;
	size_t i;

	(void)state;
	write_file("c", 0644, LISTEN CLIENT(IN_FILE) TARGET(MASKED_KEY));
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		write_file("k.key", rows[i].mode, KEY "\n");
		conf = load_wanting("c",
		    rows[i].is_good
			? ""
			: "c:2: key_file \"k.key\": others can read or change "
			  "it: chmod 640\n");
		assert_int_equal(conf != NULL, rows[i].is_good);
		conf_free(conf);
	}
}

static void
kinds_of_key_files(void **state)
{
	struct conf *conf;

	(void)state;
	write_file("c", 0644, LISTEN CLIENT(IN_FILE) TARGET(MASKED_KEY));
	assert_int_equal(mkfifo(in_dir("k.key"), 0600), 0);
	assert_null(
	    load_wanting("c", "c:2: key_file \"k.key\": not a regular file\n"));
	assert_int_equal(unlink(in_dir("k.key")), 0);
	assert_int_equal(symlink("l", in_dir("k.key")), 0);
	assert_null(load_wanting(
	    "c", "c:2: key_file \"k.key\": No such file or directory\n"));
	write_file("l", 0600, KEY);
	conf = load_wanting("c", "");
	assert_non_null(conf);
	conf_free(conf);
}

static void
kinds_of_files(void **state)
{
	(void)state;
	assert_null(load_wanting("c", "c: No such file or directory\n"));
	assert_null(load_wanting("/", ": not a regular file\n"));
	assert_int_equal(mkfifo(in_dir("c"), 0600), 0);
	assert_null(load_wanting("c", "c: not a regular file\n"));
}

/* Given without a folder, and with an absolute key file. */
static void
relative_file(void **state)
{
	char text[PATH_MAX + 1000], *complaints, old[PATH_MAX];
	struct conf *conf;

	(void)state;
	snprintf(text, sizeof(text),
	    LISTEN "@include \"i\"\n"
		   "incoming_tsig = { name = \"kea.\"; key_file = \"%s\"; };\n",
	    in_dir("k.key"));
	write_file("c", 0600, text);
	write_file("i", 0600, TARGET(IN_FILE));
	write_file("k.key", 0600, KEY);
	assert_non_null(getcwd(old, sizeof(old)));
	assert_int_equal(chdir(dir), 0);
	conf = load("c", &complaints);
	assert_int_equal(chdir(old), 0);
	assert_string_equal(complaints, "");
	assert_non_null(conf);
	assert_string_equal(conf->file, in_dir("c"));
	assert_string_equal(conf->targets[0].tsig.key_file, in_dir("k.key"));
	assert_string_equal(conf->clients[0].tsig.key_file, in_dir("k.key"));
	free(complaints);
	conf_free(conf);
}

static void
note_path(void *arg, enum conf_severity severity, const char *file,
    unsigned line, const char *message)
{
	(void)severity;
	fprintf(arg, "%s:%u %s\n", file, line, message);
}

/* Named as it would be opened, from where the main file was named. */
static void
path_of_an_included_file(void **state)
{
	char *complaints, wanted[PATH_MAX + 100];
	struct conf_sink sink = {note_path, NULL};
	size_t len;

	(void)state;
	write_file("c", 0600,
	    LISTEN "@include \"i\"\n" CLIENT(IN_PLACE) TARGET(IN_PLACE));
	write_file("i", 0600, "\nusr = 1;\n");
	sink.arg = open_memstream(&complaints, &len);
	assert_null(conf_load(in_dir("c"), &sink));
	fclose(sink.arg);
	snprintf(wanted, sizeof(wanted),
	    "%s:2 unknown setting \"usr\", did you mean \"user\"?\n",
	    in_dir("i"));
	assert_string_equal(complaints, wanted);
	free(complaints);
}

static void
values(void **state)
{
	struct conf *conf = load_wanting("02-full.conf", "");
	const struct conf_client *c;
	struct name name;

	(void)state;
	assert_non_null(conf);
	assert_int_equal(conf->nlisten_udp, 2);
	assert_int_equal(conf->nlisten_tcp, 2);
	assert_int_equal(addr_port(&conf->listen_tcp[1]), 5354);
	assert_int_equal(conf->require_confirmation, 1);
	assert_int_equal(conf->unconfirmed, UNCONFIRMED_SERVFAIL);
	assert_true(conf->allow_weak);
	assert_false(conf->is_masked);
	assert_int_equal(conf->nclients, 3);
	c = &conf->clients[2];
	assert_true(name_from_text("long-name.example", &name));
	assert_true(name_eq(&c->tsig.name, &name));
	assert_int_equal(c->tsig.mac_min, 32);
	assert_int_equal(c->tsig.secret_len, 64);
	assert_memory_equal(c->tsig.secret, "0123456789abcdef0123", 20);
	assert_int_equal(c->zones.count, 2);
	assert_int_equal(c->sources.count, 2);
	assert_int_equal(conf->clients[0].tsig.mac_min, 20);
	assert_int_equal(conf->ntargets, 3);
	assert_string_equal(conf->targets[1].name, "pdns_2.x");
	assert_int_equal(conf->targets[0].transport, TRANSPORT_TCP);
	assert_int_equal(addr_port(&conf->targets[2].addr), 53);
	conf_free(conf);
}

static void
secret_of_a_clause(void **state)
{
	struct conf *conf = load_wanting("07-key-clause.conf", "");

	(void)state;
	assert_non_null(conf);
	assert_int_equal(conf->clients[0].tsig.secret_len, 32);
	assert_memory_equal(conf->clients[0].tsig.secret,
	    "0123456789abcdef0123456789abcdef", 32);
	assert_int_equal(conf->clients[1].tsig.secret_len, 64);
	assert_string_equal(conf->clients[1].tsig.alg->text, "hmac-sha512");
	conf_free(conf);
}

static void
example(void **state)
{
	struct conf *conf;

	(void)state;
	copy_file(TEST_DIR "/../conf/ddns-mux.conf.example", in_dir("c"));
	conf = load_wanting("c", "");
	assert_non_null(conf);
	assert_int_equal(conf->ntargets, 2);
	conf_free(conf);
}

/* SU4 */
static void
zones_cover(void **state)
{
	static const struct {
		const char *zones[4];
		const char *name;
		bool wanted;
	} rows[] = {
	    {{NULL}, "example.org", true},
	    {{NULL}, ".", true},
	    {{"."}, "example.org", true},
	    {{"."}, ".", true},
	    {{"org"}, ".", false},
	    {{"example.org"}, "example.org", true},
	    {{"example.org"}, "EXAMPLE.Org", true},
	    {{"example.org"}, "a.B.example.org", true},
	    {{"example.org"}, "org", false},
	    {{"example.org"}, "evilexample.org", false},
	    {{"example.org"}, "example.org.evil", false},
	    {{"example.org"}, "example\\.org", false},
	    {{"org"}, "a\\003org", false},
	    {{"b.c", "x.y.z", "a", "q"}, "1.2.x.y.z", true},
	    {{"b.c", "x.y.z", "a", "q"}, "q", true},
	    {{"b.c", "x.y.z", "a", "q"}, "b.c", true},
	    {{"b.c", "x.y.z", "a", "q"}, "1.b.a", true},
	    {{"b.c", "x.y.z", "a", "q"}, "y.z", false},
	    {{"b.c", "x.y.z", "a", "q"}, "c", false},
	};
	struct name names[4], name;
	struct zone_set set = {names, 0};
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		set.count = 0;
		for (j = 0; j < 4 && rows[i].zones[j] != NULL; j++)
			assert_true(name_from_text(
			    rows[i].zones[j], &names[set.count++]));
		zone_set_sort(&set);
		assert_true(name_from_text(rows[i].name, &name));
		if (zone_set_covers(&set, &name) != rows[i].wanted)
			fail_msg("row %zu: %s", i, rows[i].name);
	}
}

static void
prefixes_cover(void **state)
{
	static const struct {
		const char *prefixes[2];
		const char *addr;
		bool wanted;
	} rows[] = {
	    {{NULL}, "192.0.2.1:1", true},
	    {{"192.0.2.0/24"}, "192.0.2.255:1", true},
	    {{"192.0.2.0/24"}, "192.0.3.0:1", false},
	    {{"192.0.2.0/24"}, "[::ffff:192.0.2.7]:1", true},
	    {{"192.0.2.0/24"}, "[::1]:1", false},
	    {{"192.0.2.0/24", "::1"}, "[::1]:1", true},
	    {{"192.0.2.0/24", "::1"}, "[::2]:1", false},
	    {{"2001:db8::/33", "::1"}, "[2001:db8:7fff::]:1", true},
	    {{"2001:db8::/33", "::1"}, "[2001:db8:8000::]:1", false},
	    {{"0.0.0.0/0"}, "10.0.0.1:1", true},
	    {{"0.0.0.0/0"}, "[::1]:1", false},
	};
	struct prefix prefixes[2];
	struct prefix_set set = {prefixes, 0};
	struct addr addr;
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		set.count = 0;
		for (j = 0; j < 2 && rows[i].prefixes[j] != NULL; j++)
			assert_true(prefix_parse(
			    rows[i].prefixes[j], &prefixes[set.count++]));
		assert_true(addr_parse(rows[i].addr, 0, &addr));
		if (prefix_set_covers(&set, &addr) != rows[i].wanted)
			fail_msg("row %zu: %s", i, rows[i].addr);
	}
}

static void
handed_over(void **state)
{
	struct conf *conf = load_wanting("02-full.conf", "");
	char *text = print(conf);

	(void)state;
	assert_passes(conf, text, 5000);
	free(text);
	conf_free(conf);
}

static void
append_line(void *arg, const char *line)
{
	strlcat(arg, line, CONF_DIFF_LINE_MAX);
	strlcat(arg, "\n", CONF_DIFF_LINE_MAX);
}

/* The second configuration against the first. */
static void
assert_diff(const char *old, const char *new, const char *wanted)
{
	char lines[CONF_DIFF_LINE_MAX] = "";
	struct conf *a, *b;

	write_file("old", 0600, old);
	write_file("new", 0600, new);
	a = load_wanting("old", "");
	b = load_wanting("new", "");
	assert_non_null(a);
	assert_non_null(b);
	conf_diff(a, b, append_line, lines);
	assert_string_equal(lines, wanted);
	conf_free(a);
	conf_free(b);
}

#define KEY2 "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWc="
#define IN_PLACE2 "key = \"" KEY2 "\""
#define TARGET_B \
	"targets = { name = \"b\"; address = \"192.0.2.2\";\n" \
	" tsig = { name = \"t.\"; " IN_PLACE "; }; };\n"
#define TARGET_MORE \
	"targets = { name = \"A\"; address = \"192.0.2.2\";\n" \
	" tsig = { name = \"u.\"; " IN_PLACE "; }; timeout_ms = 70; };\n"
#define CLIENT_B "incoming_tsig = { name = \"b.\"; " IN_PLACE "; };\n"
#define CLIENT_MORE \
	"incoming_tsig = { name = \"kea.\"; " IN_PLACE ";\n" \
	" zones = \"example.org\"; };\n"

/* No secret is in any line, and not the placeholder of one either. */
static void
differences(void **state)
{
	(void)state;
	assert_diff(LISTEN CLIENT(IN_PLACE) TARGET(IN_PLACE),
	    LISTEN CLIENT(IN_PLACE) TARGET(IN_PLACE), "");
	assert_diff(LISTEN CLIENT(IN_PLACE) TARGET(IN_PLACE),
	    LISTEN CLIENT(IN_PLACE2) TARGET(IN_PLACE2),
	    "key kea.: secret changed\ntarget a: tsig secret changed\n");
	assert_diff(LISTEN CLIENT(IN_PLACE) TARGET(IN_PLACE),
	    LISTEN CLIENT_B TARGET_B,
	    "key kea.: removed\nkey b.: added\n"
	    "target a: removed\ntarget b: added\n");
	assert_diff(LISTEN CLIENT(IN_PLACE) TARGET(IN_PLACE),
	    LISTEN CLIENT_MORE TARGET_MORE "workers = 3; user = \"x\";\n",
	    "workers: 2 -> 3\n"
	    "user: \"" CONF_USER_DEFAULT "\" -> \"x\" (takes a restart)\n"
	    "key kea.: zones: [ \".\" ] -> [ \"example.org.\" ]\n"
	    "target A: name: \"a\" -> \"A\"\n"
	    "target A: address: \"192.0.2.1:53\" -> \"192.0.2.2:53\"\n"
	    "target A: timeout_ms: 5000 -> 70\n"
	    "target A: tsig name: \"t.\" -> \"u.\"\n");
}

#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, make_dir, drop_dir)
#define FILLED(test) \
	cmocka_unit_test_setup_teardown(test, make_filled_dir, drop_dir)

static struct CMUnitTest cases[CASES_MAX];
static size_t ncases;

static void
add_case(const char *path, const char *name)
{
	struct CMUnitTest test = FILLED(golden);
	size_t len = strlen(name);

	(void)path;
	if (len < 5 || strcmp(name + len - 5, ".conf") != 0)
		return;
	assert_true(ncases < CASES_MAX);
	test.name = strdup(name);
	test.initial_state = strdup(name);
	cases[ncases++] = test;
}

static int
by_name(const void *a, const void *b)
{
	const struct CMUnitTest *x = a, *y = b;

	return strcmp(x->name, y->name);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    IN_DIR(modes_of_the_file),
	    IN_DIR(modes_of_an_included_file),
	    IN_DIR(modes_of_a_key_file),
	    IN_DIR(kinds_of_key_files),
	    IN_DIR(kinds_of_files),
	    IN_DIR(relative_file),
	    IN_DIR(path_of_an_included_file),
	    IN_DIR(example),
	    IN_DIR(differences),
	    FILLED(values),
	    FILLED(handed_over),
	    FILLED(secret_of_a_clause),
	    cmocka_unit_test(zones_cover),
	    cmocka_unit_test(prefixes_cover),
	};
	int failed;

	each_file(TEST_DIR "/conf", add_case);
	qsort(cases, ncases, sizeof(cases[0]), by_name);
	failed =
	    _cmocka_run_group_tests("conf golden", cases, ncases, NULL, NULL);
	while (ncases > 0) {
		free((char *)(uintptr_t)cases[--ncases].name);
		free(cases[ncases].initial_state);
	}
	return failed + cmocka_run_group_tests_name("conf", tests, NULL, NULL);
}
