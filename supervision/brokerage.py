"""Mediated trades and the mandates that cover them: what the conduct rules (BR2 to BR11) share.

A mandate covers a trade if it is that broker's, of the seller or the buyer on its own side, for this
listing or for all, signed before the trade was made and not yet ended. The broker's signing counts as the
ledger has it; a date on a paper is not asked.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

import ibis

from supervision.context import Context, Row, Tables
from supervision.finding import (
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
from supervision.trades import made

MEDIATED: Final = "mediated"
"""What `mediated` is kept as, where it is kept (`supervision.kept`)."""
OF_A_TRADE: Final = (
    "trade_id",
    "listing_id",
    "product_id",
    "seller_id",
    "buyer_id",
    "broker_id",
    "seller_group",
    "buyer_group",
    "broker_group",
    "category",
    "geo",
    "amount_minor",
    "commission_minor",
    "status",
    "made_at",
    "settled_at",
    "seq",
    "offer_accepted_at",
    "broker_signed",
)


def groups(tables: Tables) -> Any:
    """Organisations with the group each belongs to: `org`, `group` (its ultimate controller, or itself)."""
    orgs = tables["orgs"]
    return orgs.select(org="org_id", group=ibis.coalesce(orgs.controller_id.nullif(""), orgs.org_id))


def mediated(tables: Tables, context: Context) -> Any:
    """The trades made until `as_of` that name a broker, with `broker_group`."""
    if MEDIATED in tables:
        return tables[MEDIATED]
    trades = made(tables, context)
    trades = trades.filter(trades.broker_id.nullif("").notnull())
    return trades.select(*OF_A_TRADE)


def spoken_mandates(tables: Tables, trades: Any) -> Any:
    """Each mediated trade with each mandate of its broker and of one of its parties, and why it fails.

    `reason` is null where the mandate covers the trade, else `listing`, `not-yet-signed`, `ended` (before
    the offer was accepted) or `no-end`; `of_side` is the client's side.
    """
    mandates = with_side(tables)
    mandates = mandates.select(
        "mandate_id",
        "client_id",
        "signed_at",
        "ends_at",
        "revoked_at",
        "fee_bp",
        "conflict_disclosed",
        "dual_consent",
        "mandated_side",
        mandated_broker=mandates.broker_id,
        mandated_listing=mandates.listing_id.nullif(""),
        mandate_seq=mandates.seq,
    )
    of_broker = ("broker_id", "mandated_broker")
    sold = trades.inner_join(mandates, [of_broker, ("seller_id", "client_id")])
    sold = sold.filter(sold.mandated_side.fill_null("PROVIDER") == "PROVIDER")
    bought = trades.inner_join(mandates, [of_broker, ("buyer_id", "client_id")])
    told = (bought.client_id == bought.seller_id) & (bought.mandated_side.fill_null("PROVIDER") == "PROVIDER")
    bought = bought.filter(_of_a_buyer(bought), ~told)
    pairs = ibis.union(
        sold.mutate(of_side=ibis.literal("PROVIDER")),
        bought.mutate(of_side=ibis.literal("BUYER")),
        distinct=False,
    )
    later = ibis.coalesce(pairs.mandate_seq > pairs.seq, False) & (pairs.signed_at == pairs.made_at)
    # What was agreed in a mandate's time is its broker's, whenever it is signed (Civil Code 965).
    agreed = ibis.least(ibis.coalesce(pairs.offer_accepted_at, pairs.made_at), pairs.made_at)
    erased = pairs.fee_bp.isnull() & pairs.conflict_disclosed.isnull() & pairs.dual_consent.isnull()
    return pairs.mutate(
        erased=erased,
        reason=ibis.cases(
            (ibis.coalesce(pairs.mandated_listing != pairs.listing_id, False), "listing"),
            (pairs.signed_at.isnull() | (pairs.signed_at > pairs.made_at) | later, "not-yet-signed"),
            (pairs.ends_at.isnull(), "no-end"),
            ((pairs.ends_at < agreed) | (pairs.revoked_at < agreed), "ended"),
            else_=ibis.null("string"),
        ),
    )


def with_a_buyers_mandate(tables: Tables, trades: Any) -> Any:
    """Those of the mediated trades whose broker has some mandate of the buyer as one: by far not all."""
    mandates = with_side(tables)
    return trades.semi_join(
        mandates.filter(_of_a_buyer(mandates)).select(by="broker_id", of="client_id"),
        [("broker_id", "by"), ("buyer_id", "of")],
    )


def with_side(tables: Tables) -> Any:
    """The mandates with `mandated_side`: the client's, null where the report does not tell it."""
    mandates = tables["mandates"]
    side = mandates.side.upper().nullif("")
    said = ibis.ifelse(side == "SELLER", "PROVIDER", side)  # as other venues say
    return mandates.mutate(mandated_side=said)


def _of_a_buyer(mandates: Any) -> Any:
    return mandates.mandated_side.fill_null("BUYER") == "BUYER"


def covering(tables: Tables, trades: Any) -> Any:
    """The mandates that cover these mediated trades, one row for each pair."""
    spoken = spoken_mandates(tables, trades)
    return spoken.filter(spoken.reason.isnull())


def on_trade(
    rule_id: str,
    row: Row,
    context: Context,
    *,
    says: Words,
    statistic: Mapping[str, Any],
    innocent: tuple[Explanation, ...],
    subjects: Iterable[str | None] = (),
    objects: Iterable[str] = (),
    evidence: Iterable[int | None] = (),
    until: datetime | None = None,
) -> Finding:
    """A finding of a conduct rule about one trade of a broker; `objects` are what else it is about."""
    known = row["category"] and row["geo"]
    return Finding(
        rule_id=rule_id,
        rule_version=context.rules.version(rule_id),
        severity=Severity.HIGH,
        says=says,
        market=Market(row["category"], row["geo"]) if known else None,
        subjects=named((row["broker_id"], *subjects)),
        objects=tuple(sorted({row["trade_id"], *objects})),
        statistic=statistic,
        threshold=context.rules.threshold(rule_id),
        legal_basis=context.rules.legal_basis(rule_id),
        confidence=Confidence.HIGH,
        window=Window(row["made_at"], until or row["made_at"]),
        evidence_seqs=seqs((row["seq"], *evidence)),
        innocent_explanations=innocent,
    )
