#!/bin/sh
# SPDX-License-Identifier: ISC
# ddns-mux at work on this machine.  Installs what is missing, builds in
# ./build-demo, starts ddns-mux in front of two targets, sends it one signed
# update, shows the answer and what each target holds then, and stays until
# it is interrupted:
#
#	sh tests/demo.sh [--once] [--powerdns] [--port number]
#
# --once      end after the first update
# --powerdns  two real PowerDNS with SQLite, not small servers in memory
# --port      where ddns-mux listens on 127.0.0.1; 5353 if not said

set -eu
umask 077

top=$(cd "$(dirname "$0")/.." && pwd)
build=$top/build-demo
python=/usr/bin/python3 # the one that has Debian's dnspython
zone=example.org
host=127.0.0.1
port=5353
kind=memory
once=

say()
{
	printf '\n==> %s\n' "$*"
}

fail()
{
	printf 'demo: %s\n' "$*" >&2
	exit 1
}

usage()
{
	fail "usage: demo.sh [--once] [--powerdns] [--port number]"
}

while [ $# -gt 0 ]; do
	case $1 in
	--once)
		once=yes
		;;
	--powerdns)
		kind=powerdns
		;;
	--port)
		[ $# -ge 2 ] || usage
		port=$2
		shift
		;;
	*)
		usage
		;;
	esac
	shift
done

# Clean-up: the processes that were started here, by their numbers.

work=
pids=

clean_up()
{
	trap '' INT TERM HUP
	for pid in $pids; do
		kill "$pid" 2>/dev/null || :
	done
	for pid in $pids; do
		{ wait "$pid" || :; } 2>/dev/null
	done
	pids=
	[ -z "$work" ] || rm -rf "$work"
}

trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# start name command ...: in the background, with its output in a file.
# The number of the process is in $started.
start()
{
	log=$work/$1.log
	shift
	: >"$log"
	"$@" >"$log" 2>&1 </dev/null &
	started=$!
	pids="$started $pids"
}

# wait_for what pid log command ...: until the command succeeds, 10 seconds
# at most, and not longer than the process lives.
wait_for()
{
	what=$1 awaited=$2 log=$3
	shift 3
	tries=0
	until "$@"; do
		tries=$((tries + 1))
		if [ "$tries" -gt 100 ] || ! kill -0 "$awaited" 2>/dev/null
		then
			tail -n 15 "$log" >&2
			explain "$log"
			fail "$what: not there"
		fi
		sleep 0.1
	done
}

explain()
{
	grep -qi 'address already in use' "$1" || return 0
	cat >&2 <<-EOF
	demo: a port is taken: another demo, or avahi-daemon, which likes
	demo: 5353, may run.  Another one: sh tests/demo.sh --port 5454
	EOF
}

# The build.  make finds out by itself what else has to be done again.

step()
{
	printf '    %s\n' "$1"
	shift
	if ! "$@" >"$build/log" 2>&1; then
		tail -n 30 "$build/log" >&2
		fail "$1 failed; all it said is in $build/log"
	fi
}

is_generated()
{
	[ -x "$top/configure" ] && [ -f "$top/Makefile.in" ] &&
	    [ -f "$top/build-aux/install-sh" ] &&
	    [ -z "$(find "$top/configure.ac" "$top/Makefile.am" \
	    -newer "$top/Makefile.in")" ]
}

regenerate()
{
	cd "$top" && autoreconf -fi
}

configure()
{
	cd "$build" && ../configure
}

compile()
{
	make -C "$build" -j "$(getconf _NPROCESSORS_ONLN)"
}

build_all()
{
	# The umask is for secrets, not for what autoreconf leaves in the tree.
	umask 022
	mkdir -p "$build"
	is_generated || step autoreconf regenerate
	[ -f "$build/Makefile" ] || step configure configure
	step make compile
}

# Keys: random, one for each pair of speakers, in the form of tsig-keygen.

make_key()
{
	secret=$(dd if=/dev/urandom bs=32 count=1 2>/dev/null | base64)
	cat >"$work/$1.key" <<-EOF
	key "$1" {
		algorithm hmac-sha256;
		secret "$secret";
	};
	EOF
}

secret_of()
{
	sed -n 's/.*secret "\(.*\)";/\1/p' "$work/$1.key"
}

free_port()
{
	"$python" - <<-EOF
	import socket
	while True:
	    with socket.socket(type=socket.SOCK_DGRAM) as u, socket.socket() as t:
	        u.bind(("$host", 0))
	        try:
	            t.bind(u.getsockname())
	        except OSError:
	            continue
	        print(u.getsockname()[1])
	        break
	EOF
}

# Targets.  Each kind has three functions: start_, show_, how_to_look_.

start_memory()
{
	start "$1" "$python" "$top/tests/e2e/memserver.py" --name "$1" \
	    --listen "$host:$2" --zone "$zone" \
	    --key "$1:hmac-sha256:$(secret_of "$1")" --dump "$work/$1.zone"
	wait_for "target $1" "$started" "$work/$1.log" test -s "$work/$1.zone"
}

show_memory()
{
	cat "$work/$1.zone"
}

how_to_look_memory()
{
	echo "cat $work/target-1.zone $work/target-2.zone"
}

powerdns_settings()
{
	cat <<-EOF
	launch=gsqlite3
	gsqlite3-database=$work/$1.sqlite3
	local-address=$host
	local-port=$2
	socket-dir=$work/$1
	daemon=no
	guardian=no
	write-pid=no
	security-poll-suffix=
	dnsupdate=yes
	allow-dnsupdate-from=127.0.0.0/8
	allow-axfr-ips=127.0.0.0/8
	EOF
}

powerdns_rows()
{
	cat <<-EOF
	INSERT INTO domains (id, name, type) VALUES (1, '$zone', 'NATIVE');
	INSERT INTO records (domain_id, name, type, content, ttl, auth) VALUES
	    (1, '$zone', 'SOA',
	    'ns.$zone hostmaster.$zone 1 3600 600 604800 60', 3600, 1),
	    (1, '$zone', 'NS', 'ns.$zone', 3600, 1);
	INSERT INTO tsigkeys (name, algorithm, secret) VALUES
	    ('$1', 'hmac-sha256', '$(secret_of "$1")');
	INSERT INTO domainmetadata (domain_id, kind, content) VALUES
	    (1, 'TSIG-ALLOW-DNSUPDATE', '$1');
	EOF
}

start_powerdns()
{
	mkdir "$work/$1"
	powerdns_settings "$1" "$2" >"$work/$1/pdns.conf"
	schema=/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql
	{ cat "$schema" && powerdns_rows "$1"; } |
	    sqlite3 -bail "$work/$1.sqlite3"
	start "$1" pdns_server --config-dir="$work/$1"
	wait_for "PowerDNS $1" "$started" "$work/$1.log" answers "$2"
}

answers()
{
	dig +short +time=1 +tries=1 +norecurse "@$host" -p "$1" "$zone" SOA |
	    grep -q hostmaster
}

show_powerdns()
{
	sqlite3 "$work/$1.sqlite3" "SELECT printf('%-24s %6d %-5s %s', name,
	    ttl, type, content) FROM records ORDER BY name, type"
}

how_to_look_powerdns()
{
	echo "dig @$host -p $port_1 $zone AXFR; dig @$host -p $port_2 $zone AXFR"
}

# ddns-mux itself.

target_group()
{
	cat <<-EOF
	{
	    name = "$1";
	    address = "$host:$2";
	    tsig = {
	      name = "$1.";
	      algorithm = "hmac-sha256";
	      key_file = "$1.key";
	    };
	  }
	EOF
}

mux_settings()
{
	cat <<-EOF
	listen_udp = "$host:$port";
	listen_tcp = "$host:$port";
	require_confirmation = "all";
	user = "";
	incoming_tsig = {
	  name = "demo-client.";
	  algorithm = "hmac-sha256";
	  key_file = "demo-client.key";
	};
	targets = (
	  $(target_group target-1 "$port_1"),
	  $(target_group target-2 "$port_2")
	);
	EOF
}

is_ready()
{
	grep -q 'notice: ready' "$work/ddns-mux.log"
}

# Prints its line about the update.
has_told()
{
	grep 'update id=' "$work/ddns-mux.log"
}

start_mux()
{
	mux_settings >"$work/ddns-mux.conf"
	start ddns-mux "$build/ddns-mux" -d -v -f "$work/ddns-mux.conf"
	mux=$started
	wait_for "ddns-mux on $host:$port" "$mux" "$work/ddns-mux.log" is_ready
}

update_lines()
{
	printf '%s\\n' "server $host $port" "zone $zone" \
	    "update add $1.$zone 300 A $2" "send"
}

update_command()
{
	printf '%s | %s\n' "printf '$(update_lines "$1" "$2")'" \
	    "$3 -k $work/demo-client.key"
}

send_update()
{
	command=$(update_command "$1" "$2" "nsupdate -d")
	printf '%s\n\n' "$command"
	sh -c "$command" >"$work/answer" 2>&1 || failed=yes
	sed -n '/^Reply from update query/,$p' "$work/answer"
}

installed="build demo"
[ "$kind" != powerdns ] || installed="$installed powerdns"
say "packages: $installed"
# shellcheck disable=SC2086
sh "$top/tests/install.sh" $installed
PATH=$PATH:/usr/sbin:/sbin

say "building in $build"
(build_all)

work=$(mktemp -d)
for name in demo-client target-1 target-2; do
	make_key "$name"
done
port_1=$(free_port)
port_2=$(free_port)
say "starting two targets ($kind), each with a key of its own"
"start_$kind" target-1 "$port_1"
"start_$kind" target-2 "$port_2"
say "starting ddns-mux -d on $host:$port"
start_mux
cat "$work/ddns-mux.log"

say "one update, signed with the client's key"
failed=
send_update hello 192.0.2.1
if [ -n "$failed" ]; then
	cat "$work/answer" "$work/ddns-mux.log" >&2
	fail "the update failed"
fi
wait_for "the update's line" "$mux" "$work/ddns-mux.log" has_told
for name in target-1 target-2; do
	say "$name holds"
	"show_$kind" "$name"
done
[ -z "$once" ] || exit 0

say "another one:"
update_command again 192.0.2.2 nsupdate
say "what the targets hold then:"
"how_to_look_$kind"
say "ddns-mux's log, until you interrupt this:"
tail -n 0 -f "$work/ddns-mux.log" &
pids="$! $pids"
trap 'exit 0' INT
wait "$mux" || :
fail "ddns-mux has ended"
