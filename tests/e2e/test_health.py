# SPDX-License-Identifier: ISC
"""Targets that are down: when one counts as that, what it costs, and how it
comes back. Rows T and C of the fault matrix; ports that are refused, silence,
and answers that prove nothing."""
import os
import re
import signal
import time

import pytest

import fake
import kinds
import wire
from answers import SIGNED, check
from daemon_help import wait_for
from fake import FakeTarget, both, by_transport, drop, odd, ok, rcode
from target_help import full_backlog
from test_targets import bad_mac, bad_time, no_mac, wrong_id
from wire import ANY, NOTAUTH, REFUSED, SERVFAIL, YXDOMAIN

TIMEOUT_MS = 100
DOWN = r"target {} \S+: down: (.*); probing$"
UP = r"target {} \S+: up again after (\d+) s, (\d+) updates missed$"
PATIENCE = 15


def dying(target, failures=2, **more):
    return target.config(breaker_failures=failures,
                         **{"timeout_ms": TIMEOUT_MS, **more})


def lines(daemon, pattern, label, start=0):
    found = (re.search(pattern.format(label), line)
             for line in daemon.log.lines[start:])
    return [match for match in found if match]


def send(daemon, client, kind="add"):
    """One update from its coming to its end: its line, and the answer that
    had come until then."""
    start = daemon.mark()
    request = kinds.request(kind)
    client.send(request)
    line = daemon.wait_update(client, start=start, timeout=PATIENCE)
    return line, client.receive(0), request


def bring_down(daemon, client, label):
    """Updates until the target counts as down; why."""
    start = daemon.mark()
    deadline = time.monotonic() + PATIENCE
    while not lines(daemon, DOWN, label, start):
        send(daemon, client)
        assert time.monotonic() < deadline, daemon.log.tail()
    return lines(daemon, DOWN, label, start)[0][1]


def updates_of(target):
    return [r for r in target.received if not r.is_probe]


# What opens it, and what does not


def unsigned(code, error=None):
    if error is None:
        return odd(rcode=code, signed=False)
    return odd(rcode=code, error=error, mac=no_mac)


FAILURES = {
    "fault_T02-silence": (drop, "no answer in time"),
    "fault_T05-garbage": (fake.octets(b"garbage" * 9), "no answer in time"),
    "fault_T06-wrong-id": (wrong_id, "no answer in time"),
    "fault_T06-opcode": (odd(opcode=4), "another opcode"),
    "fault_T07-unsigned": (unsigned(0), "unsigned answer"),
    "fault_T08-wrong-mac": (odd(mac=bad_mac), "wrong MAC"),
    "fault_T08-wrong-key": (odd(key=fake.FOREIGN_KEY), "another key"),
    "fault_T09-badtime": (bad_time, "clocks differ"),
    "fault_T10-truncated": (odd(tc=1), "truncated answer"),
    "fault_T23-other-address": (fake.from_another_address, "no answer in time"),
    "fault_T26-wrong-secret": (unsigned(NOTAUTH, wire.BADSIG), "unsigned answer"),
    "fault_C01-answer-time": (lambda r: r.reply(time=int(time.time()) - 1000),
                        "time signed of the answer"),
}
TCP_FAILURES = {
    "fault_T07-tcp-unsigned": (unsigned(REFUSED), "unsigned answer"),
    "fault_T11-tcp-silence": (drop, "no answer in time"),
    "fault_T12-tcp-closed": (fake.hang_up, "closed the TCP connection"),
    "fault_T13-tcp-slow": (fake.stream(b"\0"), "no answer in time"),
    "fault_T14-tcp-frame": (fake.stream(b"\0\1x"), "closed the TCP connection"),
}


@pytest.mark.parametrize("row", [*FAILURES, *TCP_FAILURES])
def test_opens(start, targets, row):
    """It is said why, and once; then it gets no updates."""
    behaviour, why = {**FAILURES, **TCP_FAILURES}[row]
    way = "tcp" if row in TCP_FAILURES else "auto"
    one, two = targets("one", "two")
    # Where an answer has to come, it may take a while.
    timeout_ms = TIMEOUT_MS if why == "no answer in time" else 5 * TIMEOUT_MS
    daemon = start([one, dying(two, transport=way, timeout_ms=timeout_ms)],
                   require_confirmation="any", client_deadline_ms=5000)
    two.reset(behaviour)
    with daemon.udp_client() as client:
        assert why in bring_down(daemon, client, "two")
        two.reset(behaviour)
        line, answer, request = send(daemon, client)
        assert "two=down/0ms" in line
        check(answer, request, SIGNED())
    assert updates_of(two) == []
    assert len(lines(daemon, DOWN, "two")) == 1
    assert not lines(daemon, DOWN, "one")


@pytest.mark.parametrize("way", ["auto", "tcp"])
def test_fault_t01_refused_port(start, targets, stack, way):
    one, = targets("one")
    two = stack.enter_context(fake.closed("two"))
    daemon = start([one, dying(two, transport=way)],
                   require_confirmation="any")
    with daemon.udp_client() as client:
        why = bring_down(daemon, client, "two")
        assert "refused" in why or "connection failed" in why
        line, answer, request = send(daemon, client)
        assert "two=down/0ms" in line
        check(answer, request, SIGNED())


def test_fault_t11_tcp_connection_is_never_made(start, targets, stack):
    one, = targets("one")
    two = full_backlog(stack, "two")
    daemon = start([one, dying(two, transport="tcp")],
                   require_confirmation="any")
    with daemon.udp_client() as client:
        assert "no answer in time" in bring_down(daemon, client, "two")


@pytest.mark.parametrize("behaviour", [
    rcode(SERVFAIL), rcode(REFUSED), rcode(NOTAUTH), rcode(YXDOMAIN),
    rcode(11), both(unsigned(REFUSED), ok), by_transport(odd(tc=1), ok)],
    ids=["T17-SERVFAIL", "T18-REFUSED", "T18-NOTAUTH", "T19-YXDOMAIN",
         "RCODE11", "T07-then-signed", "T10-tcp"])
def test_an_authentic_answer_is_no_failure(start, targets, behaviour):
    one, = targets("one", default=behaviour)
    daemon = start([dying(one, failures=1)], unconfirmed="servfail")
    with daemon.udp_client() as client:
        for _ in range(5):
            line, *_ = send(daemon, client)
            assert "one=down" not in line
    assert not lines(daemon, DOWN, "one")


def test_fault_t07_a_zone_that_is_not_served_says_nothing(start, targets):
    """Knot does not sign that; the other zone must not suffer."""
    def knot(r):
        (unsigned(NOTAUTH) if b"\7in-addr" in r.data else ok)(r)
    one, = targets("one", default=knot)
    daemon = start([dying(one, failures=1)], unconfirmed="servfail")
    with daemon.udp_client() as client:
        assert "one=NOERROR" in send(daemon, client)[0]
        for _ in range(3):
            assert "one=unsigned" in send(daemon, client,
                                          "reverse-remove")[0]
        assert "one=NOERROR" in send(daemon, client)[0]
    assert not lines(daemon, DOWN, "one")


def test_never_by_configuration(start, targets):
    one, = targets("one", default=drop)
    daemon = start([dying(one, failures=0)], unconfirmed="servfail")
    with daemon.udp_client() as client:
        for _ in range(6):
            assert "one=timeout" in send(daemon, client)[0]
    assert not lines(daemon, DOWN, "one")


# What it costs


@pytest.mark.parametrize("need", ["any", 2])
def test_fault_t02_no_latency(start, targets, need):
    """The deadline is long, and the dead target silent: an answer that
    waited for it could not be the line's "0ms". No copy is made."""
    one, two, three = targets("one", "two", "three")
    daemon = start([one, dying(two), three.config()],
                   require_confirmation=need, client_deadline_ms=60000)
    two.reset(drop)
    with daemon.udp_client() as client:
        bring_down(daemon, client, "two")
        two.reset(drop)
        for kind in kinds.SHAPES:
            line, answer, request = send(daemon, client, kind)
            assert "two=down/0ms" in line
            check(answer, request, SIGNED())
    assert updates_of(two) == []


def test_all_servfail_at_once(start, targets):
    one, two = targets("one", "two")
    daemon = start([one, dying(two)], unconfirmed="servfail",
                   client_deadline_ms=60000)
    two.reset(drop)
    with daemon.udp_client() as client:
        bring_down(daemon, client, "two")
        line, answer, request = send(daemon, client)
        assert "two=down/0ms" in line
        check(answer, request, SIGNED(SERVFAIL))


def test_all_silent(start, targets):
    """As with any failure: no answer, and the others apply it."""
    one, two = targets("one", "two")
    daemon = start([one, dying(two)], client_deadline_ms=300)
    two.reset(drop)
    with daemon.udp_client() as client:
        bring_down(daemon, client, "two")
        line, answer, _ = send(daemon, client)
        assert answer is None and "answer=none" in line
        assert "one=NOERROR" in line and "two=down/0ms" in line


def test_what_waits_fails_at_once(start, targets):
    """Updates that came later, and wait for their turn, do not wait for a
    target that has gone down meanwhile, and are not sent to it."""
    two, = targets("two", default=drop)
    daemon = start([dying(two, failures=1, max_in_flight=1,
                          timeout_ms=1000)], client_deadline_ms=5000)
    with daemon.udp_client() as client:
        client.send(kinds.request("add"))
        assert client.receive(0.3) is None
        for _ in range(20):
            client.send(kinds.request("add"))
        daemon.wait_log(DOWN.format("two"), PATIENCE)
        wait_for(lambda: len(lines(daemon, "{}=down/", "two")) == 20,
                 "they wait")
    assert len(updates_of(two)) == 1


# How it comes back


def test_recovery(start, targets):
    """All of it is logged once, and counted; the probe is the update that
    RFC 2136 lets change nothing, of the zone that was answered last."""
    one, two = targets("one", "two")
    daemon = start([one, dying(two)], require_confirmation="any",
                   client_deadline_ms=5000, control_socket=True)
    with daemon.udp_client() as client:
        send(daemon, client, "reverse-remove")
        two.reset(drop)
        bring_down(daemon, client, "two")
        lost = len(updates_of(two))
        missed = 7
        for _ in range(missed):
            assert "two=down" in send(daemon, client)[0]
        wait_for(lambda: '"state": "down"' in daemon.ctl("--json", "targets"),
                 "it is not shown")
        two.default = ok
        seconds, count = daemon.wait_log(UP.format("two"), PATIENCE).groups()
        assert int(count) == missed and int(seconds) < PATIENCE
        assert len(updates_of(two)) == lost
        assert "two=NOERROR" in send(daemon, client)[0]
    probe = next(r for r in two.received if r.is_probe)
    zone = wire.name(kinds.REVERSE)
    assert probe.data[12:probe.msg.zone[0].end - 4] == zone
    record, = probe.msg.prereqs
    assert (record.owner, record.rtype, record.rclass, record.ttl,
            record.rdata) == (zone, ANY, ANY, 0, b"")
    assert len(lines(daemon, DOWN, "two")) == 1
    assert len(lines(daemon, UP, "two")) == 1


def test_one_line_for_all_workers(start, targets):
    """Each finds out for itself; those that end have no say any more."""
    one, two = targets("one", "two")
    daemon = start([one, dying(two)], require_confirmation="any", workers=3,
                   client_deadline_ms=5000, control_socket=True)

    def is_down_in(count):
        found = daemon.ctl("stats", "--prometheus")
        return (f'ddns_mux_target_workers_down{{target="two"}} {count}\n'
                in found)

    def until_all_are_down():
        with daemon.udp_client() as client:  # each time another worker
            send(daemon, client)
        return is_down_in(3)
    for outage in (1, 2):
        begin = daemon.mark()
        two.reset(drop)
        wait_for(until_all_are_down, "not all find out", 60)
        assert len(lines(daemon, DOWN, "two")) == outage
        assert len(lines(daemon, UP, "two")) == outage - 1
        two.default = ok
        daemon.wait_log(UP.format("two"), 2 * PATIENCE, begin)
        wait_for(lambda: is_down_in(0), "it is not up everywhere")
        assert len(lines(daemon, UP, "two")) == outage
        missed = sum("two=down" in line for line in daemon.log.lines[begin:])
        assert int(lines(daemon, UP, "two", begin)[0][2]) == missed
    two.reset(drop)
    wait_for(until_all_are_down, "not all find out", 60)
    old = daemon.workers()
    for pid in old:
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not set(old) & set(daemon.workers())
             and len(daemon.workers()) == 3, "they are not replaced")
    with daemon.udp_client() as client:
        bring_down(daemon, client, "two")
    assert len(lines(daemon, DOWN, "two")) == 4


def test_disabled_is_not_probed(start, targets):
    """Until it is enabled again; the other one tells the time."""
    one, two, three = targets("one", "two", "three")
    daemon = start([one, dying(two), dying(three)], control_socket=True,
                   require_confirmation="any", client_deadline_ms=5000)
    two.reset(drop)
    three.reset(drop)
    with daemon.udp_client() as client:
        for label in ("two", "three"):
            if not lines(daemon, DOWN, label):
                bring_down(daemon, client, label)
    daemon.ctl("disable", "two")
    wait_for(lambda: sum(r.is_probe for r in three.received) >= 2,
             "no probes", PATIENCE)
    assert not any(r.is_probe for r in two.received)
    two.default = ok
    daemon.ctl("enable", "two")
    daemon.wait_log(UP.format("two"), PATIENCE)


@pytest.mark.parametrize("way", ["auto", "tcp"])
def test_server_starts_again(start, targets, way):
    """On its old port."""
    one, = targets("one")
    two = FakeTarget("two")
    daemon = start([one, dying(two, transport=way)],
                   require_confirmation="any")
    with daemon.udp_client() as client:
        with two:
            assert "two=NOERROR" in send(daemon, client)[0]
        bring_down(daemon, client, "two")
        with FakeTarget("two", port=two.port) as again:
            daemon.wait_log(UP.format("two"), PATIENCE)
            assert "two=NOERROR" in send(daemon, client)[0]
            assert again.received[0].is_probe


def test_fault_t03_late_answer(start, targets):
    """The probes are not answered: what was sent before it went down is."""
    gate = fake.Gate()
    two, = targets("two", default=lambda r: r.is_probe or gate(r))
    daemon = start([dying(two, timeout_ms=2000)], unconfirmed="servfail",
                   client_deadline_ms=150)
    with daemon.udp_client() as client:
        for _ in range(2):  # each waits for its deadline: two moments
            request = kinds.request("add")
            check(client.ask(request), request, SIGNED(SERVFAIL))
        daemon.wait_log("two=timeout", PATIENCE)
        client.send(kinds.request("add"))
        gate.wait(3)
        daemon.wait_log(DOWN.format("two"), PATIENCE)
        gate.open()
        daemon.wait_log(UP.format("two"), PATIENCE)
    assert len(updates_of(two)) == 3


def test_fault_t04_flapping(start, targets):
    """Probes succeed, updates do not: it goes up and down no faster than
    probes are sent, and each change is logged once."""
    one, = targets("one")
    two, = targets("two", default=lambda r: r.is_probe and ok(r))
    daemon = start([one, dying(two)], require_confirmation="any",
                   client_deadline_ms=5000)
    with daemon.udp_client() as client:
        for cycle in range(1, 4):
            bring_down(daemon, client, "two")
            daemon.wait_log(UP.format("two"), PATIENCE,
                            daemon.mark() - 1)
            assert len(lines(daemon, DOWN, "two")) == cycle
            assert len(lines(daemon, UP, "two")) == cycle
    probes = [r.at for r in two.received if r.is_probe]
    assert len(probes) == 3
    assert all(b - a >= 1.0 for a, b in zip(probes, probes[1:]))


def test_several_targets(start, targets):
    """Each by itself."""
    one, two, three = targets("one", "two", "three")
    daemon = start([one, dying(two), dying(three)],
                   require_confirmation="any", client_deadline_ms=5000)
    two.reset(drop)
    three.reset(unsigned(REFUSED))
    with daemon.udp_client() as client:
        bring_down(daemon, client, "two")
        if not lines(daemon, DOWN, "three"):
            bring_down(daemon, client, "three")
        line, answer, request = send(daemon, client)
        assert "two=down/0ms three=down/0ms" in line
        check(answer, request, SIGNED())
        two.default = ok
        daemon.wait_log(UP.format("two"), PATIENCE)
        assert "two=NOERROR" in send(daemon, client)[0]
    for label, ups in (("two", 1), ("three", 0), ("one", 0)):
        assert len(lines(daemon, DOWN, label)) == (label != "one")
        assert len(lines(daemon, UP, label)) == ups


def test_one_probe_at_a_time(start):
    """One that gets no answer is given up for the next one, which comes with
    back-off, however long the target's timeout is."""
    with FakeTarget("two") as two:
        daemon = start([dying(two, timeout_ms=60000)], unconfirmed="servfail")
    with daemon.udp_client() as client:
        bring_down(daemon, client, "two")
        with FakeTarget("two", default=drop, port=two.port) as again:
            first, second, *_ = again.wait(2, PATIENCE)
    assert first.is_probe and second.is_probe
    assert second.at - first.at >= 1.9
