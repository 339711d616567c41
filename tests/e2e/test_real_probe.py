# SPDX-License-Identifier: ISC
"""What "probe" says of BIND, Knot and PowerDNS, and of what is wrong there:
each server answers each fault in its own way."""
import contextlib
import glob
import os
import re
import types

import pytest

from servers import FORWARD, Bind, Knot, PowerDNS, random_key

SERVERS = {"bind": Bind, "knot": Knot, "pdns": PowerDNS}
CLIENT_KEY = random_key("client.")
LIBRARY = "/usr/lib/*/faketime/libfaketime.so.1"

GOOD = "good: updates are accepted"
KEY = "unknown key: "
SECRET = "wrong secret: "
ANY_OF_THREE = "unknown key, wrong secret, or clock off: PowerDNS"
NOT_SERVED = "zone not served there"
REFUSED = "updates refused: "
CLOCK = r"clock off by (\d+) s: the target's clock is {} ours"
# What is wrong: what is said of BIND, Knot and PowerDNS.
VERDICTS = {
    "nothing": (GOOD,) * 3,
    "by-tcp": (GOOD,) * 3,
    "name": (KEY, KEY, ANY_OF_THREE),
    "secret": (SECRET, SECRET, ANY_OF_THREE),
    "algorithm": (KEY, KEY, ANY_OF_THREE),
    "clock-ahead": (CLOCK.format("behind"),) * 2 + (ANY_OF_THREE,),
    "clock-behind": (CLOCK.format("ahead of"),) * 2 + (ANY_OF_THREE,),
    "zone": (NOT_SERVED,) * 3,
    "no-zone-below": (NOT_SERVED,) * 3,
    # Knot does not know a key that none of the zone's ACLs has.
    "policy": (REFUSED, KEY, REFUSED),
}


@pytest.fixture(scope="module", name="group")
def fixture_group(tmp_path_factory):
    folder = tmp_path_factory.mktemp("probe")
    with contextlib.ExitStack() as entered:
        made = {}
        for kind, server in SERVERS.items():
            key, barred = random_key(f"mux-{kind}."), random_key("barred.")
            made[kind] = types.SimpleNamespace(
                key=key, barred=barred, server=entered.enter_context(server(
                    folder / kind, [key], zones=[FORWARD],
                    known_keys=[barred])))
        yield made


def key_of(one, what):
    return {"name": random_key("stranger."),
            "secret": random_key(one.key.name),
            "algorithm": random_key(one.key.name, "hmac-sha512"),
            "policy": one.barred}.get(what, one.key)


def clock(what):
    """Our own clock, as the whole of ddns-mux reads it."""
    offset = {"clock-ahead": "+1000s", "clock-behind": "-1000s"}.get(what)
    if offset is None:
        return None
    library, = glob.glob(LIBRARY)  # none: sh tests/install.sh test
    return {"env": {**os.environ, "LD_PRELOAD": library, "FAKETIME": offset,
                    "FAKETIME_DONT_FAKE_MONOTONIC": "1"}}


def ask(group, start, kind, what, status):
    one = group[kind]
    target = one.server.as_target(
        kind, key=key_of(one, what), timeout_ms=400,
        transport="tcp" if what == "by-tcp" else "auto")
    daemon = start([target], [CLIENT_KEY], control_socket=True,
                   popen=clock(what))
    zone = {"zone": "example.net", "no-zone-below": "sub." + FORWARD}
    return daemon.ctl("probe", kind, zone.get(what, FORWARD), status=status)


@pytest.mark.parametrize("kind", SERVERS)
@pytest.mark.parametrize("what", VERDICTS)
def test_verdict(group, start, kind, what):
    words = VERDICTS[what][list(SERVERS).index(kind)]
    before = group[kind].server.axfr()
    said = ask(group, start, kind, what, 0 if words == GOOD else 1)
    found = re.match(words, said)
    assert found, said
    if "clock off by" in said and found.groups():
        assert 995 <= int(found[1]) <= 1005
    assert group[kind].server.axfr() == before


@pytest.mark.parametrize("kind", SERVERS)
def test_deaf_and_dead(group, start, kind):
    server = group[kind].server
    server.freeze()
    assert "no answer in time: " in ask(group, start, kind, "nothing", 1)
    server.thaw()
    server.stop()
    for what in ("nothing", "by-tcp"):
        assert "unreachable: " in ask(group, start, kind, what, 1)
    server.start()
    assert GOOD in ask(group, start, kind, "nothing", 0)
