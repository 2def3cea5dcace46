"""What comparable products were sold for, as facts of a guide price (M8), and the guide price itself.

Comparables of a listing are the contracts of the last twelve months for products of its category, type,
level and unit, as the rule FAIR_PRICE has them; the seller's own group's are left out, so that nobody moves
their own guide price. What stands under an open flag, and what was sold within one group, is handed to
pricing as such, which leaves it out and says how many. Nothing here tells who bought or sold.

A guide price is told to a rival: so it rests on three other sellers' groups at least, none with over half
of the sales, and on prices that were rounded before anything was computed of them. However often it is asked,
with whatever quantity, it tells no more of a sale than its price's two leading digits.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlmodel import col, select

from base.calendar import months_after
from base.db import ReadSession
from identity.control import controllers_of
from ledger import reader
from market.listings.tables import Listing
from market.orders.states import TradeState
from market.orders.tables import Trade
from pricing.errors import ComparablesTooFew
from pricing.guide import LEAST_COMPARABLES, guide_quote
from pricing.quote import Quote, Reason

WINDOW_MONTHS: Final = 12
MOST: Final = 2_000  # the newest ones
LEAST_SELLERS: Final = 3
DIGITS: Final = 2
_FLAGS: Final = ("FLG.SET", "FLG.CLEAR")
_AT_ONCE: Final = 400
_STATEMENTS: Final = 100_000
_NO_SALE: Final = (
    TradeState.REFUSED,
    TradeState.LAPSED,
    TradeState.BLOCKED,
    TradeState.CANCELLED,
    TradeState.REFUND_PENDING,
    TradeState.REFUNDED,
    TradeState.VOIDED,
)


@dataclass(frozen=True, slots=True)
class Comparable:
    """A sale without its parties; `seller` is the number of its seller's group in the list."""

    agreed_at: datetime
    price_minor: int
    quantity: int
    wash_flagged: bool
    related_party: bool
    seller: int

    @property
    def counts(self) -> bool:
        return not (self.wash_flagged or self.related_party)

    @property
    def told_minor(self) -> int:
        """The price as others are told it: two significant digits, half up."""
        unit: int = 10 ** max(len(str(self.price_minor)) - DIGITS, 0)
        return (2 * self.price_minor + unit) // (2 * unit) * unit

    def fact(self) -> dict[str, Any]:
        """As `pricing.guide` takes it."""
        return {
            "price_minor": self.told_minor,
            "quantity": self.quantity,
            "wash_flagged": self.wash_flagged,
            "related_party": self.related_party,
        }


async def comparables_of(s: ReadSession, listing: Listing, *, at: datetime) -> Sequence[Comparable]:
    """The sales that a listing may be compared with, the newest first."""
    rows = (await s.exec(_sales(listing, at))).all()
    parties = {org_id for trade in rows for org_id in (trade.seller_id, trade.buyer_id)} | {listing.seller_id}
    controllers = await controllers_of(s, org_ids=parties)
    flagged = await _flagged(s, [trade.trade_id for trade in rows])
    own = controllers.get(listing.seller_id, listing.seller_id)
    sellers: dict[str, int] = {}
    found = []
    for trade in rows:
        seller, buyer = (controllers.get(org_id, org_id) for org_id in (trade.seller_id, trade.buyer_id))
        if seller == own or trade.price_minor is None or trade.contracted_at is None:
            continue
        found.append(
            Comparable(
                agreed_at=trade.contracted_at,
                price_minor=trade.price_minor,
                quantity=trade.quantity,
                wash_flagged=trade.trade_id in flagged,
                related_party=seller == buyer,
                seller=sellers.setdefault(seller, len(sellers)),
            )
        )
    return found


def _sales(listing: Listing, at: datetime) -> Any:
    return (
        select(Trade)
        .join(Listing, col(Listing.listing_id) == col(Trade.listing_id))
        .where(
            col(Trade.category) == listing.category.value,
            col(Trade.level) == listing.level.value,
            col(Trade.unit) == listing.unit,
            col(Listing.product_type) == listing.product_type,
            col(Trade.contracted_at) > months_after(at, -WINDOW_MONTHS),
            col(Trade.contracted_at) <= at,
            col(Trade.status).not_in(_NO_SALE),
            col(Trade.price_minor) > 0,
        )
        .order_by(col(Trade.contracted_at).desc(), col(Trade.trade_id))
        .limit(MOST)
    )


async def _flagged(s: ReadSession, trade_ids: Sequence[str]) -> frozenset[str]:
    """Which of these stand under an open flag: more were set on them than lifted."""
    count: dict[str, int] = {}
    for begin in range(0, len(trade_ids), _AT_ONCE):
        some = trade_ids[begin : begin + _AT_ONCE]
        for said in await reader.statements_about(s, object_ids=some, events=_FLAGS, limit=_STATEMENTS):
            count[said.object_id] = count.get(said.object_id, 0) + (1 if said.event == "FLG.SET" else -1)
    return frozenset(trade_id for trade_id, flags in count.items() if flags > 0)


def enough_sellers(comparables: Sequence[Comparable]) -> bool:
    """Whether three sellers' groups at least stand behind what counts, none behind more than half of it.

    Else what is told of the sales would be one rival's price list.
    """
    of_sellers = Counter(one.seller for one in comparables if one.counts)
    return len(of_sellers) >= LEAST_SELLERS and 2 * max(of_sellers.values()) <= of_sellers.total()


def guide_price(
    listing: Listing, comparables: Sequence[Comparable], *, quantity: int, quality: str = "1"
) -> Quote:
    """The guide price of a quantity, by the market: `quality` 1 is that of the comparables.

    Raises ComparablesTooFew below five and where too few sellers stand behind them, Malformed,
    PriceOutOfBounds.
    """
    counted = sum(one.counts for one in comparables)
    if counted >= LEAST_COMPARABLES and not enough_sellers(comparables):
        raise ComparablesTooFew(
            "too few sellers stand behind the comparables, or one behind more than half of them",
            comparables=counted,
            least_sellers=LEAST_SELLERS,
        )
    facts: Mapping[str, Any] = {
        "listing_id": listing.listing_id,
        "product_id": listing.product_id,
        "licence_class": listing.licence_class,
        "unit": listing.unit,
        "market": {
            "comparables": [one.fact() for one in comparables],
            "quantity": quantity,
            "quality": quality,
        },
    }
    quote = guide_quote(facts)
    return quote._replace(reasons=(*quote.reasons, Reason("comparables-rounded", {"digits": DIGITS})))
