# SPDX-License-Identifier: ISC
"""Runs ddns-mux with shim.c preloaded, and says what it shall do."""
import contextlib
import ctypes
import mmap
import os
import pathlib
import subprocess
import tempfile

import pytest

HERE = pathlib.Path(__file__).resolve().parent
CALLS = ("accept", "connect", "send", "sendmsg", "malloc")


class Control(ctypes.Structure):
    """struct control of shim.c."""
    _fields_ = [
        ("wall_s", ctypes.c_int64), ("mono_s", ctypes.c_int64),
        ("deadly_len", ctypes.c_uint32), ("_deadly", ctypes.c_uint8 * 60),
        ("line_len", ctypes.c_uint32), ("_line", ctypes.c_uint8 * 4096),
        ("_error", ctypes.c_uint32 * len(CALLS)),
        ("_failed", ctypes.c_uint32 * len(CALLS)),
    ]

    def die_of(self, octets):
        """A worker does that hashes them."""
        self._deadly[:len(octets)] = octets
        self.deadly_len = len(octets)

    def send_line(self, octets):
        """One worker does, with its next frame."""
        self._line[:len(octets)] = octets
        self.line_len = len(octets)

    def failed(self, call):
        """So often, up to now."""
        return self._failed[CALLS.index(call)]

    @contextlib.contextmanager
    def failing(self, *calls, error):
        """All of these fail in all workers."""
        for call in calls:
            self._error[CALLS.index(call)] = error
        try:
            yield
        finally:
            for call in calls:
                self._error[CALLS.index(call)] = 0


@pytest.fixture(scope="session", name="library")
def fixture_library(tmp_path_factory):
    out = tmp_path_factory.mktemp("shim") / "shim.so"
    subprocess.run(["cc", "-D_GNU_SOURCE", "-O1", "-Wall", "-Wextra",
                    "-Werror", "-fno-builtin", "-shared", "-fPIC",
                    "-o", out, HERE / "shim.c"], check=True)
    return out


@pytest.fixture(name="shim")
def fixture_shim(library):
    """A control; shim.popen is for who starts the program."""
    with tempfile.NamedTemporaryFile(prefix="ddns-mux-shim.") as file:
        file.truncate(ctypes.sizeof(Control))
        control = Control.from_buffer(mmap.mmap(file.fileno(), 0))
        control.popen = dict(env={
            **os.environ, "LD_PRELOAD": str(library),
            "SHIM_CONTROL": file.name})
        yield control
