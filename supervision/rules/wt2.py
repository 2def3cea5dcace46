"""WT2: a closed loop. The same product, or one derived from it, comes back to who sold it, in days.

Loops are looked for among organisations, and again among ultimate controllers: there a product that
comes home to an affiliate closes a loop too, and trades within one group (WT1) are no step of it.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any, Final

import ibis

from base.clock import rfc3339
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
    minor,
    named,
    seqs,
)
from supervision.loops import Leg, Limits, Loop, find_loops
from supervision.trades import UNDONE, made, products

LEGS: Final = "legs"
"""What `legs` is kept as, where it is kept (`supervision.kept`)."""
GENERATIONS: Final = 3
"""A product counts as derived through so many steps of the table `lineage`, where there is one."""
_OF_A_LEG: Final = (
    *("trade_id", "product", "seller_id", "buyer_id", "broker_id", "seller_group", "buyer_group"),
    *("category", "geo", "licence_class", "unit", "quantity", "amount_minor", "status", "made_at", "seq"),
)
MICROSECOND: Final = timedelta(microseconds=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def expression(tables: Tables, context: Context) -> Any:
    """Trades by `family` (a product and what is derived from it) between groups that both sell and buy in it.

    Only these can be legs of a loop. Who buys anywhere is asked first: most sellers never do.
    """
    return legs(tables, context).order_by("family", "made_at", "trade_id")


def legs(tables: Tables, context: Context) -> Any:
    """What `expression` says, in no order."""
    if LEGS in tables:
        return tables[LEGS]
    trades = made(tables, context)
    trades = trades.mutate(product=ibis.coalesce(trades.product_id, trades.listing_id))
    trades = trades.filter(trades["product"].notnull())
    known = products(tables).filter(lambda t: t.one.notnull())
    kin = families(tables, known.select(member="one", member_no="product_no"))
    buyers = trades.select(party="buyer_no").distinct()
    sold = trades.semi_join(buyers, [("seller_no", "party")])
    sold = sold.inner_join(kin, [("product_no", "member_no")])
    sellers = sold.select("family", party="seller_no").distinct()
    of_members = sellers.inner_join(kin.view(), "family").select("member_no", "party").distinct()
    bought = trades.semi_join(of_members, [("product_no", "member_no"), ("buyer_no", "party")])
    bought = bought.select("product_no", "buyer_no").distinct()
    bought = bought.inner_join(kin, [("product_no", "member_no")])
    both = bought.semi_join(sellers, [("family", "family"), ("buyer_no", "party")])
    both = both.select(kin="family", party="buyer_no").distinct()
    on_both = sold.semi_join(both, [("family", "kin"), ("seller_no", "party")])
    on_both = on_both.semi_join(both, [("family", "kin"), ("buyer_no", "party")])
    return on_both.select(*_OF_A_LEG, "family")


def families(tables: Tables, products: Any) -> Any:
    """The products (`member`) each with its `family`: itself, and what it is derived from."""
    steps = [products.mutate(family=products.member)]
    lineage = tables["lineage"].select("source_product_id", derived="product_id")
    for _ in range(GENERATIONS):
        further = steps[-1].inner_join(lineage, [("family", "derived")])
        steps.append(further.select(*products.columns, family="source_product_id"))
    return ibis.union(*steps, distinct=True)


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding for each ring and episode; the families are searched one by one."""
    limits = limits_of(context)
    seen = set()
    for _, members in groupby(rows, key=lambda row: row["family"]):
        for finding in in_family(list(members), limits, context):
            if finding.finding_id not in seen:  # the same loop, seen from an ancestor's family too
                seen.add(finding.finding_id)
                yield finding


def limits_of(context: Context) -> Limits:
    """How long a loop may be, and how long it may take."""
    whole = context.rules.whole
    return Limits(
        shortest=whole("WT2", "shortest"),
        longest=whole("WT2", "longest"),
        within=timedelta(days=whole("WT2", "within")) // timedelta(microseconds=1),
    )


def in_family(rows: Sequence[Row], limits: Limits, context: Context) -> Iterator[Finding]:
    """The findings of the loops among these trades of one family."""
    by_id = {row["trade_id"]: row for row in rows}
    covered: set[str] = set()
    for loop in find_loops(_legs(rows, "seller_id", "buyer_id"), limits):
        covered.update(loop.trades)
        yield _finding(loop, by_id, context, "organisation")
    for loop in find_loops(_legs(rows, "seller_group", "buyer_group"), limits):
        if not covered.issuperset(loop.trades):
            yield _finding(loop, by_id, context, "controller")


def _legs(rows: Iterable[Row], seller: str, buyer: str) -> Iterator[Leg]:
    for row in rows:
        at = (row["made_at"] - _EPOCH) // timedelta(microseconds=1)
        yield Leg(at, row["trade_id"], row[seller], row[buyer])


def _finding(loop: Loop, by_id: dict[str, Row], context: Context, level: str) -> Finding:
    rows = sorted((by_id[trade] for trade in loop.trades), key=lambda row: (row["made_at"], row["trade_id"]))
    since, until = rows[0]["made_at"], rows[-1]["made_at"]
    undone = [row["trade_id"] for row in rows if row["status"] in UNDONE]
    return Finding(
        rule_id="WT2",
        rule_version=context.rules.version("WT2"),
        severity=Severity.HIGH,
        says=Words(
            zh="涉嫌循环交易（同一产品短期内回到原供方）", en="suspected closed loop: the product came back"
        ),
        market=min(Market(row["category"], row["geo"]) for row in rows),
        subjects=named(org for row in rows for org in (row["seller_id"], row["buyer_id"])),
        objects=tuple(sorted(loop.trades)),
        statistic={
            "level": level,
            "ring": list(loop.ring),
            "length": len(loop.ring),
            "span_s": int((until - since).total_seconds()),
            "legs": [_leg_document(row) for row in rows],
            "brokers": list(named(row["broker_id"] for row in rows)),
        },
        threshold=context.rules.threshold("WT2"),
        legal_basis=context.rules.legal_basis("WT2"),
        confidence=Confidence.HIGH,
        window=Window(since, until),
        evidence_seqs=seqs(row["seq"] for row in rows),
        innocent_explanations=(
            Explanation(
                "refund",
                Words(zh="退货或退款", en="a return or refund, not a sale"),
                Checked.OPEN if undone else Checked.RULED_OUT,
                {"trades_taken_back": undone},
            ),
            Explanation(
                "renewal",
                Words(zh="同向续期", en="a renewal: the same seller to the same buyer again"),
                Checked.RULED_OUT,  # renewals alone close no ring; here the product came back
            ),
            Explanation(
                "two-way-cooperation",
                Words(zh="真实的双向数据合作", en="genuine two-way co-operation on the product"),
                Checked.OPEN,
            ),
        ),
    )


def _leg_document(row: Row) -> dict[str, Any]:
    return {
        "trade_id": row["trade_id"],
        "product": row["product"],
        "seller_id": row["seller_id"],
        "buyer_id": row["buyer_id"],
        "at": rfc3339(row["made_at"]),
        "amount_minor": minor(row["amount_minor"]),
        "seq": row["seq"],
    }


RULE = Rule(
    rule_id="WT2",
    needs={
        "trades": ("trade_id", "product_id", "seller_id", "buyer_id", "agreed_at"),
        "orgs": ("org_id", "controller_id"),
    },
    uses=("lineage",),
    expression=expression,
    findings=findings,
)
