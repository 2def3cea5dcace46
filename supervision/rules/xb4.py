"""XB4: data went on to somebody else than the declared recipient."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from supervision.context import Context, Row, Rule, Tables
from supervision.exporting import transfers
from supervision.finding import Checked, Finding, Severity, named
from supervision.saying import because, tell


def expression(tables: Tables, context: Context) -> Any:
    """Transfers whose recipient is not the declaration's."""
    sent = transfers(tables, context)
    return sent.filter(sent.sent_to.nullif("") != sent.recipient_id).order_by(
        "declaration_id", "transferred_at", "sent_seq", "sent_to"
    )


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a declaration."""
    for declaration_id, group in groupby(rows, key=lambda row: row["declaration_id"]):
        members = list(group)
        yield tell(
            "XB4",
            context,
            zh="涉嫌向未获准的接收方再转移",
            en="suspected onward transfer to a recipient that was not declared",
            severity=Severity.HIGH,
            window=(members[0]["transferred_at"], members[-1]["transferred_at"]),
            subjects=(members[0]["exporter_id"], *(row["sent_to"] for row in members)),
            objects=(declaration_id,),
            statistic={
                "declared_recipient": members[0]["recipient_id"],
                "recipients": list(named(row["sent_to"] for row in members)),
                "transfers": len(members),
            },
            evidence=(members[0]["seq"], *(row["sent_seq"] for row in members)),
            innocent=(
                because("renamed", "接收方更名", "the recipient changed its name"),
                because(
                    "one-declaration", "同一申报的接收方", "the declared recipient itself", Checked.RULED_OUT
                ),
            ),
        )


RULE = Rule(
    rule_id="XB4",
    needs={
        "exports": ("declaration_id", "exporter_id", "recipient_id"),
        "export_transfers": ("declaration_id", "transferred_at", "recipient_id"),
    },
    expression=expression,
    findings=findings,
)
