# SPDX-License-Identifier: ISC
"""What soak.py sees of processes, and what it makes of it."""
import contextlib
import os
import pathlib
import statistics

import mux

TICKS = os.sysconf("SC_CLK_TCK")


def _stat(pid):
    text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    return text.rpartition(")")[2].split()


def is_zombie(pid):
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return _stat(pid)[0] == "Z"
    return False


def cpu_s(pid, with_reaped=False):
    fields = _stat(pid)[11:15 if with_reaped else 13]
    return sum(map(int, fields)) / TICKS


class Look:
    """One process at one time."""

    def __init__(self, pid, at, is_calm):
        self.at, self.is_calm = at, is_calm
        self.threads = int(_stat(pid)[17])
        self.descriptors = len(os.listdir(f"/proc/{pid}/fd"))
        rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
        sizes = {line.split()[0]: int(line.split()[1])
                 for line in rollup.splitlines()[1:]}
        self.rss, self.pss = sizes["Rss:"], sizes["Pss:"]  # KiB


def look(pid, at, is_calm):
    """None if the process is gone, or a zombie."""
    try:
        return Look(pid, at, is_calm)
    except (FileNotFoundError, ProcessLookupError, KeyError, IndexError):
        return None


def growth(looks, what):
    """By least squares, from the first of them to the last."""
    if len(looks) < 3:
        return 0.0
    line = statistics.linear_regression(
        [one.at for one in looks], [getattr(one, what) for one in looks])
    return line.slope * (looks[-1].at - looks[0].at)


class Watch:
    def __init__(self, pid):
        self.pid = pid
        self.parent, self.workers = [], {}
        self.quiet = []  # of the parent, while no worker came or went
        self.zombies, self.most_children = set(), 0
        self._last_zombies, self._last_children = set(), []

    def sample(self, at, workers, is_calm):
        children = mux.children(self.pid)
        now = set(filter(is_zombie, children))
        # A moment before it is reaped everybody is one.
        self.zombies |= now & self._last_zombies
        self._last_zombies = now
        self.most_children = max(self.most_children, len(children))
        parent = Look(self.pid, at, is_calm)
        self.parent.append(parent)
        if (is_calm and len(children) == workers
                and children == self._last_children):
            self.quiet.append(parent)
        self._last_children = children
        for pid in children:
            if one := look(pid, at, is_calm):
                self.workers.setdefault(pid, []).append(one)

    def grown_ups(self):
        """Of each worker all but the first and the last look: it may have
        been starting then, or ending."""
        return [looks[1:-1] for looks in self.workers.values()
                if len(looks) > 3]

    def lines(self):
        """Of each process: when, RSS, PSS, descriptors, was it calm."""
        for pid, looks in {self.pid: self.parent, **self.workers}.items():
            for one in looks:
                yield (f"{pid} {one.at:.1f} {one.rss} {one.pss} "
                       f"{one.descriptors} {one.is_calm}")

    def most_rss(self, since, until):
        """Of the workers that were young then."""
        return max((max(one.rss for one in looks)
                    for looks in self.grown_ups()
                    if since <= looks[0].at < until), default=0)

    def cpu_s(self):
        return cpu_s(self.pid, True) + sum(
            cpu_s(pid) for pid in mux.children(self.pid))


def kernel_drops(port):
    """Datagrams that had no room in the sockets of this port."""
    rows = pathlib.Path("/proc/net/udp").read_text().splitlines()[1:]
    return sum(int(row.split()[-1]) for row in rows
               if row.split()[1].endswith(f":{port:04X}"))
