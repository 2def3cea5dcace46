"""What decides about held quotes: what may be held, until when, how one stands; pure.

The numbers stand in `rule_table.csv`.
"""

from datetime import datetime
from enum import StrEnum
from typing import Final

from base.calendar import deadline_after
from base.clock import rfc3339
from market.listings.conditions import Conditions, Purpose
from market.orders.errors import PurposeNotPermitted, TermEnded
from market.orders.rules import check_terms
from market.quotes.errors import QuoteExpired, TooManyQuotes
from market.quotes.terms import term

RULE: Final = "QTE-HOLD"


class Standing(StrEnum):
    """How a held quote stands; time alone ends it, and nothing is stated then."""

    HELD = "HELD"
    USED = "USED"
    EXPIRED = "EXPIRED"


def standing_of(*, trade_id: str | None, until: datetime, at: datetime) -> Standing:
    """How a quote stands at a moment; its last moment is one of its own."""
    if trade_id is not None:
        return Standing.USED
    return Standing.HELD if at <= until else Standing.EXPIRED


def held_until(at: datetime) -> datetime:
    """The last moment of a quote that is held from `at`."""
    return deadline_after(at, term(RULE, "hold", at).whole).at


def offered_until(at: datetime) -> datetime:
    """The last moment of an offer that a held quote leads to."""
    return deadline_after(at, term(RULE, "offer", at).whole).at


def most_live(at: datetime) -> int:
    """How many quotes a buyer may hold at once."""
    return term(RULE, "live", at).whole


def check_asked(conditions: Conditions, *, quantity: int, purpose: Purpose, term_months: int) -> None:
    """Refuse what the calculator refuses: OfferMalformed, PurposeNotPermitted, TermEnded."""
    check_terms(quantity=quantity, term_months=term_months)
    if purpose not in conditions.purposes:
        raise PurposeNotPermitted(
            "the listing is not for this purpose", purposes=[purpose], permitted=sorted(conditions.purposes)
        )
    if term_months > conditions.max_term_months:
        raise TermEnded("the listing's longest term is shorter", permitted=conditions.max_term_months)


def check_live(live: int, *, at: datetime) -> None:
    """One more may be held. Raises TooManyQuotes."""
    most = most_live(at)
    if live >= most:
        raise TooManyQuotes("use one, or let one expire", live=live, limit=most)


def check_in_time(*, until: datetime, at: datetime) -> None:
    """It is still held. Raises QuoteExpired."""
    if at > until:
        raise QuoteExpired("calculate and hold it anew", until=rfc3339(until))
