# SPDX-License-Identifier: ISC
"""What an answer of ddns-mux must look like, to the last octet.

The signs of the conformance matrix: SIGNED, UNSIG, BARE; Z1 and Z0 are
zone=True and zone=False. Everything not said is fixed: header bits, counts,
owner and algorithm of the TSIG, times, Original ID.
"""
import dataclasses
import struct
import time

import dns.tsig

import oracle
import wire

DROP = None
SKEW = 5  # seconds between an answer and the look at it, at most


@dataclasses.dataclass(frozen=True)
class Answer:
    rcode: int
    kind: str  # "signed", "unsig", "bare"
    error: int = 0
    zone: bool = True
    opt: bool = False
    ext_rcode: int = 0
    mac_min: int = 0  # octets of MAC; 0: the full length

    def but(self, **changes):
        return dataclasses.replace(self, **changes)


def SIGNED(rcode=wire.NOERROR, error=0, **more):
    return Answer(rcode, "signed", error, **more)


def UNSIG(error, rcode=wire.NOTAUTH, **more):
    return Answer(rcode, "unsig", error, **more)


def BARE(rcode, **more):
    return Answer(rcode, "bare", **more)


def zone_octets(request):
    _, end = wire._read_name(request, 12)
    return request[12:end + 4]


def check(answer, request, want, key=wire.GOLDEN_KEY):
    """AssertionError unless answer is what want says. want may be a tuple
    of equally good answers."""
    if isinstance(want, tuple):
        return _check_any(answer, request, want, key)
    assert answer is not None, "no answer"
    msg = wire.parse(answer)
    _check_header(msg, request, want)
    body = zone_octets(request) if want.zone else b""
    assert answer[12:12 + len(body)] == body, "zone section"
    assert msg.additional_start == 12 + len(body), "more than the zone"
    _check_opt(msg, want)
    if want.kind == "bare":
        assert msg.tsig is None, "TSIG where none belongs"
    else:
        _check_tsig(msg, request, want, key)
        _check_with_dnspython(msg, request, want, key)
    return msg


def _check_any(answer, request, choices, key):
    causes = []
    for want in choices:
        try:
            if want is DROP:
                assert answer is None, "an answer"
                return None
            return check(answer, request, want, key)
        except AssertionError as cause:
            causes.append(f"{want}: {cause}")
    raise AssertionError("; ".join(causes))


def _check_header(msg, request, want):
    ident, flags = struct.unpack_from(">HH", request)
    assert msg.ident == ident, "ID"
    expected = 0x8000 | flags & 0x7800 | want.rcode
    assert msg.flags == expected, f"flags {msg.flags:04x} not {expected:04x}"
    extra = want.opt + (want.kind != "bare")
    assert msg.counts == (int(want.zone), 0, 0, extra), f"counts {msg.counts}"


def _check_opt(msg, want):
    if not want.opt:
        return
    assert msg.additional[0].rtype == wire.OPT, "OPT comes first"
    found = msg.opt
    assert found.owner == b"\0" and found.rclass >= 512
    assert found.ttl >> 24 == want.ext_rcode, "extended RCODE"
    assert found.ttl & 0x00ff7fff == 0, "version 0, Z 0"
    assert found.rdata == b"", "options"


def _check_tsig(msg, request, want, key):
    tsig, now = msg.tsig, time.time()
    assert tsig is not None, "no TSIG"
    raw = msg.data[msg.additional[-1].start:]
    owner = wire.name(key.name.lower())
    assert raw.startswith(owner), "owner of the TSIG"
    assert raw[len(owner) + 10:].startswith(
        wire.name(key.wire_algorithm)), "algorithm"
    assert tsig.error == want.error, f"TSIG Error {tsig.error}"
    assert tsig.original_id == msg.ident, "Original ID"
    if want.error == wire.BADTIME:
        asked = wire.parse(request).tsig
        assert (tsig.time, tsig.fudge) == (asked.time, asked.fudge)
        assert len(tsig.other) == 6, "Other Data"
        assert abs(int.from_bytes(tsig.other, "big") - now) <= SKEW
    else:
        assert abs(tsig.time - now) <= SKEW, "Time Signed"
        assert tsig.fudge == 300 and tsig.other == b""
    if want.kind == "unsig":
        assert tsig.mac == b"", "MAC in an unsigned answer"
    else:
        prior = wire.request_mac(request)
        wire.verify(msg.data, key, prior, want.mac_min or key.full)
        oracle.check_mac(msg.data, key, prior)


DNSPYTHON_ERRORS = {
    wire.BADSIG: dns.tsig.PeerBadSignature,
    wire.BADKEY: dns.tsig.PeerBadKey,
    wire.BADTIME: dns.tsig.PeerBadTime,
    wire.BADTRUNC: dns.tsig.PeerBadTruncation,
}


def _dnspython_reads(msg, want, key):
    """It knows no opcode 7, no zones of odd type or class, and no MAC that
    is cut under the plain algorithm name."""
    plain = all(z.rtype == wire.SOA and z.rclass < wire.NONE
                for z in msg.zone)
    is_cut = want.mac_min and len(msg.tsig.mac) < key.full
    return plain and msg.opcode in (0, 1, 2, 4, 5) and not is_cut


def _check_with_dnspython(msg, request, want, key):
    """What it makes of the whole message, where it reads such ones."""
    if not _dnspython_reads(msg, want, key):
        return
    prior = b"" if want.kind == "unsig" else wire.request_mac(request)
    error = DNSPYTHON_ERRORS.get(want.error)
    try:
        oracle.read(msg.data, key, prior=prior)
    except dns.tsig.PeerError as found:
        assert type(found) is error
    else:
        assert error is None
