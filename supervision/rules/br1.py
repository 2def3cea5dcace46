"""BR1: a broker's act outside an active certificate that covers level and sector at that time.

Acts are the contracts and quotes that name the broker, the mandates it accepted and, where the ledger
tells them, the steps of a trade it took itself. The limits of the broker's *type* (no title, no price
setting for 技术赋能型) depend on the wording of mandates, which no table holds: they are not judged here.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Any, Final

import ibis

from base.clock import rfc3339
from supervision.certificates import not_plainly_covered, uncovered
from supervision.context import Context, Row, Rule, Tables
from supervision.finding import (
    Checked,
    Confidence,
    Explanation,
    Finding,
    Market,
    Severity,
    Window,
    Words,
    named,
    seqs,
)
from supervision.trades import moment

DOUBTFUL: Final = "doubtful_acts"
"""What `doubtful_acts` is kept as, where it is kept (`supervision.kept`)."""
_ORDER: Final = ("broker_id", "kind", "object_id", "at", "event", "act_id", "cert_id")


def expression(tables: Tables, context: Context) -> Any:
    """The uncovered acts, one row for each certificate of the broker with the reason it does not cover."""
    acts = doubtful_acts(tables, context)
    listings = tables["listings"].select("listing_id", "level", "geo", listed_category="category")
    acts = acts.left_join(listings, "listing_id").drop("listing_id_right")
    acts = acts.mutate(
        category=ibis.coalesce(acts.category.nullif(""), acts.listed_category),
        act_id=acts.kind
        + "|"
        + acts.object_id
        + "|"
        + acts.broker_id
        + "|"
        + acts.event
        + "|"
        + acts["at"].cast("string")
        + "|"
        + acts.seq.cast("string").fill_null(""),
    ).drop("listed_category")
    acts = acts.distinct()
    return uncovered(tables, acts).order_by(*_ORDER)


def doubtful_acts(tables: Tables, context: Context) -> Any:
    """The acts of brokers that no certificate covers beyond doubt."""
    if DOUBTFUL in tables:
        return tables[DOUBTFUL]
    acts = ibis.union(_contracts(tables), _quotes(tables), _mandates(tables), _steps(tables), distinct=False)
    acts = acts.filter(acts.broker_id.notnull(), acts["at"] <= moment(context))
    return not_plainly_covered(tables, acts)


def _contracts(tables: Tables) -> Any:
    trades = tables["trades"]
    return trades.select(
        kind=ibis.literal("trade"),
        object_id=trades.trade_id,
        event=ibis.literal("TRD.CONTRACT"),
        broker_id=trades.broker_id,
        at=ibis.coalesce(trades.agreed_at, trades.contract_dated_at),
        seq=trades.seq,
        listing_id=trades.listing_id,
        category=trades.category,
    )


def _quotes(tables: Tables) -> Any:
    quotes = tables["quotes"]
    return quotes.select(
        kind=ibis.literal("quote"),
        object_id=quotes.quote_id,
        event=ibis.literal("QTE.QUOTE"),
        broker_id=quotes.broker_id,
        at=quotes.quoted_at,
        seq=quotes.seq,
        listing_id=quotes.listing_id,
        category=ibis.null("string"),
    )


def _mandates(tables: Tables) -> Any:
    mandates = tables["mandates"]
    return mandates.select(
        kind=ibis.literal("mandate"),
        object_id=mandates.mandate_id,
        event=ibis.literal("MND.ACCEPT"),
        broker_id=mandates.broker_id,
        at=mandates.signed_at,
        seq=mandates.seq,
        # taking a mandate needs a certificate in force; its scope is asked at each act under the mandate
        listing_id=ibis.null("string"),
        category=ibis.null("string"),
    )


def _steps(tables: Tables) -> Any:
    """Steps of a trade that the broker took, found in the listing of that trade where it was contracted."""
    steps = tables["trade_events"]
    steps = steps.filter(steps.role.upper() == "BROKER")
    trades = tables["trades"].select("trade_id", "listing_id", "category")
    steps = steps.left_join(trades, "trade_id").drop("trade_id_right")
    return steps.select(
        kind=ibis.literal("trade"),
        object_id=steps.trade_id,
        event=steps.event,
        broker_id=steps.actor,
        at=steps["at"],
        seq=steps.seq,
        listing_id=steps.listing_id,
        category=steps.category,
    )


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding for each broker and trade, quote or mandate, with all its uncovered acts."""
    for (broker_id, kind, object_id), members in groupby(
        rows, key=lambda row: (row["broker_id"], row["kind"], row["object_id"])
    ):
        yield _finding(broker_id, kind, object_id, list(members), context)


def _finding(broker_id: str, kind: str, object_id: str, rows: list[Row], context: Context) -> Finding:
    acts = [_act(list(verdicts)) for _, verdicts in groupby(rows, key=lambda row: row["act_id"])]
    certificates = named(row["cert_id"] for row in rows)
    first = rows[0]
    known = first["category"] is not None and first["geo"] is not None
    return Finding(
        rule_id="BR1",
        rule_version=context.rules.version("BR1"),
        severity=Severity.HIGH,
        says=Words(
            zh="涉嫌无有效资格证书从事经纪行为", en="suspected brokerage outside an active certificate"
        ),
        market=Market(first["category"], first["geo"]) if known else None,
        subjects=(broker_id,),
        objects=(object_id,),
        statistic={"kind": kind, "acts": acts, "certificates": list(certificates)},
        threshold=context.rules.threshold("BR1"),
        legal_basis=context.rules.legal_basis("BR1"),
        confidence=Confidence.HIGH,
        window=Window(rows[0]["at"], rows[-1]["at"]),
        evidence_seqs=seqs(seq for row in rows for seq in (row["seq"], row["decided_by"])),
        innocent_explanations=(
            Explanation(
                "another-certificate",
                Words(zh="另有有效证书", en="another certificate of the broker covered the act"),
                Checked.RULED_OUT,
                {"certificates_checked": list(certificates)},
            ),
            Explanation(
                "reinstated",
                Words(zh="行为之前已恢复资格", en="the certificate had been reinstated before the act"),
                Checked.RULED_OUT,  # the last event before each act decides
            ),
            Explanation(
                "clock",
                Words(zh="时钟误差", en="a clock that was off"),
                Checked.RULED_OUT if all(act["seq"] is not None for act in acts) else Checked.OPEN,
            ),
        ),
    )


def _act(verdicts: list[Row]) -> dict[str, Any]:
    act = verdicts[0]
    return {
        "event": act["event"],
        "at": rfc3339(act["at"]),
        "seq": act["seq"],
        "certificates": [
            {"cert_id": row["cert_id"], "reason": row["reason"], "decided_by_seq": row["decided_by"]}
            for row in verdicts
        ],
    }


RULE = Rule(
    rule_id="BR1",
    needs={
        "certificates": ("cert_id", "org_id", "valid_from", "valid_to"),
        "certificate_events": ("cert_id", "at", "event"),
        "trades": ("trade_id", "broker_id", "agreed_at"),
    },
    uses=("listings", "mandates", "quotes", "trade_events"),
    expression=expression,
    findings=findings,
)
