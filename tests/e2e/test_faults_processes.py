# SPDX-License-Identifier: ISC
"""The fault matrix, rows R: what becomes of our own processes. Those that
other files show are in faults.txt."""
import os
import re
import resource
import signal
import subprocess
import sys
import threading
import time

from answers import SIGNED, check
from client import PATIENCE, Udp
from daemon_help import assert_answers, is_running, update, wait_for
from fake import Gate, after, ok
from shim import fixture_library, fixture_shim  # noqa: F401
from target_help import careful
from test_stats import KEY, Stats
from wire import golden, parse, rr, sign

SOURCES = 24  # of which each of two workers hears some


def updates_in_hand(stack, daemon, gate, count):
    """[(client, request), ...], all of them with the target."""
    found = [(stack.enter_context(daemon.udp_client()), careful())
             for _ in range(count)]
    for client, request in found:
        client.send(request)
    gate.wait(count)
    return found


def open_now(target, gate):
    """Returns once all that were held are answered."""
    is_done = threading.Event()
    target.default = ok
    gate.open()
    target.post(is_done.set)
    assert is_done.wait(PATIENCE)


def test_fault_r01_worker_killed_with_updates_in_hand(start, targets, stack):
    """Its clients hear nothing, and are answered when they ask again; the
    other worker's are answered."""
    one, = targets("one")
    gate = Gate()
    one.reset(gate)
    daemon = start([one.config(timeout_ms=9000)], workers=2,
                   client_deadline_ms=9000)
    asked = updates_in_hand(stack, daemon, gate, SOURCES)
    killed, other = daemon.workers()
    os.kill(killed, signal.SIGKILL)
    daemon.wait_log(rf"worker 0, pid {killed}, was killed by signal 9")
    daemon.wait_log("worker 0 is started again in 100 ms")
    open_now(one, gate)
    unanswered = 0
    for client, request in asked:
        again = careful()
        client.send(again)
        answer = client.receive()
        if answer[:2] == request[:2]:
            check(answer, request, SIGNED())
            answer = client.receive()
        else:
            unanswered += 1
        check(answer, again, SIGNED())
    assert 0 < unanswered < SOURCES
    assert other in daemon.workers()


def test_fault_r02_all_workers_killed_again_and_again(start, targets, stack):
    """The sockets stay: what comes meanwhile is for the next workers. The
    wait gets longer each time."""
    one, = targets("one")
    daemon = start([one.config(timeout_ms=9000)], workers=2,
                   client_deadline_ms=9000)
    for delay in (100, 200, 400):
        gate, mark = Gate(), daemon.mark()
        one.reset(gate)
        updates_in_hand(stack, daemon, gate, 8)
        workers = wait_for(lambda: len(daemon.workers()) == 2
                           and daemon.workers(), "not two workers")
        for worker in workers:
            os.kill(worker, signal.SIGKILL)
        asked = [(stack.enter_context(daemon.udp_client()), careful())
                 for _ in range(8)]
        one.default = ok
        for client, request in asked:
            client.send(request)
        for client, request in asked:
            check(client.receive(), request, SIGNED())
        for number in range(2):
            daemon.wait_log(
                f"worker {number} is started again in {delay} ms", start=mark)


class Attacker(threading.Thread):
    """Sends one and the same message, for ever."""

    def __init__(self, server, octets, source):
        super().__init__(daemon=True)
        self.server, self.octets, self.source = server, octets, source
        self.is_over = threading.Event()

    def run(self):
        with Udp(self.server, source=self.source) as client:
            while not self.is_over.wait(0.005):
                client.send(self.octets)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exc):
        self.is_over.set()
        self.join(PATIENCE)


def serve_some(server, count):
    """How many of so many updates are answered."""
    answered = 0
    for _ in range(count):
        request = update()
        with Udp(server) as client:
            answer = client.ask(request, 2)
        if answer is not None:
            check(answer, request, SIGNED())
            answered += 1
    return answered


def crashes(daemon, mark):
    return sum("was killed by signal 6" in line
               for line in daemon.log.lines[mark:])


def test_fault_r03_message_that_workers_die_of(start, targets, shim, tmp_path):
    """Its host is not heard for 90 s, all others are; so is that host when
    they are over."""
    deadly = b"\x06deadly\x04host"
    shim.die_of(deadly)
    stats = Stats(tmp_path)
    daemon = start(targets("one"), workers=2, popen=shim.popen,
                   **stats.settings)
    request = sign(golden(updates=[rr("deadly.host.example.test", 1)]),
                   mac=lambda mac: bytes(len(mac)))
    assert deadly in request
    with Attacker(daemon.udp, request, "127.0.0.66"):
        for _ in range(2):
            mark = daemon.mark()
            daemon.wait_log(r"worker \d was at a message of 127.0.0.66:\d+/"
                            "udp: that host is not heard for 90 s",
                            start=mark)
            assert serve_some(daemon.udp, 60) >= 30
            daemon.wait_log("a worker crashed at a message of this host: "
                            "dropped for a while", start=mark)
            # One for each worker, and what it had heard by then.
            assert crashes(daemon, mark) <= 4
            shim.mono_s += 91
    for delay in re.findall(r"started again in (\d+) ms",
                            "\n".join(daemon.log.lines)):
        assert int(delay) >= 100
    assert not daemon.log.find("hangs")
    daemon.stop()
    # No key is to blame for what was dropped, whoever was heard before.
    counters = stats.read().plain(key=KEY)
    assert stats.get("drop_penalty_total") > 0
    assert counters["key_accepted"] > 0 and "key_refused" not in counters


def test_fault_r07_stop_under_load(start, targets, stack):
    """What a target was given is answered."""
    one, = targets("one", default=after(0.05, ok))
    daemon = start([one], workers=2)
    clients = [stack.enter_context(daemon.udp_client()) for _ in range(10)]
    asked = {}
    for number in range(200):
        request = update(f"n{number}")
        asked[request[:2]] = f"n{number}"
        clients[number % 10].send(request)
    one.wait(40)
    begun = time.monotonic()
    daemon.stop()
    assert time.monotonic() - begun < 8
    answered = set()
    for client in clients:
        while (data := client.receive(0)) is not None:
            assert parse(data).rcode == 0
            answered.add(asked[data[:2]])
    given = {r.owner for r in one.received}
    assert len(given) >= 40 and given <= answered


def no_limit():
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)


def test_fault_r10_abort_leaves_no_core(start, targets, tmp_path):
    """Though whoever started it would have them."""
    os.chmod(tmp_path, 0o777)
    how = dict(cwd=tmp_path, preexec_fn=no_limit)
    subprocess.run([sys.executable, "-c", "import os; os.abort()"],
                   check=False, **how)
    left = set(os.listdir(tmp_path))  # this one's, if the system makes any
    daemon = start(targets("one"), popen=how)
    worker, = daemon.workers()
    os.kill(worker, signal.SIGABRT)
    daemon.wait_log(f"pid {worker}, was killed by signal 6")
    new, = wait_for(daemon.workers, "no new worker")
    daemon.process.send_signal(signal.SIGABRT)
    assert daemon.process.wait(PATIENCE) == -signal.SIGABRT
    wait_for(lambda: not is_running(new), "it lives on")
    assert set(os.listdir(tmp_path)) == left


RUBBISH = [b"\0", b"\x2ahello", bytes(3000)]  # short, unknown kind, long


def test_fault_r12_lines_that_are_rubbish(start, targets, shim):
    """Whoever sends them is killed and replaced; nobody else is."""
    daemon = start(targets("one"), workers=4, popen=shim.popen)
    for octets in RUBBISH:
        mark = daemon.mark()
        shim.send_line(octets)
        index = daemon.wait_log(r"worker (\d) sends rubbish: killed",
                                start=mark)[1]
        daemon.wait_log(rf"worker {index}, pid \d+, was killed by signal 9",
                        start=mark)
        assert_answers(daemon.udp)
    wait_for(lambda: len(daemon.workers()) == 4, "not four workers", 20)
    killed = sum("was killed by" in line for line in daemon.log.lines)
    assert killed == len(RUBBISH)


def test_fault_r12_lines_of_a_worker_are_text(start, targets, shim):
    """What would be more to a terminal is not."""
    daemon = start(targets("one"), popen=shim.popen)
    shim.send_line(b"\0red \x1b[31m\nddns-mux: parent: \xff")
    daemon.wait_log(r"error: red \?\[31m\?ddns-mux: parent: \?$")
    assert not daemon.log.find("killed")
