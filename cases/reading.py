"""Who reads a case: its authority, the other supervisors, and of the accused side only what it was told."""

from collections.abc import Sequence
from typing import Final

from base.db import ReadSession
from cases import repository
from cases.errors import CaseUnknown
from cases.rules import CaseEvent
from cases.states import OPERATOR
from cases.tables import Case, CasePaper
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
_OF_ONE: Final = frozenset({CaseEvent.INTERVIEW.value, CaseEvent.COMMITMENT.value})
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


def may_read(case: Case, actor: Actor) -> bool:
    """Nobody reads a case about itself by its office; the operator only what nobody else has."""
    if actor.org_id in case.subjects:
        return False
    return actor.roles != {OPERATOR} or case.authority in {None, OPERATOR} or case.from_finding


async def readable_case(s: ReadSession, *, case_id: str, actor: Actor) -> Case:
    """A case that a supervisor may read. Raises CaseUnknown."""
    case = await repository.get_case(s, case_id=case_id)
    if not may_read(case, actor):
        raise CaseUnknown("no such case", case_id=case_id)
    return case


async def file_for(s: ReadSession, *, case: Case, actor: Actor) -> Sequence[CasePaper]:
    """The file, for supervisors; of an authority's case the operator sees what the log says alone."""
    if actor.roles == {OPERATOR} and case.authority not in {None, OPERATOR}:
        return []
    return await repository.papers_of(s, case_id=case.case_id)


async def case_of_party(s: ReadSession, *, case_id: str, org_id: str) -> Case:
    """A case of which a party was told. Raises CaseUnknown."""
    case = await repository.get_case(s, case_id=case_id)
    if not await repository.is_told(s, case=case, org_id=org_id):
        raise CaseUnknown("no such case", case_id=case_id)
    return case


async def told_to(s: ReadSession, *, case: Case, org_id: str) -> Sequence[CasePaper]:
    """The papers that a party sees: what was told to it, with nothing of other parties, and its own word."""
    shown, noticed = [], False
    for paper in await repository.papers_of(s, case_id=case.case_id):
        if paper.event == CaseEvent.PROPOSE_PENALTY:
            noticed = org_id in {one["org_id"] for one in paper.document["fines"]}
        told = (
            paper.event in _TOLD
            and (paper.event not in _OF_ONE or paper.document.get("org_id", org_id) == org_id)
            and (paper.event not in _OF_NOTICED or noticed)
        )
        if told or paper.org_id == org_id:
            shown.append(_for(paper, org_id))
    return shown


def _for(paper: CasePaper, org_id: str) -> CasePaper:
    """A paper as one party sees it: no officer, no other party."""
    document = {name: value for name, value in paper.document.items() if name != "officer_id"}
    if "fines" in document and isinstance(document["fines"], list):
        document["fines"] = [one for one in document["fines"] if one.get("org_id") == org_id]
    if "org_ids" in document:
        document["org_ids"] = [one for one in document["org_ids"] if one == org_id]
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
