"""What is asked about evaluations."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from sqlmodel import col, select

from base.db import ReadSession, WriteSession, exclusive_lock
from registry.evaluation.errors import EvaluationUnknown
from registry.evaluation.states import EvaluationState
from registry.evaluation.tables import EvaluationRow, FrozenRow, PeriodRow

MAX_PAGE: Final = 500


async def get_period(s: ReadSession, *, period_id: str) -> PeriodRow:
    """A period by id. Raises EvaluationUnknown."""
    row = await s.get(PeriodRow, period_id, populate_existing=True)
    if row is None:
        raise EvaluationUnknown("no such period", period_id=period_id)
    return row


async def periods(s: ReadSession, *, limit: int = 50) -> Sequence[PeriodRow]:
    """Periods, newest first."""
    return (await s.exec(select(PeriodRow).order_by(col(PeriodRow.period_id).desc()).limit(limit))).all()


async def get_evaluation(s: ReadSession, *, evaluation_id: str) -> EvaluationRow:
    """An evaluation by id. Raises EvaluationUnknown."""
    row = await s.get(EvaluationRow, evaluation_id, populate_existing=True)
    if row is None:
        raise EvaluationUnknown("no such evaluation", evaluation_id=evaluation_id)
    return row


async def claim_evaluation(s: WriteSession, *, evaluation_id: str) -> EvaluationRow:
    """An evaluation, locked. Raises EvaluationUnknown."""
    query = exclusive_lock(select(EvaluationRow).where(EvaluationRow.evaluation_id == evaluation_id))
    row = (await s.exec(query.execution_options(populate_existing=True))).first()
    if row is None:
        raise EvaluationUnknown("no such evaluation", evaluation_id=evaluation_id)
    return row


async def claim_period(s: WriteSession, *, period_id: str) -> Sequence[EvaluationRow]:
    """Every evaluation of a period, locked in the order of their ids."""
    query = select(EvaluationRow).where(EvaluationRow.period_id == period_id)
    locked = exclusive_lock(query.order_by(col(EvaluationRow.evaluation_id)))
    return (await s.exec(locked.execution_options(populate_existing=True))).all()


async def evaluations(
    s: ReadSession,
    *,
    period_id: str | None = None,
    agency_id: str | None = None,
    states: Collection[EvaluationState] = (),
    or_agency: str | None = None,
    limit: int = MAX_PAGE,
) -> Sequence[EvaluationRow]:
    """Evaluations, newest first: of a period, of an agency, in these states (or of `or_agency` in any)."""
    query = select(EvaluationRow)
    if period_id is not None:
        query = query.where(EvaluationRow.period_id == period_id)
    if agency_id is not None:
        query = query.where(EvaluationRow.agency_id == agency_id)
    if states:
        seen = col(EvaluationRow.status).in_(sorted(states))
        query = query.where(seen if or_agency is None else seen | (EvaluationRow.agency_id == or_agency))
    newest = query.order_by(col(EvaluationRow.evaluation_id).desc()).limit(min(limit, MAX_PAGE))
    return (await s.exec(newest)).all()


async def latest_grade(s: ReadSession, *, agency_id: str) -> EvaluationRow | None:
    """The newest published evaluation of an agency: its capability rating (能力评级)."""
    query = select(EvaluationRow).where(
        EvaluationRow.agency_id == agency_id, EvaluationRow.status == EvaluationState.PUBLISHED
    )
    return (await s.exec(query.order_by(col(EvaluationRow.published_at).desc()).limit(1))).first()


async def frozen(s: ReadSession, *, evaluation_id: str, version: int) -> FrozenRow | None:
    """What one version of a score was computed from."""
    return await s.get(FrozenRow, (evaluation_id, version))


async def frozen_of(s: ReadSession, *, evaluation_ids: Collection[str]) -> dict[str, FrozenRow]:
    """The newest inputs and results of these evaluations."""
    query = select(FrozenRow).where(col(FrozenRow.evaluation_id).in_(sorted(evaluation_ids)))
    rows = (await s.exec(query.order_by(col(FrozenRow.version)))).all()
    return {row.evaluation_id: row for row in rows}


async def was_scored_at(s: ReadSession, *, agency_id: str, at: datetime) -> EvaluationRow | None:
    """The evaluation of an agency that was published last before a moment: what it is compared with."""
    query = select(EvaluationRow).where(
        EvaluationRow.agency_id == agency_id,
        EvaluationRow.status == EvaluationState.PUBLISHED,
        col(EvaluationRow.published_at) < at,
    )
    return (await s.exec(query.order_by(col(EvaluationRow.published_at).desc()).limit(1))).first()
