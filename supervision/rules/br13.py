"""BR13: a change that a broker told fewer than five working days before it took effect."""

from collections.abc import Iterator
from typing import Any

from base.calendar import deadline_after, shanghai_day
from base.clock import rfc3339
from supervision.context import Context, Row, Rule, Tables
from supervision.finding import Checked, Confidence, Explanation, Finding, Severity, Window, Words, seqs
from supervision.trades import moment


def expression(tables: Tables, context: Context) -> Any:
    """The notices of this kind told until `as_of`."""
    notices = tables["notices"]
    told = notices.filter(
        notices.kind.lower() == "change",
        notices.takes_effect_at.notnull(),
        notices.told_at <= moment(context),
    )
    return told.order_by("notice_id")


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a notice that came late."""
    days = context.rules.whole("BR13", "working_days_before")
    for row in rows:
        earliest = shanghai_day(deadline_after(row["told_at"], days).at)
        if shanghai_day(row["takes_effect_at"]) >= earliest:
            continue
        yield Finding(
            rule_id="BR13",
            rule_version=context.rules.version("BR13"),
            severity=Severity.MEDIUM,
            says=Words(zh="涉嫌未提前五个工作日告知变更", en="suspected late notice of a change"),
            market=None,
            subjects=(row["org_id"],),
            objects=(row["notice_id"],),
            statistic={
                "about": row["object_id"],
                "takes_effect_at": rfc3339(row["takes_effect_at"]),
                "told_at": rfc3339(row["told_at"]),
                "earliest_day": earliest.isoformat(),
            },
            threshold=context.rules.threshold("BR13"),
            legal_basis=context.rules.legal_basis("BR13"),
            confidence=Confidence.HIGH,
            window=Window(row["told_at"], max(row["told_at"], row["takes_effect_at"])),
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
    rule_id="BR13",
    needs={"notices": ("notice_id", "org_id", "kind", "takes_effect_at", "told_at")},
    expression=expression,
    findings=findings,
)
