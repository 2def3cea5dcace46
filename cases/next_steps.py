"""What an officer can do next in a case, and what waits for another one: a page offers nothing else.

Each verb asks for itself again; here it is only told what it would say.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from base.clock import rfc3339
from base.db import ReadSession
from base.errors import Refusal
from cases import repository
from cases.appealing import RULINGS, appeals_in
from cases.deadlines import is_limited, is_stale
from cases.rules import SPARING, CaseEvent, CaseState, Kind, Matter
from cases.states import HEARERS, events_for
from cases.tables import Case, CasePaper
from identity.service import require_identified, require_unbound

_E = CaseEvent
_BETWEEN: Final = frozenset({_E.SETTLE_JURISDICTION, _E.ASSIGN})


@dataclass(frozen=True, slots=True)
class Next:
    """What this person can do now, and what only another officer of the authority can."""

    own: tuple[CaseEvent, ...]
    of_others: tuple[CaseEvent, ...]


@dataclass(frozen=True)
class _File:
    """A case as it is asked: its papers, who asks, when."""

    s: ReadSession
    case: Case
    papers: tuple[CasePaper, ...]
    roles: frozenset[str]
    now: datetime

    def last(self, event: CaseEvent) -> CasePaper | None:
        return next((one for one in reversed(self.papers) if one.event == event), None)

    async def is_over(self, matter: str) -> bool:
        rows = await repository.deadlines_of(self.s, case_id=self.case.case_id)
        return all(self.now > row.due_at for row in rows if row.matter == matter)


async def next_steps(
    s: ReadSession, *, case: Case, roles: Collection[str], user_id: str | None, now: datetime
) -> Next:
    """The steps that are open to somebody with these roles, sorted by who may take them."""
    papers = tuple(await repository.papers_of(s, case_id=case.case_id))
    file = _File(s, case, papers, frozenset(roles), now)
    own: list[CaseEvent] = []
    others: list[CaseEvent] = []
    for event in events_for(case.status, roles):
        if not _whose(file, event) or not await _OPEN.get(event, _always)(file):
            continue
        apart = _APART.get(event)
        if apart is None or await _is_another(s, user_id, apart(file)):
            own.append(event)
        else:
            others.append(event)
    return Next(tuple(own), tuple(others))


def _whose(file: _File, event: CaseEvent) -> bool:
    """Whether it is for this authority: of two that differ either, of an appeal who hears it."""
    if event in RULINGS:
        way = appeals_in(file.papers).way
        return way is not None and HEARERS[way] in file.roles
    if event in _BETWEEN:
        sent = file.last(_E.TRANSFER)
        was = None if sent is None else sent.document["was"]
        return bool(file.roles & {file.case.authority, was})
    return file.case.authority is None or file.case.authority in file.roles


async def _is_another(s: ReadSession, user_id: str | None, others: Collection[str | None]) -> bool:
    try:
        officer = await require_identified(s, user_id=user_id)
        before = [await require_identified(s, user_id=one) for one in others]
        await require_unbound(s, user_id=officer.user_id, others=[one.user_id for one in before])
    except Refusal:
        return False
    return officer.mark not in {one.mark for one in before}


_Open = Callable[[_File], Awaitable[bool]]


async def _always(file: _File) -> bool:
    del file
    return True


async def _is_mediable(file: _File) -> bool:
    day = file.case.acted_on
    old = day is not None and is_stale(date.fromisoformat(day), file.case.filed_at)
    return file.case.kind is Kind.COMPLAINT and not old


async def _is_report(file: _File) -> bool:
    return file.case.kind is Kind.REPORT


async def _time_to_agree_is_over(file: _File) -> bool:
    return await file.is_over("jurisdiction")


async def _has_time_once(file: _File) -> bool:
    return file.last(_E.EXTEND) is None and not await file.is_over("verification")


async def _was_offered(file: _File) -> bool:
    return file.case.matter is Matter.ANTITRUST and file.last(_E.OFFER_COMMITMENT) is not None


async def _has_evidence(file: _File) -> bool:
    case = file.case
    late = case.acted_on is not None and is_limited(
        date.fromisoformat(case.acted_on), case.filed_at, grave=case.grave
    )
    return not late and bool(await repository.evidence_of(file.s, case_id=case.case_id))


async def _was_asked_for(file: _File) -> bool:
    return file.last(_E.REQUEST_HEARING) is not None


async def _is_heard(file: _File) -> bool:
    if not await file.is_over("hearing_request"):
        return False
    told = file.last(_E.NOTIFY_HEARING)
    if file.last(_E.REQUEST_HEARING) is None:
        return True
    return told is not None and rfc3339(file.now) > told.document["held_at"]


async def _punishes(file: _File) -> bool:
    decided = file.last(_E.DECIDE)
    return decided is not None and decided.document["outcome"] not in SPARING


async def _has_filer(file: _File) -> bool:
    return await repository.reporter_of(file.s, case_id=file.case.case_id) is not None


_OPEN: Final[Mapping[CaseEvent, _Open]] = {
    _E.ACCEPT: _is_mediable,
    _E.VERIFY: _is_report,
    _E.ASSIGN: _time_to_agree_is_over,
    _E.EXTEND: _has_time_once,
    _E.COMMITMENT: _was_offered,
    _E.PROPOSE_PENALTY: _has_evidence,
    _E.NOTIFY_HEARING: _was_asked_for,
    _E.DECIDE: _is_heard,
    _E.EXECUTE: _punishes,
    _E.PUBLISH: _punishes,
    _E.TELL: _has_filer,
}


def _handler(file: _File) -> list[str | None]:
    return [file.case.handler] if file.case.status is not CaseState.RECEIVED else []


def _proposers(file: _File) -> list[str | None]:
    notice = file.last(_E.PROPOSE_PENALTY)
    return [*_handler(file), None if notice is None else notice.document["officer_id"]]


def _deciders(file: _File) -> list[str | None]:
    decided = file.last(_E.DECIDE)
    return [*_proposers(file), None if decided is None else decided.user_id]


# Of whom it has to be another natural person.
_APART: Final[Mapping[CaseEvent, Callable[[_File], Collection[str | None]]]] = {
    _E.EXTEND: _handler,
    _E.OPEN_CASE: _handler,
    _E.NO_CASE: _handler,
    _E.COMMITMENT: _handler,
    _E.FULFILLED: _handler,
    _E.DECIDE: _proposers,
    _E.UPHOLD: _deciders,
    _E.CHANGE: _deciders,
    _E.REVOKE: _deciders,
}
