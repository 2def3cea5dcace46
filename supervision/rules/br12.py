"""BR12: a suspected illegal source or use that a broker reported later than 24 hours after noticing it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from base.clock import rfc3339
from supervision.context import Context, Row, Rule, Tables
from supervision.finding import Finding, Words
from supervision.notices import NOTICE, late, told


def expression(tables: Tables, context: Context) -> Any:
    """The suspicions told until `as_of`."""
    return told(tables, context, kind="suspicion", about="noticed_at")


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a notice that came late."""
    within = timedelta(hours=context.rules.whole("BR12", "within"))
    for row in rows:
        noticed_at, told_at = row["noticed_at"], row["told_at"]
        if told_at - noticed_at <= within:
            continue
        yield late(
            "BR12",
            row,
            context,
            says=Words(zh="涉嫌未在24小时内报告可疑情况", en="suspected late report of a suspicion"),
            statistic={
                "noticed_at": rfc3339(noticed_at),
                "told_at": rfc3339(told_at),
                "due_at": rfc3339(noticed_at + within),
            },
            since=noticed_at,
            until=told_at,
        )


RULE = Rule(
    rule_id="BR12",
    needs={"notices": (*NOTICE, "noticed_at")},
    expression=expression,
    findings=findings,
)
