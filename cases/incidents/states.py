"""The states of an incident (`INC`) and a warning (`WRN`), drawn into `docs/incidents.md` (`states.md` §3.9).

What that page leaves out is added: an incident below "larger" is contained without a report, who is concerned
need not be notified where measures avoid the harm (PIPL Art 57), an authority orders a notice, a false alarm
is dismissed, and a report that came late is still made. The exchange's role stands for the clock.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from base.states import moved, taken
from cases.incidents.errors import (
    IncidentWrongRole,
    IncidentWrongState,
    WarningWrongRole,
    WarningWrongState,
)
from identity.rules import Role


class IncidentState(StrEnum):
    DETECTED = "DETECTED"
    GRADED = "GRADED"
    REPORTED = "REPORTED"
    CONTAINED = "CONTAINED"
    SUBJECTS_NOTIFIED = "SUBJECTS_NOTIFIED"
    ERADICATED = "ERADICATED"
    REVIEWED = "REVIEWED"
    CLOSED = "CLOSED"
    DISMISSED = "DISMISSED"


class IncidentEvent(StrEnum):
    DETECT = "DETECT"
    GRADE = "GRADE"
    REGRADE = "REGRADE"
    DISMISS = "DISMISS"
    REPORT = "REPORT"
    RECEIVE = "RECEIVE"
    FORWARD = "FORWARD"
    EVIDENCE = "EVIDENCE"
    MEASURE = "MEASURE"
    LIFT = "LIFT"
    CONTAIN = "CONTAIN"
    NOTIFY_SUBJECTS = "NOTIFY_SUBJECTS"
    SPARE_SUBJECTS = "SPARE_SUBJECTS"
    ORDER_NOTICE = "ORDER_NOTICE"
    ERADICATE = "ERADICATE"
    REVIEW = "REVIEW"
    CLOSE = "CLOSE"
    OVERDUE = "OVERDUE"


class WarningState(StrEnum):
    RAISED = "RAISED"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    DISMISSED = "DISMISSED"
    ESCALATED = "ESCALATED"  # it became an incident


class WarningEvent(StrEnum):
    RAISE = "RAISE"
    WORSEN = "WORSEN"
    ACKNOWLEDGE = "ACKNOWLEDGE"
    DISMISS = "DISMISS"
    ESCALATE = "ESCALATE"
    OVERDUE = "OVERDUE"
    READ_REPORTER = "READ_REPORTER"


@dataclass(frozen=True, slots=True)
class Move:
    """Who may cause the event, where it leads, under what guard and within which time, in words."""

    roles: frozenset[str]
    to: str
    guard: str = ""
    within: str = ""


_S = IncidentState
_E = IncidentEvent
_W = WarningState
_WE = WarningEvent
OPERATOR: Final = "EXCHANGE_OPERATOR"
_EXCHANGE: Final = frozenset({OPERATOR})
OWNERS: Final = frozenset(role.value for role in Role if role is not Role.AUDITOR)
"""Whom an incident can befall: everybody who does anything here."""
RECEIVERS: Final = frozenset({"CAC", "DATA_AUTHORITY", "PUBLIC_SECURITY"})
"""Who receives reports. The data authority protects the critical operators of this market."""
PROTECTION: Final = frozenset({"DATA_AUTHORITY"})
_CAC: Final = frozenset({"CAC"})
ORDERERS: Final = _EXCHANGE | _CAC
CLOSERS: Final = _EXCHANGE | _CAC | PROTECTION
GRADED: Final = (
    _S.GRADED,
    _S.REPORTED,
    _S.CONTAINED,
    _S.SUBJECTS_NOTIFIED,
    _S.ERADICATED,
    _S.REVIEWED,
)
"""An incident that has its level and is not over."""
OPEN: Final = (_S.DETECTED, *GRADED)
REPORTED: Final = GRADED[1:]
OVER: Final = (_S.CLOSED, _S.DISMISSED)
_Moves = Mapping[tuple[IncidentState | None, IncidentEvent], Move]
MOVES: Final[_Moves] = {
    (None, _E.DETECT): Move(
        OWNERS, _S.DETECTED, "whom it has befallen; the exchange, of anybody; out of a warning"
    ),
    (_S.DETECTED, _E.GRADE): Move(OWNERS, _S.GRADED, "facts in, level out, by the table", "30 minutes"),
    (_S.DETECTED, _E.DISMISS): Move(_EXCHANGE, _S.DISMISSED, "no incident; another person than detected it"),
    **{
        (state, _E.REGRADE): Move(
            OWNERS, state, "other facts; upwards the clocks run from detection, downwards a second person"
        )
        for state in GRADED
    },
    (_S.GRADED, _E.REPORT): Move(
        OWNERS, _S.REPORTED, "to who has to hear of it", "1, 2 or 4 hours from detection; a defect 24 hours"
    ),
    **{(state, _E.REPORT): Move(OWNERS, state, "a follow-up, or one that came late") for state in REPORTED},
    **{
        (state, event): Move(roles, state, guard, within)
        for state in (*REPORTED, _S.CLOSED)
        for event, roles, guard, within in (
            (_E.RECEIVE, RECEIVERS, "who it was sent to", ""),
            (_E.FORWARD, PROTECTION, "the protection department, to the CAC", "half an hour"),
        )
    },
    **{(state, _E.EVIDENCE): Move(OWNERS, state, "digests of what shows it") for state in OPEN},
    **{
        (state, _E.MEASURE): Move(ORDERERS, state, "through the market's own door, with the order's id")
        for state in OPEN
    },
    **{
        (state, _E.LIFT): Move(ORDERERS, state, "a measure that stands; customs goes on by the CAC alone")
        for state in IncidentState
    },
    (_S.GRADED, _E.CONTAIN): Move(OWNERS, _S.CONTAINED, "nothing has to be reported"),
    (_S.REPORTED, _E.CONTAIN): Move(OWNERS, _S.CONTAINED, "every report that is due was made"),
    (_S.CONTAINED, _E.NOTIFY_SUBJECTS): Move(
        OWNERS, _S.SUBJECTS_NOTIFIED, "what, which harm, which measures, whom to ask", "72 hours"
    ),
    **{
        (state, _E.NOTIFY_SUBJECTS): Move(OWNERS, state, "persons told at once, more of them, or by order")
        for state in (_S.GRADED, _S.REPORTED, _S.SUBJECTS_NOTIFIED, _S.ERADICATED, _S.REVIEWED)
    },
    **{
        (state, _E.SPARE_SUBJECTS): Move(
            OWNERS, state, "measures avoid the harm (of the rest), with grounds; no order"
        )
        for state in (_S.CONTAINED, _S.SUBJECTS_NOTIFIED)
    },
    **{
        (state, _E.ORDER_NOTICE): Move(_CAC, state, "harm is possible all the same", "72 hours")
        for state in (_S.CONTAINED, _S.SUBJECTS_NOTIFIED, _S.ERADICATED, _S.REVIEWED)
    },
    (_S.CONTAINED, _E.ERADICATE): Move(OWNERS, _S.ERADICATED, "nobody is concerned, or persons are spared"),
    (_S.SUBJECTS_NOTIFIED, _E.ERADICATE): Move(OWNERS, _S.ERADICATED, "the cause is gone"),
    (_S.ERADICATED, _E.REVIEW): Move(OWNERS, _S.REVIEWED, "cause, course, lessons, what is done", "30 days"),
    (_S.REVIEWED, _E.CLOSE): Move(
        CLOSERS,
        _S.CLOSED,
        "another person than reviewed it; from major on an authority; all reports made, no measure stands",
    ),
    **{(state, _E.OVERDUE): Move(_EXCHANGE, state, "a clock has run out") for state in OPEN},
}
WARNING_OPEN: Final = (_W.RAISED, _W.ACKNOWLEDGED)
WARNING_MOVES: Final[Mapping[tuple[WarningState | None, WarningEvent], Move]] = {
    (None, _WE.RAISE): Move(_EXCHANGE, _W.RAISED, "a signal beyond its limit, a trace, a weakness reported"),
    **{
        (state, _WE.WORSEN): Move(_EXCHANGE, _W.RAISED, "a later reading of a higher level")
        for state in WARNING_OPEN
    },
    (_W.RAISED, _WE.ACKNOWLEDGE): Move(
        _EXCHANGE, _W.ACKNOWLEDGED, "an officer has it", "blue 24, yellow 8, orange 2, red 1 hour"
    ),
    (_W.ACKNOWLEDGED, _WE.DISMISS): Move(
        _EXCHANGE, _W.DISMISSED, "a reason; orange and red: another person than acknowledged it"
    ),
    **{
        (state, _WE.ESCALATE): Move(_EXCHANGE, _W.ESCALATED, "it becomes an incident")
        for state in WARNING_OPEN
    },
    **{
        (state, _WE.READ_REPORTER): Move(_EXCHANGE, state, "an officer reads who reported a weakness")
        for state in WarningState
    },
    (_W.RAISED, _WE.OVERDUE): Move(_EXCHANGE, _W.RAISED, "nobody acknowledged it in time"),
}


def allowed_to(state: IncidentState, roles: Collection[str]) -> tuple[IncidentEvent, ...]:
    """What a state takes of somebody with these roles, in the order of the table."""
    return taken(MOVES, state, roles)


def may_move(state: IncidentState | None, event: IncidentEvent, role: str) -> IncidentState:
    """The state an event of this role leads to. Raises IncidentWrongState or IncidentWrongRole."""
    return IncidentState(
        moved(
            MOVES,
            state,
            event,
            role,
            says=f"an incident that is {state or 'not there yet'} does not take {event}",
            wrong_state=IncidentWrongState,
            wrong_role=IncidentWrongRole,
        )
    )


def may_move_warning(state: WarningState | None, event: WarningEvent, role: str) -> WarningState:
    """The state an event of this role leads to. Raises WarningWrongState or WarningWrongRole."""
    return WarningState(
        moved(
            WARNING_MOVES,
            state,
            event,
            role,
            says=f"a warning that is {state or 'not there yet'} does not take {event}",
            wrong_state=WarningWrongState,
            wrong_role=WarningWrongRole,
        )
    )
