"""A settled price is split to the fen, and the payments sum to it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from base.errors import Malformed
from brokers.errors import CommissionAboveCap
from market.settlement.plan import (
    PLATFORM_FEE_CAP_BP,
    Divided,
    Leg,
    Payee,
    Split,
    divided,
    legs,
    owed_back,
    shares,
    split,
)
from pricing.errors import PriceOutOfBounds

PARTIES = {"seller_id": "org_seller", "broker_id": "org_broker", "operator_id": "org_exchange"}


def test_the_test_vector_of_the_rules():
    assert split(68_000_000, commission_bp=200, platform_bp=100) == Split(
        price_minor=68_000_000,
        net_minor=64_150_943,
        vat_minor=3_849_057,
        commission_minor=1_360_000,
        platform_fee_minor=680_000,
        seller_minor=65_960_000,
    )


def test_the_payments_of_the_test_vector():
    parts = split(68_000_000, 200, 100)
    assert legs(parts, **PARTIES) == (
        Leg(Payee.SELLER, "org_seller", 65_960_000),
        Leg(Payee.BROKER, "org_broker", 1_360_000),
        Leg(Payee.PLATFORM, "org_exchange", 680_000),
    )


def test_without_a_broker_two_are_paid():
    paid = legs(split(68_000_000), **{**PARTIES, "broker_id": None})
    assert [leg.payee for leg in paid] == [Payee.SELLER, Payee.PLATFORM]
    assert sum(leg.amount_minor for leg in paid) == 68_000_000


def test_a_commission_needs_somebody_to_receive_it():
    with pytest.raises(Malformed):
        legs(split(68_000_000, 200), **{**PARTIES, "broker_id": None})


@pytest.mark.parametrize(
    ("arguments", "refusal"),
    [
        ((0, 0, 0), PriceOutOfBounds),
        ((-1, 200, 100), Malformed),
        ((10**13 + 1, 200, 100), PriceOutOfBounds),
        ((100, 501, 100), CommissionAboveCap),
        ((100, -1, 100), Malformed),
        ((100, 200, PLATFORM_FEE_CAP_BP + 1), Malformed),
        ((100, 200, -1), Malformed),
        ((100, 200, 100, -1), Malformed),
    ],
)
def test_what_cannot_be_split_is_refused(arguments, refusal):
    with pytest.raises(refusal):
        split(*arguments)


@settings(deadline=None)
@given(
    price=st.integers(min_value=1, max_value=10**13),
    commission=st.integers(min_value=0, max_value=500),
    platform=st.integers(min_value=0, max_value=PLATFORM_FEE_CAP_BP),
    vat=st.integers(min_value=0, max_value=1300),
)
def test_no_fen_is_made_or_lost(price, commission, platform, vat):
    parts = split(price, commission, platform, vat)
    paid = legs(parts, **PARTIES)
    assert sum(leg.amount_minor for leg in paid) == price
    assert all(leg.amount_minor > 0 for leg in paid)
    assert parts.net_minor + parts.vat_minor == price
    # Tax is the rate on the net, to the nearest fen of the net.
    assert abs(parts.net_minor * (10_000 + vat) - price * 10_000) * 2 <= 10_000 + vat


@given(price=st.integers(min_value=1, max_value=10**9), rate=st.integers(min_value=0, max_value=499))
def test_a_higher_commission_never_leaves_the_seller_more(price, rate):
    assert split(price, rate + 1).seller_minor <= split(price, rate).seller_minor


WEIGHTS = st.dictionaries(st.sampled_from(list(Payee)), st.integers(0, 10**13), min_size=1).filter(
    lambda weights: sum(weights.values()) > 0
)


@given(total=st.integers(0, 10**13), weights=WEIGHTS, order=st.randoms(use_true_random=False))
@settings(deadline=None)
def test_shares_sum_are_within_a_fen_and_know_no_order(total, weights, order):
    found = shares(total, weights)
    assert sum(found.values()) == total
    whole = sum(weights.values())
    assert all(abs(found[payee] * whole - total * weight) < whole for payee, weight in weights.items())
    names = list(weights)
    order.shuffle(names)
    assert shares(total, {name: weights[name] for name in names}) == found


@given(price=st.integers(2, 10**13), data=st.data())
@settings(deadline=None)
def test_a_divided_price_sums_and_no_fee_grows(price, data):
    commission = data.draw(st.integers(0, price * 5 // 100))
    platform = data.draw(st.integers(0, price * 5 // 100))
    refund = data.draw(st.integers(1, price - 1))
    parts = divided(price, commission, platform, refund)
    assert parts.refund_minor == refund
    assert refund + parts.seller_minor + parts.commission_minor + parts.platform_fee_minor == price
    assert 0 <= parts.commission_minor <= commission
    assert 0 <= parts.platform_fee_minor <= platform
    assert parts.seller_minor >= 0


@given(released=WEIGHTS, data=st.data(), returning=st.frozensets(st.sampled_from(["BROKER", "PLATFORM"])))
@settings(deadline=None)
def test_what_is_owed_back_sums_to_the_refund_and_nobody_owes_more_than_its_fee(released, data, returning):
    released = {payee: minor for payee, minor in released.items() if payee is not Payee.BUYER} or {
        Payee.SELLER: 1
    }
    if not sum(released.values()):
        released[Payee.SELLER] = 1
    refund = data.draw(st.integers(1, sum(released.values())))
    owed = owed_back(released, refund, returning=frozenset(map(Payee, returning)))
    assert sum(owed.values()) == refund
    assert owed.keys() <= {Payee.SELLER, *map(Payee, returning)}
    assert all(minor > 0 for minor in owed.values())
    assert all(owed[payee] <= released.get(payee, 0) for payee in owed if payee is not Payee.SELLER)


def test_the_test_vector_divided_and_claimed_back():
    assert divided(68_000_000, 1_360_000, 680_000, 33_333_333) == Divided(
        33_333_333, 33_626_667, 693_333, 346_667
    )
    released = {Payee.SELLER: 65_960_000, Payee.BROKER: 1_360_000, Payee.PLATFORM: 680_000}
    assert owed_back(released, 68_000_000, returning=frozenset({Payee.BROKER, Payee.PLATFORM})) == released
    assert owed_back(released, 68_000_000, returning=frozenset()) == {Payee.SELLER: 68_000_000}


@pytest.mark.parametrize("refund", [0, -1, 68_000_001])
def test_no_refund_is_of_nothing_or_of_more_than_was_released(refund):
    with pytest.raises(Malformed):
        owed_back({Payee.SELLER: 68_000_000}, refund, returning=frozenset())
    with pytest.raises(Malformed):
        owed_back({Payee.SELLER: 5}, 5, returning=frozenset({Payee.SELLER}))
