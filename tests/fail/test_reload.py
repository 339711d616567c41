# SPDX-License-Identifier: ISC
"""H08: whatever fails in the parent while it reloads or is asked by the
control socket, it lives and serves, keeps no descriptor, and the next time
it works."""
import os
import signal
import subprocess

import pytest

import fake
import mux
from control import ERRORS, PARENT, Call
from daemon_help import wait_for
from test_start import Run, check_end, explained, serve

# What happens in the parent alone; a worker's start is test_start's.
OF_RELOAD = ["memory", "bind", "fcntl", "fdopen", "fork", "fstat",
             "getrlimit", "getsockname", "mmap", "open", "pipe", "realpath",
             "setsockopt", "sigaction", "socket", "socketpair"]
OF_CONTROL = ["memory", "accept", "fcntl", "recv", "send"]
NOTHING = Call(PARENT, "fork", 0, 0)
PATIENCE = 30
N_MAX = 400


@pytest.fixture(scope="module", name="targets")
def fixture_targets():
    with fake.FakeTarget("one") as one, fake.FakeTarget("two") as two:
        yield one, two


def write(folder, targets, more):
    """The first configuration, or the second with more of everything."""
    one, two = targets
    listen = ["127.0.0.1:0", "127.0.0.2:0"] if more else "127.0.0.1:0"
    text = mux.config_text([one, two] if more else [one], listen_udp=listen,
                           control_socket=str(folder / "control.sock"))
    new = mux.write_secret(folder / "new.conf", text)
    return str(new.rename(folder / "ddns-mux.conf"))


def descriptors(run):
    return len(os.listdir(f"/proc/{run.process.pid}/fd"))


def hang_up(run, wanted):
    """A reload, until this is said of it."""
    start = len(run.log.lines)
    run.process.send_signal(signal.SIGHUP)
    return run.log.wait(wanted, PATIENCE, start)


def is_alone(run):
    """Only the present generation's one worker is left."""
    return len(mux.children(run.process.pid)) == 1


def recover(run, folder, targets):
    """Undisturbed it works again, twice, and nothing is left open."""
    run.control.arm(NOTHING, is_counted_anew=True)
    for more in (True, False):
        write(folder, targets, more)
        hang_up(run, "notice: ready")
        serve(run.log)
    wait_for(lambda: is_alone(run), "an old worker stays", PATIENCE)
    wait_for(lambda: descriptors(run) == run.base, "descriptors are left")
    run.process.send_signal(signal.SIGTERM)
    check_end(run)


def started(run, folder, targets):
    assert run.is_ready(), run.log.tail()
    serve(run.log)
    run.base = descriptors(run)
    write(folder, targets, True)


def ask(folder, *words):
    """An answer, or an end: never a hang."""
    return subprocess.run([mux.CTL, "-s", str(folder / "control.sock"),
                           *words], capture_output=True, text=True,
                          timeout=PATIENCE, check=False)


@pytest.mark.parametrize("words, functions", [
    (["status"], OF_CONTROL), (["stats", "--prometheus"], OF_CONTROL),
    (["log-level", "info"], OF_CONTROL), (["reload"], OF_RELOAD + OF_CONTROL)],
    ids=["status", "stats", "log-level", "reload"])
def test_each_call(shim, targets, tmp_path, words, functions):
    """All n in one daemon, whose configuration is another each time."""
    file = write(tmp_path, targets, False)
    with Run(shim, ["-d", "-f", file]) as run:
        try:
            started(run, tmp_path, targets)
            reached = sum(fail_each(run, tmp_path, targets, words, function)
                          for function in dict.fromkeys(functions))
            assert reached > (40 if words == ["reload"] else 2)
            run.control.arm(NOTHING, is_counted_anew=True)
            assert ask(tmp_path, "enable", "one").returncode == 0
            recover(run, tmp_path, targets)
        except BaseException as cause:
            raise explained(run, cause) from cause


def fail_each(run, folder, targets, words, function):
    """n = 1, 2 ... until none fails; how many did."""
    for n in range(1, N_MAX):
        write(folder, targets, n % 2)
        run.control.arm(Call(PARENT, function, n, ERRORS[function][0]),
                        is_counted_anew=True)
        done = ask(folder, *words)
        serve(run.log)
        if not run.control.has_failed:
            assert done.returncode == 0, done
            return n - 1
        # Generations that drain would be in the way of the next one.
        run.control.arm(NOTHING)
        wait_for(lambda: is_alone(run), "an old worker stays", PATIENCE)
    raise AssertionError(f"no end of {function}")
