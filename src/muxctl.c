/* SPDX-License-Identifier: ISC */
/*
 * ddns-muxctl: one request to the daemon's control socket, its answer to
 * standard output. The daemon does all the work, see proc/control.h; but
 * genkey is done here.
 */
#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/compat.h"
#include "genkey.h"
#include "proc/control.h"

#define DEFAULT_SOCKET RUNSTATEDIR "/ddns-mux/control.sock"
#define EXIT_TROUBLE 3 /* 0, 1, 2 are the daemon's to say */

struct options {
	const char *socket; /* NULL: the default */
	bool has_version;
	/* Words that follow the command in the request. */
	bool is_json;
	bool is_prometheus;
	bool is_reset;
};

static int
usage(void)
{
	fprintf(stderr,
	    "usage: ddns-muxctl [-s socket] [--json] status | targets | watch\n"
	    "       ddns-muxctl [-s socket] [--json | --prometheus | "
	    "--reset-view] stats\n"
	    "       ddns-muxctl [-s socket] [--json] probe target [zone]\n"
	    "       ddns-muxctl [-s socket] disable target | enable target\n"
	    "       ddns-muxctl [-s socket] log-level level | reload\n"
	    "       ddns-muxctl genkey name [algorithm]\n"
	    "       ddns-muxctl -V\n");
	return EXIT_TROUBLE;
}

static bool
parse_options(int argc, char **argv, struct options *o)
{
	static const struct option longer[] = {
	    {"json", no_argument, NULL, 'j'},
	    {"prometheus", no_argument, NULL, 'P'},
	    {"reset-view", no_argument, NULL, 'R'},
	    {NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "s:V", longer, NULL)) != -1) {
		switch (c) {
		case 's':
			o->socket = optarg;
			break;
		case 'V':
			o->has_version = true;
			break;
		case 'j':
			o->is_json = true;
			break;
		case 'P':
			o->is_prometheus = true;
			break;
		case 'R':
			o->is_reset = true;
			break;
		default:
			return false;
		}
	}
	return o->has_version == (optind == argc);
}

static bool
add_word(char request[CONTROL_REQUEST_OCTETS], const char *word)
{
	return word[strcspn(word, " \t\n")] == '\0' && word[0] != '\0' &&
	       (request[0] == '\0' ||
		   strlcat(request, " ", CONTROL_REQUEST_OCTETS) <
		       CONTROL_REQUEST_OCTETS) &&
	       strlcat(request, word, CONTROL_REQUEST_OCTETS) <
		   CONTROL_REQUEST_OCTETS;
}

/* Options stand for words, in one place whatever the order on the line. */
static bool
make_request(char request[CONTROL_REQUEST_OCTETS], int argc, char **argv,
    const struct options *o)
{
	int i;

	memset(request, 0, CONTROL_REQUEST_OCTETS);
	for (i = optind; i < argc; i++) {
		if (!add_word(request, argv[i]))
			return false;
	}
	return (!o->is_json || add_word(request, "--json")) &&
	       (!o->is_prometheus || add_word(request, "--prometheus")) &&
	       (!o->is_reset || add_word(request, "--reset-view"));
}

static int
connect_to(const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd;

	if (strlcpy(sun.sun_path, path, sizeof(sun.sun_path)) >=
	    sizeof(sun.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd != -1 &&
	    connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool
send_request(int fd, const char request[CONTROL_REQUEST_OCTETS])
{
	size_t done = 0;
	ssize_t n;

	while (done < CONTROL_REQUEST_OCTETS) {
		n = send(fd, request + done, CONTROL_REQUEST_OCTETS - done,
		    MSG_NOSIGNAL);
		if (n == -1 && errno != EINTR)
			return false;
		if (n > 0)
			done += (size_t)n;
	}
	return true;
}

/* The status line, then text until the end, line by line as it comes. */
static int
copy_answer(int fd)
{
	FILE *in = fdopen(fd, "r");
	char line[8192];
	int status;

	if (in == NULL || fgets(line, sizeof(line), in) == NULL ||
	    line[0] < '0' || line[0] > '9' || line[1] != '\n') {
		fprintf(stderr, "ddns-muxctl: no answer from the daemon\n");
		return EXIT_TROUBLE;
	}
	status = line[0] - '0';
	while (fgets(line, sizeof(line), in) != NULL) {
		fputs(line, status == EXIT_TROUBLE ? stderr : stdout);
		(void)fflush(stdout);
	}
	(void)fclose(in);
	if (ferror(stdout)) {
		perror("ddns-muxctl: standard output");
		return EXIT_TROUBLE;
	}
	return status;
}

static int
make_key(int argc, char **argv, const struct options *o)
{
	int nwords = argc - optind - 1;

	if (o->socket != NULL || o->is_json || o->is_prometheus ||
	    o->is_reset || nwords < 1 || nwords > 2)
		return usage();
	/* NULL stands behind the last word. */
	return genkey_print(argv[optind + 1], argv[optind + 2]) ? 0
								: EXIT_TROUBLE;
}

static int
ask(const char *path, const char request[CONTROL_REQUEST_OCTETS])
{
	int fd = connect_to(path);

	if (fd == -1 || !send_request(fd, request)) {
		fprintf(stderr, "ddns-muxctl: %s: %s%s\n", path,
		    strerror(errno),
		    errno == ENOENT || errno == ECONNREFUSED
			? ": is ddns-mux running?"
			: "");
		return EXIT_TROUBLE;
	}
	return copy_answer(fd);
}

int
main(int argc, char **argv)
{
	struct options o = {.socket = NULL};
	char request[CONTROL_REQUEST_OCTETS];

	if (!parse_options(argc, argv, &o))
		return usage();
	if (o.has_version) {
		printf("ddns-muxctl %s\n", PACKAGE_VERSION);
		return 0;
	}
	if (strcmp(argv[optind], "genkey") == 0)
		return make_key(argc, argv, &o);
	if (!make_request(request, argc, argv, &o))
		return usage();
	return ask(o.socket != NULL ? o.socket : DEFAULT_SOCKET, request);
}
