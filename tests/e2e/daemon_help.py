# SPDX-License-Identifier: ISC
"""What the tests of the daemon and of its processes share."""
import collections
import os
import pathlib
import re
import signal
import time

import pytest

import wire
from answers import SIGNED, check
from client import PATIENCE, Udp
from wire import address, golden, sign


# The processes hide from everybody but root.
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def update(owner="h1"):
    return sign(golden(updates=[address(f"{owner}.{wire.ZONE}")]))


def assert_answers(server, how=Udp, **more):
    request = update()
    with how(server, **more) as client:
        check(client.ask(request), request, SIGNED())


def wait_for(condition, what, timeout=PATIENCE):
    deadline = time.monotonic() + timeout
    while not (found := condition()):
        assert time.monotonic() < deadline, what
        time.sleep(0.01)  # a poll with a limit: nothing tells us
    return found


def is_running(pid):
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return text.rpartition(")")[2].split()[0] != "Z"


def counters(daemon):
    """What its workers have told, some of it up to a second ago."""
    mark = daemon.mark()
    daemon.process.send_signal(signal.SIGUSR1)
    line = daemon.wait_log("parent: .*statistics:(.*)", start=mark)
    found = re.findall(r"(\w+)=(\d+)", line[1])
    return collections.Counter({name: int(value) for name, value in found})


def wait_for_counters(daemon, condition):
    """The counters, once they are as condition wants them."""
    def look():
        found = counters(daemon)
        return found if condition(found) else None
    return wait_for(look, "the counters are not as they should be")
