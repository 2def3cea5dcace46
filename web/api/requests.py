"""Data requests: what named buyers look for, and the listings they are answered with."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import Field

from base.db import WriteSession
from ledger.recording import Act
from market.listings.categories import Category, ProductType
from market.listings.conditions import Purpose
from market.requests import repository, service
from market.requests.rules import (
    MAX_DESCRIPTION,
    MAX_LINE,
    MAX_NOTE,
    MAX_TITLE,
    RequestState,
    Wanted,
)
from market.requests.tables import DataRequest, RequestAnswer
from market.requests.wishes import MAX_WORD, MOST_FIELDS, Wishes, wishes_of
from registry.declared import Frequency
from registry.rules import Level
from web.acts import ActKind, AmountMinor, Args, Asked, Id, Moment, kind
from web.api.trades import SUPERVISORS
from web.deps import Caller, CallerDep, ReadDep, VisitorDep, answers, respond
from web.node import Node
from web.views import View

router = APIRouter(tags=["requests"])
_BUYER = frozenset({"BUYER"})


class RequestView(View):
    """A request; its budget is told to the buyer, to who has answered, and to supervisors."""

    request_id: str
    buyer_id: str
    status: str
    title: str
    description: str
    category: str
    geo: str
    product_type: str | None
    purpose: str
    period: str
    volume: str
    budget_min_minor: int | None
    budget_max_minor: int | None
    answers: int
    fulfilled_by: int | None
    published_at: datetime
    until: datetime
    ended_at: datetime | None

    @classmethod
    def of(cls, row: DataRequest) -> "RequestView":
        """As everybody sees it."""
        hidden = {"budget_min_minor": None, "budget_max_minor": None}
        return cls.whole(row).model_copy(update=hidden)

    @classmethod
    def whole(cls, row: DataRequest) -> "RequestView":
        """With its budget."""
        return cls.model_validate(row)


class AnswerView(View):
    request_id: str
    answer_no: int
    listing_id: str
    seller_id: str
    broker_id: str | None
    note: str | None
    answered_at: datetime

    @classmethod
    def of(cls, row: RequestAnswer) -> "AnswerView":
        return cls.model_validate(row)


class PublishArgs(Args):
    title: str = Field(min_length=1, max_length=MAX_TITLE)
    description: str = Field(min_length=1, max_length=MAX_DESCRIPTION)
    category: Category
    geo: str = Field(default="CN", max_length=6)
    product_type: ProductType | None = None
    purpose: Purpose
    period: str = Field(min_length=1, max_length=MAX_LINE)
    volume: str = Field(min_length=1, max_length=MAX_LINE)
    budget_min_minor: AmountMinor | None = None
    budget_max_minor: AmountMinor | None = None
    until: Moment
    fields: list[Annotated[str, Field(min_length=1, max_length=MAX_WORD)]] = Field(
        default=[], max_length=MOST_FIELDS, description="Columns that are wanted"
    )
    frequency: Frequency | None = Field(default=None, description="The slowest update that will do")
    level: Level | None = Field(default=None, description="The highest level that one takes")
    licence_class: str | None = Field(default=None, max_length=MAX_WORD)


_WISHES = ("fields", "frequency", "level", "licence_class")


async def _publish(s: WriteSession, act: Act, args: PublishArgs, node: Node) -> Any:
    del node
    said = dict(args)
    wishes = wishes_of(**{name: said.pop(name) for name in _WISHES})
    return await service.publish_request(s, act, wanted=Wanted(**said, wishes=wishes))


PUBLISH = kind(
    ActKind(
        name="request.publish",
        event="REQ.PUBLISH",
        args=PublishArgs,
        roles=_BUYER,
        verb=_publish,
        answer=RequestView.whole,
        about=lambda _: "data-request",
        status=201,
    )
)


class AnswerForm(Asked):
    listing_id: Id
    note: str | None = Field(default=None, max_length=MAX_NOTE)


class AnswerArgs(Args, AnswerForm):
    request_id: Id


async def _answer(s: WriteSession, act: Act, args: AnswerArgs, node: Node) -> Any:
    del node
    return await service.answer_request(s, act, **dict(args))


ANSWER = kind(
    ActKind(
        name="request.answer",
        event="REQ.ANSWER",
        args=AnswerArgs,
        roles=frozenset({"PROVIDER", "BROKER"}),
        verb=_answer,
        answer=AnswerView.of,
        about=lambda args: args.request_id,
        status=201,
    )
)


class FulfilForm(Asked):
    answer_no: int = Field(ge=1, le=10**6)


class FulfilArgs(Args, FulfilForm):
    request_id: Id


async def _fulfil(s: WriteSession, act: Act, args: FulfilArgs, node: Node) -> Any:
    del node
    return await service.fulfil_request(s, act, **dict(args))


FULFIL = kind(
    ActKind(
        name="request.fulfil",
        event="REQ.FULFIL",
        args=FulfilArgs,
        roles=_BUYER,
        verb=_fulfil,
        answer=RequestView.whole,
        about=lambda args: args.request_id,
    )
)


class RequestArgs(Args):
    request_id: Id


async def _withdraw(s: WriteSession, act: Act, args: RequestArgs, node: Node) -> Any:
    del node
    return await service.withdraw_request(s, act, request_id=args.request_id)


WITHDRAW = kind(
    ActKind(
        name="request.withdraw",
        event="REQ.WITHDRAW",
        args=RequestArgs,
        roles=_BUYER,
        verb=_withdraw,
        answer=RequestView.whole,
        about=lambda args: args.request_id,
    )
)


class RequestsForm(Asked):
    """What narrows the list; without a status what is open."""

    status: RequestState = RequestState.OPEN
    category: Category | None = None
    buyer_id: Id | None = None
    after: Id | None = None
    limit: int = Field(default=50, ge=1, le=100)


class RequestsView(View):
    requests: list[RequestView]
    next_after: str | None


@router.get("/requests")
async def requests(s: ReadDep, asked: Annotated[RequestsForm, Query()]) -> RequestsView:
    """What buyers look for, newest first, by keyset; no budget and no answer is in it."""
    rows = await repository.requests_page(s, **asked.model_dump())
    full = len(rows) == asked.limit
    return RequestsView(
        requests=[RequestView.of(row) for row in rows], next_after=rows[-1].request_id if full else None
    )


@router.get("/requests/{request_id}")
async def request(request_id: Id, s: ReadDep, caller: VisitorDep) -> RequestView:
    """One request; its budget for the buyer, for who has answered, and for supervisors."""
    row = await repository.get_request(s, request_id=request_id)
    org_id = None if caller is None else caller.actor.org_id
    if await repository.budget_is_told(s, row, org_id, supervises=_supervises(caller)):
        return RequestView.whole(row)
    return RequestView.of(row)


class WishesView(View):
    """What more a request asks of the data; nothing where it does not say."""

    fields: list[str]
    frequency: Frequency | None
    level: Level | None
    licence_class: str | None

    @classmethod
    def of(cls, wishes: Wishes) -> "WishesView":
        return cls.model_validate(wishes.document())


@router.get("/requests/{request_id}/wishes")
async def wishes(request_id: Id, s: ReadDep) -> WishesView:
    """The columns, the freshness, the level and the licence that a request wants."""
    await repository.get_request(s, request_id=request_id)
    return WishesView.of(await repository.wishes_in(s, request_id=request_id))


@router.get("/requests/{request_id}/answers")
async def request_answers(request_id: Id, s: ReadDep, caller: CallerDep) -> list[AnswerView]:
    """Its answers: all of them for the buyer and for supervisors, their own for those who answered."""
    row = await repository.get_request(s, request_id=request_id)
    found = await repository.answers_of(s, request_id=request_id)
    everything = _supervises(caller) or caller.actor.org_id == row.buyer_id
    return [
        AnswerView.of(answer)
        for answer in found
        if everything or caller.actor.org_id in {answer.seller_id, answer.broker_id}
    ]


def _supervises(caller: Caller | None) -> bool:
    return caller is not None and bool(caller.actor.roles & SUPERVISORS)


@router.post("/requests", **answers(PUBLISH, RequestView))
async def publish(caller: CallerDep, form: PublishArgs) -> Response:
    """Publish what one looks for and the catalogue does not have."""
    return respond(await caller.do(PUBLISH, form))


@router.post("/requests/{request_id}/answers", **answers(ANSWER, AnswerView))
async def answer(request_id: Id, caller: CallerDep, form: AnswerForm) -> Response:
    """Answer a request with a listing that is on offer: one's own, or a client's as its mandated broker."""
    return respond(await caller.do(ANSWER, AnswerArgs(request_id=request_id, **form.model_dump())))


@router.post("/requests/{request_id}/fulfil", **answers(FULFIL, RequestView))
async def fulfil(request_id: Id, caller: CallerDep, form: FulfilForm) -> Response:
    """Say which answer has what was looked for."""
    return respond(await caller.do(FULFIL, FulfilArgs(request_id=request_id, answer_no=form.answer_no)))


@router.post("/requests/{request_id}/withdraw", **answers(WITHDRAW, RequestView))
async def withdraw(request_id: Id, caller: CallerDep) -> Response:
    """Take one's request back."""
    return respond(await caller.do(WITHDRAW, RequestArgs(request_id=request_id)))
