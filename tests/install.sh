#!/bin/sh
# SPDX-License-Identifier: ISC
# Installs Debian packages that are missing, and nothing else:
#
#	sh tests/install.sh [set or package] ...
#
# Sets: build, demo, powerdns, test, package.  Run it as root, or with sudo at
# hand.  No daemon of a package is started.

set -eu

packages_of()
{
	case $1 in
	build)
		echo gcc make autoconf automake pkg-config libssl-dev \
		    libconfig-dev libbsd-dev libseccomp-dev
		;;
	demo)
		echo bind9-dnsutils python3 python3-dnspython
		;;
	powerdns)
		echo pdns-server pdns-backend-sqlite3 sqlite3
		;;
	test)
		echo bmake clang clang-format-14 clang-tidy-14 \
		    libclang-rt-14-dev cppcheck groff-base shellcheck \
		    libcmocka-dev libldns3 mandoc procps valgrind \
		    python3-pytest python3-dnspython \
		    bind9 bind9-dnsutils knot knot-dnsutils \
		    pdns-server pdns-backend-sqlite3 sqlite3 \
		    kea-dhcp-ddns-server kea-dhcp4-server \
		    faketime prometheus prometheus-node-exporter \
		    python3-prometheus-client iproute2 curl
		;;
	package)
		echo binutils debhelper devscripts dpkg-dev libcmocka-dev \
		    lintian pkgconf systemd
		;;
	*)
		echo "$1" # a package
		;;
	esac
}

say()
{
	printf '%s\n' "install: $*"
}

fail()
{
	printf '%s\n' "install: $*" >&2
	exit 1
}

as_root()
{
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	else
		sudo "$@"
	fi
}

is_installed()
{
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = \
	    installed ]
}

missing_of()
{
	for package; do
		is_installed "$package" || echo "$package"
	done | sort -u
}

# While packages are installed, policy-rc.d says that no daemon may start.
# One that was there before is put aside and comes back as it was.

policy=/usr/sbin/policy-rc.d
policy_aside=$policy.ddns-mux-aside
policy_mark='# ddns-mux tests/install.sh: while it installs'

exists()
{
	[ -e "$1" ] || [ -L "$1" ]
}

is_ours()
{
	grep -qsxF "$policy_mark" "$1"
}

forbid_daemons()
{
	# Ours may be left from an earlier run that was killed.
	if exists "$policy" && ! is_ours "$policy"; then
		as_root mv "$policy" "$policy_aside"
	fi
	printf '#!/bin/sh\n%s\nexit 101\n' "$policy_mark" \
	    >"$work/policy-rc.d"
	as_root install -m 755 "$work/policy-rc.d" "$policy"
}

restore_policy()
{
	if exists "$policy_aside"; then
		as_root mv "$policy_aside" "$policy"
	else
		as_root rm -f "$policy"
	fi
}

clean_up()
{
	[ -z "$forbidden" ] || restore_policy
	rm -rf "$work"
}

# apt-get's output goes to a file; the screen gets a dot for each step.
run_apt()
{
	{
		as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
		    -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" \
		    </dev/null && : >"$work/succeeded"
	} 2>&1 | while IFS= read -r line; do
		printf '%s\n' "$line" >>"$work/log"
		case $line in
		Get:* | Unpacking* | "Setting up"*) printf . ;;
		esac
	done
	echo
	if ! [ -e "$work/succeeded" ]; then
		tail -n 30 "$work/log" >&2
		fail "apt-get $1 failed"
	fi
	rm "$work/succeeded"
}

[ $# -gt 0 ] || fail "usage: install.sh [set or package] ..."
command -v dpkg-query >/dev/null ||
    fail "no dpkg here; needed: $(for s; do packages_of "$s"; done | xargs)"

wanted=$(for set; do packages_of "$set"; done)
# Names have no blanks: they are meant to be split.
# shellcheck disable=SC2086
missing=$(missing_of $wanted | xargs)
[ -n "$missing" ] || exit 0

[ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null ||
    fail "be root, or install sudo; missing: $missing"

work=$(mktemp -d)
forbidden=
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

say "missing: $missing"
say "fetching the package lists"
run_apt update
say "installing"
forbidden=yes
forbid_daemons
# shellcheck disable=SC2086
run_apt install --no-install-recommends $missing
say "done"
