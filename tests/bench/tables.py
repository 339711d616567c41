# SPDX-License-Identifier: ISC
"""What is tried in the longer runs, and how it is printed."""
import os
import statistics

from measure import Case, median, ratios

SLOW = {"delay_us": 20000}
KNOWN_MS = 8000 # until a silent target counts as down
LOSING = {"exp_us": 2000, "loss_ppm": 10000}
# What comes at once after a pause of a busy machine is not refused.
BURST = {"updates_in_hand": 4096}
STREAMS = {"tcp_clients": 100, "tcp_clients_per_source": 100,
           "tcp_messages": 1000000, "tcp_pipelined": 256}


def load_average():
    return " ".join(f"{value:.1f}" for value in os.getloadavg())


def print_rows(rows):
    """The first column to the left, the others to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width)
                  for cell, width in zip(row[1:], widths[1:])]
        print("  ".join(cells).rstrip())


def lost(results):
    return str(sum(r.lost + r.missing for r in results))


def row_of(kind, full, one, half):
    """Ratios to the floor, but its own line: what they are ratios of."""
    row = ["floor, us" if kind == "floor" else kind]
    for found in full.values():
        if kind == "floor":
            row.append(f"{median(found[kind], 'cpu_us'):.2f}")
        else:
            value = statistics.median(ratios(found[kind], found["floor"]))
            row.append(f"{value:.2f}")
    row += [f"{median(one[kind], 'p50'):.0f}",
            f"{median(half[kind], 'p50'):.0f}",
            f"{median(half[kind], 'p99'):.0f}",
            f"{statistics.median(ratios(half[kind], half['barest'], 'p99')):.2f}",
            f"{max(r.rss_mb for r in full[3][kind]):.1f}"]
    everything = one[kind] + half[kind]
    for found in full.values():
        everything += found[kind]
    return row + [lost(everything)]


def main_table(kinds, full, one, half, rate):
    print(f"\nCPU for an update as a ratio to the floor, 64 outstanding; "
          f"N=3: latency in us with\none outstanding, and at half load "
          f"({rate} updates/s), where p99 is also a ratio to\nthat of barest; "
          "resident memory of a worker\n")
    rows = [["", *(f"N={n}" for n in full), "one p50", "half p50",
             "half p99", "x barest", "MB", "lost"]]
    rows += [row_of(kind, full, one, half) for kind in kinds]
    print_rows(rows)
    print(f"\nThe generator was late at half load by "
          f"{median(half['floor'], 'late_p99'):.0f} us at p99; that is in "
          f"the latencies.\nload average: {load_average()}")


def spread(kinds, full):
    print("\nLeast and greatest ratio of a round, updates per second, and "
          "the share of its CPU\nthat the program used\n")
    rows = [["", *(f"N={n}" for n in full)]]
    for kind in kinds:
        row = [kind]
        for found in full.values():
            seen = ratios(found[kind], found["floor"])
            row.append(f"{min(seen):.2f}..{max(seen):.2f}, "
                       f"{median(found[kind], 'rate'):.0f}/s, "
                       f"{100 * median(found[kind], 'busy'):.0f} %")
        rows.append(row)
    print_rows(rows)


def mixed(full):
    print("\nThe same with names of 16 lengths")
    rows = [["", *(f"N={n}" for n in full)], ["floor, us"], ["ddns-mux"]]
    for found in full.values():
        rows[1].append(f"{median(found['floor'], 'cpu_us'):.2f}")
        value = statistics.median(ratios(found["ddns-mux"], found["floor"]))
        rows[2].append(f"{value:.2f}")
    print_rows(rows)


def other_side(bench, full):
    """Whether the load generator and the sinks are what limits it."""
    print("\nThe other side, us of CPU for an update: the generator's, all "
          "sinks', and how many\nupdates per second one CPU has for both; "
          "alone: the generator and one sink\n")
    load_us, sink_us, _ = bench.limit(1)
    rows = [["", "generator", "sinks", "at most"],
            ["alone", f"{load_us:.1f}", f"{sink_us:.1f}",
             f"{1e6 / (load_us + sink_us):.0f}/s"]]
    for n, results in full.items():
        cost = median(results, "load_cpu_us"), median(results, "sink_cpu_us")
        rows.append([f"N={n}", f"{cost[0]:.1f}", f"{cost[1]:.1f}",
                     f"{1e6 / sum(cost):.0f}/s"])
    print_rows(rows)


def sweep(bench, title, cases, rounds, kinds=("floor", "ddns-mux"),
          base=False):
    """One line a case, the cases and the programs in turn. base: ratios of
    what a client sees to the first case."""
    found = [{kind: [] for kind in kinds} for _ in cases]
    for _ in range(rounds):
        for (_, case), results in zip(cases, found):
            for kind in kinds:
                results[kind].append(bench.trial(kind, case))
    print(f"\n{title}\n")
    rows = [["", "updates/s", "CPU us", "x floor", "p50 us", "p99 us",
             "MB", "fds", "lost"]]
    if base:
        rows[0] += ["rate", "p99"]
    first = found[0]["ddns-mux"]
    for (label, _), results in zip(cases, found):
        mux = results["ddns-mux"]
        rows.append(line_of(label, mux, results.get("floor")))
        if base:
            rows[-1] += [
                f"{median(mux, 'rate') / median(first, 'rate'):.2f}",
                f"{median(mux, 'p99') / median(first, 'p99'):.2f}"]
    print_rows(rows)
    print(f"load average: {load_average()}")


def line_of(label, mux, floor):
    ratio = "-"
    if floor:
        ratio = f"{statistics.median(ratios(mux, floor)):.2f}"
    return [label, f"{median(mux, 'rate'):.0f}",
            f"{median(mux, 'cpu_us'):.1f}", ratio,
            f"{median(mux, 'p50'):.0f}", f"{median(mux, 'p99'):.0f}",
            f"{max(r.rss_mb for r in mux):.1f}",
            str(max(r.descriptors for r in mux)), lost(mux)]


def many(outstanding, *words, **more):
    """Nothing in ddns-mux limits them; they begin one after the other."""
    return Case(load=("-q", outstanding, "-f", 8, "-u", 500, "-w", 4500,
                      *words),
                settings={"all": {"updates_in_hand": 65536,
                                  "client_deadline_ms": 4000},
                          "target": {"max_in_flight": 4096}}, **more)


def streams(**more):
    return Case(tcp=True, settings={"all": STREAMS}, **more)


def scale(bench, args):
    only = ("ddns-mux",)
    sweep(bench, "Targets, 64 outstanding",
          [(f"N={n}", Case(targets=n)) for n in (1, 2, 4, 8, 16, 32)],
          args.rounds)
    sweep(bench, "Workers, 3 targets, 256 outstanding; each on one CPU, in "
          "turn, where all else\ncomes first",
          [(f"{w} workers", Case(load=("-q", 256, "-f", 64), yields=True,
                                 settings={"all": {"workers": w, **BURST}}))
           for w in (1, 2, 3, 4)],
          args.rounds, only)
    outstanding = (1, 10, 100, 1000, 10000, 20000)
    sweep(bench, "Outstanding, 3 targets that take 20 ms",
          [(str(q), many(q, options=SLOW))
           for q in outstanding], args.rounds, only)
    sweep(bench, "Outstanding, 3 targets that take exp(2 ms) and lose 1 %, "
          "no prerequisites",
          [(str(q), many(q, "-p", options=LOSING, may_lose=True))
           for q in outstanding], args.rounds, only)
    sizes = (193, 512, 1200, 4096, 16384)
    wide = {"target": {"udp_size": 65507}}
    sweep(bench, "Octets, 3 targets, UDP, 64 outstanding",
          [(str(x), Case(load=("-q", 64, "-x", x), settings=wide))
           for x in sizes], args.rounds)
    sweep(bench, "Octets, 3 targets, TCP on both sides, 64 outstanding",
          [(str(x), streams(load=("-q", 64, "-x", x))) for x in sizes],
          args.rounds, only)
    sweep(bench, "Clients' keys, 3 targets, 64 outstanding",
          [(f"{k} keys", Case(keys=k)) for k in (1, 100, 10000)],
          args.rounds, only)
    sweep(bench, "Zones of the key and of each target, 3 targets",
          [(f"{z} zones", Case(zones=z)) for z in (1, 100, 1000)],
          args.rounds, only)


def trouble(bench, args):
    """Two of three have to confirm, so that clients are answered."""
    settings = {"all": {"require_confirmation": 2, **BURST}}
    sick = (("all well", {}), ("one refuses (no socket)", {"dead": True}),
            ("one is silent", {"mute": 1}),
            ("... and known to be", {"mute": 1}),
            ("one takes 20 ms", {"delay_us": 20000}),
            ("one takes 1 s", {"delay_us": 1000000}),
            ("one loses 1 %", {"loss_ppm": 10000}))
    for title, load in (("64 outstanding", ("-q", 64)),
                        ("5000 updates/s", ("-r", 5000))):
        sweep(bench, f"Trouble: 3 targets, 2 have to confirm, {title}; rate "
              "and p99 as ratios to all well",
              [(label, Case(load=load, settings=settings, last=last,
                            warm_ms=KNOWN_MS if "known" in label else 200,
                            is_last_sick=bool(last), may_lose=bool(last)))
               for label, last in sick],
              args.rounds, ("ddns-mux",), base=True)
