"""Statistics that accuse nobody: concentration and prices of every relevant market.

Trades under an open flag are left out, and what leaving them out changes is said beside it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import groupby
from typing import Any, Final

import ibis

from supervision.context import Context, Row, Tables
from supervision.dominance import excluded_under_tenth
from supervision.rule_table import RulesInForce
from supervision.shares import MarketShares, by_market, exact, market_shares, whole
from supervision.trades import counted_sales, sales

NEEDS: Mapping[str, tuple[str, ...]] = {
    "trades": ("trade_id", "seller_id", "buyer_id", "category", "amount_minor", "agreed_at"),
    "orgs": ("org_id", "controller_id"),
}

_OF_THE_MIDDLE: Final = ("nth", "sold", "amount_minor", "quantity")
_BINS: Final = 64
_BOTTOM: Final = -(10**6)


def concentration_expression(tables: Tables, context: Context) -> Any:
    """`market_shares` of every market, with the number of flagged sales left out."""
    out = sales(tables, context)
    out = out.filter(out.is_flagged)
    left_out = out.group_by("category", "geo").agg(flagged=out.count())
    shares = market_shares(tables, context)
    joined = shares.left_join(left_out, ["category", "geo"]).drop("category_right", "geo_right")
    return joined.order_by("category", "geo", "nth")


def concentration(rows: Iterable[Row], context: Context) -> Iterator[dict[str, Any]]:
    """HHI (by amount and by number of trades) and CR₄ of each market, with the bands' labels."""
    for shares, members in by_market(rows):
        yield {
            "market": shares.market.document(),
            "hhi": whole(shares.hhi),
            "hhi_exact": exact(shares.hhi),
            "hhi_band": _hhi_band(shares.hhi, context.rules),
            "hhi_by_count": whole(shares.hhi_by_count),
            "hhi_by_count_exact": exact(shares.hhi_by_count),
            "aml24_x": excluded_under_tenth(shares, context),
            "cr4_bp": whole(10_000 * shares.cr4),
            "cr4_by_count_bp": whole(10_000 * shares.cr4_by_count),
            "cr4_band": _cr4_band(shares.cr4, context.rules),
            "total_minor": str(shares.total_minor),
            "trades": shares.trades,
            "buyers": shares.buyers,
            "undertakings": len(shares.undertakings),
            "flagged_left_out": members[0]["flagged"] or 0,
            "confidence": context.confidence(trades=shares.trades, buyers=shares.buyers).value,
            "largest": _largest(shares),
        }


def _largest(shares: MarketShares) -> list[dict[str, Any]]:
    return [undertaking.document(shares.total_minor) for undertaking in shares.undertakings[:4]]


def _hhi_band(hhi: Fraction, rules: RulesInForce) -> str:
    if hhi > rules.whole("HHI", "high_above"):
        return "high"
    return "low" if hhi < rules.whole("HHI", "moderate_from") else "moderate"


def _cr4_band(cr4: Fraction, rules: RulesInForce) -> str:
    basis_points = 10_000 * cr4
    if basis_points >= rules.whole("CR4", "very_high_from"):
        return "very_high"
    return "oligopolistic" if basis_points >= rules.whole("CR4", "oligopolistic_from") else "fragmented"


def prices_expression(tables: Tables, context: Context) -> Any:
    """The one or two middle sales, by unit price, of each market and unit: with and without the flagged.

    The engine only sorts (by a quotient that is the same in every engine); the median itself is exact.
    """
    market = ("category", "geo", "unit")
    sold, counted = sales(tables, context), counted_sales(tables, context)
    sold, counted = (one.mutate(unit=one.unit.fill_null("")) for one in (sold, counted))
    flags = sold.filter(sold.is_flagged).select(*market).distinct()
    middles = middle(counted, market)
    told = (
        ("counted", middles),
        ("all", middles.anti_join(flags, list(market))),
        ("all", middle(sold.semi_join(flags, list(market)), market)),
    )
    named = [
        found.mutate(which=ibis.literal(which)).select(*market, "which", *_OF_THE_MIDDLE)
        for which, found in told
    ]
    return ibis.union(*named, distinct=False).order_by(*market, "which", "nth")


def middle(sold: Any, by: tuple[str, ...]) -> Any:
    """The sales in the middle of each group by unit price: what its median is made of, with `nth` and `sold`.

    The engine only sorts (by a quotient that is the same in every engine); the median itself is exact. It
    counts by bins of one width in logarithms first, and sorts those in which the middle lies.
    """
    sold = sold.mutate(quantity=sold.quantity.fill_null(1))
    sold = sold.filter(sold.quantity > 0)
    price = sold.amount_minor.cast("float64") / sold.quantity.cast("float64")
    sold = sold.select(*by, "amount_minor", "quantity", price=price)
    bins = ibis.ifelse(sold.price > 0, (sold.price.ln() * _BINS).floor().cast("int64"), _BOTTOM)
    sold = sold.mutate(bin=bins)
    counts = sold.group_by(*by, "bin").agg(n=sold.count())
    up_to = ibis.window(group_by=by, order_by=counts.bin.asc(), preceding=None, following=0)
    counts = counts.mutate(
        before=counts.n.sum().over(up_to) - counts.n,
        sold=counts.n.sum().over(group_by=by),
    )
    counts = counts.select(
        *by, "bin", "n", before=counts.before.cast("int64"), sold=counts.sold.cast("int64")
    )
    lower, upper = (counts.sold - 1) // 2, counts.sold // 2
    within = (lower < counts.before + counts.n) & (upper >= counts.before)
    counts = counts.filter(within)
    near = sold.semi_join(counts.select("bin").distinct(), "bin")  # by one number: most sales are far from it
    chosen = near.inner_join(counts, [*by, "bin"])
    by_price = [chosen.price.asc(), chosen.amount_minor.asc(), chosen.quantity.asc()]
    nth = ibis.row_number().over(group_by=(*by, "bin"), order_by=by_price) + chosen.before
    placed = chosen.mutate(nth=nth)
    in_the_middle = (placed.nth >= (placed.sold - 1) // 2) & (placed.nth <= placed.sold // 2)
    return placed.filter(in_the_middle).select(*by, *_OF_THE_MIDDLE)


def prices(rows: Iterable[Row]) -> Iterator[dict[str, Any]]:
    """The median unit price of each market and unit, and what it would be with the flagged sales.

    `median_minor` is fen, exact (`17750000` or `17750001/2`); `moved_bp` is how far the flagged sales
    would move it, in hundredths of a per cent, rounded half up.
    """
    for (category, geo, unit), group in groupby(
        rows, key=lambda row: (row["category"], row["geo"], row["unit"])
    ):
        middles: dict[str, list[Row]] = {"all": [], "counted": []}
        for row in group:
            middles[row["which"]].append(row)
        everything, counted = median_of(middles["all"]), median_of(middles["counted"])
        sold = {which: members[0]["sold"] if members else 0 for which, members in middles.items()}
        yield {
            "market": {"category": category, "geo": geo},
            "unit": unit,
            "trades": sold["counted"],
            "flagged_left_out": sold["all"] - sold["counted"],
            "median_minor": None if counted is None else exact(counted),
            "median_with_flagged_minor": None if everything is None else exact(everything),
            "moved_bp": _moved(counted, everything),
        }


def median_of(middle_rows: Sequence[Row]) -> Fraction | None:
    """The exact median unit price of what `middle` gave of a group; None of nothing."""
    if not middle_rows:
        return None
    size = middle_rows[0]["sold"]
    wanted = {(size - 1) // 2, size // 2}
    chosen = [Fraction(row["amount_minor"], row["quantity"]) for row in middle_rows if row["nth"] in wanted]
    return sum(chosen, Fraction(0)) / len(chosen)


def _moved(counted: Fraction | None, everything: Fraction | None) -> int | None:
    if counted is None or everything is None:
        return None
    move = 10_000 * (everything - counted) / counted
    return whole(move) if move >= 0 else -whole(-move)
