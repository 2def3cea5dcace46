"""The price of any conjunctive query: the cheapest views that decide it, as an integer program.

A row is told if one of its views is bought. A query is decided by what is told if and only if it gives the
same on the smallest data that fit (the rows that are held and told) and on the largest (those, and every row
that is not told); conjunctive queries only grow with the data. So, for each assignment of values:
- of an answer, one assignment that gives it has all its rows told (for a full query: its only one);
- of what is no answer, one row is told that is not held.
HiGHS solves it; every condition is then checked in whole numbers, and what is not needed is given back.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from pricing.errors import TooMuchToPrice
from pricing.slice_query import Query, Tuple, View

MAX_BINDINGS: Final = 50_000
_SECONDS: Final = 20.0

Clause = frozenset[View]  # one of these views is bought


class Undecided(Exception):
    """No set of views on sale decides the query."""


def cheapest_cover(queries: Sequence[Query], prices: Mapping[View, int]) -> set[View]:
    """The views that decide all of the queries at the lowest sum of prices.

    Raises Undecided where none do, TooMuchToPrice.
    """
    needed: set[Clause] = set()
    chances: list[list[list[Clause]]] = []
    for query in queries:
        _conditions(query, prices, needed, chances)
    if not all(needed):
        raise Undecided
    chances = [ways for ways in chances if not any(all(c in needed for c in way) for way in ways)]
    views = sorted({view for clause in needed for view in clause} | _of_chances(chances))
    if not views:
        return set()
    bought = _solved(views, _least(needed), chances, prices)
    if not _holds(bought, needed, chances):
        raise TooMuchToPrice("the solver found no exact answer", views=len(views))
    for view in sorted(bought, key=lambda one: (-prices[one], one)):
        if _holds(bought - {view}, needed, chances):
            bought = bought - {view}
    return bought


def _conditions(
    query: Query, prices: Mapping[View, int], needed: set[Clause], chances: list[list[list[Clause]]]
) -> None:
    ways: dict[Tuple, list[list[Clause]]] = {}
    others: list[tuple[Tuple, list[tuple[bool, Clause]]]] = []
    for binding in query.bindings(most=MAX_BINDINGS):
        told = []
        for atom in query.atoms:
            row = atom.row(binding)
            if any(v not in domain for v, domain in zip(row, atom.relation.domains, strict=True)):
                break  # a constant outside its column: never an answer, and everybody knows
            views = frozenset(view for view in atom.relation.views(row) if view in prices)
            told.append((row in atom.relation.rows, views))
        else:
            head = tuple(binding[name] for name in query.head)
            if all(held for held, _ in told):
                ways.setdefault(head, []).append([clause for _, clause in told])
            else:
                others.append((head, told))
    for head, rows in others:
        if head not in ways:
            needed.add(frozenset().union(*(clause for held, clause in rows if not held)))
    for told_ways in ways.values():
        open_ways = [way for way in told_ways if all(way)]
        if not open_ways:
            raise Undecided
        if len(open_ways) == 1:
            needed.update(open_ways[0])
        else:
            chances.append(open_ways)


def _of_chances(chances: Iterable[list[list[Clause]]]) -> set[View]:
    return {view for ways in chances for way in ways for clause in way for view in clause}


def _least(clauses: Iterable[Clause]) -> list[Clause]:
    """Without the clauses that a smaller one implies."""
    kept: list[Clause] = []
    by_view: dict[View, list[Clause]] = {}
    for clause in sorted(clauses, key=lambda one: (len(one), sorted(one))):
        known = (other for view in clause for other in by_view.get(view, ()))
        if not any(other <= clause for other in known):
            kept.append(clause)
            for view in clause:
                by_view.setdefault(view, []).append(clause)
    return kept


def _holds(bought: set[View], needed: Iterable[Clause], chances: Iterable[list[list[Clause]]]) -> bool:
    met: Callable[[Clause], bool] = lambda clause: not bought.isdisjoint(clause)  # noqa: E731 - said twice below
    return all(map(met, needed)) and all(any(all(map(met, way)) for way in ways) for ways in chances)


def _solved(
    views: Sequence[View],
    needed: Sequence[Clause],
    chances: Sequence[list[list[Clause]]],
    prices: Mapping[View, int],
) -> set[View]:
    import numpy as np  # noqa: PLC0415 - loaded where a slice is priced
    from scipy import optimize, sparse  # noqa: PLC0415

    column = {view: i for i, view in enumerate(views)}
    width = len(views) + sum(map(len, chances))
    entries: list[tuple[int, int, float]] = []
    least: list[float] = []

    def at_least(terms: Iterable[tuple[int, float]], bound: float) -> None:
        entries.extend((len(least), at, factor) for at, factor in terms)
        least.append(bound)

    for clause in needed:
        at_least(((column[view], 1.0) for view in clause), 1.0)
    way_at = len(views)
    for ways in chances:
        at_least(((way_at + i, 1.0) for i in range(len(ways))), 1.0)
        for way in ways:
            for clause in way:
                at_least([*((column[view], 1.0) for view in clause), (way_at, -1.0)], 0.0)
            way_at += 1
    rows, columns, factors = zip(*entries, strict=True)
    matrix = sparse.csr_array((factors, (rows, columns)), shape=(len(least), width))
    cost: Any = np.zeros(width)
    cost[: len(views)] = [float(prices[view]) for view in views]
    found = optimize.milp(
        cost / max(1.0, cost.max()),
        constraints=optimize.LinearConstraint(matrix, lb=np.array(least)),
        bounds=optimize.Bounds(0, 1),
        integrality=np.ones(width),
        options={"mip_rel_gap": 0.0, "time_limit": _SECONDS},
    )
    if found.status != 0:
        raise TooMuchToPrice("the cheapest views were not found in time", views=len(views))
    return {view for view in views if found.x[column[view]] > 0.5}  # noqa: PLR2004 - 0 or 1
