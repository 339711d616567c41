# SPDX-License-Identifier: ISC
"""The same octets again: section 9 of the conformance matrix."""
import os
import signal
import time

import pytest

import wire
from answers import SIGNED, UNSIG, check
from daemon_help import update, wait_for
from fake import Gate, drop, ok
from wire import NOTAUTH, golden, sign

# Enough sources that each of a few workers is asked by some of them.
SOURCES = 24


@pytest.fixture(scope="module", params=["udp", "tcp"], name="by")
def fixture_by(request):
    return request.param


def client_of(daemon, by, **how):
    return getattr(daemon, by + "_client")(**how)


def test_r1_while_the_first_is_in_flight(start, targets, by):
    one, = targets("one")
    gate = Gate()
    one.reset(gate)
    daemon = start([one], client_deadline_ms=4000)
    request = update()
    with client_of(daemon, by) as client:
        client.send(request)
        gate.wait(1)
        client.send(request)
        client.send(request)
        assert client.pending() == [], "nobody has decided anything yet"
        gate.open()
        check(client.receive(), request, SIGNED())
        assert client.pending() == []
    assert len(one.received) == 1


def test_r2_flood_a08_after_completion(start, targets, by):
    one, = targets("one")
    daemon = start([one])
    request = update()
    with client_of(daemon, by) as client:
        first = client.ask(request)
        check(first, request, SIGNED())
        begun = time.time()
        wait_for(lambda: int(time.time()) > int(begun) + 1, "time stands")
        assert client.ask(request) == first, "not the same octets"
        assert client.ask(request) == first
    assert len(one.received) == 1


@pytest.mark.parametrize("workers", [1, 4])
def test_r3_from_another_source(start, targets, workers):
    """Whichever worker the copy reaches."""
    one, = targets("one")
    daemon = start([one], workers=workers)
    request = update()
    with daemon.udp_client() as client:
        check(client.ask(request), request, SIGNED())
    for i in range(SOURCES):
        with daemon.udp_client(source=f"127.0.0.{i + 2}") as other:
            assert other.at_once(request) is None
    with daemon.tcp_client() as other:
        assert other.at_once(request) is None
    assert len(one.received) == 1
    daemon.wait_log("warning: client .*same octets as before")


def test_r3_after_the_worker_has_died(start, targets):
    one, = targets("one")
    daemon = start([one], workers=1)
    request = update()
    old = daemon.workers()
    with daemon.udp_client() as client:
        check(client.ask(request), request, SIGNED())
        os.kill(old[0], signal.SIGKILL)
        wait_for(lambda: daemon.workers() not in ([], old), "no new worker")
    with daemon.udp_client() as other:
        fresh = update("h2")
        check(other.ask(fresh), fresh, SIGNED())
        assert other.at_once(request) is None
    assert len(one.received) == 2


def test_r4_flood_a08_after_the_window(start, targets):
    one, = targets("one")
    daemon = start([one])
    request = sign(golden(), time=int(time.time()), fudge=1)
    with daemon.udp_client() as client:
        check(client.ask(request), request, SIGNED())
        signed = time.time()
        wait_for(lambda: time.time() > signed + 3, "time stands")
        answer = client.ask(request)
    assert answer[3] & 15 == NOTAUTH
    assert len(one.received) == 1


def test_r6_same_id_other_message(start, targets, by):
    one, = targets("one")
    daemon = start([one])
    with client_of(daemon, by) as client:
        for owner in ("h1", "h2"):
            request = sign(golden(
                ident=0x1234,
                updates=[wire.address(f"{owner}.{wire.ZONE}")]))
            check(client.ask(request), request, SIGNED())
    assert len(one.received) == 2


def test_unanswered_is_tried_again(start, targets):
    """What its own sender repeats, as nsupdate does, since we were silent."""
    one, = targets("one")
    one.reset(drop)
    daemon = start([one.config(timeout_ms=100)], client_deadline_ms=50)
    request = update()
    with daemon.udp_client() as client:
        client.send(request)
        daemon.wait_update(client)
        one.reset(ok)
        with daemon.udp_client() as other:
            assert other.at_once(request) is None
        check(client.ask(request), request, SIGNED())


def test_wrong_ones_are_not_remembered(start, targets):
    """A forged copy must not shut the true one out."""
    one, = targets("one")
    daemon = start([one])
    request = update()
    with daemon.udp_client() as other:
        forged = wire.flip(request, 40)
        check(other.ask(forged), forged, UNSIG(16))
    with daemon.udp_client() as client:
        check(client.ask(request), request, SIGNED())
