# SPDX-License-Identifier: ISC
"""The fault matrix, rows T: what becomes of targets, as far as it is not a
case of the conformance matrix. Those that other files show are in
faults.txt."""
import contextlib
import re
import time

import pytest

import fake
import mux
import wire
from answers import SIGNED, check
from daemon_help import update
from fake import FakeTarget, Gate, both, odd, ok, rcode
from mux import Mux
from target_help import FAILED, careful
from wire import (BADTIME, NOERROR, NOTAUTH, NOTZONE, NXDOMAIN, NXRRSET,
                  REFUSED, SERVFAIL, YXDOMAIN, YXRRSET)


def counters(daemon, target):
    """Ends it, and returns what it has counted of the target."""
    daemon.stop()
    line = daemon.log.find(f"statistics of target {target}: (.*)")[1]
    return {name: int(value)
            for name, value in re.findall(r"(\w+)=(\d+)", line)}


# What is no verdict, by the counter that has it.
NO_VERDICT = {
    "fault_T05": {"short": [fake.octets(bytes(n)) for n in (0, 1, 11)],
                  "unknown_id": [fake.octets(b"garbage" * 73)]},
    "fault_T06": {"unknown_id": [lambda r: r.reply(ident=r.msg.ident ^ 1)],
                  "not_response": [odd(qr=0)],
                  "wrong_opcode": [odd(opcode=0)],
                  "wrong_zone": [odd(zone=[wire.question("other.test")])]},
    "fault_T07": {"unsigned": [odd(rcode=code, signed=False)
                               for code in range(1, 11)]},
    "fault_T08": {"wrong_key": [odd(key=fake.FOREIGN_KEY)],
                  "wrong_mac": [odd(mac=lambda mac: wire.flip(mac, 5)),
                                odd(prior=None), odd(prior=bytes(32)),
                                lambda r: r.reply(mac=lambda _: r.mac)],
                  "answer_time": [odd(time=int(time.time()) - 1000)]},
}
ENDS = {"answer_time"}  # authentic: nothing better will come


@pytest.mark.parametrize("row", NO_VERDICT)
def test_counted_by_kind(start, targets, row):
    """And none of them is taken for what the target has decided."""
    one, = targets("one")
    daemon = start([one], unconfirmed="servfail", client_deadline_ms=4000)
    with daemon.udp_client() as client:
        for kind, behaviours in NO_VERDICT[row].items():
            for behaviour in behaviours:
                one.reset(behaviour if kind in ENDS else
                          both(behaviour, ok))
                request = careful()
                check(client.ask(request), request,
                      FAILED if kind in ENDS else SIGNED())
    counted = counters(daemon, "one")
    for kind, behaviours in NO_VERDICT[row].items():
        assert counted[kind] == len(behaviours), kind


@pytest.mark.parametrize("code", range(1, 11))
def test_fault_t07_log_names_the_likely_cause(start, targets, code):
    one, = targets("one", default=odd(rcode=code, signed=False))
    daemon = start([one.config(timeout_ms=300)], unconfirmed="servfail",
                   client_deadline_ms=2000)
    with daemon.udp_client() as client:
        request = careful()
        check(client.ask(request), request, FAILED)
    name = daemon.wait_log(r"target one \S+: (\w+): unsigned answer: check "
                           "key name, secret, clock, ACL and zone")[1]
    assert getattr(wire, name, code) == code


def test_fault_t09_badtime(start, targets):
    """Failed, with both clocks in one line; no storm of repetitions."""
    behind = 5000

    def bad_time(r):
        r.reply(NOTAUTH, error=BADTIME, time=r.msg.tsig.time,
                other=(int(time.time()) - behind).to_bytes(6, "big"))
    one, = targets("one", default=bad_time)
    daemon = start([one], unconfirmed="servfail", client_deadline_ms=2000)
    with daemon.udp_client() as client:
        for _ in range(20):
            request = update()
            check(client.ask(request), request, FAILED)
    assert len(one.received) == 20
    theirs, ours = daemon.wait_log(
        r"target one .*: its clock (\d+), ours (\d+): clocks differ: target "
        "says BADTIME").groups()
    assert abs(int(ours) - int(theirs) - behind) <= 2
    assert sum("clocks differ" in line for line in daemon.log.lines) == 1


def test_fault_t16_target_limits_connections(start, targets, stack):
    """It closes all but one: workers that have none try once for each
    update, and whoever has it keeps it."""
    one, = targets("one")

    def only_the_first(r):
        if r.conn is r.target.connections[0]:
            r.reply()
        else:
            r.close()
    one.reset(only_the_first)
    daemon = start([one.config(transport="tcp")], workers=4,
                   unconfirmed="servfail", client_deadline_ms=4000)
    answered = []
    for _ in range(40):
        client = stack.enter_context(daemon.udp_client())
        request = careful()
        answer = client.ask(request)
        check(answer, request, (SIGNED(), FAILED))
        answered.append(wire.parse(answer).rcode)
    assert NOERROR in answered and SERVFAIL in answered
    assert one.accepted <= 1 + answered.count(SERVFAIL)


def test_fault_t16_one_connection_for_each_worker(start, targets):
    """However much is in flight, and in all workers."""
    gate = Gate()
    one, = targets("one", default=gate)
    daemon = start([one.config(transport="tcp", timeout_ms=8000)],
                   workers=4, client_deadline_ms=8000)
    clients = [daemon.udp_client() for _ in range(24)]
    for client in clients:
        client.send(careful())
    held = gate.wait(24)
    assert len({id(r.conn) for r in held}) == len(one.connections) <= 4
    one.default = ok
    gate.open()
    for client in clients:
        assert wire.parse(client.receive()).rcode == NOERROR
        client.sock.close()


STRATEGIES = {"all": "all", "any": "any", "two": 2}
# Of the update; of the targets; of the answer under "all", "any" and 2.
N, V = NOERROR, SERVFAIL
VOTES = {
    "T17-one": ([V, N, N], [V, N, N]),
    "T17-two": ([V, V, N], [V, N, V]),
    "T17-all": ([V, V, V], [V, V, V]),
    **{f"T18-one-{code}": ([code, N, N], [V, N, N])
       for code in (REFUSED, NOTAUTH, NOTZONE)},
    **{f"T18-all-{code}": ([code] * 3, [code] * 3)
       for code in (REFUSED, NOTAUTH, NOTZONE)},
    "T18-several": ([REFUSED, NOTAUTH, NOTZONE], [V, V, V]),
    **{f"T19-{code}": ([code] * 3, [code] * 3)
       for code in (YXDOMAIN, YXRRSET, NXRRSET, NXDOMAIN)},
    "T20-first": ([YXRRSET, N, N], [YXRRSET] * 3),
    "T20-last": ([N, N, NXRRSET], [NXRRSET] * 3),
}


@pytest.fixture(scope="module", name="worlds")
def fixture_worlds():
    """Three targets each, of which a strategy needs so many."""
    with contextlib.ExitStack() as stack:
        def make(strategy):
            targets = [stack.enter_context(FakeTarget(label))
                       for label in "abc"]
            return targets, stack.enter_context(Mux(
                targets, unconfirmed="servfail", client_deadline_ms=4000,
                require_confirmation=strategy))
        yield {name: make(value) for name, value in STRATEGIES.items()}


@pytest.mark.parametrize("row", [f"fault_{row}" for row in VOTES])
def test_votes(worlds, row):
    """What all say is said to the client; what keeps a strategy from its
    number is SERVFAIL, for which the client asks again; a prerequisite that
    fails anywhere is what it hears."""
    votes, wanted = VOTES[row.removeprefix("fault_")]
    for (targets, daemon), want in zip(worlds.values(), wanted):
        gates = []
        for target, vote in zip(targets, votes):
            gates.append(Gate())
            target.reset(gates[-1])
        request = careful()
        with daemon.udp_client() as client:
            client.send(request)
            for gate in gates:
                gate.wait()
            # The odd ones first: nothing is decided by who is quickest.
            for gate, vote in sorted(zip(gates, votes),
                                     key=lambda pair: pair[1] == NOERROR):
                gate.open(rcode(vote))
            check(client.receive(), request, SIGNED(want))


def test_fault_t27_names_are_no_addresses(targets, tmp_path):
    """Nothing is resolved, so nothing changes but by a reload."""
    one, = targets("one")
    file = mux.write_secret(tmp_path / "conf", mux.config_text(
        [one.config(address="localhost:53")]))
    done = mux.run("-n", "-f", str(file))
    assert done.returncode == 1 and "localhost" in done.stderr
