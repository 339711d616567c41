# SPDX-License-Identifier: ISC
"""DNS UPDATE messages built, signed and taken apart octet by octet.

The TSIG here is written from RFC 8945 with nothing but hmac, so that odd
messages can be made, and so that dnspython is not the only judge.
"""
import base64
import dataclasses
import hashlib
import hmac
import itertools
import random
import struct
import time as clock

A, NS, SOA, PTR, TXT, SRV = 1, 2, 6, 12, 16, 33
RP, SIG, AAAA, OPT, DHCID, TKEY, TSIG = 17, 24, 28, 41, 49, 249, 250
IN, CH, NONE, ANY = 1, 3, 254, 255
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = range(6)
YXDOMAIN, YXRRSET, NXRRSET, NOTAUTH, NOTZONE = range(6, 11)
BADSIG, BADKEY, BADTIME, BADTRUNC = 16, 17, 18, 22
UPDATE_FLAGS = 0x2800

# Name on the wire -> hash, octets of a full MAC.
ALGORITHMS = {
    "hmac-md5.sig-alg.reg.int": (hashlib.md5, 16),
    "hmac-sha1": (hashlib.sha1, 20),
    "hmac-sha224": (hashlib.sha224, 28),
    "hmac-sha256": (hashlib.sha256, 32),
    "hmac-sha256-128": (hashlib.sha256, 16),
    "hmac-sha384": (hashlib.sha384, 48),
    "hmac-sha384-192": (hashlib.sha384, 24),
    "hmac-sha512": (hashlib.sha512, 64),
    "hmac-sha512-256": (hashlib.sha512, 32),
}
LONG_NAMES = {"hmac-md5": "hmac-md5.sig-alg.reg.int"}


def name(text):
    """Uncompressed wire form; octets are taken as they are."""
    if isinstance(text, bytes):
        return text
    labels = [part.encode("latin-1") for part in text.split(".") if part]
    return b"".join(bytes([len(l)]) + l for l in labels) + b"\0"


def long_name(octets, tail):
    """A name of so many octets that ends in tail, as text."""
    room = octets - len(name(tail))
    labels = []
    while room:
        size = room if room <= 64 else min(64, room - 2)
        labels.append("x" * (size - 1))
        room -= size
    return ".".join(labels + [tail])


@dataclasses.dataclass(frozen=True)
class Key:
    name: str
    secret: bytes
    algorithm: str = "hmac-sha256"  # as the configuration spells it

    @property
    def wire_algorithm(self):
        return LONG_NAMES.get(self.algorithm, self.algorithm)

    @property
    def full(self):
        return ALGORITHMS[self.wire_algorithm][1]

    def mac(self, data):
        made = hmac.new(self.secret, data, ALGORITHMS[self.wire_algorithm][0])
        return made.digest()[: self.full]

    def config(self, **more):
        """The group of the configuration file."""
        text = base64.b64encode(self.secret).decode()
        return dict(name=self.name, algorithm=self.algorithm, key=text, **more)


GOLDEN_KEY = Key("key.example.", bytes(range(64)))
ZONE = "example.test"


# Making messages


def rr(owner, rtype, rclass=IN, ttl=60, rdata=b"", rdlength=None):
    size = len(rdata) if rdlength is None else rdlength
    return name(owner) + struct.pack(">HHIH", rtype, rclass, ttl, size) + rdata


def question(zone, rtype=SOA, rclass=IN):
    return name(zone) + struct.pack(">HH", rtype, rclass)


def opt(size=1232, options=b"", version=0, flags=0, owner=b"\0", rcode=0):
    ttl = rcode << 24 | version << 16 | flags
    return rr(owner, OPT, size, ttl, options)


# No two messages of one second are the same octets by chance.
_idents = itertools.count(random.randrange(0x10000))


def message(updates=(), prereqs=(), additional=(), zone=ZONE, ident=None,
            flags=UPDATE_FLAGS, counts=None):
    """zone: a name, or a list of encoded entries; counts: four numbers that
    replace the true ones where they are not None."""
    entries = zone if isinstance(zone, list) else [question(zone)]
    sections = [entries, prereqs, updates, additional]
    numbers = [len(s) for s in sections]
    for i, number in enumerate(counts or ()):
        numbers[i] = numbers[i] if number is None else number
    if ident is None:
        ident = next(_idents) & 0xffff
    head = struct.pack(">6H", ident, flags, *numbers)
    return head + b"".join(b"".join(s) for s in sections)


def address(owner="h1." + ZONE, last=1, ttl=60):
    return rr(owner, A, IN, ttl, bytes([192, 0, 2, last]))


def golden(**changes):
    """The base message of the conformance matrix, with another ID."""
    changes.setdefault("updates", [address()])
    return message(**changes)


def patch(data, offset, octets):
    return data[:offset] + octets + data[offset + len(octets):]


def flip(data, offset, bit=0):
    return patch(data, offset, bytes([data[offset] ^ 1 << bit]))


# TSIG


def _digest_input(data, key, prior, fields):
    """fields: what the variables of RFC 8945 4.3.3 are hashed as."""
    parts = [] if prior is None else [struct.pack(">H", len(prior)), prior]
    parts += [data, name(key.name.lower()),
              struct.pack(">HI", fields["rclass"], fields["ttl"]),
              name(key.wire_algorithm), fields["time"].to_bytes(6, "big"),
              struct.pack(">HHH", fields["fudge"], fields["error"],
                          len(fields["other"])), fields["other"]]
    return b"".join(parts)


def sign(data, key=GOLDEN_KEY, *, time=None, fudge=300, prior=None,
         error=0, other=b"", original_id=None, digest_id=None,
         digest_arcount=None, rclass=ANY, ttl=0, hashed_class=ANY,
         hashed_ttl=0, owner=None, algorithm=None, mac=None, length=None,
         rdlength=0, mac_size=None, other_len=None):
    """data with a TSIG behind it. Each keyword makes one thing odd: mac is
    a function on the right MAC, length cuts it, rdlength is added to the
    true one, hashed_* go into the digest and not onto the wire."""
    ident, arcount = data[:2], struct.unpack(">H", data[10:12])[0]
    original = ident if original_id is None else struct.pack(">H", original_id)
    hashed = original if digest_id is None else struct.pack(">H", digest_id)
    inside = arcount if digest_arcount is None else digest_arcount
    time = int(clock.time()) if time is None else time
    covered = hashed + data[2:10] + struct.pack(">H", inside) + data[12:]
    made = key.mac(_digest_input(covered, key, prior, dict(
        rclass=hashed_class, ttl=hashed_ttl, time=time, fudge=fudge,
        error=error, other=other)))
    made = made[:length]
    made = mac(made) if mac else made
    rdata = b"".join([
        name(key.wire_algorithm) if algorithm is None else algorithm,
        time.to_bytes(6, "big"), struct.pack(">HH", fudge,
            len(made) if mac_size is None else mac_size), made, original,
        struct.pack(">HH", error,
            len(other) if other_len is None else other_len), other])
    record = rr(owner or name(key.name.lower()), TSIG, rclass, ttl, rdata,
                len(rdata) + rdlength)
    return patch(data, 10, struct.pack(">H", arcount + 1)) + record


# Taking messages apart


@dataclasses.dataclass
class Record:
    owner: bytes
    rtype: int
    rclass: int
    ttl: int
    rdata: bytes
    start: int
    end: int


@dataclasses.dataclass
class Tsig:
    owner: bytes
    algorithm: bytes
    time: int
    fudge: int
    mac: bytes
    original_id: int
    error: int
    other: bytes


@dataclasses.dataclass
class Message:
    data: bytes
    ident: int
    flags: int
    counts: tuple
    zone: list
    prereqs: list
    updates: list
    additional: list
    additional_start: int

    @property
    def opcode(self):
        return self.flags >> 11 & 15

    @property
    def rcode(self):
        return self.flags & 15

    @property
    def opt(self):
        return next((r for r in self.additional if r.rtype == OPT), None)

    @property
    def tsig(self):
        last = self.additional[-1] if self.additional else None
        return parse_tsig(last) if last and last.rtype == TSIG else None


def _read_name(data, pos):
    """What a pointer leads to ends before the part that holds it begins."""
    labels, end, limit, bound = [], None, pos, len(data)
    while True:
        size = data[pos]
        if size >= 0xc0:
            end = pos + 2 if end is None else end
            target = (size & 0x3f) << 8 | data[pos + 1]
            assert target < limit, "pointer is not strictly backwards"
            bound, pos, limit = limit, target, target
            continue
        assert size < 0x40, "label type"
        labels.append(data[pos:pos + size + 1])
        pos += size + 1
        assert pos <= bound, "name runs into itself"
        if size == 0:
            return b"".join(labels), pos if end is None else end


def _read_record(data, pos, is_question):
    start = pos
    owner, pos = _read_name(data, pos)
    if is_question:
        rtype, rclass = struct.unpack_from(">HH", data, pos)
        return Record(owner, rtype, rclass, 0, b"", start, pos + 4)
    rtype, rclass, ttl, size = struct.unpack_from(">HHIH", data, pos)
    end = pos + 10 + size
    assert end <= len(data), "RDATA beyond the message"
    return Record(owner, rtype, rclass, ttl, data[pos + 10:end], start, end)


def parse(data, trailing=False):
    """The whole message, strictly; AssertionError, IndexError or
    struct.error if not. trailing: octets behind the last record may be."""
    ident, flags, *counts = struct.unpack_from(">6H", data)
    pos, sections, additional_start = 12, [], 12
    for section, count in enumerate(counts):
        additional_start = pos
        sections.append([])
        for _ in range(count):
            record = _read_record(data, pos, section == 0)
            sections[-1].append(record)
            pos = record.end
    assert trailing or pos == len(data), "octets behind the last record"
    return Message(data, ident, flags, tuple(counts), *sections,
                   additional_start)


def parse_tsig(record):
    """No compression is allowed inside (RFC 8945 4.2)."""
    assert record.rclass == ANY and record.ttl == 0
    rdata = record.rdata
    algorithm, pos = _read_name(rdata, 0)
    assert rdata[:pos] == algorithm, "compressed algorithm name"
    time = int.from_bytes(rdata[pos:pos + 6], "big")
    fudge, size = struct.unpack_from(">HH", rdata, pos + 6)
    pos += 10
    mac = rdata[pos:pos + size]
    original, error, more = struct.unpack_from(">HHH", rdata, pos + size)
    other = rdata[pos + size + 6:]
    assert len(mac) == size and len(other) == more
    return Tsig(record.owner, algorithm, time, fudge, mac, original, error,
                other)


def request_mac(data):
    """The MAC of a request as received; its names may be compressed."""
    last = parse(data).additional[-1]
    _, pos = _read_name(data, last.end - len(last.rdata))
    size = struct.unpack_from(">H", data, pos + 8)[0]
    return data[pos + 10:pos + 10 + size]


def expected_mac(data, key, prior=None):
    """The full MAC that the last record of data should hold."""
    msg = parse(data)
    tsig = msg.tsig
    covered = (struct.pack(">H", tsig.original_id) + data[2:10]
               + struct.pack(">H", msg.counts[3] - 1)
               + data[12:msg.additional[-1].start])
    return key.mac(_digest_input(covered, key, prior, dict(
        rclass=ANY, ttl=0, time=tsig.time, fudge=tsig.fudge,
        error=tsig.error, other=tsig.other)))


def verify(data, key, prior=None, minimum=None):
    """Signed by key over prior, with at least so many octets of MAC?"""
    tsig = parse(data).tsig
    assert tsig is not None, "no TSIG"
    assert tsig.owner == name(key.name.lower()), "key name"
    assert tsig.algorithm == name(key.wire_algorithm), "algorithm"
    assert len(tsig.mac) >= (key.full if minimum is None else minimum)
    full = expected_mac(data, key, prior)
    assert tsig.mac == full[:len(tsig.mac)], "MAC does not verify"
    return tsig
