# SPDX-License-Identifier: ISC
"""What the tests of ddns-mux as a client of its targets share: one mux,
one target, a short timeout, and failures that are reported."""
import contextlib
import socket
import types

import wire
from answers import SIGNED, check
from fake import FakeTarget
from mux import Mux
from wire import ANY, SERVFAIL, address, golden, rr, sign

H1 = "h1." + wire.ZONE
FAILED = SIGNED(SERVFAIL)
TIMEOUT = 0.3


@contextlib.contextmanager
def short_world():
    """All of it by UDP."""
    with contextlib.ExitStack() as stack:
        one = stack.enter_context(FakeTarget("one"))
        daemon = stack.enter_context(Mux(
            [one.config(timeout_ms=int(TIMEOUT * 1000))],
            unconfirmed="servfail", client_deadline_ms=3000))
        client = stack.enter_context(daemon.udp_client())
        yield types.SimpleNamespace(mux=daemon, one=one, client=client)


def update(owner="h1", prereqs=(), ident=None):
    return sign(golden(ident=ident, prereqs=prereqs,
                       updates=[address(f"{owner}.{wire.ZONE}")]))


def careful(ident=None):
    """With a prerequisite: never sent twice by UDP."""
    return update(prereqs=[rr(H1, ANY, ANY, 0)], ident=ident)


def ask(world, request, behaviour, want):
    """The answer, and that there is only one; what the target received."""
    world.one.reset(behaviour)
    check(world.client.ask(request), request, want)
    assert world.client.pending() == [], "O33: more than one answer"
    return list(world.one.received)


def full_backlog(stack, label):
    """A target that takes no connection, and does not refuse one: the
    kernel drops what would open it."""
    target = FakeTarget(label, tcp=False)
    stack.callback(target.udp.close)
    stack.enter_context(target.listener).listen(0)
    for _ in range(4):
        sock = stack.enter_context(socket.socket())
        sock.setblocking(False)
        sock.connect_ex(("127.0.0.1", target.port))
    return target
