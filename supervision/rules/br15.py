"""BR15: a broker that left without six months' notice or hand-over, or took new clients on its way out.

It left when the ledger says so (`exited`). Handed over is what has ended by then: its mandates, and the
trades it mediates. A mandate accepted after the notice is one it could not see through.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import groupby
from typing import Any, Final

import ibis

from base.calendar import months_after
from base.clock import rfc3339
from supervision.brokerage import mediated
from supervision.context import Context, Row, Rule, Tables
from supervision.finding import (
    Checked,
    Confidence,
    Explanation,
    Finding,
    Severity,
    Window,
    Words,
    named,
    seqs,
)
from supervision.trades import UNDONE, moment

_ORDER: Final = ("cert_id", "kind", "object_id", "at", "seq")
_NOTICE: Final = "exit_notice"
_EXIT: Final = "exited"
_ENDS: Final = (_EXIT, "expired", "revoked")
_OVER: Final = ("SETTLED", "FILED", "CERTIFIED", "CLOSED", *UNDONE)


def expression(tables: Tables, context: Context) -> Any:
    """Notices and exits of each certificate, with the mandates and trades its holder then had."""
    certificates = tables["certificates"].select("cert_id", "org_id")
    events = tables["certificate_events"]
    events = events.filter(events["at"] <= moment(context), events.event.isin([_NOTICE, *_ENDS]))
    events = events.select("at", "seq", "event", of="cert_id")
    steps = certificates.inner_join(events, [("cert_id", "of")]).drop("of")
    told = steps.select(
        "cert_id", "org_id", "at", "seq", kind="event", object_id="cert_id", ended=ibis.null("timestamp")
    )
    mandates = tables["mandates"]
    given = mandates.select(
        by="broker_id",
        kind=ibis.literal("mandate"),
        object_id="mandate_id",
        given_at="signed_at",
        given_seq="seq",
        ended=ibis.coalesce(
            ibis.least(mandates.ends_at, mandates.revoked_at), mandates.ends_at, mandates.revoked_at
        ),
    )
    trades = mediated(tables, context)
    running = trades.filter(trades.settled_at.notnull() | ~trades.status.isin(_OVER))
    running = running.select(
        by="broker_id", kind=ibis.literal("trade"), object_id="trade_id", given_at="made_at",
        given_seq="seq", ended="settled_at",
    )  # fmt: skip
    held = ibis.union(given, running, distinct=False)
    leaving = steps.select("cert_id", "org_id").distinct()
    owed = leaving.inner_join(held, [("org_id", "by")])
    owed = owed.filter(owed.given_at.notnull())
    owed = owed.select("cert_id", "org_id", "kind", "object_id", "ended", at="given_at", seq="given_seq")
    columns = ("cert_id", "org_id", "kind", "object_id", "at", "seq", "ended")
    return ibis.union(told.select(*columns), owed.select(*columns), distinct=False).order_by(*_ORDER)


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a certificate, with every reason."""
    for _, members in groupby(rows, key=lambda row: row["cert_id"]):
        found = _of_certificate(list(members), context)
        if found is not None:
            yield found


def _of_certificate(rows: list[Row], context: Context) -> Finding | None:
    steps = [row for row in rows if row["kind"] in {_NOTICE, *_ENDS}]
    notices = [row for row in steps if row["kind"] == _NOTICE]
    owed = [row for row in rows if row["kind"] in {"mandate", "trade"}]
    noticed = min((row["at"] for row in notices), default=None)
    gone = min((row["at"] for row in steps if row["kind"] == _EXIT), default=None)
    over = min((row["at"] for row in steps if row["kind"] in _ENDS), default=context.as_of)
    left = [row for row in owed if gone is not None and row["at"] <= gone and not _over(row, gone)]
    new = [row for row in owed if row["kind"] == "mandate" and row["at"] <= over and _after(row, notices)]
    months = context.rules.whole("BR15", "notice")
    short = gone is not None and (noticed is None or months_after(noticed, months) > gone)
    checks = (("short-notice", short), ("not-handed-over", bool(left)), ("new-mandate", bool(new)))
    reasons = [name for name, holds in checks if holds]
    if not reasons:
        return None
    return _finding(steps, [*left, *new], {"reasons": reasons, **_moments(noticed, gone)}, context)


def _moments(noticed: datetime | None, gone: datetime | None) -> dict[str, str | None]:
    return {
        "notice_at": None if noticed is None else rfc3339(noticed),
        "exited_at": None if gone is None else rfc3339(gone),
    }


def _over(row: Row, gone: datetime) -> bool:
    return row["ended"] is not None and row["ended"] <= gone


def _after(row: Row, notices: list[Row]) -> bool:
    """At equal times the ledger's order decides."""
    return any(
        row["at"] > one["at"]
        or (row["at"] == one["at"] and None not in {row["seq"], one["seq"]} and row["seq"] > one["seq"])
        for one in notices
    )


def _finding(steps: list[Row], owed: list[Row], statistic: Mapping[str, Any], context: Context) -> Finding:
    times = [row["at"] for row in steps]
    return Finding(
        rule_id="BR15",
        rule_version=context.rules.version("BR15"),
        severity=Severity.HIGH,
        says=Words(zh="涉嫌未依规退出", en="suspected exit without notice or hand-over"),
        market=None,
        subjects=(steps[0]["org_id"],),
        objects=named((steps[0]["cert_id"], *(row["object_id"] for row in owed))),
        statistic=statistic,
        threshold=context.rules.threshold("BR15"),
        legal_basis=context.rules.legal_basis("BR15"),
        confidence=Confidence.HIGH,
        window=Window(min(times), max(times)),
        evidence_seqs=seqs(row["seq"] for row in (*steps, *owed)),
        innocent_explanations=(
            Explanation(
                "notice-given-elsewhere",
                Words(zh="已以其他方式通知并移交", en="notice and hand-over in another way"),
                Checked.OPEN,
            ),
        ),
    )


RULE = Rule(
    rule_id="BR15",
    needs={
        "certificates": ("cert_id", "org_id"),
        "certificate_events": ("cert_id", "at", "event"),
        "mandates": ("mandate_id", "broker_id", "signed_at", "ends_at"),
    },
    uses=("trades", "orgs"),
    expression=expression,
    findings=findings,
)
