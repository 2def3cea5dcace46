"""The steps of asset certificates and their types as an auditor holds them, written again on purpose.

`audit_registry` joins them with the other steps of the first-level market; a test compares them with the
tables of the registry.
"""

from collections.abc import Mapping
from typing import Final

Moves = Mapping[tuple[str | None, str], tuple[frozenset[str], str | None]]
_AUTHORITY: Final = frozenset({"DATA_AUTHORITY"})
_EXCHANGE: Final = frozenset({"EXCHANGE_OPERATOR"})
PROVIDERS: Final = frozenset({"PROVIDER", "PUBLIC_AGENCY", "OPERATING_INSTITUTION"})
_MEMBERS: Final = PROVIDERS | {"BUYER", "BROKER", "DATA_MERCHANT", "THIRD_PARTY"}
_GOOD: Final = ("GENERATED", "STORED", "PRESENTED", "VERIFIED")

VOUCHER_TYPE_MOVES: Final[Moves] = {
    (None, "CTY.PROPOSE"): (PROVIDERS, "PROPOSED"),
    ("PROPOSED", "CTY.APPROVE"): (_AUTHORITY, "IN_FORCE"),
    ("PROPOSED", "CTY.REFUSE"): (_AUTHORITY, "REFUSED"),
    ("IN_FORCE", "CTY.REVOKE"): (_AUTHORITY, "REVOKED"),
}
VOUCHER_MOVES: Final[Moves] = {
    (None, "CRT.REQUEST"): (_MEMBERS, "REQUESTED"),
    (None, "CRT.CORRECT"): (PROVIDERS, "GENERATED"),
    ("REQUESTED", "CRT.DECLINE"): (_MEMBERS, "CLOSED"),
    ("REQUESTED", "CRT.CANCEL"): (_MEMBERS, "CLOSED"),
    ("REQUESTED", "CRT.AUTHORISE"): (_MEMBERS, "AUTHORISED"),
    ("AUTHORISED", "CRT.GENERATE"): (PROVIDERS, "GENERATED"),
    ("GENERATED", "CRT.STORE"): (_MEMBERS, "STORED"),
    ("STORED", "CRT.PRESENT"): (_MEMBERS, "PRESENTED"),
    ("PRESENTED", "CRT.PRESENT"): (_MEMBERS, "PRESENTED"),
    ("VERIFIED", "CRT.PRESENT"): (_MEMBERS, "VERIFIED"),
    ("PRESENTED", "CRT.VERIFY"): (_MEMBERS, "VERIFIED"),
    ("VERIFIED", "CRT.VERIFY"): (_MEMBERS, "VERIFIED"),
    ("VERIFIED", "CRT.EXHAUST"): (_EXCHANGE, "EXHAUSTED"),
    **{(state, "CRT.EXPIRE"): (_EXCHANGE, "EXPIRED") for state in ("REQUESTED", "AUTHORISED", *_GOOD)},
    **{(state, "CRT.REVOKE"): (_MEMBERS | {"COURT"}, "REVOKED") for state in ("AUTHORISED", *_GOOD)},
    ("EXHAUSTED", "CRT.REVOKE"): (_MEMBERS, "REVOKED"),
    **{(state, "CRT.SUPERSEDE"): (PROVIDERS, "SUPERSEDED") for state in _GOOD},
}
VOUCHER_MACHINES: Final[Mapping[str, tuple[str, Moves]]] = {
    "vch_": ("asset certificate", VOUCHER_MOVES),
    "cty_": ("type of asset certificate", VOUCHER_TYPE_MOVES),
}
VOUCHER_SPEAKERS: Final = {"CRT.APPOINT": PROVIDERS}
"""Who says what is no step of one of these."""
