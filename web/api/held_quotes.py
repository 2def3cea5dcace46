"""Held quotes: a price of the calculator held for a buyer, and the trade that it begins."""

from datetime import datetime
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Query, Response
from pydantic import Field

from base.db import ReadSession, WriteSession
from ledger.recording import Act
from market.listings.conditions import MAX_TERM_MONTHS, Purpose
from market.quotes import repository, service
from market.quotes.rules import standing_of
from market.quotes.tables import HeldQuote
from web.acts import ActKind, Args, Asked, Count, Id, kind
from web.api.trades import SUPERVISORS
from web.deps import Caller, CallerDep, ReadDep, answers, respond
from web.node import Node
from web.views import TradeView, View

router = APIRouter(tags=["trades"])
_BUYER: Final = frozenset({"BUYER"})


class HeldQuoteView(View):
    """A held quote; `document` is what its statement names the digest of, with the facts of the price."""

    quote_id: str
    listing_id: str
    buyer_id: str
    seller_id: str
    quantity: int
    purpose: str
    term_months: int
    total_minor: int
    mechanism: str
    document: dict[str, Any] | None
    document_sha256: str
    held_at: datetime
    until: datetime
    trade_id: str | None
    used_at: datetime | None
    statement_id: str

    @classmethod
    def of(cls, row: HeldQuote) -> "HeldQuoteView":
        told = {name: getattr(row, name) for name in cls.model_fields if name != "document"}
        return cls(**told, document=orjson.loads(row.document) if row.document else None)


class StandingQuoteView(HeldQuoteView):
    """With how it stands now: HELD, USED or EXPIRED."""

    standing: str

    @classmethod
    def standing_at(cls, row: HeldQuote, at: datetime) -> "StandingQuoteView":
        standing = standing_of(trade_id=row.trade_id, until=row.until, at=at)
        return cls(**dict(HeldQuoteView.of(row)), standing=standing.value)


class HoldForm(Asked):
    quantity: Count
    purpose: Purpose
    term_months: int = Field(ge=1, le=MAX_TERM_MONTHS)


class HoldArgs(Args, HoldForm):
    listing_id: Id


async def _hold(s: WriteSession, act: Act, args: HoldArgs, node: Node) -> Any:
    del node
    return await service.hold_quote(s, act, **dict(args))


HOLD = kind(
    ActKind(
        name="quote.hold",
        event="QTE.HOLD",
        args=HoldArgs,
        roles=_BUYER,
        verb=_hold,
        answer=HeldQuoteView.of,
        about=lambda args: args.listing_id,
        status=201,
    )
)


class OrderForm(Asked):
    purpose: str = Field(min_length=1, max_length=500)
    scenario: str = Field(min_length=1, max_length=500)
    territory: str | None = Field(default=None, min_length=1, max_length=60)
    broker_id: Id | None = None


class OrderArgs(Args, OrderForm):
    quote_id: Id


async def _order(s: WriteSession, act: Act, args: OrderArgs, node: Node) -> Any:
    del node
    return await service.order(s, act, **dict(args))


ORDER = kind(
    ActKind(
        name="quote.order",
        event="TRD.INQUIRE",
        args=OrderArgs,
        roles=_BUYER,
        verb=_order,
        answer=TradeView.of,
        about=lambda args: args.quote_id,
        status=201,
    )
)


@router.post("/listings/{listing_id}/held-quotes", **answers(HOLD, HeldQuoteView))
async def hold(listing_id: Id, caller: CallerDep, form: HoldForm) -> Response:
    """Hold a quote of the calculator as a buyer: the price for a quantity, a use and a term, for a time."""
    return respond(await caller.do(HOLD, HoldArgs(listing_id=listing_id, **dict(form))))


@router.get("/held-quotes")
async def held_quotes(
    caller: CallerDep,
    s: ReadDep,
    after: Annotated[Id | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> list[StandingQuoteView]:
    """One's own held quotes, newest first."""
    rows = await repository.quotes_of(s, buyer_id=caller.actor.org_id, after=after, limit=limit)
    now = caller.node.clock.now()
    return [StandingQuoteView.standing_at(row, now) for row in rows]


@router.get("/held-quotes/{quote_id}")
async def held_quote(quote_id: Id, caller: CallerDep, s: ReadDep) -> StandingQuoteView:
    """One held quote, for its buyer and supervisors; once it has begun a trade for its parties too."""
    return StandingQuoteView.standing_at(await _visible(s, caller, quote_id), caller.node.clock.now())


@router.post("/held-quotes/{quote_id}/order", **answers(ORDER, TradeView))
async def order(quote_id: Id, caller: CallerDep, form: OrderForm) -> Response:
    """Begin a trade with a held quote: the inquiry, and one's own first offer at its price.

    With a key in one's own hands each statement is signed by itself: call it again for the offer.
    """
    return respond(await caller.do(ORDER, OrderArgs(quote_id=quote_id, **dict(form))))


async def _visible(s: ReadSession, caller: Caller, quote_id: str) -> HeldQuote:
    if caller.actor.roles & SUPERVISORS:
        return await repository.get_quote(s, quote_id=quote_id)
    return await repository.quote_for(s, quote_id=quote_id, org_id=caller.actor.org_id)
