# SPDX-License-Identifier: ISC
"""Keys that ddns-muxctl makes: each form in which one is printed is taken
by the program that it is for."""
import base64
import json
import re
import sqlite3
import subprocess
from pathlib import Path

import pytest

import fake
import mux
from genkey_help import Printed, genkey, run, run_pdnsutil
from servers import POWERDNS_SCHEMA, find_program, unconfined

OCTETS = {"hmac-sha256": 32, "hmac-sha384": 48, "hmac-sha512": 64,
          "hmac-sha224": 28}
LONGEST = ".".join(["x" * 63, "y" * 63, "z" * 63, "w" * 61])


# Each program, given its part


def check_ddns_mux(printed):
    settings = 'listen_udp = "127.0.0.1:0"; control_socket = "";\n'
    target = '{ name = "t%d"; address = "192.0.2.%d"; %s }'
    by_file = (f'tsig = {{ name = "{printed.name}"; '
               f'key_file = "{printed.file}"; }};')
    targets = ", ".join([target % (1, 1, printed.part("a group of targets")),
                         target % (2, 2, by_file)])
    path = printed.write("ddns-mux.conf", settings +
                         printed.part("the key of a client") +
                         f"targets = ( {targets} );\n")
    done = run(mux.BINARY, "-nv", "-f", path)
    assert done.stderr == ""
    assert done.stdout.count(f'name = "{printed.name}.";') == 3
    assert done.stdout.count(f'algorithm = "{printed.algorithm}";') == 3


def check_bind(printed):
    path = printed.write("named.conf", f'include "{printed.file}";\n'
                         f'acl updaters {{ key "{printed.name}"; }};\n')
    done = run(find_program("named-checkconf"), "-px", path)
    assert f'key "{printed.name}"' in done.stdout
    assert f'algorithm "{printed.algorithm}"' in done.stdout


def check_kea(printed):
    key = json.loads(printed.part("tsig-keys"))
    assert key["secret"] == printed.base64
    domain = {"name": "example.org.", "key-name": key["name"],
              "dns-servers": [{"ip-address": "127.0.0.1"}]}
    path = printed.write("kea.json", json.dumps({"DhcpDdns": {
        "tsig-keys": [key], "forward-ddns": {"ddns-domains": [domain]},
        "reverse-ddns": {}}}))
    program = unconfined(find_program("kea-dhcp-ddns"), printed.folder)
    run(program, "-t", path)


def check_powerdns(printed):
    """The commands as they stand there, in a shell."""
    database = printed.folder / "pdns.sqlite3"
    with sqlite3.connect(database) as db:
        db.executescript(Path(POWERDNS_SCHEMA).read_text())
        db.execute("INSERT INTO domains (name, type)"
                   " VALUES ('example.org', 'NATIVE')")
    db.close()
    printed.write("pdns.conf",
                  f"launch=gsqlite3\ngsqlite3-database={database}\n")
    run_pdnsutil(printed, printed.folder, "example.org")
    with sqlite3.connect(database) as db:
        assert db.execute("SELECT name, algorithm, secret FROM tsigkeys"
                          ).fetchall() == [
            (printed.name, printed.algorithm, printed.base64)]
        assert db.execute("SELECT kind, content FROM domainmetadata"
                          ).fetchall() == [
            ("TSIG-ALLOW-DNSUPDATE", printed.name)]
    db.close()


def check_knot(printed):
    path = printed.write("knot.conf", printed.part("knot.conf") +
                         "\nacl:\n  - id: updaters\n    action: update\n"
                         f"    key: {printed.name}\n")
    run(find_program("knotc"), "-c", path, "conf-check")


@pytest.mark.parametrize("words", [
    ("kea-ddns-key",), ("kea-ddns-key.example.org.", "hmac-sha384"),
    ("a", "hmac-sha224"), (LONGEST, "hmac-sha512"), ("1.2", "HMAC-SHA256"),
    ("true",), ("_x.-y_.z-",), ("key",)], ids=lambda w: "-".join(w)[-30:])
def test_each_form_is_taken(tmp_path, words):
    printed = Printed(tmp_path, *words)
    assert printed.name == words[0].rstrip(".")
    assert printed.algorithm == (*words, "hmac-sha256")[1].lower()
    assert len(printed.key.secret) == OCTETS[printed.algorithm]
    assert len(printed.parts) == 5
    assert printed.text.count(printed.base64) == 6
    for check in (check_ddns_mux, check_bind, check_kea, check_powerdns,
                  check_knot):
        check(printed)


def test_round_trip(tmp_path, start):
    """nsupdate -k, ddns-mux with the same file, and a target that has the
    secret of another one."""
    client = Printed(tmp_path, "kea-ddns-key")
    other = Printed(tmp_path, "ddns-mux-pdns1", "hmac-sha512")
    with fake.FakeTarget("pdns-1", key=other.key) as target:
        group = {**target.config(), "tsig": {
            "name": other.name, "key_file": str(other.file)}}
        daemon = start([group], [{"name": client.name,
                                  "key_file": str(client.file)}])
        done = run(find_program("nsupdate"), "-k", str(client.file),
                   input="server {} {}\n".format(*daemon.udp) +
                   "zone example.org\n"
                   "update add test.example.org 300 A 192.0.2.99\nsend\n")
        assert done.stderr == ""
        [request] = target.wait()
        assert request.owner == "test"


def test_keys_differ():
    found = [re.search(r'secret "(.*)"', genkey("a"))[1] for _ in range(20)]
    assert len(set(found)) == 20
    octets = b"".join(map(base64.b64decode, found))
    assert len(set(octets)) > 200, "640 octets of chance have 235 values"


def test_names_have_no_case():
    """PowerDNS finds keys in lower case only."""
    text = genkey("Kea-DDNS-Key.Example.ORG", "HMAC-sha512")
    assert 'key "kea-ddns-key.example.org" {' in text
    assert not re.search("Kea-|ORG", text)


@pytest.mark.parametrize("name", [
    "", ".", "..", "a..b", ".a", "a b", "a\n", "a\tb", 'a"b', "a'b", "a\\b",
    "a\\032b", "a/b", "a*b", "*/", "a;b", "a{b", "a$b", "a`b", "a#b", "a@b",
    "a:b", "a,b", "a=b", "a%sb", "\xe4", "x" * 64, LONGEST + "w",
    LONGEST + ".w", "x" * 100000])
def test_bad_names(name):
    text = genkey(name, status=3)
    assert text.startswith("ddns-muxctl: bad key name ")


def test_names_that_look_like_options():
    assert "usage:" in genkey("-a", status=3)
    assert "bad key name" in genkey("--", "-a", status=3)


@pytest.mark.parametrize("algorithm", [
    "hmac-md5", "hmac-md5.sig-alg.reg.int", "HMAC-MD5", "hmac-sha1",
    "hmac-sha256-128", "hmac-sha512-256", "sha256", "hmac-sha", "", "gss-tsig",
    "hmac-sha256 "])
def test_bad_algorithms(algorithm):
    text = genkey("a", algorithm, status=3)
    assert text.startswith(f'ddns-muxctl: no keys are made for "{algorithm}"')
    assert all(name in text for name in OCTETS)


def test_needs_nothing(tmp_path):
    """No environment; and it leaves no file."""
    assert 'key "a"' in subprocess.run(
        [mux.CTL, "genkey", "a"], cwd=tmp_path, env={}, check=True,
        capture_output=True, text=True).stdout
    assert not list(tmp_path.iterdir())


def test_full_disk():
    """A key that was printed in part is none."""
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([mux.CTL, "genkey", "a"], stdout=full,
                              stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 3
    assert "standard output: No space left" in done.stderr
