"""The steps of an authorised-operation grant as an auditor holds them, written again on purpose.

`audit_registry` has what every table of steps is for; a test compares this one with the registry's.
"""

from collections.abc import Mapping
from typing import Final

Move = tuple[frozenset[str], str | None]
Moves = Mapping[tuple[str | None, str], Move]
_EXCHANGE: Final = frozenset({"EXCHANGE_OPERATOR"})
_AGENCY: Final = frozenset({"PUBLIC_AGENCY"})
_OPERATOR: Final = frozenset({"OPERATING_INSTITUTION"})
_FINDERS: Final = _AGENCY | {"DATA_AUTHORITY"}
_DRAFT: Final = "SCHEME_DRAFT"
_APPROVED: Final = "SCHEME_APPROVED"
_SELECTED: Final = "OPERATOR_SELECTED"
_ACTIVE: Final = "ACTIVE"
_RECTIFYING: Final = "RECTIFYING"
_SUSPENDED: Final = "SUSPENDED"
_LIVE: Final = (_ACTIVE, _RECTIFYING)
_ACCOUNTED: Final = (*_LIVE, _SUSPENDED, "TERMINATED", "EXPIRED")


def _stays(event: str, states: tuple[str, ...], roles: frozenset[str]) -> Moves:
    return {(state, event): (roles, state) for state in states}


def _to(event: str, states: tuple[str, ...], roles: frozenset[str], to: str) -> Moves:
    return {(state, event): (roles, to) for state in states}


OPERATION_MOVES: Final[Moves] = {
    (None, "AOG.DRAFT_SCHEME"): (_AGENCY, _DRAFT),
    **_stays("AOG.REVISE_SCHEME", (_DRAFT,), _AGENCY),
    **_stays("AOG.CONSENT", (_DRAFT,), _AGENCY),
    (_DRAFT, "AOG.DECIDE"): (_AGENCY, _APPROVED),
    **_to("AOG.ABANDON", (_DRAFT, _APPROVED, _SELECTED), _AGENCY, "TERMINATED"),
    (_APPROVED, "AOG.SELECT"): (_AGENCY, _SELECTED),
    **_stays("AOG.SIGN", (_SELECTED,), _AGENCY),
    (_SELECTED, "AOG.COUNTERSIGN"): (_OPERATOR, "GRANTED"),
    ("GRANTED", "AOG.REGISTER_RESOURCES"): (_AGENCY, _ACTIVE),
    **_stays("AOG.REGISTER_RESOURCES", _LIVE, _AGENCY),
    **_stays("AOG.ASK_SCENARIO", (_ACTIVE,), _OPERATOR),
    **_stays("AOG.APPROVE_SCENARIO", (_ACTIVE,), _AGENCY),
    **_stays("AOG.REFUSE_SCENARIO", _LIVE, _AGENCY),
    **_stays("AOG.END_SCENARIO", (*_LIVE, _SUSPENDED), _AGENCY | _OPERATOR),
    **_stays("AOG.TELL_OUTCOME", _ACCOUNTED, _OPERATOR),
    **_stays("AOG.USE", _LIVE, _OPERATOR),
    **_stays("AOG.ADD_PRODUCT", (_ACTIVE,), _OPERATOR),
    **_stays("AOG.REGISTER_PRODUCT", _LIVE, _OPERATOR),
    **_stays("AOG.SET_CAPS", _LIVE, _AGENCY),
    **_stays("AOG.SET_PRICE", _LIVE, _OPERATOR),
    **_stays("AOG.DISCLOSE", _ACCOUNTED, _OPERATOR),
    **_stays("AOG.REPORT", _ACCOUNTED, _AGENCY),
    **_stays("AOG.OVERDUE", _ACCOUNTED, _EXCHANGE),
    **_to("AOG.BREACH_FOUND", _LIVE, _FINDERS, _RECTIFYING),
    **_stays("AOG.RECTIFIED", (_RECTIFYING, _SUSPENDED), _OPERATOR),
    (_RECTIFYING, "AOG.CLEAR"): (_FINDERS, _ACTIVE),
    (_RECTIFYING, "AOG.SUSPEND"): (_FINDERS | _EXCHANGE, _SUSPENDED),
    (_SUSPENDED, "AOG.RESUME"): (_FINDERS, _ACTIVE),
    (_SUSPENDED, "AOG.TERMINATE"): (_AGENCY, "TERMINATED"),
    **_stays("AOG.EVALUATE", (_ACTIVE,), _AGENCY),
    **_stays("AOG.RENEW", (_ACTIVE,), _AGENCY),
    **_to("AOG.EXPIRE", ("GRANTED", *_LIVE, _SUSPENDED), _EXCHANGE, "EXPIRED"),
}
