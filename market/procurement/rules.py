"""When a public agency may buy: the basis it states, the duplicates it has seen, the reason it gives. Pure.

The methods are those of the Government Procurement Law (政府采购法, 2014) Art 26 and of the Ministry of
Finance's order 110 (2022) on framework agreements; below the thresholds of Art 8 an agency buys by its own
rules. That a second agency is warned before it buys what another one has is requirement R53; the reasons
are [D].
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from base.clock import rfc3339
from market.orders.states import TradeState
from market.procurement.errors import (
    ProcurementBasisMissing,
    ProcurementMalformed,
    ProcurementOverBudget,
    PurchaseDuplicate,
)

MOST_SHOWN: Final = 50
"""So many duplicates are shown, the newest: what appears is always among them."""
MAX_REFERENCE: Final = 100


class Method(StrEnum):
    """How an agency came to buy from this provider."""

    OPEN_TENDER = "OPEN_TENDER"
    INVITED_TENDER = "INVITED_TENDER"
    COMPETITIVE_NEGOTIATION = "COMPETITIVE_NEGOTIATION"
    INQUIRY = "INQUIRY"
    SINGLE_SOURCE = "SINGLE_SOURCE"
    FRAMEWORK = "FRAMEWORK"
    BELOW_THRESHOLD = "BELOW_THRESHOLD"


class Reason(StrEnum):
    """Why an agency buys what another one has."""

    SHARE_REFUSED = "SHARE_REFUSED"
    NOT_SHAREABLE = "NOT_SHAREABLE"
    OTHER_PERIOD = "OTHER_PERIOD"
    OTHER_SCOPE = "OTHER_SCOPE"
    URGENT = "URGENT"


class Way(StrEnum):
    """How the data could be had without a second purchase."""

    RECIPIENT = "RECIPIENT"  # the other's contract names this agency: it may take the data
    PUBLIC_DATA = "PUBLIC_DATA"  # public data: asked for from the agency that holds it


class Outcome(StrEnum):
    """What became of a purchase, for its disclosure."""

    STANDING = "STANDING"
    ENDED = "ENDED"
    CANCELLED = "CANCELLED"
    REFUND_PENDING = "REFUND_PENDING"
    REFUNDED = "REFUNDED"
    VOIDED = "VOIDED"


_OUTCOMES: Final = {
    TradeState.CLOSED: Outcome.ENDED,
    TradeState.CANCELLED: Outcome.CANCELLED,
    TradeState.REFUND_PENDING: Outcome.REFUND_PENDING,
    TradeState.REFUNDED: Outcome.REFUNDED,
    TradeState.VOIDED: Outcome.VOIDED,
}


@dataclass(frozen=True, slots=True)
class Basis:
    """On what an agency buys. The budget in fen with tax; the digest is of the decision or award notice."""

    method: Method
    budget_reference: str
    budget_minor: int
    document_sha256: str


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Another agency's standing purchase of the same product, from the acceptance on; its price in fen."""

    trade_id: str
    buyer_id: str
    buyer: str
    agreed_at: datetime
    contracted: bool
    price_minor: int | None
    until: datetime | None
    way: Way | None

    def document(self) -> dict[str, Any]:
        """As an error tells it."""
        return {
            "trade_id": self.trade_id,
            "buyer_id": self.buyer_id,
            "buyer": self.buyer,
            "agreed_at": rfc3339(self.agreed_at),
            "price_minor": self.price_minor,
            "way": self.way,
        }


def outcome_of(status: TradeState) -> Outcome:
    """What became of a purchase that was contracted."""
    return _OUTCOMES.get(status, Outcome.STANDING)


def is_standing(status: TradeState, *, until: datetime | None, now: datetime) -> bool:
    """Whether a purchase that was agreed stands, and its licence is not over."""
    over = {TradeState.BLOCKED, TradeState.REFUSED, TradeState.LAPSED}
    if status in over or outcome_of(status) is not Outcome.STANDING:
        return False
    return until is None or now <= until


def check_basis(basis: Basis) -> Basis:
    """The basis, trimmed. Raises ProcurementMalformed."""
    reference = basis.budget_reference.strip()
    if not 1 <= len(reference) <= MAX_REFERENCE:
        raise ProcurementMalformed(f"budget_reference: 1 to {MAX_REFERENCE} characters")
    if basis.budget_minor <= 0:
        raise ProcurementMalformed("budget_minor: fen, above nothing")
    return Basis(basis.method, reference, basis.budget_minor, basis.document_sha256)


def check_seen(
    duplicates: Sequence[Duplicate], *, seen: Collection[str], reason: Reason | None, own: bool = True
) -> None:
    """Every duplicate was seen, and a reason is given where there is one.

    To another than the buying agency (`own`) only what is contracted, and so public, is told.
    Raises PurchaseDuplicate, and ProcurementMalformed for a reason that the duplicates do not bear out.
    """
    fresh = [one for one in duplicates if one.trade_id not in seen]
    if fresh or (duplicates and reason is None):
        raise PurchaseDuplicate(
            "another public agency has this product: see it, and say why it is bought again",
            duplicates=[one.document() for one in duplicates if own or one.contracted],
            unseen=len(fresh),
        )
    if reason is Reason.NOT_SHAREABLE and any(one.way for one in duplicates):
        raise ProcurementMalformed("reason_code: there is a way to share what one of the others has")


def check_purchase(basis: Basis | None, *, price_minor: int, buyer_id: str, spent_minor: int = 0) -> None:
    """An agency's purchase at a price, beside what it has agreed on the same budget before.

    A purchase that is split stays one budget's. Raises ProcurementBasisMissing, ProcurementOverBudget.
    """
    if basis is None:
        raise ProcurementBasisMissing(
            "a public agency states on what basis it buys before it is bound", buyer_id=buyer_id
        )
    if price_minor + spent_minor > basis.budget_minor:
        raise ProcurementOverBudget("the price is above what the stated budget leaves", buyer_id=buyer_id)
