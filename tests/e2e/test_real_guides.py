# SPDX-License-Identifier: ISC
"""The guides in doc/, followed to the letter: each command, each file and
each line of a log in them, on hosts with the addresses that they use."""
import contextlib
import json
import pathlib
import re
import shlex
import threading
import time
import tomllib

import pytest

import guide
import test_real_troubles
from guide_site import (BASE, D2, D2_CONF, FOLLOWED, MUX_CONF, RESULT, ZONES,
                        follows, holds, running)
from guide_site import fixture_base, fixture_site  # noqa: F401
from hosts import LIMIT
from mux import ROOT
from servers import wait_until


@follows(*BASE, "KEA 6")
def test_base(site):
    """The fixture has done its sections."""
    for section in BASE:
        for block in guide.section(section):
            site.take(block)
    site.mark()
    commands, *logs = guide.section("KEA 6")
    site.do(commands)
    assert site.lease() == "ADD_SUCCEEDED"
    for block in logs:
        site.do(block)


def test_every_section_is_followed():
    assert test_real_troubles
    assert set(FOLLOWED) == guide.sections()


# Kea


@follows("KEA 3")
def test_dhcp_server(site):
    """It takes the file, and starts with it."""
    site.follow("KEA 3")
    site.kea.stop("kea-dhcp4-server")


def both_servers(old, part):
    return re.sub(r'"dns-servers": \[.*?\]', part.strip(), old)


@follows("KEA 5")
def test_several(site):
    part, listen = map(site.take, guide.section("KEA 5"))
    second = site.host("mux-2")
    second.run("chmod 750 /etc/ddns-mux")
    for name in ("kea-ddns-key", "ddns-mux-pdns1", "ddns-mux-pdns2"):
        second.write(f"/etc/ddns-mux/{name}.key",
                     site.kea.run(f"cat /etc/ddns-mux/{name}.key"))
    conf = site.kea.run(f"cat {MUX_CONF}")
    second.write(MUX_CONF, re.sub(r"listen_udp = .*\n", listen.text, conf))
    second.run("chgrp _ddns-mux /etc/ddns-mux/*; chmod 640 /etc/ddns-mux/*")
    for name in ("pdns-1", "pdns-2"):
        site.host(name).run("; ".join(
            f"pdnsutil set-meta {zone} ALLOW-DNSUPDATE-FROM "
            f"192.0.2.10 192.0.2.11" for zone in ZONES))
    second.restart("ddns-mux")
    site.change(D2_CONF, lambda old: both_servers(old, part.text))
    site.kea.stop("ddns-mux")
    begun = time.monotonic()
    assert site.lease() == "ADD_SUCCEEDED"
    assert time.monotonic() - begun > 2.8
    errors = [line for line in site.kea.log(D2).lines if "IO_ERROR" in line]
    assert len(errors) == 6 and "127.0.0.1" in errors[0]
    second.stop("ddns-mux")


def without_timeout(old):
    return old.replace('"dns-server-timeout": 500,', "")


def test_default_timeout(site):
    """KEA 4: three attempts of 0.1 s before Kea 2.3.4, of 0.5 s since."""
    version = site.kea.run("kea-dhcp-ddns -v").strip()
    is_old = tuple(map(int, version.split(".")[:3])) < (2, 3, 4)
    site.change(D2_CONF, without_timeout)
    site.kea.stop("ddns-mux")
    begun = time.monotonic()
    assert site.lease() == "ADD_FAILED"
    assert (time.monotonic() - begun < 1) == is_old


# The targets


def one_more_target(old, part):
    end = "\n    } );\n"
    assert old.endswith(end)
    return old[:-len(end)] + "\n    },\n" + part.rstrip() + " );\n"


def add_and_remove(site, host):
    """All targets have it, or D2 would say that it failed."""
    one = dict(name=f"{host.name}.example.org.", address="192.0.2.90")
    back = "90.2.0.192.in-addr.arpa."
    assert site.lease(**one) == "ADD_SUCCEEDED"
    assert holds(host, one["name"]) == ["192.0.2.90"]
    assert holds(host, back, "PTR") == [one["name"]]
    assert site.lease("remove", **one) == "REMOVE_SUCCEEDED"
    assert not holds(host, one["name"]) and not holds(host, back, "PTR")


def with_grants(old, part):
    """What one key may, another may, too."""
    if part.startswith("include"):
        return part + re.sub(r"grant ddns-mux-bind ([^;]*);",
                             r"\g<0> grant bind-2027 \1;", old)
    return with_part(old, part)


@follows("BIND 1", "BIND 2", "BIND 3", "BIND 4", "KEYS 3")
def test_bind(site):
    bind = site.host("bind")
    bind.start("named")
    site.follow("BIND 1")
    site.follow("BIND 2")
    site.follow("BIND 3", one_more_target)
    add_and_remove(site, bind)
    freeze, thaw = site.take(guide.section("BIND 4")[0]).commands
    site.command(freeze, "BIND 4")
    assert site.lease() == "ADD_FAILED"
    site.command(thaw, "BIND 4")
    site.follow("KEYS 3", with_grants)
    add_and_remove(site, bind)
    bind.stop("named")


def with_entry(old, part):
    if part.startswith("key:\n"):
        return old.replace("key:\n", part, 1)
    if part.startswith("key: ["):
        return re.sub(r"(?m)^(    )key: .*\n", rf"\1{part}", old)
    return with_part(old, part)


@follows("KNOT 1", "KNOT 2", "KNOT 3", "KNOT 4", "KEYS 4")
def test_knot(site):
    knot = site.host("knot")
    knot.start("knot")
    site.follow("KNOT 1")
    site.follow("KNOT 2")
    site.follow("KNOT 3", one_more_target)
    site.edit(MUX_CONF, lambda old: old + "client_deadline_ms = 1200;\n")
    site.kea.run("ddns-muxctl reload")
    site.change(D2_CONF, lambda old: old.replace("500", "1300"))
    add_and_remove(site, knot)
    site.follow("KEYS 4", with_entry)
    add_and_remove(site, knot)
    site.follow("KNOT 4")
    assert holds(knot, "www.example.org.") == ["192.0.2.80"]
    knot.stop("knot")


@follows("POWERDNS 5")
def test_powerdns(site):
    site.follow("POWERDNS 5")


# From TOML


def with_secrets(site, text):
    """In place of each SECRET==, in the order of the example."""
    for name in ("kea-ddns-key", "ddns-mux-pdns1", "ddns-mux-pdns2"):
        secret = site.kea.run(f"cat /etc/ddns-mux/{name}.key").strip()
        text = text.replace("SECRET==", secret, 1)
    assert "SECRET==" not in text
    return text


def in_ddns_mux(toml):
    """What MIGRATION 2 and 3 make of the example."""
    found = tomllib.loads(toml)
    server = found["server"]
    yield f'listen_udp = [ "{server["listen"]}" ];'
    yield f'listen_tcp = [ "{server["listen"]}" ];'
    yield f'workers = {server["workers"]};'
    yield f'require_confirmation = "{server["confirm"]}";'
    yield f'client_deadline_ms = {server["timeout"].removesuffix("ms")};'
    for group in (server, *found["targets"]):
        yield f'name = "{group["tsig"]["name"]}";'
        yield f'algorithm = "{group["tsig"]["algorithm"]}";'
    for target in found["targets"]:
        yield f'name = "{target["name"]}";'
        yield f'address = "{target["address"]}";'
        yield f'timeout_ms = {target["timeout"].removesuffix("s")}000;'


@follows("MIGRATION 1", "MIGRATION 4")
def test_migration(site):
    toml, ours = map(site.take, guide.section("MIGRATION 1"))
    site.kea.write(MUX_CONF, with_secrets(site, ours.text))
    printed = site.kea.run("ddns-mux -nv")
    for line in in_ddns_mux(toml.text):
        assert line in printed
    site.kea.write(MUX_CONF, with_secrets(
        site, ours.text.replace("5353", "5454")))
    new, switch = guide.section("MIGRATION 4")
    site.do(new)
    site.edit(D2_CONF, lambda old: old.replace("5353", "5454"))
    site.mark()
    site.do(switch)
    site.wait_log("DCTL_CONFIG_COMPLETE")
    assert site.lease() == "ADD_SUCCEEDED"


# Keys


class Leases:
    """One after the other all the time; none of them may fail."""

    PACE = 0.02

    def __init__(self, site):
        self.site, self.sent = site, 0
        self.log = site.kea.log(D2)
        self.start = len(self.log.lines)
        self.is_over, self.turn = threading.Event(), threading.Lock()
        self.thread = threading.Thread(target=self.send)

    def send(self):
        while not self.is_over.wait(self.PACE):
            with self.turn:
                name = f"key-{self.start}-{self.sent}.example.org."
                self.site.send("add", name, name,
                               f"192.0.2.{self.sent % 100}")
                self.sent += 1

    def results(self):
        found = (re.search(RESULT, line) for line in
                 self.log.lines[self.start:])
        return [match[1] for match in found if match]

    def settle(self):
        wait_until(lambda: len(self.results()) >= self.sent, LIMIT,
                   "D2 is done")

    @contextlib.contextmanager
    def paused(self):
        with self.turn:
            self.settle()
            yield

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *failure):
        self.is_over.set()
        self.thread.join()
        if failure[0] is None:
            self.settle()
            assert len(self.results()) > 10
            assert set(self.results()) == {"ADD_SUCCEEDED"}


@pytest.fixture(name="own_site")
def fixture_own_site():
    with running() as site:
        yield site


def with_part(old, part):
    """The setting that the part is, in place of the former one."""
    if part.startswith("incoming_tsig"):
        return re.sub(r"(?s)incoming_tsig.*?(?=targets)", lambda _: part, old)
    if part.startswith("tsig"):
        name = re.search(r'"(\w+)-2027', part)[1]
        return re.sub(rf'tsig = {{ name = "ddns-mux-{name}\..*?}};',
                      lambda _: part.strip(), old)
    if part.startswith('"tsig-keys"'):
        old = re.sub(r'(?s)"tsig-keys": \[.*?\]', lambda _: part.strip(), old)
        return re.sub(r'"key-name": "[^"]*"', '"key-name": "kea-2027."', old)
    return old + part


def are_counted(site):
    """Workers tell of their counters once a second."""
    found = site.kea.run("ddns-muxctl stats")
    return "key kea-ddns-key." in found and "key kea-2027." in found


@follows("KEYS 1", "KEYS 2", "KEYS 5")
def test_keys(own_site):
    """While leases come, of which none fails."""
    site = own_site
    with Leases(site) as stream:
        site.wait_log("... update ... key=kea-ddns-key. ...")
        for block in guide.section("KEYS 1"):
            site.mark()
            site.do(block, with_part)
            if "kill -HUP" in block.text:
                site.wait_log("DCTL_CONFIG_COMPLETE")
                wait_until(lambda: are_counted(site), LIMIT, "both keys")
        for block in guide.section("KEYS 2"):
            # With SQLite an update at the same moment would be refused.
            is_writing = "pdnsutil" in block.text
            with stream.paused() if is_writing else contextlib.nullcontext():
                site.do(block, with_part)
        site.follow("KEYS 5")


# Monitoring


RULES = pathlib.Path(ROOT, "conf", "ddns-mux.rules.yml").read_text()
SHARED = "/usr/local/share/doc/ddns-mux"


def ask_prometheus(site, path, **words):
    done = site.kea.run(" ".join(
        ["curl -s -G", f"http://127.0.0.1:9090/api/v1/{path}"]
        + [f"--data-urlencode {shlex.quote(f'{name}={value}')}"
           for name, value in words.items()]))
    answer = json.loads(done)
    assert answer["status"] == "success", (words, answer)
    return answer["data"]


def query(site, expression):
    """The labels of each series that it has."""
    found = ask_prometheus(site, "query", query=expression)["result"]
    return [series["metric"] for series in found]


def panels():
    """Each expression of the dashboard as Grafana would ask it."""
    dashboard = json.loads(pathlib.Path(ROOT, "conf/grafana.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield (target["expr"].replace("$instance", ".*")
                   .replace("$__rate_interval", "1m"))


def assert_rules(site):
    """All are loaded and told of, and none has anything to say."""
    groups = ask_prometheus(site, "rules")["groups"]
    rules = {r["name"]: r["query"] for g in groups for r in g["rules"]}
    assert set(rules) == set(re.findall(r"- alert: (\w+)", RULES))
    told = guide.path("MONITORING").read_text()
    assert set(rules) == set(re.findall(r"^  (DdnsMux\w+)", told, re.M))
    for name, expression in rules.items():
        assert query(site, expression) == [], name


def assert_panels(site):
    """Each has series; a condition hides those where nothing happens."""
    for expression in panels():
        assert query(site, expression.removesuffix(" > 0")), expression


@follows("MONITORING 1", "MONITORING 2", "MONITORING 3")
def test_monitoring(site):
    """From the daemon's file to Prometheus, by way of the node exporter."""
    site.kea.run(f"mkdir -p {SHARED}")
    site.kea.write(f"{SHARED}/ddns-mux.rules.yml", RULES)
    site.kea.start("prometheus-node-exporter")
    assert site.lease() == "ADD_SUCCEEDED"
    site.follow("MONITORING 1")
    for block in guide.section("MONITORING 2"):
        if "scrape_interval" in block.text:
            block = site.take(block)._replace(
                text=block.text.replace("15s", "200ms"))
        site.do(block, with_part)
    site.follow("MONITORING 3")
    assert site.lease() == "ADD_SUCCEEDED"
    wait_until(lambda: query(
        site, f'increase({SCRAPED}[1m])'), LIMIT, "two scrapes")
    assert_rules(site)
    assert_panels(site)
    for name in ("prometheus", "prometheus-node-exporter"):
        site.kea.stop(name)


SCRAPED = 'ddns_mux_accepted_total{instance="192.0.2.10:9100"}'
