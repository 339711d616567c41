# SPDX-License-Identifier: ISC
"""An update of Kea's on its way to PowerDNS, BIND and Knot, all of which
have their keys as ddns-muxctl has printed them."""
import json

from genkey_help import Printed, run_pdnsutil
from servers import FORWARD, REVERSE4, Bind, KeaD2, Knot, PowerDNS

ZONES = (FORWARD, REVERSE4)
PATIENT = 3000  # Knot takes a whole second now and then
FQDN, ADDRESS = "laptop.example.org.", "192.0.2.10"


class PowerDNSAsPrinted(PowerDNS):
    def __init__(self, directory, printed):
        super().__init__(directory, [], ZONES)
        self.printed = printed

    def make_database(self):
        super().make_database()
        for zone in ZONES:
            run_pdnsutil(self.printed, self.dir, zone.rstrip("."))


class BindAsPrinted(Bind):
    def __init__(self, directory, printed):
        super().__init__(directory, [printed.key], ZONES)
        self.KEY = f'include "{printed.file}";\n'


class KnotAsPrinted(Knot):
    def __init__(self, directory, printed):
        super().__init__(directory, [printed.key], ZONES)
        self.KEY = printed.part("knot.conf").partition("key:\n")[2]


class KeaAsPrinted(KeaD2):
    def __init__(self, directory, printed, *args, **how):
        super().__init__(directory, printed.key, *args, **how)
        self.entry = json.loads(printed.part("tsig-keys"))

    def configure(self):
        super().configure()
        path = self.dir / "d2.json"
        whole = json.loads(path.read_text())
        whole["DhcpDdns"]["tsig-keys"] = [self.entry]
        path.write_text(json.dumps(whole))


def test_all_have_what_is_printed(tmp_path, start, stack):
    kinds = {"pdns": (PowerDNSAsPrinted, "hmac-sha256"),
             "bind": (BindAsPrinted, "hmac-sha384"),
             "knot": (KnotAsPrinted, "hmac-sha512")}
    servers, groups = [], []
    for name, (kind, algorithm) in kinds.items():
        printed = Printed(tmp_path, f"ddns-mux-{name}", algorithm)
        servers.append(stack.enter_context(kind(tmp_path / name, printed)))
        groups.append({**servers[-1].as_target(name, printed.key), "tsig": {
            "name": printed.name, "key_file": str(printed.file)}})
    client = Printed(tmp_path, "kea-ddns-key", "hmac-sha224")
    daemon = start(groups, [{"name": client.name,
                             "key_file": str(client.file)}],
                   client_deadline_ms=PATIENT)
    d2 = stack.enter_context(KeaAsPrinted(
        tmp_path / "kea", client, daemon.udp[1], timeout_ms=PATIENT + 500))
    assert d2.add("client-1", FQDN, ADDRESS).result == "ADD_SUCCEEDED"
    for server in servers:
        assert f"{FQDN} 1200 A {ADDRESS}" in server.contents(), server
    assert servers[0].contents() == servers[1].contents()
    assert servers[0].contents() == servers[2].contents()
