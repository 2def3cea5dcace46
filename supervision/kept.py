"""What many rules would each make anew: made once a run, and asked by name like a table.

The expressions are bound to no engine, as the rules' are, and a rule reads the same with or without them.
Sums in them are `portable.total`: a file holds no whole number wider than 64 bits, but for decimals.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import takewhile
from types import MappingProxyType
from typing import Any, Final

import ibis

from supervision import (
    brokerage,
    by_parties,
    dominance,
    holdings,
    loose,
    monthly,
    paid,
    shares,
    steps,
    trades,
)
from supervision.context import Context, Tables
from supervision.rules import br1, br2, br4, br5, br7, fair_price, s4, s30, uc5, wt2, wt4


def _products(tables: Tables, context: Context) -> Any:  # noqa: ARG001 - made as all that is kept
    return trades.products(tables)


def _terms(tables: Tables, context: Context) -> Any:  # noqa: ARG001 - made as all that is kept
    return trades.terms(tables)


_MAKERS: Final[Mapping[str, Callable[[Tables, Context], Any]]] = MappingProxyType(
    {
        trades.PARTIES: trades.parties,
        trades.PRODUCTS: _products,
        trades.TERMS: _terms,
        trades.MADE: trades.all_made,
        shares.UNDERTAKINGS: shares.undertakings,
        dominance.DOMINANT: dominance.dominant,
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
        by_parties.WORDS: by_parties.settlement_words,
        paid.WITH_BROKERS: paid.payments_with_brokers,
        s30.DIFFERING: s30.differing,
        br7.SUSPECTS: br7.suspects,
        br1.DOUBTFUL: br1.doubtful_acts,
        br2.UNMANDATED: br2.unmandated,
        holdings.HELD: holdings.held_by_groups,
        br4.INTERESTS: br4.interests_of_brokers,
        br5.OWN: br5.own_trades,
        steps.HASTY: steps.hasty_trades,
        uc5.ASKED: uc5.empty_inquiries,
        s4.PAID: s4.paid_in_cells,
    }
)
"""In this order: one may read those before it."""


class _Kept(Mapping[str, Any]):
    """The expressions of what is kept, each made when it is first asked for: few rules want many of them."""

    def __init__(self, tables: Tables, context: Context) -> None:
        self._tables, self._context = tables, context
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            make = _MAKERS[name]
            before = tuple(takewhile(name.__ne__, _MAKERS))
            self._made[name] = make(_Known(self._tables, self, before), self._context)
        return self._made[name]

    def __contains__(self, name: object) -> bool:
        return name in _MAKERS

    def __iter__(self) -> Iterator[str]:
        return iter(_MAKERS)

    def __len__(self) -> int:
        return len(_MAKERS)


class _Known(Mapping[str, Any]):
    """Tables, and what is kept under these names as tables of what its expression answers."""

    def __init__(self, tables: Tables, kept: Mapping[str, Any], names: tuple[str, ...]) -> None:
        self._tables, self._kept, self._names = dict(tables), kept, names

    def __getitem__(self, name: str) -> Any:
        if name not in self._tables and name in self._names:
            self._tables[name] = ibis.table(self._kept[name].schema(), name=name)
        return self._tables[name]

    def __contains__(self, name: object) -> bool:
        return name in self._names or name in self._tables

    def __iter__(self) -> Iterator[str]:
        return iter({**self._tables, **dict.fromkeys(self._names)})

    def __len__(self) -> int:
        return len({*self._tables, *self._names})


def with_kept(tables: Tables, context: Context) -> tuple[Tables, Mapping[str, Any]]:
    """The tables together with what is kept, and the expression behind each of the latter."""
    kept = _Kept(tables, context)
    return _Known(tables, kept, tuple(kept)), kept
