"""What buyers look for: the public list, a request with its answers, and the forms around them."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from base.db import ReadSession
from brokers.repository import mandates_of
from brokers.states import MandateState
from market.listings.categories import CATEGORY_LABELS, PRODUCT_TYPE_LABELS, Category
from market.listings.conditions import PURPOSE_LABELS
from market.listings.repository import get_listing, listings_of
from market.listings.states import ListingState
from market.listings.tables import Listing
from market.requests import repository
from market.requests.rules import RequestState
from market.requests.tables import DataRequest
from registry.declared import Frequency
from registry.rules import Level
from web.pages.acting import attempt
from web.pages.forms import Filled, Form
from web.pages.naming import names_of
from web.pages.regions import REGIONS, region
from web.pages.showing import in_days
from web.pages.visiting import SELLERS, SUPERVISORS, Visitor, VisitorDep

router = APIRouter()
_PAGE: Final = 30
_LISTINGS: Final = 100
_OPEN_DAYS: Final = 30
_BUYER: Final = frozenset({"BUYER"})
_LEVELS: Final = (Level.GENERAL_1, Level.GENERAL_2, Level.GENERAL_3, Level.GENERAL_4)
_TEXTS: Final = ("title", "description", "category", "geo", "purpose", "period", "volume")


@router.get("/requests")
async def requests(
    visitor: VisitorDep,
    category: Annotated[str, Query(max_length=40)] = "",
    after: Annotated[str | None, Query(max_length=40)] = None,
) -> Response:
    """What is open, newest first; one's own in every state where one asks for it."""
    chosen = Category(category) if category in set(Category) else None
    async with visitor.node.database.read() as s:
        rows = await repository.requests_page(s, category=chosen, after=after, limit=_PAGE)
        own = () if not visitor.may(_BUYER) else await _own(s, visitor)
        names = await names_of(s, (row.buyer_id for row in rows))
    last = rows[-1].request_id if len(rows) == _PAGE else None
    return visitor.render(
        "requests.html",
        requests=rows,
        own=own,
        names=names,
        chosen=chosen,
        labels=CATEGORY_LABELS,
        region=region,
        next_address=visitor.url("/requests", category=category, after=last) if last else None,
    )


async def _own(s: ReadSession, visitor: Visitor) -> list[DataRequest]:
    found = await repository.requests_page(s, status=None, buyer_id=visitor.org_id, limit=_PAGE)
    return list(found)


@router.get("/requests/new")
async def new_request(visitor: VisitorDep) -> Response:
    """The form of a request."""
    visitor.require(_BUYER)
    return await _form(visitor, Filled())


async def _form(visitor: Visitor, filled: Filled) -> Response:
    return visitor.render(
        "request_new.html",
        filled=filled,
        categories=visitor.labelled(CATEGORY_LABELS),
        regions=visitor.labelled(REGIONS),
        types=visitor.labelled(PRODUCT_TYPE_LABELS),
        purposes=visitor.labelled(PURPOSE_LABELS),
        frequencies=visitor.options("frequency", Frequency),
        levels=visitor.options("level", _LEVELS),
        until=in_days(visitor.node.clock.now(), _OPEN_DAYS),
    )


def words_of(text: str | None) -> list[str]:
    """Words that a field holds with commas between."""
    return [word for part in (text or "").replace("，", ",").split(",") if (word := part.strip())]


@router.post("/requests/new")
async def publish(visitor: VisitorDep) -> Response:
    """Publish a request."""
    form = await visitor.form()
    return await attempt(
        visitor,
        form,
        act="request.publish",
        args={name: form.text(name) for name in _TEXTS}
        | {
            "product_type": form.optional("product_type"),
            "budget_min_minor": form.fen("budget_min_minor"),
            "budget_max_minor": form.fen("budget_max_minor"),
            "until": form.moment("until"),
            "fields": words_of(form.optional("fields")),
            **{name: form.optional(name) for name in ("frequency", "level", "licence_class")},
        },
        role="BUYER",
        then=lambda done: f"/requests/{done['request_id']}",
        again=lambda filled: _form(visitor, filled),
    )


@router.get("/requests/{request_id}")
async def request(visitor: VisitorDep, request_id: str) -> Response:
    """One request, for everybody; its answers for whom they concern."""
    return await _request(visitor, request_id, Filled())


async def _request(visitor: Visitor, request_id: str, filled: Filled) -> Response:
    async with visitor.node.database.read() as s:
        row = await repository.get_request(s, request_id=request_id)
        mine = visitor.org_id is not None and visitor.org_id == row.buyer_id
        supervises = visitor.may(SUPERVISORS)
        answers = [
            answer
            for answer in await repository.answers_of(s, request_id=request_id)
            if mine or supervises or visitor.org_id in {answer.seller_id, answer.broker_id or ""}
        ]
        listings = {one.listing_id: await get_listing(s, listing_id=one.listing_id) for one in answers}
        names = await names_of(s, [row.buyer_id], (answer.seller_id for answer in answers))
        taken = {answer.listing_id for answer in answers}
        offered = await _to_answer_with(s, visitor, row)
        budget = await repository.budget_is_told(s, row, visitor.org_id, supervises=supervises)
        wishes = await repository.wishes_in(s, request_id=request_id)
    is_open = row.status is RequestState.OPEN
    return visitor.render(
        "request.html",
        filled=filled,
        request=row,
        answers=answers,
        listings=listings,
        names=names,
        mine=mine and visitor.may(_BUYER),
        is_open=is_open,
        budget=budget,
        wishes=wishes,
        options=[(one.listing_id, one.title) for one in offered if one.listing_id not in taken],
        may_answer=is_open and not mine and visitor.may(SELLERS),
        category=CATEGORY_LABELS[row.category],
        product_type=PRODUCT_TYPE_LABELS[row.product_type] if row.product_type else None,
        purpose=PURPOSE_LABELS[row.purpose],
        region=region(row.geo),
    )


async def _to_answer_with(s: ReadSession, visitor: Visitor, row: DataRequest) -> list[Listing]:
    """The visitor's listings on offer that are not the buyer's own: a provider's, a broker's clients'."""
    if visitor.org_id is None or not visitor.may(SELLERS):
        return []
    sellers = [visitor.org_id] if visitor.may({"PROVIDER"}) else []
    if not sellers:
        sellers = [
            mandate.client_id
            for mandate in await mandates_of(s, org_id=visitor.org_id)
            if mandate.status is MandateState.ACTIVE
            and mandate.side == "PROVIDER"
            and mandate.broker_id == visitor.org_id
        ]
    found: list[Listing] = []
    for seller in dict.fromkeys(sellers):
        if seller != row.buyer_id and len(found) < _LISTINGS:
            found += await listings_of(s, seller_id=seller, status=ListingState.LISTED, limit=_LISTINGS)
    return found


@router.post("/requests/{request_id}/answers")
async def answer(visitor: VisitorDep, request_id: str) -> Response:
    """Answer a request with a listing."""
    form = await visitor.form()
    args = {"listing_id": form.text("listing_id"), "note": form.optional("note")}
    role = "PROVIDER" if visitor.may({"PROVIDER"}) else "BROKER"
    return await _done(visitor, request_id, form, "request.answer", args, role=role)


@router.post("/requests/{request_id}/fulfil")
async def fulfil(visitor: VisitorDep, request_id: str) -> Response:
    """Say which answer it is."""
    form = await visitor.form()
    args = {"answer_no": form.whole("answer_no")}
    return await _done(visitor, request_id, form, "request.fulfil", args, role="BUYER")


@router.post("/requests/{request_id}/withdraw")
async def withdraw(visitor: VisitorDep, request_id: str) -> Response:
    """Take it back."""
    form = await visitor.form()
    return await _done(visitor, request_id, form, "request.withdraw", {}, role="BUYER")


async def _done(
    visitor: Visitor, request_id: str, form: Form, act: str, args: dict[str, Any], *, role: str
) -> Response:
    return await attempt(
        visitor,
        form,
        act=act,
        args={"request_id": request_id} | args,
        role=role,
        then=f"/requests/{request_id}",
        again=lambda filled: _request(visitor, request_id, filled),
    )
