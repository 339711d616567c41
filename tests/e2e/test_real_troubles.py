# SPDX-License-Identifier: ISC
"""doc/TROUBLESHOOTING: what D2 and ddns-mux log when something is wrong."""
import base64
import glob
import re
import secrets

import guide
from guide_site import D2, D2_CONF, MUX_CONF, check_output, follows, holds
from guide_site import fixture_base, fixture_site  # noqa: F401
from hosts import LIMIT
from servers import wait_until


def find(section, word):
    """The block of that section that has the word."""
    found, = (b for b in guide.section(f"TROUBLESHOOTING {section}")
              if word in b.text)
    return found


def another(name):
    """Another secret in place of this one."""
    secret = base64.b64encode(secrets.token_bytes(32)).decode()
    return lambda old: old.replace(f'key_file = "{name}.key"',
                                   f'key = "{secret}"')


def key_setting(text):
    """One more setting of the client's key."""
    return lambda old: old.replace('"kea-ddns-key.key";',
                                   f'"kea-ddns-key.key"; {text};')


@follows("TROUBLESHOOTING 0", "TROUBLESHOOTING 1")
def test_no_daemon(site):
    site.follow("TROUBLESHOOTING 0")
    site.kea.stop("ddns-mux")
    site.mark()
    assert site.lease() == "ADD_FAILED"
    site.follow("TROUBLESHOOTING 1")
    site.kea.start("ddns-mux")


def other_name(old):
    return old.replace("kea-ddns-key.", "other-key.")


CORRUPT = [
    (MUX_CONF, another("kea-ddns-key"), "BADSIG"),
    (D2_CONF, other_name, "BADKEY"),
    (D2_CONF, lambda old: old.replace("SHA256", "SHA512"), "BADKEY"),
    (MUX_CONF, key_setting('sources = "192.0.2.0/24"'), "source"),
]


@follows("TROUBLESHOOTING 2")
def test_corrupt(site):
    for path, change, word in CORRUPT:
        site.restore()
        site.change(path, change)
        assert site.lease() == "ADD_FAILED"
        site.do(find(2, "RESP_CORRUPT"))
        site.do(find(2, word))


REJECTED = [
    (key_setting('zones = "example.net"'), 5, "may not update"),
    (lambda old: old.replace('max_in_flight = 2;', 'zones = "example.net";'),
     9, "no target"),
]


@follows("TROUBLESHOOTING 3")
def test_rejected(site):
    for change, code, word in REJECTED:
        site.restore()
        site.change(MUX_CONF, change)
        assert site.lease() == "ADD_FAILED"
        site.wait_log(f"... with an RCODE: {code}")
        site.do(find(3, "REJECTED"))
        site.do(find(3, word))
    site.restore()
    library, = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
    site.kea.restart(D2, LD_PRELOAD=library, FAKETIME="-1000s",
                     FAKETIME_DONT_FAKE_MONOTONIC="1")
    site.mark()
    assert site.lease() == "ADD_FAILED"
    site.wait_log("... with an RCODE: 9")
    site.do(find(3, "BADTIME"))
    site.kea.restart(D2)


@follows("TROUBLESHOOTING 4")
def test_no_match(site):
    site.mark()
    assert site.lease(name="host.example.net.") == "NO_FWD_MATCH_ERROR"
    site.follow("TROUBLESHOOTING 4")


@follows("TROUBLESHOOTING 5")
def test_target_down(site):
    """What pdns-1 has already is found by the next update."""
    one = dict(name="laptop.example.org.", address="192.0.2.80")
    site.host("pdns-2").stop("pdns")
    site.mark()
    assert site.lease(**one) == "ADD_FAILED"
    assert holds(site.host("pdns-1"), one["name"]) == ["192.0.2.80"]
    for block in guide.section("TROUBLESHOOTING 5")[:2]:
        site.do(block)
    disable, enable = site.take(guide.section("TROUBLESHOOTING 5")[2]).commands
    site.command(disable, "TROUBLESHOOTING 5")
    assert site.lease() == "ADD_SUCCEEDED"
    site.host("pdns-2").start("pdns")
    site.command(enable, "TROUBLESHOOTING 5")
    wait_until(lambda: site.lease(**one) == "ADD_SUCCEEDED", LIMIT, "it is up")
    assert holds(site.host("pdns-2"), one["name"]) == ["192.0.2.80"]


def with_any(old):
    """And soon down."""
    return 'require_confirmation = "any";\n' + old.replace(
        "max_in_flight = 2", "breaker_failures = 1")


@follows("TROUBLESHOOTING 6", "TROUBLESHOOTING 9")
def test_missed(site):
    one = dict(name="tablet.example.org.", address="192.0.2.81")
    site.change(MUX_CONF, with_any)
    site.host("pdns-2").stop("pdns")
    assert site.lease(**one) == "ADD_SUCCEEDED"
    site.do(find(6, "may lack it now"))
    down = find(6, "probing").text.splitlines()[0]
    while not any(re.search(guide.pattern(down), line)
                  for line in site.kea.log("ddns-mux").lines):
        assert site.lease() == "ADD_SUCCEEDED"
    site.host("pdns-2").start("pdns")
    site.do(find(6, "probing"))
    assert site.lease(**one) == "ADD_SUCCEEDED"
    site.follow("TROUBLESHOOTING 9")
    assert holds(site.host("pdns-2"), one["name"]) == ["192.0.2.81"]


@follows("TROUBLESHOOTING 7")
def test_unknown_key(site):
    site.change(MUX_CONF, another("ddns-mux-pdns2"))
    site.change(MUX_CONF, lambda old: old.replace(  # probe waits so long
        "max_in_flight = 2", "timeout_ms = 200"))
    assert site.lease() == "ADD_FAILED"
    site.follow("TROUBLESHOOTING 7")


@follows("TROUBLESHOOTING 8")
def test_refused(site):
    allow = "pdnsutil set-meta example.org ALLOW-DNSUPDATE-FROM "
    site.host("pdns-2").run(allow + "192.0.2.99")
    site.mark()
    assert site.lease() == "ADD_FAILED"
    site.follow("TROUBLESHOOTING 8")
    site.host("pdns-2").run(allow + "192.0.2.10")


@follows("TROUBLESHOOTING 10")
def test_conflict(site):
    one = dict(name="phone.example.org.", address="192.0.2.82")
    assert site.lease(**one) == "ADD_SUCCEEDED"
    site.mark()
    assert site.lease(client="thief", **one) == "ADD_FAILED"
    site.follow("TROUBLESHOOTING 10")


@follows("TROUBLESHOOTING 11")
def test_start(site):
    site.kea.run("chmod 644 /etc/ddns-mux/kea-ddns-key.key")
    commands, log = map(site.take, guide.section("TROUBLESHOOTING 11"))
    first, *others = commands.commands
    done = site.kea.shell(first.script)
    check_output(first, done.stdout)
    assert done.returncode == 1
    for command in others:
        site.command(command, "TROUBLESHOOTING 11")
    said = site.kea.shell("ddns-mux -d")
    assert said.returncode == 1
    assert re.search(guide.pattern(log.text.strip()), said.stdout)


LONG = ".".join(["x" * 60] * 3) + "." + "y" * 57 + ".example.org."


def long_messages(old):
    """The longest of MACs, and the longest of reverse names."""
    return old.replace("SHA256", "SHA512").replace(
        "2.0.192.in-addr.arpa.", "8.b.d.0.1.0.0.2.ip6.arpa.")


@follows("TROUBLESHOOTING 12")
def test_long_name(site):
    site.change(MUX_CONF, key_setting('algorithm = "hmac-sha512"'))
    site.change(D2_CONF, long_messages)
    assert site.lease(name=LONG, address="2001:db8::1") == "ADD_FAILED"
    site.follow("TROUBLESHOOTING 12")
