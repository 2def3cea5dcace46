"""Sealed auctions: bid for in commitments, revealed after the close, awarded by the clock."""

from datetime import datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Response
from pydantic import Field

from base.canonical import sha256_hex
from base.db import WriteSession
from ledger.recording import Act
from market.auctions import repository, service
from market.auctions.bidding import fees_of
from market.auctions.errors import AwardUnknown
from market.auctions.rules import MOST_UNITS, Mechanism, Plan
from market.auctions.states import AuctionState
from market.auctions.tables import Auction, AuctionBid
from market.auctions.terms import COUNTRY, Goods
from market.orders.scope import scope_from
from market.trade.bidding import commit_bid
from pricing.quote import MAX_PRICE_MINOR
from web.acts import ActKind, Args, Asked, Id, Moment, Sha256, kind
from web.api.negotiations import AcceptanceForm, DeliveryForm, ScopeForm
from web.api.trades import SUPERVISORS
from web.deps import Caller, CallerDep, NodeDep, ReadDep, VisitorDep, answers, respond
from web.node import Node
from web.views import PriceView, View

router = APIRouter(tags=["auctions"])
_BIDDERS = frozenset({"BUYER", "BROKER"})
_SELLER = frozenset({"PROVIDER"})
Price = Annotated[int, Field(ge=1, le=MAX_PRICE_MINOR)]


class AuctionView(View):
    """An auction as everybody sees it; a sealed reserve is told when it is over."""

    auction_id: str
    status: str
    mechanism: str
    listing_id: str
    product_id: str
    seller_id: str
    units: int | None
    reserve_minor: int | None
    reserve_sha256: str | None
    terms: dict[str, Any]
    bids: int
    opened_at: datetime
    closes_at: datetime
    reveal_by: datetime
    ended_at: datetime | None
    failed_for: str | None

    @classmethod
    def of(cls, row: Auction) -> "AuctionView":
        told = row.model_dump() | {"terms": orjson.loads(row.terms)}
        if row.reserve_sha256 is not None and row.ended_at is None:
            told["reserve_minor"] = None
        return cls.model_validate(told)


class BidView(View):
    """A bid; its price is told to its own side, to supervisors, and after the award to who took part."""

    bid_id: str
    auction_id: str
    number: int
    bidder_id: str
    broker_id: str | None
    commitment: str
    committed_at: datetime
    revealed_at: datetime | None
    price_minor: int | None
    trade_id: str | None

    @classmethod
    def of(cls, row: AuctionBid) -> "BidView":
        return cls.model_validate(row)


class OpenForm(Asked):
    """Second price: `units` and a reserve, told or committed to. RSOP: neither."""

    mechanism: Mechanism
    closes_at: Moment
    reveal_by: Moment
    units: int | None = Field(default=None, ge=1, le=MOST_UNITS)
    reserve_minor: Price | None = None
    reserve_sha256: Sha256 | None = None
    term_months: int = Field(ge=1, le=1200)
    territory: str = Field(default=COUNTRY, min_length=1, max_length=60)
    licence_class: str | None = Field(default=None, min_length=1, max_length=60)
    scope: ScopeForm | None = None
    delivery: DeliveryForm | None = None
    acceptance: AcceptanceForm | None = None


class OpenArgs(Args, OpenForm):
    listing_id: Id


_PLAN = ("mechanism", "closes_at", "reveal_by", "units", "reserve_minor", "reserve_sha256")


async def _open(s: WriteSession, act: Act, args: OpenArgs, node: Node) -> Any:
    del node
    goods = Goods(
        term_months=args.term_months,
        territory=args.territory,
        licence_class=args.licence_class,
        scope=scope_from(args.scope.model_dump(mode="json")) if args.scope else None,
        delivery=args.delivery.handover() if args.delivery else None,
        acceptance=args.acceptance.terms() if args.acceptance else None,
    )
    plan = Plan(**{name: getattr(args, name) for name in _PLAN})
    return await service.open_auction(s, act, listing_id=args.listing_id, plan=plan, goods=goods)


OPEN = kind(
    ActKind(
        name="auction.open",
        event="AUC.OPEN",
        args=OpenArgs,
        roles=_SELLER,
        verb=_open,
        answer=AuctionView.of,
        about=lambda args: args.listing_id,
        status=201,
    )
)


class AuctionArgs(Args):
    auction_id: Id


async def _cancel(s: WriteSession, act: Act, args: AuctionArgs, node: Node) -> Any:
    del node
    return await service.cancel_auction(s, act, auction_id=args.auction_id)


CANCEL = kind(
    ActKind(
        name="auction.cancel",
        event="AUC.CANCEL",
        args=AuctionArgs,
        roles=_SELLER,
        verb=_cancel,
        answer=AuctionView.of,
        about=lambda args: args.auction_id,
    )
)


class CommitForm(Asked):
    """`commitment` is made at home (docs/pricing.md): the exchange learns a price when it is revealed."""

    commitment: Sha256
    purpose: str = Field(min_length=1, max_length=500)
    scenario: str = Field(min_length=1, max_length=500)
    broker_id: Id | None = None
    buyer_id: Id | None = Field(default=None, description="whom a broker bids for")


class CommitArgs(Args, CommitForm):
    auction_id: Id


async def _commit(s: WriteSession, act: Act, args: CommitArgs, node: Node) -> Any:
    del node
    return await commit_bid(s, act, **args.model_dump())


COMMIT = kind(
    ActKind(
        name="auction.commit",
        event="AUC.COMMIT",
        args=CommitArgs,
        roles=_BIDDERS,
        verb=_commit,
        answer=BidView.of,
        about=lambda args: args.auction_id,
        status=201,
    )
)


class RevealForm(Asked):
    price_minor: Price
    nonce: Sha256
    bidder_id: Id | None = Field(default=None, description="whom a broker bids for")


class RevealArgs(Args, RevealForm):
    auction_id: Id


async def _reveal(s: WriteSession, act: Act, args: RevealArgs, node: Node) -> Any:
    del node
    return await service.reveal_bid(s, act, **args.model_dump())


REVEAL = kind(
    ActKind(
        name="auction.reveal",
        event="AUC.REVEAL",
        args=RevealArgs,
        roles=_BIDDERS,
        verb=_reveal,
        answer=BidView.of,
        about=lambda args: args.auction_id,
    )
)


class ReserveForm(Asked):
    reserve_minor: Price
    nonce: Sha256


class ReserveArgs(Args, ReserveForm):
    auction_id: Id


async def _reserve(s: WriteSession, act: Act, args: ReserveArgs, node: Node) -> Any:
    del node
    return await service.reveal_reserve(s, act, **args.model_dump())


RESERVE = kind(
    ActKind(
        name="auction.reveal-reserve",
        event="AUC.REVEAL_RESERVE",
        args=ReserveArgs,
        roles=_SELLER,
        verb=_reserve,
        answer=AuctionView.of,
        about=lambda args: args.auction_id,
    )
)


class AuctionsForm(Asked):
    """What narrows the list."""

    status: AuctionState | None = None
    listing_id: Id | None = None
    seller_id: Id | None = None
    after: Id | None = None
    limit: int = Field(default=50, ge=1, le=100)


class AuctionsView(View):
    auctions: list[AuctionView]
    next_after: str | None


@router.get("/auctions")
async def auctions(s: ReadDep, asked: Annotated[AuctionsForm, Query()]) -> AuctionsView:
    """Auctions, newest first, by keyset."""
    rows = await repository.auctions_page(s, **asked.model_dump())
    full = len(rows) == asked.limit
    return AuctionsView(
        auctions=[AuctionView.of(row) for row in rows], next_after=rows[-1].auction_id if full else None
    )


@router.get("/auctions/{auction_id}")
async def auction(auction_id: Id, s: ReadDep) -> AuctionView:
    """One auction: what is sold, by which mechanism, until when."""
    return AuctionView.of(await repository.get_auction(s, auction_id=auction_id))


@router.get("/auctions/{auction_id}/bids")
async def bids(auction_id: Id, s: ReadDep, caller: CallerDep) -> list[BidView]:
    """Its bids. A price is told to its own side and to supervisors; after an award to who took part."""
    row = await repository.get_auction(s, auction_id=auction_id)
    found = await repository.bids_of(s, auction_id=auction_id)
    told = _is_told(row, found, caller)
    return [
        BidView.of(bid)
        if told or caller.actor.org_id in repository.own_side(bid)
        else BidView.of(bid).model_copy(update={"price_minor": None})
        for bid in found
    ]


def _is_told(row: Auction, found: Any, caller: Caller) -> bool:
    took_part = {row.seller_id} | {org for bid in found for org in (bid.bidder_id, bid.broker_id)}
    awarded = row.status is AuctionState.AWARDED
    return bool(caller.actor.roles & SUPERVISORS) or (awarded and caller.actor.org_id in took_part)


class PriceAsked(Asked):
    """What one might bid, and the broker that would come in."""

    price_minor: Price
    broker_id: Id | None = None


class AwardView(View):
    """The award's quote: `databourse price METHOD` makes the document again from the facts."""

    mechanism: str
    method: str
    document: dict[str, Any]
    facts: dict[str, Any]
    quote_sha256: str = Field(description="Of the canonical bytes of the document")


@router.get("/auctions/{auction_id}/quote")
async def award(auction_id: Id, s: ReadDep, caller: CallerDep) -> AwardView:
    """The quote of the award with its facts, for who took part and for supervisors."""
    row = await repository.get_auction(s, auction_id=auction_id)
    found = await repository.bids_of(s, auction_id=auction_id)
    if row.document is None or row.facts is None or not _is_told(row, found, caller):
        raise AwardUnknown("there is no award that you take part in", auction_id=auction_id)
    return AwardView(
        mechanism=service.MECHANISM_IDS[row.mechanism],
        method=row.mechanism.value,
        document=orjson.loads(row.document),
        facts=orjson.loads(row.facts),
        quote_sha256=sha256_hex(row.document.encode()),
    )


@router.get("/auctions/{auction_id}/price")
async def price(
    auction_id: Id, s: ReadDep, caller: VisitorDep, node: NodeDep, asked: Annotated[PriceAsked, Query()]
) -> PriceView:
    """Where every fen of a price would go, before anybody bids: the buyer pays the price and nothing more."""
    row = await repository.get_auction(s, auction_id=auction_id)
    buyer_id = None if caller is None else caller.actor.org_id
    now = node.clock.now()
    asking = asked.model_dump()
    return PriceView.of(await fees_of(s, row, at=now, buyer_id=buyer_id, **asking))


@router.post("/listings/{listing_id}/auctions", **answers(OPEN, AuctionView))
async def open_(listing_id: Id, caller: CallerDep, form: OpenForm) -> Response:
    """Put one's own listing up for auction."""
    return respond(await caller.do(OPEN, OpenArgs(listing_id=listing_id, **form.model_dump())))


@router.post("/auctions/{auction_id}/cancel", **answers(CANCEL, AuctionView))
async def cancel(auction_id: Id, caller: CallerDep) -> Response:
    """Call an auction off, before the first commitment."""
    return respond(await caller.do(CANCEL, AuctionArgs(auction_id=auction_id)))


@router.post("/auctions/{auction_id}/bids", **answers(COMMIT, BidView))
async def commit(auction_id: Id, caller: CallerDep, form: CommitForm) -> Response:
    """Commit to a bid, for oneself or for a client."""
    return respond(await caller.do(COMMIT, CommitArgs(auction_id=auction_id, **form.model_dump())))


@router.post("/auctions/{auction_id}/reveal", **answers(REVEAL, BidView))
async def reveal(auction_id: Id, caller: CallerDep, form: RevealForm) -> Response:
    """Open one's commitment after the close."""
    return respond(await caller.do(REVEAL, RevealArgs(auction_id=auction_id, **form.model_dump())))


@router.post("/auctions/{auction_id}/reveal-reserve", **answers(RESERVE, AuctionView))
async def reveal_reserve(auction_id: Id, caller: CallerDep, form: ReserveForm) -> Response:
    """Open the commitment to the reserve after the close."""
    return respond(await caller.do(RESERVE, ReserveArgs(auction_id=auction_id, **form.model_dump())))
