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
from math import log, sqrt
from operator import itemgetter
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

_CELL: Final = ("seller_no", "product_no", "terms_no", "quantity", "week")
PAID: Final = "paid_in_cells"
"""What `paid_in_cells` is kept as, where it is kept (`supervision.kept`)."""
_PAIR: Final = ("seller_no", "buyer_no")
_COUNTED_OUT: Final = 60  # so many places are counted out; of more the sum is as good as normal
_MARGIN: Final = 1e-9
_UNKNOWN: Final = -1e300  # the bound where nothing is counted out: below all others


def expression(tables: Tables, context: Context) -> Any:
    """What the buyers that may be told of paid in each cell, with what the whole cell paid.

    A cell has so many buyers and more, who did not all pay the same. Most pairs of a seller and a buyer are
    left out here: those of which chance alone would say as much (`_by_chance`). `looked_at` counts them.
    """
    sold = _sold(tables, context)
    paid = paid_in_cells(tables, context)
    asked = _by_chance(paid, context)
    paid = paid.drop("buyers")
    pairs = paid.inner_join(asked, list(_PAIR)).drop("each")
    pairs = pairs.inner_join(_of_cells(paid.semi_join(pairs, list(_CELL)), context), list(_CELL))
    told = sold.semi_join(asked, list(_PAIR)).drop("amount_minor")
    of_trade = tables["trades"].select("seller_id", "buyer_id", "seq", of="trade_id")
    told = told.inner_join(of_trade, [("trade_id", "of")])
    told = told.group_by(*_CELL, "buyer_no", "buyer_group").agg(
        seller_id=told.seller_id.min(),
        buyer_id=told.buyer_id.min(),
        since=told.made_at.min(),
        until=told.made_at.max(),
        trade_id=told.trade_id.min(),
        seq=told.seq.min(),
    )
    return pairs.inner_join(told, [*_CELL, "buyer_no"]).order_by(*_PAIR, *_CELL[1:])


def paid_in_cells(tables: Tables, context: Context) -> Any:
    """By cell that counts and buyer: what it paid for how many trades, for `each`; the cell's `buyers`."""
    if PAID in tables:
        return tables[PAID]
    sold = _sold(tables, context)
    paid = sold.group_by(*_CELL, "buyer_no").agg(paid=total(sold.amount_minor), trades=sold.count())
    paid = paid.mutate(each=paid.paid.cast("float64") / paid.trades.cast("float64"))
    return paid.inner_join(_of_cells(paid, context).drop("prices"), list(_CELL))


def _sold(tables: Tables, context: Context) -> Any:
    sold = counted_sales(tables, context)
    sold = sold.filter(sold.seller_no != sold.buyer_no, sold.quantity.fill_null(1) > 0)
    sold = sold.filter(sold.product_no.notnull())
    return sold.select(
        *(*_PAIR, "product_no", "terms_no", "buyer_group", "trade_id", "amount_minor", "made_at"),
        quantity=sold.quantity.fill_null(1),
        week=(sold.made_at + ibis.interval(hours=8)).truncate("W"),
    )


def _of_cells(paid: Any, context: Context) -> Any:
    """Of each cell that counts, how many buyers it has and what each paid for how many trades."""
    one = paid.paid.cast("string") + "/" + paid.trades.cast("string")
    cells = paid.group_by(*_CELL).agg(
        buyers=paid.count(), least=paid.each.min(), most=paid.each.max(), prices=one.collect()
    )
    several = context.rules.whole("S4", "buyers_from")
    return cells.filter(cells.buyers >= several, cells.most > cells.least).drop("least", "most")


def _by_chance(paid: Any, context: Context) -> Any:
    """The pairs of so many cells that may lie below the false discovery rate, and how many there are at all.

    A rate is never below the chance itself, and that never below the chance of places as high in every cell:
    of so many buyers, those that paid as much or more. Benjamini and Hochberg's step up over these bounds
    discovers whatever theirs over the chances would: what lies beyond it is no discovery, and lowers no rate.
    """
    below = context.rules.fraction("S4", "false_discoveries_below")
    dearer = ibis.rank().over(group_by=_CELL, order_by=paid.each.desc())
    placed = paid.mutate(part=((dearer + 1).cast("float64") / paid.buyers.cast("float64")).ln())
    pairs = placed.group_by(*_PAIR).agg(
        cells=placed.count(), at_least=placed.part.sum(), places=placed.buyers.sum()
    )
    pairs = pairs.filter(pairs.cells >= context.rules.whole("S4", "cells_from"))
    looked_at = pairs.agg(looked_at=pairs.count())
    asked = pairs.filter((pairs.at_least < log(below) + _MARGIN) | (pairs.places > _COUNTED_OUT))
    asked = asked.select(*_PAIR, bound=ibis.ifelse(asked.places > _COUNTED_OUT, _UNKNOWN, asked.at_least))
    asked = asked.cross_join(looked_at)
    asked = asked.mutate(nth=1 + ibis.row_number().over(order_by=asked.bound.asc()))
    most = asked.nth.cast("float64").ln() - asked.looked_at.cast("float64").ln() + log(below) + _MARGIN
    last = asked.filter(asked.bound < most).agg(last=lambda t: t.nth.max())
    asked = asked.cross_join(last)
    return asked.filter(asked.nth <= asked["last"]).select(*_PAIR, "looked_at")


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a seller and buyer."""
    above = context.rules.fraction("S4", "premium_above")
    looked_at: list[tuple[_Pair | None, float]] = []
    of_all = 0
    for _, cells in groupby(rows, key=itemgetter(*_PAIR)):
        pair = _Pair()
        for row in cells:
            _add(row, pair)
            of_all = row["looked_at"]
        if median(pair.premiums) > above:
            looked_at.append((pair, pair.by_chance()))
    rest = of_all - len(looked_at)
    below = context.rules.fraction("S4", "false_discoveries_below")
    for pair, chance, rate in unlikely(looked_at, below, rest=rest):
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


def _add(row: Row, pair: _Pair) -> None:
    """Give a buyer its place in a cell: twice who paid less, and once who else paid the same."""
    order = sorted(Fraction(*map(int, one.split("/"))) for one in row["prices"])
    places = [bisect_left(order, price) + bisect_right(order, price) - 1 for price in order]
    price = Fraction(int(row["paid"]), row["trades"])
    at = bisect_left(order, price)
    others = median((*order[:at], *order[at + 1 :])) if len(order) <= _COUNTED_OUT else median(order)
    pair.add(row, price / others - 1, places[at], places)


def _finding(pair: _Pair, chance: Fraction, rate: Fraction, context: Context) -> Finding:
    rows = pair.rows
    return tell(
        "S4",
        context,
        zh="涉嫌对同一需方持续高价（大数据杀熟，线索）",
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
