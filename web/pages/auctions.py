"""Sealed auctions: the list, an auction with its bids, and the forms of seller and bidder."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from base.db import ReadSession
from market.auctions import repository
from market.auctions.bidding import fees_of
from market.auctions.states import AuctionState
from market.auctions.tables import Auction
from market.auctions.terms import terms_document
from market.listings.repository import get_listing
from market.orders.offering import Preview
from pricing.quote import MAX_PRICE_MINOR
from web.pages.acting import attempt
from web.pages.forms import Filled, Form
from web.pages.languages import N_
from web.pages.naming import names_of
from web.pages.showing import in_days
from web.pages.visiting import SUPERVISORS, Visitor, VisitorDep

router = APIRouter()
_PAGE: Final = 30
_BIDDERS: Final = frozenset({"BUYER", "BROKER"})
_CLOSE_DAYS: Final = 7
_REVEAL_DAYS: Final = 9
COMMAND: Final = (  # what makes a commitment at home (`docs/auctions.md`); the price is in fen
    "N=$(openssl rand -hex 32); P=1000000\n"
    'printf \'databourse sealed bid v1\\n{"auction":"%s","bidder":"%s","nonce":"%%s","price_minor":%%s}\''
    " $N $P | sha256sum"
)
MECHANISMS: Final = {
    "second-price": N_("Sealed bids: the highest win and pay the highest bid that does not"),
    "rsop": N_("Any number of copies: each half of the bidders is offered the other half's best price"),
}
FAILURES: Final = {
    "no-bids": N_("nobody bid"),
    "nothing-revealed": N_("no bid was revealed"),
    "seed-not-published": N_("the log did not publish the close in time"),
    "reserve-not-revealed": N_("the provider did not reveal the reserve"),
    "reserve-not-met": N_("no bid reached the reserve"),
    "auction-one-sided": N_("all bids fell on one side"),
    "nobody-reaches-the-price": N_("nobody reached the price"),
    "listing-not-on-offer": N_("the product was taken off the market"),
}


@router.get("/auctions")
async def auctions(
    visitor: VisitorDep,
    listing: Annotated[str | None, Query(max_length=40)] = None,
    after: Annotated[str | None, Query(max_length=40)] = None,
) -> Response:
    """Auctions, newest first; of one product where one comes from there."""
    async with visitor.node.database.read() as s:
        rows = await repository.auctions_page(s, listing_id=listing, after=after, limit=_PAGE)
        names = await names_of(s, (row.seller_id for row in rows))
        titles = {row.listing_id: (await get_listing(s, listing_id=row.listing_id)).title for row in rows}
    last = rows[-1].auction_id if len(rows) == _PAGE else None
    return visitor.render(
        "auctions.html",
        auctions=rows,
        names=names,
        titles=titles,
        mechanisms=MECHANISMS,
        next_address=visitor.url("/auctions", listing=listing or "", after=last) if last else None,
    )


@router.get("/auctions/new")
async def new_auction(visitor: VisitorDep, listing: Annotated[str, Query(max_length=40)]) -> Response:
    """The form by which a seller puts a listing up."""
    visitor.require({"PROVIDER"})
    return await _form(visitor, listing, Filled())


async def _form(visitor: Visitor, listing_id: str, filled: Filled) -> Response:
    async with visitor.node.database.read() as s:
        listing = await get_listing(s, listing_id=listing_id)
    now = visitor.node.clock.now()
    return visitor.render(
        "auction_new.html",
        filled=filled,
        listing=listing,
        mechanisms=[(code, visitor.say(word)) for code, word in MECHANISMS.items()],
        closes_at=in_days(now, _CLOSE_DAYS),
        reveal_by=in_days(now, _REVEAL_DAYS),
    )


@router.post("/auctions/new")
async def open_auction(visitor: VisitorDep, listing: Annotated[str, Query(max_length=40)]) -> Response:
    """Put a listing up for auction."""
    form = await visitor.form()
    return await attempt(
        visitor,
        form,
        act="auction.open",
        args={
            "listing_id": listing,
            "mechanism": form.text("mechanism"),
            "units": form.whole("units"),
            "reserve_minor": form.fen("reserve_minor"),
            "reserve_sha256": form.optional("reserve_sha256"),
            "closes_at": form.moment("closes_at"),
            "reveal_by": form.moment("reveal_by"),
            "term_months": form.whole("term_months"),
            "licence_class": form.optional("licence_class"),
        },
        role="PROVIDER",
        then=lambda done: f"/auctions/{done['auction_id']}",
        again=lambda filled: _form(visitor, listing, filled),
    )


@router.get("/auctions/{auction_id}")
async def auction(visitor: VisitorDep, auction_id: str) -> Response:
    """One auction, for everybody; its prices for whom they concern."""
    return await _auction(visitor, auction_id, Filled())


async def _auction(visitor: Visitor, auction_id: str, filled: Filled) -> Response:
    async with visitor.node.database.read() as s:
        row = await repository.get_auction(s, auction_id=auction_id)
        bids = await repository.bids_of(s, auction_id=auction_id)
        listing = await get_listing(s, listing_id=row.listing_id)
        names = await names_of(s, [row.seller_id], (bid.bidder_id for bid in bids))
        previewed = await _previewed(s, visitor, row)
    mine = [bid for bid in bids if visitor.org_id in repository.own_side(bid)]
    sells = visitor.org_id == row.seller_id and visitor.may({"PROVIDER"})
    took_part = sells or any(visitor.org_id in {bid.bidder_id, bid.broker_id or ""} for bid in bids)
    told = visitor.may(SUPERVISORS) or (row.status is AuctionState.AWARDED and took_part)
    is_open, is_closed = row.status is AuctionState.OPEN, row.status is AuctionState.CLOSED
    return visitor.render(
        "auction.html",
        filled=filled,
        auction=row,
        listing=listing,
        terms=terms_document(row),
        names=names,
        bids=bids if visitor.org_id is not None else (),
        told={bid.bid_id for bid in bids if told or bid in mine},
        trades=[bid.trade_id for bid in bids if bid.trade_id and (told or bid in mine)],
        mechanism=MECHANISMS[row.mechanism.value],
        failure=FAILURES.get(row.failed_for or ""),
        previewed=previewed,
        command=COMMAND % (auction_id, visitor.org_id),
        asked=visitor.request.query_params.get("price", ""),
        may_bid=is_open and not mine and not sells and visitor.may(_BIDDERS),
        to_reveal=[bid for bid in mine if is_closed and bid.nonce is None] if visitor.may(_BIDDERS) else [],
        may_cancel=is_open and sells and not row.bids,
        may_tell=is_closed and sells and row.reserve_sha256 is not None and row.reserve_minor is None,
        hidden=row.reserve_sha256 is not None and row.ended_at is None,
    )


async def _previewed(s: ReadSession, visitor: Visitor, row: Auction) -> Preview | None:
    """What a price would come to, where one was asked about."""
    values = {name: [visitor.request.query_params.get(name, "")] for name in ("price", "broker")}
    asked = Form(values).fen("price")
    if not isinstance(asked, int) or not 0 < asked <= MAX_PRICE_MINOR:
        return None
    now = visitor.node.clock.now()
    return await fees_of(
        s,
        row,
        price_minor=asked,
        at=now,
        buyer_id=visitor.org_id,
        broker_id=values["broker"][0] or None,
    )


@router.post("/auctions/{auction_id}/bids")
async def commit(visitor: VisitorDep, auction_id: str) -> Response:
    """Commit to a bid."""
    form = await visitor.form()
    args: dict[str, str | None] = {name: form.text(name) for name in ("commitment", "purpose", "scenario")}
    args |= {name: form.optional(name) for name in ("broker_id", "buyer_id")}
    return await _done(visitor, auction_id, form, "auction.commit", args, role=_role(visitor))


@router.post("/auctions/{auction_id}/reveal")
async def reveal(visitor: VisitorDep, auction_id: str) -> Response:
    """Open a commitment."""
    form = await visitor.form()
    args = {
        "price_minor": form.fen("price_minor"),
        "nonce": form.text("nonce"),
        "bidder_id": form.optional("bidder_id"),
    }
    return await _done(visitor, auction_id, form, "auction.reveal", args, role=_role(visitor))


@router.post("/auctions/{auction_id}/reveal-reserve")
async def reveal_reserve(visitor: VisitorDep, auction_id: str) -> Response:
    """Open the commitment to the reserve."""
    form = await visitor.form()
    args = {"reserve_minor": form.fen("reserve_minor"), "nonce": form.text("nonce")}
    return await _done(visitor, auction_id, form, "auction.reveal-reserve", args, role="PROVIDER")


@router.post("/auctions/{auction_id}/cancel")
async def cancel(visitor: VisitorDep, auction_id: str) -> Response:
    """Call it off."""
    form = await visitor.form()
    return await _done(visitor, auction_id, form, "auction.cancel", {}, role="PROVIDER")


def _role(visitor: Visitor) -> str:
    return "BUYER" if visitor.may({"BUYER"}) else "BROKER"


async def _done(
    visitor: Visitor, auction_id: str, form: Form, act: str, args: dict[str, Any], *, role: str
) -> Response:
    return await attempt(
        visitor,
        form,
        act=act,
        args={"auction_id": auction_id} | args,
        role=role,
        then=f"/auctions/{auction_id}",
        again=lambda filled: _auction(visitor, auction_id, filled),
    )
