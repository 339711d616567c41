# SPDX-License-Identifier: ISC
"""A new program in the place of one that runs: nothing that is sent
meanwhile is lost, by way of the control socket or of the service manager."""
import array
import os
import pathlib
import shutil
import signal
import socket
import subprocess

import pytest

import fake
import mux
import wire
from answers import SIGNED, check
from client import PATIENCE, Tcp, Udp
from daemon_help import (assert_answers, is_running, needs_root, update,
                         wait_for)
from test_reload import Asker, ask_tcp, ask_udp, descriptors

NOBODY = 2


class Heir(mux.Mux):
    """One that takes over from another, with the same file."""

    def __init__(self, former, targets, **how):
        super().__init__(targets, options=(
            "-t", "-v", "-p", str(former.folder / "pid")), **how)
        shutil.rmtree(self.folder)
        self.folder, self.file = former.folder, former.file


@pytest.fixture
def began(stack):
    """Starts one with a pid file and a control socket."""
    def enter(targets, **settings):
        made = mux.Mux(targets, control_socket=True, **settings)
        made.options = ("-v", "-p", str(made.folder / "pid"))
        return stack.enter_context(made)
    return enter


def fixed(daemon, **more):
    """The addresses that the kernel has chosen, and the control socket."""
    return dict(control_socket=True, listen_udp="%s:%d" % daemon.udp,
                listen_tcp="%s:%d" % daemon.tcp, **more)


def pid_in(daemon):
    return int((daemon.folder / "pid").read_text())


def is_alive(daemon):
    """It answers on both sockets, and its pid file names it."""
    assert pid_in(daemon) == daemon.pid
    daemon.ctl("status")


def succeed(stack, daemon, targets, **how):
    """A new daemon in its place, once the former has ended."""
    heir = stack.enter_context(Heir(daemon, targets, **how))
    assert daemon.process.wait(mux.STOP_LIMIT) == 0
    daemon.log.thread.join(PATIENCE)
    return heir


def fails(daemon, *, status=1, **how):
    """One that does not get to be ready; the former stays as it is."""
    done = mux.run("-d", "-t", "-f", str(daemon.file), "-p",
                   str(daemon.folder / "pid"), **how)
    assert done.returncode == status, done
    is_alive(daemon)
    assert_answers(daemon.udp)
    return done.stderr


# From the one that runs


@pytest.mark.parametrize("before, after", [(1, 1), (3, 3), (1, 3), (3, 1)])
def test_takes_over(stack, began, targets, before, after):
    one, = targets("one")
    daemon = began([one], workers=before)
    old = daemon.workers()
    daemon.rewrite([one], **fixed(daemon, workers=after))
    heir = succeed(stack, daemon, [one])
    assert not any(map(is_running, old))
    assert daemon.log.find("a new daemon has taken over")
    assert heir.log.find("listeners taken over: 2")
    assert not heir.listeners("udp") and not heir.listeners("tcp")
    is_alive(heir)
    assert len(heir.workers()) == after
    # Each socket has a reader, whatever the numbers.
    for _ in range(20):
        assert_answers(daemon.udp)
    assert_answers(daemon.tcp, Tcp)
    heir.stop()
    assert not heir.socket.exists() and not (heir.folder / "pid").exists()


@needs_root
def test_nothing_is_lost_under_load(stack, began, targets):
    """Each update is sent once, and answered once."""
    one, = targets("one")
    deadline = dict(client_deadline_ms=10000, workers=2)
    daemon = began([one], **deadline)
    udp, tcp = daemon.udp, daemon.tcp
    daemon.rewrite([one], **fixed(daemon, **deadline))
    askers = [Asker(udp, ask_udp), Asker(udp, ask_udp), Asker(tcp, ask_tcp)]
    for asker in askers:
        asker.start()
    for n in range(5):
        before = sum(asker.count for asker in askers)
        daemon = succeed(stack, daemon, [one])
        wait_for(lambda: sum(asker.count for asker in askers) > before + 20,
                 "no updates", 20)
        if n == 0:
            left = descriptors(daemon.pid)
    for asker in askers:
        asker.end()
    is_alive(daemon)
    wait_for(lambda: descriptors(daemon.pid) == left, "descriptors are left")
    assert not daemon.log.find("error|killed")


def test_former_finishes_what_it_has(stack, began, targets):
    """An update of before is answered by the former, one of after by the
    new one, while the first still waits."""
    gate = fake.Gate()
    one, = targets("one", default=gate)
    daemon = began([one], client_deadline_ms=4000)
    udp = daemon.udp
    request = update("before")
    with Udp(udp) as early:
        early.send(request)
        gate.wait()
        one.reset()
        daemon.rewrite([one], **fixed(daemon))
        heir = stack.enter_context(Heir(daemon, [one]))
        assert_answers(udp)
        assert is_running(daemon.pid)
        gate.open()
        check(early.receive(), request, SIGNED())
    assert daemon.process.wait(PATIENCE) == 0
    is_alive(heir)


def test_other_listeners(stack, began, targets):
    """What both have stays; the rest is bound, or closed."""
    one, = targets("one")
    daemon = began([one], listen_udp=["127.0.0.1:0", "127.0.0.2:0"])
    kept, gone = daemon.listeners("udp")
    daemon.rewrite([one], control_socket=True,
                   listen_udp=["%s:%d" % kept, "127.0.0.3:0"])
    heir = succeed(stack, daemon, [one])
    assert_answers(kept)
    assert_answers(heir.udp)
    with socket.socket(type=socket.SOCK_DGRAM) as free:
        free.bind(gone)


def test_one_that_fails_changes_nothing(stack, began, targets):
    """A mistake in the file, a port that another has, no user: and then it
    works all the same."""
    one, = targets("one")
    daemon = began([one])
    address = fixed(daemon)
    with socket.socket(type=socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        other = "%s:%d" % taken.getsockname()
        daemon.rewrite([one], **{**address, "listen_udp": [
            address["listen_udp"], other]})
        assert f"cannot listen on udp {other}" in fails(daemon)
    daemon.wait_log("who was to take over has not started")
    daemon.rewrite([one], **address, nonsense=1)
    assert f"{daemon.file}:" in fails(daemon)
    daemon.rewrite([one], **address)
    is_alive(succeed(stack, daemon, [one]))


def test_nobody_to_take_over_from(began, targets, tmp_path):
    one, = targets("one")
    daemon = began([one])
    daemon.rewrite([one], control_socket=str(tmp_path / "other.sock"))
    assert "other.sock" in fails(daemon, status=NOBODY)
    daemon.rewrite([one], control_socket="")
    assert "control_socket" in fails(daemon, status=NOBODY)


def request_to(daemon):
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(PATIENCE)
    sock.connect(str(daemon.socket))
    sock.sendall(b"hand-over".ljust(512, b"\0"))
    return sock


def receive_all(sock):
    """What is said, octet by octet, and the descriptors with it."""
    said, found = b"", []
    while not said.endswith(b"A"):
        octet, control, *_ = sock.recvmsg(1, socket.CMSG_SPACE(64 * 4))
        if not octet:
            break
        said += octet
        for *_, data in control:
            fds = array.array("i")
            fds.frombytes(data)
            found += fds
    return said, found


def test_one_at_a_time(stack, began, targets):
    one, = targets("one")
    daemon = began([one], workers=2)
    daemon.rewrite([one], **fixed(daemon))
    with request_to(daemon) as sock:
        said, found = receive_all(sock)
        assert said == b"LLCA" and len(found) == 4
        for descriptor in found:
            os.close(descriptor)
        assert "another one is taking over" in fails(daemon, status=NOBODY)
    daemon.wait_log("who was to take over has not started")
    is_alive(succeed(stack, daemon, [one]))


@needs_root
def test_strangers_get_no_sockets(began, targets):
    """Not even one who may reload: control_user."""
    one, = targets("one")
    daemon = began([one], control_user="daemon")
    os.chmod(daemon.folder, 0o755)
    user = 1
    script = ("import socket, sys\ns = socket.socket(socket.AF_UNIX)\n"
              "s.connect(sys.argv[1])\n"
              "s.sendall(b'hand-over'.ljust(512, b'\\0'))\n"
              "print(s.recvmsg(100, 4096)[:2])")
    done = subprocess.run(
        ["/usr/bin/python3", "-c", script, str(daemon.socket)], user=user,
        group=user, extra_groups=[], capture_output=True, text=True,
        timeout=PATIENCE, check=True)
    assert done.stdout.strip() == "(b'3\\nnot permitted\\n', [])"


@needs_root
def test_drops_root_and_keeps_its_files(stack, began, targets):
    """As on a system: root starts it, and folders are root's."""
    one, = targets("one")
    daemon = began([one], user="nobody")
    os.chmod(daemon.folder, 0o755)
    shutil.chown(daemon.file, "nobody")
    daemon.rewrite([one], **fixed(daemon, user="nobody"))
    shutil.chown(daemon.file, "nobody")
    heir = succeed(stack, daemon, [one])
    text = pathlib.Path(f"/proc/{heir.pid}/status").read_text()
    assert "Uid:\t65534\t65534" in text
    is_alive(heir)
    again = succeed(stack, heir, [one])
    is_alive(again)


# From the service manager


class Keeper:
    """The other end of NOTIFY_SOCKET, that keeps what it is given."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(str(path))
        self.sock.settimeout(PATIENCE)
        self.path, self.kept = str(path), []

    def forget(self):
        while self.kept:
            os.close(self.kept.pop())

    def take(self, until):
        """What is said until then; descriptors are kept as asked."""
        said = []
        while until not in said:
            text, control, *_ = self.sock.recvmsg(
                4096, socket.CMSG_SPACE(64 * 4))
            lines = text.decode().split("\n")
            said += lines
            if "FDSTOREREMOVE=1" in lines:
                assert "FDNAME=listener" in lines
                self.forget()
            for *_, data in control:
                assert {"FDSTORE=1", "FDNAME=listener"} <= set(lines)
                fds = array.array("i")
                fds.frombytes(data)
                self.kept += fds
        return said


@pytest.fixture
def keeper(tmp_path):
    made = Keeper(tmp_path / "notify")
    yield made
    made.forget()
    made.sock.close()


# As the manager does it: from 3 on, and for this process.
GIVES = """
import os, sys
fds = [os.dup2(int(fd), 100 + i) for i, fd in enumerate(sys.argv[1].split())]
for place, fd in enumerate(fds, 3):
    os.dup2(fd, place)
os.closerange(3 + len(fds), 200)
pid = os.getpid() + int(sys.argv[2])
os.environ.update(LISTEN_PID=str(pid), LISTEN_FDS=str(len(fds)))
os.execv(sys.argv[3], sys.argv[3:])
"""


def given(keeper, daemon, targets, others=0):
    """One that is started with what was kept. others: not 0, then it is for
    another process."""
    made = mux.Mux(targets, popen=dict(
        pass_fds=keeper.kept, env=dict(os.environ, NOTIFY_SOCKET=keeper.path)))
    shutil.rmtree(made.folder)
    made.folder, made.file = daemon.folder, daemon.file
    made.before = ["/usr/bin/python3", "-c", GIVES,
                   " ".join(map(str, keeper.kept)), str(others)]
    return made


def managed(start, keeper, targets, **settings):
    daemon = start(targets, popen=dict(
        env=dict(os.environ, NOTIFY_SOCKET=keeper.path)), **settings)
    keeper.take("READY=1")
    return daemon


def test_manager_keeps_what_waits(stack, start, targets, keeper):
    """What is sent between one program and the next is answered."""
    one, = targets("one")
    daemon = managed(start, keeper, [one], workers=2)
    assert len(keeper.kept) == 3
    udp, tcp = daemon.udp, daemon.tcp
    daemon.rewrite([one], **fixed(daemon, workers=2))
    daemon.stop()
    requests = [update(f"h{i}") for i in range(20)]
    clients = [stack.enter_context(Udp(udp)) for _ in requests]
    for client, request in zip(clients, requests):
        client.send(request)
    with Tcp(tcp) as by_tcp:
        by_tcp.send(update("tcp"))
        stack.enter_context(given(keeper, daemon, [one]))
        for client, request in zip(clients, requests):
            check(client.receive(), request, SIGNED())
        assert by_tcp.receive()


def test_manager_forgets_what_is_not_used(stack, start, targets, keeper):
    one, = targets("one")
    daemon = managed(start, keeper, [one],
                     listen_udp=["127.0.0.1:0", "127.0.0.2:0"])
    kept, gone = daemon.listeners("udp")
    assert len(keeper.kept) == 3
    daemon.rewrite([one], listen_udp="127.0.0.1:0", listen_tcp=[])
    daemon.process.send_signal(signal.SIGHUP)
    keeper.take("READY=1")
    assert len(keeper.kept) == 1
    daemon.rewrite([one], listen_udp="%s:%d" % gone, listen_tcp=[])
    daemon.stop()
    heir = stack.enter_context(given(keeper, daemon, [one]))
    keeper.take("READY=1")
    assert len(keeper.kept) == 1
    assert heir.udp == gone
    assert_answers(gone)
    with socket.socket(type=socket.SOCK_DGRAM) as free:
        free.bind(kept)


def test_what_others_were_given_is_not_touched(stack, start, targets, keeper):
    one, = targets("one")
    daemon = managed(start, keeper, [one])
    daemon.rewrite([one])
    daemon.stop()
    heir = stack.enter_context(given(keeper, daemon, [one], others=1))
    assert not heir.log.find("taken over")
    assert_answers(heir.udp)
