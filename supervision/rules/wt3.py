"""WT3: a money round trip. Most of a price is back with the buyer's group within days, net of fees.

Only loose money counts (`supervision.money`): a refund is none, and the price of another trade neither.
Trades within one group are WT1's.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any, Final

import ibis

from supervision.brokerage import groups
from supervision.context import Context, Row, Rule, Tables, market_of
from supervision.finding import Checked, Finding, Severity, minor
from supervision.loose import loose_money
from supervision.money import Transfer, Ways
from supervision.saying import because, tell
from supervision.trades import UNDONE, made

_HOPS: Final = 3
_MICROSECOND: Final = timedelta(microseconds=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TRADE: Final = (
    *("trade_id", "seller_id", "buyer_id", "seller_group", "buyer_group", "category", "geo"),
    *("amount_minor", "net_minor", "began_at", "seq"),
)


def expression(tables: Tables, context: Context) -> Any:
    """Trades of which the seller's group paid out, and the buyer's got, loose money; then that money."""
    trades = made(tables, context, without=UNDONE)
    trades = trades.filter(trades.seller_group != trades.buyer_group, trades.amount_minor > 0)
    loose = loose_money(tables, context)
    trades = trades.semi_join(loose.select(seller_group="payer").distinct(), "seller_group")
    trades = trades.semi_join(loose.select(buyer_group="payee").distinct(), "buyer_group")
    paid = tables["payments"].select("payer_id", "paid_at", of_trade="trade_id")
    paid = trades.select("trade_id", "buyer_group").inner_join(paid, [("trade_id", "of_trade")])
    paid = paid.left_join(groups(tables), [("payer_id", "org")])
    paid = paid.filter(paid.group.fill_null(paid.payer_id) == paid.buyer_group)
    paid = paid.group_by("trade_id").agg(first_paid=paid.paid_at.min())
    trades = trades.left_join(paid, "trade_id").drop("trade_id_right")
    trades = trades.mutate(
        began_at=ibis.coalesce(trades.first_paid, trades.made_at),
        net_minor=trades.amount_minor
        - trades.commission_minor.fill_null(0)
        - trades.platform_fee_minor.fill_null(0),
    )
    nothing = ibis.null("string")
    money = loose.mutate(
        trade_id=nothing, category=nothing, geo=nothing, net_minor=ibis.null("int64")
    ).select(
        "trade_id",
        "category",
        "geo",
        "amount_minor",
        "net_minor",
        "seq",
        "payment_id",
        seller_id="payer_id",
        buyer_id="payee_id",
        seller_group="payer",
        buyer_group="payee",
        began_at="paid_at",
    )
    trades = trades.mutate(payment_id=nothing)
    both = ibis.union(
        trades.select(*_TRADE, "payment_id"), money.select(*_TRADE, "payment_id"), distinct=False
    )
    return both.order_by("began_at", "trade_id", "payment_id")


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a trade; the earlier trade takes what came home first."""
    listed = list(rows)
    returned = context.rules.fraction("WT3", "returned")
    within = timedelta(days=context.rules.whole("WT3", "within"))
    ways = Ways([_transfer(row) for row in listed if row["trade_id"] is None], returned)
    seqs = {row["payment_id"]: row["seq"] for row in listed if row["trade_id"] is None}
    spent: set[str] = set()
    for row in listed:
        if row["trade_id"] is None:
            continue
        chains = list(_home(ways, row, row["began_at"] + within, spent))
        total = sum(chain[-1].amount for chain in chains)
        if row["net_minor"] <= 0 or Fraction(total, row["net_minor"]) < returned:
            continue
        used = [transfer for chain in chains for transfer in chain]
        spent |= {transfer.payment_id for transfer in used}
        last = max(transfer.at for transfer in used)
        yield tell(
            "WT3",
            context,
            zh="涉嫌资金回流（价款短期内回到需方）",
            en="suspected round trip of money: the price came back to the buyer",
            market=market_of(row),
            severity=Severity.HIGH,
            window=(row["began_at"], _EPOCH + last * _MICROSECOND),
            subjects=(row["seller_id"], row["buyer_id"]),
            objects=(row["trade_id"], *(transfer.payment_id for transfer in used)),
            statistic={
                "amount_minor": minor(row["amount_minor"]),
                "net_of_fees_minor": minor(row["net_minor"]),
                "returned_minor": str(total),
                "ways": [[transfer.payment_id for transfer in chain] for chain in chains],
            },
            evidence=(row["seq"], *(seqs[transfer.payment_id] for transfer in used)),
            innocent=(
                because("refund", "退货或退款", "a return or refund", Checked.RULED_OUT),
                because(
                    "another-deal", "另有真实交易的对价", "the price of another genuine deal off this market"
                ),
                because("loan", "借款或其归还", "a loan or its repayment"),
            ),
        )


def _transfer(row: Row) -> Transfer:
    at = (row["began_at"] - _EPOCH) // _MICROSECOND
    return Transfer(at, row["payment_id"], row["seller_group"], row["buyer_group"], row["amount_minor"])


def _home(ways: Ways, row: Row, until: datetime, spent: set[str]) -> Iterator[tuple[Transfer, ...]]:
    """Chains from the seller's group to the buyer's that share no payment, the earliest first."""
    begin, end = ((at - _EPOCH) // _MICROSECOND for at in (row["began_at"], until))
    taken = set(spent)
    for first in ways.onward(row["seller_group"], begin, end):
        for chain in sorted(ways.home(row["buyer_group"], first, end, _HOPS), key=lambda c: (len(c), c)):
            if taken.isdisjoint(transfer.payment_id for transfer in chain):
                taken |= {transfer.payment_id for transfer in chain}
                yield chain


RULE = Rule(
    rule_id="WT3",
    needs={
        "trades": ("trade_id", "seller_id", "buyer_id", "amount_minor", "agreed_at"),
        "orgs": ("org_id", "controller_id"),
        "payments": ("payment_id", "trade_id", "payer_id", "payee_id", "amount_minor", "paid_at"),
    },
    expression=expression,
    findings=findings,
)
