"""The trade room: for its parties and its supervisors, from the inquiry to the settlement."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query
from pydantic import ValidationError
from starlette.responses import Response

from base.db import ReadSession
from market.delivery.access import Declared
from market.delivery.errors import EntitlementUnknown
from market.delivery.repository import entitlement_of
from market.disputes.repository import talks_of
from market.listings.conditions import Purpose
from market.listings.repository import get_listing, titles_of
from market.orders import repository
from market.orders.service import parties_of
from market.orders.states import TradeState
from market.orders.tables import Trade
from market.settlement.opened import pays
from market.settlement.repository import instructions_of
from market.trade.obligations import checklist_of
from market.trade.timeline import timeline
from pricing.whole import PLATFORM_FEE_BP, whole_price
from web.acts import kind_of
from web.files import send_file
from web.pages import contracting, delivering, disputing, filing, holding, negotiating, procuring
from web.pages.acting import attempt, caller_for
from web.pages.forms import Filled
from web.pages.naming import names_of
from web.pages.room import Room
from web.pages.steps import Step, deadline_of, is_turn, next_words, open_steps, part_of
from web.pages.visiting import PARTIES, SUPERVISORS, Visitor, VisitorDep

router = APIRouter()
_PAGE: Final = 30
# Each stage brings what it shows and the forms of its steps (`web.pages.room`).
_STAGES: Final = (negotiating, holding, contracting, delivering, disputing, filing)
_TAKEN: Final = {step: taken for stage in _STAGES for step, taken in stage.TAKEN.items()}


@router.get("/trades")
async def trades(visitor: VisitorDep, after: Annotated[str | None, Query(max_length=40)] = None) -> Response:
    """One's trades, newest first; supervisors see everybody's."""
    visitor.require(PARTIES | SUPERVISORS)
    org_id = None if visitor.may(SUPERVISORS) else visitor.org_id
    async with visitor.node.database.read() as s:
        rows = await repository.trades_of(s, org_id=org_id, after=after, limit=_PAGE)
        names = await names_of(s, (org for trade in rows for org in parties_of(trade)))
        titles = await titles_of(s, listing_ids={trade.listing_id for trade in rows})
        disputed = [trade.trade_id for trade in rows if trade.status is TradeState.DISPUTED]
        talks = await talks_of(s, trade_ids=disputed)
        named = [] if org_id is None else await delivering.named_for(s, org_id, visitor.lang)
    return visitor.render(
        "trades.html",
        named=named,
        trades=rows,
        names=names,
        titles=titles,
        deadline_of=lambda trade: deadline_of(trade, talks.get(trade.trade_id)),
        next_address=visitor.url("/trades", after=rows[-1].trade_id) if len(rows) == _PAGE else None,
    )


@router.get("/trades/{trade_id}")
async def trade_room(visitor: VisitorDep, trade_id: str) -> Response:
    """One trade: what was said, what comes next, and the forms for it."""
    return await _room(visitor, trade_id, Filled())


async def visible(s: ReadSession, visitor: Visitor, trade_id: str) -> Trade:
    """The trade, for its parties and its supervisors; to others it does not exist. Raises TradeUnknown."""
    session = visitor.require()
    if visitor.may(SUPERVISORS):
        return await repository.get_trade(s, trade_id=trade_id)
    return await repository.get_trade_of(s, trade_id=trade_id, org_id=session.actor.org_id)


async def _room(visitor: Visitor, trade_id: str, filled: Filled) -> Response:
    async with visitor.node.database.read() as s:
        trade = await visible(s, visitor, trade_id)
        room = Room(
            visitor=visitor,
            trade=trade,
            listing=await get_listing(s, listing_id=trade.listing_id),
            part=part_of(trade, visitor.org_id, visitor.roles),
            now=visitor.node.clock.now(),
            filled=filled,
        )
        context: dict[str, Any] = {}
        for stage in _STAGES:
            context |= await stage.shown(s, room)
        context |= await procuring.shown(s, room)
        talks = (await talks_of(s, trade_ids=[trade_id])).get(trade_id)
        instructions = await instructions_of(s, trade_id=trade_id)
        said = await timeline(s, trade_id=trade_id)
        names = await names_of(s, parties_of(trade), (one.org_id for one in said))
        duties = await checklist_of(s, trade, now=room.now)
    signed = {signature.org_id for signature in context["signatures"]}
    at = {"latest": context["latest"], "has_signed": visitor.org_id in signed, "now": room.now}
    steps = open_steps(trade, room.part, **at)
    return visitor.render(
        "trade.html",
        filled=filled,
        trade=trade,
        listing=room.listing,
        part=room.part,
        instructions=instructions,
        sees_account=lambda leg: (
            visitor.may(SUPERVISORS) or pays(trade, leg["end_to_end_id"], visitor.org_id or "")
        ),
        price=_price(trade),
        said=said,
        seqs={one.statement_id: one.seq for one in said},
        names=names,
        duties=duties,
        steps=[step.value for step in steps],
        next_words=next_words(trade),
        turn=room.part is not None and is_turn(trade, room.part, talks=talks, **at),
        deadline=deadline_of(trade, talks),
        escrow_account=visitor.node.settings.escrow_account,
        **context,
    )


def _price(trade: Trade) -> Any:
    """The agreed price in its parts, once the checks have fixed them."""
    if trade.price_minor is None or trade.platform_fee_minor is None:
        return None
    whole = whole_price(trade.price_minor, commission_bp=0, platform_bp=PLATFORM_FEE_BP)
    seller = trade.price_minor - (trade.commission_minor or 0) - trade.platform_fee_minor
    return {"whole": whole, "seller_minor": seller}


@router.post("/trades/{trade_id}/{step}")
async def take_step(visitor: VisitorDep, trade_id: str, step: Step) -> Response:
    """One step of the visitor's part in a trade."""
    form = await visitor.form()
    async with visitor.node.database.read() as s:
        trade = await visible(s, visitor, trade_id)
    part = part_of(trade, visitor.org_id, visitor.roles)
    taken = _TAKEN[step]
    args = {"trade_id": trade_id} | taken.args(form, trade)
    if taken.looks_first(form) and _is_whole(taken.act, args):
        return await _room(visitor, trade_id, Filled(taken.act, form.kept()))
    return await attempt(
        visitor,
        form,
        act=taken.act,
        args=args,
        role=None if part is None else part.role,
        then=f"/trades/{trade_id}",
        again=lambda filled: _room(visitor, trade_id, filled),
    )


def _is_whole(act: str, args: dict[str, Any]) -> bool:
    """Whether every field of a form can be read; what cannot is named by the act itself."""
    try:
        kind_of(act).args.model_validate(args)
    except ValidationError:
        return False
    return True


@router.get("/received/{entitlement_id}/file")
async def receive(
    visitor: VisitorDep,
    entitlement_id: str,
    range_: Annotated[str | None, Header(alias="range", max_length=200)] = None,
    purpose: Annotated[Purpose | None, Query()] = None,
    if_range: Annotated[str | None, Header(max_length=200)] = None,
) -> Response:
    """The file that another has bought, for a recipient that its contract names."""
    return await send_file(caller_for(visitor), entitlement_id, range_, if_range, Declared(purpose))


@router.get("/trades/{trade_id}/file")
async def download(
    visitor: VisitorDep,
    trade_id: str,
    range_: Annotated[str | None, Header(alias="range", max_length=200)] = None,
    purpose: Annotated[Purpose | None, Query()] = None,
    if_range: Annotated[str | None, Header(max_length=200)] = None,
) -> Response:
    """The file that was bought, or a range of it: a download that broke off is taken up again."""
    async with visitor.node.database.read() as s:
        await visible(s, visitor, trade_id)
        entitlement = await entitlement_of(s, trade_id=trade_id)
    if entitlement is None or entitlement.buyer_id != visitor.org_id:
        raise EntitlementUnknown("no such entitlement", trade_id=trade_id)
    declared = Declared(purpose)
    return await send_file(caller_for(visitor), entitlement.entitlement_id, range_, if_range, declared)
