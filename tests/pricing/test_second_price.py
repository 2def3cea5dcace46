"""M6: bidding one's value is best whatever the others bid; what is not opened moves nothing."""

from hashlib import sha256
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from base.errors import Malformed
from pricing.bids import commitment_of
from pricing.errors import BidsMalformed, PriceOutOfBounds
from pricing.second_price import second_price_quote

GRID = range(5)
PRICES = st.lists(st.integers(0, 12), min_size=1, max_size=7)
NONCE = "5a" * 32


def open_bids(prices):
    return [{"bidder": f"b{number}", "price_minor": price} for number, price in enumerate(prices)]


def run(bids, *, units=1, reserve=0, **more):
    return second_price_quote({"units": units, "reserve_minor": reserve, "bids": bids, **more}).results


def sealed(bidder, price, nonce=NONCE, **changes):
    bid = {
        "bidder": bidder,
        "price_minor": price,
        "nonce": nonce,
        "commitment": commitment_of(bidder, price, nonce),
    }
    return bid | changes


def gain(outcome, bidder, value):
    return value - outcome["payments_minor"][bidder] if bidder in outcome["winners"] else 0


def test_the_second_highest_bid_is_the_price():
    """Vickrey's auction as every textbook has it: 10, 8 and 5 for one unit; the highest pays 8."""
    outcome = run(open_bids([5, 10, 8]))
    assert outcome["winners"] == ["b1"]
    assert outcome["payments_minor"] == {"b1": 8}
    assert outcome["revenue_minor"] == 8


def test_two_units_go_at_the_third_bid_and_a_reserve_above_it_decides():
    assert run(open_bids([5, 10, 8]), units=2)["payments_minor"] == {"b1": 5, "b2": 5}
    assert run(open_bids([5, 10, 8]), units=2, reserve=7)["payments_minor"] == {"b1": 7, "b2": 7}
    assert run(open_bids([5, 10, 8]), units=9, reserve=7)["payments_minor"] == {"b1": 7, "b2": 7}
    nobody = run(open_bids([5]), reserve=6)
    assert (nobody["winners"], nobody["price_minor"], nobody["revenue_minor"]) == ([], None, 0)


@pytest.mark.parametrize("units", [1, 2])
@pytest.mark.parametrize("reserve", [0, 2])
def test_on_a_grid_no_bid_beats_the_true_value_for_any_fixed_others(units, reserve):
    for others in product(GRID, repeat=2):
        for value in GRID:
            outcomes = {bid: run(open_bids([bid, *others]), units=units, reserve=reserve) for bid in GRID}
            gains = {bid: gain(outcome, "b0", value) for bid, outcome in outcomes.items()}
            assert gains[value] == max(gains.values()) >= 0


@settings(deadline=None, max_examples=100)
@given(prices=PRICES, units=st.integers(1, 4), reserve=st.integers(0, 8))
def test_winners_are_the_highest_pay_no_more_than_they_bid_and_the_price_is_not_theirs(
    prices, units, reserve
):
    outcome = run(open_bids(prices), units=units, reserve=reserve)
    bid_of = {f"b{number}": price for number, price in enumerate(prices)}
    won = [bid_of[name] for name in outcome["winners"]]
    assert won == sorted((p for p in prices if p >= reserve), reverse=True)[:units]
    beaten = sorted(prices, reverse=True)[units : units + 1]
    assert set(outcome["payments_minor"].values()) <= {max([reserve, *beaten])}
    assert outcome["revenue_minor"] == sum(outcome["payments_minor"].values())
    for name, paid in outcome["payments_minor"].items():
        assert reserve <= paid <= bid_of[name]
        higher = [(p + 5 if f"b{n}" == name else p) for n, p in enumerate(prices)]
        assert run(open_bids(higher), units=units, reserve=reserve)["payments_minor"][name] == paid


@settings(deadline=None, max_examples=60)
@given(prices=PRICES, units=st.integers(1, 4), data=st.data())
def test_the_order_of_bids_decides_nothing_not_even_between_equals(prices, units, data):
    bids = [sealed(f"b{number}", price) for number, price in enumerate(prices)]
    turned = data.draw(st.permutations(bids))
    outcome = run(bids, units=units)
    again = run(turned, units=units)
    assert again["winners"] == outcome["winners"]
    assert again["payments_minor"] == outcome["payments_minor"]


def test_equal_bids_stand_in_the_order_of_their_commitments():
    bids = sorted((sealed(name, 7) for name in "abcdef"), key=lambda bid: bid["commitment"])
    assert run(bids, units=3)["winners"] == [bid["bidder"] for bid in bids[:3]]


@settings(deadline=None, max_examples=60)
@given(prices=PRICES, silent=st.integers(0, 20), units=st.integers(1, 3))
def test_a_commitment_that_is_not_opened_moves_no_price_and_loses_its_deposit(prices, silent, units):
    bids = [sealed(f"b{number}", price) for number, price in enumerate(prices)]
    kept = sealed("silent", silent)
    unopened = {"bidder": "silent", "commitment": kept["commitment"]}
    other_price = kept | {"price_minor": silent + 1}
    for withdrawn in (unopened, other_price, kept | {"nonce": "00" * 32}):
        outcome = run([*bids, withdrawn], units=units, deposit_minor=50)
        assert outcome["withdrawn"] == ["silent"]
        assert outcome["forfeited_minor"] == {"silent": 50}
        without = run(bids, units=units)
        assert {name: outcome[name] for name in ("winners", "payments_minor")} == {
            name: without[name] for name in ("winners", "payments_minor")
        }


def test_a_copied_commitment_cannot_be_opened_by_another():
    mine = sealed("a", 9)
    copied = mine | {"bidder": "b"}
    outcome = run([mine, copied])
    assert outcome["winners"] == ["a"]
    assert outcome["withdrawn"] == ["b"]


def test_a_commitment_is_a_hash_that_anyone_can_make():
    opened = f'{{"bidder":"a","nonce":"{NONCE}","price_minor":9}}'
    digest = sha256(b"databourse sealed bid v1\n" + opened.encode()).hexdigest()
    assert commitment_of("a", 9, NONCE) == digest


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"bids": []}, BidsMalformed),
        ({"bids": [*open_bids([1]), *open_bids([2])]}, BidsMalformed),
        ({"bids": [*open_bids([1]), sealed("s", 2)]}, BidsMalformed),
        ({"bids": [sealed("s", 2), *open_bids([1])]}, BidsMalformed),
        ({"bids": [{"bidder": "甲", "price_minor": 1}]}, BidsMalformed),
        ({"bids": open_bids([-1])}, Malformed),
        ({"bids": open_bids([10**13 + 1])}, PriceOutOfBounds),
        ({"bids": open_bids([10**16])}, Malformed),
        ({"bids": open_bids([10**13] * 2), "units": 2, "reserve_minor": 10**13}, PriceOutOfBounds),
        ({"bids": [sealed("s", 2, commitment="AB" * 32)]}, Malformed),
        ({"bids": [sealed("s", 2) | {"nonce": "x"}]}, Malformed),
        ({"units": 0}, Malformed),
        ({"units": -1}, Malformed),
        ({"reserve_minor": -1}, Malformed),
        ({"bids": [{"bidder": "a", "price_minor": 1, "credit": 3}]}, Malformed),
    ],
)
def test_wrong_bids_give_no_quote(changed, error):
    with pytest.raises(error) as refused:
        second_price_quote({"units": 1, "reserve_minor": 0, "bids": open_bids([1]), **changed})
    assert type(refused.value) is error
