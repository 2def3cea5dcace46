"""S27: early warning. A market's weekly sales or prices leave the course they had.

Whole weeks (Shanghai); sales are counted a working day, so that holidays raise no alarm. The first half of
the weeks is the baseline: mean, deviation, and the correlation of one week with the next, by which the limits
are widened. An alarm is one where all three see it: the moving average (EWMA, λ = 0.2, three deviations of
its own), the cumulated sum (CUSUM, k = ½, h = 5) and a change point whose chance keeps the false discovery
rate over all series. One alarm a series, at the change point; it accuses nobody.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import groupby, pairwise
from math import fsum, sqrt
from operator import itemgetter
from typing import Any, Final

import ibis

from base.calendar import is_working_day, shanghai_day
from base.clock import SHANGHAI
from supervision.chance import beyond, unlikely
from supervision.context import Context, Row, Rule, Tables, market_of
from supervision.finding import Checked, Finding, Market, Severity
from supervision.portable import total
from supervision.saying import because, tell
from supervision.shares import MOST_SHOWN, whole
from supervision.trades import counted_sales

_CELL: Final = ("category", "geo", "unit")
_WEEK: Final = timedelta(days=7)
_NOTHING: Final = 1e-12
_MOST: Final = 0.9


def expression(tables: Tables, context: Context) -> Any:
    """By market, unit and Shanghai day: sales, amount, quantity."""
    sold = counted_sales(tables, context)
    sold = sold.mutate(
        unit=sold.unit.fill_null(""),
        quantity=sold.quantity.fill_null(1),
        day=(sold.made_at + ibis.interval(hours=8)).date(),
    )
    sold = sold.filter(sold.quantity > 0, sold.seller_group != sold.buyer_group)
    days = sold.group_by(*_CELL, "day").agg(
        sales=sold.count(),
        amount=total(sold.amount_minor),
        quantity=total(sold.quantity),
        seq=sold.seq.max(),
    )
    return days.order_by(*_CELL, "day")


@dataclass(frozen=True, slots=True)
class Alarm:
    """Where a series changed, by how many deviations, and how likely that is."""

    at: int
    before: float
    after: float
    deviations: float
    chance: float


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a series."""
    looked_at: list[tuple[tuple[Market, str, str, list[date], Alarm, list[Row]] | None, float]] = []
    for (_, _, unit), group in groupby(rows, key=itemgetter(*_CELL)):
        days = list(group)
        weeks = _weeks(days, context)
        priced = {monday: sold for monday, sold in weeks.items() if _quantity(sold)}
        for kind, told_by, series in (("sales", weeks, _sales), ("price", priced, _prices)):
            if len(told_by) < context.rules.whole("S27", "weeks_from"):
                continue
            alarm = alarm_of(*series(told_by), context)
            told = (market_of(days[0]), unit, kind, list(told_by), alarm, days) if alarm else None
            looked_at.append((told, alarm.chance if alarm else 1.0))
    for told, _, rate in unlikely(looked_at, context.rules.fraction("S27", "false_discoveries_below")):
        yield _finding(told, whole(10_000 * rate), context)


def _weeks(days: Sequence[Row], context: Context) -> dict[date, list[Row]]:
    """The whole weeks from the first sale's on, by their Mondays; one without a sale is there too."""
    since = max(days[0]["day"], shanghai_day(context.market_since) + timedelta(days=1))
    monday = since + timedelta(days=-since.weekday() % 7)
    weeks: dict[date, list[Row]] = {}
    while monday + _WEEK <= shanghai_day(context.as_of):
        weeks[monday] = []
        monday += _WEEK
    for row in days:
        first = _monday(row["day"])
        if first in weeks:
            weeks[first].append(row)
    return weeks


@lru_cache(maxsize=1024)
def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _sales(weeks: dict[date, list[Row]]) -> tuple[list[float], float]:
    """Sales a working day, and the deviation that even a steady flow of so few sales has (Poisson's)."""
    days = [_worked(monday) or 1 for monday in weeks]
    sales = [sum(row["sales"] for row in rows) for rows in weeks.values()]
    return [sold / worked for sold, worked in zip(sales, days, strict=True)], sqrt(
        sum(sales) * len(days)
    ) / sum(days)


@lru_cache(maxsize=1024)
def _worked(monday: date) -> int:
    """The working days of a week; every series of a market has the same weeks."""
    return sum(is_working_day(monday + timedelta(days=n)) for n in range(7))


def _prices(weeks: dict[date, list[Row]]) -> tuple[list[float], float]:
    """The mean unit price of each week, all of them with sales, and a hundredth of their mean."""
    prices = [sum(row["amount"] for row in rows) / _quantity(rows) for rows in weeks.values()]
    return prices, fsum(prices) / len(prices) / 100


def _quantity(rows: list[Row]) -> Any:
    return sum(row["quantity"] for row in rows)


def alarm_of(values: Sequence[float], least: float, context: Context) -> Alarm | None:
    """The alarm of a series, if average, cumulated sum and change point see one; none finer than `least`."""
    base = values[: len(values) // 2]
    mean = fsum(base) / len(base)
    spread = sqrt(fsum((v - mean) ** 2 for v in base) / (len(base) - 1))
    spread = max(spread, least, _NOTHING)
    together = fsum((a - mean) * (b - mean) for a, b in pairwise(base))
    near = together / (len(base) * spread**2)
    near = min(max(near, 0.0), _MOST)
    spread *= sqrt((1 + near) / (1 - near))
    scaled = [(value - mean) / spread for value in values[len(base) :]]
    if not _averages_out(scaled, context) or not _sums_out(scaled, context):
        return None
    return _changed(values, len(base), spread)


def _averages_out(scaled: Sequence[float], context: Context) -> bool:
    rules = context.rules
    part, limit = float(rules.fraction("S27", "ewma_part")), rules.whole("S27", "ewma_deviations")
    own = limit * sqrt(part / (2 - part))
    average = 0.0
    for value in scaled:
        average += part * (value - average)
        if abs(average) > own:
            return True
    return False


def _sums_out(scaled: Sequence[float], context: Context) -> bool:
    slack = float(context.rules.fraction("S27", "cusum_slack"))
    limit = context.rules.whole("S27", "cusum_deviations")
    up = down = 0.0
    for value in scaled:
        up, down = max(0.0, up + value - slack), max(0.0, down - value - slack)
        if max(up, down) > limit:
            return True
    return False


def _changed(values: Sequence[float], base: int, spread: float) -> Alarm:
    """The turn at which the means before and after lie farthest apart, in deviations of their difference."""
    best = Alarm(base, 0.0, 0.0, 0.0, 1.0)
    for at in range(base // 2, len(values) - 2):
        first, second = values[:at], values[at:]
        before, after = fsum(first) / len(first), fsum(second) / len(second)
        apart = abs(after - before) / (spread * sqrt(1 / len(first) + 1 / len(second)))
        if apart > best.deviations:
            best = Alarm(at, before, after, apart, min(2 * len(values) * beyond(apart), 1.0))
    return best


def _milli(value: float) -> int:
    return min(round(1000 * value), MOST_SHOWN)


def _finding(
    told: tuple[Market, str, str, list[date], Alarm, list[Row]], rate: int, context: Context
) -> Finding:
    market, unit, kind, weeks, alarm, days = told
    turn = datetime.combine(weeks[alarm.at], time.min, SHANGHAI).astimezone(UTC)
    last = [row["seq"] for row in days if row["day"] >= weeks[alarm.at]]
    return tell(
        "S27",
        context,
        zh="市场走势突变预警（线索，不涉嫌任何人）",
        en="early warning: a market left its course; nobody is suspected",
        screen=True,
        severity=Severity.LOW,
        market=market,
        window=(turn, context.as_of),
        subjects=(),
        objects=(market.category, f"{kind}:{unit}"),
        statistic={
            "series": kind,
            "unit": unit,
            "week": weeks[alarm.at].isoformat(),
            "weeks": len(weeks),
            "before_milli": _milli(alarm.before),
            "after_milli": _milli(alarm.after),
            "deviations_milli": _milli(alarm.deviations),
            "false_discovery_rate_bp": rate,
        },
        evidence=last[:100],
        innocent=(
            because("season", "季节或新品上市", "the season, or a new product"),
            because("holiday", "节假日", "holidays", Checked.RULED_OUT if kind == "sales" else Checked.OPEN),
            because("mix", "产品结构变化", "another mix of products"),
        ),
    )


RULE = Rule(
    rule_id="S27",
    needs={
        "trades": ("trade_id", "seller_id", "buyer_id", "category", "amount_minor", "quantity", "agreed_at"),
        "orgs": ("org_id", "controller_id"),
    },
    uses=("flags",),
    expression=expression,
    findings=findings,
)
