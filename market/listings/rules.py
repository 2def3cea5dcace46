"""What may be listed: form, materials, negative list, review, price basis. Pure questions.

The states are in `market.listings.states`, the words of the catalogue in `market.listings.categories`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from base.errors import Malformed
from base.ids import is_id
from identity.rules import parse_region
from market.listings.categories import Category, ProductType
from market.listings.errors import (
    JointReviewNeeded,
    ListingIncomplete,
    ListingMalformed,
    ListingNotOnOffer,
    NegativeListHit,
    PriceBasisMissing,
    ReviewerIsSubmitter,
    ScenarioMissing,
)
from market.listings.states import ListingEvent, ListingState, check_lift, may_move
from pricing.cap import check_cap
from pricing.quote import check_price
from registry.rules import Level, PersonalData, Source, screen, wants_joint_review

__all__ = [
    "MOST_SOURCES",
    "NATIONWIDE",
    "Category",
    "Description",
    "Hit",
    "Level",
    "ListingEvent",
    "ListingState",
    "Materials",
    "PersonalData",
    "PriceBasis",
    "ProductType",
    "Reviewer",
    "Source",
    "check_description",
    "check_lift",
    "check_listed",
    "check_materials",
    "check_negative_list",
    "check_price_basis",
    "check_review",
    "check_sources",
    "may_move",
    "negative_list_hits",
    "parse_category",
    "parse_geo",
    "parse_product_type",
]

NATIONWIDE: Final = "CN"
MAX_TITLE: Final = 120
MAX_TEXT: Final = 4000
MAX_WORD: Final = 60
MAX_QUANTITY: Final = 10**12
MOST_SOURCES: Final = 20
_DIGEST: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
JOINT_REVIEW_MEMBERS: Final = 3


class PriceBasis(StrEnum):
    """What a list price rests on: the market, or the government-guided cap of public data."""

    MARKET = "MARKET"
    GUIDED_CAP = "GUIDED_CAP"


@dataclass(frozen=True, slots=True)
class Description:
    """What a listing says of itself."""

    title: str
    description: str
    scenario: str
    category: str
    geo: str
    product_type: str
    licence_class: str
    unit: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Materials:
    """What the compliance of a listing is judged by.

    `basis_ref` is the registration of the right or the reason why none is needed; `source_text` is what was
    stated of the source, for who reviews it: nothing is judged by it.
    """

    level: Level
    source: Source
    source_statement: bool
    quality_report_sha256: str | None
    basis_ref: str | None
    personal: PersonalData
    public_data: bool = False
    grant_id: str | None = None
    state_secret: bool = False
    ownership_disputed: bool = False
    resale_barred: bool = False
    minors_unconsented: bool = False  # under 14, without the guardian's consent
    source_text: str = ""


@dataclass(frozen=True, slots=True)
class Hit:
    """One entry of the negative list that a product meets."""

    rule_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Reviewer:
    """A person who reviews, and the organisation the person acts for."""

    user_id: str
    org_id: str


def parse_category(text: str) -> Category:
    """The category of the catalogue; raises ListingMalformed for an unknown one."""
    try:
        return Category(text)
    except ValueError:
        raise ListingMalformed("no such category", category=text[:MAX_WORD], known=sorted(Category)) from None


def parse_product_type(text: str) -> ProductType:
    """The product type; raises ListingMalformed for an unknown one."""
    try:
        return ProductType(text)
    except ValueError:
        raise ListingMalformed(
            "no such product type", product_type=text[:MAX_WORD], known=sorted(ProductType)
        ) from None


def parse_geo(text: str) -> str:
    """The geographic market: `CN`, or six digits of GB/T 2260; raises ListingMalformed."""
    if text == NATIONWIDE:
        return text
    try:
        return parse_region(text)
    except Malformed:
        raise ListingMalformed("a market is CN or six digits of GB/T 2260", geo=text[:MAX_WORD]) from None


def check_sources(derived_from: Sequence[str]) -> None:
    """What a product is said to come from: products, data entries, SHA-256 of files, each once, few enough.

    Raises ListingMalformed.
    """
    for source in derived_from:
        named = is_id(source, "prd") or is_id(source, "dat")
        if not named and _DIGEST.fullmatch(source) is None:
            raise ListingMalformed("a source is a product, a data entry, or a SHA-256", source=source)
    if len(derived_from) > MOST_SOURCES or len(set(derived_from)) < len(derived_from):
        raise ListingMalformed("each source is named once", limit=MOST_SOURCES)


def check_description(says: Description) -> None:
    """Form of every member (ListingMalformed), and a scenario of use (ScenarioMissing)."""
    parse_category(says.category)
    parse_product_type(says.product_type)
    parse_geo(says.geo)
    for name, text, limit in (
        ("title", says.title, MAX_TITLE),
        ("description", says.description, MAX_TEXT),
        ("licence_class", says.licence_class, MAX_WORD),
        ("unit", says.unit, MAX_WORD),
    ):
        if not 0 < len(text.strip()) <= limit:
            raise ListingMalformed(f"{name} has 1 to {limit} characters", member=name, length=len(text))
    if not 0 < says.quantity <= MAX_QUANTITY:
        raise ListingMalformed("a quantity is positive and within the limit", quantity=str(says.quantity))
    if not says.scenario.strip():
        raise ScenarioMissing("the listing names no scenario of use")
    if len(says.scenario) > MAX_TEXT:
        raise ListingMalformed(f"scenario has 1 to {MAX_TEXT} characters", member="scenario")


def check_materials(materials: Materials) -> None:
    """The checklist at SUBMIT: source statement, quality report, registration or the reason for none.

    Raises ListingIncomplete with `missing`.
    """
    missing = [
        name
        for name, there in (
            ("source_statement", materials.source_statement),
            ("quality_report", bool(materials.quality_report_sha256)),
            ("registration_or_reason", bool(materials.basis_ref)),
        )
        if not there
    ]
    if missing:
        raise ListingIncomplete("materials are missing", missing=missing)


def negative_list_hits(materials: Materials) -> tuple[Hit, ...]:
    """The entries of the negative list (`rules.md` §2.3.5) that the declared facts meet.

    The registry's screen answers for core, important and personal data (NL2 to NL4); a scan of the
    file is the registry's too. SCREEN_FAIL follows from any hit.
    """
    hits: list[Hit] = []
    if materials.state_secret:
        hits.append(Hit("NL1", "state-secret"))
    for reason in screen(materials.level, (), materials.personal).reasons:
        rule_id, _, why = reason.partition("-")
        hits.append(Hit(rule_id, why))
    if _is_public(materials) and not materials.grant_id:
        hits.append(Hit("NL5", "public-data-without-grant"))
    if materials.source is Source.UNLAWFUL:
        hits.append(Hit("NL6", "unlawful-source"))
    if materials.ownership_disputed:
        hits.append(Hit("NL8", "ownership-disputed"))
    if materials.minors_unconsented:
        hits.append(Hit("NL9", "minors-data"))
    if materials.resale_barred:
        hits.append(Hit("NL11", "barred-upstream"))
    return tuple(hits)


def _is_public(materials: Materials) -> bool:
    return materials.public_data or materials.source in {Source.PUBLIC_DUTY, Source.AUTHORISED_OPERATION}


def check_negative_list(materials: Materials) -> None:
    """Refuse, with NegativeListHit, what the negative list forbids."""
    hits = negative_list_hits(materials)
    if hits:
        raise NegativeListHit(
            "the product is on the negative list", hits=[f"{hit.rule_id}-{hit.reason}" for hit in hits]
        )


def check_review(
    *, submitter: Reviewer, reviewers: Sequence[Reviewer], level: Level, public_data: bool
) -> None:
    """Who approves: nobody of the submitter's, and three different people where it matters more.

    Raises ReviewerIsSubmitter, JointReviewNeeded.
    """
    for reviewer in reviewers:
        if reviewer.user_id == submitter.user_id or reviewer.org_id == submitter.org_id:
            raise ReviewerIsSubmitter("nobody reviews their own submission", reviewer=reviewer.user_id)
    needed = JOINT_REVIEW_MEMBERS if wants_joint_review(level, public_data=public_data) else 1
    members = len({reviewer.user_id for reviewer in reviewers})
    if members < needed:
        raise JointReviewNeeded("more members have to approve", approved=members, needed=needed)


def check_price_basis(
    *, list_price_minor: int | None, public_data: bool, cap_minor: int | None
) -> PriceBasis:
    """The price basis at LIST: a price, and for public data a cap that it keeps.

    Raises PriceBasisMissing, PriceAboveCap, PriceOutOfBounds.
    """
    if list_price_minor is None:
        raise PriceBasisMissing("the listing has no price")
    check_price(list_price_minor)
    if not public_data:
        return PriceBasis.MARKET
    if cap_minor is None:
        raise PriceBasisMissing("public data is listed with its government-guided cap")
    check_cap(list_price_minor, cap_minor)
    return PriceBasis.GUIDED_CAP


def check_listed(status: ListingState, *, listing_id: str) -> None:
    """Refuse an act on a product that is not listed now, with ListingNotOnOffer."""
    if status is not ListingState.LISTED:
        raise ListingNotOnOffer("the product is not listed", listing_id=listing_id, status=status.value)
