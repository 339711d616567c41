# SPDX-License-Identifier: ISC
"""Alerts of Prometheus, evaluated by promtool on what a real ddns-mux prints
of its statistics: before, and after everything has gone wrong."""
import json
import os
import pathlib
import re
import signal
import subprocess

import kinds
from daemon_help import needs_root, wait_for
from fake import after, drop, ok, rcode
from mux import ROOT
from test_targets import bad_time
from wire import REFUSED, Key, golden, sign

RULES = pathlib.Path(ROOT, "conf", "ddns-mux.rules.yml")
ALERTS = set(re.findall(r"- alert: (\w+)", RULES.read_text()))
MTIME = ('node_textfile_mtime_seconds{file="/var/lib/prometheus/'
         'node-exporter/ddns-mux.prom",instance="kea:9100"}')
SAMPLE = re.compile(r"(\w+)(?:\{(.*)\})? (\S+)")
STRANGER = Key("stranger.", bytes(32))


def unsigned(r):
    r.reply(REFUSED, signed=False)


FAULTS = {"refuses": rcode(REFUSED), "distrusted": unsigned,
          "clock": bad_time, "slow": after(0.22, ok), "down": drop}


def samples(daemon):
    """{series: value} of what it prints for Prometheus."""
    text = daemon.ctl("--prometheus", "stats")
    found = (SAMPLE.fullmatch(line) for line in text.splitlines()
             if not line.startswith("#"))
    return {f'{m[1]}{{{(m[2] or "") and m[2] + ","}instance="kea:9100"}}': m[3]
            for m in found}


def value(found, name):
    """Of all series of that name together."""
    return sum(float(v) for series, v in found.items()
               if series.startswith(f"ddns_mux_{name}{{"))


def counted(daemon, **least):
    """The samples, once workers have told so much."""
    def look():
        found = samples(daemon)
        return found if all(value(found, name) >= n
                            for name, n in least.items()) else None
    return wait_for(look, f"counters: {least}", 10)


def send(daemon, count):
    with daemon.udp_client() as client:
        for _ in range(count):
            client.send(kinds.request("add"))


def in_threes(daemon, count):
    """So that no target is busy."""
    for _ in range(count):
        mark = daemon.mark()
        send(daemon, 3)
        wait_for(lambda at=mark: sum(": update id=" in line for line in
                                     daemon.log.lines[at:]) == 3, "they end")


def go_wrong(daemon, made):
    os.kill(daemon.workers()[0], signal.SIGKILL)
    counted(daemon, worker_restarts_total=1, workers=1)
    for target in made:
        target.reset(FAULTS.get(target.label, ok))
    in_threes(daemon, 4)
    send(daemon, 40)  # more than it can have in hand
    with daemon.udp_client() as client:
        client.send(sign(golden(), STRANGER))
    daemon.file.write_text(daemon.file.read_text() + "nonsense = 1;\n")
    daemon.process.send_signal(signal.SIGHUP)
    return counted(daemon, unanswered_total=1, diverged_total=11,
                   target_busy_total=1, worker_restarts_total=1,
                   target_workers_down=1, bad_key_total=1,
                   target_refused_total=1, target_badtime_total=1)


def steps(before, after_traffic, wrong):
    """The series of 90 minutes, a sample each: traffic from the tenth on,
    trouble from the 75th on."""
    for series, first in before.items():
        yield {"series": series, "values": " ".join(
            f"{value}+0x{count - 1}" for value, count in (
                (first, 10), (after_traffic[series], 65),
                (wrong[series], 15)))}


def fires(minute, alerts):
    """All that fire at that time, and no other."""
    return {"expr": 'group by (alertname) (ALERTS{alertstate="firing"})',
            "eval_time": f"{minute}m", "exp_samples": [
                {"labels": f'{{alertname="{name}"}}', "value": 1}
                for name in sorted(alerts)]}


def evaluate(folder, *tests):
    """Each is (series, expectations)."""
    folder.joinpath("tests.yml").write_text(json.dumps({
        "rule_files": [str(RULES)], "evaluation_interval": "1m",
        "tests": [{"interval": "1m", "input_series": list(series),
                   "promql_expr_test": wanted} for series, wanted in tests]}))
    done = subprocess.run(["promtool", "test", "rules", "tests.yml"],
                          cwd=folder, capture_output=True, text=True,
                          timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_root
def test_each_alert(start, targets, tmp_path):
    made = targets("good", *FAULTS)
    daemon = start([t.config(timeout_ms=600, breaker_failures=1)
                    for t in made], control_socket=True,
                   client_deadline_ms=250, updates_in_hand=8)
    before = samples(daemon)
    in_threes(daemon, 30)
    healthy = counted(daemon, answered_total=90)
    wrong = go_wrong(daemon, made)
    written = {"series": MTIME, "values": "0+60x89"}
    left = {"series": MTIME, "values": "0+60x80 4800+0x9"}
    ended = {"series": next(s for s in before if "start_time" in s),
             "values": "1+0x69 _x30"}
    evaluate(
        tmp_path,
        ([*steps(before, healthy, wrong), written],
         [fires(9, ()), fires(15, ()), fires(74, ()),
          fires(83, ALERTS - {"DdnsMuxSilent"})]),
        ([*steps(before, healthy, healthy), left],
         [fires(80, ()), fires(89, {"DdnsMuxSilent"})]),
        ([ended], [fires(69, ()), fires(90, {"DdnsMuxSilent"})]))


# The dashboard: what its panels ask is tried by test_real_guides.py


DASHBOARD = json.loads(
    pathlib.Path(ROOT, "conf", "grafana.json").read_text())
COLUMNS = 24


def cells(panel):
    """Places of the grid that it covers."""
    at = panel["gridPos"]
    assert 0 <= at["x"] and at["x"] + at["w"] <= COLUMNS
    return {(x, y) for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])}


def test_dashboard_is_as_grafana_documents_it():
    assert DASHBOARD["id"] is None and DASHBOARD["title"] == "ddns-mux"
    assert isinstance(DASHBOARD["schemaVersion"], int)
    assert {"from", "to"} <= set(DASHBOARD["time"])
    variables = {v["name"]: v for v in DASHBOARD["templating"]["list"]}
    assert set(variables) == {"datasource", "instance"}
    assert variables["datasource"]["type"] == "datasource"
    assert variables["datasource"]["query"] == "prometheus"
    taken, source = set(), {"type": "prometheus", "uid": "${datasource}"}
    assert variables["instance"]["datasource"] == source
    for number, panel in enumerate(DASHBOARD["panels"], 1):
        assert panel["id"] == number and panel["title"]
        assert panel["type"] in ("stat", "timeseries")
        assert panel["datasource"] == source
        assert not taken & cells(panel), panel["title"]
        taken |= cells(panel)
        names = [target["refId"] for target in panel["targets"]]
        assert names and len(set(names)) == len(names)
        for target in panel["targets"]:
            assert target["datasource"] == source and target["expr"]
