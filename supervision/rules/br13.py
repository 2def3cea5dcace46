"""BR13: a change that a broker told fewer than five working days before it took effect."""

from collections.abc import Iterator
from typing import Any

from base.calendar import deadline_after, shanghai_day
from base.clock import rfc3339
from supervision.context import Context, Row, Rule, Tables
from supervision.finding import Finding, Words
from supervision.notices import NOTICE, late, told


def expression(tables: Tables, context: Context) -> Any:
    """The changes told until `as_of`."""
    return told(tables, context, kind="change", about="takes_effect_at")


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a notice that came late."""
    days = context.rules.whole("BR13", "working_days_before")
    for row in rows:
        takes_effect_at, told_at = row["takes_effect_at"], row["told_at"]
        earliest = shanghai_day(deadline_after(told_at, days).at)
        if shanghai_day(takes_effect_at) >= earliest:
            continue
        yield late(
            "BR13",
            row,
            context,
            says=Words(zh="涉嫌未提前五个工作日告知变更", en="suspected late notice of a change"),
            statistic={
                "takes_effect_at": rfc3339(takes_effect_at),
                "told_at": rfc3339(told_at),
                "earliest_day": earliest.isoformat(),
            },
            since=told_at,
            until=max(told_at, takes_effect_at),
        )


RULE = Rule(
    rule_id="BR13",
    needs={"notices": (*NOTICE, "takes_effect_at")},
    expression=expression,
    findings=findings,
)
