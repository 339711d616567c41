#!/bin/sh
# SPDX-License-Identifier: ISC
# Fuzzes with clang's libFuzzer, two targets at a time, and prints a table:
#
#	sh tests/fuzz/run.sh SECONDS [target ...]
#	sh tests/fuzz/run.sh merge [target ...]
#
# Each target runs for SECONDS.  Builds in build-fuzz; new inputs stay in
# build-fuzz/TARGET.out, logs and crashes beside them.  Exit status 1 if
# anything was found.  With "merge", those new inputs that reach code which the
# corpora in the tree do not reach go there; look at them before a commit.

set -eu

top=$(cd "$(dirname "$0")/../.." && pwd)
build=$top/build-fuzz
all='name msg verify answer rewrite collect frame stats conf'
sanitize=address,undefined
flags="-g -O1 -fno-omit-frame-pointer -fno-sanitize-recover=all"
libraries='libproc.a libnet.a libmux.a libconf.a libdns.a libbase.a'
packages='libcrypto libconfig libbsd-overlay'

configure_once()
{
	{ [ -x "$top/configure" ] && [ -f "$top/build-aux/install-sh" ]; } ||
	    (cd "$top" && autoreconf -fi)
	mkdir -p "$build"
	[ -f "$build/Makefile" ] ||
	    (cd "$build" && "$top/configure" -q --disable-hardening CC=clang \
		CFLAGS="$flags -fsanitize=fuzzer-no-link,$sanitize")
}

# Without make: two commands for each.  The harness itself is not searched for
# edges.
build_targets()
{
	# Words are meant to be split here and below.
	# shellcheck disable=SC2046,SC2086
	set -- $flags -I$top/src -include $build/config.h \
	    -I$top/tests/fuzz -DTEST_DIR="\"$top/tests\"" \
	    $(pkg-config --cflags $packages)
	for target in $targets; do
		# shellcheck disable=SC2046,SC2086
		(cd "$build" && clang -fsanitize=$sanitize "$@" -c \
		    "$top/tests/fuzz/fuzz_$target.c" \
		    "$top/tests/fuzz/fuzz.c" "$top/tests/fuzz/fuzz_ref.c" &&
		    clang -fsanitize=fuzzer,$sanitize -o "$target" \
			"fuzz_$target.o" fuzz.o fuzz_ref.o $libraries \
			$(pkg-config --libs $packages) -lpthread)
	done
}

# One line of the table, once the run has ended.
row()
{
	log=$build/$1.log
	crashes=$(find "$build" -maxdepth 1 -name "$1-found-*" \
	    ! -name '*-slow-unit-*' -newer "$build/$1.began" | wc -l)
	[ "$2" -eq 0 ] || [ "$crashes" -gt 0 ] || crashes=1
	awk -v target="$1" -v crashes="$crashes" '
	    / cov: / {
		for (i = 1; i < NF; i++) {
			if ($i == "cov:")
				cov = $(i + 1)
			if ($i == "corp:")
				corpus = $(i + 1)
		}
	    }
	    /^stat::number_of_executed_units/ { runs = $2 }
	    END { printf "%-10s %12s %8s %14s %8s\n", target, runs, cov,
		corpus, crashes }' "$log" >"$build/$1.row"
}

fuzz()
{
	target=$1
	dictionary=$top/tests/fuzz/dns.dict leaks=1
	# libconfig leaks where it finds errors, and each look at that takes
	# long; the replay with a sanitizer looks once.
	[ "$target" != conf ] ||
	    dictionary=$top/tests/fuzz/conf.dict leaks=0
	mkdir -p "$build/$target.out"
	: >"$build/$target.began"
	status=0
	ASAN_OPTIONS=detect_stack_use_after_return=1 \
	    "$build/$target" -max_total_time="$seconds" -timeout=10 \
	    -rss_limit_mb=1024 -print_final_stats=1 -use_value_profile=1 \
	    -detect_leaks="$leaks" \
	    -artifact_prefix="$build/$target-found-" -dict="$dictionary" \
	    "$build/$target.out" "$top/tests/fuzz/$target.in" \
	    >"$build/$target.log" 2>&1 </dev/null || status=$?
	row "$target" "$status"
}

# By edges alone, so that corpora stay small.
merge()
{
	for target in $targets; do
		"$build/$target" -set_cover_merge=1 -use_counters=0 -max_len=1000 \
		    -detect_leaks=0 "$top/tests/fuzz/$target.in" \
		    "$build/$target.out" >"$build/$target.merge.log" 2>&1
		grep -E 'MERGE-OUTER: [0-9]+ new files' \
		    "$build/$target.merge.log" | sed "s/.*OUTER/$target/"
	done
}

[ $# -gt 0 ] || {
	echo "usage: run.sh SECONDS|merge [target ...]" >&2
	exit 2
}
seconds=$1
shift
targets=${*:-$all}
configure_once
# shellcheck disable=SC2086
make -C "$build" -j2 $libraries >"$build/make.log" 2>&1 || {
	cat "$build/make.log"
	exit 1
}
build_targets
[ "$seconds" != merge ] || {
	merge
	exit
}

# Two at a time: every second one runs in the background.
first=
for target in $targets; do
	if [ -z "$first" ]; then
		fuzz "$target" &
		first=$!
	else
		fuzz "$target"
		wait "$first"
		first=
	fi
done
[ -z "$first" ] || wait "$first"

printf '%-10s %12s %8s %14s %8s\n' target executions edges corpus crashes
failed=0
for target in $targets; do
	cat "$build/$target.row"
	grep -q ' 0$' "$build/$target.row" || failed=1
done
[ "$failed" -eq 0 ] || echo "see build-fuzz/*.log and *-found-*" >&2
exit "$failed"
