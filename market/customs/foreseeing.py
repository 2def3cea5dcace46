"""What customs would decide of a sale, asked before anybody is bound: in negotiation, and before a bid.

It reads and writes nothing. The same rules decide again when the offer is accepted (`service.clear_customs`).
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from base.db import ReadSession
from identity.repository import Organisation, get_organisation
from market.customs import repository
from market.customs.errors import CustomsRouteNotOpen
from market.customs.gate import abroad, open_rows
from market.customs.routing import carries
from market.customs.rules import Decision, DeliveryFacts, Needs, Route, route
from market.customs.selling_on import as_bought
from market.listings.service import materials_of
from market.listings.tables import Listing
from registry.errors import UnclassifiedProduct
from registry.grading.depending import level_of
from registry.rules import Level, rank

TWO_PLACES = "the recipient sits in one place abroad and receives in another"
LOOKED_AT = "customs looks at this flow, or has stopped or refused it before"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """What is sold by whom to whom; `trade_id` is empty where there is no trade yet."""

    seller_id: str
    buyer_id: str
    product_id: str
    listing_id: str
    trade_id: str = ""


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What would be decided now, and under which clearance."""

    decided: Decision
    clearance_id: str | None = None

    @property
    def open(self) -> bool:
        return self.decided.route is not Route.REFUSED

    def document(self) -> dict[str, Any]:
        """As a caller is told it."""
        decided = self.decided
        return {
            "open": self.open,
            "country": decided.country,
            "route": "CLEARED" if self.clearance_id else decided.route.value,
            "rule_id": decided.rule_id,
            "legal_basis": decided.legal_basis,
            "reason": decided.reason,
            "needs": decided.needs.value if decided.needs else None,
            "clearance_id": self.clearance_id,
        }

    def require_open(self) -> None:
        """Raise CustomsRouteNotOpen, with what is needed, for what could not be delivered."""
        if not self.open:
            raise refused(self.decided)


def refused(decided: Decision) -> CustomsRouteNotOpen:
    """The refusal of a sale that could not be delivered: its exporter has to have it cleared."""
    return CustomsRouteNotOpen(
        "its exporter declares this flow and has it cleared before the sale is agreed: " + decided.reason,
        rule=decided.rule_id,
        legal_basis=decided.legal_basis,
        needs=decided.needs.value if decided.needs else "",
        country=decided.country,
    )


def delivery_facts(listing: Listing, *, seller: Organisation, buyer: Organisation) -> DeliveryFacts:
    """What customs asks of a delivery of this listing."""
    materials = materials_of(listing)
    personal = materials.personal.contained and not materials.personal.anonymised
    return DeliveryFacts(
        exporter_region=seller.region,
        recipient_region=buyer.region,
        level=Level(listing.level),
        personal=materials.personal,
        # General-4 is the level of sensitive personal information (`rules.md` §2.5.1).
        sensitive=personal and Level(listing.level) is Level.GENERAL_4,
        state_secret=materials.state_secret,
        exporter_is_ciio=seller.is_ciio,
    )


async def foresee(
    s: ReadSession, *, sale: Sale, listing: Listing, now: datetime, kind: str | None = None
) -> Foreseen:
    """What customs would decide of a sale now, with the kind of delivery that is offered."""
    seller = await get_organisation(s, org_id=sale.seller_id)
    buyer = await get_organisation(s, org_id=sale.buyer_id)
    assert seller is not None
    assert buyer is not None
    facts = delivery_facts(listing, seller=seller, buyer=buyer)
    places = await repository.places_of(s, org_id=sale.buyer_id)
    endpoint = None if places is None else places[1]
    facts = replace(facts, endpoint=endpoint, level=await _held(s, sale, facts.level))
    decided = route(facts)
    if decided.route is Route.DOMESTIC:
        return Foreseen(decided)
    facts, sold_on = await as_bought(s, facts, seller_id=sale.seller_id, product_id=sale.product_id)
    decided = route(facts)
    where = abroad(facts.recipient_region, endpoint)
    try:
        rows = await open_rows(s, trade=sale, recipient_id=sale.buyer_id, places=where, now=now, kind=kind)
    except CustomsRouteNotOpen:
        rows = []
    found = next((row for row in rows if carries(row.way, decided)), None)
    if found is not None:
        told = replace(decided, route=Route.EXEMPT, reason="a clearance of customs lives", needs=None)
        return Foreseen(told, found.declaration_id)
    if decided.route is Route.EXEMPT and len(where) > 1:
        needs = Needs.CONTRACT_OR_CERTIFICATION
        decided = replace(decided, route=Route.REFUSED, reason=TWO_PLACES, needs=needs)
    elif decided.route is Route.EXEMPT and (
        sold_on
        or await repository.contested_before(
            s,
            exporter_id=sale.seller_id,
            recipient_id=sale.buyer_id,
            trade_id=sale.trade_id or None,
            product_id=sale.product_id,
        )
    ):
        decided = replace(decided, route=Route.REFUSED, reason=LOOKED_AT)
    return Foreseen(decided)


async def require_deliverable(
    s: ReadSession, listing: Listing, *, seller_id: str, buyer_id: str, now: datetime
) -> None:
    """Nobody binds itself to what customs has not cleared to it. Raises CustomsRouteNotOpen."""
    sale = Sale(
        seller_id=seller_id,
        buyer_id=buyer_id,
        product_id=listing.product_id,
        listing_id=listing.listing_id,
    )
    (await foresee(s, sale=sale, listing=listing, now=now)).require_open()


async def _held(s: ReadSession, sale: Sale, level: Level) -> Level:
    """The listing's level, or the registry's where that is higher."""
    try:
        held = await level_of(s, object_id=sale.product_id)
    except UnclassifiedProduct:
        return level
    return held if rank(held) > rank(level) else level
