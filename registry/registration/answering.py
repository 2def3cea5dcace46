"""What a recognised registrar owes (`RGR`): a report each year, word of a change, half a year's of leaving.

The data authority assesses the year and decides on the leaving; what is late is stated by the clock.
"""

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any, Final

from sqlmodel import col, func, select

from base.calendar import at_shanghai, shanghai_day
from base.clock import rfc3339
from base.db import ReadSession, WriteSession, exclusive_lock
from base.jobs import enqueue
from ledger.recording import Act, record
from ledger.statement import Draft
from registry.registration.applying import check_text
from registry.registration.errors import (
    RegistrarLeaving,
    RegistrarReported,
    RegistrarUnknown,
    RegistrarUnreported,
    RegistrationRequestUnknown,
    RegistrationWrongRole,
)
from registry.registration.moving import LATE
from registry.registration.seats import (
    LEFT,
    TOLD,
    YEARLY,
    PaperKind,
    check_told,
    check_year,
    leave_decided_by,
    owed_by,
)
from registry.registration.tables import RegistrarPaperRow, RegistrarRow, RegistrationRow

REGISTRAR_DUE_JOB: Final = "registry.registrar-due"
_REGISTRAR: Final = "REGISTRAR"
_AUTHORITY: Final = "DATA_AUTHORITY"


async def report_year(s: WriteSession, act: Act, *, year: int, document_sha256: str) -> RegistrarPaperRow:
    """Report on a year that is over (RGR.REPORT), as the registrar, once; late is said to be late.

    What it registered that year is counted by the exchange. Raises RegistrarYearUnfit, RegistrarReported.
    """
    _check_role(act, _REGISTRAR)
    seat = await _seat_of(s, act.actor.org_id)
    check_year(year, recognised_at=seat.recognised_at, at=act.now)
    paper = _paper(act, PaperKind.REPORT, seat.org_id, document_sha256, year=year)
    paper.figures = await figures_of(s, org_id=seat.org_id, year=year)
    return await _file_year(s, act, paper)


async def assess_year(
    s: WriteSession, act: Act, *, org_id: str, year: int, passed: bool, document_sha256: str
) -> RegistrarPaperRow:
    """Assess a registrar's year (RGR.ASSESS), as the data authority, once.

    Nobody passes who has not reported. Raises RegistrarUnreported, RegistrarYearUnfit, RegistrarReported.
    """
    _check_role(act, _AUTHORITY)
    seat = await _seat_of(s, org_id)
    check_year(year, recognised_at=seat.recognised_at, at=act.now)
    if passed and await _filed(s, org_id=org_id, kind=PaperKind.REPORT, year=year) is None:
        raise RegistrarUnreported("there is no report on this year", org_id=org_id, year=year)
    paper = _paper(act, PaperKind.ASSESSMENT, org_id, document_sha256, year=year)
    paper.agreed, paper.decided_at = passed, act.occurred_at
    return await _file_year(s, act, paper)


async def tell_ahead(
    s: WriteSession, act: Act, *, kind: PaperKind, effective_on: date, text: str, document_sha256: str
) -> RegistrarPaperRow:
    """Tell a change of the registrar, or that it leaves, in time before (RGR.TELL), as the registrar.

    On leaving the data authority decides. Raises ToldTooLate, RegistrarReported where leaving is told
    already.
    """
    _check_role(act, _REGISTRAR)
    seat = await _seat_of(s, act.actor.org_id)
    if kind not in TOLD:
        raise RegistrationRequestUnknown("a change is told, or leaving", kind=kind.value)
    check_told(kind, effective_on, act.now)
    if kind is PaperKind.LEAVE and await leaving_of(s, org_id=seat.org_id) is not None:
        raise RegistrarReported("this is told already", kind=kind.value)
    paper = _paper(act, kind, seat.org_id, document_sha256)
    paper.text, paper.effective_on = check_text(text), effective_on.isoformat()
    paper.due_at = leave_decided_by(act.now) if kind is PaperKind.LEAVE else None
    s.add(paper)
    await s.flush()
    said = {"paper_id": paper.paper_id, "what": kind.value, "effective_on": paper.effective_on}
    said |= {"decide_by": rfc3339(paper.due_at)} if paper.due_at else {}
    await _state(s, act, "TELL", paper, said, opening={"text": paper.text})
    if paper.due_at:
        await _wind(s, paper.org_id, kind, paper.paper_id, paper.due_at)
    return paper


async def decide_leaving(
    s: WriteSession, act: Act, *, paper_id: str, agreed: bool, reason: str
) -> RegistrarPaperRow:
    """Agree that a registrar leaves, or not (RGR.DECIDE), as the data authority, once.

    What it registers goes on until its recognition ends. Raises RegistrationRequestUnknown.
    """
    _check_role(act, _AUTHORITY)
    query = exclusive_lock(select(RegistrarPaperRow).where(RegistrarPaperRow.paper_id == paper_id))
    paper = (await s.exec(query.execution_options(populate_existing=True))).first()
    if paper is None or paper.kind is not PaperKind.LEAVE or paper.agreed is not None:
        raise RegistrationRequestUnknown("no such request is open", paper_id=paper_id)
    paper.agreed, paper.decided_at = agreed, act.occurred_at
    s.add(paper)
    await s.flush()
    said = {"paper_id": paper_id, "agreed": agreed}
    await _state(s, act, "DECIDE", paper, said, opening={"reason": check_text(reason)})
    return paper


async def check_leaves(s: ReadSession, *, org_id: str, reason_code: str, now: datetime) -> None:
    """A recognition ends as left on the day that was told and agreed, not before. Raises RegistrarLeaving."""
    if reason_code != LEFT:
        return
    paper = await leaving_of(s, org_id=org_id)
    if paper is None or not paper.agreed or str(paper.effective_on) > shanghai_day(now).isoformat():
        day = None if paper is None else paper.effective_on
        raise RegistrarLeaving("it leaves on the day that was told and agreed to", effective_on=day)


async def wind_year(s: WriteSession, *, org_id: str, year: int, now: datetime) -> None:
    """Have the clock look whether a year is reported on, and assessed."""
    for kind in YEARLY:
        await _wind(s, org_id, kind, str(year), owed_by(kind, year, now))


async def fall_due(s: WriteSession, act: Act, *, org_id: str, kind: str, of: str) -> bool:
    """What the clock does when something owed is late (RGR.OVERDUE). False where it is there."""
    seat = await s.get(RegistrarRow, org_id, with_for_update=True, populate_existing=True)
    owed = PaperKind(kind)
    if seat is None or seat.ended_at is not None:
        return False
    if owed is PaperKind.LEAVE:
        paper = await s.get(RegistrarPaperRow, of, populate_existing=True)
        late = paper is not None and paper.agreed is None
        named: dict[str, Any] = {"paper_id": of}
    else:
        late = await _filed(s, org_id=org_id, kind=owed, year=int(of)) is None
        named = {"year": int(of)}
        if owed is PaperKind.ASSESSMENT:  # the last of a year: the next one begins
            await wind_year(s, org_id=org_id, year=int(of) + 1, now=act.now)
    if late:
        public = {"org_id": org_id, "what": owed.value, **named}
        await record(s, act, Draft("RGR.OVERDUE", org_id, public=public))
    return late


async def papers_of(
    s: ReadSession, *, org_ids: Sequence[str] | None = None, limit: int = 200
) -> Sequence[RegistrarPaperRow]:
    """What registrars have reported and told, and what was found, the newest first."""
    query = select(RegistrarPaperRow).order_by(col(RegistrarPaperRow.paper_id).desc()).limit(limit)
    if org_ids is not None:
        query = query.where(col(RegistrarPaperRow.org_id).in_(org_ids))
    return (await s.exec(query)).all()


async def leaving_of(s: ReadSession, *, org_id: str) -> RegistrarPaperRow | None:
    """The word of a registrar that it leaves, undecided or agreed to; one that was declined is none."""
    query = select(RegistrarPaperRow).where(
        RegistrarPaperRow.org_id == org_id,
        RegistrarPaperRow.kind == PaperKind.LEAVE,
        col(RegistrarPaperRow.agreed).is_not(False),
    )
    return (await s.exec(query.order_by(col(RegistrarPaperRow.paper_id).desc()))).first()


async def figures_of(s: ReadSession, *, org_id: str, year: int) -> dict[str, int]:
    """What a registrar was asked for and gave in a year, counted from the register."""
    first, after = (at_shanghai(date(one, 1, 1), time()) for one in (year, year + 1))
    mine = select(func.count()).select_from(RegistrationRow).where(RegistrationRow.registrar_id == org_id)
    figures = {}
    for name, column in (
        ("applied", RegistrationRow.applied_at),
        ("registered", RegistrationRow.registered_at),
    ):
        figures[name] = (await s.exec(mine.where(col(column) >= first, col(column) < after))).one()
    return figures


async def _file_year(s: WriteSession, act: Act, paper: RegistrarPaperRow) -> RegistrarPaperRow:
    assert paper.year is not None
    if await _filed(s, org_id=paper.org_id, kind=paper.kind, year=paper.year) is not None:
        raise RegistrarReported("this year is reported on already", year=paper.year, kind=paper.kind.value)
    s.add(paper)
    await s.flush()
    said: dict[str, Any] = {"paper_id": paper.paper_id, "year": paper.year, **paper.figures}
    said["late"] = act.now > owed_by(paper.kind, paper.year, act.now)
    if paper.agreed is not None:
        said["passed"] = paper.agreed
    await _state(s, act, "REPORT" if paper.kind is PaperKind.REPORT else "ASSESS", paper, said)
    return paper


async def _filed(s: ReadSession, *, org_id: str, kind: PaperKind, year: int) -> RegistrarPaperRow | None:
    query = select(RegistrarPaperRow).where(
        RegistrarPaperRow.org_id == org_id, RegistrarPaperRow.kind == kind, RegistrarPaperRow.year == year
    )
    return (await s.exec(query)).first()


async def _seat_of(s: WriteSession, org_id: str) -> RegistrarRow:
    """A recognised registrar, locked: its papers come one after another. Raises RegistrarUnknown."""
    query = select(RegistrarRow).where(RegistrarRow.org_id == org_id, col(RegistrarRow.ended_at).is_(None))
    row = (await s.exec(exclusive_lock(query).execution_options(populate_existing=True))).first()
    if row is None:
        raise RegistrarUnknown("no such registrar is recognised", registrar_id=org_id)
    return row


def _check_role(act: Act, role: str) -> None:
    if act.role != role:
        raise RegistrationWrongRole(f"this is not an act of {act.role}", role=act.role, roles=[role])


def _paper(
    act: Act, kind: PaperKind, org_id: str, document_sha256: str, *, year: int | None = None
) -> RegistrarPaperRow:
    return RegistrarPaperRow(
        paper_id=act.new_id("rgp"),
        org_id=org_id,
        kind=kind,
        year=year,
        document_sha256=document_sha256,
        filed_at=act.occurred_at,
    )


async def _state(
    s: WriteSession,
    act: Act,
    event: str,
    paper: RegistrarPaperRow,
    said: dict[str, Any],
    *,
    opening: dict[str, Any] | None = None,
) -> None:
    public = {"org_id": paper.org_id, **said}
    subjects = {"document": paper.document_sha256}
    await record(
        s, act, Draft(f"RGR.{event}", paper.org_id, public=public, opening=opening, subjects=subjects)
    )


async def _wind(s: WriteSession, org_id: str, kind: PaperKind, of: str, due_at: datetime) -> None:
    payload = {"org_id": org_id, "kind": kind.value, "of": of}
    key = f"{org_id} {kind.value} {of}"
    await enqueue(s, kind=REGISTRAR_DUE_JOB, key=key, run_at=due_at + LATE, payload=payload)
