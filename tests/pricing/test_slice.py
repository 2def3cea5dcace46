"""M10: what a slice costs is the least that leaves no doubt; nobody pays twice, nor less by parts."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from base.errors import Malformed
from pricing.errors import QueryMalformed, SliceNotForSale, TooMuchToPrice
from pricing.slice import price_of_everything, slice_quote
from pricing.slice_cover import Undecided, cheapest_cover
from pricing.slice_cut import chain_of, cheapest_cut
from pricing.slice_query import Relation, parse_query
from tests.pricing.facts import SLICE

X, Y = ("a", "b"), ("c", "d")
ROWS = {"R": [(x,) for x in X], "S": list(product(X, Y)), "T": [(y,) for y in Y]}
COLUMNS = {"R": {"X": X}, "S": {"X": X, "Y": Y}, "T": {"Y": Y}}
VIEWS = [
    (name, column, value) for name, of in COLUMNS.items() for column, values in of.items() for value in values
]
CHAINS = ["Q(x,y) :- R(x),S(x,y),T(y)", "Q(y,x) :- T(y),S(x,y)", "Q(x,y):-S(x,y)", "Q(y) :- T(y)"]
OTHERS = ["Q(x) :- R(x),S(x,y)", "Q() :- S(x,y),T(y)", "Q(y) :- S('a',y)", "Q(x,y,z) :- S(x,y),S(x,z)"]
QUERIES = st.sampled_from(CHAINS + OTHERS)


@st.composite
def markets(draw, *, least=0, unpriced=True):
    """Small data with a price on most selections."""
    relations = {
        name: Relation(
            name, tuple(of), tuple(of.values()), frozenset(draw(st.sets(st.sampled_from(ROWS[name]))))
        )
        for name, of in COLUMNS.items()
    }
    amounts = st.integers(least, 6)
    prices = draw(
        st.fixed_dictionaries({view: st.none() | amounts if unpriced else amounts for view in VIEWS})
    )
    return relations, {view: price for view, price in prices.items() if price is not None}


def price(queries, prices):
    """What the mechanism asks, by the way that fits; None where it is not for sale."""
    chain = chain_of(queries[0]) if len(queries) == 1 else None
    if chain is not None:
        views = cheapest_cut(queries[0], chain, prices)
    else:
        try:
            views = cheapest_cover(queries, prices)
        except Undecided:
            views = None
    return None if views is None else sum(prices[view] for view in views)


def worlds(relations):
    """All data that could be instead, each as its relations and the rows in which it differs."""
    cells = [(name, row) for name, rows in ROWS.items() for row in rows]
    for flips in product((False, True), repeat=len(cells)):
        changed = frozenset(cell for cell, flip in zip(cells, flips, strict=True) if flip)
        yield (
            changed,
            {
                name: relation.rows ^ {row for of, row in changed if of == name}
                for name, relation in relations.items()
            },
        )


def by_determinacy(queries, relations, prices):
    """The definition: the cheapest views such that all data which agree on them give one answer."""
    truth = [
        query.answers({name: relation.rows for name, relation in relations.items()}) for query in queries
    ]
    doubts = {
        changed for changed, held in worlds(relations) if [query.answers(held) for query in queries] != truth
    }
    doubts = [changed for changed in doubts if not any(other < changed for other in doubts)]
    best = None
    for bought in product((False, True), repeat=len(prices)):
        views = {view for view, taken in zip(prices, bought, strict=True) if taken}
        cost = sum(prices[view] for view in views)
        if best is not None and cost >= best:
            continue
        told = {
            (name, row)
            for name, rows in ROWS.items()
            for row in rows
            if not views.isdisjoint(relations[name].views(row))
        }
        if all(changed & told for changed in doubts):
            best = cost
    return best


def test_the_example_of_koutris_and_others():
    results = slice_quote(SLICE).results
    assert results["total_minor"] == 600
    bought = {(v["relation"], v["column"], v["value"]) for v in results["support"]}
    prices = {(v["relation"], v["column"], v["value"]): 100 for v in SLICE["prices"]}
    relations = {
        name: Relation(
            name,
            tuple(one["columns"]),
            tuple(tuple(SLICE["columns"][column]) for column in one["columns"]),
            frozenset(map(tuple, one["rows"])),
        )
        for name, one in SLICE["relations"].items()
    }
    query = parse_query(SLICE["query"], relations)
    assert query.answers({name: one.rows for name, one in relations.items()}) == {(("a1", "b1"),)}
    assert len(bought) == 6
    # The integer program knows nothing of chains.
    assert len(cheapest_cover([query], prices)) == 6


@settings(deadline=None, max_examples=20)
@given(market=markets(), text=QUERIES)
def test_the_price_is_the_cheapest_set_of_views_that_determines_the_query(market, text):
    relations, prices = market
    query = parse_query(text, relations)
    assert (chain_of(query) is not None) is (text in CHAINS)
    assert price([query], prices) == by_determinacy([query], relations, prices)


@settings(deadline=None, max_examples=25)
@given(market=markets(), text=st.sampled_from(CHAINS))
def test_minimum_cut_and_integer_program_agree(market, text):
    relations, prices = market
    query = parse_query(text, relations)
    try:
        cover = sum(prices[view] for view in cheapest_cover([query], prices))
    except Undecided:
        cover = None
    assert price([query], prices) == cover


@settings(deadline=None, max_examples=25)
@given(market=markets(unpriced=False), one=QUERIES, other=QUERIES)
def test_two_queries_cost_at_most_their_sum_and_at_least_either(market, one, other):
    relations, prices = market
    queries = [parse_query(text, relations) for text in (one, other)]
    alone = [price([query], prices) for query in queries]
    together = price(queries, prices)
    assert max(alone) <= together <= sum(alone)


DETERMINED = [
    ("Q(x) :- R(x),S(x,y)", "Q(x,y) :- R(x),S(x,y)"),
    ("Q() :- S(x,y),T(y)", "Q(x,y) :- S(x,y),T(y)"),
    ("Q(y) :- S('a',y)", "Q(x,y) :- S(x,y)"),
    ("Q(x,y,z) :- S(x,y),S(x,z)", "Q(x,y) :- S(x,y)"),
    ("Q(x,y) :- S(x,y)", "Q(x,y,z) :- S(x,y),S(x,z)"),
]


@settings(deadline=None, max_examples=25)
@given(market=markets(unpriced=False), pair=st.sampled_from(DETERMINED))
def test_what_another_query_determines_never_costs_more(market, pair):
    relations, prices = market
    less, more = (price([parse_query(text, relations)], prices) for text in pair)
    assert less <= more


@settings(deadline=None, max_examples=15)
@given(market=markets(unpriced=False), times=st.integers(1, 10**9), text=QUERIES)
def test_the_order_of_facts_and_the_currency_do_not_matter(market, times, text):
    relations, prices = market
    facts = told(relations, prices) | {"query": text}
    base = slice_quote(facts).results["total_minor"]
    turned = facts | {"prices": facts["prices"][::-1], "columns": {"Y": Y[::-1], "X": X[::-1]}}
    assert slice_quote(turned).results["total_minor"] == base
    scaled = [one | {"price_minor": one["price_minor"] * times} for one in facts["prices"]]
    assert slice_quote(facts | {"prices": scaled}).results["total_minor"] == base * times


def told(relations, prices):
    return {
        "columns": {"X": list(X), "Y": list(Y)},
        "relations": {
            name: {"columns": list(one.columns), "rows": [list(row) for row in sorted(one.rows)]}
            for name, one in relations.items()
        },
        "prices": [
            {"relation": name, "column": column, "value": value, "price_minor": amount}
            for (name, column, value), amount in prices.items()
        ],
    }


@settings(deadline=None, max_examples=15)
@given(market=markets(unpriced=False), texts=st.lists(QUERIES, min_size=2, max_size=4))
def test_over_many_purchases_no_view_is_charged_twice_and_nothing_above_everything(market, texts):
    relations, prices = market
    facts, bought, paid = told(relations, prices), [], 0
    for text in texts:
        results = slice_quote(facts | {"query": text, "bought": bought}).results
        views = [{k: v for k, v in one.items() if k != "price_minor"} for one in results["support"]]
        assert not any(view in bought for view in views)
        assert results["total_minor"] == sum(one["price_minor"] for one in results["support"])
        bought += views
        paid += results["total_minor"]
        assert slice_quote(facts | {"query": text, "bought": bought}).results["total_minor"] == 0
    assert paid == sum(prices[v["relation"], v["column"], v["value"]] for v in bought)


def test_everything_costs_the_list_price_and_no_slice_more():
    everything = SLICE | {"queries": ["Q(x) :- R(x)", "Q(x,y) :- S(x,y)", "Q(y) :- T(y)"]}
    del everything["query"]
    # R by its four values, S by the three of Y, T by its three.
    assert slice_quote(everything).results["total_minor"] == 1000
    quoted = slice_quote(everything | {"list_price_minor": 950})
    assert quoted.results == {"total_minor": 950, "support": [{"everything": True, "price_minor": 950}]}
    before = [{"relation": "R", "column": "X", "value": "a1"}]
    assert slice_quote(everything | {"list_price_minor": 950, "bought": before}).results["total_minor"] == 850
    assert slice_quote(SLICE | {"list_price_minor": 950}).results["total_minor"] == 600


def test_a_slice_that_no_priced_view_tells_is_refused_unless_everything_is_for_sale():
    some = SLICE | {"prices": [one for one in SLICE["prices"] if one["relation"] != "R"]}
    with pytest.raises(SliceNotForSale):
        slice_quote(some)
    assert slice_quote(some | {"list_price_minor": 950}).results["total_minor"] == 950


COUNTS = ["Q(count(x)) :- R(x)", "Q(x,count(y)) :- S(x,y)", "Q(count(x),count(y)) :- R(x),S(x,y)"]


@settings(deadline=None, max_examples=15)
@given(market=markets(unpriced=False, least=1), one=st.sampled_from(COUNTS), other=st.sampled_from(COUNTS))
def test_coverage_of_the_support_set_is_subadditive_and_never_above_everything(market, one, other):
    relations, prices = market
    facts = told(relations, prices)
    alone = [slice_quote(facts | {"query": text}).results["total_minor"] for text in (one, other)]
    together = slice_quote(facts | {"queries": [one, other]}).results["total_minor"]
    assert max(alone) <= together <= min(sum(alone), price_of_everything(relations, prices))
    whole = ["Q(x) :- R(x)", "Q(x,y) :- S(x,y)", "Q(y) :- T(y)"]
    unpriced = facts | {"prices": [], "list_price_minor": 77}
    assert slice_quote(unpriced | {"queries": whole}).results["total_minor"] == 77
    counted = slice_quote(unpriced | {"query": "Q(x,count(y)) :- S(x,y)"}).results["total_minor"]
    assert counted <= slice_quote(unpriced | {"query": "Q(x,y) :- S(x,y)"}).results["total_minor"]


@pytest.mark.parametrize(
    "query",
    [
        "",
        "Q(x,y)",
        "Q(x,y) :- ",
        "Q(x,y) : R(x)",
        "Q(x) :- R(x),",
        "Q(x) :- R(x) S(x,y)",
        "Q(x) :- R(x);drop",
        "Q(x) :- U(x)",
        "Q(x) :- R(x,y)",
        "Q(z) :- R(x)",
        "Q(x,x) :- R(x)",
        "Q(x) :- R(1)",
        "Q(x) :- R(x), x > 3",
        "Q(count(x,y)) :- S(x,y)",
        "Q(x) :- " + ",".join(["R(x)"] * 400),
        7,
        None,
    ],
)
def test_what_is_no_query_over_these_relations_is_refused(query):
    with pytest.raises((QueryMalformed, Malformed)):
        slice_quote(SLICE | {"query": query})


@pytest.mark.parametrize(
    "changed",
    [
        {"columns": {"X": ["a1"], "Y": ["b1", "b2", "b3"]}},
        {"columns": {"X": ["a1", "a1"], "Y": ["b1"]}},
        {"columns": {"X": []}},
        {"relations": {"R": {"columns": ["Z"], "rows": []}}},
        {"relations": {"R": {"columns": ["X"], "rows": [["a1", "a2"]]}}},
        {"relations": {"R": {"columns": ["X"], "rows": [["a9"]]}}},
        {"prices": [*SLICE["prices"], SLICE["prices"][0]]},
        {"prices": [SLICE["prices"][0] | {"price_minor": -1}]},
        {"prices": [SLICE["prices"][0] | {"value": "a9"}]},
        {"prices": [SLICE["prices"][0] | {"column": "Y"}]},
        {"bought": [{"relation": "R", "column": "X", "value": "a9"}]},
        {"queries": [SLICE["query"]]},  # beside a query
    ],
)
def test_facts_that_do_not_fit_are_refused(changed):
    with pytest.raises(Malformed):
        slice_quote(SLICE | changed)


def test_work_is_bounded():
    values = [f"v{i}" for i in range(300)]
    wide = {
        "columns": {"X": values, "Y": values},
        "relations": {"S": {"columns": ["X", "Y"], "rows": []}},
        "prices": [{"relation": "S", "column": "X", "value": "v1", "price_minor": 1}],
    }
    with pytest.raises(TooMuchToPrice):
        slice_quote(wide | {"query": "Q(x) :- S(x,y)"})
    with pytest.raises(TooMuchToPrice):
        slice_quote(wide | {"query": "Q(count(x)) :- S(x,y)", "list_price_minor": 5})
