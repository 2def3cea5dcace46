"""What a listing on offer is sorted by beside its own columns: its tags. Pure, but for `tags_of`.

A tag is a facet and a value: how it can be delivered, for which purposes, in which band of measured quality,
how often it is updated, whether its right is registered. They are written as a listing comes on offer and
deleted as it goes (`market.listings.catalogue`). All but one follow from what does not change in between;
`registered` is as it was when the listing last came on offer, and is renewed when it does so again.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Final

import orjson

from base.db import ReadSession
from market.listings.categories import ProductType
from market.listings.conditions import Purpose
from market.listings.repository import conditions_of, sandbox_of
from market.listings.tables import Listing
from registry.declared import Frequency
from registry.repository import latest_report, right_held
from registry.rules import Right


class Delivery(StrEnum):
    """How a buyer can get at the data."""

    FILE = "file"
    SHARE = "share"
    API = "api"
    QUERY = "query"


class Grade(StrEnum):
    """Bands of the measured quality, of 100 points; below 70 nothing is on offer."""

    FROM_90 = "90-up"
    FROM_80 = "80-90"
    FROM_70 = "70-80"


_FROM_TENTHS: Final = {Grade.FROM_90: 900, Grade.FROM_80: 800, Grade.FROM_70: 0}
REGISTERED: Final = "yes"
TAGS: Final[Mapping[str, tuple[str, ...]]] = {
    "delivery": tuple(Delivery),
    "purpose": tuple(Purpose),
    "grade": tuple(Grade),
    "frequency": tuple(Frequency),
    "registered": (REGISTERED,),
}
"""Every facet with its values, in the order in which they are shown."""
# As `market.orders.handover.modes_of` has it (a test compares): every product has a file.
_DELIVERED: Final[Mapping[ProductType, tuple[Delivery, ...]]] = {
    ProductType.DATASET: (Delivery.FILE, Delivery.SHARE, Delivery.API),
    ProductType.API: (Delivery.FILE, Delivery.API),
    ProductType.PRIVACY: (Delivery.FILE, Delivery.QUERY),
}


def delivered(product_type: ProductType, *, answers: bool) -> tuple[Delivery, ...]:
    """The ways of a type of product; `answers`: questions are taken where its table stays."""
    ways = _DELIVERED.get(product_type, (Delivery.FILE,))
    return tuple(dict.fromkeys((*ways, Delivery.QUERY))) if answers else ways


def grade_of(score_tenths: int) -> Grade:
    """The band of a score in tenths of a point."""
    return next(grade for grade, least in _FROM_TENTHS.items() if score_tenths >= least)


def tags_from(
    product_type: ProductType,
    *,
    answers: bool,
    purposes: Iterable[Purpose],
    score_tenths: int | None,
    frequency: str | None,
    registered: bool,
) -> list[tuple[str, str]]:
    """The tags, facet and value, in one order for everybody."""
    tags = [("delivery", way.value) for way in delivered(product_type, answers=answers)]
    tags += [("purpose", purpose.value) for purpose in purposes]
    tags += [] if score_tenths is None else [("grade", grade_of(score_tenths).value)]
    tags += [("frequency", frequency)] if frequency else []
    tags += [("registered", REGISTERED)] if registered else []
    return sorted(tags)


async def tags_of(s: ReadSession, listing: Listing) -> list[tuple[str, str]]:
    """The tags of a listing as it stands now."""
    report = await latest_report(s, listing_id=listing.listing_id)
    held = await right_held(
        s, product_id=listing.product_id, holder_id=listing.seller_id, right=Right.OPERATE
    )
    return tags_from(
        listing.product_type,
        answers=await sandbox_of(s, listing_id=listing.listing_id) is not None,
        purposes=(await conditions_of(s, listing_id=listing.listing_id)).purposes,
        score_tenths=None if report is None else report.score_tenths,
        frequency=None if report is None else _promised(orjson.loads(report.report)),
        registered=held is not None and held.registration_id is not None,
    )


def _promised(report: Mapping[str, Any]) -> str | None:
    """The frequency that a report's declaration promises."""
    promised = (report.get("declared") or {}).get("update_frequency")
    return str(Frequency(promised)) if promised else None
