"""The steps of incidents, warnings and bulletins as an auditor holds them, written again on purpose.

A test compares them with the tables of `cases.incidents` and `cases.bulletins`. Beside the steps the clock is
asked: a report says itself until when it was due, and whether it came late.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from base.clock import parse_rfc3339
from supervision.audit_entry import Sealed

Move = tuple[frozenset[str], str | None]
Moves = Mapping[tuple[str | None, str], Move]
_EXCHANGE: Final = frozenset({"EXCHANGE_OPERATOR"})
_CAC: Final = frozenset({"CAC"})
_AUTHORITY: Final = frozenset({"DATA_AUTHORITY"})
_OWNERS: Final = frozenset(
    {"PROVIDER", "BUYER", "BROKER", "DATA_MERCHANT", "THIRD_PARTY", "EXCHANGE_OPERATOR", "REGISTRAR"}
    | {"PUBLIC_AGENCY", "OPERATING_INSTITUTION", "ESCROW", "DATA_AUTHORITY", "SAMR", "CAC"}
    | {"PUBLIC_SECURITY", "COURT", "REVIEW_AUTHORITY"}
)
_RECEIVERS: Final = _CAC | _AUTHORITY | {"PUBLIC_SECURITY"}
_REPORTED: Final = ("REPORTED", "CONTAINED", "SUBJECTS_NOTIFIED", "ERADICATED", "REVIEWED")
_GRADED: Final = ("GRADED", *_REPORTED)
_OPEN: Final = ("DETECTED", *_GRADED)


def _stays(event: str, states: tuple[str, ...], roles: frozenset[str]) -> Moves:
    return {(state, event): (roles, state) for state in states}


INCIDENT_MOVES: Final[Moves] = {
    (None, "INC.DETECT"): (_OWNERS, "DETECTED"),
    ("DETECTED", "INC.GRADE"): (_OWNERS, "GRADED"),
    ("DETECTED", "INC.DISMISS"): (_EXCHANGE, "DISMISSED"),
    **_stays("INC.REGRADE", _GRADED, _OWNERS),
    ("GRADED", "INC.REPORT"): (_OWNERS, "REPORTED"),
    **_stays("INC.REPORT", _REPORTED, _OWNERS),
    **_stays("INC.RECEIVE", (*_REPORTED, "CLOSED"), _RECEIVERS),
    **_stays("INC.FORWARD", (*_REPORTED, "CLOSED"), _AUTHORITY),
    **_stays("INC.EVIDENCE", _OPEN, _OWNERS),
    **_stays("INC.MEASURE", _OPEN, _EXCHANGE | _CAC),
    **_stays("INC.LIFT", (*_OPEN, "CLOSED", "DISMISSED"), _EXCHANGE | _CAC),
    ("GRADED", "INC.CONTAIN"): (_OWNERS, "CONTAINED"),
    ("REPORTED", "INC.CONTAIN"): (_OWNERS, "CONTAINED"),
    ("CONTAINED", "INC.NOTIFY_SUBJECTS"): (_OWNERS, "SUBJECTS_NOTIFIED"),
    **_stays(
        "INC.NOTIFY_SUBJECTS", ("GRADED", "REPORTED", "SUBJECTS_NOTIFIED", "ERADICATED", "REVIEWED"), _OWNERS
    ),
    **_stays("INC.SPARE_SUBJECTS", ("CONTAINED", "SUBJECTS_NOTIFIED"), _OWNERS),
    **_stays("INC.ORDER_NOTICE", ("CONTAINED", "SUBJECTS_NOTIFIED", "ERADICATED", "REVIEWED"), _CAC),
    ("CONTAINED", "INC.ERADICATE"): (_OWNERS, "ERADICATED"),
    ("SUBJECTS_NOTIFIED", "INC.ERADICATE"): (_OWNERS, "ERADICATED"),
    ("ERADICATED", "INC.REVIEW"): (_OWNERS, "REVIEWED"),
    ("REVIEWED", "INC.CLOSE"): (_EXCHANGE | _CAC | _AUTHORITY, "CLOSED"),
    **_stays("INC.OVERDUE", _OPEN, _EXCHANGE),
}
WARNING_MOVES: Final[Moves] = {
    (None, "WRN.RAISE"): (_EXCHANGE, "RAISED"),
    **{(state, "WRN.WORSEN"): (_EXCHANGE, "RAISED") for state in ("RAISED", "ACKNOWLEDGED")},
    ("RAISED", "WRN.ACKNOWLEDGE"): (_EXCHANGE, "ACKNOWLEDGED"),
    ("ACKNOWLEDGED", "WRN.DISMISS"): (_EXCHANGE, "DISMISSED"),
    **{(state, "WRN.ESCALATE"): (_EXCHANGE, "ESCALATED") for state in ("RAISED", "ACKNOWLEDGED")},
    **_stays("WRN.READ_REPORTER", ("RAISED", "ACKNOWLEDGED", "DISMISSED", "ESCALATED"), _EXCHANGE),
    ("RAISED", "WRN.OVERDUE"): (_EXCHANGE, "RAISED"),
}
BULLETIN_MOVES: Final[Moves] = {
    (None, "BUL.ISSUE"): (_EXCHANGE | _RECEIVERS, "ISSUED"),
    ("ISSUED", "BUL.RECEIVE"): (_OWNERS, "ISSUED"),
    ("ISSUED", "BUL.REMIND"): (_EXCHANGE, "ISSUED"),
    ("ISSUED", "BUL.WITHDRAW"): (_EXCHANGE | _RECEIVERS, "WITHDRAWN"),
}
INCIDENT_MACHINES: Final[Mapping[str, tuple[str, Moves]]] = {
    "inc_": ("incident", INCIDENT_MOVES),
    "wrn_": ("warning", WARNING_MOVES),
    "bul_": ("bulletin", BULLETIN_MOVES),
}
INCIDENT_SPEAKERS: Final[Mapping[str, frozenset[str]]] = {
    "BUL.SUBSCRIBE": _OWNERS,
    "BUL.UNSUBSCRIBE": _OWNERS,
}
SIGNING: Final = timedelta(minutes=10)
"""What is prepared for a signature made outside is handed in within this time: then it has come."""
_HOUR: Final = timedelta(hours=1)
_HALF: Final = timedelta(minutes=30)
_TERMS: Final[Mapping[str, frozenset[timedelta]]] = {
    "REPORT": frozenset({_HOUR, 2 * _HOUR, 4 * _HOUR}),
    "REPORT_SECURITY": frozenset({_HOUR}),
    "REPORT_DATA": frozenset({24 * _HOUR}),
    "DEFECT": frozenset({24 * _HOUR}),
}
"""Which times run from the detection (国家网络安全事件报告管理办法 art. 4; 网络数据安全管理条例 art. 10)."""


def late_is_said(held: dict[str, Any], said: Sealed) -> Iterator[str]:
    """What an incident's clocks were set to, whether a report names its own time and says truly that it came
    (not) late, and that nothing from "larger" on is contained unreported.
    """
    if said.event == "INC.DETECT":
        held["detected_at"] = said.text("detected_at")
    elif said.event in {"INC.GRADE", "INC.REGRADE"}:
        yield from _graded(held, said)
    elif said.event in {"INC.REPORT", "INC.FORWARD"}:
        yield from _reported(held, said)
    elif said.event == "INC.CONTAIN" and "REPORT" in (held.get("due") or {}) and not held.get("told"):
        yield "an incident that has to be reported is contained without a report"


def _graded(held: dict[str, Any], said: Sealed) -> Iterator[str]:
    due = said.predicate.get("due")
    held["due"] = due = dict(due) if isinstance(due, dict) else {}
    held["graded_at"] = said.text("occurred_at")
    if said.text("level") not in {None, "GENERAL"} and "REPORT" not in due:
        yield f"an incident of level {said.text('level')} has no time to be reported"
    since = _moment(held.get("detected_at"))
    for matter, at in sorted(due.items()):
        ends = _moment(at)
        if ends is None or (since is not None and ends - since not in _TERMS.get(matter, frozenset())):
            yield f"{matter} is no time of the law after the detection: {at}"


def _reported(held: dict[str, Any], said: Sealed) -> Iterator[str]:
    receiver, due_at = said.text("receiver") or "", said.text("due_at")
    told = held.setdefault("told", {})
    first = receiver not in told
    if first:
        told[receiver] = said.text("occurred_at")
    forwarded = said.event == "INC.FORWARD"
    if not forwarded and first and said.text("report") != "FIRST":
        yield f"the first report to {receiver} says that it is another"
    if due_at is None:
        if forwarded or said.text("report") == "FIRST":
            yield "a first report says until when it was due"
        return
    if forwarded:
        yield from _handed_on(held, told, due_at)
    elif first:
        own = _due_to(receiver, held.get("due") or {})
        if due_at != own:
            yield f"the report to {receiver} was due at {own}, and says {due_at}"
    yield from _in_time(said, due_at)


def _due_to(receiver: str, due: Mapping[str, str]) -> str | None:
    """The time of a first report: a critical operator's goes to who protects it and to public security."""
    critical = "REPORT_SECURITY" in due
    matters = {
        "CAC": () if critical else ("REPORT",),
        "PUBLIC_SECURITY": ("REPORT_SECURITY",),
        "DATA_AUTHORITY": ("REPORT" if critical else "REPORT_DATA", "DEFECT"),
    }.get(receiver, ())
    return min((due[one] for one in matters if one in due), default=None)


def _handed_on(held: dict[str, Any], told: Mapping[str, Any], due_at: str) -> Iterator[str]:
    due = _moment(due_at)
    began = (_moment(told.get("DATA_AUTHORITY")), _moment(held.get("graded_at")))
    if due is None or not any(one is not None and _HALF <= due - one <= _HALF + SIGNING for one in began):
        yield f"what is handed on was not due at {due_at}: half an hour after the report"


def _in_time(said: Sealed, due_at: str) -> Iterator[str]:
    due, made, late = _moment(due_at), _moment(said.text("occurred_at")), said.predicate.get("late")
    if due is None or made is None:
        yield "a report that names no moment"
    elif late is not True and made > due:
        yield f"a report that was due at {due_at} came late, and says it was in time"
    elif late is True and made + SIGNING <= due:
        yield f"a report that was due at {due_at} came in time, and says it was late"


def _moment(text: Any) -> datetime | None:
    try:
        return parse_rfc3339(text) if isinstance(text, str) else None
    except ValueError:
        return None
