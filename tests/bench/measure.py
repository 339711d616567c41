# SPDX-License-Identifier: ISC
"""One trial of one program, and what became of each update."""
import contextlib
import dataclasses
import pathlib
import shutil
import statistics
import tempfile

import programs
from programs import Barest, Dnsdist, Floor, Mux, Sink, client_key, dnsperf, load

WARM_UP_MS = 200
LOG_LINES = 3 # of a program's log, where something is not in order
PROGRAMS = {"floor": Floor, "barest": Barest, "ddns-mux": Mux, "other": Mux,
            "dnsdist": Dnsdist}


@dataclasses.dataclass
class Case:
    """What a trial is made with; the rest is defaults."""
    targets: int = 3
    load: tuple = ("-q", 64) # options of load.c
    keys: int = 1
    zones: int = 1
    tcp: bool = False
    settings: dict = dataclasses.field(default_factory=dict)
    options: dict = dataclasses.field(default_factory=dict) # of each target
    last: dict = dataclasses.field(default_factory=dict) # of the last one
    yields: bool = False # to all else, with a CPU for each worker
    warm_ms: int = WARM_UP_MS
    is_last_sick: bool = False # then it may miss some
    may_lose: bool = False # a target does not answer all


@dataclasses.dataclass
class Result:
    """Of one trial. lost: sent and not answered; missing: answered, and a
    target has not got it."""
    cpu_us: float
    busy: float # share of a CPU that the program used
    rate: float
    p50: float
    p99: float
    late_p99: float
    rss_mb: float
    descriptors: int
    lost: int
    missing: int
    load_cpu_us: float
    sink_cpu_us: float


def targets_of(case, kind):
    made = []
    for i in range(case.targets):
        key = client_key(0) if kind == "dnsdist" else f"t{i:02d}."
        made.append({"key": key, **case.options})
    made[-1].update(case.last)
    return made


def missing(answered, bits):
    """Set in answered, and not in bits."""
    wanted = int.from_bytes(answered.read_bytes(), "little")
    got = int.from_bytes(bits.read_bytes(), "little")
    return bin(wanted & ~got).count("1")


class Bench:
    """Where the programs are, and how long a trial takes."""

    def __init__(self, build, other, milliseconds):
        self.build, self.other = build, other
        self.milliseconds = milliseconds
        self.faults = []

    @contextlib.contextmanager
    def running(self, kind, case):
        """The sink and the program in front of it, in a folder of theirs."""
        folder = pathlib.Path(tempfile.mkdtemp(prefix="ddns-mux-bench."))
        with contextlib.ExitStack() as stack:
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            sink = Sink(folder, self.build, targets_of(case, kind))
            stack.callback(sink.stop)
            how = dict(settings=case.settings, keys=case.keys,
                       zones=case.zones)
            if kind == "other":
                how["binary"] = self.other
            where = programs.FAR
            if case.yields and programs.CPUS:
                where = programs.CPUS
                how["yields"] = True
                sink.pin(where)
                for cpu in sorted(where)[case.settings["all"]["workers"]:]:
                    stack.callback(programs.Spinner(folder, cpu).stop)
            program = PROGRAMS[kind](folder, self.build, sink, **how)
            stack.callback(program.stop)
            yield folder, sink, program, where

    def trial(self, kind, case):
        with self.running(kind, case) as (folder, sink, program, where):
            words = [*case.load, "-k", case.keys, "-z", case.zones,
                     "-b", folder / "answered"]
            port = program.port
            if case.tcp:
                words.append("-t")
                port = program.tcp_port
            warm = load(self.build, where, port, *words, "-d", case.warm_ms)
            before, sink_before = program.cpu_s(), sink.cpu_s()
            got = load(self.build, where, port, *words,
                       "-d", self.milliseconds, "-s", warm["sent"])
            program.check()
            cpu, sink_cpu = (program.cpu_s() - before,
                             sink.cpu_s() - sink_before)
            rss, descriptors = program.rss_mb(), program.descriptors()
            program.stop()
            counts = sink.counts()
            log = [line for line in program.log.read_text().splitlines()
                   if "statistics: " in line or ": warning: " in line]
            return self.judge(kind, case, got, Result(
                cpu_us=cpu * 1e6 / max(got["answered"], 1),
                busy=cpu / max(got["seconds"], 1e-9),
                rate=got["in_time"] * 1e3 / self.milliseconds,
                p50=got["us"]["p50"], p99=got["us"]["p99"],
                late_p99=got["late_us"]["p99"],
                rss_mb=rss, descriptors=descriptors,
                lost=warm["sent"] - warm["answered"] + got["sent"] -
                got["answered"],
                missing=self.missing(case, folder, sink),
                load_cpu_us=got["cpu_s"] * 1e6 / max(got["answered"], 1),
                sink_cpu_us=sink_cpu * 1e6 / max(got["answered"], 1)),
                counts, log[-LOG_LINES:])

    def missing(self, case, folder, sink):
        bits = sink.bits[:-1] if case.is_last_sick else sink.bits
        return max(missing(folder / "answered", path) for path in bits)

    def judge(self, kind, case, got, result, counts, log):
        """Remembers what should not be; dnsdist promises nothing."""
        bad = sum(count["bad"] for count in counts)
        what = dict(missing=result.missing, bad=got["bad"] + bad,
                    unsent=got["failed"],
                    refused=got["answered"] - got["rcodes"]["0"])
        if not case.may_lose:
            at_work = got["sent"] - got["answered"]
            what["lost"] = at_work
            what["lost while warming up"] = result.lost - at_work
        if got["answered"] == 0:
            what["answers"] = 0
        found = ", ".join(f"{k} {v}" for k, v in what.items()
                          if v or k == "answers")
        if found and kind != "dnsdist":
            self.faults.append(f"{kind}, {case.targets} targets, "
                               f"{' '.join(map(str, case.load))}: {found}")
            self.faults += [f"    {line}" for line in log]
        return result

    def dnsperf(self, case, seconds, count):
        """CPU per update, with dnsperf as the load."""
        with self.running("ddns-mux", case) as (folder, sink, program, _):
            before = program.cpu_s()
            completed, lost = dnsperf(folder, program.port, seconds, 64,
                                      count)
            cpu = program.cpu_s() - before
            program.stop()
            fresh = min(c["fresh"] + c["again"] for c in sink.counts())
            if lost or fresh < completed:
                self.faults.append(f"dnsperf: lost {lost}, answered "
                                   f"{completed}, a target has {fresh}")
            return cpu * 1e6 / max(completed, 1)

    def limit(self, targets, words=("-q", 64)):
        """The load generator and a sink, with nothing between them:
        updates per second, and microseconds of CPU for each on either
        side."""
        folder = pathlib.Path(tempfile.mkdtemp(prefix="ddns-mux-bench."))
        with contextlib.ExitStack() as stack:
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            sink = Sink(folder, self.build, [{"key": client_key(0)}])
            stack.callback(sink.stop)
            before = sink.cpu_s()
            got = load(self.build, programs.FAR, sink.ports[0], *words, "-d",
                       self.milliseconds)
            sink_us = (sink.cpu_s() - before) * 1e6 / got["answered"]
            load_us = got["cpu_s"] * 1e6 / got["answered"]
            return load_us, sink_us, 1e6 / (load_us + targets * sink_us)


def median(results, field):
    return statistics.median(getattr(r, field) for r in results)


def ratios(results, floor, field="cpu_us"):
    """Of each trial to the floor's of the same round."""
    return [getattr(r, field) / getattr(f, field)
            for r, f in zip(results, floor)]
