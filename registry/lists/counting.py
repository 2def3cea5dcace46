"""Counting what the figures are made of: one agency, entries as they are, requests within a period."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import case, func, or_
from sqlmodel import col, select

from base.calendar import shanghai_day
from base.db import ReadSession
from registry.lists.figures import ListFacts
from registry.lists.rules import DemandState, Listed
from registry.lists.states import SOURCED, WAITING, ItemState, ShareState
from registry.lists.tables import DataRow, DemandRow, ItemRow, ShareRow, ShareUseRow, SystemRow
from registry.rules import Level

_ALL: Any = func.count()


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


def _when(*conditions: Any) -> Any:
    whole = conditions[0]
    for one in conditions[1:]:
        whole = whole & one
    return func.coalesce(func.sum(case((whole, 1), else_=0)), 0)


async def _row(s: ReadSession, columns: Sequence[Any], *where: Any) -> tuple[int, ...]:
    query: Any = select(*columns).where(*where)
    found = (await s.exec(query)).one()
    return tuple(found) if len(columns) > 1 else (found,)


async def _lists(s: ReadSession, agency_id: str) -> dict[str, int]:
    mounted = col(DataRow.mounted_at).is_not(None)
    placed = or_(col(DataRow.theme) != "", col(DataRow.base_library).is_not(None))
    described = func.json_array_length(col(DataRow.fields)) > 0
    complete = col(DataRow.system_id).is_not(None) & placed & described
    listed = col(DataRow.status) == Listed.LISTED
    entries, whole, with_resource, flagged = await _row(
        s,
        [_ALL, _when(complete), _when(mounted), _when(~mounted, col(DataRow.flag).is_not(None))],
        DataRow.agency_id == agency_id,
        listed,
    )
    keeps = select(DataRow.data_id).where(col(DataRow.system_id) == col(SystemRow.system_id), listed)
    systems, keeping = await _row(
        s,
        [_ALL, _when(keeps.exists())],
        SystemRow.agency_id == agency_id,
        SystemRow.status == Listed.LISTED,
    )
    return {
        "systems": systems,
        "systems_with_data": keeping,
        "entries": entries,
        "entries_complete": whole,
        "mounted": with_resource,
        "flagged": flagged,
    }


async def _demands(s: ReadSession, agency_id: str, today: date) -> dict[str, int]:
    status = col(DemandRow.status)
    own, matched = await _row(
        s,
        [_ALL, _when(status == DemandState.MATCHED)],
        DemandRow.agency_id == agency_id,
        status != DemandState.RETIRED,
    )
    gaps, late = await _row(
        s,
        [_ALL, _when(col(DemandRow.due_on) < today)],
        DemandRow.owner_id == agency_id,
        status == DemandState.OPEN,
    )
    return {"demands": own, "demands_matched": matched, "gaps": gaps, "gaps_late": late}


async def _items(s: ReadSession, agency_id: str) -> dict[str, int]:
    status = col(ItemRow.status)
    firm = status.in_((ItemState.CONFIRMED, ItemState.RESOLVED))
    sourced, confirmed = await _row(
        s, [_when(status.in_(SOURCED)), _when(firm)], ItemRow.source_id == agency_id
    )
    mine = or_(col(ItemRow.source_id) == agency_id, col(ItemRow.rival_id) == agency_id)
    (quarrels,) = await _row(s, [_when(status == ItemState.CONFLICT)], mine)
    return {"items": sourced, "items_confirmed": confirmed, "conflicts": quarrels}


async def _answers(s: ReadSession, agency_id: str, since: datetime, until: datetime) -> dict[str, int]:
    answered = col(ShareRow.answered_at)
    due = col(ShareRow.answer_by)  # none: taken at once, nobody was asked
    came = due.is_not(None) & answered.is_not(None) & (answered >= since) & (answered < until)
    overdue = col(ShareRow.late_answer)
    silent = answered.is_(None) & col(ShareRow.status).in_(WAITING) & overdue & (due >= since) & (due < until)
    late = _when(came, overdue)
    asked, in_time, too_late, unanswered, refused = await _row(
        s,
        [
            _when(came | silent),
            _when(came, ~overdue),
            late,
            _when(silent),
            _when(came, col(ShareRow.ground).is_not(None)),
        ],
        ShareRow.provider_id == agency_id,
    )
    return {
        "asked": asked,
        "answered_in_time": in_time,
        "answered_late": too_late,
        "unanswered": unanswered,
        "refused": refused,
    }


async def _service(s: ReadSession, agency_id: str, since: datetime, until: datetime) -> dict[str, int]:
    served, due = col(ShareRow.served_at), col(ShareRow.serve_by)
    came = served.is_not(None) & (served >= since) & (served < until)
    late = col(ShareRow.late_service)
    granted = col(ShareRow.status) == ShareState.ANSWERED_GRANT
    missed = served.is_(None) & granted & late & (due >= since) & (due < until)
    whole, in_time, too_late = await _row(
        s,
        [_when(came | missed), _when(came, ~late), _when((came & late) | missed)],
        ShareRow.provider_id == agency_id,
    )
    return {"to_serve": whole, "served_in_time": in_time, "served_late": too_late}


async def uses_of(
    s: ReadSession, *, since: date, until: date
) -> Sequence[tuple[str, str, Level, int, int, int, int]]:
    """Calls in [since, until): provider, requester, level, calls, failed, bytes, milliseconds (R16)."""
    asked: Any = select
    query: Any = (
        asked(
            ShareRow.provider_id,
            ShareRow.requester_id,
            DataRow.level,
            func.sum(ShareUseRow.calls),
            func.sum(ShareUseRow.failed),
            func.sum(ShareUseRow.bytes),
            func.sum(ShareUseRow.took_ms),
        )
        .where(
            col(ShareUseRow.share_id) == col(ShareRow.share_id),
            col(ShareRow.data_id) == col(DataRow.data_id),
            col(ShareUseRow.day) >= since,
            col(ShareUseRow.day) < until,
        )
        .group_by(col(ShareRow.provider_id), col(ShareRow.requester_id), col(DataRow.level))
        .order_by(col(ShareRow.provider_id), col(ShareRow.requester_id), col(DataRow.level))
    )
    found: Sequence[Any] = (await s.exec(query)).all()
    return [tuple(one) for one in found]
