# SPDX-License-Identifier: ISC
"""Fixtures of all end-to-end tests; logs of whoever lives when one fails."""
import contextlib
import sys

sys.dont_write_bytecode = True

import pytest  # noqa: E402

import fake  # noqa: E402
import mux  # noqa: E402


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if not report.failed:
        return
    for daemon in list(mux.LIVE):
        report.sections.append(("log of ddns-mux", daemon.report()))
    for target in list(fake.LIVE):
        report.sections.append((f"target {target.label}", target.report()))


@pytest.fixture
def stack():
    """Enter what the test needs; all of it is left in reverse order."""
    with contextlib.ExitStack() as entered:
        yield entered


@pytest.fixture
def targets(stack):
    """Makes scripted targets: targets("a", "b")."""
    def make(*labels, **how):
        return [stack.enter_context(fake.FakeTarget(label, **how))
                for label in labels]
    return make


@pytest.fixture
def start(stack):
    """Starts ddns-mux: start(targets, keys, setting=value)."""
    def enter(*args, **settings):
        return stack.enter_context(mux.Mux(*args, **settings))
    return enter
