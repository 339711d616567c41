# SPDX-License-Identifier: ISC
"""H08: whatever fails in the parent while it reloads or is asked by the
control socket, it lives and serves, says what has happened, keeps no
descriptor and no child, and the next time it works."""
import errno
import json
import os
import re
import signal
import subprocess
import time

import pytest

import fake
import mux
from control import ERRORS, PARENT, REPORTS, Call
from daemon_help import wait_for
from test_start import SYMPTOM, Run, explained, serve

# Of the processes that a reload makes, in their order.
NEW_READER, NEW_WORKER = 3, 4
OF_RELOAD = ["memory", "foreign", "bind", "fcntl", "fork", "getrlimit",
             "getsockname", "mmap", "pipe", "setsockopt", "socket",
             "socketpair", "waitpid"]
OF_READER = ["memory", "foreign", "fdopen", "fstat", "open", "realpath",
             "write"]
# Whichever of a worker's calls fails, its end is the same to the parent.
OF_WORKER = ["fcntl", "getsockname", "pthread_create", "setrlimit", "socket"]
OF_CONTROL = ["memory", "accept", "fcntl", "recv", "send", "write"]
NOTHING = Call(PARENT, "fork", 2**31, 0)
PATIENCE = 30
N_MAX, LEAP = 400, 19
REFUSED = "not reloaded: the former configuration stays"
READY = "notice: ready"
UNHEARD = "no memory|no answer|try again|Broken pipe|Connection reset"


@pytest.fixture(scope="module", name="targets")
def fixture_targets():
    with fake.FakeTarget("one") as one, fake.FakeTarget("two") as two:
        yield one, two


def replace(run, text):
    """Another file, whole at any time."""
    new = mux.write_secret(run.folder / "new.conf", text)
    return str(new.rename(run.folder / "ddns-mux.conf"))


def write(run, ntargets):
    """A configuration, with two of everything or one."""
    listen = ["127.0.0.1:0", "127.0.0.2:0"][:ntargets]
    return replace(run, mux.config_text(
        run.targets[:ntargets], listen_udp=listen,
        control_socket=str(run.folder / "control.sock")))


def ask(run, *words):
    """An answer, or an end: never a hang."""
    return subprocess.run([mux.CTL, "-s", str(run.folder / "control.sock"),
                           *words], capture_output=True, text=True,
                          timeout=PATIENCE, check=False)


def count_targets(run):
    done = ask(run, "targets", "--json")
    assert done.returncode == 0, done
    return len(json.loads(done.stdout))


def descriptors(run):
    return len(os.listdir(f"/proc/{run.process.pid}/fd"))


def arm(run, call):
    run.control.nprocesses = NEW_READER
    run.control.arm(call, is_counted_anew=True)


def settle(run):
    """Generations that drain would be in the way of the next one."""
    run.control.arm(NOTHING)
    wait_for(lambda: len(mux.children(run.process.pid)) == 1,
             "an old worker or a zombie stays", PATIENCE)


def hang_up(run, call):
    """A reload: its lines, once it is over."""
    start = len(run.log.lines)
    arm(run, call)
    run.process.send_signal(signal.SIGHUP)
    run.log.wait(READY + "|" + REFUSED, PATIENCE, start)
    serve(run.log)
    settle(run)
    lines = run.log.lines[start:]
    assert len(re.findall(READY + "|" + REFUSED, "\n".join(lines))) == 1, lines
    return lines


def count_updates(run):
    done = ask(run, "status", "--json")
    assert done.returncode in (0, 1), done
    return json.loads(done.stdout)["accepted"]


def is_taken(run, lines, wanted):
    """Is it as it was said to be, and all counted that was?"""
    taken = READY in "\n".join(lines)
    if taken and wanted != run.ntargets:
        assert "no setting has changed" not in "\n".join(lines)
    run.ntargets = wanted if taken else run.ntargets
    assert count_targets(run) == run.ntargets, lines
    before, run.updates = run.updates, count_updates(run)
    assert run.updates >= before, lines
    return taken


def check_recovers(run):
    """Undisturbed it works again, twice, and nothing is left open."""
    for ntargets in (2, 1):
        write(run, ntargets)
        assert is_taken(run, hang_up(run, NOTHING), ntargets)
    wait_for(lambda: descriptors(run) == run.base, "descriptors are left")
    run.process.send_signal(signal.SIGTERM)
    run.check_gone()
    run.log.thread.join(PATIENCE)
    assert run.process.returncode == 0, run.process.returncode
    assert not re.search("|".join(REPORTS), "\n".join(run.log.lines))


@pytest.fixture(name="daemon")
def fixture_daemon(shim, targets, tmp_path):
    run = Run(shim, ["-d", "-f", str(tmp_path / "ddns-mux.conf")], NOTHING)
    run.folder, run.targets, run.ntargets = tmp_path, targets, 1
    run.updates = 0
    write(run, 1)
    with run:
        try:
            assert run.is_ready(), run.log.tail()
            serve(run.log)
            run.base = descriptors(run)
            yield run
            check_recovers(run)
        except BaseException as cause:
            raise explained(run, cause) from cause


def n_of(run, call, attempt):
    """n = 1, 2 ... until none fails; how many did. To compare two settings
    takes the same requests for memory a hundred times: few of them fail."""
    tried, is_leaping, may_leap = 0, False, True
    while call.n < N_MAX:
        try:
            attempt(call)
        except BaseException as cause:
            raise explained(run, f"{call}: {cause}") from cause
        failed = run.control.has_failed
        tried += failed
        if may_leap and failed and "conf_diff.c" in run.where():
            is_leaping = True
            call.n += LEAP
        elif is_leaping:  # too far
            is_leaping = may_leap = False
            call.n -= LEAP - 1
        elif failed:
            call.n += 1
        else:
            return tried
    raise AssertionError(f"no end of {call}")


def n_tried(run, process, functions, attempt):
    return sum(n_of(run, Call(process, function, 1, ERRORS[function][0]),
                    attempt) for function in functions)


# Reloads


def check_reason(lines, call):
    """Besides that it is not reloaded: why, in the system's words."""
    reasons = [line for line in lines if "error: " in line
               and not re.search(REFUSED + "|" + SYMPTOM, line)]
    wanted = ("memory" if call.function in ("memory", "foreign")
              else os.strerror(call.error))
    assert any(wanted.lower() in r.lower() for r in reasons), lines


@pytest.mark.parametrize("process, functions, least", [
    (PARENT, OF_RELOAD, 60),
    (NEW_READER, OF_READER, 20),
    (NEW_WORKER, OF_WORKER, 5)], ids=["parent", "reader", "worker"])
def test_hangup(daemon, process, functions, least):
    """More of everything, or less: it is taken, or it is said why not."""
    def attempt(call):
        wanted = 3 - daemon.ntargets
        write(daemon, wanted)
        lines = hang_up(daemon, call)
        taken = is_taken(daemon, lines, wanted)
        if not taken and process != NEW_WORKER:
            check_reason(lines, call)
        assert taken or daemon.control.has_failed
    assert n_tried(daemon, process, functions, attempt) >= least


def test_bad_file(daemon):
    def attempt(call):
        replace(daemon, "listen_udp = [1];\n")
        assert not is_taken(daemon, hang_up(daemon, call), 0)
    assert n_tried(daemon, PARENT, ["fcntl", "fork", "pipe", "waitpid"],
                   attempt) > 5
    assert n_tried(daemon, NEW_READER, ["memory", "foreign"], attempt) > 10


def test_fifo_without_poll(daemon):
    """The child that reads a FIFO is not waited for in vain."""
    os.mkfifo(daemon.folder / "fifo")
    replace(daemon, '@include "fifo"\n')

    def is_met(n):
        hang_up(daemon, Call(PARENT, "poll", n, errno.ENOMEM))
        return "reader.c" in daemon.where()
    assert any(is_met(n) for n in range(1, 5)), "the poll is not found"


# Questions


def test_reload_command(daemon):
    """Its answer is what has happened, if there is one."""
    def attempt(call):
        wanted = 3 - daemon.ntargets
        write(daemon, wanted)
        start = len(daemon.log.lines)
        arm(daemon, call)
        done = ask(daemon, "reload")
        lost = done.returncode == 3
        assert not lost or re.search(UNHEARD, done.stderr), done
        assert not lost or daemon.control.has_failed
        serve(daemon.log)
        settle(daemon)
        lines = daemon.log.lines[start:]
        taken = is_taken(daemon, lines, wanted)
        assert lost or taken == (done.returncode == 0), done
        assert lost or taken or REFUSED in done.stdout, done
    functions = ["fork", "accept", "recv", "send"]
    assert n_tried(daemon, PARENT, functions, attempt) > 5


@pytest.mark.parametrize("words", [
    ["status"], ["stats", "--prometheus"], ["disable", "one"],
    ["probe", "one"]], ids=" ".join)
def test_answer(daemon, words):
    """The usual one, or none, or that there is no memory for it."""
    usual = ask(daemon, *words)

    def attempt(call):
        arm(daemon, call)
        done = ask(daemon, *words)
        failed = daemon.control.has_failed
        daemon.control.arm(NOTHING)
        assert (done.returncode == usual.returncode
                or failed and done.returncode == 3
                and re.search(UNHEARD, done.stderr)), done
        assert ask(daemon, "enable", "one").returncode == 0
        serve(daemon.log)
    assert n_tried(daemon, PARENT, OF_CONTROL, attempt) > 2


@pytest.mark.parametrize("error", [errno.EMFILE, errno.ENFILE, errno.ENOMEM,
                                   errno.ENOBUFS])
def test_accept_pauses(daemon, error):
    """Ten tries in a second for one who waits, and then he is heard."""
    daemon.control.is_lasting = 1
    began = time.monotonic()
    arm(daemon, Call(PARENT, "accept", 1, error))
    with subprocess.Popen(
            [mux.CTL, "-s", str(daemon.folder / "control.sock"), "status"],
            stdout=subprocess.DEVNULL) as waiting:
        try:
            wait_for(lambda: daemon.control.has_failed, "nobody is let in")
            for _ in range(20):
                serve(daemon.log)
            tries = daemon.control.counts(PARENT)["accept"]
            assert 1 <= tries <= 2 + (time.monotonic() - began) * 10
        finally:
            daemon.control.is_lasting = 0
            daemon.control.arm(NOTHING)
        assert waiting.wait(PATIENCE) == 0
