"""A data product: what it is, how good it was measured to be, what it costs, and how to ask for it."""

from typing import Any, Final

import orjson
from fastapi import APIRouter
from starlette.responses import Response

from base.clock import SHANGHAI
from base.db import ReadSession
from brokers.repository import mandates_of
from brokers.states import MandateState
from ledger.reader import statements_of
from market.listings import catalogue, repository
from market.listings.buyers import KIND_LABELS
from market.listings.categories import CATEGORY_LABELS, PRODUCT_TYPE_LABELS
from market.listings.conditions import PURPOSE_LABELS, Purpose
from market.listings.errors import ListingUnknown
from market.listings.rules import ListingState
from market.listings.tables import Listing
from pricing.whole import PLATFORM_FEE_BP, VAT_BP, whole_price
from registry.contributions.repository import agreed_to
from registry.measuring.rules import five_properties
from registry.quality import PASS_DIMENSION, PASS_SCORE, WEIGHT_PERCENT, Dimension, tenths_of
from registry.repository import latest_report, reports_of
from registry.tables import QualityRow
from web.charts.quality import dimensions as dimensions_chart
from web.charts.quality import scores
from web.pages import words
from web.pages.acting import attempt
from web.pages.forms import Filled
from web.pages.naming import names_of
from web.pages.offering import beside
from web.pages.picturing import picture
from web.pages.planning import planned
from web.pages.regions import region
from web.pages.sandboxing import shown_terms
from web.pages.visiting import SUPERVISORS, Visitor, VisitorDep

router = APIRouter()
_TREND: Final = 12
_RELATED: Final = 3
_ID: Final = 30


@router.get("/products/{listing_id}")
async def product(visitor: VisitorDep, listing_id: str) -> Response:
    """One product that is, or was, on offer."""
    return await _product(visitor, listing_id, Filled())


async def _product(visitor: Visitor, listing_id: str, filled: Filled) -> Response:
    async with visitor.node.database.read() as s:
        listing = await seen(s, visitor, listing_id)
        file = await repository.get_file(s, file_id=listing.file_id)
        report = await latest_report(s, listing_id=listing_id)
        said = await statements_of(s, object_id=listing_id)
        asking = await _asking(s, visitor, listing)
        buyers = await repository.buyers_of(s, listing_id=listing_id)
        plan = await repository.plan_of(s, listing_id=listing_id)
        sandbox = await repository.sandbox_of(s, listing_id=listing_id)
        conditions = await repository.conditions_of(s, listing_id=listing_id)
        alike = await catalogue.search(s, catalogue.Query(category=listing.category), limit=_RELATED + 1)
        names = await names_of(s, [listing.seller_id, listing.broker_id], asking.get("orgs", []))
        offers = await beside(s, visitor, listing)
        joint = await agreed_to(s, product_id=listing.product_id)
        givers = await names_of(s, [one.contributor_id for one in joint])
    price = listing.list_price_minor
    asked = visitor.request.query_params.get("quantity", "")[:_ID]
    return visitor.render(
        "product.html",
        filled=filled,
        listing=listing,
        file=file,
        report=report,
        document=_document(report),
        sensitive=_sensitive(report),
        weights=WEIGHT_PERCENT,
        said=said,
        names=names,
        asking=asking,
        options=[(org, names[org]) for org in asking.get("orgs", [])],
        price=None if price is None else whole_price(price, commission_bp=0, platform_bp=PLATFORM_FEE_BP),
        offers=offers and await picture(visitor, offers),
        joint=[one for one in joint if one.holder_id == listing.seller_id],
        givers=givers,
        plan=plan and planned(plan, listing, asked),
        wanted=asked if asked.isascii() and asked.isdecimal() else "",
        sandbox=shown_terms(sandbox),
        vat_bp=VAT_BP,
        platform_bp=PLATFORM_FEE_BP,
        category=CATEGORY_LABELS[listing.category],
        product_type=PRODUCT_TYPE_LABELS[listing.product_type],
        region=region(listing.geo),
        on_offer=listing.status is ListingState.LISTED,
        buyers=buyers,
        related=[one for one in alike.listings if one.listing_id != listing_id][:_RELATED],
        conditions=conditions,
        purposes=[PURPOSE_LABELS[one] for one in Purpose if one in conditions.purposes],
        kinds=KIND_LABELS,
        place=region,
        for_request=visitor.request.query_params.get("request", "")[:_ID],
    )


@router.post("/products/{listing_id}/inquire")
async def inquire(visitor: VisitorDep, listing_id: str) -> Response:
    """Open a trade, as the buyer or as the buyer's broker."""
    form = await visitor.form()
    role = "BUYER" if "BUYER" in visitor.roles else "BROKER"
    return await attempt(
        visitor,
        form,
        act="trade.inquire",
        args={
            "listing_id": listing_id,
            "purpose": form.text("purpose"),
            "scenario": form.text("scenario"),
            "quantity": form.whole("quantity"),
            "broker_id": form.optional("broker_id") if role == "BUYER" else None,
            "buyer_id": form.optional("buyer_id") if role == "BROKER" else None,
            "request_id": form.optional("request_id"),
        },
        role=role,
        then=lambda trade: f"/trades/{trade['trade_id']}",
        again=lambda filled: _product(visitor, listing_id, filled),
    )


@router.get("/products/{listing_id}/quality")
async def quality(visitor: VisitorDep, listing_id: str) -> Response:
    """The measured quality, with everything needed to measure it again."""
    async with visitor.node.database.read() as s:
        listing = await seen(s, visitor, listing_id)
        report = await latest_report(s, listing_id=listing_id)
        if report is None:
            raise ListingUnknown("no report for this listing", listing_id=listing_id)
        trend = await reports_of(s, listing_id=listing_id, limit=_TREND)
        said = await statements_of(s, object_id=listing_id)
    seqs = {statement.statement_id: statement.seq for statement in said}
    document = _document(report)
    assert document is not None
    dimensions = [
        (visitor.say(words.word("dimension", name)), tenths_of(document["dimensions"][name]))
        for name in WEIGHT_PERCENT
    ]
    drawn = dimensions_chart(
        dimensions,
        pass_tenths=PASS_DIMENSION,
        title=visitor.say("Six dimensions"),
        says=visitor.say("Scores of 100; the dashed line is what each dimension needs."),
        say=visitor.say,
    )
    earlier = scores(
        [
            (f"{row.measured_at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}", row.score_tenths)
            for row in reversed(trend)
        ],
        pass_tenths=PASS_SCORE,
        title=visitor.say("Score over time"),
        says=visitor.say("Each report of this product; the dashed line is what it needs in all."),
        say=visitor.say,
    )
    return visitor.render(
        "quality.html",
        drawn=await picture(visitor, drawn),
        over_time=await picture(visitor, earlier) if len(trend) > 1 else None,
        listing=listing,
        report=report,
        document=document,
        five=five_properties({one: tenths_of(document["dimensions"][one]) for one in Dimension}, None),
        weights=WEIGHT_PERCENT,
        tenths=tenths_of,
        pass_score=PASS_SCORE,
        pass_dimension=PASS_DIMENSION,
        trend=trend,
        seqs=seqs,
    )


async def seen(s: ReadSession, visitor: Visitor, listing_id: str) -> Listing:
    """The listing, if it is or was on offer, or is the visitor's business. Raises ListingUnknown."""
    listing = await repository.get_listing(s, listing_id=listing_id)
    own = visitor.org_id is not None and visitor.org_id in {listing.seller_id, listing.broker_id}
    if listing.listed_at is None and not own and not visitor.may(SUPERVISORS):
        raise ListingUnknown("no such listing", listing_id=listing_id)
    return listing


async def _asking(s: ReadSession, visitor: Visitor, listing: Listing) -> dict[str, Any]:
    """What the form of an inquiry offers: a buyer its possible brokers, a broker its clients."""
    own = visitor.org_id in {listing.seller_id, None}
    if own or listing.status is not ListingState.LISTED or not visitor.may({"BUYER", "BROKER"}):
        return {}
    assert visitor.org_id is not None
    mine = await mandates_of(s, org_id=visitor.org_id)
    fitting = [
        mandate
        for mandate in [*mine, *await mandates_of(s, org_id=listing.seller_id)]
        if mandate.status is MandateState.ACTIVE and mandate.listing_id in {None, listing.listing_id}
    ]
    if visitor.may({"BUYER"}):
        clients = {("PROVIDER", listing.seller_id), ("BUYER", visitor.org_id)}
        brokers = sorted({m.broker_id for m in fitting if (m.side, m.client_id) in clients})
        return {"as": "BUYER", "orgs": brokers}
    buyers = sorted({m.client_id for m in fitting if m.broker_id == visitor.org_id and m.side == "BUYER"})
    return {"as": "BROKER", "orgs": buyers}


def _sensitive(report: QualityRow | None) -> dict[str, list[str]]:
    """What the scan recognised in each column, where it was enough to count: the kinds of its hints."""
    found: dict[str, list[str]] = {}
    for hint in (_document(report) or {}).get("hints", ()):
        kinds = found.setdefault(hint["column"], [])
        if hint["flagged"] and hint["kind"] not in kinds:
            kinds.append(hint["kind"])
    return found


def _document(report: QualityRow | None) -> dict[str, Any] | None:
    return None if report is None else orjson.loads(report.report)
