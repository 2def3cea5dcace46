"""What brokers told too late: the form that BR12 and BR13 share."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from supervision.context import Context, Row, Tables
from supervision.finding import Checked, Confidence, Explanation, Finding, Severity, Window, Words, seqs
from supervision.trades import moment

NOTICE: Final = ("notice_id", "org_id", "kind", "told_at")


def told(tables: Tables, context: Context, *, kind: str, about: str) -> Any:
    """The notices of a kind told until `as_of` that name the moment `about` which the rule counts from."""
    notices = tables["notices"]
    of_kind = notices.filter(
        notices.kind.lower() == kind, notices[about].notnull(), notices.told_at <= moment(context)
    )
    return of_kind.order_by("notice_id")


def late(
    rule_id: str,
    row: Row,
    context: Context,
    *,
    says: Words,
    statistic: Mapping[str, Any],
    since: datetime,
    until: datetime,
) -> Finding:
    """The finding about one notice that came late."""
    return Finding(
        rule_id=rule_id,
        rule_version=context.rules.version(rule_id),
        severity=Severity.MEDIUM,
        says=says,
        market=None,
        subjects=(row["org_id"],),
        objects=(row["notice_id"],),
        statistic={"about": row["object_id"], **statistic},
        threshold=context.rules.threshold(rule_id),
        legal_basis=context.rules.legal_basis(rule_id),
        confidence=Confidence.HIGH,
        window=Window(since, until),
        evidence_seqs=seqs((row["seq"],)),
        innocent_explanations=(
            Explanation(
                "told-elsewhere-before",
                Words(zh="此前已以其他方式告知", en="told in another way before"),
                Checked.OPEN,
            ),
        ),
    )
