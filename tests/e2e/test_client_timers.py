# SPDX-License-Identifier: ISC
"""How long a TCP client may take: row S7 of the conformance matrix."""
import contextlib
import select
import struct
import time

from client import remaining
from wire import golden, sign

# The slow rows run side by side: each is a connection and its own clock.


class Timed:
    """A connection, what it sends each second, and when it was closed."""

    def __init__(self, client, first=b"", drip=b""):
        self.client, self.drip = client, drip
        client.raw(first)
        client.sock.setblocking(False)
        self.begun, self.life = time.monotonic(), None

    def look(self):
        try:
            data = self.client.sock.recv(4096)
        except BlockingIOError:
            return
        except ConnectionResetError:
            data = b""
        if not data:
            self.life = time.monotonic() - self.begun

    def send(self):
        with contextlib.suppress(OSError):
            self.client.sock.send(self.drip)


def test_s7_timers(start, targets):
    """First message 5 s, a whole message 5 s, idle 10 s: octets that drip
    in do not prolong any of them."""
    daemon, request = start(targets("one")), sign(golden())
    framed = struct.pack(">H", len(request)) + request
    with contextlib.ExitStack() as stack:
        def connect():
            return stack.enter_context(daemon.tcp_client())
        cases = {
            "silent": (Timed(connect()), 5),
            "half a length": (Timed(connect(), b"\0"), 5),
            "drips": (Timed(connect(), framed[:2], b"\xbe"), 5),
            "idle": (Timed(connect(), framed), 10),
            "drips behind a message": (
                Timed(connect(), framed + b"\0", b"\x80"), 5),
        }
        watch([timed for timed, _ in cases.values()], 16)
        for name, (timed, limit) in cases.items():
            assert timed.life is not None, f"{name}: never closed"
            assert limit - 0.5 < timed.life < limit + 3, (
                f"{name}: closed after {timed.life:.1f} s")


def watch(cases, limit):
    end, next_drip = time.monotonic() + limit, time.monotonic()
    while time.monotonic() < end:
        living = [c for c in cases if c.life is None]
        if not living:
            return
        if time.monotonic() >= next_drip:
            next_drip += 1.0
            for case in living:
                case.send()
        select.select([c.client.sock for c in living], [], [],
                      remaining(next_drip))
        for case in living:
            case.look()

