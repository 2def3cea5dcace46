"""CO5: prices rise by a tenth and nobody's share moves, as it would if customers could turn to a rival.

Three whole months (Shanghai) before and three after each turn of a month. Asked are the undertakings with a
tenth of the market or more, two at least, that have half of it together: each one's average unit price rises
by ten per cent or more, the market's too, and each one's share by amount changes by less than a percentage
point. Exact sums: a market that does not sell, or in which one sells alone, has no such shares.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from functools import reduce
from itertools import chain, groupby
from operator import add, itemgetter
from typing import Any, Final

from base.calendar import months_after
from base.clock import SHANGHAI
from supervision.context import Context, Row, Rule, Tables, market_of
from supervision.finding import Checked, Finding, Market
from supervision.monthly import sales_by_month
from supervision.portable import total
from supervision.saying import because, tell
from supervision.shares import whole

_CELL: Final = ("category", "geo", "unit")


def expression(tables: Tables, context: Context) -> Any:
    """What each undertaking sold in each month: amount, quantity, trades."""
    sold = sales_by_month(tables, context)
    months = sold.group_by(*_CELL, "seller_group", "month").agg(
        amount=total(sold.amount),
        quantity=total(sold.quantity),
        trades=total(sold.sales).cast("int64"),
        seller_id=sold.seller_id.min(),
        seq=sold.seq.max(),
    )
    return months.order_by(*_CELL, "month", "seller_group")


@dataclass(frozen=True, slots=True)
class _Sold:
    amount: int
    quantity: int
    trades: int

    def __add__(self, other: "_Sold") -> "_Sold":
        return _Sold(self.amount + other.amount, self.quantity + other.quantity, self.trades + other.trades)

    @property
    def price(self) -> Fraction:
        return Fraction(self.amount, self.quantity)


def _sum(rows: Sequence[Row]) -> _Sold:
    return _Sold(*(sum(row[name] for row in rows) for name in ("amount", "quantity", "trades")))


def _month(turn: datetime, back: int) -> str:
    return f"{months_after(turn, back):%Y-%m}"


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a market and unit: the turn after which prices rose most."""
    wide = context.rules.whole("CO5", "months")
    for _, group in groupby(rows, key=itemgetter(*_CELL)):
        months = {month: list(rows) for month, rows in groupby(group, key=itemgetter("month"))}
        sums = {month: _sum(rows) for month, rows in months.items()}
        found = [one for turn in _turns(context, wide) if (one := _stable(months, sums, turn, context))]
        if found:
            yield _finding(max(found, key=lambda one: one.rise), context)


@dataclass(frozen=True, slots=True)
class _Stable:
    market: Market
    turn: datetime
    large: tuple[str, ...]
    rise: Fraction
    moved: Fraction
    joint: Fraction
    trades: int
    rows: Sequence[Row]


def _turns(context: Context, wide: int) -> list[datetime]:
    """The turns of a month with so many whole months of the window on both sides."""
    here = context.as_of.astimezone(SHANGHAI).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    turns = [months_after(here, -back) for back in range(wide, 12 - wide + 1)]
    return [turn for turn in turns if months_after(turn, -wide) > context.market_since]


def _stable(
    of_month: Mapping[str, list[Row]], sums: Mapping[str, _Sold], turn: datetime, context: Context
) -> _Stable | None:
    rules, wide = context.rules, context.rules.whole("CO5", "months")
    sides = [
        [month for back in range(begin, begin + wide) if (month := _month(turn, back)) in of_month]
        for begin in (-wide, 0)
    ]
    if not all(sides):
        return None
    whole_before, whole_after = (reduce(add, (sums[month] for month in months)) for months in sides)
    tenth, grown = rules.fraction("AML24-X", "share_below"), 1 + rules.fraction("CO5", "rise_from")
    risen, least = whole_after.price / whole_before.price, rules.whole("MARKET", "thin_trades_below")
    if risen < grown or min(whole_before.trades, whole_after.trades) < least:
        return None
    parts: list[defaultdict[str, list[Row]]] = [defaultdict(list), defaultdict(list)]
    for part, months in zip(parts, sides, strict=True):
        for row in chain.from_iterable(of_month[month] for month in months):
            part[row["seller_group"]].append(row)
    before, after = ({name: _sum(sold) for name, sold in part.items()} for part in parts)
    large = sorted(name for name, sold in before.items() if sold.amount >= tenth * whole_before.amount)
    joint = Fraction(sum(before[name].amount for name in large), whole_before.amount)
    if len(large) < rules.whole("CO5", "undertakings_from") or joint < rules.fraction("CO5", "joint_from"):
        return None
    if any(name not in after or after[name].price < grown * before[name].price for name in large):
        return None
    moved = max(
        abs(Fraction(after[n].amount, whole_after.amount) - Fraction(before[n].amount, whole_before.amount))
        for n in large
    )
    if moved >= rules.fraction("CO5", "moved_below"):
        return None
    trades = whole_before.trades + whole_after.trades
    used = [row for part in parts for name in large for row in part[name]]
    return _Stable(market_of(used[0]), turn, tuple(large), risen - 1, moved, joint, trades, used)


def _finding(one: _Stable, context: Context) -> Finding:
    wide = context.rules.whole("CO5", "months")
    ends = (months_after(one.turn, -wide).astimezone(UTC), months_after(one.turn, wide).astimezone(UTC))
    return tell(
        "CO5",
        context,
        zh="涉嫌协同提价（提价后份额不变，线索）",
        en="suspected concerted rise: prices up, shares unmoved; a clue only",
        screen=True,
        market=one.market,
        window=(ends[0], min(ends[1], context.as_of)),
        subjects=(row["seller_id"] for row in one.rows),
        statistic={
            "turn": f"{one.turn:%Y-%m}",
            "undertakings": list(one.large),
            "rise_bp": whole(10_000 * one.rise),
            "share_moved_at_most_bp": whole(10_000 * one.moved),
            "joint_share_bp": whole(10_000 * one.joint),
            "trades": one.trades,
        },
        evidence=(row["seq"] for row in one.rows),
        cites=("AML24-X", "MARKET"),
        innocent=(
            because("cost", "共同成本上升", "costs rose for all"),
            because("loyal", "客户均有长期合同", "all customers are bound by long contracts"),
            because("thin", "成交过少", "too few trades to tell", Checked.RULED_OUT),
        ),
    )


RULE = Rule(
    rule_id="CO5",
    needs={
        "trades": ("trade_id", "seller_id", "buyer_id", "category", "amount_minor", "quantity", "agreed_at"),
        "orgs": ("org_id", "controller_id"),
    },
    uses=("flags",),
    cites=("AML24-X", "MARKET"),
    expression=expression,
    findings=findings,
)
