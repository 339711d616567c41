# SPDX-License-Identifier: ISC
"""PowerDNS, BIND and Knot behind ddns-mux, nsupdate and knsupdate before
it: what all of them hold afterwards is compared by zone transfer."""

import contextlib
import itertools

import pytest

import wire
from answers import SIGNED, check
from servers import FORWARD, Bind, Knot, PowerDNS, Updater, random_key

SERVERS = {"pdns": PowerDNS, "bind": Bind, "knot": Knot}
ALGORITHMS = ["hmac-md5", "hmac-sha1", "hmac-sha224", "hmac-sha256",
              "hmac-sha384", "hmac-sha512"]
CLIENT_KEYS = {a: random_key(f"client-{a}.", a) for a in ALGORITHMS}
CLIENT_KEY = CLIENT_KEYS["hmac-sha256"]

UPDATERS = [Updater(*row) for row in itertools.product(
    ["nsupdate", "knsupdate"], ["udp", "tcp"])]
PATIENT = 3000  # Knot takes a whole second now and then
POWERDNS_UDP_LIMIT = 1232
each_updater = pytest.mark.parametrize(
    "updater", UPDATERS, ids=lambda u: f"{u.program}-{u.transport}")
each_server = pytest.mark.parametrize("kind", SERVERS)


class Group:
    """All three servers, each with a key of its own for each algorithm,
    and one that its policy lets update nothing."""

    def __init__(self, entered, directory):
        self.keys, self.barred, self.servers = {}, {}, {}
        for kind, server in SERVERS.items():
            self.keys[kind] = {a: random_key(f"mux-{kind}-{a}.", a)
                               for a in ALGORITHMS}
            self.barred[kind] = random_key(f"barred-{kind}.")
            self.servers[kind] = entered.enter_context(server(
                directory / kind, self.keys[kind].values(),
                zones=[FORWARD], known_keys=[self.barred[kind]]))

    def target(self, kind, algorithm="hmac-sha256", **settings):
        settings.setdefault("key", self.keys[kind][algorithm])
        return self.servers[kind].as_target(kind, **settings)

    def targets(self):
        return [self.target(kind) for kind in SERVERS]

    def zones(self):
        return {kind: server.axfr() for kind, server in self.servers.items()}

    def zone(self):
        """What all of them hold."""
        zones = self.zones()
        assert zones["pdns"] == zones["bind"]
        assert zones["pdns"] == zones["knot"]
        return zones["pdns"]


@pytest.fixture(scope="module")
def group(tmp_path_factory):
    with contextlib.ExitStack() as entered:
        yield Group(entered, tmp_path_factory.mktemp("targets"))


@pytest.fixture
def ask(group, start, tmp_path):
    """ask(updater, lines) sends one update to all three through a
    ddns-mux, and returns the RCODE."""
    mux = start(group.targets(), [CLIENT_KEY], client_deadline_ms=PATIENT)

    def send(updater, lines):
        port = (mux.tcp if updater.transport == "tcp" else mux.udp)[1]
        return updater.send(port, CLIENT_KEY, lines, tmp_path)

    send.mux = mux
    return send


@pytest.fixture
def before(group):
    """The zone as the test finds it, and as it has to leave it."""
    zone = group.zone()
    yield zone
    assert group.zone() == zone


# All three together

ADDED = {
    "host.example.org. 300 A 192.0.2.1",
    "host.example.org. 300 A 192.0.2.2",
    "host.example.org. 300 AAAA 2001:db8::1",
    'host.example.org. 300 TXT "two words" "and more"',
    "mail.example.org. 300 MX 10 host.example.org.",
    "alias.example.org. 300 CNAME host.example.org.",
    "_dns._udp.example.org. 300 SRV 0 5 53 host.example.org.",
    "*.wild.example.org. 300 A 192.0.2.3",
    "host.example.org. 300 DHCID AAEBQ8nrGISrBdfAefKvfw/vJdMeuCj04AhAYkXC"
    "1VdNPzk=",
}
# What is deleted, and what goes away by it.
DELETED = [
    (["host.example.org. A 192.0.2.1"],
     {line for line in ADDED if line.endswith(" A 192.0.2.1")}),
    (["host.example.org. TXT"], {line for line in ADDED if "TXT" in line}),
    (["nobody.example.org.", "mail.example.org. A"], set()),
    (["host.example.org."],
     {line for line in ADDED if line.startswith("host.")}),
    (["mail.example.org. MX 10 host.example.org.", "alias.example.org.",
      "_dns._udp.example.org.", "*.wild.example.org. A"], ADDED),
]


def adding(lines):
    return [f"update add {line}" for line in sorted(lines)]


def deleting(operands):
    return [f"update delete {operand}" for operand in operands]


@each_updater
def test_add_and_delete(group, ask, before, updater):
    assert ask(updater, adding(ADDED)) == "NOERROR"
    left = before | ADDED
    assert group.zone() == left
    for operands, gone in DELETED:
        assert ask(updater, deleting(operands)) == "NOERROR"
        left -= gone
        assert group.zone() == left


PRESENT = {"there.example.org. 300 A 192.0.2.1",
           "there.example.org. 300 A 192.0.2.2"}
# Prerequisites, and the answer of every server to them.
PREREQUISITES = [
    (["nxdomain there.example.org."], "YXDOMAIN"),
    (["yxdomain absent.example.org."], "NXDOMAIN"),
    (["nxrrset there.example.org. A"], "YXRRSET"),
    (["yxrrset there.example.org. AAAA"], "NXRRSET"),
    (["yxrrset there.example.org. A 192.0.2.1"], "NXRRSET"),
    (["yxdomain there.example.org.", "nxrrset there.example.org. AAAA",
      "yxrrset there.example.org. A 192.0.2.1",
      "yxrrset there.example.org. A 192.0.2.2",
      "nxdomain absent.example.org."], "NOERROR"),
]


@each_updater
def test_prerequisites(group, ask, before, updater):
    assert ask(updater, adding(PRESENT)) == "NOERROR"
    new = {"new.example.org. 300 A 192.0.2.9"}
    for operands, rcode in PREREQUISITES:
        lines = [f"prereq {operand}" for operand in operands] + adding(new)
        assert (operands, ask(updater, lines)) == (operands, rcode)
        expected = new if rcode == "NOERROR" else set()
        assert group.zone() == before | PRESENT | expected
    assert ask(updater, deleting(["there.example.org.",
                                  "new.example.org."])) == "NOERROR"


# Size

MANY = {f"host-{n}.many.example.org. 300 A 192.0.2.{n}"
        for n in range(1, 121)}
MANY_OWNERS = [line.split()[0] for line in MANY]
knsupdate_udp = Updater("knsupdate", "udp")


@pytest.mark.parametrize("updater", [knsupdate_udp,
                                     Updater("nsupdate", "tcp")],
                         ids=lambda u: f"{u.program}-{u.transport}")
def test_oversized_update(group, ask, before, updater):
    """PowerDNS never sees a datagram of more than 1232 octets; knsupdate
    sends one of about 4800."""
    by_tcp = group.servers["pdns"].counter("tcp-queries")
    assert ask(updater, adding(MANY)) == "NOERROR"
    assert group.zone() == before | MANY
    assert ask(updater, deleting(MANY_OWNERS)) == "NOERROR"
    assert group.servers["pdns"].counter("tcp-queries") >= by_tcp + 2


def padded_update(octets, target_key):
    """An update that has that size when it is signed with the key."""
    def made(rdata):
        record = wire.rr("padded." + FORWARD, wire.TXT, rdata=rdata)
        return wire.message([record], zone=FORWARD)
    rdata, room = b"", octets - len(wire.sign(made(b""), target_key))
    while len(rdata) < room:
        size = min(room - len(rdata), 200) - 1
        rdata += bytes([size]) + b"x" * size
    return made(rdata)


@pytest.mark.parametrize("octets, counter", [
    (POWERDNS_UDP_LIMIT, "udp-queries"),
    (POWERDNS_UDP_LIMIT + 1, "tcp-queries")])
def test_transport_by_size(group, start, octets, counter):
    """The copy's own size with its own TSIG decides, to the octet."""
    pdns, key = group.servers["pdns"], group.keys["pdns"]["hmac-sha256"]
    with start([group.target("pdns")], [CLIENT_KEY],
               client_deadline_ms=PATIENT).udp_client() as client:
        count = pdns.counter(counter)
        request = wire.sign(padded_update(octets, key), CLIENT_KEY)
        check(client.ask(request), request, SIGNED(), CLIENT_KEY)
        assert pdns.counter(counter) == count + 1
        clean = wire.sign(wire.message(
            [wire.rr("padded." + FORWARD, wire.ANY, wire.ANY, 0)],
            zone=FORWARD), CLIENT_KEY)
        check(client.ask(clean), clean, SIGNED(), CLIENT_KEY)


# Each one alone


@each_server
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_algorithm(group, start, tmp_path, kind, algorithm):
    """One target, one algorithm on both sides, both ways to it."""
    server, client_key = group.servers[kind], CLIENT_KEYS[algorithm]
    zone, updater = server.axfr(), knsupdate_udp
    new = {"algorithm.example.org. 60 A 192.0.2.1"}
    for transport, lines, expected in [
            ("auto", adding(new), zone | new),
            ("tcp", deleting(["algorithm.example.org."]), zone)]:
        target = group.target(kind, algorithm, transport=transport)
        mux = start([target], [client_key], allow_weak=True,
                    client_deadline_ms=PATIENT)
        port = mux.udp[1]
        assert updater.send(port, client_key, lines, tmp_path) == "NOERROR"
        assert server.axfr() == expected


@each_server
def test_restarted_target(group, start, tmp_path, kind):
    """The connection that was kept is gone with the old process."""
    server, client = group.servers[kind], Updater("knsupdate", "tcp")
    mux = start([group.target(kind, transport="tcp")], [CLIENT_KEY],
                client_deadline_ms=PATIENT)
    zone, new = server.axfr(), {"restart.example.org. 60 A 192.0.2.1"}
    for lines, expected in [(adding(new), zone | new),
                            (deleting(["restart.example.org."]), zone)]:
        assert client.send(mux.tcp[1], CLIENT_KEY, lines,
                           tmp_path) == "NOERROR"
        assert server.axfr() == expected
        server.stop()
        server.start()


def test_truncated_mac_of_nsupdate(group, start, tmp_path):
    """It writes hmac-sha256 with half of the MAC."""
    cut = random_key("cut.", "hmac-sha256-128")
    group_of_key = dict(cut.config(), algorithm="hmac-sha256",
                        digest_bits=128)
    mux = start([group.target("bind")], [group_of_key],
                client_deadline_ms=PATIENT)
    assert Updater("nsupdate").send(
        mux.udp[1], cut, deleting(["nobody.example.org."]),
        tmp_path) == "NOERROR"


# What the log says of a target that refuses: its kind, what is wrong, the
# words in the log.  All of these refusals are unsigned, except REFUSED for a
# right key that may not update the zone.
UNSIGNED = r"unsigned.*check key name, secret, clock, ACL"
REFUSALS = [
    ("pdns", "name", UNSIGNED),
    ("pdns", "secret", UNSIGNED),
    ("pdns", "algorithm", UNSIGNED),
    ("pdns", "policy", r"pdns=REFUSED"),
    ("bind", "secret", UNSIGNED),
    ("bind", "policy", r"bind=REFUSED"),
    ("knot", "name", UNSIGNED),
    ("knot", "secret", UNSIGNED),
    ("knot", "policy", UNSIGNED),
]


def wrong_key(group, kind, what):
    right = group.keys[kind]["hmac-sha256"]
    return {"name": random_key("stranger."),
            "secret": random_key(right.name),
            "algorithm": random_key(right.name, "hmac-sha384"),
            "policy": group.barred[kind]}[what]


@pytest.mark.parametrize("kind, what, words", REFUSALS)
def test_refusal_is_explained(group, start, tmp_path, kind, what, words):
    target = group.target(kind, key=wrong_key(group, kind, what),
                          timeout_ms=300)
    mux = start([target], [CLIENT_KEY], client_deadline_ms=500,
                unconfirmed="servfail")
    zone = group.servers[kind].axfr()
    rcode = knsupdate_udp.send(mux.udp[1], CLIENT_KEY, adding(PRESENT),
                               tmp_path)
    assert rcode == ("REFUSED" if "REFUSED" in words else "SERVFAIL")
    mux.wait_log(words)
    assert group.servers[kind].axfr() == zone
    assert target["tsig"]["key"] not in "\n".join(mux.log.lines)
