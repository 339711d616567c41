#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""A small authoritative server for DNS UPDATE that keeps its zones in
memory: UDP and TCP, one TSIG key, the whole semantics of RFC 2136. For
tests and demonstrations.

    memserver.py --listen 127.0.0.1:5301 --zone example.org
        --key name:hmac-sha256:base64 --name mem-1 [--dump FILE]

It prints one line for each update and, on SIGUSR1, its content. --dump
keeps the content in a file, written anew after each change.
"""
import argparse
import base64
import os
import selectors
import signal
import socket
import struct
import sys
import threading
import time

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdatatype
import dns.rrset
import dns.tsig
import dns.update
import dns.wire

from zone import Refused, Zone, canonical


class MemServer:
    def __init__(self, listen, zones, key, label="mem", dump=None,
                 out=sys.stdout):
        """listen: (host, port), port 0 lets the kernel choose; key: a
        dns.tsig.Key."""
        self.zones = {z.origin: z for z in map(Zone, zones)}
        self.keyring = {key.name: key}
        self.label, self.dump_file, self.out = label, dump, out
        self.applied = 0
        self.lock = threading.Lock()
        self.selector = selectors.DefaultSelector()
        self._bind(listen)
        self._wake_up, self._woken = socket.socketpair()
        self._watch(self._woken, lambda: self._woken.recv(1))
        self.wishes = []
        self._thread = None

    def _bind(self, listen):
        while True:
            family = socket.AF_INET6 if ":" in listen[0] else socket.AF_INET
            self.udp = socket.socket(family, socket.SOCK_DGRAM)
            self.udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            self.udp.bind(listen)
            self.address = self.udp.getsockname()[:2]
            self.tcp = socket.socket(family)
            self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                self.tcp.bind(self.address)
                break
            except OSError:
                self.udp.close()
                self.tcp.close()
                if listen[1]:
                    raise
        self.tcp.listen(64)
        self._watch(self.udp, self._on_datagram)
        self._watch(self.tcp, self._on_accept)

    def _watch(self, sock, on_ready):
        sock.setblocking(False)
        self.selector.register(sock, selectors.EVENT_READ, on_ready)

    # Life: run() in this thread, or as a context manager in its own

    def run(self):
        self.write_dump()
        while "stop" not in self.wishes:
            for key, _ in self.selector.select():
                key.data()
            while "show" in self.wishes:
                self.wishes.remove("show")
                self.show()

    def wish(self, what):
        """"show" or "stop", from another thread or a signal handler."""
        self.wishes.append(what)
        self._wake_up.send(b"x")

    def __enter__(self):
        self._thread = threading.Thread(target=self.run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exc):
        self.wish("stop")
        self._thread.join(5)
        self.close()

    def close(self):
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()
        self._wake_up.close()
        self.selector.close()

    # Transport

    def _on_datagram(self):
        try:
            data, peer = self.udp.recvfrom(65535)
        except BlockingIOError:
            return
        if reply := self.answer(data, "udp"):
            self.udp.sendto(reply, peer)

    def _on_accept(self):
        try:
            sock, _ = self.tcp.accept()
        except BlockingIOError:
            return
        buffer = bytearray()
        self._watch(sock, lambda: self._on_stream(sock, buffer))

    def _on_stream(self, sock, buffer):
        try:
            data = sock.recv(65536)
        except BlockingIOError:
            return
        except ConnectionError:
            data = b""
        buffer += data
        is_open = bool(data)
        while is_open and len(buffer) >= 2:
            size = struct.unpack_from(">H", buffer)[0]
            if len(buffer) < 2 + size:
                break
            message = bytes(buffer[2:2 + size])
            del buffer[:2 + size]
            is_open = self._answer_stream(sock, message)
        if not is_open:
            self.selector.unregister(sock)
            sock.close()

    def _answer_stream(self, sock, message):
        reply = self.answer(message, "tcp")
        if not reply:
            return False
        try:
            sock.settimeout(2)
            sock.sendall(struct.pack(">H", len(reply)) + reply)
            sock.setblocking(False)
        except OSError:
            return False
        return True

    # Messages

    def answer(self, data, transport):
        """The octets of the answer, or None for none."""
        try:
            request = dns.message.from_wire(data, keyring=self.keyring,
                                            one_rr_per_rrset=True)
        except (dns.tsig.BadSignature, dns.message.UnknownTSIGKey,
                dns.tsig.BadTime, dns.tsig.BadKey, dns.tsig.BadAlgorithm):
            return self._bare(data, dns.rcode.NOTAUTH)
        except (dns.exception.DNSException, struct.error, ValueError,
                IndexError):
            return self._bare(data, dns.rcode.FORMERR)
        if request.flags & dns.flags.QR:
            return None
        if request.opcode() == dns.opcode.UPDATE:
            restore_ttls(request, data)
        with self.lock:
            reply = self._respond(request, transport)
        return reply.to_wire(max_size=65535)

    @staticmethod
    def _bare(data, rcode):
        """An unsigned error without a body."""
        if len(data) < 12 or data[2] & 0x80:
            return None
        flags = 0x8000 | (data[2] & 0x78) << 8 | rcode
        return data[:2] + struct.pack(">H", flags) + bytes(8)

    def _respond(self, request, transport):
        reply = dns.message.make_response(request, our_payload=1232)
        reply.flags &= ~dns.flags.RD
        opcode = request.opcode()
        if opcode == dns.opcode.UPDATE:
            reply.set_rcode(self._update(request, transport))
        elif opcode == dns.opcode.QUERY:
            reply.set_rcode(self._query(request, reply))
        else:
            reply.set_rcode(dns.rcode.NOTIMP)
        return reply

    def _update(self, request, transport):
        started = time.monotonic()
        zone = request.zone[0] if len(request.zone) == 1 else None
        try:
            rcode = self._try_update(request, zone)
        except Refused as refused:
            rcode = refused.rcode
        spent = (time.monotonic() - started) * 1000
        self.say(f"update id={request.id} {transport} "
                 f"key={request.keyname or '-'} "
                 f"zone={'-' if zone is None else zone.name} "
                 f"{dns.rcode.to_text(rcode)} {spent:.1f}ms")
        return rcode

    def _try_update(self, request, question):
        if question is None:
            return dns.rcode.FORMERR
        zone = self.zones.get(canonical(question.name))
        if zone is None or question.rdclass != dns.rdataclass.IN:
            return dns.rcode.NOTAUTH
        if not request.had_tsig:
            return dns.rcode.REFUSED
        if zone.apply(request):
            self.write_dump()
        self.applied += 1
        return dns.rcode.NOERROR

    def _query(self, request, reply):
        if len(request.question) != 1:
            return dns.rcode.FORMERR
        question = request.question[0]
        zone = self.zone_of(question.name)
        if zone is None or question.rdclass != dns.rdataclass.IN:
            return dns.rcode.REFUSED
        reply.flags |= dns.flags.AA
        node = zone.nodes.get(canonical(question.name), {})
        for rdtype, (ttl, rdatas) in node.items():
            if question.rdtype in (rdtype, dns.rdatatype.ANY):
                reply.answer.append(dns.rrset.from_rdata_list(
                    question.name, ttl, list(rdatas)))
        if not reply.answer:
            reply.authority.append(dns.rrset.from_rdata_list(
                zone.origin, 60, [zone.soa]))
        is_there = any(name.is_subdomain(question.name)
                       for name in zone.nodes)
        return dns.rcode.NOERROR if is_there else dns.rcode.NXDOMAIN

    def zone_of(self, name):
        """The zone with the longest name above this one."""
        name = canonical(name)
        while name not in self.zones:
            if name == dns.name.root:
                return None
            name = name.parent()
        return self.zones[name]

    # Content

    def content(self):
        """Sorted lines: owner ttl class type rdata."""
        lines = [line for z in self.zones.values() for line in z.lines()]
        return sorted(lines)

    def write_dump(self):
        if not self.dump_file:
            return
        temporary = f"{self.dump_file}.new"
        with open(temporary, "w", encoding="utf-8") as out:
            out.writelines(line + "\n" for line in self.content())
        os.replace(temporary, self.dump_file)

    def say(self, text):
        if self.out:
            print(f"{self.label}: {text}", file=self.out, flush=True)

    def show(self):
        with self.lock:
            for line in self.content():
                self.say(line)


def restore_ttls(update, data):
    """dnspython forgets the TTL of records that have no RDATA."""
    parser = dns.wire.Parser(data)
    counts = struct.unpack(">4H", data[4:12])
    parser.seek(12)
    for _ in range(counts[0]):
        parser.get_name()
        parser.get_bytes(4)
    for rrset in [*update.prerequisite, *update.update]:
        parser.get_name()
        _, _, rrset.ttl, size = parser.get_struct("!HHIH")
        parser.get_bytes(size)


def make_key(text):
    """name:algorithm:base64, the algorithm as configurations spell it."""
    name, algorithm, secret = text.split(":")
    if algorithm == "hmac-md5":
        algorithm = "hmac-md5.sig-alg.reg.int"
    return dns.tsig.Key(name, base64.b64decode(secret), algorithm)


def make_address(text):
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--listen", type=make_address, required=True)
    parser.add_argument("--zone", action="append", required=True)
    parser.add_argument("--key", type=make_key, required=True)
    parser.add_argument("--name", default="mem")
    parser.add_argument("--dump", metavar="FILE")
    args = parser.parse_args()
    server = MemServer(args.listen, args.zone, args.key, args.name, args.dump)
    signal.signal(signal.SIGUSR1, lambda *_: server.wish("show"))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.wish("stop"))
    server.say("listening on {}:{}".format(*server.address))
    server.run()
    server.close()


if __name__ == "__main__":
    main()
