"""Is this broker certified, now? From bytes alone: no database, no network, no key fetched by whoever checks.

The plan:
1. read the credential strictly (bounded, no member twice, whole numbers);
2. its form: one BrokerCertificate of ours, its context word for word the one that we sign;
3. its proof holds, by the `did:key` that it names as issuer;
4. that issuer is a pinned one, in office now, and was when it signed;
5. the moment lies within the validity;
6. of each purpose, the status list that the credential names: read, proven, by the same issuer, fresh;
7. its bits at the credential's two places: revoked before suspended.
The first thing that is wrong is the verdict. Where nothing is wrong and something was not looked at, the
verdict says that, and never `valid`. Pure.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

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
from base.credential.status import PURPOSES
from base.credential.verdicts import NotAccepted, Verdict
from brokers.credential.document import TYPE, context

_V = Verdict


def verify(
    credential: bytes,
    lists: Sequence[bytes],
    pins: Sequence[Pin] | None,
    *,
    at: datetime,
    max_age: timedelta | None = None,
) -> Finding:
    """What to think of a credential at a moment, with these status lists and these issuers known.

    `pins` None: no issuer is known, which leaves the verdict incomplete. `max_age` asks for a list not
    older than that, where its own validity is longer. Never raises for what is in the bytes.
    """
    seen = Seen()
    try:
        return _verify(credential, lists, pins, at=at, max_age=max_age, seen=seen)
    except NotAccepted as no:
        return seen.finding(no.verdict, no.detail)


def _verify(
    raw: bytes,
    lists: Sequence[bytes],
    pins: Sequence[Pin] | None,
    *,
    at: datetime,
    max_age: timedelta | None,
    seen: Seen,
) -> Finding:
    secured = read(raw, _V.MALFORMED)
    begins, ends = _certificate_form(secured)
    proven = proven_by_issuer(secured, malformed=_V.MALFORMED, forged=_V.FORGED, foreign=_V.ISSUER_FOREIGN)
    missing = [] if in_office(proven, pins, foreign=_V.ISSUER_FOREIGN) else ["the issuer is not pinned"]
    seen.subject, seen.valid_until = secured["credentialSubject"], rfc3339(ends)
    if at < begins:
        raise NotAccepted(_V.NOT_YET_VALID, f"valid from {rfc3339(begins)}")
    if at >= ends:
        raise NotAccepted(_V.EXPIRED, f"valid until {rfc3339(ends)}")
    if not lists:
        return seen.finding(_V.INCOMPLETE, "; ".join([*missing, "no status list was looked at"]))
    known = [known_list(one, proven.did, pins, at=at, max_age=max_age, seen=seen) for one in lists]
    for purpose in PURPOSES:
        look_up(place_of(secured["credentialStatus"], purpose), known, purpose)
    if missing:
        return seen.finding(_V.INCOMPLETE, "; ".join(missing))
    return seen.finding(_V.VALID, "certified, neither revoked nor suspended")


def _certificate_form(secured: Mapping[str, Any]) -> tuple[datetime, datetime]:
    """The validity of what has the form of a BrokerCertificate."""
    if secured.get("type") != ["VerifiableCredential", TYPE]:
        raise NotAccepted(_V.MALFORMED, "not a BrokerCertificate")
    if secured.get("@context") != context():
        raise NotAccepted(_V.CONTEXT_CHANGED, "the context gives the words another meaning than ours")
    subject, entries = secured.get("credentialSubject"), secured.get("credentialStatus")
    if type(subject) is not dict or type(entries) is not list:
        raise NotAccepted(_V.MALFORMED, "one subject, and its places in the status list")
    named = [entry.get("statusPurpose") if type(entry) is dict else None for entry in entries]
    if named != [purpose.value for purpose in PURPOSES]:
        raise NotAccepted(_V.MALFORMED, "one place for revocation and one for suspension")
    return validity(secured, _V.MALFORMED)
