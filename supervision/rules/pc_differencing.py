"""PC_DIFFERENCING: one who asks a table that may not leave nearly the same question over and over (a screen).

What two answers differ by is what nobody was told. Alike are questions of one shape: the same outputs and
groups, conditions on the same columns. Found are many different ones of a buyer about one product within a
day, or fewer after which its privacy budget or its number of questions was used up.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import groupby
from typing import Any, Final

import ibis

from supervision.context import Context, Row, Rule, Tables
from supervision.finding import Finding, Severity
from supervision.saying import because, tell
from supervision.trades import moment

_USED_UP: Final = ("privacy-budget-spent", "questions-used-up")


def expression(tables: Tables, context: Context) -> Any:
    """The questions that were answered and those that no budget held, by buyer and product."""
    told = tables["questions"]
    told = told.filter(told["at"] <= moment(context))
    known = told.filter(told.event == "asked", told.entitlement_id.notnull())
    known = known.group_by(of_right="entitlement_id").agg(
        of_product=known.product_id.max(), of_buyer=known.org_id.max(), of_trade=known.trade_id.max()
    )
    told = told.filter((told.event == "asked") | (told.event == "refused") & told.code.isin(_USED_UP))
    told = told.left_join(known, [("entitlement_id", "of_right")])
    told = told.select(
        *("event", "at", "entitlement_id", "form_sha256", "shape_sha256", "epsilon_micro", "seq"),
        buyer=ibis.coalesce(told.of_buyer, told.org_id),
        product=ibis.coalesce(told.product_id, told.of_product, told.entitlement_id),
        trade_id=ibis.coalesce(told.trade_id, told.of_trade),
    )
    return told.order_by("buyer", "product", "at", "event", "form_sha256", "seq")


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a buyer and product: the day in which most questions were alike."""
    rules = context.rules
    within = timedelta(hours=rules.whole("PC_DIFFERENCING", "within"))
    many, spent = (rules.whole("PC_DIFFERENCING", name) for name in ("alike_from", "alike_and_refused_from"))
    for (buyer, product), group in groupby(rows, key=lambda row: (row["buyer"], row["product"])):
        members = list(group)
        alike = _alike(members, within)
        until = alike[0]["at"] + within if alike else None
        refused = [
            row
            for row in members
            if until and row["event"] == "refused" and alike[0]["at"] <= row["at"] <= until
        ]
        if len(alike) < (spent if refused else many):
            continue
        yield tell(
            "PC_DIFFERENCING",
            context,
            zh="涉嫌以近似查询差分推断（线索）",
            en="suspected differencing by questions nearly alike, a clue only",
            screen=True,
            severity=Severity.MEDIUM if refused else Severity.LOW,
            window=(alike[0]["at"], max(row["at"] for row in (*alike, *refused))),
            subjects=(buyer,),
            objects=(product, *(row["trade_id"] for row in alike)),
            statistic={
                "alike": len(alike),
                "epsilon_micro": str(sum(row["epsilon_micro"] or 0 for row in alike)),
                "refused": len(refused),
            },
            evidence=(row["seq"] for row in (*alike, *refused)),
            innocent=(
                because(
                    "series", "按期、按地区逐一统计", "one statistic by month or place, one after another"
                ),
                because("retry", "调试查询", "a question that is being got right"),
            ),
        )


def _alike(members: Sequence[Row], within: timedelta) -> list[Row]:
    """The most different questions of one shape within the time, the earliest such."""
    shapes: dict[str, dict[str, Row]] = {}
    best: list[Row] = []
    for row in members:
        if row["event"] != "asked" or row["shape_sha256"] is None or row["form_sha256"] is None:
            continue
        shape = shapes.setdefault(row["shape_sha256"], {})
        shape.setdefault(row["form_sha256"], row)
        for old in [key for key, one in shape.items() if row["at"] - one["at"] > within]:
            del shape[old]
        if len(shape) > len(best):
            best = list(shape.values())
    return best


RULE = Rule(
    rule_id="PC_DIFFERENCING",
    needs={"questions": ("entitlement_id", "org_id", "event", "at", "form_sha256", "shape_sha256")},
    expression=expression,
    findings=findings,
)
