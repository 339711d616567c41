# SPDX-License-Identifier: ISC
"""ddns-mux as the client of its targets, by UDP: truncation, loss,
silence and storms. Section 10 of the conformance matrix."""
import collections
import struct
import time

import pytest

import fake
from answers import SIGNED, check
from fake import FakeTarget, Gate, after, both, by_transport, drop, odd, ok
from target_help import (FAILED, H1, TIMEOUT, ask, careful, short_world,
                         update)
from test_targets import IGNORED
from test_targets_tcp import UNACCEPTABLE
from wire import ANY, NOERROR, REFUSED, golden, rr, sign


@pytest.fixture(scope="module", name="world")
def fixture_world():
    with short_world() as world:
        yield world


# Truncated answers


def assert_asked_again_by_tcp(received):
    first, second = received
    assert (first.transport, second.transport) == ("udp", "tcp")
    assert second.mac != first.mac
    assert second.body == first.body
    return first, second


@pytest.mark.parametrize("signed", [True, False])
def test_o21_o22_truncated(world, signed):
    behaviour = by_transport(odd(tc=1, signed=signed), ok)
    received = ask(world, careful(), behaviour, SIGNED())
    assert_asked_again_by_tcp(received)


def test_o21_its_rcode_is_no_vote(world):
    behaviour = by_transport(odd(tc=1, rcode=REFUSED), fake.rcode(7))
    ask(world, careful(), behaviour, SIGNED(7))


def test_o21_new_id(world):
    different = 0
    for _ in range(3):
        received = ask(world, careful(), by_transport(odd(tc=1), ok),
                       SIGNED())
        first, second = assert_asked_again_by_tcp(received)
        different += first.msg.ident != second.msg.ident
    assert different >= 2


def test_o22_udp_stays_open_after_an_unsigned_tc(world):
    udp = both(odd(tc=1, signed=False), after(0.05, ok))
    ask(world, careful(), by_transport(udp, drop), SIGNED())


@pytest.mark.parametrize("by_tcp", [
    odd(tc=1), odd(tc=1, signed=False), odd(signed=False)],
    ids=["truncated", "truncated-unsigned", "unsigned"])
def test_o22_udp_stays_open_when_tcp_fails(world, by_tcp):
    udp = both(odd(tc=1, signed=False), after(0.2, ok))
    ask(world, careful(), by_transport(udp, by_tcp), SIGNED())


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("over_tcp", [True, False])
def test_st5_fault_t10_truncated_for_ever(world, signed, over_tcp):
    received = ask(world, careful(), by_transport(
        odd(tc=1, signed=signed), odd(tc=1, signed=over_tcp)), FAILED)
    assert len(received) == 2, "F4: one by UDP and one by TCP"


def test_st5_truncated_and_cut(world):
    """Its last octet is missing: a hint, as unsigned ones are."""
    received = ask(world, careful(), fake.by_transport(
        lambda r: r.send(r.build(tc=1)[:-1]), ok), SIGNED())
    assert [r.transport for r in received] == ["udp", "tcp"]


def test_many_unsigned_tcs_are_one_tcp_attempt(world):
    hint = odd(tc=1, signed=False)
    received = ask(world, careful(), by_transport(
        both(hint, hint, hint), ok), SIGNED())
    assert [r.transport for r in received] == ["udp", "tcp"]


# What each fault costs


def faults():
    """All that a target can do wrong, by UDP and by TCP after a TC."""
    by_tcp = {f"tcp-{name}": fake.by_transport(odd(tc=1), behaviour)
              for name, behaviour in UNACCEPTABLE.items()}
    return {**IGNORED, **by_tcp, "drop": drop,
            "tcp-drop": fake.by_transport(odd(tc=1, signed=False), drop)}


def test_sf4_copies_of_an_update(start, targets):
    """Three at the most, however many faults come at a time."""
    one, = targets("one")
    daemon = start([one.config(timeout_ms=1500, max_in_flight=512)],
                   unconfirmed="servfail", client_deadline_ms=8000,
                   updates_in_hand=1024)
    table, requests = {}, {}
    for name, behaviour in faults().items():
        for prereqs in ([], [rr(H1, ANY, ANY, 0)]):
            owner = f"h{len(table)}"
            table[owner] = behaviour
            requests[owner] = name, update(owner, prereqs)
    one.reset(fake.by_owner(table))
    answers = {}
    with daemon.udp_client() as client:
        for _, request in requests.values():
            client.send(request)
        for _ in requests:
            answer = client.receive(12)
            answers[answer[:2]] = answer
    copies = collections.Counter(r.owner for r in one.received)
    assert len(copies) > len(requests) / 2
    for owner, (name, request) in requests.items():
        check(answers[request[:2]], request, FAILED)
        assert copies[owner] <= 3, f"{name}: {copies[owner]} copies"


# Loss, repetition, silence


def test_o23_lost_request(world):
    first, second = ask_said(world, update(), [drop], ok, SIGNED())
    assert first.data == second.data, "same octets"
    assert first.peer == second.peer, "same socket"


def ask_said(world, request, script, default, want):
    world.one.reset(default)
    world.one.say(*script)
    check(world.client.ask(request), request, want)
    return list(world.one.received)


def test_o23_one_repetition_and_no_more(world):
    received = ask(world, update(), drop, FAILED)
    assert len(received) == 2
    wait = received[1].at - received[0].at
    assert TIMEOUT * 0.4 < wait < TIMEOUT * 0.9


def test_o24_fault_t21_no_repetition_with_prerequisites(world):
    assert len(ask(world, careful(), drop, FAILED)) == 1


def test_o23_answer_to_the_first_after_the_second(world):
    gate = Gate()
    world.one.reset(gate)
    request = update()
    world.client.send(request)
    gate.wait(2)
    gate.open()  # two identical answers
    check(world.client.receive(), request, SIGNED())
    assert world.client.pending() == []


def test_o25_o33_fault_t22_two_answers(world):
    ask(world, careful(), both(ok, ok, fake.rcode(REFUSED)), SIGNED())
    ask(world, careful(), ok, SIGNED())


def test_o25_fault_t03_answer_after_the_timeout(world):
    ask(world, careful(), after(TIMEOUT + 0.1, ok), FAILED)
    ask(world, careful(), after(0.15, ok), SIGNED())


def test_o25_fault_t22_old_answer_to_a_new_request(world):
    """What was right for the last copy is nothing for the next."""
    world.one.reset()
    gate = Gate()
    world.one.say(gate)
    request = careful()
    world.client.send(request)
    old, = gate.wait()
    check(world.client.receive(), request, FAILED)
    ask(world, careful(), both(lambda r: old.reply(), fake.rcode(REFUSED)),
        SIGNED(REFUSED))


def test_o26_refused_by_icmp(start, stack):
    target = stack.enter_context(fake.closed("one"))
    daemon = start([target], unconfirmed="servfail", client_deadline_ms=4000)
    with daemon.udp_client() as client:
        for request in (update(), careful()):
            begun = time.monotonic()
            check(client.ask(request), request, FAILED)
            assert time.monotonic() - begun < 1.0, "not at once"


class Busy:
    """Answers after a while, and knows how many it had at a time."""

    def __init__(self, seconds):
        self.seconds, self.now, self.most = seconds, 0, 0

    def __call__(self, r):
        self.now += 1
        self.most = max(self.most, self.now)
        after(self.seconds, self.finish)(r)

    def finish(self, r):
        self.now -= 1
        r.reply()


def test_max_in_flight(start, targets):
    """What is more waits in the mux for its turn."""
    busy = Busy(0.03)
    one, = targets("one", default=busy)
    daemon = start([one.config(max_in_flight=2)], client_deadline_ms=4000)
    requests = {i: sign(golden(ident=i)) for i in range(10)}
    with daemon.udp_client() as client:
        for request in requests.values():
            client.send(request)
        for _ in requests:
            answer = client.receive()
            check(answer, requests[answer[1]], SIGNED())
    assert busy.most == 2


def test_lost_copies_take_no_place(start, targets):
    """They are waited for much longer than a client waits."""
    one, = targets("one", default=drop)
    daemon = start([one.config(max_in_flight=2, timeout_ms=3000)],
                   client_deadline_ms=400)
    with daemon.udp_client() as client:
        for _ in range(2):
            client.send(careful())
        one.wait(2)
        assert client.receive(0.5) is None
        one.default = ok
        for _ in range(3):
            request = careful()
            check(client.ask(request), request, SIGNED())


def test_lost_copy_wakes_who_waits_for_its_place(start, targets):
    """When its time is over, and not when something else happens."""
    one, = targets("one", default=drop)
    daemon = start([one.config(max_in_flight=1, timeout_ms=3000)],
                   client_deadline_ms=1000)
    with daemon.udp_client() as client:
        client.send(careful())
        one.wait()
        one.default = ok
        assert client.receive(0.4) is None
        request = careful()
        check(client.ask(request), request, SIGNED())


def test_busy(start, targets):
    """A full queue is an outcome, not a wait; nothing is answered twice."""
    gate = Gate()
    one, = targets("one", default=gate)
    daemon = start([one.config(timeout_ms=8000)], unconfirmed="servfail",
                   client_deadline_ms=9000)
    requests = {i: sign(golden(ident=i)) for i in range(200)}
    with daemon.udp_client() as client:
        for request in requests.values():
            client.send(request)
        at_once = client.pending()
        one.default = ok
        gate.open()
        later = [client.receive() for _ in range(200 - len(at_once))]
    assert at_once
    for want, answers in ((FAILED, at_once), (SIGNED(), later)):
        for answer in answers:
            check(answer, requests.pop(answer[1]), want)


def test_many_in_flight(world):
    """Answers in reverse order, each to its own request."""
    gate = Gate()
    world.one.reset(gate)
    requests = {i: sign(golden(ident=i, prereqs=[rr(H1, ANY, ANY, 0)]))
                for i in range(40)}
    for request in requests.values():
        world.client.send(request)
    held = gate.wait(40)
    assert len({r.msg.ident for r in held}) == 40
    gate.open(reverse=True)
    for _ in requests:
        answer = world.client.receive()
        check(answer, requests[answer[1]], SIGNED())


@pytest.mark.parametrize("transport", ["auto", "tcp"])
def test_target_goes_and_comes_back(start, stack, transport):
    """On its old port; the first update after that reaches it."""
    first = FakeTarget("one")
    daemon = start([first.config(transport=transport)],
                   unconfirmed="servfail", client_deadline_ms=3000)
    client = stack.enter_context(daemon.udp_client())

    def tell(want):
        request = update()
        check(client.ask(request), request, want)
    with first:
        tell(SIGNED())
    for _ in range(3):
        tell(FAILED)
    with FakeTarget("one", port=first.port):
        for _ in range(3):
            tell(SIGNED())


def test_o2_source_port_is_changed_now_and_then(start, targets):
    """And nothing is lost when it is."""
    one, = targets("one")
    daemon = start([one], client_deadline_ms=4000)
    with daemon.udp_client() as client:
        for batch in range(90):
            for i in range(50):
                client.send(sign(golden(ident=batch * 50 + i)))
            for _ in range(50):
                assert client.receive()[3] & 15 == NOERROR
    ports = {r.peer[1] for r in one.received}
    assert 2 <= len(ports) < 20


def test_every_slot_in_use(start, targets):
    """A storm while the target is silent: what is too much is dropped,
    other things are answered, and all is well when the target is."""
    one, = targets("one", default=drop)
    daemon = start([one.config(timeout_ms=500)], unconfirmed="servfail",
                   client_deadline_ms=400)
    worker = daemon.workers()
    with daemon.udp_client() as client:
        for _ in range(600):
            client.send(careful())
        assert len(client.pending()) < 600  # the probe in it is answered
        one.wait()
        one.default = ok
        deadline = time.monotonic() + 5
        while True:
            request = update()
            client.send(request)
            answer = client.receive_id(struct.unpack(">H", request[:2])[0], 1)
            if answer is not None and answer[3] & 15 == NOERROR:
                break
            assert time.monotonic() < deadline, "it does not recover"
        check(answer, request, SIGNED())
    assert daemon.workers() == worker
