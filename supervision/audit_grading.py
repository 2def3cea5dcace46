"""The steps of gradings, of the important-data catalogue and of its records as an auditor holds them.

Written again on purpose (`audit_registry` has what every table of steps is for); a test compares them.
"""

from collections.abc import Mapping
from typing import Final

Move = tuple[frozenset[str], str | None]
Moves = Mapping[tuple[str | None, str], Move]
_EXCHANGE: Final = frozenset({"EXCHANGE_OPERATOR"})
_AGENCY: Final = frozenset({"PUBLIC_AGENCY"})
_AUTHORITY: Final = frozenset({"DATA_AUTHORITY"})
_HOLDERS: Final = _AGENCY | {"PROVIDER", "DATA_MERCHANT", "OPERATING_INSTITUTION"}
_OFFICERS: Final = _AGENCY | _EXCHANGE | _AUTHORITY
_CONFIRMERS: Final = _AUTHORITY | {"CAC"}
_REVIEWERS: Final = _HOLDERS | _AUTHORITY | {"CAC", "PUBLIC_SECURITY", "THIRD_PARTY"}

GRADING_MOVES: Final[Moves] = {
    (None, "GRD.DECLARE"): (_HOLDERS, "DECLARED"),
    ("DECLARED", "GRD.WITHDRAW"): (_HOLDERS, "WITHDRAWN"),
    ("DECLARED", "GRD.RETURN"): (_OFFICERS, "RETURNED"),
    ("DECLARED", "GRD.DECIDE"): (_OFFICERS, "IN_FORCE"),
    ("DECLARED", "GRD.PROPOSE"): (_OFFICERS, "TO_CONFIRM"),
    ("TO_CONFIRM", "GRD.CONFIRM"): (_AUTHORITY, "IN_FORCE"),
    ("TO_CONFIRM", "GRD.DECLINE"): (_AUTHORITY, "DECLARED"),
    ("IN_FORCE", "GRD.FALL_DUE"): (_EXCHANGE, "REVIEW_DUE"),
    ("IN_FORCE", "GRD.SUPERSEDE"): (_OFFICERS, "SUPERSEDED"),
    ("REVIEW_DUE", "GRD.SUPERSEDE"): (_OFFICERS, "SUPERSEDED"),
}
ENTRY_MOVES: Final[Moves] = {
    (None, "IMP.IDENTIFY"): (_AGENCY, "IDENTIFIED"),
    ("IDENTIFIED", "IMP.REPORT"): (_AGENCY, "REPORTED"),
    ("REPORTED", "IMP.SEND_BACK"): (_CONFIRMERS, "IDENTIFIED"),
    ("REPORTED", "IMP.CONFIRM"): (_CONFIRMERS, "CONFIRMED"),
    ("CONFIRMED", "IMP.ASK"): (_AGENCY, "CONFIRMED"),
    ("CHANGED", "IMP.ASK"): (_AGENCY, "CHANGED"),
    ("CONFIRMED", "IMP.DECLINE"): (_CONFIRMERS, "CONFIRMED"),
    ("CHANGED", "IMP.DECLINE"): (_CONFIRMERS, "CHANGED"),
    ("CONFIRMED", "IMP.CHANGE"): (_CONFIRMERS, "CHANGED"),
    ("CHANGED", "IMP.CHANGE"): (_CONFIRMERS, "CHANGED"),
    ("CONFIRMED", "IMP.REMOVE"): (_CONFIRMERS, "REMOVED"),
    ("CHANGED", "IMP.REMOVE"): (_CONFIRMERS, "REMOVED"),
}
MATCH_MOVES: Final[Moves] = {
    (None, "IMM.MATCH"): (_EXCHANGE, "MATCHED"),
    (None, "IMM.NEAR"): (_EXCHANGE, "NEAR"),
    ("MATCHED", "IMM.NEAR"): (_EXCHANGE, "NEAR"),
    ("NEAR", "IMM.MATCH"): (_EXCHANGE, "MATCHED"),
    ("LAPSED", "IMM.MATCH"): (_EXCHANGE, "MATCHED"),
    ("LAPSED", "IMM.NEAR"): (_EXCHANGE, "NEAR"),
    ("DISMISSED", "IMM.MATCH"): (_EXCHANGE, "MATCHED"),
    ("DISMISSED", "IMM.NEAR"): (_EXCHANGE, "NEAR"),
    ("MATCHED", "IMM.LAPSE"): (_EXCHANGE, "LAPSED"),
    ("NEAR", "IMM.LAPSE"): (_EXCHANGE, "LAPSED"),
    ("UPHELD", "IMM.LAPSE"): (_EXCHANGE, "LAPSED"),
    ("NEAR", "IMM.UPHOLD"): (_CONFIRMERS, "UPHELD"),
    ("NEAR", "IMM.DISMISS"): (_CONFIRMERS, "DISMISSED"),
    ("MATCHED", "IMM.DISMISS"): (_CONFIRMERS, "DISMISSED"),
    ("UPHELD", "IMM.DISMISS"): (_CONFIRMERS, "DISMISSED"),
}
CONSENT_MOVES: Final[Moves] = {
    (None, "CNS.RECORD"): (_HOLDERS, "STANDING"),
    ("STANDING", "CNS.WITHDRAW"): (_HOLDERS, "STANDING"),
    ("STANDING", "CNS.LOSE"): (_HOLDERS, "WITHDRAWN"),
    ("STANDING", "CNS.EXPIRE"): (_EXCHANGE, "ENDED"),
    ("STANDING", "CNS.END"): (_HOLDERS, "ENDED"),
}
ASSESSMENT_MOVES: Final[Moves] = {
    (None, "PIA.BEGIN"): (_HOLDERS, "DRAFT"),
    ("DRAFT", "PIA.REVISE"): (_HOLDERS, "DRAFT"),
    ("RETURNED", "PIA.REVISE"): (_HOLDERS, "RETURNED"),
    ("DRAFT", "PIA.SUBMIT"): (_HOLDERS, "SUBMITTED"),
    ("RETURNED", "PIA.SUBMIT"): (_HOLDERS, "SUBMITTED"),
    ("DRAFT", "PIA.WITHDRAW"): (_HOLDERS, "WITHDRAWN"),
    ("SUBMITTED", "PIA.WITHDRAW"): (_HOLDERS, "WITHDRAWN"),
    ("RETURNED", "PIA.WITHDRAW"): (_HOLDERS, "WITHDRAWN"),
    ("SUBMITTED", "PIA.RETURN"): (_REVIEWERS, "RETURNED"),
    ("SUBMITTED", "PIA.PASS"): (_REVIEWERS, "STANDING"),
    ("SUBMITTED", "PIA.MEASURES"): (_REVIEWERS, "STANDING"),
    ("SUBMITTED", "PIA.FAIL"): (_REVIEWERS, "FAILED"),
    ("STANDING", "PIA.REMEDY"): (_HOLDERS, "STANDING"),
    ("SUSPENDED", "PIA.REMEDY"): (_HOLDERS, "SUSPENDED"),
    ("STANDING", "PIA.CLOSE"): (_REVIEWERS, "STANDING"),
    ("SUSPENDED", "PIA.CLOSE"): (_REVIEWERS, "SUSPENDED"),
    ("STANDING", "PIA.REOPEN"): (_REVIEWERS, "STANDING"),
    ("SUSPENDED", "PIA.REOPEN"): (_REVIEWERS, "SUSPENDED"),
    ("STANDING", "PIA.SUSPEND"): (_EXCHANGE, "SUSPENDED"),
    ("SUSPENDED", "PIA.RESUME"): (_REVIEWERS, "STANDING"),
    ("STANDING", "PIA.CHANGE"): (_EXCHANGE, "ENDED"),
    ("SUSPENDED", "PIA.CHANGE"): (_EXCHANGE, "ENDED"),
    ("STANDING", "PIA.REVOKE"): (_REVIEWERS, "ENDED"),
    ("SUSPENDED", "PIA.REVOKE"): (_REVIEWERS, "ENDED"),
    ("STANDING", "PIA.EXPIRE"): (_EXCHANGE, "ENDED"),
    ("SUSPENDED", "PIA.EXPIRE"): (_EXCHANGE, "ENDED"),
    ("STANDING", "PIA.END"): (_HOLDERS, "ENDED"),
    ("SUSPENDED", "PIA.END"): (_HOLDERS, "ENDED"),
}
GRADING_MACHINES: Final[Mapping[str, tuple[str, Moves]]] = {
    "grd_": ("grading", GRADING_MOVES),
    "imp_": ("important-data entry", ENTRY_MOVES),
    "imm_": ("catalogue match", MATCH_MOVES),
    "cns_": ("consent record", CONSENT_MOVES),
    "pia_": ("assessment", ASSESSMENT_MOVES),
}
# What a scan showed, and how high an object is now: of products and data entries, by the exchange alone.
GRADING_SPEAKERS: Final[Mapping[str, frozenset[str]]] = {"GRD.LEVEL": _EXCHANGE, "GRD.SCAN": _EXCHANGE}
