"""What is asked about measured entries and cross-checks."""

from collections.abc import Collection, Sequence
from typing import Final

from sqlmodel import col, or_, select

from base.db import ReadSession
from registry.lists.tables import DataRow
from registry.measuring.errors import CrossCheckUnknown
from registry.measuring.tables import CrossCheckRow, EntryReportRow

MAX_PAGE: Final = 100


async def latest_entry_report(s: ReadSession, *, data_id: str) -> EntryReportRow | None:
    """The newest report of an entry, of whichever file it was mounted to then."""
    query = select(EntryReportRow).where(EntryReportRow.data_id == data_id)
    newest = query.order_by(col(EntryReportRow.measured_at).desc(), col(EntryReportRow.report_id).desc())
    return (await s.exec(newest.limit(1))).first()


async def entry_report_named(s: ReadSession, *, data_id: str, report_sha256: str) -> EntryReportRow | None:
    """The report of an entry with this digest."""
    query = select(EntryReportRow).where(
        EntryReportRow.data_id == data_id, EntryReportRow.report_sha256 == report_sha256
    )
    return (await s.exec(query)).first()


async def entry_reports(
    s: ReadSession, *, agency_id: str | None = None, after: str | None = None, limit: int = MAX_PAGE
) -> Sequence[tuple[EntryReportRow, DataRow]]:
    """Reports with their entries, newest first: of every agency, or of one."""
    query = select(EntryReportRow, DataRow).join(DataRow, col(DataRow.data_id) == col(EntryReportRow.data_id))
    if agency_id is not None:
        query = query.where(DataRow.agency_id == agency_id)
    if after is not None:
        query = query.where(col(EntryReportRow.report_id) < after)
    newest = query.order_by(col(EntryReportRow.report_id).desc()).limit(min(limit, MAX_PAGE))
    return (await s.exec(newest)).all()


async def get_cross_check(s: ReadSession, *, check_id: str) -> CrossCheckRow:
    """A cross-check by id. Raises CrossCheckUnknown."""
    row = await s.get(CrossCheckRow, check_id, populate_existing=True)
    if row is None:
        raise CrossCheckUnknown("no such cross-check", check_id=check_id)
    return row


async def cross_check_named(
    s: ReadSession, *, left_id: str, right_id: str, result_sha256: str
) -> CrossCheckRow | None:
    """The same check with the same result, if it was made before."""
    query = select(CrossCheckRow).where(
        CrossCheckRow.left_id == left_id,
        CrossCheckRow.right_id == right_id,
        CrossCheckRow.result_sha256 == result_sha256,
    )
    return (await s.exec(query)).first()


async def cross_checks(
    s: ReadSession, *, agency_id: str | None = None, after: str | None = None, limit: int = MAX_PAGE
) -> Sequence[CrossCheckRow]:
    """Cross-checks, newest first: every one, or those of an agency's entries."""
    query = select(CrossCheckRow)
    if agency_id is not None:
        mine = select(DataRow.data_id).where(DataRow.agency_id == agency_id)
        query = query.where(or_(col(CrossCheckRow.left_id).in_(mine), col(CrossCheckRow.right_id).in_(mine)))
    if after is not None:
        query = query.where(col(CrossCheckRow.check_id) < after)
    newest = query.order_by(col(CrossCheckRow.check_id).desc()).limit(min(limit, MAX_PAGE))
    return (await s.exec(newest)).all()


async def rates_of(s: ReadSession, *, data_ids: Collection[str]) -> dict[str, int]:
    """The newest rate of each of these entries, of the file it is mounted to now; none where not checked."""
    if not data_ids:
        return {}
    named = sorted(data_ids)
    mounted = dict(
        (
            await s.exec(
                select(DataRow.data_id, DataRow.resource_sha256).where(col(DataRow.data_id).in_(named))
            )
        ).all()
    )
    query = select(CrossCheckRow).where(
        or_(col(CrossCheckRow.left_id).in_(named), col(CrossCheckRow.right_id).in_(named)),
        col(CrossCheckRow.rate).is_not(None),
    )
    found: dict[str, int] = {}
    for row in await s.exec(query.order_by(col(CrossCheckRow.checked_at), col(CrossCheckRow.check_id))):
        for data_id, sha256 in ((row.left_id, row.left_sha256), (row.right_id, row.right_sha256)):
            if row.rate is not None and mounted.get(data_id) == sha256:
                found[data_id] = row.rate
    return found
