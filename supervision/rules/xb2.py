"""XB2: a sample of the data holds sensitive fields, and the declaration says there are none."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from supervision.context import Context, Row, Rule, Tables
from supervision.finding import Finding, Severity
from supervision.saying import because, tell
from supervision.trades import moment


def expression(tables: Tables, context: Context) -> Any:
    """Sensitive fields found in what was declared as not sensitive."""
    scans = tables["export_scans"]
    scans = scans.filter(
        scans.scanned_at <= moment(context), scans.kind.fill_null("").lower().startswith("sensitive")
    ).select("field", "kind", "scanned_at", scanned="declaration_id", scan_seq="seq")
    exports = tables["exports"]
    exports = exports.filter(~exports.sensitive.fill_null(False))
    return exports.inner_join(scans, [("declaration_id", "scanned")]).order_by(
        "declaration_id", "scanned_at", "field"
    )


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a declaration."""
    for declaration_id, group in groupby(rows, key=lambda row: row["declaration_id"]):
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


RULE = Rule(
    rule_id="XB2",
    needs={
        "exports": ("declaration_id", "exporter_id", "sensitive"),
        "export_scans": ("declaration_id", "field", "kind", "scanned_at"),
    },
    expression=expression,
    findings=findings,
)
