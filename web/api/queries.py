"""Questions to a table that stays where it lies: asked, prepared, approved; answers and budget."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

import orjson
from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from base.db import WriteSession
from base.errors import Malformed
from ledger.recording import Act
from market.delivery.access import Declared
from market.delivery.rules import digest_field, etag
from market.delivery.sandbox import repository
from market.delivery.sandbox.errors import AnswerErased
from market.delivery.sandbox.forms import MAX_TEXT_BYTES
from market.delivery.sandbox.preparing import EVENT as APPROVED
from market.delivery.sandbox.preparing import approve_algorithm, prepare
from market.delivery.sandbox.rules import Budget, questions_of
from market.delivery.sandbox.service import (
    Asking,
    ask,
    declared_by,
    looked_at,
    require_readable,
    standing_terms,
)
from market.delivery.sandbox.tables import PreparedQuestion, Question, QuestionStatus
from market.delivery.sandbox.telling import as_csv, seen_by_seller
from market.listings.conditions import Purpose
from market.listings.errors import SandboxTermsMissing
from market.listings.repository import get_listing
from market.listings.repository import sandbox_of as terms_of_listing
from market.listings.sandboxing import SandboxTerms
from market.listings.states import ListingState
from web.acts import ActKind, Args, Asked, Id, kind
from web.deps import CallerDep, IdempotencyKeyMissing, ReadDep, VisitorDep, answers, respond
from web.files import sandbox_of
from web.node import Node
from web.views import View

router = APIRouter(tags=["entitlements"])
_BUYER: Final = frozenset({"BUYER"})
_PROVIDER: Final = frozenset({"PROVIDER"})
Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT_BYTES)]
EpsilonMicro = Annotated[int, Field(ge=1, le=10**9)]


class QuestionForm(Asked):
    """A question in SQL, or one that was prepared; `epsilon_micro` asks for a cheaper, noisier answer."""

    sql: Text | None = None
    algorithm_id: Id | None = None
    epsilon_micro: EpsilonMicro | None = None
    purpose: Purpose | None = None
    recipient: Id | None = None


class PrepareForm(Asked):
    sql: Text
    epsilon_micro: EpsilonMicro | None = None


class QuestionView(View):
    """A question that was counted. Its seller sees its form, and not for whom it was, nor the answer."""

    query_id: str
    status: QuestionStatus
    query_sha256: str
    algorithm_sha256: str
    epsilon_micro: int
    delta_pico: int
    spent_micro: int | None
    result_sha256: str | None
    rows: int
    asked_at: datetime
    answered_at: datetime | None
    query: dict[str, Any] | None = None
    statement_id: str | None

    @classmethod
    def of(cls, row: Question, query: dict[str, Any] | None) -> "QuestionView":
        return cls.model_validate(row).model_copy(update={"query": query})


class AnswerView(QuestionView):
    """An answered question with its answer (`GET …/queries/{query_id}` has the very bytes)."""

    answer: dict[str, Any]


class PreparedQuestionView(View):
    algorithm_id: str
    entitlement_id: str
    algorithm_sha256: str
    epsilon_micro: int
    prepared_by: str
    prepared_at: datetime
    approved_at: datetime | None
    query: dict[str, Any] | None = None

    @classmethod
    def of(cls, row: PreparedQuestion) -> "PreparedQuestionView":
        query = orjson.loads(row.form) if row.form else None
        return cls.model_validate(row).model_copy(update={"query": query})


class BudgetView(View):
    """What is left of the privacy budget, in millionths of ε, and of the questions."""

    spent_micro: int
    held_micro: int
    left_micro: int
    total_micro: int
    questions: int
    max_queries: int

    @classmethod
    def of(cls, budget: Budget, terms: SandboxTerms) -> "BudgetView":
        return cls(
            spent_micro=budget.spent_micro,
            held_micro=budget.held_micro,
            left_micro=budget.left_micro(terms),
            total_micro=terms.epsilon_total_micro,
            questions=budget.questions,
            max_queries=questions_of(terms),
        )


@router.get("/listings/{listing_id}/sandbox", tags=["catalogue"])
async def sandbox(listing_id: Id, s: ReadDep, caller: VisitorDep) -> dict[str, Any]:
    """What may be asked of a listing's table, and at which price in privacy; the same for everybody."""
    listing = await get_listing(s, listing_id=listing_id)
    terms = await terms_of_listing(s, listing_id=listing_id)
    mine = caller is not None and caller.actor.org_id in {listing.seller_id, listing.broker_id}
    if terms is None or (listing.status is ListingState.DRAFT and not mine):
        raise SandboxTermsMissing("nothing may be asked of it", listing_id=listing_id)
    return terms.document()


@router.post("/entitlements/{entitlement_id}/queries", status_code=201)
async def query(entitlement_id: Id, form: QuestionForm, caller: CallerDep) -> AnswerView:
    """Ask. The budget is asked first, the answer is counted before it leaves; the same again is free."""
    caller.require(*_BUYER)
    if (form.sql is None) == (form.algorithm_id is None):
        raise Malformed("a question is sql or algorithm_id", member="sql")
    if caller.idempotency_key is None:
        raise IdempotencyKeyMissing("an Idempotency-Key header is asked for")
    asking = Asking(
        key=caller.idempotency_key,
        declared=Declared(form.purpose, form.recipient),
        text=form.sql,
        algorithm_id=form.algorithm_id,
        epsilon_micro=form.epsilon_micro,
    )
    row = await ask(sandbox_of(caller.node), caller.actor, entitlement_id=entitlement_id, asking=asking)
    shown = QuestionView.of(row, orjson.loads(row.form))
    return AnswerView(**shown.model_dump(), answer=orjson.loads(row.answer))


@router.get("/entitlements/{entitlement_id}/queries")
async def queries(
    entitlement_id: Id, caller: CallerDep, s: ReadDep, after: Annotated[Id | None, Query()] = None
) -> list[QuestionView]:
    """What was asked and counted, newest first: with all of it for who takes, its form for the seller."""
    _, _, terms, sells = await looked_at(s, entitlement_id, org_id=caller.actor.org_id)
    rows = await repository.questions_of(s, entitlement_id=entitlement_id, after=after)
    return [
        QuestionView.of(row, seen_by_seller(row, terms) if sells else orjson.loads(row.form or "null"))
        for row in rows
    ]


@router.get("/entitlements/{entitlement_id}/queries/{query_id}", response_class=Response)
async def answer(
    entitlement_id: Id,
    query_id: Id,
    caller: CallerDep,
    s: ReadDep,
    as_: Annotated[Literal["json", "csv"], Query(alias="format")] = "json",
) -> Response:
    """The answer, the very bytes that the ledger names; or its table as CSV. As long as the right stands."""
    org_id = caller.actor.org_id
    await standing_terms(s, caller.node.house, entitlement_id, org_id=org_id)
    row = await repository.get_question(s, entitlement_id=entitlement_id, query_id=query_id)
    declared = declared_by(row, org_id=org_id)
    now = caller.node.clock.now()
    await require_readable(s, entitlement_id, org_id=org_id, declared=declared, now=now, query_id=query_id)
    if not row.answer or row.result_sha256 is None:
        raise AnswerErased("there is no answer to it", query_id=query_id)
    if as_ == "csv":
        name = {"content-disposition": f'attachment; filename="{query_id}.csv"'}
        return Response(
            as_csv(row.answer), media_type="text/csv; charset=utf-8; header=present", headers=name
        )
    headers = {"etag": etag(row.result_sha256), "repr-digest": digest_field(row.result_sha256)}
    return Response(row.answer, media_type="application/json", headers=headers)


@router.get("/entitlements/{entitlement_id}/privacy-budget")
async def privacy_budget(entitlement_id: Id, caller: CallerDep, s: ReadDep) -> BudgetView:
    """What the buyer's questions about the product have spent, under all its rights, and what is left."""
    trade, entitlement, terms, _ = await looked_at(s, entitlement_id, org_id=caller.actor.org_id)
    now = caller.node.clock.now()
    budget = await repository.budget_of(
        s, buyer_id=entitlement.buyer_id, product_id=trade.product_id, now=now
    )
    return BudgetView.of(budget, terms)


@router.post("/entitlements/{entitlement_id}/algorithms", status_code=201)
async def prepare_algorithm(entitlement_id: Id, form: PrepareForm, caller: CallerDep) -> PreparedQuestionView:
    """Register a question for the seller's approval; nothing is run or spent."""
    caller.require(*_BUYER)
    row = await prepare(
        sandbox_of(caller.node),
        caller.actor,
        entitlement_id=entitlement_id,
        text=form.sql,
        epsilon_micro=form.epsilon_micro,
    )
    return PreparedQuestionView.of(row)


@router.get("/entitlements/{entitlement_id}/algorithms")
async def algorithms(entitlement_id: Id, caller: CallerDep, s: ReadDep) -> list[PreparedQuestionView]:
    """The questions that were prepared under a right, newest first; its seller sees them whole."""
    await looked_at(s, entitlement_id, org_id=caller.actor.org_id)
    rows = await repository.prepared_of(s, entitlement_id=entitlement_id)
    return [PreparedQuestionView.of(row) for row in rows]


class ApproveArgs(Args):
    algorithm_id: Id


async def _approve(s: WriteSession, act: Act, args: ApproveArgs, node: Node) -> Any:
    del node
    return await approve_algorithm(s, act, algorithm_id=args.algorithm_id)


APPROVE = kind(
    ActKind(
        name="algorithm.approve",
        event=APPROVED,
        args=ApproveArgs,
        roles=_PROVIDER,
        verb=_approve,
        answer=PreparedQuestionView.of,
        about=lambda args: args.algorithm_id,
    )
)


@router.post("/algorithms/{algorithm_id}/approve", **answers(APPROVE, PreparedQuestionView))
async def approve(algorithm_id: Id, caller: CallerDep) -> Response:
    """Let a prepared question be run, as the seller: what runs then has this very digest."""
    return respond(await caller.do(APPROVE, ApproveArgs(algorithm_id=algorithm_id)))
