"""The yearly risk assessment of whoever handles important data (DSL 30; 网络数据安全风险评估办法).

The clock plans one a year for each handler: departments with a live entry of the catalogue, holders of what
an entry covers, and who holds personal data of ten million persons (条例 28). It is made by the handler or a
registered assessor of another group, reported, forwarded, rectified where ordered, and kept three years.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from base.calendar import deadline_after, shanghai_day
from base.clock import rfc3339
from base.db import WriteSession
from identity.service import require_member
from ledger.recording import Act
from registry.assessments import repository
from registry.assessments.errors import (
    AssessmentMalformed,
    ReviewerUnfit,
    SecurityWrongRole,
    SecurityWrongState,
)
from registry.assessments.fitness import of_one_group, require_registered
from registry.assessments.moving import begin, step, wind
from registry.assessments.rules import (
    RISK_CONTENTS,
    Trade,
    check_consecutive,
    check_day,
    check_text,
    check_whole,
    digest_of,
    keep_until,
    parts_of,
    year_ends,
)
from registry.assessments.states import RISK_MOVES, RiskEvent, RiskState, may_move
from registry.assessments.tables import RiskRow
from registry.assessments.terms import number
from registry.doors import Said

_E = RiskEvent
_S = RiskState
_WAITS: Final = (_S.PLANNED, _S.RUNNING, _S.RECTIFYING)
_TOLD: Final = (_S.REPORTED, _S.RECTIFYING, _S.RECTIFIED)


async def plan_year(s: WriteSession, act: Act, *, year: int) -> list[str]:
    """Plan a year's assessment for every handler that has none (RKA.PLAN); answers whose were planned."""
    handlers: dict[str, Sequence[str]] = dict(await repository.live_of_handlers(s))
    persons = number("RISK", "persons", act.now)
    for org_id in await repository.handlers_of_many(s, persons=persons):
        handlers.setdefault(org_id, ())
    planned = []
    for handler_id, entries in sorted(handlers.items()):
        if await repository.risk_of(s, handler_id=handler_id, year=year) is None:
            await _plan(s, act, handler_id=handler_id, year=year, entries=entries)
            planned.append(handler_id)
    return planned


async def plan(s: WriteSession, act: Act, *, handler_id: str) -> RiskRow:
    """Plan this year's assessment of a handler at once, as an authority. Raises SecurityWrongState."""
    may_move(RISK_MOVES, None, _E.PLAN, act.role)
    await require_member(s, org_id=handler_id)
    year = shanghai_day(act.now).year
    if await repository.risk_of(s, handler_id=handler_id, year=year) is not None:
        raise SecurityWrongState("this year's assessment is planned", handler_id=handler_id, year=year)
    entries = (await repository.live_of_handlers(s)).get(handler_id, ())
    return await _plan(s, act, handler_id=handler_id, year=year, entries=entries)


async def start(s: WriteSession, act: Act, *, risk_id: str, assessor_id: str | None) -> RiskRow:
    """Begin an assessment (RKA.START): by the handler itself, or by an assessor that it names.

    Raises ReviewerUnfit (not registered, of the handler's group), AssessorTooOften (a fourth time running).
    """
    row = await _of_handler(s, act, risk_id, _E.START)
    if await repository.planned_before(s, handler_id=row.handler_id, year=row.year):
        raise SecurityWrongState("the years before come first", risk_id=risk_id)
    by = assessor_id or row.handler_id
    if by != row.handler_id:
        await require_member(s, org_id=by)
        if await of_one_group(s, row.handler_id, by):
            raise ReviewerUnfit("nobody assesses its own group", reviewer_id=by)
        await require_registered(s, act, org_id=by, trade=Trade.RISK)
        most = number("RISK", "consecutive", act.now)
        before = await repository.assessors_before(s, handler_id=row.handler_id, year=row.year, most=most)
        check_consecutive(before, by, act.now)
    said = Said(public={"assessor_id": by, "own": by == row.handler_id})
    await step(s, act, row, _E.START, said, values={"assessor_id": by})
    return row


async def complete(s: WriteSession, act: Act, *, risk_id: str, report: Mapping[str, str]) -> RiskRow:
    """Complete it with its report (RKA.COMPLETE), as who assesses: from now on it is reported in time.

    Raises AssessmentMalformed (a part is missing), ReviewerUnfit (no longer on the register).
    """
    row = await repository.claim(s, RiskRow, risk_id)
    may_move(RISK_MOVES, row.status, _E.COMPLETE, act.role)
    if row.assessor_id != act.actor.org_id:
        raise SecurityWrongRole("another one assesses this", risk_id=risk_id)
    if row.completed_at is not None:
        raise SecurityWrongState("it was completed", risk_id=risk_id)
    if row.assessor_id != row.handler_id:
        await require_registered(s, act, org_id=row.assessor_id, trade=Trade.RISK)
    parts = parts_of(report, RISK_CONTENTS)
    check_whole(parts, RISK_CONTENTS)
    digest = digest_of({"report": parts, "handler_id": row.handler_id, "year": row.year})
    due_at = deadline_after(act.now, number("RISK", "report", act.now)).at
    said = Said(
        public={"assessor_id": row.assessor_id, "due_at": rfc3339(due_at)},
        opening={"report": parts},
        subjects={"report": digest},
    )
    values = {"report": parts, "report_sha256": digest, "completed_at": act.now}
    await _staged(s, act, row, _E.COMPLETE, said, values, due_at)
    return row


async def report(s: WriteSession, act: Act, *, risk_id: str) -> RiskRow:
    """Report a completed assessment to the authority (RKA.REPORT), in 20 working days."""
    row = await _of_handler(s, act, risk_id, _E.REPORT)
    if row.completed_at is None or row.report_sha256 is None:
        raise SecurityWrongState("it is not completed", risk_id=risk_id)
    due_at = deadline_after(act.now, number("RISK", "forward", act.now)).at
    late = row.due_at is not None and act.now > row.due_at
    said = Said(public={"late": late, "due_at": rfc3339(due_at)}, subjects={"report": row.report_sha256})
    await _staged(s, act, row, _E.REPORT, said, {"reported_at": act.now, "forward_by": due_at}, None)
    await wind(s, row.risk_id, due_at)
    return row


async def forward(s: WriteSession, act: Act, *, risk_id: str, recipient: str) -> RiskRow:
    """Forward a report to the other departments that it concerns (RKA.FORWARD), in 10 working days."""
    row = await _of_authority(s, act, risk_id, _E.FORWARD)
    if row.forwarded_at is not None:
        raise SecurityWrongState("it was forwarded", risk_id=risk_id)
    late = row.forward_by is not None and act.now > row.forward_by
    said = Said(public={"late": late}, opening={"recipient": check_text(recipient, "recipient")})
    await step(s, act, row, _E.FORWARD, said, values={"forwarded_at": act.now})
    return row


async def order(s: WriteSession, act: Act, *, risk_id: str, text: str, by: date) -> RiskRow:
    """Order what is to be rectified, and by when (RKA.ORDER), as the authority."""
    row = await _of_authority(s, act, risk_id, _E.ORDER)
    due_at = check_day(by, "by", number("RISK", "rectify_longest", act.now), act.now)
    said = Said(public={"due_at": rfc3339(due_at)}, opening={"order": check_text(text, "text")})
    await _staged(s, act, row, _E.ORDER, said, {"order_text": text.strip(), "finished_at": None}, due_at)
    return row


async def finish(s: WriteSession, act: Act, *, risk_id: str) -> RiskRow:
    """Say that what was ordered is rectified (RKA.FINISH): its report is due in 15 working days."""
    row = await _of_handler(s, act, risk_id, _E.FINISH)
    if row.finished_at is not None:
        raise SecurityWrongState("it was finished", risk_id=risk_id)
    due_at = deadline_after(act.now, number("RISK", "rectified", act.now)).at
    late = row.due_at is not None and act.now > row.due_at
    said = Said(public={"late": late, "due_at": rfc3339(due_at)})
    await _staged(s, act, row, _E.FINISH, said, {"finished_at": act.now}, due_at)
    return row


async def rectify(s: WriteSession, act: Act, *, risk_id: str, text: str, evidence_sha256: str) -> RiskRow:
    """Report on the rectification, with evidence (RKA.RECTIFY), in 15 working days of finishing."""
    row = await _of_handler(s, act, risk_id, _E.RECTIFY)
    if row.finished_at is None:
        raise SecurityWrongState("it is not finished", risk_id=risk_id)
    late = row.due_at is not None and act.now > row.due_at
    said = Said(
        public={"late": late},
        opening={"rectification": check_text(text, "text")},
        subjects={"evidence": evidence_sha256},
    )
    values = {"rectification": text.strip(), "evidence_sha256": evidence_sha256}
    await _staged(s, act, row, _E.RECTIFY, said, values, None)
    return row


async def send_back(s: WriteSession, act: Act, *, risk_id: str, text: str, by: date) -> RiskRow:
    """Send a rectification back, with a reason and a new day (RKA.SEND_BACK)."""
    row = await _of_authority(s, act, risk_id, _E.SEND_BACK)
    due_at = check_day(by, "by", number("RISK", "rectify_longest", act.now), act.now)
    said = Said(public={"due_at": rfc3339(due_at)}, opening={"order": check_text(text, "text")})
    values = {"order_text": text.strip(), "finished_at": None}
    await _staged(s, act, row, _E.SEND_BACK, said, values, due_at)
    return row


async def archive(s: WriteSession, act: Act, *, risk_id: str) -> RiskRow:
    """Close it (RKA.ARCHIVE): forwarded, and nothing is left to rectify. It is kept three years from now."""
    row = await _of_authority(s, act, risk_id, _E.ARCHIVE)
    if row.forwarded_at is None:
        raise SecurityWrongState("it is forwarded first", risk_id=risk_id)
    assert row.report_sha256 is not None
    until = keep_until(act.now)
    said = Said(public={"keep_until": rfc3339(until)}, subjects={"report": row.report_sha256})
    await _staged(s, act, row, _E.ARCHIVE, said, {"keep_until": until}, None)
    return row


async def fall_due(s: WriteSession, act: Act, *, risk_id: str, at: str) -> bool:
    """The clock's RKA.OVERDUE, or RKA.LAPSE of a plan whose handler handles no such data any more.

    False where it has moved on.
    """
    row = await repository.claim(s, RiskRow, risk_id)
    if await _not_forwarded(s, act, row, at):
        return True
    if row.due_at is None or rfc3339(row.due_at) != at or act.now <= row.due_at:
        return False
    if row.status not in _WAITS or row.overdue_at is not None:
        return False
    if row.status is _S.PLANNED and not await _still(s, act, row):
        await step(s, act, row, _E.LAPSE, values={"due_at": None})
        return True
    said = Said(public={"stage": row.status.value, "due_at": rfc3339(row.due_at)})
    await step(s, act, row, _E.OVERDUE, said, values={"overdue_at": act.now})
    return True


async def _not_forwarded(s: WriteSession, act: Act, row: RiskRow, at: str) -> bool:
    """State that the authority has not forwarded a report in time; the handler's own clock goes on."""
    by = row.forward_by
    if by is None or rfc3339(by) != at or act.now <= by or row.status not in _TOLD:
        return False
    if row.forwarded_at is not None or row.forward_overdue_at is not None:
        return False
    said = Said(public={"stage": "FORWARD", "due_at": at})
    await step(s, act, row, _E.OVERDUE, said, values={"forward_overdue_at": act.now})
    return True


async def _still(s: WriteSession, act: Act, row: RiskRow) -> bool:
    if row.handler_id in await repository.live_of_handlers(s):
        return True
    persons = number("RISK", "persons", act.now)
    return row.handler_id in await repository.handlers_of_many(s, persons=persons)


async def _plan(s: WriteSession, act: Act, *, handler_id: str, year: int, entries: Sequence[str]) -> RiskRow:
    row = RiskRow(
        risk_id=act.new_id("rka"),
        handler_id=handler_id,
        year=year,
        status=_S.PLANNED,
        entries=list(entries),
        planned_at=act.now,
        due_at=year_ends(year),
    )
    if act.now >= year_ends(year):
        raise AssessmentMalformed("a year that is not over", fields=["year"])
    said = Said(public={"entries": len(row.entries), "due_at": rfc3339(year_ends(year))})
    await begin(s, act, row, _E.PLAN, said)
    await wind(s, row.risk_id, row.due_at)
    return row


async def _staged(  # noqa: PLR0917 - a step, and the deadline that it begins
    s: WriteSession,
    act: Act,
    row: RiskRow,
    event: RiskEvent,
    said: Said,
    values: Mapping[str, Any],
    due_at: datetime | None,
) -> None:
    """A step with which the clock of the next stage begins."""
    await step(s, act, row, event, said, values={**values, "due_at": due_at, "overdue_at": None})
    await wind(s, row.risk_id, due_at)


async def _of_handler(s: WriteSession, act: Act, risk_id: str, event: RiskEvent) -> RiskRow:
    row = await repository.claim(s, RiskRow, risk_id)
    may_move(RISK_MOVES, row.status, event, act.role)
    if row.handler_id != act.actor.org_id:
        raise SecurityWrongRole("it is another's assessment", risk_id=risk_id)
    return row


async def _of_authority(s: WriteSession, act: Act, risk_id: str, event: RiskEvent) -> RiskRow:
    row = await repository.claim(s, RiskRow, risk_id)
    may_move(RISK_MOVES, row.status, event, act.role)
    if await of_one_group(s, row.handler_id, act.actor.org_id):
        raise SecurityWrongRole("another authority decides on its own group's", risk_id=risk_id)
    return row
