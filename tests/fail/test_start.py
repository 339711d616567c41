# SPDX-License-Identifier: ISC
"""H08: whatever fails while it starts, ddns-mux says so and ends with
status 1, or it serves as if nothing had been; no process stays behind, and
nobody holds the pid file."""
import contextlib
import fcntl
import os
import re
import signal
import subprocess

import pytest

import fake
import mux
import wire
from answers import SIGNED, check
from client import Closed, Tcp, Udp
from control import (ERRORS, PARENT, READER, REPORTS, WORKER, Call, calls_of,
                     each, shared)
from daemon_help import is_running, update, wait_for

PATIENCE = 60.0
USER = "nobody" if os.geteuid() == 0 else ""
# It does not look at what it gets in glibc; it is called before anything is
# served.
EXCUSED = "getpwnam"
# Not the reason why: there has to be another line.
SYMPTOM = r"worker \d+, pid \d+, ended with status"


@pytest.fixture(scope="module", name="target")
def fixture_target():
    with fake.FakeTarget("one") as one:
        yield one


class Run:
    """One start with a call that fails."""

    def __init__(self, shim, args, call=None):
        self.args, self.call, self.shim = args, call, shim
        self.process = self.log = self.control = None

    def __enter__(self):
        self.shared = shared(self.shim)
        self.control, env = self.shared.__enter__()
        if self.call:
            self.control.arm(self.call)
        self.process = subprocess.Popen(
            [mux.BINARY, *self.args], env=env, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True)
        self.log, self.out = (mux.Log(self.process.stderr),
                              mux.Log(self.process.stdout))
        return self

    def __exit__(self, *exc):
        for pid in self.control.pids():
            if is_running(pid):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self.shared.__exit__(*exc)

    def is_ready(self):
        """Or has it ended?"""
        wanted = r"notice: ready"
        with self.log.grown:
            assert self.log.grown.wait_for(
                lambda: self.log.find(wanted) or self.log.is_at_end,
                PATIENCE), "neither ready nor at its end"
        return self.log.find(wanted) is not None

    def where(self):
        done = subprocess.run(
            ["addr2line", "-sfe", mux.BINARY, hex(self.control.site - 1)],
            capture_output=True, text=True, check=False)
        return (" ".join(done.stdout.split()) + " "
                + self.control.origin.decode())

    def check_gone(self):
        self.process.wait(PATIENCE)
        wait_for(lambda: not any(map(is_running, self.control.pids())),
                 "a process stays behind", PATIENCE)
        assert self.control.bad_closes == 0, "closes what is not its own"

    def is_excused(self):
        return self.control.origin.decode().startswith(EXCUSED)

    def check_refusal(self):
        """Ended with status 1, and a line that says why."""
        self.check_gone()
        self.log.thread.join(PATIENCE)
        text = "\n".join(self.log.lines)
        if self.is_excused():
            return
        assert self.process.returncode == 1, self.process.returncode
        assert not any(r in text for r in REPORTS), "a report"
        reasons = [line for line in self.log.lines
                   if not re.search(r": (notice|info): |" + SYMPTOM, line)]
        assert reasons or self.call.function == "write", "no reason"
        assert not re.search(r"Success|Error 0", text), "no error is told"


def serve(log):
    """Updates by both transports; one may be lost to what fails late."""
    for transport, how in (("udp", Udp), ("tcp", Tcp)):
        host, port = log.wait(rf"listening on {transport} (\S+):(\d+)",
                              PATIENCE).groups()
        answer = None
        for _ in range(5):
            request = update()
            with contextlib.suppress(Closed), \
                    how((host, int(port))) as client:
                if answer := client.ask(request, 2.0):
                    break
        check(answer, request, SIGNED())


def check_pidfile(path):
    if not path.exists():
        return
    with open(path, "rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def explained(run, cause):
    return AssertionError(f"{repr(cause)[:200]}\n"
                          f"at {run.where()}\n" + run.log.tail(25))


def configuration(folder, target, **settings):
    return str(mux.write_secret(
        folder / "ddns-mux.conf",
        mux.config_text([target.config()], user=USER, **settings)))


def check_end(run):
    """It served, was asked to end, and nothing was wrong until then."""
    run.check_gone()
    run.log.thread.join(PATIENCE)
    text = "\n".join(run.log.lines)
    assert run.process.returncode == 0, run.process.returncode
    assert not re.search("|".join((*REPORTS, SYMPTOM, "was killed")), text)


def start(shim, file, call=None, pidfile=None):
    """In the foreground. Was the call reached?"""
    args = ["-d", "-f", file] + (["-p", str(pidfile)] if pidfile else [])
    with Run(shim, args, call) as run:
        try:
            if run.is_ready():
                serve(run.log)
                run.process.send_signal(signal.SIGTERM)
                check_end(run)
            else:
                run.check_refusal()
            if pidfile:
                check_pidfile(pidfile)
            return bool(run.control.has_failed)
        except BaseException as cause:
            raise explained(run, cause) from cause


def counted_calls(shim, args, process, functions=ERRORS):
    """All calls of a start in which nothing fails."""
    with Run(shim, args) as run:
        assert run.is_ready(), run.log.tail()
        return calls_of(run.control, process, functions)


# A line of the log that is lost is all that comes of it.
NOT_LOG = [f for f in ERRORS if f != "write"]


@pytest.mark.parametrize("process, functions, workers", [
    (PARENT, NOT_LOG, 2), (READER, ERRORS, 1), (WORKER, ERRORS, 1)])
def test_foreground(shim, target, tmp_path, process, functions, workers):
    """The parent of two workers, who reads its file, and a worker alone."""
    file = configuration(tmp_path, target, workers=workers)
    args = ["-d", "-f", file, "-p", str(tmp_path / "pid")]
    calls = counted_calls(shim, args, process, functions)

    def attempt(call):
        pidfile = tmp_path / f"{call.process}-{call.function}-{call.n}.pid"
        return start(shim, file, call, pidfile)
    each(attempt, calls)


# What the foreground has not: the rest is the same code.
DETACHED = ["chdir", "dup2", "fcntl", "fork", "open", "pipe", "read",
            "setsid"]


def detach(shim, file, pidfile, call=None):
    with Run(shim, ["-f", file, "-p", str(pidfile)], call) as run:
        try:
            status = run.process.wait(PATIENCE)
            if status == 0:
                serve(run.log)
                pid = int(pidfile.read_text())
                assert pid == run.control.pid[2]
                os.kill(pid, signal.SIGTERM)
                run.check_gone()
            else:
                run.check_refusal()
            check_pidfile(pidfile)
            return run.control if call is None else run.control.has_failed
        except BaseException as cause:
            raise explained(run, cause) from cause


@pytest.mark.parametrize("process", [0, 2, 3])
def test_background(shim, target, tmp_path, process):
    """Who starts it, the parent, and a worker."""
    file = configuration(tmp_path, target)
    counted = detach(shim, file, tmp_path / "pid")
    calls = calls_of(counted, process, DETACHED)

    def attempt(call):
        pidfile = tmp_path / f"{call.process}-{call.function}-{call.n}.pid"
        return detach(shim, file, pidfile, call)
    each(attempt, calls)


def full_configuration(folder):
    """One of everything that is read from a file."""
    secret = wire.Key("a.example.", bytes(32)).config()["key"]
    mux.write_secret(folder / "bare.key", secret)
    mux.write_secret(folder / "clause.key", 'key "b.example." { algorithm '
                     f'hmac-sha256; secret "{secret}"; }};')
    mux.write_secret(folder / "more.conf",
                     mux.settings_text({"unconfirmed": "servfail"}))
    one = dict(name="one", address="192.0.2.1:5300", zones=["c.", "b.", "c."],
               tsig=dict(name="t.", key=secret))
    two = dict(name="two", address="192.0.2.2", transport="tcp",
               tsig=dict(name="t.", key_file="bare.key"))
    keys = [dict(name="a.example.", key_file="bare.key", digest_bits=128,
                 sources=["192.0.2.0/24", "::1"], zones=["b.", "c."]),
            dict(name="b.example.", key_file="clause.key")]
    file = mux.write_secret(folder / "full.conf", mux.config_text(
        [one, two], keys, listen_udp=["0.0.0.0:5300"], user="nobody",
        require_confirmation=1) + '@include "more.conf"\n')
    return str(file)


def test_check(shim, tmp_path):
    """-nv prints all of the configuration, or ends with status 1."""
    file = full_configuration(tmp_path)

    def check_file(call=None):
        with Run(shim, ["-nv", "-f", file], call) as run:
            try:
                run.out.thread.join(PATIENCE)
                if run.process.wait(PATIENCE) != 0:
                    run.check_refusal()
                elif call is not None:
                    run.check_gone()
                    assert run.out.lines == whole, "\n".join(run.out.lines)
                return run.out.lines, run.control
            except BaseException as cause:
                raise explained(run, cause) from cause
    whole, counted = check_file()
    assert len(whole) > 30
    calls = calls_of(counted, 0)

    def attempt(call):
        return check_file(call)[1].has_failed
    each(attempt, calls)


# A worker's start is the same code again.
OF_PARENT = ["fcntl", "fork", "mmap", "pipe", "socketpair"]


def restart(shim, target, call, folder):
    """The only worker dies: there is another one soon, whatever fails."""
    file = configuration(folder, target)
    with Run(shim, ["-d", "-f", file]) as run:
        try:
            assert run.is_ready()
            run.control.arm(call or Call(PARENT, "fork", 0, 0),
                            is_counted_anew=True)
            os.kill(run.control.pid[WORKER], signal.SIGKILL)
            serve(run.log)
            counts = calls_of(run.control, 0, OF_PARENT)
            run.process.send_signal(signal.SIGTERM)
            run.check_gone()
            assert run.process.returncode == 0
            return run.control.has_failed if call else counts
        except BaseException as cause:
            raise explained(run, cause) from cause


def test_restart(shim, target, tmp_path):
    calls = restart(shim, target, None, tmp_path)

    def attempt(call):
        folder = tmp_path / f"{call.function}-{call.n}"
        folder.mkdir()
        return restart(shim, target, call, folder)
    each(attempt, calls)
