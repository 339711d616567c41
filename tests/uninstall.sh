#!/bin/sh
# SPDX-License-Identifier: ISC
# "make install" puts there what it should, and works from there; "make
# uninstall" leaves a tree as it was.
#
#	sh tests/uninstall.sh builddir

set -eu

build=$1
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

fail()
{
	printf 'uninstall: %s\n' "$*" >&2
	exit 1
}

# Names, kinds, modes and contents.
tree()
{
	(cd "$root/tree" && find . -printf '%p %y %m\n' | sort &&
	    find . -type f -exec cksum {} + | sort -k 3)
}

installs()
{
	make -C "$build" --no-print-directory DESTDIR="$root/tree" "$@" \
	    >"$root/log" 2>&1 || {
		cat "$root/log" >&2
		fail "make $*"
	}
}

# The usual folders, and one with something of others in it.
places=$root/tree/usr/local
mkdir -p "$places/sbin" "$places/share/doc" "$places/share/man/man8"
echo other >"$places/share/man/man8/other.8"
tree >"$root/before"

installs install prefix=/usr/local
# Guides are the folder's business; one stands for all.
(cd "$root/tree" && find . -type f ! -path './usr/local/share/doc/*/[A-QS-Z]*' |
    sort) >"$root/files"
cat >"$root/expected" <<-END
	./usr/local/sbin/ddns-mux
	./usr/local/sbin/ddns-muxctl
	./usr/local/share/bash-completion/completions/ddns-muxctl
	./usr/local/share/doc/ddns-mux/README
	./usr/local/share/doc/ddns-mux/ddns-mux.conf.example
	./usr/local/share/doc/ddns-mux/ddns-mux.rules.yml
	./usr/local/share/doc/ddns-mux/grafana.json
	./usr/local/share/man/man5/ddns-mux.conf.5
	./usr/local/share/man/man8/ddns-mux.8
	./usr/local/share/man/man8/ddns-muxctl.8
	./usr/local/share/man/man8/other.8
END
diff -u "$root/expected" "$root/files" || fail "other files"
"$places/sbin/ddns-mux" -V | grep -q '^ddns-mux [0-9]' || fail "ddns-mux -V"
"$places/sbin/ddns-muxctl" -V | grep -q '^ddns-muxctl [0-9]' ||
    fail "ddns-muxctl -V"

installs uninstall prefix=/usr/local
tree >"$root/after"
diff -u "$root/before" "$root/after" || fail "something is left"
