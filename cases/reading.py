"""Who reads a case: its authority, the other supervisors, and of the accused side only what it was told."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from base.db import ReadSession
from cases import repository
from cases.appealing import ways_open
from cases.bargaining import knows_leniency, offers_commitment
from cases.deadlines import APPEALING
from cases.errors import CaseUnknown
from cases.rules import CaseEvent, CaseState
from cases.states import HANDLERS, HEARERS, MOVES, OPERATOR, PARTY, events_for
from cases.tables import Case, CaseDeadline, CasePaper
from ledger.recording import Actor

# What a party is told, and what it has said itself; who reported is in none of these.
_TOLD: Final = frozenset(
    one.value
    for one in (
        CaseEvent.ACCEPT,
        CaseEvent.AGREE,
        CaseEvent.END,
        CaseEvent.INTERVIEW,
        CaseEvent.COMMITMENT,
        CaseEvent.FULFILLED,
        CaseEvent.BROKEN,
        CaseEvent.PROPOSE_PENALTY,
        CaseEvent.NOTIFY_HEARING,
        CaseEvent.DECIDE,
        CaseEvent.UPHOLD,
        CaseEvent.CHANGE,
        CaseEvent.REVOKE,
        CaseEvent.EXECUTE,
        CaseEvent.PUBLISH,
        CaseEvent.NO_CASE,
    )
)
# Of one party alone: whom an interview asks, whose commitment it is.
_OF_ONE: Final = frozenset(
    one.value for one in (CaseEvent.INTERVIEW, CaseEvent.COMMITMENT, CaseEvent.FULFILLED, CaseEvent.BROKEN)
)
# What a party says: no other paper is its own word, also where it holds the office that entered it.
_OWN: Final = frozenset(event.value for (_, event), move in MOVES.items() if PARTY in move.roles)
# What follows upon a notice is for those whom the notice names.
_OF_NOTICED: Final = frozenset(
    one.value
    for one in (
        CaseEvent.PROPOSE_PENALTY,
        CaseEvent.NOTIFY_HEARING,
        CaseEvent.DECIDE,
        CaseEvent.UPHOLD,
        CaseEvent.CHANGE,
        CaseEvent.REVOKE,
        CaseEvent.EXECUTE,
    )
)
_READERS: Final = HANDLERS | {"AUDITOR"}
_WHOLE: Final = _READERS | set(HEARERS.values())
_PRIVATE: Final = frozenset({"officer_id", "sibling_id", "reporter_sha256", "also"})
_HIDDEN: Final = frozenset(CaseState) - {
    CaseState.MEDIATING,
    CaseState.CLOSED_AGREED,
    CaseState.CLOSED_NO_AGREEMENT,
    CaseState.INVESTIGATING,
    CaseState.CLOSED_NO_CASE,
}
"""States that come of what is told to some of the suspects alone."""


def may_read(case: Case, actor: Actor) -> bool:
    """Nobody reads a case about itself by its office; the operator only what nobody else has."""
    if actor.org_id in case.subjects:
        return False
    if actor.roles & _READERS:
        return True
    return OPERATOR in actor.roles and (case.authority in {None, OPERATOR} or case.from_finding)


async def readable_case(s: ReadSession, *, case_id: str, actor: Actor) -> Case:
    """A case that a supervisor may read, or who hears an appeal that was taken there. Raises CaseUnknown."""
    case = await repository.get_case(s, case_id=case_id)
    if not (may_read(case, actor) or await hears(s, case=case, actor=actor)):
        raise CaseUnknown("no such case", case_id=case_id)
    return case


def ways_of(actor: Actor) -> frozenset[str] | None:
    """The appeals that the actor's office hears, where that is all it does; None for who reads all."""
    if actor.roles & (_READERS | {OPERATOR}):
        return None
    return frozenset(way for way, role in HEARERS.items() if role in actor.roles)


def may_list(case: Case, actor: Actor) -> bool:
    """Whether somebody sees one of the cases that were asked for by `ways_of`."""
    if ways_of(actor) is None:
        return may_read(case, actor)
    return actor.org_id not in case.subjects


async def hears(s: ReadSession, *, case: Case, actor: Actor) -> bool:
    """Whether an appeal in this case was taken to the actor's office."""
    ways = ways_of(actor)
    if not ways or actor.org_id in case.subjects:
        return False
    return await repository.appealed_to(s, case_id=case.case_id, ways=ways)


def reads_file(case: Case, actor: Actor) -> bool:
    """Whether a reader of a case reads its file; of another's the operator sees what the log says."""
    return bool(actor.roles & _WHOLE) or case.authority in {None, OPERATOR}


async def file_for(s: ReadSession, *, case: Case, actor: Actor) -> Sequence[CasePaper]:
    """The file, for who reads it."""
    return await repository.papers_of(s, case_id=case.case_id) if reads_file(case, actor) else []


async def case_of_party(s: ReadSession, *, case_id: str, org_id: str) -> Case:
    """A case of which a party was told. Raises CaseUnknown."""
    case = await repository.get_case(s, case_id=case_id)
    if not await repository.is_told(s, case=case, org_id=org_id):
        raise CaseUnknown("no such case", case_id=case_id)
    return case


async def told_to(s: ReadSession, *, case: Case, org_id: str) -> Sequence[CasePaper]:
    """The papers that a party sees: what was told to it, with nothing of other parties, and its own word."""
    shown, noticed, promised = [], False, ""
    for paper in await repository.papers_of(s, case_id=case.case_id):
        if paper.event == CaseEvent.PROPOSE_PENALTY:
            noticed = org_id in {one["org_id"] for one in paper.document["fines"]}
        elif paper.event == CaseEvent.COMMITMENT:
            promised = paper.document.get("org_id", org_id)
        told = (
            paper.event in _TOLD
            and (paper.event not in _OF_ONE or paper.document.get("org_id", promised or org_id) == org_id)
            and (paper.event not in _OF_NOTICED or noticed)
        )
        if told or (paper.event in _OWN and paper.org_id == org_id):
            shown.append(_for(paper, org_id))
    return shown


async def terms_of(s: ReadSession, *, case_id: str, side: str) -> list[str]:
    """The terms that one side of a mediation has consented to last, for the other to read; no names."""
    last: dict[str, str] = {}
    for paper in await repository.papers_on(s, case_id=case_id, event=CaseEvent.CONSENT):
        if paper.document["side"] == side:
            last[paper.document["org_id"]] = paper.document["terms"]
    return sorted(set(last.values()))


def status_for(case: Case, told: Sequence[CasePaper]) -> CaseState:
    """How far a case has come, for a party that was told these papers: what others were told is not said."""
    events = {paper.event for paper in told}
    if case.status not in _HIDDEN or CaseEvent.PROPOSE_PENALTY in events:
        return case.status
    if case.status in {CaseState.SUSPENDED_COMMITMENT, CaseState.CLOSED_COMMITMENT}:
        return case.status if CaseEvent.COMMITMENT in events else CaseState.INVESTIGATING
    return CaseState.INVESTIGATING


def limits_for(told: Sequence[CasePaper]) -> frozenset[str]:
    """The times that run for a party that was told these papers."""
    events = {paper.event for paper in told}
    found = {"hearing_request"} if CaseEvent.PROPOSE_PENALTY in events else set()
    if CaseEvent.DECIDE in events:
        found |= APPEALING
    return frozenset(found | ({"commitment"} if CaseEvent.COMMITMENT in events else set()))


async def may_say(
    s: ReadSession, *, case: Case, org_id: str, told: Sequence[CasePaper], now: datetime
) -> dict[CaseEvent, datetime | None]:
    """What a party that was told these papers can say now, and until when."""
    found: dict[CaseEvent, datetime | None] = {}
    events = {paper.event for paper in told}
    for event in events_for(case.status, [PARTY]):
        if event in {CaseEvent.STATEMENT, CaseEvent.REQUEST_HEARING}:
            due = await s.get(CaseDeadline, (case.case_id, "hearing_request"))
            if CaseEvent.PROPOSE_PENALTY in events and (due is None or now <= due.due_at):
                found[event] = None if due is None else due.due_at
        elif event is CaseEvent.APPEAL:
            ways = await ways_open(s, case=case, org_id=org_id, now=now)
            if ways:
                found[event] = max(ways.values())
        elif event is CaseEvent.OFFER_COMMITMENT:
            if offers_commitment(case):
                found[event] = None
        elif event is CaseEvent.APPLY_LENIENCY:
            if knows_leniency(case) and CaseEvent.APPLY_LENIENCY not in events:
                found[event] = None
        else:
            found[event] = None
    return found


def _for(paper: CasePaper, org_id: str) -> CasePaper:
    """A paper as one party sees it: no officer, no other party, nothing of who reported."""
    document = {name: value for name, value in paper.document.items() if name not in _PRIVATE}
    if "fines" in document and isinstance(document["fines"], list):
        document["fines"] = [one for one in document["fines"] if one.get("org_id") == org_id]
    if "org_ids" in document:
        document["org_ids"] = [one for one in document["org_ids"] if one == org_id]
    if isinstance(document.get("fines"), dict):
        document["fines"] = {k: v for k, v in document["fines"].items() if k == org_id}
    if "payments" in document:
        document["payments"] = {k: v for k, v in document["payments"].items() if k == org_id}
    return CasePaper(
        paper_id=paper.paper_id,
        case_id=paper.case_id,
        number=paper.number,
        event=paper.event,
        org_id=paper.org_id,
        user_id=None,
        at=paper.at,
        document=document,
    )
