"""The states of an entry of the open list (`OPN`) and of an agreement on it (`OPA`); `states.md` §3.9.

Two tables, drawn into `docs/opening.md`. What §3.9 leaves out is added: an entry that was suspended is
reviewed again before it opens again; what an authority suspended that authority lets go first; users are
named, and accesses are stated. The exchange's role stands for the clock and for what it counts.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Generic, TypeVar

from base.states import moved, taken
from identity.rules import Role
from registry.opening.errors import OpeningWrongRole, OpeningWrongState


class OpenState(StrEnum):
    PROPOSED = "PROPOSED"
    REVIEWED = "REVIEWED"
    OPEN = "OPEN"
    TARGETED = "TARGETED"
    AUTHORISED = "AUTHORISED"
    NOT_OPEN = "NOT_OPEN"
    SUSPENDED = "SUSPENDED"
    RETIRED = "RETIRED"


class OpenEvent(StrEnum):
    PROPOSE = "PROPOSE"
    REVIEW = "REVIEW"
    OPEN = "OPEN"
    TARGET = "TARGET"
    AUTHORISE = "AUTHORISE"
    REFUSE = "REFUSE"
    NAME = "NAME"
    UNNAME = "UNNAME"
    ACCESS = "ACCESS"
    USAGE = "USAGE"
    RENEW = "RENEW"
    SUSPEND = "SUSPEND"
    RELEASE = "RELEASE"
    RETIRE = "RETIRE"


class AgreementState(StrEnum):
    OFFERED = "OFFERED"
    SIGNED = "SIGNED"
    DECLINED = "DECLINED"
    ENDED = "ENDED"
    EXPIRED = "EXPIRED"


class AgreementEvent(StrEnum):
    OFFER = "OFFER"
    SIGN = "SIGN"
    DECLINE = "DECLINE"
    END = "END"
    EXPIRE = "EXPIRE"


StateT = TypeVar("StateT", bound=StrEnum)
EventT = TypeVar("EventT", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Move(Generic[StateT]):
    """Who may cause the event, where it leads, under what guard."""

    roles: frozenset[str]
    to: StateT
    guard: str = ""


_S = OpenState
_E = OpenEvent
AGENCY: Final = frozenset({Role.PUBLIC_AGENCY.value})
AUTHORITIES: Final = frozenset({Role.DATA_AUTHORITY.value, Role.CAC.value})
EXCHANGE: Final = frozenset({Role.EXCHANGE_OPERATOR.value})
USERS: Final = frozenset(
    role.value
    for role in (
        Role.PROVIDER,
        Role.BUYER,
        Role.BROKER,
        Role.DATA_MERCHANT,
        Role.THIRD_PARTY,
        Role.OPERATING_INSTITUTION,
        Role.PUBLIC_AGENCY,
    )
)
"""Who can be named, or agree: who uses data on the exchange."""
STANDING: Final = (_S.OPEN, _S.TARGETED, _S.AUTHORISED)
"""In the public catalogue."""
LIVE: Final = tuple(state for state in OpenState if state not in {_S.NOT_OPEN, _S.RETIRED})
SERVING: Final = (_S.REVIEWED, *STANDING)
"""Has a reviewed file, which a scanned one may take the place of."""
_HAD: Final = (*STANDING, _S.SUSPENDED, _S.RETIRED, _S.REVIEWED)

MOVES: Final[Mapping[tuple[OpenState | None, OpenEvent], Move[OpenState]]] = {
    (None, _E.PROPOSE): Move(AGENCY, _S.PROPOSED, "its own listed data; the level goes through the channel"),
    (_S.PROPOSED, _E.REVIEW): Move(AGENCY, _S.REVIEWED, "the chief data officer, who did not propose it"),
    (_S.SUSPENDED, _E.REVIEW): Move(
        AGENCY, _S.REVIEWED, "the chief data officer, anew; no authority holds it"
    ),
    (_S.REVIEWED, _E.OPEN): Move(AGENCY, _S.OPEN, "as reviewed; mounted; level and catalogue asked again"),
    (_S.REVIEWED, _E.TARGET): Move(AGENCY, _S.TARGETED, "as reviewed; mounted; level asked again"),
    (_S.REVIEWED, _E.AUTHORISE): Move(AGENCY, _S.AUTHORISED, "as reviewed; mounted; level asked again"),
    **{
        (state, _E.REFUSE): Move(AGENCY, _S.NOT_OPEN, "the chief data officer, with the law it rests on")
        for state in (_S.PROPOSED, _S.REVIEWED)
    },
    (_S.TARGETED, _E.NAME): Move(AGENCY, _S.TARGETED, "a member, for purposes, until a day"),
    (_S.TARGETED, _E.UNNAME): Move(AGENCY, _S.TARGETED, "a user who is named"),
    **{
        (state, _E.ACCESS): Move(EXCHANGE, state, "a user, a purpose; the first of a day")
        for state in (_S.TARGETED, _S.AUTHORISED)
    },
    **{
        (state, _E.RENEW): Move(EXCHANGE, state, "a newly mounted file was scanned; its level fits")
        for state in SERVING
    },
    **{(state, _E.USAGE): Move(EXCHANGE, state, "counted; once a day that had any") for state in _HAD},
    **{
        (state, _E.SUSPEND): Move(
            AGENCY | AUTHORITIES | EXCHANGE, _S.SUSPENDED, "a reason; the exchange when a level is raised"
        )
        for state in STANDING
    },
    (_S.SUSPENDED, _E.RELEASE): Move(AUTHORITIES, _S.SUSPENDED, "the authority that suspended it"),
    **{
        (state, _E.RETIRE): Move(AGENCY, _S.RETIRED, "a reason")
        for state in OpenState
        if state is not _S.RETIRED
    },
}
_A = AgreementState
AGREEMENT_MOVES: Final[Mapping[tuple[AgreementState | None, AgreementEvent], Move[AgreementState]]] = {
    (None, AgreementEvent.OFFER): Move(AGENCY, _A.OFFERED, "of an entry for authorised opening; one a user"),
    (_A.OFFERED, AgreementEvent.SIGN): Move(USERS, _A.SIGNED, "the user, the same policy by its digest"),
    (_A.OFFERED, AgreementEvent.DECLINE): Move(USERS, _A.DECLINED, "the user"),
    **{
        (state, AgreementEvent.END): Move(USERS, _A.ENDED, "the agency or the user, with a reason")
        for state in (_A.OFFERED, _A.SIGNED)
    },
    (_A.SIGNED, AgreementEvent.EXPIRE): Move(EXCHANGE, _A.EXPIRED, "after its last day"),
}
IN_FORCE: Final = (_A.OFFERED, _A.SIGNED)


def may_move(state: OpenState | None, event: OpenEvent, role: str) -> OpenState:
    """The state an event of this role leads to. Raises OpeningWrongState, OpeningWrongRole."""
    return moved(
        MOVES,
        state,
        event,
        role,
        says=f"an entry that is {state or 'not there yet'} does not take {event}",
        wrong_state=OpeningWrongState,
        wrong_role=OpeningWrongRole,
    )


def may_move_agreement(state: AgreementState | None, event: AgreementEvent, role: str) -> AgreementState:
    """The same of an agreement."""
    return moved(
        AGREEMENT_MOVES,
        state,
        event,
        role,
        says=f"an agreement that is {state or 'not there yet'} does not take {event}",
        wrong_state=OpeningWrongState,
        wrong_role=OpeningWrongRole,
    )


def allowed_to(state: OpenState, roles: Collection[str]) -> tuple[OpenEvent, ...]:
    """What a state takes of somebody with these roles, in the order of the table."""
    return taken(MOVES, state, roles)
