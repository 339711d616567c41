# SPDX-License-Identifier: ISC
"""What the processes of a running ddns-mux can reach: identity, limits,
descriptors, and where their secrets are. tests/unit/test_sandbox.c tries
to get out."""
import base64
import collections
import os
import pathlib
import pwd
import re
import signal
import subprocess

import pytest

import mux
import wire
from answers import SIGNED, check
from client import PATIENCE
from daemon_help import assert_answers, is_running, needs_root, update, wait_for
from fake import Gate
from mux import Mux

pytestmark = needs_root  # the processes hide from everybody else

FEATURES = subprocess.run([mux.BINARY, "-V"], capture_output=True, text=True,
                          check=True).stdout
has_sandbox = pytest.mark.skipif("landlock" not in FEATURES,
                                 reason="built without the sandbox of Linux")


def status_of(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return {key: value.split() for key, _, value in
            (line.partition(":") for line in text.splitlines())}


def processes(daemon):
    return [daemon.pid, *daemon.workers()]


# Identity and limits


@has_sandbox
@pytest.mark.parametrize("user", ["nobody", ""])
def test_every_process_is_confined(start, targets, user):
    daemon = start(targets("one", "two", "three"), user=user, workers=2)
    workers = daemon.workers()
    daemon.wait_log("notice: sandbox: ")
    os.kill(workers[0], signal.SIGKILL)  # its successor is no different
    wait_for(lambda: len(set(daemon.workers()) - {workers[0]}) == 2,
             "no new worker")
    assert_answers(daemon.udp)
    for pid in processes(daemon):
        wait_for(lambda p=pid: is_confined(p, daemon), f"{pid} is at large")
        check_identity(pid, pwd.getpwnam(user or "root"))


def is_confined(pid, daemon):
    """What a new worker does one after the other."""
    status = status_of(pid)
    threads = 1 if pid == daemon.pid else 1 + len(daemon.targets)
    filters = "2" if "seccomp" in FEATURES else "0"
    return (status["Seccomp"], status["Threads"]) == ([filters],
                                                      [str(threads)])


def check_identity(pid, user):
    status = status_of(pid)
    assert status["Uid"] == [str(user.pw_uid)] * 4
    assert status["Gid"] == [str(user.pw_gid)] * 4
    for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[kind][0], 16) == 0, kind
    assert status["NoNewPrivs"] == ["1"]
    # Root's, whoever it runs as, if it can't be dumped and traced.
    assert os.stat(f"/proc/{pid}/maps").st_uid == 0


@has_sandbox
def test_workers_are_limited(start, targets):
    daemon = start(targets("one"))
    worker, = daemon.workers()
    limits = pathlib.Path(f"/proc/{worker}/limits").read_text()
    for name in ("file size", "core file size", "processes"):
        assert re.search(rf"Max {name}\s+0\s+0\s", limits), limits
    soft, hard = re.search(r"Max open files\s+(\d+)\s+(\d+)",
                           limits).groups()
    assert soft == hard and int(soft) < 300, limits


def test_log_to_a_file(targets, tmp_path):
    """A worker may write to no file but that one."""
    text = mux.config_text(targets("one"))
    conf = mux.write_secret(tmp_path / "ddns-mux.conf", text)
    log = tmp_path / "log"
    ready = re.compile(r"listening on udp (\S+):(\d+)\n(?s:.*)notice: ready")
    with open(log, "wb") as out, subprocess.Popen(
            [mux.BINARY, "-dv", "-f", str(conf)], stdin=subprocess.DEVNULL,
            stderr=out) as process:
        try:
            found = wait_for(lambda: ready.search(log.read_text()), "no start")
            assert_answers((found[1], int(found[2])))
            wait_for(lambda: "info: update" in log.read_text(), "no line")
        finally:
            process.terminate()
        assert process.wait(PATIENCE) == 0


# Ends


def test_killed_parent_lets_workers_finish(start, targets):
    """What is in hand is answered; then they end."""
    one, = targets("one")
    gate = Gate()
    one.reset(gate)
    daemon = start([one], client_deadline_ms=2000)
    workers = daemon.workers()
    with daemon.udp_client() as client:
        request = update()
        client.send(request)
        gate.wait(1)
        daemon.process.kill()
        daemon.process.wait(PATIENCE)
        gate.open()
        check(client.receive(), request, SIGNED())
    wait_for(lambda: not any(map(is_running, workers)), "workers live on")


@has_sandbox
def test_kill_by_the_filter_is_seen(start, targets):
    """As if it had called what it must not."""
    daemon = start(targets("one"))
    worker, = daemon.workers()
    os.kill(worker, signal.SIGSYS)
    daemon.wait_log("killed by signal 31: by the sandbox; please report")
    wait_for(lambda: daemon.workers() not in ([], [worker]), "no new one")
    assert_answers(daemon.udp)


# Descriptors


def sockets(pid):
    """By inode: transport, and the two ports."""
    found = {}
    for name in ("udp", "tcp", "udp6", "tcp6"):
        text = pathlib.Path(f"/proc/{pid}/net/{name}").read_text()
        for line in text.splitlines()[1:]:
            words = line.split()
            here, there = (int(words[i].rpartition(":")[2], 16)
                           for i in (1, 2))
            found[f"socket:[{words[9]}]"] = (name[:3], here, there)
    return found


def packet_sockets(pid):
    """Links of those of AF_UNIX that carry packets: workers' lines."""
    text = pathlib.Path(f"/proc/{pid}/net/unix").read_text()
    return {f"socket:[{words[6]}]" for words in
            map(str.split, text.splitlines()[1:]) if words[4] == "0005"}


def kinds_of_descriptors(daemon, pid):
    """Counts by kind; what is none of them stands for itself."""
    folder = pathlib.Path(f"/proc/{pid}/fd")
    links = {int(entry.name): os.readlink(entry)
             for entry in folder.iterdir()}
    known = {"/dev/null": "null", links[2]: "log"}
    if "-p" in daemon.options:
        known[daemon.options[-1]] = "lock file"
    known_sockets = sockets(pid)
    ours = {("udp", daemon.udp[1]), ("tcp", daemon.tcp[1])}
    theirs = {t.port for t in daemon.targets}
    packets = packet_sockets(pid)

    def kind(link):
        if link in packets:
            return "lines"
        if link in known:
            return known[link]
        if link.startswith("pipe:"):
            both = list(links.values()).count(link) == 2
            return "bell" if both else "pipe"
        transport, here, there = known_sockets.get(link, ("", 0, 0))
        if (transport, here) in ours:
            return f"{transport} client" if there else f"{transport} listener"
        return f"{transport} target" if there in theirs else link
    return collections.Counter(map(kind, links.values()))


def test_descriptors(start, targets, tmp_path):
    """Every one is known, and there are as many as there should be."""
    lock = str(tmp_path / "pid")
    daemon = start(targets("one", "two"), workers=2, user="nobody",
                   options=("-v", "-p", lock))
    for _ in range(20):
        assert_answers(daemon.udp)
    base = {"null": 2, "log": 1, "tcp listener": 1}
    assert kinds_of_descriptors(daemon, daemon.pid) == {
        **base, "lock file": 1, "bell": 2, "udp listener": 2, "pipe": 4,
        "lines": 2}
    for worker in daemon.workers():
        found = kinds_of_descriptors(daemon, worker)
        assert found.pop("udp target", 0) <= 4
        assert found == {**base, "udp listener": 1, "pipe": 2, "bell": 6,
                         "lines": 1}


# Secrets


class Secrets:
    """A configuration with a key in every place that may hold one."""

    def __init__(self, folder):
        self.folder = folder
        self.all = {name: os.urandom(45) for name in
                    ("first", "second", "bare", "clause", "target", "last")}

    def text(self, name):
        return base64.b64encode(self.all[name]).decode()

    def file(self, name, text):
        return str(mux.write_secret(self.folder / f"{name}.key", text))

    def key(self, name):
        return dict(name=f"{name}.example.", key=self.text(name))

    def key_file(self, name, text):
        return dict(name=f"{name}.example.", key_file=self.file(name, text))

    def keys(self):
        clause = (f'key "clause.example." {{ algorithm hmac-sha256; '
                  f'secret "{self.text("clause")}"; }};\n')
        return [wire.GOLDEN_KEY, self.key("first"), self.key("second"),
                self.key_file("bare", self.text("bare") + "\n"),
                self.key_file("clause", clause), self.key("last")]

    def pieces(self):
        """Of each: octets, and base64, that nothing else holds."""
        for name, secret in self.all.items():
            text = base64.b64encode(secret)
            for where in (slice(0, 16), slice(-16, None)):
                yield name, "octets", secret[where]
            for start in range(0, len(text), 20):
                yield name, "base64", text[start:start + 20]


def include_keys(daemon):
    """Moves the clients' keys into a file of their own."""
    text = daemon.file.read_text()
    line = next(l for l in text.splitlines() if "incoming_tsig" in l)
    mux.write_secret(daemon.folder / "keys.inc", line + "\n")
    mux.write_secret(daemon.file,
                     text.replace(line, '@include "keys.inc"'))


def writable_memory(pid):
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, \
            open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            words = line.split()
            if words[1].startswith("rw"):
                start, end = (int(w, 16) for w in words[0].split("-"))
                memory.seek(start)
                yield memory.read(end - start)


@has_sandbox  # a sanitizer's allocator keeps what was freed
def test_secrets_are_nowhere_else(stack, targets, tmp_path):
    """One copy of each, in the configuration; a worker has another one
    where it computes with it. None of what was read is left."""
    secrets = Secrets(tmp_path)
    one, = targets("one")
    two = dict(name="two", address="127.0.0.1:9", tsig=secrets.key("target"))
    daemon = Mux([one, two], keys=secrets.keys(), require_confirmation=1)
    include_keys(daemon)
    stack.enter_context(daemon)
    assert_answers(daemon.udp)
    for pid in processes(daemon):
        memory = list(writable_memory(pid))
        for name, form, piece in secrets.pieces():
            copies = sum(area.count(piece) for area in memory)
            most = 0 if form == "base64" else 1 + (pid != daemon.pid)
            assert copies <= most, f"{copies} of {name}, {form}, in {pid}"
            assert copies or form == "base64", f"where is {name}?"
