"""The states of a broker's certificate (`BRK`) and of a mandate (`MND`), and who moves them.

One table each (`states.md` §3.3). Where that page leaves a state without a way out, the table adds the
evident one: rectifying is passed or failed, and every certificate in force can be suspended or expire.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from brokers.errors import CertificateWrongRole, CertificateWrongState, MandateWrongRole, MandateWrongState


class CertificateState(StrEnum):
    APPLIED = "APPLIED"
    UNDER_REVIEW = "UNDER_REVIEW"
    REFUSED = "REFUSED"
    PUBLIC_NOTICE = "PUBLIC_NOTICE"
    ACTIVE = "ACTIVE"
    RECTIFYING = "RECTIFYING"
    SUSPENDED = "SUSPENDED"
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"
    EXITING = "EXITING"
    EXITED = "EXITED"


class CertificateEvent(StrEnum):
    APPLY = "APPLY"
    REVIEW = "REVIEW"
    REFUSE = "REFUSE"
    NOTICE = "NOTICE"
    CERTIFY = "CERTIFY"
    ANNUAL_REPORT = "ANNUAL_REPORT"
    ANNUAL_PASS = "ANNUAL_PASS"  # noqa: S105 - the name of an event
    RECTIFY = "RECTIFY"
    ANNUAL_FAIL = "ANNUAL_FAIL"
    MISS_REPORT = "MISS_REPORT"
    WARN = "WARN"
    CUT_SCOPE = "CUT_SCOPE"
    SUSPEND = "SUSPEND"
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
    FULFILLED = "FULFILLED"
    REVOKED_BY_CLIENT = "REVOKED_BY_CLIENT"
    EXPIRED = "EXPIRED"
    TERMINATED_BY_CERT_LOSS = "TERMINATED_BY_CERT_LOSS"


class MandateEvent(StrEnum):
    SIGN = "SIGN"
    ACCEPT = "ACCEPT"
    REVOKE = "REVOKE"
    FULFIL = "FULFIL"
    EXPIRE = "EXPIRE"
    TERMINATE = "TERMINATE"


@dataclass(frozen=True, slots=True)
class CertificateMove:
    """Who may cause the event, and where it leads."""

    roles: frozenset[str]
    to: CertificateState


@dataclass(frozen=True, slots=True)
class MandateMove:
    """Who may cause the event, and where it leads."""

    roles: frozenset[str]
    to: MandateState


_AUTHORITY: Final = frozenset({"DATA_AUTHORITY"})
_AUTHORITY_OR_SYSTEM: Final = frozenset({"DATA_AUTHORITY", "EXCHANGE_OPERATOR"})
_SYSTEM: Final = frozenset({"EXCHANGE_OPERATOR"})
_BROKER: Final = frozenset({"BROKER"})
_CLIENT: Final = frozenset({"PROVIDER", "BUYER"})

_C = CertificateState
_E = CertificateEvent
CERTIFICATE_MOVES: Final[Mapping[tuple[CertificateState | None, CertificateEvent], CertificateMove]] = {
    (None, _E.APPLY): CertificateMove(_BROKER, _C.APPLIED),
    # The authority enters a certificate whose application it decided outside this system.
    (None, _E.CERTIFY): CertificateMove(_AUTHORITY, _C.ACTIVE),
    (_C.APPLIED, _E.REVIEW): CertificateMove(_AUTHORITY, _C.UNDER_REVIEW),
    (_C.UNDER_REVIEW, _E.REFUSE): CertificateMove(_AUTHORITY, _C.REFUSED),
    (_C.UNDER_REVIEW, _E.NOTICE): CertificateMove(_AUTHORITY, _C.PUBLIC_NOTICE),
    (_C.PUBLIC_NOTICE, _E.CERTIFY): CertificateMove(_AUTHORITY, _C.ACTIVE),
    (_C.ACTIVE, _E.ANNUAL_REPORT): CertificateMove(_BROKER, _C.ACTIVE),
    (_C.ACTIVE, _E.ANNUAL_PASS): CertificateMove(_AUTHORITY, _C.ACTIVE),
    (_C.ACTIVE, _E.RECTIFY): CertificateMove(_AUTHORITY, _C.RECTIFYING),
    (_C.ACTIVE, _E.ANNUAL_FAIL): CertificateMove(_AUTHORITY, _C.SUSPENDED),
    (_C.ACTIVE, _E.MISS_REPORT): CertificateMove(_SYSTEM, _C.SUSPENDED),
    (_C.ACTIVE, _E.WARN): CertificateMove(_AUTHORITY, _C.ACTIVE),
    (_C.ACTIVE, _E.CUT_SCOPE): CertificateMove(_AUTHORITY, _C.ACTIVE),
    (_C.ACTIVE, _E.SUSPEND): CertificateMove(_AUTHORITY_OR_SYSTEM, _C.SUSPENDED),
    (_C.ACTIVE, _E.RENEW): CertificateMove(_BROKER, _C.ACTIVE),
    (_C.ACTIVE, _E.EXPIRE): CertificateMove(_SYSTEM, _C.EXPIRED),
    (_C.ACTIVE, _E.EXIT_NOTICE): CertificateMove(_BROKER, _C.EXITING),
    (_C.RECTIFYING, _E.ANNUAL_PASS): CertificateMove(_AUTHORITY, _C.ACTIVE),
    (_C.RECTIFYING, _E.ANNUAL_FAIL): CertificateMove(_AUTHORITY, _C.SUSPENDED),
    (_C.RECTIFYING, _E.MISS_REPORT): CertificateMove(_SYSTEM, _C.SUSPENDED),
    (_C.RECTIFYING, _E.SUSPEND): CertificateMove(_AUTHORITY_OR_SYSTEM, _C.SUSPENDED),
    (_C.RECTIFYING, _E.EXPIRE): CertificateMove(_SYSTEM, _C.EXPIRED),
    (_C.SUSPENDED, _E.REINSTATE): CertificateMove(_AUTHORITY, _C.ACTIVE),
    (_C.SUSPENDED, _E.REVOKE): CertificateMove(_AUTHORITY, _C.REVOKED),
    (_C.SUSPENDED, _E.EXPIRE): CertificateMove(_SYSTEM, _C.EXPIRED),
    (_C.EXITING, _E.SUSPEND): CertificateMove(_AUTHORITY_OR_SYSTEM, _C.SUSPENDED),
    (_C.EXITING, _E.EXPIRE): CertificateMove(_SYSTEM, _C.EXPIRED),
    (_C.EXITING, _E.EXIT): CertificateMove(_BROKER, _C.EXITED),
}

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
}


def certificate_may_move(
    state: CertificateState | None, event: CertificateEvent, role: str
) -> CertificateState:
    """The state an event of this role leads to; None is the state before the first event.

    Raises CertificateWrongState, naming what the state allows, or CertificateWrongRole.
    """
    move = CERTIFICATE_MOVES.get((state, event))
    if move is None:
        allowed = sorted(e.value for s, e in CERTIFICATE_MOVES if s == state)
        raise CertificateWrongState(
            f"a certificate that is {state or 'not there yet'} does not take {event}",
            state=str(state),
            event=event.value,
            allowed=allowed,
        )
    if role not in move.roles:
        raise CertificateWrongRole(
            f"{event} is not an act of {role}", role=role, event=event.value, roles=sorted(move.roles)
        )
    return move.to


def mandate_may_move(state: MandateState | None, event: MandateEvent, role: str) -> MandateState:
    """The state an event of this role leads to; raises MandateWrongState or MandateWrongRole."""
    move = MANDATE_MOVES.get((state, event))
    if move is None:
        allowed = sorted(e.value for s, e in MANDATE_MOVES if s == state)
        raise MandateWrongState(
            f"a mandate that is {state or 'not there yet'} does not take {event}",
            state=str(state),
            event=event.value,
            allowed=allowed,
        )
    if role not in move.roles:
        raise MandateWrongRole(
            f"{event} is not an act of {role}", role=role, event=event.value, roles=sorted(move.roles)
        )
    return move.to
