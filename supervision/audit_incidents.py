"""The steps of incidents, warnings and bulletins as an auditor holds them, written again on purpose.

A test compares them with the tables of `cases.incidents` and `cases.bulletins`. Beside the steps the clock is
asked: a report says itself until when it was due, and whether it came late.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
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
    **_stays("INC.NOTIFY_SUBJECTS", ("SUBJECTS_NOTIFIED", "ERADICATED", "REVIEWED"), _OWNERS),
    **_stays("INC.SPARE_SUBJECTS", ("CONTAINED",), _OWNERS),
    **_stays("INC.ORDER_NOTICE", ("CONTAINED", "ERADICATED", "REVIEWED"), _CAC),
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
_DATED: Final = frozenset({"INC.REPORT", "INC.FORWARD"})


def late_is_said(held: dict[str, Any], said: Sealed) -> Iterator[str]:
    """What an incident's clocks were set to, and whether a report says truly that it came (not) late."""
    if said.event in {"INC.GRADE", "INC.REGRADE"}:
        due = said.predicate.get("due")
        held["due"] = dict(due) if isinstance(due, dict) else {}
    if said.event not in _DATED:
        return
    due_at, late = said.text("due_at"), said.predicate.get("late")
    if due_at is None:
        if said.text("report") in {None, "FIRST"}:
            yield "a first report says until when it was due"
        return
    if said.event == "INC.REPORT" and due_at not in (held.get("due") or {}).values():
        yield f"this report was due at {due_at} by no grading of the incident"
    try:
        due, made = parse_rfc3339(due_at), parse_rfc3339(said.text("occurred_at") or "")
    except ValueError:
        yield "a report that names no moment"
        return
    if late is not True and made > due:
        yield f"a report that was due at {due_at} came late, and says it was in time"
    if late is True and made + SIGNING <= due:
        yield f"a report that was due at {due_at} came in time, and says it was late"
