# SPDX-License-Identifier: ISC
"""The fault matrix, rows H: what the host may lack, take away or refuse."""
import contextlib
import ctypes
import errno
import os
import pathlib
import platform
import re
import resource
import signal
import socket
import struct
import subprocess

import pytest

import mux
import namespace
from answers import SIGNED, check
from client import PATIENCE, Tcp, Udp
from daemon_help import assert_answers, needs_root, update, wait_for
from shim import fixture_library, fixture_shim  # noqa: F401
from target_help import FAILED, careful
from test_daemon import Detached
from wire import golden, parse, sign

FILES = resource.RLIMIT_NOFILE
MIB = 1 << 20


@contextlib.contextmanager
def no_more_files(pid):
    """What it has open stays so; there is no next one."""
    soft, hard = resource.prlimit(pid, FILES)
    used = {int(name) for name in os.listdir(f"/proc/{pid}/fd")}
    free = next(fd for fd in range(len(used) + 1) if fd not in used)
    resource.prlimit(pid, FILES, (free, hard))
    try:
        yield
    finally:
        resource.prlimit(pid, FILES, (soft, hard))


def cpu_s(pid):
    words = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2]
    used = sum(map(int, words.split()[11:13]))
    return used / os.sysconf("SC_CLK_TCK")


def status_kib(pid, field):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"^{field}:\s+(\d+) kB", text, re.MULTILINE)[1])


@needs_root
def test_fault_h04_no_descriptor_to_accept_with(start, targets, stack):
    """It pauses, and goes on serving UDP; who waits is served later."""
    daemon = start(targets("one"))
    assert_answers(daemon.udp)  # its socket for the target is open
    worker, = daemon.workers()
    with no_more_files(worker):
        clients = [stack.enter_context(daemon.tcp_client())
                   for _ in range(5)]
        before, request = cpu_s(worker), update()
        clients[0].send(request)
        assert clients[0].receive(1.5) is None  # the time that is measured
        assert cpu_s(worker) - before < 0.3, "a busy loop"
        for _ in range(10):
            assert_answers(daemon.udp)
    check(clients[0].receive(), request, SIGNED())
    for client in clients[1:]:
        request = update()
        check(client.ask(request), request, SIGNED())
    assert daemon.workers() == [worker]


@needs_root
@pytest.mark.parametrize("transport", ["auto", "tcp"])
def test_fault_h05_no_descriptor_for_a_target(start, targets, transport):
    """Its update fails, and the next one does not."""
    one, = targets("one")
    daemon = start([one.config(transport=transport)], unconfirmed="servfail")
    worker, = daemon.workers()
    with daemon.udp_client() as client:
        with no_more_files(worker):
            request = careful()
            check(client.ask(request), request, FAILED)
            daemon.wait_log("target one .*: Too many open files: ")
        request = careful()
        check(client.ask(request), request, SIGNED())


@needs_root
def test_fault_h05_descriptors_are_reserved(start, targets):
    """Whatever limit the starter had, there will be enough for all."""
    def few():
        resource.setrlimit(FILES, (12, 4096))
    daemon = start(targets("one", "two"), tcp_clients=200,
                   popen=dict(preexec_fn=few))
    for worker in daemon.workers():
        assert resource.prlimit(worker, FILES)[0] > 200 + 2 * 4


SHORTAGES = [errno.ENOBUFS, errno.ENOMEM, errno.EAGAIN]


@pytest.mark.parametrize("error", SHORTAGES, ids=errno.errorcode.get)
def test_fault_h06_copy_waits_for_room(start, targets, shim, error):
    """It is not given up, and the wait is no busy loop."""
    one, = targets("one")
    daemon = start([one.config(timeout_ms=8000)], client_deadline_ms=8000,
                   popen=shim.popen)
    with daemon.udp_client() as client:
        request = careful()
        with shim.failing("send", error=error):
            client.send(request)
            assert client.receive(0.5) is None
            assert 1 <= shim.failed("send") < 500, "a busy loop"
        check(client.receive(), request, SIGNED())
    assert len(one.received) == 1


@pytest.mark.parametrize("error", SHORTAGES, ids=errno.errorcode.get)
def test_fault_h06_answer_that_cannot_be_sent(start, targets, shim, error):
    """Counted, and no more: the client asks again."""
    daemon = start(targets("one"), popen=shim.popen)
    with daemon.udp_client() as client:
        request = update()
        with shim.failing("sendmsg", error=error):
            client.send(request)
            wait_for(lambda: shim.failed("sendmsg"), "nothing is sent")
        check(client.ask(request), request, SIGNED())
    daemon.stop()
    assert daemon.log.find(r"statistics: .*answer_send_failed=1\b")


UNREACHABLE = [errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EPERM,
               errno.EADDRNOTAVAIL]


@pytest.mark.parametrize("transport", ["auto", "tcp"])
def test_fault_h07_unreachable(start, targets, shim, transport):
    """Failed at once, with few words; well as soon as it is."""
    one, = targets("one")
    daemon = start([one.config(transport=transport)], popen=shim.popen,
                   unconfirmed="servfail", client_deadline_ms=4000)
    with daemon.udp_client() as client:
        for error in UNREACHABLE:
            with shim.failing("connect", "send", error=error):
                for _ in range(5):
                    request = careful()
                    check(client.ask(request), request, FAILED)
            request = careful()
            check(client.ask(request), request, SIGNED())
            for conn in list(one.connections):
                one.post(lambda conn=conn: one.drop_connection(conn))
            one.wait_until(lambda: not one.connections)
    assert daemon.log.find("target one .*: Network is unreachable: ")
    warned = sum("warning: target" in line for line in daemon.log.lines)
    assert warned <= 3, "one for each way to fail"


def test_fault_h08_no_memory(start, targets, shim):
    """We need none while we serve. Where a library does, the message is
    dropped. Each call, one after the other: tests/fail."""
    one, = targets("one")
    daemon = start([one], workers=2, popen=shim.popen)
    workers = daemon.workers()
    with daemon.udp_client() as udp, daemon.tcp_client() as tcp:
        with shim.failing("malloc", error=errno.ENOMEM):
            for client in (udp, tcp) * 20:
                client.send(update())
                answers = client.pending()
                assert all(parse(a).rcode == 0 for a in answers)
                assert len(answers) <= len(one.received), "false NOERROR"
        for client in (udp, tcp):
            request = update()
            client.send(request)
            check(client.receive_id(parse(request).ident), request, SIGNED())
    assert daemon.workers() == workers


def test_fault_h09_no_more_memory_than_at_the_start(start, targets, stack):
    """A flood of all kinds in what the workers have mapped by then."""
    daemon = start(targets("one"), workers=2, options=())
    assert_answers(daemon.udp)
    workers = daemon.workers()
    for worker in workers:
        size = status_kib(worker, "VmSize") * 1024
        resource.prlimit(worker, resource.RLIMIT_AS, (size, size))
    with daemon.udp_client() as client:
        for number in range(2000):
            client.send(sign(golden()) if number % 4 else bytes(9000))
    for _ in range(30):
        client = stack.enter_context(daemon.tcp_client())
        client.raw(struct.pack(">H", 65535) + bytes(60000))
    wait_for(lambda: is_served(daemon), "is not served any more")
    assert daemon.workers() == workers
    for worker in workers:
        assert status_kib(worker, "VmHWM") * 1024 < 64 * MIB


def is_served(daemon):
    request = update()
    with daemon.udp_client() as client:
        answer = client.ask(request, 1)
    return answer is not None and check(answer, request, SIGNED())


@needs_root
def test_fault_h10_interface_goes_and_comes_back(start, targets):
    """And another address on it takes a reload."""
    namespace.apart(namespace.NETWORK, lambda: without_interface(
        start, targets))


def without_interface(start, targets):
    add = ("ip link add v0 type veth peer name v1; "
           "ip addr add {}/24 dev v0; ip link set v0 up")
    namespace.sh("ip link set lo up; " + add.format("192.0.2.1"))
    one, = targets("one")
    how = dict(listen_tcp="127.0.0.1:0")
    daemon = start([one], listen_udp=["192.0.2.1:0", "127.0.0.1:0"], **how)
    there, here = daemon.listeners("udp")
    assert_answers(there)
    namespace.sh("ip link del v0")
    assert_answers(here)
    with pytest.raises(OSError), Udp(there) as client:
        client.send(update())
    namespace.sh(add.format("192.0.2.1"))
    assert_answers(there)
    namespace.sh("ip link del v0; " + add.format("192.0.2.2"))
    mark = daemon.mark()
    daemon.rewrite([one], listen_udp="192.0.2.2:0", **how)
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_log("notice: ready", start=mark)
    assert_answers(daemon.listeners("udp")[-1])


class Syslog:
    """/dev/log, where this thread sees it."""

    def __init__(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind("/dev/log")
        self.sock.settimeout(PATIENCE)

    def wait(self, word):
        while word not in self.sock.recv(4096).decode():
            pass

    def close(self):
        self.sock.close()
        os.unlink("/dev/log")


@needs_root
def test_fault_h11_syslog_restarted(targets, tmp_path):
    """Lines go to the new one, and nobody waits for any of them."""
    one, = targets("one")
    dev = tmp_path / "dev"
    dev.mkdir()

    def body():
        namespace.own_dev(dev)
        first = Syslog()
        with Detached(tmp_path, one) as daemon:
            wait_for(lambda: hears(daemon, first), "nothing is logged")
            first.close()
            os.kill(daemon.pid, signal.SIGUSR1)  # lost
            assert_answers(daemon.server)
            second = Syslog()
            wait_for(lambda: hears(daemon, second), "nothing is logged")
            for _ in range(40):  # nobody reads: its queue is soon full
                os.kill(daemon.pid, signal.SIGUSR1)
                assert_answers(daemon.server)
            second.close()
            assert_answers(daemon.server)
    namespace.apart(namespace.MOUNTS, body)


def hears(daemon, log):
    os.kill(daemon.pid, signal.SIGUSR1)
    log.sock.settimeout(0.2)
    with contextlib.suppress(TimeoutError):
        log.wait("statistics")
        return True
    return False


GETRANDOM = {"x86_64": 318, "aarch64": 278}


def without_entropy():
    """As a filter of system calls that is wrong would have it."""
    number = GETRANDOM[platform.machine()]
    code = b"".join(struct.pack("=HBBI", *line) for line in [
        (0x20, 0, 0, 0),  # the number of the call
        (0x15, 0, 1, number),
        (0x06, 0, 0, 0x00050000 | errno.EPERM),
        (0x06, 0, 0, 0x7fff0000)])
    buffer = ctypes.create_string_buffer(code)
    program = struct.pack("@HP", 4, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None)
    assert libc.prctl(38, 1, 0, 0, 0) == 0
    assert libc.prctl(22, 2, ctypes.c_char_p(program), 0, 0) == 0


@pytest.mark.skipif(platform.machine() not in GETRANDOM,
                    reason="no number of getrandom")
def test_fault_h12_no_entropy(targets, tmp_path):
    """It does not start, and says so: no ID is ever weak."""
    one, = targets("one")
    file = mux.write_secret(tmp_path / "conf", mux.config_text([one]))
    done = subprocess.run(
        [mux.BINARY, "-d", "-f", str(file)], capture_output=True, text=True,
        timeout=20, check=False, preexec_fn=without_entropy)
    assert done.returncode == 1, done.stderr
    assert "error: sandbox: getrandom: " in done.stderr
    assert "notice: ready" not in done.stderr


@needs_root
def test_fault_h13_wake_ups_without_data(start, targets):
    """A datagram whose checksum is found wrong when it is read, and clients
    that are gone before they are accepted."""
    daemon = start(targets("one"), unconfirmed="servfail")
    worker, = daemon.workers()
    for _ in range(3):
        os.kill(worker, signal.SIGSTOP)
        wrong_checksum(daemon.udp)
        for _ in range(3):
            Tcp(daemon.tcp).reset()
        os.kill(worker, signal.SIGCONT)
        assert_answers(daemon.udp)
        assert_answers(daemon.tcp, Tcp)
    assert daemon.workers() == [worker]


def wrong_checksum(server):
    """Longer than what is checked before anybody is woken."""
    payload = sign(golden()) + bytes(400)
    data = struct.pack(">4H", 5353, server[1], 8 + len(payload), 0xbad)
    with socket.socket(socket.AF_INET, socket.SOCK_RAW,
                       socket.IPPROTO_UDP) as sock:
        sock.sendto(data + payload, (server[0], 0))
