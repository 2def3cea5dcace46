"""AB1: an unfairly high price of a dominant undertaking: beside others', by its rise, or by its margin.

A margin is what of a price is left over its variable cost of that month (`costs`), as a part of the price; it
is held against the middle one of the others' margins in the market. A rise is left out where the cost of a
unit, known at both ends, rose by as much.
"""

from collections.abc import Iterator
from datetime import timedelta
from fractions import Fraction
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

import ibis

from base.clock import SHANGHAI
from supervision.abuse import CITES, NEEDS, dominants_sales, priced_sales, rivals_sales, suspected
from supervision.context import Context, Row, Rule, Tables, market_of
from supervision.costs import monthly_costs
from supervision.finding import Checked, Finding
from supervision.portable import medians
from supervision.saying import because
from supervision.shares import whole

_CELL: Final = ("category", "geo", "unit", "licence")
_SERIES: Final = ("listing_id", "unit", "licence", "quantity")


def expression(tables: Tables, context: Context) -> Any:
    """The dominant's sales that are dear beside the others', or of a listing whose price rose, by series."""
    ratio = context.rules.fraction("AB1", "median_ratio")
    rise = 1 + context.rules.fraction("AB1", "rise")
    times = context.rules.whole("AB1", "times_margin")
    least = context.rules.whole("AB1", "comparables_from")
    sold = _with_margins(tables, priced_sales(tables, context))
    others = rivals_sales(tables, context, sold)
    margins = medians(others, ("category", "geo", "of_group"), "margin_bp")
    margins = margins.rename(usual_margin="median", margins="of")
    others = medians(others, (*_CELL, "of_group"), "price").rename(comparables="of")
    own = dominants_sales(tables, context, sold)
    own = own.left_join(others, [*_CELL, ("seller_group", "of_group")])
    own = own.drop(*(f"{name}_right" for name in _CELL), "of_group")
    own = own.left_join(margins, ["category", "geo", ("seller_group", "of_group")])
    own = own.drop("category_right", "geo_right", "of_group")
    own = own.mutate(
        lowest=own.price.min().over(group_by=_SERIES),
        highest=own.price.max().over(group_by=_SERIES),
        high=ibis.coalesce(
            (own.comparables >= least) & (own.price * ratio.denominator >= own.median * ratio.numerator),
            False,
        ),
        great=ibis.coalesce(
            (own.margins >= least) & (own.usual_margin > 0) & (own.margin_bp >= times * own.usual_margin),
            False,
        ),
    )
    rose = own.highest * rise.denominator >= own.lowest * rise.numerator
    return own.filter(own.high | own.great | rose).order_by(*_SERIES, "made_at", "trade_id")


def _with_margins(tables: Tables, sold: Any) -> Any:
    """`cost` of a unit and `margin_bp`, what is left over it in hundredths of a per cent of the price."""
    costs = monthly_costs(tables).select("period", of_listing="listing_id", cost="most")
    sold = sold.mutate(month=(sold.made_at + ibis.interval(hours=8)).strftime("%Y-%m"))
    sold = sold.left_join(costs, [("listing_id", "of_listing"), ("month", "period")])
    sold = sold.drop("of_listing", "period")
    amount = sold.amount_minor.cast("float64")
    left = amount - sold.cost.cast("float64") * sold.quantity.cast("float64")
    return sold.mutate(margin_bp=(left * 10_000 / amount).floor())


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a listing and kind."""
    within = timedelta(days=context.rules.whole("AB1", "within"))
    rise = 1 + context.rules.fraction("AB1", "rise")
    for _, group in groupby(rows, key=itemgetter(*_SERIES)):
        members = list(group)
        dear = [row for row in members if row["high"]]
        if dear:
            median = Fraction(dear[0]["median"])
            statistic = {
                "median_minor": str(whole(median)),
                "comparables": dear[0]["comparables"],
                "highest_ratio_bp": whole(10_000 * max(map(_price, dear)) / median) if median else None,
            }
            yield _finding("above-comparables", dear, statistic, context)
        great = [row for row in members if row["great"]]
        if great:
            statistic = {
                "usual_margin_bp": whole(Fraction(great[0]["usual_margin"])),
                "comparables": great[0]["margins"],
                "highest_margin_bp": int(max(row["margin_bp"] for row in great)),
            }
            yield _finding("margin", great, statistic, context)
        risen = _risen(members, within, rise)
        if risen:
            first, last = risen
            statistic = {
                "days": (last["made_at"] - first["made_at"]).days,
                "rise_bp": whole(10_000 * (_price(last) / _price(first) - 1)),
            }
            yield _finding("risen", [first, last], statistic, context)


def _price(row: Row) -> Fraction:
    return Fraction(row["amount_minor"], row["quantity"])


def _risen(rows: list[Row], within: timedelta, rise: Fraction) -> tuple[Row, Row] | None:
    """The steepest rise within the time: the lowest price and what it came to."""
    best: tuple[Row, Row] | None = None
    for i, last in enumerate(rows):
        earlier = [
            row for row in rows[:i] if last["made_at"] - row["made_at"] <= within and not _by_cost(row, last)
        ]
        first = min(earlier, key=_price, default=None)
        if first is None or _price(last) < rise * _price(first):
            continue
        if best is None or _price(last) * _price(best[0]) > _price(best[1]) * _price(first):
            best = (first, last)
    return best


def _by_cost(first: Row, last: Row) -> bool:
    """Whether the known cost of a unit rose as much as the price did."""
    if first["cost"] is None or last["cost"] is None:
        return False
    return bool(last["cost"] - first["cost"] >= _price(last) - _price(first) > 0)


def _finding(kind: str, rows: list[Row], statistic: dict[str, Any], context: Context) -> Finding:
    month = rows[-1]["made_at"].astimezone(SHANGHAI)
    return suspected(
        "AB1",
        context,
        zh="不公平高价",
        en="unfairly high price",
        market=market_of(rows[0]),
        window=(rows[0]["made_at"], rows[-1]["made_at"]),
        subjects=(row["seller_id"] for row in rows),
        objects=(row["trade_id"] for row in rows),
        statistic={"kind": kind, "month": f"{month:%Y-%m}", **statistic},
        evidence=(row["seq"] for row in rows),
        innocent=(
            because("cost", "成本上升", "costs rose", _costs(rows)),
            because("quality", "质量、时效或独占授权不同", "quality, freshness or exclusivity differ"),
            because("volume", "数量不同", "another volume", Checked.RULED_OUT),  # compared per unit and tier
        ),
    )


def _costs(rows: list[Row]) -> Checked:
    return Checked.OPEN if any(row["cost"] is None for row in rows) else Checked.RULED_OUT


RULE = Rule(
    rule_id="AB1",
    needs=NEEDS,
    uses=("flags", "costs"),
    cites=CITES,
    expression=expression,
    findings=findings,
)
