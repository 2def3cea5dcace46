"""Time-respecting closed loops in the trades of one product: pure, over the legs of one partition.

A loop is a run of trades, each sold on by whom the one before sold to, none earlier than the one before,
the last buyer being the first seller, no party twice, all within a span of time. Every such run is found,
whatever stands before, between or after it and in whatever order the legs are given. (The published
detectors test only prefixes of fixed windows: one honest trade in front hides a ring, and a ring that
straddles two windows is cut.)
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

Ring = tuple[str, ...]


@dataclass(frozen=True, slots=True, order=True)
class Leg:
    """One trade: who sold to whom, when (any ordered whole number, microseconds for us)."""

    at: int
    trade_id: str
    seller: str
    buyer: str


@dataclass(frozen=True, slots=True)
class Loop:
    """One episode of a ring: the parties in selling order (the least name first) and all trades of it."""

    ring: Ring
    trades: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """Lengths from `shortest` to `longest` trades, first to last at most `within` apart."""

    shortest: int
    longest: int
    within: int


class _Arcs:
    """The trades of one seller to one buyer in time order."""

    def __init__(self, legs: Sequence[Leg]) -> None:
        self.at = [leg.at for leg in legs]
        self.ids = [leg.trade_id for leg in legs]

    def earliest(self, since: int, until: int) -> int | None:
        i = bisect_left(self.at, since)
        return self.at[i] if i < len(self.at) and self.at[i] <= until else None

    def latest(self, until: int) -> int:
        return self.at[bisect_right(self.at, until) - 1]

    def between(self, since: int, until: int) -> list[str]:
        return self.ids[bisect_left(self.at, since) : bisect_right(self.at, until)]


_Graph = Mapping[str, Mapping[str, _Arcs]]


def find_loops(legs: Iterable[Leg], limits: Limits) -> list[Loop]:
    """All loops, one for each ring and episode, sorted; an episode is what shares trades.

    Trades of a party with itself are no loop here. Cost: for each trade, the simple paths of at most
    `longest` parties that it can still reach in time, among parties that lie on some cycle.
    """
    graph = _graph(legs)
    found: defaultdict[Ring, list[set[str]]] = defaultdict(list)
    for seller, buyers in graph.items():
        for buyer, arcs in buyers.items():
            for at, trade_id in zip(arcs.at, arcs.ids, strict=True):
                for path in _paths(graph, seller, buyer, at, limits):
                    found[_canonical(path)].append(_on_the_way(graph, path, at, trade_id, limits))
    return sorted(
        (Loop(ring, tuple(sorted(trades))) for ring, runs in found.items() for trades in _episodes(runs)),
        key=lambda loop: (loop.ring, loop.trades),
    )


def _graph(legs: Iterable[Leg]) -> _Graph:
    arcs: defaultdict[str, defaultdict[str, list[Leg]]] = defaultdict(lambda: defaultdict(list))
    for leg in sorted(legs):
        if leg.seller != leg.buyer:
            arcs[leg.seller][leg.buyer].append(leg)
    # whoever only sells or only buys lies on no loop: peel them off until nothing changes
    while True:
        buying = {buyer for buyers in arcs.values() for buyer in buyers}
        kept = {
            seller: {buyer: legs for buyer, legs in buyers.items() if buyer in arcs}
            for seller, buyers in arcs.items()
            if seller in buying
        }
        kept = {seller: buyers for seller, buyers in kept.items() if buyers}
        if sum(map(len, kept.values())) == sum(map(len, arcs.values())):
            return {s: {b: _Arcs(legs) for b, legs in buyers.items()} for s, buyers in kept.items()}
        arcs = defaultdict(lambda: defaultdict(list), {s: defaultdict(list, b) for s, b in kept.items()})


def _paths(graph: _Graph, seller: str, buyer: str, at: int, limits: Limits) -> Iterator[Ring]:
    """Parties of every loop that this trade can begin; taking the earliest trade onward loses none."""
    until = at + limits.within
    stack: list[tuple[Ring, int]] = [((seller, buyer), at)]
    while stack:
        path, arrived = stack.pop()
        for following, arcs in graph.get(path[-1], {}).items():
            if following == seller:
                if len(path) >= limits.shortest and arcs.earliest(arrived, until) is not None:
                    yield path
            elif following not in path and len(path) < limits.longest:
                onward = arcs.earliest(arrived, until)
                if onward is not None:
                    stack.append(((*path, following), onward))


def _on_the_way(graph: _Graph, path: Ring, at: int, trade_id: str, limits: Limits) -> set[str]:
    """All trades on some loop along `path` that begins with this trade.

    A later trade is on one if it is not before the earliest arrival from the front and not after the
    latest departure that still comes round in time.
    """
    arcs = [graph[party][path[(i + 1) % len(path)]] for i, party in enumerate(path)]
    until = at + limits.within
    departures = [until]
    for arc in reversed(arcs[1:]):
        departures.append(arc.latest(departures[-1]))
    departures.reverse()  # departures[i + 1]: the latest moment for a trade of arcs[i + 1]
    trades = {trade_id}
    arrived = at
    for arc, departure in zip(arcs[1:], departures[1:], strict=True):
        trades.update(arc.between(arrived, departure))
        onward = arc.earliest(arrived, until)
        assert onward is not None  # the path was found by taking just these
        arrived = onward
    return trades


def _episodes(runs: Sequence[set[str]]) -> list[set[str]]:
    """Unite the runs that share a trade."""
    root = list(range(len(runs)))

    def find(i: int) -> int:
        while root[i] != i:
            root[i] = root[root[i]]
            i = root[i]
        return i

    seen: dict[str, int] = {}
    for i, run in enumerate(runs):
        for trade in run:
            root[find(i)] = find(seen.setdefault(trade, i))
    episodes: defaultdict[int, set[str]] = defaultdict(set)
    for i, run in enumerate(runs):
        episodes[find(i)] |= run
    return list(episodes.values())


def _canonical(path: Ring) -> Ring:
    first = path.index(min(path))
    return path[first:] + path[:first]
