"""The price of a chain query: a minimum cut, in whole fen (Koutris et al., PODS'12, in polynomial time).

A chain is a query whose variables all stand in its head, whose relations stand in it once each, and whose
atoms follow one another: one of two variables leads from the one before to the next, one of one variable
stays. Every path from source to sink is one assignment of values to the variables, together with the atoms
whose row it learns (through the edges that a purchase cuts) and those that it passes because the relation
holds the row. A path must learn at least one. So the paths are what a buyer could still be in doubt of:
- an answer, and one of its rows that he was not told;
- no answer, and none of the rows that are missing in it was told.
A set of views decides the query if and only if it cuts all of them.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pricing.slice_query import Atom, Query, View, constant

if TYPE_CHECKING:
    from networkx import DiGraph

Link = tuple[Atom, str, str]  # the atom, the variable it comes from, and the one it leads to


def chain_of(query: Query) -> list[Link] | None:
    """The atoms in the order of a chain, each with the variable it comes from and the one it leads to."""
    if not _may_be_chain(query):
        return None
    links: dict[str, list[Atom]] = {name: [] for name in query.variables}
    for atom in query.atoms:
        if len(atom.terms) > 1:
            for term in atom.terms:
                links[term].append(atom)
    ends = [name for name, joined in links.items() if len(joined) < 2]  # noqa: PLR2004 - an end has one neighbour
    if not ends:
        return None
    chain: list[Link] = []
    here, used = ends[0], set[str]()
    while True:
        chain += [(atom, here, here) for atom in query.atoms if atom.terms == (here,)]
        onward = [atom for atom in links[here] if atom.relation.name not in used]
        if not onward:
            break
        if len(onward) > 1:
            return None
        there = next(term for term in onward[0].terms if term != here)
        chain.append((onward[0], here, there))
        used.add(onward[0].relation.name)
        here = there
    return chain if len(chain) == len(query.atoms) else None


def _may_be_chain(query: Query) -> bool:
    names = [atom.relation.name for atom in query.atoms]
    if query.counted or set(query.head) != set(query.variables) or len(set(names)) != len(names):
        return False
    widths = (len(atom.terms) for atom in query.atoms)
    if any(width > 2 for width in widths):  # noqa: PLR2004 - two variables at most
        return False
    return not any(
        any(map(constant, atom.terms)) or len(set(atom.terms)) != len(atom.terms) for atom in query.atoms
    )


def cheapest_cut(query: Query, chain: list[Link], prices: Mapping[View, int]) -> set[View] | None:
    """The views that decide a chain at the lowest sum of prices; None where no views do."""
    import networkx as nx  # noqa: PLC0415 - loaded where a slice is priced

    graph: DiGraph[Any] = nx.DiGraph()
    domains = query.domains()
    graph.add_nodes_from(["source", "sink"])
    # A place is (how many atoms are passed, whether one was learned, the value here).
    for value in domains[chain[0][1]]:
        graph.add_edge("source", (0, False, value))
    for at, link in enumerate(chain):
        _layer(graph, at, link, domains, prices)
    for value in domains[chain[-1][2]]:
        graph.add_edge((len(chain), True, value), "sink")
    try:
        _, (near, _) = nx.minimum_cut(graph, "source", "sink")
    except nx.NetworkXUnbounded:
        return None
    return {
        view
        for start, end, view in graph.edges(data="view")
        if view is not None and start in near and end not in near
    }


def _layer(
    graph: "DiGraph[Any]",
    at: int,
    link: Link,
    domains: Mapping[str, tuple[str, ...]],
    prices: Mapping[View, int],
) -> None:
    """One atom: pass it by a row that is held, or learn it by what the views of a row would say."""
    atom, here, there = link
    relation = atom.relation
    column = dict(zip(atom.terms, relation.columns, strict=True))
    for value in domains[here]:
        asked = ("asked", at, value)
        for learned in (False, True):
            graph.add_edge((at, learned, value), asked)
        if here == there:
            _learn(graph, asked, (at + 1, True, value), (relation.name, column[here], value), prices)
        else:
            _learn(graph, asked, ("any", at), (relation.name, column[here], value), prices)
    if here == there:
        passed = [(value, value) for (value,) in relation.rows if value in set(domains[here])]
    else:
        for value in domains[there]:
            _learn(graph, ("any", at), (at + 1, True, value), (relation.name, column[there], value), prices)
        turned = atom.terms[0] != here
        known = set(domains[here]), set(domains[there])
        pairs = [(row[1], row[0]) if turned else (row[0], row[1]) for row in relation.rows]
        passed = [(a, b) for a, b in pairs if a in known[0] and b in known[1]]
    for start, end in passed:
        for learned in (False, True):
            graph.add_edge((at, learned, start), (at + 1, learned, end))


def _learn(graph: "DiGraph[Any]", start: Any, end: Any, view: View, prices: Mapping[View, int]) -> None:
    if view in prices:
        graph.add_edge(start, end, capacity=prices[view], view=view)
    else:
        graph.add_edge(start, end)
