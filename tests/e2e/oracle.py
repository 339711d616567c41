# SPDX-License-Identifier: ISC
"""What dnspython and ldns say of a message: is its MAC right, and which
records does it hold? Both were written by others than ddns-mux and wire.py.

ldns 1.8 checks a MAC over the header's ID, whole MACs only, by the
algorithms below (its name for hmac-sha384 is misspelt), and neither the key
name of the record nor the time; the rest is for dnspython alone.
"""
import base64
import contextlib
import ctypes
import struct

import dns.exception
import dns.message
import dns.name
import dns.rdtypes.ANY.TSIG
import dns.tsig

import wire

LDNS_ALGORITHMS = {"hmac-md5.sig-alg.reg.int", "hmac-sha1", "hmac-sha256",
                   "hmac-sha512"}


def keyring(*keys):
    return {dns.name.from_text(key.name): dns.tsig.Key(
        key.name, key.secret, key.wire_algorithm) for key in keys}


# dnspython


def read(data, *keys, prior=b""):
    """As a receiver with these keys does it; raises what dnspython does."""
    return dns.message.from_wire(data, keyring=keyring(*keys),
                                 request_mac=prior)


def dnspython_verifies(data, key, prior=b""):
    """The MAC, whole or cut, is the one that dnspython puts there: it does
    so even where it would not read the message."""
    msg = wire.parse(data)
    tsig = msg.tsig
    rdata = dns.rdtypes.ANY.TSIG.TSIG(
        wire.ANY, wire.TSIG, dns.name.from_text(key.wire_algorithm),
        tsig.time, tsig.fudge, b"", tsig.original_id, tsig.error, tsig.other)
    bare = wire.patch(data[:msg.additional[-1].start], 10,
                      struct.pack(">H", msg.counts[3] - 1))
    own, = keyring(key).values()
    made, _ = dns.tsig.sign(bare, own, rdata, tsig.time, prior)
    return tsig.mac != b"" and made.mac.startswith(tsig.mac)


def _without_additional(data):
    return wire.patch(data[:wire.parse(data).additional_start], 10, b"\0\0")


def dnspython_records(data):
    """Three sections, names in the case that they have on the wire."""
    msg = dns.message.from_wire(_without_additional(data))
    return [[(rrset.name.labels, rrset.rdclass, rrset.rdtype, rrset.deleting,
              rrset.ttl, [rdata.to_wire() for rdata in rrset])
             for rrset in section]
            for section in msg.sections[:3]]


# ldns


class _Ldns:
    """libldns, as far as it is needed."""

    INT16_DATA = 22  # LDNS_RDF_TYPE_INT16_DATA

    def __init__(self):
        self.ldns = ctypes.CDLL("libldns.so.3")
        pointer, octets, size = (ctypes.c_void_p, ctypes.c_char_p,
                                 ctypes.c_size_t)
        for name, result, *arguments in [
                ("wire2pkt", ctypes.c_int, ctypes.POINTER(pointer), octets,
                 size),
                ("pkt_free", None, pointer),
                ("pkt_tsig", pointer, pointer),
                ("pkt_tsig_verify", ctypes.c_bool, pointer, octets, size,
                 octets, octets, pointer),
                ("rr_owner", pointer, pointer),
                ("rr_rd_count", size, pointer),
                ("rr_rdf", pointer, pointer, size),
                ("rdf2str", pointer, pointer),
                ("rdf2native_int16", ctypes.c_uint16, pointer),
                ("rdf_new_frm_data", pointer, ctypes.c_int, size, octets),
                ("rdf_deep_free", None, pointer),
                ("get_errorstr_by_id", octets, ctypes.c_int),
                ("pkt_question", pointer, pointer),
                ("pkt_answer", pointer, pointer),
                ("pkt_authority", pointer, pointer),
                ("rr_list2str", pointer, pointer)]:
            function = getattr(self.ldns, "ldns_" + name)
            function.restype, function.argtypes = result, arguments
            setattr(self, name, function)
        self.libc_free = ctypes.CDLL(None).free
        self.libc_free.argtypes = [pointer]

    @contextlib.contextmanager
    def packet(self, data):
        made = ctypes.c_void_p()
        status = self.wire2pkt(ctypes.byref(made), data, len(data))
        if status:
            raise dns.exception.FormError(
                self.get_errorstr_by_id(status).decode())
        try:
            yield made
        finally:
            self.pkt_free(made)

    def text(self, made):
        """A string of ldns as one of Python's."""
        try:
            return ctypes.string_at(made).decode("latin-1")
        finally:
            self.libc_free(made)


_ldns = _Ldns()


def ldns_verifies(data, key, prior=b""):
    """FormError if ldns can't read it."""
    with _ldns.packet(data) as packet:
        mac = None
        if prior:
            field = struct.pack(">H", len(prior)) + prior
            mac = _ldns.rdf_new_frm_data(_ldns.INT16_DATA, len(field), field)
        try:
            return _ldns.pkt_tsig_verify(
                packet, data, len(data), key.name.encode(),
                base64.b64encode(key.secret), mac)
        finally:
            _ldns.rdf_deep_free(mac)


def ldns_signer(data):
    """Key, algorithm and Original ID of the TSIG, or None."""
    with _ldns.packet(data) as packet:
        tsig = _ldns.pkt_tsig(packet)
        if not tsig or _ldns.rr_rd_count(tsig) != 7:
            return None
        key, algorithm = (
            _ldns.text(_ldns.rdf2str(field)).lower().rstrip(".")
            for field in (_ldns.rr_owner(tsig), _ldns.rr_rdf(tsig, 0)))
        return key, algorithm, _ldns.rdf2native_int16(_ldns.rr_rdf(tsig, 4))


def ldns_records(data):
    with _ldns.packet(data) as packet:
        return [_ldns.text(_ldns.rr_list2str(section(packet))) for section in (
            _ldns.pkt_question, _ldns.pkt_answer, _ldns.pkt_authority)]


# Both

RECORDS = dnspython_records, ldns_records


def judges_of(data, key):
    """Those that know this algorithm, and MACs of this length."""
    is_whole = len(wire.parse(data).tsig.mac) == key.full
    if key.wire_algorithm in LDNS_ALGORITHMS and is_whole:
        return [dnspython_verifies, ldns_verifies]
    return [dnspython_verifies]


def check_mac(data, key, prior=b""):
    """AssertionError unless all judges find that this key has signed it,
    over the MAC of the request if this is an answer; the judges."""
    judges = judges_of(data, key)
    for judge in judges:
        assert judge(data, key, prior), f"MAC: {judge.__name__}"
    return judges


def check_copy(copy, key, request):
    """A target's copy: authentic, with the records of the client's."""
    read(copy, key)
    check_mac(copy, key)
    for records in RECORDS:
        assert records(copy) == records(request), records.__name__
