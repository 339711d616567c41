# SPDX-License-Identifier: ISC
"""The parent looks after its workers, and tells a service manager; rows R
of the fault matrix that test_processes.py and test_reload.py do not have."""
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

import pytest

import fake
import mux
import wire
from client import PATIENCE
from daemon_help import (assert_answers, is_running, needs_root, update,
                         wait_for)
from mux import run

# Two seconds are enough for what is told "at once".
AT_ONCE = 2.0


def test_fault_r04_hung_worker_is_replaced(start, targets):
    """Nothing is heard of it for 10 s; the other one serves on."""
    daemon = start(targets("one"), workers=2)
    hung, other = daemon.workers()
    os.kill(hung, signal.SIGSTOP)
    daemon.wait_log(rf"worker 0, pid {hung}, hangs: killed", 20)
    wait_for(lambda: len(set(daemon.workers()) - {hung}) == 2, "no new one")
    assert other in daemon.workers()
    for _ in range(20):
        assert_answers(daemon.udp)


def test_fault_r04_parent_that_slept_kills_nobody(start, targets):
    """What workers sent meanwhile is read first."""
    daemon = start(targets("one"), workers=2)
    workers = daemon.workers()
    os.kill(daemon.pid, signal.SIGSTOP)
    time.sleep(11)  # longer than a worker may be silent
    os.kill(daemon.pid, signal.SIGCONT)
    assert_answers(daemon.udp)
    time.sleep(0.3)  # long enough for a hasty parent
    assert daemon.workers() == workers


def test_fault_r05_parent_killed(start, targets):
    """Workers end, and all is free for the next start."""
    one, = targets("one")
    first = start([one], workers=2, control_socket=True)
    workers, (host, port) = first.workers(), first.udp
    first.process.kill()
    first.process.wait(PATIENCE)
    begun = time.monotonic()
    wait_for(lambda: not any(map(is_running, workers)), "they live on")
    assert time.monotonic() - begun < AT_ONCE
    second = start([one], workers=2, listen_udp=f"{host}:{port}",
                   control_socket=str(first.socket))
    assert_answers(second.udp)


@needs_root
def test_fault_r05_hung_worker_ends_with_its_parent(start, targets):
    """One that is stopped can't see the end of its pipe."""
    daemon = start(targets("one"))
    worker, = daemon.workers()
    os.kill(worker, signal.SIGSTOP)
    daemon.process.kill()
    daemon.process.wait(PATIENCE)
    os.kill(worker, signal.SIGCONT)
    wait_for(lambda: not is_running(worker), "it lives on")


def test_fault_r11_many_starts_leave_nothing(targets, tmp_path):
    """No lock, no socket, no shared memory, no process."""
    one, = targets("one")
    file = mux.write_secret(tmp_path / "ddns-mux.conf", mux.config_text(
        [one], control_socket=str(tmp_path / "control.sock")))
    pid_file = tmp_path / "pid"
    before = set(os.listdir("/dev/shm"))
    for _ in range(int(os.environ.get("DDNS_MUX_STARTS", "20"))):
        assert run("-f", str(file), "-p", str(pid_file)).returncode == 0
        pid = int(pid_file.read_text())
        os.kill(pid, signal.SIGTERM)
        wait_for(lambda: not is_running(pid), "it lives on")
    assert sorted(os.listdir(tmp_path)) == ["ddns-mux.conf"]
    assert set(os.listdir("/dev/shm")) == before


def test_generations_number_updates(start, targets):
    """An id is one update's for as long as the daemon runs."""
    daemon = start(targets("one"), workers=1)
    for _ in range(2):
        assert_answers(daemon.udp)
        mark = daemon.mark()
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_log("notice: ready", start=mark)
    ids = re.findall(r"update id=(\S+)", "\n".join(daemon.log.lines))
    assert ids == ["1.0.1", "2.0.1"]


def test_id_ties_the_lines_of_an_update(start, targets):
    """What a target is blamed for names the update."""
    one, = targets("one", default=fake.rcode(wire.REFUSED))
    daemon = start([one], workers=1)
    with daemon.udp_client() as client:
        client.ask(update())
    line = daemon.wait_log(r"update id=(\S+) client=")
    blame = daemon.wait_log(r"target one .*answers REFUSED.*"
                            r"\(update id=(\S+)\)")
    assert blame[1] == line[1] == "1.0.1"


# What a service manager hears


class Manager:
    """The other end of NOTIFY_SOCKET."""

    def __init__(self, path):
        self.path = str(path)
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(self.path.replace("@", "\0"))
        self.sock.settimeout(PATIENCE)

    def next(self):
        """What is said of its state: test_handover.py has the rest."""
        while True:
            lines = self.sock.recv(4096).decode().split("\n")
            said = dict(line.split("=", 1) for line in lines)
            if not said.keys() & {"FDSTORE", "FDSTOREREMOVE"}:
                return said

    def wait(self, variable, value="1"):
        """Until it is said; what was said before."""
        before = []
        while (said := self.next()).get(variable) != value:
            before.append(said)
        return said, before


@pytest.fixture(params=["path", "abstract"])
def manager(request, tmp_path):
    name = ("@ddns-mux-test-%d" % os.getpid() if request.param == "abstract"
            else tmp_path / "notify")
    made = Manager(name)
    yield made
    made.sock.close()


def environment(manager, **more):
    return dict(env=dict(os.environ, NOTIFY_SOCKET=manager.path, **more))


def test_notify(start, targets, manager):
    daemon = start(targets("one"), workers=2, popen=environment(manager))
    said = manager.next()
    assert said["READY"] == "1"
    assert said["STATUS"] == "serving, generation 1, 2 workers"
    assert_answers(daemon.udp)
    daemon.process.send_signal(signal.SIGHUP)
    said = manager.next()
    assert said["RELOADING"] == "1"
    assert 0 <= time.monotonic() - int(said["MONOTONIC_USEC"]) / 1e6 < 5
    said = manager.next()
    assert said["READY"] == "1" and "generation 2" in said["STATUS"]
    daemon.file.write_text("nonsense = 1;")
    daemon.process.send_signal(signal.SIGHUP)
    assert manager.next()["RELOADING"] == "1"
    said = manager.next()
    assert said["READY"] == "1" and "failed" in said["STATUS"]
    daemon.stop()
    assert manager.next() == {"STOPPING": "1"}


def test_notify_ready_after_all_workers(start, targets, manager):
    """Who hears READY can send to every worker."""
    daemon = start(targets("one"), workers=4, popen=environment(manager))
    manager.wait("READY")
    assert len(daemon.workers()) == 4


def test_watchdog(start, targets, manager):
    daemon = start(targets("one"), popen=environment(
        manager, WATCHDOG_USEC="200000"))
    for _ in range(5):
        manager.wait("WATCHDOG")
    os.kill(daemon.pid, signal.SIGSTOP)
    try:
        manager.sock.settimeout(1)
        with pytest.raises(TimeoutError):
            while True:
                manager.next()
    finally:
        os.kill(daemon.pid, signal.SIGCONT)


def test_notify_is_for_the_parent_alone(start, targets, manager):
    """Nothing of it is in the environment of workers, or open there."""
    daemon = start(targets("one"), popen=environment(manager))
    if os.geteuid() != 0:
        pytest.skip("needs root")
    for pid in daemon.workers():
        links = [os.readlink(e)
                 for e in pathlib.Path(f"/proc/{pid}/fd").iterdir()]
        sockets = [link for link in links if link.startswith("socket:")]
        # Listeners, the line channel, and what the target has open.
        assert len(sockets) <= 4


def test_bad_notify_socket_is_no_obstacle(start, targets):
    daemon = start(targets("one"), popen=dict(
        env=dict(os.environ, NOTIFY_SOCKET="/nonexistent/notify")))
    daemon.wait_log("cannot reach NOTIFY_SOCKET")
    assert_answers(daemon.udp)


# How lines look


def test_timestamps_are_a_choice(start, targets):
    one, = targets("one")
    with_stamps = start([one])
    assert re.match(r"\d{4}-\d\d-\d\dT", with_stamps.log.lines[0])
    without = start([one], log_timestamps=False)
    assert without.log.lines[0].startswith("ddns-mux: parent: notice: ")


def test_no_timestamps_in_the_journal(targets, tmp_path):
    """JOURNAL_STREAM names the device and the inode of standard error."""
    one, = targets("one")
    file = mux.write_secret(tmp_path / "c", mux.config_text([one]))
    log = tmp_path / "log"
    with open(log, "wb") as out:
        st = os.fstat(out.fileno())
        process = subprocess.Popen(
            [mux.BINARY, "-d", "-f", str(file)], stderr=out,
            env=dict(os.environ, JOURNAL_STREAM=f"{st.st_dev}:{st.st_ino}"))
        wait_for(lambda: "ready" in log.read_text(), "not ready")
        process.terminate()
        assert process.wait(PATIENCE) == 0
    assert log.read_text().startswith("ddns-mux: parent: notice: ")

