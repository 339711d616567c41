# SPDX-License-Identifier: ISC
"""The programs of the benchmark: sink, load generator, and those compared."""
import base64
import contextlib
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

PATIENCE = 20.0
ZONE = "z0000.bench"
SETTINGS = dict(listen_udp="127.0.0.1:0", listen_tcp="127.0.0.1:0",
                workers=1, user="", control_socket="")


def cpus():
    """Where the program under test runs, and where all else does; None where
    that is left to the system."""
    try:
        usable = sorted(os.sched_getaffinity(0))
    except AttributeError:
        return None, None
    if len(usable) < 2:
        return None, None
    return {usable[0]}, set(usable[1:])


NEAR, FAR = cpus()
CPUS = NEAR | FAR if NEAR else None
LIVE = set() # programs that have been started


def secret(key):
    """As signer.c makes it."""
    return base64.b64encode(hashlib.sha256(key.encode()).digest()).decode()


def client_key(i):
    return f"k{i:05d}."


def wait_for(what, ready):
    end = time.monotonic() + PATIENCE
    while not (found := ready()):
        if time.monotonic() > end:
            raise RuntimeError(f"{what} does not start")
        time.sleep(0.002)
    return found


class Program:
    """Runs in folder, with its output in files there."""
    name = ""

    def __init__(self, folder, command, where):
        self.folder = folder
        self.out = folder / f"{self.name}.out"
        self.log = folder / f"{self.name}.log"
        with open(self.out, "wb") as out, open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [str(word) for word in command], stdin=subprocess.DEVNULL,
                stdout=out, stderr=log)
        LIVE.add(self)
        if where:
            self.pin(where)

    def tasks(self):
        for pid in self.pids():
            for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
                yield pid, int(task.name)

    def pin(self, where):
        for _, task in self.tasks():
            os.sched_setaffinity(task, where)

    def check(self):
        if (status := self.process.poll()) is not None:
            raise RuntimeError(f"{self.name} has ended, {status}: "
                               f"{self.out.read_text()}"
                               f"{self.log.read_text()}")

    def first_line(self):
        def ready():
            self.check()
            text = self.out.read_text()
            return text if text.endswith("\n") else ""
        return wait_for(self.name, ready).split()

    def log_match(self, pattern):
        def ready():
            self.check()
            return re.search(pattern, self.log.read_text())
        return wait_for(self.name, ready)

    def pids(self):
        return [self.process.pid]

    def workers(self):
        """Those that memory and descriptors are told of."""
        return self.pids()

    def cpu_s(self):
        """Of all its threads, to the nanosecond."""
        total = 0
        for pid in self.pids():
            for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
                total += int((task / "schedstat").read_text().split()[0])
        return total / 1e9

    def rss_mb(self):
        found = 0
        for pid in self.workers():
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
            found = max(found, int(re.search(r"VmRSS:\s+(\d+)", status)[1]))
        return found / 1024

    def descriptors(self):
        return max(len(os.listdir(f"/proc/{pid}/fd"))
                   for pid in self.workers())

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            # What hangs in the kernel does not end; nobody waits for it.
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(PATIENCE)
        LIVE.discard(self)


class Sink(Program):
    """Targets; each a dict of options for sink.c, with its key's name."""
    name = "sink"

    def __init__(self, folder, build, targets):
        words = []
        self.bits = [folder / f"target{i}" for i in range(len(targets))]
        for bits, target in zip(self.bits, targets):
            options = "".join(f",{k}={v}" for k, v in target.items()
                              if k not in ("key", "dead"))
            words.append(f"{target['key']},bits={bits}{options}")
        super().__init__(folder, [build / "tests/bench/sink", *words], FAR)
        self.ports = [int(word) for word in self.first_line()]
        self.keys = [target["key"] for target in targets]
        for i, target in enumerate(targets):
            if target.get("dead"):
                self.ports[i] = free_port()

    def counts(self):
        self.stop()
        return json.loads(self.out.read_text().split("\n", 1)[1])


def free_port():
    """By UDP and by TCP, until somebody else takes it."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, \
             socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp:
            udp.bind(("127.0.0.1", 0))
            with contextlib.suppress(OSError):
                tcp.bind(udp.getsockname())
                return udp.getsockname()[1]


def is_bound(port):
    """To try would take it away from who is about to."""
    return f":{port:04X} " in pathlib.Path("/proc/net/udp").read_text()


class Floor(Program):
    name = "floor"

    def __init__(self, folder, build, sink, **_):
        words = [f"{key}=127.0.0.1:{port}"
                 for key, port in zip(sink.keys, sink.ports)]
        super().__init__(folder, [build / "tests/bench" / self.name,
                                  client_key(0), *words], NEAR)
        self.port = int(self.first_line()[0])


class Barest(Floor):
    name = "barest"


def literal(value):
    """In libconfig's notation."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    return json.dumps(value)


def config_text(sink, settings, keys, zones):
    lines = [f"{k} = {literal(v)};"
             for k, v in {**SETTINGS, **settings.get("all", {})}.items()]
    more = "".join(f" {k} = {literal(v)};"
                   for k, v in settings.get("target", {}).items())
    listed = ""
    if zones > 1:
        names = ", ".join(f'"z{i:04d}.bench"' for i in range(zones))
        listed = f" zones = [ {names} ];"
    clients = [f'{{ name = "{client_key(i)}"; '
               f'key = "{secret(client_key(i))}";{listed} }}'
               for i in range(keys)]
    targets = [f'{{ name = "t{i}"; address = "127.0.0.1:{port}"; tsig = '
               f'{{ name = "{key}"; key = "{secret(key)}"; }};{more}{listed} }}'
               for i, (key, port) in enumerate(zip(sink.keys, sink.ports))]
    lines.append("incoming_tsig = ( %s );" % ",\n".join(clients))
    lines.append("targets = ( %s );" % ",\n".join(targets))
    return "\n".join(lines) + "\n"


class Mux(Program):
    name = "ddns-mux"

    def __init__(self, folder, build, sink, *, binary=None, settings=None,
                 keys=1, zones=1, yields=False):
        file = folder / "ddns-mux.conf"
        file.touch(0o600)
        file.write_text(config_text(sink, settings or {}, keys, zones))
        self.workers_wanted = (settings or {}).get("all", {}).get("workers", 1)
        super().__init__(folder, [binary or build / "ddns-mux", "-d", "-f",
                                  file], None)
        self.log_match(r"notice: ready")
        self.port = int(self.log_match(
            r"listening on udp 127\.0\.0\.1:(\d+)")[1])
        self.tcp_port = int(self.log_match(
            r"listening on tcp 127\.0\.0\.1:(\d+)")[1])
        if yields:
            self.give_way()
        elif NEAR and self.workers_wanted == 1:
            self.pin(NEAR)

    def give_way(self):
        """Each worker to one CPU, where it has what all else leaves."""
        workers, where = self.workers(), sorted(CPUS)
        for pid, task in self.tasks():
            if pid in workers:
                cpu = where[workers.index(pid) % len(where)]
                os.sched_setaffinity(task, {cpu})
                os.sched_setscheduler(task, os.SCHED_IDLE, os.sched_param(0))

    def workers(self):
        pid = self.process.pid
        text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
        return [int(word) for word in text.split()]

    def pids(self):
        return [self.process.pid, *self.workers()]


class Spinner(Program):
    """Takes what all else leaves of a CPU, so that a worker that does the
    same on another one is not given the quieter of the two."""
    name = "spinner"

    def __init__(self, folder, cpu):
        super().__init__(folder, [sys.executable, "-c", "while True: pass"],
                         {cpu})
        os.sched_setscheduler(self.process.pid, os.SCHED_IDLE,
                              os.sched_param(0))


class Dnsdist(Program):
    """Sends copies to all but the first target, and answers with its answer;
    it neither verifies nor signs. All have to have the client's key."""
    name = "dnsdist"

    def __init__(self, folder, build, sink, **_):
        self.port = free_port()
        lines = [f'setLocal("127.0.0.1:{self.port}")',
                 'setSecurityPollSuffix("")',
                 f'newServer({{address="127.0.0.1:{sink.ports[0]}"}}):setUp()']
        lines += [f'addAction(AllRule(), TeeAction("127.0.0.1:{port}"))'
                  for port in sink.ports[1:]]
        file = folder / "dnsdist.conf"
        file.write_text("\n".join(lines) + "\n")
        super().__init__(folder, [shutil.which("dnsdist"), "--supervised",
                                  "--disable-syslog", "-C", file], None)
        # What it says stays in its buffer.
        wait_for(self.name, lambda: is_bound(self.port))
        if NEAR:
            self.pin(NEAR)


def load(build, where, port, *words):
    """What load.c prints, which runs on the CPUs where."""
    command = [build / "tests/bench/load", "-a", f"127.0.0.1:{port}", *words]
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True,
        check=False,
        preexec_fn=where and (lambda: os.sched_setaffinity(0, where)))
    if done.returncode != 0:
        raise RuntimeError(f"load: {done.stderr}")
    return json.loads(done.stdout)


def dnsperf(folder, port, seconds, outstanding, count):
    """How many updates dnsperf says were answered, and how many not."""
    file = folder / "updates"
    with open(file, "w", encoding="ascii") as out:
        for i in range(count):
            out.write(f"{ZONE}\nadd h{i:08x} 300 A 10.0.{i >> 8 & 255}."
                      f"{i & 255}\nsend\n")
    key = client_key(0)
    done = subprocess.run(
        ["dnsperf", "-u", "-s", "127.0.0.1", "-p", str(port), "-d", str(file),
         "-n", "1", "-l", str(seconds), "-q", str(outstanding), "-c", "4",
         "-y", f"hmac-sha256:{key}:{secret(key)}"],
        capture_output=True, text=True, check=False,
        preexec_fn=(lambda: os.sched_setaffinity(0, FAR)) if FAR else None)
    completed = re.search(r"(?:Queries|Updates) completed:\s+(\d+)",
                          done.stdout)
    lost = re.search(r"(?:Queries|Updates) lost:\s+(\d+)", done.stdout)
    if not completed or not lost:
        raise RuntimeError(f"dnsperf: {done.stdout}{done.stderr}")
    return int(completed[1]), int(lost[1])
