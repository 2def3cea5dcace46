"""What is asked about incidents and warnings."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement
from sqlmodel import col, func, or_, select

from base.db import ReadSession, WriteSession, exclusive_lock
from cases.incidents.errors import IncidentUnknown, MeasureUnknown, WarningUnknown
from cases.incidents.rules import Matter, Measure, Receiver
from cases.incidents.signals import Signal
from cases.incidents.states import OPEN, WARNING_OPEN, IncidentState, WarningState
from cases.incidents.tables import (
    DutyRow,
    EvidenceRow,
    IncidentRow,
    MeasureRow,
    ReadingRow,
    ReportRow,
    WarningRow,
)

MAX_PAGE = 100


async def get_incident(s: ReadSession, *, incident_id: str) -> IncidentRow:
    """An incident by id. Raises IncidentUnknown."""
    row = await s.get(IncidentRow, incident_id, populate_existing=True)
    if row is None:
        raise IncidentUnknown("no such incident", incident_id=incident_id)
    return row


async def claim_incident(s: WriteSession, *, incident_id: str) -> IncidentRow:
    """An incident, locked until the transaction ends. Raises IncidentUnknown."""
    query = exclusive_lock(select(IncidentRow).where(IncidentRow.incident_id == incident_id))
    row = (await s.exec(query.execution_options(populate_existing=True))).first()
    if row is None:
        raise IncidentUnknown("no such incident", incident_id=incident_id)
    return row


async def incidents(
    s: ReadSession,
    *,
    org_id: str | None = None,
    reported_to: Collection[str] | None = None,
    states: Collection[IncidentState] = (),
    after: str | None = None,
    limit: int = 50,
) -> Sequence[IncidentRow]:
    """Incidents, newest first: of an organisation, those reported to receivers, or (with neither) all."""
    query = select(IncidentRow).order_by(col(IncidentRow.incident_id).desc()).limit(min(limit, MAX_PAGE))
    whose = []
    if org_id is not None:
        whose.append(col(IncidentRow.org_id) == org_id)
    if reported_to is not None:
        whose.append(_concerns(reported_to))
    if whose:
        query = query.where(or_(*whose))
    if states:
        query = query.where(col(IncidentRow.status).in_(list(states)))
    if after is not None:
        query = query.where(col(IncidentRow.incident_id) < after)
    return (await s.exec(query)).all()


async def was_reported_to(s: ReadSession, *, incident_id: str, receivers: Collection[str]) -> bool:
    """Whether one of these has had a report of it, or has to let go what was halted."""
    query = select(IncidentRow.incident_id).where(
        IncidentRow.incident_id == incident_id, _concerns(receivers)
    )
    return (await s.exec(query.limit(1))).first() is not None


def _concerns(receivers: Collection[str]) -> ColumnElement[bool]:
    """Reported to one of these offices; to customs, where a clearance is halted, which it alone lets go."""
    told = select(ReportRow.incident_id).where(col(ReportRow.receiver).in_(sorted(receivers)))
    found = col(IncidentRow.incident_id).in_(told)
    if Receiver.CAC not in receivers:
        return found
    halted = select(MeasureRow.incident_id).where(
        MeasureRow.measure == Measure.HALT_CLEARANCE, col(MeasureRow.lifted_at).is_(None)
    )
    return found | col(IncidentRow.incident_id).in_(halted)


async def duties_of(s: ReadSession, *, incident_id: str) -> Sequence[DutyRow]:
    """The times of an incident, the first to come first."""
    query = select(DutyRow).where(DutyRow.incident_id == incident_id)
    rows = await s.exec(
        query.order_by(col(DutyRow.due_at), col(DutyRow.matter)).execution_options(populate_existing=True)
    )
    return rows.all()


async def duty(s: ReadSession, *, incident_id: str, matter: Matter) -> DutyRow | None:
    """One of its times, if it was ever wound."""
    return await s.get(DutyRow, (incident_id, matter), populate_existing=True)


async def running(
    s: ReadSession, *, org_id: str | None = None, offices: Collection[str] = (), limit: int = 100
) -> Sequence[DutyRow]:
    """The times that nobody has met, of incidents that are open, the first to come first."""
    query = (
        select(DutyRow)
        .join(IncidentRow, col(IncidentRow.incident_id) == col(DutyRow.incident_id))
        .where(
            col(DutyRow.met_at).is_(None),
            col(DutyRow.dropped_at).is_(None),
            col(IncidentRow.status).in_(list(OPEN)),
        )
        .order_by(col(DutyRow.due_at), col(DutyRow.incident_id))
        .limit(min(limit, MAX_PAGE))
    )
    if org_id is not None:
        mine = IncidentRow.org_id == org_id
        handed_on = col(DutyRow.matter) == Matter.FORWARD  # the protection department's own clock
        query = query.where(or_(mine, handed_on) if Receiver.DATA_AUTHORITY in offices else mine)
    return (await s.exec(query)).all()


async def reports_of(s: ReadSession, *, incident_id: str) -> Sequence[ReportRow]:
    """The reports of an incident, first to last."""
    query = select(ReportRow).where(ReportRow.incident_id == incident_id)
    return (await s.exec(query.order_by(col(ReportRow.report_id)))).all()


async def first_report(s: ReadSession, *, incident_id: str, receiver: Receiver) -> ReportRow | None:
    """The first report that a receiver has had."""
    query = select(ReportRow).where(ReportRow.incident_id == incident_id, ReportRow.receiver == receiver)
    return (await s.exec(query.order_by(col(ReportRow.report_id)).limit(1))).first()


async def measures_of(s: ReadSession, *, incident_id: str) -> Sequence[MeasureRow]:
    """The measures ordered in an incident, first to last."""
    query = select(MeasureRow).where(MeasureRow.incident_id == incident_id)
    return (await s.exec(query.order_by(col(MeasureRow.order_id)))).all()


async def standing_measure(s: WriteSession, *, incident_id: str, order_id: str) -> MeasureRow:
    """A measure that stands. Raises MeasureUnknown."""
    row = await s.get(MeasureRow, order_id, populate_existing=True)
    if row is None or row.incident_id != incident_id or row.lifted_at is not None:
        raise MeasureUnknown("no such measure stands", order_id=order_id)
    return row


async def evidence_of(s: ReadSession, *, incident_id: str) -> Sequence[EvidenceRow]:
    """What shows something of it, as it came in."""
    query = select(EvidenceRow).where(EvidenceRow.incident_id == incident_id)
    return (await s.exec(query.order_by(col(EvidenceRow.number)))).all()


async def get_warning(s: ReadSession, *, warning_id: str) -> WarningRow:
    """A warning by id. Raises WarningUnknown."""
    row = await s.get(WarningRow, warning_id, populate_existing=True)
    if row is None:
        raise WarningUnknown("no such warning", warning_id=warning_id)
    return row


async def claim_warning(s: WriteSession, *, warning_id: str) -> WarningRow:
    """A warning, locked until the transaction ends. Raises WarningUnknown."""
    query = exclusive_lock(select(WarningRow).where(WarningRow.warning_id == warning_id))
    row = (await s.exec(query.execution_options(populate_existing=True))).first()
    if row is None:
        raise WarningUnknown("no such warning", warning_id=warning_id)
    return row


async def open_warning(s: WriteSession, *, signal: Signal, about: str) -> WarningRow | None:
    """The warning of this signal that is not decided yet, locked."""
    query = exclusive_lock(
        select(WarningRow).where(
            WarningRow.signal == signal,
            WarningRow.about == about,
            col(WarningRow.status).in_(list(WARNING_OPEN)),
        )
    )
    return (await s.exec(query.execution_options(populate_existing=True))).first()


async def warnings(
    s: ReadSession, *, states: Collection[WarningState] = (), after: str | None = None, limit: int = 50
) -> Sequence[WarningRow]:
    """Warnings, newest first."""
    query = select(WarningRow).order_by(col(WarningRow.warning_id).desc()).limit(min(limit, MAX_PAGE))
    if states:
        query = query.where(col(WarningRow.status).in_(list(states)))
    if after is not None:
        query = query.where(col(WarningRow.warning_id) < after)
    return (await s.exec(query)).all()


async def reported_under(s: ReadSession, *, code_mark: str) -> WarningRow | None:
    """The warning that a weakness reported under a code became."""
    return (await s.exec(select(WarningRow).where(WarningRow.code_mark == code_mark))).first()


async def history(s: ReadSession, *, signal: Signal, about: str, before: datetime, limit: int) -> list[int]:
    """The last readings of a signal, oldest first."""
    query = (
        select(ReadingRow.value)
        .where(ReadingRow.signal == signal, ReadingRow.about == about, col(ReadingRow.read_at) < before)
        .order_by(col(ReadingRow.read_at).desc())
        .limit(limit)
    )
    return list(reversed((await s.exec(query)).all()))


async def readings_since(
    s: ReadSession, *, signal: Signal, about: str, since: datetime, before: datetime
) -> Sequence[int]:
    """The readings of a signal within a time."""
    query = select(ReadingRow.value).where(
        ReadingRow.signal == signal,
        ReadingRow.about == about,
        col(ReadingRow.read_at) > since,
        col(ReadingRow.read_at) < before,
    )
    return (await s.exec(query)).all()


async def last_dismissed(s: ReadSession, *, signal: Signal, about: str) -> WarningRow | None:
    """The last warning of a signal, if nothing followed from it."""
    query = select(WarningRow).where(WarningRow.signal == signal, WarningRow.about == about)
    row = (await s.exec(query.order_by(col(WarningRow.warning_id).desc()).limit(1))).first()
    return row if row is not None and row.status is WarningState.DISMISSED else None


async def evidence_count(s: ReadSession, *, incident_id: str) -> int:
    """How many pieces of evidence it has."""
    query = select(func.count()).select_from(EvidenceRow).where(EvidenceRow.incident_id == incident_id)
    return (await s.exec(query)).one()
