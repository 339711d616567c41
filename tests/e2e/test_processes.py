# SPDX-License-Identifier: ISC
"""Signals, worker processes, privileges and secrets of a running
ddns-mux."""
import base64
import os
import pathlib
import pwd
import random
import re
import signal
import subprocess
import time

import pytest

import fake
import wire
from answers import SIGNED, check
from client import PATIENCE, Tcp
from daemon_help import (assert_answers, is_running, needs_root, update,
                         wait_for, wait_for_counters)
from fake import FakeTarget, Gate
from mux import BINARY, ROOT, Mux
from wire import golden, sign


# Signals


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_fault_r07_stop_finishes_what_is_in_flight(start, targets, how):
    one, = targets("one")
    gate = Gate()
    one.reset(gate)
    daemon = start([one], client_deadline_ms=3000)
    with daemon.udp_client() as udp, daemon.tcp_client() as tcp:
        by_udp, by_tcp = update("a"), update("b")
        udp.send(by_udp)
        tcp.send(by_tcp)
        gate.wait(2)
        daemon.process.send_signal(how)
        daemon.wait_log("(?i)stop|drain|terminat|shut|signal")
        gate.open()
        check(udp.receive(), by_udp, SIGNED())
        check(tcp.receive(), by_tcp, SIGNED())
    assert daemon.process.wait(PATIENCE) == 0


def test_fault_r07_stop_is_bounded(start, targets):
    """A target that never answers does not keep the daemon."""
    one, = targets("one", default=fake.drop)
    daemon = start([one])
    with daemon.udp_client() as client:
        client.send(update())
        one.wait()
        begun = time.monotonic()
        daemon.stop()
        assert time.monotonic() - begun < 8


def test_stop_when_idle_is_quick(start, targets):
    daemon = start(targets("one"), workers=2)
    begun = time.monotonic()
    with daemon.tcp_client():  # an idle client does not hold it
        daemon.stop()
    assert time.monotonic() - begun < 2


def test_sigusr1_logs_counters(start, targets):
    daemon = start(targets("one"))
    assert_answers(daemon.udp)

    wait_for_counters(daemon, lambda c: c["accepted"] == 1)


def body_of(function, text):
    return re.search(rf"^{function}\(.*?\)\n{{(.*?)^}}", text,
                     re.DOTALL | re.MULTILINE)[1]


def test_sp1_handlers_do_nothing_but_write():
    """Nothing else sets a handler, and those there are call nothing that a
    handler may not."""
    setters = r"\b(signal|sigaction|sigset|sigvec|bsd_signal)\s*\("
    files = {path: path.read_text() for path in ROOT.glob("src/*/*.[ch]")}
    assert len(files) > 50
    who = [path for path, text in files.items() if re.search(setters, text)]
    assert [path.name for path in who] == ["signals.c"]
    text = files[who[0]]
    handlers = set(re.findall(r"set_handler\([^,()]*(?:\[.\])?, (\w+), ",
                              text))
    assert handlers - {"handler"} == {"note", "orphaned", "SIG_IGN"}
    for handler, allowed in (("note", {"write"}), ("orphaned", {"alarm"})):
        called = set(re.findall(r"(\w+)\s*\(", body_of(handler, text)))
        assert called - {"for", "if", "void"} == allowed
    assert re.search(r"static volatile sig_atomic_t has_come", text)


def test_sp1_storm_of_signals(start, targets):
    """None is lost, and none makes a process end that should not."""
    daemon = start(targets("one"), workers=2)
    workers = daemon.workers()
    storm = [signal.SIGUSR1, signal.SIGHUP, signal.SIGCHLD, signal.SIGPIPE]
    for i in range(25000):
        for signo in storm:
            if signo != signal.SIGHUP:  # it replaces workers: test_reload
                os.kill(daemon.pid, signo)
        for worker in workers:
            os.kill(worker, storm[i % len(storm)])
        if i % 5000 == 0:
            assert_answers(daemon.udp)
    assert daemon.workers() == workers
    os.kill(workers[0], signal.SIGKILL)
    wait_for(lambda: len(set(daemon.workers()) - {workers[0]}) == 2,
             "no new worker")
    assert_answers(daemon.udp)
    assert len(daemon.log.lines) < 100000


# Processes


def test_killed_worker_is_replaced(start, targets):
    daemon = start(targets("one"), workers=2)
    old = daemon.workers()
    os.kill(old[0], signal.SIGKILL)
    wait_for(lambda: len(set(daemon.workers()) - {old[0]}) == 2,
             "no new worker")
    daemon.wait_log("worker 0.* killed by signal 9")
    for _ in range(30):  # both workers get some
        assert_answers(daemon.udp)
    assert_answers(daemon.tcp, Tcp)
    assert old[1] in daemon.workers(), "the other one was not disturbed"


def test_sf6_all_workers_killed_again_and_again(start, targets):
    """Each restart waits longer, and none is forgotten."""
    daemon = start(targets("one"))
    waits = []
    for _ in range(4):
        worker, = wait_for(daemon.workers, "no worker", 10)
        assert_answers(daemon.udp)
        os.kill(worker, signal.SIGKILL)
        begun = time.monotonic()
        wait_for(lambda: daemon.workers() not in ([], [worker]),
                 "no new worker", 10)
        waits.append(time.monotonic() - begun)
    assert waits[0] < 0.6
    assert 0.5 < waits[3] < 2.5, f"no back-off: {waits}"


def test_datagrams_wait_for_the_next_worker(start, targets):
    """The parent keeps the sockets: the queue is the successor's."""
    daemon = start(targets("one"))
    worker, = daemon.workers()
    os.kill(worker, signal.SIGSTOP)
    request = update()
    with daemon.udp_client() as client:
        client.send(request)
        os.kill(worker, signal.SIGKILL)
        check(client.receive(), request, SIGNED())


def test_workers_end_with_the_parent(start, targets):
    daemon = start(targets("one"), workers=2)
    workers = daemon.workers()
    daemon.process.kill()
    daemon.process.wait(PATIENCE)
    wait_for(lambda: not any(map(is_running, workers)), "workers live on")


def ends_of(pid, flag):
    """Its descriptors of pipes that are open so: {inode: path}."""
    found = {}
    for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        info = pathlib.Path(f"/proc/{pid}/fdinfo/{entry.name}").read_text()
        flags = int(re.search(r"flags:\s*(\d+)", info)[1], 8)
        link = os.readlink(entry)
        if link.startswith("pipe:") and flags & os.O_ACCMODE == flag:
            found[link] = entry
    return found


def say_for(daemon, worker, octets):
    """Into the pipe by which this worker speaks to its parent."""
    heard = ends_of(daemon.pid, os.O_RDONLY)
    path, = (path for link, path in ends_of(worker, os.O_WRONLY).items()
             if link in heard)
    pipe = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    try:
        os.write(pipe, octets)
    finally:
        os.close(pipe)


@needs_root
@pytest.mark.parametrize("octets", [
    random.Random(1).randbytes(512), random.Random(2).randbytes(1 << 14),
    b"x", b"%s%n" * 128, bytes(512), b"\xff" * 512,
], ids=["random", "much", "short", "format", "zero", "ones"])
def test_sp5_fault_r12_worker_that_sends_rubbish(start, targets, octets):
    """It is killed and replaced; the parent and the others live on."""
    daemon = start(targets("one"), workers=2)
    bad, good = daemon.workers()
    say_for(daemon, bad, octets)
    wait_for(lambda: len(set(daemon.workers()) - {bad}) == 2,
             "no new worker")
    assert good in daemon.workers()
    daemon.wait_log(r"worker 0 sends rubbish: killed")
    assert_answers(daemon.udp)


SANITIZERS = {"libasan", "libubsan", "libtsan"}
DIRECT = {"libcrypto", "libconfig", "libbsd", "libc"}
ALL_LOADED = DIRECT | {"libmd", "libseccomp", "linux-vdso", "ld-linux-x86-64",
                       "ld-linux-aarch64"}


def libraries(command, pattern):
    done = subprocess.run([*command, BINARY], capture_output=True, text=True,
                          check=True, timeout=20)
    return {name.partition(".so")[0]
            for name in re.findall(pattern, done.stdout, re.MULTILINE)}


def test_sp6_libraries_are_on_the_list():
    """What is linked, and what that brings along: a library more is a way
    in more."""
    direct = libraries(["readelf", "-d"], r"NEEDED.*\[(.*?)\]")
    if direct & SANITIZERS:
        pytest.skip("built with a sanitizer")
    assert direct - {"libseccomp"} == DIRECT  # where there is one
    loaded = libraries(["ldd"], r"^\s*(\S+)")
    assert {pathlib.Path(name).name for name in loaded} <= ALL_LOADED


@needs_root
def test_no_descriptor_is_left_to_the_wrong(start, targets):
    """A worker has no sibling's pipe, and no file of the configuration."""
    daemon = start(targets("one"), workers=2)
    pipes = [open_pipes(pid) for pid in daemon.workers()]
    assert not (pipes[0] & pipes[1]) - open_pipes_of_stderr(daemon)


def open_pipes(pid):
    folder = pathlib.Path(f"/proc/{pid}/fd")
    links = [os.readlink(entry) for entry in folder.iterdir()]
    assert not any("ddns-mux.conf" in link for link in links)
    return {link for link in links if link.startswith("pipe:")}


def open_pipes_of_stderr(daemon):
    return {os.readlink(f"/proc/{daemon.pid}/fd/2")}


def identity(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return {line.split(":")[0]: line.split(":")[1].split()
            for line in text.splitlines()
            if line.startswith(("Uid", "Gid", "Groups", "CapEff"))}


@needs_root
def test_privileges_are_dropped(start, targets):
    """Real, effective, saved and file-system ids of every process, and
    the groups of whoever started it."""
    daemon = start(targets("one"), user="nobody", workers=2,
                   popen=dict(extra_groups=[0, 1]))
    nobody = pwd.getpwnam("nobody")
    for pid in [daemon.pid, *daemon.workers()]:
        who = identity(pid)
        assert who["Uid"] == [str(nobody.pw_uid)] * 4
        assert who["Gid"] == [str(nobody.pw_gid)] * 4
        assert set(who["Groups"]) <= {str(nobody.pw_gid)}
        assert int(who["CapEff"][0], 16) == 0
    assert_answers(daemon.udp)
    worker = daemon.workers()[0]
    os.kill(worker, signal.SIGKILL)  # a new one can be made without root
    wait_for(lambda: len(set(daemon.workers()) - {worker}) == 2, "no worker")
    assert_answers(daemon.udp)


def test_fault_r10_no_core_files(start, targets):
    daemon = start(targets("one"))
    for pid in [daemon.pid, *daemon.workers()]:
        limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
        core = re.search(r"Max core file size\s+(\S+)\s+(\S+)", limits)
        assert core.groups() == ("0", "0")


# Secrets


def forms(secret):
    whole = base64.b64encode(secret).decode()
    return [whole, whole[:20], secret.hex(), secret.hex()[:32]]


def test_o34_secrets_are_not_in_the_log(stack):
    """At the highest level, after good and bad messages."""
    one = stack.enter_context(FakeTarget("one"))
    daemon = stack.enter_context(Mux([one.config(timeout_ms=500)],
                                     options=("-vv",)))
    good = update()
    with daemon.udp_client() as client:
        check(client.ask(good), good, SIGNED())
        client.at_once(sign(golden(), mac=lambda m: bytes(32)))
        client.at_once(sign(golden(), time=1700000000))
        one.reset(fake.odd(mac=lambda m: bytes(32)))
        client.ask(update(), 0.6)
    daemon.stop()
    text = "\n".join(daemon.log.lines)
    for secret in (wire.GOLDEN_KEY.secret, one.key.secret):
        for form in forms(secret):
            assert form not in text
    full_mac = wire.request_mac(good).hex()
    assert full_mac not in text.lower()
