# SPDX-License-Identifier: ISC
"""Starts ddns-mux with a configuration of its own and watches its log."""
import contextlib
import fcntl
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import threading

import wire
from client import PATIENCE, Tcp, Udp

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("DDNS_MUX", str(ROOT / "build" / "ddns-mux"))
CTL = str(pathlib.Path(BINARY).parent / "ddns-muxctl")
LIVE = set()
START_LIMIT = 20.0
STOP_LIMIT = 20.0


# Configuration text


def literal(value):
    """A Python value in libconfig's notation."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, dict):
        return "{ " + settings_text(value, " ") + " }"
    inner = ", ".join(literal(item) for item in value)
    is_list = any(isinstance(item, (dict, list, tuple)) for item in value)
    return f"( {inner} )" if is_list else f"[ {inner} ]"


def settings_text(settings, end="\n"):
    return end.join(f"{k} = {literal(v)};" for k, v in settings.items())


def config_text(targets, keys=(wire.GOLDEN_KEY,), **settings):
    """Targets: groups, or objects that have one; keys: keys or groups.
    Tests are refused more often in a second than anybody else."""
    def group(item):
        return item if isinstance(item, dict) else item.config()
    base = dict(listen_udp="127.0.0.1:0", listen_tcp="127.0.0.1:0",
                workers=1, user="", control_socket="",
                refusals_per_source=1000000)
    base.update(settings)
    base["incoming_tsig"] = [group(k) for k in keys]
    base["targets"] = [group(t) for t in targets]
    return settings_text(base) + "\n"


def write_secret(path, text):
    """A file as the program demands it for secrets."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as out:
        out.write(text)
    return path


# Processes


def children(pid):
    try:
        text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [int(word) for word in text.split()]


def run(*args, timeout=START_LIMIT):
    """One run that ends by itself."""
    return subprocess.run([BINARY, *args], capture_output=True, text=True,
                          timeout=timeout, check=False)


class Log:
    """Lines of a pipe, collected by a thread, so that it never fills."""

    def __init__(self, pipe):
        self.lines = []
        self.is_at_end = False
        self.grown = threading.Condition()
        with contextlib.suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 1 << 20)
        self.thread = threading.Thread(target=self._collect, args=(pipe,),
                                       daemon=True)
        self.thread.start()

    def _collect(self, pipe):
        for line in pipe:
            with self.grown:
                self.lines.append(line.decode("utf-8", "replace").rstrip())
                self.grown.notify_all()
        pipe.close()
        with self.grown:
            self.is_at_end = True
            self.grown.notify_all()

    def find(self, pattern, start=0):
        for line in self.lines[start:]:
            if found := re.search(pattern, line):
                return found
        return None

    def wait(self, pattern, timeout=PATIENCE, start=0):
        """The match in the first line that has one."""
        def is_over():
            return self.find(pattern, start) or self.is_at_end
        with self.grown:
            self.grown.wait_for(is_over, timeout)
            found = self.find(pattern, start)
        assert found, f"no log line matches {pattern!r}:\n" + self.tail()
        return found

    def tail(self, count=60):
        return "\n".join(self.lines[-count:])


class Mux:
    """A running ddns-mux in the foreground."""

    def __init__(self, targets, keys=(wire.GOLDEN_KEY,), *, options=("-v",),
                 popen=None, **settings):
        """popen: further arguments of subprocess.Popen."""
        self.targets, self.settings, self.options = targets, settings, options
        self.popen = popen or {}
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ddns-mux-e2e."))
        self._name_socket(settings)
        self.file = write_secret(self.folder / "ddns-mux.conf",
                                 config_text(targets, keys, **settings))
        self.process = self.log = None
        self.before = []  # a command that executes the program

    def _name_socket(self, settings):
        if settings.get("control_socket") is True:
            settings["control_socket"] = str(self.socket)

    def __enter__(self):
        self.process = subprocess.Popen(
            [*self.before, BINARY, "-d", *self.options, "-f", str(self.file)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, start_new_session=True, **self.popen)
        self.log = Log(self.process.stderr)
        LIVE.add(self)
        try:
            self.log.wait(r"notice: ready", START_LIMIT)
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *exc):
        try:
            if self.process.poll() is None:
                self.stop()
        finally:
            LIVE.discard(self)
            shutil.rmtree(self.folder, ignore_errors=True)

    def rewrite(self, targets, keys=(wire.GOLDEN_KEY,), **settings):
        """Another configuration in its file, whole at any time."""
        self._name_socket(settings)
        new = write_secret(self.folder / "new.conf",
                           config_text(targets, keys, **settings))
        shutil.copymode(self.file, new)
        new.rename(self.file)

    @property
    def pid(self):
        return self.process.pid

    def workers(self):
        return children(self.pid)

    @property
    def socket(self):
        """Of ddns-muxctl, if the configuration has control_socket=True."""
        return self.folder / "control.sock"

    def ctl(self, *words, status=0, **how):
        """What ddns-muxctl prints."""
        done = subprocess.run([CTL, "-s", str(self.socket), *words],
                              capture_output=True, text=True,
                              timeout=START_LIMIT, check=False, **how)
        assert done.returncode == status, f"{done}\n{self.log.tail()}"
        return done.stdout + done.stderr

    def listeners(self, transport):
        """[(host, port), ...] in the order of the log."""
        found = []
        for line in self.log.lines:
            match = re.search(rf"listening on {transport} (\S+):(\d+)$", line)
            if match:
                found.append((match[1].strip("[]"), int(match[2])))
        return found

    @property
    def udp(self):
        return self.listeners("udp")[0]

    @property
    def tcp(self):
        return self.listeners("tcp")[0]

    def udp_client(self, **how):
        return Udp(self.udp, **how)

    def tcp_client(self, **how):
        return Tcp(self.tcp, **how)

    def mark(self):
        """Where the log ends now; wait_log can begin there."""
        return len(self.log.lines)

    def wait_log(self, pattern, timeout=PATIENCE, start=0):
        return self.log.wait(pattern, timeout, start)

    def wait_update(self, client, timeout=PATIENCE, start=0):
        """The line of the finished update that came from this client."""
        line = rf"update id=.* client=\S*:{client.port}/\w+ (.*)$"
        return self.wait_log(line, timeout, start)[1]

    def stop(self, how=signal.SIGTERM):
        """Ends it, and demands that it ends well."""
        self.process.send_signal(how)
        try:
            status = self.process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("ddns-mux does not stop") from None
        self.log.thread.join(PATIENCE)
        assert status == 0, f"exit status {status}\n" + self.log.tail()

    def kill(self):
        """The last resort: its processes, and no others."""
        for pid in [*self.workers(), self.pid]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(PATIENCE)

    def report(self):
        return self.log.tail(30) if self.log else ""
