#!/bin/sh
# SPDX-License-Identifier: ISC
# gcc -fanalyzer, clang-tidy and cppcheck over src/; any finding fails.
#	sh analyse.sh BUILDDIR [source ...]
# BUILDDIR is a configured build, sources are named from the top.  What is
# switched off stands in .clang-tidy, cppcheck.txt and below, with reasons.
set -eu
build=$(cd "$1" && pwd)
shift
cd "$(dirname "$0")/../.."
top=$(pwd)
jobs=$(nproc 2>/dev/null || echo 2)
rules=$(mktemp)
trap 'rm -f "$rules"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# The build's own preprocessor flags, all layers' together, without what
# turns the C library's functions into others.  One process for each source:
# clang-tidy 14 takes the va_lists of a second one for uninitialised.
cat >"$rules" <<'EOF'
include Makefile
flags = $(DEFS) $(DEFAULT_INCLUDES) $(INCLUDES) $(AM_CPPFLAGS) \
	$(CRYPTO_CFLAGS) $(CONFIG_CFLAGS) $(SECCOMP_CFLAGS) $(CPPFLAGS) \
	-U_FORTIFY_SOURCE -Wno-deprecated-declarations
# It loses sight of what is stored at an offset that a table holds.
gcc/src/conf/conf_setting.c: off = -Wno-analyzer-malloc-leak
gcc/%:
	gcc $(flags) -O2 -fanalyzer -Werror $(off) -c -o /dev/null $(top)/$*
tidy/%:
	clang-tidy-14 --quiet $(top)/$* -- $(flags) 2>/dev/null
EOF

# Another system's headers are needed for these.
# shellcheck disable=SC2046
[ $# -gt 0 ] ||
    set -- $(find src -name '*.c' ! -name pktinfo_recvdstaddr.c \
	! -name sandbox_pledge.c ! -name sandbox_capsicum.c | sort)
for tool in gcc clang-tidy-14 cppcheck; do
	command -v "$tool" >/dev/null || {
		echo "analyse: no $tool here" >&2
		exit 1
	}
done
goals=$(for f; do printf 'gcc/%s tidy/%s ' "$f" "$f"; done)
failed=0
# shellcheck disable=SC2086
make -s -k -O -j"$jobs" -C "$build" -f "$rules" top="$top" $goals || failed=1

# All of src/, whichever alternative configure has chosen.  It reads no header
# of the system's, so it is told what these do.
cppcheck -q -j"$jobs" --std=c11 --enable=warning,portability,performance \
    --suppressions-list=tests/lint/cppcheck.txt --error-exitcode=1 \
    --include="$build/config.h" -D_GNU_SOURCE \
    '-DTAILQ_FOREACH(v,h,f)=for(v=(h)->tqh_first;v;v=v->f.tqe_next)' \
    '-DLIST_FOREACH(v,h,f)=for(v=(h)->lh_first;v;v=v->f.le_next)' \
    -Isrc src || failed=1
exit $failed
