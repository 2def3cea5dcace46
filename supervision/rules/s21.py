"""S21: a certificate misused in ways that BR1 does not see: one certificate in two hands, or a brokered
export by a broker none of whose certificates in force that moment allows cross-border work.

Dates, suspensions, sectors and levels are BR1's.
"""

from collections.abc import Iterator
from typing import Any

import ibis

from supervision.context import Context, Row, Rule, Tables
from supervision.exporting import crosses
from supervision.finding import Checked, Finding, Severity
from supervision.saying import because, tell
from supervision.trades import made, moment

_NAMES = ("kind", "cert_id", "org_id", "trade_id", "declaration_id", "at", "seq")


def expression(tables: Tables, context: Context) -> Any:
    """Certificates held by two organisations, and exports of mediated trades that no certificate allows."""
    certificates = tables["certificates"]
    certificates = certificates.filter(certificates.cert_id.notnull(), certificates.org_id.notnull())
    holders = certificates.select("cert_id", "org_id").distinct()
    shared = holders.group_by("cert_id").agg(holders=holders.org_id.nunique())
    shared = holders.semi_join(shared.filter(shared.holders > 1), "cert_id")
    shared = shared.mutate(
        kind=ibis.literal("two-organisations"),
        trade_id=ibis.null("string"),
        declaration_id=ibis.null("string"),
        at=ibis.null("timestamp"),
        seq=ibis.null("int64"),
    )
    exports = tables["exports"]
    exports = exports.filter(exports.declared_at <= moment(context), crosses(exports)).select(
        "declaration_id", "trade_id", "declared_at", "seq"
    )
    traded = made(tables, context).select("trade_id", "broker_id")
    exports = exports.inner_join(traded.filter(traded.broker_id.nullif("").notnull()), "trade_id")
    allowing = certificates.filter(certificates.cross_border.fill_null(True)).select(
        broker_id="org_id", since="valid_from", until="valid_to"
    )
    allowed = exports.inner_join(allowing, "broker_id")
    allowed = allowed.filter(
        ~ibis.coalesce(allowed.declared_at < allowed.since, False),
        ~ibis.coalesce(allowed.declared_at > allowed.until, False),
    )
    outside = exports.anti_join(allowed, ["declaration_id", "broker_id"])
    outside = outside.semi_join(holders.select(broker_id="org_id"), "broker_id").select(
        "trade_id",
        "declaration_id",
        "seq",
        kind=ibis.literal("cross-border"),
        cert_id=ibis.null("string"),
        org_id="broker_id",
        at="declared_at",
    )
    both = ibis.union(shared.select(*_NAMES), outside.select(*_NAMES), distinct=False)
    return both.order_by("kind", "cert_id", "declaration_id", "org_id")


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding for each certificate in several hands, one for each export."""
    holders: dict[str, list[str]] = {}
    for row in rows:
        if row["kind"] == "two-organisations":
            holders.setdefault(row["cert_id"], []).append(row["org_id"])
        else:
            yield _finding(
                "cross-border", [row["org_id"]], (row["declaration_id"], row["trade_id"]), row, context
            )
    for cert_id, orgs in holders.items():
        yield _finding("two-organisations", orgs, (cert_id,), {"at": None, "seq": None}, context)


def _finding(kind: str, orgs: list[str], objects: tuple[str, ...], row: Row, context: Context) -> Finding:
    at = row["at"] or context.as_of
    return tell(
        "S21",
        context,
        zh="涉嫌滥用资格证书",
        en="suspected misuse of a certificate",
        severity=Severity.HIGH,
        window=(at, at),
        subjects=orgs,
        objects=objects,
        statistic={"kind": kind},
        evidence=(row["seq"],),
        innocent=(
            because(
                "succession",
                "证书随合并或更名转移",
                "the certificate passed on with a merger or a new name",
                Checked.OPEN if kind == "two-organisations" else Checked.RULED_OUT,
            ),
            because(
                "no-part-in-the-export",
                "经纪人未参与出境环节",
                "the broker had no part in the export",
                Checked.OPEN if kind == "cross-border" else Checked.RULED_OUT,
            ),
        ),
    )


RULE = Rule(
    rule_id="S21",
    needs={"certificates": ("cert_id", "org_id")},
    uses=("exports", "trades"),
    expression=expression,
    findings=findings,
)
