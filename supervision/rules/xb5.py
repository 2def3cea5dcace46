"""XB5: data went out without clearance: undeclared, before it was declared, or not cleared."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import ibis

from supervision.context import Context, Row, Rule, Tables
from supervision.exporting import NOT_CLEARED, transfers
from supervision.finding import Checked, Finding, Severity
from supervision.saying import because, tell


def expression(tables: Tables, context: Context) -> Any:
    """The transfers that no clearance covers, with the reason."""
    sent = transfers(tables, context)
    routed = sent.status.startswith("ROUTED")
    sent = sent.mutate(
        reason=ibis.cases(
            (sent.declaration_id.isnull(), "undeclared"),
            (sent.transferred_at < sent.declared_at, "before-declaration"),
            (sent.status.isin(NOT_CLEARED) | routed, "not-cleared"),
            else_=ibis.null("string"),
        ),
        sent_as=sent.sent_as.fill_null(""),
    )
    return sent.filter(sent.reason.notnull()).order_by(
        "sent_as", "reason", "transferred_at", "sent_seq", "sent_to"
    )


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding for each declaration and reason."""
    for (declared_as, reason), group in groupby(rows, key=lambda row: (row["sent_as"], row["reason"])):
        members = list(group)
        first = members[0]
        yield tell(
            "XB5",
            context,
            zh="涉嫌未经通关出境",
            en="suspected transfer across the border without clearance",
            severity=Severity.HIGH,
            window=(first["transferred_at"], members[-1]["transferred_at"]),
            subjects=(first["exporter_id"], *(row["sent_to"] for row in members)),
            objects=(declared_as or None,),
            statistic={
                "reason": reason,
                "status": first["status"],
                "transfers": len(members),
                "persons_actual": sum(row["persons_actual"] or 0 for row in members),
            },
            evidence=(first["seq"], *(row["sent_seq"] for row in members)),
            innocent=(
                because("late-record", "放行登记迟延", "the clearance was recorded late"),
                because(
                    "nothing-sent",
                    "没有实际传输",
                    "nothing was sent",
                    Checked.RULED_OUT,
                ),
            ),
        )


RULE = Rule(
    rule_id="XB5",
    needs={
        "exports": ("declaration_id", "exporter_id", "declared_at", "status"),
        "export_transfers": ("declaration_id", "transferred_at"),
    },
    expression=expression,
    findings=findings,
)
