"""Segments that cancel out, against a brute-force search: no order, no honest neighbour, no window cuts."""

import random
import time
from collections import Counter
from fractions import Fraction
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supervision.segments import Sale, _sets, cancelling

CENT = Fraction(1, 100)


def sales(*trades):
    """`"AB10@3"`: A sells to B for 10 at 3; numbered in the order given."""
    return [
        Sale(int(t.split("@")[1]), f"t{n}", t[0], t[1], int(t.split("@")[0][2:]))
        for n, t in enumerate(trades)
    ]


def found(trades, within=7, tolerance=CENT):
    return [segment.trades for segment in cancelling(trades, within, tolerance)]


def test_an_honest_trade_in_front_hides_nothing():
    # the prefix scan of Victor and Weintraud (2021) flags none of the first, and both of the second
    assert found(sales("AB3@0", "AB10@1", "BA10@2")) == [("t1", "t2")]
    assert found(sales("AB10@0", "BA10@1", "AB3@2")) == [("t0", "t1")]


@pytest.mark.parametrize(("last", "is_one"), [(7, True), (8, False)])
def test_first_to_last_may_take_the_whole_time(last, is_one):
    assert bool(found(sales("AB10@0", f"BA10@{last}"))) is is_one


def test_what_is_left_over_may_be_a_hundredth_of_the_mean():
    assert found(sales("AB20100@0", "BA19900@1"))  # 200 of 20,000
    assert not found(sales("AB20101@0", "BA19900@1"))


def test_a_ring_of_three_in_any_order_and_strangers_beside_it():
    ring = sales("AB10@0", "CA10@1", "BC10@2", "XA7@1", "BY5@1")
    assert found(ring) == [("t0", "t1", "t2")]
    assert found(sales("AB10@0", "BC10@1", "CD10@2")) == []


def test_a_pair_within_a_larger_ring_is_seen_by_itself():
    assert found(sales("AB10@0", "BC4@1", "BA10@2", "CA3@3")) == [("t0", "t2")]


def test_segments_that_share_trades_are_one():
    assert found(sales("AB10@0", "BA10@5", "AB10@10", "BA10@15")) == [("t0", "t1", "t2", "t3")]


few = st.lists(
    st.tuples(
        st.integers(0, 9), st.sampled_from("ABC"), st.sampled_from("ABC"), st.sampled_from((10, 20, 30))
    ),
    max_size=8,
).map(lambda rows: [Sale(at, f"t{n}", a, b, amount) for n, (at, a, b, amount) in enumerate(rows)])


def brute_force(trades, within):
    """Trades of any segment that cancels out exactly, over every set of parties there is."""
    parties = sorted({party for sale in trades for party in (sale.seller, sale.buyer)})
    flagged = set()
    for size in (2, 3):
        for chosen in combinations(parties, size):
            among = sorted(s for s in trades if {s.seller, s.buyer} <= set(chosen) and s.seller != s.buyer)
            for i, j in combinations(range(len(among) + 1), 2):
                run = among[i:j]
                balance = dict.fromkeys(chosen, 0)
                for sale in run:
                    balance[sale.seller] += sale.amount
                    balance[sale.buyer] -= sale.amount
                if run and not any(balance.values()) and run[-1].at - run[0].at <= within:
                    flagged |= {sale.trade_id for sale in run}
    return flagged


@given(few)
@settings(max_examples=150, deadline=None)
def test_exactly_the_trades_of_some_segment_are_found(trades):
    assert {name for names in found(trades, 7, Fraction(0)) for name in names} == brute_force(trades, 7)


@given(few, st.randoms(use_true_random=False))
@settings(max_examples=80, deadline=None)
def test_neither_order_nor_company_changes_what_is_found(trades, randomness):
    shuffled = randomness.sample(trades, len(trades))
    assert found(shuffled) == found(trades)
    strangers = [Sale(s.at, f"{s.trade_id}'", s.seller.lower(), s.buyer.lower(), s.amount) for s in trades]
    apart = {*found(trades), *found(strangers)}
    assert set(found([*strangers, *trades])) == apart  # parted or together: the same


def by_every_end(trades, within, tolerance):
    """The definition word for word: of every set and every start, every end. Quadratic."""
    united = []
    edges = {}
    for sale in trades:
        edges.setdefault(sale.seller, {}).setdefault(sale.buyer, []).append(sale)
    for parties in _sets(edges):
        among = sorted(s for s in trades if {s.seller, s.buyer} <= parties)
        for i, j in combinations(range(len(among) + 1), 2):
            run = among[i:j]
            if j - i < 2 or run[-1].at - run[0].at > within:
                continue
            balance = Counter()
            for sale in run:
                balance[sale.seller] += sale.amount
                balance[sale.buyer] -= sale.amount
            if max(map(abs, balance.values())) * len(run) <= tolerance * sum(s.amount for s in run):
                united.append({s.trade_id for s in run})
    parts = []
    for trades_of_one in united:
        touching = [part for part in parts if part & trades_of_one]
        parts = [part for part in parts if not part & trades_of_one]
        parts.append(trades_of_one.union(*touching))
    return sorted(tuple(sorted(part)) for part in parts)


@pytest.mark.parametrize("seed", range(12))
def test_a_busy_pair_gives_what_every_end_of_every_start_would(seed):
    chance = random.Random(seed)
    tolerance = chance.choice((Fraction(0), CENT, Fraction(1, 10)))
    amounts = chance.choice(((10, 20, 30), range(900, 1100), (1, 10**6, 10**6 + 7)))
    trades = [
        Sale(
            chance.randrange(90), f"t{n:02}", *chance.sample("ABC"[: 2 + seed % 2], 2), chance.choice(amounts)
        )
        for n in range(70)
    ]
    assert sorted(found(trades, 60, tolerance)) == by_every_end(trades, 60, tolerance)


def test_a_pair_that_trades_a_hundred_times_a_day_is_looked_at_in_time():
    chance = random.Random(2)
    began = time.process_time()
    trades = [
        Sale(n, f"t{n:05}", *chance.choice(("AB", "BA")), chance.randrange(10**4, 10**6))
        for n in range(5_000)
    ]
    assert found(trades, 8_000)
    assert time.process_time() - began < 3  # every end of every start: minutes
