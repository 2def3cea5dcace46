"""OVERDUE: a report, an answer or a deed with a time of the law that was missing, or came late.

Incidents (1, 2, 4 and 24 hours; half an hour to grade and to hand on; the notice to persons, the summary),
early warnings, yearly risk assessments and what is rectified, the round of the important-data catalogue,
persons' withdrawals, deletions and requests. Held against the moments in the log alone: that the exchange has
stated it is told, and changes nothing.
"""

from collections.abc import Iterator
from datetime import timedelta
from itertools import groupby
from typing import Any

import ibis

from base.clock import rfc3339
from supervision.context import Context, Row, Rule, Tables
from supervision.finding import Checked, Finding, Severity
from supervision.saying import because, tell
from supervision.trades import moment

_OWN = frozenset({"INC.GRADE", "INC.SUMMARY"})
"""What nobody outside waits for: a venue's own time, and a summary after all is done."""


def expression(tables: Tables, context: Context) -> Any:
    """The times that are over, by what they are about."""
    clocks = tables["clocks"]
    over = clocks.filter(clocks.due_at < moment(context), clocks.object_id.notnull(), clocks.matter.notnull())
    over = over.mutate(made_at=(over.met_at <= moment(context)).ifelse(over.met_at, None))
    first = ibis.asc("made_at", nulls_first=True)
    return over.order_by("object_id", "due_at", first, "matter", ibis.asc("seq", nulls_first=True))


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding for what was due of one object at one moment and done at one, or not yet."""
    least = timedelta(milliseconds=context.rules.whole("OVERDUE", "late_from"))
    late = (row for row in rows if (row["made_at"] or context.as_of) - row["due_at"] >= least)
    for (object_id, due_at, made_at), group in groupby(
        late, key=lambda row: (row["object_id"], row["due_at"], row["made_at"])
    ):
        members = list(group)
        matters = sorted({row["matter"] for row in members})
        missing = made_at is None
        reported = any(one.startswith("INC.") for one in set(matters) - _OWN)
        stated = [row["stated_at"] for row in members if row["stated_at"] is not None]
        yield tell(
            "OVERDUE",
            context,
            zh="涉嫌" + ("逾期未" if missing else "逾期") + "履行有法定或规定期限的报告、处置或答复义务",
            en="suspected: a report, an answer or a deed with a time limit "
            + ("is missing" if missing else "came late"),
            severity=(Severity.HIGH if reported else Severity.MEDIUM) if missing else Severity.LOW,
            window=(due_at, made_at or due_at),
            subjects={row["owed_by"] for row in members},
            objects=(object_id,),
            statistic={
                "matters": matters,
                "due_at": rfc3339(due_at),
                "met_at": None if made_at is None else rfc3339(made_at),
                "stated_at": rfc3339(min(stated)) if stated else None,
            },
            evidence=[seq for row in members for seq in (row["seq"], None if missing else row["met_seq"])],
            innocent=(
                because("told-elsewhere", "已以其他方式履行", "done in another way, in time"),
                because(
                    "fell-away", "期限届满前义务已消灭", "it fell away before its end", Checked.RULED_OUT
                ),
            ),
        )


RULE = Rule(
    rule_id="OVERDUE",
    needs={"clocks": ("object_id", "matter", "owed_by", "due_at", "met_at", "stated_at", "seq", "met_seq")},
    expression=expression,
    findings=findings,
)
