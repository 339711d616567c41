#!/bin/sh
# SPDX-License-Identifier: ISC
# What is made for the BSDs, as far as it can be tried elsewhere: what "make
# install" installs is what the ports list, the manuals show what was
# configured, doc/INSTALL.* make a configuration that holds, and the rc.d
# scripts check it.
#	sh bsd.sh BUILDDIR [make]
# BUILDDIR was configured as doc/INSTALL.openbsd says.
set -eu
build=$(cd "$1" && pwd)
make=${2-make}
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
failed=0

say()
{
	printf '%s\n' "$*" >&2
	failed=1
}

made()
{
	(cd "$build" && $make DESTDIR="$work/root" "$@") >"$work/log" 2>&1 || {
		cat "$work/log"
		exit 1
	}
}

installed()
{
	(cd "$work/root/usr/local" && find . -type f) | sed 's,^\./,,' | sort
}

# listed in FILE: those of standard input that were not installed, and the
# other way round.
same_as_installed()
{
	sort | diff - "$work/installed" >"$work/diff" ||
	    say "$1 (<) and what is installed (>) differ:
$(grep '^[<>]' "$work/diff")"
}

made install
installed >"$work/installed"
sed -n -e 's/^@bin //' -e 's/^@man //' -e '/^@/d' -e '/[^/]$/p' \
    conf/openbsd/pkg/PLIST | same_as_installed conf/openbsd/pkg/PLIST
sed 's,^man/,share/man/,' "$work/installed" | sort >"$work/moved"
mv "$work/moved" "$work/installed"
sed -e '/^@/d' -e 's,%%DOCSDIR%%,share/doc/ddns-mux,' -e 's/\.gz$//' \
    conf/freebsd/pkg-plist | same_as_installed conf/freebsd/pkg-plist

version=$(sed -n 's/^PACKAGE_VERSION = //p' "$build/Makefile")
grep -qx "DISTNAME =	ddns-mux-$version" conf/openbsd/Makefile ||
    say "conf/openbsd/Makefile: not version $version"
grep -qx "DISTVERSION=	$version" conf/freebsd/Makefile ||
    say "conf/freebsd/Makefile: not version $version"
for system in openbsd freebsd; do
	grep -Fq "ddns-mux-$version.tar.gz" "doc/INSTALL.$system" ||
	    say "doc/INSTALL.$system: not version $version"
done

shows()
{
	grep -Fq "$1" "$work/root/usr/local/$2" || say "$2 does not show $1"
}

shows '"_ddnsmux"' share/doc/ddns-mux/ddns-mux.conf.example
shows 'root:_ddnsmux' man/man5/ddns-mux.conf.5
shows /var/run/ddns-mux.pid man/man8/ddns-mux.8
shows /var/run/ddns-mux/control.sock man/man8/ddns-muxctl.8
found=$(cd "$work/root/usr/local" &&
    grep -rn -e '_ddns-mux' -e '[^r]/run/ddns-mux' man share/doc/*/*.example ||
    true)
[ -z "$found" ] || say "shown, but not configured: $found"

made uninstall
[ -z "$(installed)" ] || say "uninstall leaves $(installed)"

# Step 4 of an installation, but for the folder and its group.
for system in openbsd freebsd; do
	mkdir "$work/$system"
	awk -v steps="$work/steps" -v conf="$work/$system/ddns-mux.conf" '
	    /^[0-9]\. / { is_fourth = /^4/ }
	    /^[^ ]/ { to = $0 == "ddns-mux.conf:" ? conf : steps }
	    is_fourth && sub(/^    /, "") { print >to }
	' "doc/INSTALL.$system"
	chmod 640 "$work/$system/ddns-mux.conf"
	sed -e '/^cd /d' -e '/^chgrp _ddnsmux /d' \
	    -e "s,^ddns-muxctl ,$build/ddns-muxctl ," \
	    -e "s,^ddns-mux ,$build/ddns-mux -f ddns-mux.conf ," "$work/steps" \
	    >"$work/changed"
	(cd "$work/$system" && dash -eu "$work/changed") >"$work/said" 2>&1 &&
	    [ ! -s "$work/said" ] && grep -q 'ddns-mux -f' "$work/changed" ||
	    say "doc/INSTALL.$system: step 4 says $(cat "$work/said")"
done

# The systems' rc.subr, as far as the scripts need it.
cat >"$work/openbsd.subr" <<'EOF'
rc_exec() { sh -c "$1"; }
rc_cmd() { daemon=$DDNS_MUX daemon_flags="-v -f $CONFIGURATION" && "rc_$1"; }
EOF
cat >"$work/freebsd.subr" <<'EOF'
load_rc_config() { command=$DDNS_MUX ddns_mux_flags="-v -f $CONFIGURATION"; }
run_rc_command()
{
	eval "_precmd=\${$1_precmd:-} _cmd=\${$1_cmd:-}"
	${_precmd:-:} && ${_cmd:-echo "$1"}
}
EOF
printf '#!/bin/sh\n{ echo "$*"; cat; } >>%s/logged\n' "$work" >"$work/logger"
chmod +x "$work/logger"
echo 'workers = "two";' >"$work/wrong.conf"
cp tests/conf/01-minimal.conf "$work/right.conf"
chmod 600 "$work"/*.conf

# called SYSTEM COMMAND CONFIGURATION: its rc.d script with another rc.subr.
called()
{
	file=$work/root/etc/rc.d/ddns_mux
	[ "$1" = openbsd ] || file=$work/root/$(sed -n \
	    's/^sysconfdir = //p' "$build/Makefile")/rc.d/ddns_mux
	made "install-$1-rc"
	sed "s,^\. .*,. $work/$1.subr," "$file" >"$work/rc"
	DDNS_MUX=$build/ddns-mux CONFIGURATION=$work/$3 PATH=$work:$PATH \
	    dash -u "$work/rc" "$2" >"$work/said" 2>&1
}

for call in 'openbsd configtest' 'freebsd configtest' 'freebsd restart' \
    'freebsd reload'; do
	# Words are meant to be split.
	# shellcheck disable=SC2086
	if called $call wrong.conf; then
		say "$call: a wrong configuration passes"
	fi
	grep -q "^$work/wrong.conf:1: " "$work/said" ||
	    say "$call: does not say what is wrong: $(cat "$work/said")"
	# shellcheck disable=SC2086
	called $call right.conf || say "$call: $(cat "$work/said")"
	case $call:$(cat "$work/said") in
	*configtest: | *restart:restart | *reload:reload) ;;
	*) say "$call: says $(cat "$work/said")" ;;
	esac
done
if ! grep -qx -e '-p daemon.err -t ddns-mux' "$work/logged" ||
    ! grep -q "^$work/wrong.conf:1: " "$work/logged"; then
	say "openbsd configtest: logs $(cat "$work/logged")"
fi
exit $failed
