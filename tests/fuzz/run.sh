#!/bin/sh
# SPDX-License-Identifier: ISC
# Fuzzes, two targets at a time, and prints a table:
#
#	sh tests/fuzz/run.sh SECONDS [target ...]
#	sh tests/fuzz/run.sh afl SECONDS [target ...]
#	sh tests/fuzz/run.sh merge [target ...]
#
# Each target runs for SECONDS, with clang's libFuzzer, or with AFL++ in
# persistent mode (apt-get install afl++).  Builds in build-fuzz or build-afl;
# new inputs stay in TARGET.out there, logs and crashes beside them.  Exit
# status 1 if anything was found.  With "merge", those of libFuzzer's new
# inputs that reach code which the corpora in the tree do not reach go there;
# look at them before a commit.

set -eu

top=$(cd "$(dirname "$0")/../.." && pwd)
all='name msg verify answer rewrite collect frame stats conf'
engine=libfuzzer
build=$top/build-fuzz
cc=clang
sanitize=address,undefined
flags="-g -O1 -fno-omit-frame-pointer -fno-sanitize-recover=all"
# For the libraries alone: the calls in them are the work (fuzz.h).
library_flags="$flags -fsanitize=$sanitize -finstrument-functions"
libraries='libproc.a libnet.a libmux.a libconf.a libdns.a libbase.a'
packages='libcrypto libconfig libbsd-overlay'

usage()
{
	echo "usage: run.sh [afl] SECONDS|merge [target ...]" >&2
	exit 2
}

# The harness itself is not searched for edges.
use_libfuzzer()
{
	library_flags="$library_flags -fsanitize=fuzzer-no-link"
}

use_afl()
{
	engine=afl
	build=$top/build-afl
	cc=afl-clang-fast
	AFL_QUIET=1
	export AFL_QUIET
	command -v afl-fuzz >/dev/null || {
		echo "run.sh: no afl-fuzz: apt-get install afl++" >&2
		exit 1
	}
}

configure_once()
{
	{ [ -x "$top/configure" ] && [ -f "$top/build-aux/install-sh" ]; } ||
	    (cd "$top" && autoreconf -fi)
	mkdir -p "$build"
	[ -f "$build/Makefile" ] ||
	    (cd "$build" && "$top/configure" -q --disable-hardening CC="$cc" \
		CFLAGS="$library_flags")
}

# AFL++ mutates by itself; the others take octets.
mutator_of()
{
	case $engine-$1 in
	libfuzzer-msg | libfuzzer-verify | libfuzzer-rewrite)
		echo fuzz_mutate ;;
	esac
}

# Without make: two commands for each.
build_targets()
{
	# Words are meant to be split here and below.
	# shellcheck disable=SC2046,SC2086
	set -- $flags -I$top/src -include $build/config.h \
	    -I$top/tests/fuzz -DTEST_DIR="\"$top/tests\"" \
	    $(pkg-config --cflags $packages)
	for target in $targets; do
		objects=
		for name in fuzz_$target fuzz fuzz_ref $(mutator_of "$target"); do
			(cd "$build" && $cc -fsanitize=$sanitize "$@" -c \
			    "$top/tests/fuzz/$name.c")
			objects="$objects $name.o"
		done
		# shellcheck disable=SC2046,SC2086
		(cd "$build" && $cc -fsanitize=fuzzer -fsanitize=$sanitize \
		    -o "$target" $objects $libraries \
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

dictionary_of()
{
	case $1 in
	conf) echo "$top/tests/fuzz/conf.dict" ;;
	*) echo "$top/tests/fuzz/dns.dict" ;;
	esac
}

fuzz_libfuzzer()
{
	target=$1 leaks=1
	# libconfig leaks where it finds errors, and each look at that takes
	# long; the replay with a sanitizer looks once.
	[ "$target" != conf ] || leaks=0
	mkdir -p "$build/$target.out"
	: >"$build/$target.began"
	status=0
	ASAN_OPTIONS=detect_stack_use_after_return=1 \
	    "$build/$target" -max_total_time="$seconds" -timeout=10 \
	    -rss_limit_mb=1024 -print_final_stats=1 -use_value_profile=1 \
	    -detect_leaks="$leaks" \
	    -artifact_prefix="$build/$target-found-" \
	    -dict="$(dictionary_of "$target")" \
	    "$build/$target.out" "$top/tests/fuzz/$target.in" \
	    >"$build/$target.log" 2>&1 </dev/null || status=$?
	row "$target" "$status"
}

# Goes on where an earlier run has ended.
fuzz_afl()
{
	target=$1 status=0
	AFL_NO_UI=1 AFL_NO_AFFINITY=1 AFL_SKIP_CPUFREQ=1 AFL_AUTORESUME=1 \
	    AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 \
	    afl-fuzz -V "$seconds" -i "$top/tests/fuzz/$target.in" \
	    -o "$build/$target.out" -x "$(dictionary_of "$target")" \
	    -- "$build/$target" \
	    >"$build/$target.log" 2>&1 </dev/null || status=1
	awk -v target="$target" -v crashes="$status" '
	    { value[$1] = $3 }
	    END { printf "%-10s %12s %8s %14s %8s\n", target,
		value["execs_done"], value["edges_found"],
		value["corpus_count"],
		crashes + value["saved_crashes"] + value["saved_hangs"] }' \
	    "$build/$target.out/default/fuzzer_stats" >"$build/$target.row" ||
	    row "$target" 1
}

fuzz()
{
	case $engine in
	afl) fuzz_afl "$1" ;;
	*) fuzz_libfuzzer "$1" ;;
	esac
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

if [ "${1-}" = afl ]; then
	use_afl
	shift
else
	use_libfuzzer
fi
[ $# -gt 0 ] || usage
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
[ "$engine-$seconds" != libfuzzer-merge ] || {
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
[ "$failed" -eq 0 ] || echo "see ${build#"$top"/}/*.log and *-found-*" >&2
exit "$failed"
