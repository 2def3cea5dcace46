"""WT1: a self-trade. Seller and buyer are one organisation, or under one ultimate controller."""

from collections.abc import Iterator
from typing import Any

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
from supervision.trades import made


def expression(tables: Tables, context: Context) -> Any:
    """The trades with one undertaking on both sides."""
    trades = made(tables, context)
    return trades.filter(trades.seller_group == trades.buyer_group).order_by("trade_id")


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
                "controller_id": row["seller_group"],
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
    apart=("trades",),
    expression=expression,
    findings=findings,
)
