"""WT1: a self-trade. Seller and buyer are one organisation, or under one ultimate controller.

Under one control are also two of which one's group holds a quarter of the other, or a third group a quarter
of both (`holdings`), straight or through others, whatever controllers they name.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

import ibis

from supervision.context import Context, Row, Rule, Tables, market_of
from supervision.finding import (
    Checked,
    Confidence,
    Explanation,
    Finding,
    Severity,
    Window,
    Words,
    minor,
    named,
    seqs,
)
from supervision.holdings import HELD, PARTS, held_by_groups
from supervision.trades import made

_GROUP: Final = "controller"
_HELD: Final = ("trade_id", "holder_id", "least")


def expression(tables: Tables, context: Context) -> Any:
    """The trades with one undertaking on both sides, and those that holdings put under one."""
    trades = made(tables, context)
    within = trades.seller_group == trades.buyer_group
    apart = trades.filter(~within)
    nobody = {"holder_id": ibis.null("string"), "least": ibis.null("int64")}
    same = trades.filter(within).select("trade_id")  # of these few all else is read
    together = trades.semi_join(same, "trade_id").mutate(by=ibis.literal(_GROUP), **nobody)
    held = _held(tables, context)
    told = apart.select("trade_id", "seller_id", "buyer_id", "seller_group", "buyer_group")
    own = held.select("holder_id", "least", held="held_id")
    downward = told.inner_join(own, [("seller_group", "holder_id"), ("buyer_id", "held")]).select(*_HELD)
    upward = told.inner_join(own, [("buyer_group", "holder_id"), ("seller_id", "held")]).select(*_HELD)
    other = held.select(third="holder_id", also_held="held_id", also="least")
    third = told.inner_join(own, [("seller_id", "held")])
    third = third.inner_join(other, [("holder_id", "third"), ("buyer_id", "also_held")])
    third = third.mutate(least=ibis.least(third.least, third.also)).select(*_HELD)
    by_share = ibis.union(downward, upward, third, distinct=True)
    first = [by_share.least.desc(), by_share.holder_id.asc()]
    by_share = by_share.mutate(nth=ibis.row_number().over(group_by="trade_id", order_by=first))
    by_share = by_share.filter(by_share.nth == 0).select(*_HELD)
    apart = apart.inner_join(by_share, "trade_id").mutate(by=ibis.literal("holding"))
    return ibis.union(together, apart.select(*together.columns), distinct=False).order_by("trade_id")


def _held(tables: Tables, context: Context) -> Any:
    """Which group holds a quarter of whom, straight or through others, and how much (`least`, billionths)."""
    limit = context.rules.fraction("WT1", "holding_from")
    held = held_by_groups(tables, context)
    held = held.filter(held.parts * limit.denominator >= limit.numerator * PARTS)
    return held.select("held_id", holder_id="holder_group", least="parts")


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a trade."""
    for row in rows:
        same = row["seller_id"] == row["buyer_id"]
        yield Finding(
            rule_id="WT1",
            rule_version=context.rules.version("WT1"),
            severity=Severity.HIGH,
            says=Words(
                zh="涉嫌自我交易（买卖双方受同一控制）", en="suspected self-trade: one control on both sides"
            ),
            market=market_of(row),
            subjects=named((row["seller_id"], row["buyer_id"])),
            objects=(row["trade_id"],),
            statistic={
                "by": row["by"],
                "controller_id": row["seller_group"] if row["by"] == _GROUP else None,
                "holder_id": row["holder_id"],
                "holding": None
                if row["least"] is None
                else f"{(Decimal(row['least']) / PARTS).normalize():f}",
                "same_organisation": same,
                "amount_minor": minor(row["amount_minor"]),
                "status": row["status"],
            },
            threshold=context.rules.threshold("WT1"),
            legal_basis=context.rules.legal_basis("WT1"),
            confidence=Confidence.HIGH,
            window=Window(row["made_at"], row["made_at"]),
            evidence_seqs=seqs((row["seq"],)),
            innocent_explanations=(
                Explanation(
                    "omnibus-account",
                    Words(
                        zh="经纪人代多个客户持有账户",
                        en="a broker's omnibus account for unlike beneficial owners",
                    ),
                    # the parties of a trade are its clients by name; a broker stands in its own column
                    Checked.RULED_OUT
                    if row["broker_id"] not in {row["seller_id"], row["buyer_id"]}
                    else Checked.OPEN,
                    {"broker_id": row["broker_id"]},
                ),
                Explanation(
                    "group-licence",
                    Words(zh="集团内部的真实许可需要", en="a genuine licence within a group, priced apart"),
                    Checked.OPEN,
                ),
            ),
        )


RULE = Rule(
    rule_id="WT1",
    needs={
        "trades": ("trade_id", "seller_id", "buyer_id", "agreed_at"),
        "orgs": ("org_id", "controller_id"),
    },
    uses=("holdings",),
    apart=("trades",),
    beside=(HELD,),
    expression=expression,
    findings=findings,
)
