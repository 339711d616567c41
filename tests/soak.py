#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""ddns-mux for a long time under load and faults:

    soak.py [--rate UPDATES] [--seed N] [--out FOLDER] MINUTES

So many updates a second, one in 20 with a fault of a client or a target;
workers are killed and stopped, the configuration is reloaded, targets die
and come back. In the middle third nothing is reloaded or killed, so that
workers grow old. It begins and ends with a pause, so that the accounts of what
is between can be exact; then all targets die, which makes workers touch most
of the memory that they may, and their growth is looked at a minute later:
less than 10 minutes are too short for that. Figures are printed each minute;
exit status 1 if at the end something has grown, was left, or can't be
accounted for. Needs root, to see into the processes. In FOLDER:
soak-faults.log has every fault, soak-samples.log what was seen of processes,
and soak-daemon.log the daemon's lines."""
import argparse
import json
import os
import pathlib
import random
import re
import signal
import sys
import textwrap
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).parent / "e2e"))

import mux  # noqa: E402
from soak_load import CLIENT_DEADLINE_S, KEYS, Load, Loop  # noqa: E402
from soak_load import Target, choose_faults  # noqa: E402
from soak_watch import Watch, cpu_s, growth  # noqa: E402
from soak_watch import kernel_drops  # noqa: E402

WORKERS = 2
# So few that those never used before, when a worker that was stopped finds
# many at once, are no growth.
IN_HAND = 128
FAULT_SHARE = 0.05
SAMPLE_S = 5
TARGET_TIMEOUT_S = 5
# Longer than a worker keeps its counts to itself.
FRAME_S = 2
# Longer than a worker is stopped, and a target is waited for then.
PAUSE_S = 12
# A leak would make more of them in half an hour; chance makes fewer.
KIB_PARENT, KIB_WORKER, DESCRIPTORS = 128, 512, 8
ENOUGH = 8  # looks at a worker
DROPS = ("unanswered", "replay_ignored", "replay_dropped", "drop_short",
         "drop_response", "drop_source", "drop_busy", "drop_penalty",
         "drop_disabled", "drop_crypto")
PROVOKED = [r"was killed by signal 9$", r"ddns-mux\.conf:",
            r"not reloaded: "]


class Chaos:
    """Faults of processes, and targets that die: each about so often."""

    def __init__(self, soak, seed):
        self.soak, self.loop = soak, soak.loop
        self.rng = random.Random(f"processes {seed}")
        self.lines, self.counts, self.killed = [], {}, 0
        self.is_file_bad, self.last_s = False, 0.0
        self.loop.after(soak.seconds / 3 + PAUSE_S + 1, self._all_die)
        for event, period in ((self.reload, 30), (self.usr1, 45),
                              (self.stop, 75), (self.kill, 120),
                              (self.target_dies, 180)):
            self._again(event, period, self.rng.uniform(0.2, 0.5))

    def _again(self, event, period, share):
        def run():
            if not self.soak.load.is_over:
                event()
                self._again(event, period, self.rng.uniform(0.7, 1.3))
        self.loop.after(period * share, run)

    def say(self, what, more=""):
        self.counts[what] = self.counts.get(what, 0) + 1
        now = self.soak.now()
        if what != "SIGUSR1":
            self.last_s = now
        self.lines.append(f"{now:8.1f} s  {what} {more}")

    def _signal(self, what, pid, number):
        try:
            os.kill(pid, number)
            self.say(what, str(pid))
        except ProcessLookupError:
            return False
        return True

    def _old_worker(self):
        """One that serves: its start is not what is meant here."""
        looks = self.soak.watch.workers
        alive = [pid for pid in self.soak.daemon.workers()
                 if len(looks.get(pid, ())) > 1]
        return self.rng.choice(alive) if alive else None

    def reload(self):
        if self.soak.is_calm() or self.is_file_bad:
            return
        bad = self.counts.get("bad reload", 0)
        self.is_file_bad = self.counts.get("reload", 0) >= 3 * bad + 2
        if self.is_file_bad:
            self.soak.daemon.file.write_text("nonsense = 1;\n")
            self.loop.after(5, self._mend)
        else:
            self.soak.configure(self.rng)
        self._signal("bad reload" if self.is_file_bad else "reload",
                     self.soak.daemon.pid, signal.SIGHUP)

    def _mend(self):
        self.soak.configure(self.rng)
        self.is_file_bad = False

    def usr1(self):
        self._signal("SIGUSR1", self.soak.daemon.pid, signal.SIGUSR1)

    def kill(self):
        pid = self._old_worker()
        if pid and not self.soak.is_calm():
            self.killed += self._signal("SIGKILL", pid, signal.SIGKILL)

    def stop(self):
        pid = self._old_worker()
        if pid is None or self.soak.load.is_paused():
            return
        if self._signal("SIGSTOP", pid, signal.SIGSTOP):
            self.loop.after(3, lambda: self._signal(
                "SIGCONT", pid, signal.SIGCONT))

    def target_dies(self):
        self._die(self.rng.choice(self.soak.targets))

    def _all_die(self):
        for target in self.soak.targets:
            self._die(target)

    def _die(self, target):
        target.is_dead = True
        self.say("target dead for 20 s", target.fake.label)

        def live():
            target.is_dead = False
            self.say("target lives", target.fake.label)
        self.loop.after(20, live)


class Soak:
    def __init__(self, args):
        self.args, self.seconds = args, args.minutes * 60
        self.loop = Loop()
        count = int(self.seconds * args.rate) + 2 * args.rate
        faults = choose_faults(random.Random(f"updates {args.seed}"), count,
                               FAULT_SHARE)
        self.targets = [Target(i, faults, count) for i in range(3)]
        for target in self.targets:
            target.process.start()
        self.faults, self.started = faults, time.monotonic()
        self.settings = dict(
            workers=WORKERS, control_socket=True, updates_in_hand=IN_HAND,
            client_deadline_ms=int(CLIENT_DEADLINE_S * 1000),
            replay_cache=16384, tcp_clients_per_source=100)
        self.accounts = []  # at the beginning and at the end of the calm
        self.daemon = mux.Mux(self._groups(), KEYS, options=(),
                              **self.settings)

    def _groups(self):
        return [t.fake.config(timeout_ms=TARGET_TIMEOUT_S * 1000)
                for t in self.targets]

    def configure(self, rng):
        """Another good file: targets in another order, and a limit."""
        groups = self._groups()
        rng.shuffle(groups)
        self.daemon.rewrite(groups, KEYS, **{
            **self.settings, "tcp_clients": rng.randrange(80, 121)})

    def now(self):
        return time.monotonic() - self.started

    def is_calm(self):
        return 1 <= self.now() / self.seconds * 3 < 2

    def run(self):
        with self.daemon:
            self.started = time.monotonic()
            self.watch = Watch(self.daemon.pid)
            self.load = Load(self.loop, self.daemon, self.targets, self.faults,
                             random.Random(f"clients {self.args.seed}"),
                             self.args.rate)
            self.chaos = Chaos(self, self.args.seed)
            self._sample()
            third = self.seconds / 3
            for when in third, 2 * third - PAUSE_S:
                self.loop.after(when, self._pause)
            self.loop.after(60, self._each_minute)
            self.loop.after(self.seconds, self.load.finish)
            self.loop.after(self.seconds + TARGET_TIMEOUT_S + 2, self._end)
            self.loop.run()
            is_good = self._report(self._settle())
            self._write_logs()
            self.daemon.stop()
        return is_good

    def _end(self):
        self.loop.is_over = True

    def _sample(self):
        """Calm: no fault of processes for longer than clients wait, and no
        target is dead."""
        is_calm = (self.now() > self.chaos.last_s + SAMPLE_S
                   and not any(t.is_dead for t in self.targets))
        self.watch.sample(self.now(), WORKERS, is_calm)
        self.loop.after(SAMPLE_S, self._sample)

    def _each_minute(self):
        self._report(self._stats(), is_last=False)
        self.loop.after(60, self._each_minute)

    def _pause(self):
        """Long enough for all to be settled, and told to the parent."""
        self.load.pause(PAUSE_S)
        self.loop.after(PAUSE_S - 0.5, lambda: self.accounts.append(
            self._missing(self._stats())))

    # Accounts

    def _stats(self):
        return json.loads(self.daemon.ctl("stats", "--json"))["total"]

    def _settle(self):
        """The counts once they have stopped to change."""
        before, deadline = None, time.monotonic() + 30
        while (found := self._stats()) != before or found["updates_in_hand"]:
            assert time.monotonic() < deadline, f"never quiet: {found}"
            before = found
            time.sleep(FRAME_S)  # what happens is that nothing does
        return found

    def _unprovoked(self):
        return [line for line in self.daemon.log.lines if "error:" in line
                and not any(re.search(p, line) for p in PROVOKED)]

    def _calm_growth(self, what, most, unit=""):
        """The row of the oldest workers."""
        third = self.seconds / 3
        found = [growth(looks, what) for looks in (
            [one for one in looks if one.is_calm
             and third + 60 <= one.at < 2 * third]
            for looks in self.watch.grown_ups()) if len(looks) >= ENOUGH]
        grown = max(found, default=0.0)
        return (f"workers: {what} grown in the calm",
                f"{grown:+.1f}{unit}" if found else "not yet to be said",
                f"< {most}{unit}", grown < most)

    def _memory(self):
        """(what, found, what it must be, is it so), and so do the others."""
        since = max(self.seconds / 10, min(120, self.seconds / 3))
        warm = [one for one in self.watch.quiet if one.at > since]
        grown = growth(warm, "rss")
        yield ("parent: growth of RSS", f"{grown:+.0f} KiB",
               f"< {KIB_PARENT}", grown < KIB_PARENT)
        last = self.watch.parent[-1]
        yield "parent: RSS, PSS", f"{last.rss} KiB, {last.pss} KiB", "", True
        found = sorted({one.descriptors for one in warm})
        yield ("parent: descriptors when quiet", str(found), "one value",
               len(found) < 2)
        yield self._calm_growth("rss", KIB_WORKER, " KiB")
        third = self.seconds / 3
        before = self.watch.most_rss(0, third)
        after = self.watch.most_rss(2 * third, 3 * third)
        yield ("workers: most RSS before, after the calm",
               f"{before} KiB, {after} KiB", "<= 1.25 times",
               after <= 1.25 * before)
        yield self._calm_growth("descriptors", DESCRIPTORS)

    def _processes(self, is_last):
        watch, old = self.watch, sum(self.watch.grown_ups(), [])
        found = sorted({one.descriptors for one in old})
        yield ("workers: descriptors", "{} to {}".format(
            *(found[:1] + found[-1:] or "--")), "", True)
        parent, worker = ({one.threads for one in looks}
                          for looks in (watch.parent, old))
        wanted = {1}, {1 + len(self.targets)}
        yield ("threads: parent, worker", f"{parent}, {worker}",
               "{}, {}".format(*wanted), parent <= wanted[0]
               and worker <= wanted[1])
        now = len(mux.children(self.daemon.pid))
        yield ("workers: now, most, all in all", "{}, {}, {}".format(
            now, watch.most_children, len(watch.workers)),
            f"{WORKERS} at the end", now == WORKERS or not is_last)
        yield ("zombies", str(len(watch.zombies)), "0", not watch.zombies)
        found = self._unprovoked()
        yield "errors not provoked", str(len(found)), "0", not found

    def _missing(self, total):
        """Messages that came and have no fate; datagrams that never came."""
        return (total["received_udp"] + total["received_tcp"]
                - total["answered"] - sum(total[name] for name in DROPS),
                self.load.sent_udp - total["received_udp"]
                - kernel_drops(self.daemon.udp[1]))

    def _accounts(self, total, is_last):
        """What a killed worker had in hand and had counted since its last
        frame is lost; so are, while all goes on, those of all workers."""
        killed = self.chaos.killed
        missing, unseen = self._missing(total)
        most = (killed + (not is_last) * 2 * WORKERS) * IN_HAND
        yield ("received - answered - silent - dropped", str(missing),
               f"0 to {most}", 0 <= missing <= most)
        most = (killed + (not is_last) * WORKERS) * FRAME_S * self.args.rate
        yield ("datagrams sent - received - without room", str(unseen),
               f"0 to {most}", 0 <= unseen <= most)
        if len(self.accounts) == 2:
            before, after = self.accounts
            yield ("both, before and after the calm", f"{before}, {after}",
                   "the same", before == after)

    def _clients(self, is_last):
        load, told = self.load, len(self.load.told)
        yield ("told NOERROR", f"{told} of {load.sent}", "half of them",
               told >= load.sent / 2)
        yield ("told so wrongly, and other problems",
               str(len(load.problems)), "0", not load.problems)
        bad = sum(t.bad_copies for t in self.targets)
        yield "copies that were wrong", str(bad), "0", bad == 0
        if not is_last:
            return
        most = self._most_copies()
        yield ("most copies of an update at a target", str(most), "<= 3",
               most <= 3)
        served = sum("notice: ready" in line
                     for line in self.daemon.log.lines) - 1
        wanted = self.chaos.counts.get("reload", 0)
        yield "reloads that served", str(served), str(wanted), served == wanted

    def _most_copies(self):
        """Of updates that no client repeats."""
        return max((t.copies(serial) for t in self.targets
                    for serial in range(self.load.sent)
                    if "replay" not in self.faults.get(serial, ("",))[0]),
                   default=0)

    def _report(self, total, is_last=True):
        rows = [*self._memory(), *self._processes(is_last),
                *self._accounts(total, is_last), *self._clients(is_last)]
        print(f"\n{self.now() / 60:.1f} min" if not is_last else
              f"\n{self.args.minutes:g} min, {self.args.rate} updates/s, "
              f"seed {self.args.seed}")
        for what, found, wanted, is_good in rows:
            print(f"  {what:41} {found:20} "
                  f"{wanted:13} {'' if is_good else 'WRONG'}".rstrip())
        if is_last:
            self._print_counts(total)
        for text in self.load.problems[-5:] + self._unprovoked()[-5:]:
            print(f"  {text}")
        self._print_shares()
        sys.stdout.flush()
        return all(row[-1] for row in rows)

    def _print_shares(self):
        times = os.times()
        own = times.user + times.system + sum(
            cpu_s(t.process.pid) for t in self.targets)
        print("  CPU: daemon {:.1f} %, this test {:.1f} %; it was late by "
              "{:.2f} s at most".format(
                  100 * self.watch.cpu_s() / self.now(),
                  100 * own / self.now(), self.load.worst_lag_s))

    def _print_counts(self, total):
        counts = dict(self.chaos.counts)
        for serial, (fault, _) in self.faults.items():
            if serial < self.load.sent:
                counts[fault] = counts.get(fault, 0) + 1
        for title, found in (
                ("faults", sorted(counts.items())),
                ("counted", total.items()),
                ("answers by RCODE", sorted(self.load.rcodes.items()))):
            text = ", ".join(f"{name} {n}" for name, n in found
                             if isinstance(n, int) and n)
            print(textwrap.fill(f"{title}: {text}", 78, break_on_hyphens=False,
                                initial_indent="  ", subsequent_indent="    "))

    def _write_logs(self):
        folder = pathlib.Path(self.args.out)
        folder.mkdir(parents=True, exist_ok=True)
        lines = self.chaos.lines + [
            f"update {serial}: {fault} {index}"
            for serial, (fault, index) in self.faults.items()
            if serial < self.load.sent]
        for name, text in (("faults", lines), ("samples", self.watch.lines()),
                           ("daemon", self.daemon.log.lines)):
            (folder / f"soak-{name}.log").write_text("\n".join(text) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("minutes", type=float, metavar="MINUTES")
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--seed", type=int,
                        default=random.randrange(1 << 32))
    parser.add_argument("--out", default=".", metavar="FOLDER")
    args = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("soak.py: the processes hide from everybody but root")
    print(f"seed {args.seed}", flush=True)
    # The daemon does not outlive us.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    sys.exit(0 if Soak(args).run() else 1)


if __name__ == "__main__":
    main()
