"""Mechanisms against the plainest arithmetic there is: what a changed line of theirs would not survive."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from hashlib import sha256
from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from base.clock import rfc3339
from base.errors import DomainError
from pricing.bids import commitment_of
from pricing.cap import permitted_revenue
from pricing.composite import MAX_DEPTH, composite_quote
from pricing.errors import TooMuchToPrice
from pricing.guide import guide_quote
from pricing.negotiated import negotiated_quote
from pricing.rsop import side_of
from pricing.second_price import second_price_quote
from pricing.subscription import subscription_quote
from pricing.tiers import tiers_quote
from pricing.volume import volume_quote

SMALL = st.integers(0, 9)
NOON = datetime(2026, 11, 9, 4, tzinfo=UTC)


@st.composite
def short_ladders(draw):
    """Breaks that lie close together, so that a quantity is often just below one."""
    widths = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    rates = draw(st.lists(st.integers(0, 60), min_size=len(widths) + 1, max_size=len(widths) + 1))
    breaks = [sum(widths[: n + 1]) for n in range(len(widths))]
    return [
        {"up_to": up_to, "rate_minor": f"{rate // 10}.{rate % 10}"}
        for up_to, rate in zip([*breaks, None], rates, strict=True)
    ]


def rate_of(tiers, unit):
    """The rate of the tier in which a unit lies; the first unit is 1."""
    return next(Fraction(one["rate_minor"]) for one in tiers if one["up_to"] is None or unit <= one["up_to"])


@given(tiers=short_ladders(), quantity=st.integers(0, 16))
def test_each_unit_at_the_rate_of_its_tier_and_all_units_at_the_best_of_this_quantity_or_more(
    tiers, quantity
):
    graduated = tiers_quote({"tiers": tiers, "quantity": quantity})
    assert graduated.total_minor == ceil(sum(rate_of(tiers, unit) for unit in range(1, quantity + 1)))
    volume = volume_quote({"tiers": tiers, "quantity": quantity})
    totals = {more: more * rate_of(tiers, max(more, 1)) for more in range(quantity, 40)}
    assert volume.total_minor == ceil(min(totals.values()))
    assert Fraction(volume.results["exact_minor"]) == min(totals.values())
    assert volume.results["raw_minor"] == ceil(totals[quantity])
    charged = volume.results["charged_quantity"]
    assert totals[charged] == min(totals.values())
    assert (charged != quantity) is any(reason.code == "larger-costs-less" for reason in volume.reasons)
    assert (charged == quantity) is (totals[quantity] == min(totals.values()))


def test_a_published_storage_table():
    """https://aws.amazon.com/s3/pricing/, Standard: 50 TB, the next 450 TB, what is over; GB and US cents."""
    tiers = [
        {"up_to": 51_200, "rate_minor": "2.3"},
        {"up_to": 512_000, "rate_minor": "2.2"},
        {"up_to": None, "rate_minor": "2.1"},
    ]
    for gigabytes, cents in ((1, 3), (51_200, 117_760), (51_201, 117_763), (600_000, 1_316_320)):
        assert tiers_quote({"tiers": tiers, "quantity": gigabytes}).total_minor == cents


@given(
    prices=st.lists(SMALL, min_size=1, max_size=6),
    units=st.integers(1, 4),
    reserve=st.none() | SMALL,
    silent=st.integers(0, 2),
)
def test_a_second_price_auction_says_what_decided_it(prices, units, reserve, silent):
    nonce = "ab" * 32
    bids = [
        {
            "bidder": f"b{n}",
            "price_minor": price,
            "nonce": nonce,
            "commitment": commitment_of(f"b{n}", price, nonce),
        }
        for n, price in enumerate(prices)
    ]
    bids += [{"bidder": f"s{n}", "commitment": f"{n}" * 64} for n in range(silent)]
    facts = {"units": units, "bids": bids} | ({} if reserve is None else {"reserve_minor": reserve})
    quote = second_price_quote(facts)
    able = sorted((price for price in prices if price >= (reserve or 0)), reverse=True)
    losing = able[units] if len(able) > units else None
    decisive = [reason.code for reason in quote.reasons if reason.code not in {"bids-opened", "not-opened"}]
    assert any(reason.code == "not-opened" for reason in quote.reasons) is bool(silent)
    if not able:
        assert (decisive, quote.results["price_minor"]) == (["reserve-not-met"], None)
    elif losing is not None and losing > (reserve or 0):
        assert (decisive, quote.results["price_minor"]) == (["highest-losing-bid"], losing)
    else:
        assert (decisive, quote.results["price_minor"]) == (["reserve-decides"], reserve or 0)
    assert quote.results["forfeited_minor"] == {f"s{n}": 0 for n in range(silent)}
    assert len(quote.results["winners"]) == min(units, len(able))
    assert quote.results["revenue_minor"] == (quote.results["price_minor"] or 0) * min(units, len(able))


@pytest.mark.parametrize("kept", ["price_minor", "nonce"])
def test_half_of_an_opening_opens_nothing(kept):
    whole = {"price_minor": 5, "nonce": "ab" * 32}
    bid = {"bidder": "a", "commitment": commitment_of("a", 5, "ab" * 32), kept: whole[kept]}
    assert second_price_quote({"units": 1, "bids": [bid]}).results["withdrawn"] == ["a"]


@given(seed=st.binary(min_size=1, max_size=32).map(bytes.hex), bidder=st.text(min_size=1, max_size=9))
def test_a_side_is_the_last_bit_of_the_published_hash(seed, bidder):
    last = sha256(b"databourse rsop v1\n" + seed.encode() + b"\n" + bidder.encode()).digest()[-1]
    assert side_of(seed, bidder) == "AB"[last & 1]
    assert side_of(seed.upper(), bidder) == side_of(seed, bidder)


WEIGHT = st.integers(0, 5).map(str)


@settings(max_examples=60)
@given(
    cost=st.integers(0, 10**6),
    incomes=st.lists(st.integers(0, 10**6), min_size=1, max_size=3),
    prices=st.lists(st.integers(1, 10**6), min_size=5, max_size=7),
    weights=st.tuples(WEIGHT, WEIGHT, WEIGHT).filter(lambda three: any(map(int, three))),
    times=st.integers(2, 9),
)
def test_a_guide_price_spans_its_approaches_and_its_middle_is_their_mean(
    cost, incomes, prices, weights, times
):
    names = ("cost", "income", "market")
    facts = {
        "cost": {"costs": {"build": cost}},
        "income": {"income_minor": incomes},
        "market": {"comparables": [{"price_minor": price} for price in prices]},
        "weights": dict(zip(names, weights, strict=True)),
    }
    found = guide_quote(facts).results
    parts = found["approaches"]
    assert set(parts) == set(names)
    assert found["low_minor"] == min(part["low_minor"] for part in parts.values())
    assert found["high_minor"] == max(part["high_minor"] for part in parts.values())
    assert found["low_minor"] <= found["mid_minor"] <= found["high_minor"]
    whole = sum(map(int, weights))
    mean = sum(
        Fraction(int(weight), whole) * parts[name]["mid_minor"]
        for name, weight in zip(names, weights, strict=True)
    )
    assert abs(found["mid_minor"] - mean) <= 1  # each middle is rounded by itself
    scaled = facts | {"weights": {name: str(int(facts["weights"][name]) * times) for name in names}}
    again = guide_quote(scaled).results
    assert (again["mid_minor"], again["disagreement"]) == (found["mid_minor"], found["disagreement"])
    mids = [part["mid_minor"] for part in parts.values()]
    if (mid := found["mid_minor"]) > 0:  # told of the exact middles; each shown is at most half a fen off
        told = Fraction(found["disagreement"])
        assert abs(told * mid - (max(mids) - min(mids))) <= 1 + told / 2 + Fraction(mid, 10**6)


@given(fee=st.integers(1, 10**6), quantity=st.integers(1, 120))
def test_periods_are_a_fee_each(fee, quantity):
    quote = subscription_quote({"fee_minor": fee, "quantity": quantity})
    assert (quote.total_minor, quote.results["periods"]) == (fee * quantity, quantity)


@given(
    sides=st.tuples(*[st.sampled_from(["PROVIDER", "BUYER"])] * 2),
    prices=st.lists(st.integers(1, 20), min_size=1, max_size=4),
    limits=st.tuples(st.none() | st.integers(1, 20), st.none() | st.integers(1, 20)),
    cap=st.none() | st.integers(1, 20),
    late=st.integers(-1, 1),
)
def test_an_offer_is_accepted_by_the_other_side_in_time_and_within_the_limits(
    sides, prices, limits, cap, late
):
    (first, by), (floor, ceiling) = sides, limits
    turns = [first, "BUYER" if first == "PROVIDER" else "PROVIDER"]
    offers = [
        {
            "by": turns[n % 2],
            "price_minor": price,
            "made_at": rfc3339(NOON + timedelta(hours=n)),
            "expires_at": rfc3339(NOON + timedelta(hours=n + 2)),
        }
        for n, price in enumerate(prices)
    ]
    at = NOON + timedelta(hours=len(prices) + 1, seconds=late)
    facts = {"offers": offers, "accepted": {"offer_no": len(prices), "by": by, "at": rfc3339(at)}}
    told = {"floor_minor": floor, "ceiling_minor": ceiling, "cap_minor": cap}
    facts |= {name: value for name, value in told.items() if value is not None}
    last = prices[-1]
    fits = (
        by != offers[-1]["by"]
        and late <= 0
        and (floor or 0) <= last <= (ceiling or 20)
        and all(price <= (cap or 20) for price in prices)
    )
    try:
        quote = negotiated_quote(facts)
    except DomainError:
        assert not fits
        return
    assert fits
    assert quote.total_minor == last
    assert any(reason.code == "within-cap" for reason in quote.reasons) is (cap is not None)


@st.composite
def compositions(draw):
    """Three products, each of later ones and of sources, in basis points."""
    found = {}
    for at, name in enumerate("PQR"):
        parts = draw(st.lists(st.sampled_from("PQR"[at + 1 :] + "abc"), min_size=1, max_size=3, unique=True))
        cuts = sorted(draw(st.sets(st.integers(1, 9_999), min_size=len(parts) - 1, max_size=len(parts) - 1)))
        bounds = [0, *cuts, 10_000]
        found[name] = {part: bounds[n + 1] - bounds[n] for n, part in enumerate(parts)}
    return found


def reached(composition, name):
    """Along every path from a product to its sources, one after the other."""
    if name not in composition:
        return {name: Fraction(1)}
    found = {}
    for part, share in composition[name].items():
        for source, more in reached(composition, part).items():
            found[source] = found.get(source, 0) + Fraction(share, 10_000) * more
    return found


@given(composition=compositions(), revenue=st.integers(0, 10**9))
def test_a_source_gets_what_every_path_brings_it(composition, revenue):
    found = composite_quote({"revenue_minor": revenue, "product": "P", "composition": composition}).results
    exact = reached(composition, "P")
    assert {name: Fraction(share) for name, share in found["shares"].items()} == exact
    assert sum(found["payouts_minor"].values()) == revenue
    for name, share in exact.items():
        assert abs(found["payouts_minor"][name] - share * revenue) < 1


@pytest.mark.parametrize(
    "parts",
    [{"a": 10_000, "b": 0}, {"a": 15_000, "b": -5_000}, {"a": "10000"}, {"a": True, "b": 9_999}, {"a": 1e4}],
)
def test_a_share_is_a_whole_number_of_basis_points(parts):
    with pytest.raises(DomainError) as refused:
        composite_quote({"revenue_minor": 5, "product": "P", "composition": {"P": parts}})
    assert refused.value.code == "malformed"


def test_a_chain_of_products_may_be_so_deep_and_no_deeper():
    def chain(steps):
        return {f"P{i}" if i else "P": {f"P{i + 1}": 10_000} for i in range(steps)}

    facts = {"revenue_minor": 5, "product": "P"}
    found = composite_quote(facts | {"composition": chain(MAX_DEPTH)})
    assert found.results["payouts_minor"] == {f"P{MAX_DEPTH}": 5}
    with pytest.raises(TooMuchToPrice):
        composite_quote(facts | {"composition": chain(MAX_DEPTH + 1)})


@given(cost=st.integers(0, 10**6), actual=st.integers(0, 2 * 10**6))
def test_an_excess_is_told_where_there_is_one(cost, actual):
    year = {"cost_minor": cost, "subsidy_minor": 0, "bond_yield": "0.0175", "margin": "0.06"}
    quote = permitted_revenue(year | {"actual_minor": actual})
    excess = max(actual - quote.results["permitted_minor"], 0)
    assert quote.results["excess_minor"] == excess
    assert any(reason.code == "excess-carried" for reason in quote.reasons) is (excess > 0)
