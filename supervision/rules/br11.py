"""BR11: a broker that mediates sham trades: both sides under one control, or the legs of a closed loop.

What a self-trade and a loop are is WT1's and WT2's. Of a loop the broker must have mediated two trades at
least: one leg may have been brought to it in good faith.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Any, Final

import ibis

from base.clock import rfc3339
from supervision.brokerage import on_trade
from supervision.context import Context, Row, Rule, Tables
from supervision.finding import Checked, Explanation, Finding, Words, minor, named
from supervision.rules import wt2
from supervision.trades import made

_LEGS: Final = 2
_SELF: Final = ""
_NAMES: Final = (
    "trade_id",
    "seller_id",
    "buyer_id",
    "broker_id",
    "seller_group",
    "buyer_group",
    "category",
    "geo",
    "amount_minor",
    "status",
    "made_at",
    "seq",
)


def expression(tables: Tables, context: Context) -> Any:
    """The trades of families in which a product could have come back, and the mediated self-trades."""
    names = ("family", "product", *_NAMES)
    trades = made(tables, context)
    own = trades.filter(trades.seller_group == trades.buyer_group, trades.broker_id.nullif("").notnull())
    own = own.mutate(family=ibis.literal(_SELF), product=ibis.null("string")).select(*names)
    loops = wt2.legs(tables, context).select(*names)
    return ibis.union(own, loops, distinct=False).order_by("family", "made_at", "trade_id")


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding for each broker and loop, and for each self-trade that is in none of them."""
    self_trades: list[Row] = []
    told: set[tuple[str, tuple[str, ...]]] = set()
    for family, members in groupby(rows, key=lambda row: row["family"]):
        trades = list(members)
        if family == _SELF:
            self_trades = trades
            continue
        by_id = {row["trade_id"]: row for row in trades}
        for loop in wt2.in_family(trades, wt2.limits_of(context), context):
            for broker_id, legs in _by_broker(by_id[trade_id] for trade_id in loop.objects):
                about = (broker_id, tuple(row["trade_id"] for row in legs))
                if len(legs) >= _LEGS and about not in told:
                    told.add(about)
                    yield _finding(legs, "closed-loop", context)
    looped = {(broker_id, trade_id) for broker_id, trades_of in told for trade_id in trades_of}
    for row in self_trades:
        if (row["broker_id"], row["trade_id"]) not in looped:
            yield _finding([row], "self-trade", context)


def _by_broker(rows: Iterator[Row]) -> Iterator[tuple[str, list[Row]]]:
    legs = sorted(
        (row for row in rows if row["broker_id"]),
        key=lambda row: (row["broker_id"], row["made_at"], row["trade_id"]),
    )
    for broker_id, members in groupby(legs, key=lambda row: row["broker_id"]):
        yield str(broker_id), list(members)


def _finding(legs: list[Row], kind: str, context: Context) -> Finding:
    return on_trade(
        "BR11",
        legs[0],
        context,
        says=Words(zh="涉嫌居间促成虚假交易", en="suspected mediation of sham trades"),
        statistic={
            "kind": kind,
            "parties": list(named(org for row in legs for org in (row["seller_id"], row["buyer_id"]))),
            "legs": [
                {
                    "trade_id": row["trade_id"],
                    "at": rfc3339(row["made_at"]),
                    "amount_minor": minor(row["amount_minor"]),
                }
                for row in legs
            ],
        },
        objects=[row["trade_id"] for row in legs],
        evidence=[row["seq"] for row in legs],
        until=legs[-1]["made_at"],
        innocent=(
            Explanation(
                "one-leg-only",
                Words(zh="仅居间其中一笔", en="it mediated one leg only, in good faith"),
                Checked.RULED_OUT,
            ),
            Explanation(
                "deceived",
                Words(zh="当事人隐瞒控制关系", en="the parties hid who controls them"),
                Checked.OPEN,
            ),
        ),
    )


RULE = Rule(
    rule_id="BR11",
    needs={
        "trades": ("trade_id", "product_id", "seller_id", "buyer_id", "broker_id", "agreed_at"),
        "orgs": ("org_id", "controller_id"),
    },
    uses=("lineage",),
    cites=("WT2",),
    expression=expression,
    findings=findings,
)
