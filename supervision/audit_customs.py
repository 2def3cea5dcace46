"""The steps of a customs declaration as an auditor holds them, written again on purpose (`audit_registry`).

A decision of the exchange on one trade's delivery has a statement of its own, which leads from nothing to
nothing: `XBD.AUTO_ROUTE` with no state before it.
"""

from collections.abc import Mapping
from typing import Final

Move = tuple[frozenset[str], str | None]
Moves = Mapping[tuple[str | None, str], Move]
_EXCHANGE: Final = frozenset({"EXCHANGE_OPERATOR"})
_CAC: Final = frozenset({"CAC"})
_EXPORTERS: Final = frozenset(
    {"PROVIDER", "DATA_MERCHANT", "THIRD_PARTY", "OPERATING_INSTITUTION", "PUBLIC_AGENCY"}
)
_MEMBERS: Final = frozenset(
    {"PROVIDER", "BUYER", "BROKER", "DATA_MERCHANT", "THIRD_PARTY", "EXCHANGE_OPERATOR", "REGISTRAR"}
    | {"PUBLIC_AGENCY", "OPERATING_INSTITUTION", "ESCROW", "DATA_AUTHORITY", "SAMR", "CAC"}
    | {"PUBLIC_SECURITY", "COURT", "REVIEW_AUTHORITY"}
)
_LOOKED_AT: Final = ("UNDER_CHECK", "UNDER_REVIEW", "UNDER_ASSESSMENT")
_PENDING: Final = ("DECLARED", "ROUTED", *_LOOKED_AT)
_LIVE: Final = ("CLEARED", "IN_TRANSIT")

DECLARATION_MOVES: Final[Moves] = {
    (None, "XBD.DECLARE"): (_EXPORTERS | _EXCHANGE, "DECLARED"),
    ("DECLARED", "XBD.REDECLARE"): (_EXPORTERS, "DECLARED"),
    ("DECLARED", "XBD.AUTO_ROUTE"): (_EXCHANGE, "ROUTED"),
    ("ROUTED", "XBD.RELEASE"): (_EXCHANGE, "CLEARED"),
    ("ROUTED", "XBD.CHECK"): (_EXCHANGE, "UNDER_CHECK"),
    ("ROUTED", "XBD.ATTACH_EVIDENCE"): (_EXPORTERS, "UNDER_REVIEW"),
    ("ROUTED", "XBD.SUBMIT_ASSESSMENT"): (_EXPORTERS, "UNDER_ASSESSMENT"),
    ("ROUTED", "XBD.REJECT"): (_EXCHANGE | _CAC, "REJECTED"),
    **{(state, "XBD.TAKE"): (_CAC, state) for state in _LOOKED_AT},
    **{(state, "XBD.UNTAKE"): (_CAC, state) for state in _LOOKED_AT},
    **{(state, "XBD.SCAN"): (_CAC | _EXCHANGE, state) for state in (*_LOOKED_AT, *_LIVE)},
    **{
        (state, event): (_CAC, to)
        for state in ("UNDER_CHECK", "UNDER_REVIEW")
        for event, to in (
            ("XBD.CLEAR", "CLEARED"),
            ("XBD.RETURN", "DECLARED"),
            ("XBD.REJECT", "REJECTED"),
            ("XBD.REROUTE", "ROUTED"),
        )
    },
    ("UNDER_ASSESSMENT", "XBD.PASS"): (_CAC, "CLEARED"),
    ("UNDER_ASSESSMENT", "XBD.FAIL"): (_CAC, "REJECTED"),
    **{(state, "XBD.TRANSFER_LOGGED"): (_EXCHANGE, "IN_TRANSIT") for state in _LIVE},
    ("IN_TRANSIT", "XBD.COMPLETE"): (_EXCHANGE | _EXPORTERS, "COMPLETED"),
    **{(state, "XBD.HALT"): (_CAC | _EXCHANGE, "HALTED") for state in (*_LIVE, "COMPLETED")},
    ("HALTED", "XBD.RESUME"): (_CAC, "CLEARED"),
    ("HALTED", "XBD.REVOKE"): (_CAC, "REVOKED"),
    **{(state, "XBD.RENEW"): (_EXPORTERS, state) for state in _LIVE},
    ("CLEARED", "XBD.EXPIRE"): (_EXCHANGE, "EXPIRED"),
    **{(state, "XBD.WITHDRAW"): (_EXPORTERS, "WITHDRAWN") for state in _PENDING},
    **{(state, "XBD.LAPSE"): (_EXCHANGE, "LAPSED") for state in _PENDING},
}
CUSTOMS_MACHINES: Final[Mapping[str, tuple[str, Moves]]] = {
    "xbd_": ("declaration", {**DECLARATION_MOVES, (None, "XBD.AUTO_ROUTE"): (_EXCHANGE, None)})
}
CUSTOMS_SPEAKERS: Final[Mapping[str, frozenset[str]]] = {
    "XBR.ENTER": _CAC,
    "XBR.END": _CAC,
    "XBR.LIST": _CAC,
    "XBR.ENDPOINT": _MEMBERS,
    "XBR.NETWORKS": _CAC,
    "XBR.DESTROY": _EXCHANGE,
}
