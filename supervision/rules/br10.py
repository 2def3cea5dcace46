"""BR10: a copy of traded data that its broker did not need, or a second use of a client's data.

A copy: the access log says that the broker's group took the data of a trade it mediates, or was whom it was
taken for. A second use: the broker's group offers a product made from one that it mediates for others, and
has never bought. What it bought is its own; where it is the buyer of the trade, that is BR5's matter.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Any, Final

import ibis

from base.clock import rfc3339
from supervision.brokerage import groups, mediated, on_trade
from supervision.context import Context, Row, Rule, Tables
from supervision.finding import Checked, Explanation, Finding, Words
from supervision.trades import moment

_ORDER: Final = ("trade_id", "kind", "at", "object_id", "org_id", "act_seq")
_COPY: Final = "copy"
_SECOND: Final = "secondary-use"


def expression(tables: Tables, context: Context) -> Any:
    """The mediated trades with each copy and each second use of its broker's."""
    trades = mediated(tables, context)
    trades = trades.filter(trades.buyer_group != trades.broker_group)
    found = ibis.union(_copies(tables, trades), _second_uses(tables, trades), distinct=True)
    return found.filter(found["at"] <= moment(context)).order_by(*_ORDER)


def _copies(tables: Tables, trades: Any) -> Any:
    access = tables["access"]
    known = groups(tables)
    hands = [
        access.filter(access[column].nullif("").notnull()).select(
            "at", of_trade="trade_id", object_id="entitlement_id", org_id=column, act_seq="seq"
        )
        for column in ("org_id", "recipient_id")
    ]
    of_brokers = trades.select("broker_group").distinct()
    theirs = known.semi_join(of_brokers, [("group", "broker_group")]).select("org")
    theirs = ibis.union(theirs, of_brokers.select(org="broker_group"), distinct=True).org
    told = []
    for hand in hands:  # few of all the hands are a broker's
        taken = hand.filter(hand.org_id.isin(theirs)).left_join(known, [("org_id", "org")])
        taken = taken.mutate(by_group=ibis.coalesce(taken.group, taken.org_id)).drop("org", "group")
        told.append(taken.semi_join(of_brokers, [("by_group", "broker_group")]))
    taken = ibis.union(*told, distinct=True)
    rows = trades.inner_join(taken, [("trade_id", "of_trade"), ("broker_group", "by_group")])
    return _told(rows.mutate(kind=ibis.literal(_COPY)))


def _second_uses(tables: Tables, trades: Any) -> Any:
    listings = tables["listings"]
    known = groups(tables)
    offered = listings.left_join(known, [("seller_id", "org")])
    offered = offered.mutate(by_group=ibis.coalesce(offered.group, offered.seller_id))
    offered = offered.select("by_group", org_id="seller_id", made="product_id", at="listed_at",
                             object_id="listing_id", act_seq="seq")  # fmt: skip
    lineage = tables["lineage"].select(derived="product_id", source="source_product_id").distinct()
    offered = offered.inner_join(lineage, [("made", "derived")])
    rows = trades.inner_join(offered, [("broker_group", "by_group"), ("product_id", "source")])
    rows = rows.filter(rows["at"] >= rows.made_at, rows.seller_group != rows.broker_group)
    bought = tables["trades"]
    bought = bought.filter(bought.product_id.isin(lineage.source)).left_join(known, [("buyer_id", "org")])
    bought = bought.mutate(own_group=ibis.coalesce(bought.group, bought.buyer_id))
    bought = bought.select(own_group="own_group", own_product="product_id", own_at="agreed_at")
    own = rows.inner_join(bought, [("broker_group", "own_group"), ("product_id", "own_product")])
    own = own.filter(own.own_at <= own["at"]).select("trade_id", "object_id").distinct()
    rows = rows.anti_join(own, ["trade_id", "object_id"])
    return _told(rows.mutate(kind=ibis.literal(_SECOND)))


def _told(rows: Any) -> Any:
    return rows.select(
        *("trade_id", "broker_id", "category", "geo", "made_at", "seq", "product_id"),
        *("kind", "org_id", "object_id", "at", "act_seq"),
    )


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding for each trade and kind, with every copy or listing."""
    for (_, kind), members in groupby(rows, key=lambda row: (row["trade_id"], row["kind"])):
        yield _finding(kind, list(members), context)


def _finding(kind: str, rows: list[Row], context: Context) -> Finding:
    trade = rows[0]
    says = (
        Words(zh="涉嫌超出必要留存交易数据副本", en="suspected copy of traded data beyond need")
        if kind == _COPY
        else Words(zh="涉嫌二次利用客户数据", en="suspected secondary use of a client's data")
    )
    return on_trade(
        "BR10",
        trade,
        context,
        says=says,
        subjects=[row["org_id"] for row in rows],
        objects=[row["object_id"] for row in rows if kind == _SECOND],
        statistic={
            "kind": kind,
            "product_id": trade["product_id"],
            "acts": [
                {"org_id": row["org_id"], "object_id": row["object_id"], "at": rfc3339(row["at"])}
                for row in rows
            ],
        },
        evidence=[row["act_seq"] for row in rows],
        until=max(trade["made_at"], *(row["at"] for row in rows)),
        innocent=(
            Explanation(
                "licensed-otherwise",
                Words(
                    zh="另有授权或需代客户核验", en="licensed otherwise, or needed to check it for the client"
                ),
                Checked.OPEN,
            ),
        ),
    )


RULE = Rule(
    rule_id="BR10",
    needs={
        "trades": ("trade_id", "product_id", "seller_id", "buyer_id", "broker_id", "agreed_at"),
        "access": ("trade_id", "org_id", "recipient_id", "at"),
    },
    uses=("orgs", "listings", "lineage"),
    expression=expression,
    findings=findings,
)
