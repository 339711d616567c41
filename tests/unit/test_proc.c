/* SPDX-License-Identifier: ISC */
/* Of the processes what needs none: signals, and the IDs of copies. */
#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "hex.h"
#include "proc/signals.h"
/* random_id is inside. */
#include "proc/target_exchange.c"

/* More octets than a pipe holds. */
#define STORM 100000

static unsigned
drain(unsigned seen[NSIG])
{
	unsigned n = 0;
	int signo;

	memset(seen, 0, NSIG * sizeof(seen[0]));
	while ((signo = signals_next()) != 0) {
		assert_in_range(signo, 1, NSIG - 1);
		seen[signo]++;
		n++;
	}
	return n;
}

/* SP1: no storm of one signal makes another one get lost, or the work of
 * handling it grow. */
static void
test_storm(void **state)
{
	static const int others[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
	unsigned seen[NSIG];
	size_t i;

	(void)state;
	assert_true(signals_open());
	assert_int_equal(signals_next(), 0);
	for (i = 0; i < STORM; i++) {
		errno = ERANGE;
		raise(SIGUSR1);
		assert_int_equal(errno, ERANGE);
	}
	for (i = 0; i < NELEM(others); i++)
		raise(others[i]);
	assert_int_equal(drain(seen), NELEM(others) + 1);
	assert_int_equal(seen[SIGUSR1], 1);
	for (i = 0; i < NELEM(others); i++)
		assert_int_equal(seen[others[i]], 1);
	assert_int_equal(drain(seen), 0);
	raise(SIGCHLD);
	assert_int_equal(drain(seen), 1);
	assert_int_equal(seen[SIGCHLD], 1);
	signals_reset_in_worker();
	raise(SIGTERM);
	assert_int_equal(drain(seen), 0);
}

#define IDS 1000000
#define CELLS 65536

static struct target drawing;

/* Chi-square over so many equally likely cells, as how many standard
 * deviations it is off: a sound source passes 6 once in 10^8 runs. */
static void
check_even(const char *row, const unsigned *cells, size_t ncells)
{
	double mean = (double)IDS / (double)ncells, chi = 0;
	double df = (double)ncells - 1;
	size_t i;

	for (i = 0; i < ncells; i++)
		chi += (cells[i] - mean) * (cells[i] - mean) / mean;
	check_row(row, (chi - df) * (chi - df) < 36 * 2 * df);
}

/* SF3: each ID as likely as any, whatever the one before it was. */
static void
test_ids(void **state)
{
	static unsigned each[CELLS], step[CELLS], pairs[CELLS];
	uint16_t before = random_id(&drawing);
	size_t i;

	(void)state;
	for (i = 0; i < IDS; i++) {
		uint16_t id = random_id(&drawing);

		each[id]++;
		step[(uint16_t)(id - before)]++;
		pairs[(id & 0xff00) | (before & 0xff)]++;
		before = id;
	}
	check_even("IDs", each, CELLS);
	check_even("steps", step, CELLS);
	check_even("pairs", pairs, CELLS);
}

#define FIRST 8

static void
first_ids_of_a_child(uint16_t ids[FIRST])
{
	int fds[2], status;
	pid_t pid;
	size_t i;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		for (i = 0; i < FIRST; i++)
			ids[i] = random_id(&drawing);
		_exit(write(fds[1], ids, FIRST * sizeof(*ids)) < 0);
	}
	assert_int_not_equal(pid, -1);
	assert_int_equal(
	    read(fds[0], ids, FIRST * sizeof(*ids)), FIRST * sizeof(*ids));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(fds[0]);
	close(fds[1]);
}

/* SF3: workers that were forked from one parent draw different ones. A
 * target is made after the fork, and so has none in stock. */
static void
test_ids_after_fork(void **state)
{
	uint16_t ids[8][FIRST];
	size_t i, j;

	(void)state;
	drawing.ids_left = 0;
	for (i = 0; i < NELEM(ids); i++) {
		first_ids_of_a_child(ids[i]);
		for (j = 0; j < i; j++)
			assert_memory_not_equal(
			    ids[i], ids[j], FIRST * sizeof(ids[i][0]));
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ids), cmocka_unit_test(test_ids_after_fork),
	    cmocka_unit_test(test_storm), /* leaves SIGCHLD ignored */
	};

	return cmocka_run_group_tests_name("proc", tests, NULL, NULL);
}
