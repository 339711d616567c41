# SPDX-License-Identifier: ISC
"""What BIND, Knot and PowerDNS answer to one and the same message.

The packaged servers, without a ddns-mux before them: what it relies on is
measured here, so that a server that changes is seen. X1 to X63 are the rows
of the conformance matrix' section 2 in their order, X64 and X65 two more.
words.py says how an answer is written.
"""
import contextlib
import dataclasses
import struct

import pytest

import rows
import test_client_tsig as tsig
import test_client_udp as udp
import wire
from servers import Bind, Knot, PowerDNS
from wire import (A, ANY, CH, GOLDEN_KEY, IN, NONE, SOA, address, golden,
                  message, opt, question, rr, sign)
from words import (BITS, TC, and_query, by_tcp, by_udp, requests_of,
                   send_and_close, send_single_octets)

MX, DNAME = 15, 39
OTHER_SECRET = dataclasses.replace(GOLDEN_KEY, secret=b"x" * 64)
OTHER_ALGORITHM = dataclasses.replace(GOLDEN_KEY, algorithm="hmac-sha512")
BARRED_KEY = wire.Key("barred.example.", b"B" * 32)
HALF_KEY = wire.Key("half.example.", b"H" * 32)
# How BIND's configuration says that 16 octets of MAC are enough.
HALF_OF_BIND = dataclasses.replace(HALF_KEY, algorithm="hmac-sha256-128")


class PlainPowerDNS(PowerDNS):
    """One thread that answers in the order of arrival, as silence() needs."""

    TEMPLATE = (PowerDNS.TEMPLATE +
                "receiver-threads=1\ndistributor-threads=1\n")


SERVERS = {"bind": Bind, "knot": Knot, "pdns": PlainPowerDNS}


@pytest.fixture(scope="module", name="servers")
def fixture_servers(tmp_path_factory):
    directory = tmp_path_factory.mktemp("rows")
    keys = {kind: [GOLDEN_KEY, rows.ZONE_KEY] for kind in SERVERS}
    keys["bind"].append(HALF_OF_BIND)
    with contextlib.ExitStack() as entered:
        yield {kind: entered.enter_context(server(
            directory / kind, keys[kind], zones=[wire.ZONE + "."],
            known_keys=[BARRED_KEY])) for kind, server in SERVERS.items()}


# The table


@dataclasses.dataclass(frozen=True)
class Row:
    ident: str
    make: object  # a function, or octets; one message or a list
    bind: str
    knot: str
    pdns: str
    key: wire.Key = GOLDEN_KEY
    talk: object = by_udp


def each(ident, makes, *wanted, **more):
    """A row for each of the makes, which are named."""
    return [Row(f"{ident}-{name}", make, *wanted, **more)
            for name, make in makes.items()]


def with_zone(entry):
    return lambda: sign(golden(zone=[entry]))


def add(owner, rtype, rdata):
    return lambda: udp.add(rr(owner, rtype, rdata=rdata))


def padded(octets):
    """As udp.padded(), of a type that PowerDNS knows."""
    empty = len(sign(message(updates=[rr(udp.H1, wire.TXT)])))
    rdata, room = b"", octets - empty
    while len(rdata) < room:
        size = min(room - len(rdata), 200) - 1
        rdata += bytes([size]) + bytes(size)
    return add(udp.H1, wire.TXT, rdata)


def when_unused(owner):
    """An update that can be carried out once."""
    return sign(message([address(owner)], [rr(owner, ANY, NONE, 0)]))


def compressed(rtype, fixed=b""):
    """A record whose RDATA ends in h1 and a pointer to the zone's name."""
    kind = {wire.PTR: "PTR", wire.SRV: "SRV", MX: "MX", DNAME: "DNAME"}[rtype]
    owner = f"{kind}.x57.{wire.ZONE}"
    make = add(owner, rtype, fixed + b"\2h1" + udp.TO_ZONE)
    held = " ".join(["=", *["0"] * (len(fixed) // 2), udp.H1 + "."])
    return Row(f"X57-{kind}", make, *[f"{answer}; {held}" for answer in
                                      (OK, OK, OK_AA)],
               talk=and_query(owner, kind))


def times(count, answer):
    return "; ".join([answer] * count)


OK, OK_AA = "NOERROR signed", "NOERROR signed AA"
BADKEY, BADSIG = "NOTAUTH unsigned(BADKEY)", "NOTAUTH unsigned(BADSIG)"
BADTIME = "NOTAUTH signed(BADTIME) its-time other=now"
BROKEN, NO_ZONE = "FORMERR bare", "FORMERR bare zoneless"
PDNS_NO = "REFUSED bare AA"  # to whatever is wrong with a TSIG
NAMES = {"label-01": b"\x41" + bytes(80), "label-10": b"\x81" + bytes(80),
         "out": b"\xff\xff"}
X44 = "x44." + wire.ZONE

TABLE = [
    # TSIG
    Row("X1", lambda: sign(golden()), OK, OK, OK_AA),
    Row("X1-copied", tsig.shifted(-60, fudge=299), OK, OK,
        "NOERROR signed its-time its-fudge AA"),
    Row("X2-key", tsig.signed(tsig.UNKNOWN), BADKEY, BADKEY, PDNS_NO,
        tsig.UNKNOWN),
    Row("X2-other-algorithm", tsig.signed(OTHER_ALGORITHM), BADKEY, BADKEY,
        PDNS_NO, OTHER_ALGORITHM),
    Row("X2-algorithm", lambda: tsig.unknown_algorithm("hmac-foo"), BADKEY,
        BADKEY, PDNS_NO),
    *each("X3", {"mac": tsig.signed(mac=tsig.bad_mac),
                 "secret": tsig.signed(OTHER_SECRET)},
          BADSIG, BADSIG, PDNS_NO),
    Row("X4", tsig.cut(16), "NOTAUTH signed(BADTRUNC)", BADSIG, PDNS_NO),
    *each("X5", {"15": tsig.cut(15), "9": tsig.cut(9),
                 "33": tsig.signed(mac=lambda m: m + b"x")},
          "FORMERR unsigned(BADSIG)", BADSIG, PDNS_NO),
    Row("X6", tsig.cut(0), BADSIG, BADSIG, PDNS_NO),
    Row("X7", tsig.cut(16, HALF_KEY), "NOERROR signed mac=16", None, None,
        HALF_KEY),
    Row("X8", tsig.signed(HALF_KEY), OK, None, None, HALF_KEY),
    *each("X9", {"late": tsig.shifted(-1000, fudge=200),
                 "early": tsig.shifted(1000, fudge=200),
                 "zero": tsig.signed(time=0, fudge=200),
                 "2-40": tsig.signed(time=2 ** 40, fudge=200)},
          BADTIME, BADTIME, PDNS_NO),
    Row("X10", tsig.shifted(-1000, mac=tsig.bad_mac), BADSIG,
        BADSIG + " its-time", PDNS_NO),
    Row("X11", tsig.shifted(-1000, length=16), BADTIME,
        BADSIG + " its-time", PDNS_NO),
    Row("X12", tsig.shifted(-60000, fudge=65535), OK, OK,
        "NOERROR signed its-time its-fudge AA"),
    *each("X13", {"opt": lambda: tsig.behind_tsig(opt()),
                  "record": lambda: tsig.behind_tsig(address()),
                  "two": tsig.two_tsigs,
                  "update": lambda: tsig.tsig_in("update")},
          BROKEN, BROKEN, "-"),
    Row("X14-hashed-ANY", tsig.signed(rclass=IN), BROKEN, BADSIG, PDNS_NO),
    Row("X14-hashed-IN", tsig.signed(rclass=IN, hashed_class=IN), BROKEN, OK,
        PDNS_NO),
    Row("X15-hashed-0", tsig.signed(ttl=5), BADSIG, BADSIG, OK_AA),
    Row("X15-hashed-5", tsig.signed(ttl=5, hashed_ttl=5), OK, OK, PDNS_NO),
    Row("X16", tsig.signed(owner=wire.name("KEY.Example")), OK, OK, PDNS_NO),
    Row("X17", tsig.signed(algorithm=wire.name("HMAC-SHA256")), OK, OK,
        "NOERROR signed its-case AA"),
    Row("X18", tsig.compressed_owner, OK, OK, OK_AA, rows.ZONE_KEY),
    Row("X19", tsig.compressed_algorithm, OK, OK, OK_AA),
    Row("X20", tsig.other_ids(0x2222), OK, OK, OK_AA),
    Row("X21", tsig.other_ids(0x1111), BADSIG, BADSIG, PDNS_NO),
    Row("X22-16", tsig.signed(error=16), OK, OK, "NOERROR signed(BADSIG) AA"),
    Row("X22-18", tsig.signed(error=18), OK, OK,
        "NOERROR signed(BADTIME) AA"),
    *each("X23", {"3": tsig.signed(other=bytes(3)),
                  "6": tsig.signed(other=bytes(6))}, OK, OK, PDNS_NO),

    # Who may change what
    Row("X24", lambda: golden(), "REFUSED bare", "NOTAUTH bare", PDNS_NO),
    Row("X25", lambda: sign(message([address("h1.nope.test")],
                                    zone="nope.test")),
        "NOTAUTH signed", "NOTAUTH bare", "NOTAUTH signed AA"),
    Row("X26", tsig.signed(BARRED_KEY), "REFUSED signed", BADKEY,
        "REFUSED signed AA", BARRED_KEY),
    Row("X27", lambda: udp.add(address(udp.OUTSIDE)), "NOTZONE signed",
        "NOTZONE signed", "NOTZONE signed AA"),

    # RFC 2136's own rules
    Row("X28", lambda: sign(golden(zone=[])), "FORMERR signed zoneless",
        NO_ZONE, "-"),
    Row("X29", lambda: sign(golden(zone=[question(wire.ZONE)] * 2)), BROKEN,
        "-", "-"),
    Row("X30", with_zone(question(wire.ZONE, A)), "FORMERR signed", BROKEN,
        "FORMERR signed AA"),
    Row("X31", with_zone(question(wire.ZONE, SOA, CH)), "NOTIMP signed",
        "NOTIMP bare", "NOTAUTH signed AA"),
    *each("X32", {str(n): add(udp.H1, A, bytes(n)) for n in (0, 3, 5)},
          BROKEN, BROKEN, "SERVFAIL signed AA"),
    Row("X33", lambda: udp.add(rr(udp.H1, A, ANY, 5)), "FORMERR signed", OK,
        "FORMERR signed AA"),
    Row("X34", lambda: udp.add(rr(udp.H1, A, NONE, 0)), BROKEN, OK,
        "SERVFAIL signed AA"),
    Row("X35", add(udp.H1, udp.OPAQUE, b"\1\2\3\4"), OK, OK,
        "FORMERR signed AA"),

    # Structure
    *each("X36", {
        "PRCOUNT": udp.counts(None, 1), "UPCOUNT": udp.counts(None, None, 2),
        "ADCOUNT": udp.counts(None, None, None, 1),
        "RDLENGTH": lambda: udp.add(rr(udp.H1, A, rdata=bytes(4),
                                       rdlength=400)),
        "cut": lambda: sign(golden())[:-10]}, BROKEN, BROKEN, "-"),
    Row("X36-ZOCOUNT", udp.counts(65535), BROKEN, "-", "-"),
    *each("X37", {str(n): lambda n=n: sign(golden()) + bytes(n)
                  for n in (1, 8, 20)}, OK, BROKEN, OK_AA),
    *each("X38", {name: udp.zone_entry(octets) for name, octets in {
        "loop": udp.TO_ZONE, "forward": b"\xc0\x20", **NAMES}.items()},
          NO_ZONE, "-", "-"),
    *each("X39", {name: udp.owner(octets) for name, octets in {
        "loop": b"\xc0\x1e", "forward": b"\xc0\x2c", **NAMES}.items()},
          BROKEN, BROKEN, "-"),
    Row("X40-255", udp.owner(udp.labels(255 - 14) + udp.TO_ZONE), OK, OK,
        OK_AA),
    Row("X40-256", udp.owner(udp.labels(256 - 14) + udp.TO_ZONE), BROKEN,
        BROKEN, "-"),

    # Header
    *each("X41", {str(n): golden()[:n] for n in (0, 1, 2, 11)},
          "-", "-", "-"),
    *each("X42", {"signed": udp.with_flags(0x8000),
                  "bare": lambda: golden(flags=0xa800)}, "-", "-", "-"),
    Row("X43", udp.with_flags(TC), OK, OK, "-"),
    Row("X44", lambda: sign(message([address(X44)],
                                    flags=wire.UPDATE_FLAGS | 5)),
        OK + "; = 192.0.2.1", "REFUSED signed; = 192.0.2.1",
        OK_AA + "; = 192.0.2.1", talk=and_query(X44, "A")),
    *each("X45", {bit: udp.with_flags(BITS[bit])
                  for bit in ("AA", "RA", "Z", "AD")}, OK, OK, OK_AA),
    Row("X45-RD", udp.with_flags(BITS["RD"]), OK, OK + " RD", OK_AA + " RD"),
    Row("X45-CD", udp.with_flags(BITS["CD"]), OK, OK + " CD", OK_AA),
    *each("X46", {str(n): lambda n=n: udp.opcode(n)
                  for n in (1, 2, 6, 7, 15)},
          "NOTIMP bare zoneless", "NOTIMP bare", "-"),
    *each("X46-signed", {str(n): lambda n=n: sign(udp.opcode(n))
                         for n in (1, 2, 6, 7, 15)},
          "NOTIMP signed zoneless", "NOTIMP bare", "-"),
    Row("X47", lambda: udp.opcode(4), "NOERROR bare AA", "NOTAUTH bare",
        PDNS_NO),

    # EDNS, SIG(0)
    Row("X48", tsig.with_opt(), OK + " OPT", OK, OK_AA + " OPT"),
    Row("X49", lambda: sign(golden(additional=[opt(), opt()])), BROKEN,
        BROKEN, OK_AA + " OPT"),
    Row("X50", tsig.with_opt(version=1), "BADVERS bare OPT",
        "BADVERS bare OPT", "BADVERS bare AA OPT"),
    Row("X51", tsig.with_opt(struct.pack(">HH", 3, 255)), BROKEN, BROKEN,
        OK_AA + " OPT"),
    Row("X52", tsig.with_opt(tsig.option(10, bytes(3))), "FORMERR bare OPT",
        OK, OK_AA + " OPT"),
    Row("X53", lambda: golden(additional=[tsig.sig0()]), "REFUSED bare",
        "NOTAUTH bare", PDNS_NO),
    Row("X54", lambda: sign(golden(additional=[tsig.sig0()])),
        "SERVFAIL bare", OK, OK_AA),

    # Size, names in RDATA
    *each("X55", {str(n): padded(n) for n in (600, 1232)}, OK, OK, OK_AA),
    *each("X55", {str(n): padded(n) for n in (1233, 1700, 55000)}, OK, OK,
          "-"),
    Row("X56", udp.pointer_behind, BROKEN, BROKEN, "-"),
    compressed(wire.PTR), compressed(wire.SRV, bytes(6)),
    compressed(MX, bytes(2)), compressed(DNAME),

    # Once more, and earlier
    Row("X58", lambda: [when_unused("x58." + wire.ZONE)] * 2,
        OK + "; YXDOMAIN signed", OK + "; YXDOMAIN signed",
        OK_AA + "; YXDOMAIN signed AA"),
    Row("X59", lambda: [sign(golden()), tsig.shifted(-5)()], times(2, OK),
        times(2, OK), OK_AA + "; NOERROR signed its-time AA"),

    # TCP
    Row("X60", lambda: [sign(golden()) for _ in range(40)], times(40, OK),
        times(40, OK), times(40, OK_AA), talk=by_tcp()),
    *each("X61", {str(n): lambda n=n: [golden()[:n], sign(golden())]
                  for n in (0, 11)}, "closed", "closed", "closed",
          talk=by_tcp()),
    Row("X62", lambda: [udp.zone_entry(udp.TO_ZONE)(), sign(golden())],
        f"{NO_ZONE}; {OK}", "closed", "closed", talk=by_tcp()),
    Row("X63-octets", lambda: sign(golden()), OK, OK, OK_AA,
        talk=by_tcp(send_single_octets)),
    Row("X63-half-close", lambda: sign(golden()), OK, OK, OK_AA,
        talk=by_tcp(send_and_close)),

    # Not in that section
    Row("X64", with_zone(question(wire.ZONE, SOA, ANY)), NO_ZONE,
        "FORMERR signed", "NOTAUTH signed AA"),
    Row("X65", lambda: sign(golden(prereqs=[rr(wire.ZONE, ANY, NONE, 0)])),
        "YXDOMAIN signed", "YXDOMAIN signed", "YXDOMAIN signed AA"),
]
CASES = [(row, kind) for row in TABLE for kind in SERVERS
         if getattr(row, kind) is not None]


@pytest.mark.parametrize("row, kind", CASES,
                         ids=[f"{row.ident}-{kind}" for row, kind in CASES])
def test_row(servers, row, kind):
    wanted = getattr(row, kind).split("; ")
    assert row.talk(servers[kind], requests_of(row), wanted) == wanted
