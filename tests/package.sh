#!/bin/sh
# SPDX-License-Identifier: ISC
# The Debian package; installs nothing.
#
#	sh tests/package.sh builddir outdir
#
# Built from the checkout and from the release tarball, in different folders:
# the same octets.  lintian, hardening,
# libraries, files, versions, the unit's score; and the init script, with all
# its paths inside outdir.

set -eu

build=$1
mkdir -p "$2"
out=$(cd "$2" && pwd)
top=$(cd "$(dirname "$0")/.." && pwd)
failed=0

say()
{
	printf 'package: %s\n' "$*" >&2
	failed=1
}

# built folder option: makes packages from what is there.
built()
{
	(cd "$out/$1" && DEB_BUILD_OPTIONS="nocheck parallel=$(nproc)" \
	    dpkg-buildpackage -us -uc "$2")
}

# is what expected got
is()
{
	[ "$2" = "$3" ] || say "$1: $3, not $2"
}

libraries()
{
	objdump -p "$root/usr/sbin/$1" | awk '$1 == "NEEDED" { print $2 }' |
	    sort | xargs
}

check_binaries()
{
	is "libraries of ddns-mux" "libbsd.so.0 libc.so.6 libconfig.so.9 \
libcrypto.so.3 libseccomp.so.2" "$(libraries ddns-mux)"
	is "libraries of ddns-muxctl" "libbsd.so.0 libc.so.6" \
	    "$(libraries ddns-muxctl)"
	# Debian 12's crt1.o is not marked for control flow protection, so
	# that no program is.
	hardening-check --nocfprotection "$root"/usr/sbin/* ||
	    say "hardening-check fails"
}

check_files()
{
	# Guides are upstream's business; README stands for them.
	(cd "$root" && find . -type f ! -path './usr/share/doc/*/[A-QS-Z]*' |
	    sort) >"$out/files"
	cat >"$out/files.expected" <<-END
	./etc/init.d/ddns-mux
	./lib/systemd/system/ddns-mux.service
	./usr/lib/tmpfiles.d/ddns-mux.conf
	./usr/sbin/ddns-mux
	./usr/sbin/ddns-muxctl
	./usr/share/bash-completion/completions/ddns-muxctl
	./usr/share/doc/ddns-mux/README.Debian
	./usr/share/doc/ddns-mux/README.gz
	./usr/share/doc/ddns-mux/changelog.Debian.gz
	./usr/share/doc/ddns-mux/changelog.gz
	./usr/share/doc/ddns-mux/copyright
	./usr/share/doc/ddns-mux/ddns-mux.rules.yml
	./usr/share/doc/ddns-mux/examples/ddns-mux.conf.example
	./usr/share/doc/ddns-mux/grafana.json
	./usr/share/lintian/overrides/ddns-mux
	./usr/share/man/man5/ddns-mux.conf.5.gz
	./usr/share/man/man8/ddns-mux.8.gz
	./usr/share/man/man8/ddns-muxctl.8.gz
	END
	diff -u "$out/files.expected" "$out/files" || say "other files"
}

# configure.ac is where the version is; two texts have to name it.
check_versions()
{
	version=$("$root/usr/sbin/ddns-mux" -V | sed -n 's/^ddns-mux //p')
	is "debian/changelog" "$version" "$packaged"
	is doc/NEWS "$version" "$(sed -n '1s/^ddns-mux \([^ ]*\).*/\1/p' "$top/doc/NEWS")"
}

# init action status when: all but the paths is the script that is installed.
init()
{
	status=0
	sh "$out/init" "$1" >"$out/said" 2>&1 || status=$?
	cat "$out/said"
	is "init script, $1, $3: exit status" "$2" "$status"
}

says()
{
	grep -q -- "$1" "$out/said" || say "not said: $1"
}

pid()
{
	cat "$root/run/ddns-mux.pid"
}

configure()
{
	cat >"$conf" <<-END
	listen_udp = "127.0.0.1:$port";
	user = "";
	control_socket = "$root/run/control.sock";
	incoming_tsig = { name = "client.";
	    key = "ZXhhbXBsZSBvbmx5LCBkbyBub3QgdXNlIHRoaXMgMSE="; };
	targets = ( { name = "nobody"; address = "127.0.0.1:9";
	    tsig = { name = "target.";
	        key = "ZXhhbXBsZSBvbmx5LCBkbyBub3QgdXNlIHRoaXMgMiE="; }; } );
	${1-}
	END
	chmod 640 "$conf"
}

init_prepare()
{
	mkdir -p "$root/run" "$root/etc/ddns-mux"
	sed -e "s|/usr/sbin/ddns-mux|$root&|" -e "s|=/etc/|=$root/etc/|" \
	    -e "s|=/run/|=$root/run/|" "$root/etc/init.d/ddns-mux" >"$out/init"
	# The socket is not where ddns-muxctl looks for it.
	mv "$root/usr/sbin/ddns-muxctl" "$root/usr/sbin/muxctl"
	printf '#!/bin/sh\nexec %s -s "%s" "$@"\n' "$root/usr/sbin/muxctl" \
	    "$root/run/control.sock" >"$root/usr/sbin/ddns-muxctl"
	chmod +x "$root/usr/sbin/ddns-muxctl"
	port=$(/usr/bin/python3 -c 'import socket
s = socket.socket(type=socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])')
}

# shellcheck disable=SC2317 # it is trapped
end_daemon()
{
	if [ -s "$root/run/ddns-mux.pid" ]; then
		kill "$(pid)" || :
	fi
}

# Within 30 seconds.
has_one_worker()
{
	until=$(($(date +%s) + 30))
	until "$root/usr/sbin/muxctl" -s "$root/run/other.sock" status |
	    grep -q '^workers  *1 of 1'; do
		[ "$(date +%s)" -lt "$until" ] || return 1
	done
}

check_init()
{
	conf=$root/etc/ddns-mux/ddns-mux.conf
	init_prepare
	trap end_daemon EXIT
	init status 3 "nothing runs"
	init stop 0 "nothing runs"
	init reload 7 "nothing runs"
	init start 6 "no configuration"
	says README.Debian
	echo "# nothing" >"$conf"
	init start 6 "only comments"

	configure "nonsense = 1;"
	init start 1 "a mistake"
	says "$conf:9: "
	init status 3 "a mistake"

	configure
	init start 0 "as it should be"
	before=$(pid)
	init start 0 "it runs"
	init status 0 "it runs"
	init reload 0 "as it should be"
	init force-reload 0 "as it should be"
	is "a reload is no restart: pid" "$before" "$(pid)"

	configure "nonsense = 1;"
	for action in reload force-reload restart try-restart; do
		init $action 1 "a mistake"
		says "$conf:9: "
		init status 0 "after $action"
		is "left alone by $action: pid" "$before" "$(pid)"
	done

	# A socket that ddns-muxctl does not find: a signal then.
	configure "workers = 1;"
	mv "$root/run/control.sock" "$root/run/other.sock"
	init reload 0 "no control socket"
	has_one_worker || say "the signal reloads nothing"
	is "a signal is no restart: pid" "$before" "$(pid)"

	# Which a new one does not find either: one after the other.
	init restart 0 "no control socket"
	says "Stopping"
	[ "$before" != "$(pid)" ] || say "restart: it is the same daemon"
	before=$(pid)
	init restart 0 "as it should be"
	says "listeners taken over: 1"
	[ "$before" != "$(pid)" ] || say "restart: it is the same daemon"
	before=$(pid)
	init try-restart 0 "as it should be"
	[ "$before" != "$(pid)" ] || say "try-restart: it is the same daemon"
	init stop 0 "it runs"
	init status 3 "it was stopped"
	init try-restart 0 "it was stopped"
	init status 3 "it was not running"
	init nonsense 2 "no such action"
	trap - EXIT
}

rm -rf "${out:?}"/*
packaged=$(dpkg-parsechangelog -l "$top/debian/changelog" -S Version |
    sed 's/-[^-]*$//')
tarball=$out/ddns-mux_$packaged.orig.tar.gz
make -C "$build" --no-print-directory dist distdir=ddns-mux-package
mv "$build/ddns-mux-package.tar.gz" "$tarball"
mkdir "$out/first" "$out/git" "$out/another-folder"
(cd "$top" && git ls-files -z | tar -c --null -T -) | tar -x -C "$out/git"
built git --build=binary
mv "$out"/*.deb "$out/first"
tar -xzf "$tarball" -C "$out/another-folder" --strip-components=1
built another-folder --build=full
for deb in "$out"/*.deb; do
	cmp "$deb" "$out/first/${deb##*/}" || say "not reproducible"
done
root=$out/root
dpkg-deb -x "$(ls "$out"/ddns-mux_*.deb)" "$root"

lintian --pedantic --display-info --fail-on error,warning,info,pedantic \
    --allow-root "$out"/ddns-mux_*.changes || say "lintian complains"
check_files
check_binaries
check_versions
systemd-analyze security --offline=yes --threshold=20 --no-pager \
    "$root/lib/systemd/system/ddns-mux.service" >"$out/security" || {
	cat "$out/security"
	say "the unit is less safe than it was"
}
check_init
exit $failed
