"""Segments of trades that cancel out: pure, over the trades of one product.

For every set of parties that could pass a product round (each pair that trades both ways, each strongly
connected set as edges are peeled off one copy at a time), the trades among them in time order are searched
for *all* contiguous segments after which nobody's balance moved by more than a small part of the mean trade.
Published scans test prefixes of fixed windows only; there one honest trade in front hides a ring.

Balances are kept as prefix sums. For the segments that begin at one trade, lengths are asked in classes that
halve; within a class a bound on the mean trade bounds the balance, so that those that may cancel out are read
from blocks sorted by the busiest party's balance: nearly linear, however busy a pair is.
"""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from heapq import heapify, heappop, heapreplace
from itertools import accumulate
from typing import Final

import networkx as nx

_FEW: Final = 16


@dataclass(frozen=True, slots=True, order=True)
class Sale:
    """One trade: who sold to whom, for how much, when (any ordered whole number)."""

    at: int
    trade_id: str
    seller: str
    buyer: str
    amount: int


@dataclass(frozen=True, slots=True, order=True)
class Segment:
    """Trades in time order that cancel out, and the parties they were among. Overlapping ones are united."""

    parties: tuple[str, ...]
    trades: tuple[str, ...]
    span: int


_Edges = Mapping[str, Mapping[str, Sequence[Sale]]]


def cancelling(sales: Iterable[Sale], within: int, tolerance: Fraction) -> list[Segment]:
    """Every segment of at least two trades, first to last at most `within` apart, sorted.

    No party of it has a balance beyond `tolerance` of the mean trade. Segments with a common trade, of
    whatever parties, are one.
    """
    edges: defaultdict[str, defaultdict[str, list[Sale]]] = defaultdict(lambda: defaultdict(list))
    for sale in sales:
        if sale.seller != sale.buyer and sale.amount > 0:
            edges[sale.seller][sale.buyer].append(sale)
    found: list[tuple[Sequence[Sale], int]] = []
    for parties in _sets(edges):
        among = sorted(
            sale
            for seller in parties
            for buyer, sold in edges.get(seller, {}).items()
            if buyer in parties
            for sale in sold
        )
        found.extend(_runs(among, within, tolerance))
    return sorted(_united(found))


def _sets(edges: _Edges) -> list[frozenset[str]]:
    copies = {(seller, buyer): len(sold) for seller, to in edges.items() for buyer, sold in to.items()}
    sets = {frozenset(pair) for pair in copies if pair[::-1] in copies}
    while copies:
        graph = nx.DiGraph(list(copies))
        strong = [frozenset(part) for part in nx.strongly_connected_components(graph) if len(part) > 1]
        sets.update(strong)
        inside = {party: part for part in strong for party in part}
        kept = {edge: n for edge, n in copies.items() if edge[1] in inside.get(edge[0], ())}
        peeled = min(kept.values(), default=0)  # until an edge is gone the same sets come again
        copies = {edge: n - peeled for edge, n in kept.items() if n > peeled}
    return sorted(sets, key=sorted)


def _runs(sales: Sequence[Sale], within: int, tolerance: Fraction) -> Iterator[tuple[Sequence[Sale], int]]:
    """Unbroken runs of trades that lie in overlapping segments, each with the longest span of one."""
    balances = _Balances(sales, tolerance)
    times = [sale.at for sale in sales]
    begin, end, span = 0, 0, 0
    for first, at in enumerate(times):
        until = balances.longest(first, bisect_right(times, at + within))
        if until is None:
            continue
        if first >= end:
            if end:
                yield sales[begin:end], span
            begin, span = first, 0
        end, span = max(end, until), max(span, times[until - 1] - at)
    if end:
        yield sales[begin:end], span


class _Balances:
    """What every party has sold less bought after so many trades, and what changed hands until then."""

    def __init__(self, sales: Sequence[Sale], tolerance: Fraction) -> None:
        self._tolerance = tolerance
        self._total = list(accumulate((sale.amount for sale in sales), initial=0))
        self._places: defaultdict[str, list[int]] = defaultdict(lambda: [0])
        self._sums: defaultdict[str, list[int]] = defaultdict(lambda: [0])
        for n, sale in enumerate(sales, start=1):
            for party, moved in ((sale.seller, sale.amount), (sale.buyer, -sale.amount)):
                self._places[party].append(n)
                self._sums[party].append(self._sums[party][-1] + moved)
        busy = Counter({party: len(places) for party, places in self._places.items()})
        self._parties = [party for party, _ in sorted(busy.items(), key=lambda item: (-item[1], item[0]))]
        self._busiest = [self._balance(self._parties[0], n) for n in range(len(self._total))] if sales else []
        self._blocks: dict[int, list[tuple[list[int], list[list[int]]]]] = {}

    def longest(self, first: int, last: int) -> int | None:
        """The end of the longest segment from trade `first` on, ending by `last`, that cancels out."""
        while last - first > _FEW:
            nearer = first + (last - first) // 2
            for until in self._may_cancel(first, nearer, last):
                if self._cancels(first, until):
                    return until
            last = nearer
        return next((until for until in range(last, first + 1, -1) if self._cancels(first, until)), None)

    def _may_cancel(self, first: int, after: int, last: int) -> Iterator[int]:
        """Ends in (after, last], the farthest first: of no other is the busiest party's balance near."""
        of, moved = self._tolerance, self._total[last] - self._total[first]
        reach = moved * of.numerator // (of.denominator * (after + 1 - first))
        size = (last - after).bit_length() - 1
        low, high = self._busiest[first] - reach, self._busiest[first] + reach
        farthest = []
        for balances, places in self._sorted(size)[(after + 1) >> size : (last >> size) + 1]:
            for same in places[bisect_left(balances, low) : bisect_right(balances, high)]:
                at = bisect_right(same, last) - 1
                if at >= 0 and same[at] > after:
                    farthest.append((-same[at], at, same))
        heapify(farthest)
        while farthest:
            place, at, same = farthest[0]
            yield -place
            if at and same[at - 1] > after:
                heapreplace(farthest, (-same[at - 1], at - 1, same))
            else:
                heappop(farthest)

    def _sorted(self, size: int) -> list[tuple[list[int], list[list[int]]]]:
        """In blocks of 2**size places: the busiest party's balances in order, and where each stands."""
        if size not in self._blocks:
            self._blocks[size] = [
                _by_balance(self._busiest, range(n, min(n + (1 << size), len(self._busiest))))
                for n in range(0, len(self._busiest), 1 << size)
            ]
        return self._blocks[size]

    def _cancels(self, first: int, until: int) -> bool:
        moved = (self._total[until] - self._total[first]) * self._tolerance.numerator
        times = (until - first) * self._tolerance.denominator
        return abs(self._busiest[until] - self._busiest[first]) * times <= moved and all(
            abs(self._balance(party, until) - self._balance(party, first)) * times <= moved
            for party in self._parties[1:]
        )

    def _balance(self, party: str, after: int) -> int:
        return self._sums[party][bisect_right(self._places[party], after) - 1]


def _by_balance(balances: Sequence[int], places: Iterable[int]) -> tuple[list[int], list[list[int]]]:
    standing: defaultdict[int, list[int]] = defaultdict(list)
    for place in places:
        standing[balances[place]].append(place)
    return (ordered := sorted(standing)), [standing[balance] for balance in ordered]


def _united(runs: Sequence[tuple[Sequence[Sale], int]]) -> Iterator[Segment]:
    graph = nx.Graph()
    by_id = {sale.trade_id: sale for sales, _ in runs for sale in sales}
    spans: defaultdict[str, int] = defaultdict(int)
    for sales, span in runs:
        nx.add_path(graph, [sale.trade_id for sale in sales])
        spans[sales[0].trade_id] = max(spans[sales[0].trade_id], span)
    for part in nx.connected_components(graph):
        together = [by_id[trade_id] for trade_id in part]
        parties = {party for sale in together for party in (sale.seller, sale.buyer)}
        span = max(spans[trade_id] for trade_id in part if trade_id in spans)
        yield Segment(tuple(sorted(parties)), tuple(sorted(part)), span)
