"""The states of gradings, of the important-data catalogue, of its matches, of consents and assessments.

Each machine is one table (`states.md` §3.9), drawn into `docs/grading.md`. A grading's level stays in force
while its review is due; the exchange's role stands for the clock and for the automatic screen.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from base.states import moved
from identity.rules import Role
from registry.grading.errors import GradingWrongRole, GradingWrongState


class GradingState(StrEnum):
    DECLARED = "DECLARED"
    TO_CONFIRM = "TO_CONFIRM"
    IN_FORCE = "IN_FORCE"
    REVIEW_DUE = "REVIEW_DUE"
    RETURNED = "RETURNED"
    WITHDRAWN = "WITHDRAWN"
    SUPERSEDED = "SUPERSEDED"


class GradingEvent(StrEnum):
    DECLARE = "DECLARE"
    RETURN = "RETURN"
    WITHDRAW = "WITHDRAW"
    DECIDE = "DECIDE"
    PROPOSE = "PROPOSE"
    CONFIRM = "CONFIRM"
    DECLINE = "DECLINE"
    FALL_DUE = "FALL_DUE"
    SUPERSEDE = "SUPERSEDE"


class EntryState(StrEnum):
    """An entry of the important-data catalogue."""

    IDENTIFIED = "IDENTIFIED"
    REPORTED = "REPORTED"
    CONFIRMED = "CONFIRMED"
    CHANGED = "CHANGED"
    REMOVED = "REMOVED"


class EntryEvent(StrEnum):
    IDENTIFY = "IDENTIFY"
    REPORT = "REPORT"
    SEND_BACK = "SEND_BACK"
    CONFIRM = "CONFIRM"
    ASK = "ASK"
    DECLINE = "DECLINE"
    CHANGE = "CHANGE"
    REMOVE = "REMOVE"


class MatchState(StrEnum):
    """An entry beside an object: MATCHED stops it, NEAR waits for a person, who says UPHELD or DISMISSED.

    LAPSED: object or entry changed, and nothing speaks for it any more.
    """

    MATCHED = "MATCHED"
    NEAR = "NEAR"
    UPHELD = "UPHELD"
    DISMISSED = "DISMISSED"
    LAPSED = "LAPSED"


class MatchEvent(StrEnum):
    MATCH = "MATCH"
    NEAR = "NEAR"
    UPHOLD = "UPHOLD"
    DISMISS = "DISMISS"
    LAPSE = "LAPSE"


class ConsentState(StrEnum):
    STANDING = "STANDING"
    WITHDRAWN = "WITHDRAWN"
    ENDED = "ENDED"


class ConsentEvent(StrEnum):
    RECORD = "RECORD"
    WITHDRAW = "WITHDRAW"
    LOSE = "LOSE"
    EXPIRE = "EXPIRE"
    END = "END"


class AssessmentState(StrEnum):
    """An impact assessment or a security review: only STANDING carries anything (`registry.assessments`)."""

    DRAFT = "DRAFT"
    SUBMITTED = "SUBMITTED"
    RETURNED = "RETURNED"
    STANDING = "STANDING"
    SUSPENDED = "SUSPENDED"
    FAILED = "FAILED"
    WITHDRAWN = "WITHDRAWN"
    ENDED = "ENDED"


class AssessmentEvent(StrEnum):
    BEGIN = "BEGIN"
    REVISE = "REVISE"
    SUBMIT = "SUBMIT"
    WITHDRAW = "WITHDRAW"
    RETURN = "RETURN"
    PASS = "PASS"  # noqa: S105 - an outcome
    MEASURES = "MEASURES"
    FAIL = "FAIL"
    REMEDY = "REMEDY"
    CLOSE = "CLOSE"
    REOPEN = "REOPEN"
    SUSPEND = "SUSPEND"
    RESUME = "RESUME"
    CHANGE = "CHANGE"
    REVOKE = "REVOKE"
    EXPIRE = "EXPIRE"
    END = "END"


@dataclass(frozen=True, slots=True)
class Move:
    """Who may cause the event, where it leads, under what guard and until when, in words."""

    roles: frozenset[str]
    to: StrEnum
    guard: str = ""
    within: str = ""


Moves = Mapping[tuple[StrEnum | None, StrEnum], Move]
HOLDERS: Final = frozenset({"PROVIDER", "DATA_MERCHANT", "OPERATING_INSTITUTION", "PUBLIC_AGENCY"})
"""Who declares the level of what it holds, and keeps the records behind it."""
OFFICERS: Final = frozenset({"PUBLIC_AGENCY", "EXCHANGE_OPERATOR", "DATA_AUTHORITY"})
"""Whose officers decide: an agency's own, the exchange's for products, the authority's for either."""
AUTHORITY: Final = frozenset({"DATA_AUTHORITY"})
CATALOGUERS: Final = frozenset({"PUBLIC_AGENCY"})
CONFIRMERS: Final = frozenset({"CAC", "DATA_AUTHORITY"})
EXCHANGE: Final = frozenset({"EXCHANGE_OPERATOR"})
REVIEWERS: Final = HOLDERS | {"THIRD_PARTY", "CAC", "DATA_AUTHORITY", "PUBLIC_SECURITY"}
"""Who reviews: the holder's other person an impact assessment; an assessor or an authority either."""
ANYONE: Final = frozenset(role.value for role in Role if role is not Role.AUDITOR)

_G, _GE = GradingState, GradingEvent
_N, _NE = EntryState, EntryEvent
_M, _ME = MatchState, MatchEvent
_C, _CE = ConsentState, ConsentEvent
_A, _AE = AssessmentState, AssessmentEvent
OPEN: Final = (_G.DECLARED, _G.TO_CONFIRM)
"""The states of a grading that is under way."""
STANDING: Final = (_G.IN_FORCE, _G.REVIEW_DUE)
"""The states of a grading whose level counts."""
LIVE: Final = (_N.CONFIRMED, _N.CHANGED)
"""The states of an entry that was notified or published: only these stop anything (CAC Order 16 Art 7)."""
STOPS: Final = (_M.MATCHED, _M.UPHELD)

GRADING_MOVES: Final[Moves] = {
    (None, _GE.DECLARE): Move(
        HOLDERS, _G.DECLARED, "grounds by object and degree of harm; none is open for the same data"
    ),
    (_G.DECLARED, _GE.WITHDRAW): Move(HOLDERS, _G.WITHDRAWN, "who declared it"),
    (_G.DECLARED, _GE.RETURN): Move(OFFICERS, _G.RETURNED, "an officer other than who declared, a reason"),
    (_G.DECLARED, _GE.DECIDE): Move(
        OFFICERS,
        _G.IN_FORCE,
        "another officer than who declared; general; not below grounds, fields, amount and scan",
        "review after 12 or 24 months",
    ),
    (_G.DECLARED, _GE.PROPOSE): Move(
        OFFICERS, _G.TO_CONFIRM, "important or core, or down from there: the authority confirms"
    ),
    (_G.TO_CONFIRM, _GE.CONFIRM): Move(
        AUTHORITY,
        _G.IN_FORCE,
        "a person beside neither who declared nor who proposed",
        "review after 12 months",
    ),
    (_G.TO_CONFIRM, _GE.DECLINE): Move(AUTHORITY, _G.DECLARED, "a reason"),
    (_G.IN_FORCE, _GE.FALL_DUE): Move(
        EXCHANGE, _G.REVIEW_DUE, "its time is over, or file, fields, amount or a source changed"
    ),
    **{
        (state, _GE.SUPERSEDE): Move(OFFICERS, _G.SUPERSEDED, "the next version is in force")
        for state in STANDING
    },
}
ENTRY_MOVES: Final[Moves] = {
    (None, _NE.IDENTIFY): Move(CATALOGUERS, _N.IDENTIFIED, "its department and sector"),
    (_N.IDENTIFIED, _NE.REPORT): Move(CATALOGUERS, _N.REPORTED, "signed by its chief data officer"),
    (_N.REPORTED, _NE.SEND_BACK): Move(CONFIRMERS, _N.IDENTIFIED, "a reason"),
    (_N.REPORTED, _NE.CONFIRM): Move(CONFIRMERS, _N.CONFIRMED, "notified: from now on it stops trade"),
    **{
        key: move
        for state in LIVE
        for key, move in (
            ((state, _NE.ASK), Move(CATALOGUERS, state, "a change or a removal, by the chief data officer")),
            ((state, _NE.DECLINE), Move(CONFIRMERS, state, "what was asked, with a reason")),
            ((state, _NE.CHANGE), Move(CONFIRMERS, _N.CHANGED, "what the department asked")),
            ((state, _NE.REMOVE), Move(CONFIRMERS, _N.REMOVED, "what the department asked")),
        )
    },
}
MATCH_MOVES: Final[Moves] = {
    (None, _ME.MATCH): Move(EXCHANGE, _M.MATCHED, "by identity, bytes, lineage, or all that the entry says"),
    (None, _ME.NEAR): Move(EXCHANGE, _M.NEAR, "by part of it"),
    (_M.MATCHED, _ME.NEAR): Move(EXCHANGE, _M.NEAR, "only part of it now"),
    (_M.NEAR, _ME.MATCH): Move(EXCHANGE, _M.MATCHED, "all of it now"),
    (_M.LAPSED, _ME.MATCH): Move(EXCHANGE, _M.MATCHED, "covered again"),
    (_M.LAPSED, _ME.NEAR): Move(EXCHANGE, _M.NEAR, "resembled again"),
    **{
        (state, _ME.LAPSE): Move(EXCHANGE, _M.LAPSED, "object or entry changed: nothing speaks for it")
        for state in (_M.MATCHED, _M.NEAR, _M.UPHELD)
    },
    (_M.NEAR, _ME.UPHOLD): Move(CONFIRMERS, _M.UPHELD, "a reason"),
    (_M.NEAR, _ME.DISMISS): Move(CONFIRMERS, _M.DISMISSED, "a reason"),
    (_M.MATCHED, _ME.DISMISS): Move(CONFIRMERS, _M.DISMISSED, "a reason"),
    (_M.UPHELD, _ME.DISMISS): Move(CONFIRMERS, _M.DISMISSED, "a reason"),
    (_M.DISMISSED, _ME.MATCH): Move(
        EXCHANGE, _M.MATCHED, "by identity, bytes or lineage, or entry or file are others"
    ),
    (_M.DISMISSED, _ME.NEAR): Move(EXCHANGE, _M.NEAR, "entry or file are others, and part of it fits"),
}
CONSENT_MOVES: Final[Moves] = {
    (None, _CE.RECORD): Move(HOLDERS, _C.STANDING, "wording, purposes, recipients, subjects, period"),
    (_C.STANDING, _CE.WITHDRAW): Move(HOLDERS, _C.STANDING, "some of the subjects"),
    (_C.STANDING, _CE.LOSE): Move(HOLDERS, _C.WITHDRAWN, "the last of the subjects: deliveries stop"),
    (_C.STANDING, _CE.EXPIRE): Move(EXCHANGE, _C.ENDED, "its period is over"),
    (_C.STANDING, _CE.END): Move(HOLDERS, _C.ENDED, "a reason"),
}
ASSESSMENT_MOVES: Final[Moves] = {
    (None, _AE.BEGIN): Move(HOLDERS, _A.DRAFT, "the object's holder; what PIPL 56 asks for"),
    **{(state, _AE.REVISE): Move(HOLDERS, state, "the holder") for state in (_A.DRAFT, _A.RETURNED)},
    **{
        (state, _AE.SUBMIT): Move(
            HOLDERS, _A.SUBMITTED, "every part is written; the reviewer is fit and, of a review, another"
        )
        for state in (_A.DRAFT, _A.RETURNED)
    },
    **{
        (state, _AE.WITHDRAW): Move(HOLDERS, _A.WITHDRAWN, "the holder")
        for state in (_A.DRAFT, _A.SUBMITTED, _A.RETURNED)
    },
    (_A.SUBMITTED, _AE.RETURN): Move(REVIEWERS, _A.RETURNED, "the named reviewer, a reason"),
    (_A.SUBMITTED, _AE.PASS): Move(
        REVIEWERS, _A.STANDING, "the named reviewer, a person who did not write it", "for up to 12 months"
    ),
    (_A.SUBMITTED, _AE.MEASURES): Move(
        REVIEWERS, _A.STANDING, "the same, with findings and a day for each", "for up to 12 months"
    ),
    (_A.SUBMITTED, _AE.FAIL): Move(REVIEWERS, _A.FAILED, "the same, with an opinion"),
    **{
        key: move
        for state in (_A.STANDING, _A.SUSPENDED)
        for key, move in (
            ((state, _AE.REMEDY), Move(HOLDERS, state, "an open finding, its evidence", "by its day")),
            ((state, _AE.CLOSE), Move(REVIEWERS, state, "a remedied finding, by the reviewer")),
            ((state, _AE.REOPEN), Move(REVIEWERS, state, "a remedied finding, a reason")),
            ((state, _AE.CHANGE), Move(EXCHANGE, _A.ENDED, "the object's file changed")),
            ((state, _AE.REVOKE), Move(REVIEWERS, _A.ENDED, "the reviewer or an authority, a reason")),
            ((state, _AE.EXPIRE), Move(EXCHANGE, _A.ENDED, "its period is over")),
            ((state, _AE.END), Move(HOLDERS, _A.ENDED, "the holder, a reason")),
        )
    },
    (_A.STANDING, _AE.SUSPEND): Move(EXCHANGE, _A.SUSPENDED, "a finding is open", "after its day"),
    (_A.SUSPENDED, _AE.RESUME): Move(REVIEWERS, _A.STANDING, "the last overdue finding is closed"),
}
MACHINES: Final[Mapping[str, tuple[str, Moves]]] = {
    "GRD": ("grading", GRADING_MOVES),
    "IMP": ("important-data entry", ENTRY_MOVES),
    "IMM": ("catalogue match", MATCH_MOVES),
    "CNS": ("consent record", CONSENT_MOVES),
    "PIA": ("assessment", ASSESSMENT_MOVES),
}


def may_move(moves: Moves, state: StrEnum | None, event: StrEnum, role: str) -> StrEnum:
    """The state an event of this role leads to. Raises GradingWrongState, GradingWrongRole."""
    return moved(
        moves,
        state,
        event,
        role,
        says=f"{state or 'nothing yet'} does not take {event}",
        wrong_state=GradingWrongState,
        wrong_role=GradingWrongRole,
        in_order=True,
    )
