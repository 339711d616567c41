#!/bin/sh
# SPDX-License-Identifier: ISC
# The program built for another machine, and its unit tests run there: on this
# processor (i386), or by qemu (s390x, whose octets come in the other order).
#	sh foreign.sh i386 | s390x
# Debian's libraries for that machine are unpacked below build-ARCH; nothing
# but the compiler and qemu is installed.  It takes some minutes.
set -eu
cd "$(dirname "$0")/.."
top=$(pwd)
arch=${1-}
build=$top/build-$arch
root=$build/root

case $arch in
i386)
	triplet=i686-linux-gnu multiarch=i386-linux-gnu
	lib=$root/lib/$multiarch:$root/usr/lib/$multiarch
	run="$root/lib/ld-linux.so.2 --library-path $lib"
	options=
	tools=gcc-i686-linux-gnu
	;;
s390x)
	triplet=s390x-linux-gnu multiarch=$triplet
	run="qemu-s390x -L $root"
	# qemu passes on no filter of system calls.
	options=--disable-sandbox
	tools='gcc-s390x-linux-gnu qemu-user'
	;;
*)
	echo "usage: foreign.sh i386 | s390x" >&2
	exit 1
	;;
esac

libraries='libc6 libc6-dev linux-libc-dev libcrypt-dev libcrypt1 libgcc-s1
    libssl3 libssl-dev libconfig9 libconfig-dev libbsd0 libbsd-dev libmd0
    libmd-dev libcmocka0 libcmocka-dev libseccomp2 libseccomp-dev'

# With lists of its own, so that the system's know of one architecture only.
fetch()
{
	apt=$build/apt
	mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial" \
	    "$apt/debs"
	: >"$apt/status"
	# shellcheck disable=SC1091
	release=$(. /etc/os-release && echo "$VERSION_CODENAME")
	key=/usr/share/keyrings/debian-archive-keyring.gpg
	echo "deb [signed-by=$key] http://deb.debian.org/debian $release main" \
	    >"$apt/sources.list"
	set -- -q -o APT::Architecture="$arch" -o APT::Architectures="$arch" \
	    -o Dir::State="$apt/state" -o Dir::State::status="$apt/status" \
	    -o Dir::Cache="$apt/cache" -o Dir::Etc::SourceParts=/dev/null \
	    -o Dir::Etc::SourceList="$apt/sources.list"
	apt-get "$@" update
	# Words are meant to be split.
	# shellcheck disable=SC2086
	(cd "$apt/debs" && apt-get "$@" download $libraries)
	for deb in "$apt"/debs/*.deb; do
		dpkg -x "$deb" "$root"
	done
	: >"$build/fetched"
}

# shellcheck disable=SC2086
sh tests/install.sh build test $tools
[ -x configure ] || autoreconf -fi
[ -e "$build/fetched" ] || fetch
cd "$build"
pkgconfig=$root/usr/lib/$multiarch/pkgconfig:$root/usr/share/pkgconfig
# shellcheck disable=SC2086
[ -e Makefile ] || PKG_CONFIG_LIBDIR=$pkgconfig PKG_CONFIG_SYSROOT_DIR=$root \
    ../configure -q --host="$triplet" CC="$triplet-gcc --sysroot=$root" \
    --enable-werror --sysconfdir=/etc --runstatedir=/run $options
jobs=$(nproc)
make -j"$jobs" --no-print-directory

programs=$(printf '%s\n' 'include Makefile' 'print: ; @echo $(check_PROGRAMS)' |
    make -s --no-print-directory -f - print | tr ' ' '\n')
# Two run the whole for minutes, which qemu makes many.
[ "$arch" != s390x ] ||
    programs=$(echo "$programs" | grep -v -e /test_whole -e /test_work)
# shellcheck disable=SC2086
make -j"$jobs" --no-print-directory check LOG_COMPILER="$run" \
    TESTS="$(echo $programs)" check_PROGRAMS="$(echo $programs)"
[ "$arch" != s390x ] || exit 0

# With its own system calls through the filter.
printf '#!/bin/sh\nexec %s %s "$@"\n' "$run" "$build/ddns-mux" >run-ddns-mux
chmod +x run-ddns-mux
cd ../tests/e2e
DDNS_MUX=$build/run-ddns-mux PYTHONDONTWRITEBYTECODE=1 \
    exec /usr/bin/python3 -m pytest -q test_client_udp.py test_targets.py \
    test_targets_tcp.py test_client_tcp.py
