# SPDX-License-Identifier: ISC
"""The main job with the real programs: kea-dhcp-ddns sends its updates to
ddns-mux, and two PowerDNS behind it hold the zones."""

import base64
import re
import time

import dns.reversename
import pytest

from servers import (FORWARD, REVERSE4, ZONES, KeaD2, PowerDNS, SlowPath,
                     dhcid, name_change, random_key, wait_until,
                     zone_at_start)

KEA_KEY = random_key("kea-ddns-key.")
LEASE = 1200
EMPTY = set().union(*map(zone_at_start, ZONES))
FINISHED = re.compile(r"update id=\S+ client=\S+ key=\S+ zone=(\S+)"
                      r".* answer=(\S+) (.*)")
HINT = r"pdns-2.*check key name, secret, clock, ACL"
# The mux ends only when a hopeless target has timed out.
HASTY = {"timeout_ms": 1000}
BURST = 90  # more at once, and D2's socket loses some

LAPTOP = ("client-1", "laptop.example.org.", "192.0.2.10")
LAPTOP_MOVED = ("client-1", "laptop.example.org.", "192.0.2.11")
LAPTOP_V6 = ("client-1", "laptop.example.org.", "2001:db8::10")
THIEF = ("client-2", "laptop.example.org.", "192.0.2.12")


# What the zones should hold


def dhcid_record(owner, client, fqdn):
    content = base64.b64encode(bytes.fromhex(dhcid(client, fqdn))).decode()
    return f"{owner} {LEASE} DHCID {content}"


def forward(client, fqdn, *addresses):
    """Records at the name of a lease."""
    lines = {dhcid_record(fqdn, client, fqdn)}
    for address in addresses:
        kind = "AAAA" if ":" in address else "A"
        lines.add(f"{fqdn} {LEASE} {kind} {address}")
    return lines


def reverse(client, fqdn, *addresses):
    """Records at the address of a lease."""
    lines = set()
    for address in addresses:
        owner = dns.reversename.from_address(address).to_text()
        lines |= {f"{owner} {LEASE} PTR {fqdn}",
                  dhcid_record(owner, client, fqdn)}
    return lines


def lease(client, fqdn, *addresses):
    return (forward(client, fqdn, *addresses)
            | reverse(client, fqdn, *addresses))


# The whole chain


class Site:
    """D2, ddns-mux and its two targets."""

    def __init__(self, mux, d2, servers):
        self.mux, self.d2, self.servers = mux, d2, servers

    def add(self, lease):
        return self.d2.add(*lease)

    def remove(self, lease):
        return self.d2.remove(*lease)

    def assert_all_hold(self, expected):
        """expected: what is there beside the apexes."""
        for server in self.servers:
            assert server.contents() == EMPTY | expected

    def wait_until_all_hold(self, expected):
        for server in self.servers:
            wait_until(lambda s=server: s.contents() == EMPTY | expected, 5,
                       f"{server} holds {expected}")

    def answers(self, count, start=0):
        """[(zone, answer, outcomes), ...] of ddns-mux's log."""
        def found():
            matches = map(FINISHED.search, self.mux.log.lines[start:])
            return [match.groups() for match in matches if match]
        wait_until(lambda: len(found()) >= count, 10, f"{count} log lines")
        return found()


@pytest.fixture
def pair(stack, tmp_path):
    """Two PowerDNS that know nothing of each other."""
    return [stack.enter_context(PowerDNS(
        tmp_path / f"pdns-{number}", [random_key(f"ddns-mux-pdns{number}.")]))
            for number in (1, 2)]


@pytest.fixture
def site(stack, start, tmp_path, pair):
    """site(strategy, key=..., setting=value): incoming, first, second and
    d2 are settings of the client's key, the two targets and D2."""
    def make(strategy="all", *, key=KEA_KEY, incoming=None, first=None,
             second=None, d2=None, **settings):
        targets = [pair[0].as_target("pdns-1", **(first or {})),
                   pair[1].as_target("pdns-2", **(second or {}))]
        mux = start(targets, [key.config(**(incoming or {}))],
                    require_confirmation=strategy, workers=2, **settings)
        host, port = mux.udp
        client = stack.enter_context(KeaD2(tmp_path / "d2", key, port,
                                           dns_host=host, **(d2 or {})))
        return Site(mux, client, pair)
    return make


# Everybody is up


def test_add(site):
    s = site()
    done = s.add(LAPTOP)
    assert done.result == "ADD_SUCCEEDED"
    s.assert_all_hold(lease(*LAPTOP))
    assert [a[:2] for a in s.answers(2)] == [(FORWARD, "NOERROR"),
                                             (REVERSE4, "NOERROR")]
    assert s.servers[0].rows() == s.servers[1].rows()


def test_add_ipv6(site):
    s = site()
    assert s.add(LAPTOP_V6).result == "ADD_SUCCEEDED"
    s.assert_all_hold(lease(*LAPTOP_V6))


def test_one_name_with_both_families(site):
    s = site()
    for one in (LAPTOP, LAPTOP_V6):
        assert s.add(one).result == "ADD_SUCCEEDED"
    s.assert_all_hold(lease(*LAPTOP, LAPTOP_V6[2]))
    done = s.remove(LAPTOP)
    # The name has another address still: YXRRSET.  Kea 2.2 takes that for a
    # failure and lets the PTR be; later ones do not.
    left = reverse(*LAPTOP) if done.result == "REMOVE_FAILED" else set()
    s.assert_all_hold(lease(*LAPTOP_V6) | left)
    assert s.remove(LAPTOP_V6).result == "REMOVE_SUCCEEDED"
    s.assert_all_hold(left)


def test_replace(site):
    """D2's Add is answered YXDOMAIN; its Replace proves the ownership."""
    s = site()
    assert s.add(LAPTOP).result == "ADD_SUCCEEDED"
    before = s.mux.mark()
    assert s.add(LAPTOP_MOVED).result == "ADD_SUCCEEDED"
    s.assert_all_hold(lease(*LAPTOP_MOVED) | reverse(*LAPTOP))
    assert [a[:2] for a in s.answers(3, before)] == [
        (FORWARD, "YXDOMAIN"), (FORWARD, "NOERROR"), (REVERSE4, "NOERROR")]


def test_move_as_the_dhcp_server_asks_for_it(site):
    s = site()
    assert s.add(LAPTOP).result == "ADD_SUCCEEDED"
    assert s.remove(LAPTOP).result == "REMOVE_SUCCEEDED"
    assert s.add(LAPTOP_MOVED).result == "ADD_SUCCEEDED"
    s.assert_all_hold(lease(*LAPTOP_MOVED))


def test_conflict(site):
    """Another client's name stays what it was, and D2 is told why."""
    s = site()
    assert s.add(LAPTOP).result == "ADD_SUCCEEDED"
    before = s.mux.mark()
    done = s.add(THIEF)
    assert done.result == "ADD_FAILED"
    assert "DHCP_DDNS_FORWARD_REPLACE_REJECTED" in done.log
    assert re.search(r"laptop\.example\.org\., with an RCODE: 8\b", done.log)
    s.assert_all_hold(lease(*LAPTOP))
    assert [a[1] for a in s.answers(2, before)] == ["YXDOMAIN", "NXRRSET"]


def test_remove(site):
    s = site()
    assert s.add(LAPTOP).result == "ADD_SUCCEEDED"
    done = s.remove(LAPTOP)
    assert done.result == "REMOVE_SUCCEEDED"
    assert "ERROR" not in done.log
    s.assert_all_hold(set())


def test_remove_of_another_clients_name(site):
    s = site()
    assert s.add(LAPTOP).result == "ADD_SUCCEEDED"
    s.remove(THIEF)
    s.assert_all_hold(lease(*LAPTOP))


@pytest.mark.parametrize("algorithm", [
    "hmac-md5", "hmac-sha1", "hmac-sha224", "hmac-sha384", "hmac-sha512"])
def test_algorithms_of_d2(site, algorithm):
    s = site(key=random_key("kea-ddns-key.", algorithm), allow_weak=True)
    assert s.add(LAPTOP).result == "ADD_SUCCEEDED"
    assert s.remove(LAPTOP).result == "REMOVE_SUCCEEDED"
    s.assert_all_hold(set())


def test_truncated_mac_of_d2(site):
    s = site(incoming={"digest_bits": 128}, d2={"digest_bits": 128})
    assert s.add(LAPTOP).result == "ADD_SUCCEEDED"
    s.assert_all_hold(lease(*LAPTOP))


def test_d2_over_ipv6(site):
    s = site(listen_udp="[::1]:0", listen_tcp="[::1]:0")
    assert s.add(LAPTOP).result == "ADD_SUCCEEDED"
    s.assert_all_hold(lease(*LAPTOP))


@pytest.mark.parametrize("transport", ["auto", "tcp"])
def test_burst(site, transport):
    """As many leases at once as D2 takes without loss."""
    s = site(first={"transport": transport}, second={"transport": transport})
    leases = [(f"client-{n}", f"host-{n}.example.org.", f"192.0.2.{n}")
              for n in range(1, BURST + 1)]
    begun = time.monotonic()
    for one in leases:
        s.d2.send(name_change("add", *one))
    results = wait_until(
        lambda: len(s.d2.results()) == BURST and s.d2.results(), 20,
        "all of the burst")
    print(f"{BURST} leases in {time.monotonic() - begun:.2f} s")
    assert set(map(tuple, results.values())) == {("ADD_SUCCEEDED",)}
    s.assert_all_hold(set().union(*(lease(*one) for one in leases)))


# A target is down


def stop(server):
    server.stop()


def freeze(server):
    server.freeze()


FAILURES = [(stop, "unreachable"), (freeze, "timeout")]


@pytest.mark.parametrize("fail, word", FAILURES)
def test_target_down_under_all(site, fail, word):
    """Without all confirmations D2 gets no answer, tries three times and
    gives up; the reverse zone is not touched then."""
    s = site("all", second=HASTY)
    fail(s.servers[1])
    done = s.add(LAPTOP)
    assert done.result == "ADD_FAILED"
    assert done.log.count("DHCP_DDNS_FORWARD_ADD_IO_ERROR") == 3
    assert s.servers[0].contents() == EMPTY | forward(*LAPTOP)
    answers = s.answers(3)
    assert {answer[0] for answer in answers} == {FORWARD}
    assert all(f"pdns-2={word}/" in answer[2] for answer in answers)
    assert "the client was not told" in answers[0][2]


@pytest.mark.parametrize("fail, word", FAILURES)
def test_target_down_under_any(site, fail, word):
    """The one that is up is enough."""
    s = site("any", second=HASTY)
    fail(s.servers[1])
    done = s.add(LAPTOP)
    assert done.result == "ADD_SUCCEEDED"
    assert s.servers[0].contents() == EMPTY | lease(*LAPTOP)
    assert all(f"pdns-2={word}/" in answer[2] for answer in s.answers(2))


def wait_until_up(s):
    """If it has failed so often that it counts as down."""
    if s.mux.log.find(r"target pdns-2 \S+: down: "):
        s.mux.wait_log(r"target pdns-2 \S+: up again", 20)


def test_missed_add_heals_with_the_next(site):
    """YXDOMAIN from one of the two wins: D2's Replace makes them equal."""
    s = site("any")
    s.servers[1].stop()
    assert s.add(LAPTOP).result == "ADD_SUCCEEDED"
    s.servers[1].start()
    wait_until_up(s)
    assert s.servers[1].contents() == EMPTY
    before = s.mux.mark()
    assert s.add(LAPTOP).result == "ADD_SUCCEEDED"
    s.assert_all_hold(lease(*LAPTOP))
    first = s.answers(3, before)[0]
    assert first[1] == "YXDOMAIN"
    assert re.search(r"pdns-1=YXDOMAIN.* pdns-2=NOERROR", first[2])


def test_remove_of_what_one_never_had(site):
    s = site("any")
    s.servers[1].stop()
    assert s.add(LAPTOP).result == "ADD_SUCCEEDED"
    s.servers[1].start()
    wait_until_up(s)
    assert s.remove(LAPTOP).result == "REMOVE_SUCCEEDED"
    s.assert_all_hold(set())


def test_frozen_target_catches_up(site):
    """What waited in its socket is applied when it wakes up."""
    s = site("any")
    s.servers[1].freeze()
    assert s.add(LAPTOP).result == "ADD_SUCCEEDED"
    s.servers[1].thaw()
    s.wait_until_all_hold(lease(*LAPTOP))


# A target does not know our key


@pytest.mark.parametrize("wrong", ["name", "algorithm", "secret"])
def test_wrong_key_under_any(site, pair, wrong):
    right = pair[1].keys[0]
    key = {"name": random_key("other-name."),
           "algorithm": random_key(right.name, "hmac-sha512"),
           "secret": random_key(right.name)}[wrong]
    s = site("any", second={"key": key, **HASTY})
    assert s.add(LAPTOP).result == "ADD_SUCCEEDED"
    s.mux.wait_log(HINT)
    assert s.servers[0].contents() == EMPTY | lease(*LAPTOP)
    assert s.servers[1].contents() == EMPTY


def test_wrong_key_under_all(site, pair):
    key = random_key(pair[1].keys[0].name)
    s = site("all", second={"key": key, **HASTY})
    done = s.add(LAPTOP)
    assert done.result == "ADD_FAILED"
    s.mux.wait_log(HINT)
    assert s.servers[1].contents() == EMPTY


# A target is slow


def slow_site(site, stack, pair, strategy, delay):
    path = stack.enter_context(SlowPath(pair[1].port, delay))
    return site(strategy, second={"port": path.port})


def test_slow_target_within_the_deadline(site, stack, pair):
    s = slow_site(site, stack, pair, "all", 0.1)
    assert s.add(LAPTOP).result == "ADD_SUCCEEDED"
    s.assert_all_hold(lease(*LAPTOP))


def test_slow_target_under_all(site, stack, pair):
    """Nothing is confirmed in time, though both have it in the end."""
    s = slow_site(site, stack, pair, "all", 0.7)
    done = s.add(LAPTOP)
    assert done.result == "ADD_FAILED"
    assert done.log.count("DHCP_DDNS_FORWARD_ADD_IO_ERROR") == 3
    s.wait_until_all_hold(forward(*LAPTOP))
    late = s.answers(3)[0][2]
    assert re.search(r"pdns-2=NOERROR/[67]\d\dms", late)


def test_slow_target_under_any(site, stack, pair):
    s = slow_site(site, stack, pair, "any", 0.7)
    assert s.add(LAPTOP).result == "ADD_SUCCEEDED"
    s.wait_until_all_hold(lease(*LAPTOP))
    assert all(re.search(r"pdns-2=NOERROR/[67]\d\dms", answer[2])
               for answer in s.answers(2))
