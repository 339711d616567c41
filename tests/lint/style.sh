#!/bin/sh
# SPDX-License-Identifier: ISC
# Format, headers, manuals, shell scripts, sizes.
#   sh style.sh SRCDIR
set -eu
cd "$1"
failed=0

say() {
	printf '%s\n' "$*" >&2
	failed=1
}

# Made by the pinned version only: others format otherwise.
for f in src/*.[ch] src/*/*.[ch] tests/unit/*.[ch] tests/fuzz/*.[ch] \
    tests/fail/*.c tests/e2e/*.c tests/bench/*.[ch]; do
	clang-format-14 --dry-run -Werror "$f" 2>/dev/null ||
	    say "$f: not as clang-format-14 has it"
	head -n 1 "$f" | grep -q '^/\* SPDX-License-Identifier: ISC \*/$' ||
	    say "$f: no SPDX line"
done

bsd=$(pkg-config --cflags libbsd-overlay)
for f in src/*.h src/*/*.h; do
	# shellcheck disable=SC2086
	printf '#include "%s"\n' "${f#src/}" |
	    gcc -fsyntax-only -D_GNU_SOURCE -Isrc $bsd -x c - ||
	    say "$f: does not compile alone"
done

for f in doc/*.[58]; do
	# Whose manuals are installed is the machine's business.
	found=$(mandoc -Tlint -Wstyle "$f" 2>/dev/null |
	    grep -v 'STYLE: referenced manual not found' || true)
	[ -z "$found" ] || say "$found"
done

# No bashism; -nt is in each sh that these meet.
for f in tests/*.sh tests/*/*.sh .ci/run debian/ddns-mux.init \
    debian/ddns-mux.p*; do
	dash -n "$f" && shellcheck -s sh -S warning -e SC3013 "$f" >&2 ||
	    say "$f: not POSIX sh"
done
# Variables here come from rc.subr, and go there.
for f in conf/openbsd/pkg/*.rc conf/freebsd/files/*.in; do
	dash -n "$f" && shellcheck -s sh -S warning -e SC2034,SC2154 "$f" >&2 ||
	    say "$f: not POSIX sh"
done

for f in README doc/[A-Z]* conf/*/pkg/DESCR \
    conf/*/pkg-descr; do
	found=$(LC_ALL=C grep -nE '[^ -~	]|.{81}|[[:blank:]]$' "$f" || true)
	[ -z "$found" ] || say "$f: not ASCII, wide, or blanks at an end: $found"
done

found=$(for f in src/*.c src/*/*.c; do
	awk -v f="$f" '
	    /^\{/ { start = NR }
	    /^\}/ { if (start && NR - start > 100)
			printf "%s:%d: %d lines\n", f, start, NR - start
		    start = 0 }
	    END { if (NR > 800) printf "%s: %d lines\n", f, NR }' "$f"
done)
[ -z "$found" ] || say "too long: $found"
exit $failed
