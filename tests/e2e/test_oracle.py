# SPDX-License-Identifier: ISC
"""Odd but legal updates to nine targets, a key of each algorithm apart: each
copy and each answer is put to dnspython and to ldns (invariant I4). The
rows of the conformance matrix are put to them where they are tested."""
import contextlib
import pathlib
import sys
import time
import types

import pytest

import fake
import mux
import oracle
import rows
import wire
from answers import SIGNED, check
from wire import A, ANY, IN, NONE, NOTAUTH, TXT, address, golden, rr, sign

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "fuzz"))
import seeds  # noqa: E402

H1 = "h1." + wire.ZONE
OPAQUE = 65280
TO_ZONE = b"\xc0\x0c"
# Names of targets' keys that are not "<algorithm>.mux.example."
ODD_NAMES = {"hmac-md5": "Mixed-Case.EXAMPLE.", "hmac-sha1": "k.",
             "hmac-sha256": wire.long_name(255, "target.test")}
TARGET_KEYS = {
    name: wire.Key(ODD_NAMES.get(name, f"{name}.mux.example."),
                   name.encode() * 6, name) for name in rows.algorithm_keys()}
KEYS = {**rows.algorithm_keys(), "long": rows.LONG_KEY,
        "zone": rows.ZONE_KEY,
        "mixed": wire.Key("Kea_DDNS.Example.", b"M" * 32, "hmac-sha1"),
        "label": wire.Key("x" * 63 + ".", b"X" * 64, "hmac-sha512")}


@pytest.fixture(scope="module", name="world")
def fixture_world():
    with contextlib.ExitStack() as stack:
        enter = stack.enter_context
        targets = [enter(fake.FakeTarget(label, key=key))
                   for label, key in TARGET_KEYS.items()]
        daemon = enter(mux.Mux([t.config() for t in targets], KEYS.values(),
                               allow_weak=True, client_deadline_ms=4000))
        yield types.SimpleNamespace(
            mux=daemon, targets=targets, udp=enter(daemon.udp_client()),
            tcp=enter(daemon.tcp_client()))


def run(world, client, request, key, want=SIGNED()):
    """One copy to each target, one answer, all of them found right."""
    for target in world.targets:
        target.reset()
    check(client.ask(request), request, want, key)
    for target in world.targets:
        copy, = rows.copies_of(target)
        rows.same_update(copy, request)


# Bodies: everything before the TSIG


def vectors():
    """Updates among the vectors, without their TSIG."""
    for name, data in seeds.vectors():
        with contextlib.suppress(AssertionError, IndexError):
            msg = wire.parse(data)
            if msg.opcode == 5 and msg.flags & 0x8000 == 0 and len(
                    msg.zone) == 1:
                yield wire.patch(data[:msg.additional_start], 10,
                                 bytes(2)), name


def update(*updates, **more):
    return wire.message(updates=updates, **more)


def many(count):
    """Owners that point into each other."""
    owners = [b"\1a" + TO_ZONE] + [b"\1b\xc0\x1e"] * (count - 1)
    return [rr(owner, A, rdata=bytes([192, 0, 2, i & 255]))
            for i, owner in enumerate(owners)]


def border(*updates):
    """The longest of the copies is of 65535 octets."""
    longest = max(len(sign(golden(), key)) for key in TARGET_KEYS.values())
    room = 65535 - (longest - len(golden())) - len(
        update(*updates, rr(H1, OPAQUE)))
    return update(*updates, rr(H1, OPAQUE, rdata=bytes(room)))


BODIES = {
    **seeds.UPDATES, **seeds.nsupdate(),
    # One of each: vectors differ in their TSIG only.
    **{name: body for body, name in dict(vectors()).items()},
    "empty": update(),
    "only-prerequisites": update(prereqs=[rr(H1, ANY, ANY, 0)]),
    "unknown-types": update(rr(H1, OPAQUE), rr(H1, 65534, rdata=b"\1\xc0\x0c"),
                            rr(H1, OPAQUE, NONE, 0, bytes(300))),
    "case": update(rr("H1.eXample.TEST", TXT, rdata=b"\3aBc"),
                   zone="Example.tEST"),
    "octets": update(rr(b"\4\0.\xffX" + TO_ZONE, A, rdata=bytes(4))),
    "apex": update(address(wire.ZONE), address("*." + wire.ZONE)),
    "flags": update(address(), flags=wire.UPDATE_FLAGS | 0x5f5),
    "id-0": update(address(), ident=0),
    "ttl": update(*[address(ttl=t) for t in (0, 2 ** 31 - 1, 2 ** 32 - 1)]),
    "twice": update(*[address()] * 2),
    "root": update(address("a.b."), zone="."),
    "compressed": update(
        rr(H1, wire.PTR, rdata=b"\1x" + TO_ZONE),
        rr(b"\2h2" + TO_ZONE, wire.SRV, rdata=bytes(6) + b"\xc0\x1e")),
    "chain": update(*many(40)),
    "long-owner": update(address(wire.long_name(255, wire.ZONE))),
    "glue": update(address(), additional=[address("ns." + wire.ZONE)]),
    "opt": update(address(), additional=[wire.opt(options=bytes(4))]),
    "opt-glue": update(address(), additional=[
        wire.opt(), address("ns." + wire.ZONE)]),
    "large": update(rr(H1, TXT, rdata=b"\xff".ljust(256, b"x") * 40)),
}
BORDERS = {"border": border(), "border-many": border(*many(300))}


def test_vectors_are_there():
    assert sum(body in BODIES.values() for body, _ in vectors()) >= 2
    assert any(name.startswith("kea-d2") for name in BODIES)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("name", BODIES)
def test_body(world, name, transport):
    """Each with another of the clients' keys."""
    keys = list(KEYS.values())
    key = keys[(list(BODIES).index(name) + 5 * (transport == "tcp"))
               % len(keys)]
    request = sign(BODIES[name], key)
    run(world, getattr(world, transport), request, key,
        SIGNED(opt=wire.parse(request).opt is not None))


@pytest.mark.parametrize("name", BORDERS)
def test_border(world, name):
    request = sign(BORDERS[name], rows.ZONE_KEY)
    run(world, world.tcp, request, rows.ZONE_KEY)
    sizes = [len(r.data) for t in world.targets for r in t.received]
    assert max(sizes) == 65535


# Ways to sign


def signed(key, **odd):
    return sign(golden(), key, **odd)


def compressed(key):
    """The key's name stands in the body, and the TSIG points at it."""
    body = update(rr(key.name, A, rdata=bytes(4)), zone=".")
    offset = body.index(wire.name(key.name))
    return sign(body, key, owner=(0xc000 | offset).to_bytes(2, "big"))


WAYS = {
    "plain": signed,
    "ids": lambda key: signed(key, original_id=0x2222),
    "upper": lambda key: signed(
        key, owner=wire.name(key.name.upper()),
        algorithm=wire.name(key.wire_algorithm.upper())),
    "other": lambda key: signed(key, other=bytes(6)),
    "error": lambda key: signed(key, error=wire.BADTIME),
    "fudge": lambda key: signed(key, fudge=65535, time=seconds_ago(200)),
    "compressed": compressed,
}


def seconds_ago(seconds):
    return int(time.time()) - seconds


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_way(world, key, way):
    run(world, world.udp, WAYS[way](key), key)


# Answers that are refusals


REFUSALS = {
    "badtime": (lambda key: signed(key, time=seconds_ago(999)),
                SIGNED(NOTAUTH, wire.BADTIME)),
    "notzone": (lambda key: sign(update(address("a.b.")), key),
                SIGNED(wire.NOTZONE)),
    "formerr": (lambda key: sign(update(rr(H1, A, IN, rdata=b"xyz")), key),
                SIGNED(wire.FORMERR)),
    "badvers": (lambda key: sign(golden(additional=[
        wire.opt(version=1)]), key), SIGNED(0, opt=True, ext_rcode=1)),
    "badtrunc": (lambda key: signed(key, length=key.full - 1),
                 SIGNED(NOTAUTH, wire.BADTRUNC)),
}


def can_be_cut(key):
    """Those that have a cut MAC by their name can't be cut further."""
    return key.algorithm.count("-") == 1


@pytest.mark.parametrize("key,refusal", [
    (name, refusal) for name, key in KEYS.items() for refusal in REFUSALS
    if refusal != "badtrunc" or can_be_cut(key)])
def test_refusal(world, key, refusal):
    make, want = REFUSALS[refusal]
    key = KEYS[key]
    request = make(key)
    check(world.udp.at_once(request), request, want, key)


# The judges themselves


@pytest.mark.parametrize("prior", [b"", bytes(range(20))], ids=len)
@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_judges_can_refuse(key, prior):
    """With and without the MAC of a request."""
    good = sign(golden(), key, prior=prior or None)
    assert len(oracle.check_mac(good, key, prior)) == 1 + (
        key.wire_algorithm in oracle.LDNS_ALGORITHMS)
    bad = [(good, prior + b"x"),
           *[(sign(golden(), key, prior=prior or None, **odd), prior)
             for odd in (dict(digest_arcount=1), dict(digest_id=1),
                         dict(hashed_ttl=1), dict(mac=lambda m: m[::-1]))],
           (wire.flip(good, 13), prior)]
    for i, (data, over) in enumerate(bad):
        for judge in oracle.judges_of(data, key):
            assert not judge(data, key, over), (i, judge.__name__)


def test_records_can_differ():
    request = sign(golden())
    for other in (golden(updates=[address(last=2)]),
                  golden(updates=[address("H1." + wire.ZONE)]),
                  golden(updates=[address(ttl=61)]),
                  golden(updates=[address()] * 2),
                  golden(prereqs=[address()], updates=[])):
        for records in oracle.RECORDS:
            assert records(request) != records(other), records.__name__
