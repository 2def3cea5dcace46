"""MUST_TRADE: products of public data that were sold off the exchange (广州市数据条例).

What an operator discloses as sold elsewhere is told in its year; of the statistics survey the lines whose
source is authorised operation count too, of whoever holds a grant.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import ibis

from supervision.context import Context, Row, Rule, Tables
from supervision.finding import Checked, Finding, Severity
from supervision.saying import because, tell
from supervision.trades import moment


def expression(tables: Tables, context: Context) -> Any:
    """What operators say they sold elsewhere, by year: in their disclosure, or in a survey."""
    years = tables["grant_years"]
    years = years.filter(years.disclosed_at <= moment(context), years.off_exchange_minor > 0)
    disclosed = years.select(
        "operator_id",
        "grant_id",
        "year",
        "seq",
        at="disclosed_at",
        amount_minor="off_exchange_minor",
        told=ibis.literal("disclosure"),
    )
    operators = tables["grants"].select(operator_id="operator_id").distinct()
    answers = tables["survey_lines"]
    answers = answers.filter(answers.answered_at <= moment(context))
    corrected = answers.filter(answers.corrects.notnull()).select(corrected="corrects").distinct()
    lines = answers.filter(
        answers.off_exchange_minor > 0,
        answers.source == "AUTHORISED_OPERATION",
    )
    lines = lines.anti_join(corrected, [("survey_id", "corrected")])
    surveyed = lines.semi_join(operators, [("org_id", "operator_id")]).select(
        "year",
        "seq",
        operator_id="org_id",
        grant_id=ibis.null("string"),
        at="answered_at",
        amount_minor="off_exchange_minor",
        told=ibis.literal("survey"),
    )
    rows = ibis.union(disclosed, surveyed.select(*disclosed.columns), distinct=False)
    return rows.order_by("operator_id", "year", "told", "seq", ibis.asc("grant_id", nulls_first=True))


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding an operator and year."""
    for (operator_id, year), group in groupby(rows, key=lambda row: (row["operator_id"], row["year"])):
        said = list(group)
        amounts = {
            told: sum(row["amount_minor"] for row in said if row["told"] == told)
            for told in sorted({row["told"] for row in said})
        }
        times = [row["at"] for row in said]
        yield tell(
            "MUST_TRADE",
            context,
            zh="涉嫌公共数据产品未进场交易",
            en="suspected sale of public-data products off the exchange",
            severity=Severity.MEDIUM,
            window=(min(times), max(times)),
            subjects=(operator_id,),
            objects=(row["grant_id"] for row in said),
            statistic={
                "year": year,
                "off_exchange_minor": {told: str(amount) for told, amount in amounts.items()},
            },
            evidence=(row["seq"] for row in said),
            innocent=(
                because("another-exchange", "在其他依法设立的场所交易", "sold on another lawful exchange"),
                because("free", "无偿提供", "provided free of charge", Checked.RULED_OUT),
            ),
        )


RULE = Rule(
    rule_id="MUST_TRADE",
    needs={"grant_years": ("grant_id", "operator_id", "year", "disclosed_at", "off_exchange_minor")},
    uses=("grants", "survey_lines"),
    expression=expression,
    findings=findings,
)
