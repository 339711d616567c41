# SPDX-License-Identifier: ISC
"""Rows of the conformance matrix: one request, one answer, so many copies.

One ddns-mux with one worker and one willing target serves a whole table:
with one worker, whatever is answered at once is answered in order, and a
probe behind a request proves that nothing else is coming.
"""
import contextlib
import dataclasses
import types

import fake
import mux
import oracle
import wire
from answers import Answer, check

LONG_ZONE = wire.long_name(255, "long.test")
LONG_KEY = wire.Key(wire.long_name(255, "key.test"), b"L" * 64, "hmac-sha512")
ZONE_KEY = wire.Key("example.test.", b"Z" * 32)  # named like the zone
OTHER_KEY = wire.Key("other.example.", b"O" * 32)  # only other.test
NEAR_KEY = wire.Key("near.example.", b"N" * 32)  # only from 127.0.0.9
HALF_KEY = wire.Key("half.example.", b"H" * 32)  # 16 octets are enough
TARGET_ZONES = ["example.test", "other.test", "another.test", "long.test"]


@dataclasses.dataclass(frozen=True)
class Row:
    ident: str
    make: object  # a function without arguments, or the octets
    want: object
    key: wire.Key = wire.GOLDEN_KEY
    copies: int = None  # None: one for a signed NOERROR, else none

    @property
    def expected_copies(self):
        if self.copies is not None:
            return self.copies
        want = self.want
        return int(isinstance(want, Answer) and want.rcode == wire.NOERROR
                   and want.kind == "signed" and want.ext_rcode == 0)


def table(*rows):
    """(ident, make, want[, key[, copies]]) tuples for parametrize."""
    return [Row(*row) for row in rows]


def idents(rows):
    return [row.ident for row in rows]


def algorithm_keys():
    """One key for each algorithm, the truncated names too."""
    names = ["hmac-md5", *wire.ALGORITHMS]
    names.remove(wire.LONG_NAMES["hmac-md5"])
    return {name: wire.Key(f"{name}.keys.example.", bytes(range(64)), name)
            for name in names}


@contextlib.contextmanager
def serve(**settings):
    """A mux and a target for a module."""
    keys = [wire.GOLDEN_KEY, ZONE_KEY, LONG_KEY,
            OTHER_KEY.config(zones=["other.test"]),
            NEAR_KEY.config(sources=["127.0.0.9"]),
            *algorithm_keys().values()]
    half = HALF_KEY.config()
    half["digest_bits"] = 128
    settings = {"client_deadline_ms": 3000, "allow_weak": True,
                "records_per_update": 10000, **settings}
    with fake.FakeTarget("one") as target:
        group = target.config(zones=TARGET_ZONES, timeout_ms=4000)
        with mux.Mux([group], [*keys, half], **settings) as daemon:
            yield types.SimpleNamespace(mux=daemon, target=target)


def copies_of(target):
    """What reached the target, re-sent datagrams counted once."""
    return list({r.data: r for r in target.received}.values())


def same_update(copy, request):
    msg = wire.parse(request)
    assert copy.body == request[4:10] + request[12:msg.additional_start], (
        "the copy is not the client's update")
    oracle.check_copy(copy.data, copy.target.key, request)


def run(world, row, source=None):
    """One request: its answer, and what the target saw of it."""
    world.target.reset()
    request = row.make() if callable(row.make) else row.make
    with world.mux.udp_client(source=source) as client:
        if row.expected_copies:
            answer = client.ask(request)
        else:
            answer = client.at_once(request)
        check_or_silence(answer, request, row)
        probe = wire.sign(wire.golden(updates=[wire.address("probe.example.test")]))
        check(client.ask(probe), probe, Answer(wire.NOERROR, "signed"))
    *copies, last = copies_of(world.target)
    assert last.owner == "probe"
    assert len(copies) == row.expected_copies, "copies to the target"
    for copy in copies:
        same_update(copy, request)
    return answer, copies


def check_or_silence(answer, request, row):
    if row.want is None:
        assert answer is None, "an answer where none belongs"
    else:
        check(answer, request, row.want, row.key)
