"""A trade's negotiation on its page: the offers, and the forms that make, accept and refuse them.

An offer is made in two steps: the form first shows where every fen of its price would go, and only what
was shown can be sent.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from base.db import ReadSession
from ledger.reader import opening, statements_about
from market.listings.conditions import PURPOSE_LABELS
from market.listings.repository import conditions_of, plan_of
from market.orders import repository
from market.orders.acceptance import NAMES, TESTS, Holds, agreed_acceptance
from market.orders.acting import commission_seen
from market.orders.handover import DeliveryMode, modes_of
from market.orders.offering import Preview, preview, standing_of, taken_apart
from market.orders.parts import WHOLE, condition_in, line_of
from market.orders.rewarding import claim_seen
from market.orders.scope import default_scope
from market.orders.statements import terms_of
from market.orders.states import TradeState
from market.orders.tables import Offer, Trade
from market.trade.contesting import OPEN
from market.trade.foreseeing import foresee_trade
from pricing.quote import MAX_PRICE_MINOR
from web.pages.forms import Form
from web.pages.naming import names_of
from web.pages.room import Room, Taken
from web.pages.showing import in_days
from web.pages.steps import Step
from web.pages.trade_words import DELIVERY_MODES, REFUSAL_REASONS
from web.papers_words import bounds_said

_OFFER_DAYS: Final = 5
_OPEN: Final = (TradeState.INQUIRED, TradeState.NEGOTIATING)


async def shown(s: ReadSession, room: Room) -> Mapping[str, Any]:
    """The offers so far, and what the form of the next one begins with."""
    trade = room.trade
    offers = await repository.offers_of(s, trade_id=trade.trade_id)
    latest = offers[-1] if offers else None
    terms = {offer.offer_no: terms_of(offer) for offer in offers}
    return {
        "offers": offers,
        "latest": latest,
        "terms": terms,
        "bounds": {
            number: bounds_said(one.acceptance.bounds, room.visitor.lang)
            for number, one in terms.items()
            if one.acceptance is not None
        },
        "tests": TESTS.get(room.listing.product_type, ()),
        "parts": _parts(offers),
        "standings": {offer.offer_no: standing_of(offer, trade, at=room.now) for offer in offers},
        "preview": await _previewed(s, room),
        "commission_bp": await commission_seen(
            s, trade, at=room.now, price_minor=latest.price_minor if latest else None
        ),
        **await _reward(s, trade, latest, room),
        "defaults": await _defaults(s, room, latest),
        "expires_at": in_days(room.now, _OFFER_DAYS),
        "reasons": room.visitor.options("refusal", REFUSAL_REASONS),
        "border": await foresee_trade(s, trade, now=room.now) if trade.status in _OPEN else None,
        "refusal_note": await _note(s, trade),
        "purposes": PURPOSE_LABELS,
        "shares": DeliveryMode.SHARE in modes_of(room.listing.product_type),
        "modes": room.visitor.options(
            "delivery_mode", [mode for mode in DELIVERY_MODES if mode in modes_of(room.listing.product_type)]
        ),
    }


async def _reward(s: ReadSession, trade: Trade, latest: Offer | None, room: Room) -> Mapping[str, Any]:
    """What the trade owes to a broker without a seat, and whether that may still be contested."""
    price = trade.price_minor or (latest.price_minor if latest else None)
    claim = await claim_seen(s, trade, at=room.now, price_minor=price)
    names = await names_of(s, [claim.broker_id] if claim else [])
    ready = trade.status is TradeState.CONTRACT_READY and trade.reward_to is not None
    return {
        "reward": claim,
        "reward_fallen": ready and (claim is None or claim.broker_id != trade.reward_to),
        "reward_broker": names[claim.broker_id] if claim else None,
        "contestable": trade.status in OPEN,
    }


def _parts(offers: Sequence[Offer]) -> dict[int, Preview]:
    """Each offer's price as it was shown when it was made; of the oldest offers that was not kept."""
    return {
        offer.offer_no: Preview(taken_apart(offer.price_minor, offer.commission_bp), offer.commission_bp)
        for offer in offers
        if offer.commission_bp is not None
    }


async def _previewed(s: ReadSession, room: Room) -> Preview | None:
    """What the offer in the form would come to."""
    price = Form(room.filled.of("trade.offer").values).fen("price_minor")
    if not isinstance(price, int) or not 0 < price <= MAX_PRICE_MINOR:
        return None
    return await preview(s, room.trade, price_minor=price, at=room.now)


async def _note(s: ReadSession, trade: Trade) -> str | None:
    """What the provider said beside its reason, while its opening is there."""
    if trade.status is not TradeState.REFUSED:
        return None
    said = await statements_about(s, object_ids=[trade.trade_id], events=["TRD.REFUSE"])
    kept = await opening(s, sha256=said[-1].opening_sha256) if said and said[-1].opening_sha256 else None
    return None if kept is None else str(kept["note"])


async def _defaults(s: ReadSession, room: Room, latest: Offer | None) -> dict[str, Any]:
    """The latest terms, or the inquiry's and the listing's usual ones."""
    trade = room.trade
    plan = await plan_of(s, listing_id=trade.listing_id)
    listed = plan.price_of(trade.quantity) if plan else room.listing.list_price_minor
    price = latest.price_minor if latest else listed
    agreed = terms_of(latest) if latest else None
    scope = agreed.scope if agreed and agreed.scope else None
    told = agreed.acceptance if agreed else None
    accepted = agreed_acceptance(told, room.listing.product_type, trade.quantity)
    part = agreed.delivery.part if agreed and agreed.delivery else WHOLE
    scope = scope or default_scope(await conditions_of(s, listing_id=trade.listing_id))
    return {
        "price_minor": "" if price is None else f"{price // 100}.{price % 100:02d}",
        "quantity": str(latest.quantity if latest else trade.quantity),
        "term_months": str(latest.term_months if latest else 12),
        "purpose": latest.purpose if latest else trade.purpose,
        "territory": latest.territory if latest else "CN",
        "purposes": [purpose.value for purpose in scope.purposes],
        "recipients": "\n".join(scope.recipients),
        "derivative_allowed": scope.derivative_allowed,
        "max_count": str(scope.max_count),
        "delete_within_wd": str(scope.delete_within_wd),
        "delivery_mode": agreed.delivery.mode if agreed and agreed.delivery else "",
        "delivery_days": str(agreed.delivery.days if agreed and agreed.delivery else 5),
        "part_columns": "\n".join(part.columns),
        "part_rows": "\n".join(map(line_of, part.rows)),
        "acceptance_wd": str(accepted.within_wd),
        "bounds": accepted.bounds,
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
        "scope": {
            "purposes": form.every("purposes"),
            "recipients": form.text("recipients").split(),
            "derivative_allowed": form.flag("derivative_allowed"),
            "max_count": form.whole("max_count"),
            "delete_within_wd": form.whole("delete_within_wd"),
        },
        "delivery": {
            "mode": form.optional("delivery_mode"),
            "days": form.whole("delivery_days"),
            "part": _part(form),
        },
        "acceptance": _acceptance(form),
        "commission_bp": form.whole("commission_bp"),
    }


def _part(form: Form) -> dict[str, Any] | None:
    """What of a shared table the form lets out; a line that is no condition is one without an operator."""
    columns = [line.strip() for line in (form.optional("part_columns") or "").splitlines() if line.strip()]
    lines = [line.strip() for line in (form.optional("part_rows") or "").splitlines() if line.strip()]
    rows = [{"column": line, "op": "", "values": []} for line in lines]
    for row, line in zip(rows, lines, strict=True):
        known = condition_in(line)
        if known is not None:
            row |= {"column": known[0], "op": known[1], "values": known[2]}
    return {"columns": columns, "rows": rows} if columns or rows else None


def _acceptance(form: Form) -> dict[str, Any]:
    """The acceptance terms of the form; a bound that is left empty is the usual, or is not asked."""
    digests = {test.name for tests in TESTS.values() for test in tests if test.holds is Holds.SAME}
    given = {
        name: form.optional(name) if name in digests else form.whole(name)
        for name in NAMES
        if form.optional(name)
    }
    return {"within_wd": form.whole("acceptance_wd") if form.optional("acceptance_wd") else None, **given}


def _unseen(form: Form) -> bool:
    """Whether the price in the form is not the one that was shown taken apart."""
    price = form.fen("price_minor")
    readable = isinstance(price, int) and 0 < price <= MAX_PRICE_MINOR
    return readable and form.text("shown_minor") != str(price)


def _accept(form: Form, _: Trade) -> dict[str, Any]:
    return {"offer_no": form.whole("offer_no")}


def _refuse(form: Form, _: Trade) -> dict[str, Any]:
    return {"reason_code": form.text("reason_code"), "note": form.optional("note")}


TAKEN: Final[Mapping[Step, Taken]] = {
    Step.OFFER: Taken("trade.offer", _offer, _unseen),
    Step.ACCEPT: Taken("trade.accept", _accept),
    Step.REFUSE: Taken("trade.refuse", _refuse),
}
