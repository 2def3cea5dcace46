"""Matching: exact points and reasons, one order whatever the order of the input, and nobody's name in it."""

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.listings.categories import Category, ProductType
from market.listings.conditions import Conditions, Purpose
from market.mediation.errors import MatchesMalformed, NotAMatch, OrderUnexplained
from market.mediation.matching import (
    MUSTS,
    POINTS,
    Asked,
    Criterion,
    Offering,
    Verdict,
    departs,
    judge,
    matching,
    tie_of,
)
from market.mediation.rules import check_sent
from market.requests.errors import RequestMalformed
from market.requests.wishes import Wishes, wishes_from, wishes_of
from registry.declared import Frequency
from registry.rules import Level

WISHES = Wishes(
    fields=("county", "month", "index"),
    frequency=Frequency.MONTHLY,
    level=Level.GENERAL_2,
    licence_class="internal-use",
)
ASKED = Asked(
    request_id="req_1",
    buyer_id="org_buyer",
    buyer_place="440106",
    category=Category.ENERGY,
    geo="440000",
    purpose=Purpose.RISK_CONTROL,
    product_type=ProductType.DATASET,
    budget_max_minor=100_000,
    wishes=WISHES,
)
GOOD = Offering(
    listing_id="lst_1",
    seller_id="org_a",
    category=Category.ENERGY,
    geo="440000",
    product_type=ProductType.DATASET,
    level=Level.GENERAL_2,
    licence_class="internal-use",
    list_price_minor=100_000,
    fields=("County", "month", "INDEX", "more"),
    frequency=Frequency.DAILY,
)


def told(asked=ASKED, **changes):
    match = judge(asked, replace(GOOD, **changes))
    return {one.criterion: (one.verdict, one.points, one.of) for one in match.reasons}


def test_what_fits_in_everything_has_every_point_and_says_so():
    match = judge(ASKED, GOOD)
    assert (match.points, match.of, match.fits) == (100, 100, True)
    assert sum(POINTS.values()) == 100
    assert [one.criterion for one in match.reasons] == list(Criterion)
    assert {one.verdict for one in match.reasons} == {Verdict.MET}


@pytest.mark.parametrize(
    ("changes", "criterion", "verdict", "points"),
    [
        ({"geo": "CN"}, Criterion.TERRITORY, Verdict.PARTLY, 18),
        ({"geo": "440100"}, Criterion.TERRITORY, Verdict.PARTLY, 8),
        ({"geo": "330000"}, Criterion.TERRITORY, Verdict.NOT_MET, 0),
        ({"product_type": ProductType.API}, Criterion.DELIVERY, Verdict.NOT_MET, 0),
        ({"fields": ("month", "index")}, Criterion.FIELDS, Verdict.PARTLY, 13),
        ({"fields": ("other",)}, Criterion.FIELDS, Verdict.NOT_MET, 0),
        ({"fields": ()}, Criterion.FIELDS, Verdict.NOT_SAID, 0),
        ({"list_price_minor": 120_000}, Criterion.BUDGET, Verdict.PARTLY, 5),
        ({"list_price_minor": 120_001}, Criterion.BUDGET, Verdict.NOT_MET, 0),
        ({"list_price_minor": None}, Criterion.BUDGET, Verdict.NOT_SAID, 5),
        ({"frequency": Frequency.MONTHLY}, Criterion.FREQUENCY, Verdict.MET, 10),
        ({"frequency": Frequency.QUARTERLY}, Criterion.FREQUENCY, Verdict.NOT_MET, 0),
        ({"frequency": Frequency.ONCE}, Criterion.FREQUENCY, Verdict.NOT_MET, 0),
        ({"frequency": None}, Criterion.FREQUENCY, Verdict.NOT_SAID, 0),
        ({"licence_class": "resale"}, Criterion.LICENCE, Verdict.NOT_MET, 0),
        ({"level": Level.GENERAL_3}, Criterion.LEVEL, Verdict.NOT_MET, 0),
        ({"level": Level.GENERAL_1}, Criterion.LEVEL, Verdict.MET, 5),
    ],
)
def test_each_criterion_gives_its_own_points_and_no_others(changes, criterion, verdict, points):
    found = told(**changes)
    assert found.pop(criterion) == (verdict, points, POINTS[criterion])
    assert {one[0] for one in found.values()} == {Verdict.MET}


@pytest.mark.parametrize(
    ("changes", "criterion"),
    [
        ({"category": Category.FINANCE}, Criterion.CATEGORY),
        ({"conditions": Conditions(purposes=frozenset({Purpose.RESEARCH}))}, Criterion.PURPOSE),
        ({"conditions": Conditions(territory=("330000",))}, Criterion.RECIPIENT),
        ({"for_this_buyer": False}, Criterion.RECIPIENT),
    ],
)
def test_what_misses_a_must_is_no_match_whatever_its_points(changes, criterion):
    found = matching(ASKED, [replace(GOOD, **changes)])
    assert not found.matches
    (other,) = found.others
    assert [one.criterion for one in other.reasons if one.verdict is Verdict.NOT_MET] == [criterion]
    assert (other.points, criterion in MUSTS) == (100, True)
    assert matching(ASKED, [replace(GOOD, conditions=Conditions(territory=("440000", "SG")))]).matches


def test_what_is_not_asked_for_counts_for_nobody():
    bare = replace(ASKED, wishes=Wishes(), product_type=None, budget_max_minor=None)
    match = judge(bare, GOOD)
    assert (match.points, match.of) == (25, 25)
    assert [one.verdict for one in match.reasons].count(Verdict.NOT_ASKED) == 6
    hidden = told(replace(ASKED, budget_max_minor=None, budget_told=False))
    assert hidden[Criterion.BUDGET] == (Verdict.NOT_TOLD, 0, 0)
    once = replace(ASKED, wishes=replace(WISHES, frequency=Frequency.ONCE))
    assert told(once)[Criterion.FREQUENCY][0] is Verdict.MET


offerings = st.lists(
    st.builds(
        lambda number, geo, price, fields, level: replace(
            GOOD, listing_id=f"lst_{number}", seller_id=f"org_{number % 3}", geo=geo,
            list_price_minor=price, fields=fields, level=level,
        ),
        st.integers(1, 40),
        st.sampled_from(["440000", "CN", "440100", "330000"]),
        st.sampled_from([None, 90_000, 110_000, 200_000]),
        st.sampled_from([(), ("month",), ("county", "month", "index")]),
        st.sampled_from([Level.GENERAL_1, Level.GENERAL_3]),
    ),
    unique_by=lambda one: one.listing_id,
    max_size=12,
)  # fmt: skip


@settings(max_examples=40)
@given(offerings, st.randoms(use_true_random=False), st.permutations(["org_0", "org_1", "org_2"]))
def test_the_order_is_one_and_knows_no_seller(found, chance, others):
    order = [one.listing_id for one in matching(ASKED, found).matches]
    mixed = found[:]
    chance.shuffle(mixed)
    named = dict(zip(["org_0", "org_1", "org_2"], others, strict=True))
    renamed = [replace(one, seller_id=named[one.seller_id]) for one in mixed]
    assert [one.listing_id for one in matching(ASKED, renamed).matches] == order
    matches = matching(ASKED, found).matches
    keys = [(-one.points, one.tie) for one in matches]
    assert keys == sorted(keys)
    assert all(0 <= reason.points <= reason.of for one in matches for reason in one.reasons)


def test_equals_stand_by_a_digest_that_anybody_can_take():
    wanted = hashlib.sha256(b"databourse/matching-tie/v1\nreq_1\nlst_1\n").hexdigest()
    assert tie_of("req_1", "lst_1") == wanted
    three = [replace(GOOD, listing_id=f"lst_{n}") for n in (1, 2, 3)]
    order = [one.listing_id for one in matching(ASKED, three).matches]
    assert order == sorted(order, key=lambda listing_id: tie_of("req_1", listing_id))
    assert not matching(ASKED, [replace(GOOD, seller_id="org_buyer")]).matches  # nobody matches itself


def test_another_choice_or_order_than_the_neutral_one_needs_its_reason():
    order = ["a", "b", "c"]
    assert [departs(sent, order) for sent in (["a"], ["a", "b"], ["b"], ["a", "c"], ["b", "a"])] == [
        *(False, False, True, True, True)
    ]
    assert check_sent(["a", "b"], order, reason=" ", request_id="r") == (False, None)
    assert check_sent(["b"], order, reason=" asked for ", request_id="r") == (True, "asked for")
    with pytest.raises(OrderUnexplained):
        check_sent(["b"], order, reason=None, request_id="r")
    with pytest.raises(NotAMatch) as caught:
        check_sent(["a", "d"], order, reason="because", request_id="r")
    assert caught.value.facts["listing_id"] == "d"
    for wrong in ([], ["a", "a"], [str(n) for n in range(21)]):
        with pytest.raises(MatchesMalformed):
            check_sent(wrong, order, reason=None, request_id="r")
    with pytest.raises(MatchesMalformed):
        check_sent(["a"], order, reason="x" * 301, request_id="r")


def test_wishes_have_a_form_and_are_kept_as_they_are():
    said = wishes_of(fields=(" county ", "county", "month"), licence_class=" ", frequency=Frequency.DAILY)
    assert said == Wishes(fields=("county", "month"), frequency=Frequency.DAILY)
    assert wishes_from(said.document()) == said
    assert wishes_from(WISHES.document()) == WISHES
    assert wishes_of() is None
    for wrong in ({"fields": [""]}, {"fields": ["x" * 61]}, {"fields": [str(n) for n in range(31)]}):
        with pytest.raises(RequestMalformed):
            wishes_of(**wrong)
    with pytest.raises(RequestMalformed):
        wishes_of(licence_class="x" * 61)
