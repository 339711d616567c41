# SPDX-License-Identifier: ISC
"""The hosts of the guides, on which their blocks are done to the letter, and
which sections of them a test does."""
import contextlib
import functools
import json
import re
import subprocess

import pytest

import guide
from hosts import LIMIT, Host, Network
from servers import name_change, wait_until, zone_file

ADDRESSES = {"kea": "192.0.2.10", "mux-2": "192.0.2.11",
             "pdns-1": "192.0.2.1", "pdns-2": "192.0.2.2",
             "bind": "192.0.2.3", "knot": "192.0.2.4"}
ZONES = ("example.org", "2.0.192.in-addr.arpa")
MUX_CONF = "/etc/ddns-mux/ddns-mux.conf"
D2_CONF = "/etc/kea/kea-dhcp-ddns.conf"
D2 = "kea-dhcp-ddns-server"

# What a guide takes for granted: servers with the zones, no updates yet, and
# what README's installation has made.
BEFORE = {
    "kea": """useradd --system --home-dir /nonexistent _ddns-mux
              install -d -o root -g _ddns-mux -m 750 /etc/ddns-mux
              install -m 640 -g _ddns-mux /dev/null """ + MUX_CONF,
    "pdns": """printf 'launch=gsqlite3\\ngsqlite3-database=%s\\n' \
                   /var/lib/powerdns/pdns.sqlite3 >/etc/powerdns/pdns.d/db.conf
               sqlite3 /var/lib/powerdns/pdns.sqlite3 \
                   </usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql
               for zone in """ + " ".join(ZONES) + """; do
                   pdnsutil create-zone $zone ns.example.net
               done
               chown -R pdns:pdns /var/lib/powerdns""",
    "bind": "chown -R bind:bind /var/lib/bind",
    "knot": "chown -R knot:knot /var/lib/knot",
}
BEFORE["mux-2"] = BEFORE["kea"]
BEFORE["pdns-1"] = BEFORE["pdns-2"] = BEFORE["pdns"]
ZONE_FOLDER = {"bind": "/var/lib/bind", "knot": "/var/lib/knot"}

# Commands that tell of a failure by their exit status, too.
FAILURES = {
    ("TROUBLESHOOTING 1", "ddns-muxctl status"),
    ("TROUBLESHOOTING 7", "ddns-muxctl probe pdns-2 example.org"),
    ("TROUBLESHOOTING 8", "ddns-muxctl probe pdns-2 example.org"),
}

# Sections of guides, and the tests that follow them.
FOLLOWED = {}


def follows(*sections):
    """Such a test takes a site, and has done all blocks of the sections."""
    def decorate(test):
        FOLLOWED.update(dict.fromkeys(sections, test.__name__))

        @functools.wraps(test)
        def followed(*args, **kwargs):
            site = next(v for v in kwargs.values() if isinstance(v, Site))
            site.undone = [b for s in sections for b in guide.section(s)]
            test(*args, **kwargs)
            assert not site.undone
        return followed
    return decorate


RESULT = (r"DHCP_DDNS_(ADD_SUCCEEDED|REMOVE_SUCCEEDED|ADD_FAILED"
          r"|REMOVE_FAILED|NO_FWD_MATCH_ERROR) ")
SENDER = """
import socket, sys
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for line in sys.stdin:
    text = line.strip().encode()
    udp.sendto(len(text).to_bytes(2, "big") + text, ("127.0.0.1", 53001))
"""


class Site:
    """The hosts of the guides."""

    def __init__(self, entered):
        self.entered, self.hosts, self.undone = entered, {}, []
        self.network = entered.enter_context(Network())
        self.number = 100
        self.marks, self.sender = {}, None

    def host(self, name):
        if name not in self.hosts:
            host = self.entered.enter_context(
                Host(self.network, name, ADDRESSES[name]))
            host.run(BEFORE[name])
            for zone in ZONES if name in ZONE_FOLDER else ():
                host.write(f"{ZONE_FOLDER[name]}/{zone}.zone",
                           zone_file(zone + "."))
            self.hosts[name] = host
        return self.hosts[name]

    @property
    def kea(self):
        return self.host("kea")

    # Blocks

    def take(self, block):
        """It is the test that does it."""
        self.undone.remove(block)
        return block

    def follow(self, section, edit=None):
        for block in guide.section(section):
            self.do(block, edit)

    def do(self, block, edit=None):
        """edit: what becomes of a file with this part put into it."""
        if block in self.undone:
            self.undone.remove(block)
        if block.kind == guide.COMMANDS:
            for command in block.commands:
                self.command(command, block.section)
        elif block.kind == guide.WHOLE:
            for name in block.hosts:
                self.host(name).write(block.path, self.filled(block))
        elif block.kind == guide.PART:
            self.edit(block.path, lambda old: edit(old, self.filled(block)),
                      *block.hosts)
        elif block.kind == guide.LOG:
            for line in block.text.splitlines():
                self.wait_log(line)

    def filled(self, block):
        if not block.secret:
            return block.text
        secret = self.kea.run(f"cat /etc/ddns-mux/{block.secret}").strip()
        return block.text.replace("SECRET==", secret)

    def edit(self, path, change, host="kea"):
        old = self.host(host).run(f"cat {path}")
        new = change(old)
        assert new != old, f"{path} stays as it was"
        self.host(host).write(path, new)

    def command(self, command, section):
        host, words = self.host(command.host), command.script.split()
        if words[0] == "cd":
            host.folder = words[1]
            host.run("true")
        elif words[0] == "service":  # no init: the harness is what starts it
            assert words[2] == "restart"
            host.restart(words[1])
        elif words[0] == "scp":  # no ssh
            self.copy(host, words)
        else:
            done = host.shell(command.script)
            check_output(command, done.stdout)
            has_failed = (section, command.script) in FAILURES
            assert (done.returncode != 0) == has_failed, done

    def copy(self, host, words):
        """scp -p FILE root@ADDRESS:[FOLDER/]"""
        address, folder = words[3].removeprefix("root@").split(":")
        name, = (n for n, a in ADDRESSES.items() if a == address)
        self.host(name).write(f"{folder or '/root/'}{words[2]}",
                              host.run(f"cat {words[2]}"))

    # Logs of D2 and ddns-mux

    def logs(self):
        return {n: self.kea.log(n).lines for n in (D2, "ddns-mux")
                if n in self.kea.running}

    def mark(self):
        """Lines from here on are looked at."""
        self.marks = {name: len(lines) for name, lines in self.logs().items()}

    def wait_log(self, line):
        pattern = re.compile(guide.pattern(line))

        def is_there():
            return any(pattern.search(found) for name, lines in
                       self.logs().items()
                       for found in lines[self.marks.get(name, 0):])
        wait_until(is_there, 10, f"a line like {line!r} in "
                   + "\n".join(self.kea.log(n).tail(20) for n in self.logs()))

    # What Kea's DHCP server tells D2

    def lease(self, kind="add", client=None, name=None, address=None):
        """One request, and what D2 makes of it."""
        self.number += 1
        name = name or f"host-{self.number}.example.org."
        address = address or f"192.0.2.{self.number}"
        log, start = self.kea.log(D2), len(self.kea.log(D2).lines)
        self.send(kind, client or name, name, address)
        return log.wait(RESULT, 20, start)[1]

    def send(self, kind, client, name, address):
        if self.sender is None:
            self.sender = subprocess.Popen(
                self.kea.enter("/usr/bin/python3", "-c", SENDER),
                stdin=subprocess.PIPE, text=True)
            self.entered.callback(self.sender.wait, LIMIT)
            self.entered.callback(self.sender.stdin.close)
        request = name_change(kind, client, name, address)
        self.sender.stdin.write(json.dumps(request) + "\n")
        self.sender.stdin.flush()

    # What a test changes

    def change(self, path, change):
        """restore() undoes it.  Each daemon begins anew, so that it logs at
        once what it would not log again so soon."""
        self.edit(path, change)
        for service in READERS.values():
            self.kea.restart(service)
        self.mark()

    def keep(self):
        self.kept = {path: self.kea.run(f"cat {path}") for path in READERS}

    def restore(self):
        """As it was when it was kept."""
        for path, service in READERS.items():
            is_changed = self.kea.run(f"cat {path}") != self.kept[path]
            if is_changed:
                self.kea.write(path, self.kept[path])
            if is_changed or service not in self.kea.running:
                self.kea.restart(service)
        for name in ("pdns-1", "pdns-2"):
            if "pdns" not in self.host(name).running:
                self.host(name).start("pdns")


READERS = {MUX_CONF: "ddns-mux", D2_CONF: D2}


def check_output(command, found):
    """All of it, in order; "..." is any number of lines."""
    pattern = ""
    for line in command.printed:
        pattern += r"(.*\n)*?" if line == "..." else guide.pattern(line) + "\n"
    assert re.fullmatch(pattern, found), f"{command}\nprinted: {found}"


def set_up(site):
    """What all other sections build upon."""
    for section in BASE:
        site.follow(section)
    site.keep()
    return site


BASE = ("KEA 1", "POWERDNS 1", "POWERDNS 2", "POWERDNS 3", "KEA 2")


@contextlib.contextmanager
def running():
    with contextlib.ExitStack() as entered:
        yield set_up(Site(entered))


@pytest.fixture(scope="module", name="base")
def fixture_base():
    with running() as site:
        yield site


@pytest.fixture(name="site")
def fixture_site(base):
    yield base
    base.restore()


def holds(host, name, kind="A"):
    return host.run(f"dig +short @127.0.0.1 {name} {kind}").split()
