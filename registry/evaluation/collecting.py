"""What an evaluation counts, collected from the registers at one moment: groups of records by their ids.

Each register is asked through its own tables' meaning; where none is kept, or there is nothing in it, that
is said, and no number is made up. The counts of the lists are those of `registry.lists.counting`; a test
holds the two together.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import func, or_
from sqlmodel import col, select

from base.calendar import months_after, shanghai_day
from base.db import ReadSession
from registry.currency import currency_of
from registry.evaluation.incidents import incidents_of
from registry.evaluation.rules import GROUPS, Indicator, group_of
from registry.grading.tables import GradeRow
from registry.lists.rules import Listed
from registry.lists.states import SOURCED, WAITING, ItemState
from registry.lists.tables import DataRow, ItemRow, ShareRow
from registry.measuring.tables import EntryReportRow
from registry.opening.figures import fulfilment
from registry.opening.repository import plan_for
from registry.opening.tables import OpenEntryRow
from registry.operation.tables import GrantBreachRow, GrantRow

_I: Final = Indicator
_MOMENT: Final = timedelta(milliseconds=1)
Facts = Mapping[str, Any]


async def collect(
    s: ReadSession, *, agency_id: str, since: datetime, until: datetime, as_of: datetime, current_months: int
) -> dict[Indicator, Facts | None]:
    """Everything of one agency: lists as they are, requests to share within [since, until).

    None of an indicator that no register is kept of.
    """
    return {
        **await _entries(s, agency_id, as_of, current_months),
        _I.CONFLICTS: await _items(s, agency_id),
        _I.SHARING: await _shares(s, agency_id, since, until),
        _I.OPENING: await _opening(s, agency_id, until),
        _I.INCIDENTS: await _rectifications(s, agency_id, since, until, as_of),
    }


def _facts(name: Indicator, groups: Mapping[str, list[str]], **more: int) -> Facts:
    return {"groups": {one: group_of(groups.get(one, ())) for one in GROUPS[name]}, **more}


async def _entries(
    s: ReadSession, agency_id: str, as_of: datetime, current_months: int
) -> dict[Indicator, Facts | None]:
    """One pass over the data list: complete, current, mounted, graded, measured, fresh; each by its ids."""
    told = months_after(as_of, -current_months)
    scores = await _scores(s, agency_id)
    query = (
        sa.select(
            col(DataRow.data_id),
            col(DataRow.system_id),
            or_(col(DataRow.theme) != "", col(DataRow.base_library).is_not(None)),
            func.json_array_length(col(DataRow.fields)) > 0,
            col(DataRow.mounted_at),
            col(DataRow.flag),
            col(DataRow.resource_sha256).is_not(None),
            col(DataRow.update),
            col(DataRow.changed_at),
            col(GradeRow.decided).is_not(None),
        )
        .join(GradeRow, col(GradeRow.object_id) == col(DataRow.data_id), isouter=True)
        .where(col(DataRow.agency_id) == agency_id, col(DataRow.status) == Listed.LISTED)
    )
    found: defaultdict[str, list[str]] = defaultdict(list)
    for row in await (await s.connection()).execute(query):
        data_id, system_id, placed, described, mounted_at, flag, a_file, update, changed_at, graded = row
        found["complete" if system_id and placed and described else "incomplete"].append(data_id)
        renewed = max(at for at in (changed_at, mounted_at) if at is not None)
        found["current" if renewed > told else "outdated"].append(data_id)
        mounted = "mounted" if mounted_at is not None else "unmounted" if flag is None else "flagged"
        found[mounted].append(data_id)
        found["graded" if graded else "ungraded"].append(data_id)
        if a_file:
            found["measured" if data_id in scores else "unmeasured"].append(data_id)
        if a_file and mounted_at is not None:
            current = currency_of(update, mounted_at, as_of)
            if current is not None:
                found["stale" if current.stale else "fresh"].append(data_id)
    return {
        _I.LISTS: _facts(_I.LISTS, found),
        _I.MOUNTING: _facts(_I.MOUNTING, found),
        _I.GRADING: _facts(_I.GRADING, found),
        _I.QUALITY: _facts(_I.QUALITY, found, tenths=sum(scores[one] for one in found["measured"])),
    }


async def _scores(s: ReadSession, agency_id: str) -> dict[str, int]:
    """The newest measured score of each entry, in tenths of a point, of the file that is mounted now."""
    query = (
        select(EntryReportRow.data_id, EntryReportRow.score_tenths)
        .join(DataRow, col(DataRow.data_id) == col(EntryReportRow.data_id))
        .where(
            DataRow.agency_id == agency_id,
            col(DataRow.resource_sha256) == col(EntryReportRow.file_sha256),
        )
        .order_by(col(EntryReportRow.measured_at), col(EntryReportRow.report_id))
    )
    return dict((await s.exec(query)).all())


async def _items(s: ReadSession, agency_id: str) -> Facts:
    """Items that it is the one source of, and those that it and another quarrel over."""
    mine = or_(col(ItemRow.source_id) == agency_id, col(ItemRow.rival_id) == agency_id)
    query = select(ItemRow.item_id, ItemRow.status, ItemRow.source_id).where(mine)
    found: defaultdict[str, list[str]] = defaultdict(list)
    for item_id, status, source_id in (await s.exec(query)).all():
        if status is ItemState.CONFLICT:
            found["conflict"].append(item_id)
        elif source_id == agency_id and status in SOURCED:
            found["settled"].append(item_id)
    return _facts(_I.CONFLICTS, found)


async def _shares(s: ReadSession, agency_id: str, since: datetime, until: datetime) -> Facts:
    """Requests that it answered in the period, in time or late, or that fell due without an answer."""
    answered, due = col(ShareRow.answered_at), col(ShareRow.answer_by)
    asked = due.is_not(None)  # what is taken at once asks nobody, and shows nothing of who answers
    came = asked & answered.is_not(None) & (answered >= since) & (answered < until)
    waits = answered.is_(None) & col(ShareRow.status).in_(WAITING) & col(ShareRow.late_answer)
    silent = waits & (due >= since) & (due < until)
    query = select(ShareRow.share_id, ShareRow.answered_at, ShareRow.late_answer).where(
        ShareRow.provider_id == agency_id, or_(came, silent)
    )
    found: defaultdict[str, list[str]] = defaultdict(list)
    for share_id, answered_at, late in (await s.exec(query)).all():
        found["unanswered" if answered_at is None else "late" if late else "in_time"].append(share_id)
    return _facts(_I.SHARING, found)


async def _rectifications(
    s: ReadSession, agency_id: str, since: datetime, until: datetime, as_of: datetime
) -> Facts | None:
    """Security incidents of the period, those reported late; breaches of its grants, found by the end of the
    period, that are not cleared though their day is over.

    None of an agency that has granted nothing and had no incident.
    """
    befell, late = await incidents_of(s, org_id=agency_id, since=since, until=until)
    mine = select(GrantRow.grant_id).where(GrantRow.authority_id == agency_id)
    if not (befell or late) and (await s.exec(mine.limit(1))).first() is None:
        return None
    query = select(GrantBreachRow.breach_id).where(
        col(GrantBreachRow.grant_id).in_(mine),
        col(GrantBreachRow.found_at) < until,
        col(GrantBreachRow.rectify_by) < as_of,
        col(GrantBreachRow.cleared_at).is_(None),
    )
    overdue = [*(await s.exec(query)).all(), *late]
    return _facts(_I.INCIDENTS, {"incident": befell, "overdue": overdue})


async def _opening(s: ReadSession, agency_id: str, until: datetime) -> Facts:
    """The entries of the period's opening plan: opened by the end of the period, later, or not at all."""
    last = shanghai_day(until - _MOMENT)
    plan = await plan_for(s, agency_id=agency_id, year=last.year)
    if plan is None:
        return _facts(_I.OPENING, {})
    planned = [str(row["data_id"]) for row in plan.rows]
    query = select(OpenEntryRow.data_id, OpenEntryRow.first_opened_at).where(
        OpenEntryRow.agency_id == agency_id, col(OpenEntryRow.first_opened_at).is_not(None)
    )
    opened: dict[str, datetime] = {}
    for data_id, at in (await s.exec(query)).all():
        if at is not None:
            opened[data_id] = min(at, opened.get(data_id, at))
    found = fulfilment(planned, opened, until=until)
    late = [one for one in found.missing if one in opened]
    missed = [one for one in found.missing if one not in opened]
    return _facts(_I.OPENING, {"met": list(found.done), "late": late, "missed": missed})
