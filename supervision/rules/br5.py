"""BR5: a broker that trades for its own account in what it brokers, or buys from a client to resell.

Three forms, all by group: it is a party of a trade it mediates (`own-account`); it is the counterparty of
its own client in what the mandate is for (`client-counterparty`); it buys a product and sells it, or what is
derived from it, within 30 days, one of the two sides being its client, the trade mediated by it, or the
product one that it mediates for others, from 30 days before to 30 days after (`back-to-back`).
"""

from collections.abc import Iterator
from typing import Any, Final

import ibis

from base.clock import rfc3339
from supervision.brokerage import groups, on_trade, with_side
from supervision.context import Context, Row, Rule, Tables
from supervision.finding import Checked, Explanation, Finding, Words, minor
from supervision.rules.wt2 import families
from supervision.trades import made

OWN: Final = "own_trades"
"""What `own_trades` is kept as, where it is kept (`supervision.kept`)."""
_OF_A_ROW: Final = (
    "trade_id",
    "listing_id",
    "seller_id",
    "buyer_id",
    "category",
    "geo",
    "amount_minor",
    "made_at",
    "seq",
)
_OF_A_RESALE: Final = ("resale_id", "resale_at", "resale_minor", "resale_seq", "resale_party")
_ORDER: Final = ("kind", "trade_id", "other_id", "broker_id")
_WORDS: Final = {
    "own-account": Words(
        zh="涉嫌在自己居间的交易中自营", en="suspected trade for the broker's own account in what it mediates"
    ),
    "client-counterparty": Words(
        zh="涉嫌与自己的委托人就委托产品交易", en="suspected trade of a broker against its own client"
    ),
    "back-to-back": Words(
        zh="涉嫌买入后转卖赚取差价", en="suspected back-to-back trades: bought to resell at a margin"
    ),
}


def expression(tables: Tables, context: Context) -> Any:
    """The own-account trades and the pairs of a purchase and a resale, with the broker whose they are."""
    brokers = _brokers(tables)
    trades = _with_product(own_trades(tables, context))
    mediated = _with_product(made(tables, context))
    mediated = mediated.filter(mediated.mediator.notnull(), mediated["product"].notnull())
    return ibis.union(
        _own_account(trades, brokers),
        _against_client(tables, trades, brokers),
        _back_to_back(tables, trades, brokers, mediated, context),
        distinct=True,
    ).order_by(*_ORDER)


def own_trades(tables: Tables, context: Context) -> Any:
    """The trades with the group of some broker on a side: no others can be its own."""
    if OWN in tables:
        return tables[OWN]
    trades = made(tables, context)
    own = _brokers(tables).select("own_group").distinct().own_group
    trades = trades.filter(trades.buyer_group.isin(own) | trades.seller_group.isin(own))
    return trades.select(
        *_OF_A_ROW, "product_id", "broker_id", "seller_group", "buyer_group", "status", "quantity"
    )


def _with_product(trades: Any) -> Any:
    trades = trades.mutate(
        product=ibis.coalesce(trades.product_id, trades.listing_id), mediator=trades.broker_id.nullif("")
    )
    return trades.select(*_OF_A_ROW, "product", "mediator", "seller_group", "buyer_group")


def _brokers(tables: Tables) -> Any:
    """Who acts as a broker, with its group."""
    told = [
        tables["trades"].select(broker="broker_id"),
        tables["mandates"].select(broker="broker_id"),
        tables["certificates"].select(broker="org_id"),
    ]
    brokers = ibis.union(*told, distinct=True)
    brokers = brokers.filter(brokers.broker.nullif("").notnull())
    brokers = brokers.left_join(groups(tables), [("broker", "org")])
    return brokers.select("broker", own_group=ibis.coalesce(brokers.group, brokers.broker))


def _rows(found: Any, kind: str, other: Any = None) -> Any:
    null = ibis.null
    return found.select(
        *_OF_A_ROW,
        kind=ibis.literal(kind),
        broker_id=found.broker,
        other_id=null("string") if other is None else found[other + "_id"],
        other_at=null("timestamp") if other is None else found[other + "_at"],
        other_minor=null("int64") if other is None else found[other + "_minor"],
        other_seq=null("int64") if other is None else found[other + "_seq"],
        other_party=null("string") if other is None else found[other + "_party"],
    )


def _own_account(trades: Any, brokers: Any) -> Any:
    found = trades.inner_join(brokers, [("mediator", "broker")])
    sides = (found.own_group == found.seller_group) | (found.own_group == found.buyer_group)
    return _rows(found.filter(sides), "own-account")


def _against_client(tables: Tables, trades: Any, brokers: Any) -> Any:
    """A trade between a broker's group and a client whose mandate covers the listing then."""
    mandates = _mandates(tables, brokers)
    sold = trades.inner_join(mandates, [("seller_id", "client_id"), ("buyer_group", "own_group")])
    bought = trades.inner_join(mandates, [("buyer_id", "client_id"), ("seller_group", "own_group")])
    sold = sold.filter(sold.of_side.fill_null("PROVIDER") == "PROVIDER")
    bought = bought.filter(bought.of_side.fill_null("BUYER") == "BUYER")
    found = ibis.union(*(_rows_in_force(one) for one in (sold, bought)), distinct=True)
    # what the broker itself mediates is told as `own-account`
    return _rows(found.filter(ibis.coalesce(found.mediator != found.broker, True)), "client-counterparty")


def _rows_in_force(found: Any) -> Any:
    covered = found.filter(
        ibis.coalesce(found.only == found.listing_id, True),
        found.signed_at <= found.made_at,
        ibis.coalesce(found.ends_at >= found.made_at, True),
    )
    return covered.select(*_OF_A_ROW, "broker", "mediator")


def _mandates(tables: Tables, brokers: Any) -> Any:
    mandates = with_side(tables)
    mandates = mandates.select(
        "client_id",
        "signed_at",
        ends_at=ibis.coalesce(
            ibis.least(mandates.ends_at, mandates.revoked_at), mandates.ends_at, mandates.revoked_at
        ),
        mandated=mandates.broker_id,
        only=mandates.listing_id.nullif(""),
        of_side=mandates.mandated_side,
    )
    return mandates.inner_join(brokers, [("mandated", "broker")])


def _back_to_back(tables: Tables, trades: Any, brokers: Any, mediated: Any, context: Context) -> Any:
    """A purchase and a sale of one product by one broker's group, at most so many days apart."""
    days = ibis.interval(days=context.rules.whole("BR5", "resale_within"))
    kin = trades.select(member=trades["product"]).distinct().filter(lambda t: t.member.notnull())
    kin = families(tables, kin)
    own_groups = brokers.select("own_group").distinct()
    bought = trades.inner_join(own_groups, [("buyer_group", "own_group")])
    bought = bought.filter(bought.seller_group != bought.own_group)
    sold = trades.inner_join(own_groups, [("seller_group", "own_group")])
    sold = sold.filter(sold.buyer_group != sold.own_group).inner_join(kin, [("product", "member")])
    sold = sold.select(
        resold="family",
        reseller="own_group",
        resale_id="trade_id",
        resale_at="made_at",
        resale_minor="amount_minor",
        resale_seq="seq",
        resale_party="buyer_id",
        resale_mediator="mediator",
    )
    pairs = bought.inner_join(sold, [("product", "resold"), ("own_group", "reseller")])
    pairs = pairs.filter(pairs.resale_at >= pairs.made_at, pairs.resale_at <= pairs.made_at + days).select(
        *_OF_A_ROW, "product", "mediator", "own_group", "resale_mediator", *_OF_A_RESALE
    )
    mandates = _mandates(tables, brokers)
    clients = mandates.select("client_id", "signed_at", "ends_at", "broker", client_of="own_group")
    related = [
        pairs.inner_join(clients, [("own_group", "client_of"), (party, "client_id")])
        for party in ("seller_id", "resale_party")
    ]
    mediators = brokers.select("broker", mediates="own_group")
    brokered = [
        pairs.inner_join(mediators, [("own_group", "mediates"), (by, "broker")])
        for by in ("mediator", "resale_mediator")
    ]
    found = [one.filter(one.signed_at <= one.resale_at, one.ends_at >= one.made_at) for one in related]
    others = mediated.select(by="mediator", of_product="product", for_others_at="made_at")
    others = pairs.inner_join(mediators, [("own_group", "mediates")]).inner_join(
        others, [("broker", "by"), ("product", "of_product")]
    )
    brokered.append(
        others.filter(
            others.for_others_at >= others.made_at - days, others.for_others_at <= others.resale_at + days
        )
    )
    return _rows(
        ibis.union(
            *(one.select(*_OF_A_ROW, "broker", *_OF_A_RESALE) for one in found + brokered), distinct=True
        ),
        "back-to-back",
        "resale",
    )


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding for each broker and trade, or pair of trades."""
    for row in rows:
        other = row["other_id"]
        yield on_trade(
            "BR5",
            row,
            context,
            says=_WORDS[row["kind"]],
            statistic=_statistic(row),
            objects=() if other is None else (other,),
            evidence=(row["other_seq"],),
            until=row["other_at"],
            innocent=(
                Explanation(
                    "no-client",
                    Words(zh="与委托关系无关", en="unrelated to anything the broker brokers"),
                    Checked.RULED_OUT,
                ),
                Explanation(
                    "worked-on",
                    Words(zh="经实质加工后再售", en="resold after work of its own that changed the product"),
                    Checked.RULED_OUT if other is None else Checked.OPEN,
                ),
            ),
        )


def _statistic(row: Row) -> dict[str, Any]:
    said = {
        "kind": row["kind"],
        "seller_id": row["seller_id"],
        "buyer_id": row["buyer_id"],
        "made_at": rfc3339(row["made_at"]),
        "amount_minor": minor(row["amount_minor"]),
    }
    if row["other_id"] is None:
        return said
    known = row["amount_minor"] is not None and row["other_minor"] is not None
    return said | {
        "resale": row["other_id"],
        "resold_to": row["other_party"],
        "resold_at": rfc3339(row["other_at"]),
        "resale_minor": minor(row["other_minor"]),
        "margin_minor": str(row["other_minor"] - row["amount_minor"]) if known else None,
    }


RULE = Rule(
    rule_id="BR5",
    needs={
        "trades": ("trade_id", "product_id", "seller_id", "buyer_id", "broker_id", "agreed_at"),
        "orgs": ("org_id", "controller_id"),
    },
    uses=("mandates", "certificates", "lineage"),
    expression=expression,
    findings=findings,
)
