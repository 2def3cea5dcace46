"""The machines of data subjects (`requirements.md` R58, C26), each one table, drawn into `docs/subjects.md`.

What a person says is stated by the exchange, at the person's own signed word: the ledger names nobody. The
exchange's role stands for the clock as well.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from base.states import moved
from identity.rules import Role
from registry.subjects.errors import SubjectWrongRole, SubjectWrongState


class TieState(StrEnum):
    """A holder's pseudonym of a person, and the person who answers to it."""

    INVITED = "INVITED"
    TIED = "TIED"
    LAPSED = "LAPSED"


class TieEvent(StrEnum):
    INVITE = "INVITE"
    TIE = "TIE"
    RECALL = "RECALL"
    LAPSE = "LAPSE"


class WordingState(StrEnum):
    IN_FORCE = "IN_FORCE"
    RETIRED = "RETIRED"


class WordingEvent(StrEnum):
    PUBLISH = "PUBLISH"
    REPLACE = "REPLACE"
    RETIRE = "RETIRE"


class GivenState(StrEnum):
    """A person's own consent; SETTLED: it fell, and the holder has shown a record without the person."""

    GIVEN = "GIVEN"
    WITHDRAWN = "WITHDRAWN"
    SETTLED = "SETTLED"
    ENDED = "ENDED"


class GivenEvent(StrEnum):
    GIVE = "GIVE"
    SHOW = "SHOW"
    WITHDRAW = "WITHDRAW"
    OVERDUE = "OVERDUE"
    SETTLE = "SETTLE"
    EXPIRE = "EXPIRE"


class DeletionState(StrEnum):
    """Whoever received the data is told that a person has withdrawn, deletes, and confirms."""

    TOLD = "TOLD"
    OVERDUE = "OVERDUE"
    CONFIRMED = "CONFIRMED"


class DeletionEvent(StrEnum):
    TELL = "TELL"
    OVERDUE = "OVERDUE"
    CONFIRM = "CONFIRM"


class AskedState(StrEnum):
    """A person's request to a holder (PIPL 44-50)."""

    SUBMITTED = "SUBMITTED"
    ESCALATED = "ESCALATED"
    ANSWERED = "ANSWERED"
    REFUSED = "REFUSED"
    DONE = "DONE"


class AskedEvent(StrEnum):
    SUBMIT = "SUBMIT"
    ANSWER = "ANSWER"
    REFUSE = "REFUSE"
    ESCALATE = "ESCALATE"
    FINISH = "FINISH"
    COMPLAIN = "COMPLAIN"


@dataclass(frozen=True, slots=True)
class Move:
    """Who may cause the event, where it leads, under what guard and until when, in words."""

    roles: frozenset[str]
    to: StrEnum
    guard: str = ""
    within: str = ""


Moves = Mapping[tuple[StrEnum | None, StrEnum], Move]
HOLDERS: Final = frozenset({"PROVIDER", "DATA_MERCHANT", "OPERATING_INSTITUTION", "PUBLIC_AGENCY"})
"""Who handles persons' data here (数据控制方)."""
EXCHANGE: Final = frozenset({"EXCHANGE_OPERATOR"})
"""At a person's own word, or by the clock."""
RECEIVERS: Final = frozenset(role.value for role in Role if role is not Role.AUDITOR)
"""Whoever has received data under a contract (数据使用方)."""

_T, _TE = TieState, TieEvent
_W, _WE = WordingState, WordingEvent
_G, _GE = GivenState, GivenEvent
_D, _DE = DeletionState, DeletionEvent
_A, _AE = AskedState, AskedEvent
WAITING: Final = (_A.SUBMITTED, _A.ESCALATED)
FALLEN: Final = (_G.WITHDRAWN, _G.ENDED)
"""The states of a consent that carries nothing, while a version without the person is awaited."""

TIE_MOVES: Final[Moves] = {
    (None, _TE.INVITE): Move(HOLDERS, _T.INVITED, "a pseudonym that the holder has not used", "30 days"),
    (_T.INVITED, _TE.TIE): Move(EXCHANGE, _T.TIED, "the person's word, with the invitation's code"),
    (_T.INVITED, _TE.RECALL): Move(HOLDERS, _T.LAPSED, "who invited"),
    (_T.INVITED, _TE.LAPSE): Move(EXCHANGE, _T.LAPSED, "", "after 30 days"),
}
WORDING_MOVES: Final[Moves] = {
    (None, _WE.PUBLISH): Move(HOLDERS, _W.IN_FORCE, "one thing asked; all told that the law wants told"),
    (_W.IN_FORCE, _WE.REPLACE): Move(EXCHANGE, _W.RETIRED, "the next version is published"),
    (_W.IN_FORCE, _WE.RETIRE): Move(HOLDERS, _W.RETIRED, "whose it is"),
}
GIVEN_MOVES: Final[Moves] = {
    (None, _GE.GIVE): Move(EXCHANGE, _G.GIVEN, "the person's word; what was asked, or less"),
    **{
        (state, _GE.SHOW): Move(HOLDERS | EXCHANGE, state, "a Merkle path: in the record cited, or not in it")
        for state in (_G.GIVEN, _G.WITHDRAWN, _G.SETTLED, _G.ENDED)
    },
    (_G.GIVEN, _GE.WITHDRAW): Move(EXCHANGE, _G.WITHDRAWN, "the person's word; deliveries stop at once"),
    **{
        key: move
        for state in (_G.WITHDRAWN, _G.ENDED)
        for key, move in (
            ((state, _GE.OVERDUE), Move(EXCHANGE, state, "no version without the person", "15 wd")),
            (
                (state, _GE.SETTLE),
                Move(EXCHANGE, _G.SETTLED, "the holder has shown a record without the person"),
            ),
        )
    },
    (_G.GIVEN, _GE.EXPIRE): Move(EXCHANGE, _G.ENDED, "its period is over; deliveries stop at once"),
}
DELETION_MOVES: Final[Moves] = {
    (None, _DE.TELL): Move(EXCHANGE, _D.TOLD, "a consent was withdrawn; a keyed entry of the person"),
    (_D.TOLD, _DE.OVERDUE): Move(EXCHANGE, _D.OVERDUE, "", "after 10 wd"),
    **{
        (state, _DE.CONFIRM): Move(RECEIVERS, _D.CONFIRMED, "who was told, by its own signature")
        for state in (_D.TOLD, _D.OVERDUE)
    },
}
ASKED_MOVES: Final[Moves] = {
    (None, _AE.SUBMIT): Move(EXCHANGE, _A.SUBMITTED, "the person's word", "15 wd, or 30 days"),
    (_A.SUBMITTED, _AE.ESCALATE): Move(EXCHANGE, _A.ESCALATED, "no answer", "after the time limit"),
    **{
        key: move
        for state in WAITING
        for key, move in (
            ((state, _AE.ANSWER), Move(HOLDERS, _A.ANSWERED, "who was asked")),
            ((state, _AE.REFUSE), Move(HOLDERS, _A.REFUSED, "a reason of the law, told to the person")),
        )
    },
    (_A.ANSWERED, _AE.FINISH): Move(HOLDERS | EXCHANGE, _A.DONE, "carried out; or the person says so"),
    **{
        (state, _AE.COMPLAIN): Move(EXCHANGE, state, "the person's word: a case of the authority (PIPL 65)")
        for state in (_A.ESCALATED, _A.ANSWERED, _A.REFUSED, _A.DONE)
    },
}
MACHINES: Final[Mapping[str, tuple[str, Moves]]] = {
    "SBT": ("tie of a person", TIE_MOVES),
    "SCW": ("wording of a consent", WORDING_MOVES),
    "SGC": ("consent of a person", GIVEN_MOVES),
    "SDD": ("duty to delete", DELETION_MOVES),
    "SRQ": ("request of a person", ASKED_MOVES),
}


def may_move(moves: Moves, state: StrEnum | None, event: StrEnum, role: str) -> StrEnum:
    """The state an event of this role leads to. Raises SubjectWrongState, SubjectWrongRole."""
    return moved(
        moves,
        state,
        event,
        role,
        says=f"{state or 'nothing yet'} does not take {event}",
        wrong_state=SubjectWrongState,
        wrong_role=SubjectWrongRole,
        in_order=True,
    )
