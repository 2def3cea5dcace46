"""A provider's desk: what it has sold and what it comes to, what waits for it, its products, its requests."""

from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.responses import RedirectResponse, Response

from identity.repository import active_keys
from ledger.reader import statements_about
from market.delivery.repository import entitlement_of
from market.filing.repository import invoice_of
from market.listings import repository
from market.listings.categories import CATEGORY_LABELS
from market.listings.rules import ListingState
from market.orders.states import TradeState
from market.orders.turns import running_of
from market.settlement.opened import pays
from market.settlement.repository import claims_of, instructions_of, payee_account
from market.settlement.sales import months_of, sale_of, sales_of
from web.charts.sales import Month
from web.charts.sales import sales as sales_chart
from web.pages.naming import names_of
from web.pages.picturing import picture
from web.pages.steps import deadline_of
from web.pages.trade_words import REFUSAL_REASONS
from web.pages.turns import waiting_for
from web.pages.visiting import SELLERS, VisitorDep

router = APIRouter()
_PROVIDER: Final = frozenset({"PROVIDER"})
_PAGE: Final = 50
_NEWEST: Final = 5
_ASKED: Final = frozenset({TradeState.INQUIRED, TradeState.NEGOTIATING})
_SOLD: Final = (
    TradeState.CONTRACTED,
    TradeState.FUNDED,
    TradeState.DELIVERING,
    TradeState.DELIVERED,
    TradeState.DISPUTED,
    TradeState.ACCEPTED_GOODS,
    TradeState.SETTLED,
    TradeState.FILED,
    TradeState.CERTIFIED,
    TradeState.CLOSED,
    TradeState.REFUNDED,
    TradeState.CANCELLED,
)
_HELD_UP: Final = frozenset({ListingState.SUSPENDED, ListingState.REJECTED})


@router.get("/sell")
async def overview(visitor: VisitorDep) -> Response:
    """The year's sales, what waits for the provider, what stands in its way, its newest listings."""
    session = visitor.require(SELLERS)
    org_id, now = session.actor.org_id, visitor.node.clock.now()
    async with visitor.node.database.read() as s:
        months = await months_of(s, seller_id=org_id, now=now)
        waiting = await waiting_for(s, visitor)
        newest = await repository.listings_brought(s, org_id=org_id, limit=_PAGE)
        paid_to = await payee_account(s, org_id=org_id)
        keys = await active_keys(s, org_id=org_id)
    drawn = sales_chart(
        [Month(month.first_day.isoformat()[:7], month.net_minor, month.trades) for month in months],
        title=visitor.say("Received by month"),
        says=visitor.say("What was settled in each month, after commission and fee."),
        say=visitor.say,
    )
    return visitor.render(
        "sell.html",
        months=months,
        chart=await picture(visitor, drawn) if any(month.trades for month in months) else None,
        waiting=waiting,
        listings=newest[:_NEWEST],
        drafts=[one for one in newest if one.status is ListingState.DRAFT],
        held_up=[one for one in newest if one.status in _HELD_UP],
        labels=CATEGORY_LABELS,
        paid_to=paid_to,
        has_key=bool(keys),
        is_provider=visitor.may(_PROVIDER),
    )


@router.get("/sell/products")
async def products(
    visitor: VisitorDep, after: Annotated[str | None, Query(max_length=40)] = None
) -> Response:
    """One's own listings in every state, newest first."""
    session = visitor.require(SELLERS)
    async with visitor.node.database.read() as s:
        listings = await repository.listings_brought(s, org_id=session.actor.org_id, after=after, limit=_PAGE)
    return visitor.render(
        "sell_products.html",
        listings=listings,
        labels=CATEGORY_LABELS,
        next_address=visitor.url("/sell/products", after=listings[-1].listing_id)
        if len(listings) == _PAGE
        else None,
    )


@router.get("/sell/products/new")
async def new(visitor: VisitorDep) -> Response:
    """A listing begins with its file."""
    return RedirectResponse(visitor.url("/sell/new"), status_code=301)


@router.get("/sell/products/{listing_id}")
@router.get("/sell/products/{listing_id}/{part}")
async def one_product(visitor: VisitorDep, listing_id: str, part: str = "") -> Response:
    """The steps of a listing are parts of its one page."""
    place = f"#{part}" if part in {"describe", "upload", "quality", "price", "rights", "submit"} else ""
    return RedirectResponse(visitor.url(f"/sell/{listing_id}") + place, status_code=301)


@router.get("/sell/sales")
async def sales(
    visitor: VisitorDep,
    status: Annotated[str, Query(max_length=30)] = "",
    after: Annotated[str | None, Query(max_length=40)] = None,
) -> Response:
    """Every contract of the provider, and what it comes to."""
    session = visitor.require(_PROVIDER)
    chosen = TradeState(status) if status in set(_SOLD) else None
    async with visitor.node.database.read() as s:
        found = await sales_of(s, seller_id=session.actor.org_id, status=chosen, after=after, limit=_PAGE)
        names = await names_of(s, (one.trade.buyer_id for one in found))
    state = "" if chosen is None else chosen.value
    return visitor.render(
        "sell_sales.html",
        sales=found,
        names=names,
        chosen=state,
        states=visitor.options("state", (one.value for one in _SOLD)),
        next_address=visitor.url("/sell/sales", status=state, after=found[-1].trade.trade_id)
        if len(found) == _PAGE
        else None,
    )


@router.get("/sell/settlements/{trade_id}")
async def settlement(visitor: VisitorDep, trade_id: str) -> Response:
    """What one sale was paid out as: the price taken apart, the bank's payment, the proof, the invoice."""
    session = visitor.require(_PROVIDER)
    org_id = session.actor.org_id
    async with visitor.node.database.read() as s:
        sale = await sale_of(s, trade_id=trade_id, seller_id=org_id)
        instructions = await instructions_of(s, trade_id=trade_id)
        claims = await claims_of(s, trade_id=trade_id)
        invoice = await invoice_of(s, trade_id=trade_id)
        entitlement = await entitlement_of(s, trade_id=trade_id)
        said = await statements_about(
            s, object_ids=[trade_id], events=["TRD.CONTRACT", "TRD.FUND", "PAY.INSTRUCT", "TRD.SETTLE"]
        )
        names = await names_of(s, [sale.trade.buyer_id, sale.trade.commission_to])
    own = [
        (one, [leg for leg in one.payouts if pays(sale.trade, leg["end_to_end_id"], org_id)])
        for one in instructions
    ]
    return visitor.render(
        "settlement.html",
        sale=sale,
        trade=sale.trade,
        parts=sale.split or sale.trade,
        payments=[(one, legs) for one, legs in own if legs],
        claims=[claim for claim in claims if claim.debtor_id == org_id],
        invoice=invoice,
        entitlement=entitlement,
        said=said,
        names=names,
    )


@router.get("/sell/requests")
async def requests(visitor: VisitorDep) -> Response:
    """Who asks for one's products and waits for an answer: with an offer, or with a reason why not."""
    session = visitor.require(_PROVIDER)
    org_id = session.actor.org_id
    async with visitor.node.database.read() as s:
        turns = await running_of(s, org_id=org_id, statuses=_ASKED)
        asked = sorted(
            (one for one in turns if one.trade.seller_id == org_id),
            key=lambda one: (one.trade.answer_by or one.trade.inquired_at, one.trade.trade_id),
        )
        names = await names_of(s, (org for one in asked for org in (one.trade.buyer_id, one.trade.broker_id)))
        titles = await repository.titles_of(s, listing_ids={one.trade.listing_id for one in asked})
    return visitor.render(
        "sell_requests.html",
        asked=asked,
        names=names,
        titles=titles,
        deadline_of=deadline_of,
        reasons=visitor.options("refusal", REFUSAL_REASONS),
    )
