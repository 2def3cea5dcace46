"""S17: circular money. A payment comes home in a few hops through trades and loose money, hardly less.

A screen: groups settle accounts with each other for honest reasons too. At least one hop is the price of
a trade and one is loose money; trades alone are WT2's.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import ibis

from supervision.context import Context, Row, Rule, Tables
from supervision.finding import Checked, Finding
from supervision.loose import loose_money
from supervision.money import Transfer, Ways
from supervision.saying import because, tell
from supervision.trades import UNDONE, made

_MICROSECOND: Final = timedelta(microseconds=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NAMES: Final = ("kind", "id", "payer", "payee", "payer_id", "payee_id", "amount_minor", "at", "seq")


def expression(tables: Tables, context: Context) -> Any:
    """Loose money and the trades whose parties both pay and are paid, as transfers between groups."""
    trades = made(tables, context, without=UNDONE)
    trades = trades.filter(trades.seller_group != trades.buyer_group, trades.amount_minor > 0)
    loose = loose_money(tables, context)
    loose = loose.select(
        "payer",
        "payee",
        "payer_id",
        "payee_id",
        "amount_minor",
        "seq",
        kind=ibis.literal("money"),
        id="payment_id",
        at="paid_at",
    )
    prices = trades.select(
        "amount_minor",
        "seq",
        kind=ibis.literal("trade"),
        id="trade_id",
        payer="buyer_group",
        payee="seller_group",
        payer_id="buyer_id",
        payee_id="seller_id",
        at="made_at",
    )
    paying = ibis.union(loose.select("payer"), prices.select("payer"), distinct=True)
    paid = ibis.union(loose.select("payee"), prices.select("payee"), distinct=True)
    prices = prices.semi_join(paid, [("payer", "payee")]).semi_join(paying, [("payee", "payer")])
    prices = prices.cross_join(loose.select(any_loose=ibis.literal(value=True)).distinct())
    both = ibis.union(loose.select(*_NAMES), prices.select(*_NAMES), distinct=False)
    return both.order_by("at", "kind", "id")


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding for each set of transfers that make a cycle."""
    by_id = {f"{row['kind']}|{row['id']}": row for row in rows}
    transfers = sorted(
        Transfer(
            (row["at"] - _EPOCH) // _MICROSECOND,
            name,
            row["payer"],
            row["payee"],
            row["amount_minor"],
            row["kind"] == "trade",
        )
        for name, row in by_id.items()
    )
    ways = Ways(transfers, context.rules.fraction("S17", "keeps"))
    within = timedelta(days=context.rules.whole("S17", "within")) // _MICROSECOND
    hops = context.rules.whole("S17", "longest")
    told: set[frozenset[str]] = set()
    for first in transfers:
        for cycle in ways.home(first.payer, first, first.at + within, hops):
            names = frozenset(transfer.payment_id for transfer in cycle)
            kinds = {transfer.of_trade for transfer in cycle}
            if len(kinds) > 1 and names not in told:
                told.add(names)
                yield _finding([by_id[transfer.payment_id] for transfer in cycle], context)


def _finding(cycle: list[Row], context: Context) -> Finding:
    return tell(
        "S17",
        context,
        zh="涉嫌资金循环（线索）",
        en="suspected circular money, a clue only",
        screen=True,
        window=(cycle[0]["at"], cycle[-1]["at"]),
        subjects=(org for row in cycle for org in (row["payer_id"], row["payee_id"])),
        objects=(row["id"] for row in cycle),
        statistic={
            "hops": len(cycle),
            "ring": [row["payer"] for row in cycle],
            "amounts_minor": [str(row["amount_minor"]) for row in cycle],
            "trades": [row["id"] for row in cycle if row["kind"] == "trade"],
        },
        evidence=(row["seq"] for row in cycle),
        innocent=(
            because("refund", "退货或退款", "a return or refund", Checked.RULED_OUT),
            because("netting", "联合体结算轧差", "a consortium settles net"),
            because("loan", "借款或其归还", "a loan or its repayment"),
        ),
    )


RULE = Rule(
    rule_id="S17",
    needs={
        "trades": ("trade_id", "seller_id", "buyer_id", "amount_minor", "agreed_at"),
        "orgs": ("org_id", "controller_id"),
        "payments": ("payment_id", "trade_id", "payer_id", "payee_id", "amount_minor", "paid_at"),
    },
    expression=expression,
    findings=findings,
)
