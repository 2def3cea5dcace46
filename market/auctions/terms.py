"""What the winners of an auction get beside the price: told when it opens, the same for all of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from base.canonical import canonical
from base.db import ReadSession
from market.auctions.tables import Auction, AuctionBid
from market.listings.repository import conditions_of
from market.listings.tables import Listing
from market.orders.acceptance import AcceptanceTerms, acceptance_of_text, agreed_acceptance
from market.orders.bounding import usual_scope
from market.orders.handover import DeliveryMode, Handover, agreed_handover
from market.orders.parting import require_part
from market.orders.parts import WHOLE, view_from
from market.orders.rules import check_terms
from market.orders.scope import LicenceScope, check_within, scope_from, territory_of
from market.orders.statements import OfferTerms
from market.orders.tables import Trade

COUNTRY: Final = "CN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """What a seller puts up; what is left open is the listing's usual."""

    term_months: int
    territory: str = COUNTRY
    licence_class: str | None = None
    scope: LicenceScope | None = None
    delivery: Handover | None = None
    acceptance: AcceptanceTerms | None = None


async def whole(s: ReadSession, listing: Listing, goods: Goods) -> dict[str, Any]:
    """The goods with what they leave open filled in, as a document.

    Whether they fit a bidder is asked when it bids. Raises OfferMalformed, DeliveryModeNotAllowed, and what
    `market.orders.scope.check_within` raises.
    """
    check_terms(quantity=listing.quantity, term_months=goods.term_months)
    scope = goods.scope or await usual_scope(s, listing_id=listing.listing_id)
    places = territory_of(goods.territory)
    check_within(
        scope,
        await conditions_of(s, listing_id=listing.listing_id),
        territory=goods.territory,
        term_months=goods.term_months,
        buyer_place=places[0] if places else COUNTRY,
    )
    delivery = agreed_handover(goods.delivery, listing.product_type)
    await require_part(s, listing, delivery.part)
    acceptance = agreed_acceptance(goods.acceptance, listing.product_type, listing.quantity)
    return {
        "quantity": listing.quantity,
        "unit": listing.unit,
        "licence_class": goods.licence_class or listing.licence_class,
        "term_months": goods.term_months,
        "territory": goods.territory,
        "scope": scope.document(),
        "delivery": delivery.document(),
        "acceptance": acceptance.document(),
    }


def terms_at(auction: Auction, *, price_minor: int, purpose: str, expires_at: datetime) -> OfferTerms:
    """The goods of an auction at a price, as the terms of an offer."""
    said = terms_document(auction)
    return OfferTerms(
        price_minor=price_minor,
        quantity=said["quantity"],
        unit=said["unit"],
        licence_class=said["licence_class"],
        term_months=said["term_months"],
        purpose=purpose,
        territory=said["territory"],
        expires_at=expires_at,
        scope=scope_from(said["scope"]),
        delivery=_handover(said["delivery"]),
        acceptance=acceptance_of_text(canonical(said["acceptance"]).decode()),
    )


def _handover(said: Mapping[str, Any]) -> Handover:
    part = view_from(said["part"]) if "part" in said else WHOLE
    return Handover(DeliveryMode(said["mode"]), said["days"], part)


def terms_document(auction: Auction) -> dict[str, Any]:
    """What is put up, as `whole` made it."""
    said: dict[str, Any] = orjson.loads(auction.terms)
    return said


def scope_of(auction: Auction) -> LicenceScope:
    """What the winners may do."""
    return scope_from(terms_document(auction)["scope"])


def prospective(auction: Auction, listing: Listing, bid: AuctionBid, **agreed: Any) -> Trade:
    """The trade that a bid becomes where it wins: not stored. Of its status it says nothing yet."""
    said = terms_document(auction)
    return Trade(
        trade_id=agreed.pop("trade_id", ""),
        listing_id=auction.listing_id,
        product_id=auction.product_id,
        seller_id=auction.seller_id,
        buyer_id=bid.bidder_id,
        broker_id=bid.broker_id,
        broker_side=bid.broker_side,
        mandate_id=bid.mandate_id,
        category=listing.category,
        geo=listing.geo,
        level=listing.level,
        purpose=bid.purpose,
        scenario=bid.scenario,
        quantity=said["quantity"],
        unit=said["unit"],
        licence_class=said["licence_class"],
        **agreed,
    )
