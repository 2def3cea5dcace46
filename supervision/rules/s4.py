"""S4: one buyer pays more than others for the same, again and again (大数据杀熟). A screen.

A cell is one product of one seller at one licence, unit and quantity in one week (Monday to Sunday,
Shanghai). Among the buyers of a cell, who pays how much would be in any order if all were treated alike: a
buyer's places over its cells are compared with that exactly (a permutation test, places of equal prices
alike), and the false discovery rate is kept over all sellers and buyers that were looked at. The premium is
the price over the median of the cell's other buyers, and the middle one of a buyer's premiums counts.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import groupby, product
from math import sqrt
from statistics import fmean, median, pvariance
from typing import Any, Final

import ibis

from supervision.chance import beyond, unlikely
from supervision.context import Context, Row, Rule, Tables
from supervision.finding import Checked, Finding
from supervision.portable import total
from supervision.saying import because, tell
from supervision.shares import whole
from supervision.trades import counted_sales

_CELL: Final = ("seller_group", "product", "licence", "unit", "quantity", "week")
_COUNTED_OUT: Final = 60  # so many places are counted out; of more the sum is as good as normal


def expression(tables: Tables, context: Context) -> Any:
    """What each buyer paid in a cell of so many buyers and more in which not all paid the same."""
    sold = counted_sales(tables, context)
    sold = sold.filter(sold.seller_group != sold.buyer_group, sold.quantity.fill_null(1) > 0)
    sold = sold.select(
        "seller_group",
        "buyer_group",
        "seller_id",
        "buyer_id",
        "trade_id",
        "amount_minor",
        "made_at",
        "seq",
        product=ibis.coalesce(sold.product_id, sold.listing_id),
        licence=sold.licence_class.fill_null(""),
        unit=sold.unit.fill_null(""),
        quantity=sold.quantity.fill_null(1),
        week=(sold.made_at + ibis.interval(hours=8)).truncate("W").strftime("%Y-%m-%d"),
    )
    sold = sold.filter(sold["product"].notnull())
    paid = sold.group_by(*_CELL, "buyer_group").agg(
        paid=total(sold.amount_minor),
        trades=sold.count(),
        seller_id=sold.seller_id.min(),
        buyer_id=sold.buyer_id.min(),
        since=sold.made_at.min(),
        until=sold.made_at.max(),
        trade_id=sold.trade_id.min(),
        seq=sold.seq.min(),
    )
    each = paid.paid.cast("float64") / paid.trades.cast("float64")
    paid = paid.mutate(
        buyers=paid.count().over(group_by=_CELL),
        least=each.min().over(group_by=_CELL),
        most=each.max().over(group_by=_CELL),
    )
    several = context.rules.whole("S4", "buyers_from")
    paid = paid.filter(paid.buyers >= several, paid.most > paid.least).drop("least", "most", "buyers")
    return paid.order_by(*_CELL, "buyer_group")


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a seller and buyer."""
    cells_from = context.rules.whole("S4", "cells_from")
    above = context.rules.fraction("S4", "premium_above")
    looked_at: list[tuple[_Pair | None, float]] = []
    for _, of_seller in groupby(rows, key=lambda row: row["seller_group"]):
        pairs: defaultdict[str, _Pair] = defaultdict(_Pair)
        for _, cell in groupby(of_seller, key=lambda row: [row[name] for name in _CELL]):
            _add(list(cell), pairs)
        for buyer in sorted(pairs):
            pair = pairs[buyer]
            if len(pair.rows) < cells_from:
                continue
            told = pair if median(pair.premiums) > above else None
            looked_at.append((told, pair.by_chance()))
    for pair, chance, rate in unlikely(looked_at, context.rules.fraction("S4", "false_discoveries_below")):
        yield _finding(pair, chance, rate, context)


class _Pair:
    """A buyer's cells with one seller: its premiums, its places, and what its places could have been."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.premiums: list[Fraction] = []
        self.reached = 0
        self.cells: list[Sequence[int]] = []

    def add(self, row: Row, premium: Fraction, place: int, places: Sequence[int]) -> None:
        self.rows.append(row)
        self.premiums.append(premium)
        self.reached += place
        self.cells.append(places)

    def by_chance(self) -> float:
        """How likely places as high as these are, were buyers treated alike: exactly, or of many normally."""
        if sum(map(len, self.cells)) > _COUNTED_OUT:
            middle = sum(fmean(places) for places in self.cells)
            spread = sqrt(sum(pvariance(places) for places in self.cells))
            return beyond((self.reached - 1 - middle) / spread)
        ways = {0: 1}
        for places in self.cells:
            more: defaultdict[int, int] = defaultdict(int)
            for (before, many), one in product(ways.items(), places):
                more[before + one] += many
            ways = more
        as_high = sum(many for place, many in ways.items() if place >= self.reached)
        return float(Fraction(as_high, sum(ways.values())))


def _add(cell: list[Row], pairs: dict[str, _Pair]) -> None:
    """Give each buyer of a cell its place: twice who paid less, and once who else paid the same."""
    prices = [Fraction(int(row["paid"]), row["trades"]) for row in cell]
    order = sorted(prices)
    places = [bisect_left(order, price) + bisect_right(order, price) - 1 for price in prices]
    for row, price, place in zip(cell, prices, places, strict=True):
        at = bisect_left(order, price)
        others = median((*order[:at], *order[at + 1 :])) if len(order) <= _COUNTED_OUT else median(order)
        pairs[row["buyer_group"]].add(row, price / others - 1, place, places)


def _finding(pair: _Pair, chance: Fraction, rate: Fraction, context: Context) -> Finding:
    rows = pair.rows
    return tell(
        "S4",
        context,
        zh="涉嫌对同一买方持续高价（大数据杀熟，线索）",
        en="suspected price discrimination against one buyer, a clue only",
        screen=True,
        window=(min(row["since"] for row in rows), max(row["until"] for row in rows)),
        subjects=(row["seller_id"] for row in rows),
        objects=(*(row["buyer_id"] for row in rows), *(row["trade_id"] for row in rows)),
        statistic={
            "buyer_group": rows[0]["buyer_group"],
            "cells": len(rows),
            "premium_bp": whole(10_000 * median(pair.premiums)),
            "by_chance_bp": whole(10_000 * chance),
            "false_discovery_rate_bp": whole(10_000 * rate),
        },
        evidence=(row["seq"] for row in rows),
        innocent=(
            because("volume", "数量不同", "another volume", Checked.RULED_OUT),
            because("negotiated", "单独谈判的条件", "terms that were negotiated one by one"),
            because("newcomer", "新客户优惠", "the others had a newcomer's offer"),
            because("credit", "信用与付款条件不同", "other credit or terms of payment"),
        ),
    )


RULE = Rule(
    rule_id="S4",
    needs={
        "trades": ("trade_id", "seller_id", "buyer_id", "product_id", "amount_minor", "agreed_at"),
        "orgs": ("org_id", "controller_id"),
    },
    uses=("flags",),
    expression=expression,
    findings=findings,
)
