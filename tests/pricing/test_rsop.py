"""M7: truthful in every split, never above a bid, exact in expectation, and within 4.68 of the best price."""

from fractions import Fraction
from hashlib import sha256
from itertools import product

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from base.errors import Malformed
from pricing.beacon import CHAINS
from pricing.bids import commitment_of
from pricing.errors import AuctionOneSided, BeaconBeforeClose, BeaconMalformed, BidsMalformed
from pricing.rsop import best_price, rsop_quote, side_of

GRID = range(5)
PRICES = st.lists(st.integers(0, 30), min_size=1, max_size=7)
SEEDS = st.binary(min_size=1, max_size=32).map(bytes.hex)
# https://hackmd.io/@nikkolasg/HJ9lg5ZTE (drand user guide): round 1969 as the network printed it.
DRAND = {
    "signature": "8019f77e6e3ef94a477d9dd0f9ca169e1fca917f3a6412eef581f855bc72c711c155fe0b6c2dc6ae005b"
    "aa00a04ece3f1845955d408442a84a7a91a48327ff5ddb5d95d0363a79da27a929e4e05d22c3314c69435c6049da824335461437a01b",
    "randomness": "2b8a2db9fd29462991e3cc7b664eab2832a0b102d85ab70dc987c35d1d008862",
}
DEFAULT, QUICKNET = CHAINS


def bids(prices):
    return [{"bidder": f"b{number}", "price_minor": price} for number, price in enumerate(prices)]


def drawn(prices, seed="00ff"):
    return rsop_quote({"bids": bids(prices), "seed": seed}).results


def expected(prices):
    return Fraction(rsop_quote({"bids": bids(prices), "expectation": True}).results["expected_revenue"])


def revenue_of_split(prices, sides):
    """The oracle: every price that was bid is tried, from the highest."""
    total = 0
    for side in (0, 1):
        own = [price for price, of in zip(prices, sides, strict=True) if of == side]
        other = [price for price, of in zip(prices, sides, strict=True) if of != side]
        earning = {price: price * sum(bid >= price for bid in other) for price in other}
        price = max((p for p in earning if earning[p] == max(earning.values())), default=0)
        if price:
            total += price * sum(bid >= price for bid in own)
    return total


def best_of_two(prices):
    """F⁽²⁾: the most that a single price earns which at least two accept."""
    falling = sorted(prices, reverse=True)
    return max((count * price for count, price in enumerate(falling, 1) if count > 1), default=0)


def two_sided(prices, seed):
    return len({side_of(seed, f"b{number}") for number in range(len(prices))}) > 1


def seed_for(wanted):
    """A seed that puts bidder n on the wanted side: the coins are fair, so one comes soon."""
    return next(
        seed
        for seed in (f"{number:08x}" for number in range(10_000))
        if all(side_of(seed, f"b{number}") == side for number, side in enumerate(wanted))
    )


def test_two_bidders_pay_the_lower_bid_when_they_are_on_unlike_sides():
    outcome = drawn([5, 9], seed_for("AB"))
    assert outcome["prices_minor"] == {"A": 9, "B": 5}
    assert outcome["payments_minor"] == {"b1": 5}
    assert outcome["revenue_minor"] == 5
    assert expected([5, 9]) == Fraction(5, 2)


@settings(deadline=None, max_examples=60)
@given(prices=PRICES, seed=SEEDS)
def test_with_an_empty_side_there_is_no_quote_and_else_there_is(prices, seed):
    sides = {side_of(seed, f"b{number}") for number in range(len(prices))}
    if sides == {"A", "B"}:
        drawn(prices, seed)
        return
    with pytest.raises(AuctionOneSided):
        drawn(prices, seed)


def test_bids_that_were_not_opened_leave_a_side_empty():
    """Who committed and did not reveal stands on no side: nothing of it can be learnt."""
    sealed = [
        bid | {"commitment": commitment_of(bid["bidder"], bid["price_minor"], "00" * 32)}
        for bid in bids([5, 9])
    ]
    with pytest.raises(AuctionOneSided):
        rsop_quote({"bids": [sealed[0] | {"nonce": "00" * 32}, sealed[1]], "seed": seed_for("AB")})


def test_a_side_that_bids_nothing_has_no_price_and_the_other_no_sale():
    quote = rsop_quote({"bids": bids([0, 9]), "seed": seed_for("AB")})
    assert quote.results["prices_minor"] == {"A": 9, "B": None}
    assert quote.results["winners"] == []
    assert quote.reasons[-1].code == "side-bids-nothing"
    assert drawn([0, 0, 0], seed_for("AAB"))["prices_minor"] == {"A": None, "B": None}


def test_of_two_prices_that_earn_the_same_the_higher_is_offered():
    assert best_price([10, 5]) == 10
    assert best_price([10, 6, 6]) == 6
    assert best_price([]) is None
    assert drawn([10, 5, 7], seed_for("AAB"))["prices_minor"] == {"A": 7, "B": 10}


def test_the_mean_is_exact_over_every_split():
    assert expected([10, 10]) == 10  # half of the splits sell both, half sell nothing
    assert expected([1, 1, 1]) == Fraction(3 * 6, 8)
    equal = rsop_quote({"bids": bids([3] * 16), "expectation": True}).results
    assert equal == {"expected_revenue": "47.99853515625", "splits": "65536", "withdrawn": []}  # 48 − 96/2¹⁶


@settings(deadline=None, max_examples=60)
@given(prices=PRICES)
def test_the_mean_is_that_of_all_splits_by_brute_force(prices):
    splits = list(product((0, 1), repeat=len(prices)))
    assert expected(prices) == Fraction(sum(revenue_of_split(prices, sides) for sides in splits), len(splits))


@settings(deadline=None, max_examples=80)
@given(prices=st.lists(st.integers(0, 1_000), min_size=2, max_size=11))
def test_the_mean_is_within_4_68_of_the_best_price_for_two_or_more(prices):
    assert expected(prices) * Fraction(468, 100) >= best_of_two(prices)


@pytest.mark.parametrize("number", range(2, 17))
def test_the_mean_is_within_4_68_where_any_price_earns_the_same(number):
    """The hardest known input: bids H, H/2, H/3 …, where every price earns H."""
    prices = [720_720 // count for count in range(1, number + 1)]
    assert expected(prices) * Fraction(468, 100) >= best_of_two(prices)


def test_on_a_grid_no_bid_beats_the_true_value_in_any_split():
    for sides in ("AAB", "ABA", "ABB", "BAA"):
        seed = seed_for(sides)
        for others in product(GRID, repeat=2):
            outcomes = {bid: drawn([bid, *others], seed) for bid in GRID}
            for value in GRID:
                gains = {
                    bid: value - outcome["payments_minor"]["b0"] if "b0" in outcome["winners"] else 0
                    for bid, outcome in outcomes.items()
                }
                assert gains[value] == max(gains.values()) >= 0


@settings(deadline=None, max_examples=100)
@given(prices=PRICES, seed=SEEDS, mine=st.integers(0, 60))
def test_a_draw_is_that_of_its_split_and_the_own_bid_moves_neither_side_nor_price(prices, seed, mine):
    assume(two_sided(prices, seed))
    quote = rsop_quote({"bids": bids(prices), "seed": seed})
    outcome = quote.results
    assert quote.seed == seed
    sides = ["AB".index(outcome["sides"][f"b{number}"]) for number in range(len(prices))]
    assert outcome["revenue_minor"] == sum(outcome["payments_minor"].values())
    assert outcome["revenue_minor"] == revenue_of_split(prices, sides)
    for name, paid in outcome["payments_minor"].items():
        assert 0 < paid <= prices[int(name[1:])]
    side = outcome["sides"]["b0"]
    other = drawn([mine, *prices[1:]], seed)
    assert other["sides"] == outcome["sides"]
    assert other["prices_minor"][side] == outcome["prices_minor"][side]


@settings(deadline=None, max_examples=40)
@given(prices=PRICES, data=st.data())
def test_the_order_of_bids_decides_nothing(prices, data):
    assume(two_sided(prices, "abcd"))
    told = bids(prices)
    turned = data.draw(st.permutations(told))
    one, other = (rsop_quote({"bids": some, "seed": "abcd"}).results for some in (told, turned))
    assert one["payments_minor"] == other["payments_minor"]
    assert one["winners"] == other["winners"]


def test_the_coins_are_fair():
    heads = sum(side_of("00ff", f"bidder {number}") == "A" for number in range(4_000))
    assert 1_850 < heads < 2_150  # within five standard deviations


def beacon(chain=QUICKNET, number=1_000, **changes):
    signature = "ab" * CHAINS[chain].signature_bytes
    return {
        "chain": chain,
        "round": number,
        "signature": signature,
        "randomness": sha256(bytes.fromhex(signature)).hexdigest(),
    } | changes


def test_a_round_that_was_due_after_the_close_is_the_seed():
    facts = {"bids": bids([5, 9]), "beacon": beacon(), "closes_at": "2023-08-23T15:58:23Z"}
    quote = rsop_quote(facts)  # round 1000 of quicknet is 2,997 s after 2023-08-23T15:09:27Z
    assert quote.seed == facts["beacon"]["randomness"]
    assert quote.results == drawn([5, 9], quote.seed)
    with pytest.raises(BeaconBeforeClose) as refused:
        rsop_quote(facts | {"closes_at": "2023-08-23T15:59:24Z"})
    assert refused.value.facts["due_at"] == "2023-08-23T15:59:24.000Z"


def test_the_form_of_a_round_is_the_networks():
    """Its randomness is the SHA-256 of its signature, as drand's own guide prints them."""
    assert sha256(bytes.fromhex(DRAND["signature"])).hexdigest() == DRAND["randomness"]
    facts = {"bids": bids([5, 9]), "closes_at": "2020-07-22T15:00:00Z"}
    assert rsop_quote(facts | {"beacon": beacon(DEFAULT, 1_969, **DRAND)}).seed == DRAND["randomness"]


@pytest.mark.parametrize(
    "changed",
    [
        {"randomness": "00" * 32},
        {"chain": "00" * 32},
        {"chain": DEFAULT},
        {"signature": "AB" * 48},
        {"round": 10**14},
    ],
)
def test_what_is_no_round_is_no_seed(changed):
    with pytest.raises(BeaconMalformed):
        rsop_quote({"bids": bids([5, 9]), "beacon": beacon() | changed, "closes_at": "2023-08-23T00:00:00Z"})


@pytest.mark.parametrize(
    ("facts", "error"),
    [
        ({"bids": [], "seed": "00"}, BidsMalformed),
        ({"bids": bids([1]) * 2, "seed": "00"}, BidsMalformed),
        ({"bids": bids([1] * 17), "expectation": True}, BidsMalformed),
        ({"bids": bids([1])}, Malformed),
        ({"bids": bids([1]), "seed": ""}, Malformed),
        ({"bids": bids([1]), "seed": "0g"}, Malformed),
        ({"bids": bids([1]), "seed": 7}, Malformed),
        ({"bids": bids([1]), "seed": "00", "expectation": True}, Malformed),
        ({"bids": bids([1]), "expectation": "yes"}, Malformed),
        ({"bids": bids([1]), "beacon": beacon()}, Malformed),
    ],
)
def test_wrong_auctions_give_no_quote(facts, error):
    with pytest.raises(error) as refused:
        rsop_quote(facts)
    assert type(refused.value) is error


@settings(deadline=None, max_examples=40)
@given(prices=PRICES, times=st.integers(1, 50))
def test_in_another_unit_of_money_everything_is_so_many_times_as_large(prices, times):
    assume(any(prices))
    assert expected([price * times for price in prices]) == expected(prices) * times
