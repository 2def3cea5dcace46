"""S13: prices that stand still and high for months (the variance screen of Abrantes-Metz et al. 2006).

When a cartel they studied broke down, its mean price fell by 16 % and the deviation rose by more than 200 %.
Turned round: a run of three months and more, out of the market's twelve, in which prices vary by a third at
most of what they do in the others, and in which the others' mean is 84 % at most of theirs. Prices are whole
fen a unit, of three undertakings at least; sums and squares are whole numbers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from itertools import accumulate, groupby
from operator import itemgetter
from typing import Any, Final

from base.calendar import months_after
from base.clock import SHANGHAI
from supervision.context import Context, Row, Rule, Tables, market_of
from supervision.finding import Checked, Finding
from supervision.monthly import sales_by_month
from supervision.portable import total
from supervision.saying import because, tell
from supervision.shares import whole

_CELL: Final = ("category", "geo", "unit")


def expression(tables: Tables, context: Context) -> Any:
    """By market, unit and month: how many sales, and the sums of their unit prices and of the squares."""
    sold = sales_by_month(tables, context)
    months = sold.group_by(*_CELL, "month").agg(
        sales=total(sold.sales).cast("int64"),
        total=total(sold.prices),
        squares=total(sold.squares),
        sellers=sold.seller_group.nunique(),
        seller_ids=sold.seller_id.collect(distinct=True),
        seq=sold.seq.max(),
    )
    return months.order_by(*_CELL, "month")


@dataclass(frozen=True, slots=True)
class _Prices:
    """Sales of some months, the sum of their unit prices and that of the squares."""

    sales: int
    total: int
    squares: int

    @classmethod
    def of(cls, row: Row) -> "_Prices":
        return cls(*(int(row[name]) for name in ("sales", "total", "squares")))

    def __add__(self, other: "_Prices") -> "_Prices":
        return _Prices(self.sales + other.sales, self.total + other.total, self.squares + other.squares)

    def __sub__(self, other: "_Prices") -> "_Prices":
        return _Prices(self.sales - other.sales, self.total - other.total, self.squares - other.squares)

    @property
    def mean(self) -> Fraction:
        return Fraction(self.total, self.sales)

    @property
    def variance(self) -> Fraction:
        if self.sales < 2:  # noqa: PLR2004 - one price deviates from nothing
            return Fraction(0)
        return Fraction(self.squares * self.sales - self.total**2, self.sales * (self.sales - 1))


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a market and unit: the longest such run."""
    least = context.rules.whole("S13", "months_from")
    for _, group in groupby(rows, key=itemgetter(*_CELL)):
        months = list(group)
        until = [_Prices(0, 0, 0), *accumulate(map(_Prices.of, months))]  # the sums before each month
        for size in range(len(months) - least, least - 1, -1):
            runs = ((at, at + size) for at in range(len(months) - size + 1))
            found = next((run for run in runs if _still(months, until, run, context)), None)
            if found is not None:
                yield _finding(months[slice(*found)], *_sides(until, found), context)
                break


def _sides(until: Sequence[_Prices], run: tuple[int, int]) -> tuple[_Prices, _Prices]:
    """What was sold within a run of months, and in the others."""
    begin, end = run
    inside = until[end] - until[begin]
    return inside, until[-1] - inside


def _still(months: Sequence[Row], until: Sequence[_Prices], run: tuple[int, int], context: Context) -> bool:
    rules = context.rules
    if min(row["sellers"] for row in months[slice(*run)]) < rules.whole("S13", "sellers_from"):
        return False
    inside, outside = _sides(until, run)
    if min(inside.sales, outside.sales) < rules.whole("MARKET", "thin_trades_below"):
        return False
    part, high = rules.fraction("S13", "deviation_of_others"), rules.fraction("S13", "others_mean")
    return (
        outside.variance > 0
        and inside.variance <= part**2 * outside.variance
        and outside.mean <= high * inside.mean
    )


def _finding(run: Sequence[Row], inside: _Prices, outside: _Prices, context: Context) -> Finding:
    first = datetime.strptime(run[0]["month"], "%Y-%m").replace(tzinfo=SHANGHAI)
    last = datetime.strptime(run[-1]["month"], "%Y-%m").replace(tzinfo=SHANGHAI)
    return tell(
        "S13",
        context,
        zh="涉嫌价格协同（价格长期偏高且异常平稳，线索）",
        en="suspected concerted prices: high and still for months; a clue only",
        screen=True,
        market=market_of(run[0]),
        window=(first.astimezone(UTC), min(months_after(last, 1).astimezone(UTC), context.as_of)),
        subjects=(seller_id for row in run for seller_id in row["seller_ids"]),
        statistic={
            "months": [row["month"] for row in run],
            "sales": inside.sales,
            "mean_minor": str(whole(inside.mean)),
            "mean_of_others_minor": str(whole(outside.mean)),
            "variance_of_others_bp": whole(10_000 * inside.variance / outside.variance),
            "undertakings_at_least": min(row["sellers"] for row in run),
        },
        evidence=(row["seq"] for row in run),
        cites=("MARKET",),
        innocent=(
            because("cost", "成本上升且稳定", "costs were high and steady"),
            because("price-list", "公开价目或限价", "a public price list or cap"),
            because("thin", "成交过少", "too few trades to tell", Checked.RULED_OUT),
        ),
    )


RULE = Rule(
    rule_id="S13",
    needs={
        "trades": ("trade_id", "seller_id", "buyer_id", "category", "amount_minor", "quantity", "agreed_at"),
        "orgs": ("org_id", "controller_id"),
    },
    uses=("flags",),
    cites=("MARKET",),
    expression=expression,
    findings=findings,
)
