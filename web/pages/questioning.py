"""Questions to a table that stays where it lies: the box, the budget and the answers; what a seller sees."""

from collections.abc import Mapping
from typing import Any, Final

import orjson
from fastapi import APIRouter
from starlette.responses import Response

from base.db import ReadSession
from base.errors import DomainError, NotFound, Unauthenticated, Unavailable
from market.delivery.access import Declared
from market.delivery.sandbox import repository
from market.delivery.sandbox.preparing import prepare
from market.delivery.sandbox.rules import questions_of
from market.delivery.sandbox.service import Asking, ask, declared_by, looked_at, require_readable
from market.delivery.sandbox.tables import Question
from market.delivery.sandbox.telling import as_sql, seen_by_seller, table_of_answer
from market.listings.repository import get_listing
from web.files import sandbox_of
from web.pages.acting import attempt
from web.pages.delivering import declarable_for
from web.pages.forms import Filled, Form, fresh_key, sent_back
from web.pages.sandboxing import MICRO, allowed, plain
from web.pages.visiting import Visitor, VisitorDep

router = APIRouter()
_PARTIES: Final = frozenset({"BUYER", "PROVIDER"})
_BUYER: Final = frozenset({"BUYER"})
_SELLER: Final = frozenset({"PROVIDER"})
_ANSWERS_SHOWN: Final = 10
_SAMPLE: Final = "SELECT COUNT(*) AS n FROM data"


@router.get("/entitlements/{entitlement_id}/questions")
async def questions(visitor: VisitorDep, entitlement_id: str) -> Response:
    """For who takes: the box, the budget, the answers. For the seller: what was asked, what to approve."""
    return await _shown(visitor, entitlement_id, Filled())


@router.post("/entitlements/{entitlement_id}/questions")
async def asked(visitor: VisitorDep, entitlement_id: str) -> Response:
    """Ask what is in the box, or what was prepared and approved; or register it for approval."""
    form = await visitor.form()
    session = visitor.require(_BUYER)
    sandbox = sandbox_of(visitor.node)
    try:
        if form.flag("prepare"):
            await prepare(sandbox, session.actor, entitlement_id=entitlement_id, text=form.text("sql"))
        else:
            asking = Asking(
                key=form.optional("idempotency_key") or fresh_key(),
                declared=Declared(form.optional("purpose")),
                text=form.text("sql"),
                algorithm_id=form.optional("algorithm_id"),
            )
            await ask(sandbox, session.actor, entitlement_id=entitlement_id, asking=asking)
    except (Unauthenticated, NotFound, Unavailable):
        raise
    except DomainError as error:
        return await _shown(visitor, entitlement_id, sent_back("question", form, error))
    return visitor.redirect(f"/entitlements/{entitlement_id}/questions")


@router.post("/algorithms/{algorithm_id}/approve")
async def approve(visitor: VisitorDep, algorithm_id: str) -> Response:
    """Let a prepared question be run, as the seller."""
    form: Form = await visitor.form()
    session = visitor.require(_SELLER)
    async with visitor.node.database.read() as s:
        row = await repository.get_prepared(s, algorithm_id=algorithm_id)
        await looked_at(s, row.entitlement_id, org_id=session.actor.org_id)
    return await attempt(
        visitor,
        form,
        act="algorithm.approve",
        args={"algorithm_id": algorithm_id},
        then=f"/entitlements/{row.entitlement_id}/questions",
        again=lambda filled: _shown(visitor, row.entitlement_id, filled),
    )


async def _shown(visitor: Visitor, entitlement_id: str, filled: Filled) -> Response:
    session = visitor.require(_PARTIES)
    async with visitor.node.database.read() as s:
        context = await _context(s, visitor, entitlement_id, session.actor.org_id)
    return visitor.render("questions.html", filled=filled, **context)


async def _context(s: ReadSession, visitor: Visitor, entitlement_id: str, org_id: str) -> Mapping[str, Any]:
    trade, entitlement, terms, sells = await looked_at(s, entitlement_id, org_id=org_id)
    budget = await repository.budget_of(
        s, buyer_id=entitlement.buyer_id, product_id=trade.product_id, now=visitor.node.clock.now()
    )
    rows = await repository.questions_of(s, entitlement_id=entitlement_id, limit=_ANSWERS_SHOWN)
    told = []
    for row in rows:
        form = seen_by_seller(row, terms) if sells else orjson.loads(row.form or "null")
        readable = not sells and row.answer and await _may_read(s, visitor, row, org_id)
        table = table_of_answer(row.answer) if readable else None
        told.append((row, as_sql(form) if form else None, table))
    prepared = await repository.prepared_of(s, entitlement_id=entitlement_id)
    return {
        "entitlement": entitlement,
        "trade": trade,
        "title": (await get_listing(s, listing_id=trade.listing_id)).title,
        "terms": terms,
        "columns": [(column, allowed(column)) for column in terms.columns],
        "sample": _SAMPLE,
        "sells": sells,
        "left": _epsilon(budget.left_micro(terms)),
        "total": _epsilon(terms.epsilon_total_micro),
        "more": budget.left_micro(terms) // max(terms.epsilon_query_micro, 1),
        "each": _epsilon(terms.epsilon_query_micro),
        "asked_so_far": budget.questions,
        "most": questions_of(terms),
        "told": told,
        "epsilon": _epsilon,
        "prepared": [(row, as_sql(orjson.loads(row.form))) for row in prepared if row.form],
        "declarable": [] if sells else await declarable_for(s, trade.trade_id, visitor.lang),
        "may_look_at_trade": org_id in {trade.buyer_id, trade.seller_id},
    }


async def _may_read(s: ReadSession, visitor: Visitor, row: Question, org_id: str) -> bool:
    """A kept answer is shown to whom it would be handed out now."""
    declared, now = declared_by(row, org_id=org_id), visitor.node.clock.now()
    try:
        await require_readable(
            s, row.entitlement_id, org_id=org_id, declared=declared, now=now, query_id=row.query_id
        )
    except DomainError:
        return False
    return True


def _epsilon(micro: int) -> str:
    return plain(micro, MICRO)
