"""The negotiation: inquiry, offers with every fee before anyone commits, refusal, acceptance."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response
from pydantic import Field

from base.canonical import canonical
from base.db import ReadSession, WriteSession
from base.errors import Malformed
from identity.prepared import Document
from ledger.reader import opening, statement
from ledger.recording import Act
from market.listings.conditions import MAX_COUNT, MAX_DELETE_WD, MAX_RECIPIENTS, Purpose
from market.orders import repository
from market.orders import service as orders
from market.orders.acceptance import MAX_WINDOW_WD, TESTS, AcceptanceTerms
from market.orders.deadlines import DELIVER_WORKING_DAYS
from market.orders.handover import MAX_DELIVERY_DAYS, DeliveryMode, Handover
from market.orders.offering import Preview, preview, preview_for_seller, standing_of, taken_apart
from market.orders.parts import (
    MAX_CHARS,
    MAX_COLUMNS,
    MAX_CONDITIONS,
    MAX_VALUES,
    WHOLE,
    Comparison,
    Condition,
    View,
)
from market.orders.rules import MAX_NOTE
from market.orders.scope import DEFAULT_COUNT, DEFAULT_DELETE_WD, scope_from
from market.trade.accepting import accept_offer
from web.acts import ActKind, AmountMinor, Args, Asked, Count, Id, Moment, Sha256, kind
from web.api.catalogue import visible as visible_listing
from web.api.trades import PARTIES, visible
from web.deps import CallerDep, ReadDep, VisitorDep, answers, respond
from web.node import Node
from web.views import OfferView, PriceView, StandingOfferView, TradeView

router = APIRouter(tags=["trades"])


class InquireForm(Asked):
    purpose: str = Field(min_length=1, max_length=500)
    scenario: str = Field(min_length=1, max_length=500)
    quantity: Count
    broker_id: Id | None = None
    buyer_id: Id | None = None
    request_id: Id | None = Field(default=None, description="one's own request that this listing answers")


class InquireArgs(Args, InquireForm):
    listing_id: Id


async def _inquire(s: WriteSession, act: Act, args: InquireArgs, node: Node) -> Any:
    del node
    return await orders.inquire(s, act, **args.model_dump())


INQUIRE = kind(
    ActKind(
        name="trade.inquire",
        event="TRD.INQUIRE",
        args=InquireArgs,
        roles=frozenset({"BUYER", "BROKER"}),
        verb=_inquire,
        answer=TradeView.of,
        about=lambda args: args.listing_id,
        status=201,
    )
)


class ScopeForm(Asked):
    """What the buyer may do; what is left out is the usual."""

    purposes: list[Purpose] = Field(
        default_factory=lambda: [Purpose.INTERNAL_USE], min_length=1, max_length=len(Purpose)
    )
    recipients: list[Id] = Field(default_factory=list, max_length=MAX_RECIPIENTS)
    derivative_allowed: bool = False
    resale_allowed: bool = Field(default=False, description="refused: a licence is for its named buyer")
    max_count: int = Field(default=DEFAULT_COUNT, ge=1, le=MAX_COUNT)
    delete_within_wd: int = Field(default=DEFAULT_DELETE_WD, ge=1, le=MAX_DELETE_WD)


class RowsForm(Asked):
    """What holds of every row that is let out; values are text, read as the column's own type."""

    column: str = Field(min_length=1, max_length=MAX_CHARS)
    op: Comparison
    values: list[str] = Field(min_length=1, max_length=MAX_VALUES)


class PartForm(Asked):
    """What of a table is shared; no columns are all of them, no rows every row."""

    columns: list[str] = Field(default_factory=list, max_length=MAX_COLUMNS)
    rows: list[RowsForm] = Field(default_factory=list, max_length=MAX_CONDITIONS)

    def view(self) -> View:
        rows = tuple(Condition(one.column, one.op, tuple(one.values)) for one in self.rows)
        return View(tuple(self.columns), rows)


class DeliveryForm(Asked):
    """How and when it is handed over; without a mode by the usual one of the product's type."""

    mode: DeliveryMode | None = None
    days: int = Field(
        default=DELIVER_WORKING_DAYS, ge=1, le=MAX_DELIVERY_DAYS, description="working days after funding"
    )
    part: PartForm | None = None

    def handover(self) -> Handover:
        return Handover(self.mode, self.days, self.part.view() if self.part else WHOLE)


_MOST: Final = {test.name: test.highest for tests in TESTS.values() for test in tests}


def _most(name: str, what: str) -> Any:
    return Field(default=None, ge=1, le=_MOST[name], description=what)


class AcceptanceForm(Asked):
    """By what the goods are accepted; what is left out is the usual of the type, or is not asked."""

    within_wd: int | None = Field(
        default=None, ge=1, le=MAX_WINDOW_WD, description="working days; then silence accepts"
    )
    successful_calls: int | None = _most("successful_calls", "API: at least")
    latency_p95_ms: int | None = _most("latency_p95_ms", "API: at most")
    available_bp: int | None = _most("available_bp", "API: at least, of ten thousand calls")
    measured_days: int | None = _most("measured_days", "API: the calls are made over at least so many days")
    test_set_sha256: Sha256 | None = Field(default=None, description="TOOL: on what it runs")
    test_result_sha256: Sha256 | None = Field(default=None, description="TOOL: what has to come out")
    score_micro: int | None = _most("score_micro", "TOOL: millionths of the metric, at least")
    tasks: int | None = _most("tasks", "PRIVACY: tasks with a receipt, at least")
    spent_micro: int | None = _most("spent_micro", "PRIVACY: the budget, in millionths of epsilon")
    took_days: int | None = _most("took_days", "PRIVACY, COMPUTE: days in which all of it is there")
    card_hours_milli: int | None = _most("card_hours_milli", "COMPUTE: thousandths of a card-hour, at least")

    def terms(self) -> AcceptanceTerms:
        bounds = self.model_dump(exclude={"within_wd"}, exclude_none=True)
        return AcceptanceTerms(within_wd=self.within_wd, bounds=bounds)


class OfferForm(Asked):
    price_minor: AmountMinor
    quantity: Count
    unit: str = Field(min_length=1, max_length=60)
    licence_class: str = Field(min_length=1, max_length=60)
    term_months: int = Field(ge=1, le=1200)
    purpose: str = Field(min_length=1, max_length=500)
    territory: str = Field(default="CN", min_length=1, max_length=60)
    expires_at: Moment
    scope: ScopeForm | None = None
    delivery: DeliveryForm | None = None
    acceptance: AcceptanceForm | None = None
    commission_bp: int | None = Field(
        default=None, ge=0, le=10_000, description="the commission that was shown: another one is refused"
    )


class OfferArgs(Args, OfferForm):
    trade_id: Id


async def _offer(s: WriteSession, act: Act, args: OfferArgs, node: Node) -> Any:
    del node
    apart = {"trade_id", "scope", "delivery", "acceptance", "commission_bp"}
    said = {name: value for name, value in dict(args).items() if name not in apart}
    terms = orders.OfferTerms(
        **said,
        scope=None if args.scope is None else scope_from(args.scope.model_dump(mode="json")),
        delivery=None if args.delivery is None else args.delivery.handover(),
        acceptance=None if args.acceptance is None else args.acceptance.terms(),
    )
    return await orders.make_offer(s, act, trade_id=args.trade_id, terms=terms, shown_bp=args.commission_bp)


OFFER = kind(
    ActKind(
        name="trade.offer",
        event="TRD.OFFER",
        args=OfferArgs,
        roles=PARTIES,
        verb=_offer,
        answer=OfferView.of,
        about=lambda args: args.trade_id,
        status=201,
    )
)


class PriceAsked(Asked):
    """One of the two: what the buyer would pay, or what the provider wants to receive."""

    price_minor: AmountMinor | None = None
    seller_minor: AmountMinor | None = None


class AcceptForm(Asked):
    offer_no: int = Field(ge=1, le=10**6)


class AcceptArgs(Args, AcceptForm):
    trade_id: Id


async def _accept(s: WriteSession, act: Act, args: AcceptArgs, node: Node) -> Any:
    del node
    return await accept_offer(s, act, trade_id=args.trade_id, offer_no=args.offer_no)


async def _offered_terms(s: ReadSession, args: AcceptArgs) -> list[Document]:
    """The offer's terms with its price taken apart, as its statement commits to them."""
    offers = await repository.offers_of(s, trade_id=args.trade_id)
    found = next((offer for offer in offers if offer.offer_no == args.offer_no), None)
    said = None if found is None else await statement(s, statement_id=found.statement_id)
    terms = None if said is None else await opening(s, sha256=said.opening_sha256 or "")
    return [] if terms is None else [Document("offer.json", "application/json", canonical(terms))]


ACCEPT = kind(
    ActKind(
        name="trade.accept",
        event="TRD.ACCEPT",
        args=AcceptArgs,
        roles=PARTIES,
        verb=_accept,
        answer=TradeView.of,
        about=lambda args: args.trade_id,
        documents=_offered_terms,
    )
)


class RefuseForm(Asked):
    reason_code: str = Field(max_length=40)
    note: str | None = Field(default=None, max_length=MAX_NOTE, description="told to the parties alone")


class RefuseArgs(Args, RefuseForm):
    trade_id: Id


async def _refuse(s: WriteSession, act: Act, args: RefuseArgs, node: Node) -> Any:
    del node
    return await orders.refuse_trade(s, act, **dict(args))


REFUSE = kind(
    ActKind(
        name="trade.refuse",
        event="TRD.REFUSE",
        args=RefuseArgs,
        roles=frozenset({"PROVIDER", "BROKER"}),
        verb=_refuse,
        answer=TradeView.of,
        about=lambda args: args.trade_id,
    )
)


@router.post("/listings/{listing_id}/inquiries", **answers(INQUIRE, TradeView))
async def inquire(listing_id: Id, caller: CallerDep, form: InquireForm) -> Response:
    """Open a trade on a listing, as the buyer or the buyer's broker."""
    return respond(await caller.do(INQUIRE, InquireArgs(listing_id=listing_id, **form.model_dump())))


@router.get("/listings/{listing_id}/price")
async def list_price(listing_id: Id, s: ReadDep, caller: VisitorDep) -> PriceView | None:
    """The list price taken apart, before any inquiry; null where there is none.

    A broker's commission, where one comes in, is taken out of the provider's part: the buyer pays the same.
    """
    listing = await visible_listing(s, caller, listing_id)
    price = listing.list_price_minor
    return None if price is None else PriceView.of(Preview(taken_apart(price, 0), 0))


@router.get("/trades/{trade_id}/price")
async def price(
    trade_id: Id, caller: CallerDep, s: ReadDep, asked: Annotated[PriceAsked, Query()]
) -> PriceView:
    """What a price would come to in this trade, or the lowest price that leaves the provider so much."""
    trade, now = await visible(s, caller, trade_id), caller.node.clock.now()
    if asked.price_minor is not None and asked.seller_minor is None:
        return PriceView.of(await preview(s, trade, price_minor=asked.price_minor, at=now))
    if asked.seller_minor is not None and asked.price_minor is None:
        return PriceView.of(await preview_for_seller(s, trade, seller_minor=asked.seller_minor, at=now))
    raise Malformed("name either price_minor or seller_minor", member="price_minor")


@router.get("/trades/{trade_id}/offers")
async def offers(trade_id: Id, caller: CallerDep, s: ReadDep) -> list[StandingOfferView]:
    """Its offers, first to last, each with its price taken apart and whether it can still be accepted."""
    trade = await visible(s, caller, trade_id)
    rows = await repository.offers_of(s, trade_id=trade_id)
    now = caller.node.clock.now()
    return [StandingOfferView.standing_as(row, standing_of(row, trade, at=now)) for row in rows]


@router.post("/trades/{trade_id}/offers", **answers(OFFER, OfferView))
async def offer(trade_id: Id, caller: CallerDep, form: OfferForm) -> Response:
    """Make an offer, or answer the other side's with one's own."""
    return respond(await caller.do(OFFER, OfferArgs(trade_id=trade_id, **dict(form))))


@router.post("/trades/{trade_id}/accept", **answers(ACCEPT, TradeView))
async def accept(trade_id: Id, caller: CallerDep, form: AcceptForm) -> Response:
    """Accept the other side's latest offer; the checks before the contract follow at once."""
    return respond(await caller.do(ACCEPT, AcceptArgs(trade_id=trade_id, offer_no=form.offer_no)))


@router.post("/trades/{trade_id}/refuse", **answers(REFUSE, TradeView))
async def refuse(trade_id: Id, caller: CallerDep, form: RefuseForm) -> Response:
    """Refuse to deal, with the reason; a note says more to the other side."""
    return respond(await caller.do(REFUSE, RefuseArgs(trade_id=trade_id, **form.model_dump())))
