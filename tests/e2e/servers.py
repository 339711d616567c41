# SPDX-License-Identifier: ISC
"""Real DNS servers and the real kea-dhcp-ddns, from the distribution.

Each runs as a child of the test, in a directory of its own, on loopback
and on ports that the kernel chose.  start() returns when the server
answers; stop() ends exactly the process that was started.
"""

import base64
import hashlib
import heapq
import json
import os
import re
import secrets
import selectors
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import threading
import time
from pathlib import Path
from typing import NamedTuple

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import pytest

from fake import LIVE
from mux import write_secret
from wire import Key

HOST = "127.0.0.1"
FORWARD = "example.org."
REVERSE4 = "2.0.192.in-addr.arpa."
REVERSE6 = "8.b.d.0.1.0.0.2.ip6.arpa."
ZONES = (FORWARD, REVERSE4, REVERSE6)
NAME_SERVER = "ns.example.net."  # outside: a zone needs no glue for it
SOA = f"{NAME_SERVER} hostmaster.example.net. 1 3600 600 604800 60"

START_TIMEOUT = 10
STOP_TIMEOUT = 10
POLL = 0.01
POWERDNS_SCHEMA = "/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql"


def random_key(name, algorithm="hmac-sha256", octets=32):
    return Key(name, secrets.token_bytes(octets), algorithm)


def key_text(key):
    """What a server's configuration wants to know about a key."""
    return {"name": key.name.lower().rstrip("."), "algorithm": key.algorithm,
            "secret": base64.b64encode(key.secret).decode()}


def wait_until(condition, timeout, what):
    """Poll until the condition holds and return its value."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {what}")
        time.sleep(POLL)


def free_port():
    """A port of loopback that is free for UDP and for TCP."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, \
                socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp:
            udp.bind((HOST, 0))
            port = udp.getsockname()[1]
            try:
                tcp.bind((HOST, port))
            except OSError:
                continue
            return port


def find_program(name):
    path = shutil.which(name, path=os.environ.get("PATH", "") +
                        ":/usr/sbin:/usr/bin:/sbin:/bin")
    if path is None:
        pytest.fail(f"{name} is not installed: sh tests/install.sh test")
    return path


def apparmor_enabled():
    try:
        flag = Path("/sys/module/apparmor/parameters/enabled").read_text()
    except OSError:
        return False
    return flag.strip() == "Y"


def unconfined(program, directory):
    """The program, or a copy that no AppArmor profile knows by its path:
    the packaged profiles do not let daemons use a temporary directory."""
    profile = Path("/etc/apparmor.d", program.strip("/").replace("/", "."))
    if not profile.exists() or not apparmor_enabled():
        return program
    return shutil.copy(program, directory)


def canonical(rrset, rdata):
    """One record as text, in one form for all servers."""
    text = rdata.to_text(chunksize=0)
    if rrset.rdtype in (dns.rdatatype.PTR, dns.rdatatype.CNAME,
                        dns.rdatatype.NS):
        text = text.lower()
    kind = dns.rdatatype.to_text(rrset.rdtype)
    return f"{rrset.name.to_text().lower()} {rrset.ttl} {kind} {text}"


def transfer(port, zone, host=HOST):
    """The zone's records as a set of lines, without its SOA."""
    lines = set()
    for message in dns.query.xfr(host, zone, port=port, relativize=False,
                                 lifetime=5):
        for rrset in message.answer:
            if rrset.rdtype != dns.rdatatype.SOA:
                lines.update(canonical(rrset, rdata) for rdata in rrset)
    return lines


def zone_at_start(zone):
    """What a zone holds before anybody updates it."""
    return {f"{zone} 3600 NS {NAME_SERVER}"}


def zone_file(zone):
    return (f"$ORIGIN {zone}\n$TTL 3600\n@ SOA {SOA}\n"
            f"@ NS {NAME_SERVER}\n")


class Server:
    """A program run in the foreground with its log in a file."""

    def __init__(self, directory):
        self.dir = Path(directory)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.log_path = self.dir / "log"
        self.log_path.touch()
        self.port = None
        self.process = None

    # What a subclass says about itself.

    def configure(self):
        raise NotImplementedError

    def command(self):
        raise NotImplementedError

    def answers(self):
        raise NotImplementedError

    def environment(self):
        return dict(os.environ)

    # Life and death.

    def start(self):
        LIVE.add(self)  # a failing test shows its log
        attempts = 5 if self.port is None else 1
        for attempt in range(attempts):
            if attempts > 1:
                self.port = free_port()
            self.configure()
            if self.launch():
                return self
        raise AssertionError(f"{self} does not start:\n{self.log()}")

    def launch(self):
        """True once it answers, False when it ended or stayed mute."""
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                self.command(), cwd=self.dir, env=self.environment(),
                stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT)
        try:
            wait_until(lambda: self.ended() or self.answers(), START_TIMEOUT,
                       f"{self} answers")
        except AssertionError:
            self.stop()
        return not self.ended()

    def ended(self):
        return self.process is None or self.process.poll() is not None

    def stop(self):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def freeze(self):
        """Deaf and mute, but its port stays open."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def __enter__(self):
        return self.start()

    def __exit__(self, *unused):
        self.stop()
        LIVE.discard(self)

    def __repr__(self):
        return f"{type(self).__name__}({self.dir.name}, port {self.port})"

    # What it said.

    def log(self, start=0):
        with open(self.log_path, "rb") as log:
            log.seek(start)
            return log.read().decode(errors="replace")

    def log_end(self):
        return self.log_path.stat().st_size

    @property
    def label(self):
        return repr(self)

    def report(self):
        return "\n".join(self.log().splitlines()[-80:])


class DnsServer(Server):
    """An authoritative server for some zones.

    The keys may update each zone; known_keys are keys that it has but
    that its policy lets update nothing.
    """

    def __init__(self, directory, keys, zones=ZONES, known_keys=()):
        super().__init__(directory)
        self.keys = list(keys)
        self.known_keys = list(known_keys)
        self.zones = tuple(zones)

    def answers(self):
        query = dns.message.make_query(self.zones[0], "SOA")
        query.flags &= ~dns.flags.RD
        try:
            answer = dns.query.udp(query, HOST, port=self.port, timeout=0.1)
        except (OSError, dns.exception.DNSException):
            return False
        return answer.rcode() == dns.rcode.NOERROR and bool(answer.answer)

    def axfr(self, zone=FORWARD):
        return transfer(self.port, zone)

    def contents(self):
        """All its zones' records in one set."""
        return set().union(*map(self.axfr, self.zones))

    def as_target(self, name, key=None, port=None, **settings):
        """The group of ddns-mux's configuration."""
        return {"name": name, "address": f"{HOST}:{port or self.port}",
                "tsig": (key or self.keys[0]).config(), **settings}

    def write_zone_files(self):
        """Only the first time: a restart keeps what it had."""
        for zone in self.zones:
            path = self.dir / f"{zone}zone"
            if not path.exists():
                path.write_text(zone_file(zone))


class PowerDNS(DnsServer):
    """pdns_server with the SQLite backend."""

    TEMPLATE = """\
launch=gsqlite3
gsqlite3-database={dir}/pdns.sqlite3
local-address={host}
local-port={port}
socket-dir={dir}
daemon=no
guardian=no
write-pid=no
security-poll-suffix=
dnsupdate=yes
allow-dnsupdate-from=127.0.0.0/8
allow-axfr-ips=127.0.0.0/8
cache-ttl=0
query-cache-ttl=0
negquery-cache-ttl=0
log-dns-details=no
log-timestamp=yes
"""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.database = self.dir / "pdns.sqlite3"

    def configure(self):
        self.dir.joinpath("pdns.conf").write_text(
            self.TEMPLATE.format(dir=self.dir, host=HOST, port=self.port))
        if not self.database.exists():
            self.make_database()

    def make_database(self):
        with sqlite3.connect(self.database) as db:
            db.executescript(Path(POWERDNS_SCHEMA).read_text())
            for key in self.keys + self.known_keys:
                db.execute("INSERT INTO tsigkeys (name, algorithm, secret)"
                           " VALUES (?, ?, ?)",
                           tuple(key_text(key).values()))
            for zone in self.zones:
                self.add_zone(db, zone)
        db.close()

    def add_zone(self, db, zone):
        apex = zone.rstrip(".")
        row = db.execute("INSERT INTO domains (name, type)"
                         " VALUES (?, 'NATIVE')", (apex,)).lastrowid
        soa = SOA.replace(". ", " ")
        for kind, content in (("SOA", soa), ("NS", NAME_SERVER.rstrip("."))):
            db.execute("INSERT INTO records"
                       " (domain_id, name, type, content, ttl, auth)"
                       " VALUES (?, ?, ?, ?, 3600, 1)",
                       (row, apex, kind, content))
        for key in self.keys:
            db.execute("INSERT INTO domainmetadata"
                       " (domain_id, kind, content)"
                       " VALUES (?, 'TSIG-ALLOW-DNSUPDATE', ?)",
                       (row, key_text(key)["name"]))

    def command(self):
        return [find_program("pdns_server"), f"--config-dir={self.dir}"]

    def rows(self):
        """The database's own records: (name, type, content, ttl)."""
        db = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)
        try:
            return db.execute(
                "SELECT name, type, content, ttl FROM records"
                " WHERE type IS NOT NULL AND type NOT IN ('SOA', 'NS')"
                " ORDER BY name, type, content").fetchall()
        finally:
            db.close()

    def counter(self, name):
        """One of its statistics, for example tcp-queries."""
        done = subprocess.run(
            [find_program("pdns_control"), f"--config-dir={self.dir}",
             f"--socket-dir={self.dir}", "show", name],
            capture_output=True, text=True, timeout=10, check=True)
        return int(done.stdout)


class Bind(DnsServer):
    """named with dynamic zones."""

    TEMPLATE = """\
options {{
	directory "{dir}";
	listen-on port {port} {{ {host}; }};
	listen-on-v6 {{ none; }};
	pid-file none;
	lock-file none;
	session-keyfile none;
	recursion no;
	notify no;
	dnssec-validation no;
	empty-zones-enable no;
	allow-query {{ any; }};
	allow-transfer {{ {host}; }};
}};
controls {{ }};
"""
    KEY = 'key "{name}" {{ algorithm {algorithm}; secret "{secret}"; }};\n'
    ZONE = """\
zone "{zone}" {{
	type primary;
	file "{zone}zone";
	allow-update {{ {keys} }};
}};
"""

    def configure(self):
        self.write_zone_files()
        names = (key_text(key)["name"] for key in self.keys)
        allowed = " ".join(f'key "{name}";' for name in names)
        text = self.TEMPLATE.format(dir=self.dir, host=HOST, port=self.port)
        text += "".join(self.KEY.format(**key_text(key))
                        for key in self.keys + self.known_keys)
        text += "".join(self.ZONE.format(zone=zone, keys=allowed)
                        for zone in self.zones)
        self.dir.joinpath("named.conf").write_text(text)

    def command(self):
        program = unconfined(find_program("named"), self.dir)
        return [program, "-g", "-n", "1", "-c", str(self.dir / "named.conf")]


class Knot(DnsServer):
    """knotd with updates by key."""

    TEMPLATE = """\
server:
    rundir: {dir}
    listen: {host}@{port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
log:
  - target: stderr
    any: info
database:
    storage: {dir}
    journal-db-max-size: 16M
    kasp-db-max-size: 16M
    timer-db-max-size: 16M
key:
{keys}
acl:
  - id: update
    key: [{allowed}]
    action: update
  - id: transfer
    address: {host}
    action: transfer
template:
  - id: default
    storage: {dir}
    file: "%s.zone"
    zonefile-sync: -1
    acl: [update, transfer]
zone:
{zones}
"""
    KEY = "  - id: {name}\n    algorithm: {algorithm}\n    secret: {secret}"

    def configure(self):
        self.write_zone_files()
        self.dir.joinpath("knot.conf").write_text(self.TEMPLATE.format(
            dir=self.dir, host=HOST, port=self.port,
            keys="\n".join(self.KEY.format(**key_text(key))
                           for key in self.keys + self.known_keys),
            allowed=", ".join(key_text(key)["name"]
                              for key in self.keys),
            zones="\n".join(f"  - domain: {zone}" for zone in self.zones)))

    def command(self):
        return [find_program("knotd"), "-c", str(self.dir / "knot.conf")]


class Outcome(NamedTuple):
    """What D2 said about one request."""

    result: str  # for example ADD_SUCCEEDED
    log: str     # all of its log since the request was sent


def dhcid(client, fqdn):
    """RFC 4701's digest for a client identifier and a name, as hex."""
    name = dns.name.from_text(fqdn).canonicalize().to_wire()
    digest = hashlib.sha256(client.encode() + name)
    return "000101" + digest.hexdigest().upper()


def name_change(kind, client, fqdn, address, ttl=1200):
    """A name change request as kea-dhcp4 and kea-dhcp6 write it."""
    return {
        "change-type": {"add": 0, "remove": 1}[kind],
        "forward-change": True,
        "reverse-change": True,
        "fqdn": fqdn,
        "ip-address": address,
        "dhcid": dhcid(client, fqdn),
        "lease-expires-on": "20371231235959",
        "lease-length": ttl,
        "use-conflict-resolution": True,
    }


class KeaD2(Server):
    """kea-dhcp-ddns, which sends its updates to one address and port."""

    RESULT = re.compile(r"DHCP_DDNS_((?:ADD|REMOVE)_(?:SUCCEEDED|FAILED))"
                        r" DHCP_DDNS Request ID ([0-9A-F]+)")

    def __init__(self, directory, key, dns_port, timeout_ms=500,
                 dns_host=HOST, digest_bits=0):
        super().__init__(directory)
        self.key = key
        self.digest_bits = digest_bits  # of the MAC; 0: all of it
        self.dns_server = (dns_host, dns_port)
        self.timeout_ms = timeout_ms

    def domain(self, zone):
        host, port = self.dns_server
        return {"name": zone, "key-name": self.key.name,
                "dns-servers": [{"ip-address": host, "port": port}]}

    def configure(self):
        settings = {
            "ip-address": HOST,
            "port": self.port,
            "dns-server-timeout": self.timeout_ms,
            "tsig-keys": [{"name": self.key.name,
                           "algorithm": self.key.algorithm.upper(),
                           "digest-bits": self.digest_bits,
                           "secret": key_text(self.key)["secret"]}],
            "forward-ddns": {"ddns-domains": [self.domain(FORWARD)]},
            "reverse-ddns": {"ddns-domains": [self.domain(REVERSE4),
                                              self.domain(REVERSE6)]},
            "loggers": [{
                "name": "kea-dhcp-ddns", "severity": "DEBUG",
                "debuglevel": 0,
                "output_options": [
                    {"output": "stdout",
                     "pattern": "%D{%H:%M:%S.%q} %-5p %m\n"}]}],
        }
        self.dir.joinpath("d2.json").write_text(
            json.dumps({"DhcpDdns": settings}, indent=2))

    def command(self):
        program = unconfined(find_program("kea-dhcp-ddns"), self.dir)
        return [program, "-c", str(self.dir / "d2.json")]

    def environment(self):
        return dict(os.environ, KEA_PIDFILE_DIR=str(self.dir),
                    KEA_LOCKFILE_DIR=str(self.dir),
                    KEA_LOGGER_DESTINATION="stdout")

    def launch(self):
        self.launched_at = self.log_end()
        return super().launch()

    def answers(self):
        return "DHCP_DDNS_QUEUE_MGR_STARTED" in self.log(self.launched_at)

    def send(self, request):
        text = json.dumps(request).encode()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.sendto(struct.pack("!H", len(text)) + text,
                       (HOST, self.port))

    def results(self, start=0):
        """{DHCID: [result, ...]} since a place in the log."""
        found = {}
        for result, ident in self.RESULT.findall(self.log(start)):
            found.setdefault(ident, []).append(result)
        return found

    def ask(self, kind, client, fqdn, address, timeout=15):
        """Send one request and wait for what D2 says about it."""
        start = self.log_end()
        ident = dhcid(client, fqdn)
        self.send(name_change(kind, client, fqdn, address))
        found = wait_until(lambda: self.results(start).get(ident), timeout,
                           f"D2 ends its work on {fqdn}")
        return Outcome(found[0], self.log(start))

    def add(self, client, fqdn, address):
        return self.ask("add", client, fqdn, address)

    def remove(self, client, fqdn, address):
        return self.ask("remove", client, fqdn, address)


class Updater(NamedTuple):
    """nsupdate or knsupdate."""

    program: str
    transport: str = "udp"

    FAILURE = re.compile(r"update failed(?: with error)?:? '?([A-Z]+)")

    def key_file(self, key, directory):
        """Each of the two reads another form."""
        text = key_text(key)
        if self.program == "nsupdate":
            line = Bind.KEY.format(**text)
        else:
            line = "{algorithm}:{name}:{secret}\n".format(**text)
        return write_secret(Path(directory) / f"{self.program}.key", line)

    def send(self, port, key, lines, directory, zone=FORWARD, host=HOST):
        """One message; returns the answer's RCODE as text."""
        script = [f"server {host} {port}", f"zone {zone}", *lines, "send"]
        options = ["-v"] if self.transport == "tcp" else []
        done = subprocess.run(
            [find_program(self.program), *options,
             "-k", str(self.key_file(key, directory))],
            input="\n".join(script) + "\n", capture_output=True, text=True,
            timeout=30, check=False)
        if done.returncode == 0:
            return "NOERROR"
        found = self.FAILURE.search(done.stderr)
        return found[1] if found else done.stderr


class SlowPath:
    """A UDP relay in front of a server that holds each answer back."""

    def __init__(self, server_port, delay):
        self.server = (HOST, server_port)
        self.delay = delay
        self.front = self.bound_socket()
        self.port = self.front.getsockname()[1]
        self.selector = selectors.DefaultSelector()
        self.backs = {}
        self.held = []  # heap of (when, number, datagram, client)
        self.count = 0
        self.wake, self.waker = socket.socketpair()
        self.selector.register(self.front, selectors.EVENT_READ)
        self.selector.register(self.wake, selectors.EVENT_READ)
        self.thread = threading.Thread(target=self.run, daemon=True)

    @staticmethod
    def bound_socket():
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind((HOST, 0))
        return udp

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *unused):
        self.waker.send(b"x")
        self.thread.join()
        for udp in (self.front, self.wake, self.waker, *self.backs.values()):
            udp.close()
        self.selector.close()

    def run(self):
        while True:
            pause = None
            if self.held:
                pause = max(0, self.held[0][0] - time.monotonic())
            for ready, _ in self.selector.select(pause):
                if ready.fileobj is self.wake:
                    return
                self.receive(ready.fileobj, ready.data)
            self.release()

    def receive(self, udp, client):
        datagram, sender = udp.recvfrom(65535)
        if udp is self.front:
            self.back_for(sender).sendto(datagram, self.server)
            return
        self.count += 1
        heapq.heappush(self.held, (time.monotonic() + self.delay,
                                   self.count, datagram, client))

    def back_for(self, client):
        if client not in self.backs:
            self.backs[client] = self.bound_socket()
            self.selector.register(self.backs[client], selectors.EVENT_READ,
                                   client)
        return self.backs[client]

    def release(self):
        while self.held and self.held[0][0] <= time.monotonic():
            _, _, datagram, client = heapq.heappop(self.held)
            self.front.sendto(datagram, client)
