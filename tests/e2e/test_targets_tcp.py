# SPDX-License-Identifier: ISC
"""ddns-mux as the client of its targets, by TCP: section 10 of the
conformance matrix. Failures must show at once, so the timeout is long."""
import contextlib
import os
import random
import signal
import socket
import struct
import time
import types

import pytest

import fake
import rows
import wire
from answers import SIGNED, check
from fake import (FakeTarget, Gate, both, drop, hang_up, octet_by_octet, odd,
                  ok, stream)
from mux import Mux
from target_help import FAILED, H1, careful, full_backlog, update
from wire import NOTAUTH, REFUSED, message, rr, sign

AT_ONCE = 1.5


@pytest.fixture(name="world")
def fixture_world(stack):
    """A mux for each test: connections are state."""
    one = stack.enter_context(FakeTarget("one"))
    daemon = stack.enter_context(Mux(
        [one.config(transport="tcp", timeout_ms=2500)],
        unconfirmed="servfail", client_deadline_ms=4500))
    client = stack.enter_context(daemon.udp_client())
    return types.SimpleNamespace(mux=daemon, one=one, client=client)


def ask(world, want, *script, default=ok, limit=AT_ONCE, request=None):
    """The answer within the limit; the next requests get the script."""
    world.one.reset(default)
    world.one.say(*script)
    request = request or update()
    begun = time.monotonic()
    check(world.client.ask(request, 10), request, want)
    assert time.monotonic() - begun < limit, "not at once"
    return list(world.one.received)


def framed(data):
    return struct.pack(">H", len(data)) + data


def part(octets):
    """So many octets of the framed answer, then the end."""
    return lambda r: (r.raw(framed(r.build())[:octets]), r.close())


def reset(r):
    """The connection ends with RST."""
    r.conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                           struct.pack("ii", 1, 0))
    r.close()


def conns(received):
    return {id(r.conn) for r in received}


# An unsigned answer is not acceptable; by TCP it fails the target at once.

UNACCEPTABLE = {
    "O10": odd(signed=False),
    **{f"O11-bare-{code}": odd(rcode=code, signed=False)
       for code in (REFUSED, NOTAUTH, 1, 4)},
    **{f"O11-error-{error}": odd(rcode=NOTAUTH, error=error,
                                 mac=lambda m: b"")
       for error in (wire.BADSIG, wire.BADKEY)},
    "O16": lambda r: r.reply(
        NOTAUTH, error=wire.BADTIME, time=r.msg.tsig.time,
        other=(int(time.time()) + 5000).to_bytes(6, "big")),
    "O18": odd(rcode=NOTAUTH, error=wire.BADTRUNC),
    "ST5-signed": odd(tc=1),
    "ST5-unsigned": odd(tc=1, signed=False),
    "O27-fault_T12-close-after-accept": hang_up,
    "O27-reset": reset,
    "O27-fault_T12-close-after-length": part(2),
    "O27-fault_T12-close-after-half": part(60),
    "O27-fault_T12-close-before-the-last": part(-1),
    **{f"O30-fault_T14-length-{n}": stream(framed(bytes(n))) for n in (0, 1, 11)},
    "O30-junk": lambda r: r.send(
        r.build(signed=False)[:12] + random.Random(1).randbytes(300)),
}


@pytest.mark.parametrize("row", UNACCEPTABLE)
def test_fails_at_once_and_serves_on(world, row):
    ask(world, FAILED, default=UNACCEPTABLE[row], request=careful())
    ask(world, SIGNED())


def test_o30_pending_ones_fail_with_the_connection(world):
    gate = Gate()
    world.one.reset(gate)
    requests = {i: careful(i) for i in range(5)}
    for request in requests.values():
        world.client.send(request)
    held = gate.wait(5)
    assert len(conns(held)) == 1
    begun = time.monotonic()
    held[0].target.post(lambda: held[0].raw(framed(b"\0")))
    for _ in requests:
        answer = world.client.receive(AT_ONCE)
        check(answer, requests[answer[1]], FAILED)
    assert time.monotonic() - begun < AT_ONCE


@pytest.mark.parametrize("silence", [
    pytest.param(drop, id="fault_T11"),
    pytest.param(stream(struct.pack(">H", 65535) + b"few"), id="fault_T14")])
def test_accepts_and_never_answers(start, targets, silence):
    """Or with less than it promises: it is waited for no longer than for any
    other answer; the next update has another connection."""
    one, = targets("one")
    daemon = start([one.config(transport="tcp", timeout_ms=300)],
                   unconfirmed="servfail", client_deadline_ms=4000)
    with daemon.udp_client() as client:
        for behaviour, want in ((silence, FAILED), (ok, SIGNED())):
            one.reset(behaviour)
            request = careful()
            check(client.ask(request), request, want)
    assert one.accepted == 2


def test_fault_t13_total_deadline_counts_not_idle_time(start, targets):
    """An octet now and then does not prolong the wait (T13)."""
    def drip(r):
        for i, octet in enumerate(framed(r.build())[:20]):
            fake.after(0.1 * i, stream(bytes([octet])))(r)
    one, = targets("one", default=drip)
    daemon = start([one.config(transport="tcp", timeout_ms=400)],
                   unconfirmed="servfail", client_deadline_ms=4000)
    with daemon.udp_client() as client:
        begun, request = time.monotonic(), careful()
        check(client.ask(request), request, FAILED)
        assert time.monotonic() - begun < 1.5


def test_o27_connect_refused(start, stack):
    target = stack.enter_context(FakeTarget("one", tcp=False))
    daemon = start([target.config(transport="tcp")],
                   unconfirmed="servfail", client_deadline_ms=4000)
    with daemon.udp_client() as client:
        begun, request = time.monotonic(), careful()
        check(client.ask(request), request, FAILED)
        assert time.monotonic() - begun < AT_ONCE


def test_t11_connection_is_never_made(start, stack):
    """That is the target's silence, and no "busy" of ours."""
    one = full_backlog(stack, "one")
    daemon = start([one.config(transport="tcp", timeout_ms=200)],
                   unconfirmed="servfail", client_deadline_ms=4500)
    with daemon.udp_client() as client:
        request = update()
        check(client.ask(request), request, FAILED)
        assert "one=timeout/" in daemon.wait_update(client)


def test_o21_tcp_refused_after_a_signed_tc(start, stack):
    target = stack.enter_context(
        FakeTarget("one", default=odd(tc=1), tcp=False))
    daemon = start([target], unconfirmed="servfail", client_deadline_ms=4000)
    with daemon.udp_client() as client:
        request = careful()
        check(client.ask(request), request, FAILED)


def test_o22_tcp_refused_after_an_unsigned_tc(start, stack):
    """The UDP exchange is still open, and gets its answer."""
    hint = both(odd(tc=1, signed=False), fake.after(0.2, ok))
    target = stack.enter_context(FakeTarget("one", default=hint, tcp=False))
    daemon = start([target], unconfirmed="servfail", client_deadline_ms=4000)
    with daemon.udp_client() as client:
        request = careful()
        check(client.ask(request), request, SIGNED())


def test_o27_fault_t15_closed_when_idle(world):
    """The target ends the idle connection; the next update opens one."""
    for _ in range(3):
        ask(world, SIGNED(), both(ok, hang_up))
    assert world.one.accepted == 3


def test_o27_fault_t15_reused_connection_ends_under_a_request(world):
    """It was idle when the request went out: once more on a new one."""
    ask(world, SIGNED())
    first, second = ask(world, SIGNED(), hang_up)
    assert first.conn is not second.conn
    assert second.body == first.body


def test_o27_fault_t15_no_third_attempt(world):
    ask(world, SIGNED())
    received = ask(world, FAILED, default=hang_up)
    assert len(received) == 2


def test_o27_closed_between_without_a_word(world):
    """The connection ends while nothing is in flight."""
    ask(world, SIGNED())
    world.one.post(lambda: world.one.drop_connection(
        world.one.connections[0]))
    world.one.wait_until(lambda: not world.one.connections)
    ask(world, SIGNED())


def test_o28_o29_connections_are_few_and_ids_unique(world):
    """Updates for ever on one connection, many at a time."""
    world.one.reset()
    with world.mux.tcp_client() as client:
        client.exchange([update(ident=i) for i in range(500)])
    assert world.one.accepted <= 2
    gate = Gate()
    world.one.reset(gate)
    requests = {i: update(ident=0x800 + i) for i in range(50)}
    for request in requests.values():
        world.client.send(request)
    held = gate.wait(50)
    for conn in conns(held):
        idents = [r.msg.ident for r in held if id(r.conn) == conn]
        assert len(set(idents)) == len(idents)
    gate.open(reverse=True)
    for _ in requests:
        answer = world.client.receive()
        check(answer, requests[answer[1]], SIGNED())


def test_octet_by_octet(world):
    ask(world, SIGNED(), octet_by_octet)


def test_fault_t14_two_answers_in_one_segment(world):
    gate = Gate()
    world.one.reset(gate)
    requests = {i: update(ident=i) for i in range(2)}
    for request in requests.values():
        world.client.send(request)
    a, b = gate.wait(2)
    world.one.post(lambda: a.raw(framed(a.build()) + framed(b.build())))
    for _ in requests:
        answer = world.client.receive()
        check(answer, requests[answer[1]], SIGNED())


def test_fault_t14_answer_to_an_unknown_id_is_skipped(world):
    ask(world, SIGNED(), both(
        lambda r: r.reply(ident=r.msg.ident ^ 1), ok))


def test_o25_two_answers(world):
    ask(world, SIGNED(), both(ok, fake.rcode(REFUSED)))
    ask(world, SIGNED())
    assert world.client.pending() == []


def test_o31_largest_answer(world):
    def huge(r):
        size = 65535 - len(r.build(additional=[rr("", 65280)]))
        r.reply(additional=[rr("", 65280, rdata=bytes(size))])
    ask(world, SIGNED(), huge)


def test_o19_every_rcode(world):
    for code in range(16):
        want = SIGNED(code) if code <= 10 else FAILED
        ask(world, want, fake.rcode(code), request=careful())
    assert world.one.accepted == 1


def test_body_is_verbatim(world):
    request = sign(message(
        updates=[rr(b"\3aBc\xc0\x0c", 65280, rdata=b"\xc0\x0c")]))
    copy, = ask(world, SIGNED(), request=request)
    rows.same_update(copy, request)


def test_client_by_tcp_target_by_tcp(start, targets):
    """S16 with two workers: each has its own few connections."""
    one, = targets("one")
    daemon = start([one], workers=2)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(daemon.tcp_client())
                   for _ in range(8)]
        for client in clients * 5:
            request = update()
            check(client.ask(request), request, SIGNED())
    assert {r.transport for r in one.received} == {"tcp"}
    assert one.accepted <= 4


def test_more_than_the_buffer_holds(world):
    """What is in hand goes out in one turn, though it does not fit at once:
    no answer has to come before the rest."""
    gate = Gate()
    world.one.reset(gate)
    worker, = world.mux.workers()
    requests = {i: sign(wire.golden(
        ident=i, prereqs=[rr(H1, wire.ANY, wire.ANY, 0)],
        updates=[rr(H1, 65280, rdata=bytes(40000))])) for i in range(8)}
    os.kill(worker, signal.SIGSTOP)
    for request in requests.values():
        world.client.send(request)
    os.kill(worker, signal.SIGCONT)
    gate.wait(len(requests))
    gate.open()
    for _ in requests:
        answer = world.client.receive()
        check(answer, requests[answer[1]], SIGNED())
