"""May this user rely on what it was shown, for this purpose, now? From bytes alone: no database, no network.

The plan:
1. read the presentation strictly (bounded, no member twice, whole numbers): its form, and its context;
2. its proof holds, by the holder that it names;
3. one AssetCertificate is in it, its proof holds by the `did:key` that it names as issuer;
4. that issuer is a pinned one, was in office when it signed, and is the provider that the certificate names;
5. the certificate is the holder's;
6. user, domain, purpose and reference are those that the certificate names, and those that were asked for;
7. what is disclosed is what the certificate has the digests of, each item once;
8. the moment lies within the validity;
9. its bit in the status list that it names: read, proven, by the same issuer, fresh.
The first thing that is wrong is the verdict. Where nothing is wrong and something was not looked at, the
verdict says that, and never `valid`. How many uses are left the exchange alone can count. Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from base.canonical import canonical, sha256_hex
from base.clock import rfc3339
from base.credential.checking import (
    Finding,
    Pin,
    Seen,
    in_office,
    known_list,
    look_up,
    place_of,
    proven_by_issuer,
    read,
    validity,
)
from base.credential.multikey import public_of
from base.credential.proof import AUTHENTICATION, ProofInvalid, Proven, check, moment
from base.credential.reading import read_object
from base.credential.status import Purpose
from base.credential.verdicts import NotAccepted, Verdict
from base.errors import Malformed
from registry.vouchers.document import PRESENTATION, TYPE, context, digest_of, urn

_V = Verdict
_DISCLOSED: Final = frozenset({"item", "periodFrom", "periodTo", "salt", "value"})


@dataclass(frozen=True, slots=True)
class ProviderPin:
    """A provider's issuing key that the verifier knows from elsewhere: since when, and until when."""

    did: str
    org_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """For whom and for what it is looked at; None: that is not asked."""

    user_id: str
    purpose: str
    reference: str | None = None
    challenge: str | None = None


@dataclass(frozen=True, slots=True)
class Presented:
    """A presentation whose signatures hold: the credential, who holds it, and what it answers."""

    holder_did: str
    credential: Mapping[str, Any]
    proven: Proven
    user: str
    purpose: str
    reference: str
    challenge: str
    disclosures: Sequence[Mapping[str, Any]]

    @property
    def credential_sha256(self) -> str:
        return sha256_hex(canonical(dict(self.credential)))


def verify(
    raw: bytes,
    lists: Sequence[bytes],
    pins: Sequence[ProviderPin] | None,
    asked: Asked,
    *,
    at: datetime,
    max_age: timedelta | None = None,
) -> Finding:
    """What to think of a presentation at a moment, with these status lists and these issuers known.

    `pins` None: no issuer is known, which leaves the verdict incomplete. Never raises for the bytes.
    """
    seen = Seen()
    try:
        return _verify(raw, lists, pins, asked, at=at, max_age=max_age, seen=seen)
    except NotAccepted as no:
        return seen.finding(no.verdict, no.detail)


def _verify(
    raw: bytes,
    lists: Sequence[bytes],
    pins: Sequence[ProviderPin] | None,
    asked: Asked,
    *,
    at: datetime,
    max_age: timedelta | None,
    seen: Seen,
) -> Finding:
    shown = presented(raw)
    known = None if pins is None else [Pin(pin.did, pin.since) for pin in pins]
    missing = (
        [] if in_office(shown.proven, known, foreign=_V.ISSUER_FOREIGN) else ["the issuer is not pinned"]
    )
    _of_its_provider(shown, pins or ())
    begins, ends = validity(shown.credential, _V.MALFORMED)
    seen.subject, seen.valid_until = shown.credential["credentialSubject"], rfc3339(ends)
    check_asked(shown, asked)
    seen.notes += [_told(one) for one in shown.disclosures]
    if at < begins:
        raise NotAccepted(_V.NOT_YET_VALID, f"valid from {rfc3339(begins)}")
    if at >= ends:
        raise NotAccepted(_V.EXPIRED, f"valid until {rfc3339(ends)}")
    if not lists:
        return seen.finding(_V.INCOMPLETE, "; ".join([*missing, "no status list was looked at"]))
    read_lists = [
        known_list(one, shown.proven.did, known, at=at, max_age=max_age, seen=seen) for one in lists
    ]
    look_up(
        place_of(shown.credential["credentialStatus"], Purpose.REVOCATION), read_lists, Purpose.REVOCATION
    )
    if missing:
        return seen.finding(_V.INCOMPLETE, "; ".join(missing))
    return seen.finding(_V.VALID, "shown to this user for this purpose, not revoked")


def presented(raw: bytes) -> Presented:
    """A presentation whose proofs, holder and disclosures hold (steps 1 to 3, 5, 7). Raises NotAccepted."""
    secured = read(raw, _V.MALFORMED)
    if secured.get("type") != ["VerifiablePresentation", PRESENTATION]:
        raise NotAccepted(_V.MALFORMED, "not a presentation of an asset certificate")
    if secured.get("@context") != context():
        raise NotAccepted(_V.CONTEXT_CHANGED, "the context gives the words another meaning than ours")
    try:
        by_holder = check(secured, purpose=AUTHENTICATION)
    except ProofInvalid as error:
        raise NotAccepted(_V.FORGED, error.detail) from None
    except Malformed as error:
        raise NotAccepted(_V.MALFORMED, error.detail) from None
    within, disclosures = secured.get("verifiableCredential"), secured.get("disclosures")
    if type(within) is not list or len(within) != 1 or type(disclosures) is not list:
        raise NotAccepted(_V.MALFORMED, "one certificate, and what is shown of it")
    credential = _credential(within[0])
    proven = proven_by_issuer(credential, malformed=_V.MALFORMED, forged=_V.FORGED, foreign=_V.ISSUER_FOREIGN)
    holder = credential["credentialSubject"].get("id")
    if not by_holder.did == secured.get("holder") == holder:
        raise NotAccepted(_V.HOLDER_FOREIGN, "shown by another than the holder whom the certificate names")
    named = [secured.get(word) for word in ("user", "purpose", "reference")]
    if not all(type(word) is str for word in named) or by_holder.domain != named[0]:
        raise NotAccepted(_V.MALFORMED, "a presentation names its user, purpose and reference")
    _disclosed(credential["credentialSubject"], disclosures)
    user, purpose, reference = (str(word) for word in named)
    challenge = by_holder.challenge or ""
    return Presented(holder, credential, proven, user, purpose, reference, challenge, disclosures)


def _credential(found: Any) -> dict[str, Any]:
    """What has the form of an AssetCertificate."""
    if type(found) is not dict or found.get("type") != ["VerifiableCredential", TYPE]:
        raise NotAccepted(_V.MALFORMED, "not an AssetCertificate")
    if found.get("@context") != context():
        raise NotAccepted(_V.CONTEXT_CHANGED, "the context gives the words another meaning than ours")
    subject, entries = found.get("credentialSubject"), found.get("credentialStatus")
    if type(subject) is not dict or type(entries) is not list or len(entries) != 1:
        raise NotAccepted(_V.MALFORMED, "one subject, and its place in the status list")
    if type(entries[0]) is not dict or entries[0].get("statusPurpose") != Purpose.REVOCATION.value:
        raise NotAccepted(_V.MALFORMED, "one place, for revocation")
    named = [subject.get(word) for word in ("user", "provider")]
    if not all(type(one) is dict and type(one.get("id")) is str for one in named):
        raise NotAccepted(_V.MALFORMED, "a certificate names its provider and its user")
    return found


def _disclosed(subject: Mapping[str, Any], disclosures: Sequence[Any]) -> None:
    """Each disclosure is one that the certificate has the digest of, and none is there twice."""
    items = subject.get("items")
    certified = [one.get("digest") for one in items if type(one) is dict] if type(items) is list else []
    if not all(type(one) is str for one in certified):
        raise NotAccepted(_V.MALFORMED, "an item of a certificate has the digest of what it discloses")
    found = []
    for one in disclosures:
        if type(one) is not dict or one.keys() != _DISCLOSED:
            raise NotAccepted(_V.MALFORMED, "a disclosure has an item, its period, a salt and a value")
        found.append(digest_of(one))
    if len(set(found)) != len(found) or not set(found) <= set(certified):
        raise NotAccepted(_V.DISCLOSURE_FALSE, "something is shown that the certificate does not say")


def check_asked(shown: Presented, asked: Asked) -> None:
    """It was shown to this user, for this purpose. Raises NotAccepted."""
    subject = shown.credential["credentialSubject"]
    if not shown.user == subject["user"]["id"] == urn(asked.user_id):
        raise NotAccepted(_V.USER_OTHER, f"shown to {shown.user[:100]}, which is another")
    wanted = (asked.purpose, asked.reference or shown.reference)
    if not (shown.purpose, shown.reference) == (subject.get("purpose"), subject.get("reference")) == wanted:
        raise NotAccepted(_V.PURPOSE_OTHER, "authorised for another purpose")
    if asked.challenge is not None and shown.challenge != asked.challenge:
        raise NotAccepted(_V.CHALLENGE_OTHER, "it answers another challenge: an old one shown again")


def _of_its_provider(shown: Presented, pins: Sequence[ProviderPin]) -> None:
    """A provider's key speaks for that provider alone, and only while it was in office."""
    pin = next((pin for pin in pins if pin.did == shown.proven.did), None)
    if pin is None:
        return
    provider = shown.credential["credentialSubject"]["provider"]["id"]
    if pin.org_id is not None and provider != urn(pin.org_id):
        raise NotAccepted(_V.ISSUER_FOREIGN, "signed with another provider's key")
    if pin.until is not None and shown.proven.created >= pin.until:
        raise NotAccepted(_V.ISSUER_RETIRED, f"the issuer's key was retired at {rfc3339(pin.until)}")


def _told(one: Mapping[str, Any]) -> str:
    value = one["value"]
    said = ", ".join(f"{name} {value[name]}" for name in sorted(value)) if type(value) is dict else "-"
    return f"{one['item']}, {one['periodFrom']} to {one['periodTo']}: {said}"


def pins_of(raw: bytes) -> list[ProviderPin]:
    """The providers' keys in a saved `/api/v1/voucher-issuers`. Raises Malformed."""
    listed = read_object(raw).get("issuers")
    if type(listed) is not list or not all(type(one) is dict for one in listed):
        raise Malformed("this names no issuers of asset certificates")
    pins = []
    for one in listed:
        until = one.get("retired_at")
        public_of(str(one.get("did")))
        ends = None if until is None else moment(until)
        pins.append(ProviderPin(one["did"], str(one.get("org_id")), moment(one.get("since")), ends))
    return pins
