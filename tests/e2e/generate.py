# SPDX-License-Identifier: ISC
"""Messages by chance, but with structure: what kea-dhcp-ddns and nsupdate
send, with a few things odd about each, signed behind that or before it.

A draft's sections are lists of records in wire form, so that counts, order
and signature stay right where nothing was done to them on purpose.
"""
import dataclasses
import pathlib
import struct
import sys

import wire
from wire import A, AAAA, ANY, CH, IN, NONE, PTR, rr

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "fuzz"))
import seeds  # noqa: E402

NOW = 1700000000
OWNERS = ["h1.example.test", "H2.Example.TEST", "example.test", "test",
          "x.example.test", "notexample.test", wire.long_name(255, "test"),
          b"\1a\xc0\x0c", b"\1a\xc0\x00", b"\xc0\x0c", b"\1a\xc0\xff"]
# Those of RFC 1035, those that others know more of, the unknown, the meta.
TYPES = [*range(0, 60), 99, 109, 249, 250, 251, 252, 253, 254, 255, 256, 257,
         65280, 65535]
CLASSES = [IN, NONE, ANY, CH, 0, 2, 65535]
TTLS = [0, 1, 60, 2 ** 31, 2 ** 32 - 1]
RDATA = [b"", b"\0", bytes(4), bytes(16), b"\3abc", b"\1x\xc0\x0c",
         b"\0\1\1x\xc0\x0c", bytes(6) + b"\xc0\x0c", b"\xc0\x0c",
         b"\xc0\x04", b"\1x\0\1y\0" + bytes(20), b"\0\1\2\3" * 5]
OPTIONS = [b"", b"\0\3\0\0", b"\xfd\xe9\0\3abc", b"\0\3\0\xff", b"\0\3\0",
           b"\0\x08\0\1x", b"\0\x0a\0\3abc", b"\0\x0a\0\x08abcdefgh",
           b"\0\x0f\0\1x"]


@dataclasses.dataclass
class Draft:
    """zone, prerequisites, updates, additional; how to sign."""
    sections: list
    flags: int = wire.UPDATE_FLAGS
    counts: list = dataclasses.field(default_factory=lambda: [0] * 4)
    tsig: dict = dataclasses.field(default_factory=dict)
    behind: bytes = b""  # behind the last record, the TSIG included

    def body(self):
        counts = [max(0, len(s) + more)
                  for s, more in zip(self.sections, self.counts)]
        return struct.pack(">6H", 0xbeef, self.flags, *counts) + b"".join(
            record for section in self.sections for record in section)


def drafts():
    """As sections of records; where one is replaced, what others point at
    may be gone: odd enough."""
    bodies = [*seeds.UPDATES.values(), *seeds.nsupdate().values(),
              wire.golden(ident=1), wire.golden(ident=1, updates=[])]
    for body in bodies:
        msg = wire.parse(body)
        yield [[body[r.start:r.end] for r in section] for section in (
            msg.zone, msg.prereqs, msg.updates, msg.additional)]


# What can be odd. Each changes the draft in place.


def record(rng):
    return rr(rng.choice(OWNERS), rng.choice(TYPES), rng.choice(CLASSES),
              rng.choice(TTLS), rng.choice(RDATA))


def likely_record(rng):
    """Odd in one way at most."""
    fields = dict(owner="h1.example.test", rtype=A, rclass=IN, ttl=0,
                  rdata=bytes(4))
    odd = rng.choice([("owner", OWNERS), ("rclass", CLASSES), ("ttl", TTLS),
                      ("rdata", RDATA), ("rtype", TYPES)])
    fields[odd[0]] = rng.choice(odd[1])
    if fields["rtype"] != A and rng.random() < 0.7:
        fields["rdata"] = rng.choice(RDATA)
    if fields["rclass"] == ANY and rng.random() < 0.7:
        fields["rdata"] = b""
    return rr(**fields)


def insert(rng, section, made):
    section.insert(rng.randint(0, len(section)), made)


def odd_record(rng, draft):
    section = draft.sections[rng.choice([1, 1, 2, 2, 2, 3])]
    insert(rng, section, rng.choice([record, likely_record])(rng))


def odd_rdlength(rng, draft):
    owner, octets = "h1.example.test", bytes(rng.choice([0, 4, 16]))
    insert(rng, draft.sections[rng.choice([1, 2])], rr(
        owner, rng.choice([A, AAAA, PTR, 4]), IN, 0, octets,
        rng.choice([0, 1, 64, 65535])))


def move_record(rng, draft):
    source, to = (rng.choice(draft.sections[1:]) for _ in range(2))
    if source:
        insert(rng, to, source.pop(rng.randrange(len(source))))


def damage_record(rng, draft):
    """An octet of a record, whatever it means."""
    section = rng.choice([s for s in draft.sections if s])
    at = rng.randrange(len(section))
    section[at] = change_octets(rng, section[at])


def drop_record(rng, draft):
    section = rng.choice([s for s in draft.sections if s])
    section.pop(rng.randrange(len(section)))


def odd_zone(rng, draft):
    name = rng.choice(["example.test", "EXAMPLE.Test", "a.example.test",
                       "test", ".", "nowhere.invalid", "other.test",
                       b"\7example\xc0\x04", b"\xc0\x0c"])
    entry = wire.question(name, rng.choice([wire.SOA] * 3 + [1, 255]),
                          rng.choice([IN] * 3 + [CH, ANY, NONE]))
    zone = draft.sections[0]
    zone[:] = rng.choice([[entry], [entry] * 2, [], [entry]])


def odd_flags(rng, draft):
    draft.flags ^= 1 << rng.randrange(16)


def odd_counts(rng, draft):
    draft.counts[rng.randrange(4)] = rng.choice([-1, 1, 300])


def odd_opt(rng, draft):
    for _ in range(rng.choice([1, 1, 1, 2])):
        insert(rng, draft.sections[3], wire.opt(
            size=rng.choice([0, 512, 1232, 65535]),
            options=rng.choice(OPTIONS), version=rng.choice([0, 0, 0, 1]),
            flags=rng.choice([0, 0x8000, 1]),
            owner=rng.choice([b"\0", b"\0", b"\0", b"\1a\0"])))


def odd_glue(rng, draft):
    insert(rng, draft.sections[3], rng.choice([
        wire.address("ns.example.test"), likely_record(rng),
        rr(".", wire.SIG, rng.choice([IN, ANY]), 0, bytes(18) + b"\0x")]))


def odd_tsig(rng, draft):
    """One of the fields, a few of them so that it still is good."""
    draft.tsig.update(rng.choice([
        dict(time=NOW + rng.choice([-301, -300, 300, 301, -1000, 2 ** 33])),
        dict(time=0), dict(time=2 ** 48 - 1),
        dict(fudge=rng.choice([0, 1, 65535])),
        dict(fudge=65535, time=NOW - rng.choice([600, 601, 900])),
        dict(error=rng.choice([0, 1, 16, 17, 18, 22])),
        dict(other=bytes(rng.choice([1, 6, 200]))),
        dict(original_id=rng.choice([0, 0xbeef, 0x1234])),
        dict(original_id=0x1234, digest_id=0xbeef),
        dict(digest_arcount=1),
        dict(rclass=rng.choice(CLASSES)), dict(rclass=IN, hashed_class=IN),
        dict(ttl=5), dict(ttl=5, hashed_ttl=5),
        dict(length=rng.choice([0, 1, 9, 10, 15])),
        dict(length=rng.choice([16, 20, 31])),
        dict(mac=lambda mac: mac + b"x"), dict(mac=lambda mac: mac[::-1]),
        dict(rdlength=rng.choice([-1, 1])), dict(other_len=1),
        dict(owner=wire.name(rng.choice(["KEY.Example", "key", "."]))),
        dict(algorithm=wire.name(rng.choice(
            ["HMAC-SHA256", "hmac-sha512", "hmac-sha256-128", "x"]))),
    ]))


def odd_end(rng, draft):
    draft.behind = rng.choice([b"\0", bytes(20), wire.opt(),
                               wire.address()])
    draft.counts[3] += len(draft.behind) > 4 and rng.randrange(2)


ODDITIES = [odd_record, odd_record, odd_record, odd_rdlength, move_record,
            damage_record, drop_record, odd_zone, odd_flags, odd_counts,
            odd_opt, odd_glue, odd_tsig, odd_tsig, odd_end]


def change_octets(rng, data):
    at = rng.randrange(len(data) or 1)
    new = bytes([rng.choice([0, 1, 0x3f, 0x40, 0xc0, 0xff,
                             rng.randrange(256)])])
    return rng.choice([
        data[:at] + new + data[at + 1:], data[:at] + new + data[at:],
        data[:at] + data[at + 1:], data[:at]])


def messages(rng, count, keys):
    """So many; a key that belongs to nobody may be among the keys."""
    bases = list(drafts())
    for _ in range(count):
        draft = Draft([list(s) for s in rng.choice(bases)])
        for _ in range(rng.choice([0, 1, 1, 1, 2, 3])):
            if not any(draft.sections):
                break
            rng.choice(ODDITIES)(rng, draft)
        draft.tsig.setdefault("time", NOW)
        key = rng.choice(keys)
        if rng.randrange(2):
            yield wire.sign(draft.body(), key, **draft.tsig) + draft.behind
        else:
            yield change_octets(rng, wire.sign(draft.body(), key,
                                               **draft.tsig))
