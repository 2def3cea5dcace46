"""BR12: a suspected illegal source or use that a broker reported later than 24 hours after noticing it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from base.clock import rfc3339
from supervision.context import Context, Row, Rule, Tables
from supervision.finding import Checked, Confidence, Explanation, Finding, Severity, Window, Words, seqs
from supervision.trades import moment


def expression(tables: Tables, context: Context) -> Any:
    """The notices of this kind told until `as_of`."""
    notices = tables["notices"]
    told = notices.filter(
        notices.kind.lower() == "suspicion", notices.noticed_at.notnull(), notices.told_at <= moment(context)
    )
    return told.order_by("notice_id")


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a notice that came late."""
    within = timedelta(hours=context.rules.whole("BR12", "within"))
    for row in rows:
        if row["told_at"] - row["noticed_at"] <= within:
            continue
        yield Finding(
            rule_id="BR12",
            rule_version=context.rules.version("BR12"),
            severity=Severity.MEDIUM,
            says=Words(zh="涉嫌未在24小时内报告可疑情况", en="suspected late report of a suspicion"),
            market=None,
            subjects=(row["org_id"],),
            objects=(row["notice_id"],),
            statistic={
                "about": row["object_id"],
                "noticed_at": rfc3339(row["noticed_at"]),
                "told_at": rfc3339(row["told_at"]),
                "due_at": rfc3339(row["noticed_at"] + within),
            },
            threshold=context.rules.threshold("BR12"),
            legal_basis=context.rules.legal_basis("BR12"),
            confidence=Confidence.HIGH,
            window=Window(row["noticed_at"], row["told_at"]),
            evidence_seqs=seqs((row["seq"],)),
            innocent_explanations=(
                Explanation(
                    "told-elsewhere-before",
                    Words(zh="此前已以其他方式告知", en="told in another way before"),
                    Checked.OPEN,
                ),
            ),
        )


RULE = Rule(
    rule_id="BR12",
    needs={"notices": ("notice_id", "org_id", "kind", "noticed_at", "told_at")},
    expression=expression,
    findings=findings,
)
