# SPDX-License-Identifier: ISC
"""ddns-mux as the client of its targets, by UDP: what is an answer, and
what goes out. Section 10 of the conformance matrix; what only TCP shows is
in test_targets_tcp.py."""
import hmac
import os
import random
import signal
import struct
import threading
import time

import pytest

import fake
import rows
import wire
from answers import SIGNED, check
from client import PATIENCE
from fake import both, odd, ok
from target_help import (FAILED, H1, TIMEOUT, ask, careful, short_world,
                         update)
from wire import (FORMERR, GOLDEN_KEY, NOTAUTH, NOTIMP, REFUSED, SERVFAIL,
                  golden, message, question, rr, sign)


@pytest.fixture(scope="module", name="world")
def fixture_world():
    with short_world() as world:
        yield world


def bad_mac(mac):
    return wire.flip(mac, 5)


def no_mac(mac):
    del mac
    return b""


def wrong_id(r):
    r.reply(ident=r.msg.ident ^ 1)


def clients_id(request):
    """An answer whose ID is the one that the client chose."""
    return odd(ident=struct.unpack_from(">H", request)[0])


class Misnamed(wire.Key):
    """Another algorithm's name over the right one's MAC."""

    def mac(self, data):
        return hmac.digest(self.secret, data, "sha256")


ONE = "mux-one.example.", b"one" * 8 + bytes(32), "hmac-sha512"
# Each of these is no answer: the wait goes on.
IGNORED = {
    "O7-fault_T06-id": wrong_id,
    "O7-fault_T23-port": fake.from_another_port,
    "O7-fault_T23-address": fake.from_another_address,
    "O8-fault_T06-QR": odd(qr=0),
    "O8-fault_T06-opcode-0": odd(opcode=0),
    "O8-fault_T06-opcode-4": odd(opcode=4),
    "O9-fault_T06-name": odd(zone=[question("other.test")]),
    "O9-fault_T06-type": odd(zone=[question(wire.ZONE, wire.A)]),
    "O9-fault_T06-class": odd(zone=[question(wire.ZONE, wire.SOA, wire.CH)]),
    "O9-fault_T06-two": odd(zone=[question(wire.ZONE)] * 2),
    "O10-fault_T07": odd(signed=False),
    **{f"O11-fault_T07-bare-{code}": odd(rcode=code, signed=False) for code in
       (FORMERR, SERVFAIL, NOTIMP, REFUSED, 6, 8, NOTAUTH)},
    **{f"O11-error-{error}": odd(rcode=NOTAUTH, error=error, mac=no_mac)
       for error in (wire.BADSIG, wire.BADKEY)},
    "O11-NOERROR-without-mac": odd(mac=no_mac),
    "O12-fault_T08-mac": odd(mac=bad_mac),
    "O12-fault_T08-other-request": odd(prior=bytes(32)),
    "O12-fault_T08-no-request": odd(prior=None),
    "O12-fault_T08-time-not-covered": lambda r: r.send(wire.flip(r.build(), -44)),
    "O13-fault_T08-key-of-client": odd(key=GOLDEN_KEY),
    "O13-fault_T08-unknown-key": odd(key=fake.FOREIGN_KEY),
    "O13-fault_T08-algorithm": odd(key=wire.Key(*ONE)),
    "O13-fault_T08-algorithm-name": odd(key=Misnamed(*ONE)),
    "O14-16": odd(length=16),
    "O14-9": odd(length=9),
    "O17-other-len": odd(rcode=NOTAUTH, error=wire.BADTIME, other=b"abc"),
    "O17-unsigned": odd(rcode=NOTAUTH, error=wire.BADTIME, mac=no_mac,
                        other=bytes(6)),
    "Original-ID": odd(original_id=1, digest_id=2),
    **{f"fault_T05-junk-{n}": fake.octets(random.Random(n).randbytes(n))
       for n in (0, 1, 11, 12, 512)},
    "cut": lambda r: r.send(r.build()[:-3]),
    "counts": odd(counts=[None, None, None, 3]),
    "request-itself": lambda r: r.send(r.data),
}


@pytest.mark.parametrize("row", IGNORED)
def test_ignored_then_a_good_one(world, row):
    ask(world, careful(), both(IGNORED[row], ok), SIGNED())


@pytest.mark.parametrize("row", IGNORED)
def test_o35_ignored_is_never_an_outcome(world, row):
    """The client is told SERVFAIL, with Error 0."""
    begun = time.monotonic()
    received = ask(world, careful(), IGNORED[row], FAILED)
    assert time.monotonic() - begun > TIMEOUT * 0.9, "did not wait"
    assert len(received) == 1, "O24: re-sent although it has prerequisites"


def test_o7_the_clients_id_is_nothing_to_the_target(world):
    request = careful()
    copy, = ask(world, request, ok, SIGNED())
    if copy.data[:2] != request[:2]:  # 1 in 65536 by chance
        ask(world, request, both(clients_id(request), ok), SIGNED())


def test_sf2_right_id_on_the_wrong_socket(start, targets):
    """One target sends what would be right from the other one."""
    one, two = targets("one", "two")
    first, second = fake.Gate(), fake.Gate()
    one.reset(first)
    two.reset(second)
    daemon = start([one, two], unconfirmed="servfail",
                   client_deadline_ms=4000)
    request = careful()
    with daemon.udp_client() as client:
        client.send(request)
        mine, = first.wait()
        other, = second.wait()
        sent = threading.Event()
        two.post(lambda: [two.udp.sendto(mine.build(), peer)
                          for peer in (other.peer, mine.peer)])
        two.post(other.reply)
        two.post(sent.set)
        assert sent.wait(PATIENCE)
        first.open(fake.rcode(REFUSED))
        check(client.receive(), request, FAILED)
        assert "one=REFUSED/" in daemon.wait_update(client)


def test_o1_ids_are_random(world):
    world.one.reset()
    for _ in range(400):
        world.client.ask(update())
    idents = [r.msg.ident for r in rows.copies_of(world.one)]
    assert len(set(idents)) > 380
    for bit in range(16):
        ones = sum(ident >> bit & 1 for ident in idents)
        assert 0.35 < ones / len(idents) < 0.65, f"bit {bit}"


def test_o1_every_target_its_own_id(start, targets):
    both_targets = targets("a", "b")
    daemon = start(both_targets)
    with daemon.udp_client() as client:
        for _ in range(5):
            client.ask(update())
    a, b = ([r.msg.ident for r in t.wait(5)] for t in both_targets)
    assert len(set(a + b)) > 8


ALL_FLAGS = wire.UPDATE_FLAGS | 0x5f0  # but QR and TC


def test_o3_o4_o5_head_and_tsig_are_new(world):
    """Whatever the client has set."""
    request = sign(golden(flags=ALL_FLAGS | REFUSED), original_id=1,
                   digest_id=1, fudge=200, other=b"abc")
    copy, = ask(world, request, ok, SIGNED())
    key, tsig = world.one.key, wire.verify(copy.data, world.one.key)
    assert copy.msg.flags == wire.UPDATE_FLAGS, "O5"
    assert tsig.original_id == copy.msg.ident, "O3"
    assert abs(tsig.time - time.time()) < 5 and tsig.fudge == 300
    assert (tsig.error, tsig.other) == (0, b"")
    assert tsig.owner == wire.name(key.name)
    assert tsig.algorithm == wire.name(key.wire_algorithm)


def test_o6_body_is_verbatim(world):
    request = careful()
    copy, = ask(world, request, ok, SIGNED())
    rows.same_update(copy, request)


def test_o9_empty_zone_section_is_fine(world):
    ask(world, careful(), odd(zone=[]), SIGNED())


def test_o9_zone_in_another_case_is_the_same(world):
    ask(world, careful(), odd(zone=[question("EXAMPLE.Test")]), SIGNED())


def test_o15_time_off(world):
    ask(world, careful(), odd(time=int(time.time()) - 1000), FAILED)


def test_o15_time_of_the_request(world):
    """As PowerDNS does."""
    ask(world, careful(),
        lambda r: r.reply(time=r.msg.tsig.time), SIGNED())


def bad_time(r):
    r.reply(NOTAUTH, error=wire.BADTIME, time=r.msg.tsig.time,
            other=(int(time.time()) + 5000).to_bytes(6, "big"))


def test_o16_fault_t09_signed_badtime(world):
    start = world.mux.mark()
    received = ask(world, careful(), bad_time, FAILED)
    assert len(received) <= 2
    world.mux.wait_log("(?i)badtime", start=start)


def test_o18_signed_badtrunc(world):
    start = world.mux.mark()
    ask(world, careful(), odd(rcode=NOTAUTH, error=wire.BADTRUNC), FAILED)
    world.mux.wait_log("(?i)badtrunc", start=start)


@pytest.mark.parametrize("code", range(16))
def test_o19_signed_rcode(world, code):
    want = SIGNED(code) if code <= 10 else FAILED
    ask(world, careful(), fake.rcode(code), want)


@pytest.mark.parametrize("code", range(16))
def test_o19_signed_rcode_without_prerequisites(world, code):
    want = SIGNED(code) if code <= 10 else FAILED
    ask(world, update(), fake.rcode(code), want)


SIZES = [512, 513, 1232, 1233]


def sized_for(target, size):
    """A request whose copy for this target has so many octets."""
    own = len(sign(golden(), target.key)) - len(golden())
    plain = message(updates=[rr(H1, 65280)])
    return sign(message(updates=[
        rr(H1, 65280, rdata=bytes(size - own - len(plain)))]))


def test_o20_w8_transport_by_signed_size(start, targets):
    """Each target its limit, measured with its own TSIG."""
    small, = targets("small")
    big, = targets("big", key=wire.Key("a-long-name.for.a.key", b"k" * 64,
                                       "hmac-sha512"))
    daemon = start([small.config(udp_size=512), big.config(udp_size=1232)])
    with daemon.udp_client() as client:
        for target in (small, big):
            for size in SIZES:
                request = sized_for(target, size)
                check(client.ask(request), request, SIGNED())
    for target, limit in ((small, 512), (big, 1232)):
        copies = rows.copies_of(target)
        assert set(SIZES) <= {len(r.data) for r in copies}
        for copy in copies:
            assert (copy.transport == "udp") == (len(copy.data) <= limit)


def test_transport_tcp(start, targets):
    one, = targets("one")
    daemon = start([one.config(transport="tcp")])
    with daemon.udp_client() as client:
        request = update()
        check(client.ask(request), request, SIGNED())
    assert [r.transport for r in one.received] == ["tcp"]


@pytest.mark.parametrize("name", rows.algorithm_keys())
def test_algorithms_of_targets(start, targets, name):
    one, = targets("one", key=rows.algorithm_keys()[name])
    daemon = start([one], allow_weak=True)
    with daemon.udp_client() as client:
        request = update()
        check(client.ask(request), request, SIGNED())


def test_w6_key_name_goes_out_in_lower_case(start, targets):
    one, = targets("one", key=wire.Key("MyKey.Example", b"k" * 32))
    daemon = start([one])
    with daemon.udp_client() as client:
        request = update()
        check(client.ask(request), request, SIGNED())
    assert wire.name("mykey.example") in one.received[0].data


def test_what_has_gathered(start, targets):
    """Many of all lengths at once, from three clients: each goes to each
    target once, and each is answered."""
    both_targets = targets("one", "two")
    daemon = start(both_targets, client_deadline_ms=8000)
    worker, = daemon.workers()
    owners = ["h" * (1 + i % 23) + str(i) for i in range(100)]
    requests = [update(owner, prereqs=[rr(H1, wire.ANY, wire.ANY, 0)], ident=i)
                for i, owner in enumerate(owners)]
    with daemon.udp_client() as a, daemon.udp_client() as b, \
         daemon.udp_client() as c:
        os.kill(worker, signal.SIGSTOP)
        for i, request in enumerate(requests):
            (a, b, c)[i % 3].send(request)
        os.kill(worker, signal.SIGCONT)
        for i, client in enumerate((a, b, c)):
            left = set(range(i, len(requests), 3))
            while left:
                answer = client.receive()
                assert answer is not None, f"no answer to {left}"
                ident, = struct.unpack_from(">H", answer)
                check(answer, requests[ident], SIGNED())
                left.remove(ident)
    for target in both_targets:
        assert sorted(r.owner for r in target.received) == sorted(owners)
