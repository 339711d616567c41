# SPDX-License-Identifier: ISC
"""What a client sees by TCP: section 8 of the conformance matrix."""
import contextlib
import random
import struct
import time
import types

import pytest

import fake
import rows
import wire
from answers import BARE, SIGNED, UNSIG, check
from client import Closed
from fake import Gate, by_owner
from mux import Mux
from wire import (BADKEY, BADSIG, BADTIME, FORMERR, NOTAUTH, SERVFAIL,
                  address, golden, message, rr, sign)

PER_SOURCE, TOTAL, IN_FLIGHT = 10, 100, 16
SLOW_ZONE = "slow.test"


@pytest.fixture(scope="module", name="world")
def fixture_world():
    """Two targets for two zones; the key of the second has a long name."""
    long_key = wire.Key("a-longer-name-of-a-key.example.", b"k" * 32)
    with contextlib.ExitStack() as stack:
        one, slow = (stack.enter_context(t) for t in (
            fake.FakeTarget("one", key=wire.Key("k.example.", b"k" * 32)),
            fake.FakeTarget("slow", key=long_key)))
        daemon = stack.enter_context(Mux(
            [one.config(zones=[wire.ZONE, "long.test"]),
             slow.config(zones=[SLOW_ZONE])],
            [wire.GOLDEN_KEY, rows.ZONE_KEY], client_deadline_ms=5000,
            tcp_reads=1000))
        yield types.SimpleNamespace(mux=daemon, one=one, slow=slow)


@pytest.fixture(name="client")
def fixture_client(world):
    world.one.reset()
    world.slow.reset()
    with world.mux.tcp_client() as client:
        yield client


def update(owner="h1", **more):
    return sign(golden(updates=[address(f"{owner}.{wire.ZONE}")], **more))


def slow_update():
    return sign(message(zone=SLOW_ZONE))


def assert_serving(world):
    """UDP and a new TCP connection are answered, and soon."""
    for client in (world.mux.udp_client(),
                   world.mux.tcp_client(source="127.0.0.99")):
        with client:
            begun, request = time.monotonic(), update("serving")
            check(client.ask(request), request, SIGNED())
            assert time.monotonic() - begun < 1.0


def test_s1_one_message(client):
    request = update()
    check(client.ask(request), request, SIGNED())


@pytest.mark.parametrize("count", [3, 40, 1000])
def test_s2_s4_pipelined(client, count):
    """Each answer verifies with the MAC of its own request only."""
    idents = random.sample(range(0x10000), count)
    requests = {i: update(f"h{i}-{count}", ident=i) for i in idents}
    answers = client.exchange(list(requests.values()))
    seen = {}
    for answer in answers:
        seen[struct.unpack_from(">H", answer)[0]] = answer
    assert seen.keys() == requests.keys()
    for ident, request in requests.items():
        check(seen[ident], request, SIGNED())


def test_s3_answers_out_of_order(world, client):
    gate = Gate()
    world.slow.reset(gate)
    first, second = slow_update(), update()
    client.send(first)
    gate.wait()
    check(client.ask(second), second, SIGNED())
    gate.open()
    check(client.receive(), first, SIGNED())


def test_s5_one_id_twice_in_flight(world, client):
    gate = Gate()
    world.one.reset(gate)
    requests = [update(owner, ident=7) for owner in ("a", "b")]
    for request in requests:
        client.send(request)
    gate.wait(2)
    gate.open()
    macs = set()
    for answer in (client.receive(), client.receive()):
        msg = wire.parse(answer)
        fits = [r for r in requests if wire.expected_mac(
            answer, wire.GOLDEN_KEY, wire.request_mac(r)) == msg.tsig.mac]
        assert len(fits) == 1
        check(answer, fits[0], SIGNED())
        macs.add(fits[0])
    assert len(macs) == 2


@pytest.mark.parametrize("step", [1, 7])
def test_s6_partial_delivery(client, step):
    request = update()
    framed = struct.pack(">H", len(request)) + request
    for at in range(0, len(framed), step):
        client.raw(framed[at:at + step])
    check(client.receive(), request, SIGNED())


def test_s6_length_split_behind_a_message(client):
    first, second = update("a"), update("b")
    size = struct.pack(">H", len(second))
    client.raw(struct.pack(">H", len(first)) + first + size[:1])
    check(client.receive(), first, SIGNED())
    client.raw(size[1:] + second)
    check(client.receive(), second, SIGNED())


@pytest.mark.parametrize("size", [0, 1, 2, 11])
def test_s8_runts_close(client, size):
    client.raw(struct.pack(">H", size) + update()[:size])
    assert client.is_closed()


def test_s9_malformed_keeps_the_connection(client):
    loop = sign(message(zone=[b"\xc0\x0c\0\6\0\1"]))
    check(client.ask(loop), loop, BARE(FORMERR, zone=False))
    request = update()
    check(client.ask(request), request, SIGNED())


def test_s10_response_is_skipped(client):
    client.send(update("a", flags=0xa800))
    request = update("b")
    check(client.ask(request), request, SIGNED())


def test_s11_half_close(world, client):
    gate = Gate()
    world.one.reset(gate)
    request = update()
    client.send(request)
    client.half_close()
    gate.wait()
    gate.open(fake.after(0.3, fake.ok))
    check(client.receive(), request, SIGNED())
    assert client.is_closed()


@pytest.mark.parametrize("end", ["close", "reset"])
def test_s12_client_gone(world, client, end):
    gate = Gate()
    world.one.reset(gate)
    client.send(update())
    gate.wait()
    worker = world.mux.workers()
    getattr(client, end)()
    with world.mux.tcp_client() as other:  # may get the old descriptor
        request = sign(message(flags=0x1000))
        check(other.ask(request), request, SIGNED(4, zone=False))
        gate.open()
        world.one.reset()
        request = update("next")
        check(other.ask(request), request, SIGNED())
        assert other.receive(0) is None
    assert world.mux.workers() == worker


def test_s13_client_never_reads(world):
    """Answers pile up to a bound; then the connection ends."""
    big = message(zone=rows.LONG_ZONE)  # unsigned: REFUSED, zone echoed
    framed = (struct.pack(">H", len(big)) + big) * 200
    with world.mux.tcp_client(receive_buffer=2048,
                              source="127.0.0.7") as client:
        client.sock.settimeout(0.2)
        with pytest.raises(ConnectionError):
            write_for_ever(client.sock, framed, lambda: assert_serving(world))
    assert_serving(world)


def write_for_ever(sock, octets, on_stall, limit=20):
    """As fast as the peer takes it, until it closes."""
    deadline, out = time.monotonic() + limit, b""
    while time.monotonic() < deadline:
        out = out or octets
        try:
            out = out[sock.send(out):]
        except TimeoutError:
            on_stall()


def opened(world, stack, count, source):
    return [stack.enter_context(world.mux.tcp_client(source=source))
            for _ in range(count)]


def alive(clients):
    """Which of the connections still answer?"""
    living = []
    for client in clients:
        request = update()
        with contextlib.suppress(Closed):
            check(client.ask(request), request, SIGNED())
            living.append(client)
    return living


def test_s14_limit_per_source(world):
    world.one.reset()
    with contextlib.ExitStack() as stack:
        clients = opened(world, stack, PER_SOURCE + 1, "127.0.0.8")
        living = alive(clients)
        assert len(living) == PER_SOURCE
        assert_serving(world)
        living[0].close()
        assert len(alive(living[1:])) == PER_SOURCE - 1
        assert_recovers(world, "127.0.0.8")


def assert_recovers(world, source):
    """A place became free: a client gets in, at once or on a second try."""
    deadline = time.monotonic() + 5
    while True:
        with world.mux.tcp_client(source=source) as client:
            if alive([client]):
                return
        assert time.monotonic() < deadline, "no connection is accepted"


def test_s14_limit_in_total(world):
    world.one.reset()
    with contextlib.ExitStack() as stack:
        clients = []
        for last in range(10, 10 + TOTAL // PER_SOURCE):
            clients += opened(world, stack, PER_SOURCE, f"127.0.0.{last}")
        assert len(alive(clients)) == TOTAL
        more = opened(world, stack, 1, "127.0.0.60")
        assert len(alive(clients + more)) == TOTAL
        with world.mux.udp_client() as client:
            request = update()
            check(client.ask(request), request, SIGNED())


def test_s14_pipelined_in_flight(world, client):
    """No more than so many of one connection are with the targets."""
    gate = Gate()
    world.one.reset(gate)
    requests = [update(f"h{i}", ident=i) for i in range(IN_FLIGHT + 4)]
    for request in requests:
        client.send(request)
    gate.wait(IN_FLIGHT)
    assert_udp_probe(world, gate)
    world.one.reset()
    gate.open()
    found = {client.receive()[:2] for _ in requests}
    assert len(found) == len(requests)


def assert_udp_probe(world, gate):
    """A later UDP update passes; the held ones are still the limit."""
    with world.mux.udp_client() as other:
        other.send(update("probe"))
        held = gate.wait(IN_FLIGHT + 1)
    assert [r.owner for r in held].count("probe") == 1
    assert len(held) == IN_FLIGHT + 1


def test_s15_largest_message(world, client):
    """65535 octets with a target key of a name as long as the client's."""
    request = of_size(65535, wire.ZONE, rows.ZONE_KEY)
    check(client.ask(request), request, SIGNED(), rows.ZONE_KEY)
    copy, = world.one.wait()
    rows.same_update(copy, request)


def test_s15_copy_would_be_too_large(world, client):
    request = of_size(65535, SLOW_ZONE, rows.ZONE_KEY)
    check(client.ask(request), request, SIGNED(SERVFAIL), rows.ZONE_KEY)
    assert not world.slow.received


def of_size(size, zone, key):
    def make(octets):
        return sign(message(zone=zone, updates=[
            rr(f"h.{zone}", 65280, rdata=bytes(octets))]), key)
    return make(size - len(make(0)))


def test_s16_tcp_goes_out_by_tcp(world, client):
    client.ask(update())
    assert [r.transport for r in world.one.wait()] == ["tcp"]


def test_s17_many_half_sent(world):
    with contextlib.ExitStack() as stack:
        for last in range(70, 79):
            for client in opened(world, stack, PER_SOURCE,
                                 f"127.0.0.{last}"):
                client.raw(b"\0\x80half a message")
        assert_serving(world)


S18 = rows.table(
    ("T2", lambda: sign(golden(), rows.OTHER_KEY), UNSIG(BADKEY),
     rows.OTHER_KEY),
    ("T6", lambda: sign(golden(), mac=lambda m: bytes(32)), UNSIG(BADSIG)),
    ("T15", lambda: sign(golden(), time=1700000000),
     SIGNED(NOTAUTH, BADTIME)),
)


@pytest.mark.parametrize("row", S18, ids=rows.idents(S18))
def test_s18_tsig_failures(world, client, row):
    request = row.make()
    check(client.ask(request), request, row.want, row.key)
    request = update()
    check(client.ask(request), request, SIGNED())
    assert len(world.one.received) == 1


def test_e14_keepalive_is_ignored(client):
    request = sign(golden(additional=[
        wire.opt(options=struct.pack(">HH", 11, 0))]))
    check(client.ask(request), request, SIGNED(opt=True))


def test_long_zone_is_echoed_by_tcp(client):
    """H10's limit is one of UDP."""
    request = message(zone=rows.LONG_ZONE)
    check(client.ask(request), request, BARE(wire.REFUSED))


def test_quick_and_slow_on_one_connection(world, client):
    """One held update does not hold the next of the same zone."""
    gate = Gate()
    world.one.reset(by_owner({"held": gate}))
    held, quick = update("held"), update("quick")
    client.send(held)
    gate.wait()
    check(client.ask(quick), quick, SIGNED())
    gate.open()
    check(client.receive(), held, SIGNED())
