#!/bin/sh
# SPDX-License-Identifier: ISC
# Everything that has to pass.  Installs what is missing, builds in folders of
# its own (build-gcc, build-portable ...), and runs all tests:
#
#	sh tests/check.sh [step ...]
#
#	sh tests/check.sh --fuzz seconds
#	sh tests/check.sh --soak minutes
#	sh tests/check.sh --coverage
#	sh tests/check.sh --foreign i386 | s390x
#
# Without steps: all of them.  --list names them.  A log of each step is in
# build-check/.  --fuzz runs each fuzz target for so long; that they take
# their corpora is a part of "make check".  --soak puts the daemon under load
# and faults for so long and prints whether anything grows; it needs root.
# --coverage prints which share of src/dns and src/mux the unit tests reach,
# and which the corpora.  --foreign runs the unit tests on 32-bit x86, or on
# a big-endian machine that qemu plays.

set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top"
logs=$top/build-check
python=/usr/bin/python3 # the one that has Debian's dnspython and pytest
jobs=$(nproc 2>/dev/null || echo 2)
PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE

# gcc first, whose build others use; then two at a time, since most tests wait
# for something: those that need that build, and those with builds of their own;
# and in the end the table of what they have shown.
first=gcc
lane_1='e2e real lint demo distcheck package storm'
lane_2='portable asan fail e2e-asan asan-clang e2e-portable e2e-tsan valgrind
    analyse'
last=rows
all="$first $lane_1 $lane_2 $last"

say()
{
	printf '%s\n' "$*"
}

make='make --no-print-directory'
made()
{
	# Words are meant to be split.
	# shellcheck disable=SC2086
	(cd "$1" && shift && $make -j"$jobs" "$@")
}

# configured folder compiler options ...: configures if that is needed.
configured()
{
	folder=$1 compiler=$2
	shift 2
	# "rm -rf build-*" takes build-aux along.
	if [ ! -x configure ] || [ ! -f build-aux/install-sh ] ||
	    [ configure.ac -nt configure ] ||
	    [ Makefile.am -nt Makefile.in ]; then
		autoreconf -fi
	fi
	mkdir -p "$folder"
	if [ ! -f "$folder/Makefile" ] || [ configure -nt "$folder/Makefile" ]
	then
		(cd "$folder" && ../configure -q --enable-werror CC="$compiler" \
		    --sysconfdir=/etc --runstatedir=/run "$@")
	fi
	made "$folder"
}

unit_tests()
{
	made "$1" check || {
		cat "$1/test-suite.log"
		return 1
	}
}

pytests()
{
	binary=$1
	shift
	DDNS_MUX=$top/$binary/ddns-mux $python -m pytest -q "$@"
}

# Without -e inside: each step chains its commands.
step_gcc()
{
	configured build-gcc gcc --with-hmac=evp_mac && unit_tests build-gcc
}

# What the BSDs have, as far as it can be had here: their compiler, their make,
# the paths and the user of doc/INSTALL.openbsd, and without what the systems
# do not share: EVP_MAC, a UDP socket per worker, many datagrams with one
# call, libseccomp.
portable_build()
{
	options=$(sed -n '/\.\/configure /,/[^\\]$/p' doc/INSTALL.openbsd |
	    sed -e 's,\./configure,,' -e 's,\\$,,')
	# Words are meant to be split.
	# shellcheck disable=SC2086
	configured build-portable clang $options --with-hmac=hmac_ctx \
	    --disable-reuseport --disable-bursts --without-libseccomp
}

# Did it get what it asked for?
is_portable()
{
	grep -qx '#define SO_SPREAD 0' build-portable/config.h &&
	    nm -u build-portable/ddns-mux | grep -q ' HMAC_Init_ex' &&
	    ! nm -u build-portable/ddns-mux | grep -q 'mmsg' &&
	    ! build-portable/ddns-mux -V | grep seccomp
}

step_portable()
(
	make=bmake MAKE=bmake
	export MAKE
	portable_build && is_portable && unit_tests build-portable &&
	    sh tests/bsd.sh build-portable bmake
)

# asan_build compiler folder
asan_build()
{
	configured "$2" "$1" --disable-hardening --disable-sandbox \
	    CFLAGS='-g -O1 -fsanitize=address,undefined -fno-sanitize-recover'
}

step_asan()
{
	asan_build gcc build-asan &&
	    ASAN_OPTIONS=detect_stack_use_after_return=1 unit_tests build-asan
}

# It sees what gcc's does not, and the other way round.
step_asan_clang()
{
	asan_build clang build-asan-clang &&
	    ASAN_OPTIONS=detect_stack_use_after_return=1 \
		unit_tests build-asan-clang
}

step_lint()
{
	configured build-gcc gcc --with-hmac=evp_mac &&
	    sh tests/lint/layers.sh . build-gcc && sh tests/lint/style.sh .
}

step_e2e()
{
	configured build-gcc gcc --with-hmac=evp_mac &&
	    pytests build-gcc tests/e2e --ignore-glob='*/test_real_*' \
		--junitxml="$logs/e2e.xml"
}

step_real()
{
	configured build-gcc gcc --with-hmac=evp_mac &&
	    pytests build-gcc tests/e2e/test_real_*.py \
		--junitxml="$logs/real.xml"
}

# The tables of rows, from what gcc, e2e and real have left.
step_rows()
{
	{ [ -f "$logs/e2e.xml" ] || step_e2e; } &&
	    { [ -f "$logs/real.xml" ] || step_real; } &&
	    { [ -f build-gcc/test-suite.log ] || step_gcc; } &&
	    $python tests/row_table.py build-gcc/tests/unit/*.log \
		"$logs/e2e.xml" "$logs/real.xml"
}

step_analyse()
{
	configured build-gcc gcc --with-hmac=evp_mac &&
	    sh tests/lint/analyse.sh build-gcc
}

# The same on the wire; the last ones are about workers with one socket.
shared_socket='datagrams_wait or killed_worker or all_workers'
shared_socket="$shared_socket or number_of_workers or listeners_change"
step_e2e_portable()
(
	make=bmake MAKE=bmake
	export MAKE
	portable_build && pytests build-portable tests/e2e/test_client_udp.py \
	    tests/e2e/test_client_tsig.py tests/e2e/test_targets.py &&
	    pytests build-portable tests/e2e/test_processes.py \
		tests/e2e/test_reload.py -k "$shared_socket"
)

# sanitized kind options test ...: end to end with a sanitizer, whose reports
# go to files; a report fails the step, whatever became of the test.
sanitized()
{
	kind=$1 options=$2
	shift 2
	rm -f "$logs/$kind-report".*
	env "$options:log_path=$logs/$kind-report" \
	    DDNS_MUX="$top/build-$kind/ddns-mux" $python -m pytest -q "$@" || {
		cat "$logs/$kind-report".* 2>/dev/null
		return 1
	}
	! cat "$logs/$kind-report".* 2>/dev/null
}

# Leaks are looked for by ptrace, which the daemon forbids.
step_e2e_asan()
{
	asan_build gcc build-asan && (
		cd tests/e2e && sanitized asan \
		    ASAN_OPTIONS=detect_leaks=0:detect_stack_use_after_return=1 \
		    test_client_udp.py test_client_tsig.py test_client_tcp.py \
		    test_targets.py test_targets_loss.py test_targets_tcp.py \
		    test_replay.py test_processes.py test_reload.py \
		    test_control.py \
		    --deselect test_client_tsig.py::test_t44_flood_of_bad_macs
	)
}

step_e2e_tsan()
{
	configured build-tsan gcc --disable-hardening --disable-sandbox \
	    CFLAGS='-g -O1 -fsanitize=thread' &&
	    make -C build-tsan -j"$jobs" --no-print-directory check \
		TESTS='tests/unit/test_queue tests/unit/test_replay' \
		check_PROGRAMS='tests/unit/test_queue tests/unit/test_replay' && (
		cd tests/e2e && sanitized tsan TSAN_OPTIONS=halt_on_error=0 \
		    test_targets.py test_targets_loss.py test_targets_tcp.py \
		    test_collect.py test_replay.py test_probe.py \
		    test_reload.py::test_storm_of_reloads
	)
}

# Without the tests whose rounds would take minutes: the sanitizers have them.
memchecked_units='base exchange forward hmac msg mutate name plan replay reply
    request stats tsig update verify wire'
memchecked_e2e='test_row or s1_ or s2_ or s6_ or s9_ or s11_ or s12_ or o30'
memchecked_e2e="$memchecked_e2e or o27_reused or o28 or client_by_tcp"
memcheck='valgrind -q --leak-check=full --show-leak-kinds=definite
    --errors-for-leak-kinds=definite'

# Reads of what was never written, and leaks of the daemon itself, whose
# reports go to files.
step_valgrind()
{
	report=$logs/valgrind-report
	rm -f "$report".*
	cat >"$logs/memchecked" <<-EOF
		#!/bin/sh
		exec $(echo $memcheck) --log-file="$report.%p" \
		    "$top/build-valgrind/ddns-mux" "\$@"
	EOF
	chmod +x "$logs/memchecked"
	# shellcheck disable=SC2046,SC2086
	configured build-valgrind gcc --disable-sandbox &&
	    make -C build-valgrind -j"$jobs" --no-print-directory \
		$(printf 'tests/unit/test_%s ' $memchecked_units whole) &&
	    printf '%s\n' $memchecked_units | xargs -P "$jobs" -I '{}' \
		$memcheck --error-exitcode=1 'build-valgrind/tests/unit/test_{}' &&
	    $memcheck --error-exitcode=1 build-valgrind/tests/unit/test_whole 1 20 && (
		cd tests/e2e && DDNS_MUX=$logs/memchecked $python -m pytest -q \
		    test_client_udp.py::test_row test_client_tcp.py \
		    test_targets_tcp.py -k "$memchecked_e2e"
	) && ! grep . "$report".*
}

# A minute of reloads under load.
step_storm()
{
	configured build-gcc gcc --with-hmac=evp_mac &&
	    DDNS_MUX_STORM_S=60 pytests build-gcc -rP tests/e2e/test_reload.py \
		-k under-load
}

# Each call that may fail, failing once, in the build with the sanitizers.
step_fail()
{
	asan_build gcc build-asan &&
	    pytests build-asan -c tests/e2e/pytest.ini tests/fail
}

step_demo()
{
	sh tests/demo.sh --once --port 5453 &&
	    sh tests/demo.sh --once --powerdns --port 5453
}

# The tarball needs neither the autotools nor git.
without_tools='AUTOCONF=false AUTOHEADER=false AUTOMAKE=false ACLOCAL=false'

step_distcheck()
{
	mkdir -p "$logs/no-git" && ln -sf /bin/false "$logs/no-git/git" &&
	    configured build-gcc gcc --with-hmac=evp_mac &&
	    PATH=$logs/no-git:$PATH make -C build-gcc -j"$jobs" \
		--no-print-directory distcheck \
		DISTCHECK_CONFIGURE_FLAGS="--enable-werror $without_tools" &&
	    sh tests/uninstall.sh build-gcc
}

step_package()
{
	configured build-gcc gcc --with-hmac=evp_mac &&
	    sh tests/package.sh build-gcc build-package
}

# what pattern: those tests alone, and what they have reached.
covered()
{
	find build-cov -name '*.gcda' -exec rm -f {} +
	tests=$(cd build-cov &&
	    find tests -path "$2" -type f -perm -100 | sort | tr '\n' ' ')
	make -C build-cov -j"$jobs" --no-print-directory check TESTS="$tests" \
	    >"$logs/coverage-$1.log" 2>&1 || {
		tail -n 50 "$logs/coverage-$1.log"
		return 1
	}
	say "$1:"
	$python tests/coverage.py build-cov
	$python tests/coverage.py -v build-cov >"$logs/coverage-$1.txt"
}

coverage()
{
	{ configured build-cov gcc --disable-hardening \
	    CFLAGS='-g -O0 --coverage' &&
	    make -C build-cov -j"$jobs" check TESTS=
	} >"$logs/coverage.log" 2>&1 &&
	    covered unit 'tests/unit/test_*' &&
	    covered corpora 'tests/fuzz/replay_*' &&
	    say "lines and branches not reached: build-check/coverage-*.txt"
}

soak()
{
	configured build-gcc gcc --with-hmac=evp_mac >"$logs/soak-build.log" \
	    2>&1 || {
		cat "$logs/soak-build.log"
		return 1
	}
	DDNS_MUX=$top/build-gcc/ddns-mux $python tests/soak.py --out "$logs" \
	    "$@"
}

# One line when it starts, one when it ends; the log where it failed.
run()
{
	log=$logs/$1.log
	began=$(date +%s)
	say "==> $1 ..."
	if "step_$(printf '%s' "$1" | tr - _)" >"$log" 2>&1 </dev/null; then
		result=passed
		[ "$1" != rows ] || cat "$log"
	else
		result=FAILED
		tail -n 150 "$log"
	fi
	echo "$result" >>"$logs/results"
	found=$(grep -hE '^# (PASS|FAIL|TOTAL): |^[0-9]+ (passed|failed).* in ' \
	    "$log" | tr '\n' ' ' || true)
	say "    $1 $result in $(($(date +%s) - began)) s  $found"
}

run_all()
{
	for step; do
		run "$step"
	done
}

[ "${1-}" != --list ] || {
	say "$all"
	exit 0
}
mkdir -p "$logs"
sh tests/install.sh build demo powerdns test package
[ "${1-}" != --coverage ] || {
	coverage
	exit
}
[ "${1-}" != --soak ] || {
	shift
	soak "${@:-30}"
	exit
}
[ "${1-}" != --foreign ] || exec sh tests/foreign.sh "${2-}"
[ "${1-}" != --fuzz ] || exec sh tests/fuzz/run.sh "${2:-60}"
rm -f "$logs/results"
# Words are meant to be split.
# shellcheck disable=SC2086
if [ $# -gt 0 ]; then
	run_all "$@"
else
	run_all $first
	run_all $lane_1 &
	run_all $lane_2
	wait
	run_all $last
	set -- $all
fi
passed=$(grep -c passed "$logs/results" || true)
failed=$(($# - passed))
say "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
