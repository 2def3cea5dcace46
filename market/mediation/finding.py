"""The facts of a matching, gathered: what a request asks, and what the listings of its category have."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson
from sqlmodel import col, select

from base.canonical import canonical
from base.db import ReadSession
from brokers.rules import ALL_SECTORS, IN_FORCE
from brokers.tables import CertificateRow
from identity.repository import Organisation, get_organisation
from market.listings.buyers import Buyer, BuyerConditions, buyers_from, check_buyer
from market.listings.conditions import Conditions, conditions_from
from market.listings.errors import BuyerConditionsUnmet
from market.listings.repository import get_listing
from market.listings.states import ListingState
from market.listings.tables import Listing, ListingBuyers, ListingConditions
from market.mediation.matching import VERSION, Asked, Match, Matching, Offering, judge, matching, merged
from market.mediation.rules import MOST_COMPARED, MOST_READ, MOST_REQUESTS
from market.mediation.selecting import candidates
from market.requests.repository import get_request, requests_page, wishes_in
from market.requests.tables import DataRequest
from registry.declared import Frequency
from registry.tables import QualityRow

_REPORTS: Final = 20


@dataclass(frozen=True, slots=True)
class Found:
    """A matching with what it is about. `more` says that listings of the category were left out."""

    request: DataRequest
    result: Matching
    listings: dict[str, Listing]
    budget_told: bool
    more: bool

    @property
    def order(self) -> list[str]:
        """The matches' ids in the one order."""
        return [match.listing_id for match in self.result.matches]

    def document(self) -> dict[str, Any]:
        """The neutral order with every reason: what is digested, and shown."""
        return {
            "rule_version": VERSION,
            "request_id": self.request.request_id,
            "category": self.request.category.value,
            "budget_told": self.budget_told,
            "complete": not self.more,
            "matches": [match.document() for match in self.result.matches],
        }

    def text(self, nonce: str) -> bytes:
        """The canonical document, with a nonce: points may tell of a budget."""
        return canonical(self.document() | {"nonce": nonce})


async def find_matches(s: ReadSession, *, request_id: str, budget_told: bool) -> Found:
    """What matches a request among everything on offer in its category, whoever asks.

    Where the budget is not told, it counts for no listing. Raises RequestUnknown.
    """
    request = await get_request(s, request_id=request_id)
    buyer = await get_organisation(s, org_id=request.buyer_id)
    assert buyer is not None  # a foreign key of the request
    asked = await _asked(s, request, buyer, budget_told=budget_told)
    likely = await candidates(s, request, asked, limit=MOST_READ + 1)
    ids = likely[:MOST_READ]
    result, listings, read = Matching((), ()), dict[str, Listing](), 0
    while read < len(ids) and len(result.matches) < MOST_COMPARED:
        rows = await _rows(s, ids[read : read + MOST_COMPARED])
        read += MOST_COMPARED
        listings |= {row.listing_id: row for row in rows}
        result = merged(result, matching(asked, await _offerings(s, asked, buyer, rows)))
    return Found(
        request=request,
        result=result,
        listings=listings,
        budget_told=budget_told,
        more=len(likely) > min(read, len(ids)),
    )


async def find_requests(s: ReadSession, *, listing_id: str, at: datetime) -> list[tuple[DataRequest, Match]]:
    """The open requests that a listing on offer fits, by the same points and ties; no budget counts.

    Of the newest `MOST_REQUESTS` of its category. Raises ListingUnknown.
    """
    listing = await get_listing(s, listing_id=listing_id)
    if listing.status is not ListingState.LISTED:
        return []
    found = []
    for request in await requests_page(s, category=listing.category, limit=MOST_REQUESTS):
        if request.buyer_id == listing.seller_id or at > request.until:
            continue
        buyer = await get_organisation(s, org_id=request.buyer_id)
        assert buyer is not None  # a foreign key of the request
        asked = await _asked(s, request, buyer, budget_told=False)
        match = judge(asked, (await _offerings(s, asked, buyer, [listing]))[0])
        if match.fits:
            found.append((request, match))
    return sorted(found, key=lambda one: (-one[1].points, one[1].tie))


async def _asked(s: ReadSession, request: DataRequest, buyer: Organisation, *, budget_told: bool) -> Asked:
    return Asked(
        request_id=request.request_id,
        buyer_id=request.buyer_id,
        buyer_place=buyer.region,
        category=request.category,
        geo=request.geo,
        purpose=request.purpose,
        product_type=request.product_type,
        budget_max_minor=request.budget_max_minor if budget_told else None,
        budget_told=budget_told,
        wishes=await wishes_in(s, request_id=request.request_id),
    )


async def _rows(s: ReadSession, ids: Sequence[str]) -> Sequence[Listing]:
    query = select(Listing).where(col(Listing.listing_id).in_(ids), Listing.status == ListingState.LISTED)
    return (await s.exec(query)).all()


async def _offerings(
    s: ReadSession, asked: Asked, buyer: Organisation, rows: Sequence[Listing]
) -> list[Offering]:
    ids = [row.listing_id for row in rows]
    conditions = await _conditions(s, ids)
    buyers = await _buyers(s, ids)
    grade = await _grade(s, asked) if any(one.min_grade is not None for one in buyers.values()) else None
    who = Buyer(
        uscc=buyer.uscc,
        region=buyer.region,
        roles=frozenset(role.value for role in buyer.roles),
        grade=grade,
    )
    wishes = asked.wishes
    measured = await _measured(s, rows) if wishes.fields or wishes.frequency else {}
    found = []
    for row in rows:
        fields, frequency = measured.get(row.listing_id, ((), None))
        found.append(
            Offering(
                listing_id=row.listing_id,
                seller_id=row.seller_id,
                category=row.category,
                geo=row.geo,
                product_type=row.product_type,
                level=row.level,
                licence_class=row.licence_class,
                list_price_minor=row.list_price_minor,
                fields=fields,
                frequency=frequency,
                conditions=conditions.get(row.listing_id, Conditions()),
                for_this_buyer=_is_for(buyers.get(row.listing_id), who),
            )
        )
    return found


async def _conditions(s: ReadSession, ids: Sequence[str]) -> dict[str, Conditions]:
    query = select(ListingConditions).where(col(ListingConditions.listing_id).in_(ids))
    return {row.listing_id: conditions_from(orjson.loads(row.document)) for row in await s.exec(query)}


async def _buyers(s: ReadSession, ids: Sequence[str]) -> dict[str, BuyerConditions]:
    query = select(ListingBuyers).where(col(ListingBuyers.listing_id).in_(ids))
    return {row.listing_id: buyers_from(orjson.loads(row.document)) for row in await s.exec(query)}


def _is_for(conditions: BuyerConditions | None, who: Buyer) -> bool:
    if conditions is None:
        return True
    try:
        check_buyer(conditions, who)
    except BuyerConditionsUnmet:
        return False
    return True


async def _grade(s: ReadSession, asked: Asked) -> int | None:
    """The grade of a certificate of the buyer's that is in force for the category."""
    query = select(CertificateRow).where(
        CertificateRow.org_id == asked.buyer_id, col(CertificateRow.status).in_(IN_FORCE)
    )
    grades = [
        row.grade for row in await s.exec(query) if {ALL_SECTORS, asked.category.value} & set(row.sectors)
    ]
    return min(grades, default=None)


async def _measured(
    s: ReadSession, rows: Sequence[Listing]
) -> dict[str, tuple[tuple[str, ...], Frequency | None]]:
    """The columns and the promised frequency that the report of each listing tells; a few at a time."""
    named = {(row.listing_id, row.report_sha256) for row in rows if row.report_sha256 is not None}
    ids = sorted(listing_id for listing_id, _ in named)
    found = {}
    for start in range(0, len(ids), _REPORTS):
        query = select(
            QualityRow.listing_id, QualityRow.report_sha256, QualityRow.report, QualityRow.preview
        ).where(col(QualityRow.listing_id).in_(ids[start : start + _REPORTS]))
        for listing_id, digest, report, preview in await s.exec(query):
            if (listing_id, digest) in named:
                promised = orjson.loads(report)["declared"].get("update_frequency")
                found[listing_id] = (tuple(preview["header"]), Frequency(promised) if promised else None)
    return found
