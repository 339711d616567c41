/* SPDX-License-Identifier: ISC */
#include <sys/stat.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/log.h"
#include "conf/conf.h"
#include "proc/parent.h"
#include "proc/privs.h"
#include "proc/reader.h"
#include "proc/sandbox.h"

#define DEFAULT_FILE SYSCONFDIR "/ddns-mux/ddns-mux.conf"
#define DEFAULT_PIDFILE RUNSTATEDIR "/ddns-mux.pid"

struct options {
	bool is_foreground;
	bool is_check;
	bool has_version;
	bool is_successor;
	unsigned verbosity;
	const char *file;
	const char *pidfile;
};

static int
usage(void)
{
	fprintf(stderr, "usage: ddns-mux [-dntvV] [-f file] [-p pidfile]\n");
	return 1;
}

static bool
parse_options(int argc, char **argv, struct options *o)
{
	int c;

	while ((c = getopt(argc, argv, "df:np:tvV")) != -1) {
		switch (c) {
		case 'd':
			o->is_foreground = true;
			break;
		case 'f':
			o->file = optarg;
			break;
		case 'n':
			o->is_check = true;
			break;
		case 'p':
			o->pidfile = optarg;
			break;
		case 't':
			o->is_successor = true;
			break;
		case 'v':
			o->verbosity++;
			break;
		case 'V':
			o->has_version = true;
			break;
		default:
			return false;
		}
	}
	/* One operand is taken as the configuration file. */
	if (optind < argc && o->file == NULL)
		o->file = argv[optind++];
	if (o->file == NULL)
		o->file = DEFAULT_FILE;
	return optind == argc;
}

static void
complain(void *arg, enum conf_severity severity, const char *file,
    unsigned line, const char *message)
{
	(void)arg;
	if (line != 0)
		fprintf(stderr, "%s:%u: ", file, line);
	else
		fprintf(stderr, "%s: ", file);
	fprintf(stderr, "%s%s\n", severity == CONF_WARNING ? "warning: " : "",
	    message);
}

/* A configuration that was printed in part is none. */
static int
end_of_output(void)
{
	if (fflush(stdout) == 0 && ferror(stdout) == 0)
		return 0;
	perror("ddns-mux: standard output");
	return 1;
}

static enum log_level
level_of(const struct options *o)
{
	if (o->verbosity == 0)
		return LEVEL_NOTICE;
	return o->verbosity == 1 ? LEVEL_INFO : LEVEL_DEBUG;
}

/* Is standard error the journal's, which has stamps of its own? See
 * systemd.exec(5). */
static bool
is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char device[64];
	struct stat st;

	if (stream == NULL || fstat(STDERR_FILENO, &st) == -1)
		return false;
	snprintf(device, sizeof(device), "%ju:%ju", (uintmax_t)st.st_dev,
	    (uintmax_t)st.st_ino);
	return strcmp(stream, device) == 0;
}

/* Takes conf over. */
static int
start(struct conf *conf, const struct options *o)
{
	/* In the foreground a pid file is kept only where one is named. */
	struct parent_options options = {.is_daemon = !o->is_foreground,
	    .is_successor = o->is_successor,
	    .pidfile = o->pidfile,
	    .level = level_of(o)};

	if (conf->is_masked) {
		fprintf(stderr,
		    "%s: its keys are masked, as -nv prints them: "
		    "put the real ones in\n",
		    conf->file);
		conf_free(conf);
		return 1;
	}
	if (options.is_daemon && options.pidfile == NULL)
		options.pidfile = DEFAULT_PIDFILE;
	log_init(options.level, conf->log_timestamps && !is_journal());
	return parent_run(conf, &options);
}

int
main(int argc, char **argv)
{
	static const struct conf_sink sink = {complain, NULL};
	struct options o = {.verbosity = 0};
	struct conf *conf;
	int status = 0;

	if (!parse_options(argc, argv, &o))
		return usage();
	if (o.has_version) {
		printf("ddns-mux %s\nsandbox: %s\n", PACKAGE_VERSION,
		    sandbox_name);
		return end_of_output();
	}
	if (!privs_hide_memory())
		return 1;
	conf = reader_load(o.file, &sink);
	if (conf == NULL)
		return 1;
	if (!o.is_check)
		return start(conf, &o);
	if (o.verbosity > 0) {
		conf_print(conf, stdout);
		status = end_of_output();
	}
	conf_free(conf);
	return status;
}
