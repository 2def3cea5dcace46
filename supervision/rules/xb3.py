"""XB3: more persons went out than were declared."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from supervision.context import Context, Row, Rule, Tables
from supervision.exporting import transfers
from supervision.finding import Checked, Finding, Severity
from supervision.portable import wide
from supervision.saying import because, tell


def expression(tables: Tables, context: Context) -> Any:
    """The transfers of declarations whose transfers exceed what was declared, in time order."""
    sent = transfers(tables, context)
    sent = sent.filter(sent.declaration_id.notnull(), sent.persons_declared.notnull())
    sent = sent.mutate(
        actual=wide(wide(sent.persons_actual.fill_null(0)).sum().over(group_by="declaration_id"))
    )
    above = context.rules.whole("XB3", "above_declared")
    return sent.filter(sent.actual - sent.persons_declared > above).order_by(
        "declaration_id", "transferred_at", "sent_seq", "persons_actual", "sent_to"
    )


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a declaration."""
    for declaration_id, group in groupby(rows, key=lambda row: row["declaration_id"]):
        members = list(group)
        first = members[0]
        largest = max(row["persons_actual"] or 0 for row in members)
        yield tell(
            "XB3",
            context,
            zh="涉嫌实际出境规模超过申报",
            en="suspected transfer of more persons than declared",
            severity=Severity.HIGH,
            window=(first["transferred_at"], members[-1]["transferred_at"]),
            subjects=(first["exporter_id"],),
            objects=(declaration_id,),
            statistic={
                "persons_declared": first["persons_declared"],
                "persons_actual": first["actual"],
                "transfers": len(members),
                "largest_transfer": largest,
            },
            evidence=(first["seq"], *(row["sent_seq"] for row in members)),
            innocent=(
                because(
                    "same-persons-again",
                    "同一自然人重复传输",
                    "the same persons were sent again",
                    Checked.RULED_OUT if largest > first["persons_declared"] else Checked.OPEN,
                ),
                because("new-declaration", "另有补充申报", "another declaration covers the rest"),
            ),
        )


RULE = Rule(
    rule_id="XB3",
    needs={
        "exports": ("declaration_id", "exporter_id", "persons_declared"),
        "export_transfers": ("declaration_id", "transferred_at", "persons_actual"),
    },
    expression=expression,
    findings=findings,
)
