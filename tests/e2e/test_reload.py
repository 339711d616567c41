# SPDX-License-Identifier: ISC
"""Reload by generation: a new set of workers beside the old one."""
import os
import pathlib
import signal
import threading
import time

import pytest

import fake
import mux
import wire
from answers import SIGNED, check
from client import Closed, Tcp, Udp
from daemon_help import (assert_answers, is_running, needs_root, update,
                         wait_for)
from fake import Gate
from wire import Key, address, golden, sign

OTHER_KEY = Key("other.example.", b"o" * 32)
# How long the storm blows; the test command asks for a minute.
STORM_S = float(os.environ.get("DDNS_MUX_STORM_S", "4"))


def reload(daemon, targets, keys=(wire.GOLDEN_KEY,), **settings):
    """With another configuration; returns once it serves."""
    mark = daemon.mark()
    daemon.rewrite(targets, keys, **settings)
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_log("notice: ready", start=mark)
    return mark


def refused(daemon, text, reason):
    """A configuration that is not taken, for this reason."""
    mark, workers = daemon.mark(), daemon.workers()
    daemon.file.write_text(text)
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_log(reason, 15, start=mark)
    daemon.wait_log("not reloaded: the former configuration stays",
                    start=mark)
    assert set(workers) <= set(daemon.workers())
    assert_answers(daemon.udp)


def ended(daemon, workers):
    wait_for(lambda: not any(map(is_running, workers)),
             "old workers live on", 15)


# What changes, and what is said of it


def test_new_target(start, targets):
    one, two = targets("one", "two")
    daemon = start([one], workers=2)
    old = daemon.workers()
    mark = reload(daemon, [one, two], workers=2)
    daemon.wait_log("reload: target two: added", start=mark)
    ended(daemon, old)
    assert len(daemon.workers()) == 2
    assert_answers(daemon.udp)
    assert len(two.received) == 1


def test_target_goes_and_changes(start, targets):
    one, two = targets("one", "two")
    daemon = start([one, two], workers=1)
    mark = reload(daemon, [one.config(timeout_ms=1234)])
    daemon.wait_log("reload: target two: removed", start=mark)
    daemon.wait_log("reload: target one: timeout_ms: 5000 -> 1234",
                    start=mark)
    assert_answers(daemon.udp)
    assert not two.received


def test_fault_r08_keys_change(start, targets):
    """A key is known from its generation on, and not before."""
    one, = targets("one")
    daemon = start([one])
    by_other = sign(golden(), key=OTHER_KEY)
    with daemon.udp_client() as client:
        assert wire.parse(client.ask(by_other)).rcode == wire.NOTAUTH
    mark = reload(daemon, [one], [OTHER_KEY])
    daemon.wait_log("reload: key key.example.: removed", start=mark)
    daemon.wait_log("reload: key other.example.: added", start=mark)
    with daemon.udp_client() as client:
        by_other = sign(golden(), key=OTHER_KEY)
        check(client.ask(by_other), by_other, SIGNED(), key=OTHER_KEY)
        assert wire.parse(client.ask(update())).rcode == wire.NOTAUTH


def test_secret_changes_unseen(start, targets):
    one, = targets("one")
    daemon = start([one])
    key = Key(wire.GOLDEN_KEY.name, b"n" * 32)
    mark = reload(daemon, [one], [key])
    daemon.wait_log("reload: key key.example.: secret changed", start=mark)
    text = "\n".join(daemon.log.lines)
    assert "bm5ubm5u" not in text and "nnnn" not in text


def test_settings_change(start, targets):
    one, = targets("one")
    daemon = start([one])
    mark = reload(daemon, [one], unconfirmed="servfail", replay_cache=2048)
    daemon.wait_log(
        'reload: unconfirmed: "silent" -> "servfail"$', start=mark)
    daemon.wait_log(r"reload: replay_cache: 65536 -> 2048 "
                    r"\(takes a restart\)", start=mark)


@pytest.mark.parametrize("before, after", [(1, 3), (3, 1), (4, 2), (2, 5)])
def test_number_of_workers(start, targets, before, after):
    """Each socket that was bound is read by somebody ever after."""
    one, = targets("one")
    daemon = start([one], workers=before)
    old = daemon.workers()
    reload(daemon, [one], workers=after)
    ended(daemon, old)
    wait_for(lambda: len(daemon.workers()) == after, "workers that stay")
    for _ in range(40):
        assert_answers(daemon.udp)
    assert_answers(daemon.tcp, Tcp)


def test_listeners_change(start, targets):
    one, = targets("one")
    daemon = start([one], listen_udp="127.0.0.1:0")
    first = daemon.udp
    old = daemon.workers()
    mark = reload(daemon, [one], listen_udp=["127.0.0.1:0", "127.0.0.2:0"])
    ended(daemon, old)
    _, second = daemon.listeners("udp")
    assert_answers(first)
    assert_answers(second)
    assert not daemon.log.find("listening on tcp", mark), "bound again"
    old = daemon.workers()
    reload(daemon, [one], listen_udp="127.0.0.2:0")
    ended(daemon, old)
    assert_answers(second)
    with Udp(first) as client, pytest.raises(ConnectionRefusedError):
        client.send(update())
        client.receive()


# What is not taken


def test_fault_r08_bad_file_changes_nothing(start, targets):
    one, = targets("one")
    daemon = start([one])
    text = mux.config_text([one])
    refused(daemon, text.replace("workers", "wrokers"),
            r"ddns-mux.conf:3: unknown setting")
    refused(daemon, text + "workers = [", r"ddns-mux.conf:\d+: ")
    refused(daemon, "", "missing")


def test_missing_file_changes_nothing(start, targets):
    one, = targets("one")
    daemon = start([one])
    mark = daemon.mark()
    daemon.file.unlink()
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_log("ddns-mux.conf: No such file", start=mark)
    daemon.wait_log("not reloaded", start=mark)
    assert_answers(daemon.udp)


@pytest.mark.parametrize("name", [".", "..", "", "/", "fifo"])
def test_include_that_ends_the_parser(start, targets, name):
    """libconfig ends the process on a directory, and waits on a FIFO."""
    one, = targets("one")
    daemon = start([one])
    os.mkfifo(daemon.folder / "fifo")
    refused(daemon, mux.config_text([one]) + f'@include "{name}"\n',
            "ddns-mux.conf: can't be read")
    done = mux.run("-n", "-f", str(daemon.file))
    assert done.returncode == 1 and "can't be read" in done.stderr


def test_listener_that_is_taken(start, targets):
    one, = targets("one")
    daemon, other = start([one]), start([one])
    host, port = other.udp
    refused(daemon, mux.config_text([one], listen_udp=[
        "127.0.0.1:0", "127.0.0.2:0", f"{host}:{port}"]),
        f"cannot listen on udp {host}:{port}: Address already in use")


@needs_root
def test_privileged_port_takes_a_restart(start, targets):
    one, = targets("one")
    daemon = start([one], user="nobody")
    os.chmod(daemon.folder, 0o755)
    os.chown(daemon.file, 65534, 65534)
    refused(daemon, mux.config_text([one], user="nobody", listen_udp=[
        "127.0.0.1:0", "127.0.0.1:53"]),
        "cannot listen on udp 127.0.0.1:53: Permission denied: "
        "a privileged port takes a start as root")


# What is in flight


def test_update_in_flight_is_finished(start, targets):
    """By the old generation, with its targets; UDP and TCP."""
    one, two = targets("one", "two")
    gate = Gate()
    one.reset(gate)
    daemon = start([one], client_deadline_ms=5000)
    old = daemon.workers()
    with daemon.udp_client() as udp, daemon.tcp_client() as tcp:
        by_udp, by_tcp = update("a"), update("b")
        udp.send(by_udp)
        tcp.send(by_tcp)
        gate.wait(2)
        reload(daemon, [two], client_deadline_ms=5000)
        assert_answers(daemon.udp)
        assert len(two.received) == 1
        gate.open()
        check(udp.receive(), by_udp, SIGNED())
        check(tcp.receive(), by_tcp, SIGNED())
        assert tcp.is_closed(), "its generation has ended"
    ended(daemon, old)


def test_reload_with_a_dead_target_does_not_wait(start, targets):
    """Several generations may drain beside the one that serves."""
    one, = targets("one", default=fake.drop)
    two, = targets("two")
    daemon = start([one])
    for name in ("a", "b"):
        with daemon.udp_client() as client:
            client.send(update(name))
            one.wait()
        reload(daemon, [one])
    reload(daemon, [two])
    assert_answers(daemon.udp)


def test_stop_ends_every_generation(start, targets):
    one, = targets("one", default=fake.drop)
    daemon = start([one])
    with daemon.udp_client() as client:
        client.send(update())
        one.wait()
    reload(daemon, [one])
    workers = daemon.workers()
    assert len(workers) == 2
    daemon.stop()
    ended(daemon, workers)


def test_counters_go_on(start, targets):
    one, two = targets("one", "two")
    daemon = start([one])
    assert_answers(daemon.udp)
    old = daemon.workers()
    reload(daemon, [two, one])
    ended(daemon, old)
    assert_answers(daemon.udp)
    daemon.stop()
    line = daemon.log.find("statistics: .*").string
    assert "accepted=2 " in line
    assert daemon.log.find(r"statistics of target one: .* applied=2\b")
    assert daemon.log.find(r"statistics of target two: .* applied=1\b")


# A storm


class Asker(threading.Thread):
    """Asks one update after another; each has to be answered NOERROR."""

    def __init__(self, server, how):
        super().__init__(daemon=True)
        self.server, self.how = server, how
        self.is_over = threading.Event()
        self.count, self.problem = 0, None

    def run(self):
        try:
            while not self.is_over.is_set():
                self.how(self)
                self.count += 1
        except BaseException as cause:
            self.problem = cause

    def end(self):
        self.is_over.set()
        self.join(20)
        assert self.problem is None, repr(self.problem)
        assert self.count > 10


def ask_udp(asker):
    request = sign(golden(updates=[address("u." + wire.ZONE)]))
    with Udp(asker.server) as client:
        check(client.ask(request), request, SIGNED())


def ask_tcp(asker):
    """A server may close a connection that owes nothing (RFC 7766 6.2.4):
    what it has not answered by then was not taken."""
    request = sign(golden(updates=[address("t." + wire.ZONE)]))
    for _ in range(20):
        try:
            with Tcp(asker.server) as client:
                check(client.ask(request), request, SIGNED())
                return
        except Closed:
            continue
    raise AssertionError("closed again and again")


def descriptors(pid):
    return len(list(pathlib.Path(f"/proc/{pid}/fd").iterdir()))


def zombies(daemon):
    found = []
    for pid in daemon.workers():
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
        found += [pid] if text.rpartition(")")[2].split()[0] == "Z" else []
    return found


@needs_root
@pytest.mark.parametrize("period_s", [
    pytest.param(0.01, id="fault_R08-ST14-SU11-SP3-SP4-SP8"),
    pytest.param(0.05, id="under-load")])
def test_storm_of_reloads(start, targets, period_s):
    """SIGHUP under load, with other targets, keys and numbers of workers, or
    a mistake, each time: no datagram is lost, no client without its answer;
    no descriptor and no zombie is left."""
    one, two = targets("one", "two")
    variants = [dict(targets=[one], workers=2),
                dict(targets=[one, two], workers=1),
                dict(targets=[two], keys=[wire.GOLDEN_KEY, OTHER_KEY],
                     workers=3),
                dict(targets=[one], nonsense=1)]
    deadline = dict(client_deadline_ms=10000)
    daemon = start([one], workers=2, **deadline)
    before = descriptors(daemon.pid)
    askers = [Asker(daemon.udp, ask_udp), Asker(daemon.udp, ask_udp),
              Asker(daemon.tcp, ask_tcp)]
    for asker in askers:
        asker.start()
    until, n = time.monotonic() + STORM_S, 0
    while time.monotonic() < until:
        if n % 2:
            daemon.rewrite(**variants[n // 2 % 4], **deadline)
        daemon.process.send_signal(signal.SIGHUP)
        time.sleep(period_s)
        n += 1
    for asker in askers:
        asker.end()
    daemon.rewrite([one], workers=2, **deadline)
    daemon.process.send_signal(signal.SIGHUP)
    wait_for(lambda: len(daemon.workers()) == 2
             and descriptors(daemon.pid) == before,
             "workers or descriptors are left", 20)
    assert before < 40 and not zombies(daemon)
    reloads = sum("notice: ready" in line for line in daemon.log.lines)
    updates = sum(asker.count for asker in askers)
    print(f"{reloads} reloads, {updates} updates")
    assert reloads > 3
    assert daemon.log.find("unknown setting")
    assert not daemon.log.find("killed|ended with")
