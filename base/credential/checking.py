"""What every verifier of ours asks of bytes alone: strict reading, the proof, the issuer, the status list.

The pieces of a plan; whose credential it is and what it must say, the room that knows it adds. Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from base.clock import rfc3339
from base.credential.bitstring import IndexBeyondList, is_set, unpack
from base.credential.multikey import public_of
from base.credential.proof import ProofInvalid, Proven, check, moment
from base.credential.reading import read_object
from base.credential.status import LIST_TYPE, V2, Purpose
from base.credential.verdicts import EXIT_CODES, NotAccepted, Verdict
from base.errors import Malformed

SKEW: Final = timedelta(minutes=2)  # a list was made a moment ago, by another clock
_MOST_DIGITS: Final = 9
_V = Verdict


@dataclass(frozen=True, slots=True)
class Pin:
    """An issuer that the verifier knows from elsewhere: since when it signs, and until when it did."""

    did: str
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What the verifier came to; `subject` is what the issuer signed, and empty where that was not proven."""

    verdict: Verdict
    detail: str
    subject: Mapping[str, Any] = field(default_factory=dict)
    valid_until: str | None = None
    status_as_of: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.verdict]

    def document(self) -> dict[str, Any]:
        """As JSON, for machines."""
        return {
            "verdict": self.verdict.value,
            "detail": self.detail,
            "credentialSubject": dict(self.subject),
            "valid_until": self.valid_until,
            "status_as_of": self.status_as_of,
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True)
class Listed:
    """A status list that holds."""

    purposes: frozenset[str]
    bits: bytes
    as_of: datetime


@dataclass(slots=True)
class Seen:
    """What could be told so far, for the finding."""

    subject: Mapping[str, Any] = field(default_factory=dict)
    valid_until: str | None = None
    status_as_of: str | None = None
    notes: list[str] = field(default_factory=list)

    def finding(self, verdict: Verdict, detail: str) -> Finding:
        return Finding(verdict, detail, self.subject, self.valid_until, self.status_as_of, tuple(self.notes))


def read(raw: bytes, malformed: Verdict) -> dict[str, Any]:
    """The JSON object in these bytes. Raises NotAccepted with this verdict."""
    try:
        return read_object(raw)
    except Malformed as error:
        raise NotAccepted(malformed, error.detail) from None


def validity(secured: Mapping[str, Any], malformed: Verdict) -> tuple[datetime, datetime]:
    """From when and until when a document says that it is good. Raises NotAccepted with this verdict."""
    try:
        begins, ends = moment(secured.get("validFrom")), moment(secured.get("validUntil"))
    except Malformed as error:
        raise NotAccepted(malformed, error.detail) from None
    if ends <= begins:
        raise NotAccepted(malformed, "it ends before it begins")
    return begins, ends


def proven_by_issuer(
    secured: Mapping[str, Any], *, malformed: Verdict, forged: Verdict, foreign: Verdict
) -> Proven:
    """The document, proven by the very issuer that it names."""
    try:
        proven = check(secured)
    except ProofInvalid as error:
        raise NotAccepted(forged, error.detail) from None
    except Malformed as error:
        raise NotAccepted(malformed, error.detail) from None
    if secured.get("issuer") != proven.did:
        raise NotAccepted(foreign, "signed by another key than the issuer's")
    return proven


def in_office(proven: Proven, pins: Sequence[Pin] | None, *, foreign: Verdict) -> bool:
    """Whether the issuer is pinned; False where no issuer is. Raises NotAccepted for one that is not."""
    if pins is None:
        return False
    pin = next((pin for pin in pins if pin.did == proven.did), None)
    if pin is None:
        raise NotAccepted(foreign, f"issued by {proven.did}, which is none of the pinned issuers")
    if pin.since is not None and proven.created < pin.since:
        raise NotAccepted(foreign, f"signed before {rfc3339(pin.since)}, when the issuer took office")
    if pin.until is not None:
        raise NotAccepted(_V.ISSUER_RETIRED, f"the issuer's key was retired at {rfc3339(pin.until)}")
    return True


def known_list(
    raw: bytes,
    did: str,
    pins: Sequence[Pin] | None,
    *,
    at: datetime,
    max_age: timedelta | None,
    seen: Seen,
) -> tuple[str, Listed]:
    """One status list that holds, under its name."""
    secured = read(raw, _V.LIST_MALFORMED)
    if secured.get("type") != ["VerifiableCredential", LIST_TYPE] or secured.get("@context") != [V2]:
        raise NotAccepted(_V.LIST_MALFORMED, "not a status list credential")
    begins, ends = validity(secured, _V.LIST_MALFORMED)
    proven = proven_by_issuer(
        secured, malformed=_V.LIST_MALFORMED, forged=_V.LIST_FORGED, foreign=_V.LIST_ISSUER_FOREIGN
    )
    if proven.did != did:
        raise NotAccepted(_V.LIST_ISSUER_FOREIGN, "the list is another issuer's than the credential")
    in_office(proven, pins, foreign=_V.LIST_ISSUER_FOREIGN)
    subject = secured.get("credentialSubject")
    if type(subject) is not dict or subject.get("type") != "BitstringStatusList":
        raise NotAccepted(_V.LIST_MALFORMED, "no bitstring in it")
    said, encoded, name = subject.get("statusPurpose"), subject.get("encodedList"), secured.get("id")
    purposes: list[Any] = said if type(said) is list else [said]
    if type(encoded) is not str or type(name) is not str or subject.get("statusSize", 1) != 1:
        raise NotAccepted(_V.LIST_MALFORMED, "a list has a name, and bits of one bit")
    if not all(type(word) is str for word in purposes):
        raise NotAccepted(_V.LIST_MALFORMED, "a purpose is a word")
    if begins > at + SKEW:
        raise NotAccepted(_V.LIST_NOT_YET_VALID, f"the list is valid from {rfc3339(begins)}")
    if at >= ends or (max_age is not None and at - begins > max_age):
        raise NotAccepted(_V.LIST_STALE, f"the list is of {rfc3339(begins)}, good until {rfc3339(ends)}")
    ttl = subject.get("ttl")
    if type(ttl) is int and (at - begins) // timedelta(milliseconds=1) > ttl >= 0:
        seen.notes.append(f"the status list is of {rfc3339(begins)}: fetch a newer one if you can")
    try:
        bits = unpack(encoded)
    except Malformed as error:
        raise NotAccepted(_V.LIST_MALFORMED, error.detail) from None
    seen.status_as_of = (
        rfc3339(begins) if seen.status_as_of is None else min(seen.status_as_of, rfc3339(begins))
    )
    return name, Listed(frozenset(purposes), bits, begins)


def place_of(entries: Sequence[Mapping[str, Any]], purpose: Purpose) -> tuple[str, int]:
    """The list that an entry names, and the place in it."""
    entry = next(entry for entry in entries if entry.get("statusPurpose") == purpose.value)
    name, index = entry.get("statusListCredential"), entry.get("statusListIndex")
    kind = (entry.get("type"), entry.get("statusSize", 1))
    if kind != ("BitstringStatusListEntry", 1) or type(name) is not str or type(index) is not str:
        raise NotAccepted(_V.MALFORMED, "not an entry of a status list")
    if not (index.isascii() and index.isdecimal()) or len(index) > _MOST_DIGITS or index != str(int(index)):
        raise NotAccepted(_V.MALFORMED, "a place in a list is a whole number in base 10")
    return name, int(index)


def look_up(entry: tuple[str, int], known: Sequence[tuple[str, Listed]], purpose: Purpose) -> None:
    """Raises NotAccepted where the bit is set, or there is no such bit."""
    name, index = entry
    named = [listed for of, listed in known if of == name]
    if not named:
        raise NotAccepted(_V.LIST_OTHER, f"the credential names the list {name[:200]}")
    fitting = [listed for listed in named if purpose.value in listed.purposes]
    if not fitting:
        raise NotAccepted(_V.LIST_PURPOSE_WRONG, f"the list does not speak of {purpose.value}")
    newest = max(fitting, key=lambda listed: listed.as_of)
    try:
        hit = is_set(newest.bits, index)
    except IndexBeyondList as error:
        raise NotAccepted(_V.INDEX_OUT_OF_RANGE, error.detail) from None
    if hit:
        gone = purpose is Purpose.REVOCATION
        raise NotAccepted(
            _V.REVOKED if gone else _V.SUSPENDED,
            f"{'revoked' if gone else 'suspended'}, says the list of {rfc3339(newest.as_of)}",
        )


def pins_of(raw: bytes) -> list[Pin]:
    """The issuers that a saved `/.well-known/databourse` names. Raises Malformed."""
    document = read_object(raw)
    said, past = document.get("issuer"), document.get("past_issuers", [])
    if type(said) is not dict or type(past) is not list or not all(type(one) is dict for one in past):
        raise Malformed("these particulars name no issuer of credentials")
    pins = []
    for one in (said, *past):
        until = one.get("until")
        public_of(str(one.get("did")))
        pins.append(Pin(one["did"], moment(one.get("since")), None if until is None else moment(until)))
    return pins
