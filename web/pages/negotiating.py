"""A trade's negotiation on its page: the offers, and the forms that make, accept and refuse them."""

from collections.abc import Mapping
from typing import Any, Final

from base.db import ReadSession
from market.orders import repository
from market.orders.tables import Trade
from web.pages.forms import Form
from web.pages.room import Room, Taken
from web.pages.showing import in_days
from web.pages.steps import Step
from web.pages.words import REFUSAL_REASONS

_OFFER_DAYS: Final = 5


async def shown(s: ReadSession, room: Room) -> Mapping[str, Any]:
    """The offers so far, and what the form of the next one begins with."""
    offers = await repository.offers_of(s, trade_id=room.trade.trade_id)
    latest = offers[-1] if offers else None
    return {
        "offers": offers,
        "latest": latest,
        "defaults": _defaults(room, latest),
        "expires_at": in_days(room.now, _OFFER_DAYS),
        "reasons": room.visitor.options("refusal", REFUSAL_REASONS),
    }


def _defaults(room: Room, latest: Any) -> dict[str, str]:
    """The latest terms, or the inquiry's."""
    trade = room.trade
    price = latest.price_minor if latest else room.listing.list_price_minor
    return {
        "price_minor": "" if price is None else f"{price // 100}.{price % 100:02d}",
        "quantity": str(latest.quantity if latest else trade.quantity),
        "term_months": str(latest.term_months if latest else 12),
        "purpose": latest.purpose if latest else trade.purpose,
        "territory": latest.territory if latest else "CN",
    }


def _offer(form: Form, trade: Trade) -> dict[str, Any]:
    return {
        "price_minor": form.fen("price_minor"),
        "quantity": form.whole("quantity"),
        "unit": trade.unit,
        "licence_class": trade.licence_class,
        "term_months": form.whole("term_months"),
        "purpose": form.text("purpose"),
        "territory": form.text("territory") or "CN",
        "expires_at": form.moment("expires_at"),
    }


def _accept(form: Form, _: Trade) -> dict[str, Any]:
    return {"offer_no": form.whole("offer_no")}


def _refuse(form: Form, _: Trade) -> dict[str, Any]:
    return {"reason_code": form.text("reason_code")}


TAKEN: Final[Mapping[Step, Taken]] = {
    Step.OFFER: Taken("trade.offer", _offer),
    Step.ACCEPT: Taken("trade.accept", _accept),
    Step.REFUSE: Taken("trade.refuse", _refuse),
}
