# SPDX-License-Identifier: ISC
"""One answer from many: section 11 of the conformance matrix."""
import contextlib
import itertools
import re
import time
import types

import pytest

import fake
import kinds
from answers import SIGNED, check
from fake import FakeTarget, Gate, after, drop, ok, rcode
from kinds import FAILED, fold
from mux import Mux
from wire import (FORMERR, NOERROR, NXDOMAIN, NXRRSET, REFUSED, SERVFAIL,
                  YXDOMAIN, YXRRSET)

TIMEOUT_MS = 200
STRATEGIES = ["all", "any", 2]
LABELS = "abc"


def need(strategy, count):
    return {"all": count, "any": 1}.get(strategy, strategy)


class Worlds:
    """A mux with its targets for each set of settings, made when asked."""

    def __init__(self, stack):
        self.stack, self.made = stack, {}

    def get(self, count, strategy="all", unconfirmed="silent",
            timeout_ms=TIMEOUT_MS, deadline_ms=2000):
        settings = (count, strategy, unconfirmed, timeout_ms, deadline_ms)
        if settings not in self.made:
            self.made[settings] = self._make(*settings)
        world = self.made[settings]
        for target in world.targets:
            target.reset()
        return world

    def _make(self, count, strategy, unconfirmed, timeout_ms, deadline_ms):
        enter = self.stack.enter_context
        made = [enter(FakeTarget(label)) for label in LABELS[:count]]
        daemon = enter(Mux(
            [t.config(timeout_ms=timeout_ms) for t in made],
            require_confirmation=strategy, unconfirmed=unconfirmed,
            client_deadline_ms=deadline_ms))
        client = enter(daemon.udp_client())
        return types.SimpleNamespace(mux=daemon, targets=made, client=client)


@pytest.fixture(scope="module", name="worlds")
def fixture_worlds():
    with contextlib.ExitStack() as stack:
        yield Worlds(stack)


def send(world, kind, *behaviours):
    """Sends a message of the kind to targets that do so; the request."""
    for target, behaviour in zip(world.targets, behaviours):
        target.reset(behaviour)
    request = kinds.request(kind)
    world.start = world.mux.mark()
    world.client.send(request)
    return request


def behaviour_of(outcome):
    return drop if outcome == FAILED else rcode(outcome)


def expect(world, request, code):
    """The answer with this RCODE, or silence until all is over."""
    if code is not None:
        check(world.client.receive(), request, SIGNED(code))
    line = world.mux.wait_update(world.client, start=world.start)
    assert world.client.pending() == [], "more than one answer"
    said = re.search(r"answer=(\S+)", line)[1]
    assert (said == "none") == (code is None), line
    return line


def run(worlds, kind, outcomes, strategy, unconfirmed="silent"):
    world = worlds.get(len(outcomes), strategy, unconfirmed)
    request = send(world, kind, *map(behaviour_of, outcomes))
    code = fold(kind, outcomes, need(strategy, len(outcomes)), unconfirmed)
    return expect(world, request, code)


def row_id(value):
    return "-".join(str(v) for v in value) if isinstance(
        value, tuple) else str(value)


def mixes(codes, sizes=(1, 2, 3)):
    """Unordered mixes for three targets, ordered for fewer."""
    for size in sizes:
        pick = (itertools.product(codes, repeat=size) if size < 3 else
                itertools.combinations_with_replacement(codes, size))
        yield from pick


# A1, A2, A4, A5, A6: what each strategy makes of each mix


@pytest.mark.parametrize("outcomes,strategy", [
    (outcomes, strategy)
    for outcomes in mixes([NOERROR, REFUSED, FAILED])
    for strategy in STRATEGIES
    if need(strategy, len(outcomes)) <= len(outcomes)], ids=row_id)
def test_a1_a6_without_prerequisites(worlds, outcomes, strategy):
    run(worlds, "simple-add", outcomes, strategy)


@pytest.mark.parametrize("outcomes", [
    (FAILED,), (FAILED, FAILED), (NOERROR, FAILED), (FAILED, REFUSED),
    (NOERROR, NOERROR, FAILED), (FAILED, FAILED, FAILED)], ids=row_id)
def test_a4_a6_servfail(worlds, outcomes):
    run(worlds, "simple-add", outcomes, "all", "servfail")


@pytest.mark.parametrize("strategy", STRATEGIES, ids=str)
@pytest.mark.parametrize("code", range(16))
def test_a2_a8_unanimous(worlds, code, strategy):
    run(worlds, "simple-add", (code, code), strategy)


@pytest.mark.parametrize("outcomes", [
    (REFUSED, FORMERR), (NOERROR, FORMERR), (10, 9), (SERVFAIL, NOERROR),
    (12, REFUSED), (12, NOERROR), (REFUSED, REFUSED, FORMERR),
    (NOERROR, REFUSED, FORMERR), (NOERROR, NOERROR, FORMERR),
    (YXDOMAIN, NOERROR), (YXDOMAIN, FAILED)], ids=row_id)
@pytest.mark.parametrize("strategy", STRATEGIES, ids=str)
def test_a5_refusals(worlds, outcomes, strategy):
    run(worlds, "simple-add", outcomes, strategy)


def verdict_rows():
    for kind, order in kinds.PRECEDENCE.items():
        for outcomes in mixes(sorted(order), sizes=(2, 3)):
            yield kind, outcomes


@pytest.mark.parametrize("strategy", STRATEGIES, ids=str)
@pytest.mark.parametrize("kind,outcomes", verdict_rows(), ids=row_id)
def test_a3_precedence(worlds, kind, outcomes, strategy):
    run(worlds, kind, outcomes, strategy)


@pytest.mark.parametrize("outcomes", [
    (YXDOMAIN, FAILED), (NOERROR, FAILED), (YXDOMAIN, REFUSED),
    (NOERROR, YXDOMAIN, FAILED), (YXDOMAIN, REFUSED, FAILED)], ids=row_id)
@pytest.mark.parametrize("strategy", STRATEGIES, ids=str)
def test_a3_verdicts_and_failures(worlds, outcomes, strategy):
    run(worlds, "add", outcomes, strategy)


@pytest.mark.parametrize("strategy", STRATEGIES, ids=str)
@pytest.mark.parametrize("outcomes", itertools.product(
    [NOERROR, YXRRSET, NXDOMAIN, NXRRSET], repeat=2), ids=row_id)
def test_a3_message_of_another_shape(worlds, outcomes, strategy):
    """The verdict of the first target, in configuration order, with one."""
    run(worlds, "other", outcomes, strategy)


def test_a3_divergence_is_logged_with_names(worlds):
    world = worlds.get(2)
    request = send(world, "add", ok, rcode(YXDOMAIN))
    expect(world, request, YXDOMAIN)
    world.mux.wait_log("a=NOERROR/.* b=YXDOMAIN/.*(disagree|diverge)",
                       start=world.start)


def test_a10_applied_but_not_told(worlds):
    """Logged, with the targets that have it."""
    world = worlds.get(2)
    request = send(world, "simple-add", ok, rcode(REFUSED))
    expect(world, request, SERVFAIL)
    world.mux.wait_log("a=NOERROR/.* b=REFUSED/.*(applied|disagree)",
                       start=world.start)
    request = send(world, "simple-add", ok, drop)
    expect(world, request, None)
    world.mux.wait_log("a=NOERROR/.* b=timeout/.*applied",
                       start=world.start)


def test_line_of_a_finished_update(worlds):
    world = worlds.get(2)
    request = send(world, "simple-add", ok, drop)
    line = expect(world, request, None)
    assert re.search(r"key=key\.example\. zone=example\.test\. name=\S+ "
                     r"records=\d+ strategy=all answer=none "
                     r"a=NOERROR/\d+ms b=timeout/\d+ms", line), line


def test_line_names_rcodes(worlds):
    world = worlds.get(2)
    request = send(world, "add", rcode(YXDOMAIN), rcode(YXDOMAIN))
    line = expect(world, request, YXDOMAIN)
    assert re.search(r"answer=YXDOMAIN a=YXDOMAIN/\d+ms b=YXDOMAIN/\d+ms",
                     line)


# A7: when the answer leaves. Nothing else is open for longer than needed.

PATIENT = dict(timeout_ms=8000, deadline_ms=9000)


def first_answer(worlds, kind, strategy, *behaviours, unconfirmed="silent"):
    """The answer while the last targets are still thinking."""
    world = worlds.get(len(behaviours), strategy, unconfirmed, **PATIENT)
    request = send(world, kind, *behaviours)
    return request, world.client.receive()


AT_ONCE = [
    # kind, strategy, what the targets do (None: nothing yet), the answer
    ("simple-add", "any", (NOERROR, None), NOERROR),
    ("simple-add", "any", (None, None, NOERROR), NOERROR),
    ("simple-add", 2, (NOERROR, None, NOERROR), NOERROR),
    ("simple-add", "all", (REFUSED, NOERROR, None), SERVFAIL),
    ("simple-add", 2, (REFUSED, FORMERR, None), SERVFAIL),
    ("add", "any", (YXDOMAIN, None), YXDOMAIN),
    ("add", 2, (YXDOMAIN, None, NOERROR), YXDOMAIN),
    ("remove-1", "any", (NOERROR, None), NOERROR),
    ("replace", "any", (NXRRSET, None), NXRRSET),
    ("remove-2", 2, (NXRRSET, NOERROR, None), NOERROR),
    ("other", "any", (YXRRSET, None), YXRRSET),
    ("other", 2, (NXDOMAIN, NOERROR, None), NXDOMAIN),
]


@pytest.mark.parametrize("kind,strategy,outcomes,code", AT_ONCE, ids=row_id)
def test_a7_at_once(worlds, kind, strategy, outcomes, code):
    gate = Gate()
    request, answer = first_answer(worlds, kind, strategy, *[
        gate if o is None else rcode(o) for o in outcomes])
    check(answer, request, SIGNED(code))
    gate.wait()
    gate.open()


def test_a7_servfail_at_once(worlds):
    """One has failed, so all the ways that are left end in SERVFAIL."""
    gate = Gate()
    world = worlds.get(2, "all", "servfail", **PATIENT)
    # An unsigned refusal by TCP is a failure at once.
    failing = fake.by_transport(fake.odd(tc=1),
                                fake.odd(rcode=REFUSED, signed=False))
    request = send(world, "simple-add", failing, gate)
    check(world.client.receive(), request, SIGNED(SERVFAIL))
    gate.wait()
    gate.open()


WAITING = [
    # kind, strategy, at first, what comes last, the answer
    ("simple-add", "all", (NOERROR, None), NOERROR, NOERROR),
    ("simple-add", "all", (REFUSED, None), REFUSED, REFUSED),
    ("simple-add", "all", (REFUSED, None), NOERROR, SERVFAIL),
    ("add", "any", (NOERROR, None), YXDOMAIN, YXDOMAIN),
    ("add", "any", (NOERROR, None), REFUSED, NOERROR),
    ("add", "all", (YXDOMAIN, None), NOERROR, YXDOMAIN),
    ("add", 2, (NOERROR, NOERROR, None), YXDOMAIN, YXDOMAIN),
    ("replace", "any", (NXDOMAIN, None), NXRRSET, NXRRSET),
    ("remove-1", "any", (NXRRSET, None), NOERROR, NOERROR),
    ("other", "any", (None, NXRRSET), YXRRSET, YXRRSET),
    ("other", "any", (None, NXRRSET), NOERROR, NXRRSET),
    ("other", "any", (None, NXRRSET), FORMERR, NXRRSET),
]


@pytest.mark.parametrize("kind,strategy,first,last,code", WAITING,
                         ids=row_id)
def test_a7_o32_no_early_answer(worlds, kind, strategy, first, last, code):
    """The held target can still change the answer, so there is none."""
    world = worlds.get(len(first), strategy, **PATIENT)
    gate = Gate()
    request = send(world, kind, *[
        gate if o is None else rcode(o) for o in first])
    gate.wait()
    settle(world, len(first))
    assert world.client.pending() == [], "an early answer"
    gate.open(rcode(last))
    check(world.client.receive(), request, SIGNED(code))


def settle(world, count):
    """Another update takes the same way through all the targets' threads
    and is answered: so what came before it was dealt with. The held target
    answers the second one only when it is no Gate's."""
    for target in world.targets[:count]:
        target.wait()
        target.say(ok)
    with world.mux.udp_client() as other:
        request = kinds.request("simple-remove")
        check(other.ask(request), request, SIGNED())


@pytest.mark.parametrize("unconfirmed", ["silent", "servfail"])
def test_a7_deadline_is_not_the_timeout(worlds, unconfirmed):
    """The answer leaves at the deadline; the target is waited for, and its
    late outcome is logged."""
    world = worlds.get(2, "all", unconfirmed, timeout_ms=8000,
                       deadline_ms=400)
    gate = Gate()
    begun = time.monotonic()
    request = send(world, "add", ok, gate)
    gate.wait()
    if unconfirmed == "servfail":
        check(world.client.receive(), request, SIGNED(SERVFAIL))
        assert 0.3 < time.monotonic() - begun < 1.2
    else:
        assert world.client.receive(0.8) is None
    gate.open(rcode(YXDOMAIN))
    line = expect_late(world)
    assert "b=YXDOMAIN/" in line


def expect_late(world):
    """Only the log knows of what comes after the deadline."""
    found = world.mux.wait_log(r"ddns-mux: .*\bb=YXDOMAIN/\d+ms.*",
                               start=world.start)
    assert world.client.pending() == []
    return found[0]


@pytest.mark.parametrize("kind,code", [("add", NOERROR),
                                       ("simple-add", NOERROR)])
def test_a7_any_at_the_deadline(worlds, kind, code):
    world = worlds.get(2, "any", timeout_ms=8000, deadline_ms=400)
    gate = Gate()
    begun = time.monotonic()
    request = send(world, kind, ok, gate)
    check(world.client.receive(), request, SIGNED(code))
    limit = 0.3 if kind == "simple-add" else 1.2
    assert time.monotonic() - begun < limit
    gate.wait()
    gate.open()


def test_deadline_is_honoured_when_all_are_slow(worlds):
    world = worlds.get(3, 2, timeout_ms=8000, deadline_ms=400)
    slow, gate = after(0.25, ok), Gate()
    request = send(world, "add", slow, slow, gate)
    check(world.client.receive(), request, SIGNED())
    gate.open()


def test_zone_decides_which_targets_count(start, targets):
    """The strategy counts the targets that the zone goes to."""
    both, forward = targets("both", "forward")
    daemon = start([both, forward.config(zones=[kinds.FORWARD])])
    with daemon.udp_client() as client:
        for kind in ("simple-add", "reverse-replace"):
            request = kinds.request(kind)
            check(client.ask(request), request, SIGNED())
    assert (len(both.received), len(forward.received)) == (2, 1)
