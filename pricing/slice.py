"""M10, the price of a slice: what a query costs, given the prices of a few views.

The seller prices selections ("all rows of S whose Y is b"); the price of any query is the least that buys
views which decide it (Koutris et al., PODS'12): the only price that neither leaves an arbitrage nor refuses a
discount that the views already give. Chains are a minimum cut, other conjunctive queries an integer program.
The whole data is on sale too, at the list price if there is one.

What was bought before is free, so nobody pays twice for a view (QueryMarket, SIGMOD'13).

What is no conjunctive query (it counts), or is asked where no view is priced, falls back to coverage of a
support set (Qirana, SIGMOD'17): of the data bases that differ from this one by a row, the part in which the
answer would be another, times the price of everything. Each of the two is free of arbitrage; a seller who
offers both at once is not promised that (Lin and Kifer, VLDB'14).
"""

from collections.abc import Mapping, Sequence
from itertools import product
from math import prod
from typing import Any, Final

from pricing.errors import SliceNotForSale, TooMuchToPrice
from pricing.facts import Facts
from pricing.quote import MAX_PRICE_MINOR, Quote, Reason, inputs_sha256
from pricing.slice_cover import Undecided, cheapest_cover
from pricing.slice_cut import chain_of, cheapest_cut
from pricing.slice_query import Query, Relation, Tuple, View, parse_query, read_relations

MECHANISM: Final = "M10"
VERSION: Final = "1"
MAX_PRICES: Final = 20_000
MAX_QUERIES: Final = 5
MAX_SUPPORT: Final = 2000


def slice_quote(facts: Mapping[str, Any]) -> Quote:
    """The price of a query, or of up to five together.

    Facts: `columns` (column → domain), `relations` (name → `columns`, `rows`), `prices[]` (`relation`,
    `column`, `value`, `price_minor`), `query` or `queries[]`; optional `list_price_minor` (of everything) and
    `bought[]` (views of earlier purchases). Results: `total_minor`, `support[]` (the views to buy).
    Raises QueryMalformed, SliceNotForSale, TooMuchToPrice, Malformed.
    """
    read = Facts(facts)
    relations = read_relations(read)
    prices = _prices(read, relations)
    before = _views(read.objects("bought", most=MAX_PRICES, least=0), relations) if read.has("bought") else []
    texts = (
        read.sequence("queries", most=MAX_QUERIES) if read.has("queries") else [read.text("query", most=2000)]
    )
    queries = [parse_query(text, relations) for text in texts]
    listed = read.price("list_price_minor") if read.has("list_price_minor") else None
    read.description()
    read.close()
    paid = {view for view in before if view in prices}
    if not prices or any(query.counted for query in queries):
        everything = listed if listed is not None else price_of_everything(relations, prices)
        return _covered(facts, queries, relations, everything=everything, paid=paid)
    now = {view: 0 if view in paid else price for view, price in prices.items()}
    views, how = _decided(queries, now)
    rest = None if listed is None else max(0, listed - sum(prices[view] for view in paid))
    if views is None and rest is None:
        raise SliceNotForSale("no priced views decide the query", queries=len(queries))
    total = None if views is None else sum(now[view] for view in views)
    whole = rest is not None and (total is None or rest < total)
    support = [
        {"relation": view[0], "column": view[1], "value": view[2], "price_minor": now[view]}
        for view in sorted(views or ())
        if view not in paid
    ]
    return Quote(
        mechanism=MECHANISM,
        version=VERSION,
        inputs_sha256=inputs_sha256(facts),
        results={
            "total_minor": rest if whole else total,
            "support": [{"everything": True, "price_minor": rest}] if whole else support,
        },
        reasons=(
            how,
            *((Reason("bought-before", {"views": len(paid)}),) if paid else ()),
            *((Reason("everything-at-list-price", {"list_price_minor": str(listed)}),) if whole else ()),
        ),
    )


def _decided(queries: Sequence[Query], prices: Mapping[View, int]) -> tuple[set[View] | None, Reason]:
    chain = chain_of(queries[0]) if len(queries) == 1 else None
    if chain is not None:
        return cheapest_cut(queries[0], chain, prices), Reason("chain-by-minimum-cut")
    try:
        return cheapest_cover(queries, prices), Reason("views-by-integer-program")
    except Undecided:
        return None, Reason("views-by-integer-program")


def _prices(read: Facts, relations: Mapping[str, Relation]) -> dict[View, int]:
    told = read.objects("prices", most=MAX_PRICES, least=0)
    prices: dict[View, int] = {}
    for one in told:
        price = one.amount("price_minor")
        (view,) = _views([one], relations)
        if price > MAX_PRICE_MINOR or view in prices:
            raise read.bad("prices", "one price for each view, within the limit")
        prices[view] = price
    return prices


def _views(told: Sequence[Facts], relations: Mapping[str, Relation]) -> list[View]:
    views = []
    for one in told:
        view = one.text("relation"), one.text("column"), one.text("value")
        one.close()
        relation = relations.get(view[0])
        if relation is None or view[1] not in relation.columns:
            raise one.bad("column", "a column of a relation")
        if view[2] not in relation.domains[relation.columns.index(view[1])]:
            raise one.bad("value", "a value of its column")
        views.append(view)
    return views


def price_of_everything(relations: Mapping[str, Relation], prices: Mapping[View, int]) -> int | None:
    """The views that tell every relation: for each, the cheapest column whose values are all priced."""
    total = 0
    for relation in relations.values():
        whole = [
            sum(prices[relation.name, column, value] for value in domain)
            for column, domain in zip(relation.columns, relation.domains, strict=True)
            if all((relation.name, column, value) in prices for value in domain)
        ]
        if not whole:
            return None
        total += min(whole)
    return total


def _covered(
    facts: Mapping[str, Any],
    queries: Sequence[Query],
    relations: Mapping[str, Relation],
    *,
    everything: int | None,
    paid: set[View],
) -> Quote:
    """The part of the support set that the answers rule out, rounded up, of the price of everything."""
    if everything is None:
        raise SliceNotForSale("neither the views nor a list price say what everything costs")
    told = {(relation.name, row) for relation in relations.values() for row in _told_rows(relation, paid)}
    changes = _support(relations)
    held = {relation.name: relation.rows for relation in relations.values()}
    now = [query.answers(held) for query in queries]
    ruled_out = 0
    for name, row in changes:
        if (name, row) in told:
            continue
        other = held | {name: held[name] ^ {row}}
        ruled_out += any(query.answers(other) != answer for query, answer in zip(queries, now, strict=True))
    total = -(-everything * ruled_out // len(changes))
    return Quote(
        mechanism=MECHANISM,
        version=VERSION,
        inputs_sha256=inputs_sha256(facts),
        results={"total_minor": total, "support": []},
        reasons=(
            Reason(
                "support-set-coverage",
                {"ruled_out": ruled_out, "support": len(changes), "everything_minor": str(everything)},
            ),
            *((Reason("bought-before", {"views": len(paid)}),) if paid else ()),
        ),
    )


def _told_rows(relation: Relation, paid: set[View]) -> list[Tuple]:
    if not any(view[0] == relation.name for view in paid):
        return []
    return [row for row in product(*relation.domains) if not paid.isdisjoint(relation.views(row))]


def _support(relations: Mapping[str, Relation]) -> list[tuple[str, Tuple]]:
    """Every row whose presence could be otherwise."""
    if sum(prod(map(len, relation.domains)) for relation in relations.values()) > MAX_SUPPORT:
        raise TooMuchToPrice("the support set is too large", limit=MAX_SUPPORT)
    return [(relation.name, row) for relation in relations.values() for row in product(*relation.domains)]
