# SPDX-License-Identifier: ISC
"""Where ddns-mux accepts or refuses a message on purpose, and dnspython or
ldns does not: the reviewed list. ldns leaves much to its callers."""
import dataclasses
import struct

import dns.exception
import dns.name
import dns.rdata

import wire
from generate import NOW
from wire import ANY, IN, NONE, NS, RP

# The configuration behind it.
HALF_KEY = wire.Key("half.example.", b"H" * 32)  # 16 octets are enough
SERVED_ZONES, HALF_ZONES = ["test", "arpa"], ["test"]
MAX_FUDGE = 600
META = {0, wire.OPT, *range(wire.TKEY, 256)}
# Types whose RDATA ddns-mux reads; those of them that dnspython knows by the
# name of their like only; and others that ldns reads, but dnspython does not:
# NSAP-PTR, SIG, NXT, SINK, TALINK.
OLD = {3: NS, 4: NS, 7: NS, 8: NS, 9: NS, 14: RP}
READ = {*range(1, 10), *range(12, 19), 21, 26, 28, 33, 35, 36, 39}
LDNS_READS = {23, 24, 30, 40, 58}


# Conditions on a wire.Message, which may have octets behind its last record


def a_record(condition, *sections):
    """Does one of these sections have a record that meets it?"""
    return lambda m: any(condition(r) for s in sections
                         for r in getattr(m, s))


def a_prereq(condition):
    return a_record(condition, "prereqs")


def an_update(condition):
    return a_record(condition, "updates")


def either(condition):
    return a_record(condition, "prereqs", "updates")


def any_of(*conditions):
    return lambda m: any(condition(m) for condition in conditions)


def is_any_or_none(r):
    return r.rclass in (ANY, NONE)


def names_all(r):
    """ANY stands for all of a name's types."""
    return r.rtype == ANY and is_any_or_none(r) and not r.rdata


def lacks_value(r):
    return r.rdata == b"" and r.rtype in READ


def blotted(m):
    """No name can be read from this header."""
    return b"\xff" * 12 + m.data[12:]


def points_into_header(m):
    try:
        for r in m.zone + m.prereqs + m.updates:
            dns.name.from_wire(blotted(m), r.start)
    except dns.exception.DNSException:
        return True
    return False


def is_bad_rdata(m, r):
    """By dnspython, asked for this record alone."""
    try:
        dns.rdata.from_wire(IN, OLD.get(r.rtype, r.rtype), blotted(m),
                            r.end - len(r.rdata), len(r.rdata))
    except dns.exception.DNSException:
        return True
    return False


def has_bad_rdata(m):
    return either(lambda r: r.rdata and r.rtype in READ
                  and is_bad_rdata(m, r))(m)


def has_bad_opaque(m):
    return either(lambda r: (r.rdata or r.rclass != ANY)
                  and r.rtype not in READ and is_bad_rdata(m, r))(m)


def is_under(name, zone):
    name, zone = name.lower(), zone.lower()
    while len(name) > len(zone):
        name = name[1 + name[0]:]
    return name == zone


def has_outsider(m):
    return any(not is_under(r.owner, m.zone[0].owner)
               for r in m.prereqs + m.updates)


def is_served(m, zones):
    return m.zone[0].rclass == IN and any(
        is_under(m.zone[0].owner, wire.name(zone)) for zone in zones)


def opts(m):
    return [r for r in m.additional if r.rtype == wire.OPT]


def fills(options):
    """Do whole options fill the RDATA?"""
    while len(options) >= 4:
        size = 4 + struct.unpack_from(">H", options, 2)[0]
        options = options[size:] if size <= len(options) else b"x"
    return not options


def has_bad_opt(m):
    return len(opts(m)) > 1 or any(
        r.owner != b"\0" or not fills(r.rdata) for r in opts(m))


def is_of_half(m):
    return m.tsig.owner.lower() == wire.name(HALF_KEY.name)


def age(m):
    return abs(m.tsig.time - NOW)


# The list


@dataclasses.dataclass
class Difference:
    what: str
    judges: str  # who sees it otherwise
    cause: str  # what ddns-mux counts the message as
    applies: object  # a condition, or a list of what wire.parse objects to
    why: str

    def is_refusal_of(self, msg):
        return self.cause != "accepted" and callable(
            self.applies) and self.applies(msg)

    def explains(self, judge, cause, msg):
        if judge not in self.judges or cause != self.cause:
            return False
        if isinstance(msg, str):
            return isinstance(self.applies, list) and msg in self.applies
        return callable(self.applies) and bool(self.applies(msg))


BOTH = "dnspython, ldns"
REFUSED = [
    # what, judges, cause, applies, why
    ("pointer forwards", "ldns", "bad_form",
     ["pointer is not strictly backwards"],
     "RFC 1035 4.1.4: to a prior occurrence"),
    ("name that runs into itself", BOTH, "bad_form",
     ["name runs into itself"],
     "RFC 1035 4.1.4: a prior occurrence of the same name ends before it"),
    ("pointer into the header", BOTH, "bad_form", points_into_header,
     "RFC 1035 4.1.4: no name occurs there, and the copy's ID differs"),
    ("RDLENGTH", "ldns", "bad_form",
     ["RDATA beyond the message", "label type", "IndexError", "error"],
     "RFC 1035 3.2.1; ldns goes on where its reading of RDATA ends"),
    ("octets behind the TSIG", "ldns", "bad_form",
     lambda m: m.additional[-1].end < len(m.data),
     "outside of the MAC: refused as Knot does"),
    ("zone section", BOTH, "bad_form",
     lambda m: len(m.zone) != 1 or m.zone[0].rtype != wire.SOA,
     "RFC 2136 3.1.1; dnspython reads a message without sections"),
    ("zone of no target", BOTH, "bad_zone",
     lambda m: not is_served(m, SERVED_ZONES),
     "RFC 2136 3.1.1: configuration"),
    ("zone not for this key", BOTH, "not_allowed",
     lambda m: is_of_half(m) and not is_served(m, HALF_ZONES),
     "RFC 3007 3: configuration"),
    ("name outside of the zone", BOTH, "out_of_zone", has_outsider,
     "RFC 2136 3.2, 3.4.1.3"),
    ("TTL of a prerequisite", BOTH, "bad_form", a_prereq(lambda r: r.ttl),
     "RFC 2136 3.2"),
    ("TTL of a deletion", BOTH, "bad_form",
     an_update(lambda r: is_any_or_none(r) and r.ttl),
     "RFC 2136 3.4.1.2"),
    ("class of a record", BOTH, "bad_form",
     either(lambda r: r.rclass not in (IN, NONE, ANY)),
     "RFC 2136 3.2.3, 3.4.1.2"),
    ("query type as data", BOTH, "bad_form",
     any_of(a_prereq(lambda r: r.rtype in META and not names_all(r)),
            an_update(lambda r: r.rtype in META
                      and not (names_all(r) and r.rclass == ANY))),
     "RFC 2136 3.2.4, 3.4.1.2"),
    ("value where none belongs", "ldns", "bad_form", any_of(
        a_prereq(lambda r: is_any_or_none(r) and r.rdata),
        an_update(lambda r: r.rclass == ANY and r.rdata)),
     "RFC 2136 3.2.1, 3.2.2, 3.4.1.2"),
    ("value that is missing", BOTH, "bad_form", any_of(
        a_prereq(lambda r: r.rclass == IN and lacks_value(r)),
        an_update(lambda r: r.rclass != ANY and lacks_value(r))),
     "RFC 1035 3.3; ldns takes any, dnspython of the types in OLD"),
    ("RDATA", BOTH, "bad_form", has_bad_rdata,
     "RFC 1035 3.3; ldns reads what it needs, dnspython no type in OLD"),
    ("TC in a request", BOTH, "bad_truncated", lambda m: m.flags & 0x200,
     "kea-dhcp-ddns signs what it has cut short"),
    ("EDNS version", BOTH, "bad_edns",
     lambda m: any(r.ttl >> 16 & 255 for r in opts(m)), "RFC 6891 6.1.3"),
    ("bad OPT", "ldns", "bad_edns", has_bad_opt, "RFC 6891 6.1.1, 6.1.2"),
    ("SIG beside TSIG", BOTH, "bad_form",
     a_record(lambda r: r.rtype == wire.SIG, "additional"),
     "RFC 2931 3.1"),
    ("TTL of the TSIG", BOTH, "bad_form", lambda m: m.additional[-1].ttl,
     "RFC 8945 4.2"),
    ("class of the TSIG", "ldns", "bad_form",
     lambda m: m.additional[-1].rclass != ANY, "RFC 8945 4.2"),
    ("time", "ldns", "bad_time", lambda m: age(m) > m.tsig.fudge,
     "RFC 8945 5.2.3; ldns does not look at it"),
    ("fudge above the maximum", BOTH, "bad_time",
     lambda m: MAX_FUDGE < age(m) <= m.tsig.fudge,
     "max_fudge_s: configuration"),
]
TAKEN = [
    ("TSIG Error", "dnspython", lambda m: m.tsig.error,
     "means nothing in a request, BIND and Knot take it; dnspython says what "
     "the peer did not like"),
    ("cut MAC", BOTH, lambda m: len(m.tsig.mac) < 32,
     "RFC 8945 5.2.2.1, digest_bits: configuration; both want whole ones"),
    ("RDATA of types that are opaque here", BOTH, has_bad_opaque,
     "RFC 3597; the targets look into it, and it is copied as it is"),
    ("RDATA that ldns reads", "ldns",
     either(lambda r: r.rtype in LDNS_READS), "RFC 3597: the same"),
    ("additional data", BOTH,
     lambda m: len(m.additional) - len(opts(m)) > 1,
     "RFC 2136 2.6: stays behind, and is not looked into"),
    ("options", "dnspython", opts, "EDNS stays behind: not looked into"),
]
DIFFERENCES = [Difference(*line) for line in REFUSED] + [
    Difference(what, judges, "accepted", *more)
    for what, judges, *more in TAKEN]


def parse(data):
    """A message, or why it can't be read."""
    try:
        return wire.parse(data, trailing=True)
    except AssertionError as cause:
        return str(cause)
    except (IndexError, struct.error) as cause:
        return type(cause).__name__


def explain(judge, cause, data):
    msg = parse(data)
    return [d.what for d in DIFFERENCES if d.explains(judge, cause, msg)]
