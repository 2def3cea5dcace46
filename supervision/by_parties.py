"""Payments that do not say what they are for, read by who paid whom. Shared expressions over the tables.

What the buyer paid is the price; what the seller got is the price, or what the fees leave of it; what its
payer paid beside to none of the parties is the exchange's. A word of ours that some payment has is believed
for that part. An account that took the buyer's money and paid the seller under one trade is that trade's
escrow, whatever its name.
"""

from typing import Any, Final

import ibis

from supervision.context import Context, Tables
from supervision.paid import OTHER, purposes_told
from supervision.portable import total, wide
from supervision.trades import PURPOSES, REFUND, UNDONE, made, moment, with_groups

WORDS: Final = "settlement_words"
"""What `settlement_words` is kept as, where it is kept (`supervision.kept`)."""
_FEES: Final = ("commission", "platform_fee")
_SIDES: Final = ("bought", "sold", "of_commission", "of_platform_fee")


def settled_trades(tables: Tables, context: Context) -> Any:
    """The trades with an amount that are settled by `as_of` and stand."""
    settled = made(tables, context, without=UNDONE)
    return settled.filter(settled.settled_at <= moment(context), settled.amount_minor.notnull())


def settlement_words(tables: Tables, context: Context) -> Any:
    """One row: how the payments of this folder are to be read.

    `spoken_…` says which of our words for a purpose they know. `by_parties` says that they do not know what
    money in is called, or that a part is due of which they never speak while they speak of something else;
    then `most_…` says which sides they tell of more than half of the settled trades.
    """
    if WORDS in tables:
        return tables[WORDS]
    told, names = purposes_told(tables, context), (*PURPOSES, REFUND, OTHER)
    spoken = told.agg(
        **{f"spoken_{name}": told.by_now.sum(where=told.purpose == name).fill_null(0) for name in names}
    )
    settled = settled_trades(tables, context)
    foreign = spoken.filter(spoken.spoken_other > 0)
    unspoken = [foreign[f"spoken_{name}"] == 0 for name in PURPOSES[1:]]
    asked = settled.cross_join(foreign.filter(ibis.or_(*unspoken)))  # of nobody, mostly
    owed = (asked.spoken_seller_share == 0) | ibis.or_(
        *((asked[f"spoken_{name}"] == 0) & (asked[f"{name}_minor"] > 0).fill_null(False) for name in _FEES)
    )
    words = spoken.cross_join(asked.agg(owed=owed.cast("int64").max().fill_null(0)))
    words = words.mutate(by_parties=(words.spoken_escrow_in == 0) | (words.owed > 0)).drop("owed")
    read = _sides(tables, context, settled, words)
    priced = read.amount_minor > 0
    charged = [priced & (read[f"{name}_minor"] > 0).fill_null(False) for name in _FEES]
    whole = (priced, priced, *charged)
    most = {
        f"most_{side}": read.count(where=read[side].notnull() & within) * 2 > read.count(where=within)
        for side, within in zip(_SIDES, whole, strict=True)
    }
    return words.cross_join(read.agg(**most))


def sums_by_parties(tables: Tables, context: Context, settled: Any, words: Any) -> Any:
    """Of settled trades, `due_…` and `paid_…` by purpose: by our words where spoken, else by the parties.

    Nothing is asked where `words` (`settlement_words`) say that the purposes tell all. A side of which the
    payments tell nothing is taken for paid, unless they tell it of most trades. Left out are trades of which
    money came back to the buyer from another than the seller: nobody knows what is due of them.
    """
    trades = _sides(tables, context, settled, words)
    trades = trades.filter(trades.back.fill_null(0) == 0).mutate(
        due_escrow_in=wide(trades.amount_minor),
        due_commission=wide(trades.commission_minor.fill_null(0)),
        due_platform_fee=wide(trades.platform_fee_minor.fill_null(0)),
    )
    left = wide(trades.due_escrow_in - trades.due_commission - trades.due_platform_fee)
    trades = trades.mutate(direct=ibis.coalesce(trades.sold == trades.due_escrow_in, False))
    trades = trades.mutate(due_seller_share=ibis.ifelse(trades.direct, trades.due_escrow_in, left))
    told = {
        "escrow_in": (trades.bought, trades.most_bought),
        "seller_share": (trades.sold, trades.most_sold),
        "commission": (trades.of_commission, trades.most_of_commission & ~trades.direct),
        "platform_fee": (trades.of_platform_fee, trades.most_of_platform_fee & ~trades.direct),
    }
    paid = {
        f"paid_{name}": ibis.coalesce(
            sum_told,
            ibis.ifelse(
                (trades[f"spoken_{name}"] > 0) | of_most, wide(ibis.literal(0)), trades[f"due_{name}"]
            ),
        )
        for name, (sum_told, of_most) in told.items()
    }
    trades = trades.mutate(**paid)
    return trades.select("trade_id", *(f"{side}_{name}" for side in ("due", "paid") for name in PURPOSES))


def _sides(tables: Tables, context: Context, settled: Any, words: Any) -> Any:
    """Settled trades with what each side paid or got (null: nothing told), where parties are to be asked."""
    trades = settled.select(
        *("trade_id", "seller_id", "buyer_id", "broker_id"),
        *("amount_minor", "commission_minor", "platform_fee_minor"),
    )
    asked = trades.cross_join(words.filter(words.by_parties))  # of nobody, mostly: then no payment is read
    payments = tables["payments"]
    to_itself = (payments.payer_id == payments.payee_id).fill_null(False)
    payments = payments.filter(payments.paid_at <= moment(context), ~to_itself)
    payments = payments.select("payer_id", "payee_id", "purpose", of_trade="trade_id", moved="amount_minor")
    told = payments.inner_join(asked, [("of_trade", "trade_id")])
    return asked.left_join(_moved(told), "trade_id").drop("trade_id_right")


def _moved(told: Any) -> Any:
    """By trade what went to and from each side; `keeper` is who paid the seller out of what it kept."""
    word = told.purpose.fill_null("")
    told = told.mutate(
        fee=word.isin(_FEES),
        to_broker=ibis.coalesce(told.payee_id == told.broker_id, False),
        to_seller=ibis.coalesce(told.payee_id == told.seller_id, False),
        to_buyer=ibis.coalesce(told.payee_id == told.buyer_id, False),
        by_party=ibis.coalesce(told.payer_id.isin((told.seller_id, told.buyer_id)), False),
    )
    kept = told.filter(told.to_seller, ~told.fee, ~told.by_party)
    kept = kept.group_by(kept_trade="trade_id").agg(keeper=kept.payer_id.min())
    told = told.left_join(kept, [("trade_id", "kept_trade")]).drop("kept_trade")
    word, party = told.purpose.fill_null(""), told.to_seller | told.to_buyer | told.to_broker
    bought = (told.payer_id == told.buyer_id) & ~told.fee & ~told.to_broker
    sold = told.to_seller & ~told.fee
    rest = (told.payer_id == told.keeper) & ~party & ~told.fee
    of_side = {
        "bought": ibis.ifelse(told.spoken_escrow_in > 0, word == "escrow_in", bought),
        "sold": ibis.ifelse(told.spoken_seller_share > 0, word == "seller_share", sold),
        "back": told.to_buyer & ~ibis.coalesce(told.payer_id == told.seller_id, False),
        "of_commission": (word == "commission") | (told.to_broker & ~told.by_party),
        "of_platform_fee": (word == "platform_fee") | ((told.spoken_platform_fee == 0) & rest),
    }
    return told.group_by("trade_id").agg(
        **{side: total(told.moved, where=where) for side, where in of_side.items()}
    )


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
