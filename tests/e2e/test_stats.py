# SPDX-License-Identifier: ISC
"""Statistics: what was sent is what stats_file says, to the last count."""
import os
import pathlib
import signal
import stat
import subprocess
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families

import rows
import wire
from answers import SIGNED, check
from daemon_help import update, wait_for
from fake import Gate, by_owner, drop, ok, rcode
from mux import Mux
from wire import (ANY, GOLDEN_KEY, NXDOMAIN, REFUSED, SERVFAIL, YXDOMAIN,
                  address, golden, message, opt, rr, sign)

KEY = GOLDEN_KEY.name
LIMIT = 20  # seconds until a file says what has happened


class Stats:
    """The file; every look at it is a check of it. While the daemon runs,
    its workers' numbers are up to two seconds old: where they need not be
    watched, it is stopped first."""

    def __init__(self, folder):
        self.path = pathlib.Path(folder) / "ddns-mux.prom"
        self.settings = {"stats_file": str(self.path), "stats_interval_s": 1}
        self.values = {}

    def text(self):
        return self.path.read_text("ascii")

    def read(self):
        families = {}
        for family in text_string_to_metric_families(self.text()):
            assert family.name not in families, f"{family.name} twice"
            assert family.documentation and family.type != "unknown"
            assert "(null)" not in family.documentation, family.name
            families[family.name] = family
        assert "ddns_mux_key_refused" in families, "cut off"
        self.values = {
            (s.name.removeprefix("ddns_mux_"), *sorted(s.labels.items())):
            s.value for family in families.values() for s in family.samples}
        return self

    def get(self, name, **labels):
        return self.values[name, *sorted(labels.items())]

    def plain(self, **labels):
        """All counters with exactly these labels, but for zeros."""
        wanted = tuple(sorted(labels.items()))
        return {name.removesuffix("_total"): int(value)
                for (name, *found), value in self.values.items()
                if name.endswith("_total") and value
                and tuple(found) == wanted}

    def rcodes(self, name="answers_total", **labels):
        return {dict(found)["rcode"]: int(value)
                for (which, *found), value in self.values.items()
                if which == name and value
                and labels.items() <= dict(found).items()}

    def stop(self, daemon):
        daemon.stop()
        return self.read()

    def wait(self, name, value, **labels):
        def is_there():
            return self.path.exists() and (
                self.read().get(name, **labels) == value)
        wait_for(is_there, f"{name} {labels} is not {value}", LIMIT)
        return self


@pytest.fixture(name="stats")
def fixture_stats(tmp_path):
    return Stats(tmp_path)


def histogram_is_sound(stats, name, **labels):
    """Its count; buckets only grow, to that."""
    buckets = [(float(dict(found)["le"]), value)
               for (which, *found), value in stats.values.items()
               if which == name + "_bucket"
               and labels.items() <= dict(found).items()]
    assert len(buckets) == 16 and buckets == sorted(buckets)
    counts = [value for _, value in buckets]
    assert counts == sorted(counts)
    assert counts[-1] == stats.get(name + "_count", **labels)
    assert stats.get(name + "_sum", **labels) >= 0
    return int(counts[-1])


# Refusals: (counter, how it is caused, RCODE of the answer, key it is of)


def seen(octets):
    return lambda: octets


UNKNOWN = wire.Key("nokey.example.", b"x" * 32)
REFUSALS = [
    ("drop_short", seen(b"short"), None, None),
    ("drop_response", lambda: golden(flags=0xa800), None, None),
    ("bad_opcode", lambda: sign(golden(flags=0)), "NOTIMP", GOLDEN_KEY),
    ("bad_form", lambda: golden()[:-1], "FORMERR", None),
    ("bad_truncated", lambda: sign(golden(flags=0x2a00)), "FORMERR",
     GOLDEN_KEY),
    ("bad_edns", lambda: sign(golden(additional=[opt(version=1)])),
     "BADVERS", GOLDEN_KEY),
    ("bad_source", lambda: sign(golden(), rows.NEAR_KEY), "REFUSED",
     rows.NEAR_KEY),
    ("no_tsig", golden, "REFUSED", None),
    ("bad_key", lambda: sign(golden(), UNKNOWN), "NOTAUTH", None),
    ("bad_sig", lambda: sign(golden(), mac=lambda m: bytes(32)), "NOTAUTH",
     GOLDEN_KEY),
    ("bad_time", lambda: sign(golden(), time=int(time.time()) - 999),
     "NOTAUTH", GOLDEN_KEY),
    ("bad_trunc", lambda: sign(golden(), length=16), "NOTAUTH", GOLDEN_KEY),
    ("bad_zone", lambda: sign(golden(zone="nowhere.test")), "NOTAUTH",
     GOLDEN_KEY),
    ("not_allowed", lambda: sign(golden(), rows.OTHER_KEY), "REFUSED",
     rows.OTHER_KEY),
    ("out_of_zone", lambda: sign(golden(updates=[address("h.other.test")])),
     "NOTZONE", GOLDEN_KEY),
]
OF_KEYS = {"bad_source", "bad_sig", "bad_time", "bad_trunc", "not_allowed"}


def add(table, name, count):
    table[name] = table.get(name, 0) + count


def test_each_cause_of_refusal(stats):
    """Each as often as no other of its neighbours."""
    total, by_rcode, by_key = {}, {}, {}
    with rows.serve(**stats.settings) as world, world.mux.udp_client() as one:
        for i, (cause, make, answer, key) in enumerate(REFUSALS):
            count = i % 4 + 1
            for _ in range(count):
                one.send(make())
            add(total, cause, count)
            if answer:
                add(by_rcode, answer, count)
            if key:
                add(by_key.setdefault(key.name, {}),
                    "key_" + (cause if cause in OF_KEYS else "refused"),
                    count)
        answers = len(one.pending())
        add(total, "bad_opcode", 1)  # the probe in it
        add(by_rcode, "NOTIMP", 1)
        assert answers + 1 == sum(by_rcode.values())
        received = sum(total.values())
        stats.stop(world.mux)
        assert stats.plain() == {**total, "received_udp": received,
                                 "answered": answers + 1}
        assert stats.rcodes() == by_rcode
        for name, want in by_key.items():
            assert stats.plain(key=name) == want
        assert stats.plain(key=rows.ZONE_KEY.name) == {}
        assert histogram_is_sound(stats, "answer_duration_seconds") == 0


def test_tcp(start, targets, stats):
    daemon = start(targets("one"), tcp_clients_per_source=1, **stats.settings)
    with daemon.tcp_client() as client:
        request = update()
        check(client.ask(request), request, SIGNED())
        with daemon.tcp_client() as another:
            assert another.is_closed()
        client.raw(b"\0\4abcd")
        assert client.is_closed()
    stats.stop(daemon)
    assert stats.plain() == dict(
        received_tcp=2, tcp_accepted=1, tcp_refused=1, tcp_bad_frame=1,
        drop_short=1, accepted=1, answered=1)
    assert stats.plain(target="one") == dict(
        target_sent_tcp=1, target_tcp_connects=1, target_applied=1)


# Answers


IN_USE = [rr("h1.example.test", ANY, ANY, 0)]


def ask(client, owner, prereqs=()):
    request = sign(golden(updates=[address(f"{owner}.example.test")],
                          prereqs=prereqs))
    return client.ask(request)


def test_each_answer(start, targets, stats):
    """Of two targets; what one of them never answers is not answered."""
    one, two = targets("one", "two")
    for target in (one, two):
        target.reset(by_owner({"ref": rcode(REFUSED), "nx": rcode(NXDOMAIN),
                               "odd": rcode(SERVFAIL)}))
    two.default = by_owner({"lost": drop, "yx": rcode(YXDOMAIN)}, one.default)
    daemon = start([one, two.config(timeout_ms=600)], client_deadline_ms=300,
                   **stats.settings)
    with daemon.udp_client() as client:
        for owner in ("a", "b", "c"):
            assert ask(client, owner)
        for owner in ("ref", "ref", "odd"):
            assert ask(client, owner)
        for owner in ("nx", "nx", "nx", "yx"):
            assert ask(client, owner, IN_USE)
        client.send(update("lost"))
        daemon.wait_log("answer=none .*two=timeout")
    stats.stop(daemon)
    assert stats.plain() == dict(
        received_udp=11, accepted=11, answered=10, unanswered=1, diverged=1,
        missed=1, applied_untold=1)
    assert stats.rcodes() == dict(NOERROR=3, REFUSED=2, SERVFAIL=1,
                                  NXDOMAIN=3, YXDOMAIN=1)
    assert histogram_is_sound(stats, "answer_duration_seconds") == 10
    assert stats.plain(key=KEY) == dict(
        key_accepted=11, key_answer_noerror=3, key_answer_prerequisite=4,
        key_answer_servfail=1, key_answer_other=2, key_unanswered=1)
    first = dict(NOERROR=3, REFUSED=2, SERVFAIL=1, NXDOMAIN=3)
    name = "target_answers_total"
    assert stats.rcodes(name, target="one") == {**first, "NOERROR": 5}
    assert stats.rcodes(name, target="two") == {**first, "YXDOMAIN": 1}
    name = "target_answer_duration_seconds"
    assert histogram_is_sound(stats, name, target="one") == 11
    assert histogram_is_sound(stats, name, target="two") == 10
    assert stats.plain(target="one") == dict(
        target_sent_udp=11, target_applied=5, target_prerequisite=3,
        target_refused=3)
    assert stats.plain(target="two") == dict(
        target_sent_udp=11, target_applied=3, target_prerequisite=4,
        target_refused=3, target_timeout=1, target_resent=1)


def test_replays(start, targets, stats):
    one, = targets("one")
    gate = Gate()
    one.reset(gate)
    daemon = start([one], client_deadline_ms=4000, **stats.settings)
    request = update()
    with daemon.udp_client() as client, daemon.udp_client() as thief:
        client.send(request)
        gate.wait()
        client.send(request)
        assert client.pending() == []
        gate.open()
        answer = client.receive()
        for _ in range(2):
            assert client.ask(request) == answer
        for _ in range(3):
            assert thief.at_once(request) is None
    stats.stop(daemon)
    total = stats.plain()
    assert (total["replay_ignored"], total["replay_answered"]) == (1, 2)
    assert stats.plain(key=KEY) == dict(
        key_accepted=1, key_answer_noerror=1, key_repeated=3, key_refused=3)


# Gauges


def test_queue_and_busy(start, targets, stats):
    """Two slots, two targets of a zone each: one update is sent, the next
    has no room at its target, and one more has none at all."""
    one, two = targets("one", "two")
    gate = Gate()
    one.reset(gate)
    two.reset(gate)
    daemon = start([one.config(zones=["example.test"], timeout_ms=30000),
                    two.config(zones=["other.test"], timeout_ms=30000)],
                   updates_in_hand=2, client_deadline_ms=30000,
                   **stats.settings)
    with daemon.tcp_client(), daemon.udp_client() as client:
        client.send(update("a"))
        client.send(update("b"))
        for owner in ("c", "d"):
            client.send(sign(message([address(f"{owner}.other.test")],
                                     zone="other.test")))
        gate.wait(2)
        stats.wait("drop_busy_total", 1)
        stats.wait("updates_in_hand", 2)
        stats.wait("target_in_flight", 1, target="one")
        stats.wait("target_in_flight", 1, target="two")
        assert stats.get("tcp_clients") == 1
        assert stats.get("target_busy_total", target="one") == 1
        daemon.wait_log("warning: target one .*too many updates wait for it")
        assert stats.get("target_queued", target="one") == 0
        assert stats.plain(key=KEY)["key_refused"] == 1
        gate.open()
        stats.wait("updates_in_hand", 0)
        stats.wait("target_in_flight", 0, target="one")


def test_queued(start, targets, stats):
    one, = targets("one")
    gate = Gate()
    one.reset(gate)
    daemon = start([one.config(max_in_flight=2, timeout_ms=30000)],
                   client_deadline_ms=30000, **stats.settings)
    with daemon.udp_client() as client:
        for owner in "abcde":
            client.send(update(owner))
        gate.wait(2)
        stats.wait("target_queued", 3, target="one")
        assert stats.get("target_in_flight", target="one") == 2
        one.default = ok
        gate.open()
        stats.wait("target_queued", 0, target="one")


def test_clocks_of_targets(start, targets, stats):
    offsets = {"fast": 100, "slow": -200}
    pair = targets(*offsets)
    for target, offset in zip(pair, offsets.values()):
        target.reset(lambda r, offset=offset:
                     r.reply(time=int(time.time()) + offset))
    daemon = start(pair, **stats.settings)
    request = update()
    with daemon.udp_client() as client:
        check(client.ask(request), request, SIGNED())
    for label, offset in offsets.items():
        stats.wait("target_applied_total", 1, target=label)
        found = stats.get("target_clock_offset_seconds", target=label)
        assert abs(found - offset) <= 1


# Workers that end


def test_counters_outlive_their_worker(start, targets, stats):
    one, = targets("one")
    gate = Gate()
    daemon = start([one], workers=2, client_deadline_ms=30000,
                   **stats.settings)
    for i in range(6):
        request = update(f"h{i}")
        with daemon.udp_client() as client:
            check(client.ask(request), request, SIGNED())
    one.reset(gate)
    with daemon.udp_client() as client:
        client.send(update("held"))
        gate.wait()
        stats.wait("accepted_total", 7).wait("updates_in_hand", 1)
        assert stats.get("workers") == 2
        assert stats.get("worker_restarts_total") == 0
        for pid in daemon.workers():
            os.kill(pid, signal.SIGKILL)
        stats.wait("worker_restarts_total", 2).wait("workers", 2)
    assert stats.get("accepted_total") == 7
    assert stats.get("key_accepted_total", key=KEY) == 7
    assert stats.get("updates_in_hand") == 0
    assert stats.get("target_in_flight", target="one") == 0
    assert histogram_is_sound(stats, "answer_duration_seconds") == 6
    one.reset()
    request = update("after")
    with daemon.udp_client() as client:
        check(client.ask(request), request, SIGNED())
    stats.wait("accepted_total", 8)


def test_last_words(stack, targets, stats):
    """What was counted in the last second is there when it has ended."""
    daemon = stack.enter_context(
        Mux(targets("one"), stats_file=str(stats.path)))
    begun = int(time.time())
    with daemon.udp_client() as client:
        for i in range(5):
            request = update(f"h{i}")
            check(client.ask(request), request, SIGNED())
    stats.stop(daemon)
    assert stats.plain(key=KEY) == dict(key_accepted=5, key_answer_noerror=5)
    assert stats.get("workers") == 0
    assert begun - 60 < stats.get("start_time_seconds") <= begun
    assert daemon.log.find(r"statistics:.* accepted=5 ")
    assert daemon.log.find(r"statistics of answers: NOERROR=5$")


# The file


def test_promtool(start, targets, stats):
    daemon = start(targets("one", "two"), **stats.settings)
    request = update()
    with daemon.udp_client() as client:
        check(client.ask(request), request, SIGNED())
    stats.stop(daemon)
    found = subprocess.run(["promtool", "check", "metrics"], text=True,
                           input=stats.text(), capture_output=True,
                           timeout=60, check=False)
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")


def test_file_is_replaced(start, targets, stats):
    """As a whole, readable by all, through no link that lies there."""
    victim = stats.path.with_name("victim")
    victim.write_text("untouched")
    stats.path.symlink_to(victim)
    new = pathlib.Path(f"{stats.path}.new")
    new.symlink_to(victim)
    former = os.umask(0o077)
    try:
        start(targets("one"), **stats.settings)
    finally:
        os.umask(former)
    wait_for(lambda: not stats.path.is_symlink(), "it is not written", LIMIT)
    found = stats.path.lstat()
    assert stat.S_ISREG(found.st_mode) and found.st_mode & 0o777 == 0o644
    wait_for(lambda: stats.path.lstat().st_ino != found.st_ino,
             "it is not written again", LIMIT)
    assert victim.read_text() == "untouched"
    wait_for(lambda: {p.name for p in stats.path.parent.iterdir()}
             == {"victim", stats.path.name}, "something is left")


def test_file_that_cannot_be_written(start, targets, tmp_path):
    """One line for that, and one when it can be again."""
    stats = Stats(tmp_path / "later")
    daemon = start(targets("one"), **stats.settings)
    daemon.wait_log("warning: stats_file .*No such file or directory")
    request = update()
    with daemon.udp_client() as client:
        check(client.ask(request), request, SIGNED())
    stats.path.parent.mkdir()
    daemon.wait_log("notice: stats_file .*: written again", LIMIT)
    stats.wait("accepted_total", 1)
    lines = [line for line in daemon.log.lines if "stats_file" in line]
    assert len(lines) == 2
