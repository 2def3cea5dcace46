"""DISCLOSURE_MISSING: a year of a grant that was not disclosed, or not reported, by 31 March of the next.

Both sides owe it: the operator its accounts, products and prices; the authorising body its report. Asked of
each year in which the grant was active, once the day has passed. What came late is told as late.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import Any

import ibis

from base.clock import SHANGHAI
from supervision.context import Context, Row, Rule, Tables
from supervision.finding import Checked, Finding, Severity
from supervision.saying import because, tell
from supervision.trades import moment


def expression(tables: Tables, context: Context) -> Any:
    """The grants that were active, with each year that something was said of."""
    grants = tables["grants"]
    grants = grants.filter(grants.active_at <= moment(context)).select(
        "grant_id", "authority_id", "operator_id", "active_at", "ended_at", "seq"
    )
    said = tables["grant_years"].select(
        "year", "disclosed_at", "reported_at", of_grant="grant_id", year_seq="seq"
    )
    both = grants.left_join(said, [("grant_id", "of_grant")]).drop("of_grant")
    return both.order_by("grant_id", ibis.asc("year", nulls_first=True))


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a grant and year."""
    month, day = (context.rules.whole("DISCLOSURE_MISSING", name) for name in ("month", "day"))
    for grant_id, group in groupby(rows, key=lambda row: row["grant_id"]):
        members = list(group)
        grant = members[0]
        said = {row["year"]: row for row in members if row["year"] is not None}
        last = min(grant["ended_at"] or context.as_of, context.as_of)
        for year in range(_year(grant["active_at"]), _year(last) + 1):
            due = _end_of(date(year + 1, month, day))
            if due >= context.as_of:
                continue
            missing, late = _state(said.get(year), due, context.as_of)
            if not missing and not late:
                continue
            owed = {"disclosure": grant["operator_id"], "report": grant["authority_id"]}
            yield tell(
                "DISCLOSURE_MISSING",
                context,
                zh="涉嫌授权运营年度披露或报告" + ("缺失" if missing else "逾期"),
                en="suspected: the year's disclosure or report is " + ("missing" if missing else "late"),
                severity=Severity.MEDIUM if missing else Severity.LOW,
                window=(due, context.as_of),
                subjects=(owed[name] for name in (*missing, *late)),
                objects=(grant_id,),
                statistic={"year": year, "missing": missing, "late": late},
                evidence=(grant["seq"], *((said[year]["year_seq"],) if year in said else ())),
                innocent=(
                    because("elsewhere", "已在其他渠道披露", "disclosed in another place"),
                    because("in-time", "按期披露", "disclosed in time", Checked.RULED_OUT),
                ),
            )


def _state(row: Row | None, due: datetime, now: datetime) -> tuple[list[str], list[str]]:
    """What of a year is missing, and what came late."""
    at = {
        "disclosure": None if row is None else row["disclosed_at"],
        "report": None if row is None else row["reported_at"],
    }
    missing = [name for name, when in at.items() if when is None or when > now]
    return missing, [name for name, when in at.items() if name not in missing and when and when > due]


def _year(at: datetime) -> int:
    return at.astimezone(SHANGHAI).year


def _end_of(day: date) -> datetime:
    """The last millisecond of a day in Shanghai."""
    begins = datetime.combine(day + timedelta(days=1), time.min, SHANGHAI)
    return (begins - timedelta(milliseconds=1)).astimezone(UTC)


RULE = Rule(
    rule_id="DISCLOSURE_MISSING",
    needs={
        "grants": ("grant_id", "authority_id", "operator_id", "active_at"),
        "grant_years": ("grant_id", "year", "disclosed_at", "reported_at"),
    },
    expression=expression,
    findings=findings,
)
