# SPDX-License-Identifier: ISC
"""The same messages to ddns-mux, dnspython and ldns: which does each accept
as an authentic update? The messages are made by chance from a fixed seed,
and judged at a fixed time; tests/unit/judge.c asks the code of ddns-mux.

Where they differ, a line of DIFFERENCES has to say why ddns-mux is right;
a line that nothing needs is wrong, too.
"""
import collections
import dataclasses
import pathlib
import random
import struct
import subprocess
import types

import dns.exception
import dns.message
import dns.update
import pytest

import differences
import generate
import mux
import oracle
import wire
from differences import (DIFFERENCES, HALF_KEY, HALF_ZONES, MAX_FUDGE,
                         SERVED_ZONES)
from generate import NOW
from wire import A, rr

COUNT = 6000
ACCEPTED = "accepted"
H1 = "h1." + wire.ZONE
KEYS = [wire.GOLDEN_KEY, HALF_KEY]
STRANGER = wire.Key("stranger.example.", b"S" * 32)
TARGET_KEYS = [wire.Key("one.example.", b"1" * 64, "hmac-sha512"),
               wire.Key("two.example.", b"2" * 32)]


# What each of them says


@dataclasses.dataclass
class Verdict:
    """Of ddns-mux: what it counts the message as, the answer, the copies."""
    cause: str
    answer: bytes
    copies: list


def judge_program():
    build = pathlib.Path(mux.BINARY).parent
    subprocess.run(["make", "-s", "-C", build, "tests/unit/judge"],
                   check=True)
    return build / "tests/unit/judge"


def configuration():
    half = HALF_KEY.config(zones=HALF_ZONES)
    half["digest_bits"] = 128
    return mux.config_text(
        [dict(name=f"t{i}", address=f"192.0.2.{i + 1}", tsig=key.config(),
              zones=SERVED_ZONES) for i, key in enumerate(TARGET_KEYS)],
        [wire.GOLDEN_KEY, half], max_fudge_s=MAX_FUDGE,
        listen_udp="127.0.0.1:5353", listen_tcp=[])


def ask_mux(folder, messages):
    file = mux.write_secret(folder / "judge.conf", configuration())
    done = subprocess.run(
        [judge_program(), file, str(NOW)], check=True, timeout=120,
        input=b"".join(struct.pack(">H", len(m)) + m for m in messages),
        stdout=subprocess.PIPE)
    for line in done.stdout.decode().splitlines():
        cause, answer, *copies = line.split(" ")
        yield Verdict(cause, bytes.fromhex(answer.strip("-")),
                      [bytes.fromhex(copy) for copy in copies])


def ask_dnspython(data):
    try:
        msg = oracle.read(data, *KEYS)
    except Exception as cause:  # whatever it is, it is a refusal
        return type(cause).__name__
    if not isinstance(msg, dns.update.UpdateMessage) or msg.flags & 0x8000:
        return "no update"
    return ACCEPTED if msg.had_tsig else "unsigned"


def ask_ldns(data):
    """It leaves key, algorithm and Original ID to its callers."""
    try:
        signer = oracle.ldns_signer(data)
        if signer is None:
            return "unsigned"
        name, algorithm, ident = signer
        key = {k.name.rstrip("."): k for k in KEYS}.get(name)
        if not key or algorithm != key.wire_algorithm:
            return "bad key"
        if data[2] & 0xf8 != 0x28:
            return "no update"
        return ACCEPTED if oracle.ldns_verifies(
            struct.pack(">H", ident) + data[2:], key) else "bad MAC"
    except dns.exception.FormError:
        return "malformed"


JUDGES = {"dnspython": ask_dnspython, "ldns": ask_ldns}


def example(*updates, key=wire.GOLDEN_KEY, time=NOW, **odd):
    body = wire.message(updates=updates, ident=0xbeef)
    return wire.sign(body, key, time=time, **odd)


def examples():
    """What chance brings seldom."""
    yield example(rr(H1, 4))  # MD without a name
    yield example(rr(H1, 40, rdata=b"abc"))  # SINK without all of it
    yield example(rr(H1, A, rdata=bytes(4), rdlength=64))
    yield example(rr(H1, 4, rdata=b"\1"))
    yield example(rr(H1, 35, rdata=bytes(4)))  # NAPTR, begun
    yield example(rr(H1, 55, rdata=b"\xc0\x04"))  # HIP
    yield example(rr(b"\xc0\x2e", A, rdata=bytes(4)))  # into the TSIG
    yield example(rr(b"\1a\xc0\x04", A, rdata=bytes(4)))
    # Into the 1 before it, as a label with this owner's own first octet.
    yield example(rr(b"\1\0\xc0\x1d", A, rdata=bytes(4)))
    yield example(fudge=65535, time=NOW - MAX_FUDGE - 1)
    yield example(key=HALF_KEY, length=16)
    yield example(length=16)


@pytest.fixture(scope="module", name="world")
def fixture_world(tmp_path_factory):
    """[(message, verdict of ddns-mux), ...]"""
    messages = [*examples(), *generate.messages(
        random.Random(8945), COUNT,
        [wire.GOLDEN_KEY] * 5 + [HALF_KEY] * 4 + [STRANGER])]
    verdicts = list(ask_mux(tmp_path_factory.mktemp("judge"), messages))
    return list(zip(messages, verdicts, strict=True))


@pytest.fixture(autouse=True)
def fixture_clock(monkeypatch):
    clock = types.SimpleNamespace(time=lambda: NOW)
    monkeypatch.setattr(dns.message, "time", clock)


@pytest.mark.parametrize("judge", JUDGES)
def test_differences(world, judge):
    """Each is listed, and each line is the only one for some message."""
    needed, agreed, unlisted = set(), collections.Counter(), []
    for data, verdict in world:
        theirs = JUDGES[judge](data)
        if (theirs == ACCEPTED) == (verdict.cause == ACCEPTED):
            agreed[theirs == ACCEPTED] += 1
            continue
        found = differences.explain(judge, verdict.cause, data)
        if len(found) == 1:
            needed.update(found)
        if not found:
            unlisted.append(f"ddns-mux says {verdict.cause}, {judge} says "
                            f"{theirs}: {data.hex()}")
    assert not unlisted, "\n".join(unlisted)
    listed = {d.what for d in DIFFERENCES if judge in d.judges}
    assert listed == needed, f"listed for nothing: {listed - needed}"
    assert min(agreed.values()) > COUNT / 10, agreed


def test_refusals(world):
    """Nothing is accepted that a line says is refused."""
    for data, verdict in world:
        if verdict.cause == ACCEPTED:
            msg = differences.parse(data)
            found = [d.what for d in DIFFERENCES if d.is_refusal_of(msg)]
            assert not found, f"{found}: {data.hex()}"


def signer(data):
    owner = wire.parse(data).tsig.owner.lower()
    return {wire.name(key.name): key for key in KEYS}[owner]


def test_macs(world):
    """I3: who is accepted or gets a signed answer has signed; who is told
    BADSIG has not. Each signed answer verifies over the request's MAC."""
    seen = collections.Counter()
    for data, verdict in world:
        answer = wire.parse(verdict.answer).tsig if verdict.answer else None
        if verdict.cause == "bad_sig":
            if wire.parse(data).tsig.error > 4095:
                continue  # dnspython can't hold it
            assert not oracle.dnspython_verifies(data, signer(data)), (
                data.hex())
            assert answer.mac == b"" and answer.error == wire.BADSIG
        elif answer and answer.mac:
            key = signer(data)
            assert oracle.dnspython_verifies(data, key), data.hex()
            oracle.check_mac(verdict.answer, key, wire.request_mac(data))
        else:
            assert verdict.cause != ACCEPTED
            continue
        seen[verdict.cause] += 1
    assert seen.keys() > {ACCEPTED, "bad_sig", "bad_time", "bad_trunc",
                          "bad_form", "bad_zone", "out_of_zone"}, seen


def same_records(copy, data):
    """How many judges can tell: the client's RDATA may be beyond them."""
    known = 0
    for records in oracle.RECORDS:
        try:
            want = records(data)
        except dns.exception.DNSException:
            continue
        assert records(copy) == want, f"{records.__name__}: {data.hex()}"
        known += 1
    return known


def test_copies(world):
    """I2, I4: authentic under each target's key, with the same records."""
    known = collections.Counter()
    for data, verdict in world:
        if verdict.cause != ACCEPTED:
            assert not verdict.copies
            continue
        msg = wire.parse(data)
        for copy, key in zip(verdict.copies, TARGET_KEYS, strict=True):
            assert copy[4:10] == data[4:10] and copy[12:].startswith(
                data[12:msg.additional_start])
            assert oracle.dnspython_verifies(copy, key), data.hex()
            if ask_ldns(data) == ACCEPTED:  # else a listed difference
                oracle.check_mac(copy, key)
            known[same_records(copy, data)] += 1
    assert known[2] > COUNT / 10 and known[2] > 10 * known[0], known
