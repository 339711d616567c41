# SPDX-License-Identifier: ISC
"""The tools of the tests, tested: against the vectors of the conformance
matrix, dnspython, and nsupdate."""
import base64
import shutil
import subprocess
import time

import dns.message
import dns.query
import dns.rcode
import dns.tsig
import dns.tsigkeyring
import dns.update
import pytest

import fake
import wire
from answers import BARE, SIGNED, UNSIG, check
from client import Tcp, Udp
from fake import FakeTarget
from memserver import MemServer, make_key
from wire import (A, ANY, GOLDEN_KEY, IN, NONE, address, golden, message,
                  opt, rr, sign)

UNSIGNED = (
    "beef28000001000000010000076578616d706c650474657374000006000102683107"
    "6578616d706c65047465737400000100010000003c0004c0000201")
SIGNED_TAIL = (
    "036b6579076578616d706c650000fa00ff00000000003d0b686d61632d7368613235"
    "360000006553f100012c0020168dc4223b8d0440b9a8281166a368132205ca8b0b6b"
    "6ac74443abbb40a89d14beef00000000")
NOW = 1700000000
# Algorithm, MAC of the request, MAC of the answer.
MACS = [
    ("hmac-md5", "f4a13f5cbcc6ff5c98fa42ad7311e6ac",
     "0d7ef46a94a2a9208c4a76c19089516c"),
    ("hmac-sha1", "35bddd6e7a006e7e95c418c2a82d214ebee23432",
     "713a84be67e4386d95fe6b3dfb8e175d122c16aa"),
    ("hmac-sha224",
     "5c68075d7566b9fa867627471fa972e931865d20c07e59bff753b5b8",
     "5c210211d99a88303754f193f8ac36be35327dce3211aad45a50132f"),
    ("hmac-sha256",
     "168dc4223b8d0440b9a8281166a368132205ca8b0b6b6ac74443abbb40a89d14",
     "42e2c1fcc15cc65be8c84c8dcc87f46ca03d3d411481cf6111aaa00f3f6efdb6"),
    ("hmac-sha256-128", "d3f234f46fa657028c1da99a4723a25f",
     "995b65f14fd14b4ce27248f8bc9b42a0"),
    ("hmac-sha384-192", "3353dba5ebb482d6d908337b1fea7ad68542742da0e332e5",
     "efb42c51c9c8eb5568a149b0c8ae706c25005ad34aa6b106"),
    ("hmac-sha512-256",
     "9e77c34335bf5b6d51554db5376b8326732f4e388e15dfb03823c9d80dc226cd",
     "a40844fcdab749bc73fbeecc1d1b32f226ae4c2e632e907b9d8de40be36f1962"),
]


def test_golden_message():
    data = golden(ident=0xbeef)
    assert data.hex() == UNSIGNED
    signed = sign(data, time=NOW)
    assert signed.hex() == UNSIGNED[:20] + "0001" + UNSIGNED[24:] + SIGNED_TAIL
    wire.verify(signed, GOLDEN_KEY)


@pytest.mark.parametrize("algorithm,request_mac,answer_mac", MACS)
def test_vectors(algorithm, request_mac, answer_mac):
    key = wire.Key("key.example.", bytes(range(64)), algorithm)
    signed = sign(golden(ident=0xbeef), key, time=NOW)
    assert wire.request_mac(signed).hex() == request_mac
    answer = sign(message(ident=0xbeef, flags=0xa800), key, time=NOW + 1,
                  prior=wire.request_mac(signed))
    assert wire.request_mac(answer).hex() == answer_mac


# The judge of answers


def answer_to(request, rcode=0, zone=wire.ZONE, additional=(), **odd_tsig):
    return sign(message(
        zone=zone, ident=wire.parse(request).ident, flags=0xa800 | rcode,
        additional=additional), prior=wire.request_mac(request), **odd_tsig)


UNSIGNED_ERROR = dict(rcode=9, error=16, mac=lambda m: b"")
JUDGED = {
    "signed": ({}, SIGNED()),
    "rcode": (dict(rcode=6), SIGNED(6)),
    "no zone": (dict(zone=[]), SIGNED(zone=False)),
    "opt": (dict(additional=[opt()]), SIGNED(opt=True)),
    "badsig": (UNSIGNED_ERROR, UNSIG(16)),
}
CONDEMNED = {
    "rcode": (dict(rcode=6), SIGNED()),
    "mac": (dict(mac=lambda m: bytes(32)), SIGNED()),
    "truncated": (dict(length=16), SIGNED()),
    "error": (dict(error=18), SIGNED()),
    "time": (dict(time=NOW), SIGNED()),
    "fudge": (dict(fudge=301), SIGNED()),
    "other": (dict(other=b"123456"), SIGNED()),
    "zone": (dict(zone="Example.test"), SIGNED()),
    "zone missing": (dict(zone=[]), SIGNED()),
    "opt": (dict(additional=[opt()]), SIGNED()),
    "original id": (dict(original_id=7), SIGNED()),
    "upper case": (dict(owner=wire.name("KEY.example")), SIGNED()),
    "signed badsig": (dict(rcode=9, error=16), UNSIG(16)),
    "tsig": ({}, BARE(0)),
    "no tsig": (UNSIGNED_ERROR, SIGNED(9, 16)),
}


@pytest.mark.parametrize("row", JUDGED)
def test_check_accepts(row):
    how, want = JUDGED[row]
    request = sign(golden())
    check(answer_to(request, **how), request, want)


@pytest.mark.parametrize("row", CONDEMNED)
def test_check_rejects(row):
    how, want = CONDEMNED[row]
    request = sign(golden(ident=99))
    with pytest.raises(AssertionError):
        check(answer_to(request, **how), request, want)


def test_check_badtime():
    request = sign(golden(), time=NOW)
    now = int(time.time()).to_bytes(6, "big")
    late = dict(rcode=9, error=18, time=NOW, other=now)
    want = SIGNED(9, 18)
    check(answer_to(request, **late), request, want)
    for wrong in (dict(time=NOW + 1), dict(fudge=299), dict(other=bytes(6))):
        with pytest.raises(AssertionError):
            check(answer_to(request, **{**late, **wrong}), request, want)


def keyring(key):
    return dns.tsigkeyring.from_text({key.name: (
        key.wire_algorithm, base64.b64encode(key.secret).decode())})


def test_dnspython_agrees():
    data = sign(golden(additional=[opt()]))
    parsed = dns.message.from_wire(data, keyring=keyring(GOLDEN_KEY))
    assert parsed.opcode() == 5 and parsed.had_tsig


def test_bad_mac_is_noticed():
    data = wire.flip(sign(golden()), 60)
    with pytest.raises(AssertionError):
        wire.verify(data, GOLDEN_KEY)


def test_fake_target():
    with FakeTarget("one") as target:
        request = sign(golden(), target.key)
        target.say(fake.drop, fake.both(fake.rcode(6), fake.ok))
        with Udp(("127.0.0.1", target.port)) as client:
            assert client.ask(request, 0.05) is None
            for code in (6, 0):
                client.send(request) if code else None
                answer = client.receive()
                assert answer[3] == code
                wire.verify(answer, target.key, wire.request_mac(request))
        with Tcp(("127.0.0.1", target.port)) as client:
            target.say(fake.octet_by_octet, fake.hang_up)
            answer = client.ask(request)
            wire.verify(answer, target.key, wire.request_mac(request))
            client.send(request)
            assert client.is_closed()
        assert [r.transport for r in target.wait(4)] == [
            "udp", "udp", "tcp", "tcp"]


def test_fake_target_judges_requests():
    with FakeTarget("one") as target:
        with Udp(("127.0.0.1", target.port)) as client:
            client.send(sign(golden()))  # not the target's key
            bad, = target.wait()
        assert bad.problem == "key name"
        with pytest.raises(AssertionError):
            target.check()
        target.received.clear()


def test_closed_target_refuses():
    with fake.closed("one") as target:
        with Udp(("127.0.0.1", target.port)) as client:
            client.send(b"x")
            with pytest.raises(ConnectionRefusedError):
                client.receive()
        with pytest.raises(ConnectionRefusedError):
            Tcp(("127.0.0.1", target.port))


# memserver

KEY = wire.Key("mem.example.", b"m" * 32)
KEY_TEXT = f"{KEY.name}:hmac-sha256:{base64.b64encode(KEY.secret).decode()}"
HOST = "h1." + wire.ZONE
FOUR = bytes([192, 0, 2, 1])


@pytest.fixture(name="server")
def fixture_server(tmp_path):
    with MemServer(("127.0.0.1", 0), [wire.ZONE, "2.0.192.in-addr.arpa"],
                   make_key(KEY_TEXT), dump=tmp_path / "dump",
                   out=None) as server:
        yield server


def tell(server, *updates, prereqs=(), how=Udp, zone=wire.ZONE):
    """The RCODE of the verified answer."""
    request = sign(message(updates, prereqs, zone=zone), KEY)
    with how(server.address) as client:
        answer = client.ask(request)
    wire.verify(answer, KEY, wire.request_mac(request))
    return wire.parse(answer).rcode


def records(server, rtype="A"):
    return [line for line in server.content() if f" IN {rtype} " in line]


def test_memserver_add_and_delete(server):
    assert tell(server, address(HOST)) == 0
    assert records(server) == [f"{HOST}. 60 IN A 192.0.2.1"]
    assert tell(server, rr(HOST, A, NONE, 0, FOUR), how=Tcp) == 0
    assert records(server) == []


NOT_IN_USE, IN_USE = rr(HOST, ANY, NONE, 0), rr(HOST, ANY, ANY, 0)
PREREQUISITES = [
    # prerequisite, RCODE when the name is empty, RCODE when it has 192.0.2.1
    (NOT_IN_USE, 0, 6), (IN_USE, 3, 0),
    (rr(HOST, A, NONE, 0), 0, 7), (rr(HOST, A, ANY, 0), 8, 0),
    (rr(HOST, A, IN, 0, FOUR), 8, 0), (rr(HOST, A, IN, 0, b"abcd"), 8, 8),
    (rr(HOST, A, ANY, 1), 1, 1), (rr("other.test", A, ANY, 0), 10, 10),
]


@pytest.mark.parametrize("prereq,empty,full", PREREQUISITES,
                         ids=range(len(PREREQUISITES)))
def test_memserver_prerequisites(server, prereq, empty, full):
    assert tell(server, prereqs=[prereq]) == empty
    assert tell(server, address(HOST)) == 0
    assert tell(server, prereqs=[prereq]) == full


def test_memserver_is_atomic(server):
    before = server.content()
    assert tell(server, address(HOST), address("other.test")) == 10
    assert tell(server, address(HOST), rr(HOST, ANY, IN, 0, FOUR)) == 1
    assert tell(server, address(HOST), prereqs=[IN_USE]) == 3
    assert server.content() == before


def test_memserver_apex(server):
    """SOA and the last NS stay, whatever is deleted."""
    apex = wire.ZONE
    name_server = wire.name("ns." + apex)
    assert tell(server, rr(apex, ANY, ANY, 0), rr(apex, wire.NS, ANY, 0),
                rr(apex, wire.SOA, ANY, 0),
                rr(apex, wire.NS, NONE, 0, name_server)) == 0
    assert len([l for l in server.content() if l.startswith(apex)]) == 2
    second = wire.name("b." + apex)
    assert tell(server, rr(apex, wire.NS, IN, 60, second),
                rr(apex, wire.NS, NONE, 0, name_server)) == 0
    assert [l.split()[-1] for l in records(server, "NS")
            if l.startswith(apex)] == ["b." + apex + "."]


def test_memserver_cname_and_others_exclude_each_other(server):
    cname = rr(HOST, 5, IN, 60, wire.name("x." + wire.ZONE))
    assert tell(server, cname) == 0
    assert tell(server, address(HOST)) == 0
    assert records(server) == [] and len(records(server, "CNAME")) == 1
    assert tell(server, address("h2." + wire.ZONE),
                rr("h2." + wire.ZONE, 5, IN, 60, wire.name("x"))) == 0
    assert len(records(server, "CNAME")) == 1


def test_memserver_serial_counts_changes(server):
    def serial():
        return int(records(server, "SOA")[1].split()[6])
    first = serial()
    tell(server, address(HOST))
    assert serial() == first + 1
    tell(server, address(HOST))
    assert serial() == first + 1, "no change, no new serial"


def test_memserver_case_and_ttl(server):
    tell(server, address(HOST), address(HOST.upper(), 2, ttl=90))
    assert records(server) == [f"{HOST}. 90 IN A 192.0.2.1",
                               f"{HOST}. 90 IN A 192.0.2.2"]


def test_memserver_dump(server):
    tell(server, address(HOST))
    assert server.dump_file.read_text().splitlines() == server.content()


def test_memserver_refuses_strangers(server):
    for request in (golden(), sign(golden())):
        with Udp(server.address) as client:
            answer = wire.parse(client.ask(request))
        assert answer.rcode in (5, 9)
    assert tell(server, zone="nope.test") == 9
    assert server.applied == 0


def test_memserver_query(server):
    tell(server, address(HOST))
    question = dns.message.make_query(HOST, "A")
    answer = dns.query.udp(question, *server.address[:1],
                           port=server.address[1], timeout=5)
    assert answer.answer[0][0].to_text() == "192.0.2.1"


@pytest.mark.parametrize("program", ["nsupdate", "knsupdate"])
@pytest.mark.parametrize("tcp", [False, True])
def test_memserver_with_real_clients(server, program, tcp):
    if not shutil.which(program):
        pytest.skip(f"no {program}")
    script = "\n".join([
        f"server {server.address[0]} {server.address[1]}",
        f"zone {wire.ZONE}.", f"prereq nxdomain {HOST}.",
        f"update add {HOST}. 60 IN A 192.0.2.1",
        f"update add {HOST}. 60 IN TXT \"two words\"", "send", ""])
    secret = base64.b64encode(KEY.secret).decode()
    done = subprocess.run(
        [program, *(["-v"] if tcp else []), "-y",
         f"hmac-sha256:{KEY.name}:{secret}"], input=script, text=True,
        capture_output=True, timeout=20, check=False)
    assert done.returncode == 0, done.stderr
    assert records(server) == [f"{HOST}. 60 IN A 192.0.2.1"]
    assert records(server, "TXT") == [f'{HOST}. 60 IN TXT "two words"']
