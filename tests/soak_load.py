# SPDX-License-Identifier: ISC
"""The load of soak.py: a loop, clients, and targets, with the faults of
both. Update number N is named uN, and faults are chosen for numbers before
the start, so that clients and targets, in processes of their own, agree."""
import contextlib
import heapq
import itertools
import mmap
import multiprocessing
import selectors
import time

import fake
import wire
from client import Closed, Tcp, Udp, remaining

KEYS = [wire.Key(f"soak-{hash_}.example.", hash_.encode() * 4, f"hmac-{hash_}")
        for hash_ in ("sha256", "sha384", "sha512")]
CLIENT_DEADLINE_S = 0.4
LATE_S = 0.7
APPLIED = 0x80  # in a mark; the rest counts copies
UDP_SOURCES, KEPT_STREAMS = 24, 4
NOT_IN_USE = [wire.rr("new." + wire.ZONE, wire.ANY, wire.NONE, 0)]


class Loop:
    """Sockets and timers of one thread."""

    def __init__(self):
        self._selector = selectors.DefaultSelector()
        self._timers, self._order = [], itertools.count()
        self.is_over = False

    def watch(self, sock, on_ready):
        sock.setblocking(False)
        self._selector.register(sock, selectors.EVENT_READ, on_ready)

    def forget(self, sock):
        self._selector.unregister(sock)

    def after(self, seconds, action):
        when = time.monotonic() + seconds
        heapq.heappush(self._timers, (when, next(self._order), action))

    def run(self):
        while not self.is_over:
            wait = remaining(self._timers[0][0]) if self._timers else 1
            for key, _ in self._selector.select(wait):
                key.data()
            while self._timers and self._timers[0][0] <= time.monotonic():
                heapq.heappop(self._timers)[2]()


# Targets


def answer(r):
    r.target.marks[r.serial] |= APPLIED
    r.reply()


def first_lost(r):
    if r.target.marks[r.serial] > 1:
        answer(r)


def through_tcp(then):
    return lambda r: then(r) if r.conn else r.reply(tc=1)


TARGET_FAULTS = {
    "target-silent": fake.drop,
    "target-first-copy-lost": first_lost,
    "target-late": fake.after(LATE_S, answer),
    "target-wrong-mac": fake.odd(mac=lambda m: bytes(len(m))),
    "target-wrong-id": lambda r: r.reply(ident=r.msg.ident ^ 1),
    "target-unsigned": fake.odd(signed=False),
    "target-refuses": fake.rcode(wire.REFUSED),
    "target-truncates": through_tcp(answer),
    "target-closes-tcp": through_tcp(fake.hang_up),
}
CLIENT_FAULTS = ["junk", "bad-mac", "replay", "stolen-replay", "half-sent",
                 "reset", "client-gone"]


def choose_faults(rng, count, share):
    """{serial: (fault, index of the target)}"""
    kinds = [*TARGET_FAULTS, *CLIENT_FAULTS]
    return {serial: (rng.choice(kinds), rng.randrange(3))
            for serial in range(count) if rng.random() < share}


class Target:
    """A scripted target in a process of its own. Shared with it are marks,
    an octet for each update, and two more: is it dead, and how many copies
    were not as they must be."""

    def __init__(self, index, faults, count):
        self.index, self.faults = index, faults
        self.fake = fake.FakeTarget(f"target-{index}", self._act)
        self.marks = self.fake.marks = mmap.mmap(-1, count + 2)
        self.process = multiprocessing.get_context("fork").Process(
            target=self._run, daemon=True)

    def _run(self):
        parent = multiprocessing.parent_process()
        with contextlib.suppress(KeyboardInterrupt), self.fake:
            while parent.is_alive():
                parent.join(1)
                while self.fake.errors:
                    self._complain(self.fake.errors.pop())

    def _complain(self, text):
        print(f"{self.fake.label}: {text}", flush=True)
        self.marks[-1] = min(255, self.marks[-1] + 1)

    def _act(self, r):
        self.fake.received.clear()  # it keeps everything
        r.serial = int(r.owner[1:])
        if r.problem:
            self._complain(f"{r.problem}: {r.data.hex()}")
        if self.is_dead:
            return r.close() if r.conn else None
        if self.copies(r.serial) < 0x7f:
            self.marks[r.serial] += 1
        fault, index = self.faults.get(r.serial, (None, 0))
        behaviour = TARGET_FAULTS.get(fault) if index == self.index else None
        return (behaviour or answer)(r)

    @property
    def is_dead(self):
        return bool(self.marks[-2])

    @is_dead.setter
    def is_dead(self, value):
        self.marks[-2] = value

    @property
    def bad_copies(self):
        return self.marks[-1]

    def copies(self, serial):
        return self.marks[serial] & 0x7f

    def has_applied(self, serial):
        return bool(self.marks[serial] & APPLIED)


# Clients


class Source:
    """A UDP port."""

    def __init__(self, load):
        self.load, self.udp = load, Udp(load.mux.udp)
        self.is_open = True
        load.loop.watch(self.udp.sock, self._on_ready)

    def _on_ready(self):
        with contextlib.suppress(BlockingIOError, ConnectionRefusedError):
            while True:
                self.load.take(self.udp.sock.recv(65535))

    def send(self, data):
        if self.is_open:
            self.load.sent_udp += 1
            self.udp.send(data)

    def close(self):
        self.is_open = False
        self.load.loop.forget(self.udp.sock)
        self.udp.sock.close()


class Stream:
    """A TCP connection, for one answer or until the server closes it."""

    def __init__(self, load, is_kept=False):
        self.load, self.is_kept = load, is_kept
        self.tcp = Tcp(load.mux.tcp)
        self.is_open = True
        load.loop.watch(self.tcp.sock, self._on_ready)
        load.streams += 1

    def _on_ready(self):
        try:
            self.tcp._read()
        except Closed:
            self.close()
            return
        while self.is_open and (data := self.tcp._take()) is not None:
            self.load.take(data)
            if not self.is_kept:
                self.close()

    def send(self, data):
        self.raw(len(data).to_bytes(2, "big") + data)

    def raw(self, octets):
        try:
            self.tcp.raw(octets)
        except (Closed, BlockingIOError):
            self.close()

    def close(self, how=Tcp.close):
        if self.is_open:
            self.is_open = False
            self.load.loop.forget(self.tcp.sock)
            how(self.tcp)


class Load:
    """An open loop: so many updates each second, whatever is answered."""

    def __init__(self, loop, mux, targets, faults, rng, rate):
        self.loop, self.mux, self.targets = loop, mux, targets
        self.faults, self.rng, self.rate = faults, rng, rate
        self.sent = self.sent_udp = self.streams = 0
        self.told, self.rcodes, self.problems = set(), {}, []
        self.worst_lag_s = 0.0
        self._pending = {}
        self._sources = [Source(self) for _ in range(UDP_SOURCES)]
        self._kept = [Stream(self, True) for _ in range(KEPT_STREAMS)]
        self.is_over = False
        self._started = time.monotonic()
        self._tick()

    def _tick(self):
        if self.is_over:
            return
        late = time.monotonic() - self._started - self.sent / self.rate
        self.worst_lag_s = max(self.worst_lag_s, late)
        for _ in range(int(late * self.rate)):
            self._next()
        self.loop.after(1 / self.rate, self._tick)

    def pause(self, seconds):
        self._started += seconds

    def is_paused(self):
        return time.monotonic() < self._started + self.sent / self.rate - 1

    # Updates

    def _make(self, serial, **odd):
        """Every tenth has prerequisites, every 20th is large."""
        records = 40 if serial % 20 == 19 else 1
        owner = f"u{serial}.{wire.ZONE}"
        data = wire.message(
            [wire.address(owner, i + 1) for i in range(records)],
            NOT_IN_USE if serial % 10 == 4 else (), ident=serial & 0xffff)
        key = self.rng.choice(KEYS)
        signed = wire.sign(data, key, **odd)
        self._pending[serial & 0xffff] = serial, key, signed
        return signed

    def _next(self):
        serial, self.sent = self.sent, self.sent + 1
        fault = self.faults.get(serial, (None, 0))[0]
        if fault in CLIENT_FAULTS:
            getattr(self, "_" + fault.replace("-", "_"))(serial)
        else:
            self._way(serial)(self._make(serial))

    def _way(self, serial):
        """Every eighth by TCP, half of those on connections of their own."""
        if serial % 8:
            return self.rng.choice(self._sources).send
        return self._stream(serial % 16 == 0).send

    def _stream(self, is_kept):
        if not is_kept:
            stream = Stream(self)
            self.loop.after(2, stream.close)
            return stream
        i = self.rng.randrange(KEPT_STREAMS)
        if not self._kept[i].is_open:
            self._kept[i] = Stream(self, True)
        return self._kept[i]

    def _junk(self, serial):
        """Octets by chance, or an update that is cut short."""
        data = self.rng.randbytes(self.rng.randrange(1, 300))
        if serial % 2:
            data = self._make(serial)
            data = data[:self.rng.randrange(len(data))]
        self.rng.choice(self._sources).send(data)

    def _bad_mac(self, serial):
        self._way(serial)(self._make(serial, mac=lambda m: bytes(len(m))))

    def _replay(self, serial, is_stolen=False):
        data = self._make(serial)
        first, second = self.rng.sample(self._sources, 2)
        first.send(data)
        again = (second if is_stolen else first)
        self.loop.after(0.2, lambda: again.send(data))

    def _stolen_replay(self, serial):
        self._replay(serial, True)

    def _half_sent(self, serial):
        """The server has to close it; until then it costs a place."""
        stream, data = Stream(self), self._make(serial)
        stream.raw(len(data).to_bytes(2, "big") + data[:len(data) // 2])

        def check():
            if stream.is_open:
                self.problems.append(f"update {serial}: half, never closed")
        self.loop.after(30, check)

    def _reset(self, serial):
        stream = Stream(self)
        stream.send(self._make(serial))
        stream.close(Tcp.reset)

    def _client_gone(self, serial):
        i = self.rng.randrange(UDP_SOURCES)
        gone, self._sources[i] = self._sources[i], Source(self)
        gone.send(self._make(serial))
        gone.close()

    # Answers

    def take(self, data):
        rcode = data[3] & 15
        self.rcodes[rcode] = self.rcodes.get(rcode, 0) + 1
        if rcode != wire.NOERROR:
            return
        serial, key, request = self._pending[data[0] << 8 | data[1]]
        try:
            wire.verify(data, key, wire.request_mac(request))
            for target in self.targets:
                assert target.has_applied(serial), f"not at {target.index}"
        except (AssertionError, IndexError) as cause:
            self.problems.append(f"update {serial}: {cause}")
        self.told.add(serial)

    def finish(self):
        """No more updates; answers are still taken."""
        self.is_over = True
        for stream in self._kept:
            stream.close()
