"""What may be listed, who reviews it, and on what price basis."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.rules import Role
from market.listings.categories import CATEGORY_LABELS, PRODUCT_TYPE_LABELS, Category, ProductType
from market.listings.errors import (
    JointReviewNeeded,
    ListingIncomplete,
    ListingMalformed,
    ListingNotOnOffer,
    ListingWrongRole,
    ListingWrongState,
    NegativeListHit,
    PriceBasisMissing,
    ReviewerIsSubmitter,
    ScenarioMissing,
)
from market.listings.rules import (
    Description,
    ListingEvent,
    ListingState,
    Materials,
    PriceBasis,
    Reviewer,
    check_description,
    check_lift,
    check_listed,
    check_materials,
    check_negative_list,
    check_price_basis,
    check_review,
    may_move,
    negative_list_hits,
    parse_category,
    parse_geo,
)
from market.listings.states import MOVES
from pricing.errors import PriceAboveCap, PriceOutOfBounds
from registry.rules import Level, PersonalData, Source

FLIGHTS = Description(
    title="2013 年纽约三机场离港航班数据集",
    description="336,776 departures",
    scenario="航班延误预测",
    category="transport",
    geo="CN",
    product_type="DATASET",
    licence_class="internal-use",
    unit="row",
    quantity=336_776,
)
CLEAN = Materials(
    level=Level.GENERAL_2,
    source=Source.SELF_COLLECTED,
    source_statement=True,
    quality_report_sha256="0" * 64,
    basis_ref="SJ4412026090001",
    personal=PersonalData(),
)
SUBMITTER = Reviewer("usr_0", "org_seller")
OFFICERS = [Reviewer(f"usr_{n}", "org_exchange") for n in range(1, 5)]


def test_the_whole_way_of_a_listing():
    state = None
    for event, role, after in [
        ("DRAFT", "PROVIDER", "DRAFT"),
        ("SUBMIT", "PROVIDER", "SUBMITTED"),
        ("SCREEN_PASS", "EXCHANGE_OPERATOR", "COMPLIANCE_REVIEW"),
        ("RETURN", "EXCHANGE_OPERATOR", "DRAFT"),
        ("SUBMIT", "BROKER", "SUBMITTED"),
        ("SCREEN_FAIL", "EXCHANGE_OPERATOR", "BLOCKED"),
        ("APPEAL", "PROVIDER", "COMPLIANCE_REVIEW"),
        ("APPROVE", "EXCHANGE_OPERATOR", "APPROVED"),
        ("LIST", "EXCHANGE_OPERATOR", "LISTED"),
        ("SUSPEND", "SAMR", "SUSPENDED"),
        ("RESUME", "SAMR", "LISTED"),
        ("UPDATE_MAJOR", "PROVIDER", "COMPLIANCE_REVIEW"),
        ("APPROVE", "EXCHANGE_OPERATOR", "APPROVED"),
        ("LIST", "EXCHANGE_OPERATOR", "LISTED"),
        ("WITHDRAW", "PROVIDER", "DELISTED"),
    ]:
        state = may_move(state, ListingEvent(event), role)
        assert state is ListingState(after)


def test_every_state_and_event_outside_the_table_is_refused():
    for state, event in itertools.product([None, *ListingState], ListingEvent):
        if (state, event) not in MOVES:
            with pytest.raises(ListingWrongState) as refused:
                may_move(state, event, "EXCHANGE_OPERATOR")
            assert refused.value.facts["allowed"] == [e.value for s, e in MOVES if s is state]


def test_every_role_outside_the_row_is_refused():
    for (state, event), move in MOVES.items():
        for role in set(Role) - move.roles:
            with pytest.raises(ListingWrongRole):
                may_move(state, event, role)
        assert move.roles <= set(Role)


def test_only_rejected_and_delisted_have_no_way_out():
    assert {move.to for move in MOVES.values()} == set(ListingState)
    assert set(ListingState) - {state for state, _ in MOVES} == {
        ListingState.REJECTED,
        ListingState.DELISTED,
    }


def test_the_exchange_does_not_lift_a_regulators_suspension():
    check_lift(suspended_by="EXCHANGE_OPERATOR", role="EXCHANGE_OPERATOR")
    check_lift(suspended_by="SAMR", role="SAMR")
    with pytest.raises(ListingWrongRole):
        check_lift(suspended_by="SAMR", role="EXCHANGE_OPERATOR")


def test_a_well_formed_description_passes():
    check_description(FLIGHTS)
    check_description(replace(FLIGHTS, geo="440100"))


@pytest.mark.parametrize("scenario", ["", "   ", "\n"])
def test_without_a_scenario_nothing_is_registered(scenario):
    with pytest.raises(ScenarioMissing) as refused:
        check_description(replace(FLIGHTS, scenario=scenario))
    assert refused.value.code == "scenario-missing"


@pytest.mark.parametrize(
    "change",
    [
        {"title": ""},
        {"title": " "},
        {"title": "x" * 121},
        {"description": ""},
        {"scenario": "x" * 4001},
        {"category": "Transport"},
        {"product_type": "ORDER_BOOK"},
        {"geo": "Guangdong"},
        {"geo": "000000"},
        {"unit": ""},
        {"licence_class": ""},
        {"quantity": 0},
        {"quantity": 10**12 + 1},
    ],
)
def test_a_member_of_another_form_is_malformed(change):
    with pytest.raises(ListingMalformed):
        check_description(replace(FLIGHTS, **change))


def test_the_catalogue_names_everything_in_both_languages():
    assert set(CATEGORY_LABELS) == set(Category)
    assert set(PRODUCT_TYPE_LABELS) == set(ProductType)
    assert len(Category) >= 10
    assert CATEGORY_LABELS[parse_category("transport")].zh == "交通运输"
    labels = [*CATEGORY_LABELS.values(), *PRODUCT_TYPE_LABELS.values()]
    assert all(label.zh and label.en and not label.zh.isascii() and label.en.isascii() for label in labels)
    assert ProductType.API.by_call
    assert not ProductType.DATASET.by_call
    assert parse_geo("CN") == "CN"


def test_the_materials_are_complete_or_the_missing_ones_are_named():
    check_materials(CLEAN)
    with pytest.raises(ListingIncomplete) as refused:
        check_materials(replace(CLEAN, source_statement=False, quality_report_sha256=None, basis_ref=""))
    assert refused.value.facts["missing"] == ["source_statement", "quality_report", "registration_or_reason"]


CONSENTED = PersonalData(contained=True, consented=True, impact_assessed=True)


@pytest.mark.parametrize(
    ("change", "hits"),
    [
        ({"state_secret": True}, ["NL1"]),
        ({"level": Level.CORE}, ["NL2"]),
        ({"level": Level.IMPORTANT}, ["NL3"]),
        ({"personal": PersonalData(contained=True, impact_assessed=True)}, ["NL4"]),
        ({"personal": PersonalData(contained=True, consented=True)}, ["NL4"]),
        ({"public_data": True}, ["NL5"]),
        ({"source": Source.PUBLIC_DUTY}, ["NL5"]),
        ({"source": Source.UNLAWFUL}, ["NL6"]),
        ({"ownership_disputed": True}, ["NL8"]),
        ({"minors_unconsented": True, "personal": CONSENTED}, ["NL9"]),
        ({"resale_barred": True}, ["NL11"]),
        ({"level": Level.CORE, "ownership_disputed": True}, ["NL2", "NL8"]),
    ],
)
def test_the_negative_list_stops_what_it_names(change, hits):
    materials = replace(CLEAN, **change)
    assert [hit.rule_id for hit in negative_list_hits(materials)] == hits
    with pytest.raises(NegativeListHit) as refused:
        check_negative_list(materials)
    assert refused.value.code == "negative-list"
    assert [hit.split("-")[0] for hit in refused.value.facts["hits"]] == hits


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"public_data": True, "grant_id": "AOG-2026-03"},
        {"level": Level.GENERAL_3, "personal": CONSENTED},
        {"level": Level.GENERAL_3, "personal": PersonalData(contained=True, anonymised=True)},
    ],
)
def test_the_negative_list_lets_the_rest_pass(change):
    check_negative_list(replace(CLEAN, **change))


def review(reviewers, level=Level.GENERAL_2, *, public_data=False):
    check_review(submitter=SUBMITTER, reviewers=reviewers, level=level, public_data=public_data)


def test_one_officer_approves_general_2():
    review(OFFICERS[:1])
    with pytest.raises(JointReviewNeeded):
        review([])


@pytest.mark.parametrize(
    ("level", "public_data"), [(Level.GENERAL_3, False), (Level.GENERAL_4, False), (Level.GENERAL_1, True)]
)
def test_three_different_officers_approve_what_matters_more(level, public_data):
    review(OFFICERS[:3], level, public_data=public_data)
    for too_few in (OFFICERS[:2], [OFFICERS[0], OFFICERS[1], OFFICERS[1]]):
        with pytest.raises(JointReviewNeeded) as refused:
            review(too_few, level, public_data=public_data)
        assert refused.value.facts == {"approved": 2, "needed": 3}


@pytest.mark.parametrize("own", [Reviewer("usr_0", "org_exchange"), Reviewer("usr_9", "org_seller")])
def test_nobody_reviews_their_own_submission(own):
    with pytest.raises(ReviewerIsSubmitter):
        review([OFFICERS[0], own])


def test_a_price_basis_is_a_price_and_for_public_data_a_cap_that_it_keeps():
    assert check_price_basis(list_price_minor=100, public_data=False, cap_minor=None) is PriceBasis.MARKET
    assert check_price_basis(list_price_minor=100, public_data=True, cap_minor=100) is PriceBasis.GUIDED_CAP
    for price, cap in ((None, None), (None, 100), (100, None)):
        with pytest.raises(PriceBasisMissing):
            check_price_basis(list_price_minor=price, public_data=True, cap_minor=cap)
    with pytest.raises(PriceBasisMissing):
        check_price_basis(list_price_minor=None, public_data=False, cap_minor=None)
    with pytest.raises(PriceOutOfBounds):
        check_price_basis(list_price_minor=0, public_data=False, cap_minor=None)


@given(price=st.integers(min_value=1, max_value=10**13), cap=st.integers(min_value=0, max_value=10**13))
def test_public_data_is_never_listed_above_its_cap(price, cap):
    if price <= cap:
        check_price_basis(list_price_minor=price, public_data=True, cap_minor=cap)
    else:
        with pytest.raises(PriceAboveCap):
            check_price_basis(list_price_minor=price, public_data=True, cap_minor=cap)


@pytest.mark.parametrize("status", [state for state in ListingState if state is not ListingState.LISTED])
def test_what_is_not_listed_is_not_on_offer(status):
    check_listed(ListingState.LISTED, listing_id="lst_1")
    with pytest.raises(ListingNotOnOffer) as refused:
        check_listed(status, listing_id="lst_1")
    assert refused.value.facts == {"listing_id": "lst_1", "status": status.value}
