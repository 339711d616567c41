#!/bin/sh
# SPDX-License-Identifier: ISC
# The direction of the layers: includes, and what the pure libraries need.
#   sh layers.sh SRCDIR [BUILDDIR]
set -eu
src=$1/src
failed=0

say() {
	printf '%s\n' "$*" >&2
	failed=1
}

# may LAYER OTHERS...: a layer includes itself and these, nothing else of ours.
may() {
	layer=$1
	allowed=$(printf '%s' "$*" | tr ' ' '|')
	found=$(grep -nE '^#[[:space:]]*include[[:space:]]+"' "$src/$layer"/*.[ch] |
	    grep -vE "\"($allowed)/[a-z0-9_]+\\.h\"" || true)
	[ -z "$found" ] || say "includes against the layers:
$found"
}

may base
may dns base
may conf dns base
may mux conf dns base
may net base
may proc net mux conf dns base

found=$(grep -lE '#[[:space:]]*include[[:space:]]*<openssl/' -r "$src" |
    grep -vE '/dns/hmac[a-z_]*\.c$' || true)
[ -z "$found" ] || say "OpenSSL outside of dns/hmac*.c: $found"

found=$(grep -nE '^#[[:space:]]*(if|elif).*(__linux__|__OpenBSD__|__FreeBSD__)' \
    -r "$src" | grep -v '/base/compat.h:' || true)
[ -z "$found" ] || say "platform #if outside of base/compat.h: $found"

# What not all of the systems have: only where configure chooses the file.
linux='accept4|epoll_[a-z0-9]+|eventfd|pipe2|ppoll|recvmmsg|sendmmsg|signalfd'
found=$(grep -nE "(^|[^a-z_])($linux) *\(" -r "$src" |
    grep -v '/net/burst_linux\.c:' || true)
[ -z "$found" ] || say "not everywhere to be had: $found"

# File names are unique in the tree.
twice=$(find "$src" -name '*.[ch]' -exec basename {} \; | sort | uniq -d)
[ -z "$twice" ] || say "file names used twice: $twice"

# Symbols that neither pure library defines: memory and strings of the C
# library, our own layers to the left, OpenSSL for the HMAC back end.
pure='mem(cmp|cpy|move|set)|strcmp|strcasecmp|strcpy|strlen|strtonum|snprintf'
pure="$pure|__(memcpy|memmove|memset|strcpy|snprintf)_chk|__stack_chk_fail"
pure="$pure|_GLOBAL_OFFSET_TABLE_|explicit_bzero|bsearch"
pure="$pure|(health|probe)_[a-z_]+"
pure="$pure|(EVP|HMAC|OSSL|OPENSSL|CRYPTO)_[A-Za-z0-9_]+"
pure="$pure|(name|rd|wr|rr|msg|tsig|hmac|rdata|rcode|update)_[a-z0-9_]+"
pure="$pure|(zone_set|prefix_set)_covers|addr_(eq|same_host)"
pure="$pure|(collect|exchange|forward|hist|plan|reply|report|request|stats)_[a-z_]+"
pure="$pure|verify_[a-z_]+|sbuf_[a-z]+"
# Sanitizers and coverage bring their own.
pure="$pure|__(asan|ubsan|tsan|gcov|sanitizer|llvm)_.*|__gcov.*"
if [ $# -gt 1 ]; then
	for lib in libdns.a libmux.a; do
		found=$(nm -u "$2/$lib" | awk '$1 == "U" { print $2 }' |
		    sort -u | grep -vxE "$pure" || true)
		[ -z "$found" ] || say "$lib is not pure, it needs:
$found"
	done
fi

# MACs are compared in constant time: hmac_is_equal, not memcmp.
if [ $# -gt 1 ] && nm -u "$2"/src/dns/libdns_a-tsig.o | grep -qw memcmp; then
	say "dns/tsig.c needs memcmp"
fi
exit $failed
