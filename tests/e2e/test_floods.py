# SPDX-License-Identifier: ISC
"""Hostile and clumsy clients. What they send is bounded in time and memory,
counted, and no reason to leave others unserved; how fast that is, is not
said here. FLOOD=N in the environment sends N times as much."""
import base64
import contextlib
import os
import pathlib
import re
import select
import socket
import struct
import threading
import time

import pytest

import kinds
import rows
import wire
from answers import SIGNED, UNSIG, check
from client import PATIENCE, Closed, remaining
from daemon_help import counters, update, wait_for, wait_for_counters
from memserver import MemServer, make_key
from wire import (ANY, BADSIG, NOERROR, REFUSED, address, golden, message, rr,
                  sign)

TIMES = int(os.environ.get("FLOOD", "1"))
BURST = 100  # datagrams that fit any listener's buffer
FLOODER, INNOCENT = "127.0.0.66", "127.0.0.1"
# What is set aside at the start is touched by and by, and libraries have
# their own: a leak of one octet for each message would be more than this.
SLACK_KB = 2048
# Of the counters, those that say what became of one message.
FATES = ("accepted drop_short drop_response drop_source drop_busy drop_crypto "
         "bad_opcode bad_form bad_truncated bad_edns bad_source no_tsig "
         "bad_key bad_sig bad_time bad_trunc bad_zone not_allowed "
         "too_many_records replay_answered replay_ignored replay_dropped "
         "out_of_zone").split()


def memory_kb(daemon):
    """What all workers have touched so far."""
    texts = [pathlib.Path(f"/proc/{pid}/status").read_text()
             for pid in daemon.workers()]
    return sum(int(re.search(r"VmRSS:\s+(\d+)", t)[1]) for t in texts)


@contextlib.contextmanager
def flat_memory(daemon, more_kb=0):
    """No more than so much of it is touched inside."""
    before = memory_kb(daemon)
    yield
    after = memory_kb(daemon)
    print(f"resident: {before} kB, {after} kB")
    assert after <= before + more_kb + SLACK_KB


def ask_until(client, make=update, key=wire.GOLDEN_KEY):
    """As a client does it: signed anew until there is an answer, which has
    to be the right one. How often it asked."""
    for attempt in range(1, 21):
        request = make()
        answer = client.ask(request, PATIENCE / 10)
        if answer is not None and answer[:2] == request[:2]:
            check(answer, request, SIGNED(), key)
            return attempt
    raise AssertionError("a signed client is not served")


def is_balanced(found):
    """Each message that was received has met one fate."""
    received = found["received_udp"] + found["received_tcp"]
    return received == sum(found[name] for name in FATES)


def junk():
    """Kinds of it, by the counter that it raises."""
    unknown = wire.Key("unknown.example.", b"u" * 32)
    zone = wire.long_name(225, "x.test")
    by_pointer = sign(message(zone=zone, additional=[wire.opt(4096)]),
                      wire.Key(zone, b"k" * 32), owner=b"\xc0\x0c",
                      algorithm=b"\xc0\x0c", mac=lambda m: b"")
    return [("drop_short", b""), ("drop_short", bytes(11)),
            ("drop_response", golden(flags=0xa800)),
            ("no_tsig", golden()),
            ("no_tsig", golden(additional=[wire.opt(65535)])),
            ("bad_opcode", golden(flags=0)),
            ("bad_form", golden()[:-1]),
            ("bad_form", golden(counts=[65535] * 4)),
            ("bad_form", b"\x28" * 500),
            ("bad_key", sign(golden(), unknown)),
            ("bad_key", by_pointer),
            ("bad_sig", sign(golden(), mac=lambda m: bytes(32)))]


class Reflected:
    """What a flooder got back for what it sent."""

    def __init__(self, client):
        self.client, self.sent, self.answers = client, {}, 0

    def send(self, data):
        """With an ID of its own, where it has one."""
        ident = struct.pack(">H", len(self.sent) & 0xffff)
        if len(data) >= 12:
            data = ident + data[2:]
        self.sent[data[:2]] = len(data)
        self.client.send(data)

    def collect(self):
        while (answer := self.client.receive(0)) is not None:
            self.answers += 1
            assert len(answer) <= self.sent[answer[:2]], "an amplifier"


def test_flood_a01_junk(start, targets):
    """Refusals are short and few, and signed clients are served."""
    daemon = start(targets("one"), refusals_per_source=100)
    kinds_of_junk = junk()
    with daemon.udp_client(source=FLOODER) as flooder, \
            daemon.udp_client(source=INNOCENT) as client:
        ask_until(client)
        reflected, begun = Reflected(flooder), time.monotonic()
        with flat_memory(daemon):
            for _ in range(40 * TIMES):
                for i in range(BURST):
                    reflected.send(kinds_of_junk[i % len(kinds_of_junk)][1])
                ask_until(client)
                reflected.collect()
        seconds = int(time.monotonic() - begun) + 2
    assert 0 < reflected.answers <= 100 * seconds
    found = wait_for_counters(daemon, lambda c: c["accepted"] > 40
                              and is_balanced(c))
    assert all(found[name] for name, _ in kinds_of_junk)
    assert found["refusals_unsaid"] > 0
    daemon.wait_log(rf"warning: client {FLOODER}:\d+/udp.*not even answered")
    assert_few_lines(daemon, seconds)


def assert_few_lines(daemon, seconds):
    """Of each cause one, and one every ten seconds."""
    lines = [line for line in daemon.log.lines
             if f"client {FLOODER}" in line and "warning" in line]
    assert len(lines) <= len(FATES) * (1 + seconds // 10)


def test_flood_a02_wrong_macs(start, targets):
    """Each is verified: with a limit by source, whoever is named as the
    source of such ones would be shut out. Only answers are limited."""
    one, = targets("one")
    daemon = start([one], refusals_per_source=100)
    with daemon.udp_client(source=FLOODER) as flooder, \
            daemon.udp_client(source=FLOODER) as named, \
            daemon.udp_client(source=INNOCENT) as client:
        first = sign(golden(), mac=lambda m: bytes(32))
        check(flooder.ask(first), first, UNSIG(BADSIG))
        reflected, begun = Reflected(flooder), time.monotonic()
        with flat_memory(daemon):
            for _ in range(30 * TIMES):
                for _ in range(BURST):
                    reflected.send(first)
                ask_until(named)
                ask_until(client)
                reflected.collect()
        seconds = int(time.monotonic() - begun) + 2
    assert reflected.answers <= 100 * seconds
    found = wait_for_counters(daemon, lambda c: c["accepted"] >= 60
                              and is_balanced(c))
    assert found["bad_sig"] > BURST
    assert found["answered"] - found["accepted"] < found["bad_sig"]
    assert found["refusals_unsaid"] > 0
    assert_few_lines(daemon, seconds)


# TCP


def drip(client, octets):
    """One octet at a time, until the peer closes; how many it took."""
    for count, octet in enumerate(octets):
        try:
            client.raw(bytes([octet]))
            if client.is_closed(0.001):
                return count
        except Closed:
            return count
    return len(octets)


def assert_served(daemon):
    for how in (daemon.udp_client, daemon.tcp_client):
        with how(source="127.0.0.99") as client:
            ask_until(client)


def test_flood_a03_small_pieces(start, targets):
    """A message in many small reads ends the connection long before its
    time is over; one in fewer, or in many large ones, is a message."""
    daemon = start(targets("one"), tcp_message_s=600)
    with daemon.tcp_client() as client:
        assert drip(client, b"\xff\xff" + bytes(20000)) < 20000
    wait_for_counters(daemon, lambda c: c["tcp_reads"] == 1)
    daemon.wait_log("warning: client .*more than tcp_reads pieces")
    with daemon.tcp_client() as client:
        request = update()
        framed = struct.pack(">H", len(request)) + request
        for at in range(0, 40):
            client.raw(framed[at:at + 1])
        client.raw(framed[40:])
        check(client.receive(), request, SIGNED())
        large = sign(golden(updates=[rr("h1." + wire.ZONE, 65280,
                                        rdata=bytes(60000))]))
        framed = struct.pack(">H", len(large)) + large
        for at in range(0, len(framed), 600):
            assert client.receive(0.002) is None  # each is read by itself
            client.raw(framed[at:at + 600])
        check(client.receive(), large, SIGNED())


def test_flood_a03_slow_senders(start, targets):
    """Nothing, a length, and half a message."""
    daemon = start(targets("one"), tcp_message_s=2, tcp_reads=65537)
    with contextlib.ExitStack() as stack:
        slow = []
        for first in (b"", b"\xff\xff", b"\0\x80" + bytes(60)) * 3:
            slow.append(stack.enter_context(daemon.tcp_client()))
            slow[-1].raw(first)
        assert_served(daemon)
        assert all(client.is_closed() for client in slow)
    wait_for_counters(daemon, lambda c: c["tcp_timeout"] == 6
                      and c["tcp_idle"] == 3)
    daemon.wait_log("warning: client .*no whole message in tcp_message_s")


def test_flood_a03_idle(start, targets):
    """A whole message buys tcp_idle_s, and that is all."""
    daemon = start(targets("one"), tcp_message_s=600, tcp_idle_s=1)
    with daemon.tcp_client() as client:
        ask_until(client)
        assert client.is_closed()
    wait_for_counters(daemon, lambda c: c["tcp_idle"] == 1)


def flood_of_connections(daemon, stack, sources, each, first=b""):
    for last in range(sources):
        for _ in range(each):
            with contextlib.suppress(OSError, Closed):
                client = stack.enter_context(daemon.tcp_client(
                    source=f"127.0.1.{last + 1}"))
                client.raw(first)


def test_flood_a04_connections(start, targets):
    """More of them than anybody may have: idle ones give way."""
    daemon = start(targets("one"), tcp_clients=20, tcp_clients_per_source=5,
                   tcp_message_s=600, tcp_idle_s=600)
    with contextlib.ExitStack() as stack, flat_memory(daemon, 20 * 100):
        for _ in range(TIMES):
            flood_of_connections(daemon, stack, 10, 30)
            assert_served(daemon)
            for pid in daemon.workers():
                assert len(os.listdir(f"/proc/{pid}/fd")) < 20 + 40
        wait_for_counters(daemon, lambda c: c["tcp_gave_way"] > 0
                          and c["tcp_refused"] >= 10 * 25)
    daemon.wait_log("warning: client .*an idle one was closed")
    daemon.wait_log("warning: client .*too many TCP connections")


def test_flood_a04_connections_that_are_not_idle(start, targets):
    """They hold their places for tcp_message_s; UDP is served meanwhile."""
    daemon = start(targets("one"), tcp_clients=20, tcp_clients_per_source=5,
                   tcp_message_s=2, tcp_reads=65537)
    with contextlib.ExitStack() as stack:
        flood_of_connections(daemon, stack, 10, 5, b"\0\x80half a message")
        with daemon.udp_client() as client:
            ask_until(client)
        wait_for(lambda: is_served_by_tcp(daemon), "no place becomes free")
        wait_for_counters(daemon, lambda c: c["tcp_timeout"] >= 20)


def is_served_by_tcp(daemon):
    with contextlib.suppress(Closed), \
            daemon.tcp_client(source="127.0.0.99") as client:
        return ask_until(client)
    return False


def write_until_closed(client, octets, limit=30):
    """As fast as the peer takes it, without ever reading."""
    deadline, out = time.monotonic() + limit, b""
    client.sock.settimeout(0.2)
    while remaining(deadline):
        out = out or octets
        try:
            out = out[client.sock.send(out):]
        except TimeoutError:
            continue
        except ConnectionError:
            return
    raise AssertionError("never closed")


def test_flood_a05_never_reads(start, targets):
    """What is unsent is bounded, and so is the time that it is kept."""
    daemon = start(targets("one"), tcp_send_s=1, tcp_messages=1000000)
    big = message(zone=rows.LONG_ZONE)  # unsigned: REFUSED, zone echoed
    framed = (struct.pack(">H", len(big)) + big) * 200
    with flat_memory(daemon, 100):
        for _ in range(TIMES):
            with daemon.tcp_client(receive_buffer=2048) as client:
                write_until_closed(client, framed)
        assert_served(daemon)
    wait_for_counters(daemon, lambda c: c["tcp_unread"] == TIMES)
    daemon.wait_log("warning: client .*reads none of its answers")


def read_to_the_end(client):
    """How many messages come before the end of file."""
    count = 0
    with contextlib.suppress(Closed):
        while client.receive() is not None:
            count += 1
        raise AssertionError("the connection stays open")
    return count


def test_flood_a06_pipelined(start, targets):
    """10,000 on one connection: 1000 are taken and answered, none is lost
    of these, and the rest is for another connection."""
    daemon = start(targets("one"), tcp_message_s=60)
    query = message(flags=0)
    framed = (struct.pack(">H", len(query)) + query) * 10000
    for _ in range(TIMES):
        with daemon.tcp_client() as client, flat_memory(daemon, 100):
            sender = threading.Thread(target=client.sock.sendall,
                                      args=(framed,), daemon=True)
            sender.start()
            assert_served(daemon)
            assert read_to_the_end(client) == 1000
            sender.join(PATIENCE)
            assert not sender.is_alive(), "what is too much is not read"
    found = wait_for_counters(daemon, lambda c: c["tcp_used_up"] == TIMES)
    assert found["bad_opcode"] == 1000 * TIMES


def test_flood_a06_many_at_the_same_time(start, targets):
    """Nobody waits until one connection has had its fill."""
    daemon = start(targets("one"), tcp_messages=1000000)
    query = message(flags=0)
    framed = (struct.pack(">H", len(query)) + query) * 2500
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(daemon.tcp_client(
            source=f"127.0.1.{i + 1}")) for i in range(8)]
        readers = [threading.Thread(target=exchange, args=(c, framed, 2500),
                                    daemon=True) for c in clients]
        for reader in readers:
            reader.start()
        assert_served(daemon)
        for reader in readers:
            reader.join(30)
            assert not reader.is_alive()
    wait_for_counters(daemon, lambda c: c["bad_opcode"] == 8 * 2500)


def exchange(client, framed, count):
    client.sock.settimeout(30)
    sender = threading.Thread(target=client.sock.sendall, args=(framed,),
                              daemon=True)
    sender.start()
    while count:
        assert client.receive(30) is not None
        count -= 1


# Updates


def of_records(count):
    """The smallest there are: the zone's name, no data."""
    return sign(message(updates=[rr(b"\xc0\x0c", 65280, ANY, 0)] * count))


@pytest.mark.parametrize("by", ["udp", "tcp"])
def test_flood_a07_records(start, targets, by):
    """500 are served; one more, and 5000, are refused, and signed."""
    one, = targets("one")
    daemon = start([one])
    with getattr(daemon, by + "_client")() as client:
        for count, want in ((500, NOERROR), (501, REFUSED), (5000, REFUSED)):
            request = of_records(count)
            check(client.ask(request), request, SIGNED(want))
    assert len({r.data for r in one.received}) == 1
    wait_for_counters(daemon, lambda c: c["too_many_records"] == 2)
    daemon.wait_log("warning: client .*more than records_per_update")


def test_flood_a07_records_by_setting(start, targets):
    daemon = start(targets("one"), records_per_update=5000,
                   client_deadline_ms=5000)
    with daemon.udp_client() as client:
        for count, want in ((5000, NOERROR), (5001, REFUSED)):
            request = of_records(count)
            check(client.ask(request), request, SIGNED(want))


def test_flood_a08_restart_forgets(start, targets):
    """As the manual says: what was accepted before is not remembered."""
    one, = targets("one")
    request = update()
    for _ in range(2):
        daemon = start([one])
        with daemon.udp_client() as client:
            for _ in range(2):
                check(client.ask(request), request, SIGNED())
        daemon.stop()
    assert len(one.received) == 2


@pytest.fixture(name="servers")
def fixture_servers(stack):
    """Two targets that keep a zone, and their groups."""
    keys = [wire.Key(f"mem-{i}.example.", bytes([i]) * 32) for i in (1, 2)]
    made = [stack.enter_context(MemServer(
        ("127.0.0.1", 0), [kinds.FORWARD], out=None, key=make_key(
            f"{k.name}:{k.algorithm}:{base64.b64encode(k.secret).decode()}")))
        for k in keys]
    groups = [dict(name=f"mem-{i}", tsig=key.config(),
                   address="{}:{}".format(*server.address))
              for i, (key, server) in enumerate(zip(keys, made))]
    return made, groups


def held(servers):
    """What all of them hold but for SOA and NS; they must be equal."""
    first, *others = ([line for line in server.content()
                       if " SOA " not in line and " NS " not in line]
                      for server in servers)
    assert all(other == first for other in others)
    return first


def test_flood_a09_storm(start, servers):
    """As after an outage: all at once, and again what was not answered.
    What is too much is dropped or left to the next attempt; in the end
    every target has all of it."""
    made, groups = servers
    daemon = start(groups, updates_in_hand=32, client_deadline_ms=2000,
                   workers=2, replay_cache=1024)
    names = {f"h{i}.{wire.ZONE}." for i in range(150 * TIMES)}
    with flat_memory(daemon, 2 * 33 * 6):
        rounds = storm(daemon, set(names))
    assert rounds > 1, "the limits did not hold"
    assert {line.split()[0] for line in held(made)} == names
    found = wait_for_counters(daemon, lambda c: is_balanced(c) and c[
        "accepted"] == c["answered"] + c["unanswered"] and c[
            "answered"] >= len(names))
    assert found["drop_busy"] + found["unanswered"] > 0


def storm(daemon, names):
    """Send all, and again all that are left; how often."""
    rounds, deadline = 0, time.monotonic() + 60 * TIMES
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(daemon.udp_client(
            source=f"127.0.0.{i + 1}")) for i in range(8)]
        while names:
            assert remaining(deadline), f"{len(names)} are left"
            sent, rounds = {}, rounds + 1
            for i, name in enumerate(sorted(names)):
                client = clients[i % len(clients)]
                request = sign(golden(updates=[address(name)]))
                sent[client, request[:2]] = name, request
                client.send(request)
            for name in answered(clients, sent):
                names.discard(name)
    return rounds


def answered(clients, sent, quiet=0.5):
    """The names that were confirmed, until nothing comes any more."""
    done, by_socket = set(), {client.sock: client for client in clients}
    while ready := select.select(list(by_socket), [], [], quiet)[0]:
        for client in map(by_socket.get, ready):
            answer = client.receive()
            name, request = sent.get((client, answer[:2]), (None, None))
            if request is not None:  # not one of the round before
                check(answer, request, SIGNED())
                done.add(name)
    return done


def change(number):
    """Of one name: add and delete in turn, each with an address."""
    host = f"h1.{wire.ZONE}"
    if number % 2:
        return sign(golden(updates=[rr(host, ANY, ANY, 0)]))
    return sign(golden(updates=[address(host, number % 250)]))


def test_flood_a10_one_name_in_turn(start, servers):
    """Two clients, each of which waits for the other's answer: with "all",
    every target has the last word, whichever workers they meet."""
    made, groups = servers
    daemon = start(groups, workers=4, client_deadline_ms=4000)
    for number in range(60 * TIMES + 1):
        source = f"127.0.0.{number % 2 + 1}"
        with daemon.udp_client(source=source) as client:
            ask_until_given(client, lambda n=number: change(n))
    assert len(held(made)) == 1


def ask_until_given(client, make):
    """Patient: a second copy of an update would be a second update."""
    request = make()
    check(client.ask(request), request, SIGNED())


def test_flood_a10_one_name_at_once(start, servers):
    """Updates of one name that are under way at the same time have no
    order, so targets may differ: there is no order by name so far. What is
    promised is that both have applied all of them, and that the next update
    finds them as any other."""
    made, groups = servers
    daemon = start(groups, workers=4, client_deadline_ms=4000)

    def hammer(source, failures):
        try:
            for number in range(40 * TIMES):
                with daemon.udp_client(source=source) as client:
                    ask_until_given(client, lambda n=number: change(n))
        except AssertionError as cause:
            failures.append(cause)
    failures = []
    threads = [threading.Thread(target=hammer, args=(source, failures))
               for source in ("127.0.0.1", "127.0.0.2")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures[0]
    assert all(server.applied >= 80 * TIMES for server in made)
    with daemon.udp_client() as client:
        last = [rr(f"h1.{wire.ZONE}", ANY, ANY, 0), address()]
        ask_until_given(client, lambda: sign(golden(updates=last)))
    assert len(held(made)) == 1


def test_flood_a11_loop_of_two(start, targets, stack):
    """Two ddns-mux that are each other's target: what goes in circles is
    signed anew each time, so it is no replay; what is in hand bounds it."""
    back = wire.Key("back.example.", b"b" * 32)
    relay, = targets("relay")
    first = start([relay.config(timeout_ms=1000)], [wire.GOLDEN_KEY, back],
                  updates_in_hand=20)
    second = start([dict(name="first", tsig=back.config(), timeout_ms=1000,
                         address="{}:{}".format(*first.udp))],
                   [relay.key], updates_in_hand=20)
    out = stack.enter_context(socket.socket(socket.AF_INET,
                                            socket.SOCK_DGRAM))
    relay.reset(lambda r: out.sendto(r.data, second.udp))
    with first.udp_client() as client:
        client.send(update())
        found = wait_for_counters(
            first, lambda c: c["accepted"] == c["unanswered"] > 0)
        print(f"accepted: {found['accepted']}")
        assert 1 < found["accepted"] <= 20
        relay.reset()
        ask_until(client)
    assert counters(second)["accepted"] <= 20
