"""Trades whose steps are out of order, missing, or in great haste: hardly any, so they are sought once."""

from typing import Any, Final

import ibis

from supervision.context import Context, Tables
from supervision.trades import made

HASTY: Final = "hasty_trades"
"""What `hasty_trades` is kept as, where it is kept (`supervision.kept`)."""


def hasty_trades(tables: Tables, context: Context) -> Any:
    """The trades made until `as_of` of which S24 or WT6 may find a step too early, and all they read of them.

    A step is missing, comes before the one before it, or acceptance within WT6's seconds of the delivery.
    """
    if HASTY in tables:
        return tables[HASTY]
    trades = made(tables, context)
    at_once = ibis.interval(seconds=context.rules.whole("WT6", "accepted_below"))
    early = (
        trades.delivered_at < trades.made_at,
        trades.accepted_at < trades.delivered_at + at_once,
        trades.settled_at < trades.accepted_at,
    )
    missing = trades.delivered_at.isnull() | trades.accepted_at.isnull()
    odd = ibis.or_(missing, *(one.fill_null(False) for one in early))
    return trades.filter(odd).select(
        *("trade_id", "listing_id", "seller_id", "buyer_id", "category", "geo", "amount_minor", "status"),
        *("made_at", "delivered_at", "accepted_at", "settled_at", "seq"),
    )
