"""The steps of data subjects' records as an auditor holds them, written again on purpose.

`audit_registry` joins them with the other steps of the first-level market; a test compares them with the
tables of the registry.
"""

from collections.abc import Mapping
from typing import Final

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
