# SPDX-License-Identifier: ISC
"""The fault matrix, rows C: clocks that jump under a running daemon."""
import time

import pytest

import wire
from client import PATIENCE
from fake import Gate, drop
from shim import fixture_library, fixture_shim  # noqa: F401
from target_help import H1, careful
from wire import (ANY, BADTIME, NOERROR, NOTAUTH, SERVFAIL, golden, parse, rr,
                  sign)

JUMPS = [3600, -3600]
SUSPECT = "all targets disagree with our clock: is it wrong"


def strict(r):
    """As real servers judge the time, and say it (RFC 8945 5.2.3)."""
    asked, now = r.msg.tsig, int(time.time())
    if abs(now - asked.time) <= asked.fudge:
        r.reply()
    else:
        r.reply(NOTAUTH, error=BADTIME, time=asked.time,
                other=now.to_bytes(6, "big"))


def jump(shim, seconds, *targets):
    shim.wall_s = seconds
    for target in targets:
        target.mux_ahead_s = seconds


def rcode_of(client, request):
    answer = client.ask(request)
    assert answer is not None, "no answer"
    wire.verify(answer, wire.GOLDEN_KEY, wire.request_mac(request))
    return parse(answer).rcode


def signed_by(seconds):
    """Whose clock is so much ahead."""
    return sign(golden(prereqs=[rr(H1, ANY, ANY, 0)]),
                time=int(time.time()) + seconds)


def lines(daemon, text):
    return [line for line in daemon.log.lines if text in line]


@pytest.mark.parametrize("seconds", JUMPS)
def test_fault_c01_clock_jumps(start, targets, shim, seconds):
    """Clients are told BADTIME with our time, targets' BADTIME is
    understood, our own clock is named, and deadlines hold."""
    both = targets("one", "two", default=strict)
    daemon = start(both, unconfirmed="servfail", popen=shim.popen)
    with daemon.udp_client() as client:
        assert rcode_of(client, signed_by(0)) == NOERROR
        jump(shim, seconds, *both)
        request = signed_by(0)
        answer = parse(client.ask(request))
        assert (answer.rcode, answer.tsig.error) == (NOTAUTH, BADTIME)
        ours = int.from_bytes(answer.tsig.other, "big")
        assert abs(ours - seconds - time.time()) < PATIENCE
        daemon.wait_log("time signed is off: BADTIME; check the clocks")
        for _ in range(5):
            assert rcode_of(client, signed_by(seconds)) == SERVFAIL
        both[0].wait(6)
        gate = Gate()
        both[0].reset(gate)
        assert rcode_of(client, signed_by(seconds)) == SERVFAIL
        gate.wait()
        gate.open()
        jump(shim, 0, *both)
        both[0].reset(strict)
        assert rcode_of(client, signed_by(0)) == NOERROR
    daemon.stop()
    warned = lines(daemon, "target says BADTIME, check both clocks")
    assert len(warned) == 2, "one for each target"
    warned = [line for line in lines(daemon, SUSPECT) if "warning:" in line]
    assert len(warned) == 1


def test_fault_c01_one_target_is_off(start, targets, shim):
    """Then it is not our clock that is the suspect."""
    one, two = targets("one", "two")
    two.default = lambda r: r.reply(
        NOTAUTH, error=BADTIME, time=r.msg.tsig.time,
        other=(int(time.time()) - 3600).to_bytes(6, "big"))
    daemon = start([one, two], unconfirmed="servfail", popen=shim.popen)
    with daemon.udp_client() as client:
        assert rcode_of(client, signed_by(0)) == SERVFAIL
    daemon.stop()
    assert lines(daemon, "BADTIME, check both clocks")
    assert not lines(daemon, SUSPECT)


@pytest.mark.parametrize("seconds", JUMPS)
@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_fault_c02_jump_inside_a_transaction(start, targets, shim, seconds,
                                             transport):
    """The answer is one to what we sent, when we sent it."""
    one, = targets("one")
    gate = Gate()
    one.reset(gate)
    daemon = start([one.config(transport="tcp" if transport == "tcp"
                               else "auto", timeout_ms=4000)],
                   unconfirmed="servfail", popen=shim.popen)
    with daemon.udp_client() as client:
        request = careful()
        client.send(request)
        gate.wait()
        shim.wall_s = seconds
        gate.open()
        assert parse(client.receive()).rcode == NOERROR
        jump(shim, seconds, one)
        one.reset(gate)
        begun = time.monotonic()
        assert rcode_of(client, signed_by(seconds)) == SERVFAIL
        assert time.monotonic() - begun > 0.3, "did not wait"
        gate.open()


def suspended(shim, targets, wall, mono):
    jump(shim, wall, *targets)
    shim.mono_s += mono


@pytest.mark.parametrize("counts", [True, False],
                         ids=["counts", "stands still"])
def test_fault_c05_suspend(start, targets, shim, counts):
    """Whether or not the system's steady clock counts the time asleep: no
    worker is taken for hung, what was in flight ends once, with one line in
    the log, and all goes on."""
    one, = targets("one", default=drop)
    daemon = start([one.config(timeout_ms=1000)], workers=2,
                   unconfirmed="servfail", popen=shim.popen)
    workers, asleep = daemon.workers(), 3600
    with daemon.udp_client() as client:
        asked = [careful() for _ in range(20)]
        for request in asked:
            client.send(request)
        one.wait(20)
        suspended(shim, [one], asleep, asleep if counts else 0)
        for _ in asked:
            assert parse(client.receive(10)).rcode == SERVFAIL
        one.reset(lambda r: r.reply(time=r.msg.tsig.time))
        for _ in range(10):
            assert rcode_of(client, signed_by(asleep)) == NOERROR
        assert client.pending() == []
    assert daemon.workers() == workers
    daemon.stop()
    assert len(lines(daemon, "no answer in time")) <= 2
    assert not lines(daemon, "hangs") and not lines(daemon, "killed")
    assert daemon.log.find(r"statistics of target one: .* timeout=20\b")
