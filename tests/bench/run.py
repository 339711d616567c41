#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Runs ddns-mux, the floor and, where installed, dnsdist in turn, and prints
what an update costs as a ratio to the floor. Exit status 1 if ddns-mux lost
an update. See doc/PERFORMANCE.

    sh tests/bench/run.sh [--quick] [--scale] [--trouble] [option ...]
"""
import argparse
import datetime
import os
import pathlib
import platform
import shutil
import signal
import statistics
import subprocess
import sys

import programs
import tables
from measure import Bench, Case, median, ratios

COUNTS = (1, 3, 8)


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--build", type=pathlib.Path, required=True,
        help="where the programs are; run.sh says it")
    add("--quick", action="store_true", help="about a minute")
    add("--scale", action="store_true",
        help="cost by targets, workers, outstanding, size, keys, zones")
    add("--trouble", action="store_true",
        help="with a target dead, slow, or losing")
    add("--other", type=pathlib.Path,
        help="another ddns-mux to compare with")
    add("--rounds", type=int, help="how often each is run, in turn")
    add("--milliseconds", type=int, help="for how long each time")
    args = parser.parse_args()
    args.rounds = args.rounds or (3 if args.quick else 7)
    args.milliseconds = args.milliseconds or (700 if args.quick else 3000)
    return args


def output_of(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True,
                              check=False).stdout.strip()
    except OSError:
        return ""


def cpu_model():
    try:
        for line in open("/proc/cpuinfo", encoding="ascii"):
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor()


def say_machine():
    pinned = "programs under test on one CPU, all else on the others"
    if not programs.NEAR:
        pinned = "nothing pinned"
    print(f"{datetime.datetime.now():%Y-%m-%d %H:%M}  {cpu_model()}, "
          f"{os.cpu_count()} CPUs, {platform.system()} {platform.release()}")
    commit = output_of("git", "rev-parse", "--short", "HEAD")
    print(f"{output_of('openssl', 'version')}; "
          f"ddns-mux {commit or 'of no commit'}; {pinned}")
    print(f"load average before: {tables.load_average()}")


def kinds_of(args):
    kinds = ["floor", "barest", "ddns-mux"]
    if args.other:
        kinds.append("other")
    if shutil.which("dnsdist"):
        kinds.append("dnsdist")
    return kinds


def interleaved(bench, kinds, case, rounds):
    """{kind: [result, ...]}, the kinds in turn in each round."""
    found = {kind: [] for kind in kinds}
    for _ in range(rounds):
        for kind in kinds:
            found[kind].append(bench.trial(kind, case))
    return found


def main_table(bench, args):
    """The goal's columns."""
    kinds = kinds_of(args)
    full = {n: interleaved(bench, kinds, Case(targets=n), args.rounds)
            for n in COUNTS}
    one = interleaved(bench, kinds, Case(load=("-q", 1)), args.rounds)
    rate = max(1, int(median(full[3]["ddns-mux"], "rate") / 2))
    half = interleaved(bench, kinds, Case(load=("-r", rate, "-f", 8),
                                          settings={"all": tables.BURST}),
                       2 * args.rounds) # it varies most
    tables.main_table(kinds, full, one, half, rate)
    tables.spread(kinds, full)
    tables.mixed({n: interleaved(bench, ["floor", "ddns-mux"], Case(
        targets=n, load=("-q", 64, "-m")), args.rounds) for n in COUNTS})
    tables.other_side(bench, {n: full[n]["ddns-mux"] for n in COUNTS})
    return full


def with_dnsperf(bench, args, full):
    if not shutil.which("dnsperf"):
        print("\ndnsperf is not installed")
        return
    seconds = max(1, args.milliseconds // 1000)
    found, floor = [], full[3]["floor"]
    for _ in range(min(args.rounds, 3)):
        found.append(bench.dnsperf(Case(), seconds, 60000 * seconds))
    ratio = statistics.median(found) / median(floor, "cpu_us")
    print(f"\nThe same with dnsperf as the load, 3 targets, 64 outstanding: "
          f"{statistics.median(found):.1f} us,\n{ratio:.2f} x floor, where "
          f"our own gives {median(full[3]['ddns-mux'], 'cpu_us'):.1f} us, "
          f"{statistics.median(ratios(full[3]['ddns-mux'], floor)):.2f} x.")


def main():
    args = parse_args()
    bench = Bench(args.build, args.other, args.milliseconds)
    say_machine()
    if not (args.scale or args.trouble):
        full = main_table(bench, args)
        with_dnsperf(bench, args, full)
    if args.scale:
        tables.scale(bench, args)
    if args.trouble:
        tables.trouble(bench, args)
    print(f"\nload average after: {tables.load_average()}")
    if bench.faults:
        print("\nNOT IN ORDER:")
        for fault in bench.faults:
            print(f"    {fault}")
        return 1
    print("Nothing was lost: each target has each update that was answered.")
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        sys.exit(main())
    finally:
        for program in list(programs.LIVE):
            program.stop()
