"""Who may say what, and in which order: the tables of `docs/ledger.md`, "Steps", as an auditor holds them.

They are written here again on purpose: an audit that asked the market's own tables would find whatever the
market does right. A test compares them.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from supervision.audit_registry import CONTRIBUTION_SIDES, REGISTRY_SPEAKERS

OPERATOR: Final = "EXCHANGE_OPERATOR"
_EXCHANGE: Final = frozenset({OPERATOR})
_AUTHORITIES: Final = frozenset({"DATA_AUTHORITY", "SAMR", "CAC"})
_BANK: Final = frozenset({OPERATOR, "ESCROW"})
_PARTIES: Final = frozenset({"PROVIDER", "BUYER", "BROKER"})
_PROVIDER_SIDE: Final = frozenset({"PROVIDER", "BROKER"})
_BUYER_SIDE: Final = frozenset({"BUYER", "BROKER"})
_MAY_STOP: Final = _AUTHORITIES | _EXCHANGE
_DATA_AUTHORITY: Final = frozenset({"DATA_AUTHORITY"})
_BROKER: Final = frozenset({"BROKER"})
_PROVIDER: Final = frozenset({"PROVIDER"})
_BUYER: Final = frozenset({"BUYER"})
_TWO_SIDES: Final = frozenset({"PROVIDER", "BUYER"})
_BUYER_OR_EXCHANGE: Final = frozenset({OPERATOR, "BUYER"})
_UNITS: Final = _PARTIES | {"DATA_MERCHANT", "THIRD_PARTY", "PUBLIC_AGENCY", "OPERATING_INSTITUTION"}
ANY_MEMBER: Final = (
    _AUTHORITIES
    | _PARTIES
    | _BANK
    | {"DATA_MERCHANT", "THIRD_PARTY", "REGISTRAR"}
    | {"PUBLIC_AGENCY", "OPERATING_INSTITUTION", "PUBLIC_SECURITY", "REVIEW_AUTHORITY", "COURT"}
)

FROZEN: Final = "FROZEN"
VOIDED: Final = "VOIDED"
FREEZE: Final = "TRD.FREEZE"
UNFREEZE: Final = "TRD.UNFREEZE"
SIGN: Final = "TRD.SIGN"
INQUIRE: Final = "TRD.INQUIRE"
AWARD: Final = "TRD.AWARD"
POST_REFUND: Final = "TRD.POST_REFUND"
REFUND: Final = "TRD.REFUND"
VOID: Final = "TRD.VOID"
TAKE_OVER: Final = "MND.TAKE_OVER"
Move = tuple[frozenset[str], str | None]

# From a state by an event: who may, and the state it leads to (None: back to the one that was frozen).
STEPS: Final[Mapping[tuple[str | None, str], Move]] = {
    (None, INQUIRE): (_BUYER_SIDE, "INQUIRED"),
    (None, AWARD): (_EXCHANGE, "ACCEPTED"),
    ("INQUIRED", "TRD.OFFER"): (_PROVIDER_SIDE, "NEGOTIATING"),
    ("INQUIRED", "TRD.COUNTER_OFFER"): (_BUYER_SIDE, "NEGOTIATING"),
    ("INQUIRED", "TRD.REFUSE"): (_PROVIDER_SIDE, "REFUSED"),
    ("INQUIRED", "TRD.TIMEOUT"): (_EXCHANGE, "LAPSED"),
    ("NEGOTIATING", "TRD.OFFER"): (_PARTIES, "NEGOTIATING"),
    ("NEGOTIATING", "TRD.COUNTER_OFFER"): (_PARTIES, "NEGOTIATING"),
    ("NEGOTIATING", "TRD.REFUSE"): (_PROVIDER_SIDE, "REFUSED"),
    ("NEGOTIATING", "TRD.TIMEOUT"): (_EXCHANGE, "LAPSED"),
    ("NEGOTIATING", "TRD.ACCEPT"): (_PARTIES, "ACCEPTED"),
    ("ACCEPTED", "TRD.PRECHECK_PASS"): (_EXCHANGE, "CONTRACT_READY"),
    ("ACCEPTED", "TRD.PRECHECK_FAIL"): (_EXCHANGE, "BLOCKED"),
    # Drawn up anew without the broker from which its client has taken over.
    ("CONTRACT_READY", "TRD.PRECHECK_PASS"): (_EXCHANGE, "CONTRACT_READY"),
    ("CONTRACT_READY", "TRD.PRECHECK_FAIL"): (_EXCHANGE, "BLOCKED"),
    ("CONTRACT_READY", SIGN): (_PARTIES, "CONTRACT_READY"),
    ("CONTRACT_READY", "TRD.CONTRACT"): (_EXCHANGE, "CONTRACTED"),
    ("CONTRACTED", "TRD.FUND"): (_BANK, "FUNDED"),
    ("CONTRACTED", "TRD.FUND_TIMEOUT"): (_EXCHANGE, "CANCELLED"),
    ("FUNDED", "TRD.START_DELIVERY"): (_PROVIDER, "DELIVERING"),
    ("FUNDED", "TRD.DELIVERY_FAIL"): (_BUYER_OR_EXCHANGE, "REFUND_PENDING"),
    ("DELIVERING", "TRD.SUSPEND"): (_MAY_STOP, "DELIVERY_SUSPENDED"),
    ("DELIVERY_SUSPENDED", "TRD.RESUME"): (_MAY_STOP, "DELIVERING"),
    ("DELIVERING", "TRD.DELIVERED"): (_BUYER_OR_EXCHANGE, "DELIVERED"),
    ("DELIVERING", "TRD.DELIVERY_FAIL"): (_BUYER_OR_EXCHANGE, "REFUND_PENDING"),
    ("DELIVERY_SUSPENDED", "TRD.DELIVERY_FAIL"): (_BUYER_OR_EXCHANGE, "REFUND_PENDING"),
    ("DELIVERED", "TRD.ACCEPT_GOODS"): (frozenset({"BUYER"}), "ACCEPTED_GOODS"),
    ("DELIVERED", "TRD.SILENT_ACCEPT"): (_EXCHANGE, "ACCEPTED_GOODS"),
    ("DELIVERED", "TRD.DISPUTE"): (_TWO_SIDES | _EXCHANGE, "DISPUTED"),
    ("DISPUTED", "TRD.SETTLE_AGREED"): (_TWO_SIDES | _EXCHANGE, "ACCEPTED_GOODS"),
    ("DISPUTED", "TRD.RULE_FOR_SELLER"): (_EXCHANGE, "ACCEPTED_GOODS"),
    ("DISPUTED", "TRD.RULE_FOR_BUYER"): (_EXCHANGE, "REFUND_PENDING"),
    ("DISPUTED", "TRD.PARTIAL"): (_TWO_SIDES | _EXCHANGE, "PARTIAL_SETTLE"),
    ("ACCEPTED_GOODS", "TRD.SETTLE"): (_BANK, "SETTLED"),
    ("PARTIAL_SETTLE", "TRD.SETTLE"): (_BANK, "SETTLED"),
    ("SETTLED", "TRD.INVOICE"): (_PROVIDER, "SETTLED"),
    ("SETTLED", "TRD.FILE"): (_EXCHANGE, "FILED"),
    ("FILED", "TRD.ISSUE_TRADE_CERT"): (_EXCHANGE, "CERTIFIED"),
    ("CERTIFIED", "TRD.LICENCE_END"): (_EXCHANGE, "CLOSED"),
    ("SETTLED", POST_REFUND): (_MAY_STOP, "REFUND_PENDING"),
    ("FILED", POST_REFUND): (_MAY_STOP, "REFUND_PENDING"),
    ("CERTIFIED", POST_REFUND): (_MAY_STOP, "REFUND_PENDING"),
    ("REFUND_PENDING", REFUND): (_BANK, "REFUNDED"),
    (VOIDED, REFUND): (_BANK, VOIDED),  # what a void contract had left in escrow
    (FROZEN, UNFREEZE): (_MAY_STOP, None),
    (FROZEN, FREEZE): (_AUTHORITIES, FROZEN),  # an authority takes over the exchange's freeze
}
DONE: Final = frozenset({"SETTLED", "FILED", "CERTIFIED", "CLOSED", "REFUNDED", VOIDED})
OVER: Final = DONE | {"REFUSED", "LAPSED", "BLOCKED", "CANCELLED"}
_REACHED: Final = {move[1] for move in STEPS.values() if move[1] is not None}
MOVES: Final[Mapping[tuple[str | None, str], Move]] = {
    **STEPS,
    **{(state, FREEZE): (_MAY_STOP, FROZEN) for state in _REACHED - OVER - {FROZEN}},
    **{(state, VOID): (_AUTHORITIES, VOIDED) for state in (_REACHED | {FROZEN}) - {VOIDED}},
}


def _speakers(moves: Iterable[tuple[str, frozenset[str]]]) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for event, roles in moves:
        found[event] = found.get(event, frozenset()) | roles
    return found


TRADE_SPEAKERS: Final = _speakers((event, move[0]) for (_, event), move in MOVES.items())
_SUSPENDED: Final = "SUSPENDED"
_ACTIVE: Final = "ACTIVE"
_APPLYING: Final = ("APPLIED", "CORRECTING", "UNDER_REVIEW", "PUBLIC_NOTICE", "OBJECTED")
_WORKING: Final = (_ACTIVE, "RECTIFYING")
_AT_WORK: Final = (*_WORKING, "EXITING")
_IN_BEING: Final = (*_AT_WORK, _SUSPENDED)
_AUTHORITY_OR_EXCHANGE: Final = _DATA_AUTHORITY | _EXCHANGE


def _stays(event: str, states: tuple[str, ...], roles: frozenset[str]) -> dict[tuple[str | None, str], Move]:
    return {(state, event): (roles, state) for state in states}


def _to(
    event: str, states: tuple[str, ...], roles: frozenset[str], to: str
) -> dict[tuple[str | None, str], Move]:
    return {(state, event): (roles, to) for state in states}


# A broker's certificate, from its application on (None: back to what was suspended).
CERTIFICATE_MOVES: Final[Mapping[tuple[str | None, str], Move]] = {
    (None, "BRK.APPLY"): (_BROKER, "APPLIED"),
    (None, "BRK.CERTIFY"): (_DATA_AUTHORITY, _ACTIVE),
    ("APPLIED", "BRK.ASK_CORRECTION"): (_DATA_AUTHORITY, "CORRECTING"),
    ("CORRECTING", "BRK.CORRECT"): (_BROKER, "APPLIED"),
    ("CORRECTING", "BRK.LAPSE"): (_EXCHANGE, "LAPSED"),
    ("APPLIED", "BRK.REVIEW"): (_DATA_AUTHORITY, "UNDER_REVIEW"),
    ("UNDER_REVIEW", "BRK.VOTE"): (_DATA_AUTHORITY, "UNDER_REVIEW"),
    ("UNDER_REVIEW", "BRK.REFUSE"): (_DATA_AUTHORITY, "REFUSED"),
    ("UNDER_REVIEW", "BRK.NOTICE"): (_DATA_AUTHORITY, "PUBLIC_NOTICE"),
    **_to("BRK.OBJECT", ("PUBLIC_NOTICE", "OBJECTED"), ANY_MEMBER, "OBJECTED"),
    ("OBJECTED", "BRK.UPHOLD"): (_DATA_AUTHORITY, "REFUSED"),
    ("OBJECTED", "BRK.DISMISS"): (_DATA_AUTHORITY, "PUBLIC_NOTICE"),
    ("PUBLIC_NOTICE", "BRK.CERTIFY"): (_DATA_AUTHORITY, _ACTIVE),
    **_stays("BRK.OVERDUE", ("APPLIED", "UNDER_REVIEW", "OBJECTED"), _EXCHANGE),
    **_to("BRK.WITHDRAW", _APPLYING, _BROKER, "WITHDRAWN"),
    **_stays("BRK.ANNUAL_REPORT", _IN_BEING, _BROKER),
    **_to("BRK.ANNUAL_PASS", _WORKING, _DATA_AUTHORITY, _ACTIVE),
    (_ACTIVE, "BRK.RECTIFY"): (_DATA_AUTHORITY, "RECTIFYING"),
    **_stays("BRK.RECTIFIED", ("RECTIFYING", _SUSPENDED), _BROKER),
    **_to("BRK.RECTIFY_MISS", ("RECTIFYING", _SUSPENDED), _EXCHANGE, _SUSPENDED),
    **_to("BRK.ANNUAL_FAIL", _WORKING, _DATA_AUTHORITY, _SUSPENDED),
    **_to("BRK.MISS_REPORT", _IN_BEING, _EXCHANGE, _SUSPENDED),
    **_stays("BRK.WARN", _WORKING, _DATA_AUTHORITY),
    **_stays("BRK.CUT_SCOPE", _WORKING, _DATA_AUTHORITY),
    **_to("BRK.SUSPEND", _AT_WORK, _AUTHORITY_OR_EXCHANGE, _SUSPENDED),
    (_SUSPENDED, "BRK.SUSPEND"): (_DATA_AUTHORITY, _SUSPENDED),  # takes over the exchange's emergency
    (_SUSPENDED, "BRK.EMERGENCY_OVER"): (_EXCHANGE, None),
    (_SUSPENDED, "BRK.REINSTATE"): (_DATA_AUTHORITY, None),
    (_SUSPENDED, "BRK.REVOKE"): (_DATA_AUTHORITY, "REVOKED"),
    (_ACTIVE, "BRK.RENEW"): (_BROKER, _ACTIVE),
    **_to("BRK.EXPIRE", _AT_WORK, _EXCHANGE, "EXPIRED"),
    (_ACTIVE, "BRK.EXIT_NOTICE"): (_BROKER, "EXITING"),
    ("EXITING", "BRK.EXIT"): (_BROKER, "EXITED"),
}
CERTIFICATE_SPEAKERS: Final = _speakers((event, move[0]) for (_, event), move in CERTIFICATE_MOVES.items())
# A sealed auction of a listing.
AUCTION_MOVES: Final[Mapping[tuple[str | None, str], Move]] = {
    (None, "AUC.OPEN"): (_PROVIDER, "OPEN"),
    ("OPEN", "AUC.COMMIT"): (_BUYER_SIDE, "OPEN"),
    ("OPEN", "AUC.CANCEL"): (_PROVIDER, "CANCELLED"),
    ("OPEN", "AUC.CLOSE"): (_EXCHANGE, "CLOSED"),
    ("OPEN", "AUC.FAIL"): (_EXCHANGE, "FAILED"),
    ("CLOSED", "AUC.REVEAL"): (_BUYER_SIDE, "CLOSED"),
    ("CLOSED", "AUC.REVEAL_RESERVE"): (_PROVIDER, "CLOSED"),
    ("CLOSED", "AUC.AWARD"): (_EXCHANGE, "AWARDED"),
    ("CLOSED", "AUC.FAIL"): (_EXCHANGE, "FAILED"),
}
AUCTION_SPEAKERS: Final = _speakers((event, move[0]) for (_, event), move in AUCTION_MOVES.items())
# A complaint, a report, a case. What a party or a reporter does the exchange states: the log names neither.
_HANDLERS: Final = _AUTHORITIES | {"PUBLIC_SECURITY"}
_DESKS: Final = _HANDLERS | _EXCHANGE
_SAMR: Final = frozenset({"SAMR"})
HEARERS: Final[Mapping[str, str]] = {"REVIEW": "REVIEW_AUTHORITY", "LAWSUIT": "COURT"}
"""Who hears an appeal, by the way it takes."""
_HEARERS: Final = frozenset(HEARERS.values())
_APPEALED: Final = ("APPEALED", "APPEALED_EXECUTED", "APPEALED_PUBLISHED")
_INVESTIGATING: Final = "INVESTIGATING"
_BESIDE_CASES: Final = frozenset({"RECEIVED", "TRANSFERRED", "JURISDICTION"})
_CASE_STEPS: Final[Mapping[tuple[str | None, str], Move]] = {
    (None, "CSE.FILE"): (_DESKS, "RECEIVED"),
    ("RECEIVED", "CSE.TRIAGE"): (_DESKS, "TRIAGED"),
    ("TRIAGED", "CSE.TRANSFER"): (_DESKS, "TRANSFERRED"),
    ("TRANSFERRED", "CSE.RECEIVE"): (_DESKS, "RECEIVED"),
    ("TRANSFERRED", "CSE.CONTEST"): (_DESKS, "JURISDICTION"),
    ("JURISDICTION", "CSE.SETTLE_JURISDICTION"): (_DESKS, "RECEIVED"),
    ("JURISDICTION", "CSE.ASSIGN"): (_DESKS, "RECEIVED"),
    ("TRIAGED", "CSE.REFUSE"): (_DESKS, "REFUSED"),
    ("TRIAGED", "CSE.ACCEPT"): (_DESKS, "MEDIATING"),
    ("MEDIATING", "CSE.CONSENT"): (_EXCHANGE, "MEDIATING"),
    ("MEDIATING", "CSE.AGREE"): (_DESKS, "CLOSED_AGREED"),
    ("MEDIATING", "CSE.END"): (_DESKS, "CLOSED_NO_AGREEMENT"),
    ("MEDIATING", "CSE.CLUE"): (_DESKS, "MEDIATING"),
    ("TRIAGED", "CSE.VERIFY"): (_HANDLERS, "VERIFYING"),
    ("VERIFYING", "CSE.EXTEND"): (_HANDLERS, "VERIFYING"),
    ("VERIFYING", "CSE.NO_CASE"): (_HANDLERS, "CLOSED_NO_CASE"),
    ("VERIFYING", "CSE.OPEN_CASE"): (_HANDLERS, _INVESTIGATING),
    (_INVESTIGATING, "CSE.NO_CASE"): (_HANDLERS, "CLOSED_NO_CASE"),
    (_INVESTIGATING, "CSE.FREEZE_EVIDENCE"): (_HANDLERS, _INVESTIGATING),
    (_INVESTIGATING, "CSE.FREEZE_FUNDS"): (_EXCHANGE, _INVESTIGATING),  # enters what TRD.FREEZE has done
    (_INVESTIGATING, "CSE.INTERVIEW"): (_HANDLERS, _INVESTIGATING),
    (_INVESTIGATING, "CSE.OFFER_COMMITMENT"): (_EXCHANGE, _INVESTIGATING),
    (_INVESTIGATING, "CSE.COMMITMENT"): (_SAMR, "SUSPENDED_COMMITMENT"),
    ("SUSPENDED_COMMITMENT", "CSE.FULFILLED"): (_SAMR, "CLOSED_COMMITMENT"),
    ("SUSPENDED_COMMITMENT", "CSE.BROKEN"): (_SAMR, _INVESTIGATING),
    (_INVESTIGATING, "CSE.APPLY_LENIENCY"): (_EXCHANGE, _INVESTIGATING),
    (_INVESTIGATING, "CSE.PROPOSE_PENALTY"): (_HANDLERS, "PENALTY_NOTICE"),
    **_to("CSE.STATEMENT", ("PENALTY_NOTICE", "HEARD"), _EXCHANGE, "HEARD"),
    **_to("CSE.REQUEST_HEARING", ("PENALTY_NOTICE", "HEARD"), _EXCHANGE, "HEARD"),
    ("HEARD", "CSE.NOTIFY_HEARING"): (_HANDLERS, "HEARD"),
    **_to("CSE.DECIDE", ("PENALTY_NOTICE", "HEARD"), _HANDLERS, "DECIDED"),
    # An appeal suspends neither execution nor publication; where it leads says how far both have come.
    **_to("CSE.APPEAL", ("DECIDED", "UPHELD", "CHANGED"), _EXCHANGE, "APPEALED"),
    ("EXECUTED", "CSE.APPEAL"): (_EXCHANGE, "APPEALED_EXECUTED"),
    **_to("CSE.APPEAL", ("PUBLISHED", "EXPIRED_DISPLAY"), _EXCHANGE, "APPEALED_PUBLISHED"),
    **_stays("CSE.APPEAL", _APPEALED, _EXCHANGE),
    ("APPEALED", "CSE.UPHOLD"): (_HEARERS, "UPHELD"),
    ("APPEALED_EXECUTED", "CSE.UPHOLD"): (_HEARERS, "EXECUTED"),
    ("APPEALED_PUBLISHED", "CSE.UPHOLD"): (_HEARERS, "PUBLISHED"),
    **_to("CSE.CHANGE", _APPEALED, _HEARERS, "CHANGED"),
    **_to("CSE.REVOKE", _APPEALED, _HEARERS, "REVOKED"),
    **_to("CSE.EXECUTE", ("DECIDED", "UPHELD", "CHANGED"), _HANDLERS, "EXECUTED"),
    ("APPEALED", "CSE.EXECUTE"): (_HANDLERS, "APPEALED_EXECUTED"),
    ("EXECUTED", "CSE.PUBLISH"): (_HANDLERS, "PUBLISHED"),
    ("APPEALED_EXECUTED", "CSE.PUBLISH"): (_HANDLERS, "APPEALED_PUBLISHED"),
    ("PUBLISHED", "CSE.EXPIRE_DISPLAY"): (_EXCHANGE, "EXPIRED_DISPLAY"),
}
_CASE_STATES: Final = {move[1] for move in _CASE_STEPS.values() if move[1] is not None}
CASE_MOVES: Final[Mapping[tuple[str | None, str], Move]] = {
    **_CASE_STEPS,
    **_stays("CSE.TELL", tuple(sorted(_CASE_STATES - _BESIDE_CASES)), _DESKS),
    **_stays("CSE.OVERDUE", tuple(sorted(_CASE_STATES - {"EXPIRED_DISPLAY"})), _EXCHANGE),
}
CASE_SPEAKERS: Final = _speakers((event, move[0]) for (_, event), move in CASE_MOVES.items())
_BROKERS_YEAR: Final = ("BRK.ANNUAL_REPORT", "BRK.RECTIFIED", "BRK.RENEW", "BRK.EXIT_NOTICE", "BRK.EXIT")
# Who may say what else; of `KEY.*` and `LOG.*` the keyring judges. Others are judged by their key alone.
SPEAKERS: Final[Mapping[str, frozenset[str]]] = {
    **dict.fromkeys(("ORG.ADMIT", "ORG.CONTROL"), _EXCHANGE),
    **CERTIFICATE_SPEAKERS,
    "PNL.RECUSE": _DATA_AUTHORITY,
    "CRD.APPOINT": _DATA_AUTHORITY,
    "CRD.ISSUE": _EXCHANGE,
    "MND.SIGN": frozenset({"PROVIDER", "BUYER"}),
    "MND.ACCEPT": _BROKER,
    "MND.REVOKE": frozenset({"PROVIDER", "BUYER"}),
    "MND.FREEZE": _EXCHANGE,
    "MND.UNFREEZE": _EXCHANGE,
    "MND.EXPIRE": _EXCHANGE,
    "MND.FULFIL": _EXCHANGE,
    "MND.TERMINATE": _EXCHANGE,
    TAKE_OVER: _TWO_SIDES,
    "MND.HAND_OVER": _BROKER,
    "CND.DISCLOSE": _BROKER,
    "CND.CEASE": _BROKER,
    "CND.CONSENT": _TWO_SIDES,
    "CND.REPORT": _BROKER,
    "CND.CHANGE": _BROKER,
    "CND.CHECK": _BROKER,
    "LST.DRAFT": _PROVIDER_SIDE,
    "LST.SUBMIT": _PROVIDER_SIDE,
    "LST.SCREEN_PASS": _EXCHANGE,
    "LST.SCREEN_FAIL": _EXCHANGE,
    "LST.APPROVE": _EXCHANGE,
    "LST.RETURN": _EXCHANGE,
    "LST.REJECT": _EXCHANGE,
    "LST.LIST": _EXCHANGE,
    "LST.SUSPEND": _MAY_STOP,
    "LST.RESUME": _MAY_STOP,
    "LST.DELIST": _MAY_STOP,
    "LST.WITHDRAW": _PROVIDER,
    "REG.MEASURE": _EXCHANGE,
    **REGISTRY_SPEAKERS,
    "REQ.PUBLISH": _BUYER,
    "REQ.ANSWER": _PROVIDER_SIDE,
    "MED.SEND": _BROKER,
    "RWD.CLAIM": _EXCHANGE,
    "RWD.CONTEST": _TWO_SIDES,
    "RWD.ANSWER": _BROKER,
    "RWD.WITHDRAW": _TWO_SIDES,
    "RWD.DECIDE": _EXCHANGE,
    "RWD.RELEASE": _BROKER,
    "RWD.FALL": _EXCHANGE,
    "REQ.FULFIL": _BUYER,
    "REQ.WITHDRAW": _BUYER,
    "REQ.EXPIRE": _EXCHANGE,
    "STA.SURVEY": _UNITS,
    **AUCTION_SPEAKERS,
    **dict.fromkeys(("QTE.HOLD", "QTE.QUOTE"), _EXCHANGE),
    "XBD.AUTO_ROUTE": _EXCHANGE,
    "DLV.DOWNLOAD": _EXCHANGE,
    "DLV.RELEASE_KEY": _EXCHANGE,
    "DLV.MARK": _EXCHANGE,
    "DLV.CHECK": _BUYER_OR_EXCHANGE,
    "DLV.ISSUE_KEY": _BUYER,
    "DLV.REVOKE_KEY": _BUYER | _EXCHANGE,  # by an order of an incident
    "DLV.INTERFACE": _PROVIDER,
    "DLV.USAGE": _EXCHANGE,
    "DLV.QUERY": _EXCHANGE,
    "DLV.APPROVE_ALGORITHM": _PROVIDER,
    "PAY.ACCOUNT": _PARTIES,
    "PAY.INSTRUCT": _BANK,
    "PAY.MISMATCH": _BANK,
    "PAY.RECONCILE": _BANK,
    "PAY.RESOLVE": _EXCHANGE,
    "PAY.REQUEUE": _EXCHANGE,
    "PAY.ASCERTAIN": _EXCHANGE,
    "PAY.EXPIRE": _BANK,
    "PAY.CLAIM": _EXCHANGE,
    "JOB.RETRY": _EXCHANGE,
    "PAY.CLAIM_PAID": _BANK,
    "ACC.STATEMENT": _EXCHANGE,
    "DSP.PROPOSE": _TWO_SIDES,
    "DSP.WITHDRAW": _TWO_SIDES,
    "DSP.AGREE": _TWO_SIDES,
    "DSP.OVERDUE": _EXCHANGE,
    "DSP.VOTE": _EXCHANGE,
    "DSP.RECUSE": _EXCHANGE,
    "FIL.DESTRUCTION_ASKED": _EXCHANGE,
    "FIL.RED_INVOICE_ASKED": _EXCHANGE,
    "FIL.DESTROYED": frozenset({"BUYER"}),
    "FIL.RED_INVOICE": _PROVIDER,
    "FIL.OVERDUE": _EXCHANGE,
    **CASE_SPEAKERS,
    "ORD.PROPOSE": _HANDLERS,
    "ORD.WITHDRAW": _HANDLERS,
    "ORD.ISSUE": _EXCHANGE,
    "FLG.SET": _EXCHANGE,
    "FLG.CLEAR": _EXCHANGE,
    "FED.CHECKPOINT": _EXCHANGE,
    **{f"PPL.{event}": _EXCHANGE for event in ("ENROL", "IDENTIFY", "CLOSE", "RESET_FACTOR", "DECIDE")},
    **dict.fromkeys(("BAK.TAKE", "BAK.RESTORE", "MST.ROTATE"), _EXCHANGE),
    "OPN.ERASE": _MAY_STOP,
    "REF.REFUSE": _EXCHANGE,
}
# Whose act it is: the member that names the organisation which acts in that role, where it is there.
SEATS: Final[Mapping[tuple[str, str], str]] = {
    ("MND.SIGN", "PROVIDER"): "client_id",
    ("MND.SIGN", "BUYER"): "client_id",
    ("MND.ACCEPT", "BROKER"): "broker_id",
    ("MND.REVOKE", "PROVIDER"): "client_id",
    ("MND.REVOKE", "BUYER"): "client_id",
    (TAKE_OVER, "PROVIDER"): "client_id",
    (TAKE_OVER, "BUYER"): "client_id",
    ("MND.HAND_OVER", "BROKER"): "broker_id",
    **{
        (f"CND.{event}", "BROKER"): "broker_id"
        for event in ("DISCLOSE", "CEASE", "REPORT", "CHANGE", "CHECK")
    },
    ("CND.CONSENT", "PROVIDER"): "org_id",
    ("CND.CONSENT", "BUYER"): "org_id",
    ("LST.DRAFT", "PROVIDER"): "seller_id",
    ("LST.DRAFT", "BROKER"): "broker_id",
    ("LST.SUBMIT", "PROVIDER"): "seller_id",
    ("LST.WITHDRAW", "PROVIDER"): "seller_id",
    ("REG.CANCEL", "PROVIDER"): "holder_id",
    **{(f"DSP.{event}", "PROVIDER"): "seller_id" for event in ("PROPOSE", "WITHDRAW", "AGREE")},
    **{(f"DSP.{event}", "BUYER"): "buyer_id" for event in ("PROPOSE", "WITHDRAW", "AGREE")},
    ("FIL.DESTROYED", "BUYER"): "buyer_id",
    ("FIL.RED_INVOICE", "PROVIDER"): "seller_id",
    ("DLV.CHECK", "BUYER"): "buyer_id",
    ("DLV.ISSUE_KEY", "BUYER"): "org_id",
    ("DLV.REVOKE_KEY", "BUYER"): "org_id",
    ("DLV.INTERFACE", "PROVIDER"): "seller_id",
    ("DLV.APPROVE_ALGORITHM", "PROVIDER"): "seller_id",
    **{(f"AUC.{event}", "PROVIDER"): "seller_id" for event in ("OPEN", "CANCEL", "REVEAL_RESERVE")},
    **{(f"AUC.{event}", "BUYER"): "bidder_id" for event in ("COMMIT", "REVEAL")},
    **{(f"AUC.{event}", "BROKER"): "broker_id" for event in ("COMMIT", "REVEAL")},
    ("REQ.PUBLISH", "BUYER"): "buyer_id",
    ("REQ.ANSWER", "PROVIDER"): "seller_id",
    ("REQ.ANSWER", "BROKER"): "broker_id",
    ("MED.SEND", "BROKER"): "broker_id",
    **{(f"RWD.{event}", "BROKER"): "broker_id" for event in ("ANSWER", "RELEASE")},
    **{(f"RWD.{event}", role): "contester_id" for event in ("CONTEST", "WITHDRAW") for role in _TWO_SIDES},
    ("REQ.FULFIL", "BUYER"): "buyer_id",
    ("REQ.WITHDRAW", "BUYER"): "buyer_id",
    ("PCM.STATE", "BUYER"): "buyer_id",
    **CONTRIBUTION_SIDES,
    **{("STA.SURVEY", role): "org_id" for role in _UNITS},
    **{(f"BRK.{event}", "BROKER"): "org_id" for event in ("APPLY", "CORRECT", "WITHDRAW")},
    **{(event, "BROKER"): "org_id" for event in _BROKERS_YEAR},
    **{("BRK.OBJECT", role): "objector_id" for role in ANY_MEMBER},
    ("PAY.ACCOUNT", "PROVIDER"): "org_id",
    ("PAY.ACCOUNT", "BUYER"): "org_id",
    ("PAY.ACCOUNT", "BROKER"): "org_id",
}
