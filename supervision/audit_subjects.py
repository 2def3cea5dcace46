"""The steps of data subjects' records as an auditor holds them, written again on purpose.

`audit_registry` joins them with the other steps of the first-level market; a test compares them with the
tables of the registry. Who may say what of whom, and that a withdrawal is settled by what was shown, is
asked here too.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from supervision.audit_case import Case, Check
from supervision.audit_entry import Sealed
from supervision.audit_report import Code

Moves = Mapping[tuple[str | None, str], tuple[frozenset[str], str | None]]
_EXCHANGE: Final = frozenset({"EXCHANGE_OPERATOR"})
_HOLDERS: Final = frozenset({"PROVIDER", "DATA_MERCHANT", "OPERATING_INSTITUTION", "PUBLIC_AGENCY"})
_RECEIVERS: Final = (
    _HOLDERS
    | _EXCHANGE
    | {"BUYER", "BROKER", "THIRD_PARTY", "REGISTRAR", "ESCROW", "DATA_AUTHORITY", "SAMR", "CAC"}
    | {"PUBLIC_SECURITY", "COURT", "REVIEW_AUTHORITY"}
)
_FALLEN: Final = ("WITHDRAWN", "ENDED")

TIE_MOVES: Final[Moves] = {
    (None, "SBT.INVITE"): (_HOLDERS, "INVITED"),
    ("INVITED", "SBT.TIE"): (_EXCHANGE, "TIED"),
    ("INVITED", "SBT.RECALL"): (_HOLDERS, "LAPSED"),
    ("INVITED", "SBT.LAPSE"): (_EXCHANGE, "LAPSED"),
}
WORDING_MOVES: Final[Moves] = {
    (None, "SCW.PUBLISH"): (_HOLDERS, "IN_FORCE"),
    ("IN_FORCE", "SCW.REPLACE"): (_EXCHANGE, "RETIRED"),
    ("IN_FORCE", "SCW.RETIRE"): (_HOLDERS, "RETIRED"),
}
GIVEN_MOVES: Final[Moves] = {
    (None, "SGC.GIVE"): (_EXCHANGE, "GIVEN"),
    **{
        (state, "SGC.SHOW"): (_HOLDERS | _EXCHANGE, state)
        for state in ("GIVEN", "WITHDRAWN", "SETTLED", "ENDED")
    },
    ("GIVEN", "SGC.WITHDRAW"): (_EXCHANGE, "WITHDRAWN"),
    ("GIVEN", "SGC.EXPIRE"): (_EXCHANGE, "ENDED"),
    **{(state, "SGC.OVERDUE"): (_EXCHANGE, state) for state in _FALLEN},
    **{(state, "SGC.SETTLE"): (_EXCHANGE, "SETTLED") for state in _FALLEN},
}
DELETION_MOVES: Final[Moves] = {
    (None, "SDD.TELL"): (_EXCHANGE, "TOLD"),
    ("TOLD", "SDD.OVERDUE"): (_EXCHANGE, "OVERDUE"),
    **{(state, "SDD.CONFIRM"): (_RECEIVERS, "CONFIRMED") for state in ("TOLD", "OVERDUE")},
}
ASKED_MOVES: Final[Moves] = {
    (None, "SRQ.SUBMIT"): (_EXCHANGE, "SUBMITTED"),
    ("SUBMITTED", "SRQ.ESCALATE"): (_EXCHANGE, "ESCALATED"),
    **{(state, "SRQ.ANSWER"): (_HOLDERS, "ANSWERED") for state in ("SUBMITTED", "ESCALATED")},
    **{(state, "SRQ.REFUSE"): (_HOLDERS, "REFUSED") for state in ("SUBMITTED", "ESCALATED")},
    ("ANSWERED", "SRQ.FINISH"): (_HOLDERS | _EXCHANGE, "DONE"),
    **{(state, "SRQ.COMPLAIN"): (_EXCHANGE, state) for state in ("ESCALATED", "ANSWERED", "REFUSED", "DONE")},
}
SUBJECT_MACHINES: Final[Mapping[str, tuple[str, Moves]]] = {
    "sbt_": ("tie of a person", TIE_MOVES),
    "scw_": ("wording of a consent", WORDING_MOVES),
    "sgc_": ("consent of a person", GIVEN_MOVES),
    "sdd_": ("duty to delete", DELETION_MOVES),
    "srq_": ("request of a person", ASKED_MOVES),
}


def words_of_persons_hold(case: Case) -> Check:
    """KEY: holders and receivers speak for themselves; what settles a withdrawal was shown by its holder."""
    while (batch := (yield)) is not None:
        for said in batch.said:
            judge = None if said is None else _JUDGES.get(said.event)
            if said is None or judge is None or said.seq in batch.blamed:
                continue
            for why in judge(case, said):
                if not case.torn:
                    case.problem(Code.KEY, why, seq=said.seq)


def _of_holder(case: Case, said: Sealed) -> Iterator[str]:
    del case
    if said.text("role") != "EXCHANGE_OPERATOR" and said.text("actor") != said.text("holder_id"):
        yield f"{said.event} is of another than the holder it names"


def _of_receiver(case: Case, said: Sealed) -> Iterator[str]:
    del case
    if said.text("actor") != said.text("receiver_id"):
        yield "a deletion is confirmed by another one than was told"


def _shown(case: Case, said: Sealed) -> Iterator[str]:
    yield from _of_holder(case, said)
    absent = said.text("actor") == said.text("holder_id") and said.predicate.get("present") is False
    case.memory.trades.put(
        f"shown/{said.object_id}", {"absent_in": said.text("consent_id") if absent else ""}
    )


def _settled(case: Case, said: Sealed) -> Iterator[str]:
    held: dict[str, Any] | None = case.memory.trades.get(f"shown/{said.object_id}")
    if held is None and case.memory.goes_on:
        return
    if held is None or held["absent_in"] != said.text("consent_id"):
        yield "a withdrawal is settled by a record that its holder has not shown to lack the person"


_JUDGES: Final[Mapping[str, Callable[[Case, Sealed], Iterator[str]]]] = {
    "SDD.CONFIRM": _of_receiver,
    "SGC.SHOW": _shown,
    "SGC.SETTLE": _settled,
    **dict.fromkeys(
        ("SBT.INVITE", "SBT.RECALL", "SCW.PUBLISH", "SCW.RETIRE", "SRQ.ANSWER", "SRQ.REFUSE", "SRQ.FINISH"),
        _of_holder,
    ),
}
