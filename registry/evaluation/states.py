"""The states of an agency's evaluation (`EVL`), one table (`states.md` §3.9), drawn into `docs/agencies.md`.

What that page leaves out is added: what is late is stated as overdue, who says nothing against a score has
accepted it, and an objection that is right has the figures collected anew. The exchange's role is the clock.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from base.states import moved, taken
from registry.evaluation.errors import EvaluationWrongRole, EvaluationWrongState


class EvaluationState(StrEnum):
    OPEN = "OPEN"
    SELF_REPORTED = "SELF_REPORTED"
    SCORED = "SCORED"
    OBJECTED = "OBJECTED"
    FINAL = "FINAL"
    PUBLISHED = "PUBLISHED"


class EvaluationEvent(StrEnum):
    OPEN = "OPEN"
    SELF_REPORT = "SELF_REPORT"
    OVERDUE = "OVERDUE"
    SCORE = "SCORE"
    OBJECT = "OBJECT"
    DISMISS = "DISMISS"
    UPHOLD = "UPHOLD"
    FINALISE = "FINALISE"
    PUBLISH = "PUBLISH"


@dataclass(frozen=True, slots=True)
class Move:
    """Who may cause the event, where it leads, under what guard and until when, in words."""

    roles: frozenset[str]
    to: EvaluationState
    guard: str = ""
    within: str = ""


_S = EvaluationState
_E = EvaluationEvent
AUTHORITY: Final = frozenset({"DATA_AUTHORITY"})
AGENCY: Final = frozenset({"PUBLIC_AGENCY"})
_CLOCK: Final = frozenset({"EXCHANGE_OPERATOR"})
CLOCKED: Final = frozenset({_S.OPEN, _S.SCORED, _S.OBJECTED})
"""The states that end, or are stated as overdue, by themselves."""

MOVES: Final[Mapping[tuple[EvaluationState | None, EvaluationEvent], Move]] = {
    (None, _E.OPEN): Move(AUTHORITY, _S.OPEN, "a period that is over; every agency that it names"),
    (_S.OPEN, _E.SELF_REPORT): Move(
        AGENCY, _S.SELF_REPORTED, "signed by the agency's chief data officer", "20 working days"
    ),
    (_S.OPEN, _E.OVERDUE): Move(_CLOCK, _S.OPEN, "no report came", "after the deadline"),
    (_S.OPEN, _E.SCORE): Move(AUTHORITY, _S.SCORED, "no report came in time; an officer on record"),
    (_S.SELF_REPORTED, _E.SCORE): Move(
        AUTHORITY, _S.SCORED, "an officer on record; figures are collected and frozen, their digest stated"
    ),
    (_S.SCORED, _E.OBJECT): Move(
        AGENCY, _S.OBJECTED, "signed by the agency's chief data officer", "10 working days"
    ),
    (_S.SCORED, _E.FINALISE): Move(_CLOCK, _S.FINAL, "nothing was said against it", "after the deadline"),
    (_S.OBJECTED, _E.OVERDUE): Move(_CLOCK, _S.OBJECTED, "not answered in time", "after the deadline"),
    (_S.OBJECTED, _E.DISMISS): Move(AUTHORITY, _S.FINAL, "another officer, with reasons", "10 working days"),
    (_S.OBJECTED, _E.UPHOLD): Move(
        AUTHORITY,
        _S.FINAL,
        "another officer, with reasons; the figures are collected anew",
        "10 working days",
    ),
    (_S.FINAL, _E.PUBLISH): Move(AUTHORITY, _S.PUBLISHED, "every evaluation of the period is final"),
}


def allowed_to(state: EvaluationState, roles: Collection[str]) -> tuple[EvaluationEvent, ...]:
    """What a state takes of somebody with these roles, in the order of the table."""
    return taken(MOVES, state, roles)


def may_move(state: EvaluationState | None, event: EvaluationEvent, role: str) -> EvaluationState:
    """The state an event of this role leads to. Raises EvaluationWrongState, EvaluationWrongRole."""
    return moved(
        MOVES,
        state,
        event,
        role,
        says=f"an evaluation that is {state or 'not there yet'} does not take {event}",
        wrong_state=EvaluationWrongState,
        wrong_role=EvaluationWrongRole,
    )
