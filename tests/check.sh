#!/bin/sh
# SPDX-License-Identifier: ISC
# Everything that has to pass.  Installs what is missing, builds in folders of
# its own (build-gcc, build-clang ...), and runs all tests:
#
#	sh tests/check.sh [step ...]
#
# Without steps: all of them.  --list names them.  A log of each step is in
# build-check/.

set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top"
logs=$top/build-check
python=/usr/bin/python3 # the one that has Debian's dnspython and pytest
jobs=$(nproc 2>/dev/null || echo 2)
passed=0
failed=0
PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE

all='gcc clang asan lint e2e e2e-clang real demo distcheck'

say()
{
	printf '%s\n' "$*"
}

# configured folder compiler options ...: configures if that is needed.
configured()
{
	folder=$1 compiler=$2
	shift 2
	if [ ! -x configure ] || [ configure.ac -nt configure ] ||
	    [ Makefile.am -nt Makefile.in ]; then
		autoreconf -fi
	fi
	mkdir -p "$folder"
	if [ ! -f "$folder/Makefile" ] || [ configure -nt "$folder/Makefile" ]
	then
		(cd "$folder" && ../configure -q --enable-werror CC="$compiler" \
		    --sysconfdir=/etc --runstatedir=/run "$@")
	fi
	make -C "$folder" -j"$jobs" --no-print-directory
}

unit_tests()
{
	make -C "$1" -j"$jobs" --no-print-directory check || {
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

step_clang()
{
	configured build-clang clang --with-hmac=hmac_ctx &&
	    unit_tests build-clang
}

step_asan()
{
	configured build-asan gcc --disable-hardening \
	    CFLAGS='-g -O1 -fsanitize=address,undefined -fno-sanitize-recover' &&
	    unit_tests build-asan
}

step_lint()
{
	configured build-gcc gcc --with-hmac=evp_mac &&
	    sh tests/lint/layers.sh . build-gcc && sh tests/lint/style.sh .
}

step_e2e()
{
	configured build-gcc gcc --with-hmac=evp_mac &&
	    pytests build-gcc tests/e2e --ignore-glob='*/test_real_*'
}

# The other compiler and the other HMAC interface on the wire.
step_e2e_clang()
{
	configured build-clang clang --with-hmac=hmac_ctx &&
	    pytests build-clang tests/e2e/test_client_udp.py \
		tests/e2e/test_client_tsig.py tests/e2e/test_targets.py
}

step_real()
{
	configured build-gcc gcc --with-hmac=evp_mac &&
	    pytests build-gcc tests/e2e/test_real_*.py
}

step_demo()
{
	sh tests/demo.sh --once --port 5453 &&
	    sh tests/demo.sh --once --powerdns --port 5453
}

step_distcheck()
{
	configured build-gcc gcc --with-hmac=evp_mac &&
	    make -C build-gcc -j"$jobs" --no-print-directory distcheck \
		DISTCHECK_CONFIGURE_FLAGS=--enable-werror
}

# One line when it starts, one when it ends; the log where it failed.
run()
{
	log=$logs/$1.log
	began=$(date +%s)
	say "==> $1 ..."
	if "step_$(printf '%s' "$1" | tr - _)" >"$log" 2>&1 </dev/null; then
		passed=$((passed + 1))
		result=passed
	else
		failed=$((failed + 1))
		result=FAILED
		tail -n 150 "$log"
	fi
	found=$(grep -hE '^# (PASS|FAIL|TOTAL): |^[0-9]+ (passed|failed).* in ' \
	    "$log" | tr '\n' ' ' || true)
	say "    $1 $result in $(($(date +%s) - began)) s  $found"
}

[ "${1-}" != --list ] || {
	say "$all"
	exit 0
}
mkdir -p "$logs"
sh tests/install.sh build demo powerdns test
# shellcheck disable=SC2086
[ $# -gt 0 ] || set -- $all
for step; do
	run "$step"
done
say "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
