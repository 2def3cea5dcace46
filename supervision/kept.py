"""What many rules would each make anew: made once a run, and asked by name like a table.

The expressions are bound to no engine, as the rules' are, and a rule reads the same with or without them.
Sums in them are `portable.total`: a file holds no whole number wider than 64 bits, but for decimals.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import ibis

from supervision import brokerage, loose, monthly, paid, shares, trades
from supervision.context import Context, Tables
from supervision.rules import br7, fair_price, s30, wt2, wt4


def _products(tables: Tables, context: Context) -> Any:  # noqa: ARG001 - made as all that is kept
    return trades.products(tables)


_MAKERS: Final[Mapping[str, Callable[[Tables, Context], Any]]] = MappingProxyType(
    {
        trades.PARTIES: trades.parties,
        trades.PRODUCTS: _products,
        trades.MADE: trades.all_made,
        shares.UNDERTAKINGS: shares.undertakings,
        brokerage.MEDIATED: brokerage.mediated,
        monthly.MONTHS: monthly.sales_by_month,
        wt2.LEGS: wt2.legs,
        loose.LOOSE: loose.loose_money,
        fair_price.CELLS: fair_price.comparable_cells,
        fair_price.COMPARABLE: fair_price.sales_in_cells,
        fair_price.BINS: fair_price.comparable_bins,
        wt4.HARDLY_USED: wt4.hardly_used,
        paid.ODD: paid.odd_money,
        paid.TOLD: paid.purposes_told,
        paid.WITH_BROKERS: paid.payments_with_brokers,
        s30.DIFFERING: s30.differing,
        br7.SUSPECTS: br7.suspects,
    }
)
"""In this order: one may read those before it."""


def with_kept(tables: Tables, context: Context) -> tuple[Tables, Mapping[str, Any]]:
    """The tables together with what is kept, and the expression behind each of the latter."""
    known, kept = dict(tables), {}
    for name, make in _MAKERS.items():
        kept[name] = make(known, context)
        known[name] = ibis.table(kept[name].schema(), name=name)
    return known, kept
