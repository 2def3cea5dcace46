"""The states of a complaint, a report, a case (`CSE`): one table, from the paper to the end of its display.

`states.md` §3.5. What the rows do not say of themselves: what PARTY and REPORTER do is stated by the
exchange, because a statement names who makes it, and neither who is suspected nor who reported is for the
public; each step but those of the clock belongs to the authority that has the case. `docs/cases.md` is drawn
from here (`cases.drawing`), and the auditor holds the same table (`supervision.audit_moves`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cases.errors import CaseWrongRole, CaseWrongState


class CaseState(StrEnum):
    RECEIVED = "RECEIVED"
    TRIAGED = "TRIAGED"
    TRANSFERRED = "TRANSFERRED"
    JURISDICTION = "JURISDICTION"  # two authorities differ about whose it is
    REFUSED = "REFUSED"
    MEDIATING = "MEDIATING"
    CLOSED_AGREED = "CLOSED_AGREED"
    CLOSED_NO_AGREEMENT = "CLOSED_NO_AGREEMENT"
    VERIFYING = "VERIFYING"
    CLOSED_NO_CASE = "CLOSED_NO_CASE"
    INVESTIGATING = "INVESTIGATING"
    SUSPENDED_COMMITMENT = "SUSPENDED_COMMITMENT"
    CLOSED_COMMITMENT = "CLOSED_COMMITMENT"
    PENALTY_NOTICE = "PENALTY_NOTICE"
    HEARD = "HEARD"
    DECIDED = "DECIDED"
    APPEALED = "APPEALED"
    APPEALED_EXECUTED = "APPEALED_EXECUTED"  # an appeal suspends nothing (行政处罚法 art. 73)
    APPEALED_PUBLISHED = "APPEALED_PUBLISHED"
    UPHELD = "UPHELD"
    CHANGED = "CHANGED"
    REVOKED = "REVOKED"
    EXECUTED = "EXECUTED"
    PUBLISHED = "PUBLISHED"
    EXPIRED_DISPLAY = "EXPIRED_DISPLAY"


class CaseEvent(StrEnum):
    FILE = "FILE"
    TRIAGE = "TRIAGE"
    TRANSFER = "TRANSFER"
    RECEIVE = "RECEIVE"
    CONTEST = "CONTEST"
    SETTLE_JURISDICTION = "SETTLE_JURISDICTION"
    ASSIGN = "ASSIGN"
    REFUSE = "REFUSE"
    ACCEPT = "ACCEPT"
    CONSENT = "CONSENT"
    AGREE = "AGREE"
    END = "END"
    CLUE = "CLUE"
    VERIFY = "VERIFY"
    EXTEND = "EXTEND"
    NO_CASE = "NO_CASE"
    OPEN_CASE = "OPEN_CASE"
    FREEZE_EVIDENCE = "FREEZE_EVIDENCE"
    FREEZE_FUNDS = "FREEZE_FUNDS"
    INTERVIEW = "INTERVIEW"
    OFFER_COMMITMENT = "OFFER_COMMITMENT"
    COMMITMENT = "COMMITMENT"
    FULFILLED = "FULFILLED"
    BROKEN = "BROKEN"
    APPLY_LENIENCY = "APPLY_LENIENCY"
    PROPOSE_PENALTY = "PROPOSE_PENALTY"
    STATEMENT = "STATEMENT"
    REQUEST_HEARING = "REQUEST_HEARING"
    NOTIFY_HEARING = "NOTIFY_HEARING"
    DECIDE = "DECIDE"
    APPEAL = "APPEAL"
    UPHOLD = "UPHOLD"
    CHANGE = "CHANGE"
    REVOKE = "REVOKE"
    EXECUTE = "EXECUTE"
    PUBLISH = "PUBLISH"
    EXPIRE_DISPLAY = "EXPIRE_DISPLAY"
    TELL = "TELL"
    OVERDUE = "OVERDUE"


PARTY: Final = "PARTY"
REPORTER: Final = "REPORTER"
OPERATOR: Final = "EXCHANGE_OPERATOR"
REGULATORS: Final = frozenset({"SAMR", "DATA_AUTHORITY", "CAC"})
HANDLERS: Final = REGULATORS | {"PUBLIC_SECURITY"}
HEARERS: Final[Mapping[str, str]] = {"REVIEW": "REVIEW_AUTHORITY", "LAWSUIT": "COURT"}
"""Who hears an appeal, by the way it takes: nobody who has decided (行政复议法, 行政诉讼法)."""
DESKS: Final = HANDLERS | {OPERATOR}
"""Who receives papers and looks at them first; what breaks the market's own rules the operator mediates."""
_BESIDE: Final = frozenset({PARTY, REPORTER})
_SYSTEM: Final = frozenset({OPERATOR})
_PARTY: Final = frozenset({PARTY})


@dataclass(frozen=True, slots=True)
class Move:
    """Who may cause the event, where it leads, under what guard, within which time of `cases.deadlines`."""

    roles: frozenset[str]
    to: CaseState
    guard: str = ""
    within: str = ""
    entered: bool = False
    """The exchange enters what an order has done: the authority's signature is under the measure itself."""

    @property
    def speakers(self) -> frozenset[str]:
        """Who states it: for a party and a reporter, whom the log does not name, the exchange."""
        if self.entered:
            return _SYSTEM
        return (self.roles - _BESIDE) | (_SYSTEM if self.roles & _BESIDE else frozenset())


_S = CaseState
_E = CaseEvent
_Moves = Mapping[tuple[CaseState | None, CaseEvent], Move]
FINAL: Final = frozenset(
    {
        _S.REFUSED,
        _S.CLOSED_AGREED,
        _S.CLOSED_NO_AGREEMENT,
        _S.CLOSED_NO_CASE,
        _S.CLOSED_COMMITMENT,
        _S.REVOKED,
    }
)
"""Nothing follows but a word to who reported."""
ENDED: Final = FINAL | {_S.EXPIRED_DISPLAY}
"""The case is over; a display that has ended may still be followed by an appeal within its time."""
SETTLED: Final = ENDED | {_S.EXECUTED, _S.PUBLISHED}
"""No deadline of the procedure runs but those of an appeal, and of telling who reported."""
APPEALS: Final[Mapping[CaseState, CaseState]] = {
    _S.DECIDED: _S.APPEALED,
    _S.UPHELD: _S.APPEALED,
    _S.CHANGED: _S.APPEALED,
    _S.EXECUTED: _S.APPEALED_EXECUTED,
    _S.PUBLISHED: _S.APPEALED_PUBLISHED,
    _S.EXPIRED_DISPLAY: _S.APPEALED_PUBLISHED,
}
"""An appeal suspends neither execution nor publication (行政处罚法 art. 73, 行政复议法 art. 42, 行政诉讼法
art. 56), so where it leads says how far both have come, and a decision that is upheld goes on from there."""
APPEALED: Final[Mapping[CaseState, CaseState]] = {
    _S.APPEALED: _S.UPHELD,
    _S.APPEALED_EXECUTED: _S.EXECUTED,
    _S.APPEALED_PUBLISHED: _S.PUBLISHED,
}
"""The states in which somebody hears it, and where each goes on if the decision is upheld."""
_HEARING: Final = frozenset(HEARERS.values())
_SECRET: Final = frozenset({_S.RECEIVED, _S.TRANSFERRED, _S.JURISDICTION})
_STEPS: Final[_Moves] = {
    (None, _E.FILE): Move(DESKS, _S.RECEIVED, "a complaint or a report; a mixed paper becomes two cases"),
    (_S.RECEIVED, _E.TRIAGE): Move(DESKS, _S.TRIAGED, "the matter, and so the authority", "triage"),
    (_S.TRIAGED, _E.TRANSFER): Move(DESKS, _S.TRANSFERRED, "to another authority, with the reason"),
    (_S.TRANSFERRED, _E.RECEIVE): Move(DESKS, _S.RECEIVED, "the authority it was sent to"),
    (_S.TRANSFERRED, _E.CONTEST): Move(
        DESKS, _S.JURISDICTION, "the authority it was sent to, with the reason", "jurisdiction"
    ),
    (_S.JURISDICTION, _E.SETTLE_JURISDICTION): Move(
        DESKS, _S.RECEIVED, "one of the two takes it upon itself", "jurisdiction"
    ),
    (_S.JURISDICTION, _E.ASSIGN): Move(
        DESKS, _S.RECEIVED, "the ruling of the common superior, when the time to agree is over"
    ),
    (_S.TRIAGED, _E.REFUSE): Move(DESKS, _S.REFUSED, "the reason, told to who filed it", "answer"),
    (_S.TRIAGED, _E.ACCEPT): Move(DESKS, _S.MEDIATING, "a complaint of at most three years ago", "answer"),
    (_S.MEDIATING, _E.CONSENT): Move(
        frozenset({PARTY, REPORTER}), _S.MEDIATING, "each side once, to the same terms"
    ),
    (_S.MEDIATING, _E.AGREE): Move(DESKS, _S.CLOSED_AGREED, "both sides have consented", "mediation"),
    (_S.MEDIATING, _E.END): Move(DESKS, _S.CLOSED_NO_AGREEMENT, "the reason", "mediation"),
    (_S.MEDIATING, _E.CLUE): Move(DESKS, _S.MEDIATING, "becomes a report of its own, which goes on"),
    (_S.TRIAGED, _E.VERIFY): Move(HANDLERS, _S.VERIFYING, "a report; an officer whose name is on record"),
    (_S.VERIFYING, _E.EXTEND): Move(HANDLERS, _S.VERIFYING, "once, by a chief officer", "verification"),
    (_S.VERIFYING, _E.NO_CASE): Move(
        HANDLERS, _S.CLOSED_NO_CASE, "a chief officer, another person than has verified", "verification"
    ),
    (_S.VERIFYING, _E.OPEN_CASE): Move(
        HANDLERS, _S.INVESTIGATING, "a chief officer, another person than has verified", "verification"
    ),
    (_S.INVESTIGATING, _E.NO_CASE): Move(HANDLERS, _S.CLOSED_NO_CASE, "a chief officer, as above"),
    (_S.INVESTIGATING, _E.FREEZE_EVIDENCE): Move(
        HANDLERS, _S.INVESTIGATING, "a signed order of two officers; entries under a published checkpoint"
    ),
    (_S.INVESTIGATING, _E.FREEZE_FUNDS): Move(
        REGULATORS, _S.INVESTIGATING, "a signed order of two officers; a trade with money held", entered=True
    ),
    (_S.INVESTIGATING, _E.INTERVIEW): Move(HANDLERS, _S.INVESTIGATING, "a signed order of two officers"),
    (_S.INVESTIGATING, _E.OFFER_COMMITMENT): Move(_PARTY, _S.INVESTIGATING, "antitrust only; no cartel"),
    (_S.INVESTIGATING, _E.COMMITMENT): Move(
        frozenset({"SAMR"}),
        _S.SUSPENDED_COMMITMENT,
        "antitrust only; what a party has offered, and until when",
    ),
    (_S.SUSPENDED_COMMITMENT, _E.FULFILLED): Move(frozenset({"SAMR"}), _S.CLOSED_COMMITMENT, "kept"),
    (_S.SUSPENDED_COMMITMENT, _E.BROKEN): Move(
        frozenset({"SAMR"}), _S.INVESTIGATING, "not kept, or made on wrong facts"
    ),
    (_S.INVESTIGATING, _E.APPLY_LENIENCY): Move(
        _PARTY, _S.INVESTIGATING, "a horizontal agreement; once; its place in line is kept"
    ),
    (_S.INVESTIGATING, _E.PROPOSE_PENALTY): Move(
        HANDLERS,
        _S.PENALTY_NOTICE,
        "rules, pinned evidence, a fine within the range of the ladder; no limitation",
    ),
    **{
        (state, event): Move(_PARTY, _S.HEARD, "one that the notice names", "hearing request")
        for state in (_S.PENALTY_NOTICE, _S.HEARD)
        for event in (_E.STATEMENT, _E.REQUEST_HEARING)
    },
    (_S.HEARD, _E.NOTIFY_HEARING): Move(
        HANDLERS, _S.HEARD, "a hearing was asked for; told 7 working days before"
    ),
    **{
        (state, _E.DECIDE): Move(
            HANDLERS,
            _S.DECIDED,
            "a chief officer, no handler of it; the party's time is over, the hearing held",
            "decision",
        )
        for state in (_S.PENALTY_NOTICE, _S.HEARD)
    },
    **{
        (state, _E.APPEAL): Move(
            _PARTY, to, "one that the decision names, to a review or a court", "review, or lawsuit"
        )
        for state, to in (*APPEALS.items(), *((one, one) for one in APPEALED))
    },
    **{
        (state, _E.UPHOLD): Move(_HEARING, to, "who has heard the appeal", "ruling")
        for state, to in APPEALED.items()
    },
    **{
        (state, _E.CHANGE): Move(_HEARING, _S.CHANGED, "who has heard the appeal; in the range", "ruling")
        for state in APPEALED
    },
    **{
        (state, _E.REVOKE): Move(_HEARING, _S.REVOKED, "who has heard the appeal", "ruling")
        for state in APPEALED
    },
    **{
        (state, _E.EXECUTE): Move(
            HANDLERS, to, "fines and gains are paid; every measure decided is ordered and in force"
        )
        for state, to in (
            (_S.DECIDED, _S.EXECUTED),
            (_S.UPHELD, _S.EXECUTED),
            (_S.CHANGED, _S.EXECUTED),
            (_S.APPEALED, _S.APPEALED_EXECUTED),
        )
    },
    **{
        (state, _E.PUBLISH): Move(HANDLERS, to, "names whom it is held against", "publication")
        for state, to in (
            (_S.EXECUTED, _S.PUBLISHED),
            (_S.APPEALED_EXECUTED, _S.APPEALED_PUBLISHED),
        )
    },
    (_S.PUBLISHED, _E.EXPIRE_DISPLAY): Move(
        _SYSTEM, _S.EXPIRED_DISPLAY, "after 3 months (a warning) or 3 years"
    ),
}
MOVES: Final[_Moves] = {
    **_STEPS,
    **{
        (state, _E.TELL): Move(DESKS, state, "who reported is told what came of it", "telling")
        for state in _S
        if state not in _SECRET
    },
    **{
        (state, _E.OVERDUE): Move(_SYSTEM, state, "a deadline has passed")
        for state in _S
        if state is not _S.EXPIRED_DISPLAY
    },
}


def may_move(state: CaseState | None, event: CaseEvent, role: str) -> CaseState:
    """The state an event of this role leads to. Raises CaseWrongState or CaseWrongRole."""
    move = MOVES.get((state, event))
    if move is None:
        allowed = sorted(other.value for at, other in MOVES if at == state)
        raise CaseWrongState(
            f"a case that is {state or 'not there yet'} does not take {event}",
            state=str(state),
            event=event.value,
            allowed=allowed,
        )
    if role not in move.roles:
        raise CaseWrongRole(f"{event} is not an act of {role}", role=role, roles=sorted(move.roles))
    return move.to


def events_for(state: CaseState, roles: Iterable[str]) -> list[CaseEvent]:
    """What somebody with these roles may cause in a state."""
    held = set(roles)
    return [event for (at, event), move in MOVES.items() if at is state and move.roles & held]
