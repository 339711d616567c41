# SPDX-License-Identifier: ISC
"""Runs ddns-mux with fail.c preloaded, and says which call shall fail."""
import concurrent.futures
import contextlib
import ctypes
import errno as e
import mmap
import os
import pathlib
import subprocess
import tempfile

import pytest

HERE = pathlib.Path(__file__).resolve().parent
MAIN, THREAD = 0, 1
# In the foreground, in the order of forks: the parent, the child that reads
# the configuration, and the first worker.
PARENT, READER, WORKER = 0, 1, 2
PARALLEL = 2 * (os.cpu_count() or 1)
REPORTS = ("Sanitizer", "runtime error", "Assertion")
SANITIZER = ("verify_asan_link_order=0:detect_leaks=0:"
             "detect_stack_use_after_return=1:allocator_may_return_null=1")

# What a system may say. The first one is tried at start-up, where the code
# makes no difference between them; all of them while updates are served.
ERRORS = {
    "memory": [e.ENOMEM], "foreign": [e.ENOMEM],
    "accept": [e.EMFILE, e.EINTR, e.ECONNABORTED, e.ENOMEM],
    "bind": [e.EADDRINUSE], "chdir": [e.EACCES],
    "connect": [e.ENETUNREACH, e.EAGAIN, e.EADDRNOTAVAIL],
    "dup2": [e.EBUSY], "fcntl": [e.EINVAL], "fdopen": [e.ENOMEM],
    "flock": [e.EWOULDBLOCK], "fork": [e.EAGAIN], "fstat": [e.EIO],
    "ftruncate": [e.EIO], "getpwnam": [e.EMFILE], "getrlimit": [e.EPERM],
    "getsockname": [e.ENOBUFS], "getsockopt": [e.ENOBUFS],
    "listen": [e.EADDRINUSE], "mmap": [e.ENOMEM], "open": [e.EMFILE],
    "pipe": [e.EMFILE], "poll": [e.EINTR, e.ENOMEM], "prctl": [e.EINVAL],
    "pthread_attr_init": [e.ENOMEM],
    "pthread_attr_setstacksize": [e.EINVAL],
    "pthread_create": [e.EAGAIN],
    "pwrite": [e.ENOSPC], "read": [e.EINTR, e.EIO], "realpath": [e.ENOENT],
    "recv": [e.EAGAIN, e.EINTR, e.ENOMEM, e.ECONNREFUSED, e.ECONNRESET],
    "recvmmsg": [e.EAGAIN, e.EINTR, e.ENOMEM, e.ECONNREFUSED],
    "recvmsg": [e.EAGAIN, e.EINTR, e.ENOMEM, e.ECONNREFUSED],
    "send": [e.EAGAIN, e.EINTR, e.ENOBUFS, e.ENOMEM, e.EPERM, e.EPIPE,
             e.ECONNREFUSED],
    "sendmmsg": [e.EAGAIN, e.EINTR, e.ENOBUFS, e.ENOMEM, e.EPERM,
                 e.ECONNREFUSED, e.EINVAL, e.EIO],
    "sendmsg": [e.EAGAIN, e.EINTR, e.ENOBUFS, e.ENOMEM, e.EPERM],
    "setgroups": [e.EPERM], "setresgid": [e.EPERM], "setresuid": [e.EAGAIN],
    "setrlimit": [e.EPERM], "setsid": [e.EPERM], "setsockopt": [e.ENOBUFS],
    "sigaction": [e.EINVAL],
    "socket": [e.EMFILE, e.ENOBUFS],
    "socketpair": [e.EMFILE], "stat": [e.EIO], "unlink": [e.EACCES],
    "waitpid": [e.EINTR],
    "write": [e.EAGAIN, e.ENOMEM],
}

FUNCTIONS = list(ERRORS)  # in the order of fail.c
# How often these are called depends on who is faster.
VARYING = ("accept", "poll", "read", "recv", "recvmmsg", "recvmsg", "write")


class Control(ctypes.Structure):
    """struct control of fail.c."""
    _fields_ = [
        ("process", ctypes.c_uint32), ("is_thread", ctypes.c_uint32),
        ("function", ctypes.c_uint32), ("n", ctypes.c_uint32),
        ("error", ctypes.c_uint32), ("has_failed", ctypes.c_uint32),
        ("nprocesses", ctypes.c_uint32), ("bad_closes", ctypes.c_uint32),
        ("epoch", ctypes.c_uint32), ("is_lasting", ctypes.c_uint32),
        ("pid", ctypes.c_int32 * 32), ("site", ctypes.c_uint64),
        ("origin", ctypes.c_char * 64),
        ("name", ctypes.c_char * 32 * 64),
        ("count", ctypes.c_uint32 * 64 * 2 * 32)]

    def names(self):
        return [n.value.decode() for n in self.name if n.value]

    def counts(self, process, thread=MAIN):
        """{function: calls}, of those that were called."""
        row = self.count[process][thread]
        return {n: row[i] for i, n in enumerate(self.names()) if row[i]}

    def pids(self):
        return [pid for pid in self.pid if pid]

    def arm(self, call, is_counted_anew=False):
        """Lets it fail, counted from the start or from now."""
        if is_counted_anew:
            self.n = 0
            ctypes.memset(self.count, 0, ctypes.sizeof(self.count))
            self.has_failed = 0
            self.epoch += 1
        self.process, self.is_thread = call.process, call.thread
        self.function = FUNCTIONS.index(call.function)
        self.error, self.n = call.error, call.n


class Call:
    """Which call fails: the n-th of a function, in a process (0 is the one
    that was started) and its main thread or another."""

    def __init__(self, process, function, n, error, thread=MAIN):
        self.process, self.thread = process, thread
        self.function, self.n, self.error = function, n, error

    def __str__(self):
        where = "thread of " if self.thread == THREAD else ""
        return (f"{where}process {self.process}: {self.function} "
                f"{self.n}: {e.errorcode[self.error]}")


@pytest.fixture(scope="session", name="shim")
def fixture_shim(tmp_path_factory):
    """fail.c as a library."""
    out = tmp_path_factory.mktemp("shim") / "fail.so"
    subprocess.run(["cc", "-D_GNU_SOURCE", "-g", "-O1", "-Wall", "-Wextra",
                    "-Werror", "-shared", "-fPIC", "-o", out,
                    HERE / "fail.c"], check=True)
    out.chmod(0o755)
    return out


@contextlib.contextmanager
def shared(shim):
    """A control, and the environment that hands it to the program."""
    with tempfile.NamedTemporaryFile(prefix="ddns-mux-fail.") as file:
        os.fchmod(file.fileno(), 0o666)
        file.truncate(ctypes.sizeof(Control))
        mem = mmap.mmap(file.fileno(), 0)
        yield Control.from_buffer(mem), {
            **os.environ, "LD_PRELOAD": str(shim), "FAIL_CONTROL": file.name,
            "ASAN_OPTIONS": SANITIZER, "MALLOC_PERTURB_": "165"}


def calls_of(control, process, functions=ERRORS, thread=MAIN):
    """Each call that was counted, with its first error."""
    return [Call(process, function, n, ERRORS[function][0], thread)
            for function, count in control.counts(process, thread).items()
            if function in functions for n in range(1, count + 1)]


def each(attempt, calls):
    """Tries them, several at once: attempt says whether its call was
    reached. Fails with all that went wrong."""
    def one(call):
        try:
            return attempt(call), None
        except BaseException as cause:  # told below, with its call
            return True, f"{call}\n{cause}"
    with concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool:
        results = list(pool.map(one, calls))
    wrong = [text for _, text in results if text]
    assert not wrong, (f"{len(wrong)} of {len(results)}\n\n"
                       + "\n\n".join(wrong[:12]))
    missed = [call for call, (is_reached, _) in zip(calls, results)
              if not is_reached and call.function not in VARYING]
    assert not missed, "not reached: " + ", ".join(map(str, missed))
