"""The door of a case's state: one table, one conditional UPDATE, one statement, one paper of the file.

A step is claimed in the UPDATE that finds the state it was decided on, stated as `CSE.<event>`, entered into
the file, and winds the clock for what has to follow.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlmodel import col, func, select, update

from base.clock import rfc3339
from base.db import WriteSession
from base.jobs import enqueue
from cases import repository
from cases.deadlines import APPEALING, MEETS, SILENT, term
from cases.errors import CaseSameOfficer, CaseUnknown, CaseWrongRole, CaseWrongState
from cases.rules import OPERATOR, CaseEvent, CaseState, Kind, may_move
from cases.states import ENDED, FINAL, PARTY, REPORTER, SETTLED
from cases.tables import Case, CaseDeadline, CasePaper
from identity.repository import Person
from identity.service import require_identified, require_unbound
from ledger.recording import Act, Recorded, record
from ledger.statement import Draft

DUE_JOB: Final = "case.due"
FORGET_JOB: Final = "case.forget-reporter"
LATE: Final = timedelta(milliseconds=1)
_E = CaseEvent
_BESIDE: Final = frozenset({PARTY, REPORTER})
# Between two authorities the two decide, who hears an appeal does not have the case, the clock is nobody's.
_OF_OTHERS: Final = frozenset(
    {_E.SETTLE_JURISDICTION, _E.ASSIGN, _E.OVERDUE, _E.EXPIRE_DISPLAY, _E.UPHOLD, _E.CHANGE, _E.REVOKE}
)
_TELLING: Final = frozenset({"telling", "mediation_telling"})
# What begins to run with a step, by the name of its term; `received` counts from the receipt of the paper.
_SETS: Final[Mapping[CaseEvent, tuple[tuple[str, str], ...]]] = {
    _E.FILE: (("triage", "triage"),),
    _E.RECEIVE: (("triage", "triage"),),
    _E.SETTLE_JURISDICTION: (("triage", "triage"),),
    _E.ASSIGN: (("triage", "triage"),),
    _E.TRANSFER: (("receipt", "jurisdiction"),),
    _E.CONTEST: (("jurisdiction", "jurisdiction"),),
    _E.ACCEPT: (("mediation", "mediation"),),
    _E.OPEN_CASE: (("decision", "decision"),),
    _E.BROKEN: (("decision", "decision"),),
    _E.PROPOSE_PENALTY: (("hearing_request", "hearing_request"),),
    _E.EXECUTE: (("publication", "publication"),),
}
_TELLS: Final[Mapping[CaseEvent, tuple[str, str]]] = {
    _E.REFUSE: ("telling", "telling"),
    _E.NO_CASE: ("telling", "telling"),
    _E.OPEN_CASE: ("telling", "telling"),
    _E.AGREE: ("mediation_telling", "mediation_telling"),
    _E.END: ("mediation_telling", "mediation_telling"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a step says: in public, in the opening, of which digests, and what goes into the file alone."""

    public: Mapping[str, Any] = field(default_factory=dict)
    opening: Mapping[str, Any] | None = None
    subjects: Mapping[str, str] = field(default_factory=dict)
    document: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who takes a step that the exchange states: a party, or who reported (no organisation is named)."""

    role: str
    org_id: str = ""
    user_id: str | None = None


def entered_for(act: Act) -> Speaker:
    """The exchange enters what an authority's signed order has done: an act has one signature."""
    return Speaker(act.role, act.actor.org_id, act.actor.user_id)


async def begin(s: WriteSession, act: Act, case: Case, said: Said) -> Recorded:
    """State a case that has just been stored (CSE.FILE)."""
    case.received_at = act.occurred_at
    s.add(case)
    await s.flush()
    return await _state(s, act, case, _E.FILE, said, before=None, speaker=None)


async def step(
    s: WriteSession,
    act: Act,
    case: Case,
    event: CaseEvent,
    said: Said | None = None,
    *,
    speaker: Speaker | None = None,
    values: Mapping[str, Any] | None = None,
) -> Recorded:
    """Move a case that is claimed. Raises CaseWrongState, CaseWrongRole."""
    said = said or Said()
    before, role = case.status, act.role if speaker is None else speaker.role
    after = _check(case, event, role)
    changes = {"status": after, "closed_at": _closed(case, event, after, act.occurred_at), **(values or {})}
    claimed = await s.exec(
        update(Case).where(col(Case.case_id) == case.case_id, col(Case.status) == before).values(**changes)
    )
    if claimed.rowcount != 1:
        raise CaseWrongState("the case has moved on", case_id=case.case_id, allowed=[])
    await s.refresh(case)
    recorded = await _state(s, act, case, event, said, before=before, speaker=speaker)
    await _wind(s, act, case, event)
    return recorded


async def claim_for(
    s: WriteSession, act: Act, case_id: str, event: CaseEvent, speaker: Speaker | None = None
) -> Case:
    """A case, locked, in which this step is the actor's to take: asked before anything else is looked at.

    Raises CaseUnknown, CaseWrongState, CaseWrongRole.
    """
    case = await repository.claim_case(s, case_id=case_id)
    if speaker is None:
        check_apart(case, act)
    _check(case, event, act.role if speaker is None else speaker.role)
    return case


def _check(case: Case, event: CaseEvent, role: str) -> CaseState:
    after = may_move(case.status, event, role)
    if role not in _BESIDE and event not in _OF_OTHERS:
        check_own(case, role)
    return after


def check_own(case: Case, role: str) -> None:
    """Whose case it is acts in it. Raises CaseWrongRole."""
    if case.authority not in {None, role}:
        raise CaseWrongRole("another authority has this case", role=role, roles=[case.authority])


def check_apart(case: Case, act: Act) -> None:
    """Nobody acts by its office in a case about itself: it does not even know of it. Raises CaseUnknown."""
    if act.actor.org_id in case.subjects:
        raise CaseUnknown("no such case", case_id=case.case_id)


async def another_officer(s: WriteSession, act: Act, *others: str | None) -> Person:
    """The natural person who acts, another one than these, and made by none of them.

    Raises CaseSameOfficer, `person-not-identified`, `persons-bound`.
    """
    before = [await require_identified(s, user_id=one) for one in others]
    officer = await require_identified(s, user_id=act.actor.user_id)
    if officer.mark in {one.mark for one in before}:
        raise CaseSameOfficer("who handles a case does not decide in it")
    await require_unbound(s, user_id=officer.user_id, others=[one.user_id for one in before])
    return officer


async def enter(
    s: WriteSession,
    act: Act,
    case: Case,
    event: str,
    document: Mapping[str, Any],
    *,
    paper_id: str,
    speaker: Speaker | None = None,
) -> CasePaper:
    """Put a paper into the file."""
    last = (await s.exec(select(func.max(CasePaper.number)).where(CasePaper.case_id == case.case_id))).one()
    row = CasePaper(
        paper_id=paper_id,
        case_id=case.case_id,
        number=(last or 0) + 1,
        event=event,
        org_id=act.actor.org_id if speaker is None else speaker.org_id,
        user_id=act.actor.user_id if speaker is None else speaker.user_id,
        at=act.occurred_at,
        document=dict(document),
    )
    s.add(row)
    await s.flush()
    return row


async def set_deadline(s: WriteSession, act: Act, case: Case, matter: str, due_at: datetime) -> None:
    """Wind the clock for something that has to come until then; it is noted when it does not."""
    row = CaseDeadline(case_id=case.case_id, matter=matter, due_at=due_at, set_at=act.occurred_at)
    await s.merge(row)
    await s.flush()
    if matter not in SILENT:
        payload = {"case_id": case.case_id, "matter": matter, "due_at": rfc3339(due_at)}
        key = f"{case.case_id}:{matter}:{rfc3339(due_at)}"
        await enqueue(s, kind=DUE_JOB, key=key, run_at=due_at + LATE, payload=payload)


def _closed(case: Case, event: CaseEvent, after: CaseState, at: datetime) -> datetime | None:
    """When nothing of the case was open any more; a word to who reported leaves that as it is."""
    if event in {_E.TELL, _E.OVERDUE}:
        return case.closed_at
    return (case.closed_at or at) if after in SETTLED else None


async def _state(
    s: WriteSession,
    act: Act,
    case: Case,
    event: CaseEvent,
    said: Said,
    *,
    before: CaseState | None,
    speaker: Speaker | None,
) -> Recorded:
    draft = Draft(
        f"CSE.{event.value}",
        case.case_id,
        public={"case_id": case.case_id, **said.public},
        opening=said.opening,
        subjects=said.subjects,
        before=None if before is None else before.value,
        after=case.status.value,
    )
    recorded = await record(s, act if speaker is None else act.as_exchange(), draft)
    document = {**said.public, **(said.opening or {}), **(said.document or {})}
    await enter(s, act, case, event.value, document, paper_id=recorded.statement_id, speaker=speaker)
    if before is None:
        await _wind(s, act, case, event)
    return recorded


async def _wind(s: WriteSession, act: Act, case: Case, event: CaseEvent) -> None:
    """End the times that a step meets, and begin those that it sets."""
    met = set(MEETS.get(event, ()))
    for row in await repository.deadlines_of(s, case_id=case.case_id):
        runs_on = row.matter in _TELLING or (row.matter in APPEALING and case.status not in FINAL)
        settled = case.status in SETTLED and not runs_on
        if row.met_at is None and (row.matter in met or settled):
            row.met_at = act.occurred_at
            s.add(row)
    await s.flush()
    for matter, name in _SETS.get(event, ()):
        await set_deadline(s, act, case, matter, term(name, act.occurred_at).after(act.occurred_at))
    if event is _E.TRIAGE:
        assert case.received_at is not None
        waits = ["answer" if case.kind is Kind.COMPLAINT else "verification"]
        waits += ["first_answer"] if case.authority == OPERATOR else []
        for matter in waits:
            await set_deadline(s, act, case, matter, term(matter, act.occurred_at).after(case.received_at))
    if event in _TELLS and await repository.is_to_be_told(s, case_id=case.case_id, kind=case.kind):
        matter, name = _TELLS[event]
        await set_deadline(s, act, case, matter, term(name, act.occurred_at).after(act.occurred_at))
    if case.status in ENDED and event not in {_E.TELL, _E.OVERDUE}:
        await forget_later(s, act, case)


async def forget_later(s: WriteSession, act: Act, case: Case) -> None:
    """Who reported is kept for a while after the end, and then forgotten."""
    due = term("reporter_kept", act.occurred_at).after(act.occurred_at) + LATE
    payload = {"case_id": case.case_id}
    await enqueue(s, kind=FORGET_JOB, key=f"{case.case_id}:{rfc3339(due)}", run_at=due, payload=payload)
