"""The states of yearly risk assessments, assessors, catalogue rounds and confidential items.

Each machine is one table (`states.md` §3.9), drawn into `docs/assessments.md`. The machine of impact
assessments and security reviews (`PIA`) is in `registry.grading.states`: gradings and listings ask it.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from base.states import moved
from registry.assessments.errors import SecurityWrongRole, SecurityWrongState
from registry.grading.states import ANYONE, AUTHORITY, CATALOGUERS, CONFIRMERS, EXCHANGE, HOLDERS, Move, Moves


class RiskState(StrEnum):
    PLANNED = "PLANNED"
    RUNNING = "RUNNING"
    REPORTED = "REPORTED"
    RECTIFYING = "RECTIFYING"
    RECTIFIED = "RECTIFIED"
    ARCHIVED = "ARCHIVED"
    LAPSED = "LAPSED"


class RiskEvent(StrEnum):
    PLAN = "PLAN"
    START = "START"
    COMPLETE = "COMPLETE"
    REPORT = "REPORT"
    FORWARD = "FORWARD"
    ORDER = "ORDER"
    FINISH = "FINISH"
    RECTIFY = "RECTIFY"
    SEND_BACK = "SEND_BACK"
    ARCHIVE = "ARCHIVE"
    OVERDUE = "OVERDUE"
    LAPSE = "LAPSE"


class AssessorState(StrEnum):
    APPLIED = "APPLIED"
    REGISTERED = "REGISTERED"
    SUSPENDED = "SUSPENDED"
    REFUSED = "REFUSED"
    ENDED = "ENDED"


class AssessorEvent(StrEnum):
    APPLY = "APPLY"
    WITHDRAW = "WITHDRAW"
    REGISTER = "REGISTER"
    REFUSE = "REFUSE"
    SUSPEND = "SUSPEND"
    RESUME = "RESUME"
    EXPIRE = "EXPIRE"
    END = "END"


class RoundState(StrEnum):
    OPEN = "OPEN"
    OVERDUE = "OVERDUE"
    ANSWERED = "ANSWERED"


class RoundEvent(StrEnum):
    OPEN = "OPEN"
    OVERDUE = "OVERDUE"
    ANSWER = "ANSWER"


class ItemState(StrEnum):
    """A confidential item: MARKED is kept secret and every access stated."""

    MARKED = "MARKED"
    LIFTED = "LIFTED"
    EXPIRED = "EXPIRED"


class ItemEvent(StrEnum):
    MARK = "MARK"
    ADMIT = "ADMIT"
    EXCLUDE = "EXCLUDE"
    READ = "READ"
    LIFT = "LIFT"
    EXPIRE = "EXPIRE"


_R, _RE = RiskState, RiskEvent
_A, _AE = AssessorState, AssessorEvent
_O, _OE = RoundState, RoundEvent
_I, _IE = ItemState, ItemEvent
ASSESSORS: Final = frozenset({"THIRD_PARTY"})
KEEPERS: Final = HOLDERS | {"BUYER", "BROKER", "THIRD_PARTY"}
"""Who has secrets of its own to keep here."""
OPEN_RISKS: Final = (_R.PLANNED, _R.RUNNING, _R.REPORTED, _R.RECTIFYING, _R.RECTIFIED)
DONE_RISKS: Final = (_R.REPORTED, _R.RECTIFYING, _R.RECTIFIED, _R.ARCHIVED)
"""The states in which a year's assessment was made and told."""

RISK_MOVES: Final[Moves] = {
    (None, _RE.PLAN): Move(
        EXCHANGE | CONFIRMERS, _R.PLANNED, "a handler of important data, once a year", "by 31 December"
    ),
    (_R.PLANNED, _RE.START): Move(
        HOLDERS, _R.RUNNING, "by itself, or by a registered assessor of another group, three times running"
    ),
    (_R.RUNNING, _RE.COMPLETE): Move(
        HOLDERS | ASSESSORS, _R.RUNNING, "who assesses: the report in all its parts; once"
    ),
    (_R.RUNNING, _RE.REPORT): Move(HOLDERS, _R.REPORTED, "completed", "20 working days of completion"),
    **{
        (state, _RE.FORWARD): Move(CONFIRMERS, state, "once", "10 working days of the report")
        for state in (_R.REPORTED, _R.RECTIFYING, _R.RECTIFIED)
    },
    (_R.REPORTED, _RE.ORDER): Move(CONFIRMERS, _R.RECTIFYING, "what to rectify, and by when"),
    (_R.RECTIFYING, _RE.FINISH): Move(HOLDERS, _R.RECTIFYING, "once", "by the day that was set"),
    (_R.RECTIFYING, _RE.RECTIFY): Move(HOLDERS, _R.RECTIFIED, "finished", "15 working days of finishing"),
    (_R.RECTIFIED, _RE.SEND_BACK): Move(CONFIRMERS, _R.RECTIFYING, "a reason, a new day"),
    (_R.RECTIFIED, _RE.ARCHIVE): Move(CONFIRMERS, _R.ARCHIVED, "forwarded; kept three years or longer"),
    (_R.REPORTED, _RE.ARCHIVE): Move(CONFIRMERS, _R.ARCHIVED, "forwarded, nothing to rectify"),
    **{
        (state, _RE.OVERDUE): Move(EXCHANGE, state, "not done in time, once a stage", "after the deadline")
        for state in (_R.PLANNED, _R.RUNNING, _R.REPORTED, _R.RECTIFYING, _R.RECTIFIED)
    },
    (_R.PLANNED, _RE.LAPSE): Move(EXCHANGE, _R.LAPSED, "it handles no important data any more"),
}
ASSESSOR_MOVES: Final[Moves] = {
    (None, _AE.APPLY): Move(ASSESSORS, _A.APPLIED, "staff, experience, certificate; one at a time"),
    (_A.APPLIED, _AE.WITHDRAW): Move(ASSESSORS, _A.ENDED, "who applied"),
    (_A.APPLIED, _AE.REFUSE): Move(CONFIRMERS, _A.REFUSED, "a reason"),
    (_A.APPLIED, _AE.REGISTER): Move(CONFIRMERS, _A.REGISTERED, "qualified", "for 3 years"),
    (_A.REGISTERED, _AE.SUSPEND): Move(CONFIRMERS, _A.SUSPENDED, "a reason"),
    (_A.SUSPENDED, _AE.RESUME): Move(CONFIRMERS, _A.REGISTERED, "a reason"),
    **{
        key: move
        for state in (_A.REGISTERED, _A.SUSPENDED)
        for key, move in (
            ((state, _AE.EXPIRE), Move(EXCHANGE, _A.ENDED, "", "after its period")),
            ((state, _AE.END), Move(ASSESSORS | CONFIRMERS, _A.ENDED, "itself, or an authority; a reason")),
        )
    },
}
ROUND_MOVES: Final[Moves] = {
    (None, _OE.OPEN): Move(EXCHANGE | CONFIRMERS, _O.OPEN, "a department with entries in a sector, yearly"),
    (_O.OPEN, _OE.OVERDUE): Move(EXCHANGE, _O.OVERDUE, "not answered", "30 working days"),
    **{
        (state, _OE.ANSWER): Move(
            CATALOGUERS, _O.ANSWERED, "its chief data officer: each entry kept, changed or removed"
        )
        for state in (_O.OPEN, _O.OVERDUE)
    },
}
ITEM_MOVES: Final[Moves] = {
    (None, _IE.MARK): Move(KEEPERS, _I.MARKED, "class, term, who may see it", "for up to 10 years"),
    (_I.MARKED, _IE.ADMIT): Move(KEEPERS, _I.MARKED, "its holder; a member, a reason"),
    (_I.MARKED, _IE.EXCLUDE): Move(KEEPERS, _I.MARKED, "its holder; a reason"),
    (_I.MARKED, _IE.READ): Move(ANYONE, _I.MARKED, "its holder, or who was admitted; a purpose"),
    (_I.MARKED, _IE.LIFT): Move(KEEPERS, _I.LIFTED, "its holder, a reason"),
    (_I.MARKED, _IE.EXPIRE): Move(EXCHANGE, _I.EXPIRED, "", "after its term"),
}
MACHINES: Final[Mapping[str, tuple[str, Moves]]] = {
    "RKA": ("risk assessment", RISK_MOVES),
    "ASR": ("assessor", ASSESSOR_MOVES),
    "ICR": ("catalogue round", ROUND_MOVES),
    "CFI": ("confidential item", ITEM_MOVES),
}
AUTHORITIES: Final = CONFIRMERS
SUPERVISING: Final = AUTHORITY | CONFIRMERS | {"PUBLIC_SECURITY"}


def may_move(moves: Moves, state: StrEnum | None, event: StrEnum, role: str) -> StrEnum:
    """The state an event of this role leads to. Raises SecurityWrongState, SecurityWrongRole."""
    return moved(
        moves,
        state,
        event,
        role,
        says=f"{state or 'nothing yet'} does not take {event}",
        wrong_state=SecurityWrongState,
        wrong_role=SecurityWrongRole,
        in_order=True,
    )
