"""The states of a broker's certificate (`BRK`), from the application to its end, and of a mandate (`MND`).

One table each (`states.md` §3.3). What that page leaves out is added: the correction of an application that
is not complete, objections, who lets a deadline pass, an emergency suspension that ends by itself, and a way
out of every state. An application and the certificate that comes of it are one object with one id. The
exchange's role stands for the clock. `docs/brokers.md` is drawn from here (`brokers.drawing`).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from base.states import moved, taken
from brokers.errors import CertificateWrongRole, CertificateWrongState, MandateWrongRole, MandateWrongState
from identity.rules import Role


class CertificateState(StrEnum):
    """APPLIED to OBJECTED (and how they end) are an application's; the others a certificate's."""

    APPLIED = "APPLIED"
    CORRECTING = "CORRECTING"
    UNDER_REVIEW = "UNDER_REVIEW"
    REFUSED = "REFUSED"
    LAPSED = "LAPSED"
    WITHDRAWN = "WITHDRAWN"
    PUBLIC_NOTICE = "PUBLIC_NOTICE"
    OBJECTED = "OBJECTED"
    ACTIVE = "ACTIVE"
    RECTIFYING = "RECTIFYING"
    SUSPENDED = "SUSPENDED"
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"
    EXITING = "EXITING"
    EXITED = "EXITED"


class CertificateEvent(StrEnum):
    APPLY = "APPLY"
    ASK_CORRECTION = "ASK_CORRECTION"
    CORRECT = "CORRECT"
    LAPSE = "LAPSE"
    WITHDRAW = "WITHDRAW"
    REVIEW = "REVIEW"
    VOTE = "VOTE"
    REFUSE = "REFUSE"
    NOTICE = "NOTICE"
    OBJECT = "OBJECT"
    UPHOLD = "UPHOLD"
    DISMISS = "DISMISS"
    OVERDUE = "OVERDUE"
    CERTIFY = "CERTIFY"
    ANNUAL_REPORT = "ANNUAL_REPORT"
    ANNUAL_PASS = "ANNUAL_PASS"  # noqa: S105 - the name of an event
    RECTIFY = "RECTIFY"
    RECTIFIED = "RECTIFIED"
    RECTIFY_MISS = "RECTIFY_MISS"
    ANNUAL_FAIL = "ANNUAL_FAIL"
    MISS_REPORT = "MISS_REPORT"
    WARN = "WARN"
    CUT_SCOPE = "CUT_SCOPE"
    SUSPEND = "SUSPEND"
    EMERGENCY_OVER = "EMERGENCY_OVER"
    REINSTATE = "REINSTATE"
    REVOKE = "REVOKE"
    RENEW = "RENEW"
    EXPIRE = "EXPIRE"
    EXIT_NOTICE = "EXIT_NOTICE"
    EXIT = "EXIT"


class MandateState(StrEnum):
    DRAFT = "DRAFT"
    SIGNED = "SIGNED"  # by the client; the broker has not accepted yet
    ACTIVE = "ACTIVE"
    FROZEN = "FROZEN"  # with the broker's certificate
    FULFILLED = "FULFILLED"
    REVOKED_BY_CLIENT = "REVOKED_BY_CLIENT"
    EXPIRED = "EXPIRED"
    TERMINATED_BY_CERT_LOSS = "TERMINATED_BY_CERT_LOSS"
    TAKEN_OVER = "TAKEN_OVER"  # the client goes on by itself
    HANDED_OVER = "HANDED_OVER"  # another broker goes on under a mandate of its own


class MandateEvent(StrEnum):
    SIGN = "SIGN"
    ACCEPT = "ACCEPT"
    REVOKE = "REVOKE"
    FULFIL = "FULFIL"
    EXPIRE = "EXPIRE"
    FREEZE = "FREEZE"
    UNFREEZE = "UNFREEZE"
    TERMINATE = "TERMINATE"
    TAKE_OVER = "TAKE_OVER"
    HAND_OVER = "HAND_OVER"


@dataclass(frozen=True, slots=True)
class CertificateMove:
    """Who may cause the event, where it leads, under what guard and until when, in words.

    The ledger statement of an event is `BRK.<event>`. The numbers in words are those of the versioned rule
    table (`brokers/rule_table.csv`), which decides.
    """

    roles: frozenset[str]
    to: CertificateState
    guard: str = ""
    within: str = ""
    or_to: tuple[CertificateState, ...] = ()
    """Where it leads instead when the certificate was suspended from there."""


@dataclass(frozen=True, slots=True)
class MandateMove:
    """Who may cause the event, and where it leads."""

    roles: frozenset[str]
    to: MandateState


AUTHORITY: Final = "DATA_AUTHORITY"
_AUTHORITY: Final = frozenset({AUTHORITY})
_SYSTEM: Final = frozenset({"EXCHANGE_OPERATOR"})
_AUTHORITY_OR_SYSTEM: Final = _AUTHORITY | _SYSTEM
_BROKER: Final = frozenset({"BROKER"})
_CLIENT: Final = frozenset({"PROVIDER", "BUYER"})
ANYONE: Final = frozenset(role.value for role in Role if role is not Role.AUDITOR)  # who only reads

_C = CertificateState
_E = CertificateEvent
_Moves: TypeAlias = Mapping[tuple[CertificateState | None, CertificateEvent], CertificateMove]
_REPORT: Final = "by 31 March, for the year before"
APPLICATION: Final = (_C.APPLIED, _C.CORRECTING, _C.UNDER_REVIEW, _C.PUBLIC_NOTICE, _C.OBJECTED)
"""The states of an application that is under way."""
AT_WORK: Final = (_C.ACTIVE, _C.RECTIFYING, _C.EXITING)
"""The states of a certificate in force."""
IN_BEING: Final = (*AT_WORK, _C.SUSPENDED)
"""The states of a certificate that is in force or can come back into it."""
_BACK: Final = (_C.RECTIFYING, _C.EXITING)

_TO_CERTIFICATE: Final[_Moves] = {
    (None, _E.APPLY): CertificateMove(
        _BROKER, _C.APPLIED, "a broker; no bar; no certificate or application for this time"
    ),
    (_C.APPLIED, _E.ASK_CORRECTION): CertificateMove(
        _AUTHORITY, _C.CORRECTING, "evidence is missing or unclear; all gaps told at once, and only once"
    ),
    (_C.CORRECTING, _E.CORRECT): CertificateMove(
        _BROKER, _C.APPLIED, "what was missing, or word of it", "10 working days"
    ),
    (_C.CORRECTING, _E.LAPSE): CertificateMove(_SYSTEM, _C.LAPSED, "not corrected", "after 10 working days"),
    (_C.APPLIED, _E.REVIEW): CertificateMove(
        _AUTHORITY, _C.UNDER_REVIEW, "every kind of evidence is there", "20 working days"
    ),
    (_C.UNDER_REVIEW, _E.VOTE): CertificateMove(
        _AUTHORITY, _C.UNDER_REVIEW, "a natural person without ties, once, with reasons", "20 working days"
    ),
    (_C.UNDER_REVIEW, _E.REFUSE): CertificateMove(
        _AUTHORITY, _C.REFUSED, "three or more have voted, most of them against", "20 working days"
    ),
    (_C.UNDER_REVIEW, _E.NOTICE): CertificateMove(
        _AUTHORITY,
        _C.PUBLIC_NOTICE,
        "three or more have voted, most of them for; BRK-QUAL is met",
        "20 working days",
    ),
    (_C.PUBLIC_NOTICE, _E.OBJECT): CertificateMove(
        ANYONE, _C.OBJECTED, "by name, with evidence", "5 working days of notice"
    ),
    (_C.OBJECTED, _E.OBJECT): CertificateMove(
        ANYONE, _C.OBJECTED, "by name, with evidence", "5 working days of notice"
    ),
    (_C.OBJECTED, _E.UPHOLD): CertificateMove(
        _AUTHORITY, _C.REFUSED, "an officer without ties, with reasons", "10 working days"
    ),
    (_C.OBJECTED, _E.DISMISS): CertificateMove(
        _AUTHORITY,
        _C.PUBLIC_NOTICE,
        "an officer without ties, with reasons, on all that are open",
        "10 working days",
    ),
    (_C.PUBLIC_NOTICE, _E.CERTIFY): CertificateMove(
        _AUTHORITY, _C.ACTIVE, "the notice is over; no objection is open", "valid for 3 years"
    ),
    # The authority enters a certificate whose application it decided outside this system.
    (None, _E.CERTIFY): CertificateMove(
        _AUTHORITY, _C.ACTIVE, "decided before this exchange was founded; the broker has not applied here"
    ),
    **{
        (state, _E.OVERDUE): CertificateMove(_SYSTEM, state, "not decided in time", "after the deadline")
        for state in (_C.APPLIED, _C.UNDER_REVIEW, _C.OBJECTED)
    },
    **{
        (state, _E.WITHDRAW): CertificateMove(_BROKER, _C.WITHDRAWN, "the applicant's word")
        for state in APPLICATION
    },
}
_IN_PRACTICE: Final[_Moves] = {
    **{
        (state, _E.ANNUAL_REPORT): CertificateMove(_BROKER, state, "once a year; its digest", _REPORT)
        for state in IN_BEING
    },
    **{
        (state, _E.ANNUAL_PASS): CertificateMove(
            _AUTHORITY, to, "the report is there; what was to be rectified is", "by 30 April"
        )
        for state, to in ((_C.ACTIVE, _C.ACTIVE), (_C.RECTIFYING, _C.ACTIVE))
    },
    (_C.ACTIVE, _E.RECTIFY): CertificateMove(
        _AUTHORITY, _C.RECTIFYING, "the report is there; what is to be put right", "by 30 April"
    ),
    **{
        (state, _E.RECTIFIED): CertificateMove(_BROKER, state, "what was done, with its evidence", "30 days")
        for state in (_C.RECTIFYING, _C.SUSPENDED)
    },
    # Periods go on for who is suspended: what falls due is stated, and no emergency's end undoes it.
    **{
        (state, _E.RECTIFY_MISS): CertificateMove(
            _SYSTEM, _C.SUSPENDED, "nothing was said to be put right", "after 30 days"
        )
        for state in (_C.RECTIFYING, _C.SUSPENDED)
    },
    **{
        (state, _E.ANNUAL_FAIL): CertificateMove(
            _AUTHORITY, _C.SUSPENDED, "the report is there; with a reason", "by 30 April"
        )
        for state in (_C.ACTIVE, _C.RECTIFYING)
    },
    **{
        (state, _E.MISS_REPORT): CertificateMove(_SYSTEM, _C.SUSPENDED, "no annual report", "on 1 April")
        for state in IN_BEING
    },
    **{
        (state, _E.WARN): CertificateMove(_AUTHORITY, state, "a reason")
        for state in (_C.ACTIVE, _C.RECTIFYING)
    },
    **{
        (state, _E.CUT_SCOPE): CertificateMove(_AUTHORITY, state, "a reason; less than before, and something")
        for state in (_C.ACTIVE, _C.RECTIFYING)
    },
    **{
        (state, _E.SUSPEND): CertificateMove(
            _AUTHORITY_OR_SYSTEM,
            _C.SUSPENDED,
            "a severe finding; the exchange not twice without a decision between",
            "the exchange: for 10 working days",
        )
        for state in AT_WORK
    },
    (_C.SUSPENDED, _E.SUSPEND): CertificateMove(
        _AUTHORITY, _C.SUSPENDED, "takes over the exchange's emergency suspension"
    ),
    (_C.SUSPENDED, _E.EMERGENCY_OVER): CertificateMove(
        _SYSTEM, _C.ACTIVE, "the authority did not take it over; as it was", "after 10 working days", _BACK
    ),
    (_C.SUSPENDED, _E.REINSTATE): CertificateMove(
        _AUTHORITY, _C.ACTIVE, "the cause is gone; as it was", or_to=_BACK
    ),
    (_C.SUSPENDED, _E.REVOKE): CertificateMove(
        _AUTHORITY, _C.REVOKED, "a reason", "no new application for 3 years"
    ),
    (_C.ACTIVE, _E.RENEW): CertificateMove(
        _BROKER,
        _C.ACTIVE,
        "evidence anew; BRK-QUAL is met; no review is open",
        "6 months to 1 day before the end",
    ),
    # A suspended one waits for the authority beyond its end: time does not save it from a revocation.
    **{(state, _E.EXPIRE): CertificateMove(_SYSTEM, _C.EXPIRED, "", "after its end") for state in AT_WORK},
    (_C.ACTIVE, _E.EXIT_NOTICE): CertificateMove(_BROKER, _C.EXITING, "", "6 months before"),
    (_C.EXITING, _E.EXIT): CertificateMove(
        _BROKER, _C.EXITED, "no mandate and no trade runs; the records are handed over", "after 6 months"
    ),
}
CERTIFICATE_MOVES: Final[_Moves] = {**_TO_CERTIFICATE, **_IN_PRACTICE}

_M = MandateState
_N = MandateEvent
MANDATE_MOVES: Final[Mapping[tuple[MandateState | None, MandateEvent], MandateMove]] = {
    (None, _N.SIGN): MandateMove(_CLIENT, _M.SIGNED),
    (_M.DRAFT, _N.SIGN): MandateMove(_CLIENT, _M.SIGNED),
    (_M.SIGNED, _N.ACCEPT): MandateMove(_BROKER, _M.ACTIVE),
    (_M.SIGNED, _N.REVOKE): MandateMove(_CLIENT, _M.REVOKED_BY_CLIENT),
    (_M.SIGNED, _N.EXPIRE): MandateMove(_SYSTEM, _M.EXPIRED),
    (_M.ACTIVE, _N.REVOKE): MandateMove(_CLIENT, _M.REVOKED_BY_CLIENT),
    (_M.ACTIVE, _N.FULFIL): MandateMove(_SYSTEM, _M.FULFILLED),
    (_M.ACTIVE, _N.EXPIRE): MandateMove(_SYSTEM, _M.EXPIRED),
    (_M.ACTIVE, _N.TERMINATE): MandateMove(_SYSTEM, _M.TERMINATED_BY_CERT_LOSS),
    (_M.ACTIVE, _N.FREEZE): MandateMove(_SYSTEM, _M.FROZEN),
    (_M.ACTIVE, _N.TAKE_OVER): MandateMove(_CLIENT, _M.TAKEN_OVER),
    (_M.ACTIVE, _N.HAND_OVER): MandateMove(_BROKER, _M.HANDED_OVER),
    (_M.FROZEN, _N.UNFREEZE): MandateMove(_SYSTEM, _M.ACTIVE),
    (_M.FROZEN, _N.REVOKE): MandateMove(_CLIENT, _M.REVOKED_BY_CLIENT),
    (_M.FROZEN, _N.EXPIRE): MandateMove(_SYSTEM, _M.EXPIRED),
    (_M.FROZEN, _N.TERMINATE): MandateMove(_SYSTEM, _M.TERMINATED_BY_CERT_LOSS),
    (_M.FROZEN, _N.TAKE_OVER): MandateMove(_CLIENT, _M.TAKEN_OVER),
    (_M.FROZEN, _N.HAND_OVER): MandateMove(_BROKER, _M.HANDED_OVER),
    (_M.FROZEN, _N.FULFIL): MandateMove(_SYSTEM, _M.FULFILLED),
    # However a mandate ended, the client may still take over from whoever negotiated under it.
    **{
        (state, _N.TAKE_OVER): MandateMove(_CLIENT, _M.TAKEN_OVER)
        for state in (
            _M.FULFILLED,
            _M.REVOKED_BY_CLIENT,
            _M.EXPIRED,
            _M.TERMINATED_BY_CERT_LOSS,
            _M.TAKEN_OVER,
            _M.HANDED_OVER,
        )
    },
}


def allowed_to(state: CertificateState, roles: Collection[str]) -> tuple[CertificateEvent, ...]:
    """What a state takes of somebody with these roles, in the order of the table."""
    return taken(CERTIFICATE_MOVES, state, roles)


def certificate_may_move(
    state: CertificateState | None,
    event: CertificateEvent,
    role: str,
    *,
    back_to: CertificateState | None = None,
) -> CertificateState:
    """The state an event of this role leads to; None is the state before the first event.

    `back_to` is what a suspended certificate was suspended from.
    Raises CertificateWrongState, naming what the state allows, or CertificateWrongRole.
    """
    move = CERTIFICATE_MOVES.get((state, event))
    if move is None:
        allowed = sorted(e.value for s, e in CERTIFICATE_MOVES if s == state)
        raise CertificateWrongState(
            f"a certificate that is {state or 'not there yet'} does not take {event}: "
            f"it takes {', '.join(allowed) or 'nothing more'}",
            state=str(state),
            event=event.value,
            allowed=allowed,
        )
    if role not in move.roles:
        raise CertificateWrongRole(
            f"{event} is not an act of {role}", role=role, event=event.value, roles=sorted(move.roles)
        )
    return back_to if back_to is not None and back_to in move.or_to else move.to


def mandate_may_move(state: MandateState | None, event: MandateEvent, role: str) -> MandateState:
    """The state an event of this role leads to; raises MandateWrongState or MandateWrongRole."""
    return moved(
        MANDATE_MOVES,
        state,
        event,
        role,
        says=f"a mandate that is {state or 'not there yet'} does not take {event}",
        wrong_state=MandateWrongState,
        wrong_role=MandateWrongRole,
    )
