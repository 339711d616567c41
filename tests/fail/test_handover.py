# SPDX-License-Identifier: ISC
"""H08: whatever fails while a new daemon takes over, somebody serves: the
former one as before, or the new one alone."""
import signal

import pytest

import fake
import mux
from control import PARENT, calls_of, each
from daemon_help import assert_answers
from test_start import NOT_LOG, Run, check_end, explained

# With an update in hand it would take longer to end, and nothing else.
STOPPED = 20.0


@pytest.fixture(scope="module", name="target")
def fixture_target():
    with fake.FakeTarget("one") as one:
        yield one


def former(target):
    """One that is to be replaced, with addresses that can be had again."""
    made = mux.Mux([target], workers=2, control_socket=True)
    made.options = ("-p", str(made.folder / "pid"))
    return made


def take_over(shim, target, call=None):
    """A new daemon in the place of another one. Was the call reached? Without
    one: all that there are."""
    with former(target) as old:
        old.rewrite([target], workers=2, control_socket=True,
                    listen_udp="%s:%d" % old.udp,
                    listen_tcp="%s:%d" % old.tcp)
        args = ["-d", "-t", "-f", str(old.file), "-p", str(old.folder / "pid")]
        with Run(shim, args, call) as run:
            try:
                if run.is_ready():
                    assert old.process.wait(STOPPED) == 0
                    assert_answers(old.udp)
                    calls = calls_of(run.control, PARENT, NOT_LOG)
                    run.process.send_signal(signal.SIGTERM)
                    check_end(run)
                    if call is None:
                        return calls
                else:
                    check_refusal(run, old)
                return bool(run.control.has_failed)
            except BaseException as cause:
                raise explained(run, cause) from cause


def check_refusal(run, old):
    """It has ended, and the former one is as it was."""
    run.check_gone()
    assert run.process.returncode in (1, 2) or run.is_excused(), \
        run.process.returncode
    assert_answers(old.udp)
    assert int((old.folder / "pid").read_text()) == old.pid
    old.ctl("status")


def test_each_call_of_the_new_parent(shim, target):
    calls = take_over(shim, target)
    each(lambda call: take_over(shim, target, call), calls)
