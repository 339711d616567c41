# SPDX-License-Identifier: ISC
"""The program as a daemon: options, configuration, listeners, start."""
import base64
import fcntl
import os
import pathlib
import re
import signal
import socket
import subprocess

import pytest

import mux
import wire
from client import Tcp
from daemon_help import assert_answers, is_running, needs_root, wait_for
from mux import children, run


def free_address():
    """Of loopback, with a port that is free in both transports. The host
    is this process's own, so that nobody takes the port meanwhile."""
    host = f"127.{os.getpid() >> 8 & 0xff}.{os.getpid() & 0xff}.7"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind((host, 0))
        with socket.socket() as tcp:
            tcp.bind(udp.getsockname())
        return udp.getsockname()


# Options and configuration


@pytest.fixture(name="file")
def fixture_file(tmp_path):
    """Writes a configuration; its path."""
    def write(targets=None, **settings):
        group = dict(name="one", address="127.0.0.1:9",
                     tsig=wire.Key("t.example.", b"t" * 32).config())
        text = mux.config_text(targets or [group], **settings)
        return str(mux.write_secret(tmp_path / "ddns-mux.conf", text))
    return write


def test_version():
    done = run("-V")
    assert done.returncode == 0
    assert re.search(r"\d+\.\d+", done.stdout + done.stderr)


def test_output_that_is_lost(file):
    """Half a configuration must not look like one."""
    for args in (["-V"], ["-nv", "-f", file()]):
        with open("/dev/full", "w", encoding="ascii") as full:
            done = subprocess.run([mux.BINARY, *args], stdout=full,
                                  stderr=subprocess.PIPE, check=False)
        assert done.returncode == 1 and b"output" in done.stderr


@pytest.mark.parametrize("args", [["-x"], ["-f"], ["-p"], ["a", "b"],
                                  ["-f", "a", "b"]], ids=" ".join)
def test_bad_usage(args):
    done = run(*args)
    assert done.returncode == 1
    assert "usage: ddns-mux" in done.stderr


def test_check_only(file):
    done = run("-n", "-f", file())
    assert (done.returncode, done.stderr) == (0, "")


def test_operand_is_the_file(file):
    assert run("-n", file()).returncode == 0
    assert run("-n", file() + ".nowhere").returncode == 1


def test_print_masks_and_parses_again(file, tmp_path):
    printed = run("-nv", "-f", file())
    assert printed.returncode == 0
    for secret in (wire.GOLDEN_KEY.secret, b"t" * 32):
        assert base64.b64encode(secret).decode() not in printed.stdout
    again = mux.write_secret(tmp_path / "again.conf", printed.stdout)
    second = run("-nv", "-f", str(again))
    assert second.returncode == 0
    assert second.stdout == printed.stdout


def test_errors_name_file_and_line(file):
    """All complaints in one run, and nothing is started."""
    path = file(client_deadline_ms="soon", colour="red")
    lines = pathlib.Path(path).read_text().splitlines()
    done = run("-d", "-f", path)
    assert done.returncode == 1
    for word in ("client_deadline_ms", "colour"):
        number = 1 + next(i for i, l in enumerate(lines)
                          if l.startswith(word))
        assert f"{path}:{number}: " in done.stderr
    assert "listening" not in done.stderr


def test_missing_file(tmp_path):
    done = run("-d", "-f", str(tmp_path / "none.conf"))
    assert done.returncode == 1 and "none.conf" in done.stderr


def test_secret_file_that_others_can_read(file):
    path = file()
    os.chmod(path, 0o644)
    done = run("-n", "-f", path)
    assert done.returncode == 1 and f"{path}:" in done.stderr


def test_address_in_use(file, start, targets):
    daemon = start(targets("one"))
    taken = f"127.0.0.1:{daemon.udp[1]}"
    done = run("-d", "-f", file(listen_udp=taken, listen_tcp=[]))
    assert done.returncode == 1 and taken in done.stderr
    assert_answers(daemon.udp)


@needs_root
def test_unknown_user(file):
    done = run("-d", "-f", file(user="no-such-user"))
    assert done.returncode == 1 and "no-such-user" in done.stderr


# Listeners


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.bind(("::1", 0))
        return True
    except OSError:
        return False


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="no ::1 here")


@needs_ipv6
def test_every_listener_answers(start, targets):
    addresses = ["127.0.0.1:0", "127.0.0.3:0", "[::1]:0"]
    daemon = start(targets("one"), listen_udp=addresses,
                   listen_tcp=addresses)
    udp, tcp = daemon.listeners("udp"), daemon.listeners("tcp")
    assert [host for host, _ in udp] == ["127.0.0.1", "127.0.0.3", "::1"]
    assert len(tcp) == 3
    for server in udp:
        assert_answers(server)
    for server in tcp:
        assert_answers(server, Tcp)


@pytest.mark.parametrize("asked", ["127.0.0.1", "127.0.0.2", "127.3.2.1"])
def test_h12_wildcard_answers_from_the_address_asked(start, targets, asked):
    """A connected client would not see an answer from elsewhere."""
    daemon = start(targets("one"), listen_udp="0.0.0.0:0",
                   listen_tcp="0.0.0.0:0")
    assert_answers((asked, daemon.udp[1]))
    assert_answers((asked, daemon.tcp[1]), Tcp)


@needs_ipv6
def test_h12_wildcard_ipv6(start, targets):
    daemon = start(targets("one"), listen_udp="[::]:0", listen_tcp=[])
    assert_answers(("::1", daemon.udp[1]))


def test_two_workers_share_the_load(start, targets):
    daemon = start(targets("one"), workers=2)
    assert len(daemon.workers()) == 2
    daemon.wait_log("ready, 2 workers")
    for _ in range(40):
        assert_answers(daemon.udp)
    wait_for(lambda: len(logging_roles(daemon)) == 2, "one worker idles")


def logging_roles(daemon):
    found = (re.search(r"ddns-mux: (\S.*?): info: update", line)
             for line in daemon.log.lines)
    return {match[1] for match in found if match}


# Becoming a daemon


class Detached:
    """A ddns-mux in the background, with an address known beforehand."""

    def __init__(self, folder, target, **settings):
        self.server = free_address()
        self.pid_file = folder / "ddns-mux.pid"
        text = mux.config_text(
            [target], listen_udp="{}:{}".format(*self.server),
            listen_tcp="{}:{}".format(*self.server), workers=2, **settings)
        self.file = mux.write_secret(folder / "ddns-mux.conf", text)

    def start(self):
        return run("-f", str(self.file), "-p", str(self.pid_file))

    def __enter__(self):
        done = self.start()
        assert done.returncode == 0, done.stderr
        self.pid = int(self.pid_file.read_text())
        return self

    def __exit__(self, *exc):
        if is_running(self.pid):
            os.kill(self.pid, signal.SIGTERM)
        try:
            wait_for(lambda: not is_running(self.pid), "does not stop")
        except AssertionError:
            for pid in [*children(self.pid), self.pid]:
                os.kill(pid, signal.SIGKILL)
            raise


@pytest.fixture(name="detached")
def fixture_detached(stack, tmp_path, targets):
    return stack.enter_context(Detached(tmp_path, *targets("one")))


def test_exit_0_means_ready(detached):
    """The very first datagram after the start is answered."""
    assert_answers(detached.server)
    assert_answers(detached.server, Tcp)


def test_pid_file(detached):
    assert detached.pid_file.read_text() == f"{detached.pid}\n"
    assert is_running(detached.pid)
    status = pathlib.Path(f"/proc/{detached.pid}/status").read_text()
    assert "ddns-mux" in status.splitlines()[0]


@needs_root
def test_detached_from_its_starter(detached):
    """Own session, no terminal, / as folder, standard files elsewhere."""
    assert os.getsid(detached.pid) != os.getsid(0)
    assert os.readlink(f"/proc/{detached.pid}/cwd") == "/"
    for number in range(3):
        where = os.readlink(f"/proc/{detached.pid}/fd/{number}")
        assert where == "/dev/null", f"descriptor {number} is {where}"


def test_fault_r09_second_instance_is_refused(detached):
    second = detached.start()
    assert second.returncode == 1
    assert str(detached.pid_file) in second.stderr
    assert detached.pid_file.read_text() == f"{detached.pid}\n"
    assert_answers(detached.server)


def refused_pid_file(tmp_path, target, make):
    """A start with what make has put in the place of the pid file."""
    victim = tmp_path / "victim"
    victim.write_text("precious\n")
    daemon = Detached(tmp_path, target)
    make(daemon.pid_file, victim)
    done = daemon.start()
    assert done.returncode == 1 and str(daemon.pid_file) in done.stderr
    assert victim.read_text() == "precious\n"


@pytest.mark.parametrize("make", [
    lambda path, victim: path.symlink_to(victim),
    lambda path, victim: path.symlink_to(victim.with_name("nowhere")),
    lambda path, victim: path.hardlink_to(victim),
    lambda path, _: path.mkdir(), lambda path, _: os.mkfifo(path),
], ids=["symlink", "dangling", "hard-link", "folder", "fifo"])
def test_sp2_pid_file_is_no_link(tmp_path, targets, make):
    refused_pid_file(tmp_path, *targets("one"), make)
    assert not (tmp_path / "nowhere").exists()


def test_sp2_pid_file_locked_by_a_reader(tmp_path, targets):
    """Who may only read it can't keep the daemon from starting."""
    target, = targets("one")
    daemon = Detached(tmp_path, target)
    daemon.pid_file.write_text("1\n")
    with open(daemon.pid_file, encoding="ascii") as reader:
        fcntl.flock(reader, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with daemon:
            assert_answers(daemon.server)


def test_detached_config_error(tmp_path, targets):
    broken = Detached(tmp_path, *targets("one"), colour="red")
    done = broken.start()
    assert done.returncode == 1
    assert f"{broken.file}:" in done.stderr
    assert not broken.pid_file.exists() or not broken.pid_file.read_text()


def test_stopped_by_its_pid_file(tmp_path, targets):
    with Detached(tmp_path, *targets("one")) as daemon:
        workers = children(daemon.pid)
        assert len(workers) == 2
        os.kill(daemon.pid, signal.SIGTERM)
        wait_for(lambda: not any(map(is_running, [daemon.pid, *workers])),
                 "does not stop")
        assert not daemon.pid_file.exists() or (
            daemon.start().returncode == 0)
        if daemon.pid_file.exists():  # an old file is no obstacle
            daemon.pid = int(daemon.pid_file.read_text())
