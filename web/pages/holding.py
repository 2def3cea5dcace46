"""Held quotes on pages: a buyer's list, one quote, and the order that it begins; and what its trade shows."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Query
from pydantic import ValidationError
from starlette.responses import Response

from base.db import ReadSession
from ledger.reader import statements_of
from market.listings.conditions import PURPOSE_LABELS
from market.listings.repository import conditions_of, get_listing, titles_of
from market.listings.rules import ListingState
from market.quotes import repository
from market.quotes.rules import standing_of
from market.quotes.service import listing_for, price_today
from market.quotes.tables import HeldQuote
from pricing.whole import PLATFORM_FEE_BP, VAT_BP, whole_price
from web.acts import kind_of
from web.pages.acting import attempt
from web.pages.forms import Filled, Form
from web.pages.naming import names_of
from web.pages.room import Room, Taken
from web.pages.steps import Step
from web.pages.visiting import Visitor, VisitorDep

router = APIRouter()
TAKEN: Final[Mapping[Step, Taken]] = {}
_BUYER: Final = frozenset({"BUYER"})
_PAGE: Final = 30
_ORDER: Final = "quote.order"
_FIELDS: Final = ("purpose", "scenario", "territory")


async def shown(s: ReadSession, room: Room) -> Mapping[str, Any]:
    """On a trade's page: the quote that it began with, and what the same would cost today."""
    quote = await repository.quote_that_began(s, trade_id=room.trade.trade_id)
    return {
        "began_with": quote,
        "costs_today": None if quote is None else await price_today(s, quote),
    }


@router.get("/buy/quotes")
async def quotes(visitor: VisitorDep, after: Annotated[str | None, Query(max_length=40)] = None) -> Response:
    """One's held quotes, newest first."""
    session = visitor.require(_BUYER)
    async with visitor.node.database.read() as s:
        rows = await repository.quotes_of(s, buyer_id=session.actor.org_id, after=after, limit=_PAGE)
        titles = await titles_of(s, listing_ids={row.listing_id for row in rows})
        names = await names_of(s, (row.seller_id for row in rows))
    return visitor.render(
        "held_quotes.html",
        quotes=rows,
        titles=titles,
        names=names,
        next_address=visitor.url("/buy/quotes", after=rows[-1].quote_id) if len(rows) == _PAGE else None,
        **_words(visitor),
    )


@router.get("/buy/quotes/{quote_id}")
async def quote(visitor: VisitorDep, quote_id: str) -> Response:
    """One held quote, item by item; once it has begun a trade for its parties."""
    session = visitor.require()
    async with visitor.node.database.read() as s:
        row = await repository.quote_for(s, quote_id=quote_id, org_id=session.actor.org_id)
        listing = await get_listing(s, listing_id=row.listing_id)
        said = await statements_of(s, object_id=quote_id)
        names = await names_of(s, [row.seller_id, row.buyer_id])
    return visitor.render(
        "held_quote.html",
        quote=row,
        listing=listing,
        document=orjson.loads(row.document) if row.document else None,
        seq=next((one.seq for one in said if one.statement_id == row.statement_id), None),
        names=names,
        whole=whole_price(row.total_minor, commission_bp=0, platform_bp=PLATFORM_FEE_BP),
        vat_bp=VAT_BP,
        platform_bp=PLATFORM_FEE_BP,
        **_words(visitor),
    )


@router.get("/buy/orders/new")
async def new_order(visitor: VisitorDep, quote: Annotated[str, Query(max_length=40)] = "") -> Response:
    """An order from a held quote: its purpose, its terms, and then a word of confirmation."""
    return await _order(visitor, quote, Filled())


@router.post("/buy/orders/new")
async def send_order(visitor: VisitorDep) -> Response:
    """Show what would be ordered; with the confirmation, order it."""
    form = await visitor.form()
    quote_id = form.text("quote_id")[:40]
    args = {"quote_id": quote_id} | {name: form.optional(name) for name in _FIELDS}
    if not form.flag("confirm") and _is_whole(args):
        return await _order(visitor, quote_id, Filled(_ORDER, form.kept()), told=form)
    return await attempt(
        visitor,
        form,
        act=_ORDER,
        args=args,
        role="BUYER",
        then=lambda trade: f"/trades/{trade['trade_id']}",
        again=lambda filled: _order(visitor, quote_id, filled),
    )


async def _order(visitor: Visitor, quote_id: str, filled: Filled, *, told: Form | None = None) -> Response:
    """The form, or (`told`) the summary that is confirmed."""
    session = visitor.require(_BUYER)
    async with visitor.node.database.read() as s:
        row = await repository.quote_for(s, quote_id=quote_id, org_id=session.actor.org_id)
        listing = await listing_for(s, row)
        places = (await conditions_of(s, listing_id=listing.listing_id)).territory
        names = await names_of(s, [row.seller_id])
    return visitor.render(
        "order_new.html",
        filled=filled,
        quote=row,
        listing=listing,
        on_offer=listing.status is ListingState.LISTED,
        told=None if told is None else {name: told.text(name) for name in _FIELDS},
        territory=",".join(places) or "CN",
        names=names,
        **_words(visitor),
    )


def _words(visitor: Visitor) -> dict[str, Any]:
    now = visitor.node.clock.now()

    def standing(row: HeldQuote) -> str:
        return standing_of(trade_id=row.trade_id, until=row.until, at=now).value

    return {"standing": standing, "purposes": PURPOSE_LABELS}


def _is_whole(args: dict[str, Any]) -> bool:
    """Whether every field can be read; what cannot is named by the act itself."""
    try:
        kind_of(_ORDER).args.model_validate(args)
    except ValidationError:
        return False
    return True
