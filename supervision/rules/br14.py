"""BR14: an annual report that a certified broker did not file by 31 March, or filed later.

Who is certified when fewer than three whole months of a year are left reports on the next one first, and a
certificate that begins later than it was entered counts from its beginning, as the register counts. A
certificate that ended before the last day owes none. The authority's own deadline, 30 April, is no conduct
of the broker's; but a report that it has passed was there, even where no row tells when it came.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any, Final

import ibis

from base.calendar import end_of_day_shanghai, shanghai_day, whole_months_left
from base.clock import rfc3339
from supervision.context import Context, Row, Rule, Tables
from supervision.finding import Checked, Confidence, Explanation, Finding, Severity, Window, Words, seqs
from supervision.trades import moment

_ORDER: Final = ("cert_id", "event_at", "event_seq", "event")
_ENDS: Final = frozenset({"revoked", "expired", "exited"})


def expression(tables: Tables, context: Context) -> Any:
    """Each certificate with each of its events until `as_of`."""
    certificates = tables["certificates"].select("cert_id", "org_id", "valid_from", "valid_to")
    events = tables["certificate_events"]
    events = events.filter(events["at"] <= moment(context))
    events = events.select("event", "year", of="cert_id", event_at="at", event_seq="seq")
    rows = certificates.left_join(events, [("cert_id", "of")]).drop("of")
    return rows.order_by(*(ibis.asc(name, nulls_first=True) for name in _ORDER))


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a certificate and year."""
    for _, members in groupby(rows, key=lambda row: row["cert_id"]):
        yield from _of_certificate(list(members), context)


def _of_certificate(rows: list[Row], context: Context) -> Iterator[Finding]:
    told = min((row["event_at"] for row in rows if row["event"] == "certified"), default=None)
    since = max((at for at in (told, rows[0]["valid_from"]) if at is not None), default=None)
    ended = [row["event_at"] for row in rows if row["event"] in _ENDS]
    until = min([*ended, *([] if rows[0]["valid_to"] is None else [rows[0]["valid_to"]])], default=None)
    if since is None:
        return
    year = _first_year(since, context)
    while (due := _due(year, context)) < context.as_of and (until is None or due < until):
        filed = [row for row in rows if row["event"] == "annual_report" and _is_on(row, year)]
        passed = not filed and any(row["event"] == "annual_pass" and _is_on(row, year) for row in rows)
        if not passed and not any(row["event_at"] <= due for row in filed):
            yield _finding(rows, filed, year, due, context)
        year += 1


def _first_year(since: datetime, context: Context) -> int:
    day = shanghai_day(since)
    enough = whole_months_left(day) >= context.rules.whole("BR14", "first_months")
    return day.year if enough else day.year + 1


def _due(year: int, context: Context) -> datetime:
    month, day = (context.rules.whole("BR14", name) for name in ("report_month", "report_day"))
    return end_of_day_shanghai(date(year + 1, month, day))


def _is_on(row: Row, year: int) -> bool:
    """Which year a report is on; one that does not say it is on the year before it was filed."""
    said: int | None = row["year"]
    return (shanghai_day(row["event_at"]).year - 1 if said is None else said) == year


def _finding(rows: list[Row], filed: list[Row], year: int, due: datetime, context: Context) -> Finding:
    late = min((row["event_at"] for row in filed), default=None)
    within = [row for row in rows if row["event"] == "suspended" and due <= row["event_at"] < due + _SOON]
    return Finding(
        rule_id="BR14",
        rule_version=context.rules.version("BR14"),
        severity=Severity.HIGH if late is None else Severity.MEDIUM,
        says=Words(zh="涉嫌未按期报送年度报告", en="suspected missing or late annual report"),
        market=None,
        subjects=(rows[0]["org_id"],),
        objects=(rows[0]["cert_id"],),
        statistic={
            "year": year,
            "due_at": rfc3339(due),
            "filed_at": None if late is None else rfc3339(late),
            "suspended": bool(within),
        },
        threshold=context.rules.threshold("BR14"),
        legal_basis=context.rules.legal_basis("BR14"),
        confidence=Confidence.HIGH,
        window=Window(due, due if late is None else late),
        evidence_seqs=seqs(row["event_seq"] for row in (*filed, *within)),
        innocent_explanations=(
            Explanation(
                "filed-elsewhere",
                Words(zh="已以其他方式报送", en="filed in another way in time"),
                Checked.OPEN,
            ),
        ),
    )


_SOON: Final = timedelta(days=1)  # the exchange's clock suspends on 1 April

RULE = Rule(
    rule_id="BR14",
    needs={
        "certificates": ("cert_id", "org_id", "valid_from", "valid_to"),
        "certificate_events": ("cert_id", "at", "event"),
    },
    expression=expression,
    findings=findings,
)
