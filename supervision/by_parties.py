"""Payments that do not say what they are for, read by who paid whom. Shared expressions over the tables.

What the buyer paid is the price; what the seller got is the price, or what the fees leave of it. An account
that took the buyer's money and paid the seller under one trade is that trade's escrow, whatever its name.
"""

from typing import Any, Final

import ibis

from supervision.context import Context, Tables
from supervision.portable import total, wide
from supervision.trades import PURPOSES, moment, with_groups

_FEES: Final = ("commission", "platform_fee")


def sums_by_parties(tables: Tables, context: Context, settled: Any, silent: Any) -> Any:
    """Of settled trades, `due_…` and `paid_…` by purpose, as far as the parties tell.

    `silent` has a row, with how often each fee is `spoken_…` of, where no payment says what it is for, and
    none where some do. Left out are trades of which the payments tell nothing, and those of which money came
    back to the buyer from another than the seller: nobody knows what is due of them.
    """
    payments = tables["payments"]
    payments = payments.filter(payments.paid_at <= moment(context), payments.payer_id != payments.payee_id)
    payments = payments.select("payer_id", "payee_id", "purpose", of_trade="trade_id", moved="amount_minor")
    trades = settled.select(
        *("trade_id", "seller_id", "buyer_id", "broker_id"),
        *("amount_minor", "commission_minor", "platform_fee_minor"),
    )
    asked = trades.cross_join(silent)  # of nobody, mostly: then no payment is read
    told = payments.inner_join(asked, [("of_trade", "trade_id")])
    trades = (
        trades.semi_join(told, "trade_id")
        .inner_join(_moved(told), "trade_id")
        .mutate(
            due_escrow_in=wide(trades.amount_minor),
            due_commission=wide(trades.commission_minor.fill_null(0)),
            due_platform_fee=wide(trades.platform_fee_minor.fill_null(0)),
        )
    )
    left = wide(trades.due_escrow_in - trades.due_commission - trades.due_platform_fee)
    direct = ibis.coalesce(trades.sold == trades.due_escrow_in, False)
    trades = trades.mutate(
        paid_escrow_in=trades.bought.fill_null(trades.due_escrow_in),
        due_seller_share=ibis.ifelse(direct, trades.due_escrow_in, left),
        **{f"paid_{name}": _fee(trades, name) for name in _FEES},
    )
    trades = trades.mutate(paid_seller_share=trades.sold.fill_null(trades.due_seller_share))
    return trades.select("trade_id", *(f"{side}_{name}" for side in ("due", "paid") for name in PURPOSES))


def _moved(told: Any) -> Any:
    fee = told.purpose.fill_null("").isin(_FEES)
    to_broker = ibis.coalesce(told.payee_id == told.broker_id, False)
    bought = (told.payer_id == told.buyer_id) & ~fee & ~to_broker
    sold = (told.payee_id == told.seller_id) & ~fee
    back = (told.payee_id == told.buyer_id) & (told.payer_id != told.seller_id)
    by_party = (told.payer_id == told.buyer_id) | (told.payer_id == told.seller_id)
    whose = {
        "commission": (told.purpose == "commission") | (to_broker & ~by_party),
        "platform_fee": told.purpose == "platform_fee",
    }
    moved = told.group_by("trade_id").agg(
        bought=total(told.moved, where=bought),
        sold=total(told.moved, where=sold),
        back=total(told.moved, where=back),
        **{f"of_{name}": total(told.moved, where=whose[name]) for name in _FEES},
        **{f"spoken_{name}": told[f"spoken_{name}"].max() for name in _FEES},
    )
    return moved.filter(moved.back.fill_null(0) == 0)


def _fee(trades: Any, name: str) -> Any:
    """What was paid of a fee; nothing, where others' fees have its name, else as if it were settled apart."""
    nothing = ibis.ifelse(trades[f"spoken_{name}"] > 0, wide(ibis.literal(0)), trades[f"due_{name}"])
    return ibis.coalesce(trades[f"of_{name}"], nothing)


def escrows(tables: Tables, payments: Any) -> Any:
    """Groups that are a trade's escrow by what these payments say, which have the groups `payer` and `payee`.

    Rows `kept_trade, keeper, of_buyer`: who took the money of the buyer's group and paid the seller's.
    """
    moved = payments.select("payer", "payee", of_trade="trade_id")
    trades = tables["trades"].select("trade_id", "seller_id", "buyer_id")
    moved = with_groups(tables, trades.inner_join(moved, [("trade_id", "of_trade")]))
    taken = moved.filter(moved.payer == moved.buyer_group, moved.payee != moved.seller_group)
    given = moved.filter(moved.payee == moved.seller_group, moved.payer != moved.buyer_group)
    taken = taken.select(kept_trade="trade_id", keeper="payee", of_buyer="buyer_group").distinct()
    return taken.semi_join(
        given.select("trade_id", "payer"), [("kept_trade", "trade_id"), ("keeper", "payer")]
    )
