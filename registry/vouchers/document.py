"""An asset certificate as a W3C Verifiable Credential, and its presentation to one user. Pure.

The credential names each item by the digest of its salted disclosure and has no value in it. The wallet keeps
the disclosures; a presentation brings those that the holder shows, signed by the holder's key for one user,
one purpose and one challenge. So a copy that leaks is of no use to another, and what was not shown
stays unknown even to the user. Data Model v2.0, `eddsa-jcs-2022`; what our own words mean stands in the
document itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from base.canonical import canonical, sha256_hex
from base.clock import rfc3339
from base.credential.status import V2, Purpose, status_entry
from registry.vouchers.rules import SubjectKind

TYPE: Final = "AssetCertificate"
PRESENTATION: Final = "AssetCertificatePresentation"
TITLE: Final = "公共数据资产凭证 Public-data asset certificate"
RIGHTS: Final = ("USE_FOR_PURPOSE_ONLY", "NO_TRANSFER", "NO_OPERATION")
"""The rights statement: the user may use what is told for the purpose, and neither pass it on nor sell it."""
_VOCABULARY: Final = "urn:databourse:asset-certificate:v1#"
_XSD: Final = "http://www.w3.org/2001/XMLSchema#"
_TERMS: Final = (
    "CertifiedItem",
    "DataSubject",
    "LedgerEntry",
    "Organisation",
    "Person",
    "authorisation",
    "certificateType",
    "dataDigest",
    "department",
    "digest",
    "disclosures",
    "item",
    "items",
    "level",
    "mode",
    "of",
    "origin",
    "periodFrom",
    "periodTo",
    "provider",
    "pseudonym",
    "purpose",
    "reference",
    "rights",
    "salt",
    "scenario",
    "statement",
    "uscc",
    "user",
    "value",
)
_NUMBERS: Final = ("maxUses", "qualityTenths")
_CONTEXT_OF_OURS: Final[Mapping[str, Any]] = {
    TYPE: _VOCABULARY + TYPE,
    PRESENTATION: _VOCABULARY + PRESENTATION,
    **{word: _VOCABULARY + word for word in _TERMS},
    **{word: {"@id": _VOCABULARY + word, "@type": f"{_XSD}integer"} for word in _NUMBERS},
}


@dataclass(frozen=True, slots=True)
class Party:
    """An organisation as a certificate names it."""

    org_id: str
    name: str
    uscc: str

    def document(self) -> dict[str, Any]:
        return {"id": urn(self.org_id), "type": "Organisation", "name": self.name, "uscc": self.uscc}


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What is told of one item, with the salt that hides it behind its digest."""

    item: str
    period_from: str
    period_to: str
    salt: str
    value: Mapping[str, Any]

    def document(self) -> dict[str, Any]:
        return {
            "item": self.item,
            "periodFrom": self.period_from,
            "periodTo": self.period_to,
            "salt": self.salt,
            "value": dict(self.value),
        }


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """An item beside its disclosure: which department has it, and its level."""

    disclosure: Disclosure
    department: str
    level: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VoucherFacts:
    """A certificate as the registry has it (`rules.md` §2.3.4)."""

    voucher_id: str
    type_code: str
    scenario: str
    mode: str
    subject_kind: SubjectKind
    subject: Party | str  # a person is a pseudonym
    provider: Party
    user: Party
    purpose: str
    reference: str
    holder_did: str
    origin: str
    authorisation_sha256: str
    data_sha256: str
    quality_tenths: int
    max_uses: int
    valid_from: datetime
    valid_to: datetime
    items: Sequence[ItemFacts]


def context() -> list[Any]:
    """The `@context` of every certificate and every presentation."""
    return [V2, dict(_CONTEXT_OF_OURS)]


def urn(org_id: str) -> str:
    """How a member is named in a document; a presentation's `domain` is its user's."""
    return f"urn:databourse:org:{org_id}"


def digest_of(disclosure: Mapping[str, Any]) -> str:
    """The digest by which a credential names a disclosure."""
    return f"sha256:{sha256_hex(canonical(dict(disclosure)))}"


def data_digest(data: Any, nonce: str) -> str:
    """SHA-256 of the canonical data with a nonce of 64 hex digits: all of it that leaves its provider."""
    return sha256_hex(canonical({"data": data, "nonce": nonce}))


def asset_certificate(
    facts: VoucherFacts, *, url: str, issuer: str, list_url: str, place: int
) -> dict[str, Any]:
    """An AssetCertificate without its proof. `issuer` is the provider's `did:key`, `url` its own address."""
    subject = facts.subject.document() if isinstance(facts.subject, Party) else _person(facts.subject)
    return {
        "@context": context(),
        "id": url,
        "type": ["VerifiableCredential", TYPE],
        "name": TITLE,
        "issuer": issuer,
        "validFrom": rfc3339(facts.valid_from),
        "validUntil": rfc3339(facts.valid_to),
        "credentialSubject": {
            "id": facts.holder_did,
            "type": "DataSubject",
            "of": subject,
            "provider": facts.provider.document(),
            "user": facts.user.document(),
            "certificateType": facts.type_code,
            "scenario": facts.scenario,
            "mode": facts.mode,
            "purpose": facts.purpose,
            "reference": facts.reference,
            "maxUses": facts.max_uses,
            "qualityTenths": facts.quality_tenths,
            "rights": list(RIGHTS),
            "dataDigest": f"sha256:{facts.data_sha256}",
            "authorisation": {
                "type": "LedgerEntry",
                "origin": facts.origin,
                "statement": f"sha256:{facts.authorisation_sha256}",
            },
            "items": [_item(one) for one in facts.items],
        },
        "credentialStatus": [status_entry(list_url, Purpose.REVOCATION, place)],
    }


def _person(pseudonym: str) -> dict[str, Any]:
    return {"type": "Person", "pseudonym": pseudonym}


def _item(one: ItemFacts) -> dict[str, Any]:
    told = one.disclosure
    return {
        "type": "CertifiedItem",
        "item": told.item,
        "periodFrom": told.period_from,
        "periodTo": told.period_to,
        "department": one.department,
        "level": one.level,
        "digest": digest_of(told.document()),
    }


def presentation(
    credential: Mapping[str, Any], disclosures: Sequence[Mapping[str, Any]], *, holder_did: str
) -> dict[str, Any]:
    """A presentation without its proof: the credential, and what the holder shows of it."""
    subject = credential["credentialSubject"]
    return {
        "@context": context(),
        "type": ["VerifiablePresentation", PRESENTATION],
        "holder": holder_did,
        "user": subject["user"]["id"],
        "purpose": subject["purpose"],
        "reference": subject["reference"],
        "verifiableCredential": [dict(credential)],
        "disclosures": [dict(one) for one in disclosures],
    }
