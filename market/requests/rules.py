"""What a data request says, and who answers it with what. Pure questions.

It asks for data that the catalogue does not have and names who asks; it is answered with listings, each a
product of a named seller. Nothing is matched, ranked or priced here: an answer leads to an inquiry, and the
price is negotiated there (`rules.md` §2.3.5, red lines of a trading venue).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from base.clock import rfc3339
from market.listings.categories import Category, ProductType
from market.listings.conditions import Purpose
from market.listings.errors import ListingMalformed
from market.listings.rules import parse_geo
from market.requests.errors import (
    NotYourListing,
    OwnRequest,
    RequestMalformed,
    RequestOver,
    TooManyRequests,
)
from market.requests.states import RequestEvent, RequestState, may_move
from market.requests.wishes import Wishes
from pricing.quote import MAX_PRICE_MINOR

__all__ = [
    "MAX_DESCRIPTION",
    "MAX_LINE",
    "MAX_NOTE",
    "MAX_TITLE",
    "MOST_ANSWERS",
    "MOST_OPEN",
    "RequestEvent",
    "RequestState",
    "Wanted",
    "check_answerer",
    "check_answers",
    "check_open",
    "check_wanted",
    "may_move",
]

MAX_TITLE: Final = 120
MAX_DESCRIPTION: Final = 4000
MAX_LINE: Final = 200
MAX_NOTE: Final = 500
MOST_OPEN: Final = 20  # requests of one buyer
MOST_ANSWERS: Final = 50  # of one request
LONGEST: Final = timedelta(days=180)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a buyer looks for. The budget, in fen, is between the buyer and whoever answers."""

    title: str
    description: str
    category: Category
    geo: str
    purpose: Purpose
    period: str
    volume: str
    until: datetime
    product_type: ProductType | None = None
    budget_min_minor: int | None = None
    budget_max_minor: int | None = None
    wishes: Wishes | None = None


def check_wanted(wanted: Wanted, *, now: datetime) -> None:
    """The form of every member, and an end within 180 days. Raises RequestMalformed."""
    for name, text, limit in (
        ("title", wanted.title, MAX_TITLE),
        ("description", wanted.description, MAX_DESCRIPTION),
        ("period", wanted.period, MAX_LINE),
        ("volume", wanted.volume, MAX_LINE),
    ):
        if not 0 < len(text.strip()) <= limit:
            raise RequestMalformed(f"{name} has 1 to {limit} characters", member=name, length=len(text))
    try:
        parse_geo(wanted.geo)
    except ListingMalformed as wrong:
        raise RequestMalformed(wrong.detail, member="geo") from wrong
    _check_budget(wanted.budget_min_minor, wanted.budget_max_minor)
    if not now < wanted.until <= now + LONGEST:
        raise RequestMalformed(
            "a request ends in the future, within 180 days", member="until", until=rfc3339(wanted.until)
        )


def _check_budget(low: int | None, high: int | None) -> None:
    given = [amount for amount in (low, high) if amount is not None]
    if not all(0 < amount <= MAX_PRICE_MINOR for amount in given) or given != sorted(given):
        raise RequestMalformed("a budget is a range of positive amounts", member="budget_max_minor")


def check_open(open_now: int) -> None:
    """Refuse, with TooManyRequests, one more open request of a buyer that has `MOST_OPEN`."""
    if open_now >= MOST_OPEN:
        raise TooManyRequests("a buyer has a limited number of requests open", limit=MOST_OPEN)


def check_answers(answers: int, *, until: datetime, now: datetime) -> None:
    """Whether a request takes one more answer now. Raises RequestOver, TooManyRequests."""
    if now > until:
        raise RequestOver("the request has ended", until=rfc3339(until))
    if answers >= MOST_ANSWERS:
        raise TooManyRequests("the request has all its answers", limit=MOST_ANSWERS)


def check_answerer(*, role: str, org_id: str, seller_id: str, buyer_id: str) -> None:
    """A provider answers with its own listing, a broker with its client's (its mandate is asked apart).

    Raises NotYourListing, OwnRequest.
    """
    if role == "PROVIDER" and org_id != seller_id:
        raise NotYourListing("the listing is another seller's", seller_id=seller_id)
    if buyer_id in {seller_id, org_id}:
        raise OwnRequest("nobody answers its own request", buyer_id=buyer_id)
