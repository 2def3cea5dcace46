"""KEY: the duties of security as an auditor holds them: their steps, and what the steps alone do not show.

The tables are written here again on purpose (`audit_registry`). Beside them: each access to a confidential
item follows the one before and is its holder's or an admitted member's; a review is concluded by who it was
handed to, a security review by another organisation; nobody assesses the same handler a fourth
time running; what is late says so, by the law's working days.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from base.calendar import deadline_after
from base.clock import parse_rfc3339, rfc3339
from base.errors import DomainError
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
_SUPERVISING: Final = _CONFIRMERS | {"PUBLIC_SECURITY"}
PREPARED: Final = timedelta(minutes=10)
"""How long an act may lie between its making and its handing in, for a signature made at home."""
_DAYS: Final[Mapping[str, int]] = {"RKA.COMPLETE": 20, "RKA.REPORT": 10, "RKA.FINISH": 15}

RISK_MOVES: Final[Moves] = {
    (None, "RKA.PLAN"): (_EXCHANGE | _CONFIRMERS, "PLANNED"),
    ("PLANNED", "RKA.START"): (_HOLDERS, _RUNNING),
    (_RUNNING, "RKA.COMPLETE"): (_HOLDERS | _ASSESSORS, _RUNNING),
    (_RUNNING, "RKA.REPORT"): (_HOLDERS, _REPORTED),
    **{(state, "RKA.FORWARD"): (_CONFIRMERS, state) for state in (_REPORTED, _RECTIFYING, "RECTIFIED")},
    (_REPORTED, "RKA.ORDER"): (_CONFIRMERS, _RECTIFYING),
    (_RECTIFYING, "RKA.FINISH"): (_HOLDERS, _RECTIFYING),
    (_RECTIFYING, "RKA.RECTIFY"): (_HOLDERS, "RECTIFIED"),
    ("RECTIFIED", "RKA.SEND_BACK"): (_CONFIRMERS, _RECTIFYING),
    ("RECTIFIED", "RKA.ARCHIVE"): (_CONFIRMERS, "ARCHIVED"),
    (_REPORTED, "RKA.ARCHIVE"): (_CONFIRMERS, "ARCHIVED"),
    **{
        (state, "RKA.OVERDUE"): (_EXCHANGE, state)
        for state in ("PLANNED", _RUNNING, _REPORTED, _RECTIFYING, "RECTIFIED")
    },
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


def _held(case: Case, kind: str, said: Sealed) -> tuple[str, dict[str, Any] | None]:
    key = f"{kind}/{said.object_id}"
    found: dict[str, Any] | None = case.memory.trades.get(key)
    return key, found


def _marked(case: Case, said: Sealed) -> Iterator[str]:
    readers = said.predicate.get("readers")
    named = readers if isinstance(readers, list) else []
    case.memory.trades.put(
        f"access/{said.object_id}",
        {
            "no": 0,
            "head": said.text("item_sha256"),
            "readers": [*named, said.text("actor")],
            "until": said.text("until"),
        },
    )
    yield from ()


def _admitted(case: Case, said: Sealed) -> Iterator[str]:
    (key, held), reader = _held(case, "access", said), said.text("reader_id")
    if held is not None:
        others = [one for one in held["readers"] if one != reader]
        held["readers"] = [*others, reader] if said.event == "CFI.ADMIT" else others
        case.memory.trades.put(key, held)
    yield from ()


def _read(case: Case, said: Sealed) -> Iterator[str]:
    (key, held), no = _held(case, "access", said), said.predicate.get("no")
    if held is None and not case.memory.goes_on:
        return  # its first step is missing, which the steps show
    if held is not None:
        if no != held["no"] + 1:
            yield f"access {no} to a confidential item follows access {held['no']}"
        if held["head"] and said.text("previous") != held["head"]:
            yield f"access {no} to a confidential item does not follow the one before"
        if said.text("actor") not in held["readers"]:
            yield f"access {no} to a confidential item is of somebody who was not admitted"
        if _after(said, held.get("until")):
            yield f"access {no} to a confidential item is after its term"
    kept = held or {"readers": [said.text("actor")], "no": 0}
    last = no if type(no) is int else kept["no"]
    case.memory.trades.put(key, {**kept, "no": last, "head": said.text("access_sha256")})


def _handed(case: Case, said: Sealed) -> Iterator[str]:
    key, held = _held(case, "reviews", said)
    names = {"holder": said.text("actor")} if said.event == "PIA.BEGIN" else {}
    case.memory.trades.put(key, {**(held or {}), **names, "reviewer": said.text("reviewer_id")})
    yield from ()


def _concluded(case: Case, said: Sealed) -> Iterator[str]:
    actor, kind = said.text("actor"), said.text("kind")
    if actor != said.text("reviewer_id"):
        yield "an assessment is concluded by another one than it was handed to"
    _, held = _held(case, "reviews", said)
    if held is not None and held.get("reviewer") not in {None, actor}:
        yield "an assessment is concluded by another one than it was handed to"
    if kind == "SECURITY_REVIEW" and actor == said.text("holder_id"):
        yield "a security review is concluded by who holds the data"
    if said.text("role") in _ASSESSORS:
        yield from _unregistered(case, said, actor, kind)


def _unregistered(case: Case, said: Sealed, actor: str | None, trade: str | None) -> Iterator[str]:
    known: dict[str, Any] | None = case.memory.trades.get(f"register/{actor}")
    if known is None and case.memory.goes_on:
        return
    fit = known is not None and known["stands"] and trade in known["trades"]
    if known is None or not fit or _after(said, known["until"]):
        yield f"{actor} is no registered assessor of this"


def _answered(case: Case, said: Sealed) -> Iterator[str]:
    _, held = _held(case, "reviews", said)
    if held is None:
        return
    actor = said.text("actor")
    if said.event == "PIA.REMEDY":
        if held.get("holder") not in {None, actor}:
            yield "a finding is remedied by another one than who holds the data"
    elif held.get("reviewer") not in {None, actor} and said.text("role") not in _SUPERVISING:
        yield "a finding is answered by another one than reviewed it"


def _registered(case: Case, said: Sealed) -> Iterator[str]:
    key = f"register/{said.text('org_id')}"
    held = case.memory.trades.get(key) or {"trades": [], "until": None}
    stands = said.text("to") == _REGISTERED
    trades = said.predicate.get("trades")
    entered = said.event == "ASR.REGISTER"
    case.memory.trades.put(
        key,
        {
            "stands": stands,
            "trades": trades if entered and isinstance(trades, list) else held["trades"],
            "until": said.text("valid_until") if entered else held["until"],
        },
    )
    yield from ()


def _started(case: Case, said: Sealed) -> Iterator[str]:
    handler, assessor = said.text("handler_id"), said.text("assessor_id")
    key = f"assessors/{handler}"
    held: dict[str, Any] = case.memory.trades.get(key) or {"by": []}
    before = held["by"][-_MOST_RUNNING:]
    if assessor != handler and len(before) == _MOST_RUNNING and set(before) == {assessor}:
        yield f"the same assessor begins its fourth assessment of {handler} in a row"
    case.memory.trades.put(key, {"by": [*before, assessor]})
    case.memory.trades.put(f"risk/{said.object_id}", {"by": assessor})


def _staged(case: Case, said: Sealed) -> Iterator[str]:
    """What is late is said to be late, and each deadline is as many working days away as the law says."""
    key, found = _held(case, "risk", said)
    held, due = found or {}, said.text("due_at")
    if said.event == "RKA.COMPLETE" and held.get("by") not in {None, said.text("actor")}:
        yield "a risk assessment is completed by another one than assesses it"
    days = _DAYS.get(said.event)
    if days is not None and due not in _deadlines(said, days):
        yield f"{said.event} gives another deadline than {days} working days"
    against = held.get("forward" if said.event == "RKA.FORWARD" else "due")
    late = said.predicate.get("late")
    if against is not None and late is not None and late not in _lateness(said, against):
        yield f"{said.event} says of itself that it was {'late' if late else 'in time'}"
    name = "forward" if said.event == "RKA.REPORT" else "due"
    kept = held if said.event == "RKA.FORWARD" else {**held, "due": None, name: due}
    case.memory.trades.put(key, kept)


def _deadlines(said: Sealed, days: int) -> set[str]:
    """The ends of so many working days, of the moment it was made or, prepared, of when it was handed in."""
    made = _moment(said.text("occurred_at"))
    if made is None:
        return set()
    return {rfc3339(deadline_after(at, days).at) for at in (made, made + PREPARED)}


def _lateness(said: Sealed, due: str) -> set[bool]:
    """What can be true of being late, with the time in between."""
    made, by = _moment(said.text("occurred_at")), _moment(due)
    if made is None or by is None:
        return {False, True}
    return {made > by, made + PREPARED > by}


def _after(said: Sealed, until: Any) -> bool:
    made, by = _moment(said.text("occurred_at")), _moment(until)
    return made is not None and by is not None and made > by


def _moment(text: Any) -> datetime | None:
    try:
        return parse_rfc3339(text) if isinstance(text, str) else None
    except (DomainError, ValueError):
        return None


_JUDGES: Final[Mapping[str, Callable[[Case, Sealed], Iterator[str]]]] = {
    "CFI.MARK": _marked,
    "CFI.ADMIT": _admitted,
    "CFI.EXCLUDE": _admitted,
    "CFI.READ": _read,
    "PIA.BEGIN": _handed,
    "PIA.SUBMIT": _handed,
    **dict.fromkeys(_CONCLUDED, _concluded),
    **dict.fromkeys(("PIA.REMEDY", "PIA.CLOSE", "PIA.REOPEN", "PIA.RESUME"), _answered),
    **dict.fromkeys((event for _, event in ASSESSOR_MOVES), _registered),
    "RKA.START": _started,
    **dict.fromkeys(
        (
            "RKA.COMPLETE",
            "RKA.REPORT",
            "RKA.FORWARD",
            "RKA.ORDER",
            "RKA.FINISH",
            "RKA.RECTIFY",
            "RKA.SEND_BACK",
        ),
        _staged,
    ),
}
