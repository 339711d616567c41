# SPDX-License-Identifier: ISC
"""Signals, worker processes, privileges and secrets of a running
ddns-mux."""
import base64
import os
import pathlib
import pwd
import re
import signal
import time

import pytest

import fake
import wire
from answers import SIGNED, check
from client import PATIENCE, Tcp
from daemon_help import (assert_answers, is_running, needs_root, update,
                         wait_for, wait_for_counters)
from fake import FakeTarget, Gate
from mux import Mux
from wire import golden, sign


# Signals


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_stop_finishes_what_is_in_flight(start, targets, how):
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


def test_stop_is_bounded(start, targets):
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


def test_all_workers_killed_again_and_again(start, targets):
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


def test_no_core_files(start, targets):
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
