"""The steps of a data item and of a share request as an auditor holds them, written again on purpose.

`audit_registry` has what every table of steps is for; a test compares these with the registry's. Entries
of the lists have no steps of their own: most come by an import, which is one statement for all its rows.
"""

from collections.abc import Mapping
from typing import Final

Move = tuple[frozenset[str], str | None]
Moves = Mapping[tuple[str | None, str], Move]
_EXCHANGE: Final = frozenset({"EXCHANGE_OPERATOR"})
_AGENCY: Final = frozenset({"PUBLIC_AGENCY"})
_AUTHORITY: Final = frozenset({"DATA_AUTHORITY"})
_EITHER: Final = _AGENCY | _AUTHORITY
_SOURCED: Final = ("SOURCE_ASSIGNED", "CONFIRMED", "RESOLVED")


def _stays(event: str, states: tuple[str, ...], roles: frozenset[str]) -> Moves:
    return {(state, event): (roles, state) for state in states}


def _to(event: str, states: tuple[str, ...], roles: frozenset[str], to: str) -> Moves:
    return {(state, event): (roles, to) for state in states}


ITEM_MOVES: Final[Moves] = {
    (None, "ITM.PROPOSE"): (_EITHER, "PROPOSED"),
    ("PROPOSED", "ITM.CLAIM"): (_AGENCY, "SOURCE_ASSIGNED"),
    ("PROPOSED", "ITM.ASSIGN"): (_AUTHORITY, "SOURCE_ASSIGNED"),
    ("SOURCE_ASSIGNED", "ITM.CONFIRM"): (_EITHER, "CONFIRMED"),
    **_to("ITM.DISPUTE", _SOURCED, _AGENCY, "CONFLICT"),
    **_stays("ITM.OVERDUE", ("CONFLICT",), _EXCHANGE),
    ("CONFLICT", "ITM.RESOLVE"): (_AUTHORITY, "RESOLVED"),
    **_stays("ITM.CHANGE", ("PROPOSED", *_SOURCED), _AUTHORITY),
    **_to("ITM.RETIRE", ("PROPOSED", *_SOURCED), _AUTHORITY, "RETIRED"),
}
SHARE_MOVES: Final[Moves] = {
    (None, "SHR.SUBMIT"): (_AGENCY, "SUBMITTED"),
    (None, "SHR.TAKE"): (_AGENCY, "ANSWERED_GRANT"),
    **_to("SHR.GRANT", ("SUBMITTED", "OVERDUE"), _AGENCY, "ANSWERED_GRANT"),
    **_to("SHR.REFUSE", ("SUBMITTED", "OVERDUE"), _AGENCY, "ANSWERED_REFUSE"),
    ("SUBMITTED", "SHR.OVERDUE"): (_EXCHANGE, "OVERDUE"),
    ("OVERDUE", "SHR.ESCALATE"): (_EXCHANGE, "ESCALATED"),
    ("ANSWERED_REFUSE", "SHR.CONTEST"): (_AGENCY, "ESCALATED"),
    ("ESCALATED", "SHR.GRANT"): (_EITHER, "ANSWERED_GRANT"),
    ("ESCALATED", "SHR.REFUSE"): (_AUTHORITY, "ANSWERED_REFUSE"),
    **_stays("SHR.LATE", ("ANSWERED_GRANT",), _EXCHANGE),
    ("ANSWERED_GRANT", "SHR.SERVE"): (_AGENCY | _EXCHANGE, "SERVED"),
    **_to("SHR.WITHDRAW", ("SUBMITTED", "OVERDUE", "ESCALATED", "ANSWERED_GRANT"), _AGENCY, "CLOSED"),
    **_to("SHR.CLOSE", ("SERVED", "ANSWERED_REFUSE"), _AGENCY, "CLOSED"),
}
LIST_MACHINES: Final[Mapping[str, tuple[str, Moves]]] = {
    "itm_": ("data item", ITEM_MOVES),
    "shr_": ("share request", SHARE_MOVES),
}
LIST_SPEAKERS: Final[Mapping[str, frozenset[str]]] = {
    **{f"SYS.{event}": _AGENCY for event in ("ENTER", "CHANGE", "RETIRE")},
    **{f"DAT.{event}": _AGENCY for event in ("ENTER", "CHANGE", "MOUNT", "FLAG", "RETIRE")},
    **{f"DEM.{event}": _AGENCY for event in ("ENTER", "CHANGE", "REOPEN", "RETIRE")},
    **{f"DEM.{event}": _EITHER for event in ("MATCH", "PLAN")},
    "CEN.OPEN": _AUTHORITY,
    "CEN.RETURN": _AGENCY,
    "CEN.CLOSE": _AUTHORITY,
    "LIM.ENTER": _AGENCY,
}
