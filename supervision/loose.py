"""Loose money of a market, made once: what WT3 and S17 follow (`supervision.money` says what is loose)."""

from typing import Any, Final

from supervision.context import Context, Tables
from supervision.money import loose_payments
from supervision.trades import UNDONE, made

LOOSE: Final = "loose_money"
"""What `loose_money` is kept as, where it is kept (`supervision.kept`)."""


def loose_money(tables: Tables, context: Context) -> Any:
    """Loose payments between groups, beside the sales between groups."""
    if LOOSE in tables:
        return tables[LOOSE]
    trades = made(tables, context, without=UNDONE)
    trades = trades.filter(trades.seller_group != trades.buyer_group, trades.amount_minor > 0)
    return loose_payments(tables, context, trades)
