# SPDX-License-Identifier: ISC
"""The kinds of messages that kea-dhcp-ddns sends, by their prerequisites,
and the rule that folds the outcomes of the targets into one answer, written
a second time from sections 11 and 2.1 of the design."""
import wire
from wire import (A, AAAA, ANY, DHCID, IN, NONE, NOERROR, NXDOMAIN, NXRRSET,
                  PTR, SERVFAIL, TXT, YXDOMAIN, YXRRSET, rr)

OWN_ID = bytes(range(35))
FORWARD, REVERSE = "example.test", "2.0.192.in-addr.arpa"
HOST = "h1." + FORWARD
POINTER = "1." + REVERSE
ADDRESS = bytes([192, 0, 2, 1])

IN_USE = rr(HOST, ANY, ANY, 0)
NOT_IN_USE = rr(HOST, ANY, NONE, 0)
HAS_ID = rr(HOST, DHCID, IN, 0, OWN_ID)
HAS_ANY_ID = rr(HOST, DHCID, ANY, 0)
NO_ADDRESSES = [rr(HOST, A, NONE, 0), rr(HOST, AAAA, NONE, 0)]
HAS_POINTER = rr(POINTER, PTR, IN, 0, wire.name(HOST))
PLUS = [rr(HOST, A, IN, 60, ADDRESS), rr(HOST, DHCID, IN, 60, OWN_ID)]
MINUS_RRSETS = [rr(HOST, A, ANY, 0), rr(HOST, DHCID, ANY, 0)]

# kind: zone, prerequisites, updates
SHAPES = {
    "add": (FORWARD, [NOT_IN_USE], PLUS),
    "replace": (FORWARD, [IN_USE, HAS_ID], [MINUS_RRSETS[0], PLUS[0]]),
    "replace-exists": (FORWARD, [HAS_ANY_ID], MINUS_RRSETS + PLUS),
    "remove-1": (FORWARD, [HAS_ID], [rr(HOST, A, NONE, 0, ADDRESS)]),
    "remove-1-exists": (FORWARD, [HAS_ANY_ID],
                        [rr(HOST, A, NONE, 0, ADDRESS)]),
    "remove-2": (FORWARD, [HAS_ID, *NO_ADDRESSES], [rr(HOST, ANY, ANY, 0)]),
    "remove-2-exists": (FORWARD, NO_ADDRESSES, [MINUS_RRSETS[1]]),
    "reverse-remove": (REVERSE, [HAS_POINTER], [rr(POINTER, ANY, ANY, 0)]),
    "other": (FORWARD, [rr(HOST, TXT, ANY, 0), rr(HOST, AAAA, NONE, 0)],
              PLUS),
    "simple-add": (FORWARD, [], MINUS_RRSETS + PLUS),
    "simple-remove": (FORWARD, [], MINUS_RRSETS),
    "reverse-replace": (REVERSE, [], [
        rr(POINTER, PTR, ANY, 0), rr(POINTER, DHCID, ANY, 0),
        rr(POINTER, PTR, IN, 60, wire.name(HOST)),
        rr(POINTER, DHCID, IN, 60, OWN_ID)]),
}
_REPLACE = [NXRRSET, NXDOMAIN, NOERROR]
_REMOVE_1 = [NOERROR, NXRRSET]
_REMOVE_2 = [NOERROR, NXRRSET, YXRRSET]
PRECEDENCE = {
    "add": [YXDOMAIN, NOERROR],
    "replace": _REPLACE, "replace-exists": _REPLACE,
    "remove-1": _REMOVE_1, "remove-1-exists": _REMOVE_1,
    "remove-2": _REMOVE_2, "remove-2-exists": _REMOVE_2,
    "reverse-remove": _REMOVE_1,
}
VERDICTS = {NXDOMAIN, YXDOMAIN, YXRRSET, NXRRSET}
FAILED = "failed"


def request(kind):
    zone, prereqs, updates = SHAPES[kind]
    return wire.sign(wire.message(zone=zone, prereqs=prereqs,
                                  updates=updates))


def classify(kind, outcome):
    if outcome == FAILED or 11 <= outcome <= 15:
        return "failed"
    if outcome == NOERROR:
        return "confirming"
    if outcome in VERDICTS and SHAPES[kind][1]:
        return "confirming"
    return "refused"


def best(kind, confirming):
    """By the kind's precedence; a message of another shape is answered by
    the first target, in configuration order, that has a verdict."""
    order = PRECEDENCE.get(kind)
    if order is None:
        order = [code for code in confirming if code in VERDICTS] + [NOERROR]
    return next(code for code in order if code in confirming)


def fold(kind, outcomes, need, unconfirmed):
    """The RCODE of the answer, or None for silence."""
    classes = [classify(kind, o) for o in outcomes]
    confirming = [o for o, c in zip(outcomes, classes) if c == "confirming"]
    if len(confirming) >= need:
        return best(kind, confirming)
    if len(set(outcomes)) == 1 and classes[0] == "refused":
        return outcomes[0]
    if len(outcomes) - classes.count("refused") < need:
        return SERVFAIL
    return SERVFAIL if unconfirmed == "servfail" else None
