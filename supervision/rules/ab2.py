"""AB2: a dominant undertaking sells below its average variable cost, again and again, for a month.

One sale above it now and then ends nothing: only two in succession do, or more than a tenth of all.
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import groupby
from typing import Any, Final

import ibis

from supervision.abuse import CITES, NEEDS, dominants_sales, priced_sales, suspected
from supervision.context import Context, Row, Rule, Tables, market_of
from supervision.costs import monthly_costs
from supervision.finding import Checked, Finding
from supervision.saying import because

_BREAK: Final = 2


def expression(tables: Tables, context: Context) -> Any:
    """The dominant's sales whose variable cost (per unit, by Shanghai month) is known, by listing."""
    own = dominants_sales(tables, context, priced_sales(tables, context))
    own = own.mutate(period=(own.made_at + ibis.interval(hours=8)).strftime("%Y-%m"))
    costs = monthly_costs(tables).select("listing_id", "period", variable_cost_minor="least")
    return own.inner_join(costs, ["listing_id", "period"]).order_by("listing_id", "made_at", "trade_id")


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding for each unbroken run of sales below cost that lasts."""
    lasts = timedelta(days=context.rules.whole("AB2", "lasting"))
    least = context.rules.whole("AB2", "trades_from")
    part = context.rules.fraction("AB2", "below_from")
    for _, group in groupby(rows, key=lambda row: row["listing_id"]):
        for run in _runs(group):
            below = [row for row in run if _below(row)]
            lasting = run[-1]["made_at"] - run[0]["made_at"] >= lasts
            if lasting and len(below) >= least and len(below) >= part * len(run):
                yield _finding(below, len(run) - len(below), context)


def _below(row: Row) -> bool:
    return bool(row["amount_minor"] < row["variable_cost_minor"] * row["quantity"])


def _runs(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Sales from one below cost to another, without two in succession that are not."""
    run: list[Row] = []
    between: list[Row] = []
    for row in rows:
        if not _below(row):
            between.append(row)
            continue
        if run and len(between) >= _BREAK:
            yield run
            run = []
        run += [*between, row] if run else [row]
        between = []
    if run:
        yield run


def _finding(run: list[Row], above: int, context: Context) -> Finding:
    loss = sum(row["variable_cost_minor"] * row["quantity"] - row["amount_minor"] for row in run)
    return suspected(
        "AB2",
        context,
        zh="低于成本销售",
        en="sales below cost",
        market=market_of(run[0]),
        window=(run[0]["made_at"], run[-1]["made_at"]),
        subjects=(run[0]["seller_id"],),
        objects=(row["trade_id"] for row in run),
        statistic={
            "listing_id": run[0]["listing_id"],
            "trades": len(run),
            "trades_not_below": above,
            "days": (run[-1]["made_at"] - run[0]["made_at"]).days,
            "below_cost_minor": str(loss),
        },
        evidence=(row["seq"] for row in run),
        innocent=(
            because("launch", "新品推广", "a launch promotion"),
            because("stale", "数据陈旧处理", "stale data is sold off"),
            because("few-sales", "偶发交易", "a few odd sales", Checked.RULED_OUT),
        ),
    )


RULE = Rule(
    rule_id="AB2",
    needs={**NEEDS, "costs": ("listing_id", "period", "variable_cost_minor")},
    uses=("flags",),
    cites=CITES,
    expression=expression,
    findings=findings,
)
