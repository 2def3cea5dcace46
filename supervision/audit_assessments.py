"""KEY: the duties of security as an auditor holds them: their steps, and what the steps alone do not show.

The tables are written here again on purpose (`audit_registry`). Beside them: each access to a confidential
item follows the one before and is its holder's or an admitted member's; a review is concluded by who it was
handed to, a security review by another organisation; nobody assesses the same handler a fourth time running.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from supervision.audit_case import Case, Check
from supervision.audit_entry import Sealed
from supervision.audit_report import Code

Move = tuple[frozenset[str], str | None]
Moves = Mapping[tuple[str | None, str], Move]
_EXCHANGE: Final = frozenset({"EXCHANGE_OPERATOR"})
_AGENCY: Final = frozenset({"PUBLIC_AGENCY"})
_HOLDERS: Final = _AGENCY | {"PROVIDER", "DATA_MERCHANT", "OPERATING_INSTITUTION"}
_CONFIRMERS: Final = frozenset({"DATA_AUTHORITY", "CAC"})
_ASSESSORS: Final = frozenset({"THIRD_PARTY"})
_KEEPERS: Final = _HOLDERS | _ASSESSORS | {"BUYER", "BROKER"}
_ANYONE: Final = (
    _KEEPERS
    | _CONFIRMERS
    | _EXCHANGE
    | {"REGISTRAR", "ESCROW", "SAMR", "PUBLIC_SECURITY", "REVIEW_AUTHORITY", "COURT"}
)
_RUNNING: Final = "RUNNING"
_REPORTED: Final = "REPORTED"
_RECTIFYING: Final = "RECTIFYING"
_REGISTERED: Final = "REGISTERED"
_SUSPENDED: Final = "SUSPENDED"
_MARKED: Final = "MARKED"
_MOST_RUNNING: Final = 3
_CONCLUDED: Final = frozenset({"PIA.PASS", "PIA.MEASURES", "PIA.FAIL"})

RISK_MOVES: Final[Moves] = {
    (None, "RKA.PLAN"): (_EXCHANGE | _CONFIRMERS, "PLANNED"),
    ("PLANNED", "RKA.START"): (_HOLDERS, _RUNNING),
    (_RUNNING, "RKA.COMPLETE"): (_HOLDERS | _ASSESSORS, _RUNNING),
    (_RUNNING, "RKA.REPORT"): (_HOLDERS, _REPORTED),
    (_REPORTED, "RKA.FORWARD"): (_CONFIRMERS, _REPORTED),
    (_REPORTED, "RKA.ORDER"): (_CONFIRMERS, _RECTIFYING),
    (_RECTIFYING, "RKA.FINISH"): (_HOLDERS, _RECTIFYING),
    (_RECTIFYING, "RKA.RECTIFY"): (_HOLDERS, "RECTIFIED"),
    ("RECTIFIED", "RKA.SEND_BACK"): (_CONFIRMERS, _RECTIFYING),
    ("RECTIFIED", "RKA.ARCHIVE"): (_CONFIRMERS, "ARCHIVED"),
    (_REPORTED, "RKA.ARCHIVE"): (_CONFIRMERS, "ARCHIVED"),
    **{(state, "RKA.OVERDUE"): (_EXCHANGE, state) for state in ("PLANNED", _RUNNING, _REPORTED, _RECTIFYING)},
    ("PLANNED", "RKA.LAPSE"): (_EXCHANGE, "LAPSED"),
}
ASSESSOR_MOVES: Final[Moves] = {
    (None, "ASR.APPLY"): (_ASSESSORS, "APPLIED"),
    ("APPLIED", "ASR.WITHDRAW"): (_ASSESSORS, "ENDED"),
    ("APPLIED", "ASR.REFUSE"): (_CONFIRMERS, "REFUSED"),
    ("APPLIED", "ASR.REGISTER"): (_CONFIRMERS, _REGISTERED),
    (_REGISTERED, "ASR.SUSPEND"): (_CONFIRMERS, _SUSPENDED),
    (_SUSPENDED, "ASR.RESUME"): (_CONFIRMERS, _REGISTERED),
    (_REGISTERED, "ASR.EXPIRE"): (_EXCHANGE, "ENDED"),
    (_SUSPENDED, "ASR.EXPIRE"): (_EXCHANGE, "ENDED"),
    (_REGISTERED, "ASR.END"): (_ASSESSORS | _CONFIRMERS, "ENDED"),
    (_SUSPENDED, "ASR.END"): (_ASSESSORS | _CONFIRMERS, "ENDED"),
}
ROUND_MOVES: Final[Moves] = {
    (None, "ICR.OPEN"): (_EXCHANGE | _CONFIRMERS, "OPEN"),
    ("OPEN", "ICR.OVERDUE"): (_EXCHANGE, "OVERDUE"),
    ("OPEN", "ICR.ANSWER"): (_AGENCY, "ANSWERED"),
    ("OVERDUE", "ICR.ANSWER"): (_AGENCY, "ANSWERED"),
}
ITEM_MOVES: Final[Moves] = {
    (None, "CFI.MARK"): (_KEEPERS, _MARKED),
    (_MARKED, "CFI.ADMIT"): (_KEEPERS, _MARKED),
    (_MARKED, "CFI.EXCLUDE"): (_KEEPERS, _MARKED),
    (_MARKED, "CFI.READ"): (_ANYONE, _MARKED),
    (_MARKED, "CFI.LIFT"): (_KEEPERS, "LIFTED"),
    (_MARKED, "CFI.EXPIRE"): (_EXCHANGE, "EXPIRED"),
}
ASSESSMENT_MACHINES: Final[Mapping[str, tuple[str, Moves]]] = {
    "rka_": ("risk assessment", RISK_MOVES),
    "asr_": ("assessor", ASSESSOR_MOVES),
    "icr_": ("catalogue round", ROUND_MOVES),
    "cfi_": ("confidential item", ITEM_MOVES),
}


def duties_of_security_hold(case: Case) -> Check:
    """KEY: accesses chain, reviewers and assessors are whom the law lets; see the module."""
    while (batch := (yield)) is not None:
        for said in batch.said:
            judge = None if said is None else _JUDGES.get(said.event)
            if said is None or judge is None or said.seq in batch.blamed:
                continue
            for why in judge(case, said):
                if not case.torn:
                    case.problem(Code.KEY, why, seq=said.seq)


def _marked(case: Case, said: Sealed) -> Iterator[str]:
    readers = said.predicate.get("readers")
    named = readers if isinstance(readers, list) else []
    case.memory.trades.put(
        f"access/{said.object_id}",
        {"no": 0, "head": said.text("item_sha256"), "readers": [*named, said.text("actor")]},
    )
    yield from ()


def _admitted(case: Case, said: Sealed) -> Iterator[str]:
    key = f"access/{said.object_id}"
    held, reader = case.memory.trades.get(key), said.text("reader_id")
    if held is not None:
        others = [one for one in held["readers"] if one != reader]
        held["readers"] = [*others, reader] if said.event == "CFI.ADMIT" else others
        case.memory.trades.put(key, held)
    yield from ()


def _read(case: Case, said: Sealed) -> Iterator[str]:
    key, no = f"access/{said.object_id}", said.predicate.get("no")
    held: dict[str, Any] | None = case.memory.trades.get(key)
    if held is None and not case.memory.goes_on:
        return  # its first step is missing, which the steps show
    if held is not None:
        if no != held["no"] + 1:
            yield f"access {no} to a confidential item follows access {held['no']}"
        if held["head"] and said.text("previous") != held["head"]:
            yield f"access {no} to a confidential item does not follow the one before"
        if said.text("actor") not in held["readers"]:
            yield f"access {no} to a confidential item is of somebody who was not admitted"
    kept = held or {"readers": [said.text("actor")], "no": 0}
    last = no if type(no) is int else kept["no"]
    case.memory.trades.put(key, {**kept, "no": last, "head": said.text("access_sha256")})


def _concluded(case: Case, said: Sealed) -> Iterator[str]:
    del case
    actor = said.text("actor")
    if actor != said.text("reviewer_id"):
        yield "an assessment is concluded by another one than it was handed to"
    if said.text("kind") == "SECURITY_REVIEW" and actor == said.text("holder_id"):
        yield "a security review is concluded by who holds the data"


def _started(case: Case, said: Sealed) -> Iterator[str]:
    handler, assessor = said.text("handler_id"), said.text("assessor_id")
    key = f"assessors/{handler}"
    held: dict[str, Any] = case.memory.trades.get(key) or {"by": []}
    before = held["by"][-_MOST_RUNNING:]
    if assessor != handler and len(before) == _MOST_RUNNING and set(before) == {assessor}:
        yield f"the same assessor begins its fourth assessment of {handler} in a row"
    case.memory.trades.put(key, {"by": [*before, assessor]})


_JUDGES: Final[Mapping[str, Callable[[Case, Sealed], Iterator[str]]]] = {
    "CFI.MARK": _marked,
    "CFI.ADMIT": _admitted,
    "CFI.EXCLUDE": _admitted,
    "CFI.READ": _read,
    "RKA.START": _started,
    **dict.fromkeys(_CONCLUDED, _concluded),
}
