"""What is declared for a listing's compliance: as the provider brings it, as it is kept, as rules take it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from base.canonical import sha256_hex
from market.listings.errors import ListingMalformed
from market.listings.rules import Materials
from registry.rules import Level, PersonalData, Right, Source, SourceFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Compliance:
    """What a provider declares at SUBMIT, beside what the registry knows of product and file.

    `source_statement_sha256` digests the source statement with its proofs; `source_text` is that statement,
    or the same digest where a document holds it, and is kept for who reviews the listing; `basis_ref` is the
    registration of the right (产权登记) or the reason why none is needed. The four flags answer for entries
    of the negative list (NL1, NL8, NL9, NL11).
    """

    source: Source
    source_statement_sha256: str | None
    basis_ref: str | None
    source_facts: SourceFacts = field(default_factory=SourceFacts)
    rights: frozenset[Right] = frozenset({Right.OPERATE})
    personal: PersonalData = field(default_factory=PersonalData)
    state_secret: bool = False
    ownership_disputed: bool = False
    resale_barred: bool = False
    minors_unconsented: bool = False
    source_text: str = ""


def materials_from(
    declared: Compliance,
    *,
    level: Level,
    public_data: bool,
    grant_id: str | None,
    quality_report_sha256: str | None,
) -> Materials:
    """The materials of a listing as its rules take them. Raises ListingMalformed."""
    text, stated = declared.source_text, declared.source_statement_sha256
    if text and stated not in {text.lower(), sha256_hex(text.encode())}:
        raise ListingMalformed("this digest is of another source statement", member="source_text")
    return Materials(
        level=level,
        source=declared.source,
        source_statement=declared.source_statement_sha256 is not None,
        quality_report_sha256=quality_report_sha256,
        basis_ref=declared.basis_ref,
        personal=declared.personal,
        public_data=public_data,
        grant_id=grant_id,
        state_secret=declared.state_secret,
        ownership_disputed=declared.ownership_disputed,
        resale_barred=declared.resale_barred,
        minors_unconsented=declared.minors_unconsented,
        source_text=text,
    )


def kept(materials: Materials) -> dict[str, Any]:
    """Materials as JSON; enums are their values."""
    return asdict(materials)


def materials_of_kept(document: Mapping[str, Any]) -> Materials:
    """The reverse of `kept`."""
    members = {member.name: document[member.name] for member in fields(Materials) if member.name in document}
    members["level"] = Level(members["level"])
    members["source"] = Source(members["source"])
    members["personal"] = PersonalData(**members["personal"])
    return Materials(**members)
