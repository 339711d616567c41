# SPDX-License-Identifier: ISC
"""DNS clients over UDP and TCP that see every octet."""
import select
import socket
import struct
import time

import wire

PATIENCE = 5.0


def remaining(deadline):
    return max(0.0, deadline - time.monotonic())


def family(address):
    return socket.AF_INET6 if ":" in address[0] else socket.AF_INET


class Client:
    """What both have, over send and receive."""

    def pending(self):
        """What the server has said to everything sent so far that it
        answers at once: a probe that is answered at once closes it."""
        probe = wire.message(zone=[], flags=0x1000)
        self.send(probe)
        found = []
        while True:
            data = self.receive()
            assert data is not None, "the server does not answer any more"
            if data[:2] == probe[:2] and data[2] & 0xf8 == 0x90:
                return found
            found.append(data)

    def at_once(self, data):
        """The answer that needs no target, or None: not a moment's wait."""
        self.send(data)
        found = self.pending()
        assert len(found) <= 1, "more than one answer"
        return found[0] if found else None

    def receive_id(self, ident, timeout=PATIENCE):
        """The answer with this ID; others before it are lost."""
        deadline = time.monotonic() + timeout
        while True:
            data = self.receive(remaining(deadline))
            if data is None or data[:2] == struct.pack(">H", ident):
                return data


class Udp(Client):
    """A connected socket: answers from another address never arrive."""

    def __init__(self, server, source=None):
        self.sock = socket.socket(family(server), socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        if source:
            self.sock.bind((source, 0))
        self.sock.connect(server)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.sock.close()

    @property
    def port(self):
        return self.sock.getsockname()[1]

    def send(self, data):
        self.sock.send(data)

    def receive(self, timeout=PATIENCE):
        """The next datagram, or None."""
        if not select.select([self.sock], [], [], timeout)[0]:
            return None
        return self.sock.recv(65535)

    def ask(self, data, timeout=PATIENCE):
        self.send(data)
        return self.receive(timeout)


class Closed(Exception):
    """The peer has closed the connection."""


class Tcp(Client):
    def __init__(self, server, source=None, receive_buffer=None):
        self.sock = socket.socket(family(server), socket.SOCK_STREAM)
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF,
                                 receive_buffer)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if source:
            self.sock.bind((source, 0))
        self.sock.settimeout(PATIENCE)
        self.sock.connect(server)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.sock.close()

    def close(self):
        self.sock.close()

    def reset(self):
        """Close with RST, as a client that died does."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                             struct.pack("ii", 1, 0))
        self.sock.close()

    def raw(self, data):
        try:
            self.sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError) as cause:
            raise Closed from cause

    def send(self, data):
        self.raw(struct.pack(">H", len(data)) + data)

    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)

    def _take(self):
        """A whole message out of the buffer, or None."""
        if len(self.buffer) < 2:
            return None
        size = struct.unpack_from(">H", self.buffer)[0]
        if len(self.buffer) < 2 + size:
            return None
        data, self.buffer = self.buffer[2:2 + size], self.buffer[2 + size:]
        return data

    def _read(self):
        try:
            data = self.sock.recv(1 << 16)
        except ConnectionResetError as cause:
            raise Closed from cause
        if not data:
            raise Closed
        self.buffer += data

    def receive(self, timeout=PATIENCE):
        """The next message, or None; Closed when there is no more."""
        deadline = time.monotonic() + timeout
        while True:
            data = self._take()
            if data is not None:
                return data
            ready = select.select([self.sock], [], [], remaining(deadline))
            if not ready[0]:
                return None
            self._read()

    def ask(self, data, timeout=PATIENCE):
        self.send(data)
        return self.receive(timeout)

    def is_closed(self, timeout=PATIENCE):
        """Has the server closed it without another message?"""
        try:
            return self.receive(timeout) is None and False
        except Closed:
            return True

    def exchange(self, requests, timeout=30.0):
        """All requests pipelined as fast as the server takes them; the
        answers in the order of arrival."""
        out = b"".join(struct.pack(">H", len(r)) + r for r in requests)
        answers, deadline = [], time.monotonic() + timeout
        while len(answers) < len(requests):
            left = remaining(deadline)
            assert left, f"{len(answers)} of {len(requests)} answers"
            readable, writable, _ = select.select(
                [self.sock], [self.sock] if out else [], [], left)
            if writable:
                out = out[self.sock.send(out[:1 << 14]):]
            if readable:
                self._read()
            while (data := self._take()) is not None:
                answers.append(data)
        return answers
