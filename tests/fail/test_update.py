# SPDX-License-Identifier: ISC
"""H04 to H08: whatever fails while an update is served, its client gets the
right answer or none, and the next update is served."""
import contextlib
import errno
import os
import threading
import time

import pytest

import fake
import wire
from answers import SIGNED, check
from client import Closed, Tcp, Udp
from control import (ERRORS, MAIN, REPORTS, THREAD, WORKER, Call, calls_of,
                     each, shared)
from daemon_help import needs_root, update
from mux import Mux

PATIENCE = 20.0
N_MAX = 100
SCENARIOS = {
    "udp to udp": (Udp, "auto"),
    "udp to tcp": (Udp, "tcp"),
    "tcp to tcp": (Tcp, "auto"),
}


class World:
    """One worker, one target, and updates one at a time."""

    def __init__(self, shim, scenario, timeout_ms=8000):
        self.timeout_ms = timeout_ms
        self.how, self.transport = SCENARIOS[scenario]
        self.shim, self.serial = shim, 0

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.control, env = stack.enter_context(shared(self.shim))
            self.one = stack.enter_context(fake.FakeTarget("one"))
            group = self.one.config(transport=self.transport,
                                    timeout_ms=self.timeout_ms)
            self.mux = stack.enter_context(Mux(
                [group], popen=dict(env=env), unconfirmed="servfail",
                client_deadline_ms=8000))
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *exc):
        self.control.n = 0
        self.stack.__exit__(*exc)
        if exc[0] is None:
            self.check_log()

    def check_log(self):
        text = "\n".join(self.mux.log.lines)
        assert not any(r in text for r in REPORTS), text[-4000:]
        assert "ended with status" not in text, text[-4000:]
        assert self.control.bad_closes == 0, "closes what is not its own"

    def server(self):
        return self.mux.udp if self.how is Udp else self.mux.tcp

    def request(self):
        self.serial += 1
        return update(f"h{self.serial}")

    def hang_up(self):
        """Each update by TCP meets a connection that was closed."""
        done = threading.Event()

        def act():
            for conn in list(self.one.connections):
                self.one.drop_connection(conn)
            done.set()
        self.one.post(act)
        assert done.wait(PATIENCE)

    def has_arrived(self, owner):
        return any(r.owner == owner for r in self.one.received)

    def ask(self, request):
        """The answer; None if a call has failed and there is none."""
        deadline = time.monotonic() + PATIENCE
        with contextlib.suppress(Closed), self.how(self.server()) as client:
            client.send(request)
            while time.monotonic() < deadline:
                if answer := client.receive(0.3):
                    return answer
                if self.control.has_failed:
                    return None
        assert self.control.has_failed, "no answer, though nothing failed"
        return None

    def serve(self):
        self.hang_up()
        request = self.request()
        answer = self.ask(request)
        rcode = None if answer is None else wire.parse(answer).rcode
        if rcode == wire.NOERROR or not self.control.has_failed:
            check(answer, request, SIGNED())
            assert self.has_arrived(f"h{self.serial}"), "false NOERROR"
        else:
            assert rcode in (None, wire.SERVFAIL), rcode

    def serve_well(self):
        self.control.n = self.control.has_failed = 0
        self.serve()

    def descriptors(self):
        """Those of the worker."""
        return len(os.listdir(f"/proc/{self.control.pid[WORKER]}/fd"))


def every_call(world):
    """All errors of all functions, n = 1 .. all, in one daemon."""
    reached = 0
    for function, errors in ERRORS.items():
        for error in errors:
            for thread in (MAIN, THREAD):
                for n in range(1, N_MAX):
                    call = Call(WORKER, function, n, error, thread)
                    try:
                        world.control.arm(call, is_counted_anew=True)
                        world.serve()
                        if not world.control.has_failed:
                            break
                        reached += 1
                        world.serve_well()
                    except BaseException as cause:
                        raise AssertionError(f"{call}\n{cause!r}\n"
                            + world.mux.log.tail(20)) from cause
    return reached


@needs_root  # to see its descriptors
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_call(shim, scenario):
    with World(shim, scenario) as world:
        world.serve_well()
        before = world.descriptors()
        assert every_call(world) > 40
        # Another socket to the target, and clients that have just gone.
        assert world.descriptors() <= before + 4, "descriptors are lost"


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_first_update(shim, scenario):
    """What is called once for a target: a daemon each."""
    with World(shim, scenario) as world:
        world.control.arm(Call(WORKER, "memory", 0, 0),
                          is_counted_anew=True)
        world.serve()
        calls = (calls_of(world.control, WORKER)
                 + calls_of(world.control, WORKER, thread=THREAD))

    def attempt(call):
        with World(shim, scenario) as world:
            world.control.arm(call, is_counted_anew=True)
            world.serve()
            has_failed = world.control.has_failed
            world.serve_well()
            return has_failed
    each(attempt, calls)


def serve_although(world, call):
    """It fails, but nothing comes of it."""
    request = world.request()
    world.control.arm(call, is_counted_anew=True)
    with world.how(world.server()) as client:
        check(client.ask(request), request, SIGNED())
    assert world.control.has_failed


@pytest.mark.parametrize("scenario, function", [
    ("udp to udp", "sendmmsg"), ("udp to tcp", "send")])
@pytest.mark.parametrize("error", [errno.EAGAIN, errno.EINTR, errno.ENOBUFS,
                                   errno.ENOMEM])
def test_h06_sent_a_little_later(shim, scenario, function, error):
    with World(shim, scenario) as world:
        serve_although(world, Call(WORKER, function, 1, error, THREAD))


def test_second_try(shim):
    """A connection that is found broken when a copy is sent: the copy goes
    out by another one at once, and not when something else happens."""
    with World(shim, "udp to tcp") as world:
        serve_although(world, Call(WORKER, "send", 1, errno.EPIPE, THREAD))


@pytest.mark.parametrize("error", [errno.EMFILE, errno.ENFILE, errno.ENOMEM,
                                   errno.ENOBUFS])
def test_h04_accept_pauses(shim, error):
    """Ten tries in a second, and datagrams are served meanwhile."""
    with World(shim, "udp to udp") as world:
        world.control.is_lasting = 1
        began = time.monotonic()
        world.control.arm(Call(WORKER, "accept", 1, error),
                          is_counted_anew=True)
        with Tcp(world.mux.tcp) as waiting:
            for _ in range(50):
                world.serve()
            tries = world.control.counts(WORKER)["accept"]
            assert 1 <= tries <= 2 + (time.monotonic() - began) * 10
            world.control.n = 0
            assert waiting.pending() == []


def n_failing(world, thread):
    """For n = 1, 2 ... without memory for libcrypto, until none fails."""
    for n in range(1, N_MAX):
        world.control.arm(Call(WORKER, "foreign", n, errno.ENOMEM, thread),
                          is_counted_anew=True)
        yield n
        if not world.control.has_failed:
            break
    assert n > 1, "libcrypto asks for no memory"


def test_forged_answer(shim):
    with World(shim, "udp to udp", timeout_ms=400) as world:
        world.serve_well()
        world.one.reset(fake.odd(key=fake.FOREIGN_KEY))
        for _ in n_failing(world, THREAD):
            answer = world.ask(world.request())
            assert (answer is None
                    or wire.parse(answer).rcode == wire.SERVFAIL)
        world.one.reset()
        world.serve_well()


def test_forged_update(shim):
    with World(shim, "udp to udp") as world:
        world.serve_well()
        world.one.reset()
        for _ in n_failing(world, MAIN):
            forged = wire.sign(wire.golden(), mac=lambda m: bytes(len(m)))
            answer = world.ask(forged)
            assert (answer is None
                    or wire.parse(answer).rcode == wire.NOTAUTH)
        assert not world.one.received
        world.serve_well()
