# SPDX-License-Identifier: ISC
"""An operator's probe of scripted targets: what is sent, what is said, and
what it does to the target's health. Real servers are in
test_real_probe.py."""
import json
import re
import struct
import subprocess

import pytest

import fake
import kinds
import mux
import wire
from fake import by_transport, drop, odd, ok
from test_health import (DOWN, PATIENCE, UP, bring_down, dying, lines, send,
                         unsigned)
from wire import NOTAUTH, REFUSED


def by_opcode(query, other):
    return lambda r: (query if r.msg.opcode == 0 else other)(r)


def soa(r):
    """With a record in its answer section."""
    data = r.data[:2] + b"\x84\0\0\1\0\1\0\0\0\0"
    data += r.data[12:r.msg.zone[0].end]
    data += b"\xc0\x0c\0\6\0\1" + struct.pack(">IH", 60, 22)
    data += b"\0" * 22
    r.send(wire.sign(data, r.target.key, prior=r.mac))


def clock(offset):
    return lambda r: r.reply(NOTAUTH, error=wire.BADTIME,
                             time=r.msg.tsig.time,
                             other=(r.msg.tsig.time + offset)
                             .to_bytes(6, "big"))


VERDICTS = {
    "good": (soa, ok, "good: updates are accepted"),
    "key": (unsigned(NOTAUTH, wire.BADKEY),) * 2 + ("unknown key:",),
    "secret": (unsigned(NOTAUTH, wire.BADSIG),) * 2 + ("wrong secret:",),
    "clock-ahead": (clock(4000),) * 2 + (
        "clock off by (4000|3999) s: the target's clock is ahead of ours",),
    "clock-behind": (clock(-4000),) * 2 + (
        "clock off by (4000|4001) s: the target's clock is behind ours",),
    "zone": (odd(rcode=REFUSED), odd(rcode=NOTAUTH), "zone not served"),
    "refused": (soa, odd(rcode=REFUSED), "updates refused:"),
    "PowerDNS": (unsigned(NOTAUTH), unsigned(REFUSED),
                 "unknown key, wrong secret, or clock off"),
    "silence": (drop, drop, "no answer in time:"),
    "no-updates": (soa, drop, "queries are answered, updates are not:"),
    "truncated": (by_transport(odd(tc=1), soa), by_transport(odd(tc=1), ok),
                  "good:"),
}


@pytest.mark.parametrize("way", ["auto", "tcp"])
@pytest.mark.parametrize("row", VERDICTS)
def test_probe_verdict(start, targets, row, way):
    """Each message is sent once; a second one only after an answer."""
    query, update, words = VERDICTS[row]
    if row == "truncated" and way == "tcp":
        query, update = soa, ok
    one, = targets("one", default=by_opcode(query, update))
    daemon = start([dying(one, transport=way)], control_socket=True)
    said = daemon.ctl("probe", "one", wire.ZONE,
                      status=0 if words.startswith("good") else 1)
    assert re.match(words, said)
    sent = [r.transport for r in one.received]
    once = 1 if row == "silence" else 2
    assert len(sent) == (4 if row == "truncated" and way == "auto" else once)
    assert all(r.is_probe for r in one.received)


def test_probe_as_json(start, targets):
    one, = targets("one", default=by_opcode(soa, ok))
    daemon = start([dying(one)], control_socket=True)
    assert json.loads(daemon.ctl("--json", "probe", "one", "a.example")) == {
        "good": True, "verdict": "good: updates are accepted"}
    one.default = unsigned(REFUSED)
    found = json.loads(daemon.ctl("--json", "probe", "one", "a.example",
                                  status=1))
    assert not found["good"] and "unsigned" in found["verdict"]


def test_probe_of_what(start, targets):
    """Of the zone that the target is known for, if none is named."""
    one, two = targets("one", "two")
    daemon = start([one.config(zones=["example.test"]), two.config()],
                   control_socket=True)
    assert "no zone is known" in daemon.ctl("probe", "two", status=1)
    assert two.received == []
    daemon.ctl("probe", "one")
    assert wire.name("example.test") in one.received[-1].data
    with daemon.udp_client() as client:
        send(daemon, client, "add")
    daemon.ctl("probe", "two")
    assert wire.name(kinds.FORWARD) in two.received[-1].data
    for words in (["probe"], ["probe", "nobody"], ["probe", "one", "a..b"],
                  ["probe", "one", "a", "b"]):
        daemon.ctl(*words, status=3)


def test_probe_closes_the_breaker_and_never_opens_it(start, targets):
    one, two = targets("one", "two")
    daemon = start([one, dying(two, failures=1)], control_socket=True,
                   require_confirmation="any", client_deadline_ms=5000)
    two.reset(unsigned(REFUSED))
    for _ in range(3):
        daemon.ctl("probe", "two", "not.served", status=1)
    assert not lines(daemon, DOWN, "two")
    two.reset(drop)
    with daemon.udp_client() as client:
        bring_down(daemon, client, "two")
        two.reset(by_opcode(soa, lambda r: wire.name("by.order") in r.data
                            and ok(r)))
        assert "good" in daemon.ctl("probe", "two", "by.order")
        daemon.wait_log(UP.format("two"), PATIENCE)


def test_many_probes_at_a_time(start, targets):
    """One after the other, each with its own answer."""
    gate = fake.Gate()
    one, = targets("one", default=gate)
    daemon = start([dying(one, timeout_ms=5000)], control_socket=True)
    asked = [subprocess.Popen([mux.CTL, "-s", str(daemon.socket), "probe",
                               "one", f"z{i}.example"],
                              stdout=subprocess.PIPE) for i in range(3)]
    for _ in range(2 * len(asked)):
        request, = gate.wait()
        gate.open(by_opcode(soa, ok))
    assert [p.communicate(timeout=PATIENCE)[0] for p in asked] == [
        b"good: updates are accepted\n"] * 3
