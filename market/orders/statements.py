"""How a trade's steps are stated: who and what it is about, and what of an offer stays private."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from base.clock import rfc3339
from ledger.statement import Draft
from market.orders.repository import Claimed
from market.orders.rules import TradeEvent, TradeState
from market.orders.tables import Trade


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferTerms:
    """The terms of one offer. `price_minor` is the whole price in fen, tax and fees included."""

    price_minor: int
    quantity: int
    unit: str
    licence_class: str
    term_months: int
    purpose: str
    territory: str
    expires_at: datetime

    def document(self) -> dict[str, Any]:
        """As the opening of an offer says them."""
        return {
            "price_minor": str(self.price_minor),
            "quantity": self.quantity,
            "unit": self.unit,
            "licence_class": self.licence_class,
            "term_months": self.term_months,
            "purpose": self.purpose,
            "territory": self.territory,
            "expires_at": rfc3339(self.expires_at),
        }


def parties_of(trade: Trade) -> list[str]:
    """Who has to sign, in the order of the contract: seller, buyer, broker."""
    return [org for org in (trade.seller_id, trade.buyer_id, trade.broker_id) if org is not None]


def named(trade: Trade | Claimed) -> dict[str, Any]:
    """The parties of a trade as its statements name them."""
    return {
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


def offered(trade: Trade, event: TradeEvent, before: TradeState, terms: OfferTerms) -> Draft:
    """The statement of an offer that was just made: its number is public, its terms are not."""
    return Draft(
        f"TRD.{event.value}",
        trade.trade_id,
        public=named(trade) | {"offer_no": trade.offer_no},
        opening=terms.document(),
        before=before.value,
        after=trade.status.value,
    )
