#!/bin/sh
# SPDX-License-Identifier: ISC
# The benchmark: builds in ./build-bench, and runs tests/bench/run.py with the
# options given, see there:
#
#	sh tests/bench/run.sh [--quick] [--scale] [--trouble] [option ...]
#
# It belongs to no test. doc/PERFORMANCE says what its figures mean.

set -eu
cd "$(dirname "$0")/../.."
build=$(pwd)/build-bench
mkdir -p "$build"

build_all()
{
	# "rm -rf build-*" takes build-aux along.
	if [ ! -x configure ] || [ ! -f build-aux/install-sh ]; then
		autoreconf -fi || return
	fi
	if [ ! -f "$build/Makefile" ]; then
		(cd "$build" && ../configure -q) || return
	fi
	make -C "$build" --no-print-directory ddns-mux bench
}

build_all >"$build/bench.log" 2>&1 || {
	cat "$build/bench.log"
	exit 1
}
PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE
exec python3 tests/bench/run.py --build "$build" "$@"
