"""Shares of the relevant markets: one row for each undertaking in each market, in exact fen.

The expression is shared by the dominance rules and the concentration statistics. HHI and CR₄ are
whole-number arithmetic over its rows; a share is never a float.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from typing import Any, Final

import ibis

from supervision.context import Context, Row, Tables, market_of
from supervision.finding import Market
from supervision.portable import total
from supervision.trades import counted_sales, group_names

CITED_SEQS: Final = 10_000
"""So many seqs of a market are cited at most (the earliest); the statistic says how many there are."""

MOST_SHOWN: Final = 2**53 - 1
UNDERTAKINGS: Final = "market_undertakings"
"""What `undertakings` is kept as, where it is kept (`supervision.kept`)."""


def market_shares(tables: Tables, context: Context) -> Any:
    """Rows `category, geo, group, sellers[], amount, trades, nth, place` and the market's totals.

    `nth` numbers the undertakings of a market from 0 by amount, `place` gives equal amounts one place.
    """
    return tables[UNDERTAKINGS] if UNDERTAKINGS in tables else undertakings(tables, context)


def undertakings(tables: Tables, context: Context) -> Any:
    """What `market_shares` says, from the trades."""
    sold = counted_sales(tables, context)
    sellers = sold.group_by("category", "geo", "seller_no", "seller_id").agg(
        amount=total(sold.amount_minor),
        trades=sold.count(),
        own_trades=total((sold.seller_no == sold.buyer_no).cast("int64")),
        cited=sold.seq.count(),
    )
    undertakings = sellers.group_by("category", "geo", "seller_no").agg(
        sellers=sellers.seller_id.collect(),
        amount=total(sellers.amount),
        trades=total(sellers.trades).cast("int64"),
        own_trades=total(sellers.own_trades),
    )
    undertakings = undertakings.inner_join(group_names(tables, context), [("seller_no", "no")])
    undertakings = undertakings.drop("seller_no", "no")
    totals = sellers.group_by("category", "geo").agg(
        total=total(sellers.amount),
        market_trades=total(sellers.trades).cast("int64"),
        cited=total(sellers.cited).cast("int64"),
    )
    buyers = sold.group_by("category", "geo").agg(buyers=sold.buyer_no.nunique())
    joined = undertakings.inner_join(totals, ["category", "geo"]).inner_join(buyers, ["category", "geo"])
    by_amount = [joined.amount.desc(), joined.group.asc()]
    return joined.mutate(
        nth=ibis.row_number().over(group_by=("category", "geo"), order_by=by_amount),
        place=ibis.rank().over(group_by=("category", "geo"), order_by=joined.amount.desc()),
        undertakings=joined.count().over(group_by=("category", "geo")),
    )


def with_seqs(tables: Tables, context: Context, shares: Any) -> Any:
    """Add `seqs[]`, the earliest of each market's counted sales: for those markets that are told of."""
    markets = shares.select("category", "geo").distinct()
    sold = counted_sales(tables, context).semi_join(markets, ["category", "geo"])
    sold = sold.select("category", "geo", "seller_group", "seq", "trade_id")
    earliest = ibis.row_number().over(
        group_by=("category", "geo"), order_by=[sold.seq.asc(nulls_first=False), sold.trade_id]
    )
    sold = sold.mutate(earliest=earliest)
    sold = sold.filter(sold.earliest < CITED_SEQS, sold.seq.notnull())
    cited = sold.group_by("category", "geo", "seller_group").agg(seqs=sold.seq.collect())
    cited = cited.rename(of_category="category", of_geo="geo", of_group="seller_group")
    joined = shares.left_join(cited, [("category", "of_category"), ("geo", "of_geo"), ("group", "of_group")])
    return joined.drop("of_category", "of_geo", "of_group")


@dataclass(frozen=True, slots=True)
class Undertaking:
    """One undertaking's sales in a market."""

    group: str
    sellers: tuple[str, ...]
    amount_minor: int
    trades: int

    def document(self, total_minor: int) -> dict[str, Any]:
        return {
            "controller_id": self.group,
            "org_ids": list(self.sellers),
            "amount_minor": str(self.amount_minor),
            "share_bp": whole(Fraction(10_000 * self.amount_minor, total_minor)),
            "trades": self.trades,
        }


@dataclass(frozen=True, slots=True)
class MarketShares:
    """A relevant market's undertakings, the largest first."""

    market: Market
    undertakings: tuple[Undertaking, ...]
    total_minor: int
    trades: int
    buyers: int
    own_trades: int

    @property
    def hhi(self) -> Fraction:
        """Σ share² with shares in percent, 0 to 10,000, exact."""
        return herfindahl([u.amount_minor for u in self.undertakings])

    @property
    def hhi_by_count(self) -> Fraction:
        """The same by number of trades: what one large sale cannot turn."""
        return herfindahl([u.trades for u in self.undertakings])

    @property
    def cr4(self) -> Fraction:
        """Joint share of the four largest, 0 to 1, exact."""
        return Fraction(sum(u.amount_minor for u in self.undertakings[:4]), self.total_minor)

    @property
    def cr4_by_count(self) -> Fraction:
        """The same by number of trades, of whoever made most of them."""
        return Fraction(sum(sorted((u.trades for u in self.undertakings), reverse=True)[:4]), self.trades)


def herfindahl(parts: Sequence[int]) -> Fraction:
    """The Herfindahl–Hirschman index of positive parts, with shares in percent."""
    return Fraction(10_000 * sum(part * part for part in parts), sum(parts) ** 2)


def whole(value: Fraction) -> int:
    """A non-negative fraction rounded half up (as far as JSON counts), to show beside the exact one."""
    return min((2 * value.numerator + value.denominator) // (2 * value.denominator), MOST_SHOWN)


def exact(value: Fraction) -> str:
    """A fraction in lowest terms as text: `3814`, `2/3`."""
    return str(value)


def by_market(rows: Iterable[Row]) -> Iterator[tuple[MarketShares, list[Row]]]:
    """Whole markets of `market_shares`, each with the rows it comes from."""
    for market, group in groupby(rows, key=market_of):
        members = list(group)
        yield (
            MarketShares(
                market=market,
                undertakings=tuple(
                    Undertaking(row["group"], tuple(sorted(row["sellers"])), row["amount"], row["trades"])
                    for row in members
                ),
                total_minor=members[0]["total"],
                trades=members[0]["market_trades"],
                buyers=members[0]["buyers"],
                own_trades=sum(row["own_trades"] for row in members),
            ),
            members,
        )
