"""M5: alternating offers with expiry; only the latest can be accepted, within the sealed limits."""

import copy
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from base.clock import rfc3339
from base.errors import Malformed
from pricing.errors import (
    OfferExpired,
    OfferIsOwn,
    OfferNotLatest,
    OfferOutOfTurn,
    OfferTimesMalformed,
    PriceAboveCap,
    PriceOutOfBounds,
    PriceOutsideLimits,
)
from pricing.negotiated import Offer, Side, check_acceptance, check_limits, check_offer, negotiated_quote
from tests.pricing.facts import NEGOTIATION

START = datetime(2026, 11, 16, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def offer(number, side, price=100, *, made=0, lasts=2):
    return Offer(number, side, price, START + made * DAY, START + (made + lasts) * DAY)


def facts(**changes):
    return {**copy.deepcopy(NEGOTIATION), **changes}


def test_the_worked_negotiation_ends_at_its_third_offer():
    quote = negotiated_quote(NEGOTIATION)
    assert quote.mechanism == "M5"
    assert quote.total_minor == 68_000_000
    assert [reason.document() for reason in quote.reasons] == [
        {"code": "offers-made", "offers": 3},
        {
            "code": "latest-offer-accepted",
            "offer_no": 3,
            "offered_by": "PROVIDER",
            "price_minor": "68000000",
        },
    ]


@pytest.mark.parametrize("first", list(Side))
def test_either_side_may_begin_and_the_other_answers(first):
    opened = offer(1, first)
    check_offer([], opened)
    check_offer([opened], offer(2, first.other, made=1))


def test_nobody_answers_their_own_standing_offer():
    opened = offer(1, Side.PROVIDER, lasts=2)
    with pytest.raises(OfferOutOfTurn) as refused:
        check_offer([opened], offer(2, Side.PROVIDER, made=2))  # its last moment still counts
    assert refused.value.facts["side"] == "PROVIDER"


def test_an_expired_offer_is_renewed_by_its_own_side():
    check_offer([offer(1, Side.PROVIDER, lasts=2)], offer(2, Side.PROVIDER, made=3))


def test_an_expired_offer_may_still_be_answered_with_another():
    check_offer([offer(1, Side.PROVIDER, lasts=2)], offer(2, Side.BUYER, made=5))


@pytest.mark.parametrize("price", [0, -1, 10**13 + 1])
def test_an_offer_names_a_price_within_bounds(price):
    with pytest.raises(PriceOutOfBounds):
        check_offer([], offer(1, Side.BUYER, price))


@pytest.mark.parametrize(
    "second", [offer(2, Side.BUYER, made=1, lasts=0), offer(2, Side.BUYER, made=-1, lasts=5)]
)
def test_an_offer_ends_after_it_begins_and_follows_the_one_before(second):
    with pytest.raises(OfferTimesMalformed):
        check_offer([offer(1, Side.PROVIDER)], second)


def test_offers_are_numbered_without_a_gap():
    with pytest.raises(Malformed):
        check_offer([offer(1, Side.PROVIDER)], offer(3, Side.BUYER, made=1))


def test_an_offer_for_public_data_keeps_the_cap():
    check_offer([], offer(1, Side.PROVIDER, 100), cap_minor=100)
    with pytest.raises(PriceAboveCap):
        check_offer([], offer(1, Side.PROVIDER, 101), cap_minor=100)


def test_only_the_latest_offer_can_be_accepted():
    offers = [offer(1, Side.PROVIDER), offer(2, Side.BUYER, made=1)]
    assert check_acceptance(offers, number=2, side=Side.PROVIDER, at=START + DAY) is offers[1]
    for number in (0, 1, 3):
        with pytest.raises(OfferNotLatest):
            check_acceptance(offers, number=number, side=Side.PROVIDER, at=START + DAY)
    with pytest.raises(OfferNotLatest):
        check_acceptance([], number=1, side=Side.BUYER, at=START)


def test_nobody_accepts_their_own_offer():
    with pytest.raises(OfferIsOwn):
        check_acceptance([offer(1, Side.BUYER)], number=1, side=Side.BUYER, at=START)


def test_an_offer_can_be_accepted_at_its_last_moment_and_not_after():
    opened = offer(1, Side.PROVIDER, lasts=2)
    check_acceptance([opened], number=1, side=Side.BUYER, at=opened.expires_at)
    with pytest.raises(OfferExpired):
        check_acceptance(
            [opened], number=1, side=Side.BUYER, at=opened.expires_at + timedelta(milliseconds=1)
        )
    with pytest.raises(OfferTimesMalformed):
        check_acceptance([opened], number=1, side=Side.BUYER, at=START - DAY)


@pytest.mark.parametrize(
    ("limits", "side"),
    [({"floor_minor": 68_000_001}, "PROVIDER"), ({"ceiling_minor": 67_999_999}, "BUYER")],
)
def test_a_price_outside_a_sealed_limit_is_refused_without_saying_the_limit(limits, side):
    with pytest.raises(PriceOutsideLimits) as refused:
        negotiated_quote(facts(**limits))
    assert refused.value.facts == {"side": side}
    assert not any(char.isdigit() for char in refused.value.detail)


def test_the_limits_themselves_are_allowed_and_may_be_absent():
    check_limits(100, floor_minor=100, ceiling_minor=100)
    check_limits(100, floor_minor=None, ceiling_minor=None)
    assert negotiated_quote(facts(floor_minor=None, ceiling_minor=None)).total_minor == 68_000_000


def test_a_quote_under_a_cap_says_so_and_no_offer_may_pass_it():
    assert negotiated_quote(facts(cap_minor=76_000_000)).reasons[-1].code == "within-cap"
    with pytest.raises(PriceAboveCap):
        negotiated_quote(facts(cap_minor=75_999_999))


def test_a_replayed_negotiation_must_have_been_allowed_at_every_step():
    twice = facts()
    twice["offers"][1]["by"] = "PROVIDER"
    with pytest.raises(OfferOutOfTurn):
        negotiated_quote(twice)
    late = facts()
    late["accepted"]["at"] = "2026-11-13T01:00:00.001Z"
    with pytest.raises(OfferExpired):
        negotiated_quote(late)
    earlier = facts()
    earlier["accepted"]["offer_no"] = 1
    with pytest.raises(OfferNotLatest):
        negotiated_quote(earlier)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("offers",), []),
        (("offers",), {}),
        (("offers",), [1]),
        (("offers", 0, "by"), "BROKER"),
        (("offers", 0, "by"), None),
        (("offers", 0, "price_minor"), "76000000"),
        (("offers", 0, "made_at"), "2026-11-09T01:00:00"),
        (("offers", 0, "made_at"), "yesterday"),
        (("offers", 0, "made_at"), "0001-01-01T00:00:00+23:59"),
        (("offers", 0, "note"), "an unknown key"),
        (("accepted",), None),
        (("accepted", "offer_no"), 0),
        (("accepted", "by"), 1),
        (("floor_minor",), -1),
    ],
)
def test_facts_of_another_form_are_malformed(path, value):
    broken = facts()
    target = broken
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    with pytest.raises(Malformed):
        negotiated_quote(broken)


@settings(deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(list(Side)), st.integers(min_value=1, max_value=1000), st.integers(0, 4)),
        min_size=1,
        max_size=8,
    ),
    accepted=st.integers(min_value=1, max_value=8),
    by=st.sampled_from(list(Side)),
    wait=st.integers(min_value=0, max_value=4),
    limits=st.tuples(st.integers(1, 1000), st.integers(1, 1000)),
)
def test_whatever_is_accepted_is_the_latest_offer_within_the_limits(steps, accepted, by, wait, limits):
    made, offers = 0, []
    for side, price, gap in steps:
        made += gap
        offers.append(
            {
                "by": side.value,
                "price_minor": price,
                "made_at": rfc3339(START + made * DAY),
                "expires_at": rfc3339(START + (made + 2) * DAY),
            }
        )
    floor, ceiling = limits
    try:
        quote = negotiated_quote(
            {
                "offers": offers,
                "accepted": {
                    "offer_no": accepted,
                    "by": by.value,
                    "at": rfc3339(START + (made + wait) * DAY),
                },
                "floor_minor": floor,
                "ceiling_minor": ceiling,
            }
        )
    except (OfferOutOfTurn, OfferNotLatest, OfferIsOwn, OfferExpired, PriceOutsideLimits):
        return
    side, price, _ = steps[-1]
    assert quote.total_minor == price
    assert floor <= price <= ceiling
    assert accepted == len(steps)
    assert by is not side
    assert wait <= 2
