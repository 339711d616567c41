#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Writes the seeds of the fuzz targets into tests/fuzz/*.in:

    python3 tests/fuzz/seeds.py

They are the messages that kea-dhcp-ddns and nsupdate send, those captured in
each of its states and those that later versions have, the vectors, and the
configurations of tests/conf. What fuzzing has found lies beside them,
under other names (hashes), and is left alone."""
import pathlib
import re
import struct
import sys

import dns.update

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS / "e2e"))
import kinds  # noqa: E402
import wire  # noqa: E402

NOW = 1700000000
SIZE_MAX = 1400
UPDATES = {kind: wire.message(zone=zone, prereqs=prereqs, updates=updates,
                              ident=0xbeef)
           for kind, (zone, prereqs, updates) in kinds.SHAPES.items()}


def put(target, name, data):
    assert len(data) <= SIZE_MAX, (target, name, len(data))
    folder = TESTS / "fuzz" / f"{target}.in"
    folder.mkdir(exist_ok=True)
    (folder / re.sub(r"[^\w.-]+", "-", f"seed-{name}")).write_bytes(data)


def vectors():
    """The messages of tests/vectors/*.vec, by name."""
    for path in sorted((TESTS / "vectors").glob("*.vec")):
        for i, case in enumerate(path.read_text().split("\ncase ")[1:]):
            text = re.search(r"^message\n((?:\t.*\n?)+)", case, re.M)
            if text:
                yield f"{path.stem}-{i:02}", bytes.fromhex(
                    re.sub(r"\s", "", text.group(1)))


def captured():
    """What kea-dhcp-ddns was seen to send, without its TSIG."""
    text = (TESTS / "vectors/kea-d2.vec").read_text()
    for case in text.split("\ncase ")[1:]:
        if not case.endswith("verdict ok\n"):
            continue
        name, lines = re.match(
            r"(.*)(?:\n\w.*)*?\nmessage\n((?:\t.*\n?)+)", case).groups()
        data = bytes.fromhex(re.sub(r"\s", "", lines))
        end = data.index(wire.name("k256.") + struct.pack(">H", wire.TSIG))
        yield f"d2-{name}", data[:10] + bytes(2) + data[12:end]


def ipv6(records):
    """The same for an address of the other family."""
    head = wire.name(kinds.HOST) + struct.pack(">H", wire.A)
    for record in records:
        if record.startswith(head):
            rest = record[len(head):]
            size = 16 if rest[7] else 0  # of the RDATA
            record = (head[:-1] + bytes([wire.AAAA]) + rest[:7]
                      + bytes([size]) + bytes(range(size)))
        yield record


def updates():
    for kind, (zone, prereqs, records) in kinds.SHAPES.items():
        yield kind, UPDATES[kind]
        if list(ipv6(records)) != records:
            yield f"{kind}-v6", wire.message(
                zone=zone, prereqs=prereqs, updates=list(ipv6(records)),
                ident=0xbeef)


def nsupdate():
    """Compressed and with more types than kea-dhcp-ddns has."""
    one = dns.update.UpdateMessage("example.test.", id=0xbeef)
    one.present("h1")
    one.absent("h2", "A")
    one.present("h1", "TXT", '"x"')
    one.add("h1", 60, "A", "192.0.2.1")
    one.add("_sip._tcp", 60, "SRV", "1 2 5060 h1.example.test.")
    one.add("@", 60, "MX", "10 mail.example.test.")
    one.delete("h2")
    one.delete("h3", "TXT")
    two = dns.update.UpdateMessage("example.test.", id=0xbeef)
    two.replace("H1", 60, "TXT", '"a" "b"')
    two.add("h1", 60, "AAAA", "2001:db8::1")
    two.add("h1", 60, "NAPTR", '1 2 "s" "x" "" _sip._tcp.example.test.')
    two.add("h1", 60, "TYPE65280", "\\# 4 c00cc00c")
    three = dns.update.UpdateMessage("2.0.192.in-addr.arpa.", id=0xbeef)
    three.replace("1", 60, "PTR", "h1.example.test.")
    three.add("@", 60, "SOA", "a. b. 1 2 3 4 5")
    return {"nsupdate-1": one.to_wire(), "nsupdate-2": two.to_wire(),
            "nsupdate-3": three.to_wire()}


def odd():
    """Refused behind a good MAC, or with an additional section."""
    golden = wire.golden
    yield "opt", golden(ident=1, additional=[wire.opt()])
    yield "opt-512", golden(ident=1, additional=[wire.opt(size=512)])
    yield "badvers", golden(ident=1, additional=[wire.opt(version=1)])
    yield "two-opt", golden(ident=1, additional=[wire.opt(), wire.opt()])
    yield "option", golden(ident=1, additional=[
        wire.opt(options=b"\0\12\0\10\1\2\3\4\5\6\7\10")])
    yield "glue", golden(ident=1, additional=[wire.address(last=9)])
    yield "sig", golden(ident=1, additional=[
        wire.rr(".", wire.SIG, wire.ANY, 0, bytes(18))])
    yield "query", golden(ident=1, flags=0x0100)
    yield "response", golden(ident=1, flags=0xa800)
    yield "tc", golden(ident=1, flags=0x2a00)
    yield "many", golden(ident=1, updates=[
        wire.rr(b"\1" + bytes([97 + i]) + b"\xc0\x0c", 1, 1, 60, bytes(4))
        for i in range(20)])
    yield "flags", golden(ident=1, flags=0x2df5)
    yield "no-zone", golden(ident=1, zone=[])
    yield "two-zones", golden(ident=1, zone=[wire.question(wire.ZONE)] * 2)
    yield "zone-type", golden(ident=1, zone=[wire.question(wire.ZONE, 1)])
    yield "zone-class", golden(
        ident=1, zone=[wire.question(wire.ZONE, wire.SOA, wire.CH)])
    yield "elsewhere", golden(ident=1, zone="other.test")
    yield "unknown-zone", golden(ident=1, zone="example.org")
    yield "out-of-zone", golden(
        ident=1, updates=[wire.address(owner="h1.example.org")])
    yield "bad-rdata", golden(
        ident=1, updates=[wire.rr("h1." + wire.ZONE, 1, 1, 60, b"abc")])
    yield "long-zone", golden(
        ident=1, zone=wire.long_name(255, wire.ZONE), updates=[])
    yield "header", golden(ident=1, zone=[], updates=[])


def laborious():
    """As many pointers as a name can have, and as many such names as fit."""
    at = len(wire.golden(ident=1, updates=[])) + 12  # RDATA of the first
    chain, target = b"", 12
    for i in range((255 - len(wire.name(wire.ZONE))) // 2):
        chain += b"\1a" + struct.pack(">H", 0xc000 | target)
        target = at + 4 * i
    last = struct.pack(">H", 0xc000 | target)
    minfo = wire.rr(last, 14, wire.IN, 60, last * 2)
    first = wire.rr(b"\xc0\x0c", 65280, wire.IN, 60, chain)
    return wire.golden(ident=1, updates=[first] + [minfo] * 45)


def bodies():
    yield "laborious", laborious()
    yield from updates()
    yield from captured()
    yield from nsupdate().items()
    yield from odd()


def name_seeds():
    def put_at(name, offset, data):
        put("name", name, struct.pack(">H", offset) + data)

    head = bytes(12)
    long = wire.name(wire.long_name(255, "test"))
    put_at("root", 0, b"\0")
    put_at("plain", 0, wire.name("h1.Example.Test"))
    put_at("pointer", 17, head + wire.name("test")[:5] + b"\1a\xc0\x0c")
    put_at("pointer-root", 13, head + b"\0\1a\xc0\x0c")
    put_at("pointer-label", 18, head + wire.name("test") + b"\1a\xc0\x0c")
    put_at("self", 12, head + b"\xc0\x0c")
    put_at("forward", 12, head + b"\xc0\x0e\0")
    put_at("header", 12, head + b"\xc0\x00")
    put_at("over", 16, head + b"\1a\xc0\x0c\1b\xc0\x0d")
    put_at("long", 0, long)
    put_at("long-256", 267, head + long + b"\1a\xc0\x0c")
    put_at("long-pointer", 267, head + long + b"\xc0\x0c")
    chain = b"".join(struct.pack(">H", 0xc000 | 13 + 2 * i - 2 * (i > 0)
                                 - (i == 0)) for i in range(128))
    for count in (126, 127, 128):
        put_at(f"chain-{count}", 13 + 2 * (count - 1),
               head + b"\0" + chain[:2 * count])
    put_at("label-63", 0, b"\x3f" + b"a" * 63 + b"\0")
    put_at("label-64", 0, b"\x40" + b"a" * 64 + b"\0")
    put_at("reserved", 0, b"\x80a\0")
    put_at("cut", 0, b"\5abc")
    put_at("binary", 0, b"\5\0\x2e\x5c\xff\x22\2==\0")
    for i, text in enumerate([".", "a.b.", "a\\.b", "\\065\\255", "a..b",
                              "\\256", "a\\", "x" * 64, "a." * 127]):
        put_at(f"text-{i}", 0, text.encode())


def answers():
    zone = wire.question(wire.ZONE)
    for rcode in (0, 1, 2, 5, 6, 8, 9, 15):
        yield f"rcode-{rcode}", wire.message(
            zone=wire.ZONE, ident=0x1234, flags=0xa800 | rcode)
    yield "no-zone", wire.message(zone=[], ident=0x1234, flags=0xa800)
    yield "upper", wire.message(zone="EXAMPLE.test", ident=1, flags=0xa800)
    yield "other-zone", wire.message(zone="test", ident=1, flags=0xa800)
    yield "two-zones", wire.message(zone=[zone] * 2, ident=1, flags=0xa800)
    yield "request", wire.message(ident=1)
    yield "query", wire.message(ident=1, flags=0x8000)
    yield "tc", wire.message(ident=1, flags=0xaa00)
    yield "tc-cut", wire.message(ident=1, flags=0xaa00)[:20]
    yield "opt", wire.message(ident=1, flags=0xa800, additional=[wire.opt()])
    yield "unsigned", wire.sign(
        wire.message(ident=1, flags=0xa809), mac=lambda m: b"", error=17,
        time=NOW)


# Orders of fuzz_seal_read: three octets each, and whom they make.
RAW, GOOD, NEAR = b"\0\0\0", b"\1\0\0", b"\x35\0\0"
SEALS = {
    "tcp": b"\3\0\0", "trunc": b"\x09\x18\0", "short": b"\x09\x20\0",
    "sha512": b"\x11\0\0", "md5": b"\x19\0\0", "n128": b"\x21\0\0",
    "zone": b"\x29\0\0", "far": b"\x31\0\0", "near": NEAR,
    "unknown": b"\x39\0\0", "upper": b"\x41\0\0", "corrupt": b"\x81\0\0",
    "late": b"\1\4\0", "border": b"\1\3\0", "fudge": b"\1\x85\0",
    "no-fudge": b"\1\x41\0",
    "time-0": b"\1\7\0", "empty-mac": b"\1\x30\0", "long-mac": b"\1\x38\0",
    "badtime": b"\1\0\x25", "badtrunc": b"\1\0\6", "id": b"\1\0\x08",
    "other-secret": b"\1\0\x80", "other-request": b"\1\0\x40",
}


def signed_seeds():
    for name, data in bodies():
        put("rewrite", name, data)
        put("verify", name, GOOD + data)
    for name, seal in SEALS.items():
        put("verify", f"seal-{name}", seal + UPDATES["add"])
    put("verify", "raw", RAW + wire.sign(UPDATES["add"], time=NOW))
    put("verify", "none", RAW + UPDATES["add"])
    good = b"\x09\0\0"
    for name, data in answers():
        put("answer", name, good + data)
        if name in ("rcode-0", "tc-cut", "unsigned"):
            put("answer", f"raw-{name}", RAW + data)
    plain = dict(answers())["rcode-0"]
    for name, seal in SEALS.items():
        put("answer", f"seal-{name}", bytes([seal[0] & 0xc7 | 8]) + seal[1:]
            + (plain if name != "badtime" else plain[:3] + b"\x09" + plain[4:]))


def msg_seeds():
    for i, (name, data) in enumerate(vectors()):
        if i % 4 == 0 or name.startswith(("kea-d2", "bind")):
            put("msg", name, data)
    put("msg", "out-of-zone", dict(odd())["out-of-zone"])
    golden = wire.golden(ident=1)
    put("msg", "trailing", golden + b"\0")
    put("msg", "cut", golden[:-1])
    put("msg", "tsig-first", wire.golden(ident=1, additional=[
        wire.sign(golden, time=NOW)[len(golden):], wire.opt()]))
    put("msg", "tsig-in-update", wire.golden(ident=1, updates=[
        wire.sign(golden, time=NOW)[len(golden):]]))
    for name, data in bodies():
        if name in UPDATES or name.endswith("-v6") or name in ("opt", "two-opt", "two-zones", "sig",
                                       "laborious", "long-zone") or "nsupdate" in name:
            put("msg", name, wire.sign(data, time=NOW))


def collect_seeds():
    # need (x2 + servfail), then (target, code, ms / 5)
    shapes = {"plain": (0, 1), "add": (2, 1), "replace": (5, 5),
              "remove-1": (4, 2), "remove-2": (0x14, 8), "other": (0x40, 1)}
    for name, (prereqs, updates) in shapes.items():
        for need in (0, 2, 5):
            events = b"".join(bytes(e) for e in [
                (0, 0, 1), (1, 6, 1), (2, 8, 1), (1, 0, 1), (2, 31, 1)])
            put("collect", f"{name}-{need}",
                bytes([2, prereqs, updates, need]) + events)
    put("collect", "order", bytes([2, 0x40, 1, 2, 2, 6, 1, 0, 8, 1]))
    put("collect", "refused", bytes([1, 0, 1, 0, 0, 5, 0, 1, 5, 0]))
    put("collect", "mixed", bytes([1, 0, 1, 1, 0, 5, 0, 1, 9, 0]))
    put("collect", "deadline", bytes([1, 2, 1, 0, 0, 0, 0, 0, 255, 255,
                                      0, 255, 255, 1, 0, 9]))
    put("collect", "late", bytes([1, 2, 1, 0, 0, 0, 0, 1, 0, 255,
                                  1, 0, 255, 7, 0, 0]))
    put("collect", "six", bytes([5, 2, 1, 4]) + b"".join(
        bytes([i, i, 3]) for i in range(6)))


def frame_seeds():
    def frames(*sizes):
        """Messages of that many octets, as runs."""
        for size in sizes:
            yield bytes([2]) + struct.pack(">H", size)
            yield bytes([0x80 + size // 512, size % 251]) if size > 511 \
                else b""
            rest = size % 512 if size > 511 else size
            while rest:
                part = min(rest, 127)
                yield bytes([part]) + bytes(range(part))
                rest -= part

    whole, ones = b"\xff" * 8, b"\1" * 8
    mixed = bytes([1, 0, 2, 13, 200, 1, 255, 64])
    for name, split in (("whole", whole), ("ones", ones), ("mixed", mixed)):
        put("frame", f"{name}-small", split + b"".join(frames(12, 0, 1, 100)))
        put("frame", f"{name}-partial", split
            + b"".join(frames(40)) + b"\3\0\5a")
    put("frame", "large", mixed + b"".join(frames(5000, 12, 65024)))
    put("frame", "largest", whole + b"".join(frames(65535)))
    put("frame", "many", whole + b"".join(frames(*[300] * 3)))
    put("frame", "zeros", mixed + b"\x80\0\x84\0")


def stats_seeds():
    text = (TESTS.parent / "src/mux/stats.h").read_text()

    def length(name):
        part = text.split(f"#define {name}(", 1)[1].split("\n\n", 1)[0]
        return len(re.findall(r"^\t(?:X|OK)\(", part, re.M))

    def frame(kind, block, index, count, values=None):
        data = struct.pack(">4s5H", b"ddmx", 2, kind, block, index, count)
        given = count if values is None else values
        data += b"".join(struct.pack(">Q", i << 33 | 1) for i in range(given))
        return data.ljust(512, b"\0")

    def keys(*numbers):
        data = struct.pack(">4s5H", b"ddmx", 2, 2, 4, 0,
                           len(numbers) * (1 + per_key))
        for n in numbers:
            data += struct.pack(">Q", n) + struct.pack(">Q", 9) * per_key
        return data.ljust(512, b"\0")

    own = length("STATS_LIST") + length("GAUGE_LIST")
    target = 1 + length("TARGET_STATS_LIST") + length("TARGET_GAUGE_LIST")
    answers, per_key = 17 + 16 + 1, length("KEY_STATS_LIST")
    ready, good = frame(1, 0, 0, 0), frame(2, 0, 0, own)
    put("stats", "ready", b"\2\3" + ready)
    put("stats", "own", b"\2\3" + good)
    put("stats", "answers", b"\2\3" + good + frame(2, 1, 0, answers))
    put("stats", "target", b"\2\3" + good + frame(2, 2, 1, target))
    put("stats", "target-answers", b"\2\3" + frame(2, 3, 1, answers))
    put("stats", "no-target", b"\2\3" + frame(2, 2, 2, target))
    put("stats", "clock", b"\2\3" + frame(2, 2, 0, target, target - 1)
        + frame(2, 2, 0, target)[:14 + 8 * (target - 1)] + b"\xff" * 8)
    put("stats", "keys", b"\2\4" + keys(0, 3, 1) + keys(2))
    put("stats", "no-key", b"\2\3" + keys(0, 3))
    put("stats", "half-key", b"\2\3" + frame(2, 4, 0, per_key))
    put("stats", "count", b"\2\3" + frame(2, 0, 0, target))
    put("stats", "most", b"\x20\x10" + frame(2, 3, 31, 62))
    put("stats", "too-many", b"\2\3" + frame(2, 0, 0, 63, 62))
    put("stats", "trailing", b"\2\3" + ready[:-1] + b"\1")
    put("stats", "type", b"\2\3" + frame(4, 0, 0, 0))
    step = [0b11111, 9, 17, 1, 250, 2**64 - 30]  # as probe_encode has it
    probe = b"".join(struct.pack(">Q", v) for v in [7, 1, *step, *step])
    put("stats", "probe",
        b"\2\3" + frame(3, 0, 0, 14)[:14] + probe.ljust(498, b"\0"))
    put("stats", "block", b"\2\3" + frame(2, 5, 0, answers))
    put("stats", "short", b"\2\3" + b"ddmx\0\2")


KEY = b'MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY='
WITH_KEY = (b'listen_udp="127.0.0.1:5353";incoming_tsig=({name="k";'
            b'key_file="key";});targets=({name="a";address="192.0.2.1";'
            b'tsig={name="t";key="' + KEY + b'";};});\n%%\n')


def conf_seeds():
    left_out = {"34-include-loop", "67-too-many", "68-too-many-listeners"}
    for path in sorted((TESTS / "conf").glob("*.conf")):
        number, data = int(path.stem[:2]), path.read_bytes()
        if path.stem in left_out or len(data) > SIZE_MAX - 2:
            continue
        if number < 30 or number % 6 == 0 or path.stem == "71-nul":
            put("conf", path.stem, data)
    for name in ("06-bare", "07-clause", "07-comments", "48-nul", "48-two",
                 "49-string", "49-brace", "49-comment", "50-bits", "62-md5"):
        key = (TESTS / "conf" / f"{name}.key").read_bytes()
        put("conf", f"key-{name}", WITH_KEY + key)
    for text in (b"", b"AA==", b"AI==", b"AAI=", b"AAA=", b"A===", b"AAA"):
        put("conf", "base64-" + text.decode().replace("=", "_"),
            b"\n%%\n" + text + b"\n")


def main():
    for old in TESTS.glob("fuzz/*.in/seed-*"):
        old.unlink()
    name_seeds()
    msg_seeds()
    signed_seeds()
    collect_seeds()
    frame_seeds()
    stats_seeds()
    conf_seeds()


if __name__ == "__main__":
    main()
