"""Counting what the figures are made of: one agency, entries as they are, requests within a period."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, case, func, or_
from sqlmodel import col, select

from base.calendar import shanghai_day
from base.db import ReadSession
from registry.lists.figures import ListFacts
from registry.lists.rules import DemandState, Listed
from registry.lists.states import SOURCED, WAITING, ItemState, ShareState
from registry.lists.tables import DataRow, DemandRow, ItemRow, ShareRow, SystemRow


async def facts_of(s: ReadSession, *, agency_id: str, since: datetime, until: datetime) -> ListFacts:
    """The counts of one agency: its lists as they are now, what it had to answer in [since, until).

    A request counts in the period in which its answer, or its service, was due or came.
    """
    counted: dict[str, int] = {}
    for part in (
        await _lists(s, agency_id),
        await _demands(s, agency_id, shanghai_day(until)),
        await _items(s, agency_id),
        await _answers(s, agency_id, since, until),
        await _service(s, agency_id, since, until),
    ):
        counted |= part
    return ListFacts(**counted)


def _when(*conditions: ColumnElement[bool]) -> Any:
    whole = conditions[0]
    for one in conditions[1:]:
        whole = whole & one
    return func.coalesce(func.sum(case((whole, 1), else_=0)), 0)


async def _lists(s: ReadSession, agency_id: str) -> dict[str, int]:
    mine = col(DataRow.agency_id) == agency_id, col(DataRow.status) == Listed.LISTED
    mounted = col(DataRow.mounted_at).is_not(None)
    placed = or_(col(DataRow.theme) != "", col(DataRow.base_library).is_not(None))
    described = func.json_array_length(col(DataRow.fields)) > 0
    complete = col(DataRow.system_id).is_not(None) & placed & described
    query = select(
        func.count(),
        _when(complete),
        _when(mounted),
        _when(~mounted, col(DataRow.flag).is_not(None)),
    ).where(*mine)
    entries, whole, with_resource, flagged = (await s.exec(query)).one()
    keeps = select(DataRow.data_id).where(
        col(DataRow.system_id) == col(SystemRow.system_id), col(DataRow.status) == Listed.LISTED
    )
    systems, keeping = (
        await s.exec(
            select(func.count(), _when(keeps.exists())).where(
                SystemRow.agency_id == agency_id, SystemRow.status == Listed.LISTED
            )
        )
    ).one()
    return {
        "systems": systems,
        "systems_with_data": keeping,
        "entries": entries,
        "entries_complete": whole,
        "mounted": with_resource,
        "flagged": flagged,
    }


async def _demands(s: ReadSession, agency_id: str, today: date) -> dict[str, int]:
    own = (
        await s.exec(
            select(func.count(), _when(col(DemandRow.status) == DemandState.MATCHED)).where(
                DemandRow.agency_id == agency_id, DemandRow.status != DemandState.RETIRED
            )
        )
    ).one()
    late = col(DemandRow.due_on) < today
    gaps = (
        await s.exec(
            select(func.count(), _when(late)).where(
                DemandRow.owner_id == agency_id, DemandRow.status == DemandState.OPEN
            )
        )
    ).one()
    return {"demands": own[0], "demands_matched": own[1], "gaps": gaps[0], "gaps_late": gaps[1]}


async def _items(s: ReadSession, agency_id: str) -> dict[str, int]:
    status = col(ItemRow.status)
    settled = status.in_(SOURCED)
    firm = status.in_((ItemState.CONFIRMED, ItemState.RESOLVED))
    row = (await s.exec(select(_when(settled), _when(firm)).where(ItemRow.source_id == agency_id))).one()
    quarrels = select(func.count()).where(
        status == ItemState.CONFLICT,
        or_(col(ItemRow.source_id) == agency_id, col(ItemRow.rival_id) == agency_id),
    )
    return {
        "items": row[0],
        "items_confirmed": row[1],
        "conflicts": int((await s.exec(quarrels)).one()),
    }


async def _answers(s: ReadSession, agency_id: str, since: datetime, until: datetime) -> dict[str, int]:
    answered = col(ShareRow.answered_at)
    came = answered.is_not(None) & (answered >= since) & (answered < until)
    due = col(ShareRow.answer_by)
    open_late = answered.is_(None) & col(ShareRow.status).in_(WAITING) & (due >= since) & (due < until)
    late = col(ShareRow.late_answer)
    query = select(
        _when(came | open_late),
        _when(came, late.is_(False)),
        _when(came, late.is_(True)),
        _when(open_late),
        _when(came, col(ShareRow.ground).is_not(None)),
    ).where(ShareRow.provider_id == agency_id)
    asked, in_time, too_late, silent, refused = (await s.exec(query)).one()
    return {
        "asked": asked,
        "answered_in_time": in_time,
        "answered_late": too_late,
        "unanswered": silent,
        "refused": refused,
    }


async def _service(s: ReadSession, agency_id: str, since: datetime, until: datetime) -> dict[str, int]:
    served, due = col(ShareRow.served_at), col(ShareRow.serve_by)
    came = served.is_not(None) & (served >= since) & (served < until)
    missed = (
        served.is_(None)
        & (col(ShareRow.status) == ShareState.ANSWERED_GRANT)
        & (due >= since)
        & (due < until)
    )
    late = col(ShareRow.late_service)
    query = select(
        _when(came | missed), _when(came, late.is_(False)), _when((came & late.is_(True)) | missed)
    ).where(ShareRow.provider_id == agency_id)
    whole, in_time, too_late = (await s.exec(query)).one()
    return {"to_serve": whole, "served_in_time": in_time, "served_late": too_late}
