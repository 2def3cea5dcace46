"""Segments of trades that cancel out: pure, over the trades of one product.

For every set of parties that could pass a product round (each pair that trades both ways, each strongly
connected set as edges are peeled off one copy at a time), the trades among them in time order are searched
for *all* contiguous segments after which nobody's balance moved by more than a small part of the mean trade.
Published scans test prefixes of fixed windows only; there one honest trade in front hides a ring.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import networkx as nx


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


def cancelling(sales: Iterable[Sale], within: int, tolerance: Fraction) -> list[Segment]:
    """Every segment of at least two trades, first to last at most `within` apart, sorted.

    No party of it has a balance beyond `tolerance` of the mean trade. Segments with a common trade, of
    whatever parties, are one. Cost for each set: its trades times those that follow within the time.
    """
    usable = sorted(sale for sale in sales if sale.seller != sale.buyer and sale.amount > 0)
    found: list[list[Sale]] = []
    for parties in _sets(usable):
        among = [sale for sale in usable if sale.seller in parties and sale.buyer in parties]
        found.extend(_segments(among, within, tolerance))
    return sorted(_united(found))


def _sets(sales: Sequence[Sale]) -> list[frozenset[str]]:
    copies = Counter((sale.seller, sale.buyer) for sale in sales)
    sets = {frozenset(pair) for pair in copies if pair[::-1] in copies}
    while copies:
        graph = nx.DiGraph(list(copies))
        strong = [frozenset(part) for part in nx.strongly_connected_components(graph) if len(part) > 1]
        if not strong:
            break
        sets.update(strong)
        inside = {party: part for part in strong for party in part}
        copies = Counter(
            {
                edge: n - 1
                for edge, n in copies.items()
                if n > 1 and inside.get(edge[0]) is not None and edge[1] in inside[edge[0]]
            }
        )
    return sorted(sets, key=sorted)


def _segments(sales: Sequence[Sale], within: int, tolerance: Fraction) -> Iterator[list[Sale]]:
    """For each trade the longest segment that begins with it: the shorter ones of that start lie in it."""
    for i, first in enumerate(sales):
        balance: defaultdict[str, int] = defaultdict(int)
        total, end = 0, 0
        for j in range(i, len(sales)):
            sale = sales[j]
            if sale.at - first.at > within:
                break
            balance[sale.seller] += sale.amount
            balance[sale.buyer] -= sale.amount
            total += sale.amount
            worst = max(map(abs, balance.values()))
            if j > i and worst * (j - i + 1) * tolerance.denominator <= total * tolerance.numerator:
                end = j + 1
        if end:
            yield list(sales[i:end])


def _united(segments: Sequence[Sequence[Sale]]) -> Iterator[Segment]:
    graph = nx.Graph()
    by_id = {sale.trade_id: sale for segment in segments for sale in segment}
    for segment in segments:
        nx.add_path(graph, [sale.trade_id for sale in segment])
    for part in nx.connected_components(graph):
        sales = sorted(by_id[trade_id] for trade_id in part)
        parties = {party for sale in sales for party in (sale.seller, sale.buyer)}
        span = max(segment[-1].at - segment[0].at for segment in segments if segment[0].trade_id in part)
        yield Segment(tuple(sorted(parties)), tuple(sorted(part)), span)
