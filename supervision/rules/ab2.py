"""AB2: a dominant undertaking sells below its average variable cost, again and again, for a month."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import groupby
from typing import Any

import ibis

from supervision.abuse import CITES, NEEDS, dominants_sales, priced_sales, suspected
from supervision.context import Context, Row, Rule, Tables, market_of
from supervision.finding import Checked, Finding
from supervision.saying import because


def expression(tables: Tables, context: Context) -> Any:
    """The dominant's sales whose variable cost (per unit, by Shanghai month) is known, by listing."""
    own = dominants_sales(tables, context, priced_sales(tables, context))
    own = own.mutate(period=(own.made_at + ibis.interval(hours=8)).strftime("%Y-%m"))
    costs = tables["costs"].select("listing_id", "period", "variable_cost_minor")
    costs = costs.mutate(period=costs.period.substr(0, 7)).distinct()
    return own.inner_join(costs, ["listing_id", "period"]).order_by("listing_id", "made_at", "trade_id")


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding for each unbroken run of sales below cost that lasts."""
    lasts = timedelta(days=context.rules.whole("AB2", "lasting"))
    least = context.rules.whole("AB2", "trades_from")
    for (_, below), group in groupby(
        rows,
        key=lambda row: (
            row["listing_id"],
            row["amount_minor"] < row["variable_cost_minor"] * row["quantity"],
        ),
    ):
        run = list(group)
        if below and len(run) >= least and run[-1]["made_at"] - run[0]["made_at"] >= lasts:
            yield _finding(run, context)


def _finding(run: list[Row], context: Context) -> Finding:
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
