"""The steps of the first-level market as an auditor holds them, written again on purpose (`audit_moves`).

A test compares them with the tables of the registry.
"""

from collections.abc import Mapping
from typing import Final

from supervision.audit_assessments import ASSESSMENT_MACHINES
from supervision.audit_customs import CUSTOMS_MACHINES, CUSTOMS_SPEAKERS
from supervision.audit_grading import GRADING_MACHINES, GRADING_SPEAKERS
from supervision.audit_incidents import INCIDENT_MACHINES, INCIDENT_SPEAKERS
from supervision.audit_lists import LIST_MACHINES, LIST_SPEAKERS
from supervision.audit_opening import AGREEMENT_MOVES, OPENING_MOVES, PLAN_MOVES
from supervision.audit_operation import OPERATION_MOVES
from supervision.audit_subjects import SUBJECT_MACHINES
from supervision.audit_vouchers import VOUCHER_MACHINES, VOUCHER_SPEAKERS

Move = tuple[frozenset[str], str | None]
Moves = Mapping[tuple[str | None, str], Move]
_OPERATOR: Final = "EXCHANGE_OPERATOR"
_EXCHANGE: Final = frozenset({_OPERATOR})
_REGISTRAR: Final = frozenset({"REGISTRAR"})
_HOLDERS: Final = frozenset(
    {"PROVIDER", "BUYER", "BROKER", "DATA_MERCHANT", "THIRD_PARTY", "OPERATING_INSTITUTION", "PUBLIC_AGENCY"}
)
_ANYONE: Final = (
    _HOLDERS
    | _EXCHANGE
    | _REGISTRAR
    | {"ESCROW", "DATA_AUTHORITY", "SAMR", "CAC", "PUBLIC_SECURITY", "COURT", "REVIEW_AUTHORITY"}
)
_REGISTERED: Final = "REGISTERED"
_STANDING: Final = (_REGISTERED, "DISPUTED")
_UNDER_WAY: Final = ("SUBMITTED", "NEEDS_SUPPLEMENT", "UNDER_REVIEW", "PUBLIC_NOTICE", "OBJECTED")


def _stays(event: str, states: tuple[str, ...], roles: frozenset[str]) -> Moves:
    return {(state, event): (roles, state) for state in states}


def _to(event: str, states: tuple[str, ...], roles: frozenset[str], to: str) -> Moves:
    return {(state, event): (roles, to) for state in states}


REGISTRATION_MOVES: Final[Moves] = {
    (None, "REG.APPLY"): (_HOLDERS, "SUBMITTED"),
    **_stays("REG.CONFIRM", ("SUBMITTED", "NEEDS_SUPPLEMENT", "UNDER_REVIEW"), _HOLDERS),
    ("SUBMITTED", "REG.ACCEPT"): (_REGISTRAR | _EXCHANGE, "UNDER_REVIEW"),
    ("SUBMITTED", "REG.SUPPLEMENT"): (_REGISTRAR, "NEEDS_SUPPLEMENT"),
    ("NEEDS_SUPPLEMENT", "REG.RESUBMIT"): (_HOLDERS, "SUBMITTED"),
    ("NEEDS_SUPPLEMENT", "REG.LAPSE"): (_EXCHANGE, "CLOSED"),
    **_to("REG.WITHDRAW", _UNDER_WAY, _HOLDERS, "CLOSED"),
    ("UNDER_REVIEW", "REG.EXTEND"): (_REGISTRAR, "UNDER_REVIEW"),
    ("UNDER_REVIEW", "REG.REFUSE"): (_REGISTRAR, "REFUSED"),
    ("UNDER_REVIEW", "REG.PUBLISH"): (_REGISTRAR, "PUBLIC_NOTICE"),
    **_stays("REG.OVERDUE", ("UNDER_REVIEW", "OBJECTED"), _EXCHANGE),
    **_to("REG.OBJECT", ("PUBLIC_NOTICE", "OBJECTED"), _ANYONE, "OBJECTED"),
    ("OBJECTED", "REG.UPHOLD"): (_REGISTRAR, "REFUSED"),
    ("OBJECTED", "REG.DISMISS"): (_REGISTRAR, "PUBLIC_NOTICE"),
    ("PUBLIC_NOTICE", "REG.DEPOSIT_AND_ISSUE"): (_REGISTRAR, _REGISTERED),
    **_stays("REG.ASK", (_REGISTERED,), _HOLDERS),
    **_stays("REG.AGREE", (_REGISTERED,), _HOLDERS),
    **_stays("REG.DECLINE", (_REGISTERED,), _REGISTRAR),
    **_stays("REG.CHANGE", (_REGISTERED,), _REGISTRAR),
    **_stays("REG.TRANSFER", (_REGISTERED,), _REGISTRAR),
    **_stays("REG.RENEW", (_REGISTERED,), _REGISTRAR),
    **_stays("REG.ANNOTATE", _STANDING, _REGISTRAR),
    **_stays("REG.PLEDGE", (_REGISTERED,), _REGISTRAR),
    **_stays("REG.RELEASE", _STANDING, _REGISTRAR),
    **_to("REG.OBJECT_LATE", _STANDING, _ANYONE, "DISPUTED"),
    ("DISPUTED", "REG.RESOLVE_KEEP"): (_REGISTRAR, _REGISTERED),
    ("DISPUTED", "REG.RESOLVE_CANCEL"): (_REGISTRAR, "CANCELLED"),
    **_stays("REG.END_RIGHT", _STANDING, _EXCHANGE),
    (_REGISTERED, "REG.CANCEL"): (_REGISTRAR, "CANCELLED"),
    **_to("REG.REVOKE", _STANDING, _REGISTRAR, "REVOKED"),
    **_to("REG.EXPIRE", _STANDING, _EXCHANGE, "EXPIRED"),
}
_AGENCY: Final = frozenset({"PUBLIC_AGENCY"})
CHIEF_MOVES: Final[Moves] = {
    (None, "CDO.APPOINT"): (_AGENCY, "STANDING"),
    ("STANDING", "CDO.END"): (_AGENCY | _EXCHANGE, "ENDED"),
}
_AUTHORITY: Final = frozenset({"DATA_AUTHORITY"})
EVALUATION_MOVES: Final[Moves] = {
    (None, "EVL.OPEN"): (_AUTHORITY, "OPEN"),
    ("OPEN", "EVL.SELF_REPORT"): (_AGENCY, "SELF_REPORTED"),
    **_stays("EVL.OVERDUE", ("OPEN", "OBJECTED"), _EXCHANGE),
    **_to("EVL.SCORE", ("OPEN", "SELF_REPORTED"), _AUTHORITY, "SCORED"),
    ("SCORED", "EVL.OBJECT"): (_AGENCY, "OBJECTED"),
    ("SCORED", "EVL.FINALISE"): (_EXCHANGE, "FINAL"),
    **_to("EVL.DISMISS", ("OBJECTED",), _AUTHORITY, "FINAL"),
    **_to("EVL.UPHOLD", ("OBJECTED",), _AUTHORITY, "FINAL"),
    ("FINAL", "EVL.PUBLISH"): (_AUTHORITY, "PUBLISHED"),
}
MATURITY_MOVES: Final[Moves] = {
    (None, "DCM.CLAIM"): (_ANYONE - _AUTHORITY, "CLAIMED"),
    (None, "DCM.RECORD"): (_AUTHORITY, "CONFIRMED"),
    ("CLAIMED", "DCM.CONFIRM"): (_AUTHORITY, "CONFIRMED"),
    ("CLAIMED", "DCM.DECLINE"): (_AUTHORITY, "DECLINED"),
    ("CONFIRMED", "DCM.REVOKE"): (_AUTHORITY, "REVOKED"),
}
_GIVERS: Final = frozenset({"DATA_MERCHANT", "OPERATING_INSTITUTION", "PROVIDER", "PUBLIC_AGENCY"})
CONTRIBUTION_MOVES: Final[Moves] = {
    (None, "CTB.ASK"): (frozenset({"PROVIDER"}), "ASKED"),
    ("ASKED", "CTB.AGREE"): (_GIVERS, "AGREED"),
    ("ASKED", "CTB.REFUSE"): (_GIVERS, "REFUSED"),
    ("ASKED", "CTB.CANCEL"): (frozenset({"PROVIDER"}), "CANCELLED"),
    ("AGREED", "CTB.WITHDRAW"): (_GIVERS, "WITHDRAWN"),
}
CONTRIBUTION_SIDES: Final[Mapping[tuple[str, str], str]] = {
    **{(f"CTB.{event}", "PROVIDER"): "holder_id" for event in ("ASK", "CANCEL")},
    **{
        (f"CTB.{event}", role): "contributor_id"
        for event in ("AGREE", "REFUSE", "WITHDRAW")
        for role in sorted(_GIVERS)
    },
}
"""By event and role, the member of a statement that names the organisation whose step it is."""
# The prefix of an object's id, what it is called, its steps.
MACHINES: Final[Mapping[str, tuple[str, Moves]]] = {
    "reg_": ("registration", REGISTRATION_MOVES),
    "cdo_": ("chief data officer", CHIEF_MOVES),
    "ctb_": ("contribution", CONTRIBUTION_MOVES),
    "dcm_": ("maturity certificate", MATURITY_MOVES),
    "evl_": ("evaluation", EVALUATION_MOVES),
    "aog_": ("grant", OPERATION_MOVES),
    "pcm_": ("basis of procurement", {(None, "PCM.STATE"): (frozenset({"BUYER"}), "STATED")}),
    **ASSESSMENT_MACHINES,
    **CUSTOMS_MACHINES,
    **INCIDENT_MACHINES,
    **LIST_MACHINES,
    **GRADING_MACHINES,
    **VOUCHER_MACHINES,
    **SUBJECT_MACHINES,
    "opn_": ("open-list entry", OPENING_MOVES),
    "oag_": ("opening agreement", AGREEMENT_MOVES),
    "opl_": ("opening plan", PLAN_MOVES),
}
REGISTRY_EVENTS: Final = frozenset(event for _, moves in MACHINES.values() for _, event in moves)


def _speakers() -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {
        # Of a product's rights, whose basis the exchange alone has looked at.
        "REG.REVOKE": _EXCHANGE | _REGISTRAR,
        "REG.CANCEL": frozenset({"PROVIDER"}),
        "RGR.RECOGNISE": frozenset({"DATA_AUTHORITY"}),
        "RGR.END": frozenset({"DATA_AUTHORITY"}),
        "RGR.REPORT": _REGISTRAR,
        "RGR.TELL": _REGISTRAR,
        "RGR.ASSESS": frozenset({"DATA_AUTHORITY"}),
        "RGR.DECIDE": frozenset({"DATA_AUTHORITY"}),
        "RGR.OVERDUE": _EXCHANGE,
        **CUSTOMS_SPEAKERS,
        **INCIDENT_SPEAKERS,
        **LIST_SPEAKERS,
        **GRADING_SPEAKERS,
        **VOUCHER_SPEAKERS,
        # What was measured of an agency's data, by the exchange's own hand.
        "QTY.MEASURE": _EXCHANGE,
        "QTY.CROSS_CHECK": _EXCHANGE,
        "OPC.CHECK": _EXCHANGE,
    }
    for _, moves in MACHINES.values():
        for (_, event), (roles, _) in moves.items():
            found[event] = found.get(event, frozenset()) | roles
    return found


REGISTRY_SPEAKERS: Final = _speakers()
