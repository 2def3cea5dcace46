"""What was paid for trades beside what was due: the few trades that some rule may find fault with.

Payments are most of what a market writes down, and nearly all of them are as the contract says. So they are
added up by trade once, held against all trades once, and what agrees is left out here. The rules (BR7, S24,
S30, S30D) judge the rest, each by its own words.
"""

from typing import Any, Final

import ibis

from supervision.context import Context, Tables
from supervision.portable import total
from supervision.trades import PURPOSES, REFUND, UNDONE, made, moment

ODD: Final = "odd_money"
"""What `odd_money` is kept as, where it is kept (`supervision.kept`)."""
TOLD: Final = "purposes_told"
"""What `purposes_told` is kept as."""
OTHER: Final = "other"
"""How `purposes_told` calls every word that is none of ours."""
WITH_BROKERS: Final = "payments_with_brokers"
"""What `payments_with_brokers` is kept as."""
_KNOWN: Final = (*PURPOSES, REFUND)


def odd_money(tables: Tables, context: Context) -> Any:
    """By trade: what was paid until `as_of` (`paid_…`), when money first came in, and commissions.

    There are the trades of which a sum differs from the contract by more than is allowed or of which part
    went back (S30), that were delivered before they were paid (S24), whose commission may have been early
    (BR7), and payments of which no trade is known (`known` is null; S30D).
    """
    if ODD in tables:
        return tables[ODD]
    paid = _by_trade(tables, context)
    trades = made(tables, context, without=())
    trades = trades.select(
        *("trade_id", "status", "amount_minor", "commission_minor", "platform_fee_minor"),
        *("delivered_at", "settled_at"),
    )
    both = trades.mutate(known=True).outer_join(paid.rename(of="trade_id"), [("trade_id", "of")])
    both = both.mutate(
        due_escrow_in=both.amount_minor,
        due_commission=both.commission_minor.fill_null(0),
        due_platform_fee=both.platform_fee_minor.fill_null(0),
        **{f"paid_{purpose}": both[f"paid_{purpose}"].fill_null(0) for purpose in _KNOWN},
    )
    both = both.mutate(due_seller_share=both.amount_minor - both.due_commission - both.due_platform_fee)
    allowed, now = context.rules.whole("S30", "difference_above"), moment(context)
    differs = both.paid_refund > 0
    for purpose in PURPOSES:
        differs |= (both[f"paid_{purpose}"] - both[f"due_{purpose}"]).abs() > allowed
    differs &= (both.settled_at <= now) & ~both.status.isin(UNDONE)
    unpaid = both.escrow_at.isnull() | (both.delivered_at < both.escrow_at)
    early = (both.commissions > 0) & (both.settled_at.isnull() | (both.commission_at < both.settled_at))
    told = (both.known.isnull(), differs, (both.delivered_at <= now) & unpaid, early)
    odd = ibis.or_(*(one.fill_null(False) for one in told))
    return both.filter(odd).select(
        *("trade_id", "of", "known", "escrow_at", "commission_at", "commissions"),
        *(f"paid_{purpose}" for purpose in _KNOWN),
        *(f"due_{purpose}" for purpose in PURPOSES),
    )


def _by_trade(tables: Tables, context: Context) -> Any:
    payments = tables["payments"].select("trade_id", "purpose", "paid_at", "amount_minor")
    by_now = payments.paid_at <= moment(context)
    money_in, commission = payments.purpose == "escrow_in", payments.purpose == "commission"
    return payments.group_by("trade_id").agg(
        **{
            f"paid_{purpose}": total(payments.amount_minor, where=by_now & (payments.purpose == purpose))
            for purpose in _KNOWN
        },
        escrow_at=payments.paid_at.min(where=money_in),
        commission_at=payments.paid_at.min(where=commission),
        commissions=payments.count(where=commission),
    )


def purposes_told(tables: Tables, context: Context) -> Any:
    """Whether payments know each of our words for a purpose: `told` at all, and `by_now` until `as_of`.

    A row `OTHER` tells the same of payments under a trade's id that have another word, or none.
    """
    if TOLD in tables:
        return tables[TOLD]
    payments = tables["payments"].select("trade_id", "purpose", "paid_at")
    known = payments.purpose.fill_null("").isin(_KNOWN)
    payments = payments.filter(known | payments.trade_id.nullif("").notnull())
    payments = payments.mutate(purpose=ibis.ifelse(known, payments.purpose, OTHER))
    past = payments.paid_at <= moment(context)
    return payments.group_by("purpose").agg(
        told=ibis.literal(1).cast("int64"), by_now=past.fill_null(False).cast("int64").max()
    )


def payments_with_brokers(tables: Tables, context: Context) -> Any:  # noqa: ARG001 - made as all that is kept
    """The payments to a broker or from one."""
    if WITH_BROKERS in tables:
        return tables[WITH_BROKERS]
    brokers = tables["trades"].select("broker_id").distinct().filter(lambda t: t.broker_id.notnull())
    payments = tables["payments"]
    payments = payments.select(
        "payment_id", "trade_id", "payer_id", "payee_id", "purpose", "paid_at", "amount_minor", "seq"
    )
    sent = payments.semi_join(brokers, [("payer_id", "broker_id")])
    got = payments.semi_join(brokers, [("payee_id", "broker_id")])
    rest = got.anti_join(brokers, [("payer_id", "broker_id")])
    return ibis.union(sent, rest, distinct=False)
