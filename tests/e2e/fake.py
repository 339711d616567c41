# SPDX-License-Identifier: ISC
"""A target that does what the test says: UDP and TCP on one port of
loopback, a thread each, every received message kept for inspection.

A behaviour is a function of one Request, run in the target's thread. The
ones below cover most needs and combine: both(wrong_id, ok), after(0.1, ok).
"""
import collections
import heapq
import itertools
import selectors
import socket
import struct
import threading
import time
import traceback

import wire
from client import PATIENCE, remaining

LIVE = set()
FOREIGN_KEY = wire.Key("foreign.example.", b"f" * 32)


class Connection:
    def __init__(self, sock, peer):
        self.sock, self.peer, self.buffer = sock, peer, b""
        self.is_open = True


class Request:
    """One message as the target has received it."""

    def __init__(self, target, data, peer, conn=None):
        self.target, self.data, self.peer, self.conn = target, data, peer, conn
        self.transport = "tcp" if conn else "udp"
        self.at = time.monotonic()
        self.msg = wire.parse(data)
        self.mac = wire.request_mac(data)
        self.problem = self._examine()

    def _examine(self):
        """What the mux did wrong, or None (O3, O4, O5)."""
        try:
            tsig = wire.verify(self.data, self.target.key)
        except AssertionError as cause:
            return str(cause)
        age = abs(time.time() + self.target.mux_ahead_s - tsig.time)
        wrong = [text for text, bad in [
            ("flags", self.msg.flags not in (wire.UPDATE_FLAGS, 0)),
            ("Original ID", tsig.original_id != self.msg.ident),
            ("time", age > 5), ("fudge", tsig.fudge != 300),
            ("Error", tsig.error != 0), ("Other", tsig.other != b""),
            ("additional", len(self.msg.additional) != 1),
        ] if bad]
        return ", ".join(wrong) or None

    @property
    def owner(self):
        """First label of the first update record, as text."""
        owner = self.msg.updates[0].owner
        return owner[1:1 + owner[0]].decode("latin-1")

    @property
    def body(self):
        """What must be the client's, octet for octet (O6)."""
        return self.data[4:10] + self.data[12:self.msg.additional_start]

    @property
    def is_probe(self):
        """It changes nothing."""
        return not self.msg.updates

    def build(self, rcode=0, *, ident=None, opcode=None, qr=1, tc=0, zone=None,
              additional=(), counts=None, signed=True, key=None, prior="mine",
              **tsig):
        """An answer; the keywords make it odd. zone: list of entries."""
        if opcode is None:
            opcode = self.msg.opcode
        flags = qr << 15 | opcode << 11 | tc << 9 | rcode
        if zone is None:
            zone = [self.data[12:self.msg.zone[0].end]]
        data = wire.message(
            zone=zone, flags=flags, additional=additional, counts=counts,
            ident=self.msg.ident if ident is None else ident)
        if not signed:
            return data
        prior = self.mac if prior == "mine" else prior
        return wire.sign(data, key or self.target.key, prior=prior, **tsig)

    def reply(self, rcode=0, **how):
        self.send(self.build(rcode, **how))

    def send(self, data):
        if self.conn:
            self.raw(struct.pack(">H", len(data)) + data)
        else:
            self.target.udp.sendto(data, self.peer)

    def raw(self, octets):
        """Octets into the stream, without a length."""
        if not self.conn.is_open:
            return
        try:
            self.conn.sock.settimeout(PATIENCE)
            self.conn.sock.sendall(octets)
            self.conn.sock.settimeout(0)
        except OSError:
            self.target.drop_connection(self.conn)

    def close(self):
        self.target.drop_connection(self.conn)


# Behaviours


def ok(r):
    r.reply()


def drop(r):
    del r


def rcode(code):
    return lambda r: r.reply(code)


def odd(**how):
    return lambda r: r.reply(**how)


def octets(data):
    return lambda r: r.send(data)


def stream(data):
    """Octets into the TCP stream."""
    return lambda r: r.raw(data)


def hang_up(r):
    r.close()


def both(*behaviours):
    def run(r):
        for behaviour in behaviours:
            behaviour(r)
    return run


def after(seconds, behaviour):
    return lambda r: r.target.at(time.monotonic() + seconds,
                                 lambda: behaviour(r))


def by_transport(udp, tcp):
    return lambda r: (tcp if r.conn else udp)(r)


def by_owner(table, default=ok):
    return lambda r: table.get(r.owner, default)(r)


def octet_by_octet(r):
    data = r.build()
    for octet in struct.pack(">H", len(data)) + data:
        r.raw(bytes([octet]))


def from_another_port(r):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.sendto(r.build(), r.peer)


def from_another_address(r):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.2", r.target.port))
        sock.sendto(r.build(), r.peer)


class Gate:
    """Holds requests until the test lets them go, in its own order."""

    def __init__(self):
        self.held = []
        self.arrived = threading.Condition()

    def __call__(self, r):
        with self.arrived:
            self.held.append(r)
            self.arrived.notify_all()

    def wait(self, count=1, timeout=PATIENCE):
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.held) >= count,
                                         timeout), f"{len(self.held)} held"
            return list(self.held)

    def open(self, behaviour=ok, reverse=False):
        """Let all go that are held."""
        with self.arrived:
            going, self.held = self.held, []
        for r in reversed(going) if reverse else going:
            r.target.post(lambda r=r: behaviour(r))


class FakeTarget:
    def __init__(self, label, default=ok, key=None, udp=True, tcp=True,
                 port=0):
        self.label, self.default = label, default
        self.key = key or wire.Key(f"mux-{label}.example.",
                                   label.encode() * 8 + bytes(32))
        self.script = collections.deque()
        self.received, self.connections, self.accepted = [], [], 0
        self.errors = []
        self.mux_ahead_s = 0  # what the clock of ddns-mux is ahead of ours
        self.changed = threading.Condition()
        self._timers, self._order = [], itertools.count()
        self._posted = collections.deque()
        self._is_stopping = False
        self._bind(udp, tcp, port)

    def _bind(self, udp, tcp, port):
        """One port for both, 0 lets the kernel choose it; without one of
        them that transport is refused by the kernel."""
        while True:
            self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
            self.udp.bind(("127.0.0.1", port))
            self.port = self.udp.getsockname()[1]
            self.listener = socket.socket()
            self.listener.setsockopt(socket.SOL_SOCKET,
                                     socket.SO_REUSEADDR, 1)
            try:
                self.listener.bind(("127.0.0.1", self.port))
                break
            except OSError:
                self.udp.close()
                self.listener.close()
                if port:
                    raise
        if tcp:
            self.listener.listen(128)
        if not udp:  # keeps the port, and the kernel refuses datagrams
            self.udp.connect(("127.0.0.1", 1))
        self._has_udp, self._has_tcp = udp, tcp

    def config(self, **more):
        """This target's group in the configuration. It is asked whatever
        it said before: test_health.py is about what happens otherwise."""
        group = dict(name=self.label, address=f"127.0.0.1:{self.port}",
                     tsig=self.key.config(), breaker_failures=0)
        return {**group, **more}

    # Life

    def __enter__(self):
        self._selector = selectors.DefaultSelector()
        self._wake, inside = socket.socketpair()
        inside.setblocking(False)
        self._watch(inside, lambda: inside.recv(4096))
        if self._has_udp:
            self._watch(self.udp, self._on_datagram)
        if self._has_tcp:
            self._watch(self.listener, self._on_accept)
        self._inside = inside
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        LIVE.add(self)
        return self

    def __exit__(self, *exc):
        LIVE.discard(self)
        self._is_stopping = True
        self._wake.send(b"x")
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "fake target hangs"
        for conn in list(self.connections):
            self.drop_connection(conn)
        for sock in (self.udp, self.listener, self._wake, self._inside):
            sock.close()
        self._selector.close()
        if exc[0] is None:
            self.check()

    def _watch(self, sock, on_ready):
        self._selector.register(sock, selectors.EVENT_READ, on_ready)

    def _run(self):
        while not self._is_stopping:
            wait = None
            if self._timers:
                wait = remaining(self._timers[0][0])
            for key, _ in self._selector.select(wait):
                key.data()
            while self._posted:
                self._posted.popleft()()
            while self._timers and remaining(self._timers[0][0]) == 0:
                heapq.heappop(self._timers)[2]()

    def post(self, action):
        """Run action in the target's thread."""
        self._posted.append(action)
        self._wake.send(b"x")

    def at(self, when, action):
        heapq.heappush(self._timers, (when, next(self._order), action))

    # Receiving

    def _on_datagram(self):
        data, peer = self.udp.recvfrom(65535)
        self._receive(data, peer)

    def _on_accept(self):
        sock, peer = self.listener.accept()
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        conn = Connection(sock, peer)
        with self.changed:
            self.connections.append(conn)
            self.accepted += 1
            self.changed.notify_all()
        self._watch(sock, lambda: self._on_stream(conn))

    def _on_stream(self, conn):
        try:
            data = conn.sock.recv(1 << 16)
        except ConnectionResetError:
            data = b""
        if not data:
            self.drop_connection(conn)
            return
        conn.buffer += data
        while conn.is_open and len(conn.buffer) >= 2:
            size = struct.unpack_from(">H", conn.buffer)[0]
            if len(conn.buffer) < 2 + size:
                break
            message = conn.buffer[2:2 + size]
            conn.buffer = conn.buffer[2 + size:]
            self._receive(message, conn.peer, conn)

    def drop_connection(self, conn):
        with self.changed:
            if not conn.is_open:
                return
            conn.is_open = False
            self.connections.remove(conn)
            self.changed.notify_all()
        self._selector.unregister(conn.sock)
        conn.sock.close()

    def _receive(self, data, peer, conn=None):
        try:
            self._act_on(data, peer, conn)
        except Exception:  # shown by check(), in the thread of the test
            self.errors.append(data.hex() + "\n" + traceback.format_exc())

    def _act_on(self, data, peer, conn):
        request = Request(self, data, peer, conn)
        with self.changed:
            self.received.append(request)
            behaviour = (self.script.popleft() if self.script
                         else self.default)
            self.changed.notify_all()
        behaviour(request)

    # For the test

    def reset(self, default=ok):
        """Forget what was received; from now on do this."""
        with self.changed:
            self.check()
            self.received.clear()
            self.script.clear()
            self.default = default

    def say(self, *behaviours):
        """The next requests get these, one each."""
        with self.changed:
            self.script.extend(behaviours)

    def wait(self, count=1, timeout=PATIENCE):
        return self.wait_until(lambda: len(self.received) >= count, timeout)

    def wait_until(self, condition, timeout=PATIENCE):
        with self.changed:
            assert self.changed.wait_for(condition, timeout), (
                f"{self.label}: {len(self.received)} received")
            return list(self.received)

    def check(self):
        """Every request was made as it must be."""
        assert not self.errors, self.errors[0]
        for request in self.received:
            assert request.problem is None, (
                f"{self.label} received a bad request: {request.problem}: "
                f"{request.data.hex()}")

    def report(self):
        lines = self.errors + [
            f"{r.at:.3f} {r.transport} {r.peer[1]} {r.problem or 'good'} "
                 f"{r.data[:80].hex()}" for r in self.received[-40:]]
        return "\n".join(lines)



def closed(label):
    """Nobody listens there, by UDP or TCP."""
    return FakeTarget(label, udp=False, tcp=False)
