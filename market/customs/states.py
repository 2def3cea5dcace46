"""The states of a customs declaration (`XBD`), one table (`states.md` §3.6), drawn into `docs/customs.md`.

What that page leaves out is added: the exporter declares again what was returned or withdraws what is not
cleared, one officer takes a declaration up before anybody decides and may give it back, what nobody cleared
within its period lapses, and what customs orders to a halt may be ended from any live state.
The exchange's role stands for the system: router, gateway and clock.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from base.states import moved, taken
from market.customs.errors import DeclarationWrongRole, DeclarationWrongState


class DeclarationState(StrEnum):
    DECLARED = "DECLARED"
    ROUTED = "ROUTED"
    UNDER_CHECK = "UNDER_CHECK"
    UNDER_REVIEW = "UNDER_REVIEW"
    UNDER_ASSESSMENT = "UNDER_ASSESSMENT"
    CLEARED = "CLEARED"
    IN_TRANSIT = "IN_TRANSIT"
    COMPLETED = "COMPLETED"
    HALTED = "HALTED"
    REJECTED = "REJECTED"
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"
    WITHDRAWN = "WITHDRAWN"
    LAPSED = "LAPSED"


class DeclarationEvent(StrEnum):
    DECLARE = "DECLARE"
    REDECLARE = "REDECLARE"
    AUTO_ROUTE = "AUTO_ROUTE"
    RELEASE = "RELEASE"
    CHECK = "CHECK"
    ATTACH_EVIDENCE = "ATTACH_EVIDENCE"
    SUBMIT_ASSESSMENT = "SUBMIT_ASSESSMENT"
    TAKE = "TAKE"
    UNTAKE = "UNTAKE"
    SCAN = "SCAN"
    CLEAR = "CLEAR"
    RETURN = "RETURN"
    REJECT = "REJECT"
    REROUTE = "REROUTE"
    PASS = "PASS"  # noqa: S105 - an event, no password
    FAIL = "FAIL"
    TRANSFER_LOGGED = "TRANSFER_LOGGED"
    COMPLETE = "COMPLETE"
    HALT = "HALT"
    RESUME = "RESUME"
    REVOKE = "REVOKE"
    RENEW = "RENEW"
    EXPIRE = "EXPIRE"
    WITHDRAW = "WITHDRAW"
    LAPSE = "LAPSE"


@dataclass(frozen=True, slots=True)
class Move:
    """Who may cause the event, where it leads, under what guard and until when, in words."""

    roles: frozenset[str]
    to: DeclarationState
    guard: str = ""
    within: str = ""


_S = DeclarationState
_E = DeclarationEvent
EXPORTERS: Final = frozenset(
    {"PROVIDER", "DATA_MERCHANT", "THIRD_PARTY", "OPERATING_INSTITUTION", "PUBLIC_AGENCY"}
)
"""Who can send data abroad by this exchange, and so declares it."""
OFFICER: Final = frozenset({"CAC"})
_SYSTEM: Final = frozenset({"EXCHANGE_OPERATOR"})
LIVE: Final = (_S.CLEARED, _S.IN_TRANSIT)
"""The states in which data may leave under a declaration."""
LOOKED_AT: Final = (_S.UNDER_CHECK, _S.UNDER_REVIEW, _S.UNDER_ASSESSMENT)
PENDING: Final = (_S.DECLARED, _S.ROUTED, *LOOKED_AT)
COUNTED: Final = (*PENDING, *LIVE, _S.COMPLETED, _S.HALTED, _S.EXPIRED, _S.REVOKED)
"""The states whose persons count, as what was sent once has left: all but what was never cleared at all, and
of what ended unused what could leave by the gate alone (`repository.counted_in`).
"""
NEVER_LEFT: Final = (_S.REJECTED, _S.WITHDRAWN, _S.LAPSED)
"""The ends without a clearance: nothing left, and no list of persons is kept any longer."""

MOVES: Final[Mapping[tuple[DeclarationState | None, DeclarationEvent], Move]] = {
    (None, _E.DECLARE): Move(EXPORTERS | _SYSTEM, _S.DECLARED, "all fields of the declaration"),
    (_S.DECLARED, _E.REDECLARE): Move(EXPORTERS, _S.DECLARED, "what was returned, in full again"),
    (_S.DECLARED, _E.AUTO_ROUTE): Move(
        _SYSTEM, _S.ROUTED, "thirteen rules in order, counters of the group, negative lists"
    ),
    (_S.ROUTED, _E.RELEASE): Move(_SYSTEM, _S.CLEARED, "exempt; not drawn, no risk"),
    (_S.ROUTED, _E.CHECK): Move(_SYSTEM, _S.UNDER_CHECK, "exempt; drawn by lot, or of risk"),
    (_S.ROUTED, _E.ATTACH_EVIDENCE): Move(
        EXPORTERS,
        _S.UNDER_REVIEW,
        "contract, PIPIA, consent; a filing or certificate that is on the register",
    ),
    (_S.ROUTED, _E.SUBMIT_ASSESSMENT): Move(
        EXPORTERS, _S.UNDER_ASSESSMENT, "self-assessment report, by the provincial CAC"
    ),
    (_S.ROUTED, _E.REJECT): Move(_SYSTEM | OFFICER, _S.REJECTED, "prohibited"),
    **{
        (state, _E.TAKE): Move(
            OFFICER,
            state,
            "an officer who is not the exporter's; nobody has it, or has had it too long",
            "2 wd",
        )
        for state in LOOKED_AT
    },
    **{
        (state, _E.SCAN): Move(OFFICER | _SYSTEM, state, "a sample of what is sold; what was not declared")
        for state in (*LOOKED_AT, *LIVE)
    },
    **{(state, _E.UNTAKE): Move(OFFICER, state, "the officer who took it up") for state in LOOKED_AT},
    **{
        (state, event): Move(OFFICER, to, "the officer who took it up")
        for state in (_S.UNDER_CHECK, _S.UNDER_REVIEW)
        for event, to in (
            (_E.CLEAR, _S.CLEARED),
            (_E.RETURN, _S.DECLARED),
            (_E.REJECT, _S.REJECTED),
            (_E.REROUTE, _S.ROUTED),
        )
    },
    (_S.UNDER_ASSESSMENT, _E.PASS): Move(
        OFFICER, _S.CLEARED, "the officer who took it up; an assessment on the register", "3 years"
    ),
    (_S.UNDER_ASSESSMENT, _E.FAIL): Move(OFFICER, _S.REJECTED, "the officer who took it up"),
    **{
        (state, _E.TRANSFER_LOGGED): Move(_SYSTEM, _S.IN_TRANSIT, "no more than was declared")
        for state in LIVE
    },
    (_S.IN_TRANSIT, _E.COMPLETE): Move(
        _SYSTEM | EXPORTERS, _S.COMPLETED, "all was received, or the period is over"
    ),
    **{
        (state, _E.HALT): Move(
            OFFICER | _SYSTEM,
            _S.HALTED,
            "overrun, onward transfer, incident; its document has ended",
            "bites at once",
        )
        for state in (*LIVE, _S.COMPLETED)
    },
    (_S.HALTED, _E.RESUME): Move(OFFICER, _S.CLEARED, "its end has not come"),
    (_S.HALTED, _E.REVOKE): Move(OFFICER, _S.REVOKED, "a reason"),
    **{
        (state, _E.RENEW): Move(
            EXPORTERS, state, "a longer document on the register", "60 working days before the end"
        )
        for state in LIVE
    },
    (_S.CLEARED, _E.EXPIRE): Move(_SYSTEM, _S.EXPIRED, "nothing is on its way", "after its end"),
    **{(state, _E.WITHDRAW): Move(EXPORTERS, _S.WITHDRAWN, "it is not cleared yet") for state in PENDING},
    **{
        (state, _E.LAPSE): Move(
            _SYSTEM, _S.LAPSED, "its period is over and nobody has cleared it", "after its end"
        )
        for state in PENDING
    },
}


def allowed_to(state: DeclarationState, roles: Collection[str]) -> tuple[DeclarationEvent, ...]:
    """What a state takes of somebody with these roles, in the order of the table."""
    return taken(MOVES, state, roles)


def may_move(state: DeclarationState | None, event: DeclarationEvent, role: str) -> DeclarationState:
    """The state an event of this role leads to; None is the state before the first event.

    Raises DeclarationWrongState, naming what the state allows, or DeclarationWrongRole.
    """
    return moved(
        MOVES,
        state,
        event,
        role,
        says=f"a declaration that is {state or 'not there yet'} does not take {event}",
        wrong_state=DeclarationWrongState,
        wrong_role=DeclarationWrongRole,
    )
