"""Whom a listing is sold to: what the registers tell of a buyer, asked at the inquiry."""

from typing import Any

import pytest

from brokers.service import suspend_certificate
from identity.uscc import check_character
from ledger.reader import statements_of
from market.listings.buyers import (
    Buyer,
    BuyerConditions,
    BuyerKind,
    buyers_from,
    check_buyer,
    kind_of,
)
from market.listings.errors import BuyerConditionsUnmet, ListingMalformed
from market.orders.rules import TradeState
from tests.houses import some_uscc
from tests.market.listings.goods import listed
from tests.market.trade.scene import certified
from tests.standstill import refused

ANY = Buyer(uscc="91440101MA00000000", region="440101", roles=frozenset({"BUYER"}))


def unmet(conditions: BuyerConditions, buyer: Buyer = ANY) -> list[str]:
    try:
        check_buyer(conditions, buyer)
    except BuyerConditionsUnmet as refusal:
        return list(refusal.facts["unmet"])
    return []


@pytest.mark.parametrize(
    ("uscc", "kind"),
    [
        ("91440101MA00000000", BuyerKind.ENTERPRISE),
        ("11440000006939799F", BuyerKind.AGENCY),
        ("12440000455860582L", BuyerKind.INSTITUTION),
        ("53440000MJ00000000", BuyerKind.SOCIAL),
        ("93440101MA00000000", BuyerKind.COOPERATIVE),
        ("N2440101MA00000000", BuyerKind.OTHER),
    ],
)
def test_the_credit_code_says_what_an_organisation_is(uscc, kind):
    assert kind_of(uscc) is kind


@pytest.mark.parametrize(
    ("conditions", "failing"),
    [
        (BuyerConditions(), []),
        (BuyerConditions(kinds=(BuyerKind.ENTERPRISE,)), []),
        (BuyerConditions(kinds=(BuyerKind.AGENCY,)), ["kinds"]),
        (BuyerConditions(roles=("DATA_MERCHANT",)), ["roles"]),
        (BuyerConditions(regions=("CN",)), []),
        (BuyerConditions(regions=("440000",)), []),
        (BuyerConditions(regions=("440100", "HK")), []),
        (BuyerConditions(regions=("440300",)), ["regions"]),
        (BuyerConditions(min_grade=3), ["min_grade"]),
        (BuyerConditions(kinds=(BuyerKind.AGENCY,), regions=("HK",)), ["kinds", "regions"]),
    ],
)
def test_each_condition_is_asked_and_all_that_fail_are_named(conditions, failing):
    assert unmet(conditions) == failing


@pytest.mark.parametrize(("grade", "failing"), [(1, []), (2, []), (3, ["min_grade"]), (None, ["min_grade"])])
def test_grade_one_is_the_highest(grade, failing):
    holder = Buyer(uscc=ANY.uscc, region=ANY.region, roles=ANY.roles, grade=grade)
    assert unmet(BuyerConditions(min_grade=2), holder) == failing


@pytest.mark.parametrize(
    "document",
    [
        {"kinds": ["NOBODY"]},
        {"roles": ["BUYER"]},
        {"roles": ["SAMR"]},
        {"regions": ["Canton"]},
        {"min_grade": 0},
        {"min_grade": 4},
        {"min_grade": True},
        {"turnover": 5},
    ],
)
def test_conditions_that_no_register_can_answer_are_malformed(document: dict[str, Any]):
    with pytest.raises(ListingMalformed):
        buyers_from(document)


def test_conditions_are_read_as_they_were_written():
    conditions = BuyerConditions(
        kinds=(BuyerKind.AGENCY, BuyerKind.ENTERPRISE),
        roles=("DATA_MERCHANT",),
        regions=("440000", "HK"),
        min_grade=2,
    )
    assert buyers_from(conditions.document()) == conditions


async def test_a_listing_is_inquired_about_by_those_it_is_sold_to_and_by_nobody_else(scene):
    only = BuyerConditions(kinds=(BuyerKind.ENTERPRISE,), regions=("440300",))
    listing = await listed(scene.house, scene.seller, salt="chosen", buyers=only)
    async with scene.database.read() as s:
        (draft, *_) = await statements_of(s, object_id=listing.listing_id)
    assert draft.predicate["buyer_conditions"] == only.document()
    asked = {"listing_id": listing.listing_id, "broker_id": None}
    async with refused(scene.database, BuyerConditionsUnmet):
        await scene.inquire(**asked)  # an enterprise of Guangzhou
    body = "12440300" + "455860582"
    agency = await scene.house.admit("深圳市某事业单位", {"BUYER"}, uscc=body + check_character(body))
    async with refused(scene.database, BuyerConditionsUnmet):
        await scene.inquire(who=agency, **asked)
    fitting = await scene.house.admit("深圳科技", {"BUYER"}, uscc=some_uscc(region="440300"))
    assert (await scene.inquire(who=fitting, **asked)).status is TradeState.INQUIRED


async def test_a_certificate_counts_while_it_is_in_force(sqlite_scene):
    scene = sqlite_scene
    listing = await listed(scene.house, scene.seller, salt="graded", buyers=BuyerConditions(min_grade=2))
    buyer = await scene.house.admit("持证机构", {"BUYER", "BROKER"})
    asked = {"listing_id": listing.listing_id, "broker_id": None}
    async with refused(scene.database, BuyerConditionsUnmet):
        await scene.inquire(who=buyer, **asked)

    held = await certified(scene.authority, buyer, cert_no="GD-DB-M-2-0099")
    assert (await scene.inquire(who=buyer, **asked)).status is TradeState.INQUIRED
    await scene.authority.do(suspend_certificate, cert_id=held.cert_id, reason_code="ANNUAL_FAIL")
    async with refused(scene.database, BuyerConditionsUnmet):
        await scene.inquire(who=buyer, **asked)
