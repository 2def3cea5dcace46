"""A settled price is split to the fen, and the payments sum to it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from base.errors import Malformed
from brokers.errors import CommissionAboveCap
from market.settlement.plan import PLATFORM_FEE_CAP_BP, Leg, Payee, Split, legs, split
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
