"""A listing and the level of what it offers: what the registry is told, what it answers, what that stops.

The level of a product is the registry's (`registry.grading`): the highest of what was declared, scanned,
decided, inherited and notified as important. Here a listing tells it its file, its words and what it was made
of, and asks what personal data and base libraries need before it is offered.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlmodel import col, select

from base.db import WriteSession
from base.ids import is_id
from ledger.recording import Act
from market.listings import repository
from market.listings.categories import Category
from market.listings.errors import ListingMalformed
from market.listings.materials import Compliance, materials_of_kept
from market.listings.moving import tell_graded
from market.listings.rules import ListingState, Materials, negative_list_hits
from market.listings.tables import Listing, ListingFile
from registry.grading.citing import Use, declared_only, require_records
from registry.grading.comparing import foreseen, require_decided
from registry.grading.depending import require_reviewed
from registry.grading.describing import basis_sources, entry_of, note_draft, note_sources, require_not_raw
from registry.grading.raising import ancestors_of
from registry.grading.repository import grade_of
from registry.grading.rules import effective
from registry.grading.scanning import take_others, take_scan
from registry.grading.templates import Made
from registry.report import Report, parse_report
from registry.repository import classification_of, latest_report
from registry.rules import Level, PersonalData, Source, graded, screen
from registry.service import classify
from registry.tables import ClassificationRow, QualityRow

_SECTORS: Final[Mapping[Category, str]] = {
    Category.AGRICULTURE: "A",
    Category.COMMERCE: "F",
    Category.CULTURE_TOURISM: "R",
    Category.E_COMMERCE: "F",
    Category.EDUCATION: "P",
    Category.ENERGY: "D",
    Category.ENVIRONMENT: "N",
    Category.EQUIPMENT: "C",
    Category.FINANCE: "J",
    Category.GEOGRAPHY: "M",
    Category.HEALTH: "Q",
    Category.INDUSTRY: "C",
    Category.LOGISTICS: "G",
    Category.METEOROLOGY: "M",
    Category.POPULATION: "S",
    Category.TELECOM: "I",
    Category.TRANSPORT: "G",
}
ABOVE_KNOWN: Final = "LVL-above-known-product"
"""What another holder brings of a product shows or says more than is known of it: a product of its own."""


def sector_of(category: Category) -> str:
    """The section of GB/T 4754 that a category of the catalogue is of."""
    return _SECTORS[category]


async def require_sources(
    s: WriteSession, *, derived_from: Collection[str], product_id: str, file: ListingFile
) -> None:
    """What a product is said to come from is known, and not the product itself. Raises ListingMalformed."""
    if {product_id, file.sha256} & set(derived_from):
        raise ListingMalformed("a product is not made from itself", product_id=product_id)
    for source in derived_from:
        if is_id(source, "prd"):
            await repository.get_product(s, product_id=source)
        elif is_id(source, "dat") and await entry_of(s, data_id=source) is None:
            raise ListingMalformed("no such data entry", source=source)


async def tell_drafted(s: WriteSession, act: Act, listing: Listing, derived_from: Collection[str]) -> None:
    """The registry learns of a product that is drafted: from now on it can be graded."""
    await note_draft(
        s,
        act,
        object_id=listing.product_id,
        holder_id=listing.seller_id,
        level=listing.level,
        words=_words(listing),
        sector=sector_of(listing.category),
        sources=derived_from,
    )


async def require_compliant(
    s: WriteSession,
    act: Act,
    listing: Listing,
    *,
    compliance: Compliance,
    materials: Materials,
    row: QualityRow,
) -> None:
    """What is submitted is no base library as it is, and its records carry what the listing lets be done.

    Raises BaseLibraryRaw, ConsentMissing, AssessmentMissing.
    """
    report = parse_report(row.report)
    facts = compliance.source_facts
    numbers = (compliance.basis_ref, facts.public_registration_no)
    cited = await basis_sources(s, numbers=numbers)
    await note_sources(s, act, object_id=listing.product_id, sources=cited)
    await require_not_raw(
        s,
        made=Made(
            transformed=compliance.source is Source.AUTHORISED_OPERATION
            or (compliance.source is Source.DERIVED and facts.substantially_changed),
            file_sha256=report.file_sha256,
            fields=frozenset(report.header),
        ),
        sources=await ancestors_of(s, object_id=listing.product_id),
    )
    conditions = await repository.conditions_of(s, listing_id=listing.listing_id)
    await require_cited(
        s,
        listing,
        materials.personal,
        now=act.now,
        purposes=conditions.purposes,
        file_sha256=report.file_sha256,
    )


async def grade_listing(
    s: WriteSession, act: Act, listing: Listing, *, materials: Materials, row: QualityRow
) -> tuple[ClassificationRow, tuple[str, ...]]:
    """Grade a product by its file, beside people, lineage and catalogue; answers what else blocks it.

    Personal data is general-3 at least, whether scanned or only declared, and consent and impact assessment
    have to rest on records. Where other listings of the product were submitted, nothing that they showed is
    taken away, and what is blocked here leaves the product as it is. What another than the product's holder
    submits moves no level: what shows or says more than is known is blocked, and asked of the officers.
    """
    report = parse_report(row.report)
    others = await _others(s, listing)
    known = await grade_of(s, object_id=listing.product_id)
    if materials.personal.contained and not materials.personal.anonymised:
        materials = replace(materials, level=effective(materials.level, Level.GENERAL_3))
    if known is not None and known.holder_id != listing.seller_id:
        return await _of_another(s, act, listing, materials, report=report, known=known.level)
    declared, shown = materials.level, graded(Level.GENERAL_1, report.hints)
    fields = set(report.header)
    if others and known is not None:
        refused = await _blocked(s, listing, materials, report, known.level)
        if refused is not None:
            return refused, _loose(refused.level, materials.personal)
        declared = effective(declared, known.declared)
        shown = effective(shown, *(graded(Level.GENERAL_1, one.hints) for one in others))
        fields |= {name for one in others for name in one.header}
        files = {one.file_sha256 for one in others} - {report.file_sha256}
        await note_sources(s, act, object_id=listing.product_id, sources=files)
    await take_scan(
        s,
        act,
        object_id=listing.product_id,
        holder_id=listing.seller_id,
        level=shown,
        hints=report.hints,
        file_sha256=report.file_sha256,
        fields=sorted(fields),
        said=materials.level,
        declared=declared,
        words=_words(listing),
        sector=sector_of(listing.category),
    )
    found = await classify(
        s,
        act,
        product_id=listing.product_id,
        declared_level=declared,
        hints=report.hints,
        personal=materials.personal,
    )
    await tell_graded(s, act, listing)
    return found, _loose(found.level, materials.personal)


async def _of_another(
    s: WriteSession, act: Act, listing: Listing, materials: Materials, *, report: Report, known: Level
) -> tuple[ClassificationRow, tuple[str, ...]]:
    """The submission of another than the product's holder: at the product's level, or blocked."""
    refused = await _blocked(s, listing, materials, report, known)
    if refused is not None:
        return refused, _loose(refused.level, materials.personal)
    more = await take_others(
        s,
        act,
        object_id=listing.product_id,
        holder_id=listing.seller_id,
        file_sha256=report.file_sha256,
        hints=report.hints,
        said=materials.level,
        known=known,
    )
    if more:
        level = graded(materials.level, report.hints)
        return _seen(listing, materials, level, (ABOVE_KNOWN,)), ()
    row = await classification_of(s, product_id=listing.product_id)
    return row or await classify(
        s,
        act,
        product_id=listing.product_id,
        declared_level=known,
        hints=report.hints,
        personal=materials.personal,
    ), ()


def _loose(level: Level, personal: PersonalData) -> tuple[str, ...]:
    """What is declared where a record is wanted: a word asks for the same records as what was scanned."""
    return tuple(
        f"NL4-{name.replace('_', '-')}-without-record" for name in sorted(declared_only(level, personal))
    )


async def _others(s: WriteSession, listing: Listing) -> list[Report]:
    """What the files of the product's other listings showed, of those that were taken for review."""
    aside = col(Listing.status).not_in([ListingState.DRAFT, ListingState.BLOCKED, ListingState.REJECTED])
    query = select(Listing.listing_id).where(Listing.product_id == listing.product_id, aside)
    query = query.where(Listing.listing_id != listing.listing_id).order_by(col(Listing.listing_id))
    found = [await latest_report(s, listing_id=one) for one in (await s.exec(query)).all()]
    return [parse_report(one.report) for one in found if one is not None]


async def _blocked(
    s: WriteSession, listing: Listing, materials: Materials, report: Report, known: Level
) -> ClassificationRow | None:
    """What would block the listing, as it would be graded; None where nothing does. Nothing is written."""
    levels = await foreseen(
        s,
        object_id=listing.product_id,
        file_sha256=report.file_sha256,
        sector=sector_of(listing.category),
        words=_words(listing),
        fields=report.header,
    )
    level = effective(materials.level, graded(Level.GENERAL_1, report.hints), known, *levels)
    outcome = screen(level, report.hints, materials.personal)
    hits = negative_list_hits(replace(materials, level=level))
    if outcome.passed and not hits and not _loose(level, materials.personal):
        return None
    return _seen(listing, materials, level, outcome.reasons)


def _seen(listing: Listing, materials: Materials, level: Level, reasons: Sequence[str]) -> ClassificationRow:
    """A listing as it is judged by itself; it is not kept as the product's."""
    return ClassificationRow(
        product_id=listing.product_id,
        declared_level=materials.level,
        level=level,
        personal={},
        hints=[],
        passed=not reasons,
        reasons=list(reasons),
        classified_by=listing.seller_id,
        classified_at=listing.drafted_at,
    )


async def require_cited(
    s: WriteSession,
    listing: Listing,
    personal: PersonalData | None = None,
    *,
    now: datetime | None = None,
    until: datetime | None = None,
    purposes: Collection[str] = (),
    recipients: Collection[str] = (),
    file_sha256: str | None = None,
) -> None:
    """The records that a listing cites stand and carry this, share-locked; it costs nothing without any.

    With personal data an impact assessment and a security review of this file stand as well (R78).

    Raises ConsentMissing, AssessmentMissing.
    """
    kept = personal is None  # what is submitted without citing one is blocked by the screen
    if personal is None:
        if not listing.materials:
            return
        personal = materials_of_kept(listing.materials).personal
    use = Use(
        object_id=listing.product_id,
        holder_id=listing.seller_id,
        level=Level(listing.level),
        now=now,
        until=until,
        purposes=purposes,
        recipients=recipients,
    )
    await require_records(s, personal, use)
    if personal.contained and not personal.anonymised and (kept or personal.assessment_id is not None):
        if file_sha256 is None:
            file_sha256 = (await repository.get_file(s, file_id=listing.file_id)).sha256
        await require_reviewed(
            s,
            object_id=listing.product_id,
            holder_id=listing.seller_id,
            use="LISTING",
            now=now,
            purposes=purposes,
            recipients=recipients,
            file_sha256=file_sha256,
        )


async def require_compared(s: WriteSession, listing: Listing) -> None:
    """Nobody has yet to say whether the product is important data. Raises ImportantDataUndecided."""
    await require_decided(s, object_id=listing.product_id)


async def take_level(s: WriteSession, *, product_id: str) -> None:
    """The listings of a product that have been submitted say the level that it has now."""
    row = await classification_of(s, product_id=product_id)
    if row is None:
        return
    submitted = col(Listing.status).not_in([ListingState.DRAFT, ListingState.REJECTED, ListingState.DELISTED])
    for listing in await s.exec(select(Listing).where(Listing.product_id == product_id, submitted)):
        if listing.level is not row.level:
            listing.level = row.level
            listing.materials = {**listing.materials, "level": row.level.value}
            s.add(listing)
    await s.flush()


def _words(listing: Listing) -> str:
    return f"{listing.title}\n{listing.description}\n{listing.scenario}"
