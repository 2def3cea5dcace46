"""How a trade's steps are stated: who and what it is about, and what of an offer stays private."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from base.clock import rfc3339
from ledger.statement import Draft
from market.orders.acceptance import AcceptanceTerms, acceptance_of_text
from market.orders.deadlines import DELIVER_WORKING_DAYS
from market.orders.handover import DeliveryMode, Handover
from market.orders.parts import text_of, view_of_text
from market.orders.repository import Claimed
from market.orders.rules import Side, TradeEvent, TradeState
from market.orders.scope import LicenceScope, scope_of_text
from market.orders.tables import Offer, Trade
from pricing.whole import WholePrice


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferTerms:
    """The terms of one offer. `price_minor` is the whole price in fen, tax and fees included.

    What `scope`, `delivery` and `acceptance` leave open is the listing's usual (`market.orders.offering`).
    """

    price_minor: int
    quantity: int
    unit: str
    licence_class: str
    term_months: int
    purpose: str
    territory: str
    expires_at: datetime
    scope: LicenceScope | None = None
    delivery: Handover | None = None
    acceptance: AcceptanceTerms | None = None

    def document(self) -> dict[str, Any]:
        """As the opening of an offer says them."""
        given = {
            "price_minor": str(self.price_minor),
            "quantity": self.quantity,
            "unit": self.unit,
            "licence_class": self.licence_class,
            "term_months": self.term_months,
            "purpose": self.purpose,
            "territory": self.territory,
            "expires_at": rfc3339(self.expires_at),
        }
        more = {"scope": self.scope, "delivery": self.delivery, "acceptance": self.acceptance}
        return given | {name: terms.document() for name, terms in more.items() if terms is not None}


def offer_of(
    trade: Trade,
    terms: OfferTerms,
    *,
    by_org: str,
    side: Side,
    made_at: datetime,
    commission_bp: int,
    statement_id: str,
) -> Offer:
    """The row of an offer whose terms leave nothing open: the reverse of `terms_of`."""
    assert terms.scope is not None
    assert terms.delivery is not None
    assert terms.delivery.mode is not None
    assert terms.acceptance is not None
    return Offer(
        trade_id=trade.trade_id,
        offer_no=trade.offer_no,
        by_org=by_org,
        side=side.value,
        made_at=made_at,
        statement_id=statement_id,
        price_minor=terms.price_minor,
        quantity=terms.quantity,
        unit=terms.unit,
        licence_class=terms.licence_class,
        term_months=terms.term_months,
        purpose=terms.purpose,
        territory=terms.territory,
        expires_at=terms.expires_at,
        scope=terms.scope.text(),
        delivery_mode=terms.delivery.mode.value,
        delivery_days=terms.delivery.days,
        delivery_part=text_of(terms.delivery.part) or None,
        acceptance=terms.acceptance.text(),
        commission_bp=commission_bp,
    )


def terms_of(offer: Offer) -> OfferTerms:
    """An offer's row as its terms. Of one from before they were kept, and of an erased one, scope is None."""
    mode = DeliveryMode(offer.delivery_mode) if offer.delivery_mode else DeliveryMode.DOWNLOAD
    return OfferTerms(
        price_minor=offer.price_minor,
        quantity=offer.quantity,
        unit=offer.unit,
        licence_class=offer.licence_class,
        term_months=offer.term_months,
        purpose=offer.purpose,
        territory=offer.territory,
        expires_at=offer.expires_at,
        scope=scope_of_text(offer.scope) if offer.scope else None,
        delivery=Handover(
            mode, offer.delivery_days or DELIVER_WORKING_DAYS, view_of_text(offer.delivery_part or "")
        ),
        acceptance=acceptance_of_text(offer.acceptance) if offer.acceptance else None,
    )


def parts_of(whole: WholePrice) -> dict[str, str]:
    """Where every fen of a price goes, as openings say it."""
    return {
        "net_minor": str(whole.net_minor),
        "vat_minor": str(whole.vat_minor),
        "commission_minor": str(whole.commission_minor),
        "platform_fee_minor": str(whole.platform_fee_minor),
        "seller_minor": str(whole.seller_minor),
    }


def parties_of(trade: Trade) -> list[str]:
    """Who has to sign, in the order of the contract: seller, buyer, broker."""
    return [org for org in (trade.seller_id, trade.buyer_id, trade.broker_id) if org is not None]


def named(trade: Trade | Claimed) -> dict[str, Any]:
    """The parties of a trade as its statements name them; and a broker that it owes, who is none."""
    owed = {} if trade.reward_to is None else {"reward_to": trade.reward_to}
    return owed | {
        "trade_id": trade.trade_id,
        "listing_id": trade.listing_id,
        "seller_id": trade.seller_id,
        "buyer_id": trade.buyer_id,
        "broker_id": trade.broker_id,
    }


def step(trade: Trade, event: TradeEvent, before: TradeState, **public: Any) -> Draft:
    """The statement of a step that carries nothing private."""
    return Draft(
        f"TRD.{event.value}",
        trade.trade_id,
        public=named(trade) | public,
        before=before.value,
        after=trade.status.value,
    )


def offered(
    trade: Trade, event: TradeEvent, before: TradeState, terms: OfferTerms, whole: WholePrice
) -> Draft:
    """The statement of an offer that was just made: its number is public, its terms are not.

    `whole` is its price taken apart, as whoever makes it was shown it and whoever accepts it will be.
    """
    return Draft(
        f"TRD.{event.value}",
        trade.trade_id,
        public=named(trade) | {"offer_no": trade.offer_no},
        opening=terms.document() | {"whole_price": parts_of(whole)},
        before=before.value,
        after=trade.status.value,
    )
