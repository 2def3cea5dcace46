"""Tenders as the bid screens see them: who bid what per unit, and who won. Pure and exact.

A seller's bid is its group's last quote in the tender. The winner is whom an outcome says won, else the
lowest bid. In an auction of the market buyers bid, and the highest bid is the best: their rows say `sale`,
and name the bidder where a tender's name the seller. Everything is compared as fractions; no screen here
proves anything.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from itertools import groupby
from math import isqrt
from typing import Any, Final

import ibis

from supervision.brokerage import groups
from supervision.context import Context, Row, Tables
from supervision.finding import Market
from supervision.trades import literal_time, moment

NEEDS: Final = {"quotes": ("quote_id", "listing_id", "seller_id", "tender_id", "quoted_at", "price_minor")}
USES: Final = ("listings", "orgs", "bids")
WON: Final = frozenset({"won", "contracted", "awarded", "accepted"})


@dataclass(frozen=True, slots=True)
class Bid:
    """One group's bid: its price for a unit, and the quote it stands in."""

    group: str
    price: Fraction
    row: Row


@dataclass(frozen=True, slots=True)
class Tender:
    """The bids of one tender, the lowest first; of an auction (`sale`) the highest."""

    tender_id: str
    market: Market
    at: datetime
    bids: tuple[Bid, ...]
    sale: bool = False

    @property
    def winner(self) -> Bid:
        won = [bid for bid in self.bids if (bid.row["outcome"] or "").lower() in WON]
        return (won or list(self.bids))[0]

    @property
    def bidders(self) -> frozenset[str]:
        return frozenset(bid.group for bid in self.bids)

    @property
    def cv_squared(self) -> Fraction:
        """The square of standard deviation over mean, of the sample: what 3 % is compared with exactly."""
        prices = [bid.price for bid in self.bids]
        mean = sum(prices, Fraction(0)) / len(prices)
        return variance(prices) / mean**2


def variance(values: Sequence[Fraction]) -> Fraction:
    """The sample's variance, exact. Needs two values."""
    mean = sum(values, Fraction(0)) / len(values)
    return sum(((value - mean) ** 2 for value in values), Fraction(0)) / (len(values) - 1)


def expression(tables: Tables, context: Context) -> Any:
    """Quotes in tenders of the trailing window, with the market of their listing and the seller's group."""
    quotes = tables["quotes"].drop("mechanism", "version", "inputs_sha256").mutate(sale=False)
    quotes = ibis.union(quotes, _of_auctions(tables, quotes.columns))
    quotes = quotes.filter(
        quotes.seller_id.nullif("").notnull(),
        quotes.tender_id.nullif("").notnull(),
        quotes.quoted_at <= moment(context),
        quotes.quoted_at > literal_time(context.market_since),
        quotes.price_minor > 0,
        quotes.quantity.fill_null(1) > 0,
    )
    listings = tables["listings"].select("listing_id", "category", "geo")
    quotes = quotes.left_join(listings, "listing_id").drop("listing_id_right")
    quotes = quotes.left_join(groups(tables), [("seller_id", "org")]).drop("org")
    quotes = quotes.mutate(
        seller_group=ibis.coalesce(quotes.group, quotes.seller_id),
        category=quotes.category.fill_null(""),
        geo=quotes.geo.fill_null(""),
    )
    return quotes.order_by("tender_id", "quoted_at", "quote_id")


def _of_auctions(tables: Tables, columns: Sequence[str]) -> Any:
    """The bids of auctions, in the columns of quotes: by whom it is made stands where a seller does."""
    bids = tables["bids"]
    known = {
        "quote_id": bids.bid_id,
        "tender_id": bids.auction_id,
        "seller_id": bids.bidder_id,
        "buyer_id": bids.seller_id,
        "quoted_at": bids.committed_at,
        "sale": ibis.literal(value=True),
    }
    missing = {name for name in columns if name not in known and name not in bids.columns}
    known |= dict.fromkeys(missing, ibis.null().cast("string"))
    return bids.select(
        **{name: known.get(name, bids[name] if name in bids.columns else None) for name in columns}
    )


def tenders(rows: Iterable[Row]) -> list[Tender]:
    """The tenders of these rows, in the order of their last bids."""
    found = list(_tenders(rows))
    return sorted(found, key=lambda tender: (tender.at, tender.tender_id))


def _tenders(rows: Iterable[Row]) -> Iterator[Tender]:
    for tender_id, group in groupby(rows, key=lambda row: row["tender_id"]):
        members = list(group)
        sale = bool(members[0].get("sale"))
        last = {row["seller_group"]: row for row in members}
        bids = [
            Bid(name, Fraction(row["price_minor"], row["quantity"] or 1), row) for name, row in last.items()
        ]
        yield Tender(
            tender_id,
            min(Market(row["category"], row["geo"]) for row in members),
            members[-1]["quoted_at"],
            tuple(sorted(bids, key=lambda bid: (-bid.price if sale else bid.price, bid.group))),
            sale,
        )


def sqrt_bp(square: Fraction) -> int:
    """The root of a fraction in hundredths of a per cent, rounded down: for people to read."""
    return isqrt(square.numerator * 10**8 // square.denominator)
