"""The states of an authorised-operation grant (`AOG`), one table (`states.md` §3.8).

Drawn into `docs/operation.md`. What that page leaves out is added: a scheme is revised or given up, each
side signs by an act of its own, a scenario is refused or ended, an operator tells what it rectified, and the
clock states what is overdue. The exchange's role stands for the clock.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from base.states import moved, taken
from registry.operation.errors import GrantWrongRole, GrantWrongState


class GrantState(StrEnum):
    SCHEME_DRAFT = "SCHEME_DRAFT"
    SCHEME_APPROVED = "SCHEME_APPROVED"
    OPERATOR_SELECTED = "OPERATOR_SELECTED"
    GRANTED = "GRANTED"
    ACTIVE = "ACTIVE"
    RECTIFYING = "RECTIFYING"
    SUSPENDED = "SUSPENDED"
    TERMINATED = "TERMINATED"
    EXPIRED = "EXPIRED"


class GrantEvent(StrEnum):
    DRAFT_SCHEME = "DRAFT_SCHEME"
    REVISE_SCHEME = "REVISE_SCHEME"
    CONSENT = "CONSENT"
    DECIDE = "DECIDE"
    ABANDON = "ABANDON"
    SELECT = "SELECT"
    SIGN = "SIGN"
    COUNTERSIGN = "COUNTERSIGN"
    REGISTER_RESOURCES = "REGISTER_RESOURCES"
    ASK_SCENARIO = "ASK_SCENARIO"
    APPROVE_SCENARIO = "APPROVE_SCENARIO"
    REFUSE_SCENARIO = "REFUSE_SCENARIO"
    END_SCENARIO = "END_SCENARIO"
    TELL_OUTCOME = "TELL_OUTCOME"
    USE = "USE"
    ADD_PRODUCT = "ADD_PRODUCT"
    REGISTER_PRODUCT = "REGISTER_PRODUCT"
    SET_CAPS = "SET_CAPS"
    SET_PRICE = "SET_PRICE"
    DISCLOSE = "DISCLOSE"
    REPORT = "REPORT"
    OVERDUE = "OVERDUE"
    BREACH_FOUND = "BREACH_FOUND"
    RECTIFIED = "RECTIFIED"
    CLEAR = "CLEAR"
    SUSPEND = "SUSPEND"
    RESUME = "RESUME"
    TERMINATE = "TERMINATE"
    EVALUATE = "EVALUATE"
    RENEW = "RENEW"
    EXPIRE = "EXPIRE"


@dataclass(frozen=True, slots=True)
class Move:
    """Who may cause the event, where it leads, under what guard and until when, in words."""

    roles: frozenset[str]
    to: GrantState
    guard: str = ""
    within: str = ""


_S = GrantState
_E = GrantEvent
AGENCY: Final = frozenset({"PUBLIC_AGENCY"})
OPERATOR: Final = frozenset({"OPERATING_INSTITUTION"})
AUTHORITY: Final = frozenset({"DATA_AUTHORITY"})
FINDERS: Final = AGENCY | AUTHORITY
PARTIES: Final = AGENCY | OPERATOR
_CLOCK: Final = frozenset({"EXCHANGE_OPERATOR"})
LIVE: Final = (_S.ACTIVE, _S.RECTIFYING)
"""The states in which data is used and products are offered under a grant."""
HELD: Final = (_S.GRANTED, *LIVE, _S.SUSPENDED)
"""The states in which an operator holds a grant."""
ENDED: Final = (_S.TERMINATED, _S.EXPIRED)
PUBLIC: Final = tuple(state for state in GrantState if state is not _S.SCHEME_DRAFT)
"""The states in which a grant is everybody's to see."""
_ACCOUNTED: Final = (*LIVE, _S.SUSPENDED, *ENDED)


def _stays(event: GrantEvent, states: Collection[GrantState], roles: frozenset[str], *said: str) -> "Moves":
    return {(state, event): Move(roles, state, *said) for state in states}


def _to(
    event: GrantEvent, states: Collection[GrantState], roles: frozenset[str], to: GrantState, *said: str
) -> "Moves":
    return {(state, event): Move(roles, to, *said) for state in states}


Moves = dict[tuple[GrantState | None, GrantEvent], Move]

MOVES: Final[Mapping[tuple[GrantState | None, GrantEvent], Move]] = {
    (None, _E.DRAFT_SCHEME): Move(
        AGENCY, _S.SCHEME_DRAFT, "the twelve contents of Art 9; the data stands in agencies' lists"
    ),
    **_stays(_E.REVISE_SCHEME, (_S.SCHEME_DRAFT,), AGENCY, "consents are asked anew"),
    **_stays(_E.CONSENT, (_S.SCHEME_DRAFT,), AGENCY, "another agency whose data is used, once"),
    (_S.SCHEME_DRAFT, _E.DECIDE): Move(
        AGENCY,
        _S.SCHEME_APPROVED,
        "the chief data officer signs; the meeting's document; every consent; filed with the province",
    ),
    **_to(
        _E.ABANDON,
        (_S.SCHEME_DRAFT, _S.SCHEME_APPROVED, _S.OPERATOR_SELECTED),
        AGENCY,
        _S.TERMINATED,
        "before anything is granted; a reason",
    ),
    (_S.SCHEME_APPROVED, _E.SELECT): Move(
        AGENCY,
        _S.OPERATOR_SELECTED,
        "bidders and notice as the method asks; an operating institution; the best score",
    ),
    **_stays(
        _E.SIGN,
        (_S.OPERATOR_SELECTED,),
        AGENCY,
        "the thirteen contents of Art 14; no re-development; at most 5 years",
    ),
    (_S.OPERATOR_SELECTED, _E.COUNTERSIGN): Move(
        OPERATOR, _S.GRANTED, "the very agreement that the agency signed; filed with the province"
    ),
    (_S.GRANTED, _E.REGISTER_RESOURCES): Move(
        AGENCY, _S.ACTIVE, "a registration that stands for every resource"
    ),
    **_stays(_E.REGISTER_RESOURCES, LIVE, AGENCY, "a registration that stands for every resource"),
    **_stays(_E.ASK_SCENARIO, (_S.ACTIVE,), OPERATOR, "one scenario, one application"),
    **_stays(_E.APPROVE_SCENARIO, (_S.ACTIVE,), AGENCY, "within the grant's data and term"),
    **_stays(_E.REFUSE_SCENARIO, LIVE, AGENCY, "a reason"),
    **_stays(_E.END_SCENARIO, (*LIVE, _S.SUSPENDED), PARTIES, "a scenario that is approved"),
    **_stays(
        _E.TELL_OUTCOME, _ACCOUNTED, OPERATOR, "of a scenario that was approved; the newest takes its place"
    ),
    **_stays(
        _E.USE,
        LIVE,
        OPERATOR,
        "within scenario, data, fields, users, environment, purpose and term; else refused",
    ),
    **_stays(_E.ADD_PRODUCT, (_S.ACTIVE,), OPERATOR, "a product of the exchange, in one grant"),
    **_stays(
        _E.REGISTER_PRODUCT,
        LIVE,
        OPERATOR,
        "its own public registration, which stands",
        "20 working days after it is first provided",
    ),
    **_stays(
        _E.SET_CAPS,
        LIVE,
        AGENCY,
        "at their caps the products bring in no more than the permitted revenue; trial prices in the "
        "first year",
        "reviewed within 3 years",
    ),
    **_stays(_E.SET_PRICE, LIVE, OPERATOR, "at most the cap; nothing of what is free"),
    **_stays(_E.DISCLOSE, _ACCOUNTED, OPERATOR, "a year that is over, once", "31 March"),
    **_stays(
        _E.REPORT,
        _ACCOUNTED,
        AGENCY,
        "on the operator's accounts; above a tenth the caps must change",
        "31 March",
    ),
    **_stays(_E.OVERDUE, _ACCOUNTED, _CLOCK, "what was not disclosed, registered or reviewed in time"),
    **_to(
        _E.BREACH_FOUND,
        LIVE,
        FINDERS,
        _S.RECTIFYING,
        "scope, re-development, price, security, exclusion, disclosure; with evidence",
        "by the set date",
    ),
    **_stays(
        _E.RECTIFIED,
        (_S.RECTIFYING, _S.SUSPENDED),
        OPERATOR,
        "an open breach; with evidence",
        "by the set date",
    ),
    (_S.RECTIFYING, _E.CLEAR): Move(
        FINDERS, _S.ACTIVE, "by whom it was found; every open breach is rectified"
    ),
    (_S.RECTIFYING, _E.SUSPEND): Move(
        FINDERS | _CLOCK, _S.SUSPENDED, "a reason; by the clock where nothing was rectified", "after the date"
    ),
    (_S.SUSPENDED, _E.RESUME): Move(FINDERS, _S.ACTIVE, "by whom it was suspended; or the agency"),
    (_S.SUSPENDED, _E.TERMINATE): Move(
        AGENCY, _S.TERMINATED, "proof of destruction and of the hand-over; the products are delisted"
    ),
    **_stays(_E.EVALUATE, (_S.ACTIVE,), AGENCY, "a score and its report"),
    **_stays(
        _E.RENEW,
        (_S.ACTIVE,),
        AGENCY,
        "evaluated as passing within the last year; both signed; at most 5 years more",
    ),
    **_to(_E.EXPIRE, HELD, _CLOCK, _S.EXPIRED, "", "after the end of the term"),
}


def allowed_to(state: GrantState, roles: Collection[str]) -> tuple[GrantEvent, ...]:
    """What a state takes of somebody with these roles, in the order of the table."""
    return taken(MOVES, state, roles)


def may_move(state: GrantState | None, event: GrantEvent, role: str) -> GrantState:
    """The state an event of this role leads to; None is the state before the first event.

    Raises GrantWrongState, naming what the state allows, or GrantWrongRole.
    """
    return moved(
        MOVES,
        state,
        event,
        role,
        says=f"a grant that is {state or 'not there yet'} does not take {event}",
        wrong_state=GrantWrongState,
        wrong_role=GrantWrongRole,
    )
