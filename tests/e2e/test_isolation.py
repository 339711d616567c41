# SPDX-License-Identifier: ISC
"""What dead targets cost: neither memory nor the others' time."""
import signal
import socket

import wire
from answers import SIGNED, check
from daemon_help import wait_for
from fake import Gate
from test_client_tsig import resident_kb
from wire import address, golden, sign

FLOOD = 21000
BATCH = 100


def test_su10_flood_with_dead_targets(start, stack):
    """Nobody reads what the targets get. Each has its limit, what is more
    is counted, and memory does not grow."""
    dead = []
    for label in "ab":
        sock = stack.enter_context(
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        sock.bind(("127.0.0.1", 0))
        dead.append(dict(name=label, timeout_ms=1000, breaker_failures=0,
                         tsig=wire.Key(f"{label}.", b"s" * 32).config(),
                         address="{}:{}".format(*sock.getsockname())))
    daemon = start(dead, options=(), replay_cache=1024)
    worker, = daemon.workers()
    memory, full = [], []
    with daemon.udp_client() as client:
        for sent in range(0, FLOOD, BATCH):
            for i in range(BATCH):
                client.send(sign(golden(ident=(sent + i) & 0xffff, updates=[
                    address(f"h{sent + i}.{wire.ZONE}")])))
            assert client.pending() == [], "an answer without a target"
            if sent % (FLOOD // 3) == 0:
                memory.append(resident_kb(worker))
                wait_for(lambda: count(daemon, "accepted") > sent,
                         "no statistics")
                full.append(count(daemon, "busy", " of target a"))
    memory.append(resident_kb(worker))
    assert daemon.workers() == [worker]
    assert memory[-1] - memory[1] < 512, f"memory grows: {memory}"
    assert sorted(set(full)) == full and full[-1] > FLOOD / 2, full
    lines = [line for line in daemon.log.lines if "warning" in line]
    assert any("target b" in line and "too many updates wait for it" in line
               for line in lines)
    assert len(lines) < 100


def count(daemon, name, whose=""):
    """A counter as the parent knows it now; without a line it is 0. The
    second "statistics:" says that all of the first are there."""
    begin = daemon.mark()
    for _ in range(2):
        mark = daemon.mark()
        daemon.process.send_signal(signal.SIGUSR1)
        daemon.wait_log("notice: statistics:", start=mark)
    found = daemon.log.find(rf"statistics{whose}:.* {name}=(\d+)", begin)
    return int(found[1]) if found else 0


def test_su13_dead_target_delays_nobody(start, targets):
    """Of three, two are enough: with every update, and with more of them
    than can be in hand, the answer is there while the dead one is open."""
    dead, *others = targets("dead", "b", "c")
    gate = Gate()
    dead.reset(gate)
    daemon = start([dead.config(timeout_ms=30000)] + others,
                   require_confirmation=2, updates_in_hand=64,
                   client_deadline_ms=5000)
    with daemon.udp_client() as client:
        for i in range(400):
            request = sign(golden(updates=[address(f"h{i}.{wire.ZONE}")]))
            check(client.ask(request), request, SIGNED())
            if i == 0:
                gate.wait()
    for other in others:
        assert len({r.owner for r in other.received}) == 400
    assert len(gate.held) <= 64
    assert not daemon.log.find(r"dead=NOERROR")
    gate.open()  # nothing is left to wait for at the end
