"""M11: a split sums to the fen, treats equals alike, and pays nobody for copies."""

from fractions import Fraction
from itertools import chain, combinations, permutations
from math import factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from base.errors import Malformed
from base.money import allot
from pricing.coalitions import exact_values
from pricing.composite import composite_quote
from pricing.errors import CompositeCyclic, NothingToShare, SharesDoNotSum, TooMuchToPrice
from pricing.shapley import shapley_quote
from tests.pricing.facts import COMPOSITE, SHAPLEY

NAMES = "abcd"


def coalitions(players):
    return chain.from_iterable(combinations(players, size) for size in range(len(players) + 1))


def split(players, worth, **more):
    told = {",".join(some): worth[frozenset(some)] for some in coalitions(players)}
    return shapley_quote({"players": list(players), "worth_minor": told, **more}).results


def by_orders(players, worth):
    """The definition: the mean gain over all orders of arrival."""
    gains = dict.fromkeys(players, 0)
    for order in permutations(players):
        for i, name in enumerate(order):
            gains[name] += worth[frozenset(order[: i + 1])] - worth[frozenset(order[:i])]
    return {name: Fraction(gain, factorial(len(players))) for name, gain in gains.items()}


@st.composite
def games(draw, players=NAMES, least=-1000):
    worth = {frozenset(some): draw(st.integers(least, 1000)) for some in coalitions(players)}
    worth[frozenset()] = 0
    return worth


@st.composite
def growing_games(draw, players="abc"):
    """More players are never worth less."""
    worth = {frozenset(): 0}
    for some in list(coalitions(players))[1:]:
        below = max(worth[frozenset(some) - {name}] for name in some)
        worth[frozenset(some)] = below + draw(st.integers(0, 30))
    return worth


def near(told, exact):
    return abs(Fraction(told) - exact) <= Fraction(1, 2 * 10**12)


def test_the_example_of_the_command():
    results = shapley_quote(SHAPLEY).results
    assert results["values"] == {"a": "20", "b": "30"}
    assert results["payouts_minor"] == {"a": 20, "b": 30}


def test_the_gloves_and_the_airport():
    """Two published games: one left and two right gloves (1/6, 1/6, 4/6); Littlechild and Owen's runway."""
    worth = {frozenset(s): 60 * ("c" in s and len(s) > 1) for s in coalitions("abc")}
    assert split("abc", worth)["values"] == {"a": "10", "b": "10", "c": "40"}
    costs = {"a": 8, "b": 11, "c": 13, "d": 18}
    worth = {frozenset(s): max((costs[name] for name in s), default=0) for s in coalitions("abcd")}
    assert split("abcd", worth)["values"] == {"a": "2", "b": "3", "c": "4", "d": "9"}


@settings(deadline=None, max_examples=30)
@given(worth=games())
def test_the_values_are_the_definition_and_sum_to_what_all_gain(worth):
    worth[frozenset(NAMES)] = 5000
    results = split(NAMES, worth)
    exact = by_orders(NAMES, worth)
    assert sum(exact.values()) == 5000
    assert all(near(results["values"][name], exact[name]) for name in NAMES)
    cleared = [max(exact[name], Fraction(0)) for name in NAMES]
    paid = results["payouts_minor"]
    assert sum(paid.values()) == 5000
    assert list(paid.values()) == allot(5000, [int(value * 24) for value in cleared])


@settings(deadline=None, max_examples=40)
@given(worth=games(), other=games())
def test_additivity_symmetry_and_the_dummy(worth, other):
    one, two = (exact(game) for game in (worth, other))
    both = exact({some: worth[some] + other[some] for some in worth})
    assert both == [a + b for a, b in zip(one, two, strict=True)]
    turn = {"a": "b", "b": "a"}
    swapped = {some: worth[frozenset(turn.get(n, n) for n in some)] for some in worth}
    assert exact(swapped) == [one[1], one[0], *one[2:]]
    without = {some: worth[some - {"d"}] for some in worth}
    assert exact(without)[3] == 0
    assert [7 * value for value in one] == exact({some: 7 * worth[some] for some in worth})


def exact(worth):
    table = np.zeros(16, dtype=np.int64)
    for some, value in worth.items():
        table[sum(1 << NAMES.index(name) for name in some)] = value
    return exact_values(table, 4)


@pytest.mark.parametrize("players", [6, 11, 16])
def test_larger_tables_are_exact_at_the_limit_of_worths(players):
    worths = np.random.default_rng(players).integers(-(10**13), 10**13, 1 << players, endpoint=True)
    values = exact_values(worths, players)
    assert sum(values) == int(worths[-1]) - int(worths[0])
    index = np.arange(1 << players)
    sizes = np.bitwise_count(index)
    for player in (0, players // 2, players - 1):
        without = index[(index >> player & 1) == 0]
        gained = worths[without | 1 << player] - worths[without]
        by_size = [int(gained[sizes[without] == size].sum()) for size in range(players)]
        assert values[player] == sum(
            Fraction(factorial(size) * factorial(players - size - 1), factorial(players)) * gain
            for size, gain in enumerate(by_size)
        )


@settings(deadline=None, max_examples=30)
@given(worth=growing_games(), copies=st.integers(1, 2))
def test_copies_of_oneself_never_raise_what_one_gets(worth, copies):
    worth[frozenset("abc")] += 1
    alone = split("abc", worth)
    players = ["a", *(f"a{i}" for i in range(copies)), "b", "c"]
    copied = {frozenset(some): worth[frozenset(name[0] for name in some)] for some in coalitions(players)}
    similar = [
        [int(i == j or (p[0] == q[0] == "a")) for j, q in enumerate(players)] for i, p in enumerate(players)
    ]
    together = split(players, copied, similarity=similar)
    paid = together["payouts_minor"]
    assert sum(paid.values()) == worth[frozenset("abc")]
    assert sum(paid[name] for name in players if name[0] == "a") <= alone["payouts_minor"]["a"]
    told = sum(Fraction(together["values"][name]) for name in players if name[0] == "a")
    assert told <= Fraction(alone["values"]["a"]) + Fraction(1, 10**11)


def test_scaling_alone_would_pay_for_a_copy():
    """`a` alone is worth all, and so are three of the others: without the bound a copy would gain."""
    others = "bcdef"
    worth = {frozenset(some): 6000 * ("a" in some or len(some) > 2) for some in coalitions("a" + others)}
    alone = split("a" + others, worth)["payouts_minor"]["a"]
    players = ["a", "A", *others]
    copied = {
        frozenset(some): worth[frozenset(name.lower() for name in some)] for some in coalitions(players)
    }
    similar = [[int(i == j or {i, j} == {0, 1}) for j in range(7)] for i in range(7)]
    paid = split(players, copied, similarity=similar)["payouts_minor"]
    assert paid["a"] + paid["A"] == alone == 3000
    assert sum(paid.values()) == 6000


def test_partial_likeness_halves_at_one_and_is_exact_between():
    worth = {frozenset(some): 100 * len(some) for some in coalitions("ab")}
    results = split("ab", worth, similarity=[[1, "0.5"], ["0.5", 1]])
    assert results["values"] == {"a": "70.710678118655", "b": "70.710678118655"}
    assert results["shapley"] == {"a": "100", "b": "100"}


NAMED = [f"s{i:02}" for i in range(30)]
CURVE = [
    {"amount": 0, "worth_minor": 0},
    {"amount": 100, "worth_minor": 7000},
    {"amount": 500, "worth_minor": 9001},
]


def drawn(names=NAMED, **more):
    amounts = {name: 1 + 2 * int(name[1:]) for name in names}
    facts = {"players": names, "amounts": amounts, "curve": CURVE, "seed": "00ff", "permutations": 200}
    return shapley_quote({**facts, **more})


def test_beyond_twenty_players_drawn_orders_telescope_and_forget_the_order_of_players():
    results = drawn().results
    assert sum(Fraction(value) for value in results["values"].values()) == 9001
    assert sum(results["payouts_minor"].values()) == 9001
    turned = drawn(NAMED[::-1]).results
    assert {name: turned["values"][name] for name in NAMED} == results["values"]
    assert drawn(seed="00fe").results["values"] != results["values"]


def test_drawn_values_come_near_the_exact_ones():
    """With data that is worth the same a row, what a source adds is its rows; the curve bends it a little."""
    straight = [{"amount": 1000, "worth_minor": 100_000}]
    assert drawn(curve=straight).results["values"] == {n: str(100 + 200 * int(n[1:])) for n in NAMED}
    few = NAMED[10:20]
    amounts = {name: 1 + 2 * int(name[1:]) for name in few}
    exactly = shapley_quote({"players": few, "amounts": amounts, "curve": CURVE}).results["shapley"]
    many = [*few, *(f"x{i:02}" for i in range(11))]  # eleven who bring nothing
    zero = amounts | dict.fromkeys(many[10:], 0)
    sampled = drawn(many, amounts=zero, permutations=2000).results["values"]
    assert {sampled[name] for name in many[10:]} == {"0"}
    assert all(abs(float(sampled[n]) - float(exactly[n])) < 0.05 * float(exactly[n]) for n in few)


def test_twenty_players_on_a_curve_are_exact():
    names = NAMED[:20]
    facts = {
        "players": names,
        "amounts": dict.fromkeys(names, 10),
        "curve": [{"amount": 200, "worth_minor": 999}],
    }
    results = shapley_quote(facts).results
    assert set(results["values"].values()) == {"49.95"}
    assert sorted(results["payouts_minor"].values()) == [49, *[50] * 19]


def test_what_earns_less_together_or_nothing_is_refused():
    with pytest.raises(NothingToShare):
        shapley_quote({"players": ["a"], "worth_minor": {"": 5, "a": 1}})
    with pytest.raises(NothingToShare):
        shapley_quote({"players": ["a"], "worth_minor": {"": 0, "a": 0}, "revenue_minor": 5})


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"players": []}, Malformed),
        ({"players": ["a", "a"]}, Malformed),
        ({"players": ["a,b", "c"]}, Malformed),
        ({"players": [f"p{i}" for i in range(21)]}, TooMuchToPrice),
        ({"worth_minor": {"": 0, "a": 1, "b": 2}}, Malformed),
        ({"worth_minor": {"": 0, "a": 1, "b": 2, "b,a": 3}}, Malformed),
        ({"worth_minor": {"": 0, "a": 1, "b": 2, "a,c": 3}}, Malformed),
        ({"worth_minor": {"": 0, "a": 1, "b": 2, "a,b": 10**14}}, Malformed),
        ({"worth_minor": {"": 0, "a": 1, "b": 2, "a,b": "3"}}, Malformed),
        ({"similarity": [[1]]}, Malformed),
        ({"similarity": [[1, "0.2"], ["0.3", 1]]}, Malformed),
        ({"similarity": [[1, 2], [2, 1]]}, Malformed),
        ({"seed": "00"}, Malformed),
    ],
)
def test_a_game_that_is_none_is_refused(changed, error):
    with pytest.raises(error):
        shapley_quote({**SHAPLEY, **changed})


def test_drawing_is_bounded_and_needs_a_seed():
    with pytest.raises(TooMuchToPrice):
        drawn(permutations=10**6)
    with pytest.raises(Malformed):
        drawn(seed="zz")
    with pytest.raises(Malformed):
        drawn(curve=[{"amount": 5, "worth_minor": 1}, {"amount": 5, "worth_minor": 2}])


def test_contract_shares_reach_the_sources_through_products():
    results = composite_quote(COMPOSITE).results
    assert results["shares"] == {"a": "13333/20000", "b": "6667/20000"}
    assert results["payouts_minor"] == {"a": 67, "b": 33}


@settings(deadline=None, max_examples=30)
@given(data=st.data(), revenue=st.integers(0, 10**15))
def test_contract_shares_always_sum_to_the_revenue(data, revenue):
    composition = {}
    for at, name in enumerate("PQR"):
        parts = data.draw(
            st.lists(st.sampled_from("PQR"[at + 1 :] + "abc"), min_size=1, max_size=4, unique=True)
        )
        weights = [data.draw(st.integers(1, 9)) for _ in parts]
        shares = allot(10_000, weights)
        composition[name] = dict(zip(parts, shares, strict=True))
    facts = {"revenue_minor": revenue, "product": "P", "composition": composition}
    results = composite_quote(facts).results
    assert sum(results["payouts_minor"].values()) == revenue
    assert sum(map(Fraction, results["shares"].values())) == 1


@pytest.mark.parametrize(
    ("composition", "error"),
    [
        ({"P": {"Q": 10_000}, "Q": {"P": 10_000}}, CompositeCyclic),
        ({"P": {"P": 10_000}}, CompositeCyclic),
        ({"P": {"a": 5_000, "b": 4_999}}, SharesDoNotSum),
        ({"P": {"a": 5_000, "b": 5_001}}, SharesDoNotSum),
        ({"P": {"a": 10_001, "b": -1}}, Malformed),
        ({"P": {}}, Malformed),
        ({"Q": {"a": 10_000}}, Malformed),
        ({"P": {f"s{i}": 1 for i in range(10_000)}}, TooMuchToPrice),
        ({f"P{i}" if i else "P": {f"P{i + 1}": 10_000} for i in range(80)}, TooMuchToPrice),
    ],
)
def test_a_composition_that_is_none_is_refused(composition, error):
    with pytest.raises(error):
        composite_quote({**COMPOSITE, "composition": composition})
