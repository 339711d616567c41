# SPDX-License-Identifier: ISC
"""One zone in memory with the semantics of RFC 2136, sections 3.2 and 3.4.

A zone is changed by apply(update) only, as a whole or not at all. Records
are {name: {type: (ttl, {rdata, ...})}}, names in lower case.
"""
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.SOA

IN, NONE, ANY = (dns.rdataclass.IN, dns.rdataclass.NONE, dns.rdataclass.ANY)
ANY_TYPE = dns.rdatatype.ANY
SOA, NS, CNAME = (dns.rdatatype.SOA, dns.rdatatype.NS, dns.rdatatype.CNAME)
# What is no data: OPT, the query types, the transaction types.
META = {41, 249, 250, 251, 252, 253, 254, 255}
# What may stand next to a CNAME (RFC 2136 3.4.2.2, RFC 4034).
BESIDE_CNAME = {dns.rdatatype.RRSIG, dns.rdatatype.NSEC, dns.rdatatype.KEY}


class Refused(Exception):
    """An update that changes nothing; the RCODE says why."""

    def __init__(self, rcode):
        super().__init__(dns.rcode.to_text(rcode))
        self.rcode = rcode


def require(condition, rcode):
    if not condition:
        raise Refused(rcode)


def canonical(name):
    """In lower case: names are compared without it."""
    return dns.name.Name([label.lower() for label in name.labels])


def serial_gt(a, b):
    """RFC 1982."""
    return a != b and (a - b) % 2 ** 32 < 2 ** 31


class Zone:
    def __init__(self, origin):
        self.origin = canonical(dns.name.from_text(str(origin)))
        self.nodes = {}
        text = f"ns.{self.origin} hostmaster.{self.origin} 1 3600 600 86400 60"
        if self.origin == dns.name.root:
            text = "ns. hostmaster. 1 3600 600 86400 60"
        soa = dns.rdata.from_text(IN, SOA, text)
        server = dns.rdata.from_text(IN, NS, str(soa.mname))
        self._put(self.origin, SOA, 3600, soa)
        self._put(self.origin, NS, 3600, server)

    # Reading

    def rrset(self, name, rdtype):
        """(ttl, rdatas) or None."""
        return self.nodes.get(canonical(name), {}).get(rdtype)

    def in_use(self, name):
        return bool(self.nodes.get(canonical(name)))

    @property
    def soa(self):
        return next(iter(self.rrset(self.origin, SOA)[1]))

    def lines(self):
        """owner ttl class type rdata, one line a record, unsorted."""
        for name, types in self.nodes.items():
            for rdtype, (ttl, rdatas) in types.items():
                for rdata in rdatas:
                    yield (f"{name} {ttl} IN {dns.rdatatype.to_text(rdtype)} "
                           f"{rdata.to_text()}")

    # Changing

    def apply(self, update):
        """All of a parsed update, or Refused and nothing of it. Is anything
        different now?"""
        self._check_prerequisites(update.prerequisite)
        self._prescan(update.update)
        before = {name: dict(types) for name, types in self.nodes.items()}
        serial = self.soa.serial
        for rrset in update.update:
            self._change(rrset)
        if self.nodes == before:
            return False
        if not serial_gt(self.soa.serial, serial):
            self._bump(serial)
        return True

    def _check_prerequisites(self, rrsets):
        wanted = {}
        for rrset in rrsets:
            require(rrset.ttl == 0, dns.rcode.FORMERR)
            require(rrset.name.is_subdomain(self.origin), dns.rcode.NOTZONE)
            if rrset.deleting == ANY:
                self._require_use(rrset, True)
            elif rrset.deleting == NONE:
                self._require_use(rrset, False)
            else:
                require(rrset.rdclass == IN, dns.rcode.FORMERR)
                key = canonical(rrset.name), rrset.rdtype
                wanted.setdefault(key, set()).update(rrset)
        for (name, rdtype), rdatas in wanted.items():
            there = self.rrset(name, rdtype)
            require(there and there[1] == rdatas, dns.rcode.NXRRSET)

    def _require_use(self, rrset, is_wanted):
        require(not len(rrset), dns.rcode.FORMERR)
        if rrset.rdtype == ANY_TYPE:
            bad = dns.rcode.NXDOMAIN if is_wanted else dns.rcode.YXDOMAIN
            require(self.in_use(rrset.name) == is_wanted, bad)
        else:
            bad = dns.rcode.NXRRSET if is_wanted else dns.rcode.YXRRSET
            there = self.rrset(rrset.name, rrset.rdtype) is not None
            require(there == is_wanted, bad)

    def _prescan(self, rrsets):
        for rrset in rrsets:
            require(rrset.name.is_subdomain(self.origin), dns.rcode.NOTZONE)
            rdtype, is_meta = rrset.rdtype, rrset.rdtype in META
            if rrset.deleting is None:
                good = rrset.rdclass == IN and not is_meta and len(rrset)
            elif rrset.deleting == ANY:
                good = rrset.ttl == 0 and not len(rrset) and (
                    rdtype == ANY_TYPE or not is_meta)
            else:
                good = rrset.ttl == 0 and len(rrset) and not is_meta
            require(good, dns.rcode.FORMERR)

    def _change(self, rrset):
        name, rdtype = canonical(rrset.name), rrset.rdtype
        if rrset.deleting is None:
            for rdata in rrset:
                self._add(name, rdtype, rrset.ttl, rdata)
        elif rrset.deleting == ANY:
            self._delete_rrsets(name, rdtype)
        else:
            for rdata in rrset:
                self._delete_record(name, rdtype, rdata)

    def _add(self, name, rdtype, ttl, rdata):
        """RFC 2136 3.4.2.2: what does not fit is silently left out."""
        node = self.nodes.get(name, {})
        if rdtype == CNAME:
            if set(node) - BESIDE_CNAME - {CNAME}:
                return
        elif CNAME in node and rdtype not in BESIDE_CNAME:
            return
        if rdtype == SOA:
            if name != self.origin or not serial_gt(rdata.serial,
                                                    self.soa.serial):
                return
        if rdtype in (SOA, CNAME):
            node.pop(rdtype, None)
        self._put(name, rdtype, ttl, rdata)

    def _put(self, name, rdtype, ttl, rdata):
        """One TTL for a set (RFC 2181 5.2): the newest."""
        node = self.nodes.setdefault(name, {})
        _, rdatas = node.get(rdtype, (0, set()))
        node[rdtype] = ttl, {r for r in rdatas if r != rdata} | {rdata}

    def _delete_rrsets(self, name, rdtype):
        node = self.nodes.get(name, {})
        kept = {SOA, NS} if name == self.origin else set()
        gone = set(node) if rdtype == ANY_TYPE else {rdtype}
        for each in gone - kept:
            node.pop(each, None)
        self._forget_empty(name)

    def _delete_record(self, name, rdtype, rdata):
        there = self.rrset(name, rdtype)
        if not there or rdtype == SOA:
            return
        ttl, rdatas = there
        left = {r for r in rdatas if r.to_digestable() !=
                rdata.to_digestable()}
        if rdtype == NS and name == self.origin and not left:
            return
        node = self.nodes[name]
        node[rdtype] = ttl, left
        if not left:
            del node[rdtype]
        self._forget_empty(name)

    def _forget_empty(self, name):
        if name in self.nodes and not self.nodes[name]:
            del self.nodes[name]

    def _bump(self, serial):
        """RFC 2136 3.6: the next serial, never 0."""
        ttl, _ = self.rrset(self.origin, SOA)
        following = (serial + 1) % 2 ** 32 or 1
        newer = self.soa.replace(serial=following)
        self.nodes[self.origin][SOA] = ttl, {newer}
