"""What a case is about and whose it is (`states.md` §3.5), what orders can do, and who may order it."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Final

from cases.errors import CaseWrongState, DecisionBeyondFinding, OrderBeyondPower, OrderMalformed
from cases.states import HANDLERS, MOVES, OPERATOR, REGULATORS, CaseEvent, CaseState, may_move

__all__ = ["HANDLERS", "MOVES", "OPERATOR", "REGULATORS", "CaseEvent", "CaseState", "may_move"]


class Kind(StrEnum):
    COMPLAINT = "COMPLAINT"  # 投诉: a dispute, to be mediated
    REPORT = "REPORT"  # 举报: a clue, to be verified


class Matter(StrEnum):
    ANTITRUST = "ANTITRUST"
    PRICE = "PRICE"
    UNFAIR_COMPETITION = "UNFAIR_COMPETITION"
    PERSONAL_INFORMATION = "PERSONAL_INFORMATION"
    EXPORT = "EXPORT"
    SECURITY = "SECURITY"
    MARKET_RULE = "MARKET_RULE"


class Outcome(StrEnum):
    """What a decision comes to."""

    PENALTY = "PENALTY"
    WARNING = "WARNING"
    NONE = "NONE"
    TRANSFER = "TRANSFER"  # to public security: a crime is suspected


SPARING: Final = frozenset({Outcome.NONE, Outcome.TRANSFER})
"""What punishes nobody: nothing is executed, appealed or ordered for good upon it."""


class Measure(StrEnum):
    """What an order does. What stops something has the order that lifts it."""

    FREEZE_TRADE = "FREEZE_TRADE"
    UNFREEZE_TRADE = "UNFREEZE_TRADE"
    SUSPEND_CERTIFICATE = "SUSPEND_CERTIFICATE"
    REINSTATE_CERTIFICATE = "REINSTATE_CERTIFICATE"
    SUSPEND_LISTING = "SUSPEND_LISTING"
    RESUME_LISTING = "RESUME_LISTING"
    SUSPEND_DELIVERY = "SUSPEND_DELIVERY"
    RESUME_DELIVERY = "RESUME_DELIVERY"
    REFUND_TRADE = "REFUND_TRADE"  # after the release; nothing lifts it
    VOID_TRADE = "VOID_TRADE"  # nor this
    REVOKE_CERTIFICATE = "REVOKE_CERTIFICATE"  # of a suspended one, upon the decision
    DELIST_LISTING = "DELIST_LISTING"  # the same
    FREEZE_EVIDENCE = "FREEZE_EVIDENCE"  # the entries it names are pinned and kept
    FREEZE_FUNDS = "FREEZE_FUNDS"  # every trade of a member in which money is held
    INTERVIEW = "INTERVIEW"


_ROUTES: Final[Mapping[Matter, tuple[str, ...]]] = {
    Matter.ANTITRUST: ("SAMR",),
    Matter.PRICE: ("SAMR",),
    Matter.UNFAIR_COMPETITION: ("SAMR",),
    Matter.PERSONAL_INFORMATION: ("CAC",),
    Matter.EXPORT: ("CAC",),
    Matter.SECURITY: ("CAC", "PUBLIC_SECURITY"),
    Matter.MARKET_RULE: ("DATA_AUTHORITY",),
}
INSTEAD: Final = ("DATA_AUTHORITY", "SAMR", "CAC")
_OF_RULES: Final[Mapping[str, Matter]] = {
    "AML": Matter.ANTITRUST,
    "AB": Matter.ANTITRUST,
    "CO": Matter.ANTITRUST,
    "AM": Matter.ANTITRUST,
    "US": Matter.ANTITRUST,
    **dict.fromkeys(("S4", "S9", "S10", "S11", "S12", "S13", "S14"), Matter.ANTITRUST),
    "PRICE": Matter.PRICE,
    "FAIR_PRICE": Matter.PRICE,
    "REVENUE": Matter.PRICE,
    "WT": Matter.UNFAIR_COMPETITION,
    **dict.fromkeys(("S16", "S17", "S18"), Matter.UNFAIR_COMPETITION),
    "UC": Matter.UNFAIR_COMPETITION,
    "XB": Matter.EXPORT,
    "S22": Matter.EXPORT,
    "PI": Matter.PERSONAL_INFORMATION,
    "PURPOSE": Matter.PERSONAL_INFORMATION,
    "PC": Matter.SECURITY,
    "OVERDUE": Matter.SECURITY,
}


def authorities_for(kind: Kind, matter: Matter, *, concerned: Collection[str] = ()) -> tuple[str, ...]:
    """Whose the matter is, the one in charge first; a dispute about the market's rules is the operator's.

    `concerned` are the authorities that the paper is about, every one of them: theirs it is not, and where
    nobody else has such matters it goes to who supervises the market, or to the next in `INSTEAD`.
    """
    of_operator = kind is Kind.COMPLAINT and matter is Matter.MARKET_RULE
    fitting = (OPERATOR,) if of_operator else _ROUTES[matter]
    found = tuple(one for one in fitting if one not in concerned)
    return found or tuple(one for one in INSTEAD if one not in concerned)[:1] or fitting


def matter_of(rule_id: str) -> Matter:
    """What a finding of supervision is about."""
    return next((m for name, m in _OF_RULES.items() if rule_id.startswith(name)), Matter.MARKET_RULE)


# Who may order what (`states.md` §3.0: supervisor and supervised).
POWERS: Final[Mapping[Measure, frozenset[str]]] = {
    Measure.FREEZE_TRADE: REGULATORS,
    Measure.UNFREEZE_TRADE: REGULATORS,
    Measure.SUSPEND_CERTIFICATE: frozenset({"DATA_AUTHORITY"}),
    Measure.REINSTATE_CERTIFICATE: frozenset({"DATA_AUTHORITY"}),
    Measure.SUSPEND_LISTING: REGULATORS,
    Measure.RESUME_LISTING: REGULATORS,
    Measure.SUSPEND_DELIVERY: REGULATORS,
    Measure.RESUME_DELIVERY: REGULATORS,
    Measure.REFUND_TRADE: REGULATORS,
    Measure.VOID_TRADE: REGULATORS,
    Measure.REVOKE_CERTIFICATE: frozenset({"DATA_AUTHORITY"}),
    Measure.DELIST_LISTING: REGULATORS,
    Measure.FREEZE_EVIDENCE: HANDLERS,
    Measure.FREEZE_FUNDS: REGULATORS,
    Measure.INTERVIEW: HANDLERS,
}
LIFTS: Final[Mapping[Measure, Measure]] = {
    Measure.FREEZE_TRADE: Measure.UNFREEZE_TRADE,
    Measure.SUSPEND_CERTIFICATE: Measure.REINSTATE_CERTIFICATE,
    Measure.SUSPEND_LISTING: Measure.RESUME_LISTING,
    Measure.SUSPEND_DELIVERY: Measure.RESUME_DELIVERY,
}
# What finds out ends with the investigation; what ends a business for good waits for the decision.
INQUIRING: Final = frozenset({Measure.FREEZE_EVIDENCE, Measure.FREEZE_FUNDS, Measure.INTERVIEW})
PUNISHING: Final = frozenset({Measure.REVOKE_CERTIFICATE, Measure.DELIST_LISTING})
SILENT: Final = frozenset({Measure.FREEZE_EVIDENCE, Measure.INTERVIEW})
"""What no transition tells the log of: whom it is about is told in an opening only."""


_DECIDED: Final = frozenset({CaseState.DECIDED, CaseState.UPHELD, CaseState.CHANGED, CaseState.APPEALED})
"""There is a decision to be carried out, which an appeal does not suspend."""
_LIFTING: Final = frozenset(
    {
        CaseState.CLOSED_NO_CASE,
        CaseState.CLOSED_COMMITMENT,
        CaseState.EXECUTED,
        CaseState.APPEALED_EXECUTED,
        CaseState.PUBLISHED,
        CaseState.APPEALED_PUBLISHED,
        CaseState.EXPIRED_DISPLAY,
        CaseState.REVOKED,
    }
)
"""Nothing new is ordered; what an order has stopped before can be let go."""
ORDERING: Final = (
    _DECIDED
    | _LIFTING
    | {
        CaseState.INVESTIGATING,
        CaseState.SUSPENDED_COMMITMENT,
        CaseState.PENALTY_NOTICE,
        CaseState.HEARD,
    }
)


def check_decision(subjects: Collection[str], org_ids: Collection[str]) -> None:
    """A decision holds a case against some of whom the finding named. Raises DecisionBeyondFinding."""
    strangers = sorted(set(org_ids) - set(subjects))
    if strangers or not org_ids:
        raise DecisionBeyondFinding("a decision is about whom the finding named", org_ids=strangers)


def orderable(state: CaseState) -> frozenset[Measure]:
    """What can be ordered in a state."""
    if state is CaseState.INVESTIGATING:
        return frozenset(Measure) - PUNISHING
    if state in _DECIDED:
        return frozenset(Measure) - INQUIRING
    if state in _LIFTING:
        return frozenset(LIFTS.values())
    return frozenset(Measure) - INQUIRING - PUNISHING if state in ORDERING else frozenset()


def check_order(state: CaseState, measure: Measure, role: str) -> None:
    """An order needs an open investigation or a decision, and an authority that has the power.

    Raises CaseWrongState, OrderBeyondPower.
    """
    allowed = orderable(state)
    if measure not in allowed:
        raise CaseWrongState(
            "orders are issued in an investigation, or upon its decision",
            state=state.value,
            allowed=sorted(allowed),
        )
    if role not in POWERS[measure]:
        raise OrderBeyondPower(
            f"{measure} is not in the power of {role}", role=role, roles=sorted(POWERS[measure])
        )


def check_refund_terms(measure: Measure, *, refund_minor: int | None, fault: Collection[str]) -> None:
    """An order of a refund says how much goes back, and no other order does. Raises OrderMalformed."""
    refunds = measure is Measure.REFUND_TRADE
    if refunds and refund_minor is None:
        raise OrderMalformed("an order of a refund says how much goes back", member="refund_minor")
    if not refunds and (refund_minor is not None or fault):
        raise OrderMalformed("only an order of a refund says so", member="refund_minor")
