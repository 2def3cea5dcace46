"""What is asked about findings, yearly assessments, assessors, rounds and confidential items."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

from sqlmodel import SQLModel, col, func, or_, select

from base.db import ReadSession, WriteSession, exclusive_lock, share_lock
from registry.assessments.errors import SecurityRecordUnknown
from registry.assessments.states import DONE_RISKS, AssessorState, RiskState, RoundState
from registry.assessments.tables import (
    AccessRow,
    AssessorRow,
    FindingRow,
    ItemRow,
    ReaderRow,
    RiskRow,
    RoundRow,
)
from registry.grading.states import LIVE, STANDING, STOPS, AssessmentState, EntryState
from registry.grading.tables import AssessmentRow, GradeRow, GradingRow, ImportantRow, MatchRow

_Row = TypeVar("_Row", bound=SQLModel)
_KEYS: Final[dict[type[Any], str]] = {
    RiskRow: "risk_id",
    AssessorRow: "assessor_id",
    RoundRow: "round_id",
    ItemRow: "item_id",
    AssessmentRow: "assessment_id",
}
PAGE: Final = 50


async def got(s: ReadSession, table: type[_Row], record_id: str) -> _Row:
    """A record by its id. Raises SecurityRecordUnknown."""
    row = await s.get(table, record_id, populate_existing=True)
    if row is None:
        raise SecurityRecordUnknown("no such record", record_id=record_id)
    return row


async def claim(s: WriteSession, table: type[_Row], record_id: str) -> _Row:
    """A record by its id, locked. Raises SecurityRecordUnknown."""
    query = exclusive_lock(select(table).where(getattr(table, _KEYS[table]) == record_id))
    row = (await s.exec(query.execution_options(populate_existing=True))).first()
    if row is None:
        raise SecurityRecordUnknown("no such record", record_id=record_id)
    return row


async def findings_of(s: ReadSession, *, assessment_id: str) -> Sequence[FindingRow]:
    """The findings of an assessment in their order."""
    query = select(FindingRow).where(FindingRow.assessment_id == assessment_id)
    query = query.order_by(col(FindingRow.no)).execution_options(populate_existing=True)
    return (await s.exec(query)).all()


async def assessments_with(
    s: ReadSession, *, org_id: str | None, after: str | None = None, limit: int = PAGE
) -> Sequence[AssessmentRow]:
    """Impact assessments and reviews, newest first: that an organisation holds or reviews, or all."""
    query = select(AssessmentRow)
    if org_id is not None:
        handed = col(AssessmentRow.status).not_in([AssessmentState.DRAFT, AssessmentState.WITHDRAWN])
        mine = col(AssessmentRow.holder_id) == org_id
        query = query.where(or_(mine, (col(AssessmentRow.reviewer_id) == org_id) & handed))
    if after is not None:
        query = query.where(col(AssessmentRow.assessment_id) < after)
    return (await s.exec(query.order_by(col(AssessmentRow.assessment_id).desc()).limit(limit))).all()


async def registered(s: ReadSession, *, org_id: str, trade: str, now: datetime) -> AssessorRow | None:
    """A member's registration as an assessor of a trade, share-locked, if it holds now."""
    query = share_lock(
        select(AssessorRow).where(
            AssessorRow.org_id == org_id, AssessorRow.status == AssessorState.REGISTERED
        )
    )
    for row in (await s.exec(query.execution_options(populate_existing=True))).all():
        if trade in row.trades and row.valid_until is not None and now <= row.valid_until:
            return row
    return None


async def assessors(s: ReadSession, *, states: Collection[AssessorState] = ()) -> Sequence[AssessorRow]:
    """Assessors, newest first: in these states."""
    query = select(AssessorRow)
    if states:
        query = query.where(col(AssessorRow.status).in_(sorted(states)))
    return (await s.exec(query.order_by(col(AssessorRow.assessor_id).desc()).limit(500))).all()


async def assessors_of(s: ReadSession, *, org_id: str) -> Sequence[AssessorRow]:
    """A member's own registrations and applications, newest first."""
    query = select(AssessorRow).where(AssessorRow.org_id == org_id)
    return (await s.exec(query.order_by(col(AssessorRow.assessor_id).desc()).limit(PAGE))).all()


async def live_of_handlers(s: ReadSession) -> dict[str, list[str]]:
    """Who handles important data, and by which live entries: departments, and holders of what they cover."""
    live = col(ImportantRow.status).in_(LIVE)
    own = select(ImportantRow.department_id, ImportantRow.entry_id).where(live)
    held = (
        select(GradeRow.holder_id, ImportantRow.entry_id)
        .join(MatchRow, col(MatchRow.object_id) == col(GradeRow.object_id))
        .join(ImportantRow, col(ImportantRow.entry_id) == col(MatchRow.entry_id))
        .where(live, col(MatchRow.status).in_(STOPS))
    )
    found: dict[str, set[str]] = {}
    for query in (own, held):
        for org_id, entry_id in (await s.exec(query)).all():
            found.setdefault(org_id, set()).add(entry_id)
    return {org_id: sorted(entries) for org_id, entries in sorted(found.items())}


async def handlers_of_many(s: ReadSession, *, persons: int) -> list[str]:
    """Who holds data of so many persons, by gradings in force (网络数据安全管理条例 28)."""
    query = select(GradingRow.holder_id).where(
        col(GradingRow.status).in_(STANDING), GradingRow.persons >= persons
    )
    return sorted(set((await s.exec(query)).all()))


async def risk_of(s: ReadSession, *, handler_id: str, year: int) -> RiskRow | None:
    """A handler's assessment of a year."""
    query = select(RiskRow).where(RiskRow.handler_id == handler_id, RiskRow.year == year)
    return (await s.exec(query)).first()


async def assessors_before(s: ReadSession, *, handler_id: str, year: int, most: int) -> list[str | None]:
    """Who assessed a handler in the years before, newest first."""
    query = select(RiskRow.assessor_id).where(
        RiskRow.handler_id == handler_id,
        RiskRow.year < year,
        col(RiskRow.status).in_([*DONE_RISKS, RiskState.RUNNING]),
    )
    return list((await s.exec(query.order_by(col(RiskRow.year).desc()).limit(most))).all())


async def planned_before(s: ReadSession, *, handler_id: str, year: int) -> bool:
    """Whether a handler has an earlier year's assessment that nobody has begun."""
    query = select(RiskRow.risk_id).where(
        RiskRow.handler_id == handler_id, RiskRow.year < year, RiskRow.status == RiskState.PLANNED
    )
    return (await s.exec(query.limit(1))).first() is not None


async def risks(
    s: ReadSession,
    *,
    org_id: str | None = None,
    states: Collection[RiskState] = (),
    after: str | None = None,
    limit: int = PAGE,
) -> Sequence[RiskRow]:
    """Yearly assessments, newest first: of a handler or by an assessor, in these states."""
    query = select(RiskRow)
    if org_id is not None:
        query = query.where(or_(col(RiskRow.handler_id) == org_id, col(RiskRow.assessor_id) == org_id))
    if states:
        query = query.where(col(RiskRow.status).in_(sorted(states)))
    if after is not None:
        query = query.where(col(RiskRow.risk_id) < after)
    return (await s.exec(query.order_by(col(RiskRow.risk_id).desc()).limit(limit))).all()


async def departments(s: ReadSession) -> list[tuple[str, str]]:
    """Every department and section of the industry in which it has a live entry."""
    query = select(ImportantRow.department_id, func.substr(ImportantRow.sector, 1, 1))
    found = (await s.exec(query.where(col(ImportantRow.status).in_(LIVE)).distinct())).all()
    return sorted((one[0], one[1]) for one in found)


async def entries_in(s: ReadSession, *, department_id: str, sector: str) -> Sequence[ImportantRow]:
    """All entries of a department in a section, whatever became of them."""
    query = select(ImportantRow).where(
        ImportantRow.department_id == department_id, col(ImportantRow.sector).startswith(sector)
    )
    return (await s.exec(query.order_by(col(ImportantRow.entry_id)))).all()


async def round_of(s: ReadSession, *, department_id: str, sector: str, year: int) -> RoundRow | None:
    """The round of a department, sector and year."""
    query = select(RoundRow).where(
        RoundRow.department_id == department_id, RoundRow.sector == sector, RoundRow.year == year
    )
    return (await s.exec(query)).first()


async def rounds(
    s: ReadSession,
    *,
    department_id: str | None = None,
    year: int | None = None,
    states: Collection[RoundState] = (),
) -> Sequence[RoundRow]:
    """Rounds, newest first."""
    query = select(RoundRow)
    if department_id is not None:
        query = query.where(RoundRow.department_id == department_id)
    if year is not None:
        query = query.where(RoundRow.year == year)
    if states:
        query = query.where(col(RoundRow.status).in_(sorted(states)))
    return (await s.exec(query.order_by(col(RoundRow.round_id).desc()).limit(500))).all()


async def catalogue_counts(s: ReadSession) -> Sequence[tuple[str, str, str, int]]:
    """How many entries each department has in each section, by state."""
    sector = func.substr(ImportantRow.sector, 1, 1)
    query = select(ImportantRow.department_id, sector, ImportantRow.status, func.count()).group_by(
        col(ImportantRow.department_id), sector, col(ImportantRow.status)
    )
    return sorted((one[0], one[1], EntryState(one[2]).value, one[3]) for one in (await s.exec(query)).all())


async def items(
    s: ReadSession, *, org_id: str, after: str | None = None, limit: int = PAGE
) -> Sequence[ItemRow]:
    """The confidential items that an organisation holds, or was admitted to; newest first."""
    admitted = select(ReaderRow.item_id).where(ReaderRow.org_id == org_id)
    query = select(ItemRow).where(or_(col(ItemRow.holder_id) == org_id, col(ItemRow.item_id).in_(admitted)))
    if after is not None:
        query = query.where(col(ItemRow.item_id) < after)
    return (await s.exec(query.order_by(col(ItemRow.item_id).desc()).limit(limit))).all()


async def readers(s: ReadSession, *, item_id: str) -> list[str]:
    """Who was admitted to an item."""
    query = select(ReaderRow.org_id).where(ReaderRow.item_id == item_id)
    return list((await s.exec(query.order_by(col(ReaderRow.org_id)))).all())


async def newest_accesses(
    s: ReadSession, *, item_id: str, org_id: str | None = None, limit: int = 200
) -> Sequence[AccessRow]:
    """The newest accesses to an item, of one member or of all."""
    query = select(AccessRow).where(AccessRow.item_id == item_id)
    if org_id is not None:
        query = query.where(AccessRow.org_id == org_id)
    return (await s.exec(query.order_by(col(AccessRow.no).desc()).limit(limit))).all()


async def accesses(
    s: ReadSession, *, item_id: str, after: int, until: int, limit: int = 500
) -> Sequence[AccessRow]:
    """The next accesses to an item in their order: those numbered above `after`, up to `until`."""
    query = select(AccessRow).where(AccessRow.item_id == item_id, AccessRow.no > after, AccessRow.no <= until)
    return (await s.exec(query.order_by(col(AccessRow.no)).limit(limit))).all()
