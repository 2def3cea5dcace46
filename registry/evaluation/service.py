"""The course of an evaluation: opened for every agency, reported, scored from records, objected, published.

The data authority types no figure in: what counts is collected from the registers at one moment and frozen
as a canonical document, whose digest the statement names; the score is computed from that document alone.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from base.calendar import end_of_day_shanghai, shanghai_day
from base.canonical import sha256_hex
from base.clock import rfc3339
from base.db import WriteSession
from identity.rules import Role
from identity.service import require_identified, require_member, require_unbound
from ledger.recording import Act
from registry.chiefs.depending import require_chief
from registry.doors import Said
from registry.evaluation import repository
from registry.evaluation.collecting import collect
from registry.evaluation.errors import (
    EvaluationMalformed,
    EvaluationSameOfficer,
    EvaluationsOpen,
    EvaluationTooEarly,
    EvaluationWrongRole,
)
from registry.evaluation.moving import begin, check_in_time, check_text, claim_for, step
from registry.evaluation.rules import compute, freeze, result_of
from registry.evaluation.states import EvaluationEvent, EvaluationState, may_move
from registry.evaluation.tables import EvaluationRow, FrozenRow, PeriodRow
from registry.evaluation.terms import cited_at, due_after

MAX_AGENCIES: Final = 300
MAX_NAME: Final = 100
_E = EvaluationEvent
_S = EvaluationState


async def open_period(
    s: WriteSession, act: Act, *, name: str, covers_from: date, covers_to: date, agency_ids: Collection[str]
) -> PeriodRow:
    """Open the evaluation of a period that is over, for these agencies (EVL.OPEN of each).

    Raises EvaluationMalformed, EvaluationTooEarly, EvaluationWrongRole, `member-not-active`.
    """
    may_move(None, _E.OPEN, act.role)
    agencies, title = sorted(set(agency_ids)), name.strip()
    if covers_to < covers_from or not 1 <= len(title) <= MAX_NAME:
        raise EvaluationMalformed("a name, and a first day before the last", fields=["covers_to"])
    if not 1 <= len(agencies) <= MAX_AGENCIES:
        raise EvaluationMalformed("one agency to three hundred", fields=["agency_ids"])
    if shanghai_day(act.now) <= covers_to:
        raise EvaluationTooEarly("the period is not over", covers_to=covers_to.isoformat())
    period = PeriodRow(
        period_id=act.new_id("evp"),
        authority_id=act.actor.org_id,
        name=title,
        covers_from=covers_from,
        covers_to=covers_to,
        opened_at=act.now,
    )
    s.add(period)
    await s.flush()
    due_at = due_after("self_report", act.now)
    for agency_id in agencies:
        member = await require_member(s, org_id=agency_id)
        if Role.PUBLIC_AGENCY not in member.roles or agency_id == act.actor.org_id:
            raise EvaluationMalformed("not another public agency", fields=["agency_ids"], agency_id=agency_id)
        row = EvaluationRow(
            evaluation_id=act.new_id("evl"),
            period_id=period.period_id,
            agency_id=agency_id,
            authority_id=act.actor.org_id,
            status=_S.OPEN,
            opened_at=act.now,
            due_at=due_at,
        )
        s.add(row)
        await s.flush()
        public = {
            "name": title,
            "covers_from": covers_from.isoformat(),
            "covers_to": covers_to.isoformat(),
            "report_by": rfc3339(due_at),
        }
        await begin(s, act, row, Said(public=public))
    return period


async def self_report(
    s: WriteSession, act: Act, *, evaluation_id: str, text: str, document_sha256: str
) -> EvaluationRow:
    """Hand in the agency's own report (EVL.SELF_REPORT), signed by its chief data officer.

    Raises ChiefWanted, EvaluationTooLate.
    """
    row = await claim_for(s, act, evaluation_id, _E.SELF_REPORT)
    check_in_time(row.due_at, act)
    chief_id = await require_chief(s, act, agency_id=row.agency_id)
    report = check_text(text)
    said = Said(
        public={"chief_id": chief_id}, opening={"text": report}, subjects={"document": document_sha256}
    )
    values = {
        "chief_id": chief_id,
        "report": report,
        "report_sha256": document_sha256,
        "reported_at": act.now,
        "due_at": None,
    }
    await step(s, act, _E.SELF_REPORT, row, said, values=values)
    return row


async def score(s: WriteSession, act: Act, *, evaluation_id: str) -> EvaluationRow:
    """Collect the figures from the records, freeze them and score the agency by them (EVL.SCORE).

    An agency that has reported nothing is scored when its time is over. Raises EvaluationTooEarly,
    `person-not-identified`.
    """
    row = await claim_for(s, act, evaluation_id, _E.SCORE)
    if row.status is _S.OPEN and row.due_at is not None and act.now <= row.due_at:
        raise EvaluationTooEarly("the agency still has time for its report", until=rfc3339(row.due_at))
    officer = await require_identified(s, user_id=act.actor.user_id)
    frozen = await _freeze(s, act, row)
    due_at = due_after("objection", act.now)
    said = _said_of(frozen, {"self_reported": row.chief_id is not None, "object_by": rfc3339(due_at)})
    values = {**_values_of(frozen), "scored_by": officer.user_id, "scored_at": act.now, "due_at": due_at}
    await step(s, act, _E.SCORE, row, said, values=values)
    return row


async def object_to(
    s: WriteSession, act: Act, *, evaluation_id: str, text: str, document_sha256: str
) -> EvaluationRow:
    """Say what is wrong with a score (EVL.OBJECT), as the agency, signed by its chief data officer.

    Raises ChiefWanted, EvaluationTooLate.
    """
    row = await claim_for(s, act, evaluation_id, _E.OBJECT)
    check_in_time(row.due_at, act)
    chief_id = await require_chief(s, act, agency_id=row.agency_id)
    objection, due_at = check_text(text), due_after("answer", act.now)
    said = Said(
        public={"chief_id": chief_id, "answer_by": rfc3339(due_at)},
        opening={"text": objection},
        subjects={"document": document_sha256},
    )
    values = {
        "objection": objection,
        "objected_as": chief_id,
        "objected_at": act.now,
        "due_at": due_at,
    }
    await step(s, act, _E.OBJECT, row, said, values=values)
    return row


async def answer(s: WriteSession, act: Act, *, evaluation_id: str, text: str, upheld: bool) -> EvaluationRow:
    """Answer an objection, as another officer than who scored (EVL.DISMISS, EVL.UPHOLD).

    Where it is right the figures are collected anew from the records as they are now, never typed in.
    Raises EvaluationSameOfficer, `persons-bound`, `person-not-identified`.
    """
    event = _E.UPHOLD if upheld else _E.DISMISS
    row = await claim_for(s, act, evaluation_id, event)
    officer = await _other_officer(s, act, row)
    reasons = check_text(text)
    values: dict[str, Any] = {
        "answer": reasons,
        "answered_by": officer,
        "answered_at": act.now,
        "due_at": None,
    }
    said = Said(opening={"text": reasons})
    if upheld:
        frozen = await _freeze(s, act, row)
        values |= _values_of(frozen)
        said = _said_of(frozen, {}, {"text": reasons})
    await step(s, act, event, row, said, values=values)
    return row


async def publish_period(s: WriteSession, act: Act, *, period_id: str) -> Sequence[EvaluationRow]:
    """Publish every evaluation of a period beside the others (EVL.PUBLISH of each).

    Raises EvaluationsOpen while one of them is not final, EvaluationWrongRole.
    """
    period = await repository.get_period(s, period_id=period_id)
    if period.authority_id != act.actor.org_id:
        raise EvaluationWrongRole("another authority evaluates this period", period_id=period_id)
    rows = await repository.claim_period(s, period_id=period_id)
    waiting = [row.evaluation_id for row in rows if row.status is not _S.FINAL]
    if waiting:
        raise EvaluationsOpen("not every evaluation is final", waiting=waiting[:50], of=len(waiting))
    for row in rows:
        public = {"score": row.score, "grade": row.grade, "version": row.version}
        await step(s, act, _E.PUBLISH, row, Said(public=public), values={"published_at": act.now})
    return rows


async def fall_due(s: WriteSession, act: Act, *, evaluation_id: str, state: str, at: str) -> bool:
    """What the clock does when a period is over: OVERDUE, FINALISE. False where it has moved on meanwhile."""
    row = await repository.claim_evaluation(s, evaluation_id=evaluation_id)
    if row.status.value != state or row.due_at is None or rfc3339(row.due_at) != at or act.now <= row.due_at:
        return False
    event = _E.FINALISE if row.status is _S.SCORED else _E.OVERDUE
    await step(s, act, event, row, Said(public={"due_at": at}), values={"due_at": None})
    return True


async def _freeze(s: WriteSession, act: Act, row: EvaluationRow) -> FrozenRow:
    period = await repository.get_period(s, period_id=row.period_id)
    rules = cited_at(act.now)
    since, until = _bounds(period)
    facts = await collect(
        s,
        agency_id=row.agency_id,
        since=since,
        until=until,
        as_of=act.now,
        current_months=int(rules["EVL-CALC"]["current_months"]),
    )
    inputs = freeze(
        agency_id=row.agency_id,
        period={
            "id": period.period_id,
            "from": period.covers_from.isoformat(),
            "to": period.covers_to.isoformat(),
        },
        as_of=rfc3339(act.now),
        rules=rules,
        facts=facts,
    )
    frozen = FrozenRow(
        evaluation_id=row.evaluation_id,
        version=row.version + 1,
        inputs=inputs,
        inputs_sha256=sha256_hex(inputs),
        result=compute(inputs),
        frozen_at=act.now,
    )
    s.add(frozen)
    await s.flush()
    return frozen


def _bounds(period: PeriodRow) -> tuple[datetime, datetime]:
    """The first moment of the first day and the first moment after the last, in Shanghai."""
    before = end_of_day_shanghai(period.covers_from - timedelta(days=1))
    return before + timedelta(milliseconds=1), end_of_day_shanghai(period.covers_to) + timedelta(
        milliseconds=1
    )


def _values_of(frozen: FrozenRow) -> dict[str, Any]:
    result = result_of(frozen.inputs)
    return {"version": frozen.version, "score": result["score"], "grade": result["grade"]}


def _said_of(frozen: FrozenRow, public: dict[str, Any], opening: dict[str, Any] | None = None) -> Said:
    result = result_of(frozen.inputs)
    shown = {name: result[name] for name in ("score", "grade", "weighed")}
    return Said(
        public={**public, **shown, "version": frozen.version},
        opening=opening,
        subjects={"inputs": frozen.inputs_sha256, "result": sha256_hex(frozen.result)},
    )


async def _other_officer(s: WriteSession, act: Act, row: EvaluationRow) -> str:
    """Who scored answers nothing. Raises EvaluationSameOfficer, `persons-bound`, `person-not-identified`."""
    scorer = await require_identified(s, user_id=row.scored_by)
    officer = await require_identified(s, user_id=act.actor.user_id)
    if officer.mark == scorer.mark:
        raise EvaluationSameOfficer("another officer answers", evaluation_id=row.evaluation_id)
    await require_unbound(s, user_id=officer.user_id, others=[scorer.user_id])
    return officer.user_id
