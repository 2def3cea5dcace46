"""The steps of the open list as an auditor holds them, written again on purpose (`audit_registry`)."""

from collections.abc import Mapping
from typing import Final

Move = tuple[frozenset[str], str | None]
Moves = Mapping[tuple[str | None, str], Move]
_EXCHANGE: Final = frozenset({"EXCHANGE_OPERATOR"})
_AGENCY: Final = frozenset({"PUBLIC_AGENCY"})
_STOPPING: Final = frozenset({"DATA_AUTHORITY", "CAC"})
_USERS: Final = frozenset(
    {"PROVIDER", "BUYER", "BROKER", "DATA_MERCHANT", "THIRD_PARTY", "OPERATING_INSTITUTION", "PUBLIC_AGENCY"}
)
_STANDING: Final = ("OPEN", "TARGETED", "AUTHORISED")

OPENING_MOVES: Final[Moves] = {
    (None, "OPN.PROPOSE"): (_AGENCY, "PROPOSED"),
    ("PROPOSED", "OPN.REVIEW"): (_AGENCY, "REVIEWED"),
    ("SUSPENDED", "OPN.REVIEW"): (_AGENCY, "REVIEWED"),
    ("REVIEWED", "OPN.OPEN"): (_AGENCY, "OPEN"),
    ("REVIEWED", "OPN.TARGET"): (_AGENCY, "TARGETED"),
    ("REVIEWED", "OPN.AUTHORISE"): (_AGENCY, "AUTHORISED"),
    ("PROPOSED", "OPN.REFUSE"): (_AGENCY, "NOT_OPEN"),
    ("REVIEWED", "OPN.REFUSE"): (_AGENCY, "NOT_OPEN"),
    ("TARGETED", "OPN.NAME"): (_AGENCY, "TARGETED"),
    ("TARGETED", "OPN.UNNAME"): (_AGENCY, "TARGETED"),
    ("TARGETED", "OPN.ACCESS"): (_EXCHANGE, "TARGETED"),
    ("AUTHORISED", "OPN.ACCESS"): (_EXCHANGE, "AUTHORISED"),
    **{
        (state, "OPN.USAGE"): (_EXCHANGE, state) for state in (*_STANDING, "SUSPENDED", "RETIRED", "REVIEWED")
    },
    **{(state, "OPN.RENEW"): (_EXCHANGE, state) for state in ("REVIEWED", *_STANDING)},
    **{(state, "OPN.SUSPEND"): (_AGENCY | _STOPPING | _EXCHANGE, "SUSPENDED") for state in _STANDING},
    ("SUSPENDED", "OPN.RELEASE"): (_STOPPING, "SUSPENDED"),
    **{
        (state, "OPN.RETIRE"): (_AGENCY, "RETIRED")
        for state in ("PROPOSED", "REVIEWED", *_STANDING, "NOT_OPEN", "SUSPENDED")
    },
}
AGREEMENT_MOVES: Final[Moves] = {
    (None, "OPA.OFFER"): (_AGENCY, "OFFERED"),
    ("OFFERED", "OPA.SIGN"): (_USERS, "SIGNED"),
    ("OFFERED", "OPA.DECLINE"): (_USERS, "DECLINED"),
    ("OFFERED", "OPA.END"): (_USERS, "ENDED"),
    ("SIGNED", "OPA.END"): (_USERS, "ENDED"),
    ("SIGNED", "OPA.EXPIRE"): (_EXCHANGE, "EXPIRED"),
}
PLAN_MOVES: Final[Moves] = {
    (None, "OPP.PUBLISH"): (_AGENCY, "PUBLISHED"),
    ("PUBLISHED", "OPP.REVISE"): (_AGENCY, "PUBLISHED"),
}
