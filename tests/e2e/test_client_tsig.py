# SPDX-License-Identifier: ISC
"""What a client sees by UDP: TSIG and EDNS, sections 6 and 7 of the
conformance matrix, and the algorithms of section 13."""
import base64
import os
import pathlib
import re
import socket
import struct
import subprocess
import threading
import time

import pytest

import rows
import wire
from answers import BARE, SIGNED, UNSIG, check
from client import PATIENCE, Udp
from wire import (ANY, BADKEY, BADSIG, BADTIME, BADTRUNC, CH, FORMERR,
                  GOLDEN_KEY, IN, NOTAUTH, NOTIMP, REFUSED, address, golden,
                  message, opt, rr, sign)

KEYS = rows.algorithm_keys()
LATE = SIGNED(NOTAUTH, BADTIME)
BAD = UNSIG(BADSIG)


@pytest.fixture(scope="module", name="world")
def fixture_world():
    with rows.serve() as world:
        yield world


def signed(key=GOLDEN_KEY, updates=None, **odd):
    return lambda: sign(golden(**({"updates": updates} if updates else {})),
                        key, **odd)


def shifted(seconds, **odd):
    """Signed so many seconds from now."""
    return lambda: sign(golden(), time=int(time.time()) + seconds, **odd)


def flipped(offset, **odd):
    """A bit of the signed message, from its end where negative."""
    return lambda: wire.flip(sign(golden(), **odd), offset)


def bad_mac(mac):
    return b"\xff" + mac[1:] if mac[0] != 0xff else b"\0" + mac[1:]


def cut(octets, key=GOLDEN_KEY, **odd):
    return signed(key, length=octets, **odd)


def two_tsigs():
    return sign(sign(golden()))


def tsig_in(section):
    """The TSIG as last record of another section."""
    whole = sign(golden())
    if section == "update":
        numbers = [1, 0, 2, 0]
    else:  # all that follows the zone
        numbers = [1, 2, 0, 0]
    return wire.patch(whole, 4, struct.pack(">4H", *numbers))


def behind_tsig(record):
    whole = sign(golden()) + record
    return wire.patch(whole, 10, b"\0\2")


def sig0():
    rdata = struct.pack(">HBBIIIHH", 0, 8, 0, 0, 2 ** 31, 0, 1, 0) + bytes(64)
    return rr("", wire.SIG, ANY, 0, rdata)


def compressed_owner():
    return sign(golden(), rows.ZONE_KEY, owner=b"\xc0\x0c")


def compressed_algorithm():
    """The algorithm's name stands in an earlier record, to point at."""
    host = rr("h1." + wire.ZONE, wire.PTR, IN, 60,
              wire.name("hmac-sha256"))
    data = message(updates=[host])
    offset = data.index(wire.name("hmac-sha256"))
    return sign(data, algorithm=struct.pack(">H", 0xc000 | offset))


def other_ids(covered):
    return lambda: sign(golden(ident=0x1111), original_id=0x2222,
                        digest_id=covered)


FULL = rows.table(
    ("T1", lambda: golden(), BARE(REFUSED)),
    ("T2-T5", signed(wire.Key("nokey.example.", b"x" * 32)), UNSIG(BADKEY),
     wire.Key("nokey.example.", b"x" * 32)),
    ("T3", signed(wire.Key("key.example.", bytes(range(64)), "hmac-sha512")),
     UNSIG(BADKEY),
     wire.Key("key.example.", bytes(range(64)), "hmac-sha512")),
    ("T6-mac", signed(mac=bad_mac), BAD),
    ("T6-mac-last-bit", signed(mac=lambda m: wire.flip(m, 31)), BAD),
    ("T6-other-secret", signed(wire.Key("key.example.", b"x" * 64)), BAD),
    ("T6-original-id", flipped(-5), BAD),
    ("T6-error", flipped(-3), BAD),
    ("T6-body", flipped(50), BAD),
    ("T8", signed(mac=lambda m: m + b"x"),
     (BARE(FORMERR), UNSIG(BADSIG, FORMERR))),
    *[(f"T9-{n}", cut(n), BARE(FORMERR)) for n in (15, 9, 1)],
    *[(f"T9-{name}-{n}", cut(n, KEYS[name]), BARE(FORMERR), KEYS[name])
      for name, n in (("hmac-sha1", 9), ("hmac-sha512", 31),
                      ("hmac-md5", 9), ("hmac-sha224", 13),
                      ("hmac-sha384", 23))],
    ("T10-error-0", cut(0), BAD),
    ("T10-error-16", cut(0, error=BADSIG), BAD),
    ("T11", signed(mac=lambda m: bad_mac(m)[:16]), BAD),
    ("T11-policy-16", signed(rows.HALF_KEY, mac=lambda m: bad_mac(m)[:16]),
     BAD, rows.HALF_KEY),
    ("T12", cut(16), SIGNED(NOTAUTH, BADTRUNC)),
    ("T12-31", cut(31), SIGNED(NOTAUTH, BADTRUNC)),
    ("T12-sha1-10", cut(10, KEYS["hmac-sha1"]), SIGNED(NOTAUTH, BADTRUNC),
     KEYS["hmac-sha1"]),
    *[(f"T13-{n}", cut(n, rows.HALF_KEY), SIGNED(mac_min=n), rows.HALF_KEY)
      for n in (16, 24, 32)],
    ("T15-late", shifted(-302), LATE),
    ("T15-early", shifted(303), LATE),
    ("T15-hours", shifted(-9999), LATE),
    ("T16-late", shifted(-299), SIGNED()),
    ("T16-early", shifted(299), SIGNED()),
    ("T17-zero", shifted(-2, fudge=0), LATE),
    ("T17-small", shifted(-5, fudge=3), LATE),
    ("T17-above-maximum", shifted(-400, fudge=65535), LATE),
    ("T17-huge-but-fresh", shifted(0, fudge=65535), SIGNED()),
    ("T18-zero", signed(time=0, fudge=65535), LATE),
    ("T18-last", signed(time=2 ** 48 - 1), LATE),
    ("T18-last-fudge", signed(time=2 ** 48 - 1, fudge=65535), LATE),
    ("T18-2-32", lambda: sign(golden(),
                              time=int(time.time()) + 2 ** 32), LATE),
    ("T19-T38-ST1", shifted(-1000, mac=bad_mac), BAD),
    ("T20", shifted(-1000, length=16), LATE),
    ("T22", shifted(-5), SIGNED()),
    ("T23-OPT", lambda: behind_tsig(opt()),
     (BARE(FORMERR), BARE(FORMERR, opt=True))),
    ("T23-A", lambda: behind_tsig(address()), BARE(FORMERR)),
    ("T24", two_tsigs, BARE(FORMERR)),
    ("T25-update", lambda: tsig_in("update"), BARE(FORMERR)),
    ("T25-prerequisite", lambda: tsig_in("prerequisite"), BARE(FORMERR)),
    *[(f"T26-{c}-hashed-{h}", signed(rclass=c, hashed_class=h),
       BARE(FORMERR)) for c in (IN, CH) for h in (ANY, c)],
    *[(f"T27-hashed-{h}", signed(ttl=5, hashed_ttl=h), BARE(FORMERR))
      for h in (0, 5)],
    ("T28", signed(owner=wire.name("KEY.Example"),
                   algorithm=wire.name("HMAC-SHA256")), SIGNED()),
    ("T29", lambda: sign(message(
        zone="EXAMPLE.Test", updates=[address("H1.eXample.tesT")])),
     SIGNED()),
    ("T30", compressed_owner, SIGNED(), rows.ZONE_KEY),
    ("T31", compressed_algorithm, SIGNED()),
    ("T32-W11", other_ids(0x2222), SIGNED()),
    ("T33", other_ids(0x1111), BAD),
    ("T34", signed(digest_arcount=1), BAD),
    *[(f"T35-{e}", signed(error=e), SIGNED()) for e in (16, 18)],
    *[(f"T36-{n}", signed(other=bytes(n)), SIGNED()) for n in (3, 6)],
    ("T37-mac-size", signed(mac_size=200), BARE(FORMERR)),
    ("T37-other-len", signed(other_len=1), BARE(FORMERR)),
    ("T37-rdlength-long", signed(rdlength=1), BARE(FORMERR)),
    ("T37-rdlength-short", signed(rdlength=-1), BARE(FORMERR)),
    ("T40", lambda: golden(additional=[sig0()]), BARE(REFUSED)),
    ("T41", lambda: sign(golden(additional=[sig0()])), SIGNED(FORMERR)),
    ("T42-query", lambda: message(
        zone=[wire.question("k.example", wire.TKEY)], flags=0),
     BARE(NOTIMP, zone=False)),
    *[(f"A-{name}", signed(key), SIGNED(), key)
      for name, key in KEYS.items()],
)


def unknown_algorithm(text):
    """Signed right but for the name of the algorithm on the wire."""
    return sign(golden(), algorithm=wire.name(text))


@pytest.mark.parametrize("row", FULL, ids=rows.idents(FULL))
def test_tsig(world, row):
    rows.run(world, row)


@pytest.mark.parametrize("text", ["hmac-foo", "gss-tsig", "hmac-sha257"],
                         ids=["T4", "T42-gss-tsig", "T4-near"])
def test_t4_unknown_algorithm(world, text):
    """BADKEY, and the algorithm comes back as it was sent."""
    request = unknown_algorithm(text)
    world.target.reset()
    with world.mux.udp_client() as client:
        answer = wire.parse(client.at_once(request))
    assert answer.rcode == NOTAUTH and answer.counts == (1, 0, 0, 1)
    assert answer.tsig.error == BADKEY and answer.tsig.mac == b""
    assert answer.tsig.owner == wire.name("key.example.")
    assert answer.tsig.algorithm == wire.name(text)
    assert not world.target.received


def test_t6_every_bit(world):
    """Each bit of the signed message but those that are allowed to differ:
    header ID (T32), case of letters in the TSIG's names (T28)."""
    base = sign(golden(ident=0xbeef))
    names = wire.name("key.example") + wire.name("hmac-sha256")
    start = base.index(wire.name("key.example") + b"\0\xfa")
    algorithm = base.index(wire.name("hmac-sha256"))
    letters = {p for p in [*range(start, start + 13),
                           *range(algorithm, algorithm + 13)]
               if chr(base[p]).isalpha()}
    assert len(letters) > len(names) / 2
    world.target.reset()
    with world.mux.udp_client() as client:
        for offset in range(2, len(base)):
            for bit in range(8):
                if bit == 5 and offset in letters:
                    continue
                request = wire.flip(base, offset, bit)
                answer = client.at_once(request)
                where = f"octet {offset} bit {bit}"
                if answer is None:
                    assert (offset, bit) == (2, 7), where
                    continue
                rcode = answer[3] & 15
                assert rcode in (FORMERR, NOTAUTH, REFUSED, NOTIMP), where
                tsig = wire.parse(answer).tsig
                assert tsig is None or tsig.mac == b"", where
    assert not world.target.received


def test_t21_skew_is_logged_with_limit(world):
    start = world.mux.mark()
    with world.mux.udp_client() as client:
        for _ in range(200):
            client.at_once(shifted(-5000)())
    lines = [line for line in world.mux.log.lines[start:]
             if "BADTIME" in line or "skew" in line or "clock" in line]
    assert len(lines) <= 20
    assert world.mux.log.find(r"signed=\d+ now=\d+: .*BADTIME")


def test_t39_each_answer_under_its_own_key(world):
    with world.mux.udp_client() as client:
        for key in (GOLDEN_KEY, rows.ZONE_KEY, rows.HALF_KEY):
            client.send(sign(golden(), key))
        answers = [wire.parse(client.receive()) for _ in range(3)]
    owners = {msg.tsig.owner for msg in answers}
    assert owners == {wire.name(k.name) for k in
                      (GOLDEN_KEY, rows.ZONE_KEY, rows.HALF_KEY)}


def resident_kb(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0])


def test_t44_flood_of_bad_macs(world):
    """Rate-limited log, flat memory."""
    worker = world.mux.workers()[0]
    bad = sign(golden(), mac=bad_mac)
    start, memory = world.mux.mark(), resident_kb(worker)
    with world.mux.udp_client() as client:
        for _ in range(400):
            for _ in range(50):
                client.send(bad)
            assert len(client.pending()) == 50
    assert resident_kb(worker) - memory < 2048
    assert len(world.mux.log.lines) - start < 100


def test_t43_short_secret_is_a_warning(start, targets):
    key = wire.Key("short.example.", b"8 octets")
    daemon = start(targets("one"), [key])
    daemon.wait_log("warning: .*(short|secret|octets|bits)")
    with daemon.udp_client() as client:
        request = sign(golden(), key)
        check(client.ask(request), request, SIGNED(), key)


def test_t17_maximum_fudge_is_a_setting(start, targets):
    daemon = start(targets("one"), max_fudge_s=65535)
    with daemon.udp_client() as client:
        request = shifted(-60000, fudge=65535)()
        check(client.ask(request), request, SIGNED())


def deliver_late(sock, server):
    """One request to the server once it is too old, and the answer back."""
    data, peer = sock.recvfrom(65535)
    signed = wire.parse(data).tsig.time
    while time.time() < signed + 2:
        time.sleep(0.05)  # the clock is the condition
    with Udp(server) as client:
        sock.sendto(client.ask(data), peer)


def test_st9_badtime_as_dig_reads_it(start, targets):
    """It verifies there, and says that the clocks differ."""
    daemon = start(targets("one"), max_fudge_s=1)
    secret = base64.b64encode(GOLDEN_KEY.secret).decode()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(PATIENCE)
        relay = threading.Thread(target=deliver_late,
                                 args=(sock, daemon.udp), daemon=True)
        relay.start()
        done = subprocess.run(
            ["dig", "-y", f"hmac-sha256:{GOLDEN_KEY.name}:{secret}",
             "+opcode=5", "+noedns", "+tries=1", "+time=10", "@127.0.0.1",
             "-p", str(sock.getsockname()[1]), wire.ZONE, "SOA"],
            capture_output=True, text=True, timeout=20, check=False)
        relay.join(PATIENCE)
    assert "clocks are unsynchronized" in done.stdout, done.stdout
    assert re.search(r"status: NOTAUTH.*TSIG.* BADTIME 6 ", done.stdout,
                     re.DOTALL)


# EDNS


def with_opt(*options, make=sign, **how):
    return lambda: make(golden(additional=[
        opt(**how) if not options else opt(options=b"".join(options), **how)]))


def option(code, octets=b""):
    return struct.pack(">HH", code, len(octets)) + octets


EDNS_OK = SIGNED(opt=True)
BADVERS = dict(opt=True, ext_rcode=1)
UNKNOWN = wire.Key("nokey.example.", b"x" * 32)
EDNS = rows.table(
    ("E1", with_opt(), EDNS_OK),
    ("E2", signed(), SIGNED()),
    ("E3-T1", with_opt(make=lambda m: m), BARE(REFUSED, opt=True)),
    ("E3-T2", with_opt(make=lambda m: sign(m, UNKNOWN)),
     UNSIG(BADKEY, opt=True), UNKNOWN),
    ("E3-T6", with_opt(make=lambda m: sign(m, mac=bad_mac)),
     UNSIG(BADSIG, opt=True)),
    ("E3-T15", with_opt(make=lambda m: sign(m, time=1700000000)),
     SIGNED(NOTAUTH, BADTIME, opt=True)),
    ("E3-U8", lambda: sign(golden(updates=[address("a.b")],
                                  additional=[opt()])),
     SIGNED(wire.NOTZONE, opt=True)),
    ("E4", lambda: sign(golden(additional=[opt(), opt()])),
     SIGNED(FORMERR, opt=True)),
    ("E5", with_opt(owner=b"\1a\0"),
     tuple(a(FORMERR, opt=o) for a in (SIGNED, BARE) for o in (0, 1))),
    ("E6-unsigned", with_opt(version=1, make=lambda m: m),
     BARE(0, **BADVERS)),
    ("E6-signed", with_opt(version=1), SIGNED(0, **BADVERS)),
    ("E7", with_opt(size=0), EDNS_OK),
    *[(f"E8-E10-{code}", with_opt(option(code, octets)), EDNS_OK)
      for code, octets in ((65001, b"abc"), (3, b""),
                           (8, b"\0\1\x18\0\xc0\0\2"), (12, bytes(20)))],
    ("E9", with_opt(struct.pack(">HH", 3, 255)), SIGNED(FORMERR, opt=True)),
    ("E11", with_opt(flags=0xffff), EDNS_OK),
    ("E12-8", with_opt(option(10, bytes(8))), EDNS_OK),
    ("E12-3", with_opt(option(10, bytes(3))), EDNS_OK),
    ("E14", with_opt(option(11)), EDNS_OK),
    ("W2", lambda: sign(golden(additional=[
        opt(), address("ns." + wire.ZONE)])), EDNS_OK),
)


@pytest.mark.parametrize("row", EDNS, ids=rows.idents(EDNS))
def test_edns(world, row):
    """E10 is in every row: a copy holds its TSIG and nothing else."""
    rows.run(world, row)


def test_e13_opt_when_all_targets_are_down(start, stack):
    target = stack.enter_context(rows.fake.closed("one"))
    daemon = start([target], unconfirmed="servfail")
    request = with_opt()()
    with daemon.udp_client() as client:
        check(client.ask(request), request,
              SIGNED(wire.SERVFAIL, opt=True))


def test_resident_memory_is_read():
    assert resident_kb(os.getpid()) > 0
