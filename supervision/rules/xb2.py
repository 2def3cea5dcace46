"""XB2: a sample of the data holds sensitive fields, and the declaration says there are none.

Sensitive is a kind that says so itself (`sensitive:cn-id`, as the exchange's own scans do), and what PIPL 28
names; the rule table holds these kinds.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from supervision.context import Context, Row, Rule, Tables
from supervision.finding import Finding, Severity
from supervision.saying import because, tell
from supervision.trades import moment


def expression(tables: Tables, context: Context) -> Any:
    """Fields found in what was declared as not sensitive."""
    scans = tables["export_scans"]
    scans = scans.filter(scans.scanned_at <= moment(context), scans.kind.notnull()).select(
        "field", "kind", "scanned_at", scanned="declaration_id", scan_seq="seq"
    )
    exports = tables["exports"]
    exports = exports.filter(~exports.sensitive.fill_null(False))
    return exports.inner_join(scans, [("declaration_id", "scanned")]).order_by(
        "declaration_id", "scanned_at", "field"
    )


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a declaration."""
    kinds = frozenset(value.name for value in context.rules.of("XB2"))
    sensitive = (row for row in rows if _is_sensitive(row["kind"], kinds))
    for declaration_id, group in groupby(sensitive, key=lambda row: row["declaration_id"]):
        members = list(group)
        yield tell(
            "XB2",
            context,
            zh="涉嫌未申报敏感个人信息",
            en="suspected undeclared sensitive personal information",
            severity=Severity.HIGH,
            window=(members[0]["scanned_at"], members[-1]["scanned_at"]),
            subjects=(members[0]["exporter_id"],),
            objects=(declaration_id,),
            statistic={"fields": sorted({row["field"] or "" for row in members})},
            evidence=(members[0]["seq"], *(row["scan_seq"] for row in members)),
            innocent=(because("false-hit", "扫描误报", "the scanner took something else for it"),),
        )


def _is_sensitive(kind: str, kinds: frozenset[str]) -> bool:
    """Whether a scanner's kind is one of PIPL 28: what follows a colon is its own detail."""
    named = kind.strip().lower().partition(":")[0].replace("-", "_").replace(" ", "_")
    return named in kinds or named.startswith("sensitive")


RULE = Rule(
    rule_id="XB2",
    needs={
        "exports": ("declaration_id", "exporter_id", "sensitive"),
        "export_scans": ("declaration_id", "field", "kind", "scanned_at"),
    },
    expression=expression,
    findings=findings,
)
