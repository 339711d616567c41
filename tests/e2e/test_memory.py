# SPDX-License-Identifier: ISC
"""Whole ways: real clients, ddns-mux, and targets with the semantics of
RFC 2136 in memory. What counts is what both zones hold afterwards."""
import base64
import shutil
import subprocess
import types

import pytest

import kinds
import wire
from answers import BARE, SIGNED, check
from client import Udp
from memserver import MemServer, make_key
from mux import Mux
from wire import (FORMERR, GOLDEN_KEY, NOERROR, NXDOMAIN, NXRRSET, YXDOMAIN, YXRRSET,
                  message, rr, sign)

KEYS = [wire.Key("mem-1.example.", b"1" * 32),
        wire.Key("mem-2.example.", b"2" * 64, "hmac-sha512")]


@pytest.fixture(name="world")
def fixture_world(stack):
    servers, groups = [], []
    for number, key in enumerate(KEYS, 1):
        secret = base64.b64encode(key.secret).decode()
        server = stack.enter_context(MemServer(
            ("127.0.0.1", 0), [kinds.FORWARD, kinds.REVERSE],
            make_key(f"{key.name}:{key.algorithm}:{secret}"), out=None))
        servers.append(server)
        groups.append(dict(name=f"mem-{number}", tsig=key.config(),
                           address="{}:{}".format(*server.address)))
    daemon = stack.enter_context(Mux(groups, client_deadline_ms=3000))
    client = stack.enter_context(daemon.udp_client())
    return types.SimpleNamespace(mux=daemon, servers=servers, client=client)


def tell(world, kind, code):
    request = kinds.request(kind)
    check(world.client.ask(request), request, SIGNED(code))


def held(world):
    """What both hold but for SOA and NS; they must be equal."""
    first, second = (s.content() for s in world.servers)
    assert first == second
    return [line for line in first if " SOA " not in line
            and " NS " not in line]


def owners(world):
    return {line.split()[0] for line in held(world)}


def test_d2_add_and_remove(world):
    """The messages of kea-dhcp-ddns, forward and reverse."""
    tell(world, "add", NOERROR)
    tell(world, "reverse-replace", NOERROR)
    assert owners(world) == {kinds.HOST + ".", kinds.POINTER + "."}
    assert len(held(world)) == 4
    tell(world, "remove-2", YXRRSET)
    tell(world, "remove-1", NOERROR)
    tell(world, "remove-2", NOERROR)
    tell(world, "reverse-remove", NOERROR)
    assert held(world) == []
    tell(world, "remove-1", NXRRSET)


def test_d2_conflict_and_replace(world):
    tell(world, "replace", NXDOMAIN)
    tell(world, "add", NOERROR)
    tell(world, "add", YXDOMAIN)
    tell(world, "replace", NOERROR)
    assert len(held(world)) == 2
    for kind in ("simple-remove", "simple-add", "simple-add"):
        tell(world, kind, NOERROR)
    assert len(held(world)) == 2


def test_targets_that_disagree_converge(world):
    """One has lost the name: Add is YXDOMAIN on the other and says so, and
    the one that lost it has it again."""
    tell(world, "simple-add", NOERROR)
    alone = world.servers[1].zones
    zone = next(z for name, z in alone.items()
                if str(name) == kinds.FORWARD + ".")
    zone.nodes = {n: t for n, t in zone.nodes.items() if n == zone.origin}
    tell(world, "add", YXDOMAIN)
    assert len({tuple(line for line in s.content() if " SOA " not in line)
                for s in world.servers}) == 1


def test_m13_m15_u12_odd_octets_survive(world):
    """Unknown types, odd octets and compression arrive as they were."""
    odd = b"\x04\x00.\xffX\xc0\x0c"
    request = sign(message(updates=[
        rr(odd, 65280, rdata=b"\1\2\xc0\x0c"),
        rr("p." + wire.ZONE, wire.PTR, rdata=b"\1q\xc0\x0c")]))
    check(world.client.ask(request), request, SIGNED())
    lines = held(world)
    assert any(r"TYPE65280 \# 4 0102c00c" in line for line in lines)
    assert any("PTR q.example.test." in line for line in lines)


DIRECT = wire.Key("direct.example.", b"d" * 32)
T = "t." + wire.ZONE
ONE, TWO = (wire.address(T, last) for last in (1, 2))
MINUS_ONE = rr(T, wire.A, wire.NONE, 0, bytes([192, 0, 2, 1]))
MINUS_SET, MINUS_NAME = rr(T, wire.A, wire.ANY, 0), rr(T, 255, wire.ANY, 0)
EXISTS = rr(T, 255, wire.ANY, 0)
CNAME = rr(T, 5, rdata=b"\1c\xc0\x0c")
OPAQUE = [rr(T, 65280, rdata=bytes([n]) * n) for n in range(4)]
GLUE = wire.address("glue." + wire.ZONE)
# Odd, or what becomes of it depends on the order: updates, and more.
ODD = [
    ([ONE, MINUS_ONE], {}), ([MINUS_ONE, ONE], {}), ([ONE, MINUS_SET], {}),
    ([MINUS_SET, TWO], {}), ([ONE, MINUS_NAME, TWO], {}),
    ([TWO, TWO, ONE, MINUS_ONE, TWO], {}), ([MINUS_NAME, CNAME], {}),
    ([ONE, CNAME], {}), ([CNAME, MINUS_NAME, ONE], {}),
    ([ONE], {"prereqs": [EXISTS]}), ([MINUS_NAME], {"prereqs": [EXISTS]}),
    ([ONE], {"prereqs": [EXISTS]}), ([], {}), ([], {"prereqs": [EXISTS]}),
    (OPAQUE, {}), (OPAQUE[::-1] + [MINUS_NAME] + OPAQUE[:2], {}),
    ([ONE], {"flags": 0x2df5}), ([TWO], {"additional": [GLUE, wire.opt()]}),
    ([wire.address("T.EXAMPLE.test", 9, ttl=0)], {}),
    ([rr(b"\1T\xc0\x0c", wire.A, ttl=2 ** 31 - 1, rdata=bytes(4))], {}),
    ([rr(b"\3\0.\xff\xc0\x0c", 65535, rdata=b"\xc0\x0c")], {}),
    ([rr(b"\1p\xc0\x0c", wire.PTR, rdata=b"\1q\xc0\x1e")], {}),
    ([rr("m." + wire.ZONE, 15, rdata=b"\0\1\1q\xc0\x0c")], {}),
    ([rr(wire.ZONE, 255, wire.ANY, 0), rr(wire.ZONE, wire.NS, wire.ANY, 0)],
     {}),
]


def test_su1_su12_as_if_told_directly(world, stack):
    """Each update is for the targets what it is for a server that gets it
    without us, and so is its RCODE; what is no message changes nothing."""
    secret = base64.b64encode(DIRECT.secret).decode()
    server = stack.enter_context(MemServer(
        ("127.0.0.1", 0), [kinds.FORWARD, kinds.REVERSE],
        make_key(f"{DIRECT.name}:{DIRECT.algorithm}:{secret}"), out=None))
    direct = stack.enter_context(Udp(server.address))
    tcp = stack.enter_context(world.mux.tcp_client())
    seen = set()
    for updates, more in ODD:
        body = message(updates=updates, **more)
        told = direct.ask(sign(body, DIRECT))[3] & 15
        for client in (world.client, tcp):
            bad = sign(message(updates=updates, **more)) + ONE
            check(client.ask(bad), bad, BARE(FORMERR, opt=(
                "additional" in more)))
        request = sign(body)
        answer = world.client.ask(request)
        assert answer[3] & 15 == told, f"{updates} {more}"
        assert told != NOERROR or server.content() == (
            world.servers[0].content())
        assert held(world) == [line for line in server.content()
                               if " SOA " not in line and " NS " not in line]
        seen.add(tuple(server.content()))
    assert len(seen) > 10, "hardly anything has changed"


def script(server, host):
    return "\n".join([
        f"server {server[0]} {server[1]}", f"zone {wire.ZONE}.",
        f"prereq nxdomain {host}.", f"update add {host}. 60 IN A 192.0.2.1",
        f"update add {host}. 60 IN TXT \"two words\"", "send", ""])


@pytest.mark.parametrize("program", ["nsupdate", "knsupdate"])
@pytest.mark.parametrize("tcp", [False, True])
def test_real_clients(world, program, tcp):
    if not shutil.which(program):
        pytest.skip(f"no {program}")
    secret = base64.b64encode(GOLDEN_KEY.secret).decode()
    server = world.mux.tcp if tcp else world.mux.udp
    host = f"{program}.{wire.ZONE}"
    command = [program, *(["-v"] if tcp else []), "-y",
               f"hmac-sha256:{GOLDEN_KEY.name}:{secret}"]
    for expected in (NOERROR, YXDOMAIN):
        done = subprocess.run(command, input=script(server, host), text=True,
                              capture_output=True, timeout=20, check=False)
        assert (done.returncode == 0) == (expected == NOERROR), done.stderr
    assert "YXDOMAIN" in done.stderr + done.stdout
    assert len(held(world)) == 2
