"""Government procurement on pages: the basis of a purchase with its duplicates, and the disclosed prices."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from base.db import ReadSession
from market.listings.repository import get_listing
from market.orders.repository import get_trade_of
from market.orders.states import OVER
from market.orders.tables import Trade
from market.procurement import repository
from market.procurement.errors import ProcurementUnknown
from market.procurement.rules import MOST_SHOWN, Method, Reason
from web.acts import Id
from web.pages.acting import attempt
from web.pages.forms import Filled
from web.pages.languages import N_
from web.pages.room import Room
from web.pages.visiting import Visitor, VisitorDep

router = APIRouter()
_PAGE: Final = 50
_METHODS: Final = {
    Method.OPEN_TENDER: N_("Open tender"),
    Method.INVITED_TENDER: N_("Invited tender"),
    Method.COMPETITIVE_NEGOTIATION: N_("Competitive negotiation"),
    Method.INQUIRY: N_("Request for quotations"),
    Method.SINGLE_SOURCE: N_("Single source"),
    Method.FRAMEWORK: N_("Framework agreement"),
    Method.BELOW_THRESHOLD: N_("Below the threshold of the procurement law"),
}
_REASONS: Final = {
    Reason.SHARE_REFUSED: N_("Sharing was asked for and refused"),
    Reason.NOT_SHAREABLE: N_("The other licence lets nothing be shared"),
    Reason.OTHER_PERIOD: N_("Another period is needed"),
    Reason.OTHER_SCOPE: N_("Another scope is needed"),
    Reason.URGENT: N_("It is urgent"),
}
_WAYS: Final = {
    "RECIPIENT": N_("Its contract names your agency: take the data from it"),
    "PUBLIC_DATA": N_("It is public data: ask the agency that holds it to share it"),
}
_OUTCOMES: Final = {
    "STANDING": N_("Purchase stands"),
    "ENDED": N_("Licence over"),
    "CANCELLED": N_("Cancelled"),
    "REFUND_PENDING": N_("Refund pending"),
    "REFUNDED": N_("Refunded"),
    "VOIDED": N_("Void"),
}


async def shown(s: ReadSession, room: Room) -> dict[str, Any]:
    """On the trade's page, for the public agency that buys: whether its basis is stated, and duplicates."""
    trade, visitor = room.trade, room.visitor
    mine = trade.buyer_id == visitor.org_id and await repository.is_agency(s, org_id=trade.buyer_id)
    if not mine:
        return {"procures": False}
    return {
        "procures": True,
        "procurement": await repository.newest_of(s, trade_id=trade.trade_id),
        "purchased": await repository.duplicates_of(s, trade, now=room.now, before=trade.agreed_at),
        "procurement_open": _is_open(trade),
    }


def _is_open(trade: Trade) -> bool:
    return trade.contracted_at is None and trade.status not in OVER


@router.get("/procurements")
async def procurements(visitor: VisitorDep, after: Annotated[Id | None, Query()] = None) -> Response:
    """What public agencies have bought, and at what prices; for everybody."""
    async with visitor.node.database.read() as s:
        rows = await repository.disclosed(s, after=after, limit=_PAGE)
    return visitor.render(
        "procurements.html",
        rows=rows,
        methods=_METHODS,
        outcomes=_OUTCOMES,
        next_address=visitor.url("/procurements", after=rows[-1].trade_id) if len(rows) == _PAGE else None,
    )


@router.get("/trades/{trade_id}/procurement")
async def procurement(visitor: VisitorDep, trade_id: Id) -> Response:
    """The basis of one's agency's purchase: what was stated, what others have bought, and the form."""
    return await _procurement(visitor, trade_id, Filled())


async def _procurement(visitor: Visitor, trade_id: str, filled: Filled) -> Response:
    session = visitor.require({"BUYER"})
    async with visitor.node.database.read() as s:
        trade = await get_trade_of(s, trade_id=trade_id, org_id=session.actor.org_id)
        listing = await get_listing(s, listing_id=trade.listing_id)
        room = Room(visitor=visitor, trade=trade, listing=listing, part=None, now=visitor.node.clock.now())
        context = await shown(s, room)
    if not context["procures"]:
        raise ProcurementUnknown("no purchase of your agency", trade_id=trade_id)
    return visitor.render(
        "procurement.html",
        filled=filled,
        trade=trade,
        listing=listing,
        methods=[(code.value, visitor.say(words)) for code, words in _METHODS.items()],
        reasons=[(code.value, visitor.say(words)) for code, words in _REASONS.items()],
        method_words=_METHODS,
        reason_words=_REASONS,
        ways=_WAYS,
        **context,
    )


@router.post("/trades/{trade_id}/procurement")
async def state(visitor: VisitorDep, trade_id: Id) -> Response:
    """State the basis, with the duplicates that the form has shown."""
    form = await visitor.form()
    return await attempt(
        visitor,
        form,
        act="procurement.state",
        args={
            "trade_id": trade_id,
            "method": form.text("method"),
            "budget_reference": form.text("budget_reference"),
            "budget_minor": form.fen("budget_minor"),
            "document_sha256": form.text("document_sha256").strip().lower(),
            "seen": form.text("seen").split()[: 2 * MOST_SHOWN],
            "reason_code": form.optional("reason_code"),
        },
        role="BUYER",
        then=f"/trades/{trade_id}",
        again=lambda filled: _procurement(visitor, trade_id, filled),
    )
