"""A trade's delivery on its page: the right to receive, the downloads, and the forms up to the acceptance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from base.db import ReadSession
from market.delivery.kinds import DeliveryKind
from market.delivery.marking.repository import mark_of_trade
from market.delivery.marking.tables import MarkState
from market.delivery.repository import (
    checks_of,
    downloads_of,
    entitlement_of,
    entitlements_for,
    stop_of,
)
from market.delivery.rules import EntitlementStatus
from market.delivery.tables import Entitlement
from market.listings.categories import ProductType
from market.listings.conditions import PURPOSE_LABELS, Purpose
from market.listings.repository import get_file, get_listing
from market.orders.bounding import policy_of
from market.orders.errors import PolicyRefuses
from market.orders.repository import get_trade
from market.orders.states import TradeState
from market.orders.tables import Trade
from web.pages.forms import Form
from web.pages.languages import Lang
from web.pages.naming import names_of
from web.pages.room import Room, Taken
from web.pages.steps import Step
from web.papers_words import said

_OPERATOR: Final = frozenset({"EXCHANGE_OPERATOR"})
_TICKED: Final[Mapping[ProductType, str]] = {
    ProductType.REPORT: "scope",
    ProductType.SERVICE: "milestones",
}


async def shown(s: ReadSession, room: Room) -> Mapping[str, Any]:
    """The entitlement of the trade, once there is one, and how often it was used."""
    entitlement = await entitlement_of(s, trade_id=room.trade.trade_id)
    downloads = await downloads_of(s, entitlement_id=entitlement.entitlement_id) if entitlement else ()
    mark = await mark_of_trade(s, trade_id=room.trade.trade_id)
    return {
        "entitlement": entitlement,
        "downloads": downloads,
        "takers": await names_of(s, (one.taken_by for one in downloads)),
        "file": await get_file(s, file_id=room.listing.file_id),
        "declarable": []
        if entitlement is None
        else await declarable_for(s, room.trade.trade_id, room.visitor.lang),
        "may_download": entitlement is not None
        and entitlement.kind is DeliveryKind.FILE
        and entitlement.buyer_id == room.visitor.org_id
        and entitlement.status is EntitlementStatus.ACTIVE
        and (mark is None or mark.status is not MarkState.PENDING),
        "may_hold_keys": entitlement is not None
        and entitlement.kind in {DeliveryKind.SHARE, DeliveryKind.API}
        and entitlement.buyer_id == room.visitor.org_id,
        "may_ask": entitlement is not None
        and entitlement.kind is DeliveryKind.QUERY
        and room.visitor.org_id in {room.trade.buyer_id, room.trade.seller_id},
        "stop": await stop_of(s, trade_id=room.trade.trade_id),
        "checks": await checks_of(s, trade_id=room.trade.trade_id),
        "mark": mark,
        "ticked": _TICKED.get(room.listing.product_type),
        "may_suspend": room.visitor.may(_OPERATOR) and room.trade.status is TradeState.DELIVERING,
        "may_resume": room.visitor.may(_OPERATOR) and room.trade.status is TradeState.DELIVERY_SUSPENDED,
    }


@dataclass(frozen=True, slots=True)
class Named:
    """Data that one may take under another's contract, and what of it one has to choose."""

    entitlement: Entitlement
    title: str
    buyer: str
    declarable: Sequence[tuple[str, str]]


async def named_for(s: ReadSession, org_id: str, lang: Lang) -> list[Named]:
    """What the contracts of others name an organisation for, newest first."""
    rows = await entitlements_for(s, org_id=org_id)
    names = await names_of(s, (row.buyer_id for row in rows))
    found = []
    for row in rows:
        trade = await get_trade(s, trade_id=row.trade_id)
        title = (await get_listing(s, listing_id=trade.listing_id)).title
        choice = await declarable_for(s, row.trade_id, lang)
        found.append(Named(row, title, names[row.buyer_id], choice))
    return found


async def declarable_for(s: ReadSession, trade_id: str, lang: Lang) -> list[tuple[str, str]]:
    """The purposes that a download has to choose from; none where there is nothing to choose."""
    try:
        policy = await policy_of(s, trade_id=trade_id)
    except PolicyRefuses:
        return []  # the download itself will say why
    codes = [] if policy is None else sorted(policy.purposes)
    if len(codes) < 2:  # noqa: PLR2004 - one is no choice
        return []
    return [(code, said(PURPOSE_LABELS[Purpose(code)], lang)) for code in codes]


def _accept_goods(form: Form, _: Trade) -> dict[str, Any]:
    return {"file_sha256": form.optional("file_sha256"), "rows": form.whole("rows"), "report_sha256": None}


def _check_goods(form: Form, _: Trade) -> dict[str, Any]:
    ticks = [
        {"name": line.strip(), "there": there}
        for member, there in (("there", True), ("missing", False))
        for line in (form.optional(member) or "").splitlines()
        if line.strip()
    ]
    member = form.text("member")
    return {member: ticks or None} if member in _TICKED.values() else {}


def _reason(form: Form, _: Trade) -> dict[str, Any]:
    return {"reason_code": form.text("reason_code")}


TAKEN: Final[Mapping[Step, Taken]] = {
    Step.START_DELIVERY: Taken("trade.start-delivery"),
    Step.CONFIRM_RECEIPT: Taken("trade.confirm-receipt"),
    Step.ACCEPT_GOODS: Taken("trade.accept-goods", _accept_goods),
    Step.CHECK_GOODS: Taken("trade.check-goods", _check_goods),
    Step.DELIVERY_FAILED: Taken("trade.delivery-failed"),
    Step.SUSPEND_DELIVERY: Taken("trade.suspend-delivery", _reason),
    Step.RESUME_DELIVERY: Taken("trade.resume-delivery", _reason),
}
