"""The states of a registration (`REG`), one table (`states.md` §3.1), drawn into `docs/registration.md`.

What that page leaves out is added: co-holders confirm, a review is extended, what is late is stated as
overdue, an applicant withdraws, a right ends before the others do, and a change, a transfer, a renewal or a
cancellation is asked for by the holder before the registrar enters it. The exchange's role stands for the
clock: silence is acceptance.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from base.states import moved, taken
from identity.rules import Role
from registry.registration.errors import RegistrationWrongRole, RegistrationWrongState


class RegistrationState(StrEnum):
    SUBMITTED = "SUBMITTED"
    NEEDS_SUPPLEMENT = "NEEDS_SUPPLEMENT"
    UNDER_REVIEW = "UNDER_REVIEW"
    PUBLIC_NOTICE = "PUBLIC_NOTICE"
    OBJECTED = "OBJECTED"
    REFUSED = "REFUSED"
    CLOSED = "CLOSED"
    REGISTERED = "REGISTERED"
    DISPUTED = "DISPUTED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"
    REVOKED = "REVOKED"


class RegistrationEvent(StrEnum):
    APPLY = "APPLY"
    CONFIRM = "CONFIRM"
    ACCEPT = "ACCEPT"
    SUPPLEMENT = "SUPPLEMENT"
    RESUBMIT = "RESUBMIT"
    LAPSE = "LAPSE"
    WITHDRAW = "WITHDRAW"
    EXTEND = "EXTEND"
    OVERDUE = "OVERDUE"
    REFUSE = "REFUSE"
    PUBLISH = "PUBLISH"
    OBJECT = "OBJECT"
    UPHOLD = "UPHOLD"
    DISMISS = "DISMISS"
    DEPOSIT_AND_ISSUE = "DEPOSIT_AND_ISSUE"
    ASK = "ASK"
    AGREE = "AGREE"
    DECLINE = "DECLINE"
    CHANGE = "CHANGE"
    TRANSFER = "TRANSFER"
    RENEW = "RENEW"
    ANNOTATE = "ANNOTATE"
    PLEDGE = "PLEDGE"
    RELEASE = "RELEASE"
    OBJECT_LATE = "OBJECT_LATE"
    RESOLVE_KEEP = "RESOLVE_KEEP"
    RESOLVE_CANCEL = "RESOLVE_CANCEL"
    END_RIGHT = "END_RIGHT"
    EXPIRE = "EXPIRE"
    CANCEL = "CANCEL"
    REVOKE = "REVOKE"


@dataclass(frozen=True, slots=True)
class Move:
    """Who may cause the event, where it leads, under what guard and until when, in words."""

    roles: frozenset[str]
    to: RegistrationState
    guard: str = ""
    within: str = ""


_S = RegistrationState
_E = RegistrationEvent
REGISTRAR: Final = frozenset({"REGISTRAR"})
_CLOCK: Final = frozenset({"EXCHANGE_OPERATOR"})
HOLDERS: Final = frozenset(
    {"PROVIDER", "BUYER", "BROKER", "DATA_MERCHANT", "THIRD_PARTY", "OPERATING_INSTITUTION", "PUBLIC_AGENCY"}
)
"""Who can have a right in data, and so apply for its registration."""
ANYONE: Final = frozenset(role.value for role in Role if role is not Role.AUDITOR)  # who only reads
UNDER_WAY: Final = (_S.SUBMITTED, _S.NEEDS_SUPPLEMENT, _S.UNDER_REVIEW, _S.PUBLIC_NOTICE, _S.OBJECTED)
"""The states of an application that is under way."""
STANDING: Final = (_S.REGISTERED, _S.DISPUTED)
"""The states of a registration that has not ended; only the first carries a listing."""
NOTICED: Final = (_S.PUBLIC_NOTICE, _S.OBJECTED)
PUBLIC: Final = (*NOTICED, *STANDING, _S.EXPIRED, _S.CANCELLED, _S.REVOKED)
"""The states in which a registration is everybody's to see."""

MOVES: Final[Mapping[tuple[RegistrationState | None, RegistrationEvent], Move]] = {
    (None, _E.APPLY): Move(
        HOLDERS, _S.SUBMITTED, "the declaration is complete, the sample has its digest; the source gives it"
    ),
    **{
        (state, _E.CONFIRM): Move(HOLDERS, state, "a holder that the declaration names, once")
        for state in (_S.SUBMITTED, _S.NEEDS_SUPPLEMENT, _S.UNDER_REVIEW)
    },
    (_S.SUBMITTED, _E.ACCEPT): Move(
        REGISTRAR | _CLOCK, _S.UNDER_REVIEW, "not its own data", "3 working days; then silence accepts"
    ),
    (_S.SUBMITTED, _E.SUPPLEMENT): Move(
        REGISTRAR, _S.NEEDS_SUPPLEMENT, "all gaps told at once, and once", "3 working days"
    ),
    (_S.NEEDS_SUPPLEMENT, _E.RESUBMIT): Move(HOLDERS, _S.SUBMITTED, "what was missing", "by the set date"),
    (_S.NEEDS_SUPPLEMENT, _E.LAPSE): Move(_CLOCK, _S.CLOSED, "nothing came", "after the set date"),
    **{(state, _E.WITHDRAW): Move(HOLDERS, _S.CLOSED, "the applicant's word") for state in UNDER_WAY},
    (_S.UNDER_REVIEW, _E.EXTEND): Move(
        REGISTRAR, _S.UNDER_REVIEW, "once, with a reason; property rights", "10 working days more"
    ),
    (_S.UNDER_REVIEW, _E.REFUSE): Move(REGISTRAR, _S.REFUSED, "a reason of Art 22"),
    (_S.UNDER_REVIEW, _E.PUBLISH): Move(
        REGISTRAR,
        _S.PUBLIC_NOTICE,
        "every named holder has confirmed; nobody else claims the same data",
        "10 (+10) working days; of public data 20",
    ),
    **{
        (state, _E.OVERDUE): Move(_CLOCK, state, "not decided in time", "after the deadline")
        for state in (_S.UNDER_REVIEW, _S.OBJECTED)
    },
    **{
        (state, _E.OBJECT): Move(
            ANYONE,
            _S.OBJECTED,
            "by name, with evidence",
            "5 working days of notice; of public data 10",
        )
        for state in (_S.PUBLIC_NOTICE, _S.OBJECTED)
    },
    (_S.OBJECTED, _E.UPHOLD): Move(REGISTRAR, _S.REFUSED, "another officer, with reasons", "10 working days"),
    (_S.OBJECTED, _E.DISMISS): Move(
        REGISTRAR,
        _S.PUBLIC_NOTICE,
        "another officer, with reasons, on all that are open",
        "10 working days",
    ),
    (_S.PUBLIC_NOTICE, _E.DEPOSIT_AND_ISSUE): Move(
        REGISTRAR,
        _S.REGISTERED,
        "the notice is over, no objection is open; an operated product's public code stands",
        "for up to 5 years; of public data 3",
    ),
    (_S.REGISTERED, _E.ASK): Move(
        HOLDERS, _S.REGISTERED, "a holder: a change, a transfer, a renewal in its window, a cancellation"
    ),
    (_S.REGISTERED, _E.AGREE): Move(HOLDERS, _S.REGISTERED, "who is to hold the right from now on"),
    (_S.REGISTERED, _E.DECLINE): Move(REGISTRAR, _S.REGISTERED, "a reason"),
    (_S.REGISTERED, _E.CHANGE): Move(REGISTRAR, _S.REGISTERED, "a holder asked for it"),
    (_S.REGISTERED, _E.TRANSFER): Move(
        REGISTRAR, _S.REGISTERED, "asked and agreed to; neither pledged nor preserved; nothing is kept back"
    ),
    (_S.REGISTERED, _E.RENEW): Move(
        REGISTRAR,
        _S.REGISTERED,
        "asked in time",
        "6 months to 1 day before the end; of public data 60 days",
    ),
    **{
        (state, _E.ANNOTATE): Move(REGISTRAR, state, "a term, a court's or an authority's order, the law")
        for state in STANDING
    },
    (_S.REGISTERED, _E.PLEDGE): Move(REGISTRAR, _S.REGISTERED, "a right that is held; the creditor named"),
    **{(state, _E.RELEASE): Move(REGISTRAR, state, "an annotation that stands") for state in STANDING},
    **{
        (state, _E.OBJECT_LATE): Move(
            ANYONE, _S.DISPUTED, "by name, with evidence", "the holder hears of it in 5 working days"
        )
        for state in STANDING
    },
    (_S.DISPUTED, _E.RESOLVE_KEEP): Move(REGISTRAR, _S.REGISTERED, "with reasons, or a court's ruling"),
    (_S.DISPUTED, _E.RESOLVE_CANCEL): Move(REGISTRAR, _S.CANCELLED, "with reasons, or a court's ruling"),
    **{
        (state, _E.END_RIGHT): Move(_CLOCK, state, "a right of one holder; the others stand", "after its end")
        for state in STANDING
    },
    (_S.REGISTERED, _E.CANCEL): Move(REGISTRAR, _S.CANCELLED, "the holders asked for it; nothing is pledged"),
    **{
        (state, _E.REVOKE): Move(
            REGISTRAR, _S.REVOKED, "concealment, a false proof, tampering, gain by illegal means"
        )
        for state in STANDING
    },
    **{(state, _E.EXPIRE): Move(_CLOCK, _S.EXPIRED, "", "after its end") for state in STANDING},
}


def allowed_to(state: RegistrationState, roles: Collection[str]) -> tuple[RegistrationEvent, ...]:
    """What a state takes of somebody with these roles, in the order of the table."""
    return taken(MOVES, state, roles)


def may_move(state: RegistrationState | None, event: RegistrationEvent, role: str) -> RegistrationState:
    """The state an event of this role leads to; None is the state before the first event.

    Raises RegistrationWrongState, naming what the state allows, or RegistrationWrongRole.
    """
    return moved(
        MOVES,
        state,
        event,
        role,
        says=f"a registration that is {state or 'not there yet'} does not take {event}",
        wrong_state=RegistrationWrongState,
        wrong_role=RegistrationWrongRole,
    )
