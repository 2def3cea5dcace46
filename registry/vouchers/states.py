"""The states of an asset certificate (`CRT`) and of its type (`CTY`), one table each (`states.md` §3.7).

What that page leaves out is added: a subject declines, who asked takes it back, a type is proposed and
decided. What a natural person says is brought by the provider, with the digest of the signed paper. The
exchange's role stands for the clock and for the counter.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from base.states import moved, taken
from registry.vouchers.errors import VoucherWrongRole, VoucherWrongState


class TypeState(StrEnum):
    PROPOSED = "PROPOSED"
    IN_FORCE = "IN_FORCE"
    REFUSED = "REFUSED"
    REVOKED = "REVOKED"


class TypeEvent(StrEnum):
    PROPOSE = "PROPOSE"
    APPROVE = "APPROVE"
    REFUSE = "REFUSE"
    REVOKE = "REVOKE"


class VoucherState(StrEnum):
    REQUESTED = "REQUESTED"
    AUTHORISED = "AUTHORISED"
    GENERATED = "GENERATED"
    STORED = "STORED"
    PRESENTED = "PRESENTED"
    VERIFIED = "VERIFIED"
    EXHAUSTED = "EXHAUSTED"
    EXPIRED = "EXPIRED"
    REVOKED = "REVOKED"
    SUPERSEDED = "SUPERSEDED"
    CLOSED = "CLOSED"


class VoucherEvent(StrEnum):
    REQUEST = "REQUEST"
    DECLINE = "DECLINE"
    CANCEL = "CANCEL"
    AUTHORISE = "AUTHORISE"
    GENERATE = "GENERATE"
    CORRECT = "CORRECT"
    STORE = "STORE"
    PRESENT = "PRESENT"
    VERIFY = "VERIFY"
    EXHAUST = "EXHAUST"
    EXPIRE = "EXPIRE"
    REVOKE = "REVOKE"
    SUPERSEDE = "SUPERSEDE"


@dataclass(frozen=True, slots=True)
class Move:
    """Who may cause the event, where it leads, under what guard and until when, in words."""

    roles: frozenset[str]
    to: StrEnum
    guard: str = ""
    within: str = ""


_T = TypeState
_S = VoucherState
_E = VoucherEvent
AUTHORITY: Final = frozenset({"DATA_AUTHORITY"})
PROVIDERS: Final = frozenset({"PROVIDER", "PUBLIC_AGENCY", "OPERATING_INSTITUTION"})
"""Who has data about others from its services or duties."""
MEMBERS: Final = PROVIDERS | {"BUYER", "BROKER", "DATA_MERCHANT", "THIRD_PARTY"}
"""Who can be the subject of a certificate, or its user."""
_COURT: Final = frozenset({"COURT"})
_CLOCK: Final = frozenset({"EXCHANGE_OPERATOR"})
_GOOD: Final = (_S.GENERATED, _S.STORED, _S.PRESENTED, _S.VERIFIED)
"""There is a document, and it can still be used."""
LIVE: Final = (_S.REQUESTED, _S.AUTHORISED, *_GOOD)
ENDED: Final = (_S.EXHAUSTED, _S.EXPIRED, _S.REVOKED, _S.SUPERSEDED, _S.CLOSED)
TAKEN_BACK: Final = (_S.EXHAUSTED, _S.REVOKED, _S.SUPERSEDED)
"""The states that the status list tells; that a certificate has expired it says itself."""
USABLE: Final = (_S.PRESENTED, _S.VERIFIED)

TYPE_MOVES: Final[Mapping[tuple[TypeState | None, TypeEvent], Move]] = {
    (None, TypeEvent.PROPOSE): Move(
        PROVIDERS, _T.PROPOSED, "signed by the agency's chief data officer; of a utility by its own officer"
    ),
    (_T.PROPOSED, TypeEvent.APPROVE): Move(AUTHORITY, _T.IN_FORCE, "not its own proposal"),
    (_T.PROPOSED, TypeEvent.REFUSE): Move(AUTHORITY, _T.REFUSED, "a reason"),
    (_T.IN_FORCE, TypeEvent.REVOKE): Move(
        AUTHORITY, _T.REVOKED, "a reason; no certificate of it is taken any more"
    ),
}

MOVES: Final[Mapping[tuple[VoucherState | None, VoucherEvent], Move]] = {
    (None, _E.REQUEST): Move(
        MEMBERS, _S.REQUESTED, "by the user or the subject; a type in force, within what it allows"
    ),
    (None, _E.CORRECT): Move(
        PROVIDERS, _S.GENERATED, "in the place of a superseded one, under the same authorisation"
    ),
    (_S.REQUESTED, _E.DECLINE): Move(MEMBERS, _S.CLOSED, "the subject's word"),
    (_S.REQUESTED, _E.CANCEL): Move(MEMBERS, _S.CLOSED, "the word of who asked"),
    (_S.REQUESTED, _E.AUTHORISE): Move(
        MEMBERS,
        _S.AUTHORISED,
        "the subject signs user, purpose, items, period, validity and uses: what was asked, or less",
        "30 days",
    ),
    (_S.AUTHORISED, _E.GENERATE): Move(
        PROVIDERS,
        _S.GENERATED,
        "the provider signs; level and quality as the type asks; digests alone go to the ledger",
        "while the authorisation lives",
    ),
    (_S.GENERATED, _E.STORE): Move(MEMBERS, _S.STORED, "the subject takes it into its wallet"),
    **{
        (state, _E.PRESENT): Move(
            MEMBERS,
            state if state is _S.VERIFIED else _S.PRESENTED,
            "the holder's key signs, to the user alone",
        )
        for state in (_S.STORED, _S.PRESENTED, _S.VERIFIED)
    },
    **{
        (state, _E.VERIFY): Move(
            MEMBERS,
            _S.VERIFIED,
            "proof, user, purpose, type, state, validity, uses left; counted in the same UPDATE",
        )
        for state in USABLE
    },
    (_S.VERIFIED, _E.EXHAUST): Move(_CLOCK, _S.EXHAUSTED, "the last use was made"),
    **{(state, _E.EXPIRE): Move(_CLOCK, _S.EXPIRED, "", "after its last day") for state in LIVE},
    **{
        (state, _E.REVOKE): Move(
            MEMBERS | _COURT,
            _S.REVOKED,
            "the subject withdraws, the provider finds an error, a court orders it",
        )
        for state in (_S.AUTHORISED, *_GOOD)
    },
    (_S.EXHAUSTED, _E.REVOKE): Move(
        MEMBERS, _S.REVOKED, "the subject withdraws: what its user was shown is readable no more"
    ),
    **{
        (state, _E.SUPERSEDE): Move(
            PROVIDERS, _S.SUPERSEDED, "the data was corrected; a new one stands for it"
        )
        for state in _GOOD
    },
}


def allowed_to(state: VoucherState, roles: Collection[str]) -> tuple[VoucherEvent, ...]:
    """What a state takes of somebody with these roles, in the order of the table."""
    return taken(MOVES, state, roles)


def may_move(state: VoucherState | None, event: VoucherEvent, role: str) -> VoucherState:
    """The state an event of this role leads to; None is the state before the first event.

    Raises VoucherWrongState, naming what the state allows, or VoucherWrongRole.
    """
    return VoucherState(
        moved(
            MOVES,
            state,
            event,
            role,
            says=f"what is {state or 'not there yet'} does not take {event}",
            wrong_state=VoucherWrongState,
            wrong_role=VoucherWrongRole,
        )
    )


def may_move_type(state: TypeState | None, event: TypeEvent, role: str) -> TypeState:
    """The state of a type that an event of this role leads to. Raises as `may_move`."""
    return TypeState(
        moved(
            TYPE_MOVES,
            state,
            event,
            role,
            says=f"what is {state or 'not there yet'} does not take {event}",
            wrong_state=VoucherWrongState,
            wrong_role=VoucherWrongRole,
        )
    )
