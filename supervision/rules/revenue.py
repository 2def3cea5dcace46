"""REVENUE: a year's actual revenue is further from the permitted revenue than a tenth (发改价格〔2025〕65号).

Within a tenth the operator adjusts its prices; beyond it the authorising body must change the caps. Both
directions count. Exact: the limit itself is within.
"""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from supervision.context import Context, Row, Rule, Tables
from supervision.finding import Checked, Finding, Severity
from supervision.saying import because, tell
from supervision.shares import whole
from supervision.trades import moment


def expression(tables: Tables, context: Context) -> Any:
    """The years of which both revenues are known."""
    years = tables["grant_years"]
    years = years.filter(
        years.permitted_minor.notnull(), years.actual_minor.notnull(), years.reported_at <= moment(context)
    )
    return years.order_by("grant_id", "year")


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a grant and year."""
    limit = context.rules.fraction("REVENUE", "deviation_above")
    for row in rows:
        permitted, actual = row["permitted_minor"], row["actual_minor"]
        apart = actual - permitted
        if abs(apart) <= limit * permitted:
            continue
        over = whole(Fraction(10_000 * abs(apart), permitted)) if permitted else None
        yield tell(
            "REVENUE",
            context,
            zh="涉嫌实际收入偏离最高准许收入超过百分之十，应调整上限收费标准",
            en="suspected: the year's revenue is over a tenth from what is permitted; the caps must change",
            severity=Severity.MEDIUM,
            window=(row["reported_at"], row["reported_at"]),
            subjects=(row["authority_id"], row["operator_id"]),
            objects=(row["grant_id"],),
            statistic={
                "year": row["year"],
                "permitted_minor": str(permitted),
                "actual_minor": str(actual),
                "deviation_bp": over if over is None or apart > 0 else -over,
            },
            evidence=(row["seq"],),
            innocent=(
                because("volume", "用量超出预期", "more was sold than was expected"),
                because("caps-changed", "上限已调整", "the caps were changed since"),
                because("reached", "偏离未超过限度", "within the limit", Checked.RULED_OUT),
            ),
        )


RULE = Rule(
    rule_id="REVENUE",
    needs={
        "grant_years": (
            "grant_id",
            "authority_id",
            "operator_id",
            "year",
            "permitted_minor",
            "actual_minor",
            "reported_at",
        )
    },
    expression=expression,
    findings=findings,
)
