"""KEY: a complaint, a report, a case goes step by step, as its table allows.

Each `CSE.*` statement says from where and to where its case goes. So it is asked here that the steps chain
from the paper on, that the role may take that step from there, that whose case it is acts in it, that an
appeal is ruled upon by who hears appeals of its way, that what is published was decided, and that nothing
before its publication names whom it is held against.
"""

from collections.abc import Iterator
from typing import Any, Final

from supervision.audit_case import Case, Check
from supervision.audit_entry import Sealed
from supervision.audit_moves import CASE_MOVES, CASE_SPEAKERS, HEARERS, OPERATOR
from supervision.audit_report import Code

PROCEEDING: Final = "CSE."
_FILE: Final = "CSE.FILE"
_DECIDE: Final = "CSE.DECIDE"
_PUBLISH: Final = "CSE.PUBLISH"
# Who has the case from then on; two authorities settle it between them.
_NAMES: Final = frozenset({"CSE.TRIAGE", "CSE.TRANSFER", "CSE.SETTLE_JURISDICTION", "CSE.ASSIGN"})
_APPEAL: Final = "CSE.APPEAL"
_RULINGS: Final = frozenset({"CSE.UPHOLD", "CSE.CHANGE", "CSE.REVOKE"})
_OF_TWO: Final = frozenset({"CSE.SETTLE_JURISDICTION", "CSE.ASSIGN"})
_OLD: Final = frozenset({("RECEIVED", "CSE.OPEN_CASE"), ("RECEIVED", "CSE.NO_CASE")})
_OLD_DECISION: Final = ("INVESTIGATING", _DECIDE)
Proceeding = dict[str, Any]  # state, authority, outcome, way, met


def cases_go_step_by_step(case: Case) -> Check:
    """KEY: each step of a case follows from the one before; see the module."""
    while (batch := (yield)) is not None:
        for said in batch.said:
            if said is None or not said.event.startswith(PROCEEDING):
                continue
            known: Proceeding | None = case.memory.trades.get(_key(said))
            found = known or _met(case, said)
            for why in _judge(found, said):
                if not case.torn and said.seq not in batch.blamed:
                    case.problem(Code.KEY, why, seq=said.seq)
            _remember(case, found or {"state": None}, said)


def _key(said: Sealed) -> str:
    """Where a case is kept, beside the trades: no trade's id has a slash."""
    return f"case/{said.object_id}"


def _met(case: Case, said: Sealed) -> Proceeding | None:
    """A case as its paper begins it; or as met, where the log before is not at hand."""
    if said.event == _FILE and said.text("from") is None:
        return {"state": None}
    return {"state": said.text("from"), "met": True} if case.memory.goes_on else None


def _judge(held: Proceeding | None, said: Sealed) -> Iterator[str]:
    role, speakers = said.text("role"), CASE_SPEAKERS.get(said.event)
    if speakers is None:
        yield f"{said.event} is no step of a case"
    elif role in speakers:  # that another one speaks, `audit_trades` tells of every statement
        if held is None:
            yield "a step of a case that nobody filed"
            return
        if said.predicate.get("case_id", said.object_id) != said.object_id:
            yield "names another case than it is about"
        if not _is_old(held, said):
            yield from _in_order(held, said)
            yield from _whose(held, said)
            yield from _names(held, said)


def _is_old(held: Proceeding, said: Sealed) -> bool:
    """A step of logs from before papers were triaged: an authority opened, and decided, a finding at once."""
    step = (held["state"], said.event)
    named = said.event == _DECIDE and "org_ids" in said.predicate
    return (step in _OLD or (step == _OLD_DECISION and named)) and "authority" not in held


def _in_order(held: Proceeding, said: Sealed) -> Iterator[str]:
    move = CASE_MOVES.get((held["state"], said.event))
    if move is None:
        yield f"a case that is {held['state'] or 'not begun'} does not take {said.event}"
        return
    if said.text("role") not in move[0]:
        yield f"{said.event} of a case that is {held['state']} is not for {said.text('role')} to say"
    if said.text("from") != held["state"] or said.text("to") != move[1]:
        stated = f"{said.text('from')} to {said.text('to')}"
        yield f"{said.event} leads from {held['state']} to {move[1]}, and says {stated}"


def _whose(held: Proceeding, said: Sealed) -> Iterator[str]:
    role, authority = said.text("role"), held.get("authority")
    if said.event in _RULINGS:
        hearer = HEARERS.get(str(held.get("way")))
        if role != hearer and "met" not in held:
            yield f"the appeal is {hearer}'s to hear, and {role} rules upon it"
    elif authority is not None and role not in {authority, OPERATOR} and said.event not in _OF_TWO:
        yield f"the case is {authority}'s, and {role} acts in it"


def _names(held: Proceeding, said: Sealed) -> Iterator[str]:
    if said.event != _PUBLISH:
        if "org_ids" in said.predicate:
            yield "names whom it is held against before that is published"
    elif "met" not in held and said.text("outcome") != held.get("outcome"):
        yield "publishes another outcome than was decided"


def _remember(case: Case, held: Proceeding, said: Sealed) -> None:
    held["state"] = said.text("to") or held["state"]
    if said.event in _NAMES and said.text("authority"):
        held["authority"] = said.text("authority")
    if said.event == _APPEAL:
        held["way"] = said.text("way")
    if said.event == _DECIDE:
        held["outcome"] = said.text("outcome")
    case.memory.trades.put(_key(said), held)
