# SPDX-License-Identifier: ISC
"""What a client sees by UDP: header, structure and RFC 2136's own rules.
The rows are those of sections 3 to 5 of the conformance matrix."""
import re
import socket
import struct

import pytest

import rows
import wire
from answers import BARE, DROP, SIGNED, UNSIG, check
from wire import (A, ANY, CH, FORMERR, IN, NONE, NOTAUTH, NOTIMP, NOTZONE,
                  PTR, REFUSED, SOA, SRV, TXT, address, golden, message,
                  question, rr, sign)

H1 = "h1." + wire.ZONE
OPAQUE = 65280
TO_ZONE = b"\xc0\x0c"  # a pointer to the first octet after the header


@pytest.fixture(scope="module", name="world")
def fixture_world():
    with rows.serve() as world:
        yield world


def add(*updates, **more):
    return sign(message(updates=updates, **more))


def with_prereq(*prereqs):
    return sign(golden(prereqs=prereqs))


def opcode(number, **more):
    return message(flags=number << 11, **more)


def padded(size, key=wire.GOLDEN_KEY):
    """A signed update of so many octets."""
    empty = len(sign(message(updates=[rr(H1, OPAQUE)]), key))
    return sign(message(updates=[
        rr(H1, OPAQUE, rdata=bytes(size - empty))]), key)


def with_flags(bits):
    return lambda: sign(golden(flags=wire.UPDATE_FLAGS | bits))


def labels(octets):
    """So many octets of labels, without the root."""
    return wire.name(wire.long_name(octets + 1, ""))[:-1]


LONG = dict(zone=rows.LONG_ZONE)
HEADER = rows.table(
    ("H1", lambda: sign(golden()), SIGNED()),
    ("H1-id-0", lambda: sign(golden(ident=0)), SIGNED()),
    ("H1-id-ffff", lambda: sign(golden(ident=0xffff)), SIGNED()),
    ("H2-query", lambda: opcode(0), BARE(NOTIMP, zone=False)),
    *[(f"H2-opcode-{n}", lambda n=n: opcode(n), BARE(NOTIMP, zone=False))
      for n in (1, 2, 3, 4, 6, 7, 15)],
    ("H3-query", lambda: sign(opcode(0)), SIGNED(NOTIMP, zone=False)),
    ("H3-opcode-7", lambda: sign(opcode(7)), SIGNED(NOTIMP, zone=False)),
    ("H4-signed", with_flags(0x8000), DROP),
    ("H4-bare", lambda: golden(flags=0xa800), DROP),
    ("H4-query", lambda: message(flags=0x8000), DROP),
    *[(f"H5-{n}", bytes.fromhex("beef28000001000000000000")[:n], DROP)
      for n in (0, 1, 2, 11)],
    ("H6", message(zone=[], counts=[1]), BARE(FORMERR, zone=False)),
    *[(f"H7-{name}", with_flags(bit), SIGNED()) for name, bit in [
        ("AA", 0x400), ("RD", 0x100), ("RA", 0x80), ("Z", 0x40),
        ("AD", 0x20), ("CD", 0x10)]],
    ("H7-TC", with_flags(0x200), SIGNED(FORMERR)),
    ("H7-TC-empty", lambda: sign(message(flags=0x2a00)), SIGNED(FORMERR)),
    ("H8", with_flags(5), SIGNED()),
    *[(f"H9-{n}", lambda n=n: padded(n), SIGNED())
      for n in (600, 1232, 4096, 60000)],
    ("H10", lambda: sign(message(**LONG), rows.LONG_KEY),
     SIGNED(zone=False), rows.LONG_KEY),
    ("H10-opt", lambda: sign(message(additional=[wire.opt()], **LONG),
                             rows.LONG_KEY),
     SIGNED(opt=True), rows.LONG_KEY),
    ("H10-bad-mac", lambda: sign(message(**LONG), rows.LONG_KEY,
                                 mac=lambda m: bytes(64)),
     UNSIG(wire.BADSIG, zone=False), rows.LONG_KEY),
)


def zone_entry(octets, rtype=SOA):
    return lambda: sign(message(
        zone=[octets + struct.pack(">HH", rtype, IN)]))


def owner(octets, **more):
    return lambda: add(rr(octets, A, rdata=bytes(4)), **more)


def pointer_cycle():
    """The first owner points into the second record and back again."""
    second = 12 + 18 + 2 + 10 + 2
    return add(rr(struct.pack(">H", 0xc000 | second), OPAQUE, rdata=b"xx"),
               rr(struct.pack(">H", 0xc000 | 30), OPAQUE))


def pointer_behind():
    """The owner is a pointer to where the TSIG's owner stands."""
    offset = 12 + 18 + 2 + 10 + 4
    return owner(struct.pack(">H", 0xc000 | offset))()


def counts(*numbers):
    return lambda: sign(golden(counts=numbers))


def meta(rtype):
    return lambda: add(rr(H1, rtype, rdata=bytes(20)))


SHORT = BARE(FORMERR, zone=False)
STRUCTURE = rows.table(
    ("M1-none", lambda: sign(golden(zone=[])), SIGNED(FORMERR, zone=False)),
    ("M1-two", lambda: sign(golden(zone=[question(wire.ZONE)] * 2)),
     SIGNED(FORMERR, zone=False)),
    ("M2", lambda: sign(golden(zone=[question(wire.ZONE, A)])),
     SIGNED(FORMERR)),
    ("M3", lambda: golden(zone=[question(wire.ZONE, A)]), BARE(REFUSED)),
    *[(f"M4-class-{c}", lambda c=c: sign(golden(
        zone=[question(wire.ZONE, SOA, c)])), SIGNED(NOTAUTH))
      for c in (CH, ANY, NONE)],
    ("M5-PRCOUNT", counts(None, 1), BARE(FORMERR)),
    ("M5-UPCOUNT", counts(None, None, 2), BARE(FORMERR)),
    ("M5-ADCOUNT", counts(None, None, None, 1), BARE(FORMERR)),
    ("M5-ZOCOUNT", counts(65535), SHORT),
    ("M6", lambda: add(rr(H1, A, rdata=bytes(4), rdlength=400)),
     BARE(FORMERR)),
    ("M7-1", lambda: sign(golden()) + b"\0", BARE(FORMERR)),
    ("M7-20", lambda: sign(golden()) + bytes(20), BARE(FORMERR)),
    ("M8-self", zone_entry(TO_ZONE), SHORT),
    ("M8-forward", zone_entry(b"\xc0\x20"), SHORT),
    ("M8-past-end", zone_entry(b"\xff\xff"), SHORT),
    *[(f"M8-header-{n}", zone_entry(bytes([0xc0, n])), SHORT)
      for n in (0, 4, 11)],
    ("M9-self", owner(b"\xc0\x1e"), BARE(FORMERR)),
    ("M9-cycle", pointer_cycle, BARE(FORMERR)),
    ("M9-into-tsig", pointer_behind, BARE(FORMERR)),
    ("M9-header", owner(b"\xc0\x04"), BARE(FORMERR)),
    *[(f"M11-zone-{b:02x}", zone_entry(bytes([b]) + bytes(80)), SHORT)
      for b in (0x41, 0x81)],
    *[(f"M11-owner-{b:02x}", owner(bytes([b]) + bytes(80)), BARE(FORMERR))
      for b in (0x41, 0x81)],
    ("M12-zone-255", lambda: sign(message(zone=rows.LONG_ZONE)), SIGNED()),
    ("M12-zone-256", lambda: sign(message(
        zone=wire.long_name(256, "long.test"))), SHORT),
    ("M12-owner-255", owner(labels(255 - 14) + TO_ZONE), SIGNED()),
    ("M12-owner-256", owner(labels(256 - 14) + TO_ZONE), BARE(FORMERR)),
    ("M12-owner-255-plain", owner(labels(255 - 14) + wire.name(wire.ZONE)),
     SIGNED()),
    ("M13", owner(b"\x04\x00.\xffX\x02aB" + TO_ZONE), SIGNED()),
    ("M14", lambda: sign(golden())[:-10], BARE(FORMERR)),
    ("M15", lambda: add(rr(H1, OPAQUE, rdata=b"\1\2\3\4")), SIGNED()),
    ("M15-pointer-like", lambda: add(rr(H1, OPAQUE, rdata=b"\1\2\xc0\x0c")),
     SIGNED()),
    ("M16-TSIG", meta(wire.TSIG), BARE(FORMERR)),
    *[(f"M16-{t}", meta(t), SIGNED(FORMERR))
      for t in (wire.OPT, wire.TKEY, 252, ANY)],
    ("M17", lambda: sign(message()), SIGNED()),
)

FOUR = b"\xc0\x00\x02\x01"
OUTSIDE = "a.outside.test"
RULES = rows.table(
    *[(f"U1-class-{c}", lambda c=c: with_prereq(rr(H1, A, c, 5)),
       SIGNED(FORMERR)) for c in (ANY, NONE)],
    ("U1-class-IN", lambda: with_prereq(rr(H1, A, IN, 5, FOUR)),
     SIGNED(FORMERR)),
    *[(f"U2-class-{c}", lambda c=c: with_prereq(rr(H1, A, c, 0, FOUR)),
       SIGNED(FORMERR)) for c in (ANY, NONE)],
    ("U3", lambda: with_prereq(rr(H1, A, CH, 0, FOUR)), SIGNED(FORMERR)),
    ("U4", lambda: add(rr(H1, A, CH, 0, FOUR)), SIGNED(FORMERR)),
    ("U5-ANY", lambda: add(rr(H1, A, ANY, 5)), SIGNED(FORMERR)),
    ("U5-NONE", lambda: add(rr(H1, A, NONE, 5, FOUR)), SIGNED(FORMERR)),
    ("U6", lambda: add(rr(H1, A, ANY, 0, FOUR)), SIGNED(FORMERR)),
    *[(f"U7-{n}-{t}", lambda c=c, t=t: add(rr(H1, t, c, 0, FOUR)),
       SIGNED(FORMERR))
      for n, c in (("zone", IN), ("NONE", NONE))
      for t in (255, 252, 253, 254, 251)],
    ("U7-ANY-252", lambda: add(rr(H1, 252, ANY, 0)), SIGNED(FORMERR)),
    ("U8-prerequisite", lambda: with_prereq(rr(OUTSIDE, ANY, ANY, 0)),
     SIGNED(NOTZONE)),
    ("U8-update", lambda: add(address(OUTSIDE)), SIGNED(NOTZONE)),
    ("U8-label-boundary", lambda: add(address("notexample.test")),
     SIGNED(NOTZONE)),
    ("U8-apex", lambda: add(address("EXAMPLE.test")), SIGNED()),
    ("U9", lambda: sign(message(zone="nope.test",
                                updates=[address("h.nope.test")])),
     SIGNED(NOTAUTH)),
    ("U9-label-boundary", lambda: sign(message(zone="notexample.test")),
     SIGNED(NOTAUTH)),
    ("U10", lambda: sign(golden(), rows.OTHER_KEY), SIGNED(REFUSED),
     rows.OTHER_KEY),
    ("U10-label-boundary", lambda: sign(message(zone="another.test"),
                                        rows.OTHER_KEY),
     SIGNED(REFUSED), rows.OTHER_KEY),
    ("U10-its-zone", lambda: sign(message(zone="Other.TEST"),
                                  rows.OTHER_KEY),
     SIGNED(), rows.OTHER_KEY),
    ("U10-below", lambda: sign(message(zone="a.other.test"),
                               rows.OTHER_KEY), SIGNED(), rows.OTHER_KEY),
    ("U11-PTR", lambda: add(rr(H1, PTR, rdata=b"\xff\xff")),
     SIGNED(FORMERR)),
    *[(f"U11-A-{n}", lambda n=n: add(rr(H1, A, rdata=FOUR[:n] + FOUR[4:])),
       SIGNED(FORMERR)) for n in (0, 3)],
    ("U11-A-5", lambda: add(rr(H1, A, rdata=FOUR + b"x")), SIGNED(FORMERR)),
    ("U12-PTR", lambda: add(rr(H1, PTR, rdata=b"\1x" + TO_ZONE)), SIGNED()),
    ("U12-SRV", lambda: add(rr(H1, SRV, rdata=bytes(6) + TO_ZONE)),
     SIGNED()),
    ("U13", lambda: sign(golden(additional=[address("ns." + wire.ZONE)])),
     SIGNED()),
    ("prerequisites", lambda: with_prereq(
        rr(H1, ANY, ANY, 0), rr(H1, TXT, NONE, 0), rr(H1, A, IN, 0, FOUR)),
     SIGNED()),
    ("deletes", lambda: add(rr(H1, A, ANY, 0), rr(H1, A, NONE, 0, FOUR),
                            rr(H1, ANY, ANY, 0)), SIGNED()),
)

ALL = HEADER + STRUCTURE + RULES


@pytest.mark.parametrize("row", ALL, ids=rows.idents(ALL))
def test_row(world, row):
    answer, copies = rows.run(world, row)
    for copy in copies:
        fits = len(copy.data) <= 1232
        assert copy.transport == ("udp" if fits else "tcp"), "H9"
    if row.ident.startswith("H10"):
        assert len(answer) <= 512 or row.ident == "H10-opt"


@pytest.mark.parametrize("size,want", [
    (12000, SIGNED()), (60000, BARE(FORMERR))], ids=["some", "too-many"])
def test_m10_pointer_chains_are_cheap(world, size, want):
    """Each owner one label longer than the one before: NAME_STEPS_MAX ends
    it where a message has more than any honest one."""
    updates, previous, depth, at = [], 12, 0, 30
    while at < size:
        if depth == 120 or previous > 0x3fff:
            previous, depth = 12, 0
        record = rr(b"\1a" + struct.pack(">H", 0xc000 | previous), OPAQUE)
        updates.append(record)
        previous, depth, at = at, depth + 1, at + len(record)
    request = sign(message(updates=updates))
    world.target.reset()
    with world.mux.udp_client() as client:
        check(client.ask(request), request, want)


def raw_datagram(source, destination, payload):
    """A UDP datagram whose source is as we say; loopback checks nothing."""
    udp = struct.pack(">4H", source[1], destination[1], 8 + len(payload), 0)
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 0, 0, 0, 64, 17, 0,
                       socket.inet_aton(source[0]),
                       socket.inet_aton(destination[0]))
    with socket.socket(socket.AF_INET, socket.SOCK_RAW,
                       socket.IPPROTO_RAW) as sock:
        sock.sendto(head + udp + payload, (destination[0], 0))


ZONES = {
    "other.test": SIGNED(), "a.OTHER.test": SIGNED(),
    b"\x09a\0.other\xff\x05other\x04test\0": SIGNED(),
    "another.test": SIGNED(REFUSED), "a.another.test": SIGNED(REFUSED),
    "example.test": SIGNED(REFUSED), "evilother.test": SIGNED(NOTAUTH),
    b"\x07a.other\x04test\0": SIGNED(NOTAUTH), "test": SIGNED(NOTAUTH),
    "": SIGNED(NOTAUTH), "other.test.evil": SIGNED(NOTAUTH)}


@pytest.mark.parametrize("zone", ZONES, ids=ascii)
def test_su4_zones_of_a_key_by_both(world, zone):
    """As written, on label boundaries, by UDP and by TCP."""
    world.target.reset()
    for make in (world.mux.udp_client, world.mux.tcp_client):
        request = sign(message(zone=zone), rows.OTHER_KEY)
        with make() as client:
            check(client.ask(request), request, ZONES[zone], rows.OTHER_KEY)


def unescaped(text):
    """The octets of a label in the log."""
    return re.sub(rb"\\(\d{3}|.)", lambda m: bytes([int(m[1])])
                  if m[1].isdigit() else m[1], text.encode("ascii"))


@pytest.mark.parametrize("first", range(0, 256, 32))
def test_su9_octets_in_the_log(start, targets, first):
    """As zone and as key, in lines of updates and of refusals."""
    octets = bytes(range(first, first + 32))
    odd = bytes([32]) + octets + b"\0"
    daemon = start(targets("one"))
    with daemon.udp_client() as client:
        request = sign(message(zone=[odd + struct.pack(">HH", SOA, IN)]))
        check(client.ask(request), request, SIGNED())
        shown = daemon.wait_log(r" zone=(\S+)\. .*answer=NOERROR")[1]
        assert unescaped(shown) == octets
        client.at_once(sign(golden(), owner=odd))
        shown = daemon.wait_log(r" key=(\S+)\.: .*BADKEY")[1]
        assert unescaped(shown).lower() == octets.lower()
    assert all(line.isascii() and line.isprintable()
               for line in daemon.log.lines)


@pytest.mark.parametrize("row", ["H13-port-0", "H13-own-address"])
def test_h13_flood_a11_impossible_source(world, row):
    world.target.reset()
    server = world.mux.udp
    source = ("127.0.0.1", 0) if row == "H13-port-0" else server
    try:
        raw_datagram(source, server, sign(golden()))
    except PermissionError:
        pytest.skip("no right to raw sockets")
    request = sign(golden(updates=[address("probe." + wire.ZONE)]))
    with world.mux.udp_client() as client:
        check(client.ask(request), request, SIGNED())
    assert [r.owner for r in rows.copies_of(world.target)] == ["probe"]


def test_h14_source_not_allowed(world):
    """No HMAC is computed for it, so its answer bears none."""
    row = rows.Row("H14", lambda: sign(golden(), rows.NEAR_KEY),
                   BARE(REFUSED, zone=False), rows.NEAR_KEY)
    rows.run(world, row)


def test_h14_source_of_no_key(start, targets):
    """A stranger's message is not even looked into."""
    one, = targets("one")
    daemon = start([one], [wire.GOLDEN_KEY.config(sources=["127.0.0.9"])])
    with daemon.udp_client() as client:
        for request in (sign(golden()), golden(), sign(golden()) + b"x"):
            check(client.ask(request), request, BARE(REFUSED, zone=False))
    assert not one.received


def test_h14_source_allowed(world):
    row = rows.Row("H14", lambda: sign(golden(), rows.NEAR_KEY), SIGNED(),
                   rows.NEAR_KEY)
    rows.run(world, row, source="127.0.0.9")


def test_s15_largest_udp(world):
    """65507 octets is all that UDP can carry."""
    row = rows.Row("H9-65507", lambda: padded(65507), SIGNED())
    rows.run(world, row)
