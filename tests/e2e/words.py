# SPDX-License-Identifier: ISC
"""Answers of any DNS server to an update, in words.

    RCODE               or BADVERS
    bare                no TSIG
    unsigned(ERROR)     a TSIG with this Error and no MAC
    signed(ERROR)       a TSIG that verifies; no brackets where Error is 0

with what is not as it should be behind it:

    zoneless            the zone section is missing
    AA RD ...           bits of the header that are set, besides QR
    OPT                 there is one
    mac=16              so many octets of MAC, which are not all
    other=now           Other Data is the server's time, in 6 octets
    its-time its-fudge  of the TSIG: the request's, and not now or 300
    its-case            of the algorithm's name: the request's upper case

"-" is silence, "closed" the end of a connection, "= RDATA" what a query
finds afterwards; semicolons stand between the answers to several messages.
"""
import dataclasses
import struct
import time

import dns.message
import dns.query

import client
import wire
from answers import zone_octets
from servers import HOST
from wire import golden, message, sign

PATIENCE = 20.0  # Knot takes a whole second now and then

RCODES = {getattr(wire, name): name for name in (
    "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED",
    "YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH", "NOTZONE")}
RCODES[16] = "BADVERS"
ERRORS = {getattr(wire, name): name for name in (
    "BADSIG", "BADKEY", "BADTIME", "BADTRUNC")}
BITS = {"AA": 0x400, "RD": 0x100, "RA": 0x80, "Z": 0x40, "AD": 0x20,
        "CD": 0x10}
TC = 0x200
TICK = 1  # the clock that servers read may lag behind Python's


@dataclasses.dataclass(frozen=True)
class Request:
    octets: bytes
    key: wire.Key
    made: int  # when, in seconds

    def tsig(self):
        """Time Signed, fudge and MAC, however odd the message is."""
        try:
            last = wire.parse(self.octets).additional[-1]
            _, pos = wire._read_name(self.octets, last.end - len(last.rdata))
        except AssertionError:
            algorithm = wire.name(self.key.wire_algorithm)
            pos = self.octets.rindex(algorithm) + len(algorithm)
        fudge, size = struct.unpack_from(">HH", self.octets, pos + 6)
        pos += 10
        return (int.from_bytes(self.octets[pos - 10:pos - 4], "big"), fudge,
                self.octets[pos:pos + size])


def is_now(seconds, request):
    return request.made - TICK <= seconds <= time.time()


def mac_words(msg, request, mac):
    """It verifies, or this fails; the digest knows lower case only."""
    algorithm, octets = msg.tsig.algorithm, msg.tsig.mac
    lower = msg.data.replace(algorithm, algorithm.lower())
    wire.verify(lower, request.key, mac, 1)
    is_cut = len(octets) < request.key.full
    return (["its-case"] * (lower != msg.data) +
            [f"mac={len(octets)}"] * is_cut)


def tsig_words(msg, request):
    if msg.tsig is None:
        return ["bare"]
    found = msg.tsig
    time_signed, fudge, mac = request.tsig()
    words = ["signed" if found.mac else "unsigned"]
    if found.error:
        words[0] += f"({ERRORS[found.error]})"
    if found.mac:
        words += mac_words(msg, request, mac)
    assert found.original_id == msg.ident, "Original ID"
    if not is_now(found.time, request):
        assert found.time == time_signed, "Time Signed"
        words.append("its-time")
    if found.fudge != 300:
        assert found.fudge == fudge, "fudge"
        words.append("its-fudge")
    if found.other:
        assert len(found.other) == 6, "Other Data"
        assert is_now(int.from_bytes(found.other, "big"), request), "its time"
        words.append("other=now")
    return words


def in_words(answer, request):
    assert answer is not None, "no answer"
    msg = wire.parse(answer)
    ident, flags = struct.unpack_from(">HH", request.octets)
    assert msg.ident == ident, "ID"
    assert msg.flags & 0xf800 == 0x8000 | flags & 0x7800, "QR and opcode"
    assert not msg.flags & TC, "TC"
    assert not msg.prereqs and not msg.updates, "more than the zone"
    rcode = msg.rcode | (msg.opt.ttl >> 24 << 4 if msg.opt else 0)
    words = [RCODES[rcode], *tsig_words(msg, request)]
    if not msg.zone:
        words.append("zoneless")
    else:
        assert (answer[12:msg.additional_start] ==
                zone_octets(request.octets)), "zone section"
    words += [bit for bit, mask in BITS.items() if msg.flags & mask]
    words += ["OPT"] * (msg.opt is not None)
    return " ".join(words)


def requests_of(row):
    made = int(time.time())
    octets = row.make() if callable(row.make) else row.make
    return [Request(one, row.key, made)
            for one in (octets if isinstance(octets, list) else [octets])]


# Conversations: what a server answers to the requests, as a list of words


def silence(sock, request):
    """All that comes before the answers to two probes behind the request:
    one that is answered where it is read, and one that goes through the
    queue of the zone's updates, as the request might."""
    probes = {p[:2]: p for p in (message(flags=0), sign(golden()))}
    for probe in probes.values():
        sock.send(probe)
    found = []
    while probes:
        answer = sock.receive(PATIENCE)
        assert answer is not None, "the server does not answer any more"
        if not probes.pop(answer[:2], None):
            found.append(in_words(answer, request))
    return found or ["-"]


def by_udp(server, requests, wanted):
    """Each from a port of its own, when the one before is answered."""
    found = []
    for request, want in zip(requests, wanted, strict=True):
        with client.Udp((HOST, server.port)) as sock:
            sock.send(request.octets)
            if want == "-":
                found += silence(sock, request)
            else:
                found.append(in_words(sock.receive(PATIENCE), request))
    return found


def send_whole(sock, requests):
    for request in requests:
        sock.send(request.octets)


def send_single_octets(sock, requests):
    for request in requests:
        octets = request.octets
        for octet in struct.pack(">H", len(octets)) + octets:
            sock.raw(bytes([octet]))


def send_and_close(sock, requests):
    send_whole(sock, requests)
    sock.half_close()


def by_tcp(send=send_whole):
    """All at once on one connection; the answers in the same order."""
    def talk(server, requests, _wanted):
        found = []
        with client.Tcp((HOST, server.port)) as sock:
            try:
                send(sock, requests)
                for request in requests:
                    found.append(in_words(sock.receive(PATIENCE), request))
            except client.Closed:
                found.append("closed")
        return found
    return talk


def and_query(owner, rtype):
    """By UDP, and what the zone holds then."""
    def talk(server, requests, wanted):
        found = by_udp(server, requests, wanted[:-1])
        answer = dns.query.udp(dns.message.make_query(owner, rtype), HOST,
                               port=server.port, timeout=PATIENCE)
        return found + [f"= {rdata}" for rrset in answer.answer
                        for rdata in rrset]
    return talk
