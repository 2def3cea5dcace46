"""Time-respecting loops against a brute-force search, and what published detectors miss."""

import random
from itertools import permutations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supervision.loops import Leg, Limits, Loop, find_loops

WEEK = Limits(shortest=2, longest=5, within=7)


def legs(*trades):
    """`"ABx@3"`: A sells to B at 3; trades are numbered in the order given."""
    return [Leg(int(t.split("@")[1]), f"t{n}", t[0], t[1]) for n, t in enumerate(trades)]


def brute_force(trades, limits):
    """Every trade on any loop, by trying all sequences: (ring, trade ids) of each single run."""
    runs = set()
    for size in range(limits.shortest, limits.longest + 1):
        for run in permutations(trades, size):
            sellers = [leg.seller for leg in run]
            chained = all(run[i].buyer == run[(i + 1) % size].seller for i in range(size))
            ordered = all(run[i].at <= run[i + 1].at for i in range(size - 1))
            if chained and ordered and len(set(sellers)) == size and run[-1].at - run[0].at <= limits.within:
                first = sellers.index(min(sellers))
                runs.add((tuple(sellers[first:] + sellers[:first]), frozenset(leg.trade_id for leg in run)))
    return runs


def test_the_ring_of_three_is_found_in_selling_order():
    assert find_loops(legs("AB@0", "BC@1", "CA@2"), WEEK) == [Loop(("A", "B", "C"), ("t0", "t1", "t2"))]


def test_a_loop_against_time_is_no_loop():
    assert find_loops(legs("AB@2", "BC@1", "CA@0"), WEEK) == []


def test_trades_at_one_moment_may_close_a_loop():
    assert find_loops(legs("AB@1", "BC@1", "CA@1"), WEEK) == [Loop(("A", "B", "C"), ("t0", "t1", "t2"))]


@pytest.mark.parametrize(("last", "found"), [(7, 1), (8, 0)])
def test_first_to_last_may_take_the_whole_span_and_no_more(last, found):
    assert len(find_loops(legs("AB@0", f"BA@{last}"), WEEK)) == found


def test_a_later_sale_home_is_of_the_loop_only_within_the_span():
    assert find_loops(legs("AB@0", "BA@1", "BA@7", "BA@8"), WEEK) == [Loop(("A", "B"), ("t0", "t1", "t2"))]
    assert find_loops(legs("AB@0", "BC@1", "BC@6", "CA@5", "CA@8"), WEEK) == [
        Loop(("A", "B", "C"), ("t0", "t1", "t3"))
    ]


def test_five_parties_are_a_loop_and_six_are_not():
    ring = ["AB@0", "BC@1", "CD@2", "DE@3"]
    assert len(find_loops(legs(*ring, "EA@4"), WEEK)) == 1
    assert find_loops(legs(*ring, "EF@4", "FA@5"), WEEK) == []


def test_an_honest_trade_in_front_hides_nothing():
    # the prefix scan of Victor and Weintraud (2021) flags none of these
    assert find_loops(legs("AB@0", "AB@1", "BA@2"), WEEK) == [Loop(("A", "B"), ("t0", "t1", "t2"))]
    assert find_loops(legs("XA@0", "AB@1", "BA@2"), WEEK) == [Loop(("A", "B"), ("t1", "t2"))]


def test_a_ring_is_not_cut_by_any_window():
    for start in range(20):  # wherever a fixed week would begin
        shifted = [Leg(leg.at + start, leg.trade_id, leg.seller, leg.buyer) for leg in legs("AB@0", "BA@6")]
        assert len(find_loops(shifted, WEEK)) == 1


def test_the_same_ring_in_two_months_is_two_episodes():
    found = find_loops(legs("AB@0", "BA@1", "AB@50", "BA@51"), WEEK)
    assert [loop.trades for loop in found] == [("t0", "t1"), ("t2", "t3")]


def test_a_trade_with_oneself_is_no_loop_here():
    assert find_loops(legs("AA@0", "AA@1"), WEEK) == []


def test_a_star_of_honest_sales_has_no_loop():
    assert find_loops([Leg(n, f"t{n}", "seller", f"buyer{n}") for n in range(500)], WEEK) == []


trades_of_a_product = st.lists(
    st.tuples(st.integers(0, 12), st.sampled_from("ABCD"), st.sampled_from("ABCD")), max_size=7
).map(lambda rows: [Leg(at, f"t{n}", seller, buyer) for n, (at, seller, buyer) in enumerate(rows)])


@given(trades_of_a_product, st.sampled_from([WEEK, Limits(2, 3, 4), Limits(3, 5, 7)]))
@settings(max_examples=300, deadline=None)
def test_exactly_the_trades_on_some_loop_are_found(trades, limits):
    runs = brute_force(trades, limits)
    found = find_loops(trades, limits)
    expected = {(ring, trade) for ring, ids in runs for trade in ids}
    assert {(loop.ring, trade) for loop in found for trade in loop.trades} == expected
    # an episode is one: it holds every run it touches, and those of another episode touch none of its trades
    for ring, ids in runs:
        assert sum(loop.ring == ring and not ids.isdisjoint(loop.trades) for loop in found) == 1


@given(trades_of_a_product, st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_the_order_of_the_trades_does_not_matter(trades, randomness):
    shuffled = list(trades)
    randomness.shuffle(shuffled)
    assert find_loops(shuffled, WEEK) == find_loops(trades, WEEK)


def test_a_busy_pair_is_one_episode_and_quick():
    trades = [Leg(n, f"t{n:05}", *("AB" if n % 2 else "BA")) for n in range(4_000)]
    (loop,) = find_loops(trades, WEEK)
    assert len(loop.trades) == 4_000


def test_many_parties_trading_all_ways_are_searched_to_the_end():
    chance = random.Random(5)
    parties = "ABCDEFG"
    trades = [
        Leg(chance.randrange(30), f"t{n}", seller, buyer)
        for n, (seller, buyer) in enumerate(product(parties, parties))
        if seller != buyer
    ]
    assert {t for loop in find_loops(trades, WEEK) for t in loop.trades} == {
        t for _, ids in pairs_and_triples(trades) for t in ids
    } | {t for loop in find_loops(trades, Limits(4, 5, 7)) for t in loop.trades}


def pairs_and_triples(trades):
    return brute_force(trades, Limits(2, 2, 7)) | brute_force(trades, Limits(3, 3, 7))
