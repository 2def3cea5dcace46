"""A broker's deals as pages: the pipeline by stage and as a table, and one deal with its record."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from base.db import ReadSession
from brokers.repository import mandates_of
from brokers.states import MandateState
from identity.repository import list_people
from ledger.reader import statements_of
from market.listings.repository import get_listing
from market.mediation import repository
from market.mediation.commission import owed_on
from market.mediation.rules import Lost
from market.mediation.states import OWN, Stage
from market.mediation.tables import Deal
from market.orders.repository import offers_of
from market.orders.tables import Trade
from market.requests.repository import get_request
from web.pages.acting import attempt
from web.pages.forms import Filled, Form
from web.pages.naming import names_of
from web.pages.steps import deadline_of, next_words
from web.pages.visiting import PARTIES, Visitor, VisitorDep

router = APIRouter()
_BROKER: Final = frozenset({"BROKER"})
_PAGE: Final = 100
_ACTS: Final = "^(move|trade|plan|write|expenses|agree)$"


@router.get("/broker/deals")
async def pipeline(
    visitor: VisitorDep,
    stage: Annotated[str, Query(max_length=20)] = "",
    owner: Annotated[str, Query(max_length=40)] = "",
    after: Annotated[str | None, Query(max_length=40)] = None,
) -> Response:
    """One's deals in columns by stage, and the same as a table."""
    return await _pipeline(visitor, Filled(), stage=stage, owner=owner, after=after)


async def _pipeline(
    visitor: Visitor, filled: Filled, *, stage: str = "", owner: str = "", after: str | None = None
) -> Response:
    session = visitor.require(PARTIES)
    org_id = session.actor.org_id
    chosen = Stage(stage) if stage in set(Stage) else None
    broker = visitor.may(_BROKER)
    async with visitor.node.database.read() as s:
        rows = await repository.deals_page(
            s, org_id=org_id, stage=chosen, owner_id=owner or None, after=after, limit=_PAGE
        )
        counts = await repository.deals_by_stage(s, org_id=org_id, owner_id=owner or None)
        loose = await repository.trades_without_deal(s, broker_id=org_id) if broker and not after else ()
        people = await _people(s, org_id) if broker else {}
        clients = await _clients(s, org_id) if broker else []
        names = await names_of(
            s,
            (deal.client_id for deal, _, _ in rows),
            (deal.broker_id for deal, _, _ in rows),
            (client for client, _ in clients),
            (trade.seller_id for trade in loose),
            (trade.buyer_id for trade in loose),
        )
    last = rows[-1][0].deal_id if len(rows) == _PAGE else None
    return visitor.render(
        "deals.html",
        filled=filled,
        rows=rows,
        columns=[(one, [row for row in rows if row[1] is one]) for one in Stage if chosen in {None, one}],
        counts=counts,
        chosen=chosen,
        stages=list(Stage),
        owner=owner,
        people=people,
        broker=broker,
        loose=loose,
        names=names,
        clients=[
            (f"{side}:{client}", f"{names[client]} · {visitor.options('side', [side])[0][1]}")
            for client, side in clients
        ],
        lost_by=repository.lost_by,
        next_address=visitor.url("/broker/deals", stage=stage, owner=owner, after=last) if last else None,
    )


async def _people(s: ReadSession, org_id: str) -> dict[str, str]:
    return {one.user_id: one.name for one in await list_people(s, org_id=org_id)}


async def _clients(s: ReadSession, org_id: str) -> list[tuple[str, str]]:
    """The clients whose mandate the broker holds, each with its side."""
    held = await mandates_of(s, org_id=org_id)
    active = [one for one in held if one.broker_id == org_id and one.status is MandateState.ACTIVE]
    return list(dict.fromkeys((one.client_id, one.side) for one in active))


@router.post("/broker/deals/open")
async def open_deal(visitor: VisitorDep) -> Response:
    """Open a deal."""
    form = await visitor.form()
    side, _, client_id = form.text("client").partition(":")
    return await attempt(
        visitor,
        form,
        act="deal.open",
        args={
            "title": form.text("title"),
            "client_id": client_id or None,
            "side": side or None,
            **{name: form.optional(name) for name in ("request_id", "listing_id", "trade_id")},
        },
        role="BROKER",
        then=lambda done: f"/broker/deals/{done['deal_id']}",
        again=lambda filled: _pipeline(visitor, filled),
    )


@router.get("/broker/deals/{deal_id}")
async def deal(visitor: VisitorDep, deal_id: str) -> Response:
    """One deal: parties, terms, messages, documents, the way so far, the next step."""
    return await _deal(visitor, deal_id, Filled())


async def _deal(visitor: Visitor, deal_id: str, filled: Filled) -> Response:
    session = visitor.require(PARTIES)
    org_id = session.actor.org_id
    async with visitor.node.database.read() as s:
        row = await repository.get_deal(s, deal_id=deal_id, org_id=org_id)
        mine = org_id == row.broker_id
        trade = await repository.trade_of(s, row)
        record = await repository.entries_of(s, deal_id=deal_id, shared_only=not mine)
        context = await _about(s, visitor, row, trade)
        people = await _people(s, row.broker_id)
        owed = await owed_on(s, row)
    stage = repository.stage_of(row, trade)
    allowed = sorted(OWN.get(stage, ()), key=list(Stage).index) if mine and row.trade_id is None else []
    return visitor.render(
        "deal.html",
        filled=filled,
        deal=row,
        mine=mine,
        trade=trade,
        stage=stage,
        lost=repository.lost_by(row, trade) if mine else None,
        record=record,
        people=people,
        owed=owed,
        moves=visitor.options("deal_stage", allowed),
        reasons=visitor.options("lost", Lost),
        next_words=next_words(trade) if trade is not None else None,
        deadline=deadline_of(trade) if trade is not None else None,
        may_agree=not mine and row.expenses_minor is not None and row.expenses_agreed_at is None,
        **context,
    )


async def _about(s: ReadSession, visitor: Visitor, row: Deal, trade: Trade | None) -> dict[str, Any]:
    """What the deal points to, on the market: request, listing, lists of matches, offers, statements."""
    org_id = visitor.org_id
    sent = [
        one
        for one in (
            await repository.presentations_of(s, org_id=org_id, request_id=row.request_id)
            if row.request_id is not None
            else ()
        )
        if one.broker_id == row.broker_id
    ]
    parties = () if trade is None else (trade.seller_id, trade.buyer_id)
    said = await statements_of(s, object_id=trade.trade_id) if trade is not None else ()
    names = await names_of(s, (row.broker_id, row.client_id), parties, (one.org_id for one in said))
    loose = (
        await repository.trades_without_deal(s, broker_id=row.broker_id) if org_id == row.broker_id else ()
    )
    return {
        "names": names,
        "request": await get_request(s, request_id=row.request_id) if row.request_id else None,
        "listing": await get_listing(s, listing_id=row.listing_id) if row.listing_id else None,
        "sent": sent,
        "offers": await offers_of(s, trade_id=trade.trade_id) if trade is not None else (),
        "said": said,
        "loose": [(one.trade_id, one.trade_id) for one in loose],
    }


@router.post("/broker/deals/{deal_id}/{what}")
async def act_on(visitor: VisitorDep, deal_id: str, what: Annotated[str, Path(pattern=_ACTS)]) -> Response:
    """Move a deal, link its trade, plan, write, put or agree to expenses."""
    form = await visitor.form()
    async with visitor.node.database.read() as s:
        row = await repository.get_deal(s, deal_id=deal_id, org_id=visitor.require(PARTIES).actor.org_id)
    mine = visitor.org_id == row.broker_id
    return await attempt(
        visitor,
        form,
        act=f"deal.{what}",
        args={"deal_id": deal_id} | _args(what, form),
        role="BROKER" if mine else row.side,
        then=f"/broker/deals/{deal_id}",
        again=lambda filled: _deal(visitor, deal_id, filled),
    )


def _args(what: str, form: Form) -> dict[str, Any]:
    if what == "move":
        return {"stage": form.text("stage"), "reason": form.optional("reason")}
    if what == "trade":
        return {"trade_id": form.text("trade_id")}
    if what == "plan":
        names = ("next_step", "owner_id")
        return {name: form.optional(name) for name in names} | {"next_at": form.moment("next_at")}
    if what == "write":
        said = {"text": form.text("text"), "sha256": form.optional("sha256")}
        return said | {"shared": not form.flag("own")}
    if what == "expenses":
        return {"amount_minor": form.fen("amount_minor"), "text": form.text("text")}
    return {"amount_minor": form.whole("amount_minor")}
