"""BR9: money of a trade that goes to or through its broker, beside the commission out of escrow.

The account may have any name (`ESCROW` in our evidence): it is the one out of which the seller is paid. So
may the commission: where no payment of a trade is called one, it is what came out of escrow in other words or
none, as far as the contract's commission goes.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Any, Final

from base.clock import rfc3339
from supervision.brokerage import mediated, on_trade
from supervision.context import Context, Row, Rule, Tables
from supervision.finding import Checked, Explanation, Finding, Words
from supervision.paid import payments_with_brokers
from supervision.portable import total
from supervision.trades import PURPOSES, REFUND, moment

ESCROW: Final = "ESCROW"
_EARNED: Final = ("commission", "broker_commission", "broker_fee", "brokerage")
_ORDER: Final = ("trade_id", "paid_at", "payment_id")


def expression(tables: Tables, context: Context) -> Any:
    """The payments of mediated trades that the broker received or made and that are no commission."""
    trades = mediated(tables, context)
    payments = payments_with_brokers(tables, context)
    payments = payments.filter(payments.paid_at <= moment(context), payments.amount_minor != 0)
    payments = payments.select(
        "payment_id",
        "payer_id",
        "payee_id",
        "purpose",
        "paid_at",
        of_trade="trade_id",
        paid_minor="amount_minor",
        paid_seq="seq",
    )
    told = trades.inner_join(payments, [("trade_id", "of_trade")])
    word = told.purpose.fill_null("").lower()
    told = told.mutate(named=word.isin(_EARNED), nameless=~word.isin((*_EARNED, *PURPOSES, REFUND)))
    told = told.left_join(_kept_elsewhere(tables, told), [("trade_id", "kept_trade"), ("payer_id", "keeper")])
    told = told.left_join(_within_commission(told), [("trade_id", "fitting")])
    party = (told.broker_id == told.seller_id) | (told.broker_id == told.buyer_id)
    unknown = told.payer_id.fill_null("") == ""  # nobody says that it was a party's own money
    escrow = (told.payer_id.upper() == ESCROW) | told.keeper.notnull() | unknown
    earned = (told.named | (told.nameless & told.fitting.notnull())) & escrow
    received = (told.payee_id == told.broker_id) & ~earned.fill_null(False)
    through = received | (told.payer_id == told.broker_id)
    # a broker that is itself a party pays and is paid as that: its own-account trade is BR5's
    return told.filter(through.fill_null(False), ~party).order_by(*_ORDER)


def _within_commission(told: Any) -> Any:
    """The trades whose broker got nothing called a commission, and no more in other words than is due."""
    got = told.filter(told.payee_id == told.broker_id)
    fitting = got.filter(got.nameless).anti_join(got.filter(got.named), "trade_id")
    sums = fitting.group_by(fitting="trade_id").agg(
        paid=total(fitting.paid_minor), due=fitting.commission_minor.max()
    )
    return sums.filter(sums.paid <= sums.due).select("fitting")


def _kept_elsewhere(tables: Tables, told: Any) -> Any:
    """Commissions from an account of another name that paid the seller of the trade too: an escrow."""
    asked = told.filter(
        told.named | told.nameless,
        told.payer_id.upper() != ESCROW,
        told.payer_id != told.seller_id,
        told.payer_id != told.buyer_id,
    ).select("trade_id", "payer_id", "seller_id")
    paid = tables["payments"].select(of_trade="trade_id", keeper="payer_id", seller="payee_id")
    kept = asked.semi_join(paid, [("trade_id", "of_trade"), ("payer_id", "keeper"), ("seller_id", "seller")])
    return kept.select(kept_trade="trade_id", keeper="payer_id").distinct()


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a trade, with every such payment."""
    for _, members in groupby(rows, key=lambda row: row["trade_id"]):
        paid = list(members)
        yield on_trade(
            "BR9",
            paid[0],
            context,
            says=Words(zh="涉嫌经手委托人资金", en="suspected holding of a client's money"),
            statistic={"payments": [_payment(row) for row in paid]},
            evidence=[row["paid_seq"] for row in paid],
            innocent=(
                Explanation(
                    "commission",
                    Words(zh="存管机构支付的佣金", en="the commission, paid out of escrow"),
                    Checked.RULED_OUT,
                ),
                Explanation(
                    "agreed-expenses",
                    Words(zh="约定的必要费用", en="agreed expenses of the broker"),
                    Checked.OPEN,
                ),
            ),
        )


def _payment(row: Row) -> dict[str, Any]:
    return {
        "payment_id": row["payment_id"],
        "payer_id": row["payer_id"],
        "payee_id": row["payee_id"],
        "purpose": row["purpose"],
        "amount_minor": str(row["paid_minor"]),
        "paid_at": rfc3339(row["paid_at"]),
    }


RULE = Rule(
    rule_id="BR9",
    needs={
        "trades": ("trade_id", "seller_id", "buyer_id", "broker_id", "agreed_at"),
        "payments": ("payment_id", "trade_id", "payer_id", "payee_id", "amount_minor", "paid_at", "purpose"),
    },
    uses=("orgs",),
    apart=("trades", "payments"),
    expression=expression,
    findings=findings,
)
