"""The checklist of one agency: each duty with the evidence record, or that it is missing (R03).

Nothing is stored: the registers are asked each time, each for what it keeps itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import or_
from sqlmodel import col, select

from base.calendar import shanghai_day
from base.db import ReadSession
from registry.chiefs.repository import chief_at
from registry.currency import currency_of
from registry.duties.rules import Duty, Evidence, Verdict, duties_at, verdict_on
from registry.evaluation.tables import EvaluationRow
from registry.grading.states import AssessmentState, EntryState
from registry.grading.tables import AssessmentRow, GradeRow, ImportantRow
from registry.lists.rules import DemandState, Listed
from registry.lists.states import SOURCED, WAITING, ItemState, ShareState
from registry.lists.tables import DataRow, DemandRow, ItemRow, ShareRow, SystemRow
from registry.measuring.tables import EntryReportRow
from registry.opening.states import OpenState
from registry.opening.tables import OpenEntryRow, OpenPlanRow
from registry.operation.states import GrantState
from registry.operation.tables import GrantBreachRow, GrantRow

LACKING: Final = 20
"""How many of the records that lack something are named."""
_Found = tuple[bool, str, datetime | None]


@dataclass(frozen=True, slots=True)
class Checked:
    """One line of the checklist."""

    duty: Duty
    evidence: Evidence
    verdict: Verdict


async def checklist_of(s: ReadSession, *, agency_id: str, now: datetime) -> list[Checked]:
    """Every duty in force of one agency, along the life cycle of its data."""
    found: dict[str, Evidence] = {}
    for part in (
        await _lists(s, agency_id),
        await _entries(s, agency_id, now),
        await _shares(s, agency_id),
        await _grants(s, agency_id, now),
        await _opening(s, agency_id, now),
        await _records(s, agency_id, now),
    ):
        found |= part
    return [Checked(duty, found[duty.name], verdict_on(duty, found[duty.name])) for duty in duties_at(now)]


def _each(rows: list[_Found]) -> Evidence:
    """Of all that a duty applies to: how many are done, the newest of them, and the first that are not."""
    done = [(at, record_id) for ok, record_id, at in rows if ok and at is not None]
    newest = max(done, default=(None, None))
    lacking = tuple(sorted(record_id for ok, record_id, _ in rows if not ok)[:LACKING])
    return Evidence(sum(ok for ok, _, _ in rows), len(rows), newest[1], newest[0], lacking)


async def _newest(s: ReadSession, key: Any, at: Any, *where: Any) -> Evidence:
    """The newest of the records, where there is one."""
    query = sa.select(key, at).where(*where).order_by(at.desc(), key.desc()).limit(1)
    row = (await (await s.connection()).execute(query)).first()
    return Evidence() if row is None else Evidence(1, None, row[0], row[1])


async def _rows(s: ReadSession, query: Any) -> list[Any]:
    return list(await (await s.connection()).execute(query))


async def _lists(s: ReadSession, agency_id: str) -> Mapping[str, Evidence]:
    mine = or_(col(ItemRow.source_id) == agency_id, col(ItemRow.rival_id) == agency_id)
    items = await _rows(
        s, sa.select(col(ItemRow.item_id), col(ItemRow.status), col(ItemRow.changed_at)).where(mine)
    )
    firm = {ItemState.CONFIRMED, ItemState.RESOLVED}
    return {
        "systems": await _newest(
            s,
            col(SystemRow.system_id),
            col(SystemRow.changed_at),
            col(SystemRow.agency_id) == agency_id,
            col(SystemRow.status) == Listed.LISTED,
        ),
        "entries": await _newest(
            s,
            col(DataRow.data_id),
            col(DataRow.changed_at),
            col(DataRow.agency_id) == agency_id,
            col(DataRow.status) == Listed.LISTED,
        ),
        "demands": await _newest(
            s,
            col(DemandRow.demand_id),
            col(DemandRow.changed_at),
            col(DemandRow.agency_id) == agency_id,
            col(DemandRow.status) != DemandState.RETIRED,
        ),
        "sources": _each(
            [
                (status in firm, item_id, at)
                for item_id, status, at in items
                if status in {*SOURCED, ItemState.CONFLICT}
            ]
        ),
    }


async def _entries(s: ReadSession, agency_id: str, now: datetime) -> Mapping[str, Evidence]:
    """What is asked of each entry: mounted, graded, measured, current; with personal data, assessed."""
    measured = select(EntryReportRow.report_id).where(
        EntryReportRow.data_id == DataRow.data_id, EntryReportRow.file_sha256 == DataRow.resource_sha256
    )
    assessed = select(AssessmentRow.assessment_id).where(
        AssessmentRow.object_id == DataRow.data_id,
        AssessmentRow.kind == "PIPIA",
        AssessmentRow.outcome != "FAIL",
        AssessmentRow.status == AssessmentState.STANDING,
        col(AssessmentRow.valid_until) >= now,
    )
    query = (
        sa.select(
            col(DataRow.data_id),
            col(DataRow.fields),
            col(DataRow.update),
            col(DataRow.changed_at),
            col(DataRow.mounted_at),
            col(DataRow.resource_sha256),
            col(GradeRow.decided),
            col(GradeRow.changed_at),
            measured.exists(),
            assessed.exists(),
        )
        .join(GradeRow, col(GradeRow.object_id) == col(DataRow.data_id), isouter=True)
        .where(col(DataRow.agency_id) == agency_id, col(DataRow.status) == Listed.LISTED)
    )
    found: dict[str, list[_Found]] = {
        name: [] for name in ("mounted", "grading", "quality", "current", "assessed")
    }
    for (
        data_id,
        fields,
        update,
        changed,
        mounted,
        sha256,
        decided,
        graded,
        has_report,
        has_pia,
    ) in await _rows(s, query):
        found["mounted"].append((mounted is not None, data_id, mounted))
        found["grading"].append((decided is not None, data_id, graded))
        if sha256 is not None and mounted is not None:
            found["quality"].append((has_report, data_id, mounted))
            current = currency_of(update, mounted, now)
            if current is not None:
                found["current"].append((not current.stale, data_id, mounted))
        if any(field["personal"] for field in fields):
            found["assessed"].append((has_pia, data_id, changed))
    return {name: _each(rows) for name, rows in found.items()}


async def _shares(s: ReadSession, agency_id: str) -> Mapping[str, Evidence]:
    """Requests to share that were answered, and served, in time; those still waiting in time do not count."""
    query = sa.select(
        col(ShareRow.share_id),
        col(ShareRow.status),
        col(ShareRow.answered_at),
        col(ShareRow.late_answer),
        col(ShareRow.served_at),
        col(ShareRow.late_service),
    ).where(col(ShareRow.provider_id) == agency_id)
    answers: list[_Found] = []
    services: list[_Found] = []
    for share_id, status, answered, late, served, late_service in await _rows(s, query):
        if answered is not None or (late and status in WAITING):
            answers.append((answered is not None and not late, share_id, answered))
        if served is not None or (late_service and status is ShareState.ANSWERED_GRANT):
            services.append((served is not None and not late_service, share_id, served))
    return {"answers": _each(answers), "services": _each(services)}


async def _grants(s: ReadSession, agency_id: str, now: datetime) -> Mapping[str, Evidence]:
    """Breaches of its grants whose day is over are cleared; a terminated one has its proof of destruction.

    No grant that was in use is terminated without the proof (AOG.TERMINATE): its record is the evidence.
    """
    mine = sa.select(col(GrantRow.grant_id)).where(col(GrantRow.authority_id) == agency_id)
    breaches = await _rows(
        s,
        sa.select(
            col(GrantBreachRow.breach_id), col(GrantBreachRow.cleared_at), col(GrantBreachRow.rectify_by)
        ).where(col(GrantBreachRow.grant_id).in_(mine)),
    )
    ended = await _rows(
        s,
        sa.select(col(GrantRow.grant_id), col(GrantRow.status), col(GrantRow.ended_at)).where(
            col(GrantRow.authority_id) == agency_id,
            col(GrantRow.status) == GrantState.TERMINATED,
            col(GrantRow.active_at).is_not(None),
        ),
    )
    return {
        "rectified": _each(
            [
                (cleared is not None, breach_id, cleared)
                for breach_id, cleared, by in breaches
                if cleared is not None or by < now
            ]
        ),
        "destruction": _each(
            [(status is GrantState.TERMINATED, grant_id, at) for grant_id, status, at in ended]
        ),
    }


async def _opening(s: ReadSession, agency_id: str, now: datetime) -> Mapping[str, Evidence]:
    """The opening plan of the year, and something on the open list."""
    return {
        "open_plan": await _newest(
            s,
            col(OpenPlanRow.plan_id),
            col(OpenPlanRow.published_at),
            col(OpenPlanRow.agency_id) == agency_id,
            col(OpenPlanRow.year) == shanghai_day(now).year,
        ),
        "open_list": await _newest(
            s,
            col(OpenEntryRow.open_id),
            col(OpenEntryRow.changed_at),
            col(OpenEntryRow.agency_id) == agency_id,
            col(OpenEntryRow.status).in_((OpenState.OPEN, OpenState.TARGETED, OpenState.AUTHORISED)),
        ),
    }


async def _records(s: ReadSession, agency_id: str, now: datetime) -> Mapping[str, Evidence]:
    """Its chief, its own report of an evaluation, its entries of the important-data catalogue."""
    chief = await chief_at(s, agency_id=agency_id, at=now)
    important = await _rows(
        s,
        sa.select(col(ImportantRow.entry_id), col(ImportantRow.status), col(ImportantRow.changed_at)).where(
            col(ImportantRow.department_id) == agency_id, col(ImportantRow.status) != EntryState.REMOVED
        ),
    )
    return {
        "chief": Evidence() if chief is None else Evidence(1, None, chief.chief_id, chief.began_at),
        "self_report": await _newest(
            s,
            col(EvaluationRow.evaluation_id),
            col(EvaluationRow.reported_at),
            col(EvaluationRow.agency_id) == agency_id,
            col(EvaluationRow.reported_at).is_not(None),
        ),
        "important": _each(
            [(status is not EntryState.IDENTIFIED, entry_id, at) for entry_id, status, at in important]
        ),
    }
