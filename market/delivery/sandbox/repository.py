"""What is asked about questions and budgets. Locks in one order: trade, entitlement, budget, question."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col, select, update

from base.db import ReadSession, WriteSession, exclusive_lock
from market.delivery.sandbox.errors import AlgorithmUnknown, QuestionUnknown
from market.delivery.sandbox.rules import Budget
from market.delivery.sandbox.tables import PreparedQuestion, PrivacyBudget, Question, QuestionStatus

MAX_PAGE: Final = 100
_FRESH: Final = {"populate_existing": True}
_INSERT: Final[dict[str, Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


async def budget_of(s: ReadSession, *, buyer_id: str, product_id: str, now: datetime) -> Budget:
    """How the budget of a buyer and a product stands."""
    row = await s.get(PrivacyBudget, (buyer_id, product_id), populate_existing=True)
    held, running = (
        await s.exec(
            select(func.coalesce(func.sum(Question.epsilon_micro), 0), func.count()).where(
                Question.buyer_id == buyer_id,
                Question.product_id == product_id,
                Question.status == QuestionStatus.RUNNING,
                col(Question.lapses_at) > now,
            )
        )
    ).one()
    return Budget(
        spent_micro=row.spent_micro if row else 0,
        held_micro=int(held),
        questions=row.questions if row else 0,
        running=int(running),
    )


async def claim_budget(s: WriteSession, *, buyer_id: str, product_id: str) -> PrivacyBudget:
    """The budget of a buyer and a product, locked against every other question about it."""
    row = {"buyer_id": buyer_id, "product_id": product_id, "spent_micro": 0, "questions": 0}
    fresh = _INSERT[s.get_bind().dialect.name](PrivacyBudget).values(**row).on_conflict_do_nothing()
    await s.exec(fresh)
    query = select(PrivacyBudget).where(
        PrivacyBudget.buyer_id == buyer_id, PrivacyBudget.product_id == product_id
    )
    return (await s.exec(exclusive_lock(query), execution_options=_FRESH)).one()


async def give_up_lapsed(s: WriteSession, *, buyer_id: str, product_id: str, now: datetime) -> None:
    """Runs that were not over in time hold nothing back any more; the budget's lock covers them."""
    lapsed = update(Question).where(
        col(Question.buyer_id) == buyer_id,
        col(Question.product_id) == product_id,
        col(Question.status) == QuestionStatus.RUNNING,
        col(Question.lapses_at) <= now,
    )
    await s.exec(lapsed.values(status=QuestionStatus.LAPSED, key=None))


async def question_by_key(s: ReadSession, *, entitlement_id: str, key: str) -> Question | None:
    """The question that was asked under a caller's key."""
    query = select(Question).where(Question.entitlement_id == entitlement_id, Question.key == key)
    return (await s.exec(query, execution_options=_FRESH)).first()


async def same_question(
    s: ReadSession, *, entitlement_id: str, form_sha256: str, epsilon_micro: int
) -> Question | None:
    """The same question as it is answered already at no lower price, or is being answered."""
    query = select(Question).where(
        Question.entitlement_id == entitlement_id,
        Question.form_sha256 == form_sha256,
        col(Question.epsilon_micro) >= epsilon_micro,
        col(Question.status).in_((QuestionStatus.ANSWERED, QuestionStatus.RUNNING)),
    )
    best = query.order_by(col(Question.status), col(Question.epsilon_micro).desc(), col(Question.query_id))
    return (await s.exec(best, execution_options=_FRESH)).first()


async def exact_forms(s: ReadSession, *, beside: Question) -> Sequence[str]:
    """The questions that the same buyer was answered exactly about the product, or is being, each once."""
    query = select(Question.form).where(
        Question.buyer_id == beside.buyer_id,
        Question.product_id == beside.product_id,
        Question.query_id != beside.query_id,
        Question.epsilon_micro == 0,
        Question.form != "",
        col(Question.status).in_((QuestionStatus.ANSWERED, QuestionStatus.RUNNING)),
    )
    return (await s.exec(query.distinct().order_by(Question.form))).all()


async def claim_question(s: WriteSession, *, query_id: str) -> Question:
    """One question, locked. Raises QuestionUnknown."""
    query = exclusive_lock(select(Question).where(Question.query_id == query_id))
    return _known((await s.exec(query, execution_options=_FRESH)).first(), query_id)


async def get_question(s: ReadSession, *, entitlement_id: str, query_id: str) -> Question:
    """One question of a right. Raises QuestionUnknown."""
    found = await s.get(Question, query_id, populate_existing=True)
    return _known(found if found and found.entitlement_id == entitlement_id else None, query_id)


async def questions_of(
    s: ReadSession, *, entitlement_id: str, after: str | None = None, limit: int = 50
) -> Sequence[Question]:
    """The questions of a right that were counted, newest first, by keyset."""
    query = select(Question).where(
        Question.entitlement_id == entitlement_id,
        col(Question.status).in_((QuestionStatus.ANSWERED, QuestionStatus.BROKEN)),
    )
    if after is not None:
        query = query.where(col(Question.query_id) < after)
    return (await s.exec(query.order_by(col(Question.query_id).desc()).limit(min(limit, MAX_PAGE)))).all()


async def prepared_of(s: ReadSession, *, entitlement_id: str) -> Sequence[PreparedQuestion]:
    """The questions that were prepared under a right, newest first."""
    query = select(PreparedQuestion).where(PreparedQuestion.entitlement_id == entitlement_id)
    newest = query.order_by(col(PreparedQuestion.algorithm_id).desc()).limit(MAX_PAGE)
    return (await s.exec(newest)).all()


async def get_prepared(s: ReadSession, *, algorithm_id: str) -> PreparedQuestion:
    """A question that was prepared. Raises AlgorithmUnknown."""
    found = await s.get(PreparedQuestion, algorithm_id, populate_existing=True)
    if found is None:
        raise AlgorithmUnknown("no such prepared question", algorithm_id=algorithm_id)
    return found


def _known(question: Question | None, query_id: str) -> Question:
    if question is None:
        raise QuestionUnknown("no such question", query_id=query_id)
    return question
