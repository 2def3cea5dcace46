"""A BrokerCertificate before it is signed: W3C Verifiable Credentials Data Model v2.0.

Facts in, a document out. Pure.
What our own words mean stands in the document itself: nothing has to be fetched to read it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from base.clock import rfc3339
from base.credential.status import PURPOSES, V2, Places, status_entry

TYPE: Final = "BrokerCertificate"
TITLE: Final = "数据经纪人资格证书 Data broker certificate"
_VOCABULARY: Final = "urn:databourse:broker:v1#"
_XSD: Final = "http://www.w3.org/2001/XMLSchema#"
_TERMS: Final = (
    "Broker",
    "LedgerEntry",
    "Organisation",
    "Practitioner",
    "annualReviews",
    "authority",
    "brokerType",
    "certificateNumber",
    "conditions",
    "maxLevel",
    "origin",
    "practitionerNumber",
    "practitioners",
    "result",
    "sectors",
    "statement",
    "uscc",
)
_NUMBERS: Final = ("grade", "seq", "year")
_CONTEXT_OF_OURS: Final[Mapping[str, Any]] = {
    TYPE: _VOCABULARY + TYPE,
    **{term: _VOCABULARY + term for term in _TERMS},
    **{term: {"@id": _VOCABULARY + term, "@type": f"{_XSD}integer"} for term in _NUMBERS},
    "crossBorder": {"@id": f"{_VOCABULARY}crossBorder", "@type": f"{_XSD}boolean"},
    "ledgerEntry": {"@id": f"{_VOCABULARY}ledgerEntry", "@type": "@id"},
    "register": {"@id": f"{_VOCABULARY}register", "@type": "@id"},
}


@dataclass(frozen=True, slots=True)
class Practitioner:
    """A certified person who works for the broker: a name and the number of his or her own certificate."""

    name: str
    number: str | None = None


@dataclass(frozen=True, slots=True)
class AnnualReview:
    """How the authority's review of a year ended."""

    year: int
    result: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFacts:
    """A certificate as the register holds it (`rules.md` §2.2.3)."""

    cert_no: str
    org_id: str
    name: str
    uscc: str
    broker_type: str
    grade: int
    sectors: Sequence[str]
    max_level: str
    cross_border: bool
    valid_from: datetime
    valid_to: datetime
    authority_id: str
    authority_name: str
    origin: str
    seq: int
    statement_sha256: str
    practitioners: Sequence[Practitioner] = ()
    annual_reviews: Sequence[AnnualReview] = ()
    conditions: Sequence[str] = ()


def context() -> list[Any]:
    """The `@context` of every BrokerCertificate."""
    return [V2, dict(_CONTEXT_OF_OURS)]


def broker_certificate(
    facts: CertificateFacts, *, url: str, register_url: str, issuer: str, places: Places
) -> dict[str, Any]:
    """A BrokerCertificate without its proof. `issuer` is a `did:key`, `url` its own address."""
    return {
        "@context": context(),
        "id": url,
        "type": ["VerifiableCredential", TYPE],
        "name": TITLE,
        "issuer": issuer,
        "validFrom": rfc3339(facts.valid_from),
        "validUntil": rfc3339(facts.valid_to),
        "credentialSubject": _subject(facts, register_url),
        "credentialStatus": [
            status_entry(places.list_url, purpose, places.of(purpose)) for purpose in PURPOSES
        ],
    }


def _subject(facts: CertificateFacts, register_url: str) -> dict[str, Any]:
    subject: dict[str, Any] = {
        "id": _urn(facts.org_id),
        "type": "Broker",
        "name": facts.name,
        "uscc": facts.uscc,
        "certificateNumber": facts.cert_no,
        "brokerType": facts.broker_type,
        "grade": facts.grade,
        "sectors": list(facts.sectors),
        "maxLevel": facts.max_level,
        "crossBorder": facts.cross_border,
        "authority": {"id": _urn(facts.authority_id), "type": "Organisation", "name": facts.authority_name},
        "ledgerEntry": {
            "type": "LedgerEntry",
            "origin": facts.origin,
            "seq": facts.seq,
            "statement": f"sha256:{facts.statement_sha256}",
        },
        "register": register_url,
    }
    if facts.practitioners:
        subject["practitioners"] = [
            {"type": "Practitioner", "name": one.name}
            | ({"practitionerNumber": one.number} if one.number else {})
            for one in facts.practitioners
        ]
    if facts.annual_reviews:
        subject["annualReviews"] = [{"year": one.year, "result": one.result} for one in facts.annual_reviews]
    if facts.conditions:
        subject["conditions"] = list(facts.conditions)
    return subject


def _urn(org_id: str) -> str:
    return f"urn:databourse:org:{org_id}"
