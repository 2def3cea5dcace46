"""What a deal may hold, what of its expenses is owed, and how matches are sent. Pure questions."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from market.mediation.errors import (
    DealMalformed,
    DealTradeUnfit,
    ExpensesNotToAgree,
    MatchesMalformed,
    NotAMatch,
    OrderUnexplained,
)
from market.mediation.matching import departs
from market.mediation.states import Stage
from market.orders.states import TradeState

MOST_SENT: Final = 20
MOST_COMPARED: Final = 200
"""So many listings are compared at once, until as many fit; a result says when some were left out."""
MOST_READ: Final = 1000
"""So many listings of a category are compared at the most, the likeliest first (`selecting`)."""
MOST_REQUESTS: Final = 50
"""So many open requests of a category are asked about one listing, the newest."""
MAX_REASON: Final = 300
MAX_TITLE: Final = 120
MAX_TEXT: Final = 4000
MOST_ENTRIES: Final = 500
MAX_EXPENSES_MINOR: Final = 100_000_000


class EntryKind(StrEnum):
    """What an entry of a deal's record is."""

    OPENED = "OPENED"
    MOVED = "MOVED"
    MESSAGE = "MESSAGE"  # between broker and client
    NOTE = "NOTE"  # the broker's own
    DOCUMENT = "DOCUMENT"
    MATCHES = "MATCHES"
    TRADE = "TRADE"
    NEXT = "NEXT"
    EXPENSES = "EXPENSES"
    EXPENSES_AGREED = "EXPENSES_AGREED"


class Lost(StrEnum):
    """Why a deal without a trade came to nothing; with a trade its end is the reason."""

    NO_BUDGET = "NO_BUDGET"
    NO_MATCH = "NO_MATCH"
    CLIENT_WITHDREW = "CLIENT_WITHDREW"
    OTHER_SIDE_DECLINED = "OTHER_SIDE_DECLINED"
    MANDATE_ENDED = "MANDATE_ENDED"
    COMPLIANCE = "COMPLIANCE"
    OTHER = "OTHER"


class Relation(StrEnum):
    """What links a broker to the seller of a listing that it sends, beside its client's mandate."""

    MANDATED = "MANDATED"
    INTEREST = "INTEREST"


def check_sent(
    sent: Sequence[str], order: Sequence[str], *, reason: str | None, request_id: str
) -> tuple[bool, str | None]:
    """Whether what is sent departs from the neutral order, and the reason trimmed.

    Raises MatchesMalformed, NotAMatch for what is no match at all, OrderUnexplained for another choice or
    order than the first so many of the neutral one without a reason.
    """
    if not 0 < len(sent) <= MOST_SENT or len(set(sent)) != len(sent):
        raise MatchesMalformed(f"one to {MOST_SENT} listings are sent, each once", member="listing_ids")
    said = (reason or "").strip() or None
    if said is not None and len(said) > MAX_REASON:
        raise MatchesMalformed(f"a reason has up to {MAX_REASON} characters", member="reason")
    known = set(order)
    for listing_id in sent:
        if listing_id not in known:
            raise NotAMatch("the listing does not match the request", listing_id=listing_id)
    other = departs(sent, order)
    if other and said is None:
        raise OrderUnexplained("the order departs from the neutral one", request_id=request_id)
    return other, said


def check_text(text: str | None, *, member: str, limit: int = MAX_TEXT) -> str:
    """A text as it is kept. Raises DealMalformed."""
    said = (text or "").strip()
    if not 0 < len(said) <= limit:
        raise DealMalformed(f"{member} has 1 to {limit} characters", member=member)
    return said


def check_lost(to: Stage, reason: str | None) -> str | None:
    """The reason of a loss, which every loss has and nothing else. Raises DealMalformed."""
    if to is not Stage.LOST:
        return None
    if reason not in set(Lost):
        raise DealMalformed("a deal is lost for a known reason", member="reason", known=sorted(Lost))
    return reason


@dataclass(frozen=True, slots=True)
class Sides:
    """Who is who, of a deal or of a trade; `client_id` is empty where nobody is named yet."""

    broker_id: str
    client_id: str | None
    side: str | None


def check_trade(deal: Sides, trade: Sides, *, listing_id: str | None, of_trade: str) -> None:
    """That a trade is the broker's for this client, and of the deal's listing. Raises DealTradeUnfit."""
    questions = (
        ("broker", trade.broker_id != deal.broker_id),
        (
            "client",
            deal.client_id is not None and (trade.client_id, trade.side) != (deal.client_id, deal.side),
        ),
        ("listing", listing_id is not None and listing_id != of_trade),
    )
    reason = next((reason for reason, met in questions if met), None)
    if reason is not None:
        raise DealTradeUnfit("the trade is another one's", reason=reason)


def check_expenses(amount_minor: int, *, stage: Stage, trade: TradeState | None, agreed: bool) -> None:
    """Expenses are put to the client while the outcome is open, and not again once they are agreed.

    Raises DealMalformed, ExpensesNotToAgree.
    """
    if not 0 < amount_minor <= MAX_EXPENSES_MINOR:
        raise DealMalformed("expenses are an amount", member="amount_minor")
    check_open_expenses(stage, trade=trade, agreed=agreed)


def check_open_expenses(stage: Stage, *, trade: TradeState | None, agreed: bool) -> None:
    """That expenses may still be agreed. Raises ExpensesNotToAgree."""
    if agreed or stage in {Stage.CONTRACTED, Stage.SETTLED, Stage.LOST} or trade is TradeState.ACCEPTED:
        raise ExpensesNotToAgree("they are agreed, or the deal is decided", stage=stage.value)


def expenses_owed(amount_minor: int | None, *, agreed: bool, stage: Stage, contracted: bool) -> int:
    """What a client owes of agreed expenses, in fen, apart from any reward.

    Where no contract came about the broker may ask for the expenses that were agreed (Civil Code 964); where
    one did it bears them itself (963, second paragraph), also if the contract is undone later.
    """
    if amount_minor is None or not agreed or contracted or stage is not Stage.LOST:
        return 0
    return amount_minor
